//! mcp.lock: what was vetted, word for word. Pure: text in, types out, types in, text out.
//!
//! [`Lock::parse`] reads a text that mcpsec wrote and refuses every other one; [`Lock::to_text`] writes the one text that a
//! lock has. The format is described in docs/lock-format.md.
//!
//! Text becomes `wire` by `lines` (quick, canonical text only) or else by `tables` (any TOML, to say what is wrong);
//! `meaning` makes domain types of it, and `read` checks what holds between entries. `write` is the way back. `edge` has the
//! compact text of dependencies, `seal` the check of each entry, `id` the text that a closure id is the hash of, `plain`
//! what texts are allowed at all. `told` has all of this for what a server tells the model. [`LockedServer`] and [`Lock`] know none of them.
//!
//! A seal is not a signature: it finds hand edits, broken merges and bit rot, not an attacker who writes a whole new lock.
//! Against that stand review, approvals and the registries' own digests.
mod edge;
mod error;
mod fields;
mod id;
mod lines;
mod meaning;
mod pin;
mod places;
mod plain;
mod read;
mod seal;
mod server;
mod tables;
mod team;
mod told;
mod wire;
mod write;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use error::{InsertError, LockError, ServerError};
pub(crate) use id::package_hash;
pub use places::Places;
pub use server::{LockedServer, ServerParts, persists};
pub(crate) use write::entry_text;

use crate::{
    approval::Word,
    digest::{Digest, Digests},
    name::ServerName,
    package::{Artifact, Package, PackageId},
    team::TeamPin,
};

/// The format version that this code reads and writes.
pub const VERSION: u64 = 1;
/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The most servers that a lock may have.
pub const MAX_SERVERS: usize = 1000;
/// The most packages that a lock may have.
pub const MAX_PACKAGES: usize = 100_000;
/// The longest part of one server about what it tells the model, in bytes of the lock.
pub const MAX_TOLD: usize = 16 << 20;
/// The longest such parts of all servers together, in bytes: they leave room for the rest of [`MAX_BYTES`].
pub const MAX_TOLD_OF_ALL: usize = 48 << 20;
/// The most pinned approvals of other teams.
pub const MAX_IMPORTS: usize = 1000;
/// The most nodes that one server's closure may have.
pub const MAX_NODES: usize = 50_000;

/// The whole lock. Both maps are keyed by what their values call themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    /// Every locked server.
    pub servers: BTreeMap<ServerName, LockedServer>,
    /// Every package that a closure has, each once for the whole lock.
    pub packages: BTreeMap<PackageId, Package>,
    /// Approvals of other teams that come from an address: which bytes of them were looked at. Keyed by the name in mcp-signers.
    pub imports: BTreeMap<Word, Digest>,
    /// How far the log of the team's registry was seen.
    pub team: Option<TeamPin>,
}

impl Lock {
    /// A lock of nothing.
    pub fn empty() -> Self {
        Self { servers: BTreeMap::new(), packages: BTreeMap::new(), imports: BTreeMap::new(), team: None }
    }

    /// Reads a lock. `file_name` is what messages call it. Refused, in this order: too large; unfinished merges; newer
    /// formats; cut short; not TOML; edited entries; and whatever is not exactly what [`Lock::to_text`] gives for it.
    /// `\r\n` is read as `\n`, since git may have written it so.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, LockError> {
        read::lock(text, file_name)
    }

    /// [`Lock::parse`] for the bytes of a file, which may not even be UTF-8.
    pub fn parse_bytes(bytes: &[u8], file_name: &str) -> Result<Self, LockError> {
        read::check_size(bytes.len(), file_name)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text, file_name),
            Err(error) => {
                let line = 1 + bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
                Err(LockError::NotUtf8 { file: file_name.to_owned(), line })
            }
        }
    }

    /// The canonical text, ending in a newline. Equal locks have equal texts on every machine.
    pub fn to_text(&self) -> String {
        write::lock(self)
    }

    /// Adds a server with its packages, in place of one of the same name, and drops packages that no server needs any more.
    ///
    /// A package that is already locked must not have changed: a file with other digests is an error that names both, and
    /// the lock stays as it was. If another server shares the package and the two pin different sets of files (a wheel was
    /// published later), the union is pinned, and the closure ids of all servers that have it change accordingly.
    pub fn insert(&mut self, server: LockedServer, packages: Vec<(PackageId, Package)>) -> Result<(), InsertError> {
        self.insert_within(server, packages, MAX_TOLD_OF_ALL)
    }

    fn insert_within(
        &mut self,
        mut server: LockedServer,
        packages: Vec<(PackageId, Package)>,
        mut room: usize,
    ) -> Result<(), InsertError> {
        for (id, package) in &packages {
            plain::check_package(id, package)?;
            if let Some(locked) = self.packages.get(id) {
                check_unchanged(locked, package)?;
            }
        }
        let mut after = self.packages.clone();
        let others: BTreeSet<&PackageId> = self
            .servers
            .values()
            .filter(|other| other.name != server.name)
            .flat_map(|other| other.closure.packages())
            .collect();
        let mut changed = BTreeSet::new();
        for (id, package) in packages {
            let mut package = package.normalized();
            if others.contains(&id)
                && let Some(locked) = self.packages.get(&id)
            {
                package.add_pins_of(locked);
                if package != *locked {
                    changed.insert(id.clone());
                }
            }
            after.insert(id, package);
        }
        for each in self.servers.values().filter(|other| other.name != server.name).chain([&server]) {
            let bytes = told::size(&each.told, &each.accepted, room);
            room = room.checked_sub(bytes).ok_or_else(|| InsertError::TooMuchTold { server: server.name.clone() })?;
        }
        let entry = format!("server {}", server.name);
        check_present(&entry, server.closure.packages(), &after)?;
        for (id, package) in &after {
            check_present(&format!("package {id}"), package.bundled_in.iter(), &after)?;
        }
        server.renew_closure_id(&after);
        self.packages = after;
        for other in self.servers.values_mut().filter(|other| !changed.is_empty() && other.name != server.name) {
            if other.closure.packages().into_iter().any(|id| changed.contains(id)) {
                other.renew_closure_id(&self.packages);
            }
        }
        self.servers.insert(server.name.clone(), server);
        self.drop_orphans();
        Ok(())
    }

    /// Removes a server and the packages that only it needed. Returns whether it was there.
    pub fn remove(&mut self, name: &ServerName) -> bool {
        let was_there = self.servers.remove(name).is_some();
        self.drop_orphans();
        was_there
    }

    /// The lock of one server with its packages and nothing else: what a team registry keeps. Every id and pin stays as it is.
    /// `None` when it is not locked here.
    pub fn alone(&self, name: &ServerName) -> Option<Self> {
        let server = self.servers.get(name)?;
        let servers = BTreeMap::from([(name.clone(), server.clone())]);
        let needed = needed(&servers, &self.packages);
        let packages = self.packages.iter().filter(|(id, _)| needed.contains(id));
        let packages = packages.map(|(id, package)| (id.clone(), package.clone())).collect();
        Some(Self { servers, packages, ..Self::empty() })
    }

    /// The packages of these servers, sorted, each once.
    pub fn packages_of(&self, servers: &[&LockedServer]) -> Vec<&Package> {
        let ids: BTreeSet<&PackageId> = servers.iter().flat_map(|server| server.closure.packages()).collect();
        ids.into_iter().filter_map(|id| self.packages.get(id)).collect()
    }

    fn drop_orphans(&mut self) {
        let needed = needed(&self.servers, &self.packages);
        let orphans: Vec<PackageId> = self.packages.keys().filter(|id| !needed.contains(id)).cloned().collect();
        for id in orphans {
            self.packages.remove(&id);
        }
    }
}

