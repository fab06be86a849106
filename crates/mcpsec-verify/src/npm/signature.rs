//! Signatures of an npm registry over a package version (`dist.signatures`), ECDSA over `name@version:sha512-…`.
//!
//! Every signature that is given must hold. A verifier that is content with any one of several lets an attacker keep one good
//! signature and add what it likes; and a signature by a key nobody knows is not "no signature".
use base64::{Engine as _, engine::general_purpose::STANDARD};
use der::{Reader as _, SliceReader, asn1::UintRef};
use mcpsec_model::{
    digest::Digest,
    evidence::{EvidenceKind, RegistrySignature, Signer, VerifiedSignature},
    name::Ecosystem,
    package::PackageId,
    text::Untrusted,
    time::Timestamp,
};

use super::{Key, KeySet, Missing, Usage};

/// Most signatures of one version. Two are normal while keys are rotated.
const MAX_SIGNATURES: usize = 16;
/// Longest signature, in characters of base64. A P-256 signature in DER has 72 bytes at most, 96 characters.
const MAX_SIGNATURE: usize = 96;

/// Why the signatures of a version were refused. Key ids in it are escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none. Whether that is acceptable is policy.
    #[error("the registry gave no signature")]
    None,
    /// There are more than any registry makes.
    #[error("{count} signatures, more than {max}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The most that are read.
        max: usize,
    },
    /// The package is not an npm package.
    #[error("registry signatures are npm's; this package is from {0}")]
    Ecosystem(Ecosystem),
    /// The digest to compare with is not the one that npm signs.
    #[error("npm signs sha512, not {algorithm}")]
    Algorithm {
        /// The algorithm that was given.
        algorithm: &'static str,
    },
    /// Two signatures name one key.
    #[error("two signatures by key {keyid}")]
    Duplicate {
        /// The key.
        keyid: String,
    },
    /// No key with this id is known.
    #[error("signed by key {keyid}, which is not known")]
    UnknownKey {
        /// The key.
        keyid: String,
    },
    /// The key may not sign packages.
    #[error("signed by key {keyid}, which is not for {expected}")]
    Usage {
        /// The key.
        keyid: String,
        /// What the key would have to be for.
        expected: Usage,
    },
    /// The registry says the version was published when the key was not in use.
    #[error("signed by key {keyid}, which is valid {}, but published {published}", span(*.start, *.end))]
    KeyNotValidAt {
        /// The key.
        keyid: String,
        /// When the registry says the version was published.
        published: Timestamp,
        /// From when on the key may sign.
        start: Option<Timestamp>,
        /// Until when the key may sign.
        end: Option<Timestamp>,
    },
    /// It is not base64 of a DER signature.
    #[error("the signature by key {keyid} is not an ECDSA signature in DER and base64")]
    Malformed {
        /// The key.
        keyid: String,
    },
    /// It is not the key's signature over this name, version and digest.
    #[error("the signature by key {keyid} is not over {message}")]
    Invalid {
        /// The key.
        keyid: String,
        /// What should have been signed.
        message: String,
    },
}

/// `from … until …`, for messages.
pub(super) fn span(start: Option<Timestamp>, end: Option<Timestamp>) -> String {
    match (start, end) {
        (Some(start), Some(end)) => format!("from {start} until {end}"),
        (Some(start), None) => format!("from {start} on"),
        (None, Some(end)) => format!("until {end}"),
        (None, None) => "always".to_owned(),
    }
}

/// What an npm registry signs: `name@version:sha512-<base64>`.
fn message(package: &PackageId, sha512: &Digest) -> String {
    format!("{}@{}:{}", package.name(), package.version(), sha512.to_sri())
}

/// Verifies all signatures of the registry over one version with the given locked SHA-512.
///
/// `published` is what the registry says and nobody signs. It can only make things worse: a key that was retired before that
/// time is refused. Without it a key that has ended since is accepted, for what it signed in its time; a registry that wants to
/// use an ended key can omit the time or lie about it, so nothing is lost by accepting.
pub fn signatures(
    package: &PackageId,
    sha512: &Digest,
    published: Option<Timestamp>,
    signatures: &[RegistrySignature],
    keys: &KeySet,
) -> Result<Vec<VerifiedSignature>, SignatureError> {
    if package.ecosystem() != Ecosystem::Npm {
        return Err(SignatureError::Ecosystem(package.ecosystem()));
    }
    if !matches!(sha512, Digest::Sha512(_)) {
        return Err(SignatureError::Algorithm { algorithm: sha512.algorithm() });
    }
    match signatures.len() {
        0 => return Err(SignatureError::None),
        count if count > MAX_SIGNATURES => return Err(SignatureError::TooMany { count, max: MAX_SIGNATURES }),
        _ => {}
    }
    let message = message(package, sha512);
    let mut proofs = Vec::with_capacity(signatures.len());
    for (at, signature) in signatures.iter().enumerate() {
        let keyid = || Untrusted::new(signature.keyid.as_str()).excerpt(80);
        if signatures[..at].iter().any(|earlier| earlier.keyid == signature.keyid) {
            return Err(SignatureError::Duplicate { keyid: keyid() });
        }
        let key = keys.get(&signature.keyid, Usage::Signatures).map_err(|missing| match missing {
            Missing::Unknown => SignatureError::UnknownKey { keyid: keyid() },
            Missing::OtherUsage => SignatureError::Usage { keyid: keyid(), expected: Usage::Signatures },
        })?;
        let der = decode(&signature.sig).ok_or_else(|| SignatureError::Malformed { keyid: keyid() })?;
        if !key.signed(message.as_bytes(), &der) {
            return Err(SignatureError::Invalid { keyid: keyid(), message });
        }
        // A registry may sign an old version again with a newer key; it must not sign a new one with a key that it retired.
        let retired = |published: &Timestamp| key.end().is_some_and(|end| *published > end);
        if let Some(published) = published.filter(retired) {
            let (start, end) = (key.start(), key.end());
            return Err(SignatureError::KeyNotValidAt { keyid: keyid(), published, start, end });
        }
        let kind = EvidenceKind::RegistrySignature;
        proofs.push(VerifiedSignature::vouch_signature_was_verified(kind, message.as_str(), signer(key), None, None));
    }
    Ok(proofs)
}

/// A registry's key as a signer.
pub(super) fn signer(key: &Key) -> Signer {
    Signer::Key {
        id: key.id().clone(),
        fingerprint: key.fingerprint().clone(),
        vouched: key.vouched(),
        principal: None,
    }
}

/// The DER bytes, if they are a sequence of two positive integers of at most 32 bytes and nothing else (RFC 3279 §2.2.3).
fn decode(base64: &str) -> Option<Vec<u8>> {
    if base64.len() > MAX_SIGNATURE {
        return None;
    }
    let bytes = STANDARD.decode(base64).ok()?;
    let mut reader = SliceReader::new(&bytes).ok()?;
    let read = reader.sequence(|inner| Ok([inner.decode::<UintRef<'_>>()?, inner.decode::<UintRef<'_>>()?])).ok()?;
    reader.finish(()).ok()?;
    read.iter().all(|number| number.as_bytes().len() <= 32).then_some(bytes)
}
