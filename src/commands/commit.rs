//! The moment when mcp.toml and mcp.lock change: under a lock, on what is there now, whole or not at all.
//!
//! Resolution and downloads run unlocked and may take long; several `add`s may run at once. So nothing read at the start is
//! written back: the files are read again under the lock, the one change is applied, and both are replaced atomically,
//! mcp.toml first. A crash in between leaves a server that is configured and not locked, which `verify` says and the same
//! `add` repairs.
use std::{collections::BTreeMap, fs, path::Path};

use mcpsec_model::{
    approval::Word,
    config::{ConfigEditor, ServerConfig},
    digest::Digest,
    lock::{InsertError, Lock, LockedServer},
    name::ServerName,
    package::{Package, PackageId},
    team::TeamPin,
};

use super::wish::Wish;
use crate::{
    error::CommandError,
    files,
    project::{self, Project},
    settings::Settings,
};

/// Writes servers into mcp.toml alone; a file that is not there yet starts as `fresh`. Servers that are there stay.
pub(crate) fn configure(
    settings: &Settings,
    project: &Project,
    servers: &BTreeMap<ServerName, ServerConfig>,
    fresh: ConfigEditor,
) -> Result<(), CommandError> {
    let mut guard = fd_lock::RwLock::new(open_guard(settings, project.folder())?);
    let _held = guard
        .write()
        .map_err(|error| CommandError::incomplete(format!("failed to lock {}: {error}", project.folder().display())))?;
    files::sweep(project.folder());
    let (mut editor, known) = match project.config_text()? {
        Some(text) => {
            let editor = ConfigEditor::parse(&text, "mcp.toml").map_err(|error| project::config_error(&error))?;
            (editor, project.parse(&text)?.servers)
        }
        None => (fresh, BTreeMap::new()),
    };
    for (name, server) in servers.iter().filter(|(name, _)| !known.contains_key(*name)) {
        editor.insert_server(name, server).map_err(|error| project::config_error(&error))?;
    }
    let text = editor.to_string();
    project.parse(&text).map_err(|error| CommandError::bug(format!("edited mcp.toml does not parse: {error}")))?;
    let path = project.config_path();
    files::replace(&path, &text).map(drop).map_err(|error| crate::error::io("write", &path, &error))
}

/// One server to be written.
pub(crate) struct Change {
    pub(crate) wish: Wish,
    pub(crate) server: LockedServer,
    pub(crate) packages: Vec<(PackageId, Package)>,
}

/// Writes servers into mcp.toml and mcp.lock. Gives whether anything changed.
pub(crate) fn insert(settings: &Settings, project: &Project, changes: Vec<Change>) -> Result<bool, CommandError> {
    under_lock(settings, project, |config, lock| {
        for change in changes {
            config
                .insert_server(&change.wish.name, &change.wish.config)
                .map_err(|error| project::config_error(&error))?;
            lock.insert(change.server, change.packages).map_err(|error| insert_error(&error, &change.wish.name))?;
        }
        Ok(())
    })
}

/// A registry or package that does not fit what is locked is the gate's business (1); parts that do not fit are ours (4).
fn insert_error(error: &InsertError, server: &ServerName) -> CommandError {
    let shown = if error.is_refusal() { CommandError::denied(error) } else { CommandError::bug(error) };
    shown.context(server).maybe_hint(error.hint())
}

/// Takes servers out of mcp.toml and mcp.lock. Gives whether anything changed.
pub(crate) fn remove(settings: &Settings, project: &Project, names: &[ServerName]) -> Result<bool, CommandError> {
    under_lock(settings, project, |config, lock| {
        for name in names {
            let configured = config.remove_server(name);
            let locked = lock.remove(name);
            if !configured && !locked {
                return Err(CommandError::usage(format!("there is no server `{name}` in mcp.toml or mcp.lock")));
            }
        }
        Ok(())
    })
}

/// Runs something while no other run of mcpsec changes files of this folder.
pub(crate) fn exclusively<T>(
    settings: &Settings,
    folder: &Path,
    work: impl FnOnce() -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let mut guard = fd_lock::RwLock::new(open_guard(settings, folder)?);
    let _held = guard
        .write()
        .map_err(|error| CommandError::incomplete(format!("failed to lock {}: {error}", folder.display())))?;
    files::sweep(folder);
    work()
}

/// Pins what approvals of other teams are now. Gives whether anything changed.
pub(crate) fn pin_imports(
    settings: &Settings,
    project: &Project,
    imports: BTreeMap<Word, Digest>,
) -> Result<bool, CommandError> {
    under_lock(settings, project, |_, lock| {
        lock.imports = imports;
        Ok(())
    })
}

/// Pins how far the team's log was seen: forward only, unless it is another log that is asked for. Gives whether anything changed.
pub(crate) fn pin_team(
    settings: &Settings,
    project: &Project,
    pin: TeamPin,
    another: bool,
) -> Result<bool, CommandError> {
    under_lock(settings, project, |_, lock| {
        let forward = |known: &TeamPin| if known.key == pin.key { known.size <= pin.size } else { another };
        if lock.team.as_ref().is_none_or(forward) {
            lock.team = Some(pin);
        }
        Ok(())
    })
}

fn under_lock(
    settings: &Settings,
    project: &Project,
    change: impl FnOnce(&mut ConfigEditor, &mut Lock) -> Result<(), CommandError>,
) -> Result<bool, CommandError> {
    exclusively(settings, project.folder(), || {
        let text = project.config_text()?;
        let mut config = match &text {
            Some(text) => ConfigEditor::parse(text, "mcp.toml").map_err(|error| project::config_error(&error))?,
            None => ConfigEditor::starter(),
        };
        let mut lock = project.lock()?.unwrap_or_else(Lock::empty);
        change(&mut config, &mut lock)?;
        let config_text = config.to_string();
        // What will be written must read back; a failure here is ours, and nothing has been touched yet.
        project
            .parse(&config_text)
            .map_err(|error| CommandError::bug(format!("edited mcp.toml does not parse: {error}")))?;
        let lock_text = lock.to_text();
        let write = |path: &Path, text: &str| {
            files::replace(path, text).map_err(|error| crate::error::io("write", path, &error))
        };
        let config_changed = write(&project.config_path(), &config_text)?;
        let lock_changed = write(&project.lock_path(), &lock_text)?;
        Ok(config_changed || lock_changed)
    })
}

/// The advisory lock of a project lies in the store, so that the project folder holds nothing but its two files.
fn open_guard(settings: &Settings, folder: &Path) -> Result<fs::File, CommandError> {
    let folder = fs::canonicalize(folder).map_err(|error| crate::error::io("find", folder, &error))?;
    let name = Digest::sha256_of(folder.as_os_str().as_encoded_bytes()).to_hex();
    let locks = settings.store.join("locks");
    fs::create_dir_all(&locks).map_err(|error| crate::error::io("create", &locks, &error))?;
    let path = locks.join(&name[..32]);
    fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(&path)
        .map_err(|error| crate::error::io("open", &path, &error))
}
