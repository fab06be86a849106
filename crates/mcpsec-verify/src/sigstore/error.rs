//! Why a bundle or a trust root is refused: precise, because "invalid bundle" helps neither people nor tests.
use mcpsec_model::{text::Untrusted, time::Timestamp};
use thiserror::Error;

/// Longest excerpt of a library's or a stranger's words inside a message, in characters.
const EXCERPT: usize = 240;

/// Why a bundle does not prove what it is asked to prove.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// Longer than any honest bundle.
    #[error("the bundle has {actual} bytes, at most {limit} are read")]
    TooLong {
        /// Bytes that are read.
        limit: usize,
        /// Bytes that it has.
        actual: usize,
    },
    /// More of something than is looked at.
    #[error("the bundle has {actual} {what}, at most {limit} are read")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many are read.
        limit: usize,
        /// How many there are.
        actual: usize,
    },
    /// Not JSON, a field of a wrong form, a name twice, or parts that contradict each other.
    #[error("malformed bundle: {0}")]
    Malformed(String),
    /// Not a media type of bundles 0.1 to 0.3.
    #[error("`{0}` is not the media type of a Sigstore bundle 0.1 to 0.3")]
    WrongMediaType(String),
    /// A DSSE envelope without its one signature, or with several: "any of many" proves nothing about the others.
    #[error("the envelope has {0} signatures, not one")]
    ManySignatures(usize),
    /// Well-formed, but of a kind that is not judged here.
    #[error("unsupported bundle: {0}")]
    Unsupported(String),
    /// An attestation was asked for and the bundle signs a file.
    #[error("the bundle signs a file, it is no attestation")]
    NotAnAttestation,
    /// A certificate was asked for and the bundle names a key, or the other way round.
    #[error("the bundle is signed by a {found}, expected is a {expected}")]
    Material {
        /// `certificate` or `key`.
        expected: &'static str,
        /// `certificate` or `key`.
        found: &'static str,
    },
    /// The public key to check with is no public key.
    #[error("the public key cannot be used: {0}")]
    Key(String),
    /// The signature is not one of this key over this content.
    #[error("the signature does not verify: {0}")]
    Signature(String),
    /// The file is not the one that was signed.
    #[error("another file was signed: {0}")]
    Artifact(String),
    /// The statement is not one about this artifact.
    #[error(transparent)]
    Subject(#[from] SubjectFault),
    /// The statement is not one that is understood.
    #[error("unreadable statement: {0}")]
    Statement(String),
    /// The certificate was refused.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// The transparency log's evidence was refused.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// A trusted timestamp (RFC 3161) was refused.
    #[error(transparent)]
    Timestamp(#[from] TimestampFault),
    /// Nothing that is trusted says when it was signed, so a short-lived certificate proves nothing.
    #[error("nothing proves when it was signed: {0}")]
    NoTime(String),
    /// Somebody else signed.
    #[error("signed by {actual}, expected is {expected}")]
    Identity {
        /// Whom the caller expects.
        expected: String,
        /// The certificate's subject.
        actual: String,
    },
    /// Another identity provider vouched for the signer.
    #[error("the signer's issuer is {actual}, expected is {expected}")]
    Issuer {
        /// Which one the caller expects.
        expected: String,
        /// The certificate's issuer claim.
        actual: String,
    },
}

/// Why a statement is not about the artifact.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubjectFault {
    /// No subject at all.
    #[error("the statement has no subject")]
    None,
    /// More subjects than are looked at.
    #[error("the statement has {actual} subjects, at most {limit} are read")]
    TooMany {
        /// How many are read.
        limit: usize,
        /// How many there are.
        actual: usize,
    },
    /// No subject has the artifact's digest.
    #[error("no subject of the statement has the digest {digest}, the first one is {first}")]
    Digest {
        /// The artifact's.
        digest: String,
        /// Name and digest of the first subject.
        first: String,
    },
}

/// Why a certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateFault {
    /// Not a certificate, or without a claim that every certificate of the authority has.
    #[error("malformed certificate: {0}")]
    Malformed(String),
    /// It does not chain to a trusted authority, or is not for signing.
    #[error("the certificate does not chain to a trusted authority: {0}")]
    Chain(String),
    /// No trusted authority was in use at that time.
    #[error("no trusted certificate authority was in use at {time}")]
    NoAuthority {
        /// When it was signed.
        time: Timestamp,
    },
    /// Signed before the certificate began.
    #[error("signed at {time}, the certificate began at {not_before}")]
    NotYetValid {
        /// When it was signed.
        time: Timestamp,
        /// The certificate's beginning.
        not_before: Timestamp,
    },
    /// Signed after the certificate ended.
    #[error("signed at {time}, the certificate ended at {not_after}")]
    Expired {
        /// When it was signed.
        time: Timestamp,
        /// The certificate's end.
        not_after: Timestamp,
    },
    /// No valid proof that the certificate was logged (RFC 6962 SCT).
    #[error("the certificate is not proven to be logged: {0}")]
    Sct(String),
}

