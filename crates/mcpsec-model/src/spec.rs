//! Specs: what a person asks for. Every form of the contract is read here; the canonical form is what mcp.toml and mcp.lock hold.
//!
//! Forms: `npm:@scope/name@^1.2`, `npm:name@latest`, `pypi:name[extra]>=1,<2`, `git+https://…@ref#subdirectory=…`
//! (also `git+ssh`, `git+file`), and purls `pkg:npm/…`, `pkg:pypi/…`. Launch lines (`"npx -y pkg@1"`) are read by `launch`.
use std::{fmt, str::FromStr};

use pep440_rs::VersionSpecifiers;
use smol_str::SmolStr;

use crate::{
    name::{Ecosystem, NameError, PackageName},
    text::Untrusted,
    url::SafeUrl,
};

/// One server as asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Spec {
    /// From the npm registry.
    Npm(NpmSpec),
    /// From a Python index.
    Pypi(PypiSpec),
    /// From a git repository.
    Git(GitSpec),
}

/// `npm:name@requirement`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NpmSpec {
    /// The package.
    pub name: PackageName,
    /// A semver range or a dist-tag, as npm reads it. `None` means the `latest` tag.
    pub requirement: Option<SmolStr>,
}

/// `pypi:name[extras]specifiers`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PypiSpec {
    /// The package.
    pub name: PackageName,
    /// Extras in normal form, sorted.
    pub extras: Vec<PackageName>,
    /// PEP 440 specifiers; empty means any version.
    pub specifiers: VersionSpecifiers,
}

/// `git+https://host/path@reference#subdirectory=path`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GitSpec {
    /// The repository without `git+`, credentials kept for the client and redacted in print.
    pub url: SafeUrl,
    /// Tag, branch or commit as written; `None` means the default branch.
    pub reference: Option<SmolStr>,
    /// Folder of the project inside the repository, relative, without `..`.
    pub subdirectory: Option<SmolStr>,
}

/// Why a spec was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No known prefix.
    #[error("`{0}` does not say where it comes from")]
    UnknownForm(String),
    /// A malformed name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A malformed version requirement.
    #[error("`{requirement}` is not a version requirement of {ecosystem}: {reason}")]
    Requirement {
        /// As written, escaped.
        requirement: String,
        /// `npm` or `pypi`.
        ecosystem: Ecosystem,
        /// What the parser said.
        reason: String,
    },
    /// A malformed git URL.
    #[error("git source: {0}")]
    Git(&'static str),
    /// An address where a package is expected. It is not repeated: it may hold a password.
    #[error(
        "an address names no package; only `git+https://…`, `git+ssh://…` and `git+file://…` addresses can be locked"
    )]
    Address,
    /// A malformed purl, or a purl of a type that is not supported.
    #[error("package URL: {0}")]
    Purl(String),
}

impl SpecError {
    /// The next thing to try, if one is obvious.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownForm(text) => Some(format!(
                "write `npm:{text}` or `pypi:{text}`, a `git+https://…` URL, a purl, or a launch line in quotes such as \"npx -y {text}\""
            )),
            _ => None,
        }
    }
}

impl Spec {
    /// Where it comes from.
    pub fn ecosystem(&self) -> Ecosystem {
        match self {
            Self::Npm(_) => Ecosystem::Npm,
            Self::Pypi(_) => Ecosystem::Pypi,
            Self::Git(_) => Ecosystem::Git,
        }
    }

    /// The last path segment of the name: the base for a suggested server name.
    pub fn base_name(&self) -> String {
        match self {
            Self::Npm(spec) => spec.name.base().to_owned(),
            Self::Pypi(spec) => spec.name.as_str().to_owned(),
            Self::Git(spec) => match &spec.subdirectory {
                Some(folder) => folder.rsplit('/').next().unwrap_or("server").to_owned(),
                None => {
                    let path = spec.url.expose().path().trim_end_matches('/');
                    path.rsplit('/').next().unwrap_or("server").to_owned()
                }
            },
        }
    }
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("npm:") {
            return Ok(Self::Npm(rest.parse()?));
        }
        if let Some(rest) = text.strip_prefix("pypi:") {
            return Ok(Self::Pypi(rest.parse()?));
        }
        if text.starts_with("git+") {
            return Ok(Self::Git(text.parse()?));
        }
        if text.starts_with("pkg:") {
            return from_purl(text);
        }
        if text.contains("://") {
            return Err(SpecError::Address);
        }
        // Up to `=` only: `TOKEN=…` in the wrong place is not to be repeated.
        Err(SpecError::UnknownForm(Untrusted::new(text.split('=').next().unwrap_or_default()).excerpt(80)))
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Npm(spec) => write!(f, "npm:{spec}"),
            Self::Pypi(spec) => write!(f, "pypi:{spec}"),
            Self::Git(spec) => write!(f, "{spec}"),
        }
    }
}

