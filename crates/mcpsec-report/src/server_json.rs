//! `server.json` of the MCP Registry API (schema 2025-12-11), derived from what mcp.lock holds. Pure, and the same bytes for the same lock.
//!
//! A client that reads it learns which exact version of which package to start and where its files are mirrored; what was vetted
//! stands in the lock, whose digest [`lock_facts`] gives. Words of the server itself (title, description) are untrusted: they are
//! cut to what the schema allows, with hidden characters escaped.
use std::collections::BTreeMap;

use mcpsec_model::{
    candidate::EntryPoint,
    digest::Digest,
    lock::{Lock, LockedServer},
    name::{Ecosystem, ServerName},
    package::Package,
    spec::Spec,
    text::{Untrusted, escape},
    url::SafeUrl,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::json::pretty;

/// The schema that documents follow.
pub const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/// Our own member of a response's `_meta`, beside the registry's own.
pub const META_KEY: &str = "mcpsec.registry/release";
/// The longest title and description that the schema allows, in characters.
const LONGEST_TEXT: usize = 100;
/// The longest name that the schema allows.
const LONGEST_NAME: usize = 200;
/// The longest version that the schema allows.
const LONGEST_VERSION: usize = 255;

/// Under which name servers are published, and where their files are.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The reverse-DNS namespace before the slash; [`namespace`] makes one of a host name.
    pub namespace: &'a str,
    /// The address of the team registry, whose mirror has the files; `None`: clients use the registries that they know.
    pub mirror: Option<&'a SafeUrl>,
}

/// A host name in reverse: `mcp.example.test` becomes `test.example.mcp`. What is no part of a host name (a port, brackets of an
/// address) is left out; of nothing at all, `localhost` remains.
pub fn namespace(host: &str) -> String {
    let host = host.trim_start_matches('[').split([':', ']']).next().unwrap_or_default();
    let label = |label: &str| -> String {
        label
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(63)
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let mut labels: Vec<String> = host.split('.').map(label).filter(|label| !label.is_empty()).collect();
    labels.reverse();
    let whole: String = labels.join(".").chars().take(LONGEST_NAME - 1 - 64).collect();
    let whole = whole.trim_end_matches(['.', '-']);
    if whole.is_empty() { "localhost".to_owned() } else { whole.to_owned() }
}

/// The name of a server in the registry: `<namespace>/<its name in mcp.toml>`.
pub fn server_name(namespace: &str, server: &ServerName) -> String {
    format!("{namespace}/{server}")
}

/// The document of one locked server.
pub fn server_json(lock: &Lock, server: &LockedServer, publication: &Publication<'_>) -> Value {
    let root = lock.packages.get(server.closure.root().package());
    let info = server.told.captured().map(|captured| captured.manifest.server_info());
    let said = |member: &str| info.and_then(|info| info.get(member)?.as_str()).and_then(short);
    let id = server.closure.root().package();
    let of_lock = || {
        let all = server.closure.packages().len();
        let packages = if all == 1 { "1 package".to_owned() } else { format!("{all} packages") };
        short(&format!("{id}, locked with {packages}")).unwrap_or_else(|| server.name.to_string())
    };
    let document = Document {
        schema: SCHEMA,
        name: server_name(publication.namespace, &server.name),
        title: said("title"),
        description: said("description").unwrap_or_else(of_lock),
        version: version(server),
        repository: repository(server),
        packages: root.and_then(|root| package(root, server, publication)).into_iter().collect(),
    };
    // Structs of texts and lists cannot fail to serialise.
    serde_json::to_value(document).unwrap_or_default()
}

/// What the lock says about a release, for [`META_KEY`]: the digest of the lock of this server alone, which is what a team
/// registry calls the release, the closure, the manifest, the sandbox it was captured in, how much there is of it, and how many
/// packages are attested, signed, and so on.
pub fn lock_facts(lock: &Lock, server: &LockedServer) -> serde_json::Map<String, Value> {
    let alone = lock.alone(&server.name).map(|alone| Digest::sha256_of(alone.to_text().as_bytes()));
    let captured = server.told.captured();
    let mut evidence: BTreeMap<&str, usize> = BTreeMap::new();
    for package in lock.packages_of(&[server]).iter().filter(|package| !package.artifacts.is_empty()) {
        *evidence.entry(package.evidence.state().as_str()).or_default() += 1;
    }
    let facts = json!({
        "lock": alone.map(|digest| digest.to_string()),
        "closure": server.closure_id.to_string(),
        "packages": server.closure.packages().len(),
        "evidence": evidence,
        "manifest": captured.map(|captured| captured.manifest.id().to_string()),
        "tools": captured.map(|captured| captured.manifest.tools().len()),
        "isolation": captured.map(|captured| captured.context.isolation.as_str()),
    });
    match facts {
        Value::Object(facts) => facts,
        _ => serde_json::Map::new(),
    }
}

/// Servers as `GET /v0.1/servers` answers them, on one page, ending in a newline. Without the member of the official registry:
/// when something was published is for a registry to say.
pub fn server_list(lock: &Lock, servers: &[&LockedServer], publication: &Publication<'_>) -> String {
    let one = |server: &&LockedServer| json!({"server": server_json(lock, server, publication), "_meta": {META_KEY: lock_facts(lock, server)}});
    let servers: Vec<Value> = servers.iter().map(one).collect();
    pretty(&sorted(json!({"metadata": {"count": servers.len()}, "servers": servers})))
}

/// The same document with the members of objects in the order of their names, whichever order this build of the JSON library keeps:
/// one lock gives the same bytes everywhere.
pub fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(members) => {
            let members: std::collections::BTreeMap<String, Value> = members.into_iter().collect();
            members.into_iter().map(|(name, value)| (name, sorted(value))).collect::<serde_json::Map<_, _>>().into()
        }
        plain => plain,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    description: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Repository>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    packages: Vec<Entry>,
}

