//! Dependency confusion: a name that should come from a private registry is answered by another one.
//!
//! npm's scopes and uv's first-index rule already keep a known private name from being asked elsewhere. What is left is a name that
//! is *almost* private: a scope written another way, a private scope written as a prefix, a sibling of private packages that only
//! the public index has, a file of a private scope that lies on another host.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    name::Ecosystem,
    package::PackageId,
};

use super::{
    edit::{bare, words},
    lookalike::{base, is_like_scope, scope},
};

/// Shortest word that can tell whose a package is.
const TELLING: usize = 4;

/// First words that say nothing about whose a package is.
const COMMON: &[&str] = &[
    "python",
    "django",
    "flask",
    "pytest",
    "types",
    "google",
    "azure",
    "amazon",
    "aws",
    "boto",
    "apache",
    "node",
    "react",
    "babel",
    "eslint",
    "server",
    "client",
    "http",
    "async",
    "fast",
    "open",
    "data",
    "core",
    "base",
    "util",
    "utils",
    "tools",
    "json",
    "yaml",
    "mcp",
    "internal",
    "private",
    "common",
    "shared",
    "company",
    "corp",
    "team",
    "test",
    "tests",
    "example",
    "demo",
    "langchain",
    "opentelemetry",
    "sphinx",
    "jupyter",
    "pydantic",
    "typing",
    "pyobjc",
    "nvidia",
    "model",
    "fastapi",
    "zope",
    "backports",
];

/// Where a package of a closure comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// The package.
    pub package: PackageId,
    /// The registry or index that answered for its name, without credentials.
    pub registry: String,
    /// Whether that is one that only answers for some names: a scope's own, or a further Python index.
    pub private: bool,
    /// The host that its file is on, where the record names another one than the registry's.
    pub elsewhere: Option<String>,
}

/// What is confused in a closure. `private_scopes` (with `@`) are those that `.npmrc` gives a registry of their own.
pub fn confused(answered: &[Answered], private_scopes: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let scopes: BTreeSet<&str> = private_scopes.iter().map(|scope| scope.trim_start_matches('@')).collect();
    let siblings = siblings(answered);
    for one in answered {
        let (ecosystem, name) = (one.package.ecosystem(), one.package.name().as_str());
        let finding = |message: String| Finding::new(Rule::DependencyConfusion, one.package.to_string(), message);
        if let (true, Some(host)) = (one.private, &one.elsewhere) {
            let message =
                format!("the registry of its scope is {}, and its record points to a file on {host}", one.registry);
            findings.push(finding(message).severe(Severity::Medium).confidence(Confidence::Medium));
        }
        if one.private {
            continue;
        }
        let found = match ecosystem {
            Ecosystem::Npm => of_scope(name, &scopes, answered),
            Ecosystem::Pypi => of_prefix(name, &siblings),
            Ecosystem::Git => None,
        };
        if let Some((words, confidence)) = found {
            let severity = if confidence == Confidence::Low { Severity::Medium } else { Severity::High };
            let message = format!("{words}, but {} answered for it", one.registry);
            findings.push(finding(message).severe(severity).confidence(confidence));
        }
    }
    findings.sort();
    findings
}

/// An npm name that is almost one of a private scope.
fn of_scope(name: &str, scopes: &BTreeSet<&str>, answered: &[Answered]) -> Option<(String, Confidence)> {
    let own = scope(name);
    scopes.iter().find_map(|private| {
        if own.eq_ignore_ascii_case(private) && own != *private {
            return Some((format!("its scope is the private @{private} in other letters"), Confidence::High));
        }
        if is_like_scope(own, private) {
            return Some((format!("its scope looks like the private @{private}"), Confidence::High));
        }
        // `acme-utils` for `@acme/utils`.
        let rest = bare(name).strip_prefix(&bare(private)).map(str::to_owned)?;
        if !own.is_empty() || rest.is_empty() || private.len() < TELLING || COMMON.contains(private) {
            return None;
        }
        let twin = answered.iter().find(|other| {
            let other = other.package.name().as_str();
            scope(other) == *private && bare(base(other)) == rest
        });
        if let Some(twin) = twin {
            return Some((
                format!("it is {} with the scope written as a prefix", twin.package.name()),
                Confidence::High,
            ));
        }
        let is_prefix = words(name).first() == Some(private);
        is_prefix.then(|| (format!("it is named like a package of the private scope @{private}"), Confidence::Low))
    })
}

/// The first words of names that a private index answers for: `acme` of `acme-billing`. At least two such packages, or one whose
/// whole name is the word, make a family.
fn siblings(answered: &[Answered]) -> BTreeMap<&str, usize> {
    let mut families: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in answered.iter().filter(|one| one.private && one.package.ecosystem() == Ecosystem::Pypi) {
        let name = one.package.name().as_str();
        let Some(first) = words(name).first().copied() else { continue };
        if first.len() >= TELLING && !COMMON.contains(&first) {
            families.entry(first).or_default().insert(name);
        }
    }
    families.into_iter().map(|(word, names)| (word, names.len())).collect()
}

/// A Python name of a family whose other members a private index answers for.
fn of_prefix(name: &str, siblings: &BTreeMap<&str, usize>) -> Option<(String, Confidence)> {
    let first = words(name).first().copied()?;
    let count = *siblings.get(first)?;
    // One private package may well be a wrapper of the public one; several are a house.
    let confidence = if count >= 2 { Confidence::Medium } else { Confidence::Low };
    let packages = if count == 1 { "a package" } else { "packages" };
    Some((format!("it is named like {packages} of a private index ({first}-…)"), confidence))
}
