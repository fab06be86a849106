//! TOML, with the bytes of every value.
use toml_edit::{Document, Item, TableLike, Value};

use super::{
    ClientError,
    tree::{Kind, List, MAX_DEPTH, Map, Member, Node, position},
};

/// Reads a text without byte order mark. TOML itself refuses a name that stands twice.
pub(super) fn parse(text: &str) -> Result<Node, ClientError> {
    let document = Document::parse(text).map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        ClientError::form(line, column, error.message().lines().next().unwrap_or("not TOML"))
    })?;
    let map = table(text, document.as_table(), false, 0)?;
    Ok(Node { span: 0..text.len(), kind: Kind::Map(map) })
}

fn table(text: &str, table: &dyn TableLike, flow: bool, depth: usize) -> Result<Map, ClientError> {
    let mut members = Vec::with_capacity(table.len());
    for (key, item) in table.iter() {
        let value = convert(text, item, depth + 1)?;
        let key_span = table.key(key).and_then(toml_edit::Key::span).unwrap_or(value.span.start..value.span.start);
        members.push(Member { key: key.to_owned(), key_span, value });
    }
    Ok(Map { members, flow })
}

fn convert(text: &str, item: &Item, depth: usize) -> Result<Node, ClientError> {
    let span = item.span().unwrap_or(0..0);
    if depth > MAX_DEPTH {
        return Err(ClientError::deep(text, span.start));
    }
    let kind = match item {
        Item::None => Kind::Other(String::new()),
        Item::Table(inner) => Kind::Map(table(text, inner, false, depth)?),
        Item::ArrayOfTables(tables) => {
            let items: Result<Vec<Node>, ClientError> = tables
                .iter()
                .map(|each| {
                    let kind = Kind::Map(table(text, each, false, depth + 1)?);
                    Ok(Node { span: each.span().unwrap_or(0..0), kind })
                })
                .collect();
            Kind::List(List { items: items?, flow: false })
        }
        Item::Value(inner) => value(text, inner, depth)?,
    };
    Ok(Node { span, kind })
}

fn value(text: &str, value: &Value, depth: usize) -> Result<Kind, ClientError> {
    Ok(match value {
        Value::String(inner) => Kind::Text(inner.value().clone()),
        Value::Boolean(inner) => Kind::Bool(*inner.value()),
        Value::Array(inner) => {
            let items: Result<Vec<Node>, ClientError> = inner
                .iter()
                .map(|each| {
                    let span = each.span().unwrap_or(0..0);
                    if depth + 1 > MAX_DEPTH {
                        return Err(ClientError::deep(text, span.start));
                    }
                    Ok(Node { span, kind: self::value(text, each, depth + 1)? })
                })
                .collect();
            Kind::List(List { items: items?, flow: true })
        }
        Value::InlineTable(inner) => Kind::Map(table(text, inner, !inner.is_dotted(), depth)?),
        other => Kind::Other(text.get(other.span().unwrap_or(0..0)).unwrap_or_default().to_owned()),
    })
}
