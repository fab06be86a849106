//! Who approved a release, until when, why; and why what does not count does not.
use maud::{Markup, html};
use mcpsec_model::approval::Word;
use mcpsec_verify::approval::{Need, Weighed};

use super::{bits, words};
use crate::catalog::Release;

/// The most approvals that are listed.
const MOST: usize = 200;

/// Whom an approval is by: the owner of the key, else what it says of itself.
pub(super) fn by(weighed: &Weighed) -> Markup {
    html! {
        @match &weighed.signer {
            Some(signer) => (words::short(signer, 80)),
            None => { (words::short(&weighed.approval.reviewer.name, 80)) " (not verified)" },
        }
    }
}

/// The people whose approvals of a release count, in one line.
pub(super) fn people(release: &Release) -> Markup {
    let counting = release.standing.approvals.iter().filter(|one| one.counts.is_ok());
    let mut names: Vec<&str> = counting.filter_map(|one| one.signer.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    html! {
        @if names.is_empty() { span class="faint" { "nobody" } }
        @for (index, name) in names.iter().take(4).enumerate() { @if index > 0 { ", " } (words::short(name, 40)) }
        @if names.len() > 4 { " and " (names.len() - 4) " more" }
    }
}

/// What is needed and who gave it.
pub(super) fn needs(release: &Release) -> Markup {
    html! {
        ul class="needs" {
            @for Need { criterion, required, people } in &release.standing.needs {
                @let met = people.len() >= usize::try_from(*required).unwrap_or(usize::MAX);
                li class=(if met { "met" } else { "unmet" }) {
                    span aria-hidden="true" { (if met { "✓" } else { "…" }) } " "
                    @if let Some(criterion) = criterion { strong { (criterion) } ": " }
                    "approved by " (people.len()) " of " (bits::amount(usize::try_from(*required).unwrap_or(usize::MAX), "people"))
                    @if !people.is_empty() {
                        " (" @for (index, name) in people.iter().enumerate() { @if index > 0 { ", " } (words::short(name, 40)) } ")"
                    }
                }
            }
        }
    }
}

/// Every approval of this version, those that count for this lock of it first, the latest first.
pub(super) fn table(release: &Release) -> Markup {
    let mut all: Vec<&Weighed> = release.standing.approvals.iter().collect();
    all.sort_by_key(|one| (one.counts.is_err(), std::cmp::Reverse(one.line)));
    let more = all.len().saturating_sub(MOST);
    html! {
        @if all.is_empty() {
            p { "Nobody approved this version." }
        } @else {
            table {
                caption { "Approvals of this version, and whether they count for this lock" }
                thead { tr {
                    th scope="col" { "By" } th scope="col" { "Counts" } th scope="col" { "Version" }
                    th scope="col" { "Given" } th scope="col" { "Until" } th scope="col" { "Reason" } th scope="col" { "Id" }
                } }
                tbody { @for one in all.iter().take(MOST) { (row(one)) } }
            }
            @if more > 0 { p { "and " (more) " more; " code { "mcpsec approvals" } " has them all" } }
        }
    }
}

fn row(one: &Weighed) -> Markup {
    let approval = &one.approval;
    let id = one.id.to_string();
    html! {
        tr {
            th scope="row" { (by(one)) }
            td data-label="Counts" {
                @match &one.counts {
                    Ok(criteria) => { span class="good" { "✓ as " (joined(criteria.iter())) } },
                    Err(why) => { span class="bad" { "no: " } (words::line(&why.to_string())) },
                }
            }
            td data-label="Version" { (words::short(&approval.what.version, 60)) }
            td data-label="Given" { (bits::day(approval.issued)) }
            td data-label="Until" { (bits::day(approval.expires)) }
            td data-label="Reason" { @if approval.reason.is_empty() { span class="faint" { "none given" } } @else { (words::line(&approval.reason)) } }
            td data-label="Id" { code title=(id) { (short_id(&id)) } }
        }
    }
}

/// The first digits of an id, as `mcpsec approvals` shows and `mcpsec revoke` takes them.
pub(super) fn short_id(id: &str) -> &str {
    let hex = id.rsplit(':').next().unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}

fn joined<'a>(criteria: impl Iterator<Item = &'a Word>) -> String {
    criteria.map(Word::as_str).collect::<Vec<_>>().join(", ")
}
