//! `[servers.NAME]`: one server as a person asks for it.
use std::collections::BTreeMap;

use smol_str::SmolStr;
use toml_edit::Item;

use super::reader::{Reader, join};
use crate::{
    spec::{NpmSpec, Spec, SpecError},
    time::AsOf,
};

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// What to lock.
    pub source: Spec,
    /// Which of the package's commands starts it; `None` is the package's default.
    pub command: Option<SmolStr>,
    /// Arguments for the server.
    pub args: Vec<String>,
    /// Names of environment variables that it gets; never values.
    pub env: Vec<String>,
    /// Which tools may be called.
    pub tools: Option<Tools>,
    /// npm: packages that get this requirement wherever they are in the closure.
    pub overrides: BTreeMap<String, String>,
    /// Resolve as the registry stood then.
    pub as_of: Option<AsOf>,
    /// What it needs from its sandbox.
    pub sandbox: Option<SandboxNeeds>,
}

/// Tool allowlist. Patterns may end in `*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tools {
    /// Only these may be called; `None` means all.
    pub allow: Option<Vec<String>>,
    /// A person is asked before these run.
    pub confirm: Vec<String>,
}

/// What a server may reach when it runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SandboxNeeds {
    /// Host names.
    pub hosts: Vec<String>,
    /// Paths it reads.
    pub read: Vec<String>,
    /// Paths it writes.
    pub write: Vec<String>,
}

impl ServerConfig {
    /// A server with nothing but a source.
    pub fn new(source: Spec) -> Self {
        Self {
            source,
            command: None,
            args: Vec::new(),
            env: Vec::new(),
            tools: None,
            overrides: BTreeMap::new(),
            as_of: None,
            sandbox: None,
        }
    }
}

pub(super) const KEYS: &[&str] = &["source", "command", "args", "env", "tools", "overrides", "as-of", "sandbox"];

pub(super) fn read(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<ServerConfig> {
    let table = reader.table(item, path)?;
    reader.only(table, path, KEYS);
    let source = read_source(reader, item, table.get("source"), path);
    let (mut command, mut args, mut env, mut tools) = (None, Vec::new(), Vec::new(), None);
    let (mut overrides, mut as_of, mut sandbox) = (BTreeMap::new(), None, None);
    for (key, item) in table.iter() {
        let path = join(path, key);
        match key {
            "command" => command = reader.parsed(item, &path, command_name),
            "args" => args = reader.strings(item, &path).unwrap_or_default(),
            "env" => {
                env = reader.strings(item, &path).unwrap_or_default();
                for name in &env {
                    let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                    if !valid {
                        reader.problem(item.span(), &path, "must list names of variables, never values (no `=`)", None);
                        break;
                    }
                }
            }
            "tools" => tools = read_tools(reader, item, &path),
            "overrides" => overrides = read_overrides(reader, item, &path),
            "as-of" => {
                let date = item.as_datetime().map(ToString::to_string).or_else(|| item.as_str().map(str::to_owned));
                match date.as_deref().map(str::parse::<AsOf>) {
                    Some(Ok(date)) => as_of = Some(date),
                    _ => reader.problem(item.span(), &path, "must be a date such as 2025-08-01", None),
                }
            }
            "sandbox" => sandbox = read_sandbox(reader, item, &path),
            _ => {}
        }
    }
    Some(ServerConfig { source: source?, command, args, env, tools, overrides, as_of, sandbox })
}

/// The spec of a server; problems of the other keys are told whether or not it reads well.
fn read_source(reader: &mut Reader<'_>, server: &Item, source: Option<&Item>, path: &str) -> Option<Spec> {
    let Some(source) = source else {
        reader.problem(server.span(), path, "needs `source`, such as source = \"npm:name@^1\"", None);
        return None;
    };
    let text = reader.string(source, &join(path, "source"))?;
    text.parse::<Spec>()
        .map_err(|error| {
            reader.problem(source.span(), &join(path, "source"), error.to_string(), SpecError::hint(&error));
        })
        .ok()
}

/// The name of a command of a package: it becomes a file name, so it may not be a path.
pub fn command_name(text: &str) -> Result<SmolStr, String> {
    let valid = !text.is_empty()
        && text.len() <= 128
        && !text.starts_with(['-', '.'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if valid { Ok(text.into()) } else { Err("must be the plain name of a command, not a path".to_owned()) }
}

fn read_tools(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<Tools> {
    let table = reader.table(item, path)?;
    reader.only(table, path, &["allow", "confirm"]);
    let allow = table.get("allow").and_then(|item| reader.strings(item, &join(path, "allow")));
    let confirm =
        table.get("confirm").and_then(|item| reader.strings(item, &join(path, "confirm"))).unwrap_or_default();
    Some(Tools { allow, confirm })
}

fn read_overrides(reader: &mut Reader<'_>, item: &Item, path: &str) -> BTreeMap<String, String> {
    let mut overrides = BTreeMap::new();
    let Some(table) = reader.table(item, path) else { return overrides };
    for (key, item) in table.iter() {
        let path = join(path, key);
        let parse = |requirement: &str| format!("{key}@{requirement}").parse::<NpmSpec>();
        if let Some(spec) = reader.parsed(item, &path, parse) {
            overrides.insert(spec.name.to_string(), spec.requirement.unwrap_or_default().to_string());
        }
    }
    overrides
}

fn read_sandbox(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<SandboxNeeds> {
    let table = reader.table(item, path)?;
    reader.only(table, path, &["hosts", "read", "write"]);
    let mut list =
        |key: &str| table.get(key).and_then(|item| reader.strings(item, &join(path, key))).unwrap_or_default();
    Some(SandboxNeeds { hosts: list("hosts"), read: list("read"), write: list("write") })
}
