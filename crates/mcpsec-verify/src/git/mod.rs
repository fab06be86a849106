//! Signatures of git tags and commits: SSH, OpenPGP, and X.509 with or without a Sigstore witness. No git, no GnuPG and no
//! ssh-keygen runs; the objects come as raw bytes and the keys from the caller.
//!
//! Before the signature is looked at, the object must be the one that was asked for: its bytes hash to the id, a tag has the
//! reference's name and is about the locked commit, a commit has the locked tree.
//!
//! **Time.** A git object's time is written by whoever makes the object, so it is a claim. It is what validity windows of keys are
//! compared with, as git does it: a window says "this key is not used for anything dated later", and an owner of a stolen key can
//! back-date. Only a transparency log witnesses a time, and only then has the proof one.
mod allowed;
mod armor;
mod error;
mod id;
mod object;
mod pgp;
mod release;
mod signers;
mod ssh;
#[cfg(test)]
mod tests;
mod x509;

use mcpsec_model::{
    evidence::{EvidenceKind, Signer, VerifiedSignature},
    text::Untrusted,
};

pub use allowed::LineError;
pub use error::GitError;
pub use object::ObjectKind;
pub use release::{ReleaseError, release};
pub use signers::{Signers, SignersError};

use armor::Form;
use object::{Fields, Object};

use crate::sigstore::TrustRoot;

/// The largest object that is read: 1 MiB. The longest tags and commits in use have some 100 kB.
pub const MAX_OBJECT: usize = 1024 * 1024;

/// What the caller knows about the tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExpectedTag<'a> {
    /// The id of the tag object: 40 or 64 lower-case hexadecimal digits.
    pub id: &'a str,
    /// The name of the reference, without `refs/tags/`.
    pub name: &'a str,
    /// The id of the locked commit.
    pub target: &'a str,
}

/// What is known about who signed an object. Only [`Outcome::Verified`] is a pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It carries no signature.
    Unsigned,
    /// Signed by a known key that was valid at the object's time, or by a certificate of a trusted authority at a witnessed time.
    Verified(VerifiedSignature),
    /// Signed by nobody who is known.
    UnknownKey {
        /// The signature holds for the key that it brings along (SSH, X.509), which nobody vouches for. `None` where it cannot be
        /// checked at all: OpenPGP signatures do not bring their key.
        signature: Option<VerifiedSignature>,
        /// What the key is called: `SHA256:…`, `PGP:<fingerprint or key id>`, or the certificate's subject. Escaped.
        key: String,
    },
    /// Signed with a certificate of a trusted authority, and nobody witnessed when: certificates of Fulcio live ten minutes, so the
    /// signature may be of any time after. The signer is told and proves nothing.
    Unwitnessed {
        /// Who the certificate says it is.
        signer: Signer,
        /// The certificate's subject, escaped.
        key: String,
    },
}

/// Checks the tag object `raw` (the bytes after `tag <length>\0`) and its signature.
pub fn tag(
    raw: &[u8],
    expected: ExpectedTag<'_>,
    signers: &Signers,
    root: Option<&TrustRoot>,
) -> Result<Outcome, GitError> {
    let object = load(ObjectKind::Tag, raw, expected.id)?;
    if let Fields::Tag { object: inside, target, name } = object.fields {
        if name != expected.name {
            return Err(GitError::WrongTagName { inside: shown(name), expected: shown(expected.name) });
        }
        if target != ObjectKind::Commit.as_str() {
            return Err(GitError::WrongTargetType(shown(target)));
        }
        if inside != expected.target {
            return Err(GitError::WrongTarget { inside: shown(inside), expected: shown(expected.target) });
        }
    }
    signature(&object, EvidenceKind::GitTag, expected.id, signers, root)
}

/// Checks the commit object `raw` (the bytes after `commit <length>\0`) and its signature. `id` and `tree` are what is locked.
pub fn commit(
    raw: &[u8],
    id: &str,
    tree: &str,
    signers: &Signers,
    root: Option<&TrustRoot>,
) -> Result<Outcome, GitError> {
    let object = load(ObjectKind::Commit, raw, id)?;
    if let Fields::Commit { tree: inside } = object.fields
        && inside != tree
    {
        return Err(GitError::WrongTree { inside: shown(inside), expected: shown(tree) });
    }
    signature(&object, EvidenceKind::GitCommit, id, signers, root)
}

/// The id that an object has in the repository of another object, whose id says which hash that is.
///
/// # Errors
/// [`GitError::NotAnId`], [`GitError::Collision`].
pub fn object_id(kind: ObjectKind, raw: &[u8], sibling: &str) -> Result<String, GitError> {
    id::of(kind, raw, sibling)
}

/// The id of what a tag object says it is about; `None` for what is no tag. Not verified.
pub fn target(raw: &[u8]) -> Option<String> {
    let line = raw.split(|byte| *byte == b'\n').next()?.strip_prefix(b"object ")?;
    let id = std::str::from_utf8(line).ok()?;
    id::is_id(id).then(|| id.to_owned())
}

fn load<'a>(kind: ObjectKind, raw: &'a [u8], id: &str) -> Result<Object<'a>, GitError> {
    if raw.len() > MAX_OBJECT {
        return Err(GitError::TooLong { kind, len: raw.len(), max: MAX_OBJECT });
    }
    let algorithm = id::check(kind, raw, id)?;
    Object::parse(kind, raw, algorithm)
}

fn signature(
    object: &Object<'_>,
    kind: EvidenceKind,
    id: &str,
    signers: &Signers,
    root: Option<&TrustRoot>,
) -> Result<Outcome, GitError> {
    let Some(block) = &object.signature else { return Ok(Outcome::Unsigned) };
    match Form::of(block)? {
        Form::Ssh => ssh::verify(object, block, kind, id, signers),
        Form::Pgp => pgp::verify(object, block, kind, id, signers),
        Form::X509 => x509::verify(object, block, kind, id, root),
    }
}

fn shown(text: &str) -> String {
    Untrusted::new(text).excerpt(100)
}
