//! Edits of mcp.toml that keep comments, order and spacing.
use std::fmt;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use super::{
    error::{ConfigError, Problem},
    reader::position,
    server::ServerConfig,
};
use crate::{name::ServerName, text::Untrusted};

/// What a first `add` writes: the starter policy, spelled out.
const STARTER: &str = r#"# mcpsec: the MCP servers of this project and what must hold for them.
# `mcpsec add` locks them in mcp.lock; commit both files. Every key: docs/config.md

[policy]
min-release-age = "1d"             # a version must have been out for this long
provenance = "if-published"        # checked where the publisher provides it
trust-downgrade = "warn"           # a version with less evidence than earlier ones, or another signer, is shown
install-scripts = "deny"           # never run
isolation = "landlock"             # the weakest sandbox accepted
capture = "if-possible"            # a server that cannot list its tools in the sandbox is said, and tolerated
upstream = "warn"                  # a registry that does not answer is said, and tolerated
drift = { cosmetic = "allow", wording = "warn", additive = "warn", breaking = "deny", dangerous = "deny" }
approvals = { required = 0 }
clients = "deny"                   # client configurations here start nothing past mcp.lock
rules = {}                         # such as "new-host" = "deny"; `mcpsec explain` lists all rules

[policy.advisories]
malware = "deny"
critical = "deny"
high = "warn"
medium = "warn"
low = "allow"
database = "if-present"            # without an offline database that is said, and tolerated
max-age = "14d"                    # an older database is as good as none
"#;

/// The strict policy, spelled out: for teams.
const STRICT: &str = r#"# mcpsec: the MCP servers of this project and what must hold for them.
# `mcpsec add` locks them in mcp.lock; commit both files. Every key: docs/config.md

[policy]
min-release-age = "3d"             # a version must have been out for this long
provenance = { npm = "required", pypi = "required", git = "signed" }
trust-downgrade = "deny"           # a version with less evidence than earlier ones, or another signer
install-scripts = "deny"           # never run
isolation = "landlock"             # the weakest sandbox accepted
capture = "required"               # a server must be heard in the sandbox before it is locked
upstream = "required"              # the registry must answer
drift = { cosmetic = "allow", wording = "warn", additive = "warn", breaking = "deny", dangerous = "deny" }
approvals = { required = 1, signers = "mcp-signers" }
clients = "deny"                   # client configurations here start nothing past mcp.lock
rules = {}                         # such as "new-host" = "deny"; `mcpsec explain` lists all rules

[policy.advisories]
malware = "deny"
critical = "deny"
high = "deny"
medium = "warn"
low = "warn"
database = "required"              # `mcpsec db update` fetches it
max-age = "3d"                     # an older database is as good as none
"#;

/// The policies that a new mcp.toml can begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedPolicy {
    /// [`super::Policy::starter`].
    Starter,
    /// [`super::Policy::strict`].
    Strict,
}

/// An mcp.toml being edited.
#[derive(Debug, Clone)]
pub struct ConfigEditor {
    document: DocumentMut,
    /// toml_edit writes `\n`; a file that came with `\r\n` leaves with it.
    crlf: bool,
}

