//! Writing a database: records stream into a file beside the old one, the index follows, and a rename puts both in place at once.
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use mcpsec_model::{advisory::Reduced, time::Timestamp};
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::{
    About, Database, OsvError,
    database::{FORMAT, HEAD, MAGIC, Posting, check},
    key,
};

/// What the names of files begin with that are not finished yet.
const UNFINISHED: &str = ".advisories-";
/// Most records of one database.
const MAX_RECORDS: usize = 5_000_000;

/// A database that is being written. The right to do so is held until it is dropped.
pub(super) struct Builder {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    at: u64,
    entries: Vec<Entry>,
    by_id: HashMap<String, usize>,
    lost: Vec<String>,
    lost_count: u64,
    _lock: File,
}

struct Entry {
    keys: Vec<String>,
    posting: Posting,
    modified: Option<Timestamp>,
    unreadable: bool,
}

/// How many names of lost files are kept for telling.
const TOLD: usize = 10;

impl Builder {
    /// Begins a database that will be at `path`.
    pub(super) fn new(path: &Path) -> Result<Self, OsvError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| OsvError::io("make", folder, &error))?;
        let lock_path = path.with_extension("lock");
        let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|error| OsvError::io("open", &lock_path, &error))?;
        match lock.try_lock() {
            Err(fs::TryLockError::WouldBlock) => return Err(OsvError::Busy { path: path.display().to_string() }),
            // A file system without locks: the last one wins, whole.
            Err(fs::TryLockError::Error(error)) => tracing::debug!(%error, "no lock for the advisory database"),
            Ok(()) => sweep(folder),
        }
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder);
        let mut file = BufWriter::with_capacity(1 << 20, file.map_err(|error| OsvError::io("write", path, &error))?);
        file.write_all(&[0; HEAD as usize]).map_err(|error| OsvError::io("write", path, &error))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            at: HEAD,
            entries: Vec::new(),
            by_id: HashMap::new(),
            lost: Vec::new(),
            lost_count: 0,
            _lock: lock,
        })
    }

    /// How many records there are so far.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Files of which not even the packages could be told.
    pub(super) fn lost(&self) -> (&[String], u64) {
        (&self.lost, self.lost_count)
    }

    /// Counts a file that could not be read. `what` is safe to print.
    pub(super) fn lose(&mut self, what: String) {
        self.lost_count += 1;
        if self.lost.len() < TOLD {
            self.lost.push(what);
        }
    }

    /// Adds a record. Of two with one id, the one that changed last stays.
    pub(super) fn add(&mut self, reduced: &Reduced) -> Result<(), OsvError> {
        let keys = reduced.packages.iter().map(|(ecosystem, name)| key(*ecosystem, name)).collect();
        self.put(&reduced.id, reduced.modified, keys, &reduced.bytes, reduced.unreadable.is_some())
    }

    fn put(
        &mut self,
        id: &str,
        modified: Option<Timestamp>,
        keys: Vec<String>,
        bytes: &[u8],
        unreadable: bool,
    ) -> Result<(), OsvError> {
        let known = self.by_id.get(id).copied();
        if known.is_some_and(|known| self.entries[known].modified >= modified) {
            return Ok(());
        }
        if self.entries.len() >= MAX_RECORDS {
            return Err(OsvError::source(self.path.display().to_string(), format!("more than {MAX_RECORDS} records")));
        }
        self.write(bytes)?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let posting = Posting { offset: self.at - bytes.len() as u64, length, check: check(bytes) };
        let entry = Entry { keys, posting, modified, unreadable };
        match known {
            Some(known) => self.entries[known] = entry,
            None => {
                self.by_id.insert(id.to_owned(), self.entries.len());
                self.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Takes over from another database what it has about an ecosystem.
    pub(super) fn carry(&mut self, old: &mut Database, ecosystem: &str) -> Result<(), OsvError> {
        let start = format!("{ecosystem}:");
        let (mut keys, mut wanted) = (BTreeMap::<Posting, Vec<String>>::new(), Vec::new());
        old.walk(|key, postings| {
            let key = String::from_utf8_lossy(key).into_owned();
            for posting in postings {
                let keys = keys.entry(posting).or_default();
                if key.starts_with(&start) {
                    wanted.push(posting);
                }
                keys.push(key.clone());
            }
            true
        })?;
        for posting in wanted {
            // A record about several packages comes once, with all of them.
            let Some(keys) = keys.remove(&posting) else { continue };
            let bytes = old.bytes(&posting)?;
            let about: Kept = serde_json::from_slice(&bytes)
                .map_err(|_| OsvError::damaged(&self.path, "a record says not what it is"))?;
            let modified = about.modified.as_deref().and_then(|text| text.parse().ok());
            self.put(&about.id, modified, keys, &bytes, modified.is_none())?;
        }
        Ok(())
    }

    /// Puts the database in place of what was there.
    pub(super) fn finish(mut self, mut about: About) -> Result<About, OsvError> {
        about.records = self.entries.len() as u64;
        about.unreadable = self.entries.iter().filter(|entry| entry.unreadable).count() as u64;
        about.lost += self.lost_count;
        about.newest = self.entries.iter().filter_map(|entry| entry.modified).max();
        let mut packages: BTreeMap<&str, Vec<Posting>> = BTreeMap::new();
        for entry in &self.entries {
            for key in &entry.keys {
                packages.entry(key).or_default().push(entry.posting);
            }
        }
        let said = serde_json::to_vec(&about).map_err(|error| OsvError::io("write", &self.path, &error.into()))?;
        let mut index = Vec::with_capacity(64 * packages.len());
        index.extend((said.len() as u32).to_le_bytes());
        index.extend(&said);
        for (key, mut postings) in packages {
            postings.sort_unstable();
            postings.dedup();
            // Names have 214 bytes at most.
            index.extend((key.len() as u16).to_le_bytes());
            index.extend(key.as_bytes());
            index.extend((postings.len() as u32).to_le_bytes());
            for posting in postings {
                index.extend(posting.offset.to_le_bytes());
                index.extend(posting.length.to_le_bytes());
                index.extend(posting.check);
            }
        }
        let mut head = Vec::with_capacity(HEAD as usize);
        head.extend(MAGIC);
        head.extend(FORMAT.to_le_bytes());
        head.extend([0; 4]);
        head.extend(self.at.to_le_bytes());
        head.extend((index.len() as u64).to_le_bytes());
        head.extend(digest(&SHA256, &index).as_ref());
        self.write(&index)?;
        let Self { path, file, .. } = &mut self;
        let failed = |error: io::Error| OsvError::io("write", path, &error);
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&head))
            .and_then(|()| file.flush())
            .map_err(failed)?;
        let Self { path, file, _lock, .. } = self;
        let temporary = file.into_inner().map_err(|error| OsvError::io("write", &path, error.error()))?;
        let place = || -> io::Result<()> {
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        place().map_err(|error| OsvError::io("write", &path, &error))?;
        Ok(about)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), OsvError> {
        self.file.write_all(bytes).map_err(|error| OsvError::io("write", &self.path, &error))?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

/// What is read of a record that is taken over.
#[derive(Deserialize)]
struct Kept {
    id: String,
    modified: Option<String>,
}

/// Removes what processes left that were killed; the lock is held, so it belongs to nobody.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED)) {
            let _litter = fs::remove_file(entry.path());
        }
    }
}
