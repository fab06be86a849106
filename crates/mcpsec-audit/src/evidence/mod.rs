//! What evidence, pins and policy come to: the checks `registry-signature`, `provenance`, `signer` and `git-signature`.
//!
//! | what was found | what is pinned | what the check says |
//! |---|---|---|
//! | it holds, by whom is pinned or expected | | pass |
//! | it is there and does not hold | | fail |
//! | it holds, by somebody else | | fail (`signer`) |
//! | the registry hands out evidence, none for this | something | fail |
//! | | nothing | n/a; a finding where the policy requires it |
//! | the registry hands out none at all, or could not be asked | something | unchecked, not tolerated |
//! | | nothing | unchecked, tolerated unless required |
//!
//! [`judge`] is for one package with what is known about its files; [`pins`] is what the lock is to remember of it;
//! [`trust`] compares a version with those before it.
mod lines;
pub mod trust;

use std::collections::BTreeMap;

use mcpsec_model::{
    check::CheckResult,
    config::{Policy, ProvenanceRule},
    evidence::{Assessed, EvidenceKind, Found, Pin, Pinned},
    finding::{Finding, Rule},
    name::{Ecosystem, ServerName},
    package::Package,
};

/// One package of one server, with what is pinned (`package.evidence`) and what is known now.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The server.
    pub server: &'a ServerName,
    /// The package; its `evidence` is what mcp.lock pins.
    pub package: &'a Package,
    /// Whether it is the server's own package.
    pub is_root: bool,
    /// What is known about its files. Files that nobody looked at are not in it.
    pub assessed: &'a [Assessed],
}

impl Case<'_> {
    /// The policy's rule for this package.
    pub fn rule(&self, policy: &Policy) -> ProvenanceRule {
        policy.provenance_for(&self.package.id, self.is_root.then_some(self.server))
    }
}

/// What is said about one package.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Said {
    /// Checks; `n/a` ones too.
    pub checks: Vec<CheckResult>,
    /// Findings.
    pub findings: Vec<Finding>,
}

/// Judges the evidence of one package. A package without files of its own (bundled) has none.
pub fn judge(policy: &Policy, case: Case<'_>) -> Said {
    let rule = case.rule(policy);
    let mut said = Said::default();
    if case.package.artifacts.is_empty() || (rule == ProvenanceRule::Off && expected(policy, case).is_empty()) {
        return said;
    }
    match case.package.id.ecosystem() {
        Ecosystem::Npm => {
            said.checks.push(lines::registry_signature(case, rule));
            said.checks.push(lines::provenance(case, rule));
        }
        Ecosystem::Pypi => said.checks.push(lines::provenance(case, rule)),
        Ecosystem::Git => {
            said.checks.push(lines::git_signature(case, rule));
            let pinned = case.package.evidence.pins().iter().any(|pin| pin.kind == EvidenceKind::Release);
            if pinned || case.assessed.iter().any(|file| !matches!(file.attestation, Found::Nothing | Found::Stripped))
            {
                said.checks.push(lines::provenance(case, rule));
            }
        }
    }
    said.checks.push(lines::signer(policy, case));
    said.findings.extend(lines::missing(case, rule));
    let subject = case.package.id.to_string();
    for file in case.assessed.iter().filter(|file| file.withdrawn) {
        let message =
            format!("the registry no longer hands out the evidence of {}; the stored copy still proves it", file.file);
        said.findings.push(Finding::new(Rule::EvidenceWithdrawn, subject.clone(), message));
    }
    said
}

/// The signers that mcp.toml expects for this package: those of the most exact pattern.
fn expected<'p>(policy: &'p Policy, case: Case<'_>) -> Vec<&'p mcpsec_model::config::ExpectedSigner> {
    let root_of = case.is_root.then_some(case.server);
    let matching =
        policy.signers.iter().filter_map(|signer| Some((signer.subject.matches(&case.package.id, root_of)?, signer)));
    let matching: Vec<_> = matching.collect();
    let best = matching.iter().map(|(exactness, _)| *exactness).max();
    matching.into_iter().filter(|(exactness, _)| Some(*exactness) == best).map(|(_, signer)| signer).collect()
}

/// What the lock is to remember. A pin that holds for every file of the package is written once.
pub fn pins(package: &Package, assessed: &[Assessed]) -> Pinned {
    let mut files_of: BTreeMap<Pin, Vec<&str>> = BTreeMap::new();
    for file in assessed {
        for proof in file.signature.proofs().iter().chain(file.attestation.proofs()) {
            files_of.entry(proof.pin()).or_default().push(&file.file);
        }
    }
    let all = |files: &[&str]| package.artifacts.iter().all(|artifact| files.contains(&artifact.file.as_str()));
    let mut pins = Vec::new();
    for (pin, files) in files_of {
        if all(&files) {
            pins.push(pin);
        } else {
            pins.extend(files.into_iter().map(|file| Pin { file: Some(file.into()), ..pin.clone() }));
        }
    }
    if !pins.is_empty() {
        return Pinned::by(pins);
    }
    let both = || assessed.iter().flat_map(|file| [&file.signature, &file.attestation]);
    if assessed.is_empty() || both().any(|found| matches!(found, Found::Unknown(_) | Found::Refused(_))) {
        Pinned::NotLooked
    } else if both().any(|found| matches!(found, Found::Stripped)) {
        Pinned::Stripped
    } else {
        Pinned::Nothing
    }
}

#[cfg(test)]
mod tests;
