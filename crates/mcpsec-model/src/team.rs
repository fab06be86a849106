//! The team's registry, as mcp.toml names it and mcp.lock pins it: an address, the key of its log, and how far the log was seen.
//!
//! Nothing here is trusted for what it says: approvals count by the keys of mcp-signers alone. The key of the log and the pin only
//! show whether the registry tells everybody the same story.
use std::{fmt, str::FromStr};

use ::url::{Host, Url};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use smol_str::SmolStr;

use crate::{approval::head::Origin, digest::Digest, url::SafeUrl};

/// The longest address, in bytes.
const MAX_URL: usize = 1024;
/// Ed25519 in a signed note (C2SP signed-note, "Signature types").
const ED25519: u8 = 1;

/// The root of a team registry: https, or http on this machine; no user, password, query or fragment. Printed without a slash at
/// its end, and always as it was read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TeamUrl(SafeUrl);

/// Why a text is no address of a team registry. The text is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TeamUrlError {
    /// Not a URL, or too long.
    #[error("must be an address such as https://mcp.example.test")]
    Form,
    /// Neither https nor http on this machine.
    #[error("must be an https address; plain http is for this machine only (localhost, 127.0.0.1, [::1])")]
    Plain,
    /// It says more than where.
    #[error("must not hold credentials, a query or a fragment")]
    Secrets,
}

impl TeamUrl {
    /// The address of something below the root. `path` is ours, never a stranger's.
    pub fn below(&self, path: &str) -> SafeUrl {
        let mut url = self.0.expose().clone();
        let root = url.path().trim_end_matches('/').to_owned();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{root}/{path}"));
        url.set_query(query);
        url.into()
    }

    /// Whether an address has the scheme, host and port of this one.
    pub fn same_origin(&self, other: &SafeUrl) -> bool {
        self.0.same_origin(other)
    }

    /// Whether it is on this machine, where a network is no limit.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.0.expose())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl FromStr for TeamUrl {
    type Err = TeamUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_URL {
            return Err(TeamUrlError::Form);
        }
        let mut url: Url = text.parse().map_err(|_| TeamUrlError::Form)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(TeamUrlError::Secrets);
        }
        match url.scheme() {
            "https" if url.has_host() => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(TeamUrlError::Plain),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url.into()))
    }
}

impl fmt::Display for TeamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

impl fmt::Debug for TeamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The public key of a log, in the text form of Go's checksum database: `NAME+HINT+BASE64`, where the hint is the start of a hash
/// over the rest (C2SP signed-note, "Verifier keys"). Ed25519 only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TeamKey {
    text: SmolStr,
    /// Where the name ends in `text`.
    origin: usize,
}

/// Why a text is no key of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TeamKeyError {
    /// Not three parts.
    #[error("must be the key of a log as the registry prints it: NAME+HINT+BASE64")]
    Form,
    /// A name that a log cannot have.
    #[error("the name of the log must be 1 to 200 letters, digits and `.-_/:`")]
    Origin,
    /// Not an Ed25519 key.
    #[error("is not an Ed25519 key (the byte 1 and 32 more, in base64)")]
    Kind,
    /// A character was lost or changed.
    #[error("its hint is not the one that its name and key make: it was cut or changed")]
    Hint,
}

impl TeamKey {
    /// The name of the log, the first line of each of its heads.
    pub fn origin(&self) -> &str {
        &self.text[..self.origin]
    }

    /// All of it, as mcp.toml has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for TeamKey {
    type Err = TeamKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '+');
        let (Some(origin), Some(hint), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TeamKeyError::Form);
        };
        origin.parse::<Origin>().map_err(|_| TeamKeyError::Origin)?;
        let key = STANDARD.decode(base64).map_err(|_| TeamKeyError::Kind)?;
        if key.len() != 33 || key.first() != Some(&ED25519) {
            return Err(TeamKeyError::Kind);
        }
        let hashed = [origin.as_bytes(), b"\n", &key].concat();
        if hint.len() != 8 || Digest::sha256_of(&hashed).to_hex()[..8] != *hint {
            return Err(TeamKeyError::Hint);
        }
        Ok(Self { text: text.into(), origin: origin.len() })
    }
}

impl fmt::Display for TeamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TeamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How far somebody has seen a log: what mcp.lock holds, so that everyone who has the lock notices a log that lost or changed
/// entries since.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TeamPin {
    /// Whose log. Another address may serve the same one.
    pub registry: TeamUrl,
    /// Its key, which is also its name.
    pub key: TeamKey,
    /// How many entries it had.
    pub size: u64,
    /// The root of its Merkle tree at that size (RFC 6962).
    pub root: [u8; 32],
}

impl TeamPin {
    /// The root as mcp.lock writes it.
    pub fn root_digest(&self) -> Digest {
        Digest::Sha256(self.root)
    }
}

