//! Every page of every list that a server offers.
use std::collections::HashSet;

use mcpsec_model::{
    manifest::{Kind, MAX_ENTRIES, ManifestParts},
    text::Untrusted,
};
use serde_json::{Map, Value};

use super::{Client, Hello, MAX_CURSOR, MAX_PAGES, McpError, client::METHOD_NOT_FOUND};

impl Client {
    /// Asks for all lists of the capabilities that the server declared, every page of each.
    ///
    /// # Errors
    /// See [`McpError`].
    pub fn lists(&mut self, hello: &Hello) -> Result<ManifestParts, McpError> {
        let mut parts = ManifestParts {
            server_info: hello.server_info.clone(),
            capabilities: hello.capabilities.clone(),
            instructions: hello.instructions.clone(),
            ..ManifestParts::default()
        };
        let mut count = 0;
        for kind in Kind::ALL {
            if hello.capabilities.get(capability(kind)).is_none_or(Value::is_null) {
                continue;
            }
            let entries = self.list(kind, &mut count)?;
            match kind {
                Kind::Tool => parts.tools = entries,
                Kind::Prompt => parts.prompts = entries,
                Kind::Resource => parts.resources = entries,
                Kind::Template => parts.templates = entries,
            }
        }
        Ok(parts)
    }

    /// All pages of one list. `count` is of all lists together.
    fn list(&mut self, kind: Kind, count: &mut usize) -> Result<Vec<Value>, McpError> {
        let method = method(kind);
        let patience = self.bounds().answer;
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
            // 2026-07-28: anything but `complete` is a question back, which lists have no use for.
            if result.get("resultType").is_some_and(|kind| kind != "complete") {
                return Err(McpError::NotMcp(format!("the result of `{method}` is not complete")));
            }
            match result.get_mut(kind.list()).map(Value::take) {
                Some(Value::Array(list)) => {
                    *count += list.len();
                    entries.extend(list);
                }
                _ => return Err(McpError::NotMcp(format!("the result of `{method}` has no list `{}`", kind.list()))),
            }
            if *count > MAX_ENTRIES {
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
