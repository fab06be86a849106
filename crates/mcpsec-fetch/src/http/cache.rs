//! The disk cache of registry documents: one file per request, readable at a glance, never trusted further than a checksum.
//!
//! Layout: `<dir>/v1/<2 hex>/<62 hex>`, named by the SHA-256 of what was asked (method, address, `Accept`, fingerprint of the
//! credentials). A file is `magic, CRC-32, header length, header (JSON), body`, lengths little endian. The CRC covers
//! everything after itself: it is there to notice torn or rotten files, not to stop someone who can write to the user's
//! folder, who could write any checksum. What a document leads to is pinned by cryptographic digests elsewhere.
//! Files are written to a temporary name and renamed, without fsync: a lost or torn entry is only a cache miss.
use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use mcpsec_model::url::SafeUrl;
use serde::{Deserialize, Serialize};

use super::Credentials;

const MAGIC: [u8; 8] = *b"mcpsecC1";
const FIXED: usize = MAGIC.len() + 4 + 4;
/// Longer headers than this were not written by us.
const MAX_HEADER: usize = 64 << 10;
/// Longer bodies are not kept.
pub(super) const MAX_BODY: usize = 128 << 20;
/// How long an answer without any word about freshness counts as fresh (RFC 9111 §4.2.2 leaves it to us).
const HEURISTIC: Duration = Duration::from_secs(300);
/// The response headers that matter to freshness and revalidation; no other is stored.
const KEPT: [header::HeaderName; 8] = [
    header::CACHE_CONTROL,
    header::EXPIRES,
    header::AGE,
    header::DATE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::VARY,
    header::PRAGMA,
];

/// What identifies a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of a GET. Credentials enter only through a hash, so that answers are never shared between identities. `form`
    /// names the reduced form that is stored, or is empty for the body as sent.
    pub(super) fn of(url: &SafeUrl, accept: &str, credentials: Option<&Credentials>, form: &str) -> Self {
        use aws_lc_rs::digest::{Context, SHA256};
        let mut context = Context::new(&SHA256);
        // Each part is followed by a zero byte, which none of them can contain. Here the real URL, secrets included, is
        // hashed: its user part and its query select the answer like any other part.
        for part in ["GET", url.expose().as_str(), accept, credentials.map_or("", Credentials::expose), form] {
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        Self(out)
    }
}

/// The header of an entry.
#[derive(Serialize, Deserialize)]
struct Header {
    /// The final address, without secrets.
    url: String,
    content_type: Option<String>,
    policy: CachePolicy,
}

/// A stored answer.
pub(super) struct Entry {
    pub(super) body: Bytes,
    pub(super) url: SafeUrl,
    pub(super) content_type: Option<String>,
    policy: CachePolicy,
}

/// Everything an answer needs to become an entry.
pub(super) struct Answer<'a> {
    pub(super) url: &'a SafeUrl,
    pub(super) content_type: Option<String>,
    pub(super) headers: &'a HeaderMap,
}

/// What to do with a stored answer.
pub(super) enum Use {
    /// It may be used as it is.
    Fresh,
    /// The origin must be asked, with these conditional headers (none if the answer has no validator).
    Ask(HeaderMap),
}

/// The request as the policy sees it: no credentials, no secret parts of the address.
fn plain_request(url: &SafeUrl, accept: &str) -> Option<Request<()>> {
    Request::get(url.without_secrets().as_str()).header(header::ACCEPT, accept).body(()).ok()
}

