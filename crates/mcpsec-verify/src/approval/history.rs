//! Whether a log still tells the story that it told before: what a client compares a new head with.
//!
//! | lie | how it shows |
//! |---|---|
//! | rollback | a head with fewer entries than somebody saw |
//! | freeze | a head that expired |
//! | fork | other entries, or another root, where somebody saw these |
//! | replay | an entry that is there twice; a head of another log |
//!
//! A client that holds all entries computes every root itself. It believes a head when its signature holds, the entries make its
//! root, and the roots at all sizes that were seen before are those that were seen.
use std::collections::HashMap;

use mcpsec_model::{
    approval::{EnvelopeError, StatementError, head::Head},
    text::Untrusted,
};

use super::log::{Hashes, HeadRefusal, ProofError, root_of, stored_count, stored_of};

/// A head that was believed before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Before {
    /// Who believed it.
    pub by: Witness,
    /// How many entries it named.
    pub size: u64,
    /// The root of the tree over them.
    pub root: [u8; 32],
}

/// Who saw a head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Witness {
    /// Everybody who has the lock.
    Lock,
    /// This machine.
    Machine,
}

impl std::fmt::Display for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lock => "mcp.lock pins",
            Self::Machine => "this machine has seen",
        })
    }
}

/// Why a log is not believed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LogRefusal {
    /// Its head.
    #[error(transparent)]
    Head(#[from] HeadRefusal),
    /// Another key than the one that is expected.
    #[error("foreign key: the registry signs its log with {found}, and {by} {expected}")]
    Key {
        /// Who expects it.
        by: Witness,
        /// The one that is expected.
        expected: String,
        /// The one that it says it has.
        found: String,
    },
    /// Entries are gone.
    #[error("rollback: the log has {now} entries, and {by} {before}; entries, maybe revocations, were taken out")]
    Rollback {
        /// Who saw more.
        by: Witness,
        /// How many were seen.
        before: u64,
        /// How many there are.
        now: u64,
    },
    /// Entries were changed, or somebody is shown another log.
    #[error(
        "fork: the first {size} entries of the log are not the {size} that {by}; it tells different people different things"
    )]
    Fork {
        /// Who saw others.
        by: Witness,
        /// How many were seen.
        size: u64,
    },
    /// Entries and head do not belong together.
    #[error("the entries that the registry sent do not make the tree that its own head names ({size} entries)")]
    Entries {
        /// How many the head names.
        size: u64,
    },
    /// One statement twice.
    #[error("replay: entry {again} of the log is entry {first} once more; an entry is added once")]
    Twice {
        /// From 0.
        first: u64,
        /// From 0.
        again: u64,
    },
    /// An entry that is nothing that a log of approvals holds.
    #[error("entry {entry} of the log is no approval and no revocation: {why}")]
    Unlike {
        /// From 0.
        entry: u64,
        /// Why, escaped.
        why: String,
    },
}

impl LogRefusal {
    /// One word for it, for documents and tests.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Head(HeadRefusal::Expired(_) | HeadRefusal::Long(_)) => "freeze",
            Self::Head(HeadRefusal::Origin { .. }) => "replay",
            Self::Head(HeadRefusal::Unsigned { .. } | HeadRefusal::Signature(_)) | Self::Key { .. } => "foreign-key",
            Self::Head(HeadRefusal::Form(_)) => "garbage",
            Self::Rollback { .. } => "rollback",
            Self::Fork { .. } => "fork",
            Self::Entries { .. } => "entries",
            Self::Twice { .. } => "replay",
            Self::Unlike { .. } => "unlike",
        }
    }

    /// Whether it lacks, or has other, entries than somebody saw.
    pub fn is_of_the_past(&self) -> bool {
        matches!(self, Self::Rollback { .. } | Self::Fork { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Head(HeadRefusal::Expired(_)) => {
                "see whether the clock of this machine is right; else ask who runs the registry why its log stands still"
            }
            Self::Head(HeadRefusal::Long(_)) => {
                "see whether the clock of this machine is right; else whoever runs the registry sets `head-validity` to some days"
            }
            Self::Head(_) | Self::Key { .. } => {
                "see whether [team] in mcp.toml names the right registry; if its key was changed on purpose, put the new one, \
                 learned from somebody you trust, there as `key`, then `mcpsec approvals --update`"
            }
            Self::Rollback { .. } | Self::Fork { .. } => {
                "do not go on: ask who runs the registry, and compare with a colleague's mcp.lock; a backup that was restored \
                 looks the same, and needs its missing entries back (`mcpsec approvals --import FILE`)"
            }
            Self::Entries { .. } | Self::Twice { .. } | Self::Unlike { .. } => {
                "ask who runs the registry; it does not follow its own rules"
            }
        }
    }

    /// An entry whose envelope cannot be read.
    pub fn envelope(entry: u64, error: &EnvelopeError) -> Self {
        Self::Unlike { entry, why: error.to_string() }
    }

    /// An entry whose statement cannot be read.
    pub fn statement(entry: u64, error: &StatementError) -> Self {
        Self::Unlike { entry, why: error.to_string() }
    }

    /// An entry that is no text.
    pub fn text(entry: u64, why: &str) -> Self {
        Self::Unlike { entry, why: Untrusted::new(why).excerpt(80) }
    }
}

