//! Provenance objects of an index (PEP 740): every attestation holds, is about this one file, and is signed by the publisher that
//! the index names.
use mcpsec_model::{
    digest::Digest,
    evidence::{EvidenceKind, Signer, SignerIdentity, VerifiedProvenance},
    name::Ecosystem,
    package::PackageId,
    text::Untrusted,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    bundle,
    file::{belongs, same},
    publisher::{Publisher, PublisherError},
};
use crate::{
    claims::{self, Contradiction, SLSA_V1},
    sigstore::{self, BundleError, By, Statement, TrustRoot},
};

/// SHA-256 of the predicate type of PyPI's publish attestation, version 1. The type is a URI that names the index's host, which
/// this source does not name; the hash identifies it as exactly.
const PUBLISH_SHA256: &str = "64b3949826537e32dd526c5d9c31cbeb141dde83b68588399682d5aa3dcdcb74";
/// Longest document that is read, in bytes.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// Most publishers of one file.
const MAX_PUBLISHERS: usize = 16;
/// Most attestations by one publisher.
const MAX_ATTESTATIONS: usize = 16;

/// Why the provenance of a file was refused. Texts from outside are escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    /// The document is longer than any is.
    #[error("the provenance has {length} bytes, more than {max}")]
    TooLong {
        /// Its length.
        length: usize,
        /// The most that is read.
        max: usize,
    },
    /// The document has another form.
    #[error("not a provenance object: {0}")]
    Malformed(String),
    /// A version of the format that is not known here.
    #[error("{what} of version {found}, only version 1 is known")]
    Version {
        /// `provenance` or `attestation`.
        what: &'static str,
        /// The version.
        found: u64,
    },
    /// No attestation, or a publisher without one.
    #[error("provenance without an attestation")]
    Empty,
    /// There are more than any file has.
    #[error("{count} {what}, more than {max}")]
    TooMany {
        /// `publishers` or `attestations`.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The most that are read.
        max: usize,
    },
    /// The package is not a Python package.
    #[error("this provenance is PyPI's; the package is from {0}")]
    Ecosystem(Ecosystem),
    /// The digest to compare with is not the one that PyPI attests.
    #[error("PyPI attests sha256, not {algorithm}")]
    Algorithm {
        /// The algorithm that was given.
        algorithm: &'static str,
    },
    /// The locked file is none of the locked package and version.
    #[error("{file} is no file of {package}")]
    File {
        /// The locked file.
        file: String,
        /// The locked package.
        package: String,
    },
    /// The index's publisher record is not understood, or not the signer.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
    /// Signature, certificate, log, time or digest do not hold.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// An attestation of a kind that is not known here. It cannot be judged, and to pass over it would count it as checked.
    #[error("attestation of the unsupported type {predicate}")]
    Unsupported {
        /// The predicate type.
        predicate: String,
    },
    /// The statement is about more (or less) than one file.
    #[error("{count} subjects instead of one")]
    Subjects {
        /// How many there are.
        count: usize,
    },
    /// The statement is about another file.
    #[error("about {found} instead of {expected}")]
    Subject {
        /// The locked file.
        expected: String,
        /// The file that is named.
        found: String,
    },
    /// The statement's name is right, its digest is another.
    #[error("another digest than the locked {expected}")]
    Digest {
        /// The digest that is locked.
        expected: String,
    },
    /// A publish attestation that says something: version 1 has nothing to say.
    #[error("the publish attestation has a predicate, which version 1 has not")]
    Predicate,
    /// The certificate names no issuer.
    #[error("the certificate names no issuer")]
    NoIssuer,
    /// A build attestation that claims another origin than its certificate has.
    #[error(transparent)]
    PredicateContradictsCertificate(#[from] Contradiction),
}

#[derive(Deserialize)]
struct Object<'a> {
    version: u64,
    #[serde(borrow)]
    attestation_bundles: Vec<Publication<'a>>,
}

#[derive(Deserialize)]
struct Publication<'a> {
    publisher: Map<String, Value>,
    #[serde(borrow)]
    attestations: Vec<bundle::Attestation<'a>>,
}

