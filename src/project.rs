//! The project: mcp.toml and mcp.lock of one folder, read with clear errors.
use std::path::{Path, PathBuf};

use mcpsec_model::{
    config::{Config, ConfigEditor, ConfigError},
    lock::{Lock, LockError},
};

use crate::{error::CommandError, files};

const CONFIG_LIMIT: u64 = 1 << 20;
const LOCK_LIMIT: u64 = 64 << 20;

/// The two files of a folder.
pub(crate) struct Project {
    folder: PathBuf,
}

impl Project {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.join("mcp.toml")
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.folder.join("mcp.lock")
    }

    /// The text of mcp.toml, if there is one.
    pub(crate) fn config_text(&self) -> Result<Option<String>, CommandError> {
        let path = self.config_path();
        files::read_text(&path, CONFIG_LIMIT).map_err(|error| crate::error::io("read", &path, &error))
    }

    /// The text of mcp.lock, if there is one.
    pub(crate) fn lock_text(&self) -> Result<Option<String>, CommandError> {
        let path = self.lock_path();
        files::read_text(&path, LOCK_LIMIT).map_err(|error| crate::error::io("read", &path, &error))
    }

    /// mcp.toml, if there is one; all its problems at once.
    pub(crate) fn config(&self) -> Result<Option<Config>, CommandError> {
        self.config_text()?.map(|text| parse_config(&text)).transpose()
    }

    /// mcp.lock, if there is one.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, CommandError> {
        self.lock_text()?.map(|text| Lock::parse(&text, "mcp.lock").map_err(|error| lock_error(&error))).transpose()
    }

    /// mcp.lock, or the error that says how to make one.
    pub(crate) fn required_lock(&self) -> Result<Lock, CommandError> {
        self.lock()?.ok_or_else(|| {
            CommandError::usage(format!("{} has no mcp.lock", self.folder.display()))
                .hint("mcpsec add npm:NAME (or pypi:NAME, or git+https://…) locks a first server")
        })
    }
}

/// What an absent mcp.toml stands for: no servers, the starter policy.
pub(crate) fn starter_config() -> Result<Config, CommandError> {
    parse_config(&ConfigEditor::starter().to_string())
}

pub(crate) fn parse_config(text: &str) -> Result<Config, CommandError> {
    Config::parse(text, "mcp.toml").map_err(|error| config_error(&error))
}

pub(crate) fn config_error(error: &ConfigError) -> CommandError {
    CommandError::usage(error)
}

/// An edited lock is the gate's business (1); one that cannot be read is a configuration problem (2).
pub(crate) fn lock_error(error: &LockError) -> CommandError {
    let shown = if error.is_edit() { CommandError::denied(error) } else { CommandError::usage(error) };
    shown.maybe_hint(error.hint())
}
