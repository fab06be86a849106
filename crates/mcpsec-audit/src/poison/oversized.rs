//! Oversized texts: much longer than what a description needs, where words can be buried.
use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    manifest::{Role, Text},
};

/// The longest text that is not remarkable, by role, in characters.
fn limit(role: Role) -> usize {
    match role {
        Role::Name | Role::Parameter => 128,
        Role::Title => 256,
        Role::Default | Role::Enum | Role::Other => 4_000,
        Role::Uri => 2_000,
        Role::Icon => 256 << 10,
        Role::Description | Role::Annotation | Role::Meta | Role::Example => 8_000,
        Role::Instructions | Role::Content => 20_000,
    }
}

/// Judges one text, without a subject.
pub(super) fn check(text: &Text<'_>) -> Option<Finding> {
    let limit = limit(text.role);
    if text.text.len() <= limit || text.text.chars().count() <= limit {
        return None;
    }
    let head: String = text.text.chars().take(80).collect();
    Some(
        Finding::new(Rule::OversizedText, String::new(), format!("it has {} bytes", text.text.len()))
            .severe(Severity::Low)
            .confidence(Confidence::High)
            .evidence(head)
            .span(0, text.text.len()),
    )
}