/// Verifies a provenance object for one file (wheel or source distribution) with the given locked SHA-256. Every attestation in
/// it must hold and be signed by the publisher it is listed under.
pub fn provenance(
    package: &PackageId,
    file: &str,
    sha256: &Digest,
    json: &str,
    root: &TrustRoot,
) -> Result<Vec<VerifiedProvenance>, ProvenanceError> {
    let subject = Subject::new(package, file, sha256, root)?;
    let object: Object<'_> = read(json)?;
    if object.version != 1 {
        return Err(ProvenanceError::Version { what: "provenance", found: object.version });
    }
    limit("publishers", object.attestation_bundles.len(), MAX_PUBLISHERS)?;
    let mut proofs = Vec::new();
    for publication in &object.attestation_bundles {
        limit("attestations", publication.attestations.len(), MAX_ATTESTATIONS)?;
        // Read before anything is verified: a record that nobody can compare must not be passed over.
        let publisher = Publisher::read(&publication.publisher)?;
        for attestation in &publication.attestations {
            proofs.push(subject.check(attestation, Some(&publisher))?);
        }
    }
    Ok(proofs)
}

/// Verifies a single attestation object (an `.attestation` file) for one file. There is no publisher record beside it: who signed
/// is the caller's to judge.
pub fn attestation(
    package: &PackageId,
    file: &str,
    sha256: &Digest,
    json: &str,
    root: &TrustRoot,
) -> Result<VerifiedProvenance, ProvenanceError> {
    let subject = Subject::new(package, file, sha256, root)?;
    subject.check(&read(json)?, None)
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ProvenanceError> {
    if json.len() > MAX_TEXT {
        return Err(ProvenanceError::TooLong { length: json.len(), max: MAX_TEXT });
    }
    serde_json::from_str(json).map_err(|error| ProvenanceError::Malformed(shown(&error.to_string())))
}

fn limit(what: &'static str, count: usize, max: usize) -> Result<(), ProvenanceError> {
    match count {
        0 => Err(ProvenanceError::Empty),
        count if count > max => Err(ProvenanceError::TooMany { what, count, max }),
        _ => Ok(()),
    }
}

/// What the attestations have to be about.
struct Subject<'a> {
    package: &'a PackageId,
    file: &'a str,
    sha256: &'a Digest,
    root: &'a TrustRoot,
}

impl<'a> Subject<'a> {
    fn new(
        package: &'a PackageId,
        file: &'a str,
        sha256: &'a Digest,
        root: &'a TrustRoot,
    ) -> Result<Self, ProvenanceError> {
        if package.ecosystem() != Ecosystem::Pypi {
            return Err(ProvenanceError::Ecosystem(package.ecosystem()));
        }
        if !matches!(sha256, Digest::Sha256(_)) {
            return Err(ProvenanceError::Algorithm { algorithm: sha256.algorithm() });
        }
        if !belongs(package, file) {
            return Err(ProvenanceError::File { file: shown(file), package: package.to_string() });
        }
        Ok(Self { package, file, sha256, root })
    }

    fn check(
        &self,
        attestation: &bundle::Attestation<'_>,
        publisher: Option<&Publisher>,
    ) -> Result<VerifiedProvenance, ProvenanceError> {
        if attestation.version != 1 {
            return Err(ProvenanceError::Version { what: "attestation", found: attestation.version });
        }
        let bundle = attestation.to_bundle().map_err(|error| ProvenanceError::Malformed(shown(&error.to_string())))?;
        let verified = sigstore::attestation(self.root, &bundle, self.sha256, By::Certificate)?;
        let statement = verified.statement();
        self.subject(statement)?;
        let identity = verified.identity().filter(|identity| !identity.issuer.is_empty());
        let identity = identity.ok_or(ProvenanceError::NoIssuer)?;
        let kind = kind(statement, identity)?;
        if let Some(publisher) = publisher {
            publisher.demand(identity)?;
        }
        Ok(VerifiedProvenance::vouch_attestation_was_verified(
            kind,
            statement.predicate_type(),
            *self.sha256,
            Signer::Identity(Box::new(identity.clone())),
            verified.log(),
            verified.signed_at(),
        ))
    }

    /// About this file and nothing else.
    fn subject(&self, statement: &Statement) -> Result<(), ProvenanceError> {
        let [subject] = statement.subjects() else {
            return Err(ProvenanceError::Subjects { count: statement.subjects().len() });
        };
        let name = subject.name().unwrap_or_default();
        if name != self.file && !same(self.package, self.file, name) {
            return Err(ProvenanceError::Subject { expected: shown(self.file), found: shown(name) });
        }
        if !subject.is(self.sha256) {
            return Err(ProvenanceError::Digest { expected: self.sha256.to_string() });
        }
        Ok(())
    }
}

