//! SSH signatures (PROTOCOL.sshsig) over the pre-authentication encoding, namespace `mcpsec-approval`.
//!
//! Read here and not with `ssh-key`, because that library writes the signatures of ECDSA security keys differently from how it
//! reads them, does not look at whether a security key was touched, and takes lengths that reach too far.
use aws_lc_rs::{
    digest::{SHA256, SHA512, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, EcdsaVerificationAlgorithm,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use mcpsec_model::{approval::PublicKey, text::Untrusted};

use super::SignatureError;

/// What approvals are signed under; a signature for git, files or mail is none for approvals.
pub const NAMESPACE: &str = "mcpsec-approval";
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
/// The flag of a security key that somebody touched it (PROTOCOL.u2f).
const TOUCHED: u8 = 1;

/// The parts of a signature.
struct SshSig<'a> {
    key: &'a [u8],
    namespace: &'a [u8],
    hash: &'a [u8],
    algorithm: &'a [u8],
    /// What belongs to the algorithm.
    signature: &'a [u8],
    /// Flags and counter of security keys.
    trailer: &'a [u8],
}

/// Checks that `key` made this signature over `message`, for approvals.
pub(super) fn check(key: &PublicKey, bytes: &[u8], message: &[u8]) -> Result<(), SignatureError> {
    let sig = read(bytes).ok_or(SignatureError::Form("an SSHSIG structure, which SSH keys make"))?;
    let shown = |bytes: &[u8]| Untrusted::new(String::from_utf8_lossy(bytes)).excerpt(60);
    if sig.key != key.blob() {
        let other = PublicKey::from_blob(sig.key, "");
        return Err(SignatureError::OtherKey(other.map_or_else(|_| "unknown".to_owned(), |key| key.fingerprint())));
    }
    if sig.namespace != NAMESPACE.as_bytes() {
        return Err(SignatureError::Namespace(shown(sig.namespace)));
    }
    let hashed = match sig.hash {
        b"sha512" => digest(&SHA512, message),
        b"sha256" => digest(&SHA256, message),
        other => return Err(SignatureError::Algorithm(shown(other))),
    };
    let signed = signed_data(NAMESPACE.as_bytes(), sig.hash, hashed.as_ref());
    let fits = match key.algorithm() {
        "ssh-rsa" => matches!(sig.algorithm, b"rsa-sha2-256" | b"rsa-sha2-512"),
        algorithm => sig.algorithm == algorithm.as_bytes(),
    };
    if !fits {
        return Err(SignatureError::Algorithm(shown(sig.algorithm)));
    }
    verify(key, &sig, &signed)
}

fn verify(key: &PublicKey, sig: &SshSig<'_>, signed: &[u8]) -> Result<(), SignatureError> {
    let bad = || SignatureError::Bad;
    let own = key.raw().ok_or_else(bad)?;
    let holds = |held: Result<(), aws_lc_rs::error::Unspecified>| held.map_err(|_| bad());
    let curve = |algorithm: &'static EcdsaVerificationAlgorithm, half: usize, message: &[u8]| {
        let fixed = fixed(sig.signature, half).ok_or_else(bad)?;
        holds(UnparsedPublicKey::new(algorithm, own).verify(message, &fixed))
    };
    if !key.algorithm().starts_with("sk-") && !sig.trailer.is_empty() {
        return Err(SignatureError::Form("written as SSHSIG is"));
    }
    match key.algorithm() {
        "ssh-ed25519" => holds(UnparsedPublicKey::new(&ED25519, own).verify(signed, sig.signature)),
        "ecdsa-sha2-nistp256" => curve(&ECDSA_P256_SHA256_FIXED, 32, signed),
        "ecdsa-sha2-nistp384" => curve(&ECDSA_P384_SHA384_FIXED, 48, signed),
        "ecdsa-sha2-nistp521" => curve(&ECDSA_P521_SHA512_FIXED, 66, signed),
        "ssh-rsa" => rsa(key, sig, signed),
        "sk-ssh-ed25519@openssh.com" => {
            let message = touched(key, sig, signed)?;
            holds(UnparsedPublicKey::new(&ED25519, own).verify(&message, sig.signature))
        }
        "sk-ecdsa-sha2-nistp256@openssh.com" => {
            let message = touched(key, sig, signed)?;
            curve(&ECDSA_P256_SHA256_FIXED, 32, &message)
        }
        other => Err(SignatureError::Algorithm(other.to_owned())),
    }
}

