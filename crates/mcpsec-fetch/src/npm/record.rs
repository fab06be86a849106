//! One version of one package as the registry's record tells it, reduced to what resolution, the lock and comparison need.
//!
//! Records are written by strangers and were validated differently over fifteen years, so every field is read leniently
//! (wrong types become "absent") and bounded; what is kept has one spelling. The JSON names are npm's, so that
//! `deno_npm` can read the same text.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, value::RawValue};

use super::{dependency::unsupported, offer::DistEvidence, people::People};

/// Most entries in one map or list of a record.
pub(crate) const MAX_ENTRIES: usize = 5_000;

/// The scripts that npm runs when a package is installed from a registry.
pub(crate) const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

type Map = BTreeMap<String, String>;

/// A record's fields after normalisation. `Default` is an empty package.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionRecord {
    pub(crate) version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dist: Option<Dist>,
    /// Command name to file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) bin: Map,
    /// Without the optional ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) dependencies: Map,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) optional_dependencies: Map,
    /// Without those that are dependencies too: npm lets the dependency win, `deno_npm` would let the peer win.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) peer_dependencies: Map,
    /// Only the optional ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) peer_dependencies_meta: BTreeMap<String, PeerMeta>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) bundle_dependencies: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) os: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cpu: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) libc: Vec<String>,
    /// Install scripts only; `None` when the record has no `scripts` at all (abbreviated records).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scripts: Option<Map>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) has_install_script: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deprecated: Option<String>,
    /// What was taken out of the maps above.
    #[serde(default, skip_serializing_if = "Removed::is_empty", rename = "mcpsecRemoved")]
    pub(crate) removed: Removed,
}

/// Where the tarball is and what it hashes to, as the record claims.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Dist {
    #[serde(default)]
    pub(crate) tarball: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) integrity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shasum: Option<String>,
    /// Only in what [`WireVersion::normalize`] made: the compact text keeps the evidence of all versions in one place.
    #[serde(skip)]
    pub(crate) evidence: DistEvidence,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PeerMeta {
    #[serde(default)]
    pub(crate) optional: bool,
}

/// Dependencies that the resolver must not see, kept for messages and for comparison with the tarball.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Removed {
    /// Peers that are dependencies too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) peers: Map,
    /// Required dependencies that cannot be locked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unsupported: Map,
    /// Optional dependencies that cannot be locked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unsupported_optional: Map,
    /// Peers that cannot be locked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unsupported_peers: Map,
}

impl Removed {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A record or a `package.json` as written: only the fields that matter are looked at, the rest is skipped while scanning.
#[derive(Deserialize)]
pub(crate) struct WireVersion<'a> {
    #[serde(borrow, default)]
    pub(crate) version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    dist: Option<&'a RawValue>,
    #[serde(borrow, default)]
    bin: Option<&'a RawValue>,
    #[serde(borrow, default)]
    dependencies: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "optionalDependencies")]
    optional_dependencies: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "peerDependencies")]
    peer_dependencies: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "peerDependenciesMeta")]
    peer_dependencies_meta: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "bundleDependencies")]
    bundle_dependencies: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "bundledDependencies")]
    bundled_dependencies: Option<&'a RawValue>,
    #[serde(borrow, default)]
    os: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cpu: Option<&'a RawValue>,
    #[serde(borrow, default)]
    libc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    scripts: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "hasInstallScript")]
    has_install_script: Option<&'a RawValue>,
    #[serde(borrow, default)]
    deprecated: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_npmUser")]
    user: Option<&'a RawValue>,
    #[serde(borrow, default)]
    maintainers: Option<&'a RawValue>,
}

