//! What can go wrong between a spec and a closure, each with the name it is about and what to do.
use std::sync::Arc;

use mcpsec_model::{closure::ClosureError, url::SafeUrl};

use crate::http::HttpError;

/// Why npm packages could not be resolved or located. Cheap to clone: several waiters may share one failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NpmError {
    /// The registry has no package of this name.
    #[error("{registry} has no package named {package}{}", wanted(.wanted_by.as_deref()))]
    NotFound {
        /// The name asked for.
        package: String,
        /// The registry asked.
        registry: Box<SafeUrl>,
        /// The way from the server to the dependency, if it is not the server itself.
        wanted_by: Option<String>,
    },
    /// The registry could not be asked.
    #[error("cannot read the npm record of {package}: {source}")]
    Http {
        /// The name asked for.
        package: String,
        /// What the transport said.
        source: Arc<HttpError>,
    },
    /// The registry answered with something that is no package record.
    #[error("the registry's record of {package} is malformed: {reason}")]
    Packument {
        /// The name asked for.
        package: String,
        /// What is wrong with it, safe to print.
        reason: String,
    },
    /// The registry answered for another package.
    #[error("asked the registry for {asked}, got the record of {answered}; check the registry's address")]
    NameMismatch {
        /// The name asked for.
        asked: String,
        /// The name in the answer, escaped.
        answered: String,
    },
    /// No version fits.
    #[error("no version of {package} matches `{requirement}`{}{}", dated(.as_of.as_deref()), wanted(.wanted_by.as_deref()))]
    NoVersion {
        /// The package.
        package: String,
        /// What was asked for, escaped.
        requirement: String,
        /// The date that hid newer versions.
        as_of: Option<String>,
        /// The way from the server to the dependency.
        wanted_by: Option<String>,
    },
    /// The registry tells no publication times.
    #[error("the registry gives no publication times for {package}, so it cannot be resolved as of a date")]
    NoTimes {
        /// The package.
        package: String,
    },
    /// A dependency that no registry answers for.
    #[error(
        "{path} needs {name} from `{requirement}`, which is {reason}; only registry packages can be locked (replace it with `overrides` in mcp.toml)"
    )]
    UnsupportedDependency {
        /// The way from the server to the package that has it.
        path: String,
        /// The dependency's name, escaped.
        name: String,
        /// Its requirement, escaped.
        requirement: String,
        /// What kind of source it is.
        reason: &'static str,
    },
    /// A dependency requirement that is neither a range nor a tag.
    #[error("{package} has a dependency that cannot be read: {reason}")]
    Dependency {
        /// The package that has it.
        package: String,
        /// Which one and why, escaped.
        reason: String,
    },
    /// The record says nothing that could pin the tarball, or something malformed.
    #[error("the registry's record of {package} cannot pin its tarball: {reason}")]
    Integrity {
        /// Package and version.
        package: String,
        /// What is missing or malformed.
        reason: String,
    },
    /// The registry's evidence (attestations, keys) cannot be read.
    #[error("the registry's evidence for {package} cannot be read: {reason}")]
    Evidence {
        /// The package or name it was asked for.
        package: String,
        /// What is wrong, safe to print.
        reason: String,
    },
    /// `dist.tarball` is unusable.
    #[error("the registry's record of {package} has no usable tarball address")]
    Tarball {
        /// Package and version.
        package: String,
    },
    /// The server has no such command.
    #[error("{package} has no command `{command}`; it has: {available}")]
    NoSuchCommand {
        /// Package and version.
        package: String,
        /// The command asked for, escaped.
        command: String,
        /// What it offers, or `none`.
        available: String,
    },
    /// An entry of `overrides` cannot be used.
    #[error("override `{key} = {value}`: {reason}")]
    Override {
        /// The key, escaped.
        key: String,
        /// The value, escaped.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// A `package.json` that is not one.
    #[error("package.json of {package} is malformed: {reason}")]
    PackageJson {
        /// Whose.
        package: String,
        /// What is wrong, safe to print.
        reason: String,
    },
    /// More than any honest server needs.
    #[error("the closure has more than {limit} {what}; refusing to go on")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The resolver gave a graph that is not one.
    #[error("the resolved graph of {package} is not whole: {source}")]
    Closure {
        /// The server.
        package: String,
        /// What is wrong with it.
        source: Box<ClosureError>,
    },
    /// The resolver itself failed.
    #[error("npm resolution failed: {0}")]
    Resolver(String),
}

fn wanted(path: Option<&str>) -> String {
    path.map(|path| format!(" (needed by {path})")).unwrap_or_default()
}

fn dated(date: Option<&str>) -> String {
    date.map(|date| format!(" as of {date}")).unwrap_or_default()
}

impl NpmError {
    /// Whether the failure is one of reaching the registry, so that the outcome is "not known" rather than "no".
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Http { source, .. } if source.is_unreachable())
    }

    /// The same where it is said beside it which package is meant: without the name, so that what is true of a whole registry has one text.
    pub fn of_known_package(&self) -> String {
        match self {
            Self::Http { source, .. } if source.is_unreachable() => source.of_server(),
            Self::Http { source, .. } => source.to_string(),
            other => other.to_string(),
        }
    }

    /// What to do next, where one thing is obvious.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoVersion { as_of: Some(_), .. } => Some("choose a later --as-of date".to_owned()),
            Self::NoSuchCommand { .. } => Some("name one of its commands in the spec's launch line".to_owned()),
            Self::Http { source, .. } if matches!(**source, HttpError::Offline { .. }) => {
                Some("run once without --offline to fill the metadata cache".to_owned())
            }
            _ => None,
        }
    }
}
