//! What this machine has verified of a log.
//!
//! ```text
//! <store>/team/<id>/lines       the entries, each with its line feed: the bytes of the file form
//!                   hashes      the hashes of the tree over them, 32 bytes each, in the order of their indexes
//!                   index       16 bytes for each entry: where it ends, and which server it is about
//!                   state       how much of these counts, and the head; replaced last, by a rename
//! <store>/team/<id>.lock        held by whoever writes
//! <store>/team/keys/<id>        which key the log of an address had when it was seen first
//! ```
//!
//! The three files only ever grow; what stands behind the lengths in `state` is of a writer that did not finish, and the next one
//! cuts it off. So readers need no lock, and `kill -9` at any moment leaves the last committed state.
use std::{
    fs::File,
    path::{Path, PathBuf},
};

use mcpsec_model::{
    digest::Digest,
    name::ServerName,
    team::{TeamKey, TeamUrl},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{MAX_ENTRIES, MAX_LOG, TeamError, files};

/// The form of the files.
const FORMAT: u32 = 1;
/// The longest `state`, in bytes: a head is at most 4 KiB.
const MAX_STATE: u64 = 32 << 10;
pub(super) const STATE: &str = "state";
pub(super) const LINES: &str = "lines";
pub(super) const HASHES: &str = "hashes";
pub(super) const INDEX: &str = "index";
/// Bytes of one entry in `index`.
pub(super) const ENTRY: usize = 16;
const HASH: u64 = 32;

/// Which server an entry is about: the start of a hash of its name. Two servers may share one; whoever reads the entries sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Topic(u64);

impl Topic {
    /// Of a server.
    pub fn of(server: &ServerName) -> Self {
        let digest = Digest::sha256_of(server.as_str().as_bytes());
        let mut start = [0; 8];
        start.copy_from_slice(&digest.as_bytes()[..8]);
        Self(u64::from_le_bytes(start))
    }

    pub(super) fn to_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
}

/// `state`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) format: u32,
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) bytes: u64,
    pub(super) hashes: u64,
    pub(super) index: Digest,
    pub(super) head: String,
    pub(super) seen: Timestamp,
}

/// The last head that this machine believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The note, as the registry sent it.
    pub head: String,
    /// How many entries it names.
    pub size: u64,
    /// When the registry was last asked and told this.
    pub seen: Timestamp,
}

/// The copies of a store.
#[derive(Clone, Debug)]
pub struct Copies {
    root: PathBuf,
}

impl Copies {
    /// Below the folder of a store; nothing is made yet.
    pub fn new(store: &Path) -> Self {
        Self { root: store.join(crate::store::layout::TEAM) }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn folder(&self, key: &TeamKey) -> PathBuf {
        self.root.join(id(key.as_str()))
    }

    pub(super) fn lock_path(&self, key: &TeamKey) -> PathBuf {
        self.root.join(format!("{}.lock", id(key.as_str())))
    }

    /// The copy of a log, for reading. `None` if there is none that can be read: then there is only what [`Copies::remembered`]
    /// says.
    pub fn open(&self, key: &TeamKey) -> Option<Copy> {
        let folder = self.folder(key);
        let state = read_state(&folder, key)?;
        match Copy::open(folder.clone(), state) {
            Ok(copy) => Some(copy),
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "the copy of the team's log is broken; it is fetched again");
                None
            }
        }
    }

    /// The last head of a log that this machine believed, also when the entries are lost.
    pub fn remembered(&self, key: &TeamKey) -> Option<Kept> {
        read_state(&self.folder(key), key).map(|state| state.kept())
    }

    /// The key that the log of an address had when this machine saw it first.
    pub fn first_key(&self, registry: &TeamUrl) -> Option<TeamKey> {
        let path = self.root.join("keys").join(id(&registry.to_string()));
        files::read_small(&path, 1024).ok().flatten()?.trim_end().parse().ok()
    }

    /// Remembers the key of an address, in place of what was remembered before.
    ///
    /// # Errors
    /// The disk.
    pub fn remember_key(&self, registry: &TeamUrl, key: &TeamKey) -> Result<(), TeamError> {
        if self.first_key(registry).as_ref() == Some(key) {
            return Ok(());
        }
        let folder = self.root.join("keys");
        files::create_dir(&folder)?;
        files::replace(&folder, &id(&registry.to_string()), format!("{key}\n").as_bytes())
    }
}

/// A file name of a text that anybody may have written.
fn id(text: &str) -> String {
    Digest::sha256_of(text.as_bytes()).to_hex()[..32].to_owned()
}

/// `None` for a state that is not there, not whole or of another key: as good as none.
pub(super) fn read_state(folder: &Path, key: &TeamKey) -> Option<State> {
    let text = files::read_small(&folder.join(STATE), MAX_STATE).ok().flatten()?;
    let state: State = serde_json::from_str(&text).ok()?;
    let fits = state.format == FORMAT
        && state.key == key.as_str()
        && state.size <= MAX_ENTRIES
        && state.bytes <= MAX_LOG
        && state.hashes <= 2 * MAX_ENTRIES;
    fits.then_some(state)
}

