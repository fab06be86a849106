//! A blob as the answer to a `GET` or `HEAD`: validators, one byte range (RFC 9110 §14), and headers that keep browsers from running it.
use std::ops::Range;

use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{self, HeaderName},
};
use mcpsec_model::digest::Digest;

use super::Blobs;
use crate::error::ApiError;

/// Who may keep a copy of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Everybody, who must ask each time whether it is still vetted: the bytes never change, and what is revoked is to be gone from
    /// the caches of proxies too. That costs an answer without a body.
    Everyone,
    /// Whoever asked, in the same way: reading needs a token.
    Caller,
    /// Nobody: it is not vetted.
    Nobody,
}

/// A blob that is about to be answered with.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Its name in the store.
    pub sha256: &'a Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Who may keep it.
    pub audience: Audience,
}

impl Blobs {
    /// Answers with a blob: 200, 206, 304 or 416. One range is honoured; several are answered with everything, as RFC 9110 allows.
    ///
    /// # Errors
    /// [`ApiError`]: 400 for repeated headers, 416, 503 when the bytes are lost or the store does not answer.
    pub async fn answer(&self, asked: &HeaderMap, blob: Answer<'_>) -> Result<Response, ApiError> {
        let etag = format!("\"{}\"", blob.sha256.to_hex());
        let mut response = Response::new(Body::empty());
        let keep = match blob.audience {
            Audience::Everyone => "public, no-cache",
            Audience::Caller => "private, no-cache",
            Audience::Nobody => "no-store",
        };
        let fixed = [
            (header::CONTENT_TYPE, "application/octet-stream"),
            (header::CACHE_CONTROL, keep),
            (header::ACCEPT_RANGES, "bytes"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_DISPOSITION, "attachment"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        ];
        for (name, value) in fixed {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response.headers_mut().insert(header::ETAG, text(&etag)?);
        if let Some(known) = only(asked, &header::IF_NONE_MATCH)?
            && matches(known, &etag)
        {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        let range = match only(asked, &header::RANGE)? {
            Some(range) if only(asked, &header::IF_RANGE)?.is_none_or(|known| known == etag) => {
                wanted(range, blob.size)
            }
            _ => Wanted::Everything,
        };
        let range = match range {
            Wanted::Everything => 0..blob.size,
            Wanted::Part(range) => {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let said = format!("bytes {}-{}/{}", range.start, range.end - 1, blob.size);
                response.headers_mut().insert(header::CONTENT_RANGE, text(&said)?);
                range
            }
            Wanted::Nothing => {
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                response.headers_mut().insert(header::CONTENT_RANGE, text(&format!("bytes */{}", blob.size))?);
                return Ok(response);
            }
        };
        response.headers_mut().insert(header::CONTENT_LENGTH, (range.end - range.start).into());
        *response.body_mut() = self.read(blob.sha256, range, blob.size).await?;
        Ok(response)
    }
}

fn text(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| ApiError::bug(&error))
}

/// A header that may be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ApiError> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(ApiError::bad_request(format!("the header `{name}` is not ASCII"))),
        },
        (Some(_), Some(_)) => Err(ApiError::bad_request(format!("the header `{name}` is there twice"))),
    }
}

/// Weak comparison (RFC 9110 §13.1.2).
fn matches(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

#[derive(PartialEq, Eq, Debug)]
enum Wanted {
    Everything,
    Part(Range<u64>),
    Nothing,
}

/// What a `Range` header asks for. What is not understood, or is several ranges, is as if it were not there.
fn wanted(header: &str, size: u64) -> Wanted {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::Everything;
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let range = match (first, last) {
        ("", last) => match number(last) {
            Some(count) => size.saturating_sub(count)..size,
            None => return Wanted::Everything,
        },
        (first, last) => match (number(first), if last.is_empty() { Some(u64::MAX) } else { number(last) }) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            _ => return Wanted::Everything,
        },
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::{Wanted, matches, wanted};

    #[test]
    fn ranges_as_rfc_9110_has_them() {
        assert_eq!(wanted("bytes=0-0", 10), Wanted::Part(0..1));
        assert_eq!(wanted("bytes=3-", 10), Wanted::Part(3..10));
        assert_eq!(wanted("bytes=-4", 10), Wanted::Part(6..10));
        assert_eq!(wanted("bytes=-40", 10), Wanted::Part(0..10));
        assert_eq!(wanted("bytes=8-99", 10), Wanted::Part(8..10));
        assert_eq!(wanted("bytes=0-18446744073709551615", 10), Wanted::Part(0..10));
        for nothing in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=18446744073709551615-"] {
            assert_eq!(wanted(nothing, 10), Wanted::Nothing, "{nothing}");
        }
        for ignored in [
            "bytes=5-4",
            "bytes=a-b",
            "bytes=-",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(wanted(ignored, 10), Wanted::Everything, "{ignored}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }

    #[test]
    fn validators_are_compared_weakly() {
        assert!(matches("\"a\"", "\"a\"") && matches("W/\"a\"", "\"a\"") && matches("\"b\", \"a\"", "\"a\""));
        assert!(matches("*", "\"a\"") && !matches("\"ab\"", "\"a\"") && !matches("a", "\"a\""));
    }
}
