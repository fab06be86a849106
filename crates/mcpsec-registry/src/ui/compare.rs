//! `/servers/{name}/compare?from=&to=`: what differs between two versions, the gravest first, words side by side.
use axum::extract::Path;
use maud::{Markup, html};
use mcpsec_audit::drift;
use mcpsec_model::{
    drift::{Change, Drift, DriftLevel, Piece},
    report::ClosureChange,
};

use super::{
    bits,
    difference::Difference,
    findings,
    page::{Failure, Page, Section},
    reader::Reader,
    server::compare_address,
    shelf::Shelved,
    words::{self, Setting},
};
use crate::{catalog::Release, error::ApiError};

/// How many changes of one level, and lines of one list, are told in full.
const TOLD: usize = 100;
/// The longest text of one side, in characters.
const SHOWN: usize = 4_000;
/// How much of an unchanged stretch stands beside a change, in characters.
const AROUND: usize = 200;

pub(super) async fn page(reader: Reader, Path(name): Path<String>) -> Result<Page, Failure> {
    let releases = reader.releases_of(&name)?;
    let asked = |name: &str| reader.asked.text(name).map(str::to_owned);
    let to = match asked("to") {
        Some(lock) => reader.release(&name, &lock)?,
        None => releases.first().cloned().ok_or_else(|| Failure::not_found("no server of that name"))?,
    };
    let from = match asked("from") {
        Some(lock) => reader.release(&name, &lock)?,
        // The version before it, by the time of the push.
        None => releases.iter().skip_while(|release| release.lock != to.lock).nth(1).unwrap_or(&to).clone(),
    };
    let (db, shelf) = (&reader.app.db, &reader.app.shelf);
    let turn = shelf.turn().await?;
    let (before, after) = (shelf.get(db, &from.lock).await?, shelf.get(db, &to.lock).await?);
    let title = format!("{name}: {} and {}", from.what.version, to.what.version);
    let shown = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Page::new(&reader, Section::Servers, &title, body(&from, &before, &to, &after))
    });
    Ok(shown.await.map_err(|error| ApiError::bug(&error))?)
}

fn body(from: &Release, before: &Shelved, to: &Release, after: &Shelved) -> Markup {
    let difference = Difference::between(before, after);
    let home = bits::server_address(&to.server);
    html! {
        (bits::crumbs(&[("/", "Servers"), (&home, to.server.as_str())]))
        h1 { "What changed in " (to.server) }
        dl class="pair" {
            div { dt { "Before" } dd { (version(from)) } }
            div { dt { "After" } dd { (version(to)) } }
        }
        p { a href=(compare_address(to, from)) { "The other way round" } }
        (verdict(&difference))
        h2 { "What it tells the model" }
        @match &difference.drift {
            Ok(drift) => (told(drift)),
            Err(why) => p class="bad" { "Not known: " (why) "." },
        }
        @if !difference.findings.is_empty() {
            h3 { "Rules that point to new words" }
            (findings::list(&difference.findings, true))
        }
        h2 { "What it consists of" }
        (closure(&difference.closure))
        (list("Same version, other bytes", difference.repinned.iter().map(|id| html! { code { (words::line(id)) } }).collect()))
        (list(
            "Packages that now want to run a script when they are installed",
            difference.scripts.iter().map(|id| html! { code { (words::line(id)) } }).collect(),
        ))
        (list(
            "Evidence that is weaker, or by somebody else",
            difference.evidence.iter().map(|one| html! { code { (words::line(&one.package)) } ": " (words::line(&one.what)) }).collect(),
        ))
        @if let Some((before, after)) = difference.isolation {
            p { "Captured in sandbox " strong { (after.as_str()) } ", before in " strong { (before.as_str()) } "." }
        }
    }
}

fn version(release: &Release) -> Markup {
    html! { a href=(bits::release_address(release)) { (words::short(&release.what.version, 60)) } " " (bits::status(release.status)) " " (bits::digest(&release.lock)) }
}

/// The whole of it in one line.
fn verdict(difference: &Difference) -> Markup {
    let packages = &difference.closure;
    html! {
        p class="lead" {
            @match &difference.drift {
                Ok(drift) => { (bits::level(drift.level())) " drift" },
                Err(_) => { "drift not known" },
            }
            " · packages: " (packages.added.len()) " added, " (packages.removed.len()) " removed, " (packages.changed.len()) " changed"
        }
    }
}

fn told(drift: &Drift) -> Markup {
    html! {
        @if drift.changes.is_empty() { p { "It tells the model the same, word for word." } }
        @for level in DriftLevel::ALL.into_iter().rev() {
            @let changes: Vec<&Change> = drift.changes.iter().filter(|change| change.level == level).collect();
            @if level <= DriftLevel::Cosmetic {
                @if !changes.is_empty() {
                    details { summary { (bits::level(level)) " " (bits::amount(changes.len(), "places")) " written differently, with the same meaning" }
                        @for change in changes.iter().take(TOLD) { (one(change)) } (more(changes.len())) }
                }
            } @else {
                @for change in changes.iter().take(TOLD) { (one(change)) }
                (more(changes.len()))
            }
        }
    }
}

fn more(count: usize) -> Markup {
    html! { @if count > TOLD { p class="cut" { "and " (count - TOLD) " more; " code { "mcpsec diff" } " has them all" } } }
}

