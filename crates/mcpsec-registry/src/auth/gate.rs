//! Before every address: who is this, and may they look at all?
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, HeaderValue, Method, header::CACHE_CONTROL};

use super::{Caller, Scope};
use crate::{
    app::App,
    error::ApiError,
    ops::{self, Client},
    ui,
};

/// The id that the guard gave to the request.
fn id(extensions: &Extensions) -> String {
    extensions.get::<Client>().map(|client| client.id.to_string()).unwrap_or_default()
}

/// Addresses that a private server answers without a token: what asks them holds none.
const OPEN: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Addresses whose answers do not rest on what is vetted: the log speaks for itself, and files of the operator are what they are.
const APART: [&str; 6] = [
    "/api/v1/approvals",
    "/api/v1/log-key",
    "/api/openapi.json",
    "/policy/mcp-signers",
    "/policy/policy.toml",
    "/assets/",
];

/// Finds out who sent the request, once, keeps a private server private, and hands out nothing where it is not known any more what
/// is vetted. For `axum::middleware::from_fn_with_state`.
pub async fn gate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let caller = match app.auth.caller(request.headers(), &app.db, &app.clock).await {
        Ok(caller) => Caller { request: id(request.extensions()), ..caller },
        Err(refusal) => return refused(refusal, &request),
    };
    tracing::Span::current().record("actor", caller.actor.as_str());
    // Writes ask for scopes of their own; a browser's question whether it may ask (CORS) carries no token.
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path();
    let guarded = app.config.private && reads && !OPEN.contains(&path) && !ui::is_asset(path);
    if guarded && let Err(refusal) = caller.require(Scope::Read) {
        return refused(refusal, &request);
    }
    if reads
        && !OPEN.contains(&path)
        && !APART.iter().any(|start| path.starts_with(start))
        && let Err(unknown) = app.catalogs.trusted(app.clock.now())
    {
        return refused(unknown, &request);
    }
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if guarded {
        keep_private(response.headers_mut());
    }
    response
}

/// What a private server answers is for whoever asked: no cache between gives it to others, whatever its address says of it.
fn keep_private(headers: &mut HeaderMap) {
    let said = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let said = match said {
        Some(said) if said.contains("private") || said.contains("no-store") => return,
        Some(said) => said.trim_start_matches("public, "),
        None => "no-cache",
    };
    let private = HeaderValue::try_from(format!("private, {said}"));
    headers.insert(CACHE_CONTROL, private.unwrap_or(HeaderValue::from_static("no-store")));
}

/// JSON for programs, a page for people.
fn refused(refusal: ApiError, request: &Request) -> Response {
    if ops::is_for_people(request.method(), request.uri(), request.headers()) {
        ui::error_page(refusal)
    } else {
        refusal.into_response()
    }
}
