//! Packuments: what npm, pnpm and yarn ask of a registry about a name, made from the tarballs themselves.
//!
//! Only vetted versions are in it. `latest` is the highest of them, so `npm install name` gives what the team vetted and nothing
//! newer. Nothing of the upstream's record is repeated but its evidence (signatures are over name, version and hash, all of which
//! are the same here).
use std::collections::BTreeMap;

use mcpsec_model::{
    digest::Digest,
    evidence::{Documents, RegistrySignature},
    name::{Ecosystem, PackageName},
    time::Timestamp,
};
use semver::Version;
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap as _},
};
use serde_json::{Map, Value, json};

use super::{arrival::Kind, described, evidence::documents, page::Page, path::encode};
use crate::{
    app::App,
    catalog::{Catalog, FileRef},
    error::ApiError,
};

/// The short form (npm's own name for it: corgi).
pub(super) const SHORT: &str = "application/vnd.npm.install-v1+json";
const FULL: &str = "application/json";
/// What provenance of npm is, in `dist.attestations`.
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// A vetted version with all that is said about it.
#[derive(Debug)]
pub(super) struct Vetted {
    version: String,
    /// What the tarball's package.json says, as text: read into values, those of a thousand versions take tens of megabytes.
    body: String,
    file: FileRef,
    sha1: String,
    said: Said,
}

/// What a packument repeats of the evidence. Documents of one file may have 16 MiB: those of all versions are never in memory together.
#[derive(Debug)]
struct Said {
    signatures: Vec<RegistrySignature>,
    published: Option<Timestamp>,
    attested: bool,
}

/// The most signatures of one version; npm's registry gives one for each of its keys.
const MAX_SIGNATURES: usize = 16;
/// The longest part of one, in bytes.
const MAX_SIGNATURE: usize = 1024;

impl From<Documents> for Said {
    fn from(documents: Documents) -> Self {
        let mut signatures = documents.signatures;
        signatures.retain(|one| one.keyid.len() <= MAX_SIGNATURE && one.sig.len() <= MAX_SIGNATURE);
        signatures.truncate(MAX_SIGNATURES);
        Self { signatures, published: documents.published, attested: documents.attestations.is_some() }
    }
}

/// The vetted versions of a name; empty when there are none.
pub(super) async fn vetted(app: &App, catalog: &Catalog, name: &PackageName) -> Result<Vec<Vetted>, ApiError> {
    let mut all = Vec::new();
    for (id, files) in catalog.versions(Ecosystem::Npm, name.as_str()) {
        for file in files {
            let Some(row) = described::of_file(app, file, Kind::Npm).await? else { continue };
            if serde_json::from_str::<Map<String, Value>>(&row.body).is_err() {
                tracing::error!(package = %id, "the description of a vetted file is missing; the version is left out");
                continue;
            }
            let said = documents(app, file).await?.into();
            let version = id.version().to_owned();
            all.push(Vetted { version, body: row.body, file: file.clone(), sha1: row.sha1, said });
        }
    }
    Ok(all)
}

/// The document. Members that one of its two forms has not are `None`.
#[derive(Serialize)]
struct Packument<'a> {
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    #[serde(rename = "dist-tags")]
    tags: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<BTreeMap<&'a str, String>>,
    versions: Records<'a>,
}

/// The versions' records, made one by one as they are written.
struct Records<'a> {
    name: &'a PackageName,
    all: BTreeMap<&'a str, &'a Vetted>,
    base: &'a str,
    short: bool,
}

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.all.len()))?;
        for (version, one) in &self.all {
            map.serialize_entry(version, &record(self.name, one, self.base, self.short).map_err(S::Error::custom)?)?;
        }
        map.end()
    }
}

