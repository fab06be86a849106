//! Names: ecosystems, package names in their normal form, and the names people give to servers.
//!
//! A name that passes here is safe to print, to use as a path segment of a URL and as a key of the lock.
use std::{cmp::Ordering, fmt, hash, str::FromStr};

use smol_str::SmolStr;

use crate::text::Untrusted;

/// Where a package comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ecosystem {
    /// A git repository at a commit.
    Git,
    /// The npm registry.
    Npm,
    /// The Python Package Index.
    Pypi,
}

impl Ecosystem {
    /// `git`, `npm` or `pypi`: the prefix of a spec.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Npm => "npm",
            Self::Pypi => "pypi",
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a valid {kind}: {reason}")]
pub struct NameError {
    /// The name as written, escaped and shortened.
    pub name: String,
    /// `npm package name`, `Python package name` or `server name`.
    pub kind: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// A package name: compared by its normal form, shown as it was written.
///
/// npm names are their own normal form (case matters: `JSONStream`). Python names are normalised as PEP 503 says: lower
/// case, runs of `-_.` become one `-`.
#[derive(Clone)]
pub struct PackageName {
    normalized: SmolStr,
    as_written: SmolStr,
}

impl PackageName {
    /// An npm name, scoped or not (validate-npm-package-name, legacy rules: upper case allowed, 214 bytes at most).
    pub fn npm(name: &str) -> Result<Self, NameError> {
        let refuse = |reason| NameError { name: Untrusted::new(name).excerpt(60), kind: "npm package name", reason };
        if name.is_empty() || name.len() > 214 {
            return Err(refuse("it must have 1 to 214 characters"));
        }
        let segments: Vec<&str> = match name.strip_prefix('@') {
            Some(rest) => {
                let (scope, base) = rest.split_once('/').ok_or_else(|| refuse("a scope needs a `/name` after it"))?;
                vec![scope, base]
            }
            None => vec![name],
        };
        for segment in segments {
            if segment.is_empty() {
                return Err(refuse("a part of it is empty"));
            }
            if segment.starts_with('.') {
                return Err(refuse("it may not start with a dot"));
            }
            if !segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b)) {
                return Err(refuse("it has a character that is not URL-safe"));
            }
        }
        if matches!(name, "node_modules" | "favicon.ico") {
            return Err(refuse("the name is reserved"));
        }
        Ok(Self { normalized: name.into(), as_written: name.into() })
    }

    /// A Python project name (PEP 508 grammar, normal form of PEP 503).
    pub fn pypi(name: &str) -> Result<Self, NameError> {
        let refuse = |reason| NameError { name: Untrusted::new(name).excerpt(60), kind: "Python package name", reason };
        if name.is_empty() || name.len() > 214 {
            return Err(refuse("it must have 1 to 214 characters"));
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            return Err(refuse("only ASCII letters, digits, `-`, `_` and `.` are allowed"));
        }
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        if !edge(name.bytes().next()) || !edge(name.bytes().next_back()) {
            return Err(refuse("it must start and end with a letter or digit"));
        }
        let mut normalized = String::with_capacity(name.len());
        for c in name.chars() {
            match c {
                '-' | '_' | '.' if normalized.ends_with('-') => {}
                '-' | '_' | '.' => normalized.push('-'),
                c => normalized.push(c.to_ascii_lowercase()),
            }
        }
        Ok(Self { normalized: normalized.into(), as_written: name.into() })
    }

    /// The name of a git source: its URL without credentials. Only [`crate::spec::GitSpec`] makes these.
    pub(crate) fn git(url_without_secrets: &str) -> Self {
        Self { normalized: url_without_secrets.into(), as_written: url_without_secrets.into() }
    }

    /// The normal form: the key for comparing, sorting and asking a registry.
    pub fn as_str(&self) -> &str {
        &self.normalized
    }

    /// The spelling that was read.
    pub fn as_written(&self) -> &str {
        &self.as_written
    }

