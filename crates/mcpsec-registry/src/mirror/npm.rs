//! The npm registry's addresses, as far as installing needs them.
//!
//! | address below `/npm` | answer |
//! |---|---|
//! | `/<name>` | packument; short with `Accept: application/vnd.npm.install-v1+json` |
//! | `/<name>/<version or latest>` | one record |
//! | `/<name>/-/<base>-<version>.tgz` | the tarball |
//! | `/-/npm/v1/attestations/<name>@<version>` | what was pushed |
//! | `/-/npm/v1/keys` | keys |
//! | `/-/ping`, `/-/whoami`, `/-/v1/search` | the least that clients expect |
//!
//! Advisories are not answered: an empty list would say that nothing is known, and nobody looked.
use std::sync::Arc;

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, header};
use mcpsec_model::{
    name::{Ecosystem, PackageName},
    package::PackageId,
    text::Untrusted,
};
use serde_json::json;

use super::{
    evidence, keys, not_vetted, packument,
    page::{Key, What, accepted, render},
    path,
};
use crate::{
    app::App,
    auth::Caller,
    blobs::{Answer, Audience},
    catalog::Catalog,
    error::ApiError,
    ops::Base,
};

/// A request with what answering takes.
struct Asked {
    app: App,
    headers: HeaderMap,
    base: String,
    catalog: Arc<Catalog>,
}

/// Answers whatever is asked below `/npm`.
///
/// # Errors
/// [`ApiError`]: 404 for what is not vetted, 401 where the server is private.
pub(super) async fn answer(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    caller: Caller,
    Base(base): Base,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (segments, _) = path::segments(uri.path(), "/npm")?;
    let catalog = app.catalogs.get();
    let asked = Asked { app, headers, base, catalog };
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Json(json!({ "registry": "mcpsec", "packages": asked.catalog.names(Ecosystem::Npm).count() }))
            .into_response()),
        ["-", "ping"] => Ok(Json(json!({})).into_response()),
        ["-", "whoami"] if caller.scopes.is_empty() => Err(ApiError::unauthorized("nobody is logged in")),
        ["-", "whoami"] => Ok(Json(json!({ "username": caller.actor })).into_response()),
        ["-", "v1", "search"] => Ok(Json(json!({ "objects": [], "total": 0 })).into_response()),
        ["-", "npm", "v1", "keys"] => asked.keys().await,
        ["-", "npm", "v1", "attestations", id] => asked.attestations(id).await,
        ["-", "npm", "v1", "attestations", scope, id] => asked.attestations(&format!("{scope}/{id}")).await,
        ["-", ..] => Err(ApiError::not_found("this mirror has no such service")),
        _ => {
            let Some((name, rest)) = path::npm_name(&segments) else { return Err(not_vetted("the package")) };
            let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
            match rest[..] {
                [] => asked.packument(&name).await,
                ["-", file] => asked.tarball(&name, file).await,
                [version] => asked.version(&name, version).await,
                _ => Err(ApiError::not_found("no such address")),
            }
        }
    }
}

impl Asked {
    async fn packument(&self, name: &PackageName) -> Result<Response, ApiError> {
        self.known(name)?;
        let short = accepted(&self.headers, &header::ACCEPT, &[packument::SHORT]) > 0;
        let what = What::Packument { name: name.as_str().to_owned(), short };
        let key = Key::new(&self.catalog, &self.base, what);
        let page = self.app.pages.get(key, async {
            let all = packument::vetted(&self.app, &self.catalog, name).await?;
            if all.is_empty() {
                return Err(not_vetted(&format!("npm:{name}")));
            }
            let (name, base) = (name.clone(), self.base.clone());
            render(move || packument::render(&name, &all, &base, short)).await
        });
        Ok(page.await?.answer(&self.headers, self.app.config.private))
    }

    async fn version(&self, name: &PackageName, version: &str) -> Result<Response, ApiError> {
        self.known(name)?;
        let all = packument::vetted(&self.app, &self.catalog, name).await?;
        let found = packument::one(name, &all, version, &self.base)?;
        let shown = Untrusted::new(version).excerpt(60);
        found.map(|record| Json(record).into_response()).ok_or_else(|| not_vetted(&format!("npm:{name}@{shown}")))
    }

    async fn tarball(&self, name: &PackageName, file: &str) -> Result<Response, ApiError> {
        let all = self.catalog.versions(Ecosystem::Npm, name.as_str()).flat_map(|(_, files)| files);
        let found = all.filter(|one| one.file == file).find_map(|one| Some((one.blob?, one.size?)));
        let shown = || format!("{} of npm:{name}", Untrusted::new(file).excerpt(80));
        let (sha256, size) = found.ok_or_else(|| not_vetted(&shown()))?;
        let audience = if self.app.config.private { Audience::Caller } else { Audience::Everyone };
        self.app.blobs.answer(&self.headers, Answer { sha256: &sha256, size, audience }).await
    }

    async fn attestations(&self, id: &str) -> Result<Response, ApiError> {
        let shown = Untrusted::new(id).excerpt(120);
        let id: PackageId = format!("npm:{id}").parse().map_err(|_| not_vetted(&shown))?;
        let file = self.catalog.files(&id).first().ok_or_else(|| not_vetted(&id.to_string()))?;
        evidence::attestations(&self.app, file, "application/json").await
    }

    async fn keys(&self) -> Result<Response, ApiError> {
        let key = Key::new(&self.catalog, "", What::Keys);
        let page = self.app.pages.get(key, keys::page(&self.app, &self.catalog)).await?;
        Ok(page.answer(&self.headers, self.app.config.private))
    }

    /// Refuses before anything is asked of the database.
    fn known(&self, name: &PackageName) -> Result<(), ApiError> {
        let found = self.catalog.versions(Ecosystem::Npm, name.as_str()).next();
        found.map(drop).ok_or_else(|| not_vetted(&format!("npm:{name}")))
    }
}
