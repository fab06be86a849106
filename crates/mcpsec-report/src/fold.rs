//! Folding: many subjects with the same story become one story. Only for people; JSON has every result.
use std::collections::BTreeMap;

use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    finding::Finding,
};

use crate::standing::{Item, Standing, What};

/// Things of one standing with the same words.
#[derive(Debug)]
pub(crate) struct Story<'a> {
    /// The first of them.
    pub(crate) first: &'a Item<'a>,
    pub(crate) subjects: Vec<&'a str>,
    /// The next step, if all of them have the same one, else that of the first.
    pub(crate) help: Option<String>,
}

/// Folds things of one standing, in the order of their first mention.
pub(crate) fn items<'a>(items: &[&'a Item<'a>], command: &str, server: Option<&str>) -> Vec<Story<'a>> {
    let mut stories: Vec<Story<'a>> = Vec::new();
    let mut known = BTreeMap::new();
    for item in items {
        let hint = if let What::Check(result) = item.what { result.hint.as_deref() } else { None };
        let by = if let Standing::Allowed(by) = item.standing { Some(by) } else { None };
        let place = item.project_place().or(item.package_place());
        let key = (item.source, item.message(), item.evidence(), by, hint, place);
        match known.get(&key) {
            Some(at) => {
                let story: &mut Story<'a> = &mut stories[*at];
                story.subjects.push(item.subject);
            }
            None => {
                known.insert(key, stories.len());
                stories.push(Story { first: item, subjects: vec![item.subject], help: item.next(command, server) });
            }
        }
    }
    for story in &mut stories {
        story.subjects.sort_unstable();
        story.subjects.dedup();
    }
    // Checks in their order, then findings worst first, as people know them.
    stories.sort_by_key(|story| rank(story.first));
    stories
}

fn rank(
    item: &Item<'_>,
) -> (u8, std::cmp::Reverse<Option<mcpsec_model::finding::Severity>>, mcpsec_model::verdict::Source) {
    match item.what {
        What::Check(_) => (0, std::cmp::Reverse(None), item.source),
        What::Finding(finding) => (1, std::cmp::Reverse(Some(finding.severity())), item.source),
        What::Change(_) | What::Nothing => (2, std::cmp::Reverse(None), item.source),
    }
}

/// What is only worth knowing: the subjects of each rule.
pub(crate) fn infos<'a>(items: &[&'a Item<'a>]) -> BTreeMap<&'static str, Vec<&'a str>> {
    let mut rules: BTreeMap<&'static str, Vec<&'a str>> = BTreeMap::new();
    for item in items {
        rules.entry(item.source.id()).or_default().push(item.subject);
    }
    for subjects in rules.values_mut() {
        subjects.sort_unstable();
        subjects.dedup();
    }
    rules
}

/// Results of one check that ended the same way, for the same reason.
#[derive(Debug)]
pub(crate) struct Folded<'a> {
    pub(crate) check: Check,
    pub(crate) status: &'a CheckStatus,
    pub(crate) subjects: Vec<&'a str>,
}

/// Passes, then what has no meaning here; each in the order of the checks.
pub(crate) fn checks<'a>(results: impl Iterator<Item = &'a CheckResult>) -> Vec<Folded<'a>> {
    let mut groups = BTreeMap::new();
    for result in results {
        let rank = match result.status {
            CheckStatus::Fail(_) => 0,
            CheckStatus::Unchecked(_) => 1,
            CheckStatus::Pass => 2,
            CheckStatus::NotApplicable => 3,
        };
        let key = (rank, result.check, result.status.reason());
        let group = groups.entry(key).or_insert_with(|| Folded {
            check: result.check,
            status: &result.status,
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
