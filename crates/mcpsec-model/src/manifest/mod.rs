//! The manifest: everything that a server tells the model, word for word.
//!
//! ```text
//! a server's results, or a file  ->  Manifest  ->  id (RFC 8785, SHA-256) | mcp.lock | drift | poison rules
//! ```
//!
//! What belongs to a page and not to what is said (`nextCursor`, `ttlMs`, `cacheScope`, `resultType`) never gets in. The
//! order of lists has no meaning in the protocol (Model Context Protocol 2026-07-28, "Pagination"): entries are sorted.
pub mod json;
mod mask;
mod read;
mod subject;
mod texts;

pub use read::ManifestError;
use serde_json::{Map, Value, json};
pub use subject::{Kind, Subject, SubjectError};
pub use texts::{Role, Text, texts_at};

use crate::digest::{EntryId, ManifestId};

/// The schema of the JSON form.
pub const SCHEMA: &str = "mcpsec.manifest/v1";
/// The most entries of all kinds together.
pub const MAX_ENTRIES: usize = 20_000;

/// Everything a server tells the model. Made by [`Manifest::new`] and the readers, so that its entries are sorted and named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    server_info: Value,
    capabilities: Value,
    instructions: Option<String>,
    tools: Vec<Entry>,
    prompts: Vec<Entry>,
    resources: Vec<Entry>,
    templates: Vec<Entry>,
    /// That of all the above: whoever changes any of it renews the id.
    id: ManifestId,
}

/// One tool, prompt, resource or template, with every member it came with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    kind: Kind,
    name: String,
    json: Value,
}

/// What a manifest is made of, as the protocol's results hold it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ManifestParts {
    /// `serverInfo`; an object, or null if there was none.
    pub server_info: Value,
    /// `capabilities`; an object, or null.
    pub capabilities: Value,
    /// `instructions`.
    pub instructions: Option<String>,
    /// `tools` of all pages.
    pub tools: Vec<Value>,
    /// `prompts` of all pages.
    pub prompts: Vec<Value>,
    /// `resources` of all pages.
    pub resources: Vec<Value>,
    /// `resourceTemplates` of all pages.
    pub templates: Vec<Value>,
}

