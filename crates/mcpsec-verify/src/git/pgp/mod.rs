//! OpenPGP signatures of git objects (RFC 9580): one detached binary signature, made by a key that the user gave or by a signing
//! subkey that is bound to one.
//!
//! Key validity is compared with the signature's own creation time, as GnuPG does it. That time is the signer's claim, like every
//! time in git; so a revoked key is refused for every time, also for signatures that say they are older.
mod key;
pub(super) mod keyring;

use std::io::Cursor;

use jiff::Timestamp;
use mcpsec_model::evidence::{EvidenceKind, Signer, VerifiedSignature};
use pgp::{
    composed::SignedPublicKey,
    crypto::hash::HashAlgorithm,
    packet::{
        Packet, PacketParser, PacketTrait as _, Signature, SignatureConfig, SignatureType, SignatureVersion,
        SubpacketData,
    },
    ser::Serialize as _,
    types::{Fingerprint, KeyDetails, KeyId},
};
use smol_str::format_smolstr;

use super::{
    GitError, Outcome, Signers,
    armor::{self, Form},
    object::Object,
};

pub(super) fn verify(
    object: &Object<'_>,
    block: &[u8],
    kind: EvidenceKind,
    id: &str,
    signers: &Signers,
) -> Result<Outcome, GitError> {
    let signature = read(&armor::decode(Form::Pgp, block)?)?;
    let config = signature.config().ok_or_else(|| unsupported("signature version"))?;
    if !matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) {
        return Err(unsupported("signature version"));
    }
    // A text signature holds for every way to end a line, and so for more than one object.
    if config.typ != SignatureType::Binary {
        return Err(unsupported("signature type"));
    }
    let issuer = Issuer::of(config)?;
    let (mut good, mut refusal) = (None, None);
    for known in signers.pgp() {
        let Some(named) = issuer.find(known) else { continue };
        match with(&signature, config, object, known, named?) {
            Ok(()) => good = good.or(Some(known)),
            // A copy of the key that is older, or newer, may have let it sign.
            Err(error @ GitError::Revoked { .. }) => return Err(error),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match (good, refusal) {
        (Some(known), _) => Ok(Outcome::Verified(proof(known, kind, id)?)),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(Outcome::UnknownKey { signature: None, key: issuer.to_string() }),
    }
}

/// The one signature packet that the block must be, and nothing else.
fn read(bytes: &[u8]) -> Result<Signature, GitError> {
    let mut found = Vec::new();
    for packet in PacketParser::new(Cursor::new(bytes)).take(16) {
        match packet {
            Ok(Packet::Signature(signature)) => found.push(signature),
            Ok(_) => return Err(Form::Pgp.malformed("a packet that is not a signature")),
            Err(_) => return Err(Form::Pgp.malformed("not OpenPGP packets")),
        }
    }
    match found.len() {
        0 => Err(Form::Pgp.malformed("no signature in it")),
        // The parser stops quietly at bytes that do not make a header; written again, they would be missing.
        1 if found[0].write_len_with_header() == bytes.len() => Ok(found.remove(0)),
        1 => Err(Form::Pgp.malformed("bytes after it")),
        many => Err(GitError::ManySignatures(many)),
    }
}

/// The signature itself, then whether that key might make it at that time.
fn with(
    signature: &Signature,
    config: &SignatureConfig,
    object: &Object<'_>,
    known: &SignedPublicKey,
    which: Named<'_>,
) -> Result<(), GitError> {
    let name = name(&known.fingerprint());
    strong(config, &name)?;
    understood(config)?;
    let created = time(signature).ok_or(Form::Pgp.malformed("it has no creation time"))?;
    let bad = |_| GitError::BadSignature { form: Form::Pgp.as_str(), key: name.clone() };
    match which {
        Named::Primary => {
            key::strong(&known.primary_key, &name)?;
            signature.verify(&known.primary_key, object.payload.as_slice()).map_err(bad)?;
        }
        Named::Subkey(subkey) => {
            key::strong(&subkey.key, &name)?;
            signature.verify(&subkey.key, object.payload.as_slice()).map_err(bad)?;
        }
    }
    key::may_sign(known, which, &name, created)?;
    if let Some(lasts) = signature.signature_expiration_time().filter(|lasts| lasts.as_secs() != 0)
        && let Some(at) = object.time
    {
        let until = after(created, lasts.as_secs());
        if at >= until {
            return Err(GitError::SignatureExpired { key: name, until, at });
        }
    }
    Ok(())
}

fn proof(known: &SignedPublicKey, kind: EvidenceKind, id: &str) -> Result<VerifiedSignature, GitError> {
    let body = known.primary_key.to_bytes().map_err(|_| Form::Pgp.malformed("its key cannot be written"))?;
    let signer = Signer::Key {
        id: format_smolstr!("{}", name(&known.fingerprint())),
        fingerprint: format_smolstr!("{}", hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body))),
        vouched: true,
        principal: key::principal(known),
    };
    Ok(VerifiedSignature::vouch_signature_was_verified(kind, id, signer, None, None))
}

