//! What the texts of an entry mean: wire to domain. Every text but the evidence of a finding must be visible.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    LockError, LockedServer, MAX_NODES, edge,
    fields::Source,
    persists, pin, plain, told,
    wire::{self, Lists, Text},
    write,
};
use crate::{
    closure::{Closure, Node, NodeId},
    digest::{Digest, Digests},
    evidence::Pinned,
    finding::{Finding, Rule},
    name::{Ecosystem, ServerName},
    package::{Artifact, GitPin, Package, PackageId},
    spec::Spec,
    target::Target,
    text::Untrusted,
};

/// The entry that messages name.
pub(super) struct Entry<'s> {
    source: &'s Source<'s>,
    name: String,
    at: usize,
}

impl<'s> Entry<'s> {
    pub(super) fn new(source: &'s Source<'s>, kind: &str, name: &Text<'_>, at: usize) -> Self {
        Self { source, name: format!("{kind} {}", Untrusted::new(&*name.text).excerpt(160)), at }
    }

    pub(super) fn invalid(&self, at: usize, reason: impl Into<String>) -> LockError {
        self.source.invalid(at, &self.name, reason)
    }

    /// A refusal of what stands some lines below a place.
    pub(super) fn invalid_below(&self, at: usize, lines: usize, reason: String) -> LockError {
        let (file, line) = self.place(at);
        LockError::Invalid { file, line: line + lines, entry: self.name.clone(), reason }
    }

    /// File and line, for refusals with parts of their own.
    pub(super) fn place(&self, at: usize) -> (String, usize) {
        (self.source.file.to_owned(), self.source.line(at))
    }

    /// The text, if nothing in it is hidden.
    pub(super) fn plain<'a>(&self, text: &'a Text<'_>) -> Result<&'a str, LockError> {
        if plain::is_visible(&text.text) {
            return Ok(&text.text);
        }
        let shown = Untrusted::new(&*text.text).excerpt(160);
        Err(self.invalid(text.at, format!("`{shown}` has hidden characters")))
    }

    /// What a text means.
    pub(super) fn read<T>(
        &self,
        key: &str,
        text: &Text<'_>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, LockError> {
        read(self.plain(text)?).ok_or_else(|| {
            let shown = Untrusted::new(&*text.text).excerpt(160);
            self.invalid(text.at, format!("`{shown}` is not a valid `{key}`"))
        })
    }

    /// What a text means, if there is one.
    pub(super) fn read_optional<T>(
        &self,
        key: &str,
        text: Option<&Text<'_>>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, LockError> {
        text.map(|text| self.read(key, text, read)).transpose()
    }

    pub(super) fn owned<T: for<'a> From<&'a str>>(&self, text: &Text<'_>) -> Result<T, LockError> {
        self.plain(text).map(T::from)
    }

    pub(super) fn owned_optional<T: for<'a> From<&'a str>>(
        &self,
        text: Option<&Text<'_>>,
    ) -> Result<Option<T>, LockError> {
        text.map(|text| self.owned(text)).transpose()
    }