/// Why the transparency log's evidence was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogFault {
    /// A log that the trust root does not know.
    #[error("unknown transparency log {0}")]
    UnknownLog(String),
    /// The inclusion proof is absent where it must be there, or proves nothing.
    #[error("invalid inclusion proof: {0}")]
    Proof(String),
    /// The signed tree head is absent, malformed, or not signed by the log.
    #[error("invalid checkpoint: {0}")]
    Checkpoint(String),
    /// The signed entry timestamp (SET) is absent where it must be there, or not the log's.
    #[error("invalid inclusion promise: {0}")]
    Promise(String),
    /// The logged entry is about something else.
    #[error("the log entry is about something else: {0}")]
    Entry(String),
    /// The log's time lies in the future or outside the certificate's life.
    #[error("impossible log time: {0}")]
    Time(String),
    /// The logged entry cannot be read.
    #[error("malformed log entry: {0}")]
    Malformed(String),
}

/// Why a trusted timestamp was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimestampFault {
    /// Not signed by a trusted authority over this signature.
    #[error("invalid timestamp: {0}")]
    Invalid(String),
    /// Its authority was not in use then.
    #[error("the timestamp says {0}, when its authority was not in use")]
    Authority(Timestamp),
}

/// Why a trust root cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TrustRootError {
    /// Longer than any honest root.
    #[error("the trust root has {actual} bytes, at most {limit} are read")]
    TooLong {
        /// Bytes that are read.
        limit: usize,
        /// Bytes that it has.
        actual: usize,
    },
    /// Not a trusted root document.
    #[error("malformed trust root: {0}")]
    Malformed(String),
    /// A key, certificate or validity window in it cannot be used.
    #[error("unusable trust root: {0}")]
    Unusable(String),
}

/// Words of a library or a stranger, safe to print.
pub(super) fn shown(words: impl ToString) -> String {
    Untrusted::new(words.to_string()).excerpt(EXCERPT)
}

impl BundleError {
    /// A stable word for programs and tests: `signature`, `certificate.expired`, `log.proof`, ….
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            Self::TooMany { .. } => "too-many",
            Self::Malformed(_) => "malformed",
            Self::WrongMediaType(_) => "media-type",
            Self::ManySignatures(_) => "many-signatures",
            Self::Unsupported(_) => "unsupported",
            Self::NotAnAttestation => "not-an-attestation",
            Self::Material { .. } => "material",
            Self::Key(_) => "key",
            Self::Signature(_) => "signature",
            Self::Artifact(_) => "artifact",
            Self::Subject(SubjectFault::None) => "subject.none",
            Self::Subject(SubjectFault::TooMany { .. }) => "subject.too-many",
            Self::Subject(SubjectFault::Digest { .. }) => "subject.digest",
            Self::Statement(_) => "statement",
            Self::Certificate(CertificateFault::Malformed(_)) => "certificate.malformed",
            Self::Certificate(CertificateFault::Chain(_)) => "certificate.chain",
            Self::Certificate(CertificateFault::NoAuthority { .. }) => "certificate.no-authority",
            Self::Certificate(CertificateFault::NotYetValid { .. }) => "certificate.not-yet-valid",
            Self::Certificate(CertificateFault::Expired { .. }) => "certificate.expired",
            Self::Certificate(CertificateFault::Sct(_)) => "certificate.sct",
            Self::Log(LogFault::UnknownLog(_)) => "log.unknown",
            Self::Log(LogFault::Proof(_)) => "log.proof",
            Self::Log(LogFault::Checkpoint(_)) => "log.checkpoint",
            Self::Log(LogFault::Promise(_)) => "log.promise",
            Self::Log(LogFault::Entry(_)) => "log.entry",
            Self::Log(LogFault::Time(_)) => "log.time",
            Self::Log(LogFault::Malformed(_)) => "log.malformed",
            Self::Timestamp(TimestampFault::Invalid(_)) => "timestamp.invalid",
            Self::Timestamp(TimestampFault::Authority(_)) => "timestamp.authority",
            Self::NoTime(_) => "no-time",
            Self::Identity { .. } => "identity",
            Self::Issuer { .. } => "issuer",
        }
    }
}
