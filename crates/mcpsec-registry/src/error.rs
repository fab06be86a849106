//! What a caller is told when a request is not done: one JSON shape everywhere, and nothing of the inside.
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

/// Why a request was not done. As an answer: `{"error": "…", "hint": "…"}` with the status; `hint` only where there is one.
///
/// `error` is the member that the MCP Registry API and npm's client read.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is wrong; safe to show. Untrusted words in it are escaped by whoever put them there.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Seconds after which the caller may try again, as `Retry-After`.
    pub retry_after: Option<u32>,
    /// The part that did not answer, for the counters.
    pub missing: Option<Missing>,
}

/// A part of the server that did not answer: `the database`, `the blob store`. In the extensions of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing(pub &'static str);

impl ApiError {
    /// With this status.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None, retry_after: None, missing: None }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: no token, or one that is not known.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 403: understood and refused.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409: something else must come first, or stands against it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 422: it has the right form and does not hold.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 503: the database or the blob store does not answer. The reason goes to the log only.
    pub fn unavailable(what: &'static str, why: &dyn std::fmt::Display) -> Self {
        tracing::error!(what, error = %why, "not available");
        Self {
            retry_after: Some(2),
            missing: Some(Missing(what)),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{what} does not answer"))
        }
        .hint("nothing is lost; try again in a moment")
    }

    /// 500: a bug. The reason goes to the log only.
    pub fn bug(why: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %why, "bug");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a bug in the server; its log has the details under this request id",
        )
    }

    /// The next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.message });
        if let Some(hint) = self.hint {
            body["hint"] = hint.into();
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(missing) = self.missing {
            response.extensions_mut().insert(missing);
        }
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(http::header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(http::header::WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
        }
        headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
        response
    }
}
