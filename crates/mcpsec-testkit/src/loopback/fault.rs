//! Faults: what a broken, overloaded or hostile server does, on demand, for some paths, a number of times.
//!
//! ```
//! use mcpsec_testkit::{Fault, NpmServer};
//! let server = NpmServer::start();
//! server.inject(Fault::Status(503).on("/left-pad").times(2)); // then all is well again
//! server.inject(Fault::Truncate { after: 100 }.on("*.tgz"));  // forever
//! ```
use std::{convert::Infallible, future::pending, io, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};

use crate::archives::deflate::{Part, gzip};

use super::{Reply, Request, connection::Connection, request::glob};

/// Long enough for hyper to hand what it has to the kernel before the connection breaks.
const FLUSH: Duration = Duration::from_millis(20);

/// Body bytes of one chunk of an endless answer.
const CHUNK: usize = 64 << 10;

/// One way to misbehave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Accepts the request and never answers.
    Silence,
    /// Answers correctly, after a while.
    Delay(Duration),
    /// This status with a short body.
    Status(u16),
    /// 429 with `Retry-After` in seconds.
    RateLimited {
        /// Value of `Retry-After`.
        retry_after: u32,
    },
    /// 404, as after an unpublish.
    Gone,
    /// The connection is reset before any byte of an answer.
    Reset,
    /// A good head with the whole `Content-Length`, `after` bytes of the body, then the connection is reset.
    ResetAfter {
        /// Body bytes sent.
        after: usize,
    },
    /// A good head with the whole `Content-Length`, `after` bytes of the body, then an orderly end.
    Truncate {
        /// Body bytes sent.
        after: usize,
    },
    /// A good head, `after` bytes of the body, then nothing more, with the connection open.
    Stall {
        /// Body bytes sent.
        after: usize,
    },
    /// The whole body, `chunk` bytes at a time with a pause between.
    Drip {
        /// Bytes at a time.
        chunk: usize,
        /// Pause between two chunks.
        every: Duration,
    },
    /// One bit of the byte at this offset of the body is another (the last byte if the body is shorter).
    FlipByte {
        /// Offset in the body.
        at: usize,
    },
    /// The body is consistently shorter by this many bytes: the declared length fits what is sent.
    Shorten {
        /// Bytes missing at the end.
        by: usize,
    },
    /// The body is consistently longer by this many zero bytes.
    Lengthen {
        /// Zero bytes at the end.
        by: usize,
    },
    /// Redirects to the same path, forever.
    RedirectLoop,
    /// Redirects to the same path and query of another origin, `http://host:port`.
    RedirectTo {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Scheme, host and port; no trailing slash.
        origin: String,
    },
    /// 200 with a body that is no JSON, no HTML and no archive.
    Garbage,
    /// 200 with another body than the right one.
    Replace {
        /// `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// 200 with this many spaces.
    Enormous {
        /// Body length in bytes.
        bytes: u64,
        /// Whether `Content-Length` says so (else the answer is chunked).
        declared: bool,
    },
    /// 200 with a small `Content-Encoding: gzip` body that expands to this many spaces.
    GzipBomb {
        /// Length after decoding, in bytes.
        bytes: u64,
    },
}

/// A fault with the requests it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Injection {
    fault: Fault,
    pattern: String,
    method: Option<String>,
    times: Option<usize>,
    skip: usize,
}

impl Fault {
    /// For paths (without query) that match; `*` stands for any characters. Forever, unless [`Injection::times`] says less.
    pub fn on(self, pattern: &str) -> Injection {
        Injection { fault: self, pattern: pattern.to_owned(), method: None, times: None, skip: 0 }
    }
}

impl From<Fault> for Injection {
    /// For every request, forever.
    fn from(fault: Fault) -> Self {
        fault.on("*")
    }
}

impl Injection {
    /// Only the first `n` matching requests.
    #[must_use]
    pub fn times(mut self, n: usize) -> Self {
        self.times = Some(n);
        self
    }

    /// Only after `n` matching requests were answered well.
    #[must_use]
    pub fn after(mut self, n: usize) -> Self {
        self.skip = n;
        self
    }

    /// Only for this method, such as `HEAD`.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }
}

/// An injection and what is left of it.
pub(super) struct Active {
    injection: Injection,
}

impl Active {
    pub(super) fn new(injection: Injection) -> Self {
        Self { injection }
    }

    /// The fault, if it is for this request; counts it.
    pub(super) fn take(&mut self, request: &Request) -> Option<Fault> {
        let wanted = &mut self.injection;
        let matches = glob(&wanted.pattern, &request.path) || glob(&wanted.pattern, &request.decoded_path());
        if !matches || wanted.method.as_ref().is_some_and(|method| *method != request.method) {
            return None;
        }
        if wanted.skip > 0 {
            wanted.skip -= 1;
            return None;
        }
        match &mut wanted.times {
            Some(0) => return None,
            Some(left) => *left -= 1,
            None => {}
        }
        Some(wanted.fault.clone())
    }
}

