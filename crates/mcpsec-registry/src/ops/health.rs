//! What a supervisor asks: does the process live, can it serve, what did it count.
use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::{
    app::App,
    auth::{Caller, Scope},
    catalog::Status,
    db,
    error::ApiError,
};

/// A part that does not answer within this time does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// 200 as long as the process answers at all: restarting it does not bring a database back.
pub(super) async fn live() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "status": "live" }))).into_response()
}

/// 200 when database and blob store answer and the server is not about to stop; else 503 and which does not. They are asked to
/// read: a full disk stops uploads, and is no reason to stop serving what is vetted.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let database = async {
        match tokio::time::timeout(PATIENCE, db::state::generation(&app.db)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    };
    let blobs = async {
        match tokio::time::timeout(PATIENCE, app.blobs.check()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    };
    let (database, blobs) = tokio::join!(database, blobs);
    let stopping = if app.stopping() { Err("asked to end".to_owned()) } else { Ok(()) };
    let mut parts = BTreeMap::new();
    let mut ready = true;
    for (what, state) in [("database", database), ("blobs", blobs), ("process", stopping)] {
        if let Err(why) = &state {
            ready = false;
            // The reason names hosts and paths: it goes to the log only.
            tracing::warn!(what, why, "not ready");
        }
        parts.insert(what, if state.is_ok() { "ok" } else { "no" });
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "status": if ready { "ready" } else { "not ready" }, "parts": parts });
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The counters. On a private server it takes a token with the scope `read`, as everything does.
pub(super) async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    if app.config.private {
        caller.require(Scope::Read)?;
    }
    let catalog = app.catalogs.get();
    for status in [Status::Vetted, Status::Incomplete, Status::Pending, Status::Withdrawn] {
        let count = catalog.releases().iter().filter(|release| release.status == status).count();
        app.metrics.releases(status.as_str(), count);
    }
    // The rest is worth seeing most when the database does not answer.
    if let Ok(Ok(log)) = tokio::time::timeout(PATIENCE, db::entries::log(&app.db)).await {
        app.metrics.entries(log.size);
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], app.metrics.text()).into_response())
}
