//! Proofs: values that exist only because a signature was verified in this process.
use std::fmt;

use smol_str::SmolStr;

use super::{Pin, Signer};
use crate::{digest::Digest, name::Ecosystem, time::Timestamp};

/// What kind of statement was signed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EvidenceKind {
    /// npm: the registry signed `name@version:integrity` with one of its keys.
    RegistrySignature,
    /// A publish attestation: npm's registry (by key) or PyPI's trusted publisher (by certificate) says that it was published.
    Publish,
    /// A build attestation (SLSA provenance): which workflow built it, from which commit.
    Provenance,
    /// The git tag that was asked for is signed.
    GitTag,
    /// The locked git commit is signed.
    GitCommit,
    /// A release attestation of the git host names the locked commit.
    Release,
}

impl EvidenceKind {
    /// Every kind, weakest first within an ecosystem.
    pub const ALL: [Self; 6] =
        [Self::RegistrySignature, Self::Publish, Self::Provenance, Self::GitCommit, Self::GitTag, Self::Release];

    /// The word in mcp.lock and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RegistrySignature => "registry-signature",
            Self::Publish => "publish",
            Self::Provenance => "provenance",
            Self::GitTag => "git-tag",
            Self::GitCommit => "git-commit",
            Self::Release => "release",
        }
    }

    /// What was done, as people are told.
    pub fn done(self, ecosystem: Ecosystem) -> &'static str {
        match self {
            Self::Publish if ecosystem == Ecosystem::Npm => "published through the registry",
            Self::Publish => "published",
            Self::Provenance => "built",
            Self::RegistrySignature => "signed by the registry",
            Self::GitTag => "tag signed",
            Self::GitCommit => "commit signed",
            Self::Release => "release",
        }
    }

    /// The kind of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How it is known *when* something was signed, strongest first. A certificate lives ten minutes, so a signature by one means
/// nothing without a witness of the time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LogEvidence {
    /// A transparency log's inclusion proof up to a signed checkpoint: the entry is in the log.
    Proof,
    /// Only the log's signed promise (SET) to include the entry.
    Promise,
    /// No log; a trusted timestamp authority (RFC 3161) signed the time.
    Timestamp,
}

impl LogEvidence {
    /// `proof`, `promise` or `timestamp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proof => "proof",
            Self::Promise => "promise",
            Self::Timestamp => "timestamp",
        }
    }

    /// The value of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Proof, Self::Promise, Self::Timestamp].into_iter().find(|log| log.as_str() == word)
    }
}

impl fmt::Display for LogEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A plain signature over an artifact's digest or a git object, verified with a known public key or certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedSignature {
    kind: EvidenceKind,
    subject: String,
    signer: Signer,
    log: Option<LogEvidence>,
    signed_at: Option<Timestamp>,
}

impl VerifiedSignature {
    /// The only constructor. Whoever calls it vouches that the signature was verified just now over exactly `subject`
    /// (`name@version:integrity` for npm, the object id for git). Grep for this name to find every such claim.
    pub fn vouch_signature_was_verified(
        kind: EvidenceKind,
        subject: impl Into<String>,
        signer: Signer,
        log: Option<LogEvidence>,
        signed_at: Option<Timestamp>,
    ) -> Self {
        Self { kind, subject: subject.into(), signer, log, signed_at }
    }

    /// Registry signature, git tag or git commit.
    pub fn kind(&self) -> EvidenceKind {
        self.kind
    }

    /// What was signed, in one line.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who signed.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// How the time is known, where a log or timestamp is part of the evidence.
    pub fn log(&self) -> Option<LogEvidence> {
        self.log
    }

    /// When it was signed, if a witness says so.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }
}

/// An in-toto attestation whose signature, log evidence, subject and predicate type were verified against one artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedProvenance {
    kind: EvidenceKind,
    predicate_type: SmolStr,
    digest: Digest,
    signer: Signer,
    log: LogEvidence,
    signed_at: Option<Timestamp>,
}

impl VerifiedProvenance {
    /// The only constructor. Whoever calls it vouches that the attestation's signature and time were verified just now, that it
    /// has exactly one subject, and that this subject's name and digest are the artifact's. Grep for this name to find every
    /// such claim.
    pub fn vouch_attestation_was_verified(
        kind: EvidenceKind,
        predicate_type: impl Into<SmolStr>,
        digest: Digest,
        signer: Signer,
        log: LogEvidence,
        signed_at: Option<Timestamp>,
    ) -> Self {
        Self { kind, predicate_type: predicate_type.into(), digest, signer, log, signed_at }
    }

    /// Publish, provenance or release.
    pub fn kind(&self) -> EvidenceKind {
        self.kind
    }

    /// The in-toto predicate type, a URI.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// The digest that the subject has and the artifact has.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Who signed.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// How the time is known.
    pub fn log(&self) -> LogEvidence {
        self.log
    }

    /// When it was signed (the log's or the authority's time).
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_at
    }
}

/// Either kind of proof, for those who compare and print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// A plain signature.
    Signature(VerifiedSignature),
    /// An attestation.
    Provenance(VerifiedProvenance),
}

impl Proof {
    /// What kind of statement it is.
    pub fn kind(&self) -> EvidenceKind {
        match self {
            Self::Signature(proof) => proof.kind,
            Self::Provenance(proof) => proof.kind,
        }
    }

    /// Who signed.
    pub fn signer(&self) -> &Signer {
        match self {
            Self::Signature(proof) => &proof.signer,
            Self::Provenance(proof) => &proof.signer,
        }
    }

    /// How the time is known.
    pub fn log(&self) -> Option<LogEvidence> {
        match self {
            Self::Signature(proof) => proof.log,
            Self::Provenance(proof) => Some(proof.log),
        }
    }

    /// When it was signed, if a witness says so.
    pub fn signed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Signature(proof) => proof.signed_at,
            Self::Provenance(proof) => proof.signed_at,
        }
    }

    /// What the lock remembers of it.
    pub fn pin(&self) -> Pin {
        Pin::of(self)
    }
}

impl From<VerifiedSignature> for Proof {
    fn from(proof: VerifiedSignature) -> Self {
        Self::Signature(proof)
    }
}

impl From<VerifiedProvenance> for Proof {
    fn from(proof: VerifiedProvenance) -> Self {
        Self::Provenance(proof)
    }
}
