//! Reads a lock and refuses whatever mcpsec did not write.
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Lock, LockError, MAX_BYTES, MAX_IMPORTS, MAX_PACKAGES, MAX_SERVERS, VERSION,
    fields::Source,
    id, lines, meaning, needed, seal, tables, team,
    wire::{Document, Text},
    write,
};
use crate::{digest::Digest, name::ServerName, package::PackageId, text::Untrusted};

/// The longest text that is given to the TOML parser to find words for what is wrong: it needs up to 80 times the memory.
const MAX_EXPLAINED: usize = 4 << 20;

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
    let document = match lines::document(&text) {
        Ok(document) => {
            check_seals(&source)?;
            document
        }
        Err(at) => explained(&source, at)?,
    };
    let read = read_document(&source, document)?;
    let canonical = write::lock_within(&read, 2 * text.len() + 4096);
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

/// Reads a text that has a line, at `at`, which mcpsec never writes there; nearly always to say what is wrong with it.
fn explained<'t>(source: &Source<'t>, at: usize) -> Result<Document<'t>, LockError> {
    if source.text.len() <= MAX_EXPLAINED {
        let toml = tables::parse(source)?;
        check_seals(source)?;
        return tables::document(source, toml);
    }
    let file = source.file.to_owned();
    if !source.text.ends_with('\n') {
        return Err(LockError::Truncated { file, line: source.last_line(), reason: String::new() });
    }
    check_seals(source)?;
    let line = source.text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let found = Untrusted::new(line).excerpt(120);
    Err(LockError::NotCanonical {
        file,
        line: source.line(at),
        found,
        expected: "the next line of an entry".to_owned(),
    })
}

/// Seals are checked on the text as it stands, before anything in it is believed.
fn check_seals(source: &Source<'_>) -> Result<(), LockError> {
    let entries = seal::entries(source.text);
    for (index, entry) in entries.iter().enumerate() {
        if index + 1 == entries.len() && entry.found().is_none() {
            let (file, line) = (source.file.to_owned(), source.last_line());
            return Err(LockError::Truncated { file, line, reason: format!(": {} has no seal", entry.name()) });
        }
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
            // A seal follows from the other lines of its entry; the one that differs is the news.
            (Some(a), Some(b)) if a.starts_with(seal::KEY) && b.starts_with(seal::KEY) => line += 1,
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

/// Makes a lock of what stands in a file, and checks what holds between entries.
pub(super) fn read_document(source: &Source<'_>, document: Document<'_>) -> Result<Lock, LockError> {
    let (servers, packages) = (document.servers.len(), document.packages.len());
    let imports = document.imports.len();
    for (what, count, limit) in
        [("servers", servers, MAX_SERVERS), ("packages", packages, MAX_PACKAGES), ("imports", imports, MAX_IMPORTS)]
    {
        if count > limit {
            let reason = format!("{count} {what}, more than the {limit} that a lock may have");
            return Err(source.invalid(0, "the file", reason));
        }
    }
    let mut places = Places { source, servers: BTreeMap::new(), packages: BTreeMap::new() };
    let mut lock = Lock::empty();
    for pin in document.imports {
        let read = |(name, digest): (&str, &str)| name.parse().ok().zip(digest.parse::<Digest>().ok());
        let read = pin.text.split_once(' ').and_then(read);
        let Some((name, digest @ Digest::Sha256(_))) = read else {
            let shown = Untrusted::new(&*pin.text).excerpt(80);
            return Err(source.invalid(pin.at, "the list of imports", format!("`{shown}` is not `NAME sha256:…`")));
        };
        lock.imports.insert(name, digest);
    }
    lock.team = document.team.map(|wire| team::meaning(source, &wire)).transpose()?;
    for wire in document.packages {
        let package = meaning::package(source, &wire)?;
        let id = package.id.clone();
        if lock.packages.insert(id.clone(), package).is_some() {
            return Err(places.duplicate(wire.at, format!("package {id}")));
        }
        places.packages.insert(id, wire.at);
    }
    for wire in document.servers {
        let server = meaning::server(source, &wire)?;
        let name = server.name.clone();
        if let Some(missing) = server.closure.packages().into_iter().find(|id| !lock.packages.contains_key(*id)) {
            return Err(places.dangling(wire.at, format!("server {name}"), format!("package {missing}")));
        }
        if lock.servers.insert(name.clone(), server).is_some() {
            return Err(places.duplicate(wire.at, format!("server {name}")));
        }
        places.servers.insert(name, wire.at);
    }
    let listed = document.listed;
    places.check_list(&listed, &lock)?;
    places.check_references(&lock)?;
    places.check_closure_ids(&lock)?;
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

    fn check_closure_ids(&self, lock: &Lock) -> Result<(), LockError> {
        // Servers share packages; each is hashed once.
        let hashes: BTreeMap<&PackageId, Digest> =
            lock.packages.iter().map(|(id, package)| (id, id::package_hash(package))).collect();
        for (name, at) in &self.servers {
            let Some(server) = lock.servers.get(name) else { continue };
            let expected = id::closure_id(&server.closure, &server.targets, |id| hashes.get(id).copied());
            if expected != server.closure_id {
                let (file, line) = (self.source.file.to_owned(), self.source.line(*at));
                let (server, found) = (name.clone(), server.closure_id);
                return Err(LockError::ClosureMismatch { file, line, server, expected, found });
            }
        }
        Ok(())
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