/// Refuses a head that names fewer entries than somebody saw, or another root for as many. To be asked before entries are.
///
/// # Errors
/// [`LogRefusal::Rollback`], [`LogRefusal::Fork`].
pub fn check_forward(head: &Head, before: &[Before]) -> Result<(), LogRefusal> {
    for seen in before {
        if head.size < seen.size {
            return Err(LogRefusal::Rollback { by: seen.by, before: seen.size, now: head.size });
        }
        if head.size == seen.size && head.root != seen.root {
            return Err(LogRefusal::Fork { by: seen.by, size: seen.size });
        }
    }
    Ok(())
}

/// Refuses a log whose root at a size that somebody saw is not the one that they saw. `size` is how many entries `hashes` are of.
///
/// # Errors
/// [`LogRefusal::Fork`]; [`LogRefusal::Rollback`] when there are fewer.
pub fn check_past(size: u64, hashes: &(impl Hashes + ?Sized), before: &[Before]) -> Result<(), LogRefusal> {
    for seen in before {
        if size < seen.size {
            return Err(LogRefusal::Rollback { by: seen.by, before: seen.size, now: size });
        }
        if root_of(seen.size, hashes) != Ok(seen.root) {
            return Err(LogRefusal::Fork { by: seen.by, size: seen.size });
        }
    }
    Ok(())
}

/// A log and the entries that are to follow: their hashes in memory, those of earlier entries wherever they are kept.
#[derive(Debug)]
pub struct Growth<'h, H: ?Sized> {
    earlier: &'h H,
    /// How many hashes are kept of earlier entries.
    kept: u64,
    from: u64,
    size: u64,
    more: Vec<[u8; 32]>,
}

impl<'h, H: Hashes + ?Sized> Growth<'h, H> {
    /// Behind `size` entries, whose hashes are `earlier`.
    ///
    /// # Errors
    /// No log is that long.
    pub fn after(size: u64, earlier: &'h H) -> Result<Self, ProofError> {
        Ok(Self { earlier, kept: stored_count(size)?, from: size, size, more: Vec::new() })
    }

    /// Adds an entry by the hash of its leaf.
    ///
    /// # Errors
    /// A hash of an earlier entry is not there.
    pub fn push(&mut self, leaf: [u8; 32]) -> Result<(), ProofError> {
        let stored = stored_of(self.size, leaf, self)?;
        self.more.extend(stored);
        self.size += 1;
        Ok(())
    }

    /// How many entries there are now.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many there were before.
    pub fn from(&self) -> u64 {
        self.from
    }

    /// Whether this is exactly what a head names.
    ///
    /// # Errors
    /// [`LogRefusal::Entries`].
    pub fn check(&self, head: &Head) -> Result<(), LogRefusal> {
        let fits = self.size == head.size && root_of(self.size, self) == Ok(head.root);
        if fits { Ok(()) } else { Err(LogRefusal::Entries { size: head.size }) }
    }

    /// The hashes that are new, in the order of their indexes.
    pub fn into_hashes(self) -> Vec<[u8; 32]> {
        self.more
    }
}

impl<H: Hashes + ?Sized> Hashes for Growth<'_, H> {
    fn read(&self, indexes: &[u64]) -> Option<Vec<[u8; 32]>> {
        // In ascending order: those of earlier entries come first.
        let (old, new) = indexes.split_at(indexes.partition_point(|index| *index < self.kept));
        let mut hashes = if old.is_empty() { Vec::new() } else { self.earlier.read(old)? };
        for index in new {
            hashes.push(*self.more.get(usize::try_from(index - self.kept).ok()?)?);
        }
        Some(hashes)
    }
}

