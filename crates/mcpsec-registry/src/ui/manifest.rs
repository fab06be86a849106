//! `/servers/{name}/{lock}/manifest`: every word that the model reads, hidden characters visible, findings beside the words.
use axum::extract::Path;
use maud::{Markup, html};
use mcpsec_model::{
    capture::{Captured, Told},
    manifest::{Entry, Kind, Subject},
};
use serde_json::Value;

use super::{
    asked, bits,
    findings::{self, ByPlace},
    json::Drawing,
    page::{Failure, Page, Section},
    reader::Reader,
    shelf::Shelved,
    whole,
    words::{self, Setting},
};
use crate::{catalog::Release, error::ApiError};

/// Entries of one page.
const SIZE: usize = 40;
/// Characters of one text, and of all else of one entry.
const MAX_TEXT: usize = 8_000;
const MAX_JSON: usize = 16_000;

pub(super) async fn page(reader: Reader, Path((name, lock)): Path<(String, String)>) -> Result<Page, Failure> {
    let release = reader.release(&name, &lock)?;
    let turn = reader.app.shelf.turn().await?;
    let shelved = reader.app.shelf.get(&reader.app.db, &release.lock).await?;
    let title = format!("What {} {} tells the model", release.server, release.what.version);
    let shown = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Ok(Page::new(&reader, Section::Servers, &title, body(&reader, &release, &shelved)?))
    });
    shown.await.map_err(|error| ApiError::bug(&error))?
}

fn body(reader: &Reader, release: &Release, shelved: &Shelved) -> Result<Markup, Failure> {
    let (home, version) = (bits::server_address(&release.server), bits::release_address(release));
    let address = format!("{version}/manifest");
    let head = html! {
        (bits::crumbs(&[("/", "Servers"), (&home, release.server.as_str()), (&version, &release.what.version)]))
        h1 { "What " (release.server) " tells the model" }
    };
    let captured = match &shelved.server().told {
        Told::Manifest(captured) => captured,
        Told::Unknown => return Ok(html! { (head) p class="bad" { "Not known: nobody captured it." } }),
        Told::Unchecked(why) => return Ok(html! { (head) p class="bad" { "Not known: " (words::line(why)) } }),
    };
    if let Some(place) = reader.asked.text("at") {
        let page = reader.asked.number("page");
        let whole = whole::of(captured, place, page, &address).ok_or_else(|| {
            Failure::not_found("it tells nothing at that place").hint("the page of all that it tells has links")
        })?;
        return Ok(html! { (head) (whole) });
    }
    let by_place = ByPlace::new(shelved.findings());
    let entries: Vec<&Entry> = Kind::ALL.iter().flat_map(|kind| captured.manifest.entries(*kind)).collect();
    let part = bits::part(entries.len(), SIZE, reader.asked.number("page"));
    let shown = entries.get(part.from..part.to).unwrap_or_default();
    let turn = |page: usize| asked::address(&address, &[("page", &page.to_string())]);
    Ok(html! {
        (head)
        p class="lead" { "Version " (words::short(&release.what.version, 60)) ", word for word as it was captured. " (legend()) }
        p { "Poison rules: " (findings::counts(shelved.findings())) "." }
        @if part.page == 1 {
            (about_server(captured, &by_place, &address))
        }
        @if entries.len() > 1 { (contents(&entries, part, &by_place, turn)) }
        (bits::turner(part, turn))
        @for (index, entry) in shown.iter().enumerate() { (one(entry, &by_place, part.from + index, &address)) }
        (bits::turner(part, turn))
        @if part.page == part.pages { (unstable(captured, &by_place, &address)) }
    })
}

fn legend() -> Markup {
    html! { "Characters that nobody sees look like " span class="hidden" { "\\u{200b}" } "; words that a rule points to look " mark class="high" { "like this" } "." }
}

/// The anchor of an entry: its number, since names can hold anything.
fn anchor(index: usize) -> String {
    format!("entry-{}", index + 1)
}

fn contents(entries: &[&Entry], part: bits::Part, by_place: &ByPlace<'_>, turn: impl Fn(usize) -> String) -> Markup {
    const MOST: usize = 400;
    html! {
        nav class="contents names" aria-label="Tools, prompts and resources" { ul {
            @for (index, entry) in entries.iter().enumerate().take(MOST) {
                @let page = index / SIZE + 1;
                @let here = if page == part.page { String::new() } else { turn(page) };
                @let count = by_place.below(entry.subject().as_str()).len();
                li { a href={ (here) "#" (anchor(index)) } { @if entry.name().is_empty() { "(no name)" } @else { (words::short(entry.name(), 60)) } }
                    @if count > 0 { " " span class="badge severity-high" { (bits::amount(count, "findings")) } } }
            }
            @if entries.len() > MOST { li { "and " (entries.len() - MOST) " more" } }
        } }
    }
}

