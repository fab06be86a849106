//! The offline database: one file, read by index.
//!
//! ```text
//! 0   8  "MCPSECDB"           head: where the index is, and its hash
//! 8   4  format
//! 12  4  zero
//! 16  8  offset of the index
//! 24  8  its length
//! 32 32  its SHA-256
//! 64  …  records, one after another: reduced OSV JSON
//!     …  index: length and JSON of `About`; then, sorted by key, for each package
//!        u16 length, key, u32 count, count × (u64 offset, u32 length, first 8 bytes of the record's SHA-256)
//! ```
//! Numbers are little-endian. The file is written under another name and renamed, so a reader has one whole database, the old or the
//! new, for as long as it holds the file. The index is checked whole when it is opened, and each record when it is read: a damaged file is
//! an error and never an empty answer. It is no proof against whoever may write the file.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use mcpsec_model::{
    advisory::{MAX_RECORD, Record, Reduced},
    name::{Ecosystem, PackageName},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{OsvError, Records, key};

pub(super) const MAGIC: &[u8; 8] = b"MCPSECDB";
pub(super) const FORMAT: u32 = 1;
pub(super) const HEAD: u64 = 64;
/// Longest index: some millions of packages.
const MAX_INDEX: u64 = 1 << 30;

/// What the database says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct About {
    /// When it was last brought up to date, or found to be.
    pub updated: Timestamp,
    /// When the newest of its records changed.
    pub newest: Option<Timestamp>,
    /// How many records it has.
    pub records: u64,
    /// How many of them could not be understood; their packages are told as unchecked.
    pub unreadable: u64,
    /// Files that were passed over, since not even their packages could be told.
    pub lost: u64,
    /// The archives it was made of, by ecosystem.
    pub parts: BTreeMap<String, Part>,
}

/// An archive as it was downloaded, for asking whether it changed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Part {
    /// SHA-256 of the address.
    pub source: String,
    /// Its `ETag`.
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    pub last_modified: Option<String>,
}

/// Where a record is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Posting {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) check: [u8; 8],
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    file: File,
    about: About,
    index: Vec<u8>,
    /// Where in the index the first package stands.
    packages: usize,
}

