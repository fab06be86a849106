//! The single checks. Each looks at every file that is known and ends as its worst file does.
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::{Policy, ProvenanceRule},
    evidence::{Assessed, EvidenceKind, Found, Pin, Proof, Signer, SignerPin},
    finding::{Finding, Rule},
    name::Ecosystem,
};

use super::{Case, expected};

/// How one file ended: the status, and whether the policy tolerates that it could not be checked.
type Ended = (CheckStatus, bool);

fn worst(check: Check, case: Case<'_>, each: impl Fn(&Assessed) -> Ended) -> CheckResult {
    let rank = |(status, tolerated): &Ended| match status {
        CheckStatus::Fail(_) => 4,
        CheckStatus::Unchecked(_) if !tolerated => 3,
        CheckStatus::Unchecked(_) => 2,
        CheckStatus::Pass => 1,
        CheckStatus::NotApplicable => 0,
    };
    let nobody = (CheckStatus::Unchecked("its evidence was not looked at".to_owned()), false);
    let ended = case.assessed.iter().map(each).max_by_key(rank).unwrap_or(nobody);
    CheckResult::new(check, case.package.id.to_string(), ended.0).tolerated(ended.1)
}

/// Whether a statement names who built or published it, beyond "the registry has it".
fn names_somebody(proof: &Proof) -> bool {
    match proof.kind() {
        EvidenceKind::RegistrySignature => false,
        EvidenceKind::Publish => proof.signer().identity().is_some(),
        EvidenceKind::Provenance | EvidenceKind::Release | EvidenceKind::GitTag | EvidenceKind::GitCommit => true,
    }
}

fn pin_names_somebody(pin: &Pin) -> bool {
    match pin.kind {
        EvidenceKind::RegistrySignature => false,
        EvidenceKind::Publish => !matches!(pin.signer, SignerPin::Key { .. }),
        EvidenceKind::Provenance | EvidenceKind::Release | EvidenceKind::GitTag | EvidenceKind::GitCommit => true,
    }
}

fn is_attestation(kind: EvidenceKind) -> bool {
    matches!(kind, EvidenceKind::Publish | EvidenceKind::Provenance | EvidenceKind::Release)
}

fn is_git(kind: EvidenceKind) -> bool {
    matches!(kind, EvidenceKind::GitTag | EvidenceKind::GitCommit)
}

/// A statement that is pinned and cannot be looked at now is never tolerated: what was proven must stay provable.
fn open(why: &str, pinned: Option<&Pin>, required: bool) -> Ended {
    match pinned {
        Some(pin) => {
            let words =
                format!("{why}; mcp.lock pins a {} by {}, and the store has no copy of it", pin.kind, pin.signer);
            (CheckStatus::Unchecked(words), false)
        }
        None => (CheckStatus::Unchecked(why.to_owned()), !required),
    }
}

pub(super) fn registry_signature(case: Case<'_>, rule: ProvenanceRule) -> CheckResult {
    let required = rule == ProvenanceRule::Required;
    worst(Check::RegistrySignature, case, |file| {
        let pinned = case.package.evidence.about(&file.file).find(|pin| pin.kind == EvidenceKind::RegistrySignature);
        match &file.signature {
            Found::Proofs(proofs) => {
                // A registry changes its keys; a key that is vouched for by others may take the place of another such key.
                let known = |proof: &Proof| matches!(proof.signer(), Signer::Key { vouched: true, .. });
                let fits = |proof: &Proof| known(proof) || pinned.is_none_or(|pin| pin.signer.admits(proof.signer()));
                match proofs.iter().find(|proof| !fits(proof)).zip(pinned) {
                    Some((proof, pin)) => (
                        CheckStatus::Fail(format!("it is signed by {}, locked is {}", proof.signer(), pin.signer)),
                        false,
                    ),
                    None => (CheckStatus::Pass, false),
                }
            }
            Found::Refused(why) => (CheckStatus::Fail(why.clone()), false),
            Found::Nothing => match pinned {
                Some(pin) => {
                    let words = format!(
                        "mcp.lock pins a signature by {}; the registry has none of this version now",
                        pin.signer
                    );
                    (CheckStatus::Fail(words), false)
                }
                None => (CheckStatus::Unchecked("the registry signs, but not this version".to_owned()), !required),
            },
            Found::Stripped => open("registry offers no signatures", pinned, required),
            Found::Unknown(why) => open(why, pinned, required),
        }
    })
}

