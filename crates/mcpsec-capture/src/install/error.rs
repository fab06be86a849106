//! What can stop an installation, and what to do about it.
use std::{
    io,
    path::{Path, PathBuf},
};

use mcpsec_model::{package::PackageId, text::Untrusted};

use super::runtime::RuntimeError;
use crate::sandbox::SandboxError;

/// Why a locked server could not be laid out. Every text is safe to print.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The lock was not made for this machine.
    #[error("the lock does not cover {here}; it covers {locked}")]
    Target {
        /// This machine, as a lock names it.
        here: String,
        /// What the lock covers.
        locked: String,
    },
    /// No runtime that suits.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The runtime is not one that a package supports.
    #[error("{package} needs {runtime} {needs}, and {program} is {found}")]
    RuntimeVersion {
        /// The package that says so.
        package: Box<PackageId>,
        /// `node` or `python`.
        runtime: &'static str,
        /// The range it asks for.
        needs: String,
        /// The version found.
        found: String,
        /// The program.
        program: String,
    },
    /// A package that is needed cannot be had on this platform.
    #[error("{package} is needed and is not for {platform} ({names})")]
    Platform {
        /// The package.
        package: Box<PackageId>,
        /// This platform.
        platform: String,
        /// What it is for.
        names: String,
    },
    /// There is no file of the package that could be installed as it is.
    #[error("{package} must be built, and {why}")]
    NeedsBuild {
        /// The package.
        package: Box<PackageId>,
        /// Why it cannot be.
        why: String,
    },
    /// The caller did not hand in an artifact of [`super::Blueprint::artifacts`].
    #[error("{package}: {file} was not unpacked")]
    NotUnpacked {
        /// The package.
        package: Box<PackageId>,
        /// The artifact's file name.
        file: String,
    },
    /// A file that decides cannot be read.
    #[error("{package}: {file}: {reason}")]
    Metadata {
        /// The package.
        package: Box<PackageId>,
        /// The file in the artifact.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The program that the lock starts is not there.
    #[error("{package} has no program `{wanted}`; it has {offered}")]
    NoEntryPoint {
        /// The package.
        package: Box<PackageId>,
        /// The program in the lock; empty when the lock names none and there is no only one.
        wanted: String,
        /// What it has.
        offered: String,
    },
    /// A program's file is outside of its package.
    #[error("{package}: the program `{name}` leads out of the package: {target}")]
    Escape {
        /// The package.
        package: Box<PackageId>,
        /// The program.
        name: String,
        /// Where it leads.
        target: String,
    },
    /// A program that asks for an interpreter other than the user's node or python.
    #[error("{package}: the program `{name}` asks to be run by `{interpreter}`")]
    Interpreter {
        /// The package.
        package: Box<PackageId>,
        /// The program.
        name: String,
        /// The first line's words.
        interpreter: String,
    },
    /// An entry point that is no name, or whose target is no `module:attribute`.
    #[error("{package}: the entry point `{name}` is refused: {reason}")]
    EntryPoint {
        /// The package.
        package: Box<PackageId>,
        /// The entry point.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A wheel whose RECORD does not tell what is in it.
    #[error("{package}: RECORD is wrong about `{path}`: {problem}")]
    Record {
        /// The package.
        package: Box<PackageId>,
        /// The path in question.
        path: String,
        /// What is wrong.
        problem: RecordProblem,
    },
    /// A wheel that is not laid out as wheels are.
    #[error("{package}: not a proper wheel: {reason}")]
    Wheel {
        /// The package.
        package: Box<PackageId>,
        /// What is wrong.
        reason: String,
    },
    /// Two packages (or one twice) have different files of one name.
    #[error("`{path}` comes from {first} and, with other bytes, from {second}")]
    Clobber {
        /// The path in the installation.
        path: String,
        /// Whose it is.
        first: String,
        /// Who wants it, too.
        second: String,
    },
    /// Two names that some systems take for one.
    #[error("`{path}` of {second} and `{other}` of {first} differ in letter case only")]
    Case {
        /// The second name.
        path: String,
        /// The first.
        other: String,
        /// Whose the first is.
        first: String,
        /// Whose the second is.
        second: String,
    },
    /// A path that leaves the installation, which no reader lets through.
    #[error("`{path}` of {owner} is not a path in the installation")]
    Path {
        /// The path.
        path: String,
        /// Whose it is.
        owner: String,
    },
    /// What was laid out is not what was to be laid out.
    #[error("{path} in the new installation is not what was unpacked")]
    Changed {
        /// The path.
        path: String,
    },
    /// An install script that the policy allows did not end well.
    #[error("{package}: the install script `{script}` failed: {reason}")]
    Script {
        /// The package.
        package: Box<PackageId>,
        /// `preinstall`, `install` or `postinstall`.
        script: &'static str,
        /// How it ended.
        reason: String,
    },
    /// The policy allows an install script and there is no sandbox to run it in.
    #[error("{package} has an install script that the policy allows, and no sandbox to run it in was given")]
    NoSandbox {
        /// The package.
        package: Box<PackageId>,
    },
    /// The sandbox did not start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The operating system refused.
    #[error("failed to {action} {path}: {source}")]
    Io {
        /// What was attempted, as a verb phrase.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// What is wrong between a wheel and its RECORD.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordProblem {
    /// A file that RECORD does not have.
    #[error("the wheel has it and RECORD has not")]
    Unlisted,
    /// A line without a file.
    #[error("RECORD has it and the wheel has not")]
    Missing,
    /// Other bytes.
    #[error("its hash is another")]
    Hash,
    /// Another length.
    #[error("its size is another")]
    Size,
    /// A line without a hash, or with one that proves nothing.
    #[error("its hash is missing or of a kind that proves nothing")]
    Weak,
    /// Twice, with different words.
    #[error("it is listed twice")]
    Twice,
    /// Not a line of three fields.
    #[error("the line is malformed")]
    Malformed,
}

impl InstallError {
    /// What to try.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Target { here, .. } => Some(format!("add {here} to [targets] in mcp.toml and run `mcpsec update`")),
            Self::Runtime(error) => Some(error.remedy()),
            Self::RuntimeVersion { runtime, needs, .. } => {
                Some(format!("put a {runtime} that is {needs} first on PATH"))
            }
            Self::NeedsBuild { .. } => {
                Some("lock a version that has a wheel for this platform, or build one and serve it from an index of your own".to_owned())
            }
            Self::NoEntryPoint { .. } => Some("name one of them as `command` in mcp.toml and run `mcpsec update`".to_owned()),
            Self::Interpreter { .. } => Some("only programs for node or python, and native programs, can be run from a lock".to_owned()),
            Self::Platform { .. } => Some("lock a version that supports this platform".to_owned()),
            _ => None,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(super) fn metadata(package: &PackageId, file: &str, reason: impl Into<String>) -> Self {
        Self::Metadata { package: Box::new(package.clone()), file: shown(file), reason: shown(&reason.into()) }
    }

    pub(super) fn entry(package: &PackageId, name: &str, reason: impl Into<String>) -> Self {
        Self::EntryPoint { package: Box::new(package.clone()), name: shown(name), reason: reason.into() }
    }

    pub(super) fn record(package: &PackageId, path: &str, problem: RecordProblem) -> Self {
        Self::Record { package: Box::new(package.clone()), path: shown(path), problem }
    }

    pub(super) fn wheel(package: &PackageId, reason: impl Into<String>) -> Self {
        Self::Wheel { package: Box::new(package.clone()), reason: reason.into() }
    }

    pub(super) fn needs_build(package: &PackageId, why: impl Into<String>) -> Self {
        Self::NeedsBuild { package: Box::new(package.clone()), why: why.into() }
    }
}

/// A stranger's text, safe to print.
pub(super) fn shown(text: &str) -> String {
    Untrusted::new(text).excerpt(200)
}
