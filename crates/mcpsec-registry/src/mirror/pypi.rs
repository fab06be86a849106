//! The Python index's addresses, as pip and uv ask them.
//!
//! | address below `/pypi` | answer |
//! |---|---|
//! | `/simple/` | all projects |
//! | `/simple/<name>/` | files of a project; other spellings of the name are sent here |
//! | `/files/<sha256>/<file>` | the file, ranges too (uv and pip read the end of a wheel first) |
//! | `/files/<sha256>/<file>.metadata` | its core metadata (PEP 658) |
//! | `/integrity/<name>/<version>/<file>/provenance` | what was pushed (PEP 740) |
use std::sync::Arc;

use axum::{
    extract::{OriginalUri, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, header};
use mcpsec_model::{
    digest::Digest,
    name::{Ecosystem, PackageName},
    package::PackageId,
    text::Untrusted,
};

use super::{
    arrival::Kind,
    described, evidence, not_vetted,
    page::{Key, What, accepted, render},
    path, simple,
};
use crate::{
    app::App,
    blobs::{Answer, Audience},
    catalog::{Catalog, FileRef},
    conditional,
    error::ApiError,
    ops::Base,
};

const INTEGRITY: &str = "application/vnd.pypi.integrity.v1+json";

struct Asked {
    app: App,
    headers: HeaderMap,
    base: String,
    catalog: Arc<Catalog>,
}

/// Answers whatever is asked below `/pypi`.
///
/// # Errors
/// [`ApiError`]: 404 for what is not vetted, 401 where the server is private.
pub(super) async fn answer(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    Base(base): Base,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (segments, slash) = path::segments(uri.path(), "/pypi")?;
    let catalog = app.catalogs.get();
    let asked = Asked { app, headers, base, catalog };
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Redirect::permanent("/pypi/simple/").into_response()),
        ["simple"] if !slash => Ok(Redirect::permanent("/pypi/simple/").into_response()),
        ["simple"] => asked.projects().await,
        ["simple", name] => asked.project(name, slash).await,
        ["files", sha256, file] => asked.file(sha256, file).await,
        ["integrity", name, version, file, "provenance"] => asked.provenance(name, version, file).await,
        _ => Err(ApiError::not_found("no such address")),
    }
}

impl Asked {
    /// Whether JSON is wanted more than HTML; HTML where nothing is said (PEP 691).
    fn json(&self) -> bool {
        let weight = |words: &[&str]| accepted(&self.headers, &header::ACCEPT, words);
        let json = weight(&[simple::JSON, "application/vnd.pypi.simple.latest+json"]);
        json > 0 && json >= weight(&[simple::HTML, "application/vnd.pypi.simple.latest+html", "text/html"])
    }

    async fn projects(&self) -> Result<Response, ApiError> {
        let json = self.json();
        let key = Key::new(&self.catalog, "", What::Projects { json });
        let page = self.app.pages.get(key, async {
            let names: Vec<&str> = self.catalog.names(Ecosystem::Pypi).collect();
            simple::projects(&names, json)
        });
        Ok(page.await?.answer(&self.headers, self.app.config.private))
    }

    async fn project(&self, written: &str, slash: bool) -> Result<Response, ApiError> {
        let shown = || format!("pypi:{}", Untrusted::new(written).excerpt(80));
        let name = PackageName::pypi(written).map_err(|_| not_vetted(&shown()))?;
        if self.catalog.versions(Ecosystem::Pypi, name.as_str()).next().is_none() {
            return Err(not_vetted(&shown()));
        }
        if name.as_str() != written || !slash {
            // A name of this form needs no escaping, and cannot be another host's.
            return Ok(Redirect::permanent(&format!("/pypi/simple/{name}/")).into_response());
        }
        let json = self.json();
        let key = Key::new(&self.catalog, &self.base, What::Project { name: name.as_str().to_owned(), json });
        let page = self.app.pages.get(key, async {
            let all = simple::vetted(&self.app, &self.catalog, &name).await?;
            let (name, base) = (name.clone(), self.base.clone());
            render(move || simple::project(&name, &all, &base, json)).await
        });
        Ok(page.await?.answer(&self.headers, self.app.config.private))
    }

    /// A vetted Python file of exactly this hash and name.
    fn vetted(&self, sha256: &Digest, file: &str) -> Option<&FileRef> {
        let is_it = |found: &&FileRef| {
            found.package.ecosystem() == Ecosystem::Pypi && found.blob == Some(*sha256) && found.file == file
        };
        self.catalog.names_of(sha256).find(is_it)
    }

    async fn file(&self, hex: &str, file: &str) -> Result<Response, ApiError> {
        let missing = || not_vetted(&format!("the file {}", Untrusted::new(file).excerpt(120)));
        // One spelling for each address.
        if hex.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(missing());
        }
        let sha256 = Digest::sha256_from_hex(hex).map_err(|_| missing())?;
        if let Some(found) = self.vetted(&sha256, file) {
            let size = found.size.ok_or_else(missing)?;
            let audience = if self.app.config.private { Audience::Caller } else { Audience::Everyone };
            return self.app.blobs.answer(&self.headers, Answer { sha256: &sha256, size, audience }).await;
        }
        let wheel = file.strip_suffix(".metadata").filter(|wheel| simple::has_metadata(wheel)).ok_or_else(missing)?;
        let found = self.vetted(&sha256, wheel).ok_or_else(missing)?;
        let body = described::of_file(&self.app, found, Kind::Pypi).await?.filter(|row| !row.body.is_empty());
        let body = body.ok_or_else(missing)?.body;
        // No browser shall read it as a page.
        Ok(conditional::whole(&self.headers, "text/plain; charset=utf-8", self.app.config.private, body))
    }

    async fn provenance(&self, name: &str, version: &str, file: &str) -> Result<Response, ApiError> {
        let missing = || not_vetted(&format!("the file {}", Untrusted::new(file).excerpt(120)));
        let name = PackageName::pypi(name).map_err(|_| missing())?;
        let id = PackageId::new(Ecosystem::Pypi, name, version).map_err(|_| missing())?;
        let found = self.catalog.files(&id).iter().find(|found| found.file == file).ok_or_else(missing)?;
        evidence::attestations(&self.app, found, INTEGRITY).await
    }
}
