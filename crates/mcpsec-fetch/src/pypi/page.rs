//! A project page: every version an index offers of one name, with its files.
//!
//! Pages are long (thousands of files) and only a few versions of each are looked at, so a page is split into versions from
//! the file names at once, and a version's files are read in full when someone asks ([`Release::files`]). Files whose name
//! does not belong to the project, or is not a distribution's, are ignored: a page cannot smuggle in another project.
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
    sync::OnceLock,
};

use mcpsec_model::{
    digest::Digest,
    name::PackageName,
    package::ArtifactKind,
    time::{AsOf, Timestamp},
    url::SafeUrl,
};
use pep440_rs::{Version, VersionSpecifiers};
use smol_str::SmolStr;
use uv_distribution_filename::{SourceDistExtension, SourceDistFilename, WheelFilename};

use super::{config::Index, html, json, specifiers};

/// Why a page cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Not the JSON of PEP 691.
    #[error("the page is not a PEP 691 document: {0}")]
    Json(String),
    /// A version of the format that is not known.
    #[error("the page has API version `{0}`, only version 1 is known")]
    ApiVersion(String),
    /// HTML that is not UTF-8.
    #[error("the page is not UTF-8 text")]
    Encoding,
}

/// One file as a page lists it, nothing checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawFile {
    pub(super) filename: String,
    pub(super) url: String,
    pub(super) sha256: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) requires_python: Option<String>,
    pub(super) yanked: Option<String>,
    pub(super) upload_time: Option<String>,
    /// PEP 658: offered; with its sha256 if given.
    pub(super) core_metadata: Option<Option<String>>,
    /// PEP 740: where the file's provenance is, as written.
    pub(super) provenance: Option<Box<str>>,
}

/// A page as read, nothing checked.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) files: Vec<RawFile>,
    /// What links are relative to, if the page says so itself.
    pub(super) base: Option<String>,
    /// The format's version, if the page says it.
    pub(super) version: Option<(u64, u64)>,
}

/// `1.3` as two numbers.
pub(super) fn format_version(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The version of the format that brought provenance (PEP 740). An index of this version hands out provenance where there is
/// some, so that its silence about a file means something.
const WITH_PROVENANCE: (u64, u64) = (1, 3);

/// All versions of a project on one index.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) name: PackageName,
    pub(super) index: Index,
    /// Newest first.
    pub(super) releases: BTreeMap<Reverse<Version>, Release>,
    /// Whether the index hands out provenance at all.
    pub(super) offers: bool,
}

/// One version.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) version: Version,
    base: SafeUrl,
    pub(super) raw: Vec<RawFile>,
    files: OnceLock<Vec<IndexFile>>,
}

/// A wheel (with its tags) or a source distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Wheel(Box<WheelFilename>),
    Sdist(SourceDistExtension),
}

/// One file of a version.
#[derive(Clone, Debug)]
pub(super) struct IndexFile {
    pub(super) file: SmolStr,
    pub(super) kind: FileKind,
    pub(super) url: SafeUrl,
    /// The digest, or why there is none that can pin.
    pub(super) sha256: Result<Digest, &'static str>,
    pub(super) size: Option<u64>,
    pub(super) requires_python: Option<VersionSpecifiers>,
    pub(super) yanked: Option<String>,
    pub(super) upload_time: Option<Timestamp>,
    /// PEP 658: offered; with its sha256 if given and well-formed.
    pub(super) core_metadata: Option<Option<Digest>>,
    /// PEP 740: whether the index says that there is provenance.
    pub(super) attested: bool,
    /// Where it is, if that is an address that can be asked.
    pub(super) provenance: Option<SafeUrl>,
}

impl IndexFile {
    /// The kind as the lock names it.
    pub(super) fn artifact_kind(&self) -> ArtifactKind {
        match self.kind {
            FileKind::Wheel(_) => ArtifactKind::Wheel,
            FileKind::Sdist(_) => ArtifactKind::Sdist,
        }
    }

    /// Whether it existed then. Files without an upload time never did; [`Page::lacks_upload_times`] tells why.
    pub(super) fn existed(&self, as_of: Option<AsOf>) -> bool {
        as_of.is_none_or(|as_of| self.upload_time.is_some_and(|time| as_of.includes(time)))
    }
}

impl Page {
    /// Reads a page by its content: JSON when it starts with `{`, else HTML. `url` is where it was served from.
    pub(super) fn parse(name: &PackageName, index: &Index, url: &SafeUrl, bytes: &[u8]) -> Result<Self, PageError> {
        let is_json = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
        let Listing { files, base, version } = if is_json {
            json::parse(bytes)?
        } else {
            html::parse(std::str::from_utf8(bytes).map_err(|_| PageError::Encoding)?)
        };
        let base = base.and_then(|base| url.join(&base).ok()).unwrap_or_else(|| url.clone());
        let uv_name = uv_normalize::PackageName::from_str(name.as_str()).ok();
        let mut releases: BTreeMap<Reverse<Version>, Release> = BTreeMap::new();
        let offers = version.is_some_and(|version| version >= WITH_PROVENANCE)
            || files.iter().any(|file| file.provenance.is_some());
        // Files of one version stand together, so the last answer is usually the next one.
        let mut last: Option<(String, Version)> = None;
        for raw in files {
            let Some(text) = uv_name.as_ref().and_then(|uv| version_text(&raw.filename, name, uv)) else { continue };
            let version = match &last {
                Some((known, version)) if *known == text => version.clone(),
                _ => {
                    let Some(version) = specifiers::version(&text) else { continue };
                    last = Some((text, version.clone()));
                    version
                }
            };
            releases
                .entry(Reverse(version.clone()))
                .or_insert_with(|| Release { version, base: base.clone(), raw: Vec::new(), files: OnceLock::new() })
                .raw
                .push(raw);
        }
        Ok(Self { name: name.clone(), index: index.clone(), releases, offers })
    }

