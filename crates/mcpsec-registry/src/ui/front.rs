//! `/`: every server with how it stands.
use std::sync::Arc;

use maud::{Markup, html};
use mcpsec_model::name::ServerName;

use super::{
    approvals, asked, bits, evidence,
    page::{Page, Section},
    reader::Reader,
    words,
};
use crate::catalog::{Release, Status};

/// How many servers are on one page.
const SIZE: usize = 100;
const ALL: [Status; 4] = [Status::Vetted, Status::Incomplete, Status::Pending, Status::Withdrawn];

/// A server with the version that people get, else the one that is nearest to it.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) release: &'a Arc<Release>,
    pub(super) versions: usize,
    pub(super) pending: usize,
}

/// Every server once, by name.
pub(super) fn servers(releases: &[Arc<Release>]) -> Vec<Shown<'_>> {
    let mut all: Vec<Shown<'_>> = Vec::new();
    for release in releases {
        let pending = usize::from(release.status == Status::Pending);
        match all.last_mut().filter(|last| last.release.server == release.server) {
            Some(last) => {
                last.versions += 1;
                last.pending += pending;
                // The first of a status is the latest push of it.
                if release.status < last.release.status {
                    last.release = release;
                }
            }
            None => all.push(Shown { release, versions: 1, pending }),
        }
    }
    all
}

pub(super) async fn page(reader: Reader) -> Page {
    let servers = servers(reader.catalog.releases());
    let wanted = reader.asked.text("status").and_then(|word| ALL.into_iter().find(|status| status.as_str() == word));
    let chosen: Vec<&Shown<'_>> =
        servers.iter().filter(|shown| wanted.is_none_or(|status| shown.release.status == status)).collect();
    let part = bits::part(chosen.len(), SIZE, reader.asked.number("page"));
    let word = wanted.map_or("", Status::as_str);
    let body = html! {
        h1 { "Servers" }
        p class="lead" { (bits::amount(servers.len(), "servers")) " that somebody pushed. Only what is vetted is served to package managers and editors." }
        @if servers.is_empty() {
            (nothing())
        } @else {
            (choices(&servers, wanted))
            (table(chosen.get(part.from..part.to).unwrap_or_default()))
            (bits::turner(part, |page| asked::address("/", &[("status", word), ("page", &page.to_string())])))
        }
    };
    Page::new(&reader, Section::Servers, "Servers", body)
}

fn nothing() -> Markup {
    html! {
        div class="empty" {
            h2 { "Nothing is here yet" }
            p { "Lock a server in a project, approve it, and push it:" }
            pre tabindex="0" { code { "mcpsec add npm:@scope/server\nmcpsec approve NAME\nmcpsec push" } }
        }
    }
}

/// Links that show one status only.
fn choices(servers: &[Shown<'_>], wanted: Option<Status>) -> Markup {
    let count = |status: Status| servers.iter().filter(|shown| shown.release.status == status).count();
    html! {
        nav class="choices" aria-label="By status" {
            ul {
                li { a href="/" aria-current=[wanted.is_none().then_some("true")] { "All " span class="count" { (servers.len()) } } }
                @for status in ALL {
                    @if count(status) > 0 {
                        li {
                            a href=(asked::address("/", &[("status", status.as_str())]))
                                aria-current=[(wanted == Some(status)).then_some("true")] title=(bits::status_meaning(status)) {
                                (status.as_str()) " " span class="count" { (count(status)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A table of servers.
pub(super) fn table(servers: &[&Shown<'_>]) -> Markup {
    html! {
        table class="list" {
            caption class="only-read" { "Servers" }
            thead { tr {
                th scope="col" { "Server" } th scope="col" { "Version" } th scope="col" { "Status" }
                th scope="col" { "Approved by" } th scope="col" { "Evidence of its packages" } th scope="col" { "Sandbox" }
                th scope="col" { "Pushed" }
            } }
            tbody { @for shown in servers { (row(shown)) } }
        }
    }
}

fn row(shown: &Shown<'_>) -> Markup {
    let release = shown.release;
    html! {
        tr {
            th scope="row" {
                a href=(bits::server_address(&release.server)) { (release.server) }
                span class="under" { (words::short(&release.what.spec, 100)) }
            }
            td data-label="Version" {
                a href=(bits::release_address(release)) { (words::short(&release.what.version, 60)) }
                @if shown.versions > 1 { span class="under" { "of " (shown.versions) } }
            }
            td data-label="Status" {
                (bits::status(release.status))
                @if shown.pending > 0 && release.status != Status::Pending {
                    a class="under" href=(bits::server_address(&release.server)) { (shown.pending) " pending" }
                }
            }
            td data-label="Approved by" { (approvals::people(release)) }
            td data-label="Evidence" { (evidence::counts(&release.brief.evidence)) }
            td data-label="Sandbox" { (isolation(release)) }
            td data-label="Pushed" { (bits::day(release.pushed_at)) }
        }
    }
}

/// The sandbox of the capture, or that nobody looked.
pub(super) fn isolation(release: &Release) -> Markup {
    html! {
        @match release.isolation {
            Some(isolation) => (isolation.as_str()),
            None => span class="bad" { "not captured" },
        }
    }
}

/// Whether a name is that of a server here; used by links.
pub(super) fn link(name: &ServerName) -> Markup {
    html! { a href=(bits::server_address(name)) { (name) } }
}
