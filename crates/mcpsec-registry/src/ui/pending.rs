//! `/pending`: requests, the one that somebody should read first on top, each with the command that approves it.
use std::{cmp::Reverse, sync::Arc};

use maud::{Markup, html};

use super::{
    approvals, asked, bits, evidence, front,
    page::{Failure, Page, Section},
    reader::Reader,
    release::vetted_other,
    risk::{Risk, Weight},
    server::compare_address,
    usage, words,
};
use crate::{
    catalog::{Release, Status},
    error::ApiError,
};

/// How many requests are on one page.
const SIZE: usize = 25;
/// How many requests are weighed for one page view; the others keep for the next, and stand on top until then.
const FRESH: usize = 60;

/// A request with what speaks against it.
struct Request {
    release: Arc<Release>,
    vetted: Option<Arc<Release>>,
    /// `None`: nobody weighed it yet.
    risk: Option<Arc<Risk>>,
}

pub(super) async fn page(reader: Reader) -> Result<Page, Failure> {
    let pending = reader.catalog.releases().iter().filter(|release| release.status == Status::Pending);
    let mut requests = Vec::new();
    let mut fresh = 0;
    for release in pending {
        requests.push(weighed(&reader, Arc::clone(release), &mut fresh).await?);
    }
    // What nobody weighed may be anything, so it is on top.
    requests.sort_by_key(|request| {
        let risk = request.risk.as_ref().map(|risk| risk.order());
        (risk.is_some(), risk.unwrap_or(Reverse([0; 5])), request.release.pushed_at, request.release.lock)
    });
    let unknown = requests.iter().filter(|request| request.risk.is_none()).count();
    let part = bits::part(requests.len(), SIZE, reader.asked.number("page"));
    let body = html! {
        h1 { "Pending requests" }
        @if requests.is_empty() {
            p class="lead" { "Nothing waits for a review." }
        } @else {
            p class="lead" { (bits::amount(requests.len(), "requests")) ", in order of risk: what speaks most against a request stands first." }
        }
        @if unknown > 0 {
            p class="bad" { (bits::amount(unknown, "requests")) " not weighed yet stand on top; this page weighs more of them each time it is opened." }
        }
        @for request in requests.get(part.from..part.to).unwrap_or_default() { (one(&reader, request)) }
        (bits::turner(part, |page| asked::address("/pending", &[("page", &page.to_string())])))
    };
    Ok(Page::new(&reader, Section::Pending, "Pending requests", body))
}

async fn weighed(reader: &Reader, release: Arc<Release>, fresh: &mut usize) -> Result<Request, Failure> {
    let vetted = vetted_other(reader, &release);
    let (shelf, db) = (&reader.app.shelf, &reader.app.db);
    let base = vetted.as_ref().map(|vetted| vetted.lock);
    let mut risk = shelf.risk(release.lock, base).await;
    if risk.is_none() && *fresh < FRESH {
        *fresh += 1;
        let turn = shelf.turn().await?;
        let request = match shelf.get(db, &release.lock).await {
            Ok(request) => Some(request),
            // The database: not the request's fault.
            Err(error) if error.status == http::StatusCode::SERVICE_UNAVAILABLE => return Err(error.into()),
            Err(_) => None,
        };
        let against = match &vetted {
            Some(vetted) => Some(shelf.get(db, &vetted.lock).await?),
            None => None,
        };
        let weigh = move || {
            let _turn = turn;
            request.map_or_else(Risk::unreadable, |request| Risk::of(&request, against.as_deref()))
        };
        let new = Arc::new(tokio::task::spawn_blocking(weigh).await.map_err(|error| ApiError::bug(&error))?);
        shelf.keep_risk(release.lock, base, Arc::clone(&new)).await;
        risk = Some(new);
    }
    Ok(Request { release, vetted, risk })
}

fn one(reader: &Reader, request: &Request) -> Markup {
    let release = &request.release;
    let id = format!("request-{}", release.lock.to_hex().get(..12).unwrap_or_default());
    let weight = request.risk.as_ref().map(|risk| risk.weight());
    html! {
        article class={ "request weight-" (weight.map_or("alarming", Weight::as_str)) } aria-labelledby=(id) {
            h2 id=(id) {
                a href=(bits::release_address(release)) { (release.server) " " (words::short(&release.what.version, 60)) }
                " " (badge(weight))
            }
            p class="meta" {
                code { (words::short(&release.what.spec, 100)) } " · pushed " (bits::minute(release.pushed_at)) " by " (words::short(&release.pushed_by, 80))
                " · evidence: " (evidence::counts(&release.brief.evidence)) " · sandbox " (front::isolation(release))
            }
            @if !release.reason.is_empty() { p class="quote" { "“" (words::line(&release.reason)) "”" } }
            (reasons(request.risk.as_deref()))
            p class="links" {
                a href={ (bits::release_address(release)) "/manifest" } { "Every word it tells" }
                @if let Some(vetted) = &request.vetted {
                    a href=(compare_address(vetted, release)) { "What changed since " (words::short(&vetted.what.version, 60)) @if let Some(level) = request.risk.as_ref().and_then(|risk| risk.level) { " " (bits::level(level)) } }
                }
                a href={ "/api/v1/locks/" (release.lock) } { "Its lock" }
            }
            (approvals::needs(release))
            (usage::of_review(&reader.address, release))
        }
    }
}

fn badge(weight: Option<Weight>) -> Markup {
    html! {
        @match weight {
            Some(weight) => span class={ "badge weight-" (weight.as_str()) } { (weight.as_str()) },
            None => span class="badge weight-alarming" { "not weighed yet" },
        }
    }
}

fn reasons(risk: Option<&Risk>) -> Markup {
    /// How many are seen before somebody opens the rest.
    const FIRST: usize = 6;
    let Some(risk) = risk else { return html! {} };
    let item =
        |(weight, words): &(Weight, String)| html! { li { (badge(Some(*weight))) " " (words::short(words, 400)) } };
    html! {
        @if risk.reasons.is_empty() { p { "Nothing differs from the vetted version." } }
        ul class="reasons" { @for reason in risk.reasons.iter().take(FIRST) { (item(reason)) } }
        @if risk.reasons.len() > FIRST {
            details { summary { (risk.reasons.len() - FIRST + risk.untold()) " more" }
                ul class="reasons" { @for reason in risk.reasons.iter().skip(FIRST) { (item(reason)) }
                    @if risk.untold() > 0 { li { "and " (risk.untold()) " more" } } } }
        }
    }
}
