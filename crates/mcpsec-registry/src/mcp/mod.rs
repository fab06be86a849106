//! MCP Registry API v0.1, read-only: `/v0.1/…`, for IDEs that show what may be installed.
//!
//! ```text
//! Catalog -> Listing (once per catalog) -> a page of it, or one entry -> JSON
//! ```
//!
//! What is listed follows from signed approvals and nothing else, so every way to publish is answered 501 with the way that there
//! is. Interface: `docs/reference/api/openapi.yaml` of modelcontextprotocol/registry (2025-12-01); ours is in docs/registry-api.md.
mod answer;
mod cursor;
mod listing;
mod order;
mod query;

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::{MethodRouter, get},
};
use http::{HeaderMap, Method, StatusCode, header};
use mcpsec_model::text::Untrusted;
use serde_json::Value;
use tower_http::cors::{Any, CorsLayer};

pub use listing::Listings;

use self::{
    listing::{Entry, Listing},
    query::{Query, Wanted},
};
use crate::{address::Address, app::App, auth::Caller, conditional, error::ApiError, ops};

/// Its addresses. A name has a slash in it, which clients send as `%2F`; proxies that decode it on the way are common enough.
pub fn router() -> Router<App> {
    let version = || get(version).put(refuse).delete(refuse);
    let plain_version = || get(plain_version).put(refuse).delete(refuse);
    Router::new()
        .route("/v0.1/servers", get(servers))
        .route("/v0.1/servers/{name}/versions", get(versions))
        .route("/v0.1/servers/{namespace}/{name}/versions", get(plain_versions))
        .route("/v0.1/servers/{name}/versions/{version}", version())
        .route("/v0.1/servers/{namespace}/{name}/versions/{version}", plain_version())
        .route("/v0.1/servers/{name}/status", status())
        .route("/v0.1/servers/{name}/versions/{version}/status", status())
        .route("/v0.1/publish", MethodRouter::new().post(refuse))
        // Set here already, so that the layer below is around it: it is what answers OPTIONS.
        .method_not_allowed_fallback(ops::no_method)
        // Read by pages of any origin: there are no cookies, and a token that a page holds is the page's own.
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([Method::GET, Method::OPTIONS])
                .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
                .max_age(std::time::Duration::from_secs(24 * 3600)),
        )
}

async fn servers(
    State(app): State<App>,
    address: Address,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(query.as_deref().unwrap_or_default())?;
    let listing = app.listings.get(&app).await?;
    let (page, next) = listing.page(|entry| query.wants(entry), query.limit);
    answer(&app, &headers, &answer::list(&page, next, &address)?)
}

impl Query {
    fn wants(&self, entry: &Entry) -> bool {
        (self.deleted || entry.withdrawn.is_none())
            && self.after.as_ref().is_none_or(|after| entry.place > *after)
            && self.since.is_none_or(|since| entry.updated >= since)
            && self.search.as_ref().is_none_or(|text| entry.read.searched.contains(text.as_str()))
            && self.version.as_ref().is_none_or(|wanted| wanted.is(entry))
    }
}

impl Wanted {
    fn is(&self, entry: &Entry) -> bool {
        match self {
            Self::Latest => entry.latest,
            Self::Exactly(version) => entry.place.version == *version,
        }
    }
}

/// What every address of one server has.
struct Asked {
    app: App,
    address: Address,
    headers: HeaderMap,
    deleted: bool,
    listing: std::sync::Arc<Listing>,
}

impl axum::extract::FromRequestParts<App> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut http::request::Parts, app: &App) -> Result<Self, ApiError> {
        let Ok(address) = Address::from_request_parts(parts, app).await;
        let deleted = Query::include_deleted(parts.uri.query().unwrap_or_default())?;
        let listing = app.listings.get(app).await?;
        Ok(Self { app: app.clone(), address, headers: parts.headers.clone(), deleted, listing })
    }
}

impl Asked {
    fn entries<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        let shown = move |entry: &&Entry| entry.place.name == name && (self.deleted || entry.withdrawn.is_none());
        self.listing.entries.iter().filter(shown)
    }

    fn versions(&self, name: &str) -> Result<Response, ApiError> {
        let all: Vec<&Entry> = self.entries(name).collect();
        if all.is_empty() {
            return Err(ApiError::not_found(format!(
                "server `{}` is not vetted here",
                Untrusted::new(name).excerpt(80)
            )));
        }
        answer(&self.app, &self.headers, &answer::list(&all, false, &self.address)?)
    }

    fn version(&self, name: &str, version: &str) -> Result<Response, ApiError> {
        let wanted = Wanted::parse(version);
        let found = self.entries(name).find(|entry| wanted.is(entry)).ok_or_else(|| {
            let (name, version) = (Untrusted::new(name).excerpt(80), Untrusted::new(version).excerpt(40));
            ApiError::not_found(format!("version `{version}` of server `{name}` is not vetted here"))
        })?;
        answer(&self.app, &self.headers, &answer::one(found, &self.address)?)
    }
}

async fn versions(Path(name): Path<String>, asked: Asked) -> Result<Response, ApiError> {
    asked.versions(&name)
}

async fn plain_versions(Path((namespace, name)): Path<(String, String)>, asked: Asked) -> Result<Response, ApiError> {
    asked.versions(&format!("{namespace}/{name}"))
}

async fn version(Path((name, version)): Path<(String, String)>, asked: Asked) -> Result<Response, ApiError> {
    asked.version(&name, &version)
}

async fn plain_version(
    Path((namespace, name, version)): Path<(String, String, String)>,
    asked: Asked,
) -> Result<Response, ApiError> {
    asked.version(&format!("{namespace}/{name}"), &version)
}

/// Publishing, changing and deleting, which the API has as optional.
async fn refuse(caller: Caller) -> ApiError {
    let what = "this registry lists what was approved; nothing is published to it";
    somebody(&caller, what)
        .unwrap_or_else(|| ApiError::new(StatusCode::NOT_IMPLEMENTED, what))
        .hint("mcpsec approve NAME, then mcpsec push; mcpsec revoke takes it back")
}

/// A version's status follows from signed statements. The API's document knows no 501 here.
fn status() -> MethodRouter<App> {
    let refuse = async |caller: Caller| {
        let what = "a status follows from signed statements and cannot be set";
        somebody(&caller, what)
            .unwrap_or_else(|| ApiError::forbidden(what))
            .hint("mcpsec revoke NAME, then mcpsec push")
    };
    MethodRouter::new().patch(refuse)
}

/// What nobody is told: the API's document asks for a token first, even where it does not help.
fn somebody(caller: &Caller, what: &str) -> Option<ApiError> {
    caller.scopes.is_empty().then(|| ApiError::unauthorized(what))
}

fn answer(app: &App, headers: &HeaderMap, body: &Value) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(body).map_err(|error| ApiError::bug(&error))?;
    Ok(conditional::whole(headers, "application/json", app.config.private, body))
}

#[cfg(test)]
mod tests;