/// Who a signature says made it. A hint: it chooses the key, and the key decides.
struct Issuer<'a> {
    fingerprints: Vec<&'a Fingerprint>,
    ids: Vec<&'a KeyId>,
}

/// A key inside a certificate.
#[derive(Clone, Copy)]
enum Named<'a> {
    Primary,
    Subkey(&'a pgp::composed::SignedPublicSubKey),
}

impl<'a> Issuer<'a> {
    fn of(config: &'a SignatureConfig) -> Result<Self, GitError> {
        let issuer = Self { fingerprints: config.issuer_fingerprint(), ids: config.issuer_key_id() };
        if issuer.fingerprints.is_empty() && issuer.ids.is_empty() {
            return Err(Form::Pgp.malformed("it does not name its key"));
        }
        Ok(issuer)
    }

    /// The key of this certificate that is named. All names must be its names, or the signature says two things.
    fn find<'k>(&self, known: &'k SignedPublicKey) -> Option<Result<Named<'k>, GitError>> {
        let primary = std::iter::once((Named::Primary, known.fingerprint(), known.legacy_key_id()));
        let subkeys = known.public_subkeys.iter();
        let subkeys = subkeys.map(|key| (Named::Subkey(key), key.fingerprint(), key.legacy_key_id()));
        primary.chain(subkeys).find_map(|(which, fingerprint, id)| {
            let any = self.fingerprints.contains(&&fingerprint) || self.ids.contains(&&id);
            let all = self.fingerprints.iter().all(|named| **named == fingerprint)
                && self.ids.iter().all(|named| **named == id);
            any.then(|| {
                if all {
                    Ok(which)
                } else {
                    Err(GitError::WrongIssuer { named: self.to_string(), key: name(&fingerprint) })
                }
            })
        })
    }
}

impl std::fmt::Display for Issuer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.fingerprints.first(), self.ids.first()) {
            (Some(fingerprint), _) => f.write_str(&name(fingerprint)),
            (None, Some(id)) => write!(f, "PGP:{}", hex::encode_upper(id.as_ref())),
            (None, None) => Ok(()),
        }
    }
}

/// `PGP:` and the fingerprint, in upper case as GnuPG writes it.
fn name(fingerprint: &Fingerprint) -> String {
    format!("PGP:{}", hex::encode_upper(fingerprint.as_bytes()))
}

/// Refuses digests with known collisions, and unknown ones.
fn strong(config: &SignatureConfig, key: &str) -> Result<(), GitError> {
    let hash = match config.hash_alg {
        HashAlgorithm::Sha256
        | HashAlgorithm::Sha384
        | HashAlgorithm::Sha512
        | HashAlgorithm::Sha3_256
        | HashAlgorithm::Sha3_512 => return Ok(()),
        HashAlgorithm::Md5 => "MD5",
        HashAlgorithm::Sha1 => "SHA-1",
        HashAlgorithm::Ripemd160 => "RIPEMD-160",
        _ => return Err(unsupported("hash algorithm")),
    };
    Err(GitError::WeakHash { key: key.to_owned(), hash: hash.to_owned() })
}

/// What is marked critical must be understood, or the signature may mean something else than it seems.
fn understood(config: &SignatureConfig) -> Result<(), GitError> {
    let strange = config.hashed_subpackets().filter(|packet| packet.is_critical).any(|packet| {
        matches!(
            packet.data,
            SubpacketData::Experimental(..)
                | SubpacketData::Other(..)
                | SubpacketData::Notation(_)
                | SubpacketData::RegularExpression(_)
                | SubpacketData::IntendedRecipientFingerprint(_)
                | SubpacketData::SignatureTarget(..)
        )
    });
    if strange { Err(unsupported("critical subpacket")) } else { Ok(()) }
}

fn unsupported(what: &str) -> GitError {
    GitError::Unsupported { form: Form::Pgp.as_str(), what: what.to_owned() }
}

/// When a signature says it was made; only from the part of it that is signed.
fn time(signature: &Signature) -> Option<Timestamp> {
    Timestamp::from_second(i64::from(signature.created()?.as_secs())).ok()
}

/// Far beyond 32-bit seconds nothing ends.
fn after(start: Timestamp, seconds: u32) -> Timestamp {
    start.checked_add(jiff::SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}
