//! Evidence: who signed the bytes of an artifact, how that is known, and what the lock remembers of it.
//!
//! Data flows one way: a source says what the registry has ([`Offer`]), fetch brings the raw documents ([`Documents`]), verify
//! turns them into a [`Proof`] or refuses them, the lock keeps the [`Pin`] of each proof, and audit compares pins, policy and
//! [`Release`]s. A proof type has one constructor whose name starts with `vouch_`; only `mcpsec-verify` calls it.
mod assessed;
mod documents;
mod history;
mod identity;
mod pin;
mod proof;

pub use assessed::{Assessed, Found};
pub use documents::{Documents, Offer, RegistryKey, RegistrySignature};
pub use history::{Release, Trust};
pub use identity::{Signer, SignerIdentity};
pub use pin::{EvidenceState, Pin, Pinned, SignerPin};
pub use proof::{EvidenceKind, LogEvidence, Proof, VerifiedProvenance, VerifiedSignature};
