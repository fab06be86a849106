//! Who vouches for a package, in the words of `mcpsec show` and `mcpsec tree`.
use std::collections::BTreeMap;

use maud::{Markup, html};
use mcpsec_model::{
    evidence::{EvidenceState, Pin, SignerPin},
    name::Ecosystem,
    package::Package,
};

use super::{bits, words};

/// `12 attested, 92 signed by registry`.
pub(super) fn counts(states: &BTreeMap<EvidenceState, usize>) -> Markup {
    html! { (mcpsec_report::evidence_counts(states)) }
}

/// The state of a package's evidence, and who made it.
pub(super) fn of_package(package: &Package) -> Markup {
    html! {
        @if let Some(parent) = &package.bundled_in {
            "inside " (words::line(&parent.to_string())) ", whose evidence covers it"
        } @else {
            (bits::evidence(package.evidence.state()))
        }
        @let pins = package.evidence.pins();
        @if !pins.is_empty() {
            ul class="pins" { @for pin in pins { li { (line(pin, package.id.ecosystem())) } } }
        }
    }
}

/// One statement: what it is, by whom, from which commit, how its time is known.
fn line(pin: &Pin, ecosystem: Ecosystem) -> Markup {
    let what = pin.kind.done(ecosystem);
    html! {
        (what) ": " (words::line(&pin.signer.to_string()))
        @if let SignerPin::Workload { issuer, .. } = &pin.signer { "; issuer " (words::line(issuer)) }
        @if let Some(commit) = &pin.commit { "; commit " code { (words::short(commit, 64)) } }
        @if let Some(log) = pin.log { "; log " (log.as_str()) }
        @if let Some(file) = &pin.file { "; only " (words::line(file)) }
    }
}
