//! What an npm registry knows, and the documents it makes of it: packuments (full and abbreviated), version records, tags.
use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{NpmPackage, NpmRegistryKey, base_name};

/// The fields of a version record that the abbreviated packument keeps.
const ABBREVIATED: [&str; 21] = [
    "_hasShrinkwrap",
    "acceptDependencies",
    "bin",
    "bundleDependencies",
    "bundledDependencies",
    "cpu",
    "dependencies",
    "deprecated",
    "devDependencies",
    "directories",
    "dist",
    "engines",
    "funding",
    "hasInstallScript",
    "libc",
    "name",
    "optionalDependencies",
    "os",
    "peerDependencies",
    "peerDependenciesMeta",
    "version",
];

/// One published version.
#[derive(Clone, Debug)]
pub(super) struct Version {
    record: Map<String, Value>,
    time: Option<String>,
    pub(super) file_name: String,
    pub(super) tarball: Bytes,
}

/// One package name.
#[derive(Clone, Default, Debug)]
pub(super) struct Entry {
    pub(super) versions: BTreeMap<String, Version>,
    tags: BTreeMap<String, String>,
    pinned_latest: bool,
    /// Times of versions that are gone; a registry keeps them.
    old_times: BTreeMap<String, String>,
    /// Fields beside `versions`, from a recorded packument.
    recorded: Map<String, Value>,
}

impl Entry {
    pub(super) fn publish(&mut self, package: &NpmPackage) {
        let tarball = package.tarball();
        let record = package.record(&tarball);
        let version = Version {
            record,
            time: Some(package.published.clone()),
            file_name: package.file_name(),
            tarball: tarball.into(),
        };
        self.insert(&package.version, version, package.tag.as_deref());
    }

    /// Adds a recorded version; `record` is served as it is, but for its tarball address.
    pub(super) fn publish_recorded(
        &mut self,
        version: &str,
        record: Map<String, Value>,
        file_name: &str,
        tarball: Bytes,
    ) {
        let version_entry = Version { record, time: None, file_name: file_name.to_owned(), tarball };
        self.insert(version, version_entry, None);
    }

