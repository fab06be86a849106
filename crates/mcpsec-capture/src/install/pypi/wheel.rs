//! One wheel into the environment (binary distribution format 1.x).
use std::collections::BTreeMap;

use mcpsec_model::tree::ItemKind;

use super::{Building, entry, record};
use crate::install::{
    draft::Content,
    error::{InstallError, shown},
    npm::manifest::is_program_name,
    source::Files,
};

const LONGEST: u64 = 4 << 20;

/// Puts a wheel into the environment; answers its programs, name to path.
pub(super) fn put(building: &mut Building<'_>, files: &Files<'_>) -> Result<BTreeMap<String, String>, InstallError> {
    let package = files.package;
    let info = info_folder(files)?;
    version(files, &info)?;
    record::check(files, &info)?;
    let data = format!("{}.data/", info.trim_end_matches(".dist-info"));
    let mut scripts = BTreeMap::new();
    let owner = package.to_string();
    for (path, kind) in files.iter() {
        if !matches!(kind, ItemKind::File { .. }) {
            return Err(InstallError::wheel(package, format!("`{}` is a link", shown(path))));
        }
        let Some(content) = files.content(path) else { continue };
        if let Some(rest) = path.strip_prefix(&data) {
            let (scheme, inner) = rest.split_once('/').unwrap_or((rest, ""));
            match scheme {
                "purelib" | "platlib" if !inner.is_empty() => building.put_into_site(package, inner, content)?,
                "scripts" if is_program_name(inner) => {
                    let at = format!("bin/{inner}");
                    let content = script(building, files, path, content)?;
                    building.draft.put(&at, content, &owner)?;
                    scripts.insert(inner.to_owned(), at);
                }
                "headers" if !inner.is_empty() => {
                    let at =
                        format!("include/site/python{}/{}/{inner}", building.python.minor, package.name().as_str());
                    building.draft.put(&at, content, &owner)?;
                }
                "data" if !inner.is_empty() => put_data(building, files, inner, content)?,
                _ => {
                    return Err(InstallError::wheel(
                        package,
                        format!("`{}` is in no folder that wheels have", shown(path)),
                    ));
                }
            }
        } else if path.split('/').next().is_some_and(|top| top.to_lowercase().ends_with(".data")) {
            return Err(InstallError::wheel(package, format!("`{}` is in the data of another package", shown(path))));
        } else {
            building.put_into_site(package, path, content)?;
        }
    }
    building.draft.put(&format!("{}/{info}/INSTALLER", building.site), Content::made("mcpsec\n"), &owner).or_else(
        // A wheel that brings one of its own, against the specification: it is kept as RECORD has it.
        |error| if files.has_file(&format!("{info}/INSTALLER")) { Ok(()) } else { Err(error) },
    )?;
    let text = files.read_text(&format!("{info}/entry_points.txt"), LONGEST)?.unwrap_or_default();
    for (name, target) in entry::console_scripts(package, &text)? {
        building.put_console_script(package, &name, &target)?;
        scripts.insert(name.clone(), format!("bin/{name}"));
    }
    Ok(scripts)
}

/// Files for the top of the environment. A package may not bring what belongs to the environment itself; what it puts into
/// site-packages this way is treated as anything there.
fn put_data(building: &mut Building<'_>, files: &Files<'_>, inner: &str, content: Content) -> Result<(), InstallError> {
    let site = format!("{}/", building.site);
    match inner.strip_prefix(&site) {
        Some(path) => building.put_into_site(files.package, path, content),
        // Spelled otherwise, it would be the same folder on some systems.
        None if inner.to_lowercase().starts_with("lib/python") || inner.to_lowercase().starts_with("lib64/python") => {
            Err(InstallError::wheel(files.package, format!("`{}` is in the library of another python", shown(inner))))
        }
        None => building.draft.put(inner, content, &files.package.to_string()),
    }
}

/// A script; `#!python` as its first words stands for the environment's python.
fn script(building: &Building<'_>, files: &Files<'_>, path: &str, content: Content) -> Result<Content, InstallError> {
    let Content::File { from, sha256, .. } = content else { return Ok(content) };
    let text = files.read(path, 256 << 20)?.unwrap_or_default();
    let rest = [b"#!pythonw".as_slice(), b"#!python"].iter().find_map(|head| text.strip_prefix(*head));
    match rest.filter(|rest| rest.first().is_none_or(u8::is_ascii_whitespace)) {
        Some(rest) => {
            let line = rest.iter().position(|byte| *byte == b'\n').map_or(&rest[rest.len()..], |at| &rest[at + 1..]);
            let mut bytes = building.script_head().into_bytes();
            bytes.extend_from_slice(line);
            Ok(Content::Made { bytes, executable: true })
        }
        None => Ok(Content::File { from, sha256, executable: true, own: true }),
    }
}

/// The one `.dist-info` folder, which must be of this package.
fn info_folder(files: &Files<'_>) -> Result<String, InstallError> {
    let package = files.package;
    let mut found: Option<&str> = None;
    for (path, _) in files.iter() {
        let Some((top, _)) = path.split_once('/') else { continue };
        if top.to_lowercase().ends_with(".dist-info") {
            if found.is_some_and(|found| found != top) {
                return Err(InstallError::wheel(package, "it has two `.dist-info` folders"));
            }
            found = Some(top);
        }
    }
    let info = found.ok_or_else(|| InstallError::wheel(package, "it has no `.dist-info` folder"))?;
    let stem = info.strip_suffix(".dist-info").unwrap_or_default();
    let name = stem.split_once('-').map_or(stem, |(name, _)| name);
    let same = mcpsec_model::name::PackageName::pypi(name).is_ok_and(|name| name.as_str() == package.name().as_str());
    if !same {
        return Err(InstallError::wheel(package, format!("`{}` is of another package", shown(info))));
    }
    Ok(info.to_owned())
}

/// Refuses wheels of a format that is not known.
fn version(files: &Files<'_>, info: &str) -> Result<(), InstallError> {
    let file = format!("{info}/WHEEL");
    let text = files.read_text(&file, LONGEST)?.unwrap_or_default();
    let version = text.lines().find_map(|line| line.strip_prefix("Wheel-Version:")).map(str::trim);
    match version.and_then(|version| version.split('.').next()) {
        Some("1") => Ok(()),
        _ => {
            Err(InstallError::wheel(files.package, format!("its format is {}", shown(version.unwrap_or("not named")))))
        }
    }
}