    pub(super) fn owned_list<T: for<'a> From<&'a str>>(&self, texts: &[Text<'_>]) -> Result<Vec<T>, LockError> {
        texts.iter().map(|text| self.owned(text)).collect()
    }
}

/// A server.
pub(super) fn server(source: &Source<'_>, wire: &wire::Server<'_>) -> Result<LockedServer, LockError> {
    let entry = Entry::new(source, "server", &wire.name, wire.at);
    let name: ServerName = entry.read("name", &wire.name, |text| text.parse().ok())?;
    // Any other form may hold credentials, which no message may repeat.
    let canonical = |spec: &Spec| spec.to_string() == wire.spec.text;
    let Some(spec) = wire.spec.text.parse::<Spec>().ok().filter(canonical) else {
        return Err(entry.invalid(wire.spec.at, "`spec` is not in canonical form, without credentials"));
    };
    let targets = targets(&entry, &wire.targets)?;
    let root = entry.read("root", &wire.root, |text| NodeId::parse(text).ok())?;
    let closure_id = entry.read("closure-id", &wire.closure_id, |text| text.parse().ok())?;
    let mut overrides = BTreeMap::new();
    for (package, requirement) in &wire.overrides {
        overrides.insert(entry.owned(package)?, entry.owned(requirement)?);
    }
    let findings: Result<Vec<Finding>, LockError> = wire.findings.iter().map(|wire| finding(&entry, wire)).collect();
    let mut findings = findings?;
    // Their order is that of the constructor; any other is not canonical.
    findings.sort();
    findings.dedup();
    let (told, accepted) = told::read(&entry, &name, &wire.told)?;
    Ok(LockedServer {
        name,
        spec,
        version: entry.owned(&wire.version)?,
        command: entry.owned_optional(wire.command.as_ref())?,
        entry: entry.read("entry", &wire.entry, write::entry_from)?,
        as_of: entry.read_optional("as-of", wire.as_of.as_ref(), |text| text.parse().ok())?,
        overrides,
        closure: closure(&entry, root, wire, &targets)?,
        targets,
        closure_id,
        findings,
        told,
        accepted,
    })
}

fn targets(entry: &Entry<'_>, texts: &[Text<'_>]) -> Result<Vec<Target>, LockError> {
    let mut targets = BTreeSet::new();
    for text in texts {
        targets.insert(entry.read("targets", text, |text| text.parse::<Target>().ok())?);
    }
    let with_python = targets.iter().filter(|target| target.python.is_some()).count();
    if targets.is_empty() || (with_python != 0 && with_python != targets.len()) {
        let at = texts.first().map_or(entry.at, |text| text.at);
        return Err(entry.invalid(at, "`targets` must be at least one, and all with or all without a Python version"));
    }
    Ok(targets.into_iter().collect())
}

fn finding(entry: &Entry<'_>, wire: &wire::Finding<'_>) -> Result<Finding, LockError> {
    let kept = |text: &str| Rule::ALL.iter().copied().find(|rule| rule.id() == text).filter(|rule| persists(*rule));
    let rule = entry.read("rule", &wire.rule, kept)?;
    let finding = Finding::new(rule, entry.owned::<String>(&wire.subject)?, entry.owned::<String>(&wire.message)?);
    Ok(Finding { evidence: wire.evidence.as_ref().map(|text| Untrusted::new(&*text.text)), ..finding })
}

fn closure(entry: &Entry<'_>, root: NodeId, wire: &wire::Server<'_>, all: &[Target]) -> Result<Closure, LockError> {
    let count = wire.closure.len();
    if count > MAX_NODES {
        return Err(
            entry.invalid(entry.at, format!("{count} nodes, more than the {MAX_NODES} that a closure may have"))
        );
    }
    let mut known: BTreeMap<&str, NodeId> = BTreeMap::new();
    for (key, _) in &wire.closure {
        known.insert(&key.text, entry.read("closure", key, |text| NodeId::parse(text).ok())?);
    }
    let find = |text: &str| known.get(text).cloned();
    let mut nodes = BTreeMap::new();
    for (key, texts) in &wire.closure {
        let Some(id) = find(&key.text) else { continue };
        let edge = |text| entry.read("closure", text, |text| edge::read(text, find));
        let edges: Result<Vec<_>, _> = texts.iter().map(edge).collect();
        nodes.insert(id, Node { edges: edges?, targets: None });
    }
    only_on(entry, &wire.only_on, all, &mut nodes)?;
    Closure::new(root, nodes).map_err(|error| {
        let at = wire.closure.first().map_or(entry.at, |(key, _)| key.at);
        entry.invalid(at, error.to_string())
    })
}

