//! The signature over the signed attributes, by the certificate's key.
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use der::{Decode as _, asn1::ObjectIdentifier};

use super::{
    Form, GitError,
    cms::{Envelope, Hash},
};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const RSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ED_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The least RSA modulus that is accepted, in bits.
const MIN_RSA: usize = 2048;

pub(super) fn verify(envelope: &Envelope, key: &str) -> Result<(), GitError> {
    let info = &envelope.certificate().tbs_certificate.subject_public_key_info;
    let bad = || GitError::BadSignature { form: Form::X509.as_str(), key: key.to_owned() };
    let public = info.subject_public_key.as_bytes().ok_or_else(bad)?;
    let curve = info.algorithm.parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    if info.algorithm.oid == RSA {
        long_enough(public, key)?;
    }
    let algorithm = algorithm(envelope, info.algorithm.oid, curve, key)?;
    UnparsedPublicKey::new(algorithm, public).verify(envelope.signed(), envelope.signature()).map_err(|_| bad())
}

/// By the key's kind and the signature's algorithm; the digest that the algorithm names must be the one that the attributes were
/// made with, as RFC 5754 asks for.
fn algorithm(
    envelope: &Envelope,
    kind: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    key: &str,
) -> Result<&'static dyn VerificationAlgorithm, GitError> {
    let named = *envelope.algorithm();
    let hash = match named {
        RSA_SHA256 | ECDSA_SHA256 => Hash::Sha256,
        RSA_SHA384 | ECDSA_SHA384 => Hash::Sha384,
        RSA_SHA512 | ECDSA_SHA512 => Hash::Sha512,
        RSA | EC | ED_25519 => envelope.hash(),
        RSA_SHA1 => return Err(GitError::WeakHash { key: key.to_owned(), hash: "SHA-1".to_owned() }),
        other => return Err(unsupported(other)),
    };
    if hash != envelope.hash() {
        return Err(Form::X509.malformed("two digests where one is meant"));
    }
    let rsa = matches!(named, RSA | RSA_SHA256 | RSA_SHA384 | RSA_SHA512);
    let ecdsa = matches!(named, EC | ECDSA_SHA256 | ECDSA_SHA384 | ECDSA_SHA512);
    Ok(match (kind, curve, hash) {
        (RSA, _, Hash::Sha256) if rsa => &RSA_PKCS1_2048_8192_SHA256,
        (RSA, _, Hash::Sha384) if rsa => &RSA_PKCS1_2048_8192_SHA384,
        (RSA, _, Hash::Sha512) if rsa => &RSA_PKCS1_2048_8192_SHA512,
        (EC, Some(P256), Hash::Sha256) if ecdsa => &ECDSA_P256_SHA256_ASN1,
        (EC, Some(P256), Hash::Sha384) if ecdsa => &ECDSA_P256_SHA384_ASN1,
        (EC, Some(P384), Hash::Sha256) if ecdsa => &ECDSA_P384_SHA256_ASN1,
        (EC, Some(P384), Hash::Sha384) if ecdsa => &ECDSA_P384_SHA384_ASN1,
        (EC, Some(P521), Hash::Sha512) if ecdsa => &ECDSA_P521_SHA512_ASN1,
        (ED_25519, _, Hash::Sha512) if named == ED_25519 => &ED25519,
        _ => return Err(unsupported(named)),
    })
}

fn unsupported(oid: ObjectIdentifier) -> GitError {
    GitError::Unsupported { form: Form::X509.as_str(), what: format!("signature algorithm {oid}") }
}

fn long_enough(public: &[u8], key: &str) -> Result<(), GitError> {
    /// RFC 8017 appendix A.1.1.
    #[derive(der::Sequence)]
    struct Rsa<'a> {
        n: der::asn1::UintRef<'a>,
        _e: der::asn1::UintRef<'a>,
    }
    let rsa = Rsa::from_der(public).map_err(|_| Form::X509.malformed("an RSA key that is none"))?;
    let n = rsa.n.as_bytes();
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if bits < MIN_RSA { Err(GitError::WeakKey { key: key.to_owned(), bits, min: MIN_RSA }) } else { Ok(()) }
}
