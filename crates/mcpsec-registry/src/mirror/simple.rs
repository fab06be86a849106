//! Pages of the simple index: PEP 503 (HTML), PEP 691 (JSON), with sizes (700), metadata (658, 714) and provenance (740).
//!
//! Links to files are relative, so that they lead back to whatever address the page was asked under.
use maud::{DOCTYPE, html};
use mcpsec_model::{
    digest::Digest,
    name::{Ecosystem, PackageName},
};
use serde_json::{Map, Value, json};

use super::{
    arrival::{Kind, requires_python},
    described,
    evidence::documents,
    page::Page,
    path::encode,
};
use crate::{app::App, catalog::Catalog, error::ApiError};

pub(super) const JSON: &str = "application/vnd.pypi.simple.v1+json";
pub(super) const HTML: &str = "application/vnd.pypi.simple.v1+html";
const TEXT_HTML: &str = "text/html; charset=utf-8";
/// The version that has all of the members used here.
const VERSION: &str = "1.3";

/// A vetted file with all that is said about it.
#[derive(Debug)]
pub(super) struct Vetted {
    file: String,
    version: String,
    sha256: Digest,
    size: Option<u64>,
    /// Its core metadata; empty where it has none.
    metadata: String,
    published: Option<String>,
    attested: bool,
}

impl Vetted {
    /// SHA-256 of the metadata, for wheels: of a source distribution it may differ from what a build makes.
    fn metadata_sha256(&self) -> Option<String> {
        let offered = has_metadata(&self.file) && !self.metadata.is_empty();
        offered.then(|| Digest::sha256_of(self.metadata.as_bytes()).to_hex())
    }

    /// Where the file is, seen from the page.
    fn link(&self) -> String {
        format!("../../files/{}/{}", self.sha256.to_hex(), encode(&self.file))
    }

    fn provenance(&self, base: &str, name: &PackageName) -> Option<String> {
        let (version, file) = (encode(&self.version), encode(&self.file));
        self.attested.then(|| format!("{base}/pypi/integrity/{name}/{version}/{file}/provenance"))
    }

    fn requires_python(&self) -> Option<&str> {
        requires_python(&self.metadata)
    }
}

/// Whether `<file>.metadata` is offered where the text is known.
pub(super) fn has_metadata(file: &str) -> bool {
    file.ends_with(".whl")
}

/// The vetted files of a project, by name; empty when there are none.
pub(super) async fn vetted(app: &App, catalog: &Catalog, name: &PackageName) -> Result<Vec<Vetted>, ApiError> {
    let mut all = Vec::new();
    for (id, files) in catalog.versions(Ecosystem::Pypi, name.as_str()) {
        for file in files {
            let Some(sha256) = file.blob else { continue };
            let row = described::of_file(app, file, Kind::Pypi).await?;
            let evidence = documents(app, file).await?;
            all.push(Vetted {
                file: file.file.to_string(),
                version: id.version().to_owned(),
                sha256,
                size: file.size,
                metadata: row.map(|row| row.body).unwrap_or_default(),
                published: evidence.published.map(|time| time.to_string()),
                attested: evidence.attestations.is_some(),
            });
        }
    }
    all.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(all)
}

/// The page of a project. Blocks.
pub(super) fn project(name: &PackageName, all: &[Vetted], base: &str, json: bool) -> Result<Page, ApiError> {
    if json {
        let mut versions: Vec<&str> = all.iter().map(|one| one.version.as_str()).collect();
        versions.sort_unstable();
        versions.dedup();
        let files: Vec<Value> = all.iter().map(|one| file_json(name, one, base)).collect();
        let page =
            json!({ "meta": { "api-version": VERSION }, "name": name.as_str(), "versions": versions, "files": files });
        let body = serde_json::to_vec(&page).map_err(|error| ApiError::bug(&error))?;
        return Ok(Page::new(JSON, body));
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="pypi:repository-version" content=(VERSION);
                title { "Links for " (name) }
            }
            body {
                h1 { "Links for " (name) }
                @for one in all {
                    @let metadata = one.metadata_sha256().map(|sha256| format!("sha256={sha256}"));
                    a href={ (one.link()) "#sha256=" (one.sha256.to_hex()) }
                        data-requires-python=[one.requires_python()]
                        data-core-metadata=[metadata.as_deref()]
                        data-dist-info-metadata=[metadata.as_deref()]
                        data-provenance=[one.provenance(base, name)]
                        { (one.file) }
                    br;
                }
            }
        }
    };
    Ok(Page::new(TEXT_HTML, page.into_string()))
}

fn file_json(name: &PackageName, one: &Vetted, base: &str) -> Value {
    let mut out = Map::new();
    out.insert("filename".to_owned(), one.file.as_str().into());
    out.insert("url".to_owned(), one.link().into());
    out.insert("hashes".to_owned(), json!({ "sha256": one.sha256.to_hex() }));
    out.insert("yanked".to_owned(), false.into());
    if let Some(size) = one.size {
        out.insert("size".to_owned(), size.into());
    }
    if let Some(python) = one.requires_python() {
        out.insert("requires-python".to_owned(), python.into());
    }
    if let Some(sha256) = one.metadata_sha256() {
        // Not by its older name too (PEP 714): pip 22.2 to 23.1 read that and fail on the hash in it.
        out.insert("core-metadata".to_owned(), json!({ "sha256": sha256 }));
    }
    if let Some(time) = &one.published {
        out.insert("upload-time".to_owned(), time.as_str().into());
    }
    if let Some(url) = one.provenance(base, name) {
        out.insert("provenance".to_owned(), url.into());
    }
    out.into()
}

/// The list of all projects.
pub(super) fn projects(names: &[&str], json: bool) -> Result<Page, ApiError> {
    if json {
        let projects: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        let page = json!({ "meta": { "api-version": VERSION }, "projects": projects });
        return Ok(Page::new(JSON, serde_json::to_vec(&page).map_err(|error| ApiError::bug(&error))?));
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="pypi:repository-version" content=(VERSION);
                title { "Vetted projects" }
            }
            body { @for name in names { a href={ (name) "/" } { (name) } br; } }
        }
    };
    Ok(Page::new(TEXT_HTML, page.into_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_words_stay_words() {
        let evil = Vetted {
            file: "a-1.0-py3-none-any.whl\"><script>alert(1)</script>".to_owned(),
            version: "1.0".to_owned(),
            sha256: Digest::sha256_of(b"x"),
            size: Some(1),
            metadata: "Name: a\nVersion: 1.0\nRequires-Python: >=3\" onclick=\"x'<b>\n".to_owned(),
            published: None,
            attested: true,
        };
        let name = PackageName::pypi("a").expect("a name");
        let all = [evil];
        let page = project(&name, &all, "https://mirror.example.test", false).expect("rendered");
        let text = String::from_utf8(page.plain().to_vec()).expect("UTF-8");
        assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains(" onclick=\""), "{text}");
        assert!(text.contains("data-requires-python=\"&gt;=3&quot; onclick=&quot;x'&lt;b&gt;\""), "{text}");
        let page = project(&name, &all, "https://mirror.example.test", true).expect("rendered");
        let value: Value = serde_json::from_slice(page.plain()).expect("JSON");
        assert_eq!(value["files"][0]["requires-python"], ">=3\" onclick=\"x'<b>");
        assert!(!value["files"][0]["url"].as_str().expect("text").contains(['"', '<', '>']));
    }
}
