//! `[servers.NAME]`: one server as a person asks for it.
use std::collections::BTreeMap;

use smol_str::SmolStr;
use toml_edit::Item;

use super::reader::{Reader, join};
use crate::{
    name::Ecosystem,
    spec::{NpmSpec, Spec, SpecError},
    text::{Untrusted, is_hidden},
    time::AsOf,
    url::SafeUrl,
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
    /// npm's overrides: `name`, `name@range` or `parent>name`, and the range or `npm:other@range` that replaces what is asked
    /// for in the closure.
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
    /// Host names and addresses, each with a port or not; `*.` before a name stands for all names below it.
    pub hosts: Vec<String>,
    /// Paths it reads: absolute, below `~/`, or relative to mcp.toml.
    pub read: Vec<String>,
    /// Paths it writes, of the same forms.
    pub write: Vec<String>,
    /// Names of environment variables that it gets when it runs, beyond [`ServerConfig::env`], and never when it is
    /// captured.
    pub env: Vec<String>,
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
pub(super) const TOOL_KEYS: &[&str] = &["allow", "confirm"];
pub(super) const SANDBOX_KEYS: &[&str] = &["hosts", "read", "write", "env"];

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
                // A name that is none is not repeated: it may be `TOKEN=value`.
                if !env.iter().all(|name| is_env_name(name)) {
                    let message = "must list names of variables (letters, digits, `_`), never values (no `=`)";
                    reader.problem(item.span(), &path, message, None);
                }
            }
            "tools" => tools = read_tools(reader, item, &path),
            "overrides" => {
                if source.as_ref().is_some_and(|source| source.ecosystem() == Ecosystem::Pypi) {
                    let hint = "narrow the version in `source` instead".to_owned();
                    reader.problem(item.span(), &path, "exist for npm packages only", Some(hint));
                }
                overrides = read_overrides(reader, item, &path);
            }
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
    let spec = match text.parse::<Spec>() {
        Ok(spec) => spec,
        Err(error) => {
            reader.problem(source.span(), &join(path, "source"), error.to_string(), SpecError::hint(&error));
            return None;
        }
    };
    if let Spec::Git(git) = &spec
        && has_secret(&git.url)
    {
        let hint = "git's own credential helpers are asked for them; mcp.toml is committed".to_owned();
        reader.problem(source.span(), &join(path, "source"), "must not hold credentials or a query", Some(hint));
        return None;
    }
    Some(spec)
}

/// Whether a text is the name of an environment variable: letters, digits and `_`, not starting with a digit.
pub fn is_env_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The name of a command of a package: it becomes a file name, so it may not be a path.
pub fn command_name(text: &str) -> Result<SmolStr, String> {
    let valid = !text.is_empty()
        && text.len() <= 128
        && !text.starts_with(['-', '.'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if valid { Ok(text.into()) } else { Err("must be the plain name of a command, not a path".to_owned()) }
}

/// Whether an address carries a password, a token or a query. The user of an SSH address (`git@`) is a part of it.
pub(super) fn has_secret(url: &SafeUrl) -> bool {
    let url = url.expose();
    url.password().is_some() || (url.scheme() != "ssh" && !url.username().is_empty()) || url.query().is_some()
}

fn read_tools(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<Tools> {
    let table = reader.table(item, path)?;
    reader.only(table, path, TOOL_KEYS);
    let mut list = |key: &str| {
        let item = table.get(key)?;
        let path = join(path, key);
        let patterns = reader.strings(item, &path)?;
        let plain = |text: &String| !text.is_empty() && !text.chars().any(|c| is_hidden(c) || c.is_whitespace());
        if let Some(pattern) = patterns.iter().find(|pattern| !plain(pattern)) {
            let shown = Untrusted::new(pattern.as_str()).excerpt(40);
            reader.problem(
                item.span(),
                &path,
                format!("`{shown}` is not the name of a tool or a pattern with `*`"),
                None,
            );
        }
        Some(patterns)
    };
    let allow = list("allow");
    Some(Tools { allow, confirm: list("confirm").unwrap_or_default() })
}

fn read_overrides(reader: &mut Reader<'_>, item: &Item, path: &str) -> BTreeMap<String, String> {
    let mut overrides = BTreeMap::new();
    let Some(table) = reader.table(item, path) else { return overrides };
    for (key, item) in table.iter() {
        let path = join(path, key);
        if let Some(wanted) = reader.parsed(item, &path, |wanted| check_override(key, wanted)) {
            overrides.insert(key.to_owned(), wanted);
        }
    }
    overrides
}

/// The key is `name`, `name@range` or several of them joined by `>`; the value a range or `npm:name@range`.
fn check_override(key: &str, wanted: &str) -> Result<String, String> {
    for part in key.split('>') {
        part.trim().parse::<NpmSpec>().map_err(|error| error.to_string())?;
    }
    let wanted = wanted.trim();
    match wanted.strip_prefix("npm:") {
        Some(other) => other.parse::<NpmSpec>(),
        None => format!("x@{wanted}").parse::<NpmSpec>(),
    }
    .map_err(|error| error.to_string())?;
    Ok(wanted.to_owned())
}

fn read_sandbox(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<SandboxNeeds> {
    let table = reader.table(item, path)?;
    reader.only(table, path, SANDBOX_KEYS);
    let mut list = |key: &str, wanted: &str, fits: fn(&str) -> bool| {
        let Some(item) = table.get(key) else { return Vec::new() };
        let path = join(path, key);
        let texts = reader.strings(item, &path).unwrap_or_default();
        // By number: an address in the wrong place may hold a password.
        if let Some(at) = texts.iter().position(|text| !fits(text)) {
            reader.problem(item.span(), &path, format!("element {} is not {wanted}", at + 1), None);
        }
        texts
    };
    Some(SandboxNeeds {
        hosts: list("hosts", "a host such as api.example.invalid, *.example.invalid or 192.0.2.1:8080", is_host),
        read: list("read", "a path: absolute, below `~/`, or relative to mcp.toml", is_path),
        write: list("write", "a path: absolute, below `~/`, or relative to mcp.toml", is_path),
        env: list("env", "the name of a variable (letters, digits, `_`; never a value)", is_env_name),
    })
}

fn is_path(text: &str) -> bool {
    // `~bob` would be somebody else's home; it is no folder of the project either.
    let home = text == "~" || text.starts_with("~/") || !text.starts_with('~');
    !text.is_empty() && home && !text.chars().any(is_hidden)
}

/// `name`, `*.name`, either with a port, or an IPv6 address in brackets. A lone `*` would say nothing and is refused.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|number| number > 0 && port == number.to_string())) {
        return false;
    }
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}