#[derive(Serialize)]
struct Repository {
    url: String,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subfolder: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    registry_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_base_url: Option<String>,
    identifier: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_sha256: Option<String>,
    runtime_hint: &'static str,
    transport: Transport,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    environment_variables: Vec<Variable>,
}

#[derive(Serialize)]
struct Transport {
    r#type: &'static str,
}

/// A variable that the server was captured with. Whether it is a secret nobody said, so it is treated as one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: String,
    is_secret: bool,
}

/// A text of the server in the schema's bounds; `None` when nothing is left to read.
fn short(text: &str) -> Option<String> {
    let text = Untrusted::new(text.trim());
    if text.raw().is_empty() {
        return None;
    }
    // Escapes are longer than what they stand for.
    let mut kept = LONGEST_TEXT;
    loop {
        let shown = text.excerpt(kept);
        if shown.chars().count() <= LONGEST_TEXT {
            return Some(shown);
        }
        kept -= 1;
    }
}

/// A tag may be anything that git allows; the commit stands in where it does not fit.
fn version(server: &LockedServer) -> String {
    let fits = server.version.chars().count() <= LONGEST_VERSION && escape(&server.version) == server.version;
    let version = if fits { server.version.as_str() } else { server.closure.root().package().version() };
    version.chars().take(LONGEST_VERSION).collect()
}

/// Where the source is, for a server that is locked from a repository that others can reach.
fn repository(server: &LockedServer) -> Option<Repository> {
    let Spec::Git(spec) = &server.spec else { return None };
    let url = spec.url.without_secrets();
    (url.scheme() == "https").then(|| Repository {
        url: url.to_string(),
        source: "git",
        subfolder: spec.subdirectory.as_ref().map(|folder| folder.to_string()),
    })
}

/// A document that was made without a mirror, for clients that reach the team registry at this address.
pub fn mirrored(mut document: Value, mirror: &SafeUrl) -> Value {
    for package in document.get_mut("packages").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(base) = package["registryType"].as_str().and_then(|kind| base(kind, mirror)) {
            package["registryBaseUrl"] = base.into();
        }
    }
    document
}

/// What a package manager takes as its registry or index.
fn base(registry_type: &str, mirror: &SafeUrl) -> Option<String> {
    let below = match registry_type {
        "npm" => "npm/",
        "pypi" => "pypi/simple/",
        _ => return None,
    };
    Some(format!("{}/{below}", mirror.without_secrets().as_str().trim_end_matches('/')))
}

