//! One version of an npm package: its tarball and the record a registry keeps of it, with the same bytes every time.
use std::collections::BTreeMap;

use mcpsec_model::digest::Digest;
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

use super::{NpmRegistryKey, base_name};
use crate::archives::tar::RawTar;

/// When a package was published, unless [`NpmPackage::published`] says otherwise.
const PUBLISHED: &str = "2025-01-01T00:00:00.000Z";

/// Starts a package with an `index.js` that does nothing. Add to it, then give it to [`NpmServer::publish`](super::NpmServer::publish).
///
/// ```
/// use mcpsec_testkit::npm_package;
/// let package = npm_package("@scope/server", "1.0.0").dep("zod", "^3").bin("server", "index.js").script("postinstall", "node x");
/// assert_eq!(package.tarball(), package.clone().tarball());
/// ```
pub fn npm_package(name: &str, version: &str) -> NpmPackage {
    let mut manifest = Map::new();
    manifest.insert("name".to_owned(), name.into());
    manifest.insert("version".to_owned(), version.into());
    NpmPackage {
        name: name.to_owned(),
        version: version.to_owned(),
        manifest,
        record_changes: Vec::new(),
        dist_changes: Vec::new(),
        files: BTreeMap::from([("index.js".to_owned(), (b"\"use strict\";\n".to_vec(), 0o644))]),
        root: "package".to_owned(),
        tarball: None,
        published: PUBLISHED.to_owned(),
        tag: None,
        signers: Vec::new(),
        attestations: None,
    }
}

/// A package version under construction.
#[derive(Clone, Debug)]
pub struct NpmPackage {
    pub(super) name: String,
    pub(super) version: String,
    manifest: Map<String, Value>,
    record_changes: Vec<(String, Option<Value>)>,
    dist_changes: Vec<(String, Option<Value>)>,
    files: BTreeMap<String, (Vec<u8>, u32)>,
    root: String,
    tarball: Option<Vec<u8>>,
    pub(super) published: String,
    pub(super) tag: Option<String>,
    signers: Vec<NpmRegistryKey>,
    pub(super) attestations: Option<String>,
}

impl NpmPackage {
    /// A dependency with its range.
    #[must_use]
    pub fn dep(self, name: &str, range: &str) -> Self {
        self.entry("dependencies", name, range.into())
    }

    /// A peer dependency.
    #[must_use]
    pub fn peer(self, name: &str, range: &str) -> Self {
        self.entry("peerDependencies", name, range.into())
    }

    /// A peer dependency that may be absent.
    #[must_use]
    pub fn optional_peer(self, name: &str, range: &str) -> Self {
        self.peer(name, range).entry("peerDependenciesMeta", name, json!({ "optional": true }))
    }

    /// An optional dependency.
    #[must_use]
    pub fn optional(self, name: &str, range: &str) -> Self {
        self.entry("optionalDependencies", name, range.into())
    }

    /// A development dependency, which nobody who installs the package gets.
    #[must_use]
    pub fn dev(self, name: &str, range: &str) -> Self {
        self.entry("devDependencies", name, range.into())
    }

    /// A dependency that travels inside the tarball, with this version of it.
    #[must_use]
    pub fn bundle(self, name: &str, version: &str) -> Self {
        let inner = json!({ "name": name, "version": version });
        let folder = format!("node_modules/{name}");
        let mut this = self
            .dep(name, version)
            .file(&format!("{folder}/package.json"), format!("{inner:#}\n").as_bytes())
            .file(&format!("{folder}/index.js"), b"\"use strict\";\n");
        let bundled = this.manifest.entry("bundleDependencies").or_insert_with(|| json!([]));
        if let Value::Array(names) = bundled {
            names.push(name.into());
        }
        this
    }

    /// A command and the file it runs; the file is added, executable, if it is not there.
    #[must_use]
    pub fn bin(mut self, command: &str, path: &str) -> Self {
        self.files
            .entry(path.trim_start_matches("./").to_owned())
            .and_modify(|file| file.1 = 0o755)
            .or_insert_with(|| (b"#!/usr/bin/env node\n".to_vec(), 0o755));
        self.entry("bin", command, path.into())
    }

