//! mcp.toml: what people write. Text in, a validated [`Config`] out, or every problem at once with its place.
//!
//! Unknown keys are refused: a mistyped policy must not be a silent one. Edits go through [`ConfigEditor`], which keeps
//! comments and order.
mod editor;
mod error;
mod places;
mod policy;
pub(crate) mod reader;
mod server;
mod team;
mod trust;

use std::collections::BTreeMap;

pub use editor::{ConfigEditor, NamedPolicy};
pub use error::{ConfigError, Problem};
pub use places::ConfigPlaces;
pub use policy::{
    Advisories, Approvals, CapturePolicy, ClientsPolicy, DatabasePolicy, DriftPolicy, Exemption, Floor, Held,
    Isolation, Key, Layers, Level, MAX_BASES, Policy, PolicyKeys, PolicySources, PolicyText, Provenance,
    ProvenanceRule, RuleLevel, UpstreamPolicy, Weakening, extends,
};
pub use server::{SandboxNeeds, ServerConfig, Tools, command_name, is_env_name};
use toml_edit::{Document, Item};
pub use trust::{ExpectedSigner, Pattern, most_exact};

use crate::{
    name::ServerName,
    target::{Platform, PythonMinor, Targets},
    team::Team,
    text::Untrusted,
    url::SafeUrl,
};
use reader::{Reader, join, position};

/// Larger files are refused.
const SIZE_LIMIT: usize = 1 << 20;
/// More servers are refused.
const SERVER_LIMIT: usize = 1000;

/// A valid mcp.toml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[servers.NAME]`, sorted.
    pub servers: BTreeMap<ServerName, ServerConfig>,
    /// `[policy]` over what it extends; the starter policy where no file says anything.
    pub policy: Policy,
    /// Where its values come from.
    pub sources: PolicySources,
    /// `[registries]`.
    pub registries: Registries,
    /// `[targets]`.
    pub targets: Targets,
    /// `[team]`.
    pub team: Option<Team>,
}

/// `[registries]`: addresses that win over the configuration of npm, pip and uv.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registries {
    /// The npm registry.
    pub npm: Option<SafeUrl>,
    /// The Python index (its `/simple` address).
    pub pypi: Option<SafeUrl>,
    /// The API of the git host, asked for attestations of locked commits. Nobody is asked without it.
    pub git_attestations: Option<SafeUrl>,
    /// Where the archives of advisories are: `{base}/npm/all.zip`, `{base}/PyPI/all.zip`.
    pub advisories: Option<SafeUrl>,
    /// The API of an OSV service: `{base}/v1/querybatch`.
    pub osv_api: Option<SafeUrl>,
}

impl Config {
    /// Reads an mcp.toml that stands alone. `file` is the name that errors show.
    ///
    /// # Errors
    /// See [`Config::layered`]; also when it extends another policy, which is not at hand here.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        Self::layered(text, file, &Layers::default())
    }

    /// What holds where there is no mcp.toml: no servers, the starter policy, and what the machine asks for.
    ///
    /// # Errors
    /// A file of the machine is wrong.
    pub fn absent(machine: &[PolicyText]) -> Result<Self, ConfigError> {
        let mut merge = policy::merge(&[])?;
        merge.at_least(machine)?;
        Ok(Self {
            servers: BTreeMap::new(),
            policy: merge.policy,
            sources: merge.sources,
            registries: Registries::default(),
            targets: Targets::standard(),
            team: None,
        })
    }

    /// Reads mcp.toml with the policies around it. `file` is the name that errors show.
    ///
    /// # Errors
    /// All problems of the first file that has any: of those it extends, of mcp.toml, of the machine's.
    pub fn layered(text: &str, file: &str, layers: &Layers) -> Result<Self, ConfigError> {
        let fail = |problems| ConfigError { file: file.to_owned(), problems };
        if text.len() > SIZE_LIMIT {
            let message = format!("larger than {SIZE_LIMIT} bytes");
            return Err(fail(vec![Problem { line: 1, column: 1, path: String::new(), message, hint: None }]));
        }
        let document = Document::parse(text).map_err(|error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            let message = Untrusted::new(error.message().lines().next().unwrap_or("not TOML")).excerpt(200);
            fail(vec![Problem { line, column, path: String::new(), message, hint: None }])
        })?;
        let mut reader = Reader::new(text);
        let root = document.as_table();
        reader.only(root, "", ROOT_KEYS);
        let mut merge = policy::merge(&layers.bases)?;
        merge.sources.project = file.to_owned();
        let (mut servers, mut registries, mut targets) = (BTreeMap::new(), Registries::default(), Targets::standard());
        let mut team = None;
        for (key, item) in root {
            match key {
                "servers" => servers = read_servers(&mut reader, item),
                "policy" => {
                    let _said = merge.over(&mut reader, item, file, policy::Kind::Project);
                    check_policy(&mut reader, item, &merge.policy, layers);
                }
                "registries" => registries = read_registries(&mut reader, item),
                "targets" => targets = read_targets(&mut reader, item),
                "team" => team = team::read(&mut reader, item),
                _ => {}
            }
        }
        let problems = reader.into_problems();
        if !problems.is_empty() {
            return Err(fail(problems));
        }
        merge.at_least(&layers.machine)?;
        Ok(Self { servers, policy: merge.policy, sources: merge.sources, registries, targets, team })
    }
}

