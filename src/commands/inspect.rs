//! Looking inside what was fetched: is the archive safe to read, does it say what the registry's record says, how is the
//! server started?
use std::collections::BTreeMap;

use mcpsec_fetch::{
    npm::{self, RegistryRecord},
    unpack::{self, EntryKind, Limits},
};
use mcpsec_model::{
    artifact::CheckedArtifact,
    candidate::{Candidate, EntryPoint},
    digest::Digest,
    finding::{Finding, Rule},
    name::Ecosystem,
    package::{ArtifactKind, Package, PackageId},
    text::Untrusted,
};
use rayon::prelude::*;
use smol_str::SmolStr;

use super::{bundled, wish::Wish};
use crate::error::CommandError;

/// Bytes kept of one archive: package.json, entry_points.txt and the package.json of bundled packages are far smaller.
const KEPT_LIMIT: usize = 32 << 20;

/// Files of an archive that matter here: name and content.
type Files = Vec<(String, Vec<u8>)>;

/// One artifact that was read from end to end.
pub(super) struct Inspected {
    pub(super) artifact: CheckedArtifact,
    pub(super) findings: Vec<Finding>,
    kind: ArtifactKind,
    install_scripts: bool,
    /// npm `bin` names or Python console scripts, sorted.
    commands: Vec<SmolStr>,
    /// npm packages that lie inside the tarball, sorted.
    pub(super) bundled: Vec<PackageId>,
    /// Folders like those whose package.json does not say what they are.
    pub(super) nameless: Vec<String>,
    /// SHA-256 of the whole file.
    sha256: Digest,
}

/// Reads every artifact once, on all cores. A hostile archive is an error that names it.
pub(super) fn all(
    artifacts: Vec<CheckedArtifact>,
    records: &BTreeMap<PackageId, RegistryRecord>,
    candidate: &Candidate,
) -> Result<Vec<Inspected>, CommandError> {
    artifacts.into_par_iter().map(|artifact| one(artifact, records, candidate)).collect()
}

fn one(
    artifact: CheckedArtifact,
    records: &BTreeMap<PackageId, RegistryRecord>,
    candidate: &Candidate,
) -> Result<Inspected, CommandError> {
    let package = candidate.packages.get(artifact.package());
    let kind = package.and_then(|package| package.artifacts.iter().find(|entry| entry.file == artifact.file()));
    let kind = kind
        .map(|entry| entry.kind)
        .ok_or_else(|| CommandError::bug(format!("{} is no part of the closure", artifact.file())))?;
    let keep = |path: &str| match kind {
        ArtifactKind::NpmTarball => matches!(path, "package.json" | "binding.gyp") || bundled::is_manifest(path),
        ArtifactKind::Wheel => path.ends_with(".dist-info/entry_points.txt"),
        ArtifactKind::Sdist | ArtifactKind::GitArchive => false,
    };
    let mut files: Files = Vec::new();
    let mut kept = 0;
    unpack::visit(&artifact, kind, &Limits::STANDARD, &mut |mut entry| {
        if matches!(entry.kind, EntryKind::File { .. }) && keep(entry.path) {
            let bytes = entry.read_all(KEPT_LIMIT - kept)?;
            kept += bytes.len();
            files.push((entry.path.to_owned(), bytes));
        }
        Ok(())
    })
    .map_err(|error| {
        CommandError::denied(format!("{}: {error}", artifact.package()))
            .hint("this archive is not safe to unpack; nothing of it was used")
    })?;
    let mut inspected = Inspected {
        findings: Vec::new(),
        kind,
        install_scripts: false,
        commands: Vec::new(),
        bundled: Vec::new(),
        nameless: Vec::new(),
        sha256: sha256_of(&artifact)?,
        artifact,
    };
    match kind {
        ArtifactKind::NpmTarball => read_npm(&mut inspected, &files, records)?,
        ArtifactKind::Wheel => inspected.commands = console_scripts(&files),
        ArtifactKind::Sdist | ArtifactKind::GitArchive => {}
    }
    Ok(inspected)
}

/// Our own SHA-256: known already for what was just fetched or pinned by it, else computed now.
fn sha256_of(artifact: &CheckedArtifact) -> Result<Digest, CommandError> {
    if let Some(known) = artifact.digests().sha256 {
        return Ok(Digest::Sha256(known));
    }
    let bytes = std::fs::read(artifact.path()).map_err(|error| {
        CommandError::incomplete(format!("failed to read {} in the store: {error}", artifact.file()))
    })?;
    Ok(Digest::sha256_of(&bytes))
}

