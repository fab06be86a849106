//! What mcp.toml opens to a server that runs, what it may never open, and one line about it for whoever starts it.
//!
//! mcp.toml comes with a repository, and whoever cloned it may not have read it. So nothing of it leads where its words do
//! not say (links), opens a whole home, or lets a server change what is run; all else that leaves the project is told.
use std::path::{Path, PathBuf};

use mcpsec_model::{
    config::{Isolation, ServerConfig},
    text::escape,
};

use crate::{
    error::CommandError,
    settings::{Settings, TEAM_TOKEN},
};

/// Variables that decide which program or library is run, whatever is locked.
const STEERING: [&str; 8] =
    ["PATH", "NODE_OPTIONS", "NODE_PATH", "BASH_ENV", "ENV", "GCONV_PATH", "OPENSSL_CONF", "OPENSSL_MODULES"];
/// The beginnings of more such names.
const STEERING_STARTS: [&str; 4] = ["LD_", "DYLD_", "GLIBC_", "PYTHON"];
/// Those of Python's that only say how it writes.
const HARMLESS: [&str; 5] =
    ["PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"];

/// What a server may do beyond its own folders.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    /// Files and folders it reads.
    pub(super) read: Vec<PathBuf>,
    /// Files and folders it writes.
    pub(super) write: Vec<PathBuf>,
    /// Variables of the client that it gets: names.
    pub(super) env: Vec<String>,
    /// Hosts it reaches.
    pub(super) hosts: Vec<String>,
}

impl Rights {
    /// What mcp.toml declares.
    ///
    /// # Errors
    /// A path that does not exist, leads out of the project by a link, holds the home folder, or may not be written; a variable
    /// that would change what is run.
    pub(super) fn of(settings: &Settings, project: &Path, entry: &ServerConfig) -> Result<Self, CommandError> {
        let needs = entry.sandbox.clone().unwrap_or_default();
        let env: Vec<String> = entry.env.iter().chain(&needs.env).cloned().collect();
        if let Some(name) = env.iter().find(|name| steers(name)) {
            return Err(CommandError::usage(format!("mcp.toml hands {name} to the server, which changes what is run"))
                .hint("take it out of `env`; what is locked runs as it is"));
        }
        // Whoever holds it speaks for the user at the team's registry; no server needs that, and mcp.toml may be a stranger's.
        if env.iter().any(|name| name.eq_ignore_ascii_case(TEAM_TOKEN)) {
            return Err(CommandError::denied(format!(
                "mcp.toml hands {TEAM_TOKEN} to the server: it is for mcpsec and the team's registry alone"
            ))
            .hint("take it out of `env`; a server that needs a token gets one of its own, under another name"));
        }
        let place = |text: &String| place(settings, project, text);
        let read = needs.read.iter().map(place).collect::<Result<Vec<PathBuf>, _>>()?;
        let write = needs.write.iter().map(place).collect::<Result<Vec<PathBuf>, _>>()?;
        for folder in &write {
            may_be_written(settings, project, folder)?;
        }
        Ok(Self { read, write, env, hosts: needs.hosts })
    }

    /// One line about all that leaves the project; `None` if nothing does.
    pub(super) fn told(&self, settings: &Settings, project: &Path, isolation: Isolation) -> Option<String> {
        let project = project.canonicalize().unwrap_or_else(|_| project.to_owned());
        let outside = |paths: &[PathBuf]| -> Vec<String> {
            let outside = paths.iter().filter(|path| !path.starts_with(&project));
            outside.map(|path| escape(&path.display().to_string())).collect()
        };
        let names: Vec<String> = self.env.iter().filter(|name| settings.variable(name).is_some()).cloned().collect();
        let hosts: Vec<String> = self.hosts.iter().map(|host| escape(host)).collect();
        let parts =
            [("reads", outside(&self.read)), ("writes", outside(&self.write)), ("gets", names), ("reaches", hosts)];
        let mut said: Vec<String> = parts
            .iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(verb, list)| format!("{verb} {}", list.join(", ")))
            .collect();
        if isolation == Isolation::None {
            said.push("runs without any sandbox, with all your rights".to_owned());
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}

fn steers(name: &str) -> bool {
    let starts = |start: &&str| name.starts_with(*start);
    STEERING.contains(&name) || (STEERING_STARTS.iter().any(starts) && !HARMLESS.contains(&name))
}

/// A path of mcp.toml: absolute, `~/…` of the user, or relative to the project and inside it.
fn place(settings: &Settings, project: &Path, text: &str) -> Result<PathBuf, CommandError> {
    let no_home = || CommandError::usage("cannot tell where your home folder is");
    let path = match text.strip_prefix('~') {
        Some(rest) => settings.home().ok_or_else(no_home)?.join(rest.trim_start_matches('/')),
        None => project.join(text),
    };
    let shown = escape(text);
    let found = |path: &Path| {
        path.canonicalize().map_err(|error| {
            CommandError::usage(format!("[servers.….sandbox] names {shown}, which cannot be opened: {error}"))
                .hint("make it, or take it out of mcp.toml")
        })
    };
    let found_path = found(&path)?;
    let relative = !text.starts_with(['~', '/']) && !Path::new(text).is_absolute();
    if relative && !found_path.starts_with(found(project)?) {
        let leads = escape(&found_path.display().to_string());
        return Err(CommandError::denied(format!(
            "[servers.….sandbox] names {shown}, which leads to {leads}, out of the project"
        ))
        .hint("if the server needs that, name it in full"));
    }
    if holds_home(settings, &found_path) {
        return Err(CommandError::usage(format!(
            "[servers.….sandbox] names {shown}, which holds your whole home folder"
        ))
        .hint("name the folders below it that the server needs, as ~/FOLDER"));
    }
    Ok(found_path)
}

/// Whether a canonical path is the home folder or one above it.
pub(super) fn holds_home(settings: &Settings, path: &Path) -> bool {
    let home = settings.home().map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned()));
    path.parent().is_none() || home.is_some_and(|home| home.starts_with(path))
}

/// Who can write mcp.toml can give itself every right; who can write the store decides what runs.
fn may_be_written(settings: &Settings, project: &Path, path: &Path) -> Result<(), CommandError> {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let files = ["mcp.toml", "mcp.lock", ".git", ".npmrc", "uv.toml"].map(|name| whole(&project.join(name)));
    let own = [settings.store.as_path(), settings.cache.as_path(), settings.launcher()].map(whole);
    let holds = files.iter().chain(&own).find(|own| own.starts_with(path));
    let inside = own.iter().chain(&files).find(|own| path.starts_with(own));
    match holds.or(inside) {
        None => Ok(()),
        Some(own) => Err(CommandError::denied(format!(
            "[servers.….sandbox] lets the server write {}, and with it {}, which decides what runs",
            escape(&path.display().to_string()),
            escape(&own.display().to_string())
        ))
        .hint("name a folder beside it")),
    }
}