    /// What its versions depend on, with ranges.
    pub(super) fn dependencies(&self) -> Vec<(String, String)> {
        let maps = self.versions.values().filter_map(|version| version.record.get("dependencies")?.as_object());
        maps.flatten().filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned()))).collect()
    }

    /// Signs every version that nobody has signed.
    pub(super) fn sign_all(&mut self, name: &str, key: &NpmRegistryKey) {
        for (number, version) in &mut self.versions {
            let Some(Value::Object(dist)) = version.record.get_mut("dist") else { continue };
            if let Some(Value::String(integrity)) = dist.get("integrity").filter(|_| !dist.contains_key("signatures")) {
                let signature = key.sign(name, number, integrity);
                dist.insert("signatures".to_owned(), json!([signature]));
            }
        }
    }

    /// No version has signatures or attestations any more.
    pub(super) fn strip_evidence(&mut self) {
        for version in self.versions.values_mut() {
            if let Some(Value::Object(dist)) = version.record.get_mut("dist") {
                dist.remove("signatures");
                dist.remove("attestations");
            }
        }
    }

    /// Takes tags, times and other fields from a recorded packument.
    pub(super) fn set_recorded(&mut self, mut packument: Map<String, Value>) {
        packument.remove("versions");
        let strings = |value: Option<Value>| -> BTreeMap<String, String> {
            value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
        };
        let tags = strings(packument.remove("dist-tags"));
        self.pinned_latest |= tags.contains_key("latest");
        self.tags.extend(tags);
        self.old_times.extend(strings(packument.remove("time")));
        self.recorded = packument;
    }

    fn insert(&mut self, version: &str, entry: Version, tag: Option<&str>) {
        self.versions.insert(version.to_owned(), entry);
        match tag {
            Some(tag) => self.tag(tag, version),
            None => self.refresh_latest(),
        }
    }

    pub(super) fn tag(&mut self, tag: &str, version: &str) {
        self.tags.insert(tag.to_owned(), version.to_owned());
        self.pinned_latest |= tag == "latest";
        self.refresh_latest();
    }

    pub(super) fn unpublish(&mut self, version: &str) {
        if let Some(time) = self.versions.remove(version).and_then(|gone| gone.time) {
            self.old_times.insert(version.to_owned(), time);
        }
        self.tags.retain(|_, tagged| tagged != version);
        self.pinned_latest &= self.tags.contains_key("latest");
        self.refresh_latest();
    }

    pub(super) fn deprecate(&mut self, version: &str, note: &str) {
        if let Some(known) = self.versions.get_mut(version) {
            known.record.insert("deprecated".to_owned(), note.into());
        }
    }

    /// npm moves `latest` with every publish; ours goes to the highest version, so that the order of a test's calls is free.
    fn refresh_latest(&mut self) {
        if self.pinned_latest {
            return;
        }
        let parsed = |text: &&String| semver::Version::parse(text).ok();
        let highest = self.versions.keys().max_by_key(|text| {
            let version = parsed(text);
            (version.as_ref().is_some_and(|version| version.pre.is_empty()), version)
        });
        match highest {
            Some(version) => self.tags.insert("latest".to_owned(), version.clone()),
            None => self.tags.remove("latest"),
        };
    }

    /// The version that a version or tag names.
    pub(super) fn find(&self, version_or_tag: &str) -> Option<&Version> {
        let version = self.tags.get(version_or_tag).map_or(version_or_tag, String::as_str);
        self.versions.get(version)
    }

    /// The whole packument.
    pub(super) fn full(&self, name: &str, base: &str) -> Value {
        let versions: Map<String, Value> = self
            .versions
            .iter()
            .map(|(number, version)| (number.clone(), version.document(name, base).into()))
            .collect();
        let mut times = self.old_times.clone();
        times
            .extend(self.versions.iter().filter_map(|(number, version)| Some((number.clone(), version.time.clone()?))));
        let earliest = times.values().min().cloned().unwrap_or_default();
        let latest = times.values().max().cloned().unwrap_or_default();
        times.entry("created".to_owned()).or_insert(earliest);
        times.entry("modified".to_owned()).or_insert(latest);
        let mut packument = match rewritten(self.recorded.clone().into(), base) {
            Value::Object(recorded) => recorded,
            _ => Map::new(),
        };
        packument.entry("_id").or_insert_with(|| name.into());
        packument.insert("name".to_owned(), name.into());
        packument.insert("dist-tags".to_owned(), json!(self.tags));
        packument.insert("time".to_owned(), json!(times));
        packument.insert("versions".to_owned(), versions.into());
        packument.into()
    }

    /// The packument that installers ask for: no times, no scripts, no texts.
    pub(super) fn abbreviated(&self, name: &str, base: &str) -> Value {
        let short = |version: &Version| -> Map<String, Value> {
            let mut record = version.document(name, base);
            let scripts = record.get("scripts").and_then(Value::as_object);
            let installs = scripts.is_some_and(|scripts| {
                ["preinstall", "install", "postinstall"].iter().any(|event| scripts.contains_key(*event))
            });
            record.retain(|key, _| ABBREVIATED.contains(&key.as_str()));
            if installs {
                record.insert("hasInstallScript".to_owned(), true.into());
            }
            record
        };
        let versions: Map<String, Value> =
            self.versions.iter().map(|(number, version)| (number.clone(), short(version).into())).collect();
        let modified = self.versions.values().filter_map(|version| version.time.clone()).max();
        json!({ "name": name, "modified": modified.unwrap_or_default(), "dist-tags": self.tags, "versions": versions })
    }
}

impl Version {
    /// The record with addresses of this server.
    pub(super) fn document(&self, name: &str, base: &str) -> Map<String, Value> {
        let mut record = match rewritten(self.record.clone().into(), base) {
            Value::Object(record) => record,
            _ => Map::new(),
        };
        if let Some(dist) = record.get_mut("dist").and_then(Value::as_object_mut) {
            dist.entry("tarball").or_insert_with(|| format!("{base}/{name}/-/{}", self.file_name).into());
        }
        record
    }

    /// Recorded files live under the name their record gives them, whatever the file on disk is called.
    pub(super) fn answers_to(&self, name: &str, version: &str, file_name: &str) -> bool {
        self.file_name == file_name || file_name == format!("{}-{version}.tgz", base_name(name))
    }
}

/// Recorded documents carry `*.invalid` hosts, which nobody can reach: addresses of such hosts become this server's.
pub(crate) fn rewritten(value: Value, base: &str) -> Value {
    match value {
        Value::String(text) => {
            let own = ["https://", "http://"].iter().find_map(|scheme| {
                let rest = text.strip_prefix(scheme)?;
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                host.ends_with(".invalid").then(|| format!("{base}{path}"))
            });
            Value::String(own.unwrap_or(text))
        }
        Value::Array(values) => values.into_iter().map(|value| rewritten(value, base)).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, rewritten(value, base))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_invalid_hosts_are_rewritten() {
        let before =
            json!({"a": "https://npm.registry.invalid/x/-/x.tgz", "b": ["https://example.org/x", "invalid"], "c": 1});
        let after = json!({"a": "http://127.0.0.1:1/x/-/x.tgz", "b": ["https://example.org/x", "invalid"], "c": 1});
        assert_eq!(rewritten(before, "http://127.0.0.1:1"), after);
    }
}
