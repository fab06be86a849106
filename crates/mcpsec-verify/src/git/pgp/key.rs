//! Whether an OpenPGP key may sign at a time: its own signatures about itself, and its subkeys' bindings.
use jiff::Timestamp;
use pgp::{
    composed::{SignedPublicKey, SignedPublicSubKey},
    packet::{Signature, SignatureType, SubpacketData},
    ser::Serialize as _,
    types::{KeyDetails, PublicParams, Tag},
};
use smol_str::SmolStr;

use super::{GitError, Named, after, strong as strong_hash, time, unsupported};

/// The least RSA modulus that is accepted, in bits.
const MIN_RSA: usize = 2048;

/// Refuses keys that are too short and algorithms that are not for signatures of today.
pub(super) fn strong(key: &impl KeyDetails, name: &str) -> Result<(), GitError> {
    match key.public_params() {
        PublicParams::RSA(params) => {
            // As OpenPGP writes a number: two bytes with its length in bits, then the number; the modulus comes first.
            let written = params.to_bytes().unwrap_or_default();
            let bits = written.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
            if bits < MIN_RSA {
                return Err(GitError::WeakKey { key: name.to_owned(), bits, min: MIN_RSA });
            }
            Ok(())
        }
        PublicParams::ECDSA(_) | PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) | PublicParams::Ed448(_) => {
            Ok(())
        }
        _ => Err(unsupported("key algorithm")),
    }
}

/// What a key says about itself in the newest of its signatures over one user id, or over itself alone.
struct Statement<'a> {
    signature: &'a Signature,
}

impl Statement<'_> {
    /// `None` if it has no key flags: then the key may do what its algorithm can.
    fn signs(&self) -> Option<bool> {
        self.signature.config()?.hashed_subpackets().find_map(|packet| match &packet.data {
            SubpacketData::KeyFlags(flags) => Some(flags.sign()),
            _ => None,
        })
    }

    /// When the key ends.
    fn end(&self, created: Timestamp) -> Option<Timestamp> {
        let lasts = self.signature.key_expiration_time()?.as_secs();
        (lasts != 0).then(|| after(created, lasts))
    }
}

/// Whether `which` key of this certificate might make a signature at `at`.
pub(super) fn may_sign(known: &SignedPublicKey, which: Named<'_>, name: &str, at: Timestamp) -> Result<(), GitError> {
    let revoked = || GitError::Revoked { key: name.to_owned() };
    if is_revoked(known) {
        return Err(revoked());
    }
    let statements = statements(known, name)?;
    let start = created(&known.primary_key).ok_or_else(|| unsupported("key creation time"))?;
    // Each user id has its own say; a key whose life is extended says so for all of them.
    within(name, start, statements.iter().filter_map(|statement| statement.end(start)).min(), at)?;
    match which {
        Named::Primary => {
            let says: Vec<bool> = statements.iter().filter_map(Statement::signs).collect();
            if says.is_empty() || says.contains(&true) {
                Ok(())
            } else {
                Err(GitError::NotASigningKey { key: name.to_owned(), what: "its flags do not say so" })
            }
        }
        Named::Subkey(subkey) => {
            if revokes(subkey.signatures.iter(), SignatureType::SubkeyRevocation, |signature| {
                signature.verify_subkey_binding(&known.primary_key, &subkey.key).is_ok()
            }) {
                return Err(revoked());
            }
            let binding = binding(known, subkey, name)?;
            let start = created(&subkey.key).ok_or_else(|| unsupported("key creation time"))?;
            within(name, start, binding.end(start), at)
        }
    }
}

fn created(key: &impl KeyDetails) -> Option<Timestamp> {
    Timestamp::from_second(i64::from(key.created_at().as_secs())).ok()
}

fn within(name: &str, from: Timestamp, until: Option<Timestamp>, at: Timestamp) -> Result<(), GitError> {
    if at < from {
        return Err(GitError::NotValidYet { key: name.to_owned(), from, at });
    }
    match until {
        Some(until) if at >= until => Err(GitError::Expired { key: name.to_owned(), until, at }),
        _ => Ok(()),
    }
}

