//! Whether a head is the log's own, and still to be believed.
use mcpsec_model::{
    approval::head::{Head, HeadError, HeadNote, Origin},
    time::Timestamp,
};

use super::LogKey;

/// The longest that a head may hold, in seconds: 31 days. Whoever holds a head that never expires, the registry or somebody between,
/// could show it for ever and hide every revocation behind it.
pub const LONGEST: i64 = 31 * 24 * 3600;
/// How far a registry's clock may be ahead, in seconds.
const AHEAD: i64 = 3600;

/// Why a head is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeadRefusal {
    /// Not a head.
    #[error("the head of the log cannot be read: {0}")]
    Form(#[from] HeadError),
    /// Of another log.
    #[error("the head is of the log `{found}`, not of `{expected}`")]
    Origin {
        /// Whose it should be.
        expected: Origin,
        /// Whose it is.
        found: Origin,
    },
    /// Nobody signed it who may.
    #[error("the head is not signed by the key {expected}")]
    Unsigned {
        /// The short form of the key.
        expected: String,
    },
    /// It says that the key signed it.
    #[error("the signature of the key {0} under the head does not hold")]
    Signature(String),
    /// It was good. What it says is true, but there may be more by now.
    #[error("the head expired at {}: the log has stood still since then, or somebody holds newer heads back", .0.expires)]
    Expired(Head),
    /// It would hold for so long that newer heads could be held back behind it.
    #[error("the head is to hold until {}, and no head may hold for more than {} days: newer ones could be held back behind it", .0.expires, LONGEST / 86_400)]
    Long(Head),
}

/// The head in a note that is signed by this key, whether it is still good or not: for what was stored, and to tell its age.
///
/// # Errors
/// Every [`HeadRefusal`] but the last two.
pub fn open_head(note: &str, key: &LogKey) -> Result<Head, HeadRefusal> {
    let HeadNote { head, signatures } = HeadNote::parse(note)?;
    if head.origin != *key.origin() {
        return Err(HeadRefusal::Origin { expected: key.origin().clone(), found: head.origin });
    }
    // The first that names this key is the only one that is tried; those of witnesses are not ours to judge.
    let Some(signature) = signatures.iter().find(|signature| key.is_named_by(signature)) else {
        return Err(HeadRefusal::Unsigned { expected: key.short() });
    };
    if !key.holds(&head.text(), &signature.signature) {
        return Err(HeadRefusal::Signature(key.short()));
    }
    Ok(head)
}

/// Whether a key of the same log other than this one says that it signed as well: the log is about to change its key, if that one
/// really did ([`open_head`] tells).
pub fn is_cosigned(note: &str, key: &LogKey) -> bool {
    HeadNote::parse(note).is_ok_and(|note| {
        note.signatures.iter().any(|signature| signature.name == key.origin().as_str() && !key.is_named_by(signature))
    })
}

/// The head in a note that is signed by this key and still good.
///
/// # Errors
/// [`HeadRefusal`].
pub fn check_head(note: &str, key: &LogKey, now: Timestamp) -> Result<Head, HeadRefusal> {
    let head = open_head(note, key)?;
    if now >= head.expires {
        return Err(HeadRefusal::Expired(head));
    }
    if head.expires.as_second() - now.as_second() > LONGEST + AHEAD {
        return Err(HeadRefusal::Long(head));
    }
    Ok(head)
}
