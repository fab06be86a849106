//! What an index says about evidence: which files have provenance (PEP 740), since when, and the provenance itself.
use std::collections::BTreeMap;

use mcpsec_model::{
    evidence::{Offer, Release as Published, Trust},
    package::PackageId,
    text::Untrusted,
    time::{AsOf, Timestamp},
};
use smol_str::SmolStr;

use super::{
    PypiError, PypiSource,
    page::{IndexFile, Page, RawFile, Release},
    specifiers,
};
use crate::{
    Resolved,
    http::{Freshness, MetadataRequest},
};

/// Largest provenance object. Real ones have 10 kB.
const MAX_PROVENANCE: usize = 2 << 20;

/// Most versions in a history; the oldest are left out.
const MAX_HISTORY: usize = 5_000;

/// The media type that PEP 740 names, and what an index without it sends.
const ACCEPT: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5";

/// A resolution with what the index says about each package's evidence.
#[derive(Debug)]
pub struct PypiResolved {
    /// Closure and downloads.
    pub resolved: Resolved,
    /// What the index said about each package.
    pub records: BTreeMap<PackageId, IndexRecord>,
}

/// What an index says about the evidence of one version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IndexRecord {
    /// By file, all files of the version.
    pub offers: BTreeMap<SmolStr, Offer>,
    /// The versions of the project in the order in which they were published (by time, then version), where a file of at least
    /// one of them has provenance and the index tells times.
    pub history: Vec<Published>,
}

impl IndexRecord {
    pub(super) fn of(page: &Page, release: &Release, as_of: Option<AsOf>) -> Self {
        let files = release.files().iter().filter(|file| file.existed(as_of));
        let offers = files.map(|file| (file.file.clone(), offer(page, file))).collect();
        Self { offers, history: history(page, as_of) }
    }
}

/// What the index says it has for a file.
pub(super) fn offer(page: &Page, file: &IndexFile) -> Offer {
    Offer { offers: page.offers, signatures: Vec::new(), attested: file.attested, published: file.upload_time }
}

/// What the index says it has for a version: attested when any file is, published with its first file.
pub(super) fn offer_of_all(page: &Page, release: &Release) -> Offer {
    let files = release.files();
    Offer {
        offers: page.offers,
        signatures: Vec::new(),
        attested: files.iter().any(|file| file.attested),
        published: files.iter().filter_map(|file| file.upload_time).min(),
    }
}

/// See [`IndexRecord::history`]. Files after `as_of` did not exist.
pub(super) fn history(page: &Page, as_of: Option<AsOf>) -> Vec<Published> {
    let attested = |raw: &RawFile| raw.provenance.is_some();
    if !page.releases.values().any(|release| release.raw.iter().any(attested)) {
        return Vec::new();
    }
    let mut out = Vec::new();
    // Releases are sorted newest version first; the stable sort by time below keeps the order of versions.
    for release in page.releases.values().rev() {
        let mut first: Option<Timestamp> = None;
        let mut trust = Trust::None;
        for raw in &release.raw {
            let Some(time) = raw.upload_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok()) else {
                continue;
            };
            if as_of.is_some_and(|as_of| !as_of.includes(time)) {
                continue;
            }
            first = Some(first.map_or(time, |known| known.min(time)));
            if attested(raw) {
                trust = Trust::Attested;
            }
        }
        if let Some(published) = first {
            let version = release.version.to_string().into();
            out.push(Published { version, published, trust, signer: None });
        }
    }
    out.sort_by_key(|release| release.published);
    out.split_off(out.len().saturating_sub(MAX_HISTORY))
}

impl PypiSource {
    /// The provenance of a file: the JSON text as sent, nothing checked. `None` when the index names none, names an address
    /// that cannot be asked, or has nothing there (404). The address is the page's; credentials go to the index's own origin
    /// only, wherever it points.
    ///
    /// # Errors
    /// [`PypiError::Http`]: could not ask, or more than 2 MiB. [`PypiError::Evidence`]: not UTF-8. Whatever
    /// keeps the page from being read.
    pub async fn provenance(&self, id: &PackageId, file: &str) -> Result<Option<String>, PypiError> {
        let found = match self.provenance_address(id, file, Freshness::Cached).await? {
            // The cached page may be older than what somebody saw since.
            None if !self.catalog.http().is_offline() => {
                self.provenance_address(id, file, Freshness::Revalidate).await?
            }
            found => found,
        };
        let Some(request) = found else { return Ok(None) };
        let document = match self.catalog.http().get(request).await {
            Ok(document) => document,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let text = String::from_utf8(document.bytes.into());
        text.map(Some).map_err(|_| PypiError::Evidence {
            package: id.to_string(),
            file: Untrusted::new(file).excerpt(160),
            reason: "it is not UTF-8 text",
        })
    }

    async fn provenance_address(
        &self,
        id: &PackageId,
        file: &str,
        freshness: Freshness,
    ) -> Result<Option<MetadataRequest>, PypiError> {
        let page = self.catalog.page(id.name(), freshness).await?;
        let release = specifiers::version(id.version()).and_then(|version| page.get(&version));
        let known = release.and_then(|release| release.files().iter().find(|known| known.file == file));
        Ok(known.and_then(|known| known.provenance.clone()).map(|url| MetadataRequest {
            credentials: page.index.credentials_for(&url),
            url,
            accept: ACCEPT,
            max_bytes: MAX_PROVENANCE,
            freshness: Freshness::Cached,
        }))
    }
}
