//! Advisories against locked packages: which records are about a version, told as findings.
//!
//! Records come from the offline database or from the network, and wherever they come from they are matched here again: an answer that
//! names records is only a list of candidates. Records of several databases about one thing are one finding with all their ids.
//!
//! The subject of a finding is the package with the advisory's id after `#` ([`mcpsec_model::advisory::subject`]), so an exemption names one
//! advisory of one version and nothing else. It may name any id of the group.
mod evaluate;
#[cfg(test)]
mod tests;
mod version;

use std::collections::BTreeSet;

use mcpsec_model::{
    advisory::{Advisory, AdvisoryId, Record, subject},
    finding::{Finding, Rule, Severity},
    package::PackageId,
};

pub use evaluate::{Answer, evaluate, fixed};

/// Packages of a path that are named; from longer ones the middle is left out.
const PATH: usize = 6;
/// Other ids that are named.
const ALSO: usize = 6;

/// A package of a server and the records that may be about it.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The name of the server in mcp.toml, for the next command.
    pub server: &'a str,
    /// The package.
    pub package: &'a PackageId,
    /// The shortest way to it, from the server's own package; both ends included.
    pub path: &'a [&'a PackageId],
    /// Candidates.
    pub records: &'a [Record],
    /// Whether a rule and subject are the ones that somebody decided about: of several ids of one thing, that one is used.
    pub decided: &'a dyn Fn(Rule, &str) -> bool,
}

/// What the records say about a package.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Judged {
    /// What it has.
    pub findings: Vec<Finding>,
    /// Records about it that could not be evaluated: id and why.
    pub unknown: Vec<String>,
}

/// What the records say about a package.
pub fn judge(question: &Question<'_>) -> Judged {
    let mut judged = Judged::default();
    let mut matching: Vec<&Advisory> = Vec::new();
    for record in question.records {
        match record {
            Err(unread) => judged.unknown.push(format!("{}: {}", unread.id, unread.why)),
            Ok(advisory) => match evaluate(advisory, question.package) {
                Answer::Affected => matching.push(advisory),
                Answer::NotAffected => {}
                Answer::Unknown(why) => judged.unknown.push(format!("{}: {why}", advisory.id)),
            },
        }
    }
    judged.unknown.sort();
    judged.unknown.dedup();
    judged.findings = groups(matching).iter().map(|group| finding(question, group)).collect();
    judged
}

/// Records about one thing: such as share an id. Each record about malicious code is the head of a group of its own, so that an exemption
/// for one never covers another; the rest joins the first group that it shares an id with.
fn groups(mut records: Vec<&Advisory>) -> Vec<Vec<&Advisory>> {
    records.sort_by(|a, b| b.malicious.cmp(&a.malicious).then_with(|| rank(&a.id).cmp(&rank(&b.id))));
    records.dedup_by(|a, b| a.id == b.id);
    let mut groups: Vec<(BTreeSet<&AdvisoryId>, Vec<&Advisory>)> = Vec::new();
    for record in records {
        let ids: BTreeSet<&AdvisoryId> = record.ids().collect();
        let joins = |group: &(BTreeSet<&AdvisoryId>, Vec<&Advisory>)| !group.0.is_disjoint(&ids);
        if record.malicious {
            groups.push((ids, vec![record]));
            continue;
        }
        let (mut joined, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(joins);
        groups = apart;
        // What it ties together is one, except where two of them are malicious.
        let mut whole = (ids, vec![record]);
        let heads = joined.iter().filter(|group| group.1.iter().any(|record| record.malicious)).count();
        if heads <= 1 {
            for (ids, members) in joined {
                whole.0.extend(ids);
                whole.1.extend(members);
            }
        } else {
            let first = joined.iter_mut().find(|group| group.1.iter().any(|record| record.malicious));
            if let Some(first) = first {
                first.0.extend(std::mem::take(&mut whole.0));
                first.1.append(&mut whole.1);
            }
            groups.extend(joined);
        }
        if !whole.1.is_empty() {
            groups.push(whole);
        }
    }
    let mut groups: Vec<Vec<&Advisory>> = groups.into_iter().map(|(_, members)| members).collect();
    for group in &mut groups {
        group.sort_by(|a, b| b.malicious.cmp(&a.malicious).then_with(|| rank(&a.id).cmp(&rank(&b.id))));
    }
    groups.sort_by(|a, b| rank(&a[0].id).cmp(&rank(&b[0].id)));
    groups
}

/// Which id stands for a group: that of the database that says most, then the first in order.
fn rank(id: &AdvisoryId) -> (usize, &AdvisoryId) {
    const FIRST: [&str; 4] = ["MAL-", "GHSA-", "PYSEC-", "CVE-"];
    (FIRST.iter().position(|start| id.as_str().starts_with(start)).unwrap_or(FIRST.len()), id)
}

fn finding(question: &Question<'_>, group: &[&Advisory]) -> Finding {
    let malicious = group.iter().any(|record| record.malicious);
    let rule = if malicious { Rule::Malware } else { Rule::Vulnerable };
    let head = group[0];
    let mut ids: BTreeSet<&AdvisoryId> = group.iter().flat_map(|record| record.ids()).collect();
    // An alias may be used by a decision only where it is an id of a record of this group: anybody can be called an alias.
    let own = group.iter().map(|record| &record.id);
    let named = own.clone().find(|id| (question.decided)(rule, &subject(question.package, id))).unwrap_or(&head.id);
    ids.remove(named);
    let grade = group.iter().filter_map(|record| record.graded).max();
    let word = match (malicious, grade) {
        (true, _) => "malicious".to_owned(),
        (false, Some(grade)) => grade.to_string(),
        (false, None) => "not graded".to_owned(),
    };
    let also = match ids.len() {
        0 => String::new(),
        many => {
            let shown: Vec<&str> = ids.iter().take(ALSO).map(|id| id.as_str()).collect();
            let more = if many > ALSO { format!(" and {} more", many - ALSO) } else { String::new() };
            format!(" (also {}{more})", shown.join(", "))
        }
    };
    let fixed = evaluate::fixed(group, question.package);
    let next = match (malicious, fixed) {
        (_, Some(version)) => format!("fixed in {version}: mcpsec update {}", question.server),
        (true, None) => {
            format!("take another version, mcpsec update {0}, or drop it, mcpsec remove {0}", question.server)
        }
        (false, None) => "no fixed version is known".to_owned(),
    };
    let message = format!("{word}, says {named}{also}; {}; {next}", path(question.path));
    let severity = match (malicious, grade) {
        (true, _) => Severity::High,
        (false, Some(grade)) => grade.grade.severity(),
        (false, None) => Severity::Medium,
    };
    let finding = Finding::new(rule, subject(question.package, named), message).severe(severity);
    let summary = group.iter().find_map(|record| record.summary.clone());
    match summary {
        Some(summary) => finding.evidence(summary),
        None => finding,
    }
}

/// `files@1.2.0 > left@1.0.3`, or that it is the server itself.
fn path(path: &[&PackageId]) -> String {
    let short = |package: &&PackageId| format!("{}@{}", package.name(), package.version());
    match path {
        [] | [_] => "it is the server itself".to_owned(),
        path if path.len() <= PATH => path.iter().map(short).collect::<Vec<_>>().join(" > "),
        path => {
            let (head, tail) = (&path[..PATH / 2], &path[path.len() - PATH / 2..]);
            let part = |part: &[&PackageId]| part.iter().map(short).collect::<Vec<_>>().join(" > ");
            format!("{} > … > {}", part(head), part(tail))
        }
    }
}
