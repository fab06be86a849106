//! The library's errors in our words. Where it folds several reasons into one, its text (of the pinned version) tells them
//! apart; that refines the reason of a refusal and never decides whether something is refused.
use mcpsec_model::time::Timestamp;
use sigstore_verify as lib;

use super::error::{BundleError, CertificateFault, LogFault, TimestampFault, shown};

impl From<lib::Error> for BundleError {
    fn from(error: lib::Error) -> Self {
        match error {
            lib::Error::IdentityMismatch { expected, actual } => {
                Self::Identity { expected: shown(expected), actual: actual.map_or_else(|| "nobody".to_owned(), shown) }
            }
            lib::Error::IssuerMismatch { expected, actual } => {
                Self::Issuer { expected: shown(expected), actual: actual.map_or_else(|| "nobody".to_owned(), shown) }
            }
            lib::Error::SignatureInvalid(why) => Self::Signature(shown(why)),
            // The file itself was compared before: this is about the log's entry.
            lib::Error::ArtifactMismatch(why) if why.contains("hashedrekord entry") => {
                LogFault::Entry(shown(why)).into()
            }
            lib::Error::ArtifactMismatch(why) | lib::Error::UnsupportedArtifact(why) => Self::Artifact(shown(why)),
            lib::Error::Certificate(error) => certificate(error),
            lib::Error::TransparencyLog(error) => log(error),
            lib::Error::Timestamp(error) => timestamp(error),
            lib::Error::InvalidBundle(why) => Self::Malformed(shown(why)),
            lib::Error::UnsupportedBundle(why) => Self::Unsupported(shown(why)),
            lib::Error::Bundle(error) => shape(&error),
            lib::Error::Types(error) => Self::Malformed(shown(error)),
            lib::Error::Crypto(error) => Self::Key(shown(error)),
            other => Self::Unsupported(shown(other)),
        }
    }
}

fn certificate(error: lib::CertificateError) -> BundleError {
    match error {
        lib::CertificateError::Malformed(why) => CertificateFault::Malformed(shown(why)).into(),
        lib::CertificateError::ChainInvalid(why) => {
            outlived(&why).unwrap_or_else(|| CertificateFault::Chain(shown(why))).into()
        }
        lib::CertificateError::NoValidAuthority { time } => CertificateFault::NoAuthority { time }.into(),
        lib::CertificateError::NotYetValid { time, not_before } => {
            CertificateFault::NotYetValid { time, not_before }.into()
        }
        lib::CertificateError::Expired { time, not_after } => CertificateFault::Expired { time, not_after }.into(),
        lib::CertificateError::Sct(why) => CertificateFault::Sct(shown(why)).into(),
        other => CertificateFault::Malformed(shown(other)).into(),
    }
}

fn log(error: lib::TransparencyLogError) -> BundleError {
    use lib::TransparencyLogError as Log;
    match error {
        Log::UnknownLog { log_id } => LogFault::UnknownLog(shown(log_id)),
        Log::InclusionProof(why) => LogFault::Proof(shown(why)),
        Log::Checkpoint(why) => LogFault::Checkpoint(shown(why)),
        Log::InclusionPromise(why) => LogFault::Promise(shown(why)),
        Log::EntryMismatch(why) => LogFault::Entry(shown(why)),
        Log::IntegratedTime(why) => LogFault::Time(shown(why)),
        Log::MalformedEntry(why) => LogFault::Malformed(shown(why)),
        other => LogFault::Malformed(shown(other)),
    }
    .into()
}

fn timestamp(error: lib::TimestampError) -> BundleError {
    match error {
        lib::TimestampError::Invalid(why) => TimestampFault::Invalid(shown(why)).into(),
        lib::TimestampError::OutsideAuthorityValidity { time } => TimestampFault::Authority(time).into(),
        lib::TimestampError::NoVerifiedTimestamp(why) => BundleError::NoTime(shown(why)),
        other => TimestampFault::Invalid(shown(other)).into(),
    }
}

/// What the bundle's version asks for and it does not have.
fn shape(error: &lib::bundle::Error) -> BundleError {
    use lib::bundle::Error as Shape;
    match error {
        Shape::UnsupportedMediaType(media_type) => BundleError::WrongMediaType(shown(media_type)),
        Shape::MissingInclusionPromise(_) => LogFault::Promise(shown(error)).into(),
        Shape::MissingInclusionProof(_) | Shape::LogIndexOutOfRange { .. } => LogFault::Proof(shown(error)).into(),
        Shape::MissingCheckpoint | Shape::CheckpointRootMismatch => LogFault::Checkpoint(shown(error)).into(),
        Shape::MissingSigningTimeEvidence | Shape::MissingTimestamp => BundleError::NoTime(shown(error)),
        Shape::CertificateChainNotAllowed(_) => BundleError::Malformed(shown(error)),
        other => BundleError::Unsupported(shown(other)),
    }
}

/// The two times, if the chain failed because a certificate was used outside its life:
/// `… CertExpired { time: UnixTime(1), not_after: UnixTime(2) }` or `… CertNotValidYet { time: …, not_before: … }`.
fn outlived(why: &str) -> Option<CertificateFault> {
    let (_, times) = why.split_once("UnixTime(")?;
    let (time, times) = times.split_once(')')?;
    let (_, bound) = times.split_once("UnixTime(")?;
    let (bound, _) = bound.split_once(')')?;
    let instant = |seconds: &str| Timestamp::from_second(seconds.parse().ok()?).ok();
    let (time, bound) = (instant(time)?, instant(bound)?);
    if why.contains("CertExpired {") {
        Some(CertificateFault::Expired { time, not_after: bound })
    } else if why.contains("CertNotValidYet {") {
        Some(CertificateFault::NotYetValid { time, not_before: bound })
    } else {
        None
    }
}