/// `[team]` of mcp.toml.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Team {
    /// The registry.
    pub registry: TeamUrl,
    /// The key of its log; without it the one that is seen first is pinned.
    pub key: Option<TeamKey>,
    /// When artifacts come from it.
    pub mirror: Mirror,
}

/// When artifacts and evidence come from the team's mirror. All are verified by what mcp.lock says, wherever they come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mirror {
    /// Never.
    Off,
    /// When the upstream fails.
    #[default]
    Fallback,
    /// Before the upstream is asked.
    First,
    /// Always; the upstream is never asked.
    Only,
}

impl Mirror {
    /// The words of mcp.toml.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("fallback", Self::Fallback), ("first", Self::First), ("only", Self::Only)];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Fallback => "fallback",
            Self::First => "first",
            Self::Only => "only",
        }
    }
}

/// How a pushed server version stands at a registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Enough people approved exactly this, and all of its files are there.
    Vetted,
    /// Enough people approved it; files are still missing.
    Incomplete,
    /// Nobody, or not enough people, approved it yet.
    Pending,
    /// It was approved, and is no longer: revoked or expired.
    Withdrawn,
}

impl Status {
    /// The word of the API, the page and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vetted => "vetted",
            Self::Incomplete => "incomplete",
            Self::Pending => "pending",
            Self::Withdrawn => "withdrawn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(origin: &str, key: &[u8]) -> String {
        let hashed = [origin.as_bytes(), b"\n", key].concat();
        format!("{origin}+{}+{}", &Digest::sha256_of(&hashed).to_hex()[..8], STANDARD.encode(key))
    }

    #[test]
    fn an_address_is_https_or_this_machine() {
        for (text, shown) in [
            ("https://mcp.example.test", "https://mcp.example.test"),
            ("https://mcp.example.test/", "https://mcp.example.test"),
            ("HTTPS://MCP.example.test:8443/team//", "https://mcp.example.test:8443/team"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9"),
            ("http://[::1]:9/", "http://[::1]:9"),
            ("http://localhost:9", "http://localhost:9"),
        ] {
            let url: TeamUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(shown.parse::<TeamUrl>().as_ref(), Ok(&url), "{text}");
            assert_eq!(url.below("api/v1/x?since=3").expose().as_str(), format!("{shown}/api/v1/x?since=3"));
        }
        for (text, error) in [
            ("http://mcp.example.test", TeamUrlError::Plain),
            ("http://localhost.example.test", TeamUrlError::Plain),
            ("http://127.0.0.1.example.test", TeamUrlError::Plain),
            ("http://0.0.0.0:9", TeamUrlError::Plain),
            ("ftp://mcp.example.test", TeamUrlError::Plain),
            ("file:///etc/passwd", TeamUrlError::Plain),
            ("https://bob:secret@mcp.example.test", TeamUrlError::Secrets),
            ("https://bob@mcp.example.test", TeamUrlError::Secrets),
            ("https://mcp.example.test/?token=secret", TeamUrlError::Secrets),
            ("https://mcp.example.test/#x", TeamUrlError::Secrets),
            ("mcp.example.test", TeamUrlError::Form),
            ("", TeamUrlError::Form),
        ] {
            assert_eq!(text.parse::<TeamUrl>(), Err(error), "{text}");
        }
    }

    /// Whatever single character of a key is changed or lost: it is refused, so that a bad copy is not taken for another log.
    #[test]
    fn a_key_is_three_parts_that_fit() {
        let text = key_of("mcp.example.test/team", &[&[1u8][..], &[0xfb; 32]].concat());
        let key: TeamKey = text.parse().expect("key");
        assert_eq!((key.origin(), key.to_string()), ("mcp.example.test/team", text.clone()));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            let changed = String::from_utf8(changed).expect("ascii");
            assert!(changed.parse::<TeamKey>().is_err(), "{changed}");
            assert!(text[..at].parse::<TeamKey>().is_err(), "prefix of {at}");
        }
        let key = [&[1u8][..], &[7; 32]].concat();
        assert!(key_of("example.test/team", &key).parse::<TeamKey>().is_ok());
        for (origin, key, error) in [
            ("", &key[..], TeamKeyError::Origin),
            ("two words", &key, TeamKeyError::Origin),
            ("bidi\u{202e}", &key, TeamKeyError::Origin),
            ("example.test", &key[..32], TeamKeyError::Kind),
            ("example.test", &[&[2u8][..], &[7; 32]].concat(), TeamKeyError::Kind),
        ] {
            assert_eq!(key_of(origin, key).parse::<TeamKey>(), Err(error), "{origin}");
        }
        assert_eq!("example.test".parse::<TeamKey>(), Err(TeamKeyError::Form));
    }
}
