//! Reads a lock and refuses whatever mcpsec did not write.
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use toml::de::DeTable;

use super::{
    Lock, LockError, LockedServer, MAX_BYTES, MAX_NODES, MAX_PACKAGES, MAX_SERVERS, VERSION, edge,
    fields::{Fields, Source, Text},
    id, needed, persists, seal, write,
};
use crate::{
    closure::{Closure, Node, NodeId},
    digest::{Digest, Digests},
    finding::{Finding, Rule},
    name::ServerName,
    package::{Artifact, GitPin, Package, PackageId},
    target::Target,
    text::Untrusted,
};

/// Refuses a text that is too long.
pub(super) fn check_size(bytes: usize, file: &str) -> Result<(), LockError> {
    if bytes > MAX_BYTES {
        return Err(LockError::TooLarge { file: file.to_owned(), bytes, limit: MAX_BYTES });
    }
    Ok(())
}

/// [`Lock::parse`].
pub(super) fn lock(text: &str, file: &str) -> Result<Lock, LockError> {
    check_size(text.len(), file)?;
    let text = if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    let source = Source::new(file, &text);
    refuse_conflict_markers(&source)?;
    check_version(&source)?;
    let document = parse_toml(&source)?;
    check_seals(&source)?;
    let read = read_document(&source, document)?;
    let canonical = write::lock(&read);
    if canonical != *text {
        return Err(not_canonical(&source, &canonical));
    }
    Ok(read)
}

/// Git's markers, in the first column, where no line of a lock ever has them.
fn refuse_conflict_markers(source: &Source<'_>) -> Result<(), LockError> {
    // Almost every lock has none, and a search for bytes is quicker than a walk over lines.
    if !["<<<<<<< ", ">>>>>>> ", "||||||| ", "=======\n"].iter().any(|marker| source.text.contains(marker)) {
        return Ok(());
    }
    let (mut first, mut end, mut ours, mut theirs) = (None, None, "", "");
    for (index, line) in source.text.lines().enumerate() {
        let is_ours = line.strip_prefix("<<<<<<< ");
        let is_theirs = line.strip_prefix(">>>>>>> ");
        if is_ours.is_some() || is_theirs.is_some() || line == "=======" || line.starts_with("||||||| ") {
            first.get_or_insert(index + 1);
        }
        ours = is_ours.filter(|_| ours.is_empty()).unwrap_or(ours);
        if let Some(label) = is_theirs {
            (theirs, end) = (label, Some(index + 1));
            break;
        }
    }
    let Some(line) = first else { return Ok(()) };
    let shown = |label: &str| if label.is_empty() { "?".to_owned() } else { Untrusted::new(label).excerpt(60) };
    Err(LockError::Conflict { file: source.file.to_owned(), line, end, ours: shown(ours), theirs: shown(theirs) })
}

/// The version is looked for by hand, before anything else: a newer format may not even be TOML that we can read.
fn check_version(source: &Source<'_>) -> Result<(), LockError> {
    let file = source.file.to_owned();
    if source.text.is_empty() {
        return Err(LockError::Truncated { file, line: 1, reason: ": it is empty".to_owned() });
    }
    for (index, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with('[') {
            break;
        }
        let Some(value) = line.trim_start().strip_prefix("version").map(str::trim_start) else { continue };
        let Some(value) = value.strip_prefix('=') else { continue };
        let digits = value.split('#').next().unwrap_or_default().trim();
        return match digits.parse::<u64>() {
            Ok(VERSION) => Ok(()),
            Ok(found) if found > VERSION => {
                Err(LockError::NewerVersion { file, line: index + 1, found, known: VERSION })
            }
            _ => Err(LockError::NoVersion { file }),
        };
    }
    // The very first lines may be what is missing, or all that is there.
    let file = source.file.to_owned();
    if source.text.ends_with('\n') {
        Err(LockError::NoVersion { file })
    } else {
        Err(LockError::Truncated { file, line: source.last_line(), reason: String::new() })
    }
}

