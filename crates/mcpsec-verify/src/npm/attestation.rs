//! Attestations of npm packages: who published (the registry, by key) and who built (a workload, by certificate).
//!
//! All attestations of a response must hold. The publish attestation's signature is checked like any other: a verifier that only
//! looks at the provenance lets anybody attach another registry's or version's publish attestation.
use mcpsec_model::{
    digest::Digest,
    evidence::{EvidenceKind, Signer, SignerIdentity, VerifiedProvenance},
    name::Ecosystem,
    package::PackageId,
    text::Untrusted,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    KeySet, Missing, Usage,
    signature::{signer, span},
};
use crate::{
    claims::{self, Contradiction, SLSA_V0_2, SLSA_V1},
    sigstore::{self, Attestation, BundleError, By, Statement, TrustRoot},
};

/// npm's publish attestation, version 0.1.
pub const PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
/// Longest response that is read, in bytes.
const MAX_RESPONSE: usize = 8 * 1024 * 1024;
/// Most attestations of one version.
const MAX_ATTESTATIONS: usize = 16;

/// Why the attestations of a version were refused. `predicate` says which one; texts from outside are escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// The response is longer than any is.
    #[error("the attestations have {length} bytes, more than {max}")]
    TooLong {
        /// Its length.
        length: usize,
        /// The most that is read.
        max: usize,
    },
    /// The response is not a list of attestations.
    #[error("not an attestation response: {0}")]
    Malformed(String),
    /// The list is empty.
    #[error("the response has no attestation")]
    Empty,
    /// There are more than any version has.
    #[error("{count} attestations, more than {max}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The most that are read.
        max: usize,
    },
    /// The package is not an npm package.
    #[error("these attestations are npm's; this package is from {0}")]
    Ecosystem(Ecosystem),
    /// The digest to compare with is not the one that npm attests.
    #[error("npm attests sha512, not {algorithm}")]
    Algorithm {
        /// The algorithm that was given.
        algorithm: &'static str,
    },
    /// An attestation of a kind that is not known here. It cannot be judged, and to pass over it would count it as checked.
    #[error("attestation of the unsupported type {predicate}")]
    Unsupported {
        /// The predicate type.
        predicate: String,
    },
    /// Signature, certificate, log, time or digest do not hold.
    #[error("{predicate}: {error}")]
    Bundle {
        /// The predicate type that the response gives it.
        predicate: String,
        /// Why.
        #[source]
        error: BundleError,
    },
    /// The response calls the attestation something else than what was signed.
    #[error("attestation listed as {listed}, but signed as {signed}")]
    PredicateType {
        /// What the response says.
        listed: String,
        /// What the statement says.
        signed: String,
    },
    /// A publish attestation that does not say which key signed it.
    #[error("the publish attestation names no key")]
    NoHint,
    /// A publish attestation whose signature names another key than the bundle.
    #[error("the publish attestation is by key {hint}, its signature by key {keyid}")]
    KeyId {
        /// What the bundle says.
        hint: String,
        /// What the signature says.
        keyid: String,
    },
    /// No key with this id is known.
    #[error("the publish attestation is signed by key {keyid}, which is not known")]
    UnknownKey {
        /// The key.
        keyid: String,
    },
    /// The key may not sign attestations.
    #[error("the publish attestation is signed by key {keyid}, which is not for {expected}")]
    Usage {
        /// The key.
        keyid: String,
        /// What the key would have to be for.
        expected: Usage,
    },
    /// Nobody trustworthy says when the key signed, so its validity cannot be judged.
    #[error("nothing says when key {keyid} signed the publish attestation")]
    NoTime {
        /// The key.
        keyid: String,
    },
    /// The key signed when it was not in use.
    #[error("the publish attestation is signed at {at} by key {keyid}, which is valid {}", span(*.start, *.end))]
    KeyNotValidAt {
        /// The key.
        keyid: String,
        /// When it signed, by the log.
        at: Timestamp,
        /// From when on the key may sign.
        start: Option<Timestamp>,
        /// Until when the key may sign.
        end: Option<Timestamp>,
    },
    /// The statement is about more (or less) than one artifact.
    #[error("{predicate}: {count} subjects instead of one")]
    Subjects {
        /// The predicate type.
        predicate: String,
        /// How many there are.
        count: usize,
    },
    /// The statement is about another package or version.
    #[error("{predicate}: about {found} instead of {expected}")]
    Subject {
        /// The predicate type.
        predicate: String,
        /// The package that is locked.
        expected: String,
        /// The package that is named.
        found: String,
    },
    /// The statement's name is right, its digest is another.
    #[error("{predicate}: another digest than the locked {expected}")]
    Digest {
        /// The predicate type.
        predicate: String,
        /// The digest that is locked.
        expected: String,
    },
    /// A publish attestation says that something else was published.
    #[error("the publish attestation says {found} was published, not {expected}")]
    Published {
        /// The package that is locked.
        expected: String,
        /// What the predicate says.
        found: String,
    },
    /// The certificate names no issuer.
    #[error("{predicate}: the certificate names no issuer")]
    NoIssuer {
        /// The predicate type.
        predicate: String,
    },
    /// A build attestation by somebody who is not a build.
    #[error("{predicate}: signed by {subject}, which is no workload of a repository")]
    NotAWorkload {
        /// The predicate type.
        predicate: String,
        /// Who signed.
        subject: String,
    },
    /// A build attestation that claims another origin than its certificate has.
    #[error("{predicate}: {contradiction}")]
    PredicateContradictsCertificate {
        /// The predicate type.
        predicate: String,
        /// Which claim, with both values.
        contradiction: Contradiction,
    },
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    attestations: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    predicate_type: String,
    /// As it was sent, so that nothing is lost or chosen before the bundle itself is read.
    #[serde(borrow)]
    bundle: &'a RawValue,
}

