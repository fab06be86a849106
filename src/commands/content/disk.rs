//! Code on disk that no lock knows: a package folder, an installed tree (`node_modules`, `site-packages`), an archive.
//!
//! Installed trees are told apart package by package, as a lock would have them. Links are not followed.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use mcpsec_audit::content::package::{self, PackageFacts, Piece};
use mcpsec_fetch::unpack::{self, Limits};
use mcpsec_model::{package::PackageId, text::escape};
use rayon::prelude::*;

use super::{Shelf, shelf};
use crate::error::{CommandError, io};

/// The most files of a tree that are looked at.
const MOST: usize = 500_000;
const DEEPEST: usize = 64;

/// What was found on disk.
pub(crate) struct Bundle {
    pub(crate) shelf: Shelf,
    /// The package that the folder or archive itself is.
    pub(crate) root: PackageId,
}

/// Opens a folder or an archive.
pub(crate) fn open(path: &Path) -> Result<Bundle, CommandError> {
    let meta = fs::metadata(path).map_err(|error| io("read", path, &error))?;
    if meta.is_dir() { folder(path) } else { archive(path) }
}

fn archive(path: &Path) -> Result<Bundle, CommandError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kind = shelf::kind_of(&name).ok_or_else(|| {
        CommandError::usage(format!(
            "{} is neither a folder nor an archive of a package",
            escape(&path.display().to_string())
        ))
        .hint("a .tgz of npm, a wheel (.whl), a .tar.gz or .zip")
    })?;
    let file = File::open(path).map_err(|error| io("open", path, &error))?;
    let mut described = None;
    let facts =
        shelf::archive_facts(kind, |visitor| unpack::visit_reader(&name, file, kind, &Limits::STANDARD, visitor))
            .map_err(|error| {
                CommandError::denied(error).hint("this archive is not safe to unpack; nothing of it was used")
            })?;
    let reader = File::open(path).map_err(|error| io("open", path, &error))?;
    // What it calls itself; an archive that was read to its end once is read again.
    let _again = unpack::visit_reader(&name, reader, kind, &Limits::STANDARD, &mut |mut entry| {
        let wanted = entry.path == "package.json"
            || entry.path.ends_with(".dist-info/METADATA")
            || entry.path.ends_with("PKG-INFO");
        if wanted && described.is_none() {
            described = identity(entry.path, &entry.read_all(4 << 20)?);
        }
        Ok(())
    });
    let root = described.map_or_else(unnamed, Ok)?;
    Ok(Bundle { shelf: Shelf::of(BTreeMap::from([(root.clone(), facts)])), root })
}

fn folder(path: &Path) -> Result<Bundle, CommandError> {
    let mut files = Vec::new();
    walk(path, "", 0, &mut files)?;
    let mut owners: BTreeMap<String, PackageId> = BTreeMap::new();
    let mut recorded: BTreeMap<String, PackageId> = BTreeMap::new();
    let mut root = None;
    for file in &files {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        if name == "package.json" && (folder.is_empty() || is_installed(folder)) {
            let id = identity("package.json", &content(path, file).unwrap_or_default());
            match id {
                Some(id) if folder.is_empty() => root = Some(id),
                Some(id) => {
                    owners.insert(folder.to_owned(), id);
                }
                None => {}
            }
        }
        if let Some(parent) = folder.strip_suffix(".dist-info")
            && name == "METADATA"
            && let Some(id) = identity("x.dist-info/METADATA", &content(path, file).unwrap_or_default())
        {
            let base = parent.rsplit_once('/').map(|(base, _)| format!("{base}/")).unwrap_or_default();
            let record = content(path, &format!("{folder}/RECORD")).unwrap_or_default();
            for line in String::from_utf8_lossy(&record).lines() {
                let listed = line.split(',').next().unwrap_or_default();
                recorded.insert(format!("{base}{listed}"), id.clone());
            }
        }
    }
    let root = root.map_or_else(unnamed, Ok)?;
    let owner = |file: &str| -> (PackageId, String) {
        if let Some(id) = recorded.get(file) {
            return (id.clone(), file.to_owned());
        }
        let mut at = file;
        while let Some((folder, _)) = at.rsplit_once('/') {
            if let Some(id) = owners.get(folder) {
                return (id.clone(), file[folder.len() + 1..].to_owned());
            }
            at = folder;
        }
        (root.clone(), file.to_owned())
    };
    let read: Vec<(PackageId, Option<Piece>)> = files
        .par_iter()
        .filter(|file| package::matters(file))
        .filter_map(|file| {
            let bytes = content(path, file)?;
            let (id, inner) = owner(file);
            Some((id, package::read(&inner, &bytes)))
        })
        .collect();
    let mut pieces: BTreeMap<PackageId, Vec<Piece>> = BTreeMap::new();
    let mut counts: BTreeMap<PackageId, usize> = BTreeMap::new();
    for (id, piece) in read {
        *counts.entry(id.clone()).or_default() += 1;
        pieces.entry(id).or_default().extend(piece);
    }
    let facts = pieces.into_iter().map(|(id, pieces)| {
        let facts =
            PackageFacts { read: counts.get(&id).copied().unwrap_or_default(), ..PackageFacts::collect(pieces) };
        (id, facts)
    });
    Ok(Bundle { shelf: Shelf::of(facts.collect()), root })
}

/// Whether a folder is where npm puts a package: `…/node_modules/name` or `…/node_modules/@scope/name`.
fn is_installed(folder: &str) -> bool {
    let mut parts = folder.rsplit('/');
    let (Some(_), Some(above)) = (parts.next(), parts.next()) else { return false };
    above == "node_modules" || above.starts_with('@') && parts.next() == Some("node_modules")
}

/// Name and version, as the file says that describes the package.
fn identity(path: &str, bytes: &[u8]) -> Option<PackageId> {
    let text = String::from_utf8_lossy(bytes);
    if path == "package.json" {
        let json: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        let (name, version) = (json.get("name")?.as_str()?, json.get("version")?.as_str()?);
        return format!("npm:{name}@{version}").parse().ok();
    }
    let field = |key: &str| {
        let mut lines = text.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim().to_owned()))
    };
    format!("pypi:{}@{}", field("Name")?.to_ascii_lowercase().replace(['_', '.'], "-"), field("Version")?).parse().ok()
}

/// For what does not say what it is.
fn unnamed() -> Result<PackageId, CommandError> {
    "npm:unnamed@0.0.0".parse().map_err(CommandError::bug)
}

fn content(base: &Path, file: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(base.join(file)).ok()?.take(package::LARGEST as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Regular files below a folder, with `/`, sorted.
fn walk(base: &Path, inner: &str, depth: usize, files: &mut Vec<String>) -> Result<(), CommandError> {
    let folder = base.join(inner);
    let entries = fs::read_dir(&folder).map_err(|error| io("read", &folder, &error))?;
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(|error| io("read", &folder, &error))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type().map_err(|error| io("read", &folder, &error))?;
        names.insert((name, kind.is_dir(), kind.is_file()));
    }
    for (name, is_folder, is_file) in names {
        let path = if inner.is_empty() { name } else { format!("{inner}/{name}") };
        if is_folder && depth < DEEPEST {
            walk(base, &path, depth + 1, files)?;
        } else if is_file {
            files.push(path);
        }
        if files.len() > MOST {
            return Err(CommandError::usage(format!("{} holds more than {MOST} files", base.display())));
        }
    }
    Ok(())
}
