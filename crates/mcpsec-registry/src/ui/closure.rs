//! The packages that a version consists of.
use maud::{Markup, html};
use mcpsec_model::package::Package;

use super::{asked, bits, bits::Part, evidence, shelf::Shelved, words};
use crate::catalog::Release;

/// How many packages are on one page.
const SIZE: usize = 100;

/// The packages with their evidence, files and scripts; the server's own first.
pub(super) fn table(release: &Release, shelved: &Shelved, page: Option<usize>) -> Markup {
    let root = shelved.server().closure.root().package();
    let optional = shelved.server().closure.optional_packages();
    let mut packages: Vec<&Package> = shelved.lock().packages.values().collect();
    packages.sort_by_key(|package| (package.id != *root, &package.id));
    let part: Part = bits::part(packages.len(), SIZE, page);
    let address = bits::release_address(release);
    html! {
        table class="list" {
            caption class="only-read" { "Packages of this version" }
            thead { tr {
                th scope="col" { "Package" } th scope="col" { "Evidence" } th scope="col" { "Files" } th scope="col" { "Notes" }
            } }
            tbody {
                @for package in packages.get(part.from..part.to).unwrap_or_default() {
                    tr {
                        th scope="row" {
                            code { (words::line(&package.id.to_string())) }
                            @if package.id == *root { span class="under" { "the server itself" } }
                        }
                        td data-label="Evidence" { (evidence::of_package(package)) }
                        td data-label="Files" { (files(release, package)) }
                        td data-label="Notes" { (notes(package, optional.contains(&package.id))) }
                    }
                }
            }
        }
        (bits::turner(part, |page| format!("{}#closure", asked::address(&address, &[("page", &page.to_string())]))))
    }
}

/// How many files, how large, and how many of them are not here.
fn files(release: &Release, package: &Package) -> Markup {
    let size = package.artifacts.iter().filter_map(|artifact| artifact.size).fold(0, u64::saturating_add);
    let of_package = release.files.iter().filter(|file| *file.package == package.id);
    let missing = of_package.filter(|file| file.blob.is_none()).count();
    html! {
        @if package.artifacts.is_empty() {
            span class="faint" { "none of its own" }
        } @else {
            (bits::amount(package.artifacts.len(), "files"))
            @if size > 0 { ", " (bits::bytes(size)) }
            @if missing > 0 { " " span class="bad" { (missing) " missing" } }
            details {
                summary { "digests" }
                ul class="digests" {
                    @for artifact in &package.artifacts {
                        li { (words::short(&artifact.file, 120)) @for digest in artifact.digests.iter() { code { (digest) } } }
                    }
                }
            }
        }
    }
}

fn notes(package: &Package, optional: bool) -> Markup {
    let list =
        |what: &str, words: &[smol_str::SmolStr]| (!words.is_empty()).then(|| format!("{what} {}", words.join(", ")));
    let mut notes: Vec<String> = Vec::new();
    notes.extend(optional.then(|| "optional".to_owned()));
    notes.extend(
        [list("os", &package.os), list("cpu", &package.cpu), list("libc", &package.libc)].into_iter().flatten(),
    );
    notes.extend(package.requires_python.as_ref().map(|python| format!("Python {python}")));
    if let Some(git) = &package.git {
        notes.push(git.reference.as_ref().map_or_else(|| "a bare commit".to_owned(), ToString::to_string));
    }
    html! {
        @if package.install_scripts { span class="bad" { "wants to run a script when it is installed" } " " }
        @if !notes.is_empty() { (words::line(&notes.join("; "))) }
    }
}