/// The one part of a bundle that is looked at here besides what `sigstore` returns.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    dsse_envelope: Signatures,
}

#[derive(Deserialize)]
struct Signatures {
    signatures: Vec<KeyId>,
}

#[derive(Deserialize)]
struct KeyId {
    #[serde(default)]
    keyid: String,
}

/// What a publish attestation says. The registry's address is in it too, and is not compared: mirrors serve the same package.
#[derive(Deserialize)]
struct Published {
    name: String,
    version: String,
}

/// Verifies every attestation of a registry's response for one version with the given locked SHA-512.
///
/// Supported are npm's publish attestation 0.1 (signed by a registry key that is named by a hint) and SLSA provenance 0.2 and 1
/// (signed by the certificate of a workload). Who the workload is, is the caller's to judge: no issuer or repository is built in.
/// An attestation of any other type is an error of its own.
pub fn attestations(
    package: &PackageId,
    sha512: &Digest,
    response: &str,
    keys: &KeySet,
    root: &TrustRoot,
) -> Result<Vec<VerifiedProvenance>, AttestationError> {
    if package.ecosystem() != Ecosystem::Npm {
        return Err(AttestationError::Ecosystem(package.ecosystem()));
    }
    if !matches!(sha512, Digest::Sha512(_)) {
        return Err(AttestationError::Algorithm { algorithm: sha512.algorithm() });
    }
    if response.len() > MAX_RESPONSE {
        return Err(AttestationError::TooLong { length: response.len(), max: MAX_RESPONSE });
    }
    let response: Response<'_> =
        serde_json::from_str(response).map_err(|error| AttestationError::Malformed(shown(&error.to_string())))?;
    match response.attestations.len() {
        0 => return Err(AttestationError::Empty),
        count if count > MAX_ATTESTATIONS => {
            return Err(AttestationError::TooMany { count, max: MAX_ATTESTATIONS });
        }
        _ => {}
    }
    let subject = Subject { package, sha512, keys, root };
    response.attestations.iter().map(|entry| subject.check(entry)).collect()
}

/// What the attestations have to be about, and what they are held against.
struct Subject<'a> {
    package: &'a PackageId,
    sha512: &'a Digest,
    keys: &'a KeySet,
    root: &'a TrustRoot,
}