    /// A script, such as `postinstall`.
    #[must_use]
    pub fn script(self, event: &str, command: &str) -> Self {
        self.entry("scripts", event, command.into())
    }

    /// An engine range, such as `node` `>=18`.
    #[must_use]
    pub fn engine(self, engine: &str, range: &str) -> Self {
        self.entry("engines", engine, range.into())
    }

    /// Operating systems, as Node names them; `!win32` excludes.
    #[must_use]
    pub fn os(self, names: &[&str]) -> Self {
        self.field("os", json!(names))
    }

    /// Processors, as Node names them.
    #[must_use]
    pub fn cpu(self, names: &[&str]) -> Self {
        self.field("cpu", json!(names))
    }

    /// C libraries: `glibc`, `musl`.
    #[must_use]
    pub fn libc(self, names: &[&str]) -> Self {
        self.field("libc", json!(names))
    }

    /// The deprecation note of the record; it is not in the tarball.
    #[must_use]
    pub fn deprecated(self, note: &str) -> Self {
        self.record_field("deprecated", note.into())
    }

    /// Any field of package.json, and so of the record.
    #[must_use]
    pub fn field(mut self, key: &str, value: Value) -> Self {
        self.manifest.insert(key.to_owned(), value);
        self
    }

    /// A file of the tarball, mode 644; `package.json` replaces the generated one.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.insert(path.to_owned(), (bytes.to_vec(), 0o644));
        self
    }

    /// The folder inside the tarball; `package` unless said otherwise. Some old packages use their own name.
    #[must_use]
    pub fn root(mut self, folder: &str) -> Self {
        self.root = folder.to_owned();
        self
    }

    /// Changes the registry's record only: what the tarball says stays (manifest confusion).
    #[must_use]
    pub fn record_field(mut self, key: &str, value: Value) -> Self {
        self.record_changes.push((key.to_owned(), Some(value)));
        self
    }

    /// Removes a field from the registry's record only.
    #[must_use]
    pub fn without_record_field(mut self, key: &str) -> Self {
        self.record_changes.push((key.to_owned(), None));
        self
    }

    /// Changes a field of the record's `dist`, such as a wrong `integrity`, `signatures` or a `tarball` elsewhere.
    #[must_use]
    pub fn dist_field(mut self, key: &str, value: Value) -> Self {
        self.dist_changes.push((key.to_owned(), Some(value)));
        self
    }

    /// The record has only the old `shasum`, as before npm 5.
    #[must_use]
    pub fn without_integrity(mut self) -> Self {
        self.dist_changes.push(("integrity".to_owned(), None));
        self
    }

    /// The registry signs it with this key (one more, if it has others). It signs what the record says when it is published:
    /// serve the key with [`NpmServer::set_registry_keys`](super::NpmServer::set_registry_keys).
    #[must_use]
    pub fn signed_by(mut self, key: &NpmRegistryKey) -> Self {
        self.signers.push(key.clone());
        self
    }

    /// The registry announces attestations and answers with this response.
    #[must_use]
    pub fn attestations(mut self, response: impl Into<String>) -> Self {
        self.attestations = Some(response.into());
        self
    }

    /// Serves these bytes as the tarball; the record's digests are theirs.
    #[must_use]
    pub fn tarball_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.tarball = Some(bytes.into());
        self
    }

    /// When it was published, RFC 3339; for `time` of the full packument.
    #[must_use]
    pub fn published(mut self, time: &str) -> Self {
        self.published = time.to_owned();
        self
    }

    /// The dist-tag it gets when published. Without one, `latest` goes to the highest version that is no prerelease.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = Some(tag.to_owned());
        self
    }

    /// The package name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The tarball's file name, `<name without scope>-<version>.tgz`.
    pub fn file_name(&self) -> String {
        format!("{}-{}.tgz", base_name(&self.name), self.version)
    }

    /// The tarball.
    pub fn tarball(&self) -> Vec<u8> {
        self.tarball.clone().unwrap_or_else(|| self.tar().gz())
    }

    /// The digest npm pins.
    pub fn integrity(&self) -> String {
        Digest::sha512_of(&self.tarball()).to_sri()
    }

    /// The tarball's entries before compression, package.json first, so that more can be added.
    pub fn tar(&self) -> RawTar {
        let generated = format!("{:#}\n", Value::Object(self.manifest.clone()));
        let manifest = self.files.get("package.json").map_or(generated.as_bytes(), |(bytes, _)| bytes);
        let tar = RawTar::new().file(&format!("{}/package.json", self.root), manifest);
        self.files
            .iter()
            .filter(|(path, _)| *path != "package.json")
            .fold(tar, |tar, (path, (bytes, mode))| tar.file_with_mode(&format!("{}/{path}", self.root), bytes, *mode))
    }

    /// The registry's record of this version: package.json, `dist` without `tarball`, and the changes asked for.
    pub fn record(&self, tarball: &[u8]) -> Map<String, Value> {
        let mut dist = Map::new();
        dist.insert("integrity".to_owned(), Digest::sha512_of(tarball).to_sri().into());
        dist.insert("shasum".to_owned(), hex::encode(Sha1::digest(tarball)).into());
        dist.insert("fileCount".to_owned(), (self.files.len() + 1).into());
        let unpacked: usize = self.files.values().map(|(bytes, _)| bytes.len()).sum();
        dist.insert("unpackedSize".to_owned(), unpacked.into());
        if self.attestations.is_some() {
            let provenance = Some("https://slsa.dev/provenance/v1");
            dist.insert("attestations".to_owned(), announcement(&self.name, &self.version, provenance));
        }
        change(&mut dist, &self.dist_changes);
        if let Some(Value::String(integrity)) = dist.get("integrity").filter(|_| !self.signers.is_empty()) {
            let signatures: Vec<_> =
                self.signers.iter().map(|key| key.sign(&self.name, &self.version, integrity)).collect();
            dist.insert("signatures".to_owned(), json!(signatures));
        }
        let mut record = self.manifest.clone();
        record.insert("_id".to_owned(), format!("{}@{}", self.name, self.version).into());
        record.insert("dist".to_owned(), dist.into());
        // The registry repeats optional dependencies among the dependencies, since clients before npm 7 read only those.
        if let Some(Value::Object(optional)) = self.manifest.get("optionalDependencies") {
            let dependencies = record.entry("dependencies").or_insert_with(|| json!({}));
            if let Value::Object(dependencies) = dependencies {
                dependencies.extend(optional.clone());
            }
        }
        change(&mut record, &self.record_changes);
        record
    }

    fn entry(mut self, table: &str, key: &str, value: Value) -> Self {
        let table = self.manifest.entry(table).or_insert_with(|| json!({}));
        if let Value::Object(table) = table {
            table.insert(key.to_owned(), value);
        }
        self
    }
}

