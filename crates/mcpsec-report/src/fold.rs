//! Folding: many subjects with the same story become one story. Only for people; JSON has every result.
use std::collections::BTreeMap;

use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    finding::Finding,
};

/// Results of one check that ended the same way, for the same reason, with the same advice.
#[derive(Debug)]
pub(crate) struct Folded<'a> {
    pub(crate) check: Check,
    pub(crate) status: &'a CheckStatus,
    pub(crate) hint: Option<&'a str>,
    pub(crate) subjects: Vec<&'a str>,
}

/// Failures first, then what was not checked, then passes, then the rest; each in the order of the checks.
pub(crate) fn checks(results: &[CheckResult]) -> Vec<Folded<'_>> {
    let mut groups = BTreeMap::new();
    for result in results {
        let rank = match result.status {
            CheckStatus::Fail(_) => 0,
            CheckStatus::Unchecked(_) => 1,
            CheckStatus::Pass => 2,
            CheckStatus::NotApplicable => 3,
        };
        let key = (rank, result.check, result.status.reason(), result.hint.as_deref());
        let group = groups.entry(key).or_insert_with(|| Folded {
            check: result.check,
            status: &result.status,
            hint: result.hint.as_deref(),
            subjects: Vec::new(),
        });
        group.subjects.push(&result.subject);
    }
    groups.into_values().map(sorted).collect()
}

fn sorted(mut group: Folded<'_>) -> Folded<'_> {
    group.subjects.sort_unstable();
    group.subjects.dedup();
    group
}

/// Findings of one rule with the same words.
#[derive(Debug)]
pub(crate) struct FoldedFinding<'a> {
    /// The first of them.
    pub(crate) finding: &'a Finding,
    pub(crate) subjects: Vec<&'a str>,
}

/// Worst first, then in the order of the rules.
pub(crate) fn findings(findings: &[Finding]) -> Vec<FoldedFinding<'_>> {
    let mut groups: BTreeMap<_, FoldedFinding<'_>> = BTreeMap::new();
    for finding in findings {
        let worst_first = std::cmp::Reverse(finding.severity());
        let key = (worst_first, finding.rule, finding.message.as_str(), finding.evidence.as_ref());
        let group = groups.entry(key).or_insert_with(|| FoldedFinding { finding, subjects: Vec::new() });
        group.subjects.push(&finding.subject);
    }
    let mut folded: Vec<FoldedFinding<'_>> = groups.into_values().collect();
    for group in &mut folded {
        group.subjects.sort_unstable();
        group.subjects.dedup();
    }
    folded
}
