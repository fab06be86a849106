//! An npm registry on loopback: packuments, version records, tarballs, keys and recorded attestations.
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{NpmPackage, NpmRegistryKey, key::npm_keys_document, registry::Entry};
use crate::loopback::{Loopback, RangeSupport, Reply, Request, Routes, lock};

const ABBREVIATED_TYPE: &str = "application/vnd.npm.install-v1+json";

/// A registry. Faults, authentication and the request log are those of the [`Loopback`] it dereferences to.
pub struct NpmServer {
    http: Loopback,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    packages: Mutex<BTreeMap<String, Entry>>,
    attestations: Mutex<BTreeMap<String, Bytes>>,
    keys: Mutex<Option<Bytes>>,
    tarball_origin: Mutex<Option<String>>,
    max_age: Mutex<Option<u32>>,
    full_only: AtomicBool,
}

impl Deref for NpmServer {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        &self.http
    }
}

impl NpmServer {
    /// An empty registry on a free port.
    pub fn start() -> Self {
        Self::start_on(0).expect("a loopback port is free")
    }

    /// An empty registry on `port`; 0 means any free one.
    pub fn start_on(port: u16) -> std::io::Result<Self> {
        let state = Arc::<State>::default();
        let http = Loopback::start_on(port, Arc::clone(&state) as Arc<dyn Routes>)?;
        Ok(Self { http, state })
    }

    /// The registry's address with a trailing slash, as `.npmrc` wants it.
    pub fn url(&self) -> String {
        format!("{}/", self.http.base())
    }

    /// Publishes a version, or silently replaces it: the registry that serves another tarball for a locked version.
    pub fn publish(&self, package: &NpmPackage) {
        lock(&self.state.packages).entry(package.name.clone()).or_default().publish(package);
        if let Some(response) = &package.attestations {
            self.set_attestations(&package.name, &package.version, response.clone());
        }
    }

    /// Publishes several.
    pub fn publish_all<'a>(&self, packages: impl IntoIterator<Item = &'a NpmPackage>) {
        packages.into_iter().for_each(|package| self.publish(package));
    }

    /// Adds a recorded version: the record is served as recorded, with `*.invalid` hosts replaced by this server.
    pub fn publish_recorded(
        &self,
        name: &str,
        version: &str,
        record: Map<String, Value>,
        file_name: &str,
        tarball: Bytes,
    ) {
        let mut packages = lock(&self.state.packages);
        packages.entry(name.to_owned()).or_default().publish_recorded(version, record, file_name, tarball);
    }

    /// Takes dist-tags, times and texts of a package from a recorded packument; its `versions` are not looked at.
    pub fn set_recorded_packument(&self, name: &str, packument: Map<String, Value>) {
        lock(&self.state.packages).entry(name.to_owned()).or_default().set_recorded(packument);
    }

    /// Removes a version; its tarball is gone too, its time stays.
    pub fn unpublish(&self, name: &str, version: &str) {
        if let Some(entry) = lock(&self.state.packages).get_mut(name) {
            entry.unpublish(version);
        }
    }

    /// Marks a version as deprecated.
    pub fn deprecate(&self, name: &str, version: &str, note: &str) {
        if let Some(entry) = lock(&self.state.packages).get_mut(name) {
            entry.deprecate(version, note);
        }
    }

    /// Moves a dist-tag.
    pub fn tag(&self, name: &str, tag: &str, version: &str) {
        lock(&self.state.packages).entry(name.to_owned()).or_default().tag(tag, version);
    }

    /// Answers `/-/npm/v1/attestations/<name>@<version>` with this recorded body.
    pub fn set_attestations(&self, name: &str, version: &str, response: impl Into<Bytes>) {
        lock(&self.state.attestations).insert(format!("{name}@{version}"), response.into());
    }

    /// Answers 404 there: the registry that announces attestations and gives none.
    pub fn withhold_attestations(&self, name: &str, version: &str) {
        lock(&self.state.attestations).remove(&format!("{name}@{version}"));
    }

    /// Signs every version that nobody has signed yet, and serves the key.
    pub fn sign_all(&self, key: &NpmRegistryKey) {
        for (name, entry) in &mut *lock(&self.state.packages) {
            entry.sign_all(name, key);
        }
        self.set_registry_keys([key]);
    }

    /// Hands out no evidence from now on: no signatures, attestations or keys.
    pub fn strip_evidence(&self) {
        lock(&self.state.packages).values_mut().for_each(Entry::strip_evidence);
        lock(&self.state.attestations).clear();
        *lock(&self.state.keys) = None;
    }

    /// Answers `/-/npm/v1/keys` with these keys.
    pub fn set_registry_keys<'a>(&self, keys: impl IntoIterator<Item = &'a NpmRegistryKey>) {
        self.set_keys(npm_keys_document(keys));
    }

    /// Answers `/-/npm/v1/keys` with this recorded body.
    pub fn set_keys(&self, response: impl Into<Bytes>) {
        *lock(&self.state.keys) = Some(response.into());
    }

    /// Ignores the wish for abbreviated packuments, as some mirrors do.
    pub fn set_full_only(&self, on: bool) {
        self.state.full_only.store(on, Ordering::Relaxed);
    }

    /// Lets records point to tarballs on another origin, `http://host:port`, such as a second server.
    pub fn set_tarball_origin(&self, origin: &str) {
        *lock(&self.state.tarball_origin) = Some(origin.to_owned());
    }

    /// `Cache-Control: public, max-age=…` on metadata, in seconds; without it there is no such header.
    pub fn set_max_age(&self, seconds: Option<u32>) {
        *lock(&self.state.max_age) = seconds;
    }

    /// Dependencies of published versions that nobody publishes, with their ranges; sorted.
    pub fn missing_dependencies(&self) -> Vec<(String, String)> {
        let packages = lock(&self.state.packages);
        let needed: BTreeSet<(String, String)> = packages.values().flat_map(Entry::dependencies).collect();
        needed.into_iter().filter(|(name, _)| !packages.contains_key(name)).collect()
    }

    /// All names and versions, sorted.
    pub fn published(&self) -> Vec<(String, String)> {
        let packages = lock(&self.state.packages);
        let names = packages.iter();
        names.flat_map(|(name, entry)| entry.versions.keys().map(|version| (name.clone(), version.clone()))).collect()
    }
}

