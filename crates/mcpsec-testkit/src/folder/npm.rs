//! npm tarballs from disk: the record comes from a recorded packument, else from the tarball's own package.json.
use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use mcpsec_model::digest::Digest;
use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

use super::{Ecosystem, FolderError, MAX_TEXT, beside, file_name, files, read, read_optional, unusable};
use crate::npm::{NpmPackage, NpmServer, announcement, npm_package};

/// How recorded files are served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NpmOptions {
    /// Fields that a recorded (often trimmed) record lacks are taken from the tarball's package.json.
    pub fill_records: bool,
    /// No signatures, attestations or keys, as a mirror that strips evidence.
    pub strip_evidence: bool,
}

/// Publishes all tarballs; returns `name@version` of each, sorted.
pub fn load_npm(paths: &[PathBuf], options: NpmOptions, server: &NpmServer) -> Result<Vec<String>, FolderError> {
    let tarballs = files(paths, Ecosystem::Npm)?;
    let mut seen = BTreeMap::<String, PathBuf>::new();
    for path in &tarballs {
        let package = load_one(path, &tarballs, options, server)?;
        if let Some(first) = seen.insert(package.clone(), path.clone()) {
            return Err(FolderError::Twice { package, first, second: path.clone() });
        }
    }
    Ok(seen.into_keys().collect())
}

fn load_one(path: &Path, all: &[PathBuf], options: NpmOptions, server: &NpmServer) -> Result<String, FolderError> {
    let tarball = read(path)?;
    let manifest = package_json(&tarball).ok_or_else(|| unusable(path, "there is no readable package.json in it"))?;
    let text = |key: &str| {
        let value = manifest.get(key).and_then(Value::as_str).map(str::to_owned);
        value.ok_or_else(|| unusable(path, format!("its package.json has no `{key}`")))
    };
    let (name, version) = (text("name")?, text("version")?);

    let folder = path.parent().unwrap_or(Path::new(""));
    let packument = match recorded(&beside(path, ".packument.json"), &name)? {
        Some(own) => Some(own),
        None => recorded(&folder.join("packument.json"), &name)?,
    };
    let recorded_record =
        packument.as_ref().and_then(|packument| packument.get("versions")?.get(&version)?.as_object().cloned());
    let mut record = match recorded_record {
        Some(record) if !options.fill_records => record,
        Some(record) => manifest.clone().into_iter().chain(record).collect(),
        None => manifest.clone(),
    };
    fill_dist(&mut record, &tarball);

    let alone = all.iter().filter(|other| other.parent() == path.parent()).count() == 1;
    let attestations = match read_optional(&beside(path, ".json"))? {
        None if alone => read_optional(&folder.join("attestations.json"))?,
        own => own,
    };
    if options.strip_evidence {
        if let Some(dist) = record.get_mut("dist").and_then(Value::as_object_mut) {
            dist.remove("attestations");
            dist.remove("signatures");
        }
    } else {
        if let Some(response) = attestations {
            announce(&mut record, &name, &version, &response);
            server.set_attestations(&name, &version, response);
        }
        if let Some(keys) = read_optional(&folder.join("npm-keys.json"))? {
            server.set_keys(registry_keys(keys));
        }
    }
    let own_name = file_name(path);
    if let Some(packument) = packument {
        server.set_recorded_packument(&name, packument);
    }
    server.publish_recorded(&name, &version, record, &own_name, tarball.into());
    Ok(format!("{name}@{version}"))
}

/// A recorded packument, if the file is there and is about this package.
fn recorded(path: &Path, name: &str) -> Result<Option<Map<String, Value>>, FolderError> {
    let Some(bytes) = read_optional(path)? else { return Ok(None) };
    let packument: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|error| unusable(path, error))?;
    Ok(packument.get("name").is_some_and(|known| known == name).then_some(packument))
}

