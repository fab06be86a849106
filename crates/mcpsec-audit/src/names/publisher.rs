//! Another publisher: a version from an account that never published this package before.
//!
//! What registries say about accounts is unsigned and changes with every new colleague, so this weighs little: by itself it
//! warns. It weighs more when nobody of those who could publish before is left.
use std::collections::BTreeSet;

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    package::PackageId,
    publication::{Publication, Publisher},
};

/// Fewest earlier versions from which a habit can be read.
const HABIT: usize = 2;

/// What is to be said about who published a version, given what the registry tells of all versions of the package.
/// `same_signer`: verified provenance of this version has the signer that earlier evidence has, which says more than accounts.
///
/// Nothing is said where the registry tells no accounts, for a package's first versions, and for the registry's own account
/// that publishes on behalf of a workflow.
pub fn changed_publisher(id: &PackageId, told: &[Publication], same_signer: bool) -> Option<Finding> {
    let this = told.iter().find(|one| one.version == id.version())?;
    let Some(Publisher::Account(account)) = &this.publisher else { return None };
    let published = this.published?;
    let earlier: Vec<&Publication> = told
        .iter()
        .filter(|one| one.version != this.version && one.published.is_some_and(|time| time < published))
        .filter(|one| one.publisher.is_some())
        .collect();
    let known = |one: &&Publication| matches!(&one.publisher, Some(Publisher::Account(other)) if other == account);
    if earlier.len() < HABIT || earlier.iter().any(known) {
        return None;
    }
    let last = earlier.iter().max_by_key(|one| one.published)?;
    let before: BTreeSet<&str> = last.maintainers.iter().map(|name| name.as_str()).collect();
    let replaced = !before.is_empty()
        && !this.maintainers.is_empty()
        && !this.maintainers.iter().any(|m| before.contains(m.as_str()));
    // An account that was asked to help long ago is a new colleague.
    let was_asked = before.contains(account.as_str());
    let was = match &last.publisher {
        Some(Publisher::Account(name)) => format!("`{}`", shown(name)),
        Some(Publisher::Workflow(kind)) => format!("a trusted workflow ({})", shown(kind)),
        None => return None,
    };
    let mut message = format!(
        "`{}` published it and none of the {} versions before; the last one was by {was}",
        shown(account),
        earlier.len()
    );
    if replaced {
        message.push_str(", and nobody who could publish it then still can");
    }
    let from_workflow = matches!(last.publisher, Some(Publisher::Workflow(_)));
    let confidence = match (same_signer, replaced || from_workflow, was_asked) {
        (true, ..) => Confidence::Low,
        (false, true, _) => Confidence::High,
        (false, false, false) => Confidence::Medium,
        (false, false, true) => Confidence::Low,
    };
    let severity = if confidence == Confidence::Low { Severity::Info } else { Severity::Medium };
    Some(Finding::new(Rule::PublisherChanged, id.to_string(), message).severe(severity).confidence(confidence))
}

/// Account names are a stranger's words.
fn shown(text: &str) -> String {
    mcpsec_model::text::Untrusted::new(text).excerpt(60)
}
