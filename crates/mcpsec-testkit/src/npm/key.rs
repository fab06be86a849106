//! Keys of npm registries: signatures over `name@version:integrity` as a registry makes them, and the document that names the
//! keys. Every run makes its own; nothing signed here is worth anything elsewhere.
use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use mcpsec_model::{
    digest::Digest,
    evidence::{RegistryKey, RegistrySignature},
};
use serde_json::{Value, json};

/// A P-256 key of a registry.
#[derive(Clone)]
pub struct NpmRegistryKey {
    pair: Arc<EcdsaKeyPair>,
    public: RegistryKey,
}

impl fmt::Debug for NpmRegistryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NpmRegistryKey").field(&self.public.keyid).finish()
    }
}

impl NpmRegistryKey {
    /// A new key, with the id that npm gives keys: the SHA-256 of the public key's DER form.
    pub fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("the system has random numbers");
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key has a DER form");
        let Digest::Sha256(hash) = Digest::sha256_of(der.as_ref()) else { unreachable!("asked for SHA-256") };
        let public = RegistryKey {
            keyid: format!("SHA256:{}", STANDARD_NO_PAD.encode(hash)).into(),
            key: STANDARD.encode(der.as_ref()),
            scheme: "ecdsa-sha2-nistp256".into(),
            expires: None,
        };
        Self { pair: Arc::new(pair), public }
    }

    /// Calls itself something else, such as by the id of another key.
    #[must_use]
    pub fn named(mut self, keyid: &str) -> Self {
        self.public.keyid = keyid.into();
        self
    }

    /// Expires at this time, RFC 3339.
    #[must_use]
    pub fn expires(mut self, time: &str) -> Self {
        self.public.expires = Some(time.parse().expect("an RFC 3339 time"));
        self
    }

    /// The public half, as clients keep it.
    pub fn public(&self) -> &RegistryKey {
        &self.public
    }

    /// Signs a version as the registry would.
    pub fn sign(&self, name: &str, version: &str, integrity: &str) -> RegistrySignature {
        let message = format!("{name}@{version}:{integrity}");
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).expect("signing works");
        RegistrySignature { keyid: self.public.keyid.clone(), sig: STANDARD.encode(signature.as_ref()) }
    }

    /// Its entry in the keys document.
    fn entry(&self) -> Value {
        json!({
            "expires": self.public.expires.map(|time| time.to_string()),
            "keyid": self.public.keyid,
            "keytype": self.public.scheme,
            "scheme": self.public.scheme,
            "key": self.public.key,
        })
    }
}

/// The answer of `/-/npm/v1/keys`.
pub fn npm_keys_document<'a>(keys: impl IntoIterator<Item = &'a NpmRegistryKey>) -> String {
    let keys: Vec<Value> = keys.into_iter().map(NpmRegistryKey::entry).collect();
    json!({ "keys": keys }).to_string()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_it_signs_verifies_with_its_public_half() {
        let key = NpmRegistryKey::generate();
        let signature = STANDARD.decode(key.sign("a", "1.0.0", "sha512-x").sig).expect("base64");
        let der = STANDARD.decode(&key.public().key).expect("base64");
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der);
        assert!(public.verify(b"a@1.0.0:sha512-x", &signature).is_ok());
        assert!(public.verify(b"a@1.0.1:sha512-x", &signature).is_err());
        assert_eq!(key.public().keyid.len(), "SHA256:".len() + 43);
    }
}