impl Database {
    /// Opens the database; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is of another format.
    pub fn open(path: &Path) -> Result<Option<Self>, OsvError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OsvError::io("read", path, &error)),
        };
        let damaged = |reason: &str| OsvError::damaged(path, reason);
        let whole = file.metadata().map_err(|error| OsvError::io("read", path, &error))?.len();
        let mut head = [0; HEAD as usize];
        file.read_exact(&mut head).map_err(|_| damaged("it is too short"))?;
        if &head[..8] != MAGIC {
            return Err(damaged("it does not begin like one"));
        }
        let found = u32_at(&head, 8);
        if found != FORMAT {
            return Err(OsvError::Format { path: path.display().to_string(), found, known: FORMAT });
        }
        let (offset, length) = (u64_at(&head, 16), u64_at(&head, 24));
        let fits = length <= MAX_INDEX && offset >= HEAD && offset.checked_add(length) == Some(whole);
        if !fits {
            return Err(damaged("it was cut short or added to"));
        }
        let mut index = vec![0; usize::try_from(length).map_err(|_| damaged("its index is too long"))?];
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut index))
            .map_err(|error| OsvError::io("read", path, &error))?;
        if digest(&SHA256, &index).as_ref() != &head[32..64] {
            return Err(damaged("its index does not have the hash that it should have"));
        }
        let mut reader = Cursor { bytes: &index, at: 0 };
        let about = reader
            .u32()
            .and_then(|length| reader.take(length as usize))
            .ok_or_else(|| damaged("its index is cut short"))?;
        let about = serde_json::from_slice(about).map_err(|_| damaged("its index does not say what it is"))?;
        let packages = reader.at;
        Ok(Some(Self { path: path.to_path_buf(), file, about, index, packages }))
    }

    /// What it says about itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// All records about these packages.
    ///
    /// # Errors
    /// It cannot be read, or one of these records is damaged.
    pub fn records(&mut self, wanted: &BTreeSet<(Ecosystem, PackageName)>) -> Result<Records, OsvError> {
        let by_key: BTreeMap<String, &(Ecosystem, PackageName)> =
            wanted.iter().map(|package| (key(package.0, &package.1), package)).collect();
        // Both are in order, so one walk finds all.
        let mut open = by_key.iter().peekable();
        let (mut found, mut bytes_of) = (Vec::new(), BTreeMap::new());
        self.walk(|key, postings| {
            while open.next_if(|(wanted, _)| wanted.as_bytes() < key).is_some() {}
            if let Some((_, package)) = open.next_if(|(wanted, _)| wanted.as_bytes() == key) {
                let postings: Vec<Posting> = postings.collect();
                bytes_of.extend(postings.iter().map(|posting| (*posting, None)));
                found.push(((*package).clone(), postings));
            }
            open.peek().is_some()
        })?;
        for (posting, record) in &mut bytes_of {
            *record = Some(self.record(posting)?);
        }
        let of =
            |postings: Vec<Posting>| postings.iter().filter_map(|posting| bytes_of.get(posting)?.clone()).collect();
        Ok(found.into_iter().map(|(package, postings)| (package, of(postings))).collect())
    }

    /// The ecosystems that it has any record about. About packages of another one it has nothing to say, which is no good news.
    ///
    /// # Errors
    /// Its index is damaged.
    pub fn ecosystems(&self) -> Result<BTreeSet<Ecosystem>, OsvError> {
        let mut open = vec![Ecosystem::Npm, Ecosystem::Pypi];
        let mut found = BTreeSet::new();
        self.walk(|key, _| {
            open.retain(|ecosystem| {
                let here = key.starts_with(format!("{ecosystem}:").as_bytes());
                if here {
                    found.insert(*ecosystem);
                }
                !here
            });
            !open.is_empty()
        })?;
        Ok(found)
    }

    fn record(&mut self, posting: &Posting) -> Result<Record, OsvError> {
        let bytes = self.bytes(posting)?;
        Reduced::read(&bytes)
            .map_err(|error| OsvError::damaged(&self.path, format!("a record cannot be read: {error}")))
    }

    /// The bytes of a record, as they were written.
    pub(super) fn bytes(&mut self, posting: &Posting) -> Result<Vec<u8>, OsvError> {
        let damaged = |reason: &str| OsvError::damaged(&self.path, reason);
        if posting.length as usize > MAX_RECORD {
            return Err(damaged("it says that a record is longer than records are"));
        }
        let mut bytes = vec![0; posting.length as usize];
        self.file
            .seek(SeekFrom::Start(posting.offset))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|error| OsvError::io("read", &self.path, &error))?;
        if check(&bytes) != posting.check {
            return Err(damaged("a record does not have the hash that it should have"));
        }
        Ok(bytes)
    }

    /// Visits every package in order, until it is told that this is enough.
    pub(super) fn walk(
        &self,
        mut visit: impl FnMut(&[u8], &mut dyn Iterator<Item = Posting>) -> bool,
    ) -> Result<(), OsvError> {
        let cut = || OsvError::damaged(&self.path, "its index is cut short");
        let mut reader = Cursor { bytes: &self.index, at: self.packages };
        while reader.at < self.index.len() {
            let length = reader.u16().ok_or_else(cut)?;
            let key = reader.take(length.into()).ok_or_else(cut)?;
            let count = reader.u32().ok_or_else(cut)? as usize;
            let postings = reader.take(count.checked_mul(20).ok_or_else(cut)?).ok_or_else(cut)?;
            let mut postings = postings.chunks_exact(20).map(|one| {
                let mut check = [0; 8];
                check.copy_from_slice(&one[12..20]);
                Posting { offset: u64_at(one, 0), length: u32_at(one, 8), check }
            });
            if !visit(key, &mut postings) {
                break;
            }
        }
        Ok(())
    }
}

/// What tells a whole record from a damaged one.
pub(super) fn check(bytes: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&digest(&SHA256, bytes).as_ref()[..8]);
    check
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let part = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(part)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4).map(|bytes| u32_at(bytes, 0))
    }
}
