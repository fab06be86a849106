//! The public keys of npm registries: which exist, what each may sign, and when.
//!
//! The keys that are built in are those of npm's own registry, as Sigstore's public-good TUF repository lists them in the
//! registry's target `keys.json` (recorded in 2026): an old key that ended on 2025-01-29 and its successor, each once for
//! `npm:signatures` and once for `npm:attestations`, with a validity of its own per usage. They are data, see `keys.json`.
//!
//! A key id looks like a fingerprint and is none: it is not a hash of the key in any encoding. What identifies a key is the
//! fingerprint that is computed here, SHA-256 over its `SubjectPublicKeyInfo`.
use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{digest::Digest, evidence::RegistryKey, text::Untrusted, time::Timestamp};
use serde::Deserialize;
use smol_str::SmolStr;

const BUILT_IN: &str = include_str!("keys.json");
/// Longest list of keys that is read, in bytes.
const MAX_TEXT: usize = 256 * 1024;
/// Most keys in one list.
const MAX_KEYS: usize = 64;
/// Longest key id, in bytes.
const MAX_ID: usize = 256;
/// What every DER `SubjectPublicKeyInfo` of an uncompressed P-256 point starts with (RFC 5480 §2): `id-ecPublicKey`,
/// `prime256v1`, a bit string of 65 bytes, `04`. Keys are read in this one form, so that a key has one fingerprint.
const P256_SPKI: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// Length of the whole, with the two coordinates.
const P256_SPKI_LEN: usize = P256_SPKI.len() + 64;

/// What a key may sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Usage {
    /// `dist.signatures` of packuments.
    Signatures,
    /// Publish attestations.
    Attestations,
}

impl Usage {
    /// The word in lists of keys: `npm:signatures`, `npm:attestations`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signatures => "npm:signatures",
            Self::Attestations => "npm:attestations",
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One key for one usage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    id: SmolStr,
    usage: Usage,
    spki: Vec<u8>,
    fingerprint: SmolStr,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    vouched: bool,
}

impl Key {
    /// What signatures call it.
    pub fn id(&self) -> &SmolStr {
        &self.id
    }

    /// What it may sign.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// `SubjectPublicKeyInfo`, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`Key::spki`], lower-case hexadecimal.
    pub fn fingerprint(&self) -> &SmolStr {
        &self.fingerprint
    }

    /// From when on it may sign, if that is bounded.
    pub fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// Until when it may sign, if that is bounded.
    pub fn end(&self) -> Option<Timestamp> {
        self.end
    }

    /// Whether somebody other than the registry that uses it says that it is the registry's.
    pub fn vouched(&self) -> bool {
        self.vouched
    }

    /// Whether it may have signed at this time. Both ends belong to it.
    pub fn is_valid_at(&self, time: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }

    /// Whether this is its ECDSA signature (P-256, SHA-256, DER) over the message.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let point = &self.spki[P256_SPKI.len() - 1..];
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
    }
}

/// Why a list of keys was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The document is longer than any list of keys is.
    #[error("the list of keys has {length} bytes, more than {max}")]
    TooLong {
        /// Its length.
        length: usize,
        /// The most that is read.
        max: usize,
    },
    /// There are more keys than any registry has.
    #[error("the list has {count} keys, more than {max}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The most that are read.
        max: usize,
    },
    /// The document is not a list of keys.
    #[error("not a list of keys: {0}")]
    Malformed(String),
    /// A key that should be a P-256 key is none.
    #[error("key {keyid} is not an uncompressed P-256 key in DER")]
    NotP256 {
        /// The key's id, escaped.
        keyid: String,
    },
    /// A key id is empty or far too long.
    #[error("a key id is empty or longer than {max} bytes")]
    Id {
        /// The longest that is read.
        max: usize,
    },
    /// Two keys have one id and one usage.
    #[error("key {keyid} is listed twice for {usage}")]
    Duplicate {
        /// The id, escaped.
        keyid: String,
        /// The usage.
        usage: Usage,
    },
    /// The list has no key that is understood.
    #[error("the list has no key that can be used")]
    Empty,
}

