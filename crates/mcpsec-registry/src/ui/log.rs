//! `/log`: the signed statements, the newest first, under the head that clients hold the server to.
use maud::{Markup, html};
use mcpsec_model::{
    approval::{Envelope, Statement},
    digest::ApprovalId,
    name::ServerName,
    time::Timestamp,
};

use super::{
    approvals, asked, bits, front,
    page::{Failure, Page, Section},
    reader::Reader,
    usage, words,
};
use crate::{
    catalog::Catalog,
    db::entries::{self, EntryRow},
};

/// How many entries are on one page.
const SIZE: i64 = 50;

pub(super) async fn page(reader: Reader) -> Result<Page, Failure> {
    let log = entries::log(&reader.app.db).await?;
    let asked = reader.asked.number("before").and_then(|before| i64::try_from(before).ok());
    let until = asked.unwrap_or(log.size).clamp(0, log.size);
    let from = until.saturating_sub(SIZE).max(0);
    let mut rows = entries::range(&reader.app.db, from, until).await?;
    rows.reverse();
    let at = reader.address.as_str();
    let body = html! {
        h1 { "Log of approvals" }
        p class="lead" {
            (bits::amount(usize::try_from(log.size).unwrap_or_default(), "entries"))
            ". Entries are only ever added; each carries its own signature, and the signed head lets clients see when something was taken out, held back or changed."
        }
        dl class="facts" {
            dt { "Size" } dd { (log.size) }
            dt { "Root" } dd { code { (words::line(&log.root)) } " (RFC 6962)" }
            dt { "Head" } dd { a href="/api/v1/approvals/head" { "signed note" } }
            dt { "Key" } dd { a href="/api/v1/log-key" { "verifier key" } }
        }
        @if rows.is_empty() {
            p { "Nobody signed anything yet." }
        } @else {
            table class="list" {
                caption class="only-read" { "Entries, the newest first" }
                thead { tr {
                    th scope="col" { "Entry" } th scope="col" { "Says" } th scope="col" { "Server" } th scope="col" { "By, as it says" }
                    th scope="col" { "Given" } th scope="col" { "Until" } th scope="col" { "Reason" }
                } }
                tbody { @for row in &rows { (entry(row, &reader.catalog)) } }
            }
            (turner(from, until, log.size))
        }
        (usage::block("All of it, as git holds it", &format!("curl -fsS -o mcp-approvals.jsonl {at}/api/v1/approvals")))
    };
    Ok(Page::new(&reader, Section::Log, "Log of approvals", body))
}

fn turner(from: i64, until: i64, size: i64) -> Markup {
    let address = |before: i64| asked::address("/log", &[("before", &before.to_string())]);
    html! {
        nav class="turner" aria-label="Pages" {
            @if until < size { a rel="prev" href=(address((until + SIZE).min(size))) { "← Newer" } }
            span { "Entries " (from) " to " (until - 1) }
            @if from > 0 { a rel="next" href=(address(from)) { "Older →" } }
        }
    }
}

fn entry(row: &EntryRow, catalog: &Catalog) -> Markup {
    let parsed = Envelope::parse(&row.line).ok().and_then(|envelope| {
        let statement = Statement::parse(envelope.payload()).ok()?;
        Some((envelope.id(), statement))
    });
    html! {
        tr {
            th scope="row" { (row.seq) @if let Some((id, _)) = &parsed { @let id = id.to_string(); code class="under" title=(id) { (approvals::short_id(&id)) } } }
            @match &parsed {
                None => td colspan="6" class="bad" { "cannot be read; it counts for nothing" },
                Some((id, Statement::Approval(approval))) => {
                    td data-label="Says" { "approved" span class="under" { (counts(catalog, &approval.what.server, *id)) } }
                    td data-label="Server" { (front::link(&approval.what.server)) span class="under" { (words::short(&approval.what.version, 60)) } }
                    td data-label="By" { (words::short(&approval.reviewer.name, 80)) }
                    (when(Some(approval.issued), Some(approval.expires)))
                    td data-label="Reason" { (reason(&approval.reason)) }
                },
                Some((_, Statement::Revocation(revocation))) => {
                    td data-label="Says" { span class="bad" { "revoked " code { (approvals::short_id(&revocation.approval.to_string())) } } }
                    td data-label="Server" { (front::link(&revocation.server)) }
                    td data-label="By" { (words::short(&revocation.reviewer.name, 80)) }
                    (when(Some(revocation.issued), None))
                    td data-label="Reason" { (reason(&revocation.reason)) }
                },
            }
        }
    }
}

/// Whether an approval counts for a version that is here.
fn counts(catalog: &Catalog, server: &ServerName, id: ApprovalId) -> Markup {
    let mut known = false;
    let mut why = None;
    for release in catalog.of_server(server) {
        for one in release.standing.approvals.iter().filter(|one| one.id == id) {
            known = true;
            match &one.counts {
                Ok(_) => return html! { a href=(bits::release_address(release)) { "counts" } },
                Err(refusal) => why = why.or(Some(refusal.to_string())),
            }
        }
    }
    html! {
        @if !known { "for a version that nobody pushed" }
        @else { "does not count here" @if let Some(why) = why { ": " (words::short(&why, 160)) } }
    }
}

fn when(issued: Option<Timestamp>, expires: Option<Timestamp>) -> Markup {
    let cell = |label: &str, time: Option<Timestamp>| {
        html! { td data-label=(label) { @match time { Some(time) => (bits::day(time)), None => span class="faint" { "for good" } } } }
    };
    html! { (cell("Given", issued)) (cell("Until", expires)) }
}

fn reason(text: &str) -> Markup {
    html! { @if text.is_empty() { span class="faint" { "none given" } } @else { (words::line(text)) } }
}