fn parse_toml<'t>(source: &Source<'t>) -> Result<DeTable<'t>, LockError> {
    let file = source.file.to_owned();
    let whole = source.text.ends_with('\n');
    match DeTable::parse(source.text) {
        Ok(document) if whole => Ok(document.into_inner()),
        Ok(_) => Err(LockError::Truncated { file, line: source.last_line(), reason: String::new() }),
        Err(error) => {
            let reason = Untrusted::new(error.message().trim()).excerpt(200);
            let at = error.span().map_or(0, |span| span.start);
            // What is open at the very end was cut off there.
            if !whole || at >= source.text.trim_end().len() {
                return Err(LockError::Truncated { file, line: source.last_line(), reason: format!(": {reason}") });
            }
            let (line, column) = source.line_and_column(at);
            Err(LockError::NotToml { file, line, column, reason })
        }
    }
}

/// Seals are checked on the text as it stands, before anything in it is believed.
fn check_seals(source: &Source<'_>) -> Result<(), LockError> {
    for entry in seal::entries(source.text) {
        let expected = entry.expected();
        if entry.found() != Some(expected.as_str()) {
            let found = entry.found().map_or_else(|| "missing".to_owned(), |found| Untrusted::new(found).excerpt(40));
            let (file, line) = (source.file.to_owned(), entry.line);
            return Err(LockError::Edited { file, line, entry: entry.name(), expected, found });
        }
    }
    Ok(())
}

fn not_canonical(source: &Source<'_>, canonical: &str) -> LockError {
    let (mut found, mut expected) = (source.text.split('\n'), canonical.split('\n'));
    let mut line = 1;
    let (found, expected) = loop {
        match (found.next(), expected.next()) {
            (a, b) if a == b && a.is_some() => line += 1,
            (a, b) => break (a.unwrap_or_default(), b.unwrap_or_default()),
        }
    };
    LockError::NotCanonical {
        file: source.file.to_owned(),
        line,
        found: Untrusted::new(found).excerpt(120),
        expected: Untrusted::new(expected).excerpt(120),
    }
}

fn read_document(source: &Source<'_>, document: DeTable<'_>) -> Result<Lock, LockError> {
    let mut head = Fields::new(source, "the head of the file".to_owned(), 0, document);
    let _checked_before = head.number("version")?;
    let listed = head.texts("servers")?;
    let server_tables = head.tables("server", "server without a name")?;
    let package_tables = head.tables("package", "package without an id")?;
    for (what, count, limit) in
        [("servers", server_tables.len(), MAX_SERVERS), ("packages", package_tables.len(), MAX_PACKAGES)]
    {
        if count > limit {
            return Err(head.invalid(0, format!("{count} {what}, more than the {limit} that a lock may have")));
        }
    }
    head.finish()?;

    let mut places = Places { source, servers: BTreeMap::new(), packages: BTreeMap::new() };
    let mut lock = Lock::empty();
    for mut fields in package_tables {
        let at = fields.at();
        let package = read_package(&mut fields)?;
        fields.finish()?;
        let id = package.id.clone();
        if lock.packages.insert(id.clone(), package).is_some() {
            return Err(places.duplicate(at, format!("package {id}")));
        }
        places.packages.insert(id, at);
    }
    let mut hashes = BTreeMap::new();
    for (id, package) in &lock.packages {
        hashes.insert(id.clone(), id::package_hash(package));
    }
    for mut fields in server_tables {
        let at = fields.at();
        let server = read_server(&mut fields)?;
        fields.finish()?;
        let name = server.name.clone();
        let computed = id::closure_id(&server.closure, &server.targets, |id| hashes.get(id).copied());
        if let Some(missing) = server.closure.packages().into_iter().find(|id| !lock.packages.contains_key(*id)) {
            return Err(places.dangling(at, format!("server {name}"), format!("package {missing}")));
        }
        if computed != server.closure_id {
            let (file, line) = (source.file.to_owned(), source.line(at));
            return Err(LockError::ClosureMismatch {
                file,
                line,
                server: name,
                expected: computed,
                found: server.closure_id,
            });
        }
        if lock.servers.insert(name.clone(), server).is_some() {
            return Err(places.duplicate(at, format!("server {name}")));
        }
        places.servers.insert(name, at);
    }
    places.check_list(&listed, &lock)?;
    places.check_references(&lock)?;
    Ok(lock)
}

/// Where entries start, for the checks between them.
struct Places<'s> {
    source: &'s Source<'s>,
    servers: BTreeMap<ServerName, usize>,
    packages: BTreeMap<PackageId, usize>,
}

