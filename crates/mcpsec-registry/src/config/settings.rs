//! One layer of settings, as people write it: every value optional. The same fields are flags, environment variables and keys of
//! the file, so that there is one list of them, and one text about each (docs/registry.md is rendered from it).
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use clap::Args;
use mcpsec_model::url::SafeUrl;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::values::{LogFormat, Network, Secret, Size, Span};

/// What is said about the server in one place.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Folder of the database, the files and the log's key, where nothing else is given
    #[arg(long, env = "MCPSEC_REGISTRY_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where to listen
    #[arg(long, env = "MCPSEC_REGISTRY_LISTEN", value_name = "ADDRESS:PORT", value_parser = socket)]
    #[serde(default, deserialize_with = "socket_text")]
    pub listen: Option<SocketAddr>,
    /// Database: sqlite://FILE or postgres://USER@HOST/NAME [default: SQLite in the folder]
    #[arg(long, env = "MCPSEC_REGISTRY_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<Secret>,
    /// Files: file:///FOLDER or s3://BUCKET/PREFIX, with credentials in `AWS_*` [default: in the folder]
    #[arg(long, env = "MCPSEC_REGISTRY_BLOBS", value_name = "URL", hide_env_values = true)]
    pub blobs: Option<String>,
    /// Signers whose approvals count [default: `mcp-signers` in the folder]
    #[arg(long, env = "MCPSEC_REGISTRY_SIGNERS", value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// Private key that signs heads of the log (Ed25519, PKCS#8 PEM) [default: one in the folder, made at first start]
    #[arg(long, env = "MCPSEC_REGISTRY_LOG_KEY", value_name = "FILE")]
    pub log_key: Option<PathBuf>,
    /// Name of the log in its heads, and prefix of server names in the MCP Registry API: a host name, by habit the public one
    #[arg(long, env = "MCPSEC_REGISTRY_ORIGIN", value_name = "NAME")]
    pub origin: Option<String>,
    /// Address under which clients reach the server, for links [default: as requests come]
    #[arg(long, env = "MCPSEC_REGISTRY_PUBLIC_URL", value_name = "URL")]
    #[serde(default, deserialize_with = "url", serialize_with = "shown")]
    pub public_url: Option<SafeUrl>,
    /// How many distinct people must approve
    #[arg(long, env = "MCPSEC_REGISTRY_REQUIRED", value_name = "N")]
    pub required: Option<u32>,
    /// Reading needs a token with the scope `read`
    #[arg(long, env = "MCPSEC_REGISTRY_PRIVATE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub private: Option<bool>,
    /// How long a signed head of the log is good
    #[arg(long, env = "MCPSEC_REGISTRY_HEAD_VALIDITY", value_name = "DURATION")]
    pub head_validity: Option<Span>,
    /// The team's policy: a file as mcp.toml, whose `[policy]` part is published
    #[arg(long, env = "MCPSEC_REGISTRY_POLICY", value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Networks of reverse proxies whose `X-Forwarded-*` and `X-Request-Id` are believed
    #[arg(long, env = "MCPSEC_REGISTRY_TRUSTED_PROXIES", value_name = "NETWORK,…", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<Network>>,
    /// What goes to the log: `error`, `warn`, `info`, `debug`, or per part as `info,access=warn`
    #[arg(long, env = "MCPSEC_REGISTRY_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Form of the log on standard error: `text` or `json`
    #[arg(long, env = "MCPSEC_REGISTRY_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// HTTPS
    #[command(flatten, next_help_heading = "HTTPS")]
    #[serde(default)]
    pub tls: TlsSettings,
    /// Limits
    #[command(flatten, next_help_heading = "Limits")]
    #[serde(default)]
    pub limits: LimitSettings,
    /// Pull-through
    #[command(flatten, next_help_heading = "Pull-through")]
    #[serde(default)]
    pub pull_through: PullSettings,
    /// Issuers of identities of CI jobs; in the file only
    #[arg(skip)]
    #[serde(default)]
    pub oidc: Option<Vec<OidcSettings>>,
}

