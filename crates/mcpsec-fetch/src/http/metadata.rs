//! Registry documents: from the cache when it may answer, else from the network, each request once at a time.
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcpsec_model::{time::Timestamp, url::SafeUrl};

use super::{
    Credentials, HttpError, Network,
    cache::{Answer, Cache, Entry, Key, MAX_BODY, Use},
    network::header_text,
};

/// The longest one attempt at one document may take, however steadily its bytes trickle in.
const DOCUMENT_DEADLINE: Duration = Duration::from_secs(300);

/// A question to a registry.
#[derive(Clone, Debug)]
pub struct MetadataRequest {
    /// The address.
    pub url: SafeUrl,
    /// Sent only to the origin of `url`.
    pub credentials: Option<Credentials>,
    /// The `Accept` header.
    pub accept: &'static str,
    /// The longest body accepted, in bytes, after decompression.
    pub max_bytes: usize,
    /// Whether an earlier answer will do.
    pub freshness: Freshness,
}

/// How a document is made smaller before it is cached and answered. Large documents of which little is needed are then read,
/// kept and parsed at the size of what is needed.
#[derive(Clone, Copy, Debug)]
pub struct Reduction {
    /// Names the form and its version; a part of the cache's key, so that another form never answers.
    pub form: &'static str,
    /// From the body as sent (decompressed) to the body as kept; runs on a blocking thread. The error says, safe to print, why
    /// the body is not what was asked for.
    pub reduce: fn(&[u8]) -> Result<Vec<u8>, String>,
}

/// Whether an earlier answer will do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Freshness {
    /// A cached answer is fine while it is fresh: as long as the server said, or for five minutes if it said nothing.
    Cached,
    /// The origin must be asked. Its "not modified" (304) counts as an answer; offline, nothing does.
    Revalidate,
}

/// An answer. Its `Debug` form leaves out the body, which may be megabytes of strangers' text.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// The body, decompressed.
    pub bytes: Bytes,
    /// The address that answered, after redirects: the base of relative links. Without user, password and query when it
    /// comes from the cache.
    pub url: SafeUrl,
    /// The `Content-Type` header as sent.
    pub content_type: Option<String>,
    /// Whether the network was not asked for it.
    pub from_cache: bool,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("url", &self.url)
            .field("length", &self.bytes.len())
            .field("from_cache", &self.from_cache)
            .finish_non_exhaustive()
    }
}

/// Registry documents. Cheap to clone; clones share the cache and the requests in flight.
#[derive(Clone)]
pub struct Metadata {
    inner: Arc<Inner>,
}

type Answering = BoxFuture<'static, Result<Document, HttpError>>;
type Flight = (Key, usize, Freshness);

struct Inner {
    cache: Cache,
    network: Option<Network>,
    now: SystemTime,
    /// Weak, so that a request whose askers all went away holds no connection and is started anew by the next one.
    flying: Mutex<HashMap<Flight, WeakShared<Answering>>>,
    always_ask: bool,
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metadata").field("cache", &self.inner.cache).field("network", &self.inner.network).finish()
    }
}

impl Metadata {
    /// Documents cached under `cache_dir`, judged fresh or stale as of `now`. Without a network (`--offline`) any cached
    /// answer is used whatever its age.
    pub fn new(cache_dir: PathBuf, network: Option<Network>, now: Timestamp) -> Self {
        Self::with(cache_dir, network, now, false)
    }

    /// The same, but every question goes to the registry, however fresh a cached answer may be: for whoever looks for what is
    /// new.
    pub fn always_asking(cache_dir: PathBuf, network: Option<Network>, now: Timestamp) -> Self {
        Self::with(cache_dir, network, now, true)
    }

    fn with(cache_dir: PathBuf, network: Option<Network>, now: Timestamp, always_ask: bool) -> Self {
        let (cache, now) = (Cache::new(cache_dir), SystemTime::from(now));
        Self { inner: Arc::new(Inner { cache, network, now, always_ask, flying: Mutex::default() }) }
    }

    /// The cache folder, for sources that keep what they extracted from immutable files.
    pub(crate) fn cache_dir(&self) -> &std::path::Path {
        self.inner.cache.folder()
    }

    /// Whether only the cache may be asked.
    pub fn is_offline(&self) -> bool {
        self.inner.network.is_none()
    }

    /// The network, unless offline.
    pub fn network(&self) -> Option<&Network> {
        self.inner.network.as_ref()
    }

    /// The document at an address. Equal requests made while one is in flight share its answer.
    ///
    /// # Errors
    /// Every [`HttpError`]. A stale answer is never passed off as current when the registry cannot be reached.
    pub async fn get(&self, request: MetadataRequest) -> Result<Document, HttpError> {
        self.join_or_start(request, None).await
    }

    /// The document at an address, reduced. What is cached and answered is the reduced body.
    ///
    /// # Errors
    /// Every [`HttpError`]; a body that cannot be reduced is [`HttpError::Body`] and is not kept.
    pub async fn get_reduced(&self, request: MetadataRequest, reduction: Reduction) -> Result<Document, HttpError> {
        self.join_or_start(request, Some(reduction)).await
    }

    fn join_or_start(&self, mut request: MetadataRequest, reduction: Option<Reduction>) -> Shared<Answering> {
        if self.inner.always_ask {
            request.freshness = Freshness::Revalidate;
        }
        let form = reduction.map_or("", |reduction| reduction.form);
        let key = Key::of(&request.url, request.accept, request.credentials.as_ref(), form);
        let flight = (key, request.max_bytes, request.freshness);
        let mut flying = self.inner.flying.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = flying.get(&flight).and_then(WeakShared::upgrade) {
            return running;
        }
        let inner = Arc::clone(&self.inner);
        let answering = async move {
            let answer = inner.answer(flight.0, &request, reduction).await;
            inner.flying.lock().unwrap_or_else(PoisonError::into_inner).remove(&flight);
            answer
        };
        let shared = answering.boxed().shared();
        if let Some(weak) = shared.downgrade() {
            flying.insert(flight, weak);
        }
        shared
    }
}