    /// One version.
    pub(super) fn get(&self, version: &Version) -> Option<&Release> {
        self.releases.get(&Reverse(version.clone()))
    }

    /// Whether not a single file has an upload time, so that the index cannot answer for a date.
    pub(super) fn lacks_upload_times(&self) -> bool {
        self.releases.values().all(|release| release.raw.iter().all(|raw| raw.upload_time.is_none()))
    }
}

impl Release {
    /// When its first file was uploaded, where the index tells.
    pub(super) fn published(&self) -> Option<Timestamp> {
        self.raw.iter().filter_map(|raw| raw.upload_time.as_deref()?.parse::<Timestamp>().ok()).min()
    }

    /// The files of this version, each name once, in the order of the page.
    pub(super) fn files(&self) -> &[IndexFile] {
        self.files.get_or_init(|| {
            let mut files: Vec<IndexFile> = Vec::with_capacity(self.raw.len());
            for file in self.raw.iter().filter_map(|raw| read_file(raw, &self.base)) {
                match files.iter_mut().find(|known| known.file == file.file) {
                    Some(known) if known.sha256 != file.sha256 => {
                        known.sha256 = Err("is listed twice with different sha256 digests");
                    }
                    Some(_) => {}
                    None => files.push(file),
                }
            }
            files
        })
    }

    /// The reason why the whole version was yanked; `None` when at least one file was not.
    pub(super) fn yanked(&self, as_of: Option<AsOf>) -> Option<String> {
        let mut reasons = BTreeSet::new();
        for file in self.files().iter().filter(|file| file.existed(as_of)) {
            reasons.insert(file.yanked.clone()?);
        }
        reasons.into_iter().next_back()
    }
}

fn read_file(raw: &RawFile, base: &SafeUrl) -> Option<IndexFile> {
    let kind = if raw.filename.ends_with(".whl") {
        FileKind::Wheel(Box::new(WheelFilename::from_str(&raw.filename).ok()?))
    } else {
        FileKind::Sdist(SourceDistExtension::from_path(&raw.filename).ok()?)
    };
    let address = |text: &str| {
        let url = base.join(text).ok()?;
        let usable = matches!(url.expose().scheme(), "https" | "http") && url.expose().host_str().is_some();
        usable.then_some(url)
    };
    let url = address(&raw.url)?;
    let requires_python = match raw.requires_python.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        // A file whose requirement cannot be read is left out, as uv does.
        Some(text) => Some(specifiers::lenient_specifiers(text)?),
        None => None,
    };
    let sha256 = match &raw.sha256 {
        Some(hex) => Digest::sha256_from_hex(&hex.to_ascii_lowercase()).map_err(|_| "has a malformed sha256 digest"),
        None => Err("has no sha256 digest"),
    };
    let core_metadata = raw
        .core_metadata
        .as_ref()
        .map(|hash| hash.as_deref().and_then(|hex| Digest::sha256_from_hex(&hex.to_ascii_lowercase()).ok()));
    Some(IndexFile {
        file: raw.filename.as_str().into(),
        kind,
        url,
        sha256,
        size: raw.size,
        requires_python,
        yanked: raw.yanked.clone(),
        upload_time: raw.upload_time.as_deref().and_then(|text| text.parse().ok()),
        core_metadata,
        attested: raw.provenance.is_some(),
        provenance: raw.provenance.as_deref().and_then(address),
    })
}

