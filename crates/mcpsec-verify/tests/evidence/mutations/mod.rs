//! Every good bundle and signature, changed in every way that matters: all of it refused, or accepted as the weaker thing it is.
mod bundles;
mod good;
mod outside;
mod registry;

use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::evidence::LogEvidence;

/// What became of a changed document.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Outcome {
    /// Refused, for this reason.
    Refused(String),
    /// Accepted with less than the original had.
    Weaker(LogEvidence),
    /// Accepted as if nothing had changed.
    Same,
}

/// What may become of a kind of change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expect {
    /// Refused, for one of these reasons.
    Refused(&'static [&'static str]),
    /// Refused, or accepted with the log's promise only, as the specification of bundles 0.1 allows.
    Promise,
}

/// One changed document and what became of it.
struct Case {
    kind: &'static str,
    what: String,
    expect: Expect,
    outcome: Outcome,
}

impl Case {
    /// Whether it became what may become of it.
    fn is_right(&self) -> bool {
        match (&self.outcome, self.expect) {
            (Outcome::Refused(reason), Expect::Refused(reasons)) => reasons.contains(&reason.as_str()),
            (Outcome::Refused(_), Expect::Promise) => true,
            (Outcome::Weaker(log), Expect::Promise) => *log == LogEvidence::Promise,
            (Outcome::Weaker(_), Expect::Refused(_)) | (Outcome::Same, _) => false,
        }
    }
}

#[derive(Default)]
struct Row {
    cases: usize,
    refused: usize,
    weaker: usize,
    reasons: BTreeSet<String>,
}

#[test]
fn no_mutation_passes_for_the_original() {
    let (Some(mut cases), Some(registry)) = (bundles::cases(), registry::cases()) else { return };
    cases.extend(registry);
    let mut table: BTreeMap<&str, Row> = BTreeMap::new();
    for case in &cases {
        let row = table.entry(case.kind).or_default();
        row.cases += 1;
        match &case.outcome {
            Outcome::Refused(reason) => {
                row.refused += 1;
                row.reasons.insert(reason.clone());
            }
            Outcome::Weaker(_) => row.weaker += 1,
            Outcome::Same => {}
        }
    }
    println!("{:34} {:>6} {:>8} {:>7}  reasons", "change", "cases", "refused", "weaker");
    for (kind, row) in &table {
        let reasons: Vec<&str> = row.reasons.iter().map(String::as_str).collect();
        println!("{kind:34} {:>6} {:>8} {:>7}  {}", row.cases, row.refused, row.weaker, reasons.join(", "));
    }
    let total = table.values().fold((0, 0, 0), |sum, row| (sum.0 + row.cases, sum.1 + row.refused, sum.2 + row.weaker));
    println!("{:34} {:>6} {:>8} {:>7}", "all", total.0, total.1, total.2);

    let wrong: Vec<String> = cases
        .iter()
        .filter(|case| !case.is_right())
        .map(|case| format!("{}: {}: {:?}, expected {:?}", case.kind, case.what, case.outcome, case.expect))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), total.0, wrong.join("\n"));
    assert!(total.0 >= 300, "only {} cases", total.0);
    assert_eq!(total.0, total.1 + total.2);
    assert!(total.2 > 0, "the weaker state is never seen");
}

/// The name of an error's variant.
fn variant(error: &impl std::fmt::Debug) -> String {
    let shown = format!("{error:?}");
    shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
