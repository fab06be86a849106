//! Python files from disk: the index entry comes from the file, changed by what was recorded beside it.
use std::{
    io::{Cursor, Read as _},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use serde_json::{Map, Value};

use super::{Ecosystem, FolderError, MAX_TEXT, beside, file_name, files, read, read_optional, unusable};
use crate::pypi::{Distribution, PypiServer};

/// Publishes all files; returns their names, sorted.
pub fn load_pypi(paths: &[PathBuf], strip_evidence: bool, server: &PypiServer) -> Result<Vec<String>, FolderError> {
    let mut names = Vec::new();
    if strip_evidence {
        // The last version of the format that knows no provenance.
        server.serving(|serving| serving.api_version = "1.2".to_owned());
    }
    for path in files(paths, Ecosystem::Pypi)? {
        let mut distribution = load_one(&path)?;
        if strip_evidence {
            distribution.provenance = None;
        }
        names.push(distribution.file_name.clone());
        server.publish(distribution);
    }
    names.sort();
    Ok(names)
}

fn load_one(path: &Path) -> Result<Distribution, FolderError> {
    let file = file_name(path);
    let bytes = read(path)?;
    let (name, version) = match file.strip_suffix(".tar.gz") {
        Some(stem) => stem.rsplit_once('-'),
        None => file.split_once('-').and_then(|(name, rest)| Some((name, rest.split_once('-')?.0))),
    }
    .ok_or_else(|| unusable(path, "its file name has no name and version"))?;

    let metadata = if file.ends_with(".whl") { wheel_metadata(&bytes) } else { None };
    let info = metadata.clone().or_else(|| sdist_metadata(&bytes)).unwrap_or_default();
    let mut distribution = Distribution::new(name, version, &file, bytes);
    distribution.requires_python = header(&info, "Requires-Python");
    distribution.metadata = metadata.map(Into::into);
    distribution.provenance = read_optional(&beside(path, ".provenance"))?.map(Into::into);
    let recorded = beside(path, ".json");
    if let Some(entry) = read_optional(&recorded)? {
        let entry: Map<String, Value> = serde_json::from_slice(&entry).map_err(|error| unusable(&recorded, error))?;
        apply(&mut distribution, &entry);
    }
    Ok(distribution)
}

/// What a recorded PEP 691 entry says beats what the file says.
fn apply(distribution: &mut Distribution, entry: &Map<String, Value>) {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(time) = text("upload-time") {
        distribution.uploaded = Some(time);
    }
    if let Some(python) = text("requires-python") {
        distribution.requires_python = Some(python);
    }
    if let Some(size) = entry.get("size").and_then(Value::as_u64) {
        distribution.size = Some(size);
    }
    if let Some(sha256) = entry.get("hashes").and_then(|hashes| hashes.get("sha256")?.as_str()) {
        distribution.sha256 = Some(sha256.to_owned());
    }
    match entry.get("yanked") {
        Some(Value::Bool(true)) => distribution.yanked = Some(String::new()),
        Some(Value::String(reason)) => distribution.yanked = Some(reason.clone()),
        _ => {}
    }
}

fn wheel_metadata(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut names = archive.file_names().filter_map(Result::ok);
    let name = names.find(|name| name.ends_with(".dist-info/METADATA"))?.into_owned();
    drop(names);
    let mut text = Vec::new();
    archive.by_name(&name).ok()?.take(MAX_TEXT).read_to_end(&mut text).ok()?;
    Some(text)
}

fn sdist_metadata(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    for entry in archive.entries().ok()? {
        let entry = entry.ok()?;
        let path = entry.path().ok()?.into_owned();
        if path.components().count() == 2 && path.ends_with("PKG-INFO") {
            let mut text = Vec::new();
            entry.take(MAX_TEXT).read_to_end(&mut text).ok()?;
            return Some(text);
        }
    }
    None
}

fn header(metadata: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(metadata);
    let mut headers = text.lines().take_while(|line| !line.is_empty());
    headers.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}
