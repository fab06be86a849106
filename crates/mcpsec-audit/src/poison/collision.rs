//! Name collisions: one tool name twice, so that a model may call the wrong one.
use std::collections::BTreeMap;

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    manifest::{Kind, Manifest},
    name::ServerName,
    text::escape,
};

/// One name twice in one manifest.
pub(super) fn within(manifest: &Manifest) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in [Kind::Tool, Kind::Prompt] {
        for pair in manifest.entries(kind).windows(2) {
            if let [one, other] = pair
                && one.name() == other.name()
            {
                let message = format!("the server offers more than one {} of this name", kind.as_str());
                findings.push(
                    Finding::new(Rule::NameCollision, one.subject(), message)
                        .severe(Severity::Medium)
                        .evidence(one.name()),
                );
            }
        }
    }
    findings
}

/// One tool name in two servers; compared without regard to case.
pub(super) fn across(servers: &[(ServerName, &Manifest)]) -> Vec<(ServerName, Finding)> {
    let mut names: BTreeMap<String, Vec<(&ServerName, &str)>> = BTreeMap::new();
    for (server, manifest) in servers {
        for tool in manifest.tools() {
            let offers = names.entry(tool.name().to_lowercase()).or_default();
            if !offers.iter().any(|(other, _)| *other == server) {
                offers.push((server, tool.name()));
            }
        }
    }
    let mut findings = Vec::new();
    for offers in names.values().filter(|offers| offers.len() > 1) {
        for (server, name) in offers {
            let others: Vec<String> =
                offers.iter().filter(|(other, _)| other != server).map(|(other, _)| format!("`{other}`")).collect();
            let message = format!("{} also offers a tool of this name", others.join(" and "));
            let subject = mcpsec_model::manifest::Subject::entry(Kind::Tool, name);
            let finding =
                Finding::new(Rule::NameCollision, subject, message).confidence(Confidence::High).evidence(escape(name));
            findings.push(((*server).clone(), finding));
        }
    }
    findings
}
