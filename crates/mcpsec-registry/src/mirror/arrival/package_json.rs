//! `package.json` cut down to what npm, pnpm and yarn read from a registry's record of a version, in npm's normal form.
//!
//! Strangers wrote it and npm reads it leniently: a field of the wrong type counts as absent, as in npm's own normalisation.
use std::collections::BTreeMap;

use mcpsec_model::{package::PackageId, text::Untrusted};
use serde_json::{Map, Value, json};

use super::{ArrivalError, tarball::Root};

/// Most entries of one map or list.
const MAX_ENTRIES: usize = 5_000;
/// The scripts that npm runs when a package is installed from a registry.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];
/// Maps of texts that are kept as they are.
const MAPS: [&str; 5] = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies", "engines"];
const FILE: &str = "package.json";

/// The record without `dist`: JSON text with sorted keys. `files_below` lists a folder of the tarball.
pub(super) fn cut_down(
    root: &Root,
    package: &PackageId,
    files_below: &dyn Fn(&str) -> Result<Vec<String>, ArrivalError>,
) -> Result<String, ArrivalError> {
    let text = std::str::from_utf8(&root.package_json).map_err(|_| problem("is not UTF-8"))?;
    let read: Result<Map<String, Value>, _> = serde_json::from_str(text.trim_start_matches('\u{feff}'));
    let said = read.map_err(|error| problem(&format!("is no JSON object ({error})")))?;
    let word = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default();
    if word("name").trim() != package.name().as_str() || !same_version(word("version"), package.version()) {
        return Err(ArrivalError::other(FILE, word("name"), word("version"), package));
    }
    let mut out = BTreeMap::new();
    out.insert("name", json!(package.name().as_str()));
    out.insert("version", json!(package.version()));
    if let Some(text) = said.get("description").and_then(Value::as_str) {
        out.insert("description", json!(text.chars().take(1_000).collect::<String>()));
    }
    for key in MAPS {
        let map = strings(&said, key)?;
        if !map.is_empty() {
            out.insert(key, json!(map));
        }
    }
    peers(&said, &mut out)?;
    let bundled = bundled(&said)?;
    if !bundled.is_empty() {
        out.insert("bundleDependencies", json!(bundled));
    }
    for key in ["os", "cpu", "libc"] {
        let words = words(said.get(key))?;
        if !words.is_empty() {
            out.insert(key, json!(words));
        }
    }
    let bin = bin(&said, package, files_below)?;
    if !bin.is_empty() {
        out.insert("bin", json!(bin));
    }
    let scripts = strings(&said, "scripts")?;
    // npm builds a `binding.gyp` on its own unless a script takes its place.
    if root.gyp || INSTALL_SCRIPTS.iter().any(|event| scripts.contains_key(*event)) {
        out.insert("hasInstallScript", json!(true));
    }
    if root.shrinkwrap {
        out.insert("_hasShrinkwrap", json!(true));
    }
    let body = serde_json::to_string(&out).map_err(|error| problem(&error.to_string()))?;
    // JSON writes NUL as `\u0000`, so that the text itself has none.
    Ok(body)
}

/// npm publishes `v1.0.0` and `=1.0.0` as `1.0.0`, and takes build metadata off.
fn same_version(said: &str, locked: &str) -> bool {
    let clean = |text: &str| -> String {
        let text = text.trim().trim_start_matches(['v', '=', ' ']);
        text.split('+').next().unwrap_or_default().to_owned()
    };
    !said.is_empty() && clean(said) == clean(locked)
}

fn peers(said: &Map<String, Value>, out: &mut BTreeMap<&'static str, Value>) -> Result<(), ArrivalError> {
    let Some(Value::Object(meta)) = said.get("peerDependenciesMeta") else { return Ok(()) };
    bounded(meta.len())?;
    let optional: BTreeMap<&str, Value> = meta
        .iter()
        .filter(|(_, one)| one.get("optional") == Some(&Value::Bool(true)))
        .map(|(name, _)| (name.as_str(), json!({ "optional": true })))
        .collect();
    if !optional.is_empty() {
        out.insert("peerDependenciesMeta", json!(optional));
    }
    Ok(())
}

/// Both spellings; `true` stands for all dependencies, and very old packages wrote a map.
fn bundled(said: &Map<String, Value>) -> Result<Vec<String>, ArrivalError> {
    let mut names = match said.get("bundleDependencies").or_else(|| said.get("bundledDependencies")) {
        Some(Value::Bool(true)) => strings(said, "dependencies")?.into_keys().collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        _ => Vec::new(),
    };
    bounded(names.len())?;
    names.sort();
    names.dedup();
    Ok(names)
}

/// `bin` in npm's normal form (npm-normalize-package-bin): command names without folders, files without a leading `./`, nothing
/// outside of the package. Without `bin`, each file of the folder `directories.bin` is a command.
fn bin(
    said: &Map<String, Value>,
    package: &PackageId,
    files_below: &dyn Fn(&str) -> Result<Vec<String>, ArrivalError>,
) -> Result<BTreeMap<String, String>, ArrivalError> {
    let mut out = BTreeMap::new();
    let mut add = |command: &str, file: &str| {
        let command = command.rsplit(['/', '\\', ':']).next().unwrap_or_default();
        let file = inside(file);
        if !matches!(command, "" | "." | "..") && !file.is_empty() {
            out.insert(command.to_owned(), file);
        }
    };
    match said.get("bin") {
        Some(Value::String(file)) => add(package.name().base(), file),
        Some(Value::Array(list)) => {
            bounded(list.len())?;
            list.iter().filter_map(Value::as_str).for_each(|file| add(file, file));
        }
        Some(Value::Object(_)) => {
            for (command, file) in strings(said, "bin")? {
                add(&command, &file);
            }
        }
        _ => {
            let folder = said.get("directories").and_then(|all| all.get("bin")).and_then(Value::as_str);
            let folder = folder.map(inside).filter(|folder| !folder.is_empty());
            for file in folder.map(|folder| files_below(&folder)).transpose()?.unwrap_or_default() {
                let base = file.rsplit('/').next().unwrap_or_default();
                if !base.starts_with('.') {
                    add(base, &file);
                }
            }
        }
    }
    Ok(out)
}

/// A path with `.` and `..` resolved; nothing climbs out.
fn inside(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The texts of a map.
fn strings(said: &Map<String, Value>, key: &str) -> Result<BTreeMap<String, String>, ArrivalError> {
    let Some(Value::Object(map)) = said.get(key) else { return Ok(BTreeMap::new()) };
    bounded(map.len())?;
    Ok(map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect())
}

/// A list of words, or one word.
fn words(value: Option<&Value>) -> Result<Vec<String>, ArrivalError> {
    match value {
        Some(Value::String(word)) => Ok(vec![word.clone()]),
        Some(Value::Array(list)) => {
            bounded(list.len())?;
            Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn bounded(count: usize) -> Result<(), ArrivalError> {
    if count > MAX_ENTRIES {
        return Err(problem(&format!("has a list of more than {MAX_ENTRIES} entries")));
    }
    Ok(())
}

fn problem(why: &str) -> ArrivalError {
    ArrivalError::Description { file: FILE, why: Untrusted::new(why).excerpt(160) }
}