impl WireVersion<'_> {
    /// Who published it.
    pub(crate) fn people(&self) -> People {
        People::read(self.user, self.maintainers)
    }

    /// Normalises. `name` is the package's own name (for a `bin` that is a plain string), `version` the exact version.
    /// `None` when a part of it is too large to be honest.
    pub(crate) fn normalize(&self, name: &str, version: &str) -> Option<VersionRecord> {
        let mut dependencies = string_map(self.dependencies)?;
        let optional = string_map(self.optional_dependencies)?;
        let peers = string_map(self.peer_dependencies)?;
        dependencies.retain(|key, _| !optional.contains_key(key));
        let bundle = self.bundle_dependencies.or(self.bundled_dependencies);
        let bundle_dependencies = match parse(bundle) {
            Some(Value::Bool(true)) => dependencies.keys().chain(optional.keys()).cloned().collect(),
            Some(Value::Array(list)) => strings(list)?,
            // Very old packages wrote a map.
            Some(Value::Object(map)) => bounded(map.into_iter().map(|(key, _)| key).collect::<Vec<_>>())?,
            _ => Vec::new(),
        };
        let bundled: BTreeSet<&String> = bundle_dependencies.iter().collect();
        let split = |map: Map| -> (Map, Map) {
            // A bundled dependency comes with the parent's tarball, whatever its requirement says.
            map.into_iter().partition(|(key, value)| bundled.contains(key) || unsupported(key, value).is_none())
        };
        let (dependencies, unsupported_required) = split(dependencies);
        let (optional_dependencies, unsupported_optional) = split(optional);
        let (peers, unsupported_peers) = split(peers);
        let (removed_peers, peer_dependencies): (Map, Map) = peers
            .into_iter()
            .partition(|(key, _)| dependencies.contains_key(key) || optional_dependencies.contains_key(key));
        let meta = match parse(self.peer_dependencies_meta) {
            Some(Value::Object(map)) => bounded(
                map.into_iter()
                    .filter(|(_, meta)| meta.get("optional") == Some(&Value::Bool(true)))
                    .map(|(key, _)| (key, PeerMeta { optional: true }))
                    .collect::<Vec<_>>(),
            )?,
            _ => Vec::new(),
        };
        let scripts = match parse(self.scripts) {
            Some(Value::Object(map)) => Some(
                map.into_iter()
                    .filter(|(key, _)| INSTALL_SCRIPTS.contains(&key.as_str()))
                    .filter_map(|(key, value)| string(value).map(|value| (key, value)))
                    .collect(),
            ),
            _ => None,
        };
        let deprecated = match parse(self.deprecated) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            Some(Value::Bool(true)) => Some("deprecated".to_owned()),
            _ => None,
        };
        Some(VersionRecord {
            version: version.to_owned(),
            dist: match self.dist {
                Some(raw) => Some(serde_json::from_str::<LenientDist<'_>>(raw.get()).unwrap_or_default().normalize()?),
                None => None,
            },
            bin: normalize_bin(name, parse(self.bin).as_ref())?,
            dependencies,
            optional_dependencies,
            peer_dependencies,
            peer_dependencies_meta: meta.into_iter().collect(),
            bundle_dependencies,
            os: word_list(self.os)?,
            cpu: word_list(self.cpu)?,
            libc: word_list(self.libc)?,
            scripts,
            has_install_script: match parse(self.has_install_script) {
                Some(Value::Bool(value)) => Some(value),
                _ => None,
            },
            deprecated,
            removed: Removed {
                peers: removed_peers,
                unsupported: unsupported_required,
                unsupported_optional,
                unsupported_peers,
            },
        })
    }
}

impl VersionRecord {
    /// Whether npm would run something at installation, as far as the record tells.
    pub(crate) fn install_scripts(&self) -> bool {
        self.has_install_script == Some(true) || self.scripts.as_ref().is_some_and(|scripts| !scripts.is_empty())
    }

    /// Whether a dependency may be missing.
    pub(crate) fn is_optional(&self, key: &str) -> bool {
        self.optional_dependencies.contains_key(key)
            || (self.peer_dependencies.contains_key(key) && self.peer_dependencies_meta.contains_key(key))
    }
}

/// `dist` with every field optional and of any type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LenientDist<'a> {
    #[serde(deserialize_with = "any_string")]
    tarball: Option<String>,
    #[serde(deserialize_with = "any_string")]
    integrity: Option<String>,
    #[serde(deserialize_with = "any_string")]
    shasum: Option<String>,
    #[serde(borrow)]
    signatures: Option<&'a RawValue>,
    #[serde(borrow)]
    attestations: Option<&'a RawValue>,
}

impl LenientDist<'_> {
    fn normalize(self) -> Option<Dist> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(Dist {
            tarball: self.tarball.unwrap_or_default(),
            integrity: some(self.integrity),
            shasum: some(self.shasum),
            evidence: DistEvidence::read(self.signatures, self.attestations)?,
        })
    }
}

fn any_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(string(Value::deserialize(deserializer)?))
}

fn string(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn parse(raw: Option<&RawValue>) -> Option<Value> {
    serde_json::from_str(raw?.get()).ok()
}

fn bounded<T>(list: Vec<T>) -> Option<Vec<T>> {
    (list.len() <= MAX_ENTRIES).then_some(list)
}

fn strings(list: Vec<Value>) -> Option<Vec<String>> {
    bounded(list.into_iter().filter_map(string).collect())
}

/// The string entries of an object; anything else is no entries.
fn string_map(raw: Option<&RawValue>) -> Option<Map> {
    let Some(Value::Object(map)) = parse(raw) else { return Some(Map::new()) };
    if map.len() > MAX_ENTRIES {
        return None;
    }
    Some(map.into_iter().filter_map(|(key, value)| string(value).map(|value| (key, value))).collect())
}

/// `os`, `cpu`, `libc`: a list of words, or one word.
fn word_list(raw: Option<&RawValue>) -> Option<Vec<String>> {
    let mut words = match parse(raw) {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(list)) => strings(list)?,
        _ => Vec::new(),
    };
    // `any` is npm's word for no restriction; empty words restrict nothing either.
    words.retain(|word| !word.is_empty() && word != "any");
    words.sort();
    words.dedup();
    Some(words)
}