/// The version part of a file name of this project; `None` for anything else.
fn version_text(file: &str, name: &PackageName, uv_name: &uv_normalize::PackageName) -> Option<String> {
    let safe = file.len() <= 255 && file.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+!".contains(&b));
    if !safe {
        return None;
    }
    if let Some(stem) = file.strip_suffix(".whl") {
        let mut parts = stem.split('-');
        let (distribution, version) = (parts.next()?, parts.next()?);
        let tags = parts.count();
        let ours = PackageName::pypi(distribution).is_ok_and(|said| said == *name);
        return (ours && (3..=4).contains(&tags)).then(|| version.replace('_', "-"));
    }
    let extension = SourceDistExtension::from_path(file).ok()?;
    Some(SourceDistFilename::parse(file, extension, uv_name).ok()?.version.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Page {
        let index = Index::new(&"https://index.invalid/simple".parse().expect("url")).expect("index");
        let url = "https://index.invalid/simple/some-name/".parse().expect("url");
        Page::parse(&PackageName::pypi("some-name").expect("name"), &index, &url, body.as_bytes()).expect("page")
    }

    fn json(files: &[(&str, &str)]) -> String {
        let files: Vec<String> = files
            .iter()
            .map(|(file, more)| format!("{{\"filename\":\"{file}\",\"url\":\"../../f/{file}\"{more}}}"))
            .collect();
        format!("{{\"meta\":{{\"api-version\":\"1.0\"}},\"files\":[{}]}}", files.join(","))
    }

    #[test]
    fn versions_are_grouped_newest_first_and_other_projects_do_not_matter() {
        let page = page(&json(&[
            ("some_name-1.0-py3-none-any.whl", ""),
            ("some-name-1.0.tar.gz", ""),
            ("Some.Name-2.0rc1-1-cp312-cp312-win_amd64.whl", ""),
            ("some_name-1.10.zip", ""),
            ("other-9.0-py3-none-any.whl", ""),
            ("some_name_more-9.0-py3-none-any.whl", ""),
            ("other-9.0.tar.gz", ""),
            ("some_name-nonsense-py3-none-any.whl", ""),
            ("some_name-1.0-py3-none-any.whl.asc", ""),
            ("some_name-1.0-py2.egg", ""),
            ("some_name-99999999999999999999999-py3-none-any.whl", ""),
            ("../some_name-3.0-py3-none-any.whl", ""),
            ("some_name-3.0\\u202e-py3-none-any.whl", ""),
        ]));
        let versions: Vec<String> = page.releases.keys().map(|Reverse(version)| version.to_string()).collect();
        assert_eq!(versions, ["2.0rc1", "1.10", "1.0"]);
        let files: Vec<&str> =
            page.get(&Version::new([1, 0])).expect("1.0").files().iter().map(|f| f.file.as_str()).collect();
        assert_eq!(files, ["some_name-1.0-py3-none-any.whl", "some-name-1.0.tar.gz"]);
        let first = &page.get(&Version::new([1, 0])).expect("1.0").files()[0];
        assert_eq!(first.url.to_string(), "https://index.invalid/f/some_name-1.0-py3-none-any.whl");
    }

    #[test]
    fn digests_that_are_missing_malformed_or_contradict_are_remembered_as_such() {
        let good = format!(",\"hashes\":{{\"sha256\":\"{}\"}}", "ab".repeat(32));
        let other = format!(",\"hashes\":{{\"sha256\":\"{}\"}}", "cd".repeat(32));
        let short = ",\"hashes\":{\"sha256\":\"abcd\"}".to_owned();
        let page = page(&json(&[
            ("some_name-1.0-py3-none-any.whl", &good),
            ("some_name-1.0-py3-none-any.whl", &good),
            ("some_name-2.0-py3-none-any.whl", &good),
            ("some_name-2.0-py3-none-any.whl", &other),
            ("some_name-3.0-py3-none-any.whl", &short),
            ("some_name-4.0-py3-none-any.whl", ""),
        ]));
        let digest = |major: u64| page.get(&Version::new([major, 0])).expect("release").files()[0].sha256;
        assert!(digest(1).is_ok());
        assert_eq!(digest(2), Err("is listed twice with different sha256 digests"));
        assert_eq!(digest(3), Err("has a malformed sha256 digest"));
        assert_eq!(digest(4), Err("has no sha256 digest"));
    }

    #[test]
    fn files_that_cannot_be_fetched_or_read_are_left_out() {
        let page = page(
            r#"{"files":[{"filename":"some_name-1.0-py3-none-any.whl","url":"file:///etc/passwd"},
            {"filename":"some_name-1.0-py2-none-any.whl","url":"javascript:x"},
            {"filename":"some_name-1.0.tar.gz","url":"x","requires-python":"snake"}]}"#,
        );
        assert!(page.get(&Version::new([1, 0])).expect("release").files().is_empty());
    }

    #[test]
    fn a_version_is_yanked_when_all_its_files_are() {
        let page = page(&json(&[
            ("some_name-1.0-py3-none-any.whl", ",\"yanked\":\"oops\""),
            ("some_name-1.0.tar.gz", ",\"yanked\":true"),
            ("some_name-2.0-py3-none-any.whl", ",\"yanked\":\"oops\""),
            ("some_name-2.0.tar.gz", ""),
        ]));
        let yanked = |major: u64| page.get(&Version::new([major, 0])).expect("release").yanked(None);
        assert_eq!((yanked(1).as_deref(), yanked(2)), (Some("oops"), None));
        assert!(page.lacks_upload_times());
    }

    #[test]
    fn html_pages_give_the_same_model() {
        let page = page(&format!(
            "<html><base href='https://files.invalid/d/'><a href='some_name-1.0-py3-none-any.whl#sha256={}'>some_name-1.0-py3-none-any.whl</a></html>",
            "ab".repeat(32)
        ));
        let file = &page.get(&Version::new([1, 0])).expect("release").files()[0];
        assert_eq!(file.url.to_string(), "https://files.invalid/d/some_name-1.0-py3-none-any.whl");
        assert!(file.sha256.is_ok());
    }
}
