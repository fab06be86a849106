//! From layers of settings to one configuration: the upper layer wins, then everything is checked together.
use std::path::Path;

use mcpsec_model::{text::escape, url::SafeUrl};
use mcpsec_verify::approval::log::LONGEST;

use super::{
    Config, Limits, LogFormat, Oidc, PullThrough, Settings, Tls,
    settings::{LimitSettings, OidcSettings, PullSettings, TlsSettings},
};
use crate::auth::Scope;

/// Why settings are of no use.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not say anything that can be understood.
    #[error("{file}:{line}: {message}")]
    File {
        /// Its name.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong; the line itself is not shown, it may hold a password.
        message: String,
    },
    /// A setting is missing, or says what cannot be.
    #[error("`{key}`: {message}")]
    Setting {
        /// As in the file.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
}

fn wrong(key: &'static str, message: impl Into<String>) -> ConfigError {
    ConfigError::Setting { key, message: message.into() }
}

impl Settings {
    /// Reads a file; a key it does not know is an error.
    ///
    /// # Errors
    /// [`ConfigError::File`].
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = escape(error.message()).to_string();
            ConfigError::File { file: file.to_owned(), line, message }
        })
    }

    /// What this layer says, and `below` where it says nothing.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let (tls, limits, pull) = (self.tls, self.limits, self.pull_through);
        Self {
            data: self.data.or(below.data),
            listen: self.listen.or(below.listen),
            database: self.database.or(below.database),
            blobs: self.blobs.or(below.blobs),
            signers: self.signers.or(below.signers),
            log_key: self.log_key.or(below.log_key),
            origin: self.origin.or(below.origin),
            public_url: self.public_url.or(below.public_url),
            required: self.required.or(below.required),
            private: self.private.or(below.private),
            head_validity: self.head_validity.or(below.head_validity),
            policy: self.policy.or(below.policy),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            log: self.log.or(below.log),
            log_format: self.log_format.or(below.log_format),
            tls: TlsSettings { cert: tls.cert.or(below.tls.cert), key: tls.key.or(below.tls.key) },
            limits: LimitSettings {
                connections: limits.connections.or(below.limits.connections),
                concurrency: limits.concurrency.or(below.limits.concurrency),
                rate: limits.rate.or(below.limits.rate),
                burst: limits.burst.or(below.limits.burst),
                header_timeout: limits.header_timeout.or(below.limits.header_timeout),
                timeout: limits.timeout.or(below.limits.timeout),
                idle: limits.idle.or(below.limits.idle),
                shutdown: limits.shutdown.or(below.limits.shutdown),
                artifact: limits.artifact.or(below.limits.artifact),
            },
            pull_through: PullSettings {
                npm: pull.npm.or(below.pull_through.npm),
                pypi: pull.pypi.or(below.pull_through.pypi),
                hosts: pull.hosts.or(below.pull_through.hosts),
                private_hosts: pull.private_hosts.or(below.pull_through.private_hosts),
            },
            oidc: self.oidc.or(below.oidc),
        }
    }

    /// Fills in defaults, and checks.
    ///
    /// # Errors
    /// [`ConfigError::Setting`].
    pub fn finish(self) -> Result<Config, ConfigError> {
        let data = self.data.ok_or_else(|| wrong("data", "is missing; give a folder with `--data DIR`"))?;
        let defaults = Config::in_folder(data.clone());
        let origin = self.origin.unwrap_or(defaults.origin);
        check_origin(&origin)?;
        let public_url = self.public_url.map(web_address("public-url")).transpose()?;
        let required = self.required.unwrap_or(defaults.required);
        if required == 0 {
            return Err(wrong("required", "is 0: everything would count as approved"));
        }
        let head_validity = self.head_validity.map_or(defaults.head_validity, |span| span.0);
        if head_validity.as_secs() < 60 {
            return Err(wrong(
                "head-validity",
                "is under a minute: clients with a clock that is slightly off would refuse every head",
            ));
        }
        if head_validity.as_secs() > LONGEST.unsigned_abs() {
            return Err(wrong(
                "head-validity",
                "is over 31 days: clients refuse heads behind which newer ones could be held back for so long",
            ));
        }
        let tls = match (self.tls.cert, self.tls.key) {
            (Some(cert), Some(key)) => Some(Tls { cert, key }),
            (None, None) => None,
            (Some(_), None) => return Err(wrong("tls.key", "is missing beside `tls.cert`")),
            (None, Some(_)) => return Err(wrong("tls.cert", "is missing beside `tls.key`")),
        };
        Ok(Config {
            listen: self.listen.unwrap_or(defaults.listen),
            data,
            database: self.database,
            blobs: self.blobs,
            signers: self.signers,
            log_key: self.log_key,
            origin,
            public_url,
            required,
            private: self.private.unwrap_or(false),
            head_validity,
            policy: self.policy,
            trusted_proxies: self.trusted_proxies.unwrap_or_default(),
            log: self.log.unwrap_or(defaults.log),
            log_format: self.log_format.unwrap_or(LogFormat::Text),
            tls,
            limits: self.limits.finish(defaults.limits)?,
            oidc: self.oidc.unwrap_or_default().into_iter().map(OidcSettings::finish).collect::<Result<_, _>>()?,
            pull_through: self.pull_through.finish()?,
        })
    }
}

