//! Sigstore bundles: signature, certificate, transparency log and time.
//!
//! The protocol is `sigstore-verify`'s. Decided here: what is read at all (bounds, no ambiguity), what each instance owes
//! ([`Rules`]), which artifact the statement must be about, whom the certificate speaks of, and how the time is known. One bundle
//! carries one signature; everything in it that vouches must hold, nothing is "any of many".
mod authority;
mod bundle;
mod error;
mod identity;
mod json;
mod library;
mod root;
mod statement;

use mcpsec_model::{
    digest::Digest,
    evidence::{LogEvidence, SignerIdentity},
    time::Timestamp,
};
use sigstore_types::{Artifact as Material, ArtifactDigest, DerCertificate, DerPublicKey, HashAlgorithm};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationResult};

pub(crate) use authority::Chain;
pub use error::{BundleError, CertificateFault, LogFault, SubjectFault, TimestampFault, TrustRootError};
pub use identity::{Expect, Identity, Pattern, PatternError};
pub use root::{Rules, TrustRoot};
pub use statement::{Statement, Subject};

use bundle::Parsed;
use error::shown;

/// What a signature is checked with.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// The certificate in the bundle, which must chain to the trust root. Who that is, the caller judges.
    Certificate,
    /// This public key, DER `SubjectPublicKeyInfo`. The bundle's hint says which one to take; it proves nothing.
    Key(&'a [u8]),
}

/// What is known of a bundle whose every part holds.
#[derive(Clone, PartialEq, Debug)]
pub struct Verified {
    identity: Option<SignerIdentity>,
    log: LogEvidence,
    times: Vec<Timestamp>,
    key_hint: Option<String>,
    statement: Option<Statement>,
}

impl Verified {
    /// Whom the certificate speaks of; `None` if a key signed.
    pub fn identity(&self) -> Option<&SignerIdentity> {
        self.identity.as_ref()
    }

    /// How the time is known.
    pub fn log(&self) -> LogEvidence {
        self.log
    }

    /// The earliest authenticated time: then, the signature existed. Only what a log's SET or an RFC 3161 authority signed.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.times.first().copied()
    }

    /// Every authenticated time, earliest first.
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// What the bundle calls the key. Unsigned.
    pub fn key_hint(&self) -> Option<&str> {
        self.key_hint.as_deref()
    }

    /// The statement, if the bundle carries one.
    pub fn statement(&self) -> Option<&Statement> {
        self.statement.as_ref()
    }
}

/// An in-toto attestation that holds and is about the given artifact.
#[derive(Clone, PartialEq, Debug)]
pub struct Attestation {
    verified: Verified,
    statement: Statement,
}

impl Attestation {
    /// What was signed.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Whom the certificate speaks of; `None` if a key signed.
    pub fn identity(&self) -> Option<&SignerIdentity> {
        self.verified.identity()
    }

    /// How the time is known.
    pub fn log(&self) -> LogEvidence {
        self.verified.log
    }

    /// The earliest authenticated time, see [`Verified::signed_at`].
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.verified.signed_at()
    }

    /// Every authenticated time, earliest first.
    pub fn times(&self) -> &[Timestamp] {
        self.verified.times()
    }

    /// What the bundle calls the key. Unsigned.
    pub fn key_hint(&self) -> Option<&str> {
        self.verified.key_hint()
    }
}

/// Verifies an attestation (a DSSE envelope with an in-toto statement) and demands that some subject has this digest. How many
/// subjects, what they are called, which predicate and who signed are the caller's to judge.
///
/// # Errors
/// The first thing that does not hold.
pub fn attestation(
    root: &TrustRoot,
    bundle_json: &str,
    digest: &Digest,
    by: By<'_>,
) -> Result<Attestation, BundleError> {
    let parsed = Parsed::read(bundle_json)?;
    if parsed.payload().is_none() {
        return Err(BundleError::NotAnAttestation);
    }
    let mut verified = verify(root, &parsed, material(digest)?, by).map_err(|error| plainly(error, &parsed, digest))?;
    let statement = verified.statement.take().ok_or(BundleError::NotAnAttestation)?;
    statement.demand(digest)?;
    Ok(Attestation { verified, statement })
}