fn rsa(key: &PublicKey, sig: &SshSig<'_>, signed: &[u8]) -> Result<(), SignatureError> {
    let bad = || SignatureError::Bad;
    let mut rest = key.blob();
    let (_name, e, n) = (string(&mut rest), string(&mut rest).ok_or_else(bad)?, string(&mut rest).ok_or_else(bad)?);
    // mpint: a leading zero keeps the number positive.
    let (e, n) = (e.strip_prefix(&[0]).unwrap_or(e), n.strip_prefix(&[0]).unwrap_or(n));
    let scheme =
        if sig.algorithm == b"rsa-sha2-512" { &RSA_PKCS1_2048_8192_SHA512 } else { &RSA_PKCS1_2048_8192_SHA256 };
    if n.len() < 256 {
        return Err(SignatureError::Algorithm(format!("RSA of {} bits", n.len() * 8)));
    }
    RsaPublicKeyComponents { n, e }.verify(scheme, signed, sig.signature).map_err(|_| bad())
}

/// What a security key signs (PROTOCOL.u2f): the hash of its application, flags and counter, the hash of the message.
fn touched(key: &PublicKey, sig: &SshSig<'_>, signed: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let [flags, _counter @ ..] = sig.trailer else { return Err(SignatureError::Form("of a security key")) };
    if flags & TOUCHED == 0 {
        return Err(SignatureError::Untouched);
    }
    let mut rest = key.blob();
    let mut application = None;
    while let Some(part) = string(&mut rest) {
        application = Some(part);
    }
    let mut message = digest(&SHA256, application.unwrap_or_default()).as_ref().to_vec();
    message.extend_from_slice(sig.trailer);
    message.extend_from_slice(digest(&SHA256, signed).as_ref());
    Ok(message)
}

/// Two numbers of variable length as two of fixed length.
fn fixed(mut mpints: &[u8], half: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(2 * half);
    for _ in 0..2 {
        let number = string(&mut mpints)?;
        // RFC 4251 §5: positive, and without zeros that are not needed.
        let plain = match number {
            [0, next, ..] if *next >= 0x80 => &number[1..],
            [first, ..] if *first != 0 && *first < 0x80 => number,
            _ => return None,
        };
        out.resize(out.len() + half.checked_sub(plain.len())?, 0);
        out.extend_from_slice(plain);
    }
    mpints.is_empty().then_some(out)
}

/// What a key has to sign for an approval over `message`, and the hash in it.
pub(super) fn to_be_signed(message: &[u8]) -> Vec<u8> {
    signed_data(NAMESPACE.as_bytes(), b"sha512", digest(&SHA512, message).as_ref())
}

/// The signature in its frame. `data` is what belongs to the algorithm, with flags and counter of a security key at its end.
pub(super) fn frame(key: &PublicKey, algorithm: &str, data: &[u8]) -> Vec<u8> {
    let trailer = if algorithm.starts_with("sk-") { 5.min(data.len()) } else { 0 };
    let (data, trailer) = data.split_at(data.len() - trailer);
    let mut signature = Vec::new();
    put(&mut signature, algorithm.as_bytes());
    put(&mut signature, data);
    signature.extend_from_slice(trailer);
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_be_bytes());
    for part in [key.blob(), NAMESPACE.as_bytes(), b"", b"sha512", &signature] {
        put(&mut out, part);
    }
    out
}

fn signed_data(namespace: &[u8], hash: &[u8], hashed: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for part in [namespace, b"", hash, hashed] {
        put(&mut out, part);
    }
    out
}

/// Strict: nothing before, behind or between, and the reserved field empty.
fn read(bytes: &[u8]) -> Option<SshSig<'_>> {
    let mut rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_be_bytes())?;
    let (key, namespace, reserved) = (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
    let (hash, mut inner) = (string(&mut rest)?, string(&mut rest)?);
    let (algorithm, signature) = (string(&mut inner)?, string(&mut inner)?);
    let whole = rest.is_empty() && reserved.is_empty() && matches!(inner.len(), 0 | 5);
    whole.then_some(SshSig { key, namespace, hash, algorithm, signature, trailer: inner })
}

/// RFC 4251 §5: four bytes of length, then the bytes.
fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (string, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(string)
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