impl FromStr for NpmSpec {
    type Err = SpecError;

    /// Reads `name`, `name@range`, `@scope/name@tag`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            return Err(SpecError::Address);
        }
        let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(i, _)| i);
        let (name, requirement) = match at {
            Some(at) => (&text[..at], Some(text[at + 1..].trim())),
            None => (text, None),
        };
        let name = PackageName::npm(name.trim())?;
        let requirement = match requirement {
            None => None,
            Some(requirement) => Some(check_npm_requirement(requirement)?),
        };
        Ok(Self { name, requirement })
    }
}

/// What a parser said, without the picture that some draw below it. Parsers repeat their input, so it is escaped.
fn first_line(reason: &str) -> String {
    Untrusted::new(reason.lines().next().unwrap_or("malformed")).excerpt(160)
}

fn check_npm_requirement(requirement: &str) -> Result<SmolStr, SpecError> {
    let refuse = |reason: String| SpecError::Requirement {
        requirement: Untrusted::new(requirement).excerpt(60),
        ecosystem: Ecosystem::Npm,
        reason: first_line(&reason),
    };
    if requirement.is_empty() {
        return Err(refuse("it is empty".to_owned()));
    }
    if requirement.len() > 256 || requirement.chars().any(crate::text::is_hidden) {
        return Err(refuse("it is too long or has hidden characters".to_owned()));
    }
    if requirement.contains(':') || requirement.contains('/') {
        return Err(refuse("only a version range or a tag can follow `@`".to_owned()));
    }
    deno_semver::VersionReq::parse_from_npm(requirement).map_err(|e| refuse(e.to_string()))?;
    Ok(requirement.into())
}

impl fmt::Display for NpmSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.requirement {
            Some(requirement) => write!(f, "{}@{requirement}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

impl FromStr for PypiSpec {
    type Err = SpecError;

    /// Reads `name`, `name==1.2`, `name[extra1,extra2]>=1,<2`, and `name@1.2` as `name==1.2` (the form of uvx).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |requirement: &str, reason: String| SpecError::Requirement {
            requirement: Untrusted::new(requirement).excerpt(60),
            ecosystem: Ecosystem::Pypi,
            reason: first_line(&reason),
        };
        if text.contains("://") {
            return Err(SpecError::Address);
        }
        let end = text.find(|c: char| "[<>=!~@; (".contains(c)).unwrap_or(text.len());
        let name = PackageName::pypi(text[..end].trim())?;
        let mut rest = text[end..].trim();
        let mut extras = Vec::new();
        if let Some(inner) = rest.strip_prefix('[') {
            let (list, after) =
                inner.split_once(']').ok_or_else(|| refuse(rest, "the extras have no closing `]`".to_owned()))?;
            for extra in list.split(',').map(str::trim).filter(|extra| !extra.is_empty()) {
                extras.push(PackageName::pypi(extra)?);
            }
            extras.sort();
            extras.dedup();
            rest = after.trim();
        }
        let pinned;
        if let Some(version) = rest.strip_prefix('@') {
            let version = version.trim();
            if version == "latest" {
                rest = "";
            } else {
                version.parse::<pep440_rs::Version>().map_err(|e| refuse(version, e.to_string()))?;
                pinned = format!("=={version}");
                rest = &pinned;
            }
        }
        let specifiers = rest.parse::<VersionSpecifiers>().map_err(|e| refuse(rest, e.to_string()))?;
        Ok(Self { name, extras, specifiers })
    }
}

impl fmt::Display for PypiSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if !self.extras.is_empty() {
            let extras: Vec<&str> = self.extras.iter().map(PackageName::as_str).collect();
            write!(f, "[{}]", extras.join(","))?;
        }
        let mut parts: Vec<String> = self.specifiers.iter().map(ToString::to_string).collect();
        parts.sort();
        f.write_str(&parts.join(","))
    }
}