    /// The npm scope with its `@`, if there is one.
    pub fn scope(&self) -> Option<&str> {
        self.normalized.starts_with('@').then(|| self.normalized.split('/').next()).flatten()
    }

    /// The part after the scope.
    pub fn base(&self) -> &str {
        self.normalized.rsplit('/').next().unwrap_or(&self.normalized)
    }
}

impl PartialEq for PackageName {
    fn eq(&self, other: &Self) -> bool {
        self.normalized == other.normalized
    }
}
impl Eq for PackageName {}
impl PartialOrd for PackageName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for PackageName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normalized.cmp(&other.normalized)
    }
}
impl hash::Hash for PackageName {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.normalized.hash(state);
    }
}
impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normalized)
    }
}
impl fmt::Debug for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.normalized)
    }
}

/// The name a person gives to a server in mcp.toml: 1 to 64 of `a-z A-Z 0-9 - _ .`, starting with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(SmolStr);

impl ServerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A readable default for a package: the base name without the usual `mcp-server-`, `server-`, `-mcp` decorations.
    /// `npm:@modelcontextprotocol/server-filesystem` becomes `filesystem`, `pypi:mcp-server-fetch` becomes `fetch`.
    pub fn suggest(package_base: &str) -> Self {
        let base = package_base.strip_suffix(".git").unwrap_or(package_base);
        let mut short = base;
        for prefix in ["mcp-server-", "server-", "mcp-"] {
            if let Some(rest) = short.strip_prefix(prefix).filter(|rest| !rest.is_empty()) {
                short = rest;
                break;
            }
        }
        for suffix in ["-mcp-server", "-mcp", "-server"] {
            if let Some(rest) = short.strip_suffix(suffix).filter(|rest| !rest.is_empty()) {
                short = rest;
                break;
            }
        }
        let clean: String = short
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
            .take(64)
            .collect();
        clean.trim_start_matches(['-', '_', '.']).parse().unwrap_or_else(|_| Self(SmolStr::new_static("server")))
    }
}

impl FromStr for ServerName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let refuse = |reason| NameError { name: Untrusted::new(name).excerpt(60), kind: "server name", reason };
        if name.is_empty() || name.len() > 64 {
            return Err(refuse("it must have 1 to 64 characters"));
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            return Err(refuse("only ASCII letters, digits, `-`, `_` and `.` are allowed"));
        }
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(refuse("it must start with a letter or digit"));
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_compare_normalised_and_show_as_written() {
        let a = PackageName::pypi("Typing_Extensions").expect("name");
        let b = PackageName::pypi("typing.-extensions").expect("name");
        assert_eq!(a, b);
        assert_eq!(a.as_str(), "typing-extensions");
        assert_eq!(a.as_written(), "Typing_Extensions");
        for bad in ["", "-a", "a-", "a b", "a/b", "ä", "a\u{202e}b"] {
            assert!(PackageName::pypi(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn npm_names_cannot_escape_a_path_or_url() {
        for good in ["zod", "@modelcontextprotocol/sdk", "JSONStream", "lodash.get", "@types/node"] {
            assert!(PackageName::npm(good).is_ok(), "{good}");
        }
        for bad in
            ["", "..", "../x", "@a", "@a/", "@/b", "a/b", "a%2fb", "@a/../b", "node_modules", "a b", "@a/b/c", ".a"]
        {
            assert!(PackageName::npm(bad).is_err(), "{bad:?}");
        }
        assert_eq!(PackageName::npm("@a/b").expect("name").scope(), Some("@a"));
    }

    #[test]
    fn suggested_names_are_short_and_valid() {
        for (base, want) in [
            ("server-filesystem", "filesystem"),
            ("mcp-server-fetch", "fetch"),
            ("context7-mcp", "context7"),
            ("mcp", "mcp"),
            ("mcp-remote", "remote"),
            ("repo.git", "repo"),
            ("***", "server"),
        ] {
            assert_eq!(ServerName::suggest(base).as_str(), want);
        }
    }
}
