//! Manifest confusion: the registry's record and the tarball's own `package.json` are separate documents, and nothing makes
//! them agree. People and scanners read the record, npm resolves by it, node runs the tarball.
//!
//! Publishing normalises harmlessly (a `bin` string becomes a map, optional dependencies are repeated, a leading `v` of a
//! version goes away). Both sides are brought to the same form first, so that only differences with a meaning remain.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    evidence::{Offer, Release},
    finding::{Finding, Rule},
    text::Untrusted,
};
use serde_json::{Value, value::RawValue};

use super::{
    dependency::unsupported,
    record::{INSTALL_SCRIPTS, VersionRecord, WireVersion},
};

/// Largest `package.json` that is compared, in bytes.
const MAX_PACKAGE_JSON: usize = 8 << 20;

/// What npm's publish writes as the install script of a package with a `binding.gyp` and no install script of its own.
const GYP_SCRIPT: &str = "node-gyp rebuild";

/// What a registry's record says about one version, as far as the tarball can contradict it or somebody signed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistryRecord {
    name: String,
    record: VersionRecord,
    /// What evidence the registry says it has.
    pub offer: Offer,
    /// The versions of the package in the order in which they were published (by time, then version), where at least one of
    /// them is attested. Versions after the date of an `as-of` resolution are not in it. Where this version is attested itself
    /// and the registry told no times unasked, it is empty.
    pub history: Vec<Release>,
}

impl RegistryRecord {
    pub(crate) fn of(name: &str, record: &VersionRecord) -> Self {
        Self { name: name.to_owned(), record: record.clone(), offer: Offer::default(), history: Vec::new() }
    }

    /// The package's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Commands and their files, in normal form.
    pub fn bin(&self) -> &BTreeMap<String, String> {
        &self.record.bin
    }
}

/// Compares the record with the bytes of the tarball's `package.json`. Each field that differs is one finding, with both values
/// as evidence; no finding means that they agree.
pub fn compare_manifest(record: &RegistryRecord, package_json: &[u8]) -> Vec<Finding> {
    let subject = format!("npm:{}@{}", record.name, record.record.version);
    let finding = |message: String| Finding::new(Rule::ManifestConfusion, subject.clone(), message);
    let manifest = match Manifest::read(&record.name, package_json) {
        Ok(manifest) => manifest,
        Err(reason) => return vec![finding(format!("the tarball's package.json cannot be read: {reason}"))],
    };
    let mut findings = Vec::new();
    let mut differ = |what: &str, registry: String, tarball: String| {
        let message = format!("{what} differs between the registry's record and the tarball");
        findings.push(finding(message).evidence(format!("registry: {registry}\ntarball: {tarball}")));
    };
    if manifest.name != record.name {
        differ("name", record.name.clone(), manifest.name.clone());
    }
    if manifest.version != without_build(&record.record.version) {
        differ("version", record.record.version.clone(), manifest.version.clone());
    }
    let (ours, theirs) = (&record.record, &manifest.record);
    for (what, registry, tarball) in [
        ("dependencies", dependencies(ours), dependencies(theirs)),
        ("optionalDependencies", optional(ours), optional(theirs)),
        ("peerDependencies", peers(ours), peers(theirs)),
    ] {
        if let Some((registry, tarball)) = differences(&registry, &tarball) {
            differ(what, registry, tarball);
        }
    }
    if !manifest.bins_come_from_folder(&ours.bin)
        && let Some((registry, tarball)) = differences(&ours.bin, &theirs.bin)
    {
        differ("bin", registry, tarball);
    }
    if let Some((registry, tarball)) = install_scripts(ours, theirs) {
        differ("install script", registry, tarball);
    }
    findings
}

/// The tarball's side.
struct Manifest {
    name: String,
    version: String,
    record: VersionRecord,
    bin_folder: Option<String>,
}

