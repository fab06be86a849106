//! Under which address a client reached the server: what links in answers start with.
use axum::extract::FromRequestParts;
use http::{header::HOST, request::Parts};
use mcpsec_model::url::SafeUrl;

use crate::{app::App, error::ApiError};

/// The longest `Host` that is read: a host name (RFC 1035) with a port.
const MAX_HOST: usize = 255 + 6;

/// The configured public address, else that of the request: `https://mcp.example.com`, without a slash at the end.
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

    /// Of a configured address.
    fn configured(url: &SafeUrl) -> Self {
        Self(url.without_secrets().as_str().trim_end_matches('/').to_owned())
    }

    /// Of the host that a request names; `None` for what is no host with or without a port.
    fn requested(scheme: &str, host: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
        if host.is_empty() || host.len() > MAX_HOST || !host.bytes().all(plain) {
            return None;
        }
        let url: url::Url = format!("{scheme}://{host}/").parse().ok()?;
        Some(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl FromRequestParts<App> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(url) = &app.config.public_url {
            return Ok(Self::configured(url));
        }
        // HTTP/2 has it in the request line, HTTP/1.1 in a header.
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let host = authority.or_else(|| parts.headers.get(HOST)?.to_str().ok());
        let scheme = if app.config.tls.is_some() { "https" } else { "http" };
        host.and_then(|host| Self::requested(scheme, host))
            .ok_or_else(|| ApiError::bad_request("the request names no host that it is for"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_no_slash_at_the_end_and_no_secrets() {
        for (url, want) in [
            ("https://mcp.example.test", "https://mcp.example.test"),
            ("https://user:secret@mcp.example.test/team/?x=1#y", "https://mcp.example.test/team"),
        ] {
            assert_eq!(Address::configured(&url.parse().expect("URL")).as_str(), want);
        }
    }

    #[test]
    fn only_hosts_become_addresses() {
        for (host, want) in [
            ("mcp.example.test", Some("http://mcp.example.test")),
            ("127.0.0.1:7420", Some("http://127.0.0.1:7420")),
            ("[::1]:7420", Some("http://[::1]:7420")),
            ("evil.test/path", None),
            ("user@evil.test", None),
            ("evil.test\" onload=\"x", None),
            ("evil.test?x", None),
            ("a:b", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(Address::requested("http", host).as_ref().map(Address::as_str), want, "{host}");
        }
        assert_eq!(Address::requested("http", &"a".repeat(300)), None);
    }
}
