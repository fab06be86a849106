//! Object ids: the hash of an object's kind, length and bytes.
use sha1_checked::Digest as _;

use super::{GitError, ObjectKind};

/// Computes the id of the object and compares it with `expected`: 40 lower-case hexadecimal digits in a SHA-1 repository, 64 in
/// a SHA-256 one. SHA-1 is taken with collision detection, as git itself does.
pub(super) fn check(kind: ObjectKind, raw: &[u8], expected: &str) -> Result<Algorithm, GitError> {
    let algorithm = Algorithm::of(expected)?;
    let computed = of(kind, raw, expected)?;
    if computed == expected {
        Ok(algorithm)
    } else {
        Err(GitError::WrongObjectId { computed, expected: expected.to_owned() })
    }
}

/// The id of the object, by the hash that another id was made with.
pub(super) fn of(kind: ObjectKind, raw: &[u8], like: &str) -> Result<String, GitError> {
    let header = format!("{kind} {}\0", raw.len());
    match Algorithm::of(like)? {
        Algorithm::Sha1 => sha1(&[header.as_bytes(), raw]),
        Algorithm::Sha256 => {
            let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
            context.update(header.as_bytes());
            context.update(raw);
            Ok(hex::encode(context.finish()))
        }
    }
}

/// Whether a text is an object id.
pub(super) fn is_id(text: &str) -> bool {
    Algorithm::of(text).is_ok()
}

/// What a repository names its objects with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Algorithm {
    /// 40 digits.
    Sha1,
    /// 64 digits.
    Sha256,
}

impl Algorithm {
    /// By the length of an id, which must be lower-case hexadecimal.
    pub(super) fn of(id: &str) -> Result<Self, GitError> {
        let digits = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match id.len() {
            40 if digits => Ok(Self::Sha1),
            64 if digits => Ok(Self::Sha256),
            _ => Err(GitError::NotAnId(mcpsec_model::text::Untrusted::new(id).excerpt(80))),
        }
    }
}

pub(super) fn sha1(parts: &[&[u8]]) -> Result<String, GitError> {
    let mut hasher = sha1_checked::Sha1::new();
    for part in parts {
        hasher.update(part);
    }
    let result = hasher.try_finalize();
    let digest = hex::encode(result.hash());
    if result.has_collision() { Err(GitError::Collision(digest)) } else { Ok(digest) }
}