impl Inner {
    async fn answer(
        &self,
        key: Key,
        request: &MetadataRequest,
        reduction: Option<Reduction>,
    ) -> Result<Document, HttpError> {
        let must_ask = request.freshness == Freshness::Revalidate;
        let stored = if must_ask && self.network.is_none() { None } else { self.read(key).await };
        let stored = stored.filter(|entry| entry.body.len() <= request.max_bytes);
        let Some(network) = &self.network else {
            return match &stored {
                Some(entry) => Ok(document(entry, true)),
                None => Err(HttpError::Offline { url: request.url.clone() }),
            };
        };
        let mut conditions = HeaderMap::new();
        if let Some(entry) = &stored {
            match entry.usable(&request.url, request.accept, must_ask, self.now) {
                Use::Fresh => return Ok(document(entry, true)),
                Use::Ask(headers) => conditions = headers,
            }
        }
        let mut document = self.fetch(network, request, reduction, stored, conditions).await?;
        if let Some(entry) = document.1.take() {
            self.write(key, entry).await;
        }
        Ok(document.0)
    }

    /// Asks until there is an answer or no hope of one; gives the answer and what is to be kept of it.
    async fn fetch(
        &self,
        network: &Network,
        request: &MetadataRequest,
        reduction: Option<Reduction>,
        stored: Option<Entry>,
        mut conditions: HeaderMap,
    ) -> Result<(Document, Option<Entry>), HttpError> {
        let mut schedule = network.schedule();
        loop {
            // The slot is given back while pausing, so that one failing address does not hold up the others.
            let attempt = async {
                let _slot = network.metadata_slots().acquire().await;
                once(network, request, &conditions).await
            };
            let error = match attempt.await {
                Ok(Fetched::Body { bytes, url, headers }) => {
                    let bytes = reduced(bytes, reduction, &request.url).await?;
                    let content_type = header_text(&headers, &header::CONTENT_TYPE);
                    let answer = Answer { url: &url, content_type: content_type.clone(), headers: &headers };
                    let entry = Entry::new(&request.url, request.accept, answer, bytes.clone(), self.now);
                    return Ok((Document { bytes, url, content_type, from_cache: false }, entry));
                }
                Ok(Fetched::NotModified(headers)) => {
                    let refreshed = stored
                        .as_ref()
                        .and_then(|entry| entry.refreshed(&request.url, request.accept, &headers, self.now));
                    if let Some(entry) = refreshed {
                        let answer = document(&entry, false);
                        return Ok((answer, Some(entry)));
                    }
                    if conditions.is_empty() {
                        return Err(HttpError::Body {
                            url: request.url.clone(),
                            reason: "not modified (304), though nothing was said to be compared".to_owned(),
                        });
                    }
                    // A 304 about something we do not have: ask again without conditions.
                    conditions = HeaderMap::new();
                    continue;
                }
                Err(error) => error,
            };
            match schedule.pause(&error) {
                Some(pause) => {
                    tracing::debug!(%error, pause_ms = pause.as_millis() as u64, "trying again");
                    tokio::time::sleep(pause).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn read(&self, key: Key) -> Option<Entry> {
        let cache = self.cache.clone();
        tokio::task::spawn_blocking(move || cache.read(&key)).await.ok().flatten()
    }

    async fn write(&self, key: Key, entry: Entry) {
        let cache = self.cache.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || cache.write(&key, &entry)).await {
            tracing::debug!(%error, "cache entry not written");
        }
    }
}

/// The body in the form that is kept.
async fn reduced(bytes: Bytes, reduction: Option<Reduction>, url: &SafeUrl) -> Result<Bytes, HttpError> {
    let Some(Reduction { reduce, .. }) = reduction else { return Ok(bytes) };
    let refuse = |reason: String| HttpError::Body { url: url.clone(), reason };
    let work = tokio::task::spawn_blocking(move || reduce(&bytes));
    Ok(work.await.map_err(|error| refuse(error.to_string()))?.map_err(refuse)?.into())
}

fn document(entry: &Entry, from_cache: bool) -> Document {
    Document { bytes: entry.body.clone(), url: entry.url.clone(), content_type: entry.content_type.clone(), from_cache }
}

enum Fetched {
    Body { bytes: Bytes, url: SafeUrl, headers: HeaderMap },
    NotModified(HeaderMap),
}

/// One attempt.
async fn once(network: &Network, request: &MetadataRequest, conditions: &HeaderMap) -> Result<Fetched, HttpError> {
    let mut headers = conditions.clone();
    headers.insert(header::ACCEPT, HeaderValue::from_static(request.accept));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    if request.freshness == Freshness::Revalidate {
        // So that caches on the way ask the origin as well (RFC 9111 §5.2.1.4).
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    let work = async {
        let opened = network.open(&request.url, request.credentials.as_ref(), &headers).await?;
        if opened.response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::NotModified(opened.response.headers().clone()));
        }
        let headers = opened.response.headers().clone();
        let limit = request.max_bytes.min(MAX_BODY);
        let bytes = super::body::read(network, opened.response, &request.url, limit).await?;
        Ok(Fetched::Body { bytes, url: opened.url, headers })
    };
    tokio::time::timeout(DOCUMENT_DEADLINE, work).await.unwrap_or_else(|_| {
        let reason = format!("not complete after {} seconds", DOCUMENT_DEADLINE.as_secs());
        Err(HttpError::Network { url: request.url.clone(), reason })
    })
}
