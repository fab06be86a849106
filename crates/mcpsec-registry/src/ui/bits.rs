//! Small pieces that many pages have: badges, digests, times, amounts, page turners.
use maud::{Markup, html};
use mcpsec_model::{
    digest::Digest, drift::DriftLevel, evidence::EvidenceState, finding::Severity, name::ServerName, time::Timestamp,
};

use super::words;
use crate::catalog::{Release, Status};

/// How a release stands, as a word with a sign: colour alone says nothing here.
pub(super) fn status(status: Status) -> Markup {
    let sign = match status {
        Status::Vetted => "✓",
        Status::Incomplete => "◐",
        Status::Pending => "…",
        Status::Withdrawn => "✕",
    };
    html! { span class={ "badge status-" (status.as_str()) } { span aria-hidden="true" { (sign) " " } (status.as_str()) } }
}

/// What the word of a status means.
pub(super) fn status_meaning(status: Status) -> &'static str {
    match status {
        Status::Vetted => "Enough people approved exactly this, and all of its files are here.",
        Status::Incomplete => {
            "Enough people approved it; files are still missing, so it cannot be installed from here yet."
        }
        Status::Pending => "Not enough people have approved it. Nothing of it is served.",
        Status::Withdrawn => "It was approved and no longer is: revoked, or expired. Nothing of it is served.",
    }
}

/// A level of drift.
pub(super) fn level(level: DriftLevel) -> Markup {
    html! { span class={ "badge level-" (level.as_str()) } { (level.as_str()) } }
}

/// A severity.
pub(super) fn severity(severity: Severity) -> Markup {
    html! { span class={ "badge severity-" (severity.as_str()) } { (severity.as_str()) } }
}

/// A state of evidence.
pub(super) fn evidence(state: EvidenceState) -> Markup {
    let class = match state {
        EvidenceState::Attested => "attested",
        EvidenceState::Signed => "signed",
        EvidenceState::Nothing | EvidenceState::NotLooked => "nothing",
        EvidenceState::Stripped => "stripped",
    };
    html! { span class={ "evidence-" (class) } { (state.as_str()) } }
}

/// A digest, short; the whole of it is in the page for whoever asks.
pub(super) fn digest(digest: &Digest) -> Markup {
    let hex = digest.to_hex();
    html! { code class="digest" title=(digest) { (digest.algorithm()) ":" (hex.get(..12).unwrap_or_default()) "…" } }
}

/// A moment: the day for people, the rest for those who point at it.
pub(super) fn day(time: Timestamp) -> Markup {
    let text = time.to_string();
    html! { time datetime=(text) title=(text) { (text.get(..10).unwrap_or(&text)) } }
}

/// A moment in whole minutes, UTC.
pub(super) fn minute(time: Timestamp) -> Markup {
    let text = time.to_string();
    html! { time datetime=(text) title=(text) { (text.get(..10).unwrap_or(&text)) " " (text.get(11..16).unwrap_or_default()) " UTC" } }
}

/// `1 tool`, `3 tools`.
pub(super) fn amount(count: usize, many: &str) -> String {
    let one = match many {
        "entries" => "entry",
        "people" => "person",
        other => other.strip_suffix('s').unwrap_or(other),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `13.4 MiB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut tenths = u128::from(count) * 10;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]) }
}

/// The address of a server's page.
pub(super) fn server_address(name: &ServerName) -> String {
    format!("/servers/{name}")
}

/// The address of a version's page.
pub(super) fn release_address(release: &Release) -> String {
    format!("/servers/{}/{}", release.server, release.lock)
}

/// The way back up, above the heading.
pub(super) fn crumbs(steps: &[(&str, &str)]) -> Markup {
    html! {
        nav class="crumbs" aria-label="Where this is" {
            ol { @for (address, text) in steps { li { a href=(address) { (words::short(text, 80)) } } } }
        }
    }
}

/// Which part of a long list is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    /// From 1.
    pub(super) page: usize,
    pub(super) pages: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The part of `count` items that page `asked` (from 1) has; the nearest there is.
pub(super) fn part(count: usize, size: usize, asked: Option<usize>) -> Part {
    let pages = count.div_ceil(size).max(1);
    let page = asked.unwrap_or(1).clamp(1, pages);
    let from = (page - 1) * size;
    Part { page, pages, from, to: (from + size).min(count) }
}

/// Links to the neighbours; nothing when all is on one page.
pub(super) fn turner(part: Part, address: impl Fn(usize) -> String) -> Markup {
    html! {
        @if part.pages > 1 {
            nav class="turner" aria-label="Pages" {
                @if part.page > 1 { a rel="prev" href=(address(part.page - 1)) { "← Previous" } }
                span { "Page " (part.page) " of " (part.pages) }
                @if part.page < part.pages { a rel="next" href=(address(part.page + 1)) { "Next →" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_lie_outside() {
        for (count, asked, want) in [
            (0, None, (1, 1, 0, 0)),
            (100, Some(1), (1, 1, 0, 100)),
            (101, Some(2), (2, 2, 100, 101)),
            (101, Some(0), (1, 2, 0, 100)),
            (250, Some(usize::MAX), (3, 3, 200, 250)),
        ] {
            let Part { page, pages, from, to } = part(count, 100, asked);
            assert_eq!((page, pages, from, to), want, "{count} {asked:?}");
        }
    }

    #[test]
    fn amounts_are_words() {
        assert_eq!(amount(1, "entries"), "1 entry");
        assert_eq!(amount(1, "people"), "1 person");
        assert_eq!(amount(0, "tools"), "0 tools");
        assert_eq!(bytes(1_572_864), "1.5 MiB");
        assert_eq!(bytes(1023), "1023 B");
    }
}