pub(super) fn provenance(case: Case<'_>, rule: ProvenanceRule) -> CheckResult {
    let required = rule == ProvenanceRule::Required;
    worst(Check::Provenance, case, |file| {
        let pinned = || case.package.evidence.about(&file.file).filter(|pin| is_attestation(pin.kind));
        // The one that says most.
        let main = pinned().max_by_key(|pin| (pin_names_somebody(pin), pin.kind));
        match &file.attestation {
            Found::Proofs(proofs) => {
                let lost = pinned().find(|pin| !proofs.iter().any(|proof| proof.kind() == pin.kind));
                if let Some(pin) = lost {
                    let kinds: Vec<&str> = proofs.iter().map(|proof| proof.kind().as_str()).collect();
                    let words = format!(
                        "mcp.lock pins a {} by {}; now there is only: {}",
                        pin.kind,
                        pin.signer,
                        kinds.join(", ")
                    );
                    return (CheckStatus::Fail(words), false);
                }
                // Who it is, is the business of `signer`; here only the witness of the time.
                let weaker = pinned().find_map(|pin| {
                    let same =
                        proofs.iter().filter(|proof| proof.kind() == pin.kind && pin.signer.admits(proof.signer()));
                    let mut errors: Vec<String> = Vec::new();
                    for proof in same {
                        errors.push(pin.admits(proof).err()?);
                    }
                    errors.pop()
                });
                match weaker {
                    Some(words) => (CheckStatus::Fail(words), false),
                    None => (CheckStatus::Pass, false),
                }
            }
            Found::Refused(why) => (CheckStatus::Fail(why.clone()), false),
            Found::Nothing => match main {
                Some(pin) => {
                    let words = format!(
                        "mcp.lock pins a {} by {}; the registry has no attestation of it now",
                        pin.kind, pin.signer
                    );
                    (CheckStatus::Fail(words), false)
                }
                None => (CheckStatus::NotApplicable, false),
            },
            Found::Stripped => open("registry offers no attestations", main, required),
            Found::Unknown(why) => open(why, main, required),
        }
    })
}

pub(super) fn git_signature(case: Case<'_>, rule: ProvenanceRule) -> CheckResult {
    worst(Check::GitSignature, case, |file| {
        let pinned = || case.package.evidence.about(&file.file).filter(|pin| is_git(pin.kind));
        let required = matches!(rule, ProvenanceRule::Signed | ProvenanceRule::Required);
        match &file.signature {
            Found::Proofs(proofs) => {
                if let Some(pin) = pinned().find(|pin| !proofs.iter().any(|proof| proof.kind() == pin.kind)) {
                    return (
                        CheckStatus::Fail(format!("mcp.lock pins a {} by {}; now there is none", pin.kind, pin.signer)),
                        false,
                    );
                }
                let unknown = |proof: &&Proof| matches!(proof.signer(), Signer::Key { vouched: false, .. });
                match proofs.iter().find(unknown) {
                    Some(proof) if rule == ProvenanceRule::Required && proofs.iter().all(|proof| unknown(&proof)) => {
                        let words = format!(
                            "it is signed by {}, and no file of signers says whose key that is",
                            proof.signer()
                        );
                        (CheckStatus::Unchecked(words), false)
                    }
                    _ => (CheckStatus::Pass, false),
                }
            }
            Found::Refused(why) => (CheckStatus::Fail(why.clone()), false),
            Found::Nothing | Found::Stripped => match pinned().next() {
                Some(pin) => {
                    let words = format!("mcp.lock pins a {} by {}; it is not signed now", pin.kind, pin.signer);
                    (CheckStatus::Fail(words), false)
                }
                None => (CheckStatus::NotApplicable, false),
            },
            Found::Unknown(why) => open(why, pinned().next(), required),
        }
    })
}