impl LimitSettings {
    fn finish(self, defaults: Limits) -> Result<Limits, ConfigError> {
        let limits = Limits {
            connections: self.connections.unwrap_or(defaults.connections),
            concurrency: self.concurrency.unwrap_or(defaults.concurrency),
            rate: self.rate.unwrap_or(defaults.rate),
            burst: self.burst.unwrap_or(defaults.burst),
            header_timeout: self.header_timeout.map_or(defaults.header_timeout, |span| span.0),
            timeout: self.timeout.map_or(defaults.timeout, |span| span.0),
            idle: self.idle.map_or(defaults.idle, |span| span.0),
            shutdown: self.shutdown.map_or(defaults.shutdown, |span| span.0),
            artifact: self.artifact.map_or(defaults.artifact, |size| size.0),
        };
        let zeros = [
            ("limits.connections", limits.connections == 0),
            ("limits.concurrency", limits.concurrency == 0),
            ("limits.burst", limits.burst == 0),
            ("limits.header-timeout", limits.header_timeout.is_zero()),
            ("limits.timeout", limits.timeout.is_zero()),
            ("limits.idle", limits.idle.is_zero()),
            ("limits.artifact", limits.artifact == 0),
        ];
        match zeros.into_iter().find(|(_, zero)| *zero) {
            Some((key, _)) => Err(wrong(key, "is 0: nothing would ever be answered")),
            None => Ok(limits),
        }
    }
}

impl OidcSettings {
    fn finish(self) -> Result<Oidc, ConfigError> {
        if self.claims.is_empty() {
            // Everybody in the world has an identity of a public issuer.
            return Err(wrong(
                "oidc.claims",
                "is empty: every job of that issuer, whoever runs it, would be let in; name a repository",
            ));
        }
        let scopes = self.scopes.iter().map(|word| scope(word)).collect::<Result<Vec<_>, _>>()?;
        Ok(Oidc {
            issuer: secure("oidc.issuer")(self.issuer)?,
            audience: self.audience,
            jwks_uri: self.jwks_uri.map(secure("oidc.jwks-uri")).transpose()?,
            claims: self.claims.into_iter().collect(),
            scopes,
        })
    }
}

fn scope(word: &str) -> Result<Scope, ConfigError> {
    [Scope::Read, Scope::Push, Scope::ApproveSubmit]
        .into_iter()
        .find(|scope| scope.as_str() == word)
        .ok_or_else(|| wrong("oidc.scopes", format!("`{}` is none of `read`, `push`, `approve-submit`", escape(word))))
}

impl PullSettings {
    fn finish(self) -> Result<Option<PullThrough>, ConfigError> {
        if self.npm.is_none() && self.pypi.is_none() {
            return match self.hosts.or(self.private_hosts) {
                None => Ok(None),
                Some(_) => Err(wrong("pull-through", "names hosts and no upstream; give `npm` or `pypi`")),
            };
        }
        Ok(Some(PullThrough {
            npm: self.npm.map(web_address("pull-through.npm")).transpose()?,
            pypi: self.pypi.map(web_address("pull-through.pypi")).transpose()?,
            hosts: self.hosts.unwrap_or_default(),
            private_hosts: self.private_hosts.unwrap_or_default(),
        }))
    }
}

/// A name that stands in lines of signed heads and in names of servers.
fn check_origin(origin: &str) -> Result<(), ConfigError> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if origin.is_empty() || origin.len() > 253 || !origin.bytes().all(word) {
        return Err(wrong("origin", format!("`{}` is no host name", escape(origin))));
    }
    Ok(())
}

fn web_address(key: &'static str) -> impl Fn(SafeUrl) -> Result<SafeUrl, ConfigError> {
    move |url| match url.expose().scheme() {
        "http" | "https" if url.expose().has_host() => Ok(url),
        _ => Err(wrong(key, "is no http or https address")),
    }
}

/// Keys that identities are checked with must come over TLS, or from this machine.
fn secure(key: &'static str) -> impl Fn(SafeUrl) -> Result<SafeUrl, ConfigError> {
    move |url| {
        let url = web_address(key)(url)?;
        if url.expose().scheme() == "http" && !is_loopback(&url) {
            return Err(wrong(key, "must be https"));
        }
        Ok(url)
    }
}

fn is_loopback(url: &SafeUrl) -> bool {
    match url.expose().host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Makes paths of a file mean what they mean beside that file.
pub(crate) fn beside(settings: &mut Settings, file: &Path) {
    let Some(folder) = file.parent() else { return };
    let paths = [
        &mut settings.data,
        &mut settings.signers,
        &mut settings.log_key,
        &mut settings.policy,
        &mut settings.tls.cert,
        &mut settings.tls.key,
    ];
    for path in paths.into_iter().flatten() {
        *path = folder.join(&*path);
    }
}