impl Fault {
    /// The answer of a fault that never asks the routes.
    pub(super) async fn instead(&self, request: &Request, connection: &Connection) -> Option<Response> {
        let reply = match self {
            Self::Silence => pending::<Reply>().await,
            Self::Delay(pause) => {
                tokio::time::sleep(*pause).await;
                return None;
            }
            Self::Reset => {
                connection.reset();
                Reply::text(200, "never sent")
            }
            Self::Status(status) => Reply::text(*status, "injected"),
            Self::RateLimited { retry_after } => {
                Reply::text(429, "slow down").header("retry-after", &retry_after.to_string())
            }
            Self::Gone => Reply::not_found(),
            Self::RedirectLoop => {
                let hop = request.query.as_deref().and_then(|query| query.strip_prefix("hop=")?.parse::<u32>().ok());
                Reply::redirect(302, &format!("{}?hop={}", request.path, hop.unwrap_or(0).saturating_add(1)))
            }
            Self::RedirectTo { status, origin } => {
                let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
                Reply::redirect(*status, &format!("{origin}{}{query}", request.path))
            }
            Self::Garbage => Reply::new(200, "application/json", &b"\x00\xff{[<!-- \xc3\x28 not what you think"[..]),
            Self::Replace { content_type, body } => Reply::new(200, content_type, body.clone()),
            Self::Enormous { bytes, declared } => {
                let reply = Reply::new(200, "application/json", Bytes::new());
                let length = declared.then_some(*bytes);
                return Some(reply.into_response_with(length, Body::from_stream(spaces(*bytes))));
            }
            Self::GzipBomb { bytes } => {
                let reply = Reply::new(200, "application/json", gzip(&[Part::Fill { byte: b' ', len: *bytes }]));
                reply.header("content-encoding", "gzip")
            }
            Self::ResetAfter { .. }
            | Self::Truncate { .. }
            | Self::Stall { .. }
            | Self::Drip { .. }
            | Self::FlipByte { .. }
            | Self::Shorten { .. }
            | Self::Lengthen { .. } => return None,
        };
        Some(reply.into_response())
    }

    /// The right answer, damaged. HEAD answers have no body to damage and stay as they are.
    pub(super) fn damage(&self, mut reply: Reply, request: &Request, connection: Connection) -> Response {
        if request.method == "HEAD" {
            return reply.into_response();
        }
        let body = reply.body().clone();
        let length = Some(body.len() as u64);
        let head = |after: usize| body.slice(..after.min(body.len()));
        match *self {
            Self::Truncate { after } => {
                let stream = then_break(head(after), || {});
                reply.into_response_with(length, Body::from_stream(stream))
            }
            Self::ResetAfter { after } => {
                let stream = then_break(head(after), move || connection.reset());
                reply.into_response_with(length, Body::from_stream(stream))
            }
            Self::Stall { after } => {
                let start = stream::iter([Ok::<_, Infallible>(head(after))]);
                reply.into_response_with(length, Body::from_stream(start.chain(stream::pending())))
            }
            Self::Drip { chunk, every } => {
                reply.into_response_with(length, Body::from_stream(drip(body, chunk, every)))
            }
            Self::FlipByte { at } => {
                let mut bytes = body.to_vec();
                let last = bytes.len().saturating_sub(1);
                if let Some(byte) = bytes.get_mut(at.min(last)) {
                    *byte ^= 1;
                }
                reply.set_body(bytes.into());
                reply.into_response()
            }
            Self::Shorten { by } => {
                reply.set_body(head(body.len().saturating_sub(by)));
                reply.into_response()
            }
            Self::Lengthen { by } => {
                let mut bytes = body.to_vec();
                bytes.resize(bytes.len() + by, 0);
                reply.set_body(bytes.into());
                reply.into_response()
            }
            // Everything else replaced the answer, or (delay) leaves it as it is.
            _ => reply.into_response(),
        }
    }
}

fn then_break(head: Bytes, at_the_end: impl FnOnce() + Send + 'static) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let broken = async move {
        tokio::time::sleep(FLUSH).await;
        at_the_end();
        Err(io::ErrorKind::ConnectionAborted.into())
    };
    stream::iter([Ok(head)]).chain(stream::once(broken))
}

fn drip(body: Bytes, chunk: usize, every: Duration) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(every).await;
        let piece = rest.split_to(chunk.clamp(1, rest.len()));
        Some((Ok(piece), rest))
    })
}

fn spaces(bytes: u64) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let chunk = Bytes::from(vec![b' '; CHUNK]);
    stream::unfold(bytes, move |left| {
        let piece = chunk.slice(..usize::try_from(left).unwrap_or(CHUNK).min(CHUNK));
        async move { (left > 0).then(|| (Ok(piece.clone()), left - piece.len() as u64)) }
    })
}
