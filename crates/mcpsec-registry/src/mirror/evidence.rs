//! Evidence as clients pushed it, for those who ask the mirror what the upstream once published.
use axum::response::Response;
use http::{HeaderValue, header};
use mcpsec_model::evidence::Documents;
use serde::de::IgnoredAny;

use crate::{
    app::App,
    catalog::FileRef,
    db::{self, evidence::About, metadata},
    error::ApiError,
    ops::Room,
};

/// The documents about a file; empty ones where nobody pushed any.
pub(super) async fn documents(app: &App, file: &FileRef) -> Result<Documents, ApiError> {
    let Some(digest) = file.pinned.strongest() else { return Ok(Documents::default()) };
    let (purl, digest) = (file.package.purl(), digest.to_string());
    match metadata::evidence(&app.db, &purl, &file.file, &digest).await? {
        Some(text) => Ok(serde_json::from_str(&text).unwrap_or_else(|error| {
            // It was read when it arrived: somebody changed the database, or it is from a newer server.
            tracing::error!(package = %file.package, %error, "evidence in the database cannot be read; it is left out");
            Documents::default()
        })),
        None => Ok(Documents::default()),
    }
}

/// Attestations or provenance of a file, exactly as they were pushed.
///
/// # Errors
/// 404: there are none, or they are no JSON. 503: too many such answers wait to be read.
pub(super) async fn attestations(app: &App, file: &FileRef, content_type: &'static str) -> Result<Response, ApiError> {
    let none = || ApiError::not_found("no attestations are kept for it");
    let (purl, digest) = (file.package.purl(), file.pinned.strongest().ok_or_else(none)?.to_string());
    let about = About { package: &purl, file: &file.file, digest: &digest };
    let length = db::evidence::length(&app.db, &about).await?.ok_or_else(none)?;
    // The documents, and what is taken out of them.
    let room = Room::take(u64::try_from(length).unwrap_or(u64::MAX).saturating_mul(2))?;
    let text = documents(app, file).await?.attestations.ok_or_else(none)?;
    serde_json::from_str::<IgnoredAny>(&text).map_err(|_| none())?;
    let mut response = Response::new(room.hold(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