/// Revoked by itself, or by somebody whom it named for that, whose key is not here: then it is believed.
fn is_revoked(known: &SignedPublicKey) -> bool {
    let key = &known.primary_key;
    let of_its_own = |signature: &Signature| {
        signature.issuer_fingerprint().contains(&&key.fingerprint())
            || signature.issuer_key_id().contains(&&key.legacy_key_id())
    };
    let delegates = known.details.direct_signatures.iter().any(|signature| signature.revocation_key().is_some());
    revokes(known.details.revocation_signatures.iter(), SignatureType::KeyRevocation, |signature| {
        signature.verify_key(key).is_ok() || (delegates && !of_its_own(signature))
    })
}

/// A revocation counts whatever digest it was made with: to believe a forged one is the lesser harm.
fn revokes<'a>(
    mut signatures: impl Iterator<Item = &'a Signature>,
    typ: SignatureType,
    holds: impl Fn(&Signature) -> bool,
) -> bool {
    signatures.any(|signature| signature.typ() == Some(typ) && holds(signature))
}

/// The newest valid signature of the key over each of its user ids that is not revoked, and over itself. Never empty.
fn statements<'a>(known: &'a SignedPublicKey, name: &str) -> Result<Vec<Statement<'a>>, GitError> {
    let key = &known.primary_key;
    let mut weak = None;
    let mut out = Vec::new();
    for user in &known.details.users {
        let holds = |signature: &Signature| signature.verify_certification(key, Tag::UserId, &user.id).is_ok();
        if revokes(user.signatures.iter(), SignatureType::CertRevocation, holds) {
            continue;
        }
        let own = user.signatures.iter().filter(|signature| signature.typ() != Some(SignatureType::CertRevocation));
        out.extend(newest(own, holds, name, &mut weak));
    }
    let direct = known.details.direct_signatures.iter().filter(|signature| signature.typ() == Some(SignatureType::Key));
    out.extend(newest(direct, |signature| signature.verify_key(key).is_ok(), name, &mut weak));
    match (out.is_empty(), weak) {
        (false, _) => Ok(out),
        (true, Some(error)) => Err(error),
        (true, None) => {
            Err(GitError::NotASigningKey { key: name.to_owned(), what: "nothing that it signed about itself holds" })
        }
    }
}

fn newest<'a>(
    signatures: impl Iterator<Item = &'a Signature>,
    holds: impl Fn(&Signature) -> bool,
    name: &str,
    weak: &mut Option<GitError>,
) -> Option<Statement<'a>> {
    let mut best: Option<(&Signature, Timestamp)> = None;
    for signature in signatures {
        let (Some(config), Some(made)) = (signature.config(), time(signature)) else { continue };
        if !holds(signature) {
            continue;
        }
        if let Err(error) = strong_hash(config, name) {
            *weak = Some(error);
            continue;
        }
        if best.is_none_or(|(_, newest)| made >= newest) {
            best = Some((signature, made));
        }
    }
    best.map(|(signature, _)| Statement { signature })
}

/// The newest signature that binds the subkey, if it is one for signing and the subkey agrees (RFC 9580 section 10.1.5: else
/// anybody could adopt somebody else's subkey and claim its signatures).
fn binding<'a>(known: &SignedPublicKey, subkey: &'a SignedPublicSubKey, name: &str) -> Result<Statement<'a>, GitError> {
    let key = &known.primary_key;
    let refuse = |what| GitError::NotASigningKey { key: name.to_owned(), what };
    let mut weak = None;
    let bindings = subkey.signatures.iter().filter(|signature| signature.typ() == Some(SignatureType::SubkeyBinding));
    let holds = |signature: &Signature| signature.verify_subkey_binding(key, &subkey.key).is_ok();
    let Some(binding) = newest(bindings, holds, name, &mut weak) else {
        return Err(weak.unwrap_or_else(|| refuse("no binding of the subkey holds")));
    };
    if binding.signs() != Some(true) {
        return Err(refuse("its subkey's flags do not say so"));
    }
    let back = binding.signature.embedded_signature().ok_or_else(|| refuse("its subkey did not agree"))?;
    if back.verify_primary_key_binding(&subkey.key, key).is_err() {
        return Err(refuse("its subkey did not agree"));
    }
    if let Some(config) = back.config() {
        strong_hash(config, name)?;
    }
    Ok(binding)
}

/// The user id that the key itself puts first; at most 200 characters.
pub(super) fn principal(known: &SignedPublicKey) -> Option<SmolStr> {
    let users = &known.details.users;
    let user = users.iter().find(|user| user.is_primary()).or(users.first())?;
    let text = user.id.as_str()?;
    Some(text.chars().take(200).collect())
}