impl Manifest {
    fn read(registry_name: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_PACKAGE_JSON {
            return Err(format!("it is larger than {MAX_PACKAGE_JSON} bytes"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let shown = |error: serde_json::Error| Untrusted::new(error.to_string()).excerpt(120);
        // Through a map first: where a key appears twice node takes the last, and so must we.
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).map_err(shown)?;
        let text = |key: &str| {
            let value = fields.get(key).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
            value.unwrap_or_default()
        };
        let (name, version) = (text("name").trim().to_owned(), clean_version(&text("version")));
        let bin_folder = fields
            .get("directories")
            .and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok())
            .and_then(|folders| Some(folders.get("bin")?.as_str()?.to_owned()))
            .filter(|_| !fields.contains_key("bin"));
        let again = serde_json::to_string(&fields).map_err(shown)?;
        let wire: WireVersion<'_> = serde_json::from_str(&again).map_err(shown)?;
        let record =
            wire.normalize(registry_name, &version).ok_or_else(|| "a field has too many entries".to_owned())?;
        Ok(Self { name, version, record, bin_folder })
    }

    /// Publishing lists the files of `directories.bin` as `bin`.
    fn bins_come_from_folder(&self, bin: &BTreeMap<String, String>) -> bool {
        let Some(folder) = &self.bin_folder else { return false };
        let folder = format!("{}/", folder.trim_start_matches("./").trim_matches('/'));
        !bin.is_empty() && bin.values().all(|file| file.starts_with(&folder))
    }
}

/// A version without the decorations that publishing removes: `v`, `=`, blanks, build metadata.
fn clean_version(text: &str) -> String {
    without_build(text.trim().trim_start_matches(['v', '=', ' ']).trim()).to_owned()
}

fn without_build(version: &str) -> &str {
    version.split('+').next().unwrap_or(version)
}

type Map = BTreeMap<String, String>;

fn dependencies(record: &VersionRecord) -> Map {
    joined(&[&record.dependencies, &record.removed.unsupported])
}

fn optional(record: &VersionRecord) -> Map {
    joined(&[&record.optional_dependencies, &record.removed.unsupported_optional])
}

fn peers(record: &VersionRecord) -> Map {
    joined(&[&record.peer_dependencies, &record.removed.peers, &record.removed.unsupported_peers])
}

fn joined(maps: &[&Map]) -> Map {
    maps.iter()
        .flat_map(|map| map.iter())
        .map(|(name, requirement)| {
            let requirement = requirement.trim();
            // Publishing rewrites the spelling of git and URL sources; that they are such sources is reported by resolution.
            let requirement = match unsupported("x", requirement) {
                Some(kind) => format!("({kind})"),
                None if requirement.is_empty() => "*".to_owned(),
                None => requirement.to_owned(),
            };
            (name.clone(), requirement)
        })
        .collect()
}

/// The entries that only one side has or that differ, as (registry, tarball).
fn differences(registry: &Map, tarball: &Map) -> Option<(String, String)> {
    let names: BTreeSet<&String> = registry.keys().chain(tarball.keys()).collect();
    let names: Vec<&String> = names.into_iter().filter(|name| registry.get(*name) != tarball.get(*name)).collect();
    let side = |map: &Map| {
        let shown: Vec<String> = names
            .iter()
            .take(20)
            .map(|name| format!("{name} {}", map.get(*name).map_or("(none)", String::as_str)))
            .collect();
        shown.join(", ")
    };
    (!names.is_empty()).then(|| (side(registry), side(tarball)))
}

/// Compares what npm would run. A record without scripts says only whether there are any.
fn install_scripts(registry: &VersionRecord, tarball: &VersionRecord) -> Option<(String, String)> {
    let none = Map::new();
    let theirs = tarball.scripts.as_ref().unwrap_or(&none);
    let Some(ours) = &registry.scripts else {
        let says = registry.has_install_script == Some(true);
        // A record may count a `binding.gyp`, which package.json does not show: more than the tarball is fine, less is not.
        return (!says && !theirs.is_empty())
            .then(|| ("none".to_owned(), differences(&none, theirs).map(|(_, t)| t).unwrap_or_default()));
    };
    let mut ours = ours.clone();
    if !theirs.contains_key("install")
        && !theirs.contains_key("preinstall")
        && ours.get("install").is_some_and(|script| script == GYP_SCRIPT)
    {
        ours.remove("install");
    }
    debug_assert!(ours.keys().all(|key| INSTALL_SCRIPTS.contains(&key.as_str())));
    differences(&ours, theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> RegistryRecord {
        let wire: WireVersion<'_> = serde_json::from_str(json).expect("json");
        RegistryRecord::of("@s/a", &wire.normalize("@s/a", "1.0.0").expect("bounded"))
    }

    fn compare(registry: &str, tarball: &str) -> Vec<String> {
        compare_manifest(&record(registry), tarball.as_bytes()).into_iter().map(|finding| finding.message).collect()
    }

    const ID: &str = r#""name":"@s/a","version":"1.0.0""#;

    #[test]
    fn what_publishing_does_is_no_confusion() {
        for (registry, tarball) in [
            (r#"{"bin":{"a":"cli.js"}}"#, format!(r#"{{{ID},"bin":"./cli.js"}}"#)),
            (r#"{"bin":{"x":"bin/x.js"}}"#, format!(r#"{{{ID},"bin":{{"x":"./bin/x.js"}}}}"#)),
            (r#"{"bin":{"x":"bin/x"}}"#, format!(r#"{{{ID},"directories":{{"bin":"./bin"}}}}"#)),
            (
                r#"{"dependencies":{"b":"1","c":"2"},"optionalDependencies":{"c":"2"}}"#,
                format!(r#"{{{ID},"dependencies":{{"b":"1"}},"optionalDependencies":{{"c":"2"}}}}"#),
            ),
            (r#"{"dependencies":{"b":"1"}}"#, format!(r#"{{{ID},"dependencies":{{"b":" 1 ","c":7}}}}"#)),
            (r#"{"dependencies":{"b":"github:o/r"}}"#, format!(r#"{{{ID},"dependencies":{{"b":"o/r"}}}}"#)),
            (
                r#"{"bundleDependencies":["b"],"dependencies":{"b":"1"}}"#,
                format!(r#"{{{ID},"bundledDependencies":["b"],"dependencies":{{"b":"1"}}}}"#),
            ),
            (r#"{"scripts":{"install":"node-gyp rebuild"}}"#, format!(r#"{{{ID},"scripts":{{"test":"x"}}}}"#)),
            (r#"{"hasInstallScript":true}"#, format!(r#"{{{ID},"scripts":{{"postinstall":"x"}}}}"#)),
            ("{}", format!(r#"{{{ID},"scripts":{{"prepare":"x","prepublishOnly":"y"}}}}"#)),
            ("{}", r#"{"name":" @s/a","version":"v1.0.0+build.7"}"#.to_owned()),
            ("{}", format!("\u{feff}{{{ID}}}")),
        ] {
            assert_eq!(compare(registry, &tarball), Vec::<String>::new(), "{registry} {tarball}");
        }
    }

    #[test]
    fn what_hides_something_is_found() {
        for (registry, tarball, word) in [
            ("{}", r#"{"name":"other","version":"1.0.0"}"#.to_owned(), "name"),
            ("{}", r#"{"name":"@s/a","version":"1.0.1"}"#.to_owned(), "version"),
            ("{}", format!(r#"{{{ID},"dependencies":{{"evil":"1"}}}}"#), "dependencies"),
            (r#"{"dependencies":{"b":"1"}}"#, format!(r#"{{{ID},"dependencies":{{"b":"2"}}}}"#), "dependencies"),
            (r#"{"dependencies":{"b":"1"}}"#, format!(r#"{{{ID}}}"#), "dependencies"),
            ("{}", format!(r#"{{{ID},"optionalDependencies":{{"evil":"1"}}}}"#), "optionalDependencies"),
            ("{}", format!(r#"{{{ID},"peerDependencies":{{"evil":"1"}}}}"#), "peerDependencies"),
            (r#"{"bin":{"a":"a.js"}}"#, format!(r#"{{{ID},"bin":{{"a":"b.js"}}}}"#), "bin"),
            ("{}", format!(r#"{{{ID},"bin":{{"ls":"evil.js"}}}}"#), "bin"),
            ("{}", format!(r#"{{{ID},"scripts":{{"postinstall":"evil"}}}}"#), "install script"),
            (r#"{"scripts":{}}"#, format!(r#"{{{ID},"scripts":{{"preinstall":"evil"}}}}"#), "install script"),
            (
                r#"{"scripts":{"install":"node-gyp rebuild"}}"#,
                format!(r#"{{{ID},"scripts":{{"install":"evil"}}}}"#),
                "install script",
            ),
            ("{}", format!(r#"{{{ID},"dependencies":{{}},"dependencies":{{"evil":"1"}}}}"#), "dependencies"),
            ("{}", "not json".to_owned(), "cannot be read"),
            ("{}", "[]".to_owned(), "cannot be read"),
        ] {
            let found = compare(registry, &tarball);
            assert!(found.len() == 1 && found[0].contains(word), "{registry} {tarball}: {found:?}");
        }
    }
}
