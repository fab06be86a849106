//! What an npm registry has beside its records: attestations of single versions, its own keys, and the times of publication
//! where only the long form of a record tells them.
//!
//! Addresses come from the configuration, never from a record: a record that names another host must not decide who is asked,
//! nor who gets the credentials.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use mcpsec_model::{
    evidence::{RegistryKey, Release},
    name::PackageName,
    package::PackageId,
    text::Untrusted,
    time::Timestamp,
    url::SafeUrl,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use smol_str::SmolStr;
use tokio::runtime::Handle;

use super::{NpmError, NpmSource, RegistryRecord, offer::MAX_KEYID, registry::Registry};
use crate::http::{Freshness, HttpError, MetadataRequest};

/// Largest attestation response. Real ones have 15 kB.
const MAX_ATTESTATIONS: usize = 8 << 20;

/// Largest keys document.
const MAX_KEYS_BODY: usize = 1 << 20;

/// Most keys of one registry.
const MAX_KEYS: usize = 64;

/// Longest key in base64 (RSA with 8192 bits has 1,400 characters).
const MAX_KEY: usize = 4096;

type AskingKeys = Shared<BoxFuture<'static, Result<Option<Vec<RegistryKey>>, NpmError>>>;

/// What was asked once and serves every later question.
#[derive(Default)]
pub(super) struct Asked {
    /// By registry address: one question per registry.
    keys: Mutex<BTreeMap<String, AskingKeys>>,
    full: OnceLock<Arc<Registry>>,
}

/// Addresses may hold secrets, so nothing is shown.
impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl NpmSource {
    /// The registry's attestations of one version: the JSON text as sent, nothing checked. `None` when the registry has none
    /// or knows no such thing (404, 405, 410).
    ///
    /// # Errors
    /// [`NpmError::Http`]: could not ask, or more than 8 MiB. [`NpmError::Evidence`]: not UTF-8.
    pub async fn attestations(&self, id: &PackageId) -> Result<Option<String>, NpmError> {
        let path = format!("-/npm/v1/attestations/{}@{}", id.name().as_str().replace('/', "%2f"), id.version());
        let Some(body) = self.ask(id.name(), &path, MAX_ATTESTATIONS).await? else { return Ok(None) };
        let refuse = |reason: &str| NpmError::Evidence { package: id.to_string(), reason: reason.to_owned() };
        String::from_utf8(body.into()).map(Some).map_err(|_| refuse("the attestations are not UTF-8 text"))
    }

    /// The keys of the registry that answers for this name; asked once per registry and process. `None` when it publishes
    /// none. Whoever believes these keys believes the registry: prefer the ones that are built in.
    ///
    /// # Errors
    /// [`NpmError::Http`]: could not ask. [`NpmError::Evidence`]: the answer is no list of at most 64 keys.
    pub async fn keys(&self, name: &PackageName) -> Result<Option<Vec<RegistryKey>>, NpmError> {
        let (registry, _) = self.config.registry_for(name);
        let asking = {
            let mut asked = self.asked.keys.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = asked.entry(registry.expose().to_string());
            let (source, name) = (self.clone(), name.clone());
            entry.or_insert_with(|| async move { source.ask_keys(&name).await }.boxed().shared()).clone()
        };
        asking.await
    }

    async fn ask_keys(&self, name: &PackageName) -> Result<Option<Vec<RegistryKey>>, NpmError> {
        let Some(body) = self.ask(name, "-/npm/v1/keys", MAX_KEYS_BODY).await? else { return Ok(None) };
        read_keys(&body).map(Some).map_err(|reason| NpmError::Evidence { package: name.to_string(), reason })
    }

    /// One document of the registry's own; `None` where there is none.
    async fn ask(&self, name: &PackageName, path: &str, max_bytes: usize) -> Result<Option<bytes::Bytes>, NpmError> {
        let (registry, credentials) = self.config.registry_for(name);
        let url: SafeUrl = registry.join(path).map_err(|error| NpmError::Evidence {
            package: name.to_string(),
            reason: format!("{registry} has no usable address for it: {error}"),
        })?;
        let freshness = Freshness::Cached;
        let request = MetadataRequest { url, credentials, accept: "application/json", max_bytes, freshness };
        match self.metadata.get(request).await {
            Ok(document) => Ok(Some(document.bytes)),
            Err(HttpError::NotFound { .. } | HttpError::Status { status: 405, .. }) => Ok(None),
            Err(error) => Err(NpmError::Http { package: name.to_string(), source: Arc::new(error) }),
        }
    }

    /// The versions of a package in the order in which they were published; empty when none of them is attested or the
    /// registry tells no times. Asks for the long form of the record, at most once per name.
    ///
    /// # Errors
    /// Whatever keeps the record from being read.
    pub async fn history(&self, name: &PackageName) -> Result<Vec<Release>, NpmError> {
        Ok(self.long_records().packument(name.as_str()).await?.history())
    }

    /// The registry in its long form, asked once per name.
    fn long_records(&self) -> &Arc<Registry> {
        self.asked.full.get_or_init(|| {
            Registry::with_times(self.metadata.clone(), self.config.clone(), Freshness::Cached, Handle::current())
        })
    }

    /// Asks for the history of those packages that have none, are not attested, and have attested versions. The short form of
    /// a record says which versions are attested and not when they were published.
    pub(super) async fn add_histories(
        &self,
        registry: &Registry,
        records: &mut BTreeMap<PackageId, RegistryRecord>,
    ) -> Result<(), NpmError> {
        let mut asking = Vec::new();
        for id in records.keys() {
            let name = id.name().as_str();
            if registry.known(name).is_some_and(|packument| packument.lacks_history(id.version())) {
                // Each runs on its own from here on, as many at once as the registry allows.
                asking.push((id.clone(), self.long_records().packument(name)));
            }
        }
        for (id, pending) in asking {
            let history = pending.await?.history();
            if let Some(record) = records.get_mut(&id) {
                record.history = history;
            }
        }
        Ok(())
    }
}

/// The keys document: `{"keys": [{"keyid", "key", "scheme", "expires"}, …]}`. A wrong type of a part that is used refuses the
/// whole: half a list of keys would make good signatures look bad for the wrong reason.
fn read_keys(body: &[u8]) -> Result<Vec<RegistryKey>, String> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Wire {
        keyid: SmolStr,
        key: String,
        scheme: SmolStr,
        #[serde(default)]
        expires: Option<String>,
    }
    let shown = |error: serde_json::Error| {
        format!("the keys document is malformed: {}", Untrusted::new(error.to_string()).excerpt(120))
    };
    let document: Document<'_> = serde_json::from_slice(body).map_err(shown)?;
    if document.keys.len() > MAX_KEYS {
        return Err(format!("the keys document has {} keys, at most {MAX_KEYS} are read", document.keys.len()));
    }
    let mut keys = Vec::with_capacity(document.keys.len());
    for raw in document.keys {
        let wire: Wire = serde_json::from_str(raw.get()).map_err(shown)?;
        if wire.keyid.len() > MAX_KEYID || wire.scheme.len() > MAX_KEYID || wire.key.len() > MAX_KEY {
            return Err("a key of the keys document is too long".to_owned());
        }
        let expires = match wire.expires {
            Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
                format!(
                    "a key of the keys document expires at `{}`, which is no time",
                    Untrusted::new(text.as_str()).excerpt(40)
                )
            })?),
            None => None,
        };
        keys.push(RegistryKey { keyid: wire.keyid, key: wire.key, scheme: wire.scheme, expires });
    }
    Ok(keys)
}
