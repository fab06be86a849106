//! Signing: with a private key whose text is handed in, or in two steps with a key that an agent holds.
use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::approval::{Envelope, PublicKey, Statement, pae};
use ssh_key::{HashAlg, PrivateKey};

use super::{SignError, sshsig};

/// A private key. It cannot be printed.
pub struct Key {
    public: PublicKey,
    secret: Secret,
}

enum Secret {
    Ssh(Box<PrivateKey>),
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Key {
    /// Reads a private key: OpenSSH's own form, or PKCS#8 in PEM (RFC 5958).
    ///
    /// # Errors
    /// A public key, a protected one, a kind that cannot sign.
    pub fn parse(text: &str) -> Result<Self, SignError> {
        let text = text.trim();
        if text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
            return Self::openssh(text);
        }
        if text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err(SignError::Encrypted);
        }
        if PublicKey::parse(text).is_ok() {
            return Err(SignError::Public);
        }
        let body = text
            .strip_prefix("-----BEGIN PRIVATE KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
            .ok_or(SignError::Form)?;
        let base64: String = body.split_ascii_whitespace().collect();
        Self::pkcs8(&STANDARD.decode(base64).map_err(|_| SignError::Form)?)
    }

    fn openssh(text: &str) -> Result<Self, SignError> {
        let key = PrivateKey::from_openssh(text).map_err(|_| SignError::Form)?;
        let blob = key.public_key().to_bytes().map_err(|_| SignError::Form)?;
        let public = PublicKey::from_blob(&blob, key.comment()).map_err(|_| SignError::Kind)?;
        if key.is_encrypted() {
            return Err(SignError::Encrypted);
        }
        match public.algorithm() {
            "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" => {
                Ok(Self { public, secret: Secret::Ssh(Box::new(key)) })
            }
            other => Err(SignError::Agent(other.to_owned())),
        }
    }

    fn pkcs8(der: &[u8]) -> Result<Self, SignError> {
        let pem = |spki: &[u8]| {
            let text = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(spki));
            PublicKey::parse(&text).map_err(|_| SignError::Kind)
        };
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            let spki = pair.public_key().as_der().map_err(|_| SignError::Failed)?;
            return Ok(Self { public: pem(spki.as_ref())?, secret: Secret::Ed25519(pair) });
        }
        for algorithm in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING] {
            if let Ok(pair) = EcdsaKeyPair::from_pkcs8(algorithm, der) {
                let spki = pair.public_key().as_der().map_err(|_| SignError::Failed)?;
                return Ok(Self { public: pem(spki.as_ref())?, secret: Secret::Ecdsa(pair) });
            }
        }
        Err(SignError::Kind)
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a statement, whose reviewer must already name this key.
    ///
    /// # Errors
    /// The library failed.
    pub fn sign(&self, statement: &Statement) -> Result<Envelope, SignError> {
        let payload = statement.to_payload();
        let message = pae(&payload);
        let signature = match &self.secret {
            Secret::Ssh(key) => {
                let made = ssh_key::SshSig::sign(key.as_ref(), sshsig::NAMESPACE, HashAlg::Sha512, &message)
                    .map_err(|_| SignError::Failed)?;
                let (algorithm, data) = (made.algorithm(), made.signature_bytes());
                sshsig::frame(&self.public, algorithm.as_str(), data)
            }
            Secret::Ed25519(pair) => pair.sign(&message).as_ref().to_vec(),
            Secret::Ecdsa(pair) => {
                pair.sign(&SystemRandom::new(), &message).map_err(|_| SignError::Failed)?.as_ref().to_vec()
            }
        };
        Ok(Envelope::new(payload, self.public.fingerprint(), signature))
    }
}

/// A statement that waits for the signature of a key elsewhere.
pub struct Request<'k> {
    key: &'k PublicKey,
    payload: Vec<u8>,
}

impl<'k> Request<'k> {
    /// For a key that an SSH agent holds.
    pub fn new(key: &'k PublicKey, statement: &Statement) -> Self {
        Self { key, payload: statement.to_payload() }
    }

    /// The bytes that the key has to sign.
    pub fn to_be_signed(&self) -> Vec<u8> {
        sshsig::to_be_signed(&pae(&self.payload))
    }

    /// The envelope, with the signature that came back: OpenSSH's name of its algorithm, and its bytes.
    pub fn complete(self, algorithm: &str, data: &[u8]) -> Envelope {
        let signature = sshsig::frame(self.key, algorithm, data);
        Envelope::new(self.payload, self.key.fingerprint(), signature)
    }
}
