//! What became of the evidence of one file: the input of the judgement.
use smol_str::SmolStr;

use super::Proof;

/// How the search for one line of evidence ended. "Not there", "not handed out" and "not known" are three different things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// It is there and holds; never empty.
    Proofs(Vec<Proof>),
    /// It is there and does not hold; the text says why, safe to print.
    Refused(String),
    /// The registry hands out such evidence and has none for this file.
    Nothing,
    /// The registry hands out no such evidence at all.
    Stripped,
    /// It could not be looked at; the text says why, safe to print.
    Unknown(String),
}

impl Found {
    /// The proofs, if there are some.
    pub fn proofs(&self) -> &[Proof] {
        match self {
            Self::Proofs(proofs) => proofs,
            _ => &[],
        }
    }
}

/// Everything that vouches, or fails to vouch, for one file of a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assessed {
    /// The file.
    pub file: SmolStr,
    /// Registry signatures (npm), or the signature of the tag or commit (git). Python has none.
    pub signature: Found,
    /// Publish and build attestations (npm, Python), or release attestations (git).
    pub attestation: Found,
    /// Whether the registry, asked now, no longer hands out what the stored documents prove.
    pub withdrawn: bool,
}