/// Refuses a log in which one of the new entries is there already. Leaves are in the order of the log.
///
/// # Errors
/// [`LogRefusal::Twice`].
pub fn check_once(old: &[[u8; 32]], new: &[[u8; 32]]) -> Result<(), LogRefusal> {
    let from = old.len() as u64;
    let mut seen: HashMap<&[u8; 32], u64> = HashMap::with_capacity(new.len());
    for (again, leaf) in (from..).zip(new) {
        if let Some(first) = seen.insert(leaf, again) {
            return Err(LogRefusal::Twice { first, again });
        }
    }
    if seen.is_empty() {
        return Ok(());
    }
    // There are few new ones and many old ones: those are only looked up.
    let known = (0..).zip(old).filter_map(|(first, leaf)| Some((first, *seen.get(leaf)?)));
    match known.min_by_key(|(_, again)| *again) {
        Some((first, again)) => Err(LogRefusal::Twice { first, again }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::log::{Tree, leaf_hash},
        *,
    };

    fn tree(lines: &[&str]) -> Tree {
        let mut tree = Tree::default();
        lines.iter().for_each(|line| tree.push(leaf_hash(line.as_bytes())));
        tree
    }

    fn head(tree: &Tree) -> Head {
        let (origin, expires) = ("mcp.example.test".parse(), "2026-12-01T12:00:00Z".parse());
        let (origin, expires) = (origin.expect("origin"), expires.expect("instant"));
        Head { origin, size: tree.size(), root: tree.root(), expires }
    }

    fn seen(by: Witness, tree: &Tree) -> Before {
        Before { by, size: tree.size(), root: tree.root() }
    }

    #[test]
    fn a_log_only_grows() {
        let (two, three) = (tree(&["a", "b"]), tree(&["a", "b", "c"]));
        let other = tree(&["a", "x"]);
        for by in [Witness::Lock, Witness::Machine] {
            assert_eq!(check_forward(&head(&three), &[seen(by, &two)]), Ok(()));
            assert_eq!(check_forward(&head(&two), &[seen(by, &two)]), Ok(()));
            let rollback = LogRefusal::Rollback { by, before: 3, now: 2 };
            assert_eq!(check_forward(&head(&two), &[seen(by, &three)]), Err(rollback.clone()));
            assert_eq!(check_past(2, two.hashes(), &[seen(by, &three)]), Err(rollback));
            let fork = LogRefusal::Fork { by, size: 2 };
            assert_eq!(check_forward(&head(&two), &[seen(by, &other)]), Err(fork.clone()));
            assert_eq!(check_past(3, three.hashes(), &[seen(by, &two)]), Ok(()));
            assert_eq!(check_past(3, three.hashes(), &[seen(by, &two), seen(by, &other)]), Err(fork));
        }
        let nothing = Before { by: Witness::Lock, size: 0, root: Tree::default().root() };
        assert_eq!(check_past(2, two.hashes(), &[nothing]), Ok(()));
    }

    #[test]
    fn entries_must_make_the_root_of_the_head_at_every_size() {
        let lines: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for from in 0..lines.len() {
            let old = tree(&lines[..from]);
            for to in from..lines.len() {
                let new = tree(&lines[..to]);
                let mut growth = Growth::after(from as u64, old.hashes()).expect("size");
                lines[from..to].iter().for_each(|line| growth.push(leaf_hash(line.as_bytes())).expect("push"));
                assert_eq!(growth.check(&head(&new)), Ok(()), "{from} to {to}");
                assert_eq!(check_past(to as u64, &growth, &[seen(Witness::Machine, &old)]), Ok(()));
                let entries = Err(LogRefusal::Entries { size: to as u64 });
                assert_eq!(growth.check(&Head { root: [7; 32], ..head(&new) }), entries);
                let hashes = [old.hashes(), &growth.into_hashes()].concat();
                assert_eq!(hashes, new.hashes(), "{from} to {to}");
            }
            let mut growth = Growth::after(from as u64, old.hashes()).expect("size");
            growth.push(leaf_hash(b"another")).expect("push");
            let to = tree(&lines[..=from]);
            assert_eq!(growth.check(&head(&to)), Err(LogRefusal::Entries { size: to.size() }));
        }
        let mut growth = Growth::after(3, tree(&["a"]).hashes().to_vec().leak()).expect("size");
        assert_eq!(growth.push([0; 32]), Err(ProofError::Missing), "hashes that are not there");
    }

    #[test]
    fn an_entry_is_there_once() {
        let leaf = |text: &str| leaf_hash(text.as_bytes());
        let leaves = |texts: &[&str]| texts.iter().map(|text| leaf(text)).collect::<Vec<_>>();
        assert_eq!(check_once(&leaves(&["a", "b"]), &leaves(&["c", "d"])), Ok(()));
        assert_eq!(check_once(&[], &[]), Ok(()));
        let twice = |first, again| Err(LogRefusal::Twice { first, again });
        assert_eq!(check_once(&leaves(&["a", "b"]), &leaves(&["c", "a"])), twice(0, 3));
        assert_eq!(check_once(&leaves(&["a", "b"]), &leaves(&["c", "c"])), twice(2, 3));
        assert_eq!(check_once(&[], &leaves(&["c", "d", "c"])), twice(0, 2));
    }
}
