//! Whether an envelope's signature holds for one key, which mcp-signers names.
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, UnparsedPublicKey};
use mcpsec_model::{
    approval::{Envelope, Form, PublicKey, pae},
    text::Untrusted,
};

use super::{SignatureError, sshsig};

/// Checks the signature over the pre-authentication encoding. How the key is written in mcp-signers decides what the signature
/// must look like; nothing in the envelope does. `stated` is the key that the statement names.
///
/// # Errors
/// What does not hold.
pub fn check(key: &PublicKey, envelope: &Envelope, stated: &str) -> Result<(), SignatureError> {
    if envelope.keyid() != stated || key.fingerprint() != stated {
        let shown = |text: &str| Untrusted::new(text).excerpt(60);
        return Err(SignatureError::Lies { claimed: shown(envelope.keyid()), stated: shown(stated) });
    }
    let message = pae(envelope.payload());
    match key.form() {
        Form::Ssh => sshsig::check(key, envelope.signature(), &message),
        Form::Pem => plain(key, envelope.signature(), &message),
    }
}

fn plain(key: &PublicKey, signature: &[u8], message: &[u8]) -> Result<(), SignatureError> {
    if signature.starts_with(b"SSHSIG") {
        return Err(SignatureError::Form("a plain one, which PEM keys make"));
    }
    let own = key.raw().ok_or(SignatureError::Bad)?;
    let held = match key.algorithm() {
        "ssh-ed25519" => UnparsedPublicKey::new(&ED25519, own).verify(message, signature),
        "ecdsa-sha2-nistp256" => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, own).verify(message, signature),
        "ecdsa-sha2-nistp384" => UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, own).verify(message, signature),
        other => return Err(SignatureError::Algorithm(other.to_owned())),
    };
    held.map_err(|_| SignatureError::Bad)
}