impl Routes for State {
    fn answer(&self, request: &Request, base: &str) -> Reply {
        let path = request.decoded_path();
        let path = path.trim_start_matches('/').trim_end_matches('/');
        if let Some(rest) = path.strip_prefix("-/") {
            return self.service(rest);
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::text(405, "read only");
        }
        // A name has one segment, or two if it is scoped; what follows is a version, a tag or a tarball.
        let segments = if path.starts_with('@') { 2 } else { 1 };
        let cut = path.match_indices('/').nth(segments - 1).map_or(path.len(), |(at, _)| at);
        let (name, rest) = (&path[..cut], path[cut..].trim_start_matches('/'));
        let packages = lock(&self.packages);
        let Some(entry) = packages.get(name).filter(|entry| !entry.versions.is_empty()) else {
            return Reply::not_found();
        };
        if let Some(file_name) = rest.strip_prefix("-/") {
            let found = entry.versions.iter().find(|(number, version)| version.answers_to(name, number, file_name));
            return found.map_or_else(Reply::not_found, |(_, version)| {
                Reply::file("application/octet-stream", version.tarball.clone(), RangeSupport::Full)
            });
        }
        let origin = lock(&self.tarball_origin).clone().unwrap_or_else(|| base.to_owned());
        if !rest.is_empty() {
            return entry.find(rest).map_or_else(Reply::not_found, |version| {
                self.metadata("application/json", &version.document(name, &origin).into())
            });
        }
        if request.accepts(ABBREVIATED_TYPE) && !self.full_only.load(Ordering::Relaxed) {
            return self.metadata(ABBREVIATED_TYPE, &entry.abbreviated(name, &origin));
        }
        self.metadata("application/json", &entry.full(name, &origin))
    }
}

impl State {
    fn metadata(&self, content_type: &str, document: &Value) -> Reply {
        let reply = Reply::metadata(content_type, document.to_string()).header("vary", "accept");
        match *lock(&self.max_age) {
            Some(seconds) => reply.header("cache-control", &format!("public, max-age={seconds}")),
            None => reply,
        }
    }

    /// Everything under `/-/`. Advisory endpoints answer 404, as a mirror without them does.
    fn service(&self, path: &str) -> Reply {
        if path == "ping" {
            return Reply::new(200, "application/json", "{}");
        }
        if path == "npm/v1/keys" {
            let keys = lock(&self.keys).clone();
            return keys.map_or_else(Reply::not_found, |keys| Reply::metadata("application/json", keys));
        }
        let wanted =
            path.strip_prefix("npm/v1/attestations/").and_then(|key| lock(&self.attestations).get(key).cloned());
        wanted.map_or_else(Reply::not_found, |response| Reply::metadata("application/json", response))
    }
}