fn about_server(captured: &Captured, by_place: &ByPlace<'_>, address: &str) -> Markup {
    let manifest = &captured.manifest;
    let server = Subject::server();
    html! {
        article class="entry" aria-labelledby="server" {
            h2 id="server" { "The server itself" }
            div class="sides" {
                div {
                    h3 { "instructions" }
                    @match manifest.instructions() {
                        Some(text) => (prose(text, &server.at("instructions"), by_place, address)),
                        None => p class="faint" { "none" },
                    }
                    (value("serverInfo", manifest.server_info(), &server.at("serverInfo"), by_place, address))
                    (value("capabilities", manifest.capabilities(), &server.at("capabilities"), by_place, address))
                }
                aside aria-label="Findings about the server itself" { (findings::list(by_place.below(server.as_str()), true)) }
            }
        }
    }
}

/// One tool, prompt, resource or template.
fn one(entry: &Entry, by_place: &ByPlace<'_>, index: usize, address: &str) -> Markup {
    let subject = entry.subject();
    let about = by_place.below(subject.as_str());
    let key = entry.kind().key();
    let members = entry.json().as_object().into_iter().flatten();
    // Names and descriptions first, as a model's prompt has them; schemas after.
    let first = ["title", "description"];
    let (texts, rest): (Vec<_>, Vec<_>) =
        members.filter(|(name, _)| *name != key).partition(|(name, _)| first.contains(&name.as_str()));
    html! {
        article class="entry" aria-labelledby=(anchor(index)) {
            h2 id=(anchor(index)) {
                span class="kind" { (entry.kind()) } " "
                code { (words::set(words::cut(entry.name(), 300).0, &by_place.marks(subject.at(key).as_str(), entry.name(), None), Setting::Line)) @if words::cut(entry.name(), 300).1 > 0 { "…" } }
            }
            div class="sides" {
                div {
                    @for (name, item) in texts {
                        @match item {
                            Value::String(text) => { h3 { (name) } (prose(text, &subject.at(name), by_place, address)) },
                            other => (value(name, other, &subject.at(name), by_place, address)),
                        }
                    }
                    @for (name, item) in rest { (value(name, item, &subject.at(name), by_place, address)) }
                }
                aside aria-label={ "Findings about " (entry.kind()) " " (index + 1) } {
                    @if about.is_empty() { p class="faint" { "No rule points to a word of it." } }
                    (findings::list(about, true))
                }
            }
        }
    }
}

/// A text with its line breaks.
fn prose(text: &str, place: &Subject, by_place: &ByPlace<'_>, address: &str) -> Markup {
    let (head, rest) = words::cut(text, MAX_TEXT);
    let marks = by_place.marks(place.as_str(), text, None);
    html! {
        div class="told" translate="no" dir="auto" {
            @if text.is_empty() { span class="faint" { "(empty)" } }
            (words::set(head, &marks, Setting::Prose))
        }
        @if rest > 0 { (left_out(&bits::amount(rest, "characters"), place, address)) }
    }
}

/// A member that is any JSON.
fn value(name: &str, value: &Value, place: &Subject, by_place: &ByPlace<'_>, address: &str) -> Markup {
    let mut drawing = Drawing::new(by_place, MAX_JSON);
    let drawn = drawing.value(value, place);
    html! {
        h3 { (words::short(name, 80)) }
        pre class="told json" tabindex="0" translate="no" { code { (drawn) } }
        @if drawing.cut { (left_out("A part", place, address)) }
    }
}

/// What is not on this page, and where it is. Text that is too long to be shown is itself worth a look.
fn left_out(what: &str, place: &Subject, address: &str) -> Markup {
    let whole = asked::address(address, &[("at", place.entry_of().as_str())]);
    html! { p class="cut" { (what) " left out here. " a href=(whole) { "Read all of it" } } }
}

/// What differed between runs or clients: the model may be told this instead.
fn unstable(captured: &Captured, by_place: &ByPlace<'_>, address: &str) -> Markup {
    const MOST: usize = 100;
    html! {
        @if !captured.unstable.is_empty() {
            h2 id="unstable" { "Not the same twice" }
            p { "Another run, or another client, was told this instead." }
            @for (index, unstable) in captured.unstable.iter().take(MOST).enumerate() {
                @let mut drawing = Drawing::new(by_place, MAX_JSON);
                h3 { code { (words::line(unstable.subject.as_str())) } " between " (unstable.between.as_str()) }
                pre class="told json" tabindex="0" translate="no" { code { (drawing.value(&unstable.other, &unstable.subject)) } }
                @if drawing.cut {
                    p class="cut" { "A part left out here. " a href=(asked::address(address, &[("at", &format!("unstable:{index}"))])) { "Read all of it" } }
                }
            }
            @if captured.unstable.len() > MOST { p class="cut" { "and " (captured.unstable.len() - MOST) " more places" } }
        }
    }
}