fn read_npm(
    inspected: &mut Inspected,
    files: &Files,
    records: &BTreeMap<PackageId, RegistryRecord>,
) -> Result<(), CommandError> {
    let id = inspected.artifact.package();
    let file = |name: &str| files.iter().find(|(path, _)| path == name).map(|(_, bytes)| bytes.as_slice());
    let Some(package_json) = file("package.json") else {
        return Err(CommandError::denied(format!("{id}: the tarball has no package.json")));
    };
    let json: serde_json::Value = serde_json::from_slice(strip_bom(package_json))
        .map_err(|error| CommandError::denied(format!("{id}: package.json in the tarball is not JSON: {error}")))?;
    if let Some(record) = records.get(id) {
        inspected.findings = npm::compare_manifest(record, package_json);
    }
    let scripts = json.get("scripts").and_then(serde_json::Value::as_object);
    let declared = scripts
        .is_some_and(|scripts| ["preinstall", "install", "postinstall"].iter().any(|name| scripts.contains_key(*name)));
    inspected.install_scripts = declared || file("binding.gyp").is_some();
    let mut inner = Vec::new();
    for (path, bytes) in files.iter().filter(|(path, _)| bundled::is_manifest(path)) {
        match bundled::read(strip_bom(bytes)) {
            Some(package) => inner.push(package),
            None => inspected.nameless.push(Untrusted::new(path.as_str()).excerpt(120)),
        }
    }
    inner.sort();
    inner.dedup();
    let mut commands: Vec<SmolStr> = match json.get("bin") {
        Some(serde_json::Value::String(_)) => vec![id.name().base().into()],
        Some(serde_json::Value::Object(map)) => map.keys().map(SmolStr::from).collect(),
        _ => Vec::new(),
    };
    commands.sort();
    inspected.commands = commands;
    inspected.bundled = inner;
    Ok(())
}

fn strip_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The names under `[console_scripts]` of entry_points.txt (an INI file: entry points specification).
fn console_scripts(files: &Files) -> Vec<SmolStr> {
    let mut names = Vec::new();
    for (_, bytes) in files {
        let text = String::from_utf8_lossy(bytes);
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                inside = line == "[console_scripts]";
            } else if inside && let Some((name, _)) = line.split_once('=') {
                names.push(SmolStr::from(name.trim()));
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Fills in what only the bytes tell: digests of old npm records, our own SHA-256 and size of files that every platform
/// fetches (others would make the lock depend on the machine), install scripts.
pub(super) fn complete(
    packages: &mut BTreeMap<PackageId, Package>,
    inspected: &[Inspected],
) -> Result<(), CommandError> {
    for item in inspected {
        let Some(package) = packages.get_mut(item.artifact.package()) else { continue };
        if item.kind == ArtifactKind::NpmTarball {
            package.install_scripts |= item.install_scripts;
            let portable = package.is_portable();
            for entry in package.artifacts.iter_mut().filter(|entry| entry.file == item.artifact.file()) {
                if entry.digests.is_empty() {
                    entry.digests = *item.artifact.digests();
                }
                if portable {
                    entry.digests.insert(item.sha256);
                    entry.size = Some(item.artifact.size());
                }
            }
        }
    }
    match packages.values().find(|package| package.artifacts.iter().any(|artifact| artifact.digests.is_empty())) {
        Some(package) => {
            Err(CommandError::incomplete(format!("{}: no strong digest could be found to pin", package.id)))
        }
        None => Ok(()),
    }
}

/// How the server is started: the command asked for, or the one that its launcher would choose.
pub(super) fn entry_point(
    wish: &Wish,
    candidate: &Candidate,
    inspected: &[Inspected],
) -> Result<EntryPoint, CommandError> {
    let root = candidate.closure.root().package();
    let Some(item) = inspected.iter().find(|item| item.artifact.package() == root) else {
        return Ok(candidate.entry.clone());
    };
    if item.kind != ArtifactKind::NpmTarball && item.kind != ArtifactKind::Wheel {
        return Ok(candidate.entry.clone());
    }
    let base = root.name().base();
    let chosen = match wish.command() {
        Some(command) => item.commands.iter().find(|name| *name == command),
        None => match item.commands.as_slice() {
            [only] => Some(only),
            many => many.iter().find(|name| *name == base),
        },
    };
    let Some(chosen) = chosen else {
        let known: Vec<String> = item.commands.iter().map(|name| Untrusted::new(name.as_str()).excerpt(60)).collect();
        return Err(match wish.command() {
            Some(command) => CommandError::usage(format!("{root} has no command `{command}`"))
                .hint(format!("it has: {}", known.join(", "))),
            None if known.is_empty() => {
                CommandError::usage(format!("{root} has no command, so it cannot be started as a server"))
            }
            None => CommandError::usage(format!(
                "{root} has several commands and none of its own name: {}",
                known.join(", ")
            ))
            .hint(format!(
                "write command = \"…\" under [servers.{}] in mcp.toml, or give a launch line: \"npx -p {} COMMAND\"",
                wish.name,
                root.name()
            )),
        });
    };
    let valid = mcpsec_model::config::command_name(chosen).map_err(|_| {
        CommandError::denied(format!(
            "{root}: `{}` is not a safe command name",
            Untrusted::new(chosen.as_str()).excerpt(60)
        ))
    })?;
    Ok(match root.ecosystem() {
        Ecosystem::Pypi => EntryPoint::PythonScript(valid),
        Ecosystem::Npm | Ecosystem::Git => EntryPoint::NpmBin(valid),
    })
}

/// The finding of a package that wants to run something when it is installed.
pub(super) fn install_script(package: &PackageId) -> Finding {
    Finding::new(
        Rule::InstallScript,
        package.to_string(),
        "wants to run a script when it is installed; mcpsec does not run it",
    )
}
