//! Asking registries for packuments: each name once, many at a time, and ahead of the resolver.
//!
//! The resolver asks in its own order and waits often. [`Registry::speculate`] runs in front of it: as soon as a packument
//! is there, it picks the version that a requirement would select on its own and asks for that version's dependencies. A
//! wrong guess costs one request; a right one saves a round trip per level of the graph.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use deno_npm::{registry::NpmDependencyEntryKind, resolution::NpmVersionResolver};
use deno_semver::VersionReq;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use mcpsec_model::{name::PackageName, text::Untrusted, time::AsOf};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc::UnboundedSender},
};

use super::{
    NpmConfig, NpmError,
    packument::{MAX_PACKUMENT, Packument, distil},
};
use crate::{
    http::{Freshness, HttpError, Metadata, MetadataRequest, Reduction},
    resolve::{Maturity, ResolveOptions},
};

/// Requests under way at once; HTTP/2 carries them over few connections.
const CONCURRENCY: usize = 64;

/// Most packages that one closure may ask for. Tests of the bound need not ask five thousand questions.
pub(crate) const MAX_NAMES: usize = if cfg!(test) { 1_000 } else { 5_000 };

/// What npm itself sends: the abbreviated form if the registry has it.
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

/// The full form, which alone has publication times.
const FULL: &str = "application/json";

/// What the metadata cache keeps of a packument. The number changes with the compact form.
const REDUCTION: Reduction =
    Reduction { form: "npm-packument-4", reduce: |body| distil(body).map_err(|error| error.to_string()) };

type Answer = Result<Arc<Packument>, NpmError>;
type Pending = Shared<BoxFuture<'static, Answer>>;

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("config", &self.config).field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

/// One resolution's view of all registries: the same name always gives the same answer.
pub(crate) struct Registry {
    metadata: Metadata,
    config: NpmConfig,
    as_of: Option<AsOf>,
    maturity: Option<Maturity>,
    /// Whether publication times are needed.
    full: bool,
    /// The one package of which the long form is asked for anyway: it says who published what.
    server: Option<String>,
    freshness: Freshness,
    runtime: Handle,
    requests: Semaphore,
    /// Told each name that was answered.
    fetched: Option<UnboundedSender<String>>,
    asked: Mutex<BTreeMap<String, Pending>>,
    guessed: Mutex<BTreeSet<(String, String)>>,
    versions: NpmVersionResolver,
}

impl Registry {
    /// `runtime` drives the requests; the caller may wait on any thread.
    pub(crate) fn new(
        metadata: Metadata,
        config: NpmConfig,
        as_of: Option<AsOf>,
        freshness: Freshness,
        runtime: Handle,
        fetched: Option<UnboundedSender<String>>,
    ) -> Arc<Self> {
        Arc::new(Self::make(metadata, config, as_of, freshness, runtime, fetched))
    }

    fn make(
        metadata: Metadata,
        config: NpmConfig,
        as_of: Option<AsOf>,
        freshness: Freshness,
        runtime: Handle,
        fetched: Option<UnboundedSender<String>>,
    ) -> Self {
        Self {
            metadata,
            config,
            as_of,
            maturity: None,
            full: as_of.is_some(),
            server: None,
            freshness,
            runtime,
            requests: Semaphore::new(CONCURRENCY),
            fetched,
            asked: Mutex::default(),
            guessed: Mutex::default(),
            versions: NpmVersionResolver::default(),
        }
    }

    /// One that asks for the long form of every packument, with publication times where the registry has them.
    pub(crate) fn with_times(
        metadata: Metadata,
        config: NpmConfig,
        freshness: Freshness,
        runtime: Handle,
    ) -> Arc<Self> {
        Arc::new(Self { full: true, ..Self::make(metadata, config, None, freshness, runtime, None) })
    }

    /// One for a resolution: young versions are held back as `options` say, and `server` is asked about in the long form.
    pub(crate) fn resolving(
        metadata: Metadata,
        config: NpmConfig,
        options: &ResolveOptions,
        server: &str,
        runtime: Handle,
        fetched: UnboundedSender<String>,
    ) -> Arc<Self> {
        let plain = Self::make(metadata, config, options.as_of, Freshness::Cached, runtime, Some(fetched));
        Arc::new(Self { maturity: options.maturity.clone(), server: Some(server.to_owned()), ..plain })
    }

    /// The packument of `name`. Concurrent and repeated calls share one request.
    pub(crate) fn packument(self: &Arc<Self>, name: &str) -> Pending {
        let mut asked = lock(&self.asked);
        if let Some(pending) = asked.get(name) {
            return pending.clone();
        }
        let pending = if asked.len() >= MAX_NAMES {
            // Not remembered: the map itself must stay bounded.
            return futures::future::ready(Err(NpmError::TooLarge { what: "packages", limit: MAX_NAMES }))
                .boxed()
                .shared();
        } else {
            let (registry, name) = (Arc::clone(self), name.to_owned());
            let task = self.runtime.spawn(async move { registry.fetch(&name).await });
            task.map(|joined| joined.unwrap_or_else(|error| Err(NpmError::Resolver(error.to_string()))))
                .boxed()
                .shared()
        };
        asked.insert(name.to_owned(), pending.clone());
        pending
    }

