//! What earlier versions of a package had: the expectation that a later version is held to.
use smol_str::SmolStr;

use super::SignerPin;
use crate::time::Timestamp;

/// How much a version had going for it, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Trust {
    /// No attestation, no signature of the author.
    None,
    /// Signed by its author (git).
    Signed,
    /// Attested by a build or a trusted publisher.
    Attested,
}

impl Trust {
    /// The words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "unsigned",
            Self::Signed => "signed",
            Self::Attested => "attested",
        }
    }
}

/// One published version, as the registry (or the repository) tells it. The time is a claim, used for order only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// The version or tag.
    pub version: SmolStr,
    /// When it was published.
    pub published: Timestamp,
    /// What it had.
    pub trust: Trust,
    /// Who signed it, where that was verified.
    pub signer: Option<SignerPin>,
}
