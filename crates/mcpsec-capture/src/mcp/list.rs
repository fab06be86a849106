//! Every page of every list that a server offers.
use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use mcpsec_model::{
    manifest::{Kind, MAX_ENTRIES, ManifestParts},
    text::Untrusted,
};
use serde_json::{Map, Value};

use super::{Client, Hello, MAX_CURSOR, MAX_PAGES, McpError, client::METHOD_NOT_FOUND};

/// How much was kept of all lists together.
#[derive(Default)]
struct Kept {
    entries: usize,
    bytes: usize,
}

/// What the lists of a server hold.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lists {
    /// All entries, with what the server said when it was greeted.
    pub parts: ManifestParts,
    /// Lists that were answered with an error, and its code. Never the one of tools.
    pub refused: BTreeMap<Kind, i64>,
}

impl Client {
    /// Asks for all lists of the capabilities that the server declared, every page of each.
    ///
    /// Lists beside that of tools may be answered with an error where the tools were listed: a server whose documents lie
    /// in a database that is out of reach here still tells its tools.
    ///
    /// # Errors
    /// See [`McpError`].
    pub fn lists(&mut self, hello: &Hello) -> Result<Lists, McpError> {
        let mut lists = Lists {
            parts: ManifestParts {
                server_info: hello.server_info.clone(),
                capabilities: hello.capabilities.clone(),
                instructions: hello.instructions.clone(),
                ..ManifestParts::default()
            },
            refused: BTreeMap::new(),
        };
        let patience = self.bounds().answer;
        let mut kept = Kept { bytes: self.answer_size(), ..Kept::default() };
        for kind in Kind::ALL.into_iter().filter(|kind| declares(hello, *kind)) {
            match self.list(kind, patience, &mut kept) {
                Ok(entries) => *list_of(&mut lists.parts, kind) = entries,
                Err(McpError::ServerError { code, .. }) if kind != Kind::Tool && !lists.parts.tools.is_empty() => {
                    lists.refused.insert(kind, code);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(lists)
    }

    /// Asks for the lists that the server did not declare. Some clients do so without looking, and hear what is hidden
    /// there. Most servers refuse, some end; neither is an error.
    ///
    /// # Errors
    /// See [`McpError`].
    pub fn undeclared_lists(&mut self, hello: &Hello) -> Result<ManifestParts, McpError> {
        let mut parts = ManifestParts::default();
        let mut kept = Kept::default();
        let end = Instant::now() + self.bounds().undeclared;
        for kind in Kind::ALL.into_iter().filter(|kind| !declares(hello, *kind)) {
            match self.list(kind, end.saturating_duration_since(Instant::now()), &mut kept) {
                Ok(entries) => *list_of(&mut parts, kind) = entries,
                Err(McpError::ServerError { .. } | McpError::NotMcp(_)) => {}
                Err(McpError::NoAnswer { .. } | McpError::Closed { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(parts)
    }

    /// All pages of one list.
    fn list(&mut self, kind: Kind, patience: Duration, kept: &mut Kept) -> Result<Vec<Value>, McpError> {
        let method = method(kind);
        let mut entries = Vec::new();
        let mut cursor: Option<String> = None;
        let mut seen = HashSet::new();
        for page in 0..MAX_PAGES {
            let mut params = Map::new();
            if let Some(cursor) = cursor.take() {
                params.insert("cursor".to_owned(), Value::String(cursor));
            }
            let mut result = match self.result(method, params, patience) {
                // It declares more than it has, as many do; clients see no such list.
                Err(McpError::ServerError { code: METHOD_NOT_FOUND, .. }) if page == 0 => return Ok(entries),
                other => other?,
            };
            kept.bytes += self.answer_size();
            if kept.bytes > self.bounds().manifest {
                return Err(McpError::ManifestTooLarge(self.bounds().manifest));
            }
            // 2026-07-28: anything but `complete` is a question back, which lists have no use for.
            if result.get("resultType").is_some_and(|kind| kind != "complete") {
                return Err(McpError::NotMcp(format!("the result of `{method}` is not complete")));
            }
            match result.get_mut(kind.list()).map(Value::take) {
                Some(Value::Array(list)) => {
                    kept.entries += list.len();
                    entries.extend(list);
                }
                _ => return Err(McpError::NotMcp(format!("the result of `{method}` has no list `{}`", kind.list()))),
            }
            if kept.entries > MAX_ENTRIES {
                return Err(McpError::TooManyEntries { method });
            }
            // The empty text is a cursor like any other ("Pagination": cursors are opaque); only its absence is the end.
            match result.get_mut("nextCursor").map(Value::take).unwrap_or_default() {
                Value::Null => return Ok(entries),
                Value::String(next) if next.len() > MAX_CURSOR => {
                    return Err(McpError::CursorTooLong { method, length: next.len() });
                }
                Value::String(next) => {
                    if !seen.insert(next.clone()) {
                        return Err(McpError::CursorLoop { method, cursor: Untrusted::new(next) });
                    }
                    cursor = Some(next);
                }
                _ => return Err(McpError::NotMcp(format!("`nextCursor` of `{method}` is no text"))),
            }
        }
        Err(McpError::TooManyPages { method })
    }
}

fn method(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "tools/list",
        Kind::Prompt => "prompts/list",
        Kind::Resource => "resources/list",
        Kind::Template => "resources/templates/list",
    }
}

fn capability(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "tools",
        Kind::Prompt => "prompts",
        Kind::Resource | Kind::Template => "resources",
    }
}

fn declares(hello: &Hello, kind: Kind) -> bool {
    hello.capabilities.get(capability(kind)).is_some_and(|value| !value.is_null())
}

fn list_of(parts: &mut ManifestParts, kind: Kind) -> &mut Vec<Value> {
    match kind {
        Kind::Tool => &mut parts.tools,
        Kind::Prompt => &mut parts.prompts,
        Kind::Resource => &mut parts.resources,
        Kind::Template => &mut parts.templates,
    }
}
