//! What the server was told: flags over environment over file over defaults.
//!
//! [`Settings`] is one layer as people write it, every value optional; the same type is the command line, the environment and the
//! file. [`Config`] is what came out: complete, checked, with defaults. Secrets are never printed.
mod layers;
mod settings;
mod show;
#[cfg(test)]
mod tests;
mod values;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use mcpsec_model::url::SafeUrl;

pub use layers::ConfigError;
pub(crate) use layers::beside;
pub use settings::{OidcSettings, Settings};
pub use show::{From, show};
pub use values::{LogFormat, Network, Secret, Size, Span};

/// Everything that the server needs to know.
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
    /// The team's policy: a file as mcp.toml, whose `[policy]` part is published.
    pub policy: Option<PathBuf>,
    /// Addresses whose `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Request-Id` are believed.
    pub trusted_proxies: Vec<Network>,
    /// What goes to the log, as `tracing` writes filters.
    pub log: String,
    /// In which form.
    pub log_format: LogFormat,
    /// Certificate and key; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// What one caller, and all of them, may use up.
    pub limits: Limits,
    /// Who issues identities of CI jobs that may write.
    pub oidc: Vec<Oidc>,
    /// Fetching what a pushed lock names; `None`: nothing is ever fetched.
    pub pull_through: Option<PullThrough>,
}

/// Where the certificate is. Read again on `SIGHUP`.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, PEM, the server's own first.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Bounds. All of them hold per process.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once; one more is closed.
    pub connections: u32,
    /// Requests being worked on at once; one more is answered 503.
    pub concurrency: u32,
    /// Requests per second and client address (IPv6: /64), in the long run; 0: no limit.
    pub rate: u32,
    /// Requests that may come at once before `rate` counts.
    pub burst: u32,
    /// Until the headers of a request are there, and between two requests of a connection.
    pub header_timeout: Duration,
    /// Until a request is answered; uploads are held to `idle` only.
    pub timeout: Duration,
    /// Without a byte of progress, in an upload or a download.
    pub idle: Duration,
    /// How long requests may go on after `SIGTERM`.
    pub shutdown: Duration,
    /// The largest file that may be uploaded or fetched, in bytes.
    pub artifact: u64,
}

/// An issuer of identities (OpenID Connect), and who of it may do what.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// `iss`, exactly.
    pub issuer: SafeUrl,
    /// `aud`, exactly.
    pub audience: String,
    /// Where its keys are; `None`: as `<issuer>/.well-known/openid-configuration` says.
    pub jwks_uri: Option<SafeUrl>,
    /// Claims that must hold, sorted by name: text, `*` stands for anything.
    pub claims: Vec<(String, String)>,
    /// What such an identity may do: the words of [`crate::auth::Scope`].
    pub scopes: Vec<crate::auth::Scope>,
}

/// Upstreams that missing files of a pushed lock may be fetched from.
#[derive(Clone, Debug)]
pub struct PullThrough {
    /// An npm registry.
    pub npm: Option<SafeUrl>,
    /// A PyPI simple index.
    pub pypi: Option<SafeUrl>,
    /// Other hosts, `HOST[:PORT]`, that these may send downloads to.
    pub hosts: Vec<String>,
    /// Hosts, `HOST[:PORT]`, that may have private addresses.
    pub private_hosts: Vec<String>,
}

impl Config {
    /// The defaults for a folder.
    pub fn in_folder(data: PathBuf) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
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
            head_validity: 7 * 24 * 3600 * SECOND,
            policy: None,
            trusted_proxies: Vec::new(),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            tls: None,
            limits: Limits {
                // With files and the database open it stays under the 1024 descriptors that a process usually may have.
                connections: 800,
                concurrency: 256,
                // `npm ci` of a large closure asks some thousand times within seconds, and an office has one address.
                rate: 500,
                burst: 5000,
                header_timeout: 15 * SECOND,
                timeout: 30 * SECOND,
                idle: 30 * SECOND,
                shutdown: 30 * SECOND,
                artifact: 2 << 30,
            },
            oidc: Vec::new(),
            pull_through: None,
        }
    }

    /// The file of signers whose approvals count; it may be missing where nobody named it.
    pub fn signers_file(&self) -> PathBuf {
        self.signers.clone().unwrap_or_else(|| self.data.join("mcp-signers"))
    }
}