/// The packument. Blocks.
pub(super) fn render(name: &PackageName, all: &[Vetted], base: &str, short: bool) -> Result<Page, ApiError> {
    let published = all.iter().filter_map(|one| Some((one.version.as_str(), one.said.published?)));
    let times: BTreeMap<&str, Timestamp> = published.collect();
    let modified = times.values().max().map(Timestamp::to_string);
    // As the registry told whoever locked it; unsigned. `npm --before` needs it, and leaves out what has none.
    let time = || {
        let created = times.values().min().map(|created| ("created", created.to_string()));
        let modified = modified.clone().map(|modified| ("modified", modified));
        times.iter().map(|(version, time)| (*version, time.to_string())).chain(created).chain(modified).collect()
    };
    let out = Packument {
        id: (!short).then_some(name.as_str()),
        name: name.as_str(),
        tags: latest(all.iter().map(|one| one.version.as_str())).map(|latest| ("latest", latest)).into_iter().collect(),
        time: (!short).then(time),
        modified: modified.filter(|_| short),
        versions: Records { name, all: all.iter().map(|one| (one.version.as_str(), one)).collect(), base, short },
    };
    let body = serde_json::to_vec(&out).map_err(|error| ApiError::bug(&error))?;
    Ok(Page::new(if short { SHORT } else { FULL }, body))
}

/// The record of one version or tag.
///
/// # Errors
/// [`ApiError`]: a bug.
pub(super) fn one(name: &PackageName, all: &[Vetted], wanted: &str, base: &str) -> Result<Option<Value>, ApiError> {
    let wanted = match wanted {
        "latest" => latest(all.iter().map(|one| one.version.as_str())),
        version => Some(version),
    };
    let found = all.iter().find(|one| Some(one.version.as_str()) == wanted);
    found.map(|one| record(name, one, base, false)).transpose().map_err(|error| ApiError::bug(&error))
}

fn record(name: &PackageName, one: &Vetted, base: &str, short: bool) -> serde_json::Result<Value> {
    let mut record: Map<String, Value> = serde_json::from_str(&one.body)?;
    let version = &one.version;
    // The lock's words, whatever the file calls itself (`v1.0.0`).
    record.insert("name".to_owned(), name.as_str().into());
    record.insert("version".to_owned(), version.as_str().into());
    if short {
        record.remove("description");
    } else {
        record.insert("_id".to_owned(), format!("{name}@{version}").into());
    }
    let mut dist = json!({ "tarball": tarball(base, name, &one.file.file) });
    if let Some(sha512) = one.file.sha512.or(one.file.pinned.sha512.map(Digest::Sha512)) {
        dist["integrity"] = sha512.to_sri().into();
    }
    if !one.sha1.is_empty() {
        dist["shasum"] = one.sha1.as_str().into();
    }
    if !one.said.signatures.is_empty() {
        dist["signatures"] = json!(one.said.signatures);
    }
    if one.said.attested {
        let url = format!("{base}/npm/-/npm/v1/attestations/{}@{}", encode(name.as_str()), encode(version));
        dist["attestations"] = json!({ "url": url, "provenance": { "predicateType": PROVENANCE } });
    }
    record.insert("dist".to_owned(), dist);
    Ok(Value::Object(record))
}

/// Where a tarball is, as npm's own registry writes it: a lock file that somebody made elsewhere differs in the host only.
fn tarball(base: &str, name: &PackageName, file: &str) -> String {
    format!("{base}/npm/{name}/-/{}", encode(file))
}

/// The highest version, prereleases only where there is nothing else.
fn latest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let parsed = versions.filter_map(|text| Some((Version::parse(text).ok()?, text)));
    parsed.max_by(|(a, _), (b, _)| (a.pre.is_empty(), a).cmp(&(b.pre.is_empty(), b))).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_is_the_highest_that_is_no_prerelease() {
        assert_eq!(latest(["1.2.0", "1.10.0", "2.0.0-rc.1"].into_iter()), Some("1.10.0"));
        assert_eq!(latest(["2.0.0-rc.1", "2.0.0-rc.2"].into_iter()), Some("2.0.0-rc.2"));
        assert_eq!(latest(["not", "versions"].into_iter()), None);
    }
}