/// Adds digests that the record lacks. Those it has stay, right or wrong: they are what was recorded.
fn fill_dist(record: &mut Map<String, Value>, tarball: &[u8]) {
    let dist = record.entry("dist").or_insert_with(|| json!({}));
    let Value::Object(dist) = dist else { return };
    dist.entry("shasum").or_insert_with(|| hex::encode(Sha1::digest(tarball)).into());
    dist.entry("integrity").or_insert_with(|| Digest::sha512_of(tarball).to_sri().into());
}

/// `dist.attestations`, unless the record has it.
fn announce(record: &mut Map<String, Value>, name: &str, version: &str, response: &[u8]) {
    let response: Value = serde_json::from_slice(response).unwrap_or_default();
    let types = response.get("attestations").and_then(Value::as_array).into_iter().flatten();
    let provenance = types
        .filter_map(|attestation| attestation.get("predicateType")?.as_str())
        .find(|predicate_type| predicate_type.contains("/provenance/"));
    if let Some(dist) = record.get_mut("dist").and_then(Value::as_object_mut) {
        dist.entry("attestations").or_insert_with(|| announcement(name, version, provenance));
    }
}

/// The keys document as a registry serves it. npm also publishes its keys in another form, with their uses, through TUF; of that
/// form the keys that sign packages are taken. Anything else stays as it is.
pub fn registry_keys(document: Vec<u8>) -> Vec<u8> {
    let Ok(Value::Object(parsed)) = serde_json::from_slice::<Value>(&document) else { return document };
    let Some(Value::Array(keys)) = parsed.get("keys") else { return document };
    let converted: Option<Vec<Value>> = keys
        .iter()
        .filter(|key| key.get("keyUsage").is_none_or(|usage| usage == "npm:signatures"))
        .map(|key| {
            let public = key.get("publicKey")?;
            let scheme = "ecdsa-sha2-nistp256";
            Some(json!({
                "keyid": key.get("keyId")?, "key": public.get("rawBytes")?, "keytype": scheme, "scheme": scheme,
                "expires": public.get("validFor").and_then(|valid| valid.get("end")),
            }))
        })
        .collect();
    converted.map_or(document, |keys| json!({ "keys": keys }).to_string().into_bytes())
}

/// Publishes an empty package for every dependency that nobody serves, in the oldest version that its range names, so that the
/// closure of a few recorded packages can be resolved. Returns `name@version` of each.
pub fn stub_dependencies(server: &NpmServer) -> Vec<String> {
    let stubs: Vec<NpmPackage> =
        server.missing_dependencies().iter().map(|(name, range)| npm_package(name, &oldest(range))).collect();
    server.publish_all(&stubs);
    stubs.iter().map(|stub| format!("{}@{}", stub.name(), stub.version())).collect()
}

fn oldest(range: &str) -> String {
    let first = range.split("||").next().unwrap_or(range).split_whitespace().next().unwrap_or("*");
    let parsed = semver::VersionReq::parse(first).ok();
    let Some(comparator) = parsed.as_ref().and_then(|range| range.comparators.first()) else {
        return "1.0.0".to_owned();
    };
    let (minor, patch) = (comparator.minor.unwrap_or(0), comparator.patch.unwrap_or(0));
    semver::Version { pre: comparator.pre.clone(), ..semver::Version::new(comparator.major, minor, patch) }.to_string()
}

/// The package.json one folder deep, wherever it stands in the archive.
fn package_json(tarball: &[u8]) -> Option<Map<String, Value>> {
    let mut archive = tar::Archive::new(GzDecoder::new(tarball));
    for entry in archive.entries().ok()? {
        let entry = entry.ok()?;
        let path = entry.path().ok()?.into_owned();
        if path.components().count() == 2 && path.ends_with("package.json") {
            let mut bytes = Vec::new();
            entry.take(MAX_TEXT).read_to_end(&mut bytes).ok()?;
            return serde_json::from_slice(&bytes).ok();
        }
    }
    None
}
