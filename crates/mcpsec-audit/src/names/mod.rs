//! Judgement over names and over who publishes under them: lookalikes, confused registries, another publisher.
//!
//! Data flow: the root hands in the ids of a closure, what the project calls its own ([`Own`]), which registry answered for what
//! ([`Answered`]) and what registries say about publishers; findings come out. Nothing is asked and nothing is remembered.
//! The names that are compared with are facts in `data/` (`known`); how names resemble each other is in `lookalike` and `edit`.
mod confusion;
mod edit;
mod known;
mod lookalike;
mod publisher;

use std::collections::BTreeSet;

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    name::{Ecosystem, PackageName},
    package::PackageId,
};

pub use confusion::{Answered, confused};
use known::Known;
use lookalike::{Kind, Role, is_like_scope, likeness, port, scope};
pub use publisher::changed_publisher;

/// Shortest scope whose lookalikes are accused whatever they publish.
const LONG_SCOPE: usize = 8;

/// What the project calls its own, without the server that is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Own {
    /// npm scopes with `@`: of other servers of mcp.toml, and those that `.npmrc` gives a registry of their own.
    pub scopes: BTreeSet<String>,
    /// Packages of other servers.
    pub servers: BTreeSet<(Ecosystem, PackageName)>,
}

/// The packages of a closure whose names look like a well-known one or like one of the project's own. The root is held to more
/// than what it brings along. One finding for each name at most; a name that is well known itself is never accused.
pub fn lookalikes<'a>(root: &PackageId, packages: impl IntoIterator<Item = &'a PackageId>, own: &Own) -> Vec<Finding> {
    let mut findings: Vec<Finding> = packages.into_iter().filter_map(|id| lookalike(id, id == root, own)).collect();
    findings.sort();
    findings.dedup();
    findings
}

/// Why and how surely a name resembles another one.
struct Resemblance<'k> {
    kind: Kind,
    confidence: Confidence,
    name: &'k str,
    whose: &'static str,
}

fn lookalike(id: &PackageId, is_root: bool, own: &Own) -> Option<Finding> {
    let (ecosystem, name) = (id.ecosystem(), id.name().as_str());
    let known = Known::of(ecosystem)?;
    let is_own = own.servers.iter().any(|(of, server)| *of == ecosystem && server.as_str() == name)
        || own.scopes.iter().any(|own| own.trim_start_matches('@') == scope(name) && !scope(name).is_empty());
    if known.has(name) || is_own {
        return None;
    }
    let role = if is_root { Role::Server } else { Role::Dependency };
    let found = |kind, confidence, name, whose| Resemblance { kind, confidence, name, whose };
    let mut all: Vec<Resemblance<'_>> = Vec::new();
    let packages = known.packages.iter().filter_map(|other| {
        // `jquery.js`: honest ports are called so too, and nobody starts one as a server.
        let port = || if is_root { port(name, other) } else { None };
        let (kind, confidence) = likeness(name, other, Role::Dependency).or_else(port)?;
        Some(found(kind, confidence, *other, "a package that very many depend on"))
    });
    all.extend(packages);
    if is_root {
        let servers = known.servers.iter().filter_map(|other| {
            let (kind, confidence) = likeness(name, other, role)?;
            Some(found(kind, confidence, *other, "a well-known MCP server"))
        });
        all.extend(servers);
        let scopes = known.servers.iter().map(|other| scope(other)).collect::<BTreeSet<_>>();
        let like = |other: &&str| other.len() >= LONG_SCOPE && is_like_scope(scope(name), other);
        let like = scopes.into_iter().filter(like);
        all.extend(like.map(|other| found(Kind::Scope, Confidence::High, other, "a scope of well-known MCP servers")));
    }
    let others = own.servers.iter().filter(|(of, _)| *of == ecosystem).filter_map(|(_, other)| {
        let (kind, confidence) = likeness(name, other.as_str(), role)?;
        Some(found(kind, confidence, other.as_str(), "another server of this project"))
    });
    all.extend(others);
    let scopes = own.scopes.iter().map(|scope| scope.trim_start_matches('@'));
    let scopes = scopes.filter(|other| ecosystem == Ecosystem::Npm && is_like_scope(scope(name), other));
    all.extend(scopes.map(|other| found(Kind::Scope, Confidence::High, other, "a scope of this project")));
    // What nobody chose is accused of what is clear, or not at all.
    all.retain(|one| is_root || one.confidence > Confidence::Low);
    let best = all.into_iter().max_by(|a, b| {
        a.confidence.cmp(&b.confidence).then_with(|| b.kind.cmp(&a.kind)).then_with(|| b.name.cmp(a.name))
    })?;
    let message = format!("{} `{}`, {}", best.kind.words(), best.name, best.whose);
    let found = Finding::new(Rule::LookalikePackage, id.to_string(), message);
    // Squats of dependencies are called so (`crossenv`), and honest packages too (`isnumber` beside `is-number`): said, not denied.
    let found = if !is_root && best.kind == Kind::Separators { found.severe(Severity::Medium) } else { found };
    Some(found.confidence(best.confidence).evidence(best.name))
}

#[cfg(test)]
mod tests;
