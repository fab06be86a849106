//! `GET /api/v1/releases`: every server version that somebody pushed, and how it stands.
use std::sync::{PoisonError, RwLock};

use axum::{Router, body::Body, extract::State, response::Response, routing::get};
use bytes::Bytes;
use http::{HeaderValue, header};
use mcpsec_verify::approval::Weighed;
use serde_json::{Value, json};

use crate::{
    app::App,
    catalog::{Catalog, Release},
    error::ApiError,
};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/v1/releases", get(list))
}

async fn list(State(app): State<App>) -> Result<Response, ApiError> {
    let work = {
        let app = app.clone();
        // Some milliseconds for each thousand.
        tokio::task::spawn_blocking(move || app.releases.of(&app.catalogs.get()))
    };
    let bytes = work.await.map_err(|error| ApiError::bug(&error))??;
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn shown(release: &Release) -> Value {
    json!({
        "lock": release.lock,
        "server": release.server.as_str(),
        "version": release.what.version,
        "purl": release.what.purl,
        "status": release.status.as_str(),
        "isolation": release.isolation.map(|isolation| isolation.as_str()),
        "tools": release.tools,
        "files": release.files.len(),
        "missing": release.files.iter().filter(|file| file.blob.is_none()).count(),
        "pushed_at": release.pushed_at.to_string(),
        "requested": release.requested,
        "reason": release.reason,
        "approvals": release.standing.approvals.iter().map(approval).collect::<Vec<_>>(),
    })
}

fn approval(weighed: &Weighed) -> Value {
    let by = weighed.signer.as_deref();
    match &weighed.counts {
        Ok(words) => {
            json!({ "id": weighed.id.to_string(), "by": by, "counts": words.iter().map(|word| word.as_str()).collect::<Vec<_>>() })
        }
        Err(why) => json!({ "id": weighed.id.to_string(), "by": by, "why": why.to_string() }),
    }
}

/// The list as it was last made.
///
/// It is the longest thing that anybody may ask for, and the same for all who ask: one copy of it is in memory, however many do.
#[derive(Debug, Default)]
pub struct Releases(RwLock<Option<(u64, Bytes)>>);

impl Releases {
    fn of(&self, catalog: &Catalog) -> Result<Bytes, ApiError> {
        let made = |held: &Option<(u64, Bytes)>| {
            held.as_ref().filter(|(edition, _)| *edition == catalog.edition).map(|(_, bytes)| bytes.clone())
        };
        if let Some(bytes) = made(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(bytes);
        }
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = made(&held) {
            return Ok(bytes);
        }
        let list: Vec<Value> = catalog.releases().iter().map(|release| shown(release)).collect();
        let bytes = serde_json::to_vec(&json!({ "releases": list })).map_err(|error| ApiError::bug(&error))?;
        let bytes = Bytes::from(bytes);
        *held = Some((catalog.edition, bytes.clone()));
        Ok(bytes)
    }
}