fn options() -> CacheOptions {
    // Heuristics of the library are off: a tenth of a file's age can be months.
    CacheOptions { shared: false, cache_heuristic: 0.0, ..CacheOptions::default() }
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::new();
    for name in &KEPT {
        for value in headers.get_all(name) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

fn plain_response(headers: &HeaderMap, status: StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = with_heuristic(kept(headers));
    response
}

/// Adds our heuristic lifetime to an answer that says nothing about freshness at all.
fn with_heuristic(mut headers: HeaderMap) -> HeaderMap {
    let says_something =
        [header::CACHE_CONTROL, header::EXPIRES, header::PRAGMA].iter().any(|n| headers.contains_key(n));
    if !says_something {
        let value = format!("max-age={}", HEURISTIC.as_secs());
        if let Ok(value) = value.parse() {
            headers.insert(header::CACHE_CONTROL, value);
        }
    }
    headers
}

impl Entry {
    /// Makes an entry of a 200 answer; `None` when the answer forbids storing.
    pub(super) fn new(asked: &SafeUrl, accept: &str, answer: Answer<'_>, body: Bytes, now: SystemTime) -> Option<Self> {
        let request = plain_request(asked, accept)?;
        let policy =
            CachePolicy::new_options(&request, &plain_response(answer.headers, StatusCode::OK), now, options());
        policy.is_storable().then(|| Self {
            body,
            url: answer.url.without_secrets().into(),
            content_type: answer.content_type,
            policy,
        })
    }

    /// Whether it can be used now.
    pub(super) fn usable(&self, asked: &SafeUrl, accept: &str, must_ask: bool, now: SystemTime) -> Use {
        let Some(mut request) = plain_request(asked, accept) else { return Use::Ask(HeaderMap::new()) };
        if must_ask {
            request.headers_mut().insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-cache"));
        }
        match self.policy.before_request(&request, now) {
            BeforeRequest::Fresh(_) => Use::Fresh,
            BeforeRequest::Stale { request, matches } => {
                let mut headers = HeaderMap::new();
                for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
                    if let Some(value) = request.headers.get(&name).filter(|_| matches) {
                        headers.insert(name, value.clone());
                    }
                }
                Use::Ask(headers)
            }
        }
    }

    /// The entry after a 304; `None` when the 304 is about something else than what is stored.
    pub(super) fn refreshed(
        &self,
        asked: &SafeUrl,
        accept: &str,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Option<Self> {
        let request = plain_request(asked, accept)?;
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.headers_mut() = kept(headers);
        // A 304 may leave out the validators (RFC 9110 §15.4.5 asks for the ETag, servers forget); the conditional request
        // named exactly one stored answer, so there is no doubt which one is meant.
        if !response.headers().contains_key(header::ETAG) && !response.headers().contains_key(header::LAST_MODIFIED) {
            let stored = serde_json::to_value(&self.policy).ok()?;
            for name in [header::ETAG, header::LAST_MODIFIED] {
                let value = stored.get("res").and_then(|headers| headers.get(name.as_str()));
                let value = value.and_then(|value| value.as_str().or_else(|| value.get(0)?.as_str()));
                if let Some(value) = value.and_then(|value| value.parse().ok()) {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        match self.policy.after_response(&request, &response, now) {
            AfterResponse::NotModified(policy, _) => Some(Self {
                body: self.body.clone(),
                url: self.url.clone(),
                content_type: self.content_type.clone(),
                policy,
            }),
            AfterResponse::Modified(..) => None,
        }
    }
}

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Nothing is touched until the first use.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir: dir.join("v1") }
    }

    /// The folder that was handed in.
    pub(super) fn folder(&self) -> &Path {
        self.dir.parent().unwrap_or(&self.dir)
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name = hex::encode(key.0);
        self.dir.join(&name[..2]).join(&name[2..])
    }

    /// Reads an entry. A missing, damaged or foreign file is simply not there.
    pub(super) fn read(&self, key: &Key) -> Option<Entry> {
        let path = self.path(key);
        let bytes = match read_bounded(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!(%error, "cache entry not readable");
                }
                return None;
            }
        };
        let entry = parse(bytes);
        if entry.is_none() {
            tracing::debug!("cache entry damaged; it will be fetched again");
        }
        entry
    }

    /// Writes an entry, best effort: the cache may be read-only or full, and the answer is good all the same.
    pub(super) fn write(&self, key: &Key, entry: &Entry) {
        if entry.body.len() > MAX_BODY {
            return;
        }
        if let Err(error) = self.try_write(key, entry) {
            tracing::debug!(%error, "cache entry not written");
        }
    }

    fn try_write(&self, key: &Key, entry: &Entry) -> io::Result<()> {
        let header = Header {
            url: entry.url.expose().as_str().to_owned(),
            content_type: entry.content_type.clone(),
            policy: entry.policy.clone(),
        };
        let header = serde_json::to_vec(&header)?;
        if header.len() > MAX_HEADER {
            return Err(io::Error::other("header too long"));
        }
        let length = u32::try_from(header.len()).map_err(io::Error::other)?.to_le_bytes();
        let mut crc = flate2::Crc::new();
        for part in [&length[..], &header, &entry.body] {
            crc.update(part);
        }
        let path = self.path(key);
        let dir = path.parent().unwrap_or(&self.dir);
        // tempfile creates with mode 0600: private registries' answers are nobody else's business.
        let mut temp = match tempfile::NamedTempFile::new_in(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(dir)?;
                tempfile::NamedTempFile::new_in(dir)?
            }
            other => other?,
        };
        for part in [&MAGIC[..], &crc.sum().to_le_bytes(), &length, &header, &entry.body] {
            temp.write_all(part)?;
        }
        temp.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let limit = (FIXED + MAX_HEADER + MAX_BODY) as u64;
    if length > limit {
        return Err(io::Error::other("longer than any entry we write"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)? + 1);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(bytes: Vec<u8>) -> Option<Entry> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let mut actual = flate2::Crc::new();
    actual.update(rest);
    if actual.sum() != u32::from_le_bytes(*crc) {
        return None;
    }
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= MAX_HEADER)?;
    let header: Header = serde_json::from_slice(rest.get(..length)?).ok()?;
    let url = header.url.parse().ok()?;
    let body = Bytes::from(bytes).slice(FIXED + length..);
    Some(Entry { body, url, content_type: header.content_type, policy: header.policy })
}
