//! JSON as clients read it: with comments and trailing commas, and nothing else beyond the standard.
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, ast, common::Ranged as _};

use super::{
    ClientError,
    tree::{Kind, List, MAX_DEPTH, Map, Member, Node, position},
};

const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads a text without byte order mark. An empty file says nothing, which is an empty map.
pub(super) fn parse(text: &str) -> Result<Node, ClientError> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let parsed = jsonc_parser::parse_to_ast(text, &collect, &OPTIONS).map_err(|error| {
        let (line, column) = position(text, error.range().start);
        ClientError::form(line, column, error.kind())
    })?;
    match parsed.value {
        Some(value) => convert(text, &value, 0),
        None => Ok(Node { span: 0..0, kind: Kind::Map(Map { members: Vec::new(), flow: true }) }),
    }
}

fn convert(text: &str, value: &ast::Value<'_>, depth: usize) -> Result<Node, ClientError> {
    let range = value.range();
    if depth > MAX_DEPTH {
        return Err(ClientError::deep(text, range.start));
    }
    let kind = match value {
        ast::Value::StringLit(literal) => Kind::Text(literal.value.clone().into_owned()),
        ast::Value::BooleanLit(literal) => Kind::Bool(literal.value),
        ast::Value::NumberLit(literal) => Kind::Other(literal.value.to_owned()),
        ast::Value::NullKeyword(_) => Kind::Other("null".to_owned()),
        ast::Value::Array(array) => {
            let items: Result<Vec<Node>, ClientError> =
                array.elements.iter().map(|element| convert(text, element, depth + 1)).collect();
            Kind::List(List { items: items?, flow: true })
        }
        ast::Value::Object(object) => {
            let mut members = Vec::with_capacity(object.properties.len());
            for property in &object.properties {
                let name = property.name.range();
                members.push(Member {
                    key: property.name.as_str().to_owned(),
                    key_span: name.start..name.end,
                    value: convert(text, &property.value, depth + 1)?,
                });
            }
            Kind::Map(Map { members, flow: true })
        }
    };
    Ok(Node { span: range.start..range.end, kind })
}