/// What only shows when all files are read.
fn check_policy(reader: &mut Reader<'_>, item: &Item, policy: &Policy, layers: &Layers) {
    let at = |key: &str| item.as_table_like().and_then(|table| table.get(key)).and_then(Item::span).or(item.span());
    if policy.approvals.required > 0 && policy.approvals.signers.is_none() {
        let hint = "add signers = \"mcp-signers\"".to_owned();
        let message = "requires approvals, and names no file of signers";
        reader.problem(at("approvals"), "policy.approvals", message, Some(hint));
    }
    if item.as_table_like().is_some_and(|table| table.contains_key("extends")) && layers.bases.is_empty() {
        // Without what it extends it would be a looser policy than it says.
        reader.problem(at("extends"), "policy.extends", "the policy that it names was not read", None);
    }
}

const REGISTRY_KEYS: &[&str] = &["npm", "pypi", "git-attestations", "advisories", "osv-api"];
const ROOT_KEYS: &[&str] = &["servers", "policy", "registries", "targets", "team"];

/// Every key that mcp.toml may have, as dotted paths; docs/config.md is compared with it.
pub fn known_keys() -> Vec<String> {
    let mut keys: Vec<String> = REGISTRY_KEYS.iter().map(|key| join("registries", key)).collect();
    keys.extend(["platforms", "python"].iter().map(|key| join("targets", key)));
    keys.extend(team::KEYS.iter().map(|key| join("team", key)));
    keys.extend(policy::KEYS.iter().map(|key| join("policy", key)));
    keys.extend(server::KEYS.iter().map(|key| join("servers.NAME", key)));
    keys.sort();
    keys
}

fn read_servers(reader: &mut Reader<'_>, item: &Item) -> BTreeMap<ServerName, ServerConfig> {
    let mut servers = BTreeMap::new();
    let Some(table) = reader.table(item, "servers") else { return servers };
    if table.len() > SERVER_LIMIT {
        reader.problem(item.span(), "servers", format!("more than {SERVER_LIMIT} servers"), None);
        return servers;
    }
    for (key, item) in table.iter() {
        let path = join("servers", key);
        let name = match key.parse::<ServerName>() {
            Ok(name) => name,
            Err(error) => {
                reader.problem(table.key(key).and_then(toml_edit::Key::span), &path, error.to_string(), None);
                continue;
            }
        };
        if let Some(server) = server::read(reader, item, &path) {
            servers.insert(name, server);
        }
    }
    servers
}

fn read_registries(reader: &mut Reader<'_>, item: &Item) -> Registries {
    let mut registries = Registries::default();
    let Some(table) = reader.table(item, "registries") else { return registries };
    reader.only(table, "registries", REGISTRY_KEYS);
    registries.npm = table.get("npm").and_then(|item| read_url(reader, item, "registries.npm"));
    registries.pypi = table.get("pypi").and_then(|item| read_url(reader, item, "registries.pypi"));
    let key = "git-attestations";
    registries.git_attestations = table.get(key).and_then(|item| read_url(reader, item, "registries.git-attestations"));
    registries.advisories = table.get("advisories").and_then(|item| read_url(reader, item, "registries.advisories"));
    registries.osv_api = table.get("osv-api").and_then(|item| read_url(reader, item, "registries.osv-api"));
    registries
}

fn read_url(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<SafeUrl> {
    let url = reader.parsed(item, path, str::parse::<SafeUrl>)?;
    if !matches!(url.expose().scheme(), "https" | "http") {
        reader.problem(item.span(), path, "must be an http or https address", None);
        return None;
    }
    if server::has_secret(&url) || url.expose().fragment().is_some() {
        let hint = "credentials belong into .npmrc, pip.conf, uv.toml or netrc, which are not committed".to_owned();
        reader.problem(item.span(), path, "must not hold credentials, a query or a fragment", Some(hint));
        return None;
    }
    Some(url)
}

fn read_targets(reader: &mut Reader<'_>, item: &Item) -> Targets {
    let mut targets = Targets::standard();
    let Some(table) = reader.table(item, "targets") else { return targets };
    reader.only(table, "targets", &["platforms", "python"]);
    if let Some(list) = table.get("platforms")
        && let Some(platforms) = read_list::<Platform>(reader, list, "targets.platforms")
    {
        targets.platforms = platforms.into_iter().collect();
    }
    if let Some(list) = table.get("python") {
        targets.pythons =
            read_list::<PythonMinor>(reader, list, "targets.python").map(|list| list.into_iter().collect());
    }
    targets
}

fn read_list<T: std::str::FromStr>(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<Vec<T>>
where
    T::Err: std::fmt::Display,
{
    let texts = reader.strings(item, path)?;
    if texts.is_empty() {
        reader.problem(item.span(), path, "must name at least one; leave the key out for the default", None);
        return None;
    }
    let mut out = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(value) => out.push(value),
            Err(error) => reader.problem(item.span(), path, T::Err::to_string(&error), None),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests;
