//! The project: mcp.toml and mcp.lock of one folder, and the policies around it, read with clear errors.
use std::{
    collections::BTreeSet,
    ops::Deref,
    path::{Path, PathBuf},
};

use mcpsec_model::{
    config::{Config, ConfigError, Layers, MAX_BASES, PolicyText, extends},
    lock::{Lock, LockError},
    text::escape,
};

use crate::{error::CommandError, files};

const CONFIG_LIMIT: u64 = 1 << 20;
const LOCK_LIMIT: u64 = 64 << 20;

/// Where a project lies, with what is read around it. It stands for its folder.
#[derive(Clone)]
pub(crate) struct Place {
    /// The folder of mcp.toml and mcp.lock.
    pub(crate) folder: PathBuf,
    /// policy.toml of the system and of the user, whether they exist or not: whatever mcp.toml says, they hold.
    pub(crate) machine: Vec<PathBuf>,
    /// The user's home folder.
    pub(crate) home: Option<PathBuf>,
}

impl Deref for Place {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.folder
    }
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.folder
    }
}

/// The files of a folder.
pub(crate) struct Project {
    place: Place,
}

impl Project {
    pub(crate) fn new(place: &Place) -> Self {
        Self { place: place.clone() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.place.folder
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.place.folder.join("mcp.toml")
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.place.folder.join("mcp.lock")
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

    /// mcp.toml with the policies around it, if there is one; all problems at once.
    pub(crate) fn config(&self) -> Result<Option<Config>, CommandError> {
        self.config_text()?.map(|text| self.parse(&text)).transpose()
    }

    /// The same, or what an absent mcp.toml stands for: no servers, the starter policy, and what the machine asks for.
    pub(crate) fn config_or_starter(&self) -> Result<Config, CommandError> {
        match self.config()? {
            Some(config) => Ok(config),
            None => Config::absent(&self.machine()?).map_err(|error| config_error(&error)),
        }
    }

    /// Reads the text of an mcp.toml in this folder.
    pub(crate) fn parse(&self, text: &str) -> Result<Config, CommandError> {
        let layers = Layers { bases: self.bases(text)?, machine: self.machine()? };
        Config::layered(text, "mcp.toml", &layers).map_err(|error| config_error(&error))
    }

    /// The texts that say what the policy of the project is: mcp.toml, then what it extends, the outermost first. Nothing without
    /// mcp.toml. What a machine asks for besides is not part of the project.
    pub(crate) fn policy_texts(&self) -> Result<Vec<String>, CommandError> {
        let Some(text) = self.config_text()? else { return Ok(Vec::new()) };
        let bases = self.bases(&text)?;
        Ok(std::iter::once(text).chain(bases.into_iter().map(|base| base.text)).collect())
    }

    /// The policies that an mcp.toml extends, the outermost first.
    fn bases(&self, text: &str) -> Result<Vec<PolicyText>, CommandError> {
        let mut bases: Vec<PolicyText> = Vec::new();
        let mut seen = BTreeSet::from([whole(&self.config_path())]);
        let (mut by, mut folder, mut next) = ("mcp.toml".to_owned(), self.place.folder.clone(), extends(text));
        while let Some(named) = next {
            let fail = |why: String| {
                CommandError::usage(format!("{by} extends {}, which {why}", escape(&named)))
                    .hint("docs/policy.md says how policies extend each other")
            };
            if bases.len() == MAX_BASES {
                return Err(fail(format!("is the policy number {}: {MAX_BASES} are enough", MAX_BASES + 1)));
            }
            let path = match (named.strip_prefix("~/"), &self.place.home) {
                (Some(below), Some(home)) => home.join(below),
                (Some(_), None) => return Err(fail("is in a home folder that cannot be found".to_owned())),
                (None, _) => folder.join(&named),
            };
            let text = read_regular(&path)
                .map_err(|error| fail(format!("cannot be read: {error}")))?
                .ok_or_else(|| fail("does not exist".to_owned()))?;
            let path = whole(&path);
            if !seen.insert(path.clone()) {
                return Err(fail("extends it in turn".to_owned()));
            }
            next = extends(&text);
            by = self.shown(&path);
            folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
            bases.push(PolicyText { file: by.clone(), text });
        }
        bases.reverse();
        Ok(bases)
    }

    /// The policies of this machine that exist.
    fn machine(&self) -> Result<Vec<PolicyText>, CommandError> {
        let mut found = Vec::new();
        for path in &self.place.machine {
            // One that is there and cannot be read may ask for something: without it nothing is done.
            let text = read_regular(path).map_err(|error| crate::error::io("read", path, &error))?;
            found.extend(text.map(|text| PolicyText { file: escape(&path.display().to_string()), text }));
        }
        Ok(found)
    }

    /// A path as reports show it: relative to the project where it is inside.
    fn shown(&self, path: &Path) -> String {
        let inside = path.strip_prefix(whole(&self.place.folder)).unwrap_or(path);
        escape(&inside.display().to_string().replace('\\', "/"))
    }

    /// mcp.lock, if there is one.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, CommandError> {
        self.lock_text()?.map(|text| Lock::parse(&text, "mcp.lock").map_err(|error| lock_error(&error))).transpose()
    }

    /// mcp.lock, or the error that says how to make one.
    pub(crate) fn required_lock(&self) -> Result<Lock, CommandError> {
        self.lock()?.ok_or_else(|| {
            CommandError::usage(format!("{} has no mcp.lock", self.place.folder.display()))
                .hint("mcpsec add npm:NAME (or pypi:NAME, or git+https://…) locks a first server")
        })
    }
}

/// A regular file's text; a pipe would keep us waiting.
fn read_regular(path: &Path) -> std::io::Result<Option<String>> {
    if path.metadata().is_ok_and(|meta| !meta.is_file()) {
        return Err(std::io::Error::other("not a regular file"));
    }
    files::read_text(path, CONFIG_LIMIT)
}

fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

pub(crate) fn config_error(error: &ConfigError) -> CommandError {
    CommandError::usage(error)
}

/// An edited lock is the gate's business (1); one that cannot be read is a configuration problem (2).
pub(crate) fn lock_error(error: &LockError) -> CommandError {
    let shown = if error.is_edit() { CommandError::denied(error) } else { CommandError::usage(error) };
    shown.maybe_hint(error.hint())
}
