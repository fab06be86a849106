//! Rendered answers: made once per state of the catalog, packed once, kept within a bound of bytes.
use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcpsec_model::digest::Digest;
use moka::{future::Cache, policy::EvictionPolicy};
use tokio::sync::Semaphore;

use crate::{catalog::Catalog, error::ApiError};

/// The most memory for rendered answers, in bytes, the packed form counted in. An answer that is larger alone is not kept.
const KEPT: u64 = 16 << 20;
/// Shorter answers are not worth packing.
const PACKED_FROM: usize = 1_024;

/// Which answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum What {
    /// A packument, or the record of one version.
    Packument { name: String, short: bool },
    /// The keys document.
    Keys,
    /// All projects.
    Projects { json: bool },
    /// The files of a project.
    Project { name: String, json: bool },
}

/// An answer belongs to one state of the catalog and to the address that its links start with.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    edition: u64,
    base: String,
    what: What,
}

impl Key {
    pub(super) fn new(catalog: &Catalog, base: &str, what: What) -> Self {
        Self { edition: catalog.edition, base: base.to_owned(), what }
    }
}

/// A rendered answer.
#[derive(Clone, Debug)]
pub(super) struct Page {
    plain: Bytes,
    gzip: Option<Bytes>,
    tag: String,
    content_type: &'static str,
}

impl Page {
    /// Packs it. Blocks: some ten milliseconds for each megabyte.
    pub(super) fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let plain = body.into();
        let tag = Digest::sha256_of(&plain).to_hex()[..40].to_owned();
        let gzip = if plain.len() < PACKED_FROM { None } else { gzip(&plain).ok() };
        Self { plain, gzip, tag, content_type }
    }

    /// What it says, unpacked.
    #[cfg(test)]
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    fn weight(&self) -> u32 {
        let bytes = self.plain.len() + self.gzip.as_ref().map_or(0, Bytes::len) + 512;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// 200 or 304 (RFC 9110 §13.1.2), packed where the client takes that. Caches ask each time: what is withdrawn is gone at once.
    pub(super) fn answer(&self, asked: &HeaderMap, private: bool) -> Response {
        let packed = self.gzip.as_ref().filter(|_| takes_gzip(asked));
        let tag = format!("\"{}{}\"", self.tag, if packed.is_some() { "-gzip" } else { "" });
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        let keep = if private { "private, no-cache" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding, Host"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
        let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut known = known.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
        if known.any(|one| one == "*" || one == tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        let body = match packed {
            Some(packed) => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                packed
            }
            None => &self.plain,
        };
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        *response.body_mut() = Body::from(body.clone());
        response
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Bytes> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::new(6));
    encoder.write_all(bytes)?;
    encoder.finish().map(Bytes::from)
}

/// Whether `Accept-Encoding` names gzip and does not refuse it.
fn takes_gzip(asked: &HeaderMap) -> bool {
    accepted(asked, &header::ACCEPT_ENCODING, &["gzip", "x-gzip"]) > 0
}

/// The best weight, in thousandths, that a header of preferences gives one of these words (RFC 9110 §12.4.2); 0 where none is
/// named. What cannot be read weighs nothing.
pub(super) fn accepted(asked: &HeaderMap, name: &header::HeaderName, words: &[&str]) -> u32 {
    let values = asked.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let weight = |one: &str| {
        let mut parts = one.split(';').map(str::trim);
        let word = parts.next()?;
        if !words.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)) {
            return None;
        }
        let q = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let q: f32 = q.map_or(Ok(1.0), str::parse).unwrap_or_default();
        // Casting saturates, and makes 0 of NaN.
        Some((q.clamp(0.0, 1.0) * 1000.0) as u32)
    };
    values.flat_map(|value| value.split(',')).take(64).filter_map(|one| weight(one.trim())).max().unwrap_or_default()
}

/// The answers that are kept.
#[derive(Clone, Debug)]
pub struct Pages(Cache<Key, Arc<Page>>);

impl Default for Pages {
    fn default() -> Self {
        let weigh = |_: &Key, page: &Arc<Page>| page.weight();
        // The least recently used goes first: pages of an older state are never asked for again, however often they were.
        Self(Cache::builder().max_capacity(KEPT).weigher(weigh).eviction_policy(EvictionPolicy::lru()).build())
    }
}

impl Pages {
    /// The page of this key, made when it is not there; whoever asks for it meanwhile waits for the same one.
    ///
    /// # Errors
    /// Why it could not be made.
    pub(super) async fn get(
        &self,
        key: Key,
        make: impl Future<Output = Result<Page, ApiError>>,
    ) -> Result<Arc<Page>, ApiError> {
        let made = self.0.try_get_with(key, async {
            let _turn = MAKERS.acquire().await.map_err(|error| ApiError::bug(&error))?;
            make.await.map(Arc::new)
        });
        let made = made.await;
        made.map_err(|error| ApiError {
            status: error.status,
            message: error.message.clone(),
            hint: error.hint.clone(),
            retry_after: error.retry_after,
            missing: error.missing,
        })
    }
}

/// How many pages are made at once. Where no `public-url` is set each `Host` has pages of its own, and whoever asks under ever new ones
/// has all of them made anew: that must take no more than this of the database and the processors.
static MAKERS: Semaphore = Semaphore::const_new(4);

/// Renders away from the threads that answer requests.
pub(super) async fn render(make: impl FnOnce() -> Result<Page, ApiError> + Send + 'static) -> Result<Page, ApiError> {
    tokio::task::spawn_blocking(make).await.map_err(|error| ApiError::bug(&error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    #[test]
    fn preferences_are_weighed() {
        let weight = |value: &str| accepted(&asking(&[(header::ACCEPT, value)]), &header::ACCEPT, &["a/b"]);
        assert_eq!(weight("a/b"), 1000);
        assert_eq!(weight("x/y, A/B;q=0.25, */*"), 250);
        for nothing in ["", "*/*", "a/bc", "a/b;q=0", "a/b;q=nonsense", "a/b;q=NaN", "a/b; q=-1"] {
            assert_eq!(weight(nothing), 0, "{nothing}");
        }
    }

    #[test]
    fn the_packed_form_has_a_tag_of_its_own() {
        let page = Page::new("text/plain", "x".repeat(5_000));
        let gzip = (header::ACCEPT_ENCODING, "br, gzip");
        let packed = page.answer(&asking(std::slice::from_ref(&gzip)), false);
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let tag = packed.headers()[header::ETAG].to_str().expect("text").to_owned();
        let again = page.answer(&asking(&[gzip, (header::IF_NONE_MATCH, &format!("\"x\", W/{tag}"))]), false);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let plain = page.answer(&asking(&[(header::IF_NONE_MATCH, &tag)]), true);
        assert_eq!(plain.status(), StatusCode::OK, "the bytes are others");
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "private, no-cache");
        let refused = page.answer(&asking(&[(header::ACCEPT_ENCODING, "gzip;q=0")]), false);
        assert!(refused.headers().get(header::CONTENT_ENCODING).is_none());
    }
}