fn only_on(
    entry: &Entry<'_>,
    lists: &Lists<'_>,
    all: &[Target],
    nodes: &mut BTreeMap<NodeId, Node>,
) -> Result<(), LockError> {
    for (key, words) in lists {
        let id = entry.read("only-on", key, |text| NodeId::parse(text).ok())?;
        let subset = edge::read_targets(words.iter().map(|word| &*word.text), all)
            .ok_or_else(|| entry.invalid(key.at, format!("`only-on` of {id} has a word that is not a target")))?;
        let node = nodes
            .get_mut(&id)
            .ok_or_else(|| entry.invalid(key.at, format!("`only-on` names {id}, which the closure does not have")))?;
        // All targets are written by leaving the line out.
        node.targets = Some(subset).filter(|subset| subset.len() < all.len());
    }
    Ok(())
}

/// A package.
pub(super) fn package(source: &Source<'_>, wire: &wire::Package<'_>) -> Result<Package, LockError> {
    let entry = Entry::new(source, "package", &wire.id, wire.at);
    let id: PackageId = entry.read("id", &wire.id, |text| text.parse().ok())?;
    let tree = |text: &str| plain::is_object_id(text).then(|| text.into());
    let reference = entry.owned_optional(wire.git_reference.as_ref())?;
    let git = match (entry.read_optional("git-tree", wire.git_tree.as_ref(), tree)?, reference) {
        (Some(tree), reference) => Some(GitPin { reference, tree }),
        (None, None) => None,
        (None, Some(_)) => return Err(entry.invalid(entry.at, "`git-reference` needs a `git-tree`")),
    };
    let artifacts: Result<Vec<Artifact>, LockError> =
        wire.artifacts.iter().map(|wire| artifact(&entry, wire, id.ecosystem())).collect();
    let package = Package {
        artifacts: artifacts?,
        os: entry.owned_list(&wire.os)?,
        cpu: entry.owned_list(&wire.cpu)?,
        libc: entry.owned_list(&wire.libc)?,
        requires_python: entry.owned_optional(wire.requires_python.as_ref())?,
        install_scripts: wire.install_scripts,
        bundled_in: entry.read_optional("bundled-in", wire.bundled_in.as_ref(), |text| text.parse().ok())?,
        git,
        evidence: evidence(&entry, wire)?,
        id,
    };
    let package = package.normalized();
    match plain::check_package(&package.id, &package) {
        Ok(()) => Ok(package),
        Err(error) => Err(entry.invalid(entry.at, error.without_package())),
    }
}

fn evidence(entry: &Entry<'_>, wire: &wire::Package<'_>) -> Result<Pinned, LockError> {
    if let Some(word) = &wire.evidence {
        let state = entry.read("evidence", word, pin::state_from)?;
        return match wire.signed_by.first() {
            None => Ok(state),
            Some(line) => Err(entry.invalid(line.at, "`evidence` and `signed-by` exclude each other")),
        };
    }
    if wire.signed_by.is_empty() {
        return Ok(Pinned::NotLooked);
    }
    let mut pins = Vec::new();
    for line in &wire.signed_by {
        let mut fields = BTreeMap::new();
        for (key, value) in &line.fields {
            if fields.insert(&*key.text, entry.plain(value)?).is_some() {
                return Err(
                    entry.invalid(key.at, format!("`{}` appears twice", Untrusted::new(&*key.text).excerpt(40)))
                );
            }
        }
        pins.push(pin::from_fields(fields).map_err(|reason| entry.invalid(line.at, reason))?);
    }
    Ok(Pinned::by(pins))
}

fn artifact(entry: &Entry<'_>, wire: &wire::Artifact<'_>, ecosystem: Ecosystem) -> Result<Artifact, LockError> {
    let word = |text: &str| write::KINDS.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind);
    let kind = entry.read_optional("kind", wire.kind.as_ref(), word)?;
    let sha512 = entry.read_optional("sha512", wire.sha512.as_ref(), |text| Digest::sha512_from_hex(text).ok())?;
    let sha256 = entry.read_optional("sha256", wire.sha256.as_ref(), |text| Digest::sha256_from_hex(text).ok())?;
    Ok(Artifact {
        kind: kind.unwrap_or_else(|| write::usual_kind(ecosystem, &wire.file.text)),
        file: entry.owned(&wire.file)?,
        size: wire.size,
        digests: sha512.into_iter().chain(sha256).collect::<Digests>(),
    })
}
