//! Credentials that cannot be printed.
use std::fmt;

/// The value of an `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(String);

impl Credentials {
    /// A bearer token.
    pub fn bearer(token: &str) -> Self {
        Self(format!("Bearer {token}"))
    }

    /// Basic authentication (RFC 7617).
    pub fn basic(user: &str, password: &str) -> Self {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        Self(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    /// A complete header value, such as npm's `_auth` with its scheme.
    pub fn header(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The header value; for the HTTP client only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}