/// What the statement says, if that is something known and true.
fn kind(statement: &Statement, identity: &SignerIdentity) -> Result<EvidenceKind, ProvenanceError> {
    match statement.predicate_type() {
        SLSA_V1 => {
            claims::agree(SLSA_V1, statement.predicate(), identity)?;
            Ok(EvidenceKind::Provenance)
        }
        publish if Digest::sha256_of(publish.as_bytes()).to_hex() == PUBLISH_SHA256 => published(statement.predicate()),
        other => Err(ProvenanceError::Unsupported { predicate: shown(other) }),
    }
}

/// A publish attestation says nothing beyond its type.
fn published(predicate: &Value) -> Result<EvidenceKind, ProvenanceError> {
    match predicate {
        Value::Null => Ok(EvidenceKind::Publish),
        Value::Object(fields) if fields.is_empty() => Ok(EvidenceKind::Publish),
        _ => Err(ProvenanceError::Predicate),
    }
}

fn shown(text: &str) -> String {
    Untrusted::new(text).excerpt(160)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::statements::{statement, subject};

    const FILE: &str = "foo_bar-1.0-py3-none-any.whl";

    fn digest() -> Digest {
        Digest::sha256_of(b"wheel")
    }

    fn check(subjects: &Value) -> Result<(), ProvenanceError> {
        let (package, sha256) = ("pypi:foo-bar@1.0".parse().expect("an id"), digest());
        let root = TrustRoot::public_good().expect("the embedded root");
        Subject::new(&package, FILE, &sha256, &root)?.subject(&statement(SLSA_V1, subjects, &Value::Null))
    }

    #[test]
    fn the_only_subject_is_the_file() {
        let own = subject(FILE, &digest());
        assert_eq!(check(&json!([own])), Ok(()));
        assert_eq!(check(&json!([subject("Foo.Bar-1.0.0-py3-none-any.whl", &digest())])), Ok(()));
        let sdist = subject("foo_bar-1.0.tar.gz", &digest());
        assert_eq!(check(&json!([own, sdist])), Err(ProvenanceError::Subjects { count: 2 }));
        assert!(matches!(check(&json!([sdist])), Err(ProvenanceError::Subject { .. })));
        assert!(matches!(check(&json!([subject("", &digest())])), Err(ProvenanceError::Subject { .. })));
        let other = subject(FILE, &Digest::sha256_of(b"other"));
        assert!(matches!(check(&json!([other])), Err(ProvenanceError::Digest { .. })));
        let stronger = subject(FILE, &Digest::sha512_of(b"wheel"));
        assert!(matches!(check(&json!([stronger])), Err(ProvenanceError::Digest { .. })));
    }

    #[test]
    fn only_known_statements_count() {
        let identity =
            SignerIdentity { repository: Some("https://git.invalid/o/r".into()), ..SignerIdentity::default() };
        let of = |predicate_type: &str, predicate: &Value| {
            kind(&statement(predicate_type, &json!([subject(FILE, &digest())]), predicate), &identity)
        };
        // The type itself is that of the recorded attestations (tests/evidence/pypi.rs).
        assert_eq!(published(&Value::Null), Ok(EvidenceKind::Publish));
        assert_eq!(published(&json!({})), Ok(EvidenceKind::Publish));
        for predicate in [json!({ "a": 1 }), json!([]), json!("")] {
            assert_eq!(published(&predicate), Err(ProvenanceError::Predicate), "{predicate}");
        }
        assert_eq!(of(SLSA_V1, &json!({})), Ok(EvidenceKind::Provenance));
        let elsewhere = json!({ "buildDefinition": { "externalParameters": { "workflow": {
            "repository": "https://git.invalid/o/other"
        } } } });
        assert!(matches!(of(SLSA_V1, &elsewhere), Err(ProvenanceError::PredicateContradictsCertificate(_))));
        for other in ["https://slsa.dev/provenance/v0.2", "https://docs.invalid/attestations/publish/v1", ""] {
            assert!(matches!(of(other, &Value::Null), Err(ProvenanceError::Unsupported { .. })), "{other}");
        }
    }
}
