//! URLs that cannot leak: credentials and query strings are redacted in `Display` and in `Debug`.
//!
//! Index URLs carry basic-auth passwords, download URLs carry signed tokens. [`SafeUrl`] holds the real URL for the HTTP
//! client only; everything that prints shows `***` in place of the user part, and drops the query.
use std::{fmt, str::FromStr};

use ::url::Url;

/// A URL whose printed form holds no secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeUrl(Url);

/// Why a text is not a URL. The text itself is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid URL ({0})")]
pub struct UrlError(#[from] ::url::ParseError);

impl SafeUrl {
    /// The real URL, credentials included; for the HTTP client only.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// The URL without user, password, query and fragment: what may be stored or compared.
    pub fn without_secrets(&self) -> Url {
        let mut url = self.0.clone();
        // These setters fail only for URLs that cannot hold credentials. An SSH user is a part of the address (`git@`), not
        // a secret.
        if url.scheme() != "ssh" {
            let _no_user = url.set_username("");
        }
        let _no_password = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    /// Resolves a reference found in a document served from this URL.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        Ok(Self(self.0.join(reference)?))
    }

    /// The root of the same server: for what is true of all its addresses.
    #[must_use]
    pub fn root(&self) -> Self {
        let mut url = self.without_secrets();
        url.set_path("/");
        Self(url)
    }

    /// Scheme, host and port, for deciding whether credentials may follow a redirect or a link.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }
}

impl From<Url> for SafeUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl FromStr for SafeUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse()?))
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_user = self.0.scheme() != "ssh" && !self.0.username().is_empty() || self.0.password().is_some();
        let mut shown = self.without_secrets();
        if has_user {
            let _kept = shown.set_username("***");
        }
        f.write_str(shown.as_str())?;
        if self.0.query().is_some() {
            f.write_str("?***")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_print() {
        let url: SafeUrl = "https://bob:hunter2@example.invalid/simple/?token=abc#frag".parse().expect("url");
        for shown in [url.to_string(), format!("{url:?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("bob") && !shown.contains("abc"), "{shown}");
            assert_eq!(shown, "https://***@example.invalid/simple/?***");
        }
        assert_eq!(url.expose().password(), Some("hunter2"));
    }
}