/// Verifies an attestation of a git commit: some subject's `sha1` or `gitCommit` digest is the commit's id, as a git host's release
/// attestations have it. Everything else is as for [`attestation`]; signed by a certificate.
///
/// # Errors
/// The first thing that does not hold; [`BundleError::Unsupported`] for a statement without any subject that has a SHA-256 or
/// SHA-512 digest (a release without files), which the library cannot verify.
pub fn attestation_of_commit(root: &TrustRoot, bundle_json: &str, commit: &str) -> Result<Attestation, BundleError> {
    let parsed = Parsed::read(bundle_json)?;
    let payload = parsed.payload().ok_or(BundleError::NotAnAttestation)?;
    // The library wants the digest of a file. Any that the statement itself names will do: what it must be about is demanded
    // below, of the statement whose signature then holds.
    let digest = Statement::read(payload)?
        .some_digest()
        .ok_or_else(|| BundleError::Unsupported("no subject has a sha256 or sha512 digest".to_owned()))?;
    let mut verified = verify(root, &parsed, material(&digest)?, By::Certificate)?;
    let statement = verified.statement.take().ok_or(BundleError::NotAnAttestation)?;
    statement.demand_commit(commit)?;
    Ok(Attestation { verified, statement })
}

/// The library says only that no subject is the artifact's, and only once the signature holds: say which ones there are.
fn plainly(error: BundleError, parsed: &Parsed, digest: &Digest) -> BundleError {
    match (&error, parsed.payload().map(Statement::read)) {
        (BundleError::Artifact(_), Some(Ok(statement))) => statement.demand(digest).map_or_else(Into::into, |()| error),
        _ => error,
    }
}

/// The hint that names the key of a bundle signed by a key; `None` for one signed by a certificate. Nothing is verified.
///
/// # Errors
/// What cannot be read as a bundle.
pub fn hint(bundle_json: &str) -> Result<Option<String>, BundleError> {
    Ok(Parsed::read(bundle_json)?.hint().map(str::to_owned))
}