/// The package, where a client can start it by itself; a server from a repository, or a program of another name, it cannot.
fn package(root: &Package, server: &LockedServer, publication: &Publication<'_>) -> Option<Entry> {
    let (registry_type, runtime_hint) = match root.id.ecosystem() {
        Ecosystem::Npm => ("npm", "npx"),
        Ecosystem::Pypi => ("pypi", "uvx"),
        Ecosystem::Git => return None,
    };
    // Clients start the program that is called as its package; there is no member to name another one.
    let other_script = matches!(&server.entry, EntryPoint::PythonScript(script) if script != root.id.name().as_str());
    if server.command.is_some() || other_script {
        return None;
    }
    // Only where there is one file is it clear which one a client will get.
    let file_sha256 = match root.artifacts.as_slice() {
        [only] => only.digests.sha256.map(|bytes| Digest::Sha256(bytes).to_hex()),
        _ => None,
    };
    let context = server.told.captured().map(|captured| &captured.context);
    let names = context.into_iter().flat_map(|context| context.placeholders.union(&context.real_env));
    Some(Entry {
        registry_type,
        registry_base_url: publication.mirror.and_then(|mirror| base(registry_type, mirror)),
        identifier: root.id.name().as_str().to_owned(),
        version: root.id.version().to_owned(),
        file_sha256,
        runtime_hint,
        transport: Transport { r#type: "stdio" },
        environment_variables: names.map(|name| Variable { name: name.clone(), is_secret: true }).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = include_str!("../../../testdata/locks/v1/mixed.lock");

    fn mixed() -> Lock {
        Lock::parse(MIXED, "mcp.lock").expect("the golden lock")
    }

    #[test]
    fn a_lock_becomes_a_page_of_the_registry_api() {
        let lock = mixed();
        let mirror: SafeUrl = "https://user:secret@mcp.example.test/base/".parse().expect("an address");
        let publication = Publication { namespace: "test.example.mcp", mirror: Some(&mirror) };
        let servers: Vec<&LockedServer> = lock.servers.values().collect();
        let text = server_list(&lock, &servers, &publication);
        assert!(!text.contains("secret@") && !text.contains("user:"), "{text}");
        insta::assert_snapshot!("server_list", text);
    }

    #[test]
    fn a_document_moves_to_another_address() {
        let lock = mixed();
        let mirror: SafeUrl = "https://mcp.example.test/team/".parse().expect("an address");
        for server in lock.servers.values() {
            let with = |mirror| server_json(&lock, server, &Publication { namespace: "test.example", mirror });
            assert_eq!(mirrored(with(None), &mirror), with(Some(&mirror)));
        }
    }

    #[test]
    fn a_program_that_clients_would_not_find_has_no_package() {
        let mut lock = mixed();
        let lock_of = lock.clone();
        let publication = Publication { namespace: "test.example", mirror: None };
        for server in lock.servers.values_mut().filter(|server| !server.spec.to_string().starts_with("git")) {
            server.command = None;
            assert!(server_json(&lock_of, server, &publication).get("packages").is_some(), "{}", server.name);
            server.command = Some("other".into());
            assert_eq!(server_json(&lock_of, server, &publication).get("packages"), None, "{}", server.name);
            server.command = None;
            server.entry = EntryPoint::PythonScript("another".into());
            assert_eq!(server_json(&lock_of, server, &publication).get("packages"), None, "{}", server.name);
        }
    }

    #[test]
    fn the_lock_of_one_server_is_named_by_its_digest() {
        let lock = mixed();
        for (name, server) in &lock.servers {
            let alone = lock.alone(name).expect("it is there");
            let facts = lock_facts(&lock, server);
            let digest = Digest::sha256_of(alone.to_text().as_bytes()).to_string();
            assert_eq!(facts["lock"], digest.as_str());
            assert_eq!(lock_facts(&alone, &alone.servers[name]), facts, "and alone it has the same facts");
        }
    }

    #[test]
    fn texts_fit_the_schema_whatever_a_server_says() {
        assert_eq!(short("  "), None);
        assert_eq!(short("a\u{202E}b").as_deref(), Some("a\\u{202e}b"));
        for text in ["x".repeat(500), "\u{E0041}".repeat(500), "é".repeat(101)] {
            let shown = short(&text).expect("something is left");
            assert!((1..=LONGEST_TEXT).contains(&shown.chars().count()), "{shown}");
        }
    }

    #[test]
    fn namespaces_are_host_names_in_reverse() {
        for (host, want) in [
            ("mcp.example.test", "test.example.mcp"),
            ("MCP.Example.test:8443", "test.example.mcp"),
            ("localhost", "localhost"),
            ("127.0.0.1:7420", "1.0.0.127"),
            ("[::1]:7420", "localhost"),
            ("", "localhost"),
            ("a/b.c<d", "cd.ab"),
        ] {
            assert_eq!(namespace(host), want, "{host}");
        }
        let long = namespace(&"label.".repeat(100));
        assert!(long.len() + 1 + 64 <= LONGEST_NAME && !long.ends_with('.'), "{long}");
    }
}
