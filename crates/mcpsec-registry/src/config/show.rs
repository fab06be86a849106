//! Prints a configuration as a file that says the same, with where each value is from. Secrets are left out.
use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Config, OidcSettings, Settings, Size, Span, settings};

/// Where a value is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum From {
    /// The command line.
    Flag,
    /// The environment.
    Environment,
    /// The file.
    File,
    /// Nobody said anything.
    Default,
}

impl From {
    fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

/// The text of a configuration. `from` tells where the value of a key (`limits.rate`) is from.
pub fn show(config: &Config, from: impl Fn(&str) -> From) -> String {
    let mut table = match Value::try_from(settings(config)) {
        Ok(Value::Table(table)) => table,
        // Settings are a struct of words and numbers.
        Ok(_) | Err(_) => Table::new(),
    };
    let mut out = String::new();
    let oidc = table.remove("oidc");
    let (tables, values): (Vec<_>, Vec<_>) = table.into_iter().partition(|(_, value)| value.is_table());
    lines(&mut out, "", values, &from);
    for (name, table) in tables {
        if let Value::Table(table) = table
            && !table.is_empty()
        {
            // Writing to a text cannot fail.
            let _written = writeln!(out, "\n[{name}]");
            lines(&mut out, &format!("{name}."), table, &from);
        }
    }
    for issuer in oidc.iter().filter_map(Value::as_array).flatten() {
        if let Ok(text) = toml::to_string(issuer) {
            let text = text.replace("[claims]", "[oidc.claims]");
            let _written = write!(out, "\n[[oidc]]    # {}\n{text}", from("oidc").as_str());
        }
    }
    out
}

fn lines(
    out: &mut String,
    prefix: &str,
    values: impl IntoIterator<Item = (String, Value)>,
    from: &impl Fn(&str) -> From,
) {
    for (key, value) in values {
        let line = format!("{key} = {value}");
        let _written = writeln!(out, "{line:<56} # {}", from(&format!("{prefix}{key}")).as_str());
    }
}

/// The settings that make this configuration.
fn settings(config: &Config) -> Settings {
    let limits = &config.limits;
    let pull = config.pull_through.as_ref();
    Settings {
        data: Some(config.data.clone()),
        listen: Some(config.listen),
        database: config.database.clone(),
        blobs: config.blobs.clone(),
        signers: config.signers.clone(),
        log_key: config.log_key.clone(),
        origin: Some(config.origin.clone()),
        public_url: config.public_url.clone(),
        required: Some(config.required),
        private: Some(config.private),
        head_validity: Some(Span(config.head_validity)),
        policy: config.policy.clone(),
        trusted_proxies: Some(config.trusted_proxies.clone()),
        log: Some(config.log.clone()),
        log_format: Some(config.log_format),
        tls: settings::TlsSettings {
            cert: config.tls.as_ref().map(|tls| tls.cert.clone()),
            key: config.tls.as_ref().map(|tls| tls.key.clone()),
        },
        limits: settings::LimitSettings {
            connections: Some(limits.connections),
            concurrency: Some(limits.concurrency),
            rate: Some(limits.rate),
            burst: Some(limits.burst),
            header_timeout: Some(Span(limits.header_timeout)),
            timeout: Some(Span(limits.timeout)),
            idle: Some(Span(limits.idle)),
            shutdown: Some(Span(limits.shutdown)),
            artifact: Some(Size(limits.artifact)),
        },
        pull_through: settings::PullSettings {
            npm: pull.and_then(|pull| pull.npm.clone()),
            pypi: pull.and_then(|pull| pull.pypi.clone()),
            hosts: pull.map(|pull| pull.hosts.clone()),
            private_hosts: pull.map(|pull| pull.private_hosts.clone()),
        },
        oidc: Some(
            config
                .oidc
                .iter()
                .map(|oidc| OidcSettings {
                    issuer: oidc.issuer.clone(),
                    audience: oidc.audience.clone(),
                    jwks_uri: oidc.jwks_uri.clone(),
                    claims: oidc.claims.iter().cloned().collect(),
                    scopes: oidc.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
                })
                .collect(),
        ),
    }
}
