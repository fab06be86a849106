//! `/servers/{name}/{lock}`: one version with everything that is known of it.
use axum::extract::Path;
use maud::{Markup, html};
use mcpsec_model::{
    capture::{Captured, Told},
    manifest::Kind,
};

use super::{
    approvals, bits, closure, findings,
    page::{Failure, Page, Section},
    reader::Reader,
    server::compare_address,
    shelf::Shelved,
    usage, words,
};
use crate::{
    catalog::{Release, Status},
    error::ApiError,
};

pub(super) async fn page(reader: Reader, Path((name, lock)): Path<(String, String)>) -> Result<Page, Failure> {
    let release = reader.release(&name, &lock)?;
    let turn = reader.app.shelf.turn().await?;
    let shelved = reader.app.shelf.get(&reader.app.db, &release.lock).await?;
    let title = format!("{} {}", release.server, release.what.version);
    let shown = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        Page::new(&reader, Section::Servers, &title, body(&reader, &release, &shelved))
    });
    Ok(shown.await.map_err(|error| ApiError::bug(&error))?)
}

fn body(reader: &Reader, release: &Release, shelved: &Shelved) -> Markup {
    let server = shelved.server();
    let home = bits::server_address(&release.server);
    let before = vetted_other(reader, release);
    html! {
        (bits::crumbs(&[("/", "Servers"), (&home, release.server.as_str())]))
        h1 { (release.server) " " span class="version" { (words::short(&release.what.version, 60)) } }
        div class={ "state state-" (release.status.as_str()) } {
            p { (bits::status(release.status)) " " (bits::status_meaning(release.status)) }
            (approvals::needs(release))
            @if let Some(before) = &before {
                p { a href=(compare_address(before, release)) { "What changed since version " (words::short(&before.what.version, 60)) } ", which is vetted" }
            }
            @if release.requested && !release.reason.is_empty() { p { "Asked for: “" (words::line(&release.reason)) "”" } }
        }
        nav class="contents" aria-label="On this page" { ul {
            li { a href="#told" { "What it tells the model" } } li { a href="#approvals" { "Approvals" } }
            li { a href="#closure" { "Packages" } } li { a href="#use" { "Use it" } } li { a href="#identity" { "Identity" } }
        } }
        h2 id="told" { "What it tells the model" }
        (told(release, shelved))
        h2 id="approvals" { "Approvals" }
        (approvals::table(release))
        h2 id="closure" { "Packages" }
        p { (bits::amount(shelved.lock().packages.len(), "packages")) ": " (mcpsec_report::evidence_counts(&release.brief.evidence)) ". " (scripts(release)) (missing(release)) }
        @if !server.findings.is_empty() { (findings::list(&server.findings, true)) }
        (closure::table(release, shelved, reader.asked.number("page")))
        h2 id="use" { "Use it" }
        @if release.status == Status::Pending { (usage::of_review(&reader.address, release)) }
        @else { (usage::of_release(&reader.address, release, server)) }
        h2 id="identity" { "Identity" }
        dl class="facts" {
            dt { "Lock" } dd { code { (release.lock) } " (SHA-256 of its text)" }
            dt { "Package" } dd { code { (words::line(&release.what.purl)) } }
            dt { "Spec" } dd { code { (words::line(&release.what.spec)) } }
            dt { "Starts" } dd { (words::line(&release.what.entry)) }
            dt { "Closure" } dd { code { (release.what.closure) } }
            dt { "Manifest" } dd { @match &release.what.told { Some(told) => code { (told.manifest) }, None => "nobody captured it" } }
            dt { "Targets" } dd { (words::line(&server.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))) }
            dt { "Pushed" } dd { (bits::minute(release.pushed_at)) " by " (words::short(&release.pushed_by, 120)) }
        }
    }
}

/// The vetted version of the same server that is not this one.
pub(super) fn vetted_other(reader: &Reader, release: &Release) -> Option<std::sync::Arc<Release>> {
    let mut others = reader.catalog.of_server(&release.server).filter(|other| other.lock != release.lock);
    others.find(|other| other.status == Status::Vetted).map(std::sync::Arc::clone)
}

fn scripts(release: &Release) -> Markup {
    html! {
        @match release.brief.install_scripts {
            0 => { "No package wants to run a script when it is installed." },
            count => { span class="bad" { (bits::amount(count, "packages")) " with a script that runs when it is installed." } },
        }
    }
}

fn missing(release: &Release) -> Markup {
    let missing = release.files.iter().filter(|file| file.blob.is_none()).count();
    html! { @if missing > 0 { " " span class="bad" { (bits::amount(missing, "files")) " of " (release.files.len()) " not here yet." } } }
}

fn told(release: &Release, shelved: &Shelved) -> Markup {
    let server = shelved.server();
    html! {
        @match &server.told {
            Told::Unknown => p class="bad" { "Not known: nobody captured it." },
            Told::Unchecked(why) => p class="bad" { "Not known: " (words::line(why)) },
            Told::Manifest(captured) => {
                p { (offers(captured)) ", captured in sandbox " strong { (captured.context.isolation.as_str()) }
                    @if let Some(runtime) = &captured.context.runtime { " by " (words::short(&runtime.name, 20)) " " (words::short(&runtime.version, 20)) }
                    ", protocol " (words::short(&captured.context.protocol, 20)) ". "
                    "Poison rules: " (findings::counts(shelved.findings())) "."
                }
                @if !captured.unstable.is_empty() { p class="bad" { (bits::amount(captured.unstable.len(), "places")) " not the same twice." } }
                (findings::list(shelved.findings().iter().take(5), true))
                p { a class="action" href={ (bits::release_address(release)) "/manifest" } { "Read every word that the model reads" } }
                (observed(captured))
            },
        }
        @if !server.accepted.is_empty() {
            h3 { "Accepted by a person" }
            ul { @for accepted in server.accepted.iter().take(100) {
                li { code { (words::line(&accepted.subject)) } @if let Some(rule) = accepted.rule { " (" (rule.id()) ")" } ": “" (words::line(&accepted.reason)) "”" }
            } }
        }
    }
}

/// `3 tools, 1 prompt`.
fn offers(captured: &Captured) -> String {
    let counts = Kind::ALL.map(|kind| (kind, captured.manifest.entries(kind).len()));
    let some = counts.iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = some.map(|(kind, count)| bits::amount(*count, &format!("{kind}s"))).collect();
    if parts.is_empty() { "Nothing".to_owned() } else { parts.join(", ") }
}

/// What it tried while it was captured.
fn observed(captured: &Captured) -> Markup {
    const MOST: usize = 20;
    let observed = &captured.observed;
    let rows = [
        ("read bait files", &observed.canaries),
        ("asked for hosts", &observed.hosts),
        ("reached for files", &observed.files),
        ("started programs", &observed.programs),
    ];
    html! {
        @if !observed.is_empty() {
            h3 { "What it tried in the sandbox" }
            dl class="facts" {
                @for (what, items) in rows {
                    @if !items.is_empty() {
                        dt { (what) }
                        dd { @for (index, item) in items.iter().take(MOST).enumerate() { @if index > 0 { ", " } code { (words::short(item.raw(), 120)) } }
                            @if items.len() > MOST { " and " (items.len() - MOST) " more" } }
                    }
                }
                @if !observed.refused.is_empty() {
                    dt { "was refused" }
                    dd { @for (index, (call, times)) in observed.refused.iter().take(MOST).enumerate() { @if index > 0 { ", " } code { (words::short(call, 60)) } " " (times) "×" } }
                }
            }
        }
    }
}
