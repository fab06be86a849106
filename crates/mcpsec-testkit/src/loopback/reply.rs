//! What a server answers, before it goes on the wire: status, headers, body, and the rules of HTTP that all protocols share
//! (validators, byte ranges, compression).
use std::io::Write as _;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use mcpsec_model::digest::Digest;

use super::Request;

/// How far a server goes with `Range` requests (RFC 9110 §14).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RangeSupport {
    /// `bytes=a-b`, `bytes=a-` and `bytes=-n`.
    #[default]
    Full,
    /// Everything but the suffix form `bytes=-n`, which is answered 501, as some mirrors do.
    NoSuffix,
    /// The header is ignored: 200 and the whole body.
    Off,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    ranges: RangeSupport,
    compressible: bool,
}

impl Reply {
    /// A body of a given type. Byte ranges are off.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into(), ranges: RangeSupport::Off, compressible: false }
    }

    /// A line of plain text.
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{text}\n"))
    }

    /// 404 with the JSON body that npm registries send.
    pub fn not_found() -> Self {
        Self::new(404, "application/json", r#"{"error":"Not found"}"#)
    }

    /// Metadata: has an `ETag` and may be compressed.
    pub fn metadata(content_type: &str, body: impl Into<Bytes>) -> Self {
        let reply = Self::new(200, content_type, body);
        let etag = format!("\"{}\"", &Digest::sha256_of(&reply.body).to_hex()[..32]);
        Self { compressible: true, ..reply }.header("etag", &etag)
    }

    /// An artifact: has an `ETag`, never changes, may be asked for in ranges.
    pub fn file(content_type: &str, body: impl Into<Bytes>, ranges: RangeSupport) -> Self {
        let reply = Self::new(200, content_type, body);
        let etag = format!("\"{}\"", &Digest::sha256_of(&reply.body).to_hex()[..32]);
        Self { ranges, ..reply }.header("etag", &etag).header("cache-control", "public, immutable, max-age=31557600")
    }

    /// A redirect; `location` may be relative.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::text(status, "moved").header("location", location)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(super) fn set_body(&mut self, body: Bytes) {
        self.body = body;
    }

    fn first_header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Applies the request's conditions: `If-None-Match`, `Range`, `Accept-Encoding`.
    pub(super) fn for_request(self, request: &Request, gzip: bool) -> Self {
        if self.status != 200 {
            return self;
        }
        if let (Some(known), Some(etag)) = (request.header("if-none-match"), self.first_header("etag"))
            && known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag || tag.trim() == "*")
        {
            let headers = self.headers.into_iter().filter(|(name, _)| name != "content-type").collect();
            return Self { status: 304, headers, body: Bytes::new(), ..self };
        }
        let reply = match request.header("range") {
            Some(range) if self.ranges != RangeSupport::Off => self.part(range),
            _ if self.ranges != RangeSupport::Off => self.header("accept-ranges", "bytes"),
            _ => self,
        };
        if gzip
            && reply.compressible
            && request.header("accept-encoding").is_some_and(|codings| codings.contains("gzip"))
        {
            return reply.compressed();
        }
        reply
    }

    fn part(self, range: &str) -> Self {
        let length = self.body.len();
        let unsatisfiable = |reply: Self| {
            Self { status: 416, body: Bytes::new(), ..reply }.header("content-range", &format!("bytes */{length}"))
        };
        // Several ranges at once may be ignored by a server; nobody we serve asks for them.
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
            return self;
        };
        let bounds = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) => (first, last.saturating_add(1).min(length)),
            (Ok(first), Err(_)) if last.is_empty() => (first, length),
            (Err(_), Ok(_)) if first.is_empty() && self.ranges == RangeSupport::NoSuffix => {
                return Self::text(501, "suffix ranges are not supported");
            }
            (Err(_), Ok(suffix)) if first.is_empty() && suffix > 0 => (length.saturating_sub(suffix), length),
            _ => return unsatisfiable(self),
        };
        let (start, end) = bounds;
        if start >= end {
            return unsatisfiable(self);
        }
        let body = self.body.slice(start..end);
        Self { status: 206, body, ..self }
            .header("accept-ranges", "bytes")
            .header("content-range", &format!("bytes {start}-{}/{length}", end - 1))
    }

    fn compressed(self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.body).expect("writing to memory succeeds");
        let body = encoder.finish().expect("writing to memory succeeds");
        Self { body: body.into(), ..self }.header("content-encoding", "gzip").header("vary", "accept-encoding")
    }

    /// The response with a declared length, which may differ from what `body` will really give.
    pub(super) fn into_response_with(self, length: Option<u64>, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).expect("a status between 100 and 999");
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).expect("a valid header name");
            let value = HeaderValue::try_from(value).expect("a valid header value");
            headers.append(name, value);
        }
        if let Some(length) = length {
            headers.insert("content-length", HeaderValue::from(length));
        }
        response
    }

    pub(super) fn into_response(self) -> Response {
        let body = self.body.clone();
        // 304 and HEAD answers are cut by hyper; a length for them would be wrong or is right anyway.
        let length = (self.status != 304).then_some(body.len() as u64);
        self.into_response_with(length, Body::from(body))
    }
}