/// The packages that closures have, and those inside whose artifacts such packages live.
fn needed<'a>(
    servers: &'a BTreeMap<ServerName, LockedServer>,
    packages: &'a BTreeMap<PackageId, Package>,
) -> BTreeSet<&'a PackageId> {
    let mut needed = BTreeSet::new();
    let mut open: Vec<&PackageId> = servers.values().flat_map(|server| server.closure.packages()).collect();
    while let Some(id) = open.pop() {
        if needed.insert(id) {
            open.extend(packages.get(id).and_then(|package| package.bundled_in.as_ref()));
        }
    }
    needed
}

/// Every file that both sides have must have agreeing digests.
fn check_unchanged(locked: &Package, offered: &Package) -> Result<(), InsertError> {
    for old in &locked.artifacts {
        let changed = |new: &&Artifact| new.file == old.file && !old.digests.agrees(&new.digests);
        if let Some(new) = offered.artifacts.iter().find(changed) {
            return Err(InsertError::Changed {
                package: Box::new(locked.id.clone()),
                file: crate::text::Untrusted::new(old.file.as_str()).excerpt(120),
                locked: Box::new(old.digests),
                offered: Box::new(new.digests),
            });
        }
    }
    Ok(())
}

fn check_present<'a>(
    entry: &str,
    ids: impl IntoIterator<Item = &'a PackageId>,
    packages: &BTreeMap<PackageId, Package>,
) -> Result<(), InsertError> {
    match ids.into_iter().find(|id| !packages.contains_key(*id)) {
        Some(id) => Err(InsertError::Missing { entry: entry.to_owned(), missing: Box::new(id.clone()) }),
        None => Ok(()),
    }
}

impl Package {
    /// Sorts what the lock keeps sorted.
    fn normalized(mut self) -> Self {
        for list in [&mut self.os, &mut self.cpu, &mut self.libc] {
            list.sort();
            list.dedup();
        }
        self.sort_artifacts();
        self
    }

    fn sort_artifacts(&mut self) {
        self.artifacts.sort_by(|a, b| a.file.cmp(&b.file).then_with(|| a.cmp(b)));
        self.artifacts.dedup();
    }

    /// Keeps the files and digests that an earlier entry pinned; digests of shared files are known to agree. Of two
    /// references to one commit, the entry names the same one whichever server came first: a tag rather than a branch.
    fn add_pins_of(&mut self, earlier: &Self) {
        if let (Some(new), Some(old)) = (&mut self.git, &earlier.git) {
            new.reference = new.reference.take().max(old.reference.clone());
        }
        if self.evidence.strength() < earlier.evidence.strength() {
            self.evidence = earlier.evidence.clone();
        }
        for old in &earlier.artifacts {
            match self.artifacts.iter_mut().find(|new| new.file == old.file) {
                Some(new) => {
                    let both: Digests = old.digests.iter().chain(new.digests.iter()).collect();
                    new.digests = both;
                    new.size = new.size.or(old.size);
                }
                None => self.artifacts.push(old.clone()),
            }
        }
        self.sort_artifacts();
    }
}
