//! `/servers/{name}`: the versions of one server.
use std::sync::Arc;

use axum::extract::Path;
use maud::{Markup, html};

use super::{
    approvals, asked, bits, evidence, front,
    page::{Failure, Page, Section},
    reader::Reader,
    words,
};
use crate::catalog::{Release, Status};

/// How many versions are on one page.
const SIZE: usize = 100;

pub(super) async fn page(reader: Reader, Path(name): Path<String>) -> Result<Page, Failure> {
    let releases = reader.releases_of(&name)?;
    let shown = front::servers(&releases);
    let current = shown.first().map_or(&releases[0], |shown| shown.release);
    let part = bits::part(releases.len(), SIZE, reader.asked.number("page"));
    let address = bits::server_address(&current.server);
    let body = html! {
        (bits::crumbs(&[("/", "Servers")]))
        h1 { (current.server) }
        p class="lead" {
            @if let Some(title) = &current.brief.title { (words::short(title, 120)) " · " }
            code { (words::short(&current.what.spec, 200)) }
        }
        (now(current, &releases))
        h2 { "Versions" }
        table class="list" {
            caption class="only-read" { "Versions of " (current.server) ", the latest push first" }
            thead { tr {
                th scope="col" { "Version" } th scope="col" { "Status" } th scope="col" { "Approved by" }
                th scope="col" { "Evidence of its packages" } th scope="col" { "Tells" } th scope="col" { "Pushed" } th scope="col" { "Lock" }
            } }
            tbody {
                @for (index, release) in releases.iter().enumerate().take(part.to).skip(part.from) {
                    (row(release, releases.get(index + 1)))
                }
            }
        }
        (bits::turner(part, |page| asked::address(&address, &[("page", &page.to_string())])))
        @if releases.len() > 1 { (compare_form(&releases)) }
    };
    Ok(Page::new(&reader, Section::Servers, current.server.as_str(), body))
}

/// How the server stands today, in one sentence.
fn now(current: &Release, releases: &[Arc<Release>]) -> Markup {
    let pending = releases.iter().filter(|release| release.status == Status::Pending).count();
    html! {
        div class={ "state state-" (current.status.as_str()) } {
            p {
                (bits::status(current.status)) " "
                a href=(bits::release_address(current)) { "Version " (words::short(&current.what.version, 60)) } ". "
                (bits::status_meaning(current.status))
            }
            @if pending > 0 && current.status != Status::Pending {
                p { (bits::amount(pending, "versions")) " pending: " a href="/pending" { "requests in order of risk" } }
            }
        }
    }
}

fn row(release: &Release, before: Option<&Arc<Release>>) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href=(bits::release_address(release)) { (words::short(&release.what.version, 60)) }
                @if let Some(before) = before {
                    a class="under" href=(compare_address(before, release)) { "what changed" }
                }
            }
            td data-label="Status" { (bits::status(release.status)) }
            td data-label="Approved by" { (approvals::people(release)) }
            td data-label="Evidence" { (evidence::counts(&release.brief.evidence)) }
            td data-label="Tells" {
                @if release.isolation.is_some() {
                    a href={ (bits::release_address(release)) "/manifest" } { (bits::amount(release.tools, "tools")) }
                } @else { span class="bad" { "not captured" } }
            }
            td data-label="Pushed" { (bits::day(release.pushed_at)) span class="under" { "by " (words::short(&release.pushed_by, 60)) } }
            td data-label="Lock" { (bits::digest(&release.lock)) }
        }
    }
}

/// The address of the comparison of two versions.
pub(super) fn compare_address(from: &Release, to: &Release) -> String {
    let path = format!("/servers/{}/compare", to.server);
    asked::address(&path, &[("from", &from.lock.to_string()), ("to", &to.lock.to_string())])
}

/// A form that compares any two versions.
fn compare_form(releases: &[Arc<Release>]) -> Markup {
    // A list that nobody can choose from helps nobody; `mcpsec diff` takes any version.
    const MOST: usize = 200;
    let options = |chosen: usize| {
        html! {
            @for (index, release) in releases.iter().take(MOST).enumerate() {
                option value=(release.lock) selected[index == chosen] {
                    (words::escaped(&release.what.version)) " · " (release.status.as_str()) " · " (release.lock.to_hex().get(..8).unwrap_or_default())
                }
            }
        }
    };
    html! {
        form class="compare" action={ "/servers/" (releases[0].server) "/compare" } method="get" {
            h2 id="compare" { "Compare" }
            div class="field" { label for="from" { "From" } select id="from" name="from" { (options(1)) } }
            div class="field" { label for="to" { "To" } select id="to" name="to" { (options(0)) } }
            button type="submit" { "Show what changed" }
        }
    }
}