    /// The packument if it was already answered well; never asks.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<Packument>> {
        lock(&self.asked).get(name)?.peek()?.as_ref().ok().cloned()
    }

    /// The names that the registry said it does not have.
    pub(crate) fn not_found(&self) -> Vec<String> {
        let asked = lock(&self.asked);
        let missing =
            asked.iter().filter(|(_, pending)| matches!(pending.peek(), Some(Err(NpmError::NotFound { .. }))));
        missing.map(|(name, _)| name.clone()).collect()
    }

    async fn fetch(self: Arc<Self>, name: &str) -> Answer {
        let malformed = |reason: String| NpmError::Packument { package: Untrusted::new(name).excerpt(214), reason };
        let package = PackageName::npm(name).map_err(|error| malformed(error.to_string()))?;
        let is_server = self.server.as_deref() == Some(name);
        let accept = if self.full || is_server { FULL } else { ABBREVIATED };
        let mut packument = self.ask(&package, accept).await?;
        if let Some(as_of) = self.as_of {
            if !packument.is_empty() && !packument.has_times() {
                return Err(NpmError::NoTimes { package: name.to_owned() });
            }
            packument.limit_to(as_of);
        }
        if let Some(maturity) = &self.maturity {
            // The short form tells no times. A record that has not changed for long enough has no young version in it.
            let may_be_young = packument.modified().is_some_and(|modified| modified > maturity.published_by);
            if accept == ABBREVIATED && may_be_young && !packument.has_times() {
                match self.ask(&package, FULL).await {
                    Ok(long) if long.has_times() => packument = long,
                    // The ages stay unknown, and whoever judges them says so.
                    Ok(_) | Err(_) => {}
                }
            }
            packument.hold_back(maturity, !self.config.is_public(&package));
        }
        if let Some(fetched) = &self.fetched {
            // Nobody listens any more when the resolution was given up.
            let _gone = fetched.send(name.to_owned());
        }
        Ok(Arc::new(packument))
    }

    /// One form of a record, as the registry sends it.
    async fn ask(&self, package: &PackageName, accept: &'static str) -> Result<Packument, NpmError> {
        let name = package.as_str();
        let malformed = |reason: String| NpmError::Packument { package: name.to_owned(), reason };
        let (registry, credentials) = self.config.registry_for(package);
        let url = registry.join(&name.replace('/', "%2f")).map_err(|error| malformed(error.to_string()))?;
        let request = MetadataRequest { url, credentials, accept, max_bytes: MAX_PACKUMENT, freshness: self.freshness };
        let document = {
            let _permit = self.requests.acquire().await;
            self.metadata.get_reduced(request, REDUCTION).await.map_err(|error| match error {
                error if error.is_not_found() => {
                    NpmError::NotFound { package: name.to_owned(), registry: Box::new(registry), wanted_by: None }
                }
                HttpError::Body { reason, .. } => malformed(reason),
                error => NpmError::Http { package: name.to_owned(), source: Arc::new(error) },
            })?
        };
        let packument = Packument::parse(document.bytes).map_err(|error| malformed(error.to_string()))?;
        if packument.name() != name {
            return Err(NpmError::NameMismatch {
                asked: name.to_owned(),
                answered: Untrusted::new(packument.name()).excerpt(214),
            });
        }
        Ok(packument)
    }

    /// Starts asking for `name` and everything below the version that `requirement` would select.
    pub(crate) fn speculate(self: &Arc<Self>, name: &str, requirement: &VersionReq) {
        {
            let mut guessed = lock(&self.guessed);
            let guess = (name.to_owned(), requirement.version_text().to_owned());
            if guessed.len() >= 4 * MAX_NAMES || !guessed.insert(guess) {
                return;
            }
        }
        let pending = self.packument(name);
        let (registry, requirement) = (Arc::clone(self), requirement.clone());
        // Detached on purpose: the resolver asks again for whatever it really needs.
        let _detached = self.runtime.spawn(async move {
            if let Ok(packument) = pending.await {
                registry.guess_below(&packument, &requirement);
            }
        });
    }

    /// Starts asking for what the selected version of a packument depends on.
    pub(crate) fn guess_below(self: &Arc<Self>, packument: &Packument, requirement: &VersionReq) {
        let Ok(info) = packument.info() else { return };
        let resolver = self.versions.get_for_package(&info);
        let Ok(version) = resolver.resolve_best_package_version_info(requirement, std::iter::empty()) else { return };
        let Ok(entries) = version.dependencies_as_entries(packument.name()) else { return };
        for entry in entries {
            match entry.kind {
                NpmDependencyEntryKind::OptionalPeer => {
                    // The resolver waits for these too, and looks no further.
                    drop(self.packument(entry.name.as_str()));
                }
                NpmDependencyEntryKind::Dep | NpmDependencyEntryKind::Peer => {
                    self.speculate(entry.name.as_str(), &entry.version_req);
                }
            }
        }
    }
}

/// A poisoned lock only means that another thread panicked between two whole states of these maps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