impl Subject<'_> {
    fn check(&self, entry: &Entry<'_>) -> Result<VerifiedProvenance, AttestationError> {
        match entry.predicate_type.as_str() {
            PUBLISH => self.publish(entry),
            SLSA_V0_2 | SLSA_V1 => self.provenance(entry),
            other => Err(AttestationError::Unsupported { predicate: shown(other) }),
        }
    }

    /// By a key of the registry.
    fn publish(&self, entry: &Entry<'_>) -> Result<VerifiedProvenance, AttestationError> {
        let bundle = entry.bundle.get();
        let hint = sigstore::hint(bundle).map_err(|error| entry.refused(error))?.ok_or(AttestationError::NoHint)?;
        let keyid = || shown(&hint);
        let key = self.keys.get(&hint, Usage::Attestations).map_err(|missing| match missing {
            Missing::Unknown => AttestationError::UnknownKey { keyid: keyid() },
            Missing::OtherUsage => AttestationError::Usage { keyid: keyid(), expected: Usage::Attestations },
        })?;
        let attestation = self.signed(entry, By::Key(key.spki()))?;
        let envelope: Envelope =
            serde_json::from_str(bundle).map_err(|error| AttestationError::Malformed(shown(&error.to_string())))?;
        if let Some(other) = envelope.dsse_envelope.signatures.iter().find(|one| one.keyid != hint) {
            return Err(AttestationError::KeyId { hint: keyid(), keyid: shown(&other.keyid) });
        }
        let at = attestation.signed_at().ok_or_else(|| AttestationError::NoTime { keyid: keyid() })?;
        // Every witness, not the kindest one: with several log entries each time has to be the key's.
        if let Some(&at) = attestation.times().iter().find(|at| !key.is_valid_at(**at)) {
            return Err(AttestationError::KeyNotValidAt { keyid: keyid(), at, start: key.start(), end: key.end() });
        }
        self.subject(attestation.statement())?;
        published(self.package, attestation.statement().predicate())?;
        Ok(VerifiedProvenance::vouch_attestation_was_verified(
            EvidenceKind::Publish,
            PUBLISH,
            *self.sha512,
            signer(key),
            attestation.log(),
            Some(at),
        ))
    }

    /// By a certificate of the workload that built it.
    fn provenance(&self, entry: &Entry<'_>) -> Result<VerifiedProvenance, AttestationError> {
        let attestation = self.signed(entry, By::Certificate)?;
        let statement = attestation.statement();
        self.subject(statement)?;
        let identity = workload(statement, attestation.identity())?;
        Ok(VerifiedProvenance::vouch_attestation_was_verified(
            EvidenceKind::Provenance,
            statement.predicate_type(),
            *self.sha512,
            Signer::Identity(Box::new(identity.clone())),
            attestation.log(),
            attestation.signed_at(),
        ))
    }

    /// Signature, log, time and digest hold, and it is what the response says it is.
    fn signed(&self, entry: &Entry<'_>, by: By<'_>) -> Result<Attestation, AttestationError> {
        let bundle = entry.bundle.get();
        let attestation =
            sigstore::attestation(self.root, bundle, self.sha512, by).map_err(|error| entry.refused(error))?;
        let signed = attestation.statement().predicate_type();
        if signed == entry.predicate_type {
            Ok(attestation)
        } else {
            Err(AttestationError::PredicateType { listed: shown(&entry.predicate_type), signed: shown(signed) })
        }
    }

    /// About this package in this version and nothing else.
    fn subject(&self, statement: &Statement) -> Result<(), AttestationError> {
        let predicate = || shown(statement.predicate_type());
        let [subject] = statement.subjects() else {
            return Err(AttestationError::Subjects { predicate: predicate(), count: statement.subjects().len() });
        };
        let expected = purl(self.package);
        if subject.name() != Some(expected.as_str()) {
            let found = shown(subject.name().unwrap_or("nothing"));
            return Err(AttestationError::Subject { predicate: predicate(), expected, found });
        }
        if !subject.is(self.sha512) {
            return Err(AttestationError::Digest { predicate: predicate(), expected: self.sha512.to_string() });
        }
        Ok(())
    }
}

impl Entry<'_> {
    fn refused(&self, error: BundleError) -> AttestationError {
        AttestationError::Bundle { predicate: shown(&self.predicate_type), error }
    }
}

/// A publish attestation says that this package was published in this version.
fn published(package: &PackageId, predicate: &Value) -> Result<(), AttestationError> {
    let published =
        Published::deserialize(predicate).map_err(|error| AttestationError::Malformed(shown(&error.to_string())))?;
    if published.name == package.name().as_str() && published.version == package.version() {
        return Ok(());
    }
    Err(AttestationError::Published {
        expected: format!("{}@{}", package.name(), package.version()),
        found: shown(&format!("{}@{}", published.name, published.version)),
    })
}

/// The signer of a build attestation is a workload of a repository, the one that the predicate says.
fn workload<'a>(
    statement: &Statement,
    identity: Option<&'a SignerIdentity>,
) -> Result<&'a SignerIdentity, AttestationError> {
    let predicate = || shown(statement.predicate_type());
    let identity = identity.filter(|identity| !identity.issuer.is_empty());
    let identity = identity.ok_or_else(|| AttestationError::NoIssuer { predicate: predicate() })?;
    if identity.repository.is_none() {
        return Err(AttestationError::NotAWorkload { predicate: predicate(), subject: shown(&identity.subject) });
    }
    match claims::agree(statement.predicate_type(), statement.predicate(), identity) {
        Ok(()) => Ok(identity),
        Err(contradiction) => {
            Err(AttestationError::PredicateContradictsCertificate { predicate: predicate(), contradiction })
        }
    }
}

/// A package as npm's attestations name it: a package URL in which only the scope's `@` is encoded.
fn purl(package: &PackageId) -> String {
    let name = package.name().as_str();
    match name.strip_prefix('@') {
        Some(rest) => format!("pkg:npm/%40{rest}@{}", package.version()),
        None => format!("pkg:npm/{name}@{}", package.version()),
    }
}

fn shown(text: &str) -> String {
    Untrusted::new(text).excerpt(160)
}

#[cfg(test)]
#[path = "attestation_tests.rs"]
mod tests;