/// `bin` in npm's normal form (npm-normalize-package-bin): command names without folders, files without a leading `./`.
pub(crate) fn normalize_bin(package: &str, bin: Option<&Value>) -> Option<Map> {
    let mut out = Map::new();
    let mut add = |command: &str, file: &str| {
        let command = command.rsplit(['/', '\\', ':']).next().unwrap_or_default();
        let file = clean_path(file);
        if !command.is_empty() && command != "." && command != ".." && !file.is_empty() {
            out.insert(command.to_owned(), file);
        }
    };
    match bin {
        Some(Value::String(file)) => add(package.rsplit('/').next().unwrap_or(package), file),
        Some(Value::Object(map)) => {
            if map.len() > MAX_ENTRIES {
                return None;
            }
            for (command, file) in map {
                if let Value::String(file) = file {
                    add(command, file);
                }
            }
        }
        Some(Value::Array(list)) => {
            for file in list.iter().take(MAX_ENTRIES).filter_map(Value::as_str) {
                add(file, file);
            }
        }
        _ => {}
    }
    Some(out)
}

/// Resolves `.` and `..` inside the package; nothing can climb out.
fn clean_path(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> VersionRecord {
        let wire: WireVersion<'_> = serde_json::from_str(json).expect("json");
        wire.normalize("@s/pkg", "1.0.0").expect("within bounds")
    }

    fn keys(map: &Map) -> Vec<&str> {
        map.keys().map(String::as_str).collect()
    }

    #[test]
    fn wrong_types_are_absent_not_fatal() {
        let record = record(
            r#"{"dependencies":[1],"optionalDependencies":"x","peerDependencies":7,"bin":{"a":1,"b":"./b.js"},
                "os":"linux","cpu":[1,"x64","any"],"scripts":[],"deprecated":false,"dist":[],"hasInstallScript":"yes",
                "bundleDependencies":null}"#,
        );
        assert!(record.dependencies.is_empty() && record.optional_dependencies.is_empty());
        assert_eq!(record.bin, Map::from([("b".to_owned(), "b.js".to_owned())]));
        assert_eq!((record.os, record.cpu), (vec!["linux".to_owned()], vec!["x64".to_owned()]));
        assert_eq!((record.scripts, record.deprecated, record.has_install_script), (None, None, None));
    }

    #[test]
    fn optional_wins_over_required_and_required_over_peer() {
        let record = record(
            r#"{"dependencies":{"a":"1","b":"1","zod":"^3"},"optionalDependencies":{"b":"2"},
                "peerDependencies":{"zod":"^4","react":"*"},"peerDependenciesMeta":{"react":{"optional":true},"q":{}}}"#,
        );
        assert_eq!(keys(&record.dependencies), ["a", "zod"]);
        assert_eq!(record.optional_dependencies["b"], "2");
        assert_eq!(keys(&record.peer_dependencies), ["react"]);
        assert_eq!(keys(&record.removed.peers), ["zod"]);
        assert!(record.is_optional("react") && record.is_optional("b") && !record.is_optional("a"));
    }

    #[test]
    fn what_cannot_be_locked_is_set_aside_unless_bundled() {
        let record = record(
            r#"{"dependencies":{"a":"github:o/r","b":"file:../b","__proto__":"1","../x":"1"},
                "optionalDependencies":{"c":"https://h.invalid/c.tgz"},"bundledDependencies":["b"]}"#,
        );
        assert_eq!(keys(&record.dependencies), ["__proto__", "b"]);
        assert_eq!(keys(&record.removed.unsupported), ["../x", "a"]);
        assert_eq!(keys(&record.removed.unsupported_optional), ["c"]);
    }

    #[test]
    fn bins_cannot_leave_the_package() {
        let bin = |text: &str| normalize_bin("@s/pkg", Some(&serde_json::from_str(text).expect("json"))).expect("bin");
        assert_eq!(bin("\"./cli.js\""), Map::from([("pkg".to_owned(), "cli.js".to_owned())]));
        assert_eq!(bin(r#"{"../../x":"../../etc/passwd"}"#), Map::from([("x".to_owned(), "etc/passwd".to_owned())]));
        assert_eq!(bin(r#"{"..":"x","a":"..\\..\\b"}"#), Map::from([("a".to_owned(), "b".to_owned())]));
    }

    #[test]
    fn oversized_maps_are_refused() {
        let entries: Vec<String> = (0..=MAX_ENTRIES).map(|i| format!("\"p{i}\":\"1\"")).collect();
        let json = format!("{{\"dependencies\":{{{}}}}}", entries.join(","));
        let wire: WireVersion<'_> = serde_json::from_str(&json).expect("json");
        assert_eq!(wire.normalize("a", "1.0.0"), None);
    }
}