impl Manifest {
    /// Checks and sorts the parts. Two entries may have one name (a server can do that, and a rule reports it).
    ///
    /// # Errors
    /// An entry that is no object or has no name, or more than [`MAX_ENTRIES`].
    pub fn new(parts: ManifestParts) -> Result<Self, ManifestError> {
        let count = parts.tools.len() + parts.prompts.len() + parts.resources.len() + parts.templates.len();
        if count > MAX_ENTRIES {
            return Err(ManifestError::TooMany(count));
        }
        let server_info = object(parts.server_info, "serverInfo")?;
        let capabilities = object(parts.capabilities, "capabilities")?;
        let instructions = parts.instructions;
        let (tools, tools_text) = entries(Kind::Tool, parts.tools)?;
        let (prompts, prompts_text) = entries(Kind::Prompt, parts.prompts)?;
        let (resources, resources_text) = entries(Kind::Resource, parts.resources)?;
        let (templates, templates_text) = entries(Kind::Template, parts.templates)?;
        // The canonical form of `to_json`, of parts that are at hand: its members in the order of RFC 8785.
        let members = [
            ("capabilities", Some(json::canonical(&capabilities))),
            ("instructions", instructions.as_ref().map(|text| json::canonical(&Value::String(text.clone())))),
            (Kind::Prompt.list(), Some(prompts_text)),
            (Kind::Template.list(), Some(templates_text)),
            (Kind::Resource.list(), Some(resources_text)),
            ("schema", Some(format!("\"{SCHEMA}\"").into_bytes())),
            ("serverInfo", Some(json::canonical(&server_info))),
            (Kind::Tool.list(), Some(tools_text)),
        ];
        let mut canonical = Vec::new();
        for (name, text) in members.iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            canonical.extend_from_slice(if canonical.is_empty() { b"{\"" } else { b",\"" });
            canonical.extend_from_slice(name.as_bytes());
            canonical.extend_from_slice(b"\":");
            canonical.extend_from_slice(text);
        }
        canonical.push(b'}');
        let id = ManifestId::of(&canonical);
        Ok(Self { server_info, capabilities, instructions, tools, prompts, resources, templates, id })
    }

    /// Name, version and whatever else the server calls itself; `{}` if it said nothing.
    pub fn server_info(&self) -> &Value {
        &self.server_info
    }

    /// What it says it can do; `{}` if it said nothing.
    pub fn capabilities(&self) -> &Value {
        &self.capabilities
    }

    /// What it tells the model about itself.
    pub fn instructions(&self) -> Option<&str> {
        self.instructions.as_deref()
    }

    /// The entries of one kind, sorted by name, then by content.
    pub fn entries(&self, kind: Kind) -> &[Entry] {
        match kind {
            Kind::Tool => &self.tools,
            Kind::Prompt => &self.prompts,
            Kind::Resource => &self.resources,
            Kind::Template => &self.templates,
        }
    }

    /// All tools.
    pub fn tools(&self) -> &[Entry] {
        &self.tools
    }

    /// Computes the id again after a part changed.
    fn renew_id(&mut self) {
        self.id = ManifestId::of(&json::canonical(&self.to_json()));
    }

    /// The SHA-256 of the canonical JSON form.
    pub fn id(&self) -> ManifestId {
        self.id
    }

    /// The JSON form: `{"schema":"mcpsec.manifest/v1","serverInfo":…,"capabilities":…,"instructions":…,"tools":[…],
    /// "prompts":[…],"resources":[…],"resourceTemplates":[…]}`; `instructions` is left out when there are none.
    pub fn to_json(&self) -> Value {
        let list = |entries: &[Entry]| Value::Array(entries.iter().map(|entry| entry.json.clone()).collect());
        let mut all = json!({
            "schema": SCHEMA,
            "serverInfo": self.server_info,
            "capabilities": self.capabilities,
            "tools": list(&self.tools),
            "prompts": list(&self.prompts),
            "resources": list(&self.resources),
            "resourceTemplates": list(&self.templates),
        });
        if let (Some(text), Value::Object(map)) = (&self.instructions, &mut all) {
            map.insert("instructions".to_owned(), Value::String(text.clone()));
        }
        json::sorted(all)
    }
}

impl Entry {
    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its name; for resources the URI, for templates the URI template. As it came: not for a terminal.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All its members, an object with sorted keys.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// One member.
    pub fn get(&self, member: &str) -> Option<&Value> {
        self.json.get(member)
    }

    /// The place of the entry.
    pub fn subject(&self) -> Subject {
        Subject::entry(self.kind, &self.name)
    }

    /// The SHA-256 of its canonical JSON.
    pub fn id(&self) -> EntryId {
        EntryId::of(&json::canonical(&self.json))
    }
}

fn object(value: Value, what: &'static str) -> Result<Value, ManifestError> {
    match value {
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Object(_) => Ok(json::sorted(value)),
        _ => Err(ManifestError::NotAnObject(what)),
    }
}

/// The entries in their order, and their list's canonical text.
fn entries(kind: Kind, values: Vec<Value>) -> Result<(Vec<Entry>, Vec<u8>), ManifestError> {
    let entry = |(index, value): (usize, Value)| -> Result<(Vec<u8>, Entry), ManifestError> {
        let unnamed = || ManifestError::Unnamed { list: kind.list(), index, key: kind.key() };
        let json = json::sorted(value);
        let name = json.as_object().and_then(|map| map.get(kind.key())?.as_str()).ok_or_else(unnamed)?.to_owned();
        Ok((json::canonical(&json), Entry { kind, name, json }))
    };
    let mut entries: Vec<(Vec<u8>, Entry)> = values.into_iter().enumerate().map(entry).collect::<Result<_, _>>()?;
    entries.sort_by(|(a_text, a), (b_text, b)| (&a.name, a_text).cmp(&(&b.name, b_text)));
    let mut text = vec![b'['];
    for (index, (entry_text, _)) in entries.iter().enumerate() {
        text.extend_from_slice(if index == 0 { b"" } else { b"," });
        text.extend_from_slice(entry_text);
    }
    text.push(b']');
    Ok((entries.into_iter().map(|(_, entry)| entry).collect(), text))
}

#[cfg(test)]
mod tests;
