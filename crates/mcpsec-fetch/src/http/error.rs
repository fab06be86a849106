//! What can go wrong between us and a registry, told without secrets.
use std::time::Duration;

use mcpsec_model::{text::Untrusted, url::SafeUrl};

/// Why a document or a file could not be had. Cloneable, since equal requests in flight share one answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The server has no such thing (404 or 410).
    #[error("{url} does not exist on the server")]
    NotFound {
        /// What was asked for.
        url: SafeUrl,
    },
    /// The server wants other credentials (401, 403 or 407).
    #[error("{url} refused access with status {status}; check the credentials configured for this registry")]
    Unauthorized {
        /// What was asked for.
        url: SafeUrl,
        /// The status code.
        status: u16,
    },
    /// Any other status that is not success.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked for.
        url: SafeUrl,
        /// The status code.
        status: u16,
        /// What the server's `Retry-After` asked for (RFC 9110 §10.2.3), in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The network may not be used, and the cache has no answer.
    #[error("{url} is not in the cache and the network may not be used; run once without --offline")]
    Offline {
        /// What was asked for.
        url: SafeUrl,
    },
    /// The answer is longer than we accept.
    #[error("{url} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: SafeUrl,
        /// The limit in bytes.
        limit: u64,
    },
    /// No answer, or a broken one: name resolution, connection, TLS, time-out, transfer.
    #[error("{url} could not be reached: {reason}")]
    Network {
        /// What was asked for.
        url: SafeUrl,
        /// The chain of causes, escaped and without the address.
        reason: String,
    },
    /// A redirect that is not followed: to another scheme, from https to http, too many.
    #[error("{url} redirects to a place that is not followed: {reason}")]
    Redirect {
        /// The address that answered with the redirect.
        url: SafeUrl,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The body cannot be decoded (a broken gzip stream, an encoding we did not ask for).
    #[error("{url} sent a body that cannot be decoded: {reason}")]
    Body {
        /// What was asked for.
        url: SafeUrl,
        /// What is wrong with it.
        reason: String,
    },
    /// The address cannot be asked: not http or https.
    #[error("{url} is not an http or https address")]
    Scheme {
        /// What was asked for.
        url: SafeUrl,
    },
    /// The credentials hold characters that a header cannot carry.
    #[error("the credentials for {url} hold characters that a header cannot carry")]
    Credentials {
        /// What was asked for.
        url: SafeUrl,
    },
    /// The HTTP client could not be built, for instance because `SSL_CERT_FILE` is unreadable.
    #[error("the HTTP client could not be set up: {reason}")]
    Setup {
        /// The chain of causes.
        reason: String,
    },
}

impl HttpError {
    /// Whether the server said that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the registry could not be asked at all, so that what depends on it is unchecked rather than failed.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Offline { .. } | Self::Network { .. } => true,
            Self::Status { status, .. } => is_transient_status(*status),
            _ => false,
        }
    }

    /// The same, told of the server where it is the server that fails and not one document: one story for all that was asked of it.
    pub fn of_server(&self) -> String {
        let origin = |url: &SafeUrl| url.expose().origin().ascii_serialization();
        match self {
            Self::Network { url, reason } => format!("{} could not be reached: {reason}", origin(url)),
            Self::Status { url, status, .. } if is_transient_status(*status) => {
                format!("{} answered with status {status}", origin(url))
            }
            other => other.to_string(),
        }
    }

    /// Whether the same request may succeed a moment later. Never true for what the server decided (4xx), except for
    /// the three statuses that mean "later".
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Network { .. } => true,
            Self::Status { status, .. } => is_transient_status(*status),
            _ => false,
        }
    }

    /// How long the server asked us to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A transport error of the HTTP client, with its causes, without the address (which may hold a token).
    pub(crate) fn transport(url: &SafeUrl, error: reqwest::Error) -> Self {
        let reason = chain(&error.without_url());
        Self::Network { url: url.clone(), reason }
    }

    /// No connection came about: that is about the server and no address of it, and everybody who asked it is told the same.
    pub(crate) fn no_connection(url: &SafeUrl, reason: &str) -> Self {
        // What the client calls itself while it says so tells nobody anything.
        let reason =
            reason.trim_start_matches("error sending request: ").trim_start_matches("client error (Connect): ");
        Self::Network { url: url.root(), reason: reason.to_owned() }
    }
}

fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 507 | 520..=599)
}

/// An error and its sources in one escaped line, each told once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = Untrusted::new(error.to_string()).excerpt(200);
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source().filter(|_| parts.len() < 6);
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_server_is_the_same_for_all_of_it_and_holds_no_secret() {
        let url = |path: &str| {
            SafeUrl::from(url::Url::parse(&format!("https://bob:secret@h.invalid:8443/{path}?t=x")).unwrap())
        };
        let down = |path: &str| HttpError::Network { url: url(path), reason: "refused".to_owned() }.of_server();
        assert_eq!(
            (down("a"), down("b")),
            (down("b"), "https://h.invalid:8443 could not be reached: refused".to_owned())
        );
        let status = |status| HttpError::Status { url: url("a"), status, retry_after: None }.of_server();
        assert_eq!(status(503), "https://h.invalid:8443 answered with status 503");
        assert!(status(418).contains("/a") && !status(418).contains("secret"), "of one document: {}", status(418));
    }
}