impl Places<'_> {
    fn duplicate(&self, at: usize, entry: String) -> LockError {
        LockError::Duplicate { file: self.source.file.to_owned(), line: self.source.line(at), entry }
    }

    fn dangling(&self, at: usize, entry: String, missing: String) -> LockError {
        LockError::Dangling { file: self.source.file.to_owned(), line: self.source.line(at), entry, missing }
    }

    fn orphan(&self, at: usize, entry: String) -> LockError {
        LockError::Orphan { file: self.source.file.to_owned(), line: self.source.line(at), entry }
    }

    /// The list at the top and the entries below must agree: so a lock that was cut short between entries is found.
    fn check_list(&self, listed: &[Text<'_>], lock: &Lock) -> Result<(), LockError> {
        for name in listed {
            if !lock.servers.keys().any(|server| server.as_str() == name.text) {
                let missing = format!("server {}", Untrusted::new(&*name.text).excerpt(64));
                return Err(self.dangling(name.at, "the list of servers".to_owned(), missing));
            }
        }
        let listed: BTreeSet<&str> = listed.iter().map(|name| &*name.text).collect();
        match self.servers.iter().find(|(name, _)| !listed.contains(name.as_str())) {
            Some((name, at)) => {
                Err(self.orphan(*at, format!("server {name}, which the list of servers does not have")))
            }
            None => Ok(()),
        }
    }

    fn check_references(&self, lock: &Lock) -> Result<(), LockError> {
        for (id, at) in &self.packages {
            let parent = lock.packages.get(id).and_then(|package| package.bundled_in.as_ref());
            if let Some(parent) = parent.filter(|parent| !lock.packages.contains_key(*parent)) {
                return Err(self.dangling(*at, format!("package {id}"), format!("package {parent}")));
            }
        }
        let needed = needed(&lock.servers, &lock.packages);
        match self.packages.iter().find(|(id, _)| !needed.contains(id)) {
            Some((id, at)) => Err(self.orphan(*at, format!("package {id}"))),
            None => Ok(()),
        }
    }
}

fn read_server(fields: &mut Fields<'_, '_>) -> Result<LockedServer, LockError> {
    let name: ServerName = fields.parsed("name", |text| text.parse().ok())?;
    fields.rename(format!("server {name}"));
    let spec = fields.parsed("spec", |text| text.parse().ok())?;
    let version = fields.required("version")?.text.into_owned();
    let command = fields.optional("command")?.map(|command| command.text.as_ref().into());
    let entry = fields.parsed("entry", write::entry_from)?;
    let as_of = fields.parsed_optional("as-of", |text| text.parse().ok())?;
    let targets = read_targets(fields)?;
    let root = fields.parsed("root", |text| NodeId::parse(text).ok())?;
    let closure_id = fields.parsed("closure-id", |text| text.parse().ok())?;
    // Checked on the text.
    let _seal = fields.required("seal")?;
    let mut overrides = BTreeMap::new();
    let mut map = fields.map("overrides")?;
    for key in map.keys() {
        overrides.insert(key.text.clone().into_owned(), map.required(&key.text)?.text.into_owned());
    }
    let entry_name = fields.entry().to_owned();
    let mut findings = Vec::new();
    for mut finding in fields.tables("finding", &entry_name)? {
        findings.push(read_finding(&mut finding)?);
        finding.finish()?;
    }
    // Their order is that of the constructor; any other is not canonical.
    findings.sort();
    findings.dedup();
    let closure = read_closure(fields, root, &targets)?;
    Ok(LockedServer { name, spec, version, command, entry, as_of, overrides, targets, closure, closure_id, findings })
}

fn read_targets(fields: &mut Fields<'_, '_>) -> Result<Vec<Target>, LockError> {
    let mut targets = BTreeSet::new();
    for text in fields.texts("targets")? {
        targets.insert(fields.read("targets", &text, |text| text.parse::<Target>().ok())?);
    }
    let with_python = targets.iter().filter(|target| target.python.is_some()).count();
    if targets.is_empty() || (with_python != 0 && with_python != targets.len()) {
        return Err(
            fields.invalid(fields.at(), "`targets` must be at least one, and all with or all without a Python version")
        );
    }
    Ok(targets.into_iter().collect())
}

fn read_finding(fields: &mut Fields<'_, '_>) -> Result<Finding, LockError> {
    let kept = |text: &str| Rule::ALL.iter().copied().find(|rule| rule.id() == text).filter(|rule| persists(*rule));
    let rule = fields.parsed("rule", kept)?;
    let subject = fields.required("subject")?.text.into_owned();
    let message = fields.required("message")?.text.into_owned();
    let evidence = fields.optional("evidence")?.map(|text| Untrusted::new(text.text));
    Ok(Finding { rule, subject, message, evidence })
}

