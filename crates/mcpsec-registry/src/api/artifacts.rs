//! The bytes of vetted closures, in and out: `/api/v1/artifacts/{digest}`.
//!
//! In: only what a lock names that is approved or asked for, hashed while it streams. Out: to everybody what is vetted; what is not,
//! only to whoever may push.
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::HeaderMap,
    response::Response,
    routing::{get, put},
};
use http::StatusCode;
use mcpsec_model::digest::Digest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::address::{At, Index, Parameters, announced};
use crate::{
    app::App,
    arrive::{self, Expected},
    auth::{Caller, Scope},
    blobs::{Answer, Audience, MAX_FILE, MAX_PARTS, PART, Upload},
    db::{artifacts, audit::Event},
    error::ApiError,
};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/api/v1/artifacts/{digest}", get(read).put(upload))
        .route("/api/v1/artifacts/{digest}/parts", get(parts).post(join))
        .route("/api/v1/artifacts/{digest}/parts/{index}", put(part))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    At(digest): At,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(file) = app.catalogs.get().file(&digest)
        && let (Some(sha256), Some(size)) = (&file.blob, file.size)
    {
        let audience = if app.config.private { Audience::Caller } else { Audience::Everyone };
        return app.blobs.answer(&headers, Answer { sha256, size, audience }).await;
    }
    let absent = || ApiError::not_found(format!("no vetted server has a file {digest}"));
    if caller.require(Scope::Push).is_err() {
        return Err(absent().hint("`mcpsec push` of a server that has it, once it is approved"));
    }
    let row = artifacts::one(&app.db, &digest).await?.ok_or_else(absent)?;
    let sha256 = Digest::sha256_from_hex(&row.sha256).map_err(|error| ApiError::bug(&error))?;
    let size = u64::try_from(row.size).map_err(|error| ApiError::bug(&error))?;
    app.blobs.answer(&headers, Answer { sha256: &sha256, size, audience: Audience::Nobody }).await
}

async fn upload(
    State(app): State<App>,
    caller: Caller,
    At(digest): At,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let event = Event::of(&caller, &app.clock, "push-file", digest.to_string());
    let work = async {
        let expected = expected(&app, &caller, &digest).await?;
        let length = announced(&headers)?;
        expected.fits(length)?;
        let most = expected.size().or(length).unwrap_or(MAX_FILE).min(limit(&app));
        let arrived = app.blobs.receive(body.into_data_stream(), most).await?;
        let arrived = arrived.ok_or_else(|| ApiError::bad_request("the body broke off"))?;
        arrive::accept(&app, &expected, arrived, &event).await
    };
    match work.await {
        Ok(row) => Ok(Json(told(&row))),
        Err(error) => Err(event.refused(&app.db, error).await),
    }
}

async fn parts(State(app): State<App>, caller: Caller, At(digest): At) -> Result<Json<Value>, ApiError> {
    expected(&app, &caller, &digest).await?;
    let parts = app.blobs.parts(&Upload::new(&digest, &caller.actor)).await?;
    Ok(Json(json!({ "parts": parts })))
}

async fn part(
    State(app): State<App>,
    caller: Caller,
    At(digest): At,
    Index(index): Index,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let event = Event::of(&caller, &app.clock, "push-part", format!("{digest} {index}"));
    let work = async {
        let expected = expected(&app, &caller, &digest).await?;
        let count = expected.size().unwrap_or(limit(&app)).min(limit(&app)).div_ceil(PART).min(MAX_PARTS.into());
        if u64::from(index) >= count {
            return Err(ApiError::refused(format!("there is no part {index}: the file has at most {count}, from 0")));
        }
        let length = announced(&headers)?
            .ok_or_else(|| ApiError::new(StatusCode::LENGTH_REQUIRED, "a part needs `Content-Length`"))?;
        if length > PART {
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a part has at most {PART} bytes")));
        }
        if length == 0 {
            return Err(ApiError::refused("a part has at least one byte"));
        }
        let upload = Upload::new(&digest, &caller.actor);
        let whole = app.blobs.put_part(&upload, index, body.into_data_stream(), length).await?;
        if whole { Ok(Json(json!({ "part": index }))) } else { Err(ApiError::bad_request("the part broke off")) }
    };
    match work.await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(event.refused(&app.db, error).await),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    count: u32,
}

async fn join(
    State(app): State<App>,
    caller: Caller,
    At(digest): At,
    Parameters(Count { count }): Parameters<Count>,
) -> Result<Json<Value>, ApiError> {
    let event = Event::of(&caller, &app.clock, "push-file", digest.to_string());
    let work = async {
        let expected = expected(&app, &caller, &digest).await?;
        if !(1..=MAX_PARTS).contains(&count) {
            return Err(ApiError::refused(format!("a file has 1 to {MAX_PARTS} parts")));
        }
        let upload = Upload::new(&digest, &caller.actor);
        // Said twice, for instance because the first answer was lost: it is here, which is all that was asked for.
        if let Some(row) = artifacts::one(&app.db, &digest).await?
            && app.blobs.parts(&upload).await?.is_empty()
        {
            return Ok(row);
        }
        let joined = app.blobs.join(&upload, count).await?;
        let arrived = joined.map_err(|index| {
            ApiError::conflict(format!("part {index} is missing or is not {PART} bytes long"))
                .hint("send it again, then join again")
        })?;
        let accepted = arrive::accept(&app, &expected, arrived, &event).await;
        // Wrong parts are worth nothing, and right ones are joined now. Only what may work the next time is kept.
        if accepted.as_ref().map_or_else(|error| error.status.is_client_error(), |_| true) {
            app.blobs.forget(&upload).await?;
        }
        accepted
    };
    match work.await {
        Ok(row) => Ok(Json(told(&row))),
        Err(error) => Err(event.refused(&app.db, error).await),
    }
}

async fn expected(app: &App, caller: &Caller, digest: &Digest) -> Result<Expected, ApiError> {
    caller.require(Scope::Push)?;
    Expected::of(app, digest).await
}

fn limit(app: &App) -> u64 {
    app.config.limits.artifact.min(MAX_FILE)
}

fn told(row: &artifacts::ArtifactRow) -> Value {
    json!({ "sha256": format!("sha256:{}", row.sha256), "sha512": format!("sha512:{}", row.sha512), "size": row.size })
}
