//! What the indexes say, asked once: pages and core metadata, shared by the solver, the prefetcher and all targets.
//!
//! Data flows: [`Catalog::page`] asks the indexes in order and stops at the first that has the name; an index that fails
//! for another reason than "not found" ends the search, so that a private index that is down never makes us take the name
//! from a public one. [`Catalog::metadata`] takes a version's metadata from, in this order: the folder of extracted metadata
//! on disk, PEP 658, a few range requests into a wheel, the whole sdist. What is on disk is keyed by the file's sha256
//! *and* the index, so that one index cannot plant metadata for a file of another.
use std::{
    collections::HashMap,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use mcpsec_model::{digest::Digest, name::PackageName, time::AsOf};
use pep440_rs::Version;
use uv_platform_tags::Tags;

use super::{
    config::{Index, PypiConfig},
    error::PypiError,
    metadata::{self, CoreMetadata, Origin},
    page::{FileKind, IndexFile, Page, Release},
    sdist, wheel,
};
use crate::http::{Freshness, HttpError, Metadata, MetadataRequest};

/// Longest page. The largest real ones have about 30 MB.
const MAX_PAGE: usize = 64 * 1024 * 1024;
/// Pages longer than this are parsed on another thread.
const PARSE_INLINE: usize = 256 * 1024;
const ACCEPT_PAGE: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// Why a version's metadata could not be had.
#[derive(Clone, Debug)]
pub(super) enum FileError {
    /// The server: resolution cannot go on.
    Http(HttpError),
    /// The file: this version cannot be used. A short reason, safe to print.
    Bad(String),
}

impl From<HttpError> for FileError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

/// Name, version and the file that speaks for it.
type MetadataKey = (PackageName, Version, String);
type Asking<T, E> = Shared<BoxFuture<'static, Result<Arc<T>, E>>>;

/// Everything known so far.
pub(super) struct Catalog {
    http: Metadata,
    config: PypiConfig,
    pages: Mutex<HashMap<(PackageName, bool), Asking<Page, PypiError>>>,
    metadata: Mutex<HashMap<MetadataKey, Asking<CoreMetadata, FileError>>>,
}

impl Catalog {
    pub(super) fn new(http: Metadata, config: PypiConfig) -> Arc<Self> {
        Arc::new(Self { http, config, pages: Mutex::default(), metadata: Mutex::default() })
    }

    pub(super) fn http(&self) -> &Metadata {
        &self.http
    }

    pub(super) fn config(&self) -> &PypiConfig {
        &self.config
    }

    /// The page of a project; asked once per freshness, whoever waits.
    pub(super) fn page(self: &Arc<Self>, name: &PackageName, freshness: Freshness) -> Asking<Page, PypiError> {
        let strict = matches!(freshness, Freshness::Revalidate);
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages
            .entry((name.clone(), strict))
            .or_insert_with(|| {
                let (catalog, name) = (Arc::clone(self), name.clone());
                async move { catalog.fetch_page(&name, strict).await.map(Arc::new) }.boxed().shared()
            })
            .clone()
    }

    async fn fetch_page(&self, name: &PackageName, strict: bool) -> Result<Page, PypiError> {
        for index in self.config.indexes() {
            let url = index.url().join(&format!("{name}/")).map_err(|_| self.not_found(name))?;
            let answer = self
                .http
                .get(MetadataRequest {
                    credentials: index.credentials_for(&url),
                    url: url.clone(),
                    accept: ACCEPT_PAGE,
                    max_bytes: MAX_PAGE,
                    freshness: if strict { Freshness::Revalidate } else { Freshness::Cached },
                })
                .await;
            let document = match answer {
                Ok(document) => document,
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            };
            let is_long = document.bytes.len() > PARSE_INLINE;
            let (owned_name, owned_index) = (name.clone(), index.clone());
            let parse = move || Page::parse(&owned_name, &owned_index, &document.url, &document.bytes);
            let parsed = if is_long {
                tokio::task::spawn_blocking(parse).await.map_err(|_| PypiError::Interrupted)?
            } else {
                parse()
            };
            return parsed.map_err(|source| PypiError::Page {
                name: name.to_string(),
                index: index.url().to_string(),
                source,
            });
        }
        Err(self.not_found(name))
    }

    fn not_found(&self, name: &PackageName) -> PypiError {
        let indexes: Vec<String> = self.config.indexes().iter().map(|index| index.url().to_string()).collect();
        PypiError::NotFound { name: name.to_string(), indexes: indexes.join(", ") }
    }

    /// The metadata of a version, from the file that `tags` prefer (see [`metadata_file`]).
    pub(super) fn metadata(
        self: &Arc<Self>,
        page: &Page,
        release: &Release,
        tags: &Tags,
        as_of: Option<AsOf>,
    ) -> Asking<CoreMetadata, FileError> {
        let file = metadata_file(release, tags, as_of).cloned();
        let key = file.as_ref().map(|file| file.file.to_string()).unwrap_or_default();
        let mut known = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry((page.name.clone(), release.version.clone(), key))
            .or_insert_with(|| {
                let (catalog, index) = (Arc::clone(self), page.index.clone());
                let (name, version) = (page.name.clone(), release.version.clone());
                async move {
                    match file {
                        Some(file) => catalog.fetch_metadata(&index, &name, &version, &file).await.map(Arc::new),
                        None => Err(FileError::Bad("it has no files".to_owned())),
                    }
                }
                .boxed()
                .shared()
            })
            .clone()
    }

    async fn fetch_metadata(
        &self,
        index: &Index,
        name: &PackageName,
        version: &Version,
        file: &IndexFile,
    ) -> Result<CoreMetadata, FileError> {
        let origin = match file.kind {
            FileKind::Wheel(_) => Origin::Wheel,
            FileKind::Sdist(_) => Origin::Sdist,
        };
        let parse = |bytes: &[u8]| {
            CoreMetadata::parse(bytes, name, version, origin)
                .map_err(|reason| FileError::Bad(format!("`{}` is unusable: {reason}", file.file)))
        };
        let kept = self.kept_path(index, file);
        if let Some(path) = kept.clone()
            && let Ok(Some(bytes)) = tokio::task::spawn_blocking(move || read_kept(&path)).await
        {
            // An empty file stands for a source distribution without usable metadata.
            return if bytes.is_empty() { Ok(CoreMetadata::unknown()) } else { parse(&bytes) };
        }
        let bytes = self.ask_metadata(index, name, version, file).await?;
        let parsed = if bytes.is_empty() { CoreMetadata::unknown() } else { parse(&bytes)? };
        if let Some(path) = kept {
            // Best effort: the folder may be read-only, and the answer is good all the same.
            let _best_effort = tokio::task::spawn_blocking(move || keep(&path, &bytes)).await;
        }
        Ok(parsed)
    }

    /// The header section of a file's metadata; empty for an sdist that has none we can read.
    async fn ask_metadata(
        &self,
        index: &Index,
        name: &PackageName,
        version: &Version,
        file: &IndexFile,
    ) -> Result<Vec<u8>, FileError> {
        if let Some(expected) = &file.core_metadata
            && let Some(bytes) = self.ask_pep_658(index, file, *expected).await?
        {
            return Ok(metadata::header_section(&bytes).to_vec());
        }
        let Some(network) = self.http.network() else {
            return Err(HttpError::Offline { url: file.url.clone() }.into());
        };
        let credentials = index.credentials_for(&file.url);
        match file.kind {
            FileKind::Wheel(_) => {
                match wheel::metadata_of(network, &file.url, credentials.as_ref(), name, version).await {
                    Err(FileError::Bad(reason)) => {
                        Err(FileError::Bad(format!("`{}` is unusable: {reason}", file.file)))
                    }
                    other => other,
                }
            }
            FileKind::Sdist(extension) => {
                if file.size.is_some_and(|size| size > wheel::MAX_WHOLE) {
                    return Ok(Vec::new());
                }
                let bytes = wheel::whole(network, &file.url, credentials.as_ref()).await?;
                if file.sha256.is_ok_and(|expected| Digest::sha256_of(&bytes) != expected) {
                    return Err(FileError::Bad(format!("`{}` does not have the digest its index says", file.file)));
                }
                let found = tokio::task::spawn_blocking(move || sdist::pkg_info(&bytes, extension)).await;
                match found {
                    Ok(Ok(text)) => Ok(text.map(|text| metadata::header_section(&text).to_vec()).unwrap_or_default()),
                    Ok(Err(reason)) => Err(FileError::Bad(format!("`{}` is unusable: {reason}", file.file))),
                    Err(_) => Err(FileError::Bad(format!("`{}` could not be read", file.file))),
                }
            }
        }
    }

    /// `<file>.metadata`. `None` when the server does not have it after all.
    async fn ask_pep_658(
        &self,
        index: &Index,
        file: &IndexFile,
        expected: Option<Digest>,
    ) -> Result<Option<bytes::Bytes>, FileError> {
        let mut url = file.url.expose().clone();
        url.set_path(&format!("{}.metadata", url.path()));
        let url = mcpsec_model::url::SafeUrl::from(url);
        let request = MetadataRequest {
            credentials: index.credentials_for(&url),
            url,
            accept: "*/*",
            max_bytes: 16 * 1024 * 1024,
            freshness: Freshness::Cached,
        };
        match self.http.get(request).await {
            Ok(document) if expected.is_none_or(|digest| Digest::sha256_of(&document.bytes) == digest) => {
                Ok(Some(document.bytes))
            }
            Ok(_) => {
                Err(FileError::Bad(format!("the metadata of `{}` does not have the digest its index says", file.file)))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn kept_path(&self, index: &Index, file: &IndexFile) -> Option<PathBuf> {
        let digest = file.sha256.ok()?;
        let key = Digest::sha256_of(format!("{}\n{digest}", index.url()).as_bytes()).to_hex();
        Some(self.http.cache_dir().join("pypi-metadata-v1").join(&key[..2]).join(&key[2..]))
    }
}

/// The file whose metadata speaks for the version: the wheel that suits `tags` best, else the first other wheel by name,
/// else the sdist (a tar.gz if there is one).
pub(super) fn metadata_file<'r>(release: &'r Release, tags: &Tags, as_of: Option<AsOf>) -> Option<&'r IndexFile> {
    let files = || release.files().iter().filter(|file| file.existed(as_of));
    let best = files()
        .filter_map(|file| match &file.kind {
            FileKind::Wheel(wheel) => Some((wheel.compatibility(tags), std::cmp::Reverse(&file.file), file)),
            FileKind::Sdist(_) => None,
        })
        .max_by(|a, b| (a.0.is_compatible().then_some(a.0), a.1).cmp(&(b.0.is_compatible().then_some(b.0), b.1)));
    best.map(|(_, _, file)| file).or_else(|| files().min_by_key(|file| (!file.file.ends_with(".tar.gz"), &file.file)))
}

fn read_kept(path: &Path) -> Option<Vec<u8>> {
    let length = std::fs::metadata(path).ok()?.len();
    (length <= metadata::MAX_HEADERS as u64 + 4).then(|| std::fs::read(path).ok()).flatten()
}

fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or_else(|| std::io::Error::other("no folder"))?;
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
