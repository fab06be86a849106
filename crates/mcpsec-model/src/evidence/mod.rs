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

#[cfg(test)]
mod tests {
    use super::{EvidenceKind, EvidenceState, LogEvidence};
    use crate::{check::Check, finding::Rule};

    #[test]
    fn every_word_about_evidence_is_documented() {
        let doc = include_str!("../../../../docs/evidence.md");
        let lock = include_str!("../../../../docs/lock-format.md");
        for state in EvidenceState::ALL {
            assert!(doc.contains(&format!("| `{state}` |")), "{state}");
        }
        for kind in EvidenceKind::ALL {
            assert!(lock.contains(&format!("`{kind}`")), "{kind}");
            assert_eq!(EvidenceKind::from_word(kind.as_str()), Some(kind));
        }
        for log in [LogEvidence::Proof, LogEvidence::Promise, LogEvidence::Timestamp] {
            assert!(doc.contains(&format!("`{log}`")) && lock.contains(&format!("`{log}`")), "{log}");
            assert_eq!(LogEvidence::from_word(log.as_str()), Some(log));
        }
        for check in [Check::RegistrySignature, Check::Provenance, Check::Signer, Check::GitSignature] {
            assert!(doc.contains(&format!("| `{check}` |")), "{check}");
        }
        for rule in [Rule::NoProvenance, Rule::TrustDowngrade, Rule::SignerChanged] {
            assert!(doc.contains(&format!("`{}`", rule.id())), "{}", rule.id());
        }
    }
}
