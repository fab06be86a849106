//! What a supervisor asks: does the process live, can it serve, what did it count.
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

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

/// How long one look at the parts serves everybody who asks.
const LOOK: Duration = Duration::from_secs(1);

/// What the last look found. Watchers are not held to any rate, so that they see a server that is busy; whoever asks without end makes
/// one look a second.
#[derive(Debug, Default)]
pub struct Readiness(tokio::sync::Mutex<Option<(Instant, Parts)>>);

#[derive(Clone, Copy, Debug)]
struct Parts {
    database: bool,
    blobs: bool,
}

impl Readiness {
    async fn parts(&self, now: Instant, look: impl Future<Output = Parts>) -> Parts {
        let mut last = self.0.lock().await;
        if let Some((at, parts)) = *last
            && now.saturating_duration_since(at) < LOOK
        {
            return parts;
        }
        let parts = look.await;
        *last = Some((now, parts));
        parts
    }
}

async fn look(app: &App) -> Parts {
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
    for (what, state) in [("database", &database), ("blobs", &blobs)] {
        if let Err(why) = state {
            // The reason names hosts and paths: it goes to the log only.
            tracing::warn!(what, why, "not ready");
        }
    }
    Parts { database: database.is_ok(), blobs: blobs.is_ok() }
}

/// 200 when database and blob store answer and the server is not about to stop; else 503 and which does not. They are asked to
/// read: a full disk stops uploads, and is no reason to stop serving what is vetted.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let Parts { database, blobs } = app.readiness.parts(Instant::now(), look(&app)).await;
    let states = [("database", database), ("blobs", blobs), ("process", !app.stopping())];
    let ready = states.iter().all(|(_, ok)| *ok);
    let parts: BTreeMap<&str, &str> = states.iter().map(|(what, ok)| (*what, if *ok { "ok" } else { "no" })).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "status": if ready { "ready" } else { "not ready" }, "parts": parts });
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The counters, from memory: nobody who asks for them costs the database anything. On a private server it takes a token with the scope `read`, as everything does.
pub(super) async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, ApiError> {
    if app.config.private {
        caller.require(Scope::Read)?;
    }
    let catalog = app.catalogs.get();
    for status in [Status::Vetted, Status::Incomplete, Status::Pending, Status::Withdrawn] {
        let count = catalog.releases().iter().filter(|release| release.status == status).count();
        app.metrics.releases(status.as_str(), count);
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], app.metrics.text()).into_response())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn the_parts_are_asked_once_for_everybody() {
        let (readiness, looks) = (Readiness::default(), AtomicUsize::new(0));
        let start = Instant::now();
        let look = || async {
            let before = looks.fetch_add(1, Ordering::Relaxed);
            Parts { database: before == 0, blobs: true }
        };
        let all = (0..1000).map(|_| readiness.parts(start, look()));
        assert!(futures::future::join_all(all).await.iter().all(|parts| parts.database));
        assert_eq!(looks.load(Ordering::Relaxed), 1);
        assert!(!readiness.parts(start + LOOK, look()).await.database, "what changed is seen");
        assert_eq!(looks.load(Ordering::Relaxed), 2);
    }
}