/// Keys by id and usage. At most one per pair.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Listed {
    keys: Vec<ListedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedKey {
    key_id: SmolStr,
    key_usage: SmolStr,
    public_key: ListedPublicKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedPublicKey {
    raw_bytes: String,
    key_details: SmolStr,
    #[serde(default)]
    valid_for: Validity,
}

#[derive(Deserialize, Default)]
struct Validity {
    #[serde(default)]
    start: Option<Timestamp>,
    #[serde(default)]
    end: Option<Timestamp>,
}

impl KeySet {
    /// The keys of npm's own registry that are built in, all vouched for.
    pub fn built_in() -> Self {
        // The data is part of the program; a test reads it, so the empty set that knows no key is never what ships.
        Self::from_tuf(BUILT_IN).unwrap_or_default()
    }

    /// A list of keys in the form of the TUF target, which the caller obtained through TUF: every key is vouched for. It
    /// stands alone, in place of what is built in, so that a key that was withdrawn is gone.
    ///
    /// Keys of a type or for a usage that is not known here are left out: a new kind of key must not break the others.
    pub fn from_tuf(json: &str) -> Result<Self, KeyError> {
        if json.len() > MAX_TEXT {
            return Err(KeyError::TooLong { length: json.len(), max: MAX_TEXT });
        }
        let listed: Listed = serde_json::from_str(json)
            .map_err(|error| KeyError::Malformed(Untrusted::new(error.to_string()).excerpt(200)))?;
        limit(listed.keys.len())?;
        let mut set = Self::default();
        for key in listed.keys {
            let usage = match key.key_usage.as_str() {
                "npm:signatures" => Usage::Signatures,
                "npm:attestations" => Usage::Attestations,
                _ => continue,
            };
            if key.public_key.key_details != "PKIX_ECDSA_P256_SHA_256" {
                continue;
            }
            let spki = p256(&key.key_id, &key.public_key.raw_bytes)?;
            let Validity { start, end } = key.public_key.valid_for;
            set.insert(Key {
                fingerprint: fingerprint(&spki),
                id: key.key_id,
                usage,
                spki,
                start,
                end,
                vouched: true,
            })?;
        }
        if set.keys.is_empty() { Err(KeyError::Empty) } else { Ok(set) }
    }

    /// The same with the keys that a registry served itself, each for both usages and not vouched for: they prove only that
    /// the same registry signed again. An id that is already known keeps its key, or a registry could put its own key in
    /// place of npm's. Keys of another scheme than `ecdsa-sha2-nistp256` are left out.
    pub fn with_registry(mut self, keys: &[RegistryKey]) -> Result<Self, KeyError> {
        limit(keys.len())?;
        let known: Vec<SmolStr> = self.keys.iter().map(|key| key.id.clone()).collect();
        for key in keys {
            if known.contains(&key.keyid) || key.scheme != "ecdsa-sha2-nistp256" {
                continue;
            }
            let spki = p256(&key.keyid, &key.key)?;
            for usage in [Usage::Signatures, Usage::Attestations] {
                self.insert(Key {
                    id: key.keyid.clone(),
                    usage,
                    fingerprint: fingerprint(&spki),
                    spki: spki.clone(),
                    start: None,
                    end: key.expires,
                    vouched: false,
                })?;
            }
        }
        Ok(self)
    }

    /// The key of this id for this usage.
    pub fn get(&self, keyid: &str, usage: Usage) -> Result<&Key, Missing> {
        let mut same_id = self.keys.iter().filter(|key| key.id == keyid).peekable();
        if same_id.peek().is_none() {
            return Err(Missing::Unknown);
        }
        same_id.find(|key| key.usage == usage).ok_or(Missing::OtherUsage)
    }

    /// Whether the id is known for any usage. Fetch asks a registry for its keys only when it is not.
    pub fn knows(&self, keyid: &str) -> bool {
        self.keys.iter().any(|key| key.id == keyid)
    }

    /// Every key, in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    fn insert(&mut self, key: Key) -> Result<(), KeyError> {
        if key.id.is_empty() || key.id.len() > MAX_ID {
            return Err(KeyError::Id { max: MAX_ID });
        }
        if self.keys.iter().any(|known| known.id == key.id && known.usage == key.usage) {
            return Err(KeyError::Duplicate { keyid: Untrusted::new(key.id.as_str()).excerpt(80), usage: key.usage });
        }
        self.keys.push(key);
        Ok(())
    }
}

/// Why a set has no such key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// No key has this id.
    Unknown,
    /// A key has this id, for another usage.
    OtherUsage,
}

fn limit(count: usize) -> Result<(), KeyError> {
    if count > MAX_KEYS { Err(KeyError::TooMany { count, max: MAX_KEYS }) } else { Ok(()) }
}

fn p256(keyid: &str, base64: &str) -> Result<Vec<u8>, KeyError> {
    let not = || KeyError::NotP256 { keyid: Untrusted::new(keyid).excerpt(80) };
    let spki = STANDARD.decode(base64).map_err(|_| not())?;
    if spki.len() != P256_SPKI_LEN || !spki.starts_with(&P256_SPKI) {
        return Err(not());
    }
    // The library refuses a point that is not on the curve.
    ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &spki[P256_SPKI.len() - 1..]).map_err(|_| not())?;
    Ok(spki)
}

