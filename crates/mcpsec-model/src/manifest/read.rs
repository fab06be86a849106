//! Manifests from files: our own form, results of the protocol, and lists of tools as other programs save them.
use serde_json::Value;

use super::{Kind, Manifest, ManifestParts, SCHEMA, json};
use crate::text::Untrusted;

/// Why a text is no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON that can be relied on.
    #[error("it is not valid JSON: {0}")]
    Json(#[from] json::JsonError),
    /// JSON of another kind.
    #[error("it is no manifest: there is no `tools`, `prompts`, `resources` or `resourceTemplates` in it")]
    Unknown,
    /// Written by a newer version.
    #[error("it has the schema `{0}`, and this version reads `{SCHEMA}`")]
    Schema(String),
    /// A result that says that something went wrong.
    #[error("it is an error of the server, not a result: {0}")]
    ServerError(String),
    /// A member of the wrong type.
    #[error("`{0}` must be an object")]
    NotAnObject(&'static str),
    /// A member of the wrong type.
    #[error("`{0}` must be a list")]
    NotAList(&'static str),
    /// A member of the wrong type.
    #[error("`{0}` must be a text")]
    NotText(&'static str),
    /// An entry that nothing can call.
    #[error("entry {index} of `{list}` has no `{key}`")]
    Unnamed {
        /// The list.
        list: &'static str,
        /// The index, from 0.
        index: usize,
        /// The missing member.
        key: &'static str,
    },
    /// Too much to look at.
    #[error("it has {0} entries, more than {max}", max = super::MAX_ENTRIES)]
    TooMany(usize),
}

impl Manifest {
    /// Reads what `mcpsec capture` prints, a result of `tools/list`, `prompts/list`, `resources/list` or
    /// `resources/templates/list` (also inside its JSON-RPC response), an object with several of these lists and an
    /// `initialize` result, a bare list of tools, or a single tool.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        Self::from_value(json::parse(text)?)
    }

    /// [`Manifest::parse`] for a value that was read already.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn from_value(mut value: Value) -> Result<Self, ManifestError> {
        if let Some(error) = value.get("error").filter(|_| value.get("jsonrpc").is_some()) {
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            return Err(ManifestError::ServerError(Untrusted::new(message).excerpt(200)));
        }
        if value.get("jsonrpc").is_some() && value.get("result").is_some_and(Value::is_object) {
            value = value["result"].take();
        }
        if let Some(schema) = value.get("schema").and_then(Value::as_str)
            && schema.starts_with("mcpsec.manifest/")
            && schema != SCHEMA
        {
            return Err(ManifestError::Schema(Untrusted::new(schema).excerpt(60)));
        }
        if value.is_array() {
            return Self::new(ManifestParts { tools: take_list(&mut value, None)?, ..ManifestParts::default() });
        }
        if !value.is_object() {
            return Err(ManifestError::Unknown);
        }
        let lists = Kind::ALL.iter().any(|kind| value.get(kind.list()).is_some());
        let single =
            value.get("name").is_some() && (value.get("inputSchema").is_some() || value.get("description").is_some());
        if !lists && single {
            return Self::new(ManifestParts { tools: vec![value], ..ManifestParts::default() });
        }
        if !lists && value.get("initialize").is_none() && value.get("serverInfo").is_none() {
            return Err(ManifestError::Unknown);
        }
        // `serverInfo`, `capabilities` and `instructions` stand beside the lists, or in the result they came in.
        let mut head = match value.get_mut("initialize") {
            Some(initialize) if initialize.is_object() => initialize.take(),
            _ => Value::Null,
        };
        let mut member = |name: &str| {
            let own = value.get_mut(name).map(Value::take).filter(|value| !value.is_null());
            own.or_else(|| head.get_mut(name).map(Value::take)).unwrap_or_default()
        };
        let instructions = match member("instructions") {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => return Err(ManifestError::NotText("instructions")),
        };
        let (server_info, capabilities) = (member("serverInfo"), member("capabilities"));
        let mut list = |kind: Kind| take_list(&mut value, Some(kind.list()));
        Self::new(ManifestParts {
            server_info,
            capabilities,
            instructions,
            tools: list(Kind::Tool)?,
            prompts: list(Kind::Prompt)?,
            resources: list(Kind::Resource)?,
            templates: list(Kind::Template)?,
        })
    }
}

fn take_list(value: &mut Value, member: Option<&'static str>) -> Result<Vec<Value>, ManifestError> {
    let list = match member {
        Some(member) => value.get_mut(member).map(Value::take).unwrap_or_default(),
        None => value.take(),
    };
    match list {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => Ok(list),
        _ => Err(ManifestError::NotAList(member.unwrap_or("tools"))),
    }
}
