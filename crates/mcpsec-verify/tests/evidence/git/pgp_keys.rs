//! OpenPGP keys and signatures made for tests, from seeds: every part of a certificate can be left out or made wrong.
use pgp::{
    composed::{ArmorOptions, DetachedSignature, KeyType, SignedKeyDetails, SignedPublicKey, SignedPublicSubKey},
    crypto::hash::HashAlgorithm,
    packet::{
        KeyFlags, PubKeyInner, PublicKey, PublicSubkey, RevocationCode, SecretKey, SecretSubkey, Signature,
        SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
    },
    types::{Duration, KeyVersion, PacketHeaderVersion, Password, SignedUser, SigningKey, Tag, Timestamp},
};
use rand::{SeedableRng as _, rngs::StdRng};

/// 2025-01-01T00:00:00Z, when the keys here were made.
pub(super) const BIRTH: u32 = 1_735_689_600;

/// A primary key by number.
pub(super) fn primary(number: u64, kind: KeyType) -> SecretKey {
    let (public, secret) = kind.generate(StdRng::seed_from_u64(number)).expect("a key");
    let inner =
        PubKeyInner::new(KeyVersion::V4, kind.to_alg(), Timestamp::from_secs(BIRTH), None, public).expect("a key");
    SecretKey::new(PublicKey::from_inner(inner).expect("a key"), secret).expect("a key")
}

/// A subkey by number.
pub(super) fn subkey(number: u64) -> SecretSubkey {
    let kind = KeyType::Ed25519Legacy;
    let (public, secret) = kind.generate(StdRng::seed_from_u64(number)).expect("a key");
    let inner =
        PubKeyInner::new(KeyVersion::V4, kind.to_alg(), Timestamp::from_secs(BIRTH), None, public).expect("a key");
    SecretSubkey::new(PublicSubkey::from_inner(inner).expect("a key"), secret).expect("a key")
}

/// What goes into a signature besides what it is over.
#[derive(Clone)]
pub(super) struct Make {
    pub(super) typ: SignatureType,
    pub(super) hash: HashAlgorithm,
    pub(super) at: u32,
    pub(super) more: Vec<SubpacketData>,
    pub(super) critical: Vec<SubpacketData>,
}

impl Make {
    pub(super) fn new(typ: SignatureType, at: u32) -> Self {
        Self { typ, hash: HashAlgorithm::Sha256, at, more: Vec::new(), critical: Vec::new() }
    }

    pub(super) fn hash(mut self, hash: HashAlgorithm) -> Self {
        self.hash = hash;
        self
    }

    pub(super) fn with(mut self, data: SubpacketData) -> Self {
        self.more.push(data);
        self
    }

    pub(super) fn flags(self, sign: bool) -> Self {
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        flags.set_sign(sign);
        self.with(SubpacketData::KeyFlags(flags))
    }

    pub(super) fn key_lasts(self, seconds: u32) -> Self {
        self.with(SubpacketData::KeyExpirationTime(Duration::from_secs(seconds)))
    }

    /// The signature's parameters, naming the key as its issuer.
    pub(super) fn config(self, by: &impl SigningKey) -> SignatureConfig {
        let mut config = SignatureConfig::v4(self.typ, by.algorithm(), self.hash);
        let regular = |data| Subpacket::regular(data).expect("a subpacket");
        config.hashed_subpackets = vec![
            regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(self.at))),
            regular(SubpacketData::IssuerFingerprint(by.fingerprint())),
        ];
        config.hashed_subpackets.extend(self.more.into_iter().map(regular));
        config.hashed_subpackets.extend(self.critical.into_iter().map(|data| Subpacket::critical(data).expect("one")));
        config.unhashed_subpackets = vec![regular(SubpacketData::IssuerKeyId(by.legacy_key_id()))];
        config
    }

    pub(super) fn user(self, key: &SecretKey, name: &UserId) -> Signature {
        self.config(key).sign_certification(key, key.public_key(), &Password::empty(), Tag::UserId, name).expect("one")
    }

    pub(super) fn binding(self, key: &SecretKey, sub: &SecretSubkey) -> Signature {
        self.config(key).sign_subkey_binding(key, key.public_key(), &Password::empty(), &sub.public_key()).expect("one")
    }

    pub(super) fn key(self, key: &SecretKey) -> Signature {
        self.config(key).sign_key(key, &Password::empty(), key.public_key()).expect("one")
    }
}

/// A certificate under construction.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) key: SecretKey,
    pub(super) users: Vec<(UserId, Vec<Signature>)>,
    pub(super) direct: Vec<Signature>,
    pub(super) revocations: Vec<Signature>,
    pub(super) subkeys: Vec<(PublicSubkey, Vec<Signature>)>,
}

pub(super) fn user() -> UserId {
    UserId::from_str(PacketHeaderVersion::New, "A Person <a@example.invalid>").expect("a name")
}

impl Certificate {
    /// With one user id that is certified as `make` says.
    pub(super) fn new(key: SecretKey, make: Make) -> Self {
        let signature = make.user(&key, &user());
        Self { users: vec![(user(), vec![signature])], direct: vec![], revocations: vec![], subkeys: vec![], key }
    }

    /// One that may sign from its birth on, without end.
    pub(super) fn plain(number: u64) -> Self {
        Self::new(primary(number, KeyType::Ed25519Legacy), Make::new(SignatureType::CertPositive, BIRTH).flags(true))
    }

    pub(super) fn revoked(mut self, at: u32, reason: RevocationCode) -> Self {
        let reason = SubpacketData::RevocationReason(reason, Default::default());
        self.revocations.push(Make::new(SignatureType::KeyRevocation, at).with(reason).key(&self.key));
        self
    }

    /// Binds a subkey as `make` says, with the subkey's consent if there is one.
    pub(super) fn bound(mut self, sub: &SecretSubkey, make: Make, consent: Option<Signature>) -> Self {
        let make = match consent {
            Some(consent) => make.with(SubpacketData::EmbeddedSignature(Box::new(consent))),
            None => make,
        };
        let signature = make.binding(&self.key, sub);
        self.subkeys.push((sub.public_key().clone(), vec![signature]));
        self
    }

    /// The subkey's agreement to belong to this key.
    pub(super) fn consent(&self, sub: &SecretSubkey, make: Make) -> Signature {
        let config = make.config(sub);
        config.sign_primary_key_binding(sub, &sub.public_key(), &Password::empty(), self.key.public_key()).expect("one")
    }

    pub(super) fn armored(&self) -> String {
        let users =
            self.users.iter().map(|(name, signatures)| SignedUser::new(name.clone(), signatures.clone())).collect();
        let details = SignedKeyDetails::new(self.revocations.clone(), self.direct.clone(), users, vec![]);
        let subkeys =
            self.subkeys.iter().map(|(key, signatures)| SignedPublicSubKey::new(key.clone(), signatures.clone()));
        SignedPublicKey::new(self.key.public_key().clone(), details, subkeys.collect())
            .to_armored_string(ArmorOptions::default())
            .expect("a text")
    }
}

/// A detached signature over the payload, as git keeps it.
pub(super) fn detached(key: &impl SigningKey, make: Make, payload: &str) -> String {
    armored(make.config(key).sign(key, &Password::empty(), payload.as_bytes()).expect("a signature"))
}

pub(super) fn armored(signature: Signature) -> String {
    DetachedSignature::new(signature).to_armored_string(ArmorOptions::default()).expect("a text")
}