fn read_closure(fields: &mut Fields<'_, '_>, root: NodeId, all: &[Target]) -> Result<Closure, LockError> {
    let mut table = fields.map("closure")?;
    let mut only_on = fields.map("only-on")?;
    let keys = table.keys();
    if keys.len() > MAX_NODES {
        return Err(fields.invalid(table.at(), format!("{} nodes, more than {MAX_NODES}", keys.len())));
    }
    let mut nodes = BTreeMap::new();
    for key in keys {
        let id = fields.read("closure", &key, |text| NodeId::parse(text).ok())?;
        let mut edges = Vec::new();
        for text in table.texts(&key.text)? {
            edges.push(fields.read("closure", &text, edge::read)?);
        }
        nodes.insert(id, Node { edges, targets: None });
    }
    for key in only_on.keys() {
        let id = fields.read("only-on", &key, |text| NodeId::parse(text).ok())?;
        let words = only_on.texts(&key.text)?;
        let subset = edge::read_targets(words.iter().map(|word| &*word.text), all)
            .ok_or_else(|| fields.invalid(key.at, format!("`only-on` of {id} has a word that is not a target")))?;
        match nodes.get_mut(&id) {
            // All targets are written by leaving the line out.
            Some(node) => node.targets = Some(subset).filter(|subset| subset.len() < all.len()),
            None => {
                return Err(fields.invalid(key.at, format!("`only-on` names {id}, which the closure does not have")));
            }
        }
    }
    Closure::new(root, nodes).map_err(|error| fields.invalid(table.at(), error.to_string()))
}

fn read_package(fields: &mut Fields<'_, '_>) -> Result<Package, LockError> {
    let id: PackageId = fields.parsed("id", |text| text.parse().ok())?;
    fields.rename(format!("package {id}"));
    let mut package = Package::bare(id);
    for (key, list) in [("os", &mut package.os), ("cpu", &mut package.cpu), ("libc", &mut package.libc)] {
        *list = fields.texts(key)?.into_iter().map(|text| text.text.as_ref().into()).collect();
    }
    package.requires_python = fields.optional("requires-python")?.map(|text| text.text.as_ref().into());
    package.install_scripts = fields.flag("install-scripts")?;
    package.bundled_in = fields.parsed_optional("bundled-in", |text| text.parse().ok())?;
    let reference = fields.optional("git-reference")?.map(|text| text.text.as_ref().into());
    let tree = fields.optional("git-tree")?.map(|text| text.text.as_ref().into());
    package.git = match (tree, reference) {
        (Some(tree), reference) => Some(GitPin { reference, tree }),
        (None, None) => None,
        (None, Some(_)) => return Err(fields.invalid(fields.at(), "`git-reference` needs a `git-tree`")),
    };
    let entry = fields.entry().to_owned();
    for mut artifact in fields.tables("artifacts", &entry)? {
        package.artifacts.push(read_artifact(&mut artifact, &package.id)?);
        artifact.finish()?;
    }
    // Checked on the text.
    let _seal = fields.required("seal")?;
    if package.artifacts.is_empty() && package.bundled_in.is_none() {
        return Err(fields.invalid(fields.at(), "it pins nothing: no artifact, and not inside another package"));
    }
    Ok(package.normalized())
}

fn read_artifact(fields: &mut Fields<'_, '_>, id: &PackageId) -> Result<Artifact, LockError> {
    let file = fields.required("file")?.text;
    let word = |text: &str| write::KINDS.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind);
    let kind = fields.parsed_optional("kind", word)?;
    let kind = kind.unwrap_or_else(|| write::usual_kind(id.ecosystem(), &file));
    let size = fields.number("size")?;
    let sha512 = fields.parsed_optional("sha512", |text| Digest::sha512_from_hex(text).ok())?;
    let sha256 = fields.parsed_optional("sha256", |text| Digest::sha256_from_hex(text).ok())?;
    let digests: Digests = sha512.into_iter().chain(sha256).collect();
    if digests.is_empty() {
        let shown = Untrusted::new(&*file).excerpt(120);
        return Err(fields.invalid(fields.at(), format!("`{shown}` has no sha256 or sha512")));
    }
    Ok(Artifact { kind, file: file.as_ref().into(), size, digests })
}