/// `dist.attestations`. The server that serves it puts its own address in place of the host.
pub(crate) fn announcement(name: &str, version: &str, provenance: Option<&str>) -> Value {
    let url = format!("https://npm.registry.invalid/-/npm/v1/attestations/{}@{version}", name.replace('/', "%2f"));
    match provenance {
        Some(predicate_type) => json!({ "url": url, "provenance": { "predicateType": predicate_type } }),
        None => json!({ "url": url }),
    }
}

fn change(map: &mut Map<String, Value>, changes: &[(String, Option<Value>)]) {
    for (key, value) in changes {
        match value {
            Some(value) => {
                map.insert(key.clone(), value.clone());
            }
            None => {
                map.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_never_vary() {
        let package = || npm_package("@scope/name", "1.0.0").dep("x", "^1").bundle("y", "2.0.0").bin("name", "cli.js");
        assert_eq!(package().integrity(), package().integrity());
        assert_eq!(package().file_name(), "name-1.0.0.tgz");
    }

    #[test]
    fn the_record_may_lie_and_the_tarball_does_not() {
        let package =
            npm_package("a", "1.0.0").script("install", "true").without_record_field("scripts").without_integrity();
        let record = package.record(&package.tarball());
        assert!(record.get("scripts").is_none());
        assert!(record["dist"].get("integrity").is_none() && record["dist"]["shasum"].is_string());
    }
}