fn fingerprint(spki: &[u8]) -> SmolStr {
    Digest::sha256_of(spki).to_hex().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA";
    const NEW: &str = "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U";

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// A registry's own key: npm's old key under another name unless told otherwise.
    fn served(keyid: &str) -> RegistryKey {
        let key = STANDARD.encode(KeySet::built_in().get(OLD, Usage::Signatures).expect("built in").spki());
        RegistryKey { keyid: keyid.into(), key, scheme: "ecdsa-sha2-nistp256".into(), expires: None }
    }

    #[test]
    fn the_built_in_keys_are_two_with_two_usages_each() {
        let set = KeySet::built_in();
        let ids: Vec<(&str, Usage)> = set.iter().map(|key| (key.id().as_str(), key.usage())).collect();
        let [signatures, attestations] = [Usage::Signatures, Usage::Attestations];
        assert_eq!(ids, [(OLD, signatures), (OLD, attestations), (NEW, signatures), (NEW, attestations)]);
        assert!(set.iter().all(|key| key.vouched() && key.fingerprint().len() == 64));
    }

    #[test]
    fn validity_differs_by_usage_and_includes_both_ends() {
        let set = KeySet::built_in();
        let signatures = set.get(OLD, Usage::Signatures).expect("known");
        let attestations = set.get(OLD, Usage::Attestations).expect("known");
        assert!(signatures.is_valid_at(time("2019-01-01T00:00:00Z")));
        assert!(!attestations.is_valid_at(time("2019-01-01T00:00:00Z")));
        assert!(attestations.is_valid_at(time("2025-01-29T00:00:00Z")));
        assert!(!attestations.is_valid_at(time("2025-01-29T00:00:01Z")));
        assert!(!set.get(NEW, Usage::Signatures).expect("known").is_valid_at(time("2025-01-12T23:59:59Z")));
    }

    #[test]
    fn a_key_id_is_not_a_hash_of_the_key() {
        for key in KeySet::built_in().iter() {
            let hash = STANDARD.encode(Digest::sha256_of(key.spki()).as_bytes());
            assert!(!key.id().contains(hash.trim_end_matches('=')));
        }
    }

    #[test]
    fn a_registry_cannot_replace_a_known_key() {
        let other = STANDARD.encode(KeySet::built_in().get(NEW, Usage::Signatures).expect("known").spki());
        let set = KeySet::built_in().with_registry(&[RegistryKey { key: other, ..served(OLD) }]).expect("ignored");
        assert_eq!(set, KeySet::built_in());
    }

    #[test]
    fn a_registrys_key_is_for_both_usages_and_not_vouched_for() {
        let set = KeySet::built_in().with_registry(&[served("SHA256:own")]).expect("added");
        for usage in [Usage::Signatures, Usage::Attestations] {
            assert!(!set.get("SHA256:own", usage).expect("known").vouched());
        }
        let rsa = RegistryKey { scheme: "rsa".into(), ..served("SHA256:rsa") };
        assert!(!KeySet::built_in().with_registry(&[rsa]).expect("left out").knows("SHA256:rsa"));
    }

    #[test]
    fn keys_that_are_not_p256_are_refused() {
        let mut spki = STANDARD.decode(served("x").key).expect("base64");
        let mut broken = vec![String::new(), "!".into(), STANDARD.encode(&spki[..90])];
        spki.push(0);
        broken.push(STANDARD.encode(&spki));
        spki.pop();
        spki[90] ^= 1;
        broken.push(STANDARD.encode(&spki));
        for key in broken {
            let result = KeySet::default().with_registry(&[RegistryKey { key, ..served("SHA256:x") }]);
            assert!(matches!(result, Err(KeyError::NotP256 { .. })), "{result:?}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let many: Vec<RegistryKey> = (0..=MAX_KEYS).map(|n| served(&format!("SHA256:{n}"))).collect();
        assert!(matches!(KeySet::default().with_registry(&many), Err(KeyError::TooMany { count: 65, max: 64 })));
        assert!(matches!(KeySet::from_tuf(&" ".repeat(MAX_TEXT + 1)), Err(KeyError::TooLong { .. })));
        assert!(matches!(KeySet::default().with_registry(&[served("")]), Err(KeyError::Id { .. })));
        let twice = [served("SHA256:a"), served("SHA256:a")];
        assert!(matches!(KeySet::default().with_registry(&twice), Err(KeyError::Duplicate { .. })));
    }

    #[test]
    fn lists_of_another_form_are_refused() {
        assert!(matches!(KeySet::from_tuf("[]"), Err(KeyError::Malformed(_))));
        assert!(matches!(KeySet::from_tuf(r#"{"keys":[]}"#), Err(KeyError::Empty)));
        let doubled = BUILT_IN.replacen("npm:attestations", "npm:signatures", 1);
        assert!(matches!(KeySet::from_tuf(&doubled), Err(KeyError::Duplicate { usage: Usage::Signatures, .. })));
        let other =
            BUILT_IN.replace("npm:attestations", "npm:other").replace("PKIX_ECDSA_P256_SHA_256", "PKIX_ED25519");
        assert!(matches!(KeySet::from_tuf(&other), Err(KeyError::Empty)));
    }
}