/// One change, with its words on two sides.
fn one(change: &Change) -> Markup {
    html! {
        article class={ "change level-" (change.level.as_str()) } {
            h3 { (bits::level(change.level)) " " code { (words::line(change.subject.as_str())) } }
            p { (words::line(&change.message)) }
            @if let Some(reason) = &change.accepted { p { "Accepted: “" (words::line(reason)) "”" } }
            @if change.before.is_some() || change.after.is_some() || !change.words.is_empty() {
                div class="sides even" {
                    div class="side" { h4 { "Before" } (side(change, false)) }
                    div class="side" { h4 { "After" } (side(change, true)) }
                }
            }
        }
    }
}

fn side(change: &Change, after: bool) -> Markup {
    let whole = if after { &change.after } else { &change.before };
    // A change of level shows both texts; a reader wants to see which words.
    let own = match (&change.before, &change.after) {
        (Some(before), Some(after)) if change.words.is_empty() => {
            drift::words(words::cut(before.raw(), SHOWN).0, words::cut(after.raw(), SHOWN).0)
        }
        _ => change.words.clone(),
    };
    html! {
        @if own.is_empty() {
            @match whole {
                None => p class="faint" { (if after { "gone" } else { "not there" }) },
                Some(text) => {
                    @let (head, rest) = words::cut(text.raw(), SHOWN);
                    div class="told" translate="no" {
                        @if after { ins { (words::set(head, &[], Setting::Prose)) } } @else { del { (words::set(head, &[], Setting::Prose)) } }
                        @if rest > 0 { "… " (bits::amount(rest, "characters")) " more" }
                    }
                },
            }
        } @else {
            div class="told" translate="no" { (pieces(&own, after)) }
        }
    }
}

/// The words of one side: what is in both, and what is only here.
fn pieces(words: &[Piece], after: bool) -> Markup {
    let mut room = SHOWN;
    let last = words.len().saturating_sub(1);
    html! {
        @for (index, piece) in words.iter().enumerate() {
            @if room > 0 {
                @match (piece, after) {
                    (Piece::Same(text), _) => {
                        @let (head, tail) = ends(text.raw(), index > 0, index < last);
                        (self::room(&mut room, head)) @if let Some(tail) = tail { span class="faint" { " … " } (self::room(&mut room, tail)) }
                    },
                    (Piece::Removed(text), false) => del { (self::room(&mut room, text.raw())) },
                    (Piece::Added(text), true) => ins { (self::room(&mut room, text.raw())) },
                    (Piece::Removed(_), true) | (Piece::Added(_), false) => {},
                }
            }
        }
        @if room == 0 { "… the rest is on the page of all that it tells" }
    }
}

/// A text, as much of it as there is room for.
fn room(left: &mut usize, text: &str) -> Markup {
    let (head, _) = words::cut(text, *left);
    *left = left.saturating_sub(head.chars().count());
    words::set(head, &[], Setting::Prose)
}

/// The ends of an unchanged stretch that touch a change; all of it when it is short.
fn ends(text: &str, after_change: bool, before_change: bool) -> (&str, Option<&str>) {
    let count = text.chars().count();
    if count <= 2 * AROUND + 20 {
        return (text, None);
    }
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let (head, tail) = (&text[..at(AROUND)], &text[at(count - AROUND)..]);
    match (after_change, before_change) {
        (true, false) => (head, Some("")),
        (false, true) => ("", Some(tail)),
        _ => (head, Some(tail)),
    }
}

fn closure(change: &ClosureChange) -> Markup {
    let sign = |sign: &str, word: &str, id: &str| {
        html! { span class="sign" aria-hidden="true" { (sign) } span class="only-read" { (word) } " " code { (words::line(id)) } }
    };
    html! {
        @if change.is_empty() { p { "The same packages in the same versions." } }
        (list("Added", change.added.iter().map(|id| sign("+", "added", id)).collect()))
        (list("Removed", change.removed.iter().map(|id| sign("−", "removed", id)).collect()))
        (list(
            "Changed",
            change.changed.iter().map(|(old, new)| html! { code { (words::line(old)) } " → " code { (words::line(new)) } }).collect(),
        ))
    }
}

/// A list with a heading; nothing where it is empty.
fn list(title: &str, items: Vec<Markup>) -> Markup {
    const MOST: usize = 500;
    html! {
        @if !items.is_empty() {
            h3 { (title) " " span class="count" { (items.len()) } }
            ul class="plain" { @for item in items.iter().take(MOST) { li { (item) } }
                @if items.len() > MOST { li { "and " (items.len() - MOST) " more" } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_have_their_own_words_only() {
        let words = [
            Piece::Same("Sends ".into()),
            Piece::Removed("<b>one".into()),
            Piece::Added("\u{200b}two".into()),
            Piece::Same(" mails".into()),
        ];
        let before = pieces(&words, false).into_string();
        assert_eq!(before, "Sends <del>&lt;b&gt;one</del> mails");
        let after = pieces(&words, true).into_string();
        assert!(
            after.contains("<ins><span class=\"hidden\" title=\"U+200B, zero width space\">\\u{200b}</span>two</ins>"),
            "{after}"
        );
        assert!(!after.contains("one"));
    }

    #[test]
    fn long_stretches_are_cut_and_sides_end() {
        let long = "é".repeat(10_000);
        assert_eq!(ends("short", true, true), ("short", None));
        let (head, tail) = ends(&long, false, true);
        assert_eq!((head, tail.map(|tail| tail.chars().count())), ("", Some(AROUND)));
        let html = pieces(&[Piece::Added(long.as_str().into())], true).into_string();
        assert!(html.contains("the rest is on the page"), "{}", html.len());
    }
}
