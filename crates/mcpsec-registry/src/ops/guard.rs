//! What every request passes: it gets an id, is held to the limits, and its answer is counted, logged and dressed.
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use mcpsec_model::text::Untrusted;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::{Client, body::steady, client::names_a_host, rate::Rate};
use crate::{
    app::App,
    config::Limits,
    error::{ApiError, Missing},
};

/// An upload, or the server's own fetching of a closure, may take this long in all; silence ends it much earlier.
const LONGEST: Duration = Duration::from_secs(3600);
/// The longest text of another layer's refusal that becomes the message of ours.
const LONGEST_REFUSAL: usize = 2048;

/// The limits of this process and what is used of them.
#[derive(Debug)]
pub struct Guard {
    rate: Rate,
    places: Arc<Semaphore>,
}

impl Guard {
    /// Nothing is used yet.
    pub fn new(limits: &Limits) -> Self {
        let places = usize::try_from(limits.concurrency).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        Self { rate: Rate::new(limits), places: Arc::new(Semaphore::new(places)) }
    }
}

/// The middleware.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let client = Client::of(&app.config, &request);
    let (id, method) = (client.id.clone(), request.method().clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let pattern = route.as_ref().map_or("none", MatchedPath::as_str);
    let path = Untrusted::new(request.uri().path());
    // Who it is, `auth` fills in.
    let span = tracing::info_span!("request", id = %id, actor = tracing::field::Empty);
    request.extensions_mut().insert(client.clone());
    let working = app.metrics.working();
    let answer = async {
        let response = match admitted(&app, &client, pattern, request, next).await {
            Ok(response) => respelled(response).await,
            Err(error) => error.into_response(),
        };
        if let Some(Missing(what)) = response.extensions().get() {
            app.metrics.unavailable(what);
        }
        let (status, took) = (response.status(), start.elapsed());
        app.metrics.answered(&method, pattern, status.as_u16(), took);
        let sent = axum::body::HttpBody::size_hint(response.body()).exact();
        app.metrics.sent(sent.unwrap_or_default());
        // The query is left out: it may hold what somebody pasted.
        tracing::info!(
            target: "access",
            method = method.as_str(),
            path = %path.excerpt(200),
            status = status.as_u16(),
            bytes = sent,
            ms = took.as_secs_f64() * 1000.0,
            client = %client.address,
            "answered"
        );
        response
    };
    let mut response = answer.instrument(span).await;
    drop(working);
    dress(response.headers_mut(), &client, app.config.tls.is_some());
    response
}

async fn admitted(
    app: &App,
    client: &Client,
    pattern: &str,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !names_a_host(request.headers()) {
        return Err(ApiError::bad_request("the request's Host is not one host, with or without a port"));
    }
    // Whoever looks after the server must be able to see it when it is busy.
    let watching = matches!(pattern, "/healthz" | "/readyz" | "/metrics");
    if !watching {
        app.guard.rate.admit(client.address).map_err(|wait| {
            app.metrics.refused("rate");
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            ApiError {
                retry_after: Some(seconds),
                ..ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too many requests from this address")
            }
            .hint("wait; whoever runs the server sets `limits.rate` and `limits.burst`")
        })?;
    }
    let place = if watching { None } else { Some(place(app)?) };
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = steady(body, app);
    }
    let long = pattern.starts_with("/api/v1/artifacts")
        || (pattern.starts_with("/api/v1/locks") && request.method() == Method::PUT);
    let limit = if long { LONGEST } else { app.config.limits.timeout };
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => Ok(response),
        // The panic's own words are in the log by now, with this request's id.
        Ok(Err(_panic)) => Err(ApiError::bug(&"a handler panicked")),
        Err(_) => {
            app.metrics.refused("timeout");
            Err(ApiError {
                retry_after: Some(5),
                ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the request took too long")
            }
            .hint("nothing is half done; try again in a moment"))
        }
    };
    drop(place);
    response
}

fn place(app: &App) -> Result<tokio::sync::OwnedSemaphorePermit, ApiError> {
    Arc::clone(&app.guard.places).try_acquire_owned().map_err(|_| {
        app.metrics.refused("concurrency");
        ApiError { retry_after: Some(1), ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the server is busy") }
            .hint("try again in a moment; whoever runs the server sets `limits.concurrency`")
    })
}

/// Refusals of layers below (a body too large, a query that is none) come as plain text; callers get the one JSON shape.
async fn respelled(response: Response) -> Response {
    let status = response.status();
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !plain {
        return response;
    }
    let words = axum::body::to_bytes(response.into_body(), LONGEST_REFUSAL).await.unwrap_or_default();
    ApiError::new(status, Untrusted::new(String::from_utf8_lossy(&words)).to_string()).into_response()
}

/// Headers that every answer has; what a handler set itself stays.
fn dress(headers: &mut HeaderMap, client: &Client, tls: bool) {
    if let Ok(id) = HeaderValue::from_str(client.id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    let standard = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Answers are documents for programs, or pages that bring their own policy.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ];
    for (name, value) in standard {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if tls {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
    }
}
