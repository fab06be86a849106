//! `GET /api/v1/releases`: every server version that somebody pushed, and how it stands.
use axum::{Json, Router, extract::State, routing::get};
use mcpsec_verify::approval::Weighed;
use serde_json::{Value, json};

use crate::{app::App, catalog::Release};

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/v1/releases", get(list))
}

async fn list(State(app): State<App>) -> Json<Value> {
    let catalog = app.catalogs.get();
    let releases: Vec<Value> = catalog.releases().iter().map(|release| shown(release)).collect();
    Json(json!({ "releases": releases }))
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