/// The file that somebody signed.
#[derive(Debug, Clone, Copy)]
pub enum Artifact<'a> {
    /// All of its bytes.
    Bytes(&'a [u8]),
    /// Only its digest: enough for every signature scheme but Ed25519.
    Digest(&'a Digest),
}

/// Who must have signed a file.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'a> {
    /// The holder of a certificate.
    By(&'a Expect),
    /// The holder of a key, DER `SubjectPublicKeyInfo`.
    With(&'a [u8]),
}

/// Verifies any bundle for a file: a signature over the file, or an attestation one of whose subjects is the file.
///
/// # Errors
/// The first thing that does not hold.
pub fn blob(
    root: &TrustRoot,
    bundle_json: &str,
    artifact: Artifact<'_>,
    signed: Signed<'_>,
) -> Result<Verified, BundleError> {
    let parsed = Parsed::read(bundle_json)?;
    let file = match artifact {
        Artifact::Bytes(bytes) => Material::Blob(bytes),
        Artifact::Digest(digest) => material(digest)?,
    };
    let by = match signed {
        Signed::By(_) => By::Certificate,
        Signed::With(key) => By::Key(key),
    };
    let verified = verify(root, &parsed, file, by).map_err(|error| match artifact {
        Artifact::Bytes(bytes) => plainly(error, &parsed, &Digest::sha256_of(bytes)),
        Artifact::Digest(digest) => plainly(error, &parsed, digest),
    })?;
    if let Some(statement) = &verified.statement {
        match artifact {
            Artifact::Bytes(bytes) => {
                statement.demand(&Digest::sha256_of(bytes)).or_else(|_| statement.demand(&Digest::sha512_of(bytes)))?;
            }
            Artifact::Digest(digest) => statement.demand(digest)?,
        }
    }
    if let Signed::By(expect) = signed {
        let holder =
            verified.identity.as_ref().ok_or(BundleError::Material { expected: "certificate", found: "key" })?;
        expect.demand(holder)?;
    }
    Ok(verified)
}

/// The DER `SubjectPublicKeyInfo` of a PEM `PUBLIC KEY` block.
///
/// # Errors
/// Not such a block.
pub fn key_from_pem(pem: &str) -> Result<Vec<u8>, BundleError> {
    DerPublicKey::from_pem(pem).map(|key| key.as_bytes().to_vec()).map_err(|error| BundleError::Key(shown(error)))
}

/// Verifies a signature over these bytes by the holder of a certificate, whoever that is: for signatures that are kept in another
/// form than a bundle.
pub(crate) fn bytes(root: &TrustRoot, bundle_json: &str, bytes: &[u8]) -> Result<Verified, BundleError> {
    verify(root, &Parsed::read(bundle_json)?, Material::Blob(bytes), By::Certificate)
}

/// Whom a certificate speaks of. That the certificate is to be believed is the caller's to know.
pub(crate) fn holder(certificate: &[u8]) -> Result<SignerIdentity, CertificateFault> {
    let info = sigstore_crypto::parse_certificate_info(&DerCertificate::new(certificate.to_vec()));
    identity::of(&info.map_err(|error| CertificateFault::Malformed(shown(error)))?, Rules::Logged)
}

fn material(digest: &Digest) -> Result<Material<'static>, BundleError> {
    let algorithm = match digest {
        Digest::Sha256(_) => HashAlgorithm::Sha2256,
        Digest::Sha512(_) => HashAlgorithm::Sha2512,
    };
    let digest = ArtifactDigest::new(algorithm, digest.as_bytes().to_vec());
    digest.map(Material::Digest).map_err(|error| BundleError::Artifact(shown(error)))
}

fn verify(root: &TrustRoot, parsed: &Parsed, file: Material<'_>, by: By<'_>) -> Result<Verified, BundleError> {
    let expected = match by {
        By::Certificate => "certificate",
        By::Key(_) => "key",
    };
    if parsed.material() != expected {
        return Err(BundleError::Material { expected, found: parsed.material() });
    }
    // A key has no authority that would replace the log: it always owes log evidence.
    let logged = root.rules() == Rules::Logged || matches!(by, By::Key(_));
    if logged {
        parsed.demand_log()?;
    }
    parsed.demand_known_logs(root)?;
    let verifier = root.verifier();
    let result = match by {
        By::Certificate => verifier.verify(file, &parsed.0, &root.policy()),
        By::Key(key) => {
            let key = DerPublicKey::new(key.to_vec());
            verifier.verify(file, &parsed.0, &PublicKeyVerificationPolicy::new(key))
        }
    }?;
    if logged {
        parsed.demand_signed_sizes()?;
    }
    let identity = match (by, result.certificate()) {
        (By::Certificate, Some(certificate)) => Some(identity::of(certificate, root.rules())?),
        (By::Certificate, None) => return Err(CertificateFault::Malformed("there is none".to_owned()).into()),
        (By::Key(_), _) => None,
    };
    let times = times(&result);
    if identity.is_some() && times.is_empty() {
        return Err(BundleError::NoTime("no log and no authority signed a time".to_owned()));
    }
    let log = match (logged, parsed.is_proven(), parsed.is_timestamped()) {
        (true, true, _) => LogEvidence::Proof,
        (true, false, _) | (false, _, false) => LogEvidence::Promise,
        // Where the log is not asked, its proofs were not checked either.
        (false, _, true) => LogEvidence::Timestamp,
    };
    let statement = parsed.payload().map(Statement::read).transpose()?;
    Ok(Verified { identity, log, times, key_hint: parsed.hint().map(str::to_owned), statement })
}

/// The times that somebody trusted signed. The library leaves out a log's time that no SET covers.
fn times(result: &VerificationResult) -> Vec<Timestamp> {
    let mut times = result.verified_timestamps().to_vec();
    times.sort_unstable();
    times.dedup();
    times
}