impl PypiSpec {
    /// Whether the specifiers let this version in. One that is no PEP 440 version fits nothing.
    pub fn admits(&self, version: &str) -> bool {
        version.parse::<pep440_rs::Version>().is_ok_and(|version| self.specifiers.contains(&version))
    }
}

impl GitSpec {
    /// The name under which a git source appears as a package: URL without credentials, plus the subdirectory.
    pub fn package_name(&self) -> PackageName {
        PackageName::git(&format!("git+{}{}", self.url.without_secrets(), self.fragment()))
    }

    fn fragment(&self) -> String {
        self.subdirectory.as_ref().map(|folder| format!("#subdirectory={folder}")).unwrap_or_default()
    }
}

impl FromStr for GitSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("git+").ok_or(SpecError::Git("it must start with `git+`"))?;
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (rest, None),
        };
        let scheme_end = rest.find("://").ok_or(SpecError::Git("use git+https://, git+ssh:// or git+file://"))?;
        // Credentials may hold an `@`, so the reference is looked for in the path only.
        let path_start = rest[scheme_end + 3..].find('/').map_or(rest.len(), |i| scheme_end + 3 + i);
        let (address, reference) = match rest[path_start..].rfind('@') {
            Some(at) => (&rest[..path_start + at], Some(&rest[path_start + at + 1..])),
            None => (rest, None),
        };
        let url: SafeUrl = address.parse().map_err(|_| SpecError::Git("the address is not a valid URL"))?;
        match url.expose().scheme() {
            "https" | "http" | "ssh" | "file" => {}
            _ => return Err(SpecError::Git("use git+https://, git+ssh:// or git+file://")),
        }
        if url.expose().path().len() < 2 {
            return Err(SpecError::Git("the address names no repository"));
        }
        if url.expose().username().starts_with('-') || url.expose().host_str().is_some_and(|h| h.starts_with('-')) {
            return Err(SpecError::Git("a user or host may not start with `-`"));
        }
        let reference = match reference {
            None => None,
            Some(reference) => Some(check_reference(reference)?),
        };
        let mut subdirectory = None;
        for pair in fragment.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("subdirectory", folder)) => subdirectory = Some(check_subdirectory(folder)?),
                Some(("egg", _)) => {}
                _ => return Err(SpecError::Git("the only supported fragment is `#subdirectory=folder`")),
            }
        }
        Ok(Self { url, reference, subdirectory })
    }
}

fn check_reference(reference: &str) -> Result<SmolStr, SpecError> {
    // git-check-ref-format(1), the parts that matter to a reader and to a server.
    let bad = reference.is_empty()
        || reference.len() > 255
        || reference.starts_with(['-', '/', '.'])
        || reference.ends_with(['/', '.'])
        || reference.contains("..")
        || reference.contains("//")
        || reference.contains("@{")
        || reference.chars().any(|c| crate::text::is_hidden(c) || " ~^:?*[\\".contains(c));
    if bad {
        return Err(SpecError::Git("the tag, branch or commit after `@` is not a valid git reference"));
    }
    Ok(reference.into())
}

fn check_subdirectory(folder: &str) -> Result<SmolStr, SpecError> {
    let folder = folder.trim_matches('/');
    // A space at the end would be lost where specs are trimmed; inside it is a name like any other.
    let bad = folder.is_empty()
        || folder.len() > 1024
        || folder.ends_with(char::is_whitespace)
        || folder.split('/').any(|part| matches!(part, "" | "." | ".."))
        || folder.chars().any(|c| crate::text::is_hidden(c) || matches!(c, '\\' | '@' | '#' | '%'));
    if bad {
        return Err(SpecError::Git("the subdirectory must be a plain relative path inside the repository"));
    }
    Ok(folder.into())
}

impl fmt::Display for GitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "git+{}", self.url.without_secrets())?;
        if let Some(reference) = &self.reference {
            write!(f, "@{reference}")?;
        }
        f.write_str(&self.fragment())
    }
}

