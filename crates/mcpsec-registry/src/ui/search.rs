//! `/search?q=`: servers, packages and tools whose names hold the words.
use std::{collections::BTreeMap, sync::Arc};

use maud::{Markup, html};
use mcpsec_model::{manifest::Kind, name::ServerName, package::PackageId};

use super::{
    bits, front,
    front::Shown,
    page::{Failure, Page, Section},
    reader::Reader,
    words,
};
use crate::{
    catalog::{Catalog, Release},
    error::ApiError,
};

/// The longest words that are looked for, in characters.
const MAX_WORDS: usize = 200;
/// How many of each kind are shown.
const MOST: usize = 100;

/// What was found.
#[derive(Default)]
struct Hits<'a> {
    servers: Vec<Shown<'a>>,
    packages: BTreeMap<PackageId, Vec<ServerName>>,
    names: Vec<(Kind, String, &'a Arc<Release>)>,
    /// Whether a server tells more names than are searched.
    more_names: bool,
}

pub(super) async fn page(reader: Reader) -> Result<Page, Failure> {
    let words: String = reader.asked.text("q").unwrap_or_default().chars().take(MAX_WORDS).collect();
    let shown = tokio::task::spawn_blocking(move || {
        let title = if words.is_empty() { "Search".to_owned() } else { format!("Search: {words}") };
        let body = if words.is_empty() { nothing_asked() } else { found(&words, &hits(&reader.catalog, &words)) };
        Page::new(&reader, Section::Search, &title, body)
    });
    Ok(shown.await.map_err(|error| ApiError::bug(&error))?)
}

fn nothing_asked() -> Markup {
    html! {
        h1 { "Search" }
        p class="lead" { "A part of the name of a server, a package (" code { "zod" } ", " code { "npm:zod@3" } ") or a tool." }
    }
}

/// Looks through the version that people get of each server, and through nothing that is only in older ones.
fn hits<'a>(catalog: &'a Catalog, words: &str) -> Hits<'a> {
    let wanted = words.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    let exact = wanted.contains([':', '@', '#']);
    let mut hits = Hits::default();
    for shown in front::servers(catalog.releases()) {
        let release = shown.release;
        for id in &release.packages {
            if has(id.name().as_str()) || exact && has(&id.to_string()) {
                hits.packages.entry(PackageId::clone(id)).or_default().push(release.server.clone());
            }
        }
        let names = release.brief.names.iter().filter(|(_, name)| has(name));
        hits.names.extend(names.map(|(kind, name)| (*kind, name.clone(), release)));
        hits.more_names |= release.brief.more_names;
        let title = release.brief.title.as_deref().unwrap_or_default();
        if has(release.server.as_str()) || has(&release.what.spec) || has(&release.what.purl) || has(title) {
            hits.servers.push(shown);
        }
    }
    hits
}

fn found(words: &str, hits: &Hits<'_>) -> Markup {
    let servers: Vec<&Shown<'_>> = hits.servers.iter().take(MOST).collect();
    let total = hits.servers.len() + hits.packages.len() + hits.names.len();
    html! {
        h1 { "Search: " (words::short(words, MAX_WORDS)) }
        @if total == 0 { p class="lead" { "Nothing here has that in its name." } }
        @if !servers.is_empty() {
            h2 { "Servers " span class="count" { (hits.servers.len()) } }
            (front::table(&servers))
            (more(hits.servers.len()))
        }
        @if !hits.names.is_empty() {
            h2 { "Tools, prompts and resources " span class="count" { (hits.names.len()) } }
            ul class="plain" {
                @for (kind, name, release) in hits.names.iter().take(MOST) {
                    li { span class="kind" { (kind) } " " code { (words::short(name, 120)) } " of "
                        a href={ (bits::release_address(release)) "/manifest" } { (release.server) } " " (bits::status(release.status)) }
                }
            }
            (more(hits.names.len()))
        }
        @if hits.more_names { p class="cut" { "A server tells more names than are searched; its page has them all." } }
        @if !hits.packages.is_empty() {
            h2 { "Packages " span class="count" { (hits.packages.len()) } }
            ul class="plain" {
                @for (id, servers) in hits.packages.iter().take(MOST) {
                    li { code { (words::line(&id.to_string())) } " in "
                        @for (index, name) in servers.iter().take(8).enumerate() { @if index > 0 { ", " } (front::link(name)) }
                        @if servers.len() > 8 { " and " (servers.len() - 8) " more" } }
                }
            }
            (more(hits.packages.len()))
        }
    }
}

fn more(count: usize) -> Markup {
    html! { @if count > MOST { p class="cut" { "and " (count - MOST) " more; more letters find fewer" } } }
}
