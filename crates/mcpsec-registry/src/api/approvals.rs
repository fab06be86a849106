//! The allowlist for clients: `/api/v1/approvals…`, `/api/v1/log-key`.
//!
//! Reading is a stream of chunks, each one short question to the database: a slow client holds no connection, and memory does not
//! grow with the log. What is sent are the exact bytes that came in.
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequest as _, Query, Request, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use mcpsec_model::digest::Digest;
use mcpsec_verify::approval::log::LogKey;
use serde::Deserialize;
use serde_json::json;
use tower_http::{CompressionLevel, compression::CompressionLayer};

use crate::{
    app::App,
    auth::{Caller, Scope},
    db::{Db, audit::Event, entries},
    error::ApiError,
    log::{Appended, CHUNK, MAX_BATCH, Strictness, admit},
};

/// The longest body of lines, in bytes.
const MAX_BODY: usize = 8 << 20;
/// Chunks that are read ahead of the client.
const AHEAD: usize = 2;
const LINES: &str = "application/jsonl";

/// Its addresses.
pub(super) fn router() -> Router<App> {
    let gzip = CompressionLayer::new().no_br().no_deflate().no_zstd().gzip(true).quality(CompressionLevel::Fastest);
    Router::new()
        .route("/api/v1/approvals", get(lines).post(submit).layer(DefaultBodyLimit::max(MAX_BODY)))
        .layer(gzip)
        .route("/api/v1/approvals/head", get(head))
        .route("/api/v1/approvals/proof/consistency", get(consistency))
        .route("/api/v1/approvals/proof/inclusion", get(inclusion))
        .route("/api/v1/log-key", get(key))
        .route("/api/v1/log-key/next", get(next_key))
}

type Asked<T> = Result<Query<T>, QueryRejection>;

fn asked<T>(query: Asked<T>) -> Result<T, ApiError> {
    query.map(|Query(query)| query).map_err(|error| ApiError::bad_request(error.body_text()))
}

async fn key(State(app): State<App>) -> Result<Response, ApiError> {
    Ok(plain_key(app.log.keys(&app.db).await?.0))
}

/// The key that is to follow, while both sign.
async fn next_key(State(app): State<App>) -> Result<Response, ApiError> {
    let (_, next) = app.log.keys(&app.db).await?;
    next.map(plain_key).ok_or_else(|| ApiError::not_found("the log does not change its key"))
}

fn plain_key(key: &LogKey) -> Response {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    ([(CONTENT_TYPE, plain)], format!("{key}\n")).into_response()
}

