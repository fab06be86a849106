//! What keeps a server that runs from being of use to its team, and is no error: said when it starts, and by `mcpsec-registry check`.
use std::{collections::BTreeSet, fmt, path::Path};

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_cert::{Certificate, der::Decode as _};

use crate::{app::App, auth::token::shown, db, error::ApiError};

/// What is amiss, and the next step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advice {
    /// What is amiss.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

impl Advice {
    fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.next)
    }
}

/// What to look at when the blob store does not answer.
pub const BLOBS: &str =
    "look at `blobs`, and for S3 at `AWS_*` (an endpoint without TLS needs `AWS_ALLOW_HTTP=true` as well)";
/// A certificate that ends within this many seconds should have been renewed: two weeks.
const SOON: i64 = 14 * 24 * 3600;

/// Everything that is amiss with a server that was opened.
///
/// # Errors
/// [`ApiError`]: the database does not answer.
pub async fn of(app: &App) -> Result<Vec<Advice>, ApiError> {
    let mut found: Vec<Advice> = signers(app).into_iter().chain(plain(app)).chain(certificate(app)).collect();
    if let Err(why) = app.blobs.check().await {
        let what = format!("the blob store does not answer ({why}); until it does, uploads and downloads fail");
        found.push(Advice::new(what, BLOBS));
    }
    let now = app.clock.now().as_second();
    let good = db::tokens::all(&app.db).await?.into_iter().any(|row| row.revoked_at == 0 && row.expires_at > now);
    if !good && app.config.oidc.is_empty() {
        let next = "mcpsec-registry token create --name NAME --scope push --scope approve-submit";
        found.push(Advice::new("there is no token that is good, so nobody can push or approve", next));
    }
    Ok(found)
}

/// Whether enough people can approve anything.
fn signers(app: &App) -> Option<Advice> {
    let (trust, path) = (app.trust.now(), app.config.signers_file());
    let people: BTreeSet<_> = trust.signers.signers.iter().map(|signer| &signer.name).collect();
    let (have, need, path) = (people.len(), app.config.required, path.display());
    if trust.files.signers.is_none() {
        let what = format!("{path} does not exist, so nobody's approval counts, and nothing is served");
        return Some(Advice::new(what, "put the team's mcp-signers there (docs/approvals.md)"));
    }
    (u32::try_from(have).is_ok_and(|have| have < need)).then(|| {
        let what = format!("{path} names {have} people, and `required` is {need}, so nothing can be approved");
        Advice::new(what, "name more of them there, or ask for fewer with `--required`")
    })
}

/// Whether clients elsewhere would speak to it.
fn plain(app: &App) -> Option<Advice> {
    let config = &app.config;
    let reached = !config.listen.ip().is_loopback() && config.tls.is_none() && config.trusted_proxies.is_empty();
    reached.then(|| {
        let what = format!("it speaks plain HTTP on {}, which mcpsec takes from its own machine only", config.listen);
        Advice::new(what, "give `--tls-cert` and `--tls-key`, or name the reverse proxy in `--trusted-proxies`")
    })
}

/// Whether the certificate is still good: the server would show it anyway, and every client would go away.
fn certificate(app: &App) -> Option<Advice> {
    let path = &app.config.tls.as_ref()?.cert;
    let ends = end_of(path)?;
    let (left, when, path) = (ends - app.clock.now().as_second(), shown(ends), path.display());
    let word = if left <= 0 { "ended" } else { "ends" };
    (left < SOON).then(|| {
        Advice::new(format!("the certificate {path} {word} at {when}"), "renew it, then SIGHUP reads it again")
    })
}

/// When the first certificate of a chain ends, in seconds since 1970. What cannot be read was refused when it was opened.
fn end_of(path: &Path) -> Option<i64> {
    let leaf = CertificateDer::pem_file_iter(path).ok()?.next()?.ok()?;
    let certificate = Certificate::from_der(&leaf).ok()?;
    i64::try_from(certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs()).ok()
}
