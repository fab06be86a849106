//! Adds what was verified to the copy of a log.
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use mcpsec_model::{digest::Digest, team::TeamKey, time::Timestamp};

use super::{
    Block, Copies, Copy, Kept, MAX_LOG, TeamError, Topic,
    copy::{ENTRY, HASHES, INDEX, LINES, STATE, State, read_state},
    files,
};

/// How often it is looked whether another process is done.
const PAUSE: Duration = Duration::from_millis(50);

/// The one process that writes to a copy. Dropping it without [`Writer::commit`] changes nothing.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    /// Held as long as this lives; the system releases it when the process ends in any way.
    _guard: File,
    /// What counts now; starts at nothing when the files are broken.
    state: State,
    copy: Option<Copy>,
    remembered: Option<Kept>,
    lines: File,
    bytes: u64,
    index: Vec<u8>,
}

impl Copies {
    /// Waits until no other process writes, but no longer than `patience`, and cuts off what an earlier one left unfinished. Blocks:
    /// not for an async task.
    ///
    /// # Errors
    /// The disk; [`TeamError::Busy`] while another process writes, which may be fetching a whole log.
    pub fn writer(&self, key: &TeamKey, patience: Duration) -> Result<Writer, TeamError> {
        files::create_dir(self.root())?;
        let path = self.lock_path(key);
        let guard = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let guard = guard.map_err(|error| TeamError::io("open", &path, error))?;
        let start = Instant::now();
        while let Err(error) = guard.try_lock() {
            match error {
                TryLockError::Error(error) => return Err(TeamError::io("lock", &path, error)),
                TryLockError::WouldBlock if start.elapsed() >= patience => {
                    return Err(TeamError::Busy { seconds: patience.as_secs() });
                }
                TryLockError::WouldBlock => std::thread::sleep(PAUSE),
            }
        }
        let folder = self.folder(key);
        files::create_dir(&folder)?;
        let remembered = self.remembered(key);
        let copy = self.open(key);
        let state = match &copy {
            Some(_) => read_state(&folder, key).unwrap_or_else(|| State::empty(key.as_str())),
            None => State::empty(key.as_str()),
        };
        let lines = files::open_tail(&folder.join(LINES), state.bytes)?;
        for (name, bytes) in [(HASHES, state.hashes * 32), (INDEX, state.size * ENTRY as u64)] {
            drop(files::open_tail(&folder.join(name), bytes)?);
        }
        let (bytes, index) = (state.bytes, Vec::new());
        Ok(Writer { folder, _guard: guard, state, copy, remembered, lines, bytes, index })
    }
}

impl Writer {
    /// What is there already.
    pub fn copy(&self) -> Option<&Copy> {
        self.copy.as_ref()
    }

    /// How many entries are there already.
    pub fn size(&self) -> u64 {
        self.state.size
    }

    /// Takes none of the entries that are there for good: all come anew. Until the commit there is no copy, only the last head.
    ///
    /// # Errors
    /// The disk.
    pub fn restart(&mut self) -> Result<(), TeamError> {
        self.state = State::empty(&self.state.key);
        self.copy = None;
        self.index.clear();
        self.bytes = 0;
        self.lines = files::open_tail(&self.folder.join(LINES), 0)?;
        Ok(())
    }

    /// The last head that this machine believed, also when its entries are lost.
    pub fn remembered(&self) -> Option<&Kept> {
        self.remembered.as_ref()
    }

    /// Puts entries behind those that are there; they do not count before the commit. One topic for each line.
    ///
    /// # Errors
    /// The disk; more than [`MAX_LOG`] bytes.
    pub fn stage(&mut self, block: &Block, topics: &[Topic]) -> Result<(), TeamError> {
        let path = self.folder.join(LINES);
        let full = || TeamError::io("write", &path, std::io::Error::from(std::io::ErrorKind::FileTooLarge));
        let start = self.bytes;
        self.bytes = start + block.bytes().len() as u64;
        if self.bytes > MAX_LOG || topics.len() != block.len() {
            return Err(full());
        }
        self.lines.write_all(block.bytes()).map_err(|error| TeamError::io("write", &path, error))?;
        for (end, topic) in block.ends().iter().zip(topics) {
            self.index.extend((start + *end as u64).to_le_bytes());
            self.index.extend(topic.to_bytes());
        }
        Ok(())
    }

    /// Makes everything that was staged count, under a head that was verified to be about it: `hashes` are those of the tree that
    /// are new, in the order of their indexes. What is on the disk survives a power failure before the state says so.
    ///
    /// # Errors
    /// The disk.
    pub fn commit(mut self, hashes: &[[u8; 32]], head: &str, now: Timestamp) -> Result<(), TeamError> {
        if !self.index.is_empty() {
            let sync =
                |path: &PathBuf, file: &File| file.sync_data().map_err(|error| TeamError::io("sync", path, error));
            sync(&self.folder.join(LINES), &self.lines)?;
            let old = self.state.size * ENTRY as u64;
            for (name, kept, bytes) in
                [(HASHES, self.state.hashes * 32, hashes.as_flattened()), (INDEX, old, self.index.as_slice())]
            {
                let path = self.folder.join(name);
                let mut file = files::open_tail(&path, kept)?;
                file.write_all(bytes).map_err(|error| TeamError::io("write", &path, error))?;
                sync(&path, &file)?;
            }
            self.state.index = self.index_digest()?;
            self.state.size += (self.index.len() / ENTRY) as u64;
            self.state.hashes += hashes.len() as u64;
            self.state.bytes = self.bytes;
        }
        head.clone_into(&mut self.state.head);
        self.state.seen = now;
        let text = serde_json::to_vec(&self.state).map_err(|error| {
            let error = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
            TeamError::io("write", &self.folder.join(STATE), error)
        })?;
        files::replace(&self.folder, STATE, &text)
    }

    /// The hash of the whole index, with what is new.
    fn index_digest(&self) -> Result<Digest, TeamError> {
        let path = self.folder.join(INDEX);
        let length = self.state.size * ENTRY as u64 + self.index.len() as u64;
        let read = || {
            let file = files::open_long(&path, length)?;
            let mut index = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
            files::read_at(&file, &mut index, 0)?;
            Ok(Digest::sha256_of(&index))
        };
        read().map_err(|error| TeamError::io("read", &path, error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Space only: the next writer cuts it off as well.
        let _cut_later = self.lines.set_len(self.state.bytes);
    }
}