pub(super) fn signer(policy: &Policy, case: Case<'_>) -> CheckResult {
    let wanted = expected(policy, case);
    let describe = || wanted.iter().map(|signer| signer.describe()).collect::<Vec<_>>().join(", or ");
    let result = worst(Check::Signer, case, |file| {
        let proofs = || file.signature.proofs().iter().chain(file.attestation.proofs());
        let mut compared = false;
        for pin in case.package.evidence.about(&file.file).filter(|pin| pin_names_somebody(pin)) {
            let same: Vec<&Proof> = proofs().filter(|proof| proof.kind() == pin.kind).collect();
            // A statement that is gone is the business of the other checks.
            let Some(first) = same.first() else { continue };
            compared = true;
            if !same.iter().any(|proof| pin.signer.admits(proof.signer())) {
                return (
                    CheckStatus::Fail(format!("it is signed by {}, locked is {}", first.signer(), pin.signer)),
                    false,
                );
            }
        }
        if wanted.is_empty() {
            return (if compared { CheckStatus::Pass } else { CheckStatus::NotApplicable }, false);
        }
        if proofs().any(|proof| wanted.iter().any(|wanted| wanted.admits(proof.signer()))) {
            return (CheckStatus::Pass, false);
        }
        if let Some(proof) = proofs().rfind(|proof| names_somebody(proof)) {
            return (
                CheckStatus::Fail(format!("it is signed by {}, mcp.toml expects {}", proof.signer(), describe())),
                false,
            );
        }
        let unknown = [&file.attestation, &file.signature].into_iter().find_map(|found| match found {
            Found::Unknown(why) => Some(why.as_str()),
            Found::Stripped => Some("the registry offers no evidence"),
            _ => None,
        });
        match unknown {
            Some(why) => (CheckStatus::Unchecked(format!("mcp.toml expects {}; {why}", describe())), false),
            None => (CheckStatus::Fail(format!("mcp.toml expects {}; nothing says who built it", describe())), false),
        }
    });
    match &result.status {
        CheckStatus::Fail(_) if !wanted.is_empty() => {
            result.hint("look at who that is before you change [[policy.signers]] in mcp.toml")
        }
        CheckStatus::Fail(_) => {
            result.hint("if the change is meant, `mcpsec add NAME --fresh` shows it and locks it anew")
        }
        _ => result,
    }
}

/// The finding that the policy requires to know who built it and nothing says so.
pub(super) fn missing(case: Case<'_>, rule: ProvenanceRule) -> Option<Finding> {
    let git = case.package.id.ecosystem() == Ecosystem::Git;
    let required = rule == ProvenanceRule::Required || (git && rule == ProvenanceRule::Signed);
    if !required {
        return None;
    }
    let bare = |file: &&Assessed| {
        // What is refused, stripped or unknown is told by the checks.
        let settled = |found: &Found| matches!(found, Found::Nothing | Found::Proofs(_));
        let signature_settled = !git || settled(&file.signature) || matches!(file.signature, Found::Stripped);
        let named = file.signature.proofs().iter().chain(file.attestation.proofs()).any(names_somebody);
        let attestation_settled = settled(&file.attestation) || git;
        signature_settled && attestation_settled && !named
    };
    let file = case.assessed.iter().find(bare)?;
    let message = if git {
        "the policy requires a signature, and neither the tag nor the commit is signed".to_owned()
    } else if file.attestation.proofs().is_empty() {
        "the policy requires provenance, and its publisher gives none".to_owned()
    } else {
        "the policy requires provenance, and there is only the registry's word that it was published".to_owned()
    };
    Some(Finding::new(Rule::NoProvenance, case.package.id.to_string(), message))
}
