//! What the server was told: flags over environment over file over defaults. Secrets are never printed.
use std::{net::SocketAddr, path::PathBuf, time::Duration};

use mcpsec_model::url::SafeUrl;

/// Everything that `serve` needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The folder of the database, blobs and keys, where nothing else is given.
    pub data: PathBuf,
    /// `sqlite://FILE` or `postgres://…`; `None`: SQLite in `data`.
    pub database: Option<Secret>,
    /// `file:///FOLDER` or `s3://BUCKET[/PREFIX]`; `None`: a folder in `data`. Credentials of S3 come from `AWS_*`.
    pub blobs: Option<String>,
    /// The file of signers whose approvals count (docs/approvals.md). `None`: `mcp-signers` in `data`; where it does not exist
    /// nobody's approval counts.
    pub signers: Option<PathBuf>,
    /// The private key (PKCS#8 PEM, Ed25519) that signs heads of the log; `None`: one in `data`, made when it does not exist.
    pub log_key: Option<PathBuf>,
    /// What the log is called in its heads, and the prefix of servers in the MCP Registry API: a host name, by habit the public one.
    pub origin: String,
    /// The address under which clients reach the server, for links; `None`: as the request came.
    pub public_url: Option<SafeUrl>,
    /// How many distinct people must approve.
    pub required: u32,
    /// Whether reading needs a token with the scope `read`.
    pub private: bool,
    /// How long a head is good.
    pub head_validity: Duration,
}

/// A text that is not printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for whoever it is a secret of.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Config {
    /// The defaults for a folder.
    pub fn in_folder(data: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7420)),
            data,
            database: None,
            blobs: None,
            signers: None,
            log_key: None,
            origin: "mcp.localhost".to_owned(),
            public_url: None,
            required: 1,
            private: false,
            head_validity: Duration::from_secs(7 * 24 * 3600),
        }
    }
}