impl ConfigEditor {
    /// Starts from a text that must be TOML.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            let message = Untrusted::new(error.message().lines().next().unwrap_or("not TOML")).excerpt(200);
            ConfigError {
                file: file.to_owned(),
                problems: vec![Problem { line, column, path: String::new(), message, hint: None }],
            }
        })?;
        Ok(Self { document, crlf: text.contains("\r\n") })
    }

    /// Starts from the starter file.
    pub fn starter() -> Self {
        Self::with_policy(NamedPolicy::Starter)
    }

    /// Starts from a file that spells out a policy and names no server.
    pub fn with_policy(policy: NamedPolicy) -> Self {
        let text = match policy {
            NamedPolicy::Starter => STARTER,
            NamedPolicy::Strict => STRICT,
        };
        Self { document: text.parse().unwrap_or_default(), crlf: false }
    }

    /// Inserts or updates a server. Keys that already have the right value are not touched.
    pub fn insert_server(&mut self, name: &ServerName, server: &ServerConfig) -> Result<(), ConfigError> {
        let not_a_table = |what: &str| ConfigError {
            file: "mcp.toml".to_owned(),
            problems: vec![Problem {
                line: 1,
                column: 1,
                path: what.to_owned(),
                message: "must be a table".to_owned(),
                hint: None,
            }],
        };
        let servers = self.document.entry("servers").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let servers = servers.as_table_like_mut().ok_or_else(|| not_a_table("servers"))?;
        if servers.get(name.as_str()).is_none() {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            servers.insert(name.as_str(), Item::Table(table));
        }
        let entry =
            servers.get_mut(name.as_str()).and_then(Item::as_table_like_mut).ok_or_else(|| not_a_table("servers"))?;
        let mut put = |key: &str, wanted: Option<Value>| match wanted {
            Some(wanted) => {
                let same = entry.get(key).is_some_and(|old| same_item(old, &wanted));
                if !same {
                    replace(entry, key, wanted);
                }
            }
            None => {
                entry.remove(key);
            }
        };
        put("source", Some(server.source.to_string().into()));
        put("command", server.command.as_ref().map(|command| command.as_str().into()));
        put("args", list(&server.args));
        put("env", list(&server.env));
        put(
            "tools",
            server.tools.as_ref().map(|tools| {
                let mut table = InlineTable::new();
                if let Some(allow) = &tools.allow {
                    table.insert("allow", Value::Array(allow.iter().collect::<Array>()));
                }
                if !tools.confirm.is_empty() {
                    table.insert("confirm", Value::Array(tools.confirm.iter().collect::<Array>()));
                }
                Value::InlineTable(table)
            }),
        );
        put("as-of", server.as_of.map(|as_of| as_of.to_string().into()));
        // `overrides` and `sandbox` are only ever written by people; `add` never changes them.
        Ok(())
    }

    /// Takes a server out. Gives whether it was there.
    pub fn remove_server(&mut self, name: &ServerName) -> bool {
        let servers = self.document.get_mut("servers").and_then(Item::as_table_like_mut);
        servers.is_some_and(|servers| servers.remove(name.as_str()).is_some())
    }
}

/// Puts a value in place of the one that is there, with the spaces and comments around it.
fn replace(entry: &mut dyn TableLike, key: &str, mut wanted: Value) {
    match entry.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *wanted.decor_mut() = old.decor().clone();
            *old = wanted;
        }
        None => {
            entry.insert(key, value(wanted));
        }
    }
}

fn list(items: &[String]) -> Option<Value> {
    (!items.is_empty()).then(|| Value::Array(items.iter().collect::<Array>()))
}

/// Whether an item says the same. `[servers.NAME.tools]` may be a table of its own: what it says counts, not how.
fn same_item(old: &Item, new: &Value) -> bool {
    match old {
        Item::Table(table) => same_value(&Value::InlineTable(table.clone().into_inline_table()), new),
        _ => old.as_value().is_some_and(|old| same_value(old, new)),
    }
}

fn same_value(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::String(old), Value::String(new)) => old.value() == new.value(),
        (Value::Datetime(old), Value::String(new)) => old.value().to_string() == *new.value(),
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new.iter()).all(|(old, new)| same_value(old, new))
        }
        (Value::InlineTable(old), Value::InlineTable(new)) => {
            old.len() == new.len() && new.iter().all(|(key, new)| old.get(key).is_some_and(|old| same_value(old, new)))
        }
        _ => false,
    }
}

impl fmt::Display for ConfigEditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.document.to_string();
        if self.crlf { f.write_str(&text.replace("\r\n", "\n").replace('\n', "\r\n")) } else { f.write_str(&text) }
    }
}