fn from_purl(text: &str) -> Result<Spec, SpecError> {
    let refuse = |reason: String| SpecError::Purl(Untrusted::new(reason).excerpt(160));
    // Qualifiers can name another registry or carry a token, a subpath is a part of a package: none can be kept in a lock.
    if text.contains(['?', '#']) {
        return Err(SpecError::Purl("qualifiers (`?…`) and subpaths (`#…`) cannot be locked".to_owned()));
    }
    let purl: purl::Purl = text.parse().map_err(|e: purl::PackageError| refuse(e.to_string()))?;
    let name = match purl.namespace() {
        Some(namespace) => format!("{namespace}/{}", purl.name()),
        None => purl.name().to_owned(),
    };
    match purl.package_type() {
        purl::PackageType::Npm => {
            let name = PackageName::npm(&name)?;
            let requirement = purl.version().map(check_npm_requirement).transpose()?;
            Ok(Spec::Npm(NpmSpec { name, requirement }))
        }
        purl::PackageType::PyPI => {
            let version = purl.version().map(|version| format!("=={version}")).unwrap_or_default();
            Ok(Spec::Pypi(format!("{name}{version}").parse()?))
        }
        other => Err(refuse(format!("type `{}` is not supported; use npm or pypi", other.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canon(text: &str) -> String {
        text.parse::<Spec>().map(|spec| spec.to_string()).unwrap_or_else(|e| format!("error: {e}"))
    }

    #[test]
    fn every_form_has_one_canonical_text() {
        for (text, want) in [
            ("npm:zod", "npm:zod"),
            ("npm:@modelcontextprotocol/server-filesystem@^2026", "npm:@modelcontextprotocol/server-filesystem@^2026"),
            ("npm:name@latest", "npm:name@latest"),
            ("npm:name@>=1.2 <3", "npm:name@>=1.2 <3"),
            ("pypi:MCP_Server_Fetch", "pypi:mcp-server-fetch"),
            ("pypi:name==1.2", "pypi:name==1.2"),
            ("pypi:name[B,a]>=1,<2", "pypi:name[a,b]<2,>=1"),
            ("pypi:name@1.2", "pypi:name==1.2"),
            ("pkg:npm/%40scope/name@1.0.0", "npm:@scope/name@1.0.0"),
            ("pkg:pypi/Name_X@1.0", "pypi:name-x==1.0"),
            ("git+https://h.invalid/o/r@v1.0#subdirectory=src/a", "git+https://h.invalid/o/r@v1.0#subdirectory=src/a"),
            ("git+ssh://git@h.invalid/o/r.git", "git+ssh://git@h.invalid/o/r.git"),
            ("git+file:///srv/r@main", "git+file:///srv/r@main"),
        ] {
            assert_eq!(canon(text), want, "{text}");
        }
    }

    #[test]
    fn hostile_specs_are_refused() {
        for text in [
            "zod",
            "npm:",
            "npm:../x",
            "npm:a@",
            "npm:a@file:../x",
            "npm:a@git+ssh://x",
            "npm:a@npm:b@1",
            "npm:a@\u{202e}1",
            "pypi:",
            "pypi:a[b",
            "pypi:a @ file:///x",
            "pypi:a; python_version<'3'",
            "pypi:a==",
            "pkg:cargo/x@1",
            "pkg:npm/../x",
            "pkg:npm/x@1?repository_url=https://evil.invalid",
            "pkg:npm/x@1#sub",
            "https://h.invalid/o/r",
            "npm:a@https://h.invalid/x.tgz",
            "git+https://h.invalid/r@-x",
            "git+https://h.invalid/r@a..b",
            "git+ext::sh -c id",
            "git+https://h.invalid/r#subdirectory=../x",
            "git+ssh://-oProxyCommand=id/x",
            "git+https://h.invalid/r#subdirectory=a /",
            "git+https://h.invalid/r#egg",
            "git+https://h.invalid/",
        ] {
            assert!(text.parse::<Spec>().is_err(), "{text} must be refused, was {:?}", text.parse::<Spec>());
        }
    }

    #[test]
    fn what_parsers_say_is_escaped() {
        for text in ["pypi:name==1.2.3\u{202e}", "pypi:name@1\u{1b}[2J", "pkg:pypi/name@1\u{202e}", "npm:a@1\u{1b}[2J"]
        {
            let shown = text.parse::<Spec>().expect_err("malformed").to_string();
            assert!(!shown.chars().any(crate::text::is_hidden), "{shown:?}");
        }
    }

    #[test]
    fn credentials_of_a_git_url_do_not_print() {
        let spec: Spec = "git+https://user:secret@h.invalid/o/r@v1".parse().expect("spec");
        assert_eq!(spec.to_string(), "git+https://h.invalid/o/r@v1");
        assert!(!format!("{spec:?}").contains("secret"));
    }
}
