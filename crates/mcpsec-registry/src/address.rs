//! Under which address a client reached the server: what links in answers start with.
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use mcpsec_model::url::SafeUrl;

use crate::{app::App, error::ApiError, ops::Base};

/// [`Base`] for who needs it as a URL, too: `https://mcp.example.test`, without a slash at the end.
///
/// A client chooses the `Host` of its own request, so the answer is for that client only; caches keep answers apart by it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address(String);

impl Address {
    /// The address as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a URL.
    ///
    /// # Errors
    /// [`ApiError`]: never for an address that came from a request or a configuration.
    pub fn url(&self) -> Result<SafeUrl, ApiError> {
        self.0.parse().map_err(|error| ApiError::bug(&error))
    }
}

impl FromRequestParts<App> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self(Base::of(parts, &app.config).0))
    }
}