/// `[tls]`.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlsSettings {
    /// Certificate chain (PEM): serve HTTPS. Read again on SIGHUP
    #[arg(id = "tls-cert", long = "tls-cert", env = "MCPSEC_REGISTRY_TLS_CERT", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(id = "tls-key", long = "tls-key", env = "MCPSEC_REGISTRY_TLS_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `[limits]`.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LimitSettings {
    /// Connections open at once; one more is closed
    #[arg(
        id = "limits-connections",
        long = "limits-connections",
        env = "MCPSEC_REGISTRY_LIMITS_CONNECTIONS",
        value_name = "N"
    )]
    pub connections: Option<u32>,
    /// Requests being worked on at once; one more is answered 503
    #[arg(
        id = "limits-concurrency",
        long = "limits-concurrency",
        env = "MCPSEC_REGISTRY_LIMITS_CONCURRENCY",
        value_name = "N"
    )]
    pub concurrency: Option<u32>,
    /// Requests per second of one client address (IPv6: /64), in the long run; 0: no limit
    #[arg(id = "limits-rate", long = "limits-rate", env = "MCPSEC_REGISTRY_LIMITS_RATE", value_name = "N")]
    pub rate: Option<u32>,
    /// Requests of one client address that may come at once
    #[arg(id = "limits-burst", long = "limits-burst", env = "MCPSEC_REGISTRY_LIMITS_BURST", value_name = "N")]
    pub burst: Option<u32>,
    /// Until the headers of a request are there, and between two requests of a connection
    #[arg(
        id = "limits-header-timeout",
        long = "limits-header-timeout",
        env = "MCPSEC_REGISTRY_LIMITS_HEADER_TIMEOUT",
        value_name = "DURATION"
    )]
    pub header_timeout: Option<Span>,
    /// Until a request is answered; uploads are held to `limits.idle` only
    #[arg(
        id = "limits-timeout",
        long = "limits-timeout",
        env = "MCPSEC_REGISTRY_LIMITS_TIMEOUT",
        value_name = "DURATION"
    )]
    pub timeout: Option<Span>,
    /// Without a byte of progress, in an upload or a download
    #[arg(id = "limits-idle", long = "limits-idle", env = "MCPSEC_REGISTRY_LIMITS_IDLE", value_name = "DURATION")]
    pub idle: Option<Span>,
    /// How long requests may go on after SIGTERM
    #[arg(
        id = "limits-shutdown",
        long = "limits-shutdown",
        env = "MCPSEC_REGISTRY_LIMITS_SHUTDOWN",
        value_name = "DURATION"
    )]
    pub shutdown: Option<Span>,
    /// Largest file that may be uploaded or fetched
    #[arg(
        id = "limits-artifact",
        long = "limits-artifact",
        env = "MCPSEC_REGISTRY_LIMITS_ARTIFACT",
        value_name = "SIZE"
    )]
    pub artifact: Option<Size>,
}

/// `[pull-through]`: on as soon as an upstream is given.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PullSettings {
    /// npm registry that missing files of a pushed lock may be fetched from
    #[arg(
        id = "pull-through-npm",
        long = "pull-through-npm",
        env = "MCPSEC_REGISTRY_PULL_THROUGH_NPM",
        value_name = "URL",
        hide_env_values = true
    )]
    #[serde(default, deserialize_with = "url", serialize_with = "shown")]
    pub npm: Option<SafeUrl>,
    /// PyPI simple index that missing files of a pushed lock may be fetched from
    #[arg(
        id = "pull-through-pypi",
        long = "pull-through-pypi",
        env = "MCPSEC_REGISTRY_PULL_THROUGH_PYPI",
        value_name = "URL",
        hide_env_values = true
    )]
    #[serde(default, deserialize_with = "url", serialize_with = "shown")]
    pub pypi: Option<SafeUrl>,
    /// Other hosts that these upstreams may name for downloads
    #[arg(
        id = "pull-through-hosts",
        long = "pull-through-hosts",
        env = "MCPSEC_REGISTRY_PULL_THROUGH_HOSTS",
        value_name = "HOST[:PORT],…",
        value_delimiter = ','
    )]
    pub hosts: Option<Vec<String>>,
    /// Hosts that may have private addresses
    #[arg(
        id = "pull-through-private-hosts",
        long = "pull-through-private-hosts",
        env = "MCPSEC_REGISTRY_PULL_THROUGH_PRIVATE_HOSTS",
        value_name = "HOST[:PORT],…",
        value_delimiter = ','
    )]
    pub private_hosts: Option<Vec<String>>,
}

/// `[[oidc]]`: an issuer of identities, and who of it may do what.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcSettings {
    /// `iss`, exactly
    #[serde(deserialize_with = "one_url", serialize_with = "one_shown")]
    pub issuer: SafeUrl,
    /// `aud`, exactly
    pub audience: String,
    /// Where the issuer's keys are; without it, as its discovery document says
    #[serde(default, deserialize_with = "url", serialize_with = "shown", skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<SafeUrl>,
    /// Claims that must hold: text, `*` stands for anything
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
    /// What such an identity may do: `push`, `approve-submit`, `read`
    pub scopes: Vec<String>,
}

fn one_url<'de, D: Deserializer<'de>>(from: D) -> Result<SafeUrl, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SafeUrl>, D::Error> {
    one_url(from).map(Some)
}

fn one_shown<S: Serializer>(url: &SafeUrl, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(url)
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn shown<S: Serializer>(url: &Option<SafeUrl>, to: S) -> Result<S::Ok, S::Error> {
    match url {
        Some(url) => to.collect_str(url),
        None => to.serialize_none(),
    }
}

fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "not an address and a port such as `127.0.0.1:7420` or `[::]:7420`".to_owned())
}

fn socket_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    socket(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}
