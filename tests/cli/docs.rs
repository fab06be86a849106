//! Documents that name what the code has are compared with it.
use mcpsec_model::{check::Check, finding::Rule};

/// Every check and rule has a threat, and no row names one that does not exist.
#[test]
fn the_threat_model_names_every_check_and_rule() {
    let text = include_str!("../../docs/threat-model.md");
    let known: Vec<&str> =
        Check::ALL.iter().map(|check| check.id()).chain(Rule::ALL.iter().map(|rule| rule.id())).collect();
    for id in &known {
        assert!(text.contains(&format!("`{id}`")), "docs/threat-model.md must say what `{id}` is against");
    }
    let table = text.split("## What stops what").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat"));
    let named: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() >= known.len(), "{} of {}", named.len(), known.len());
    for id in named {
        assert!(known.contains(&id), "docs/threat-model.md names `{id}`, which does not exist");
    }
}
