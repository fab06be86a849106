//! What a git host attests about a commit, through the API that GitHub has and others copy:
//! `GET {api}/repos/{owner}/{repo}/attestations/{digest}`, which answers `{"attestations":[{"bundle":{…}}]}` page by page.
//!
//! Nobody is asked unless an API base is configured for the host. What comes is untrusted text for the verifier; a host
//! that has nothing (404) has nothing.
use http::{HeaderMap, HeaderValue, header};
use mcpsec_model::{text::Untrusted, url::SafeUrl};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::{Credentials, HttpError, Network, body};

/// Most bytes of all pages.
const MAX_BYTES: usize = 8 << 20;

/// Most pages; what later ones would hold is not looked at.
const MAX_PAGES: usize = 4;

/// Attestations asked for on each page.
const PER_PAGE: usize = 30;

/// Why a host's attestations could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestationsError {
    /// The request failed, or the answer is larger than 8 MiB.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The repository is not of the form `owner/name`.
    #[error("`{given}` is not a repository of the form owner/name")]
    Repository {
        /// As given, escaped.
        given: String,
    },
    /// The digest is not one that can be asked for.
    #[error("`{given}` is not sha1: or sha256: and lower-case hexadecimal digits")]
    Digest {
        /// As given, escaped.
        given: String,
    },
    /// The API base cannot carry a path.
    #[error("{url} cannot be the base of an API")]
    Base {
        /// The base.
        url: SafeUrl,
    },
    /// The answer is not what the API documents.
    #[error("{url} sent attestations that cannot be read: {reason}")]
    Answer {
        /// The page.
        url: SafeUrl,
        /// What is wrong, escaped.
        reason: String,
    },
    /// The next page is on another server.
    #[error("{url} leads to its next page on another server, {next}")]
    NextPage {
        /// The page that names it.
        url: SafeUrl,
        /// Where it leads.
        next: SafeUrl,
    },
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, default)]
    attestations: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    /// Null where the host wants a file fetched elsewhere instead (`bundle_url`), which is not done.
    #[serde(borrow, default)]
    bundle: Option<&'a RawValue>,
}

/// The bundles that a host has for a digest (`sha1:<commit>`), each as its own text; empty when it has none. At most 120, in the
/// host's order; entries without a bundle are passed over.
///
/// # Errors
/// [`AttestationsError`]; see [`HttpError::is_unreachable`] for "could not be asked".
pub async fn host_attestations(
    network: &Network,
    api: &SafeUrl,
    credentials: Option<&Credentials>,
    repository: &str,
    digest: &str,
) -> Result<Vec<String>, AttestationsError> {
    let mut url = address(api, repository, digest)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let (mut bundles, mut room) = (Vec::new(), MAX_BYTES);
    for _page in 0..MAX_PAGES {
        let opened = match network.open(&url, credentials, &headers).await {
            Err(HttpError::NotFound { .. }) => break,
            opened => opened?,
        };
        let next = next_page(&opened.url, opened.response.headers());
        let at = opened.url.clone();
        let bytes = body::read(network, opened.response, &at, room).await.map_err(|error| match error {
            // The room left is no number that anybody could make sense of.
            HttpError::TooLarge { url, .. } => HttpError::TooLarge { url, limit: MAX_BYTES as u64 },
            error => error,
        })?;
        room -= bytes.len();
        let page: Page<'_> = serde_json::from_slice(&bytes).map_err(|error| AttestationsError::Answer {
            url: at.clone(),
            reason: Untrusted::new(error.to_string()).excerpt(200),
        })?;
        let found = page.attestations.iter().filter_map(|entry| entry.bundle);
        bundles.extend(found.take(PER_PAGE).map(|bundle| bundle.get().to_owned()));
        let Some(next) = next else { break };
        if !next.same_origin(&at) || !next.same_origin(api) {
            return Err(AttestationsError::NextPage { url: at, next });
        }
        url = next;
    }
    Ok(bundles)
}

fn address(api: &SafeUrl, repository: &str, digest: &str) -> Result<SafeUrl, AttestationsError> {
    let shown = |text: &str| Untrusted::new(text).excerpt(100);
    let safe = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let parts = repository.split_once('/').filter(|(owner, name)| safe(owner) && safe(name));
    let (owner, name) = parts.ok_or_else(|| AttestationsError::Repository { given: shown(repository) })?;
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let known = digest.strip_prefix("sha1:").is_some_and(|text| hex(text, 40))
        || digest.strip_prefix("sha256:").is_some_and(|text| hex(text, 64));
    if !known {
        return Err(AttestationsError::Digest { given: shown(digest) });
    }
    let mut url = api.expose().clone();
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(["repos", owner, name, "attestations", digest]),
        Err(()) => return Err(AttestationsError::Base { url: api.clone() }),
    };
    url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
    Ok(url.into())
}

/// The target of a `Link: <…>; rel="next"` header (RFC 8288 §3).
fn next_page(base: &SafeUrl, headers: &HeaderMap) -> Option<SafeUrl> {
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    let next = links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| {
            let Some((name, value)) = parameter.trim().split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"').split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
        };
        parameters.split(';').any(is_next).then_some(target)
    })?;
    base.join(next).ok()
}
