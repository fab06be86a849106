//! Which configurations exist, and what they say. A file that cannot be read is told, never left out.
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use mcpsec_model::client::{self, Base, Client, ClientServer, LOCATIONS, Level, Location, Os};

use crate::{files, settings::Settings};

/// Which configurations are looked at.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Which<'a> {
    /// Only these clients; all if empty.
    pub(in crate::commands) clients: &'a [Client],
    /// The user's own files too.
    pub(in crate::commands) user: bool,
}

/// One configuration that exists.
#[derive(Debug)]
pub(in crate::commands) struct File {
    /// How it is shown: relative to the project, or below `~/`.
    pub(in crate::commands) shown: String,
    /// Where it is.
    pub(in crate::commands) path: PathBuf,
    /// Whose it is.
    pub(in crate::commands) level: Level,
    pub(in crate::commands) state: State,
}

/// What is known about a file.
#[derive(Debug)]
pub(in crate::commands) enum State {
    /// It was read.
    Read {
        /// Its text as it was.
        text: String,
        /// The places in it that hold servers, each with its servers.
        places: Vec<(&'static Location, Vec<ClientServer>)>,
    },
    /// It is there and was not read; why, safe to print.
    Unreadable(String),
}

impl File {
    /// All servers of the file.
    pub(in crate::commands) fn servers(&self) -> impl Iterator<Item = &ClientServer> {
        let places = match &self.state {
            State::Read { places, .. } => places.as_slice(),
            State::Unreadable(_) => &[],
        };
        places.iter().flat_map(|(_, servers)| servers)
    }
}

/// The existing configurations, those of the project first, each once.
pub(in crate::commands) fn find(settings: &Settings, which: &Which<'_>) -> Vec<File> {
    let system = match std::env::consts::OS {
        "windows" => Os::Windows,
        "macos" => Os::Macos,
        _ => Os::Linux,
    };
    let mut grouped: BTreeMap<(Level, PathBuf), Vec<&'static Location>> = BTreeMap::new();
    for location in LOCATIONS {
        let asked = which.clients.is_empty() || which.clients.contains(&location.client);
        if !asked || !location.os.contains(&system) || (location.level == Level::User && !which.user) {
            continue;
        }
        if let Some(folder) = settings.client_folder(location.base) {
            let paths = match location.level {
                Level::Project => spellings(&folder, location.path),
                Level::User => vec![folder.join(location.path)],
            };
            for path in paths {
                grouped.entry((location.level, path)).or_default().push(location);
            }
        }
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut found = Vec::new();
    for ((level, path), locations) in grouped {
        let metadata = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            Err(error) => {
                let shown = show(settings, level, &path);
                found.push(File { shown, path, level, state: State::Unreadable(error.to_string()) });
                continue;
            }
        };
        // Whoever works in the home folder has files that are both.
        let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if seen.contains(&real) {
            continue;
        }
        let state = if metadata.is_symlink() && !path.exists() {
            State::Unreadable("it is a link that leads nowhere".to_owned())
        } else if let Some(why) = has_link_out(settings, level, &locations, &path) {
            State::Unreadable(why)
        } else {
            read(&path, &locations)
        };
        seen.push(real);
        let shown = show(settings, level, &path);
        let empty =
            matches!(&state, State::Read { places, .. } if places.iter().all(|(_, servers)| servers.is_empty()));
        if !empty {
            found.push(File { shown, path, level, state });
        }
    }
    found
}

/// The path and every other spelling of it that exists. macOS and Windows open `.MCP.json` for a client that asks for `.mcp.json`, and
/// the gate mostly runs where those are two files.
fn spellings(folder: &Path, path: &str) -> Vec<PathBuf> {
    let mut found = vec![folder.to_path_buf()];
    for part in path.split('/') {
        let mut next = Vec::new();
        for folder in found {
            let names =
                std::fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.file_name()));
            let other =
                |name: &OsString| name.to_str().is_some_and(|name| name != part && folded(name) == folded(part));
            next.extend(names.filter(other).map(|name| folder.join(name)));
            next.push(folder.join(part));
        }
        found = next;
    }
    found
}

/// As file systems compare that do not tell cases apart: `\u{17f}` is an `s`, and the Kelvin sign a `k`.
fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// Why a file is not touched although it is there: a link leads out of the folder that it is meant to be in, and a repository
/// that was cloned must not make anybody read or rewrite a file elsewhere.
fn has_link_out(settings: &Settings, level: Level, locations: &[&'static Location], path: &Path) -> Option<String> {
    let real = std::fs::canonicalize(path).ok()?;
    let bases: Vec<Base> = match level {
        Level::Project => vec![Base::Project],
        // People keep their settings in a folder of their own and link to it.
        Level::User => locations.iter().map(|location| location.base).chain([Base::Home]).collect(),
    };
    let folders = bases.into_iter().filter_map(|base| settings.client_folder(base));
    let inside = folders.filter_map(|folder| std::fs::canonicalize(folder).ok()).any(|folder| real.starts_with(folder));
    let what = if level == Level::Project { "the project" } else { "the home folder" };
    (!inside).then(|| format!("a link leads out of {what}"))
}

fn read(path: &Path, locations: &[&'static Location]) -> State {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return State::Unreadable("it is no file".to_owned()),
        Err(error) => return State::Unreadable(error.to_string()),
    }
    let text = match files::read_text(path, client::MAX_BYTES as u64) {
        Ok(Some(text)) => text,
        Ok(None) => return State::Unreadable("it is gone".to_owned()),
        Err(error) => return State::Unreadable(error.to_string()),
    };
    let mut places = Vec::new();
    for location in locations {
        match client::read(location, &text) {
            Ok(servers) => places.push((*location, servers)),
            Err(error) => return State::Unreadable(error.to_string()),
        }
    }
    State::Read { text, places }
}

fn show(settings: &Settings, level: Level, path: &Path) -> String {
    let below = |base, prefix: &str| {
        let inner = path.strip_prefix(settings.client_folder(base)?).ok()?;
        let parts: Vec<_> = inner.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        Some(format!("{prefix}{}", parts.join("/")))
    };
    let shown = match level {
        Level::Project => below(Base::Project, ""),
        Level::User => below(Base::Home, "~/"),
    };
    shown.unwrap_or_else(|| path.display().to_string())
}