impl State {
    /// Of a log of which nothing is known.
    pub(super) fn empty(key: &str) -> Self {
        Self {
            format: FORMAT,
            key: key.to_owned(),
            size: 0,
            bytes: 0,
            hashes: 0,
            index: Digest::sha256_of(b""),
            head: String::new(),
            seen: Timestamp::UNIX_EPOCH,
        }
    }

    pub(super) fn kept(&self) -> Kept {
        Kept { head: self.head.clone(), size: self.size, seen: self.seen }
    }
}

/// One log, as far as this machine has verified it.
#[derive(Debug)]
pub struct Copy {
    folder: PathBuf,
    state: State,
    lines: File,
    hashes: File,
    /// The whole of `index`: its hash was compared, so that no entry is passed over.
    index: Vec<u8>,
}

impl Copy {
    pub(super) fn open(folder: PathBuf, state: State) -> Result<Self, TeamError> {
        let open = |name: &str, bytes| {
            let path = folder.join(name);
            files::open_long(&path, bytes).map_err(|error| TeamError::io("read", &path, error))
        };
        let (lines, hashes) = (open(LINES, state.bytes)?, open(HASHES, state.hashes * HASH)?);
        let length = state.size * ENTRY as u64;
        let file = open(INDEX, length)?;
        let path = folder.join(INDEX);
        let mut index = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        files::read_at(&file, &mut index, 0).map_err(|error| TeamError::io("read", &path, error))?;
        let ends = |entry: &[u8]| number(&entry[..8]);
        let last = index.as_chunks::<ENTRY>().0.last().map_or(0, |entry| ends(entry));
        if Digest::sha256_of(&index) != state.index || last != state.bytes {
            let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "its hash is not the one that was kept");
            return Err(TeamError::io("read", &path, error));
        }
        Ok(Self { folder, state, lines, hashes, index })
    }

    /// Its head, and when it was seen.
    pub fn kept(&self) -> Kept {
        self.state.kept()
    }

    /// How many entries it has.
    pub fn size(&self) -> u64 {
        self.state.size
    }

    /// The hashes of the tree at these indexes; `None` if one is not there.
    pub fn hashes(&self, indexes: &[u64]) -> Option<Vec<[u8; 32]>> {
        let one = |index: &u64| {
            let mut hash = [0; 32];
            let there = *index < self.state.hashes;
            (there && files::read_at(&self.hashes, &mut hash, index * HASH).is_ok()).then_some(hash)
        };
        indexes.iter().map(one).collect()
    }

    /// All hashes of the tree, in the order of their indexes.
    ///
    /// # Errors
    /// The disk.
    pub fn all_hashes(&self) -> Result<Vec<[u8; 32]>, TeamError> {
        let length = usize::try_from(self.state.hashes * HASH).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        files::read_at(&self.hashes, &mut bytes, 0)
            .map_err(|error| TeamError::io("read", &self.folder.join(HASHES), error))?;
        Ok(bytes.as_chunks::<32>().0.to_vec())
    }

    /// The entries that may be about a server: their numbers, from 0, and their bytes without the line feed.
    ///
    /// # Errors
    /// The disk. Whether the bytes are still those that were verified is for the caller to see: [`TeamError::Changed`] is theirs to
    /// make, with [`Copy::changed`].
    pub fn about(&self, topic: Topic) -> Result<Vec<(u64, Vec<u8>)>, TeamError> {
        let wanted = topic.to_bytes();
        let entries = self.index.as_chunks::<ENTRY>().0.iter().enumerate();
        entries
            .filter(|(_, entry)| entry[8..] == wanted)
            .map(|(number, _)| Ok((number as u64, self.line(number)?)))
            .collect()
    }

    /// The bytes of the entries from `start` on, whole lines, at most `most` of them.
    ///
    /// # Errors
    /// The disk.
    pub fn lines(&self, start: u64, most: u64) -> Result<Vec<u8>, TeamError> {
        let end = self.size().min(start.saturating_add(most));
        let (from, to) = (self.end_before(start), self.end_before(end));
        self.read(from, to)
    }

    /// The error for an entry that is not what it was.
    pub fn changed(&self, entry: u64) -> TeamError {
        TeamError::Changed { entry, path: self.folder.join(LINES) }
    }

    fn line(&self, number: usize) -> Result<Vec<u8>, TeamError> {
        let (from, to) = (self.end_before(number as u64), self.end_before(number as u64 + 1));
        let mut line = self.read(from, to)?;
        if line.pop() == Some(b'\n') { Ok(line) } else { Err(self.changed(number as u64)) }
    }

    fn read(&self, from: u64, to: u64) -> Result<Vec<u8>, TeamError> {
        let length = to.saturating_sub(from);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        files::read_at(&self.lines, &mut bytes, from)
            .map_err(|error| TeamError::io("read", &self.folder.join(LINES), error))?;
        Ok(bytes)
    }

    /// Where the entries before this one end.
    fn end_before(&self, entry: u64) -> u64 {
        let before = usize::try_from(entry).ok().and_then(|entry| entry.checked_sub(1));
        before.and_then(|at| self.index.as_chunks::<ENTRY>().0.get(at)).map_or(0, |entry| number(&entry[..8]))
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map(u64::from_le_bytes).unwrap_or_default()
}