async fn head(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let (_, text) = app.log.head(&app.db, app.clock.now()).await?;
    let tag = tag(&Digest::sha256_of(text.as_bytes()).to_hex()[..32])?;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    let about = [(CONTENT_TYPE, plain), (ETAG, tag.clone()), (CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if has(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok((about, text.to_string()).into_response())
}

/// Where in the log: a number that every reader of JSON keeps exactly (RFC 8259, section 6). No log is longer.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(try_from = "u64")]
struct Position(u64);

impl TryFrom<u64> for Position {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        let most = (1 << 53) - 1;
        if number <= most { Ok(Self(number)) } else { Err(format!("{number} is more than {most}")) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    #[serde(default)]
    since: Position,
    until: Option<Position>,
}

async fn lines(State(app): State<App>, headers: HeaderMap, query: Asked<Span>) -> Result<Response, ApiError> {
    let Span { since: Position(since), until: asked } = asked(query)?;
    let (head, _) = app.log.head(&app.db, app.clock.now()).await?;
    let until = asked.map_or(head.size, |Position(until)| until);
    if since > until || until > head.size {
        let why = format!("there are {} entries, and {since} to {until} were asked for", head.size);
        return Err(ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, why));
    }
    // The first `until` entries are the same for ever, if this is the same log; a weak tag, as compression changes the bytes.
    let root = app.log.root_at(until).unwrap_or_default();
    let tag = tag(&format!("{since}-{until}-{}", &hex::encode(root)[..24]))?;
    let fixed = asked.is_some() && !app.config.private;
    let cache = if fixed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let about = [
        (CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (ETAG, tag.clone()),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
    ];
    if has(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    if since == until {
        return Ok((about, Body::empty()).into_response());
    }
    let db = app.db.clone();
    let chunks = stream::iter((since..until).step_by(usize::try_from(CHUNK).unwrap_or(1)));
    let chunks = chunks.map(move |from| chunk(db.clone(), from, until.min(from + CHUNK))).buffered(AHEAD);
    Ok((about, Body::from_stream(chunks)).into_response())
}

/// Lines `from..until`, each with its line feed. An error breaks the answer off: the client sees that it is not whole.
async fn chunk(db: Db, from: u64, until: u64) -> Result<Bytes, ApiError> {
    let number = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
    let rows = entries::range(&db, number(from), number(until)).await?;
    if rows.len() as u64 != until - from {
        return Err(ApiError::bug(&format!("entries {from} to {until} are not all there")));
    }
    let mut bytes = BytesMut::with_capacity(rows.iter().map(|row| row.line.len() + 1).sum());
    for row in rows {
        bytes.extend_from_slice(row.line.as_bytes());
        bytes.extend_from_slice(b"\n");
    }
    Ok(bytes.freeze())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Between {
    from: Position,
    to: Position,
}

async fn consistency(State(app): State<App>, query: Asked<Between>) -> Result<Response, ApiError> {
    let Between { from: Position(from), to: Position(to) } = asked(query)?;
    let proof = app.log.consistency(&app.db, from, to).await?;
    answer(proof, || format!("there is no log of {to} entries that begins with one of {from}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    leaf: Position,
    size: Position,
}

async fn inclusion(State(app): State<App>, query: Asked<One>) -> Result<Response, ApiError> {
    let One { leaf: Position(leaf), size: Position(size) } = asked(query)?;
    let proof = app.log.inclusion(&app.db, leaf, size).await?;
    answer(proof, || format!("there is no entry {leaf} in a log of {size} entries"))
}

fn answer(proof: Option<Vec<[u8; 32]>>, none: impl FnOnce() -> String) -> Result<Response, ApiError> {
    let proof = proof.ok_or_else(|| ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, none()))?;
    let hashes: Vec<String> = proof.iter().map(|hash| STANDARD.encode(hash)).collect();
    Ok(Json(json!({ "hashes": hashes })).into_response())
}

async fn submit(State(app): State<App>, caller: Caller, request: Request) -> Result<Json<Appended>, ApiError> {
    let event = Event::of(&caller, &app.clock, "approvals", "");
    match accept(&app, &caller, request, &event).await {
        Ok(done) => {
            app.changed().await?;
            Ok(Json(done))
        }
        Err(why) => Err(event.refused(&app.db, why).await),
    }
}

async fn accept(app: &App, caller: &Caller, request: Request, event: &Event) -> Result<Appended, ApiError> {
    // Before the body is read: strangers fill no memory, and others only so much at once.
    caller.require(Scope::ApproveSubmit)?;
    let _place = app.log.desk().acquire().await.map_err(|error| ApiError::bug(&error))?;
    let headers = request.headers();
    // Anything else was not meant for this address: a form that a browser was made to send, a document of another API.
    let kind =
        headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default());
    if kind
        .is_some_and(|kind| ![LINES.as_bytes(), b"application/x-ndjson", b"application/octet-stream"].contains(&kind))
    {
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("lines come as `{LINES}`")));
    }
    let body = Bytes::from_request(request, app).await.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("more than {MAX_BODY} bytes"))
                .hint("send fewer lines at once; what is there already is not added again")
        }
        status => ApiError::new(status, error.body_text()),
    })?;
    let count = body.iter().filter(|byte| **byte == b'\n').count();
    if count == 0 || count > MAX_BATCH {
        return Err(ApiError::refused(format!("{count} lines; from 1 to {MAX_BATCH} are taken at once")));
    }
    let (signers, now) = (app.trust.signers(), app.clock.now());
    let batch = tokio::task::spawn_blocking(move || {
        let text = std::str::from_utf8(&body).map_err(|_| ApiError::refused("the lines are not UTF-8"))?;
        admit(text, "line", &signers, now, Strictness::Now)
    });
    let batch = batch.await.map_err(|error| ApiError::bug(&error))??;
    let subject = batch.iter().map(|line| line.entry.server.as_str()).collect::<std::collections::BTreeSet<_>>();
    let event = event.about(subject.into_iter().collect::<Vec<_>>().join(" "));
    app.log.append(&app.db, &event, &caller.actor, now.as_second(), &batch).await
}

/// A weak entity tag (RFC 9110 §8.8.3).
fn tag(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(format!("W/\"{text}\"")).map_err(|error| ApiError::bug(&error))
}

/// Whether the client has this already (RFC 9110 §13.1.2, weak comparison).
fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(tag) = tag.to_str() else { return false };
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|one| one.trim() == "*" || bare(one) == bare(tag))
}
