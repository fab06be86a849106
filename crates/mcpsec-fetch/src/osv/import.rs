//! Records from files: a zip of JSON files, or a folder that holds such files and zips.
//!
//! Archives are read entry by entry, each bounded, all together bounded, and nothing is written but the database. A record that cannot be
//! read is kept with the packages it names; a file of which not even these can be told is counted and named.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Seek},
    path::{Path, PathBuf},
};

use mcpsec_model::{
    advisory::{MAX_RECORD, Reduced, reduce},
    text::Untrusted,
    time::Timestamp,
};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{About, OsvError, build::Builder};

/// Most files of one archive or folder.
const MAX_FILES: usize = 5_000_000;
/// Most bytes of all records of one archive or folder.
const MAX_TOTAL: u64 = 32 << 30;
/// Folders in folders.
const MAX_DEPTH: usize = 6;
/// Records that are read at once, and their bytes.
const BATCH: (usize, usize) = (2048, 32 << 20);

/// What came of an import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
    /// The database as it is now.
    pub about: About,
    /// Names of the first files that could not be read, escaped.
    pub lost: Vec<String>,
}

/// Makes the database at `path` anew from a zip file, or from a folder of JSON files and zip files. Links are not followed.
///
/// # Errors
/// The source cannot be read, holds nothing about npm or PyPI or too much that is unreadable; another process writes the database.
/// The old database stays as it was.
pub fn import(path: &Path, source: &Path, now: Timestamp) -> Result<Imported, OsvError> {
    let mut builder = Builder::new(path)?;
    let mut feed = Feed::default();
    if source.is_dir() {
        for file in files_below(source)? {
            add_file(&mut builder, &mut feed, &file)?;
        }
    } else {
        let file = open(source)?;
        add_zip(&mut builder, &mut feed, file, &source.display().to_string())?;
    }
    feed.flush(&mut builder)?;
    let name = source.display().to_string();
    let lost = sane(&builder, &name)?;
    let about = builder.finish(About {
        updated: now,
        newest: None,
        records: 0,
        unreadable: 0,
        lost: 0,
        parts: BTreeMap::new(),
    })?;
    Ok(Imported { about, lost })
}

/// Refuses what cannot have been a database of advisories: it would take the place of one.
pub(super) fn sane(builder: &Builder, source: &str) -> Result<Vec<String>, OsvError> {
    let (names, lost) = builder.lost();
    let names = names.to_vec();
    if lost > 10.max(builder.len() as u64 / 100) {
        let first = names.first().cloned().unwrap_or_default();
        return Err(OsvError::source(source, format!("{lost} of its files are no records; the first: {first}")));
    }
    if builder.len() == 0 {
        return Err(OsvError::source(source, "it holds no record about a package of npm or PyPI"));
    }
    Ok(names)
}

fn open(path: &Path) -> Result<File, OsvError> {
    File::open(path).map_err(|error| OsvError::io("read", path, &error))
}

fn add_file(builder: &mut Builder, feed: &mut Feed, path: &Path) -> Result<(), OsvError> {
    let name = path.display().to_string();
    if path.extension().is_some_and(|ending| ending == "zip") {
        return add_zip(builder, feed, open(path)?, &name);
    }
    let mut bytes = Vec::new();
    let limit = MAX_RECORD as u64 + 1;
    open(path)?.take(limit).read_to_end(&mut bytes).map_err(|error| OsvError::io("read", path, &error))?;
    feed.push(builder, name, bytes)
}

/// Adds the records of a zip. `name` is for messages.
pub(super) fn add_zip(
    builder: &mut Builder,
    feed: &mut Feed,
    file: impl std::io::Read + Seek,
    name: &str,
) -> Result<(), OsvError> {
    let refuse = |reason: String| OsvError::source(name, Untrusted::new(reason).excerpt(200));
    let mut zip = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| refuse(error.to_string()))?;
    if zip.len() > MAX_FILES {
        return Err(refuse(format!("it has {} entries, more than {MAX_FILES}", zip.len())));
    }
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|error| refuse(error.to_string()))?;
        let raw_name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if !entry.is_file() || !raw_name.ends_with(".json") {
            continue;
        }
        let entry_name = Untrusted::new(raw_name).excerpt(120);
        let mut bytes = Vec::new();
        // One byte more than a record may have: the reader refuses it for its length.
        entry
            .take(MAX_RECORD as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| refuse(format!("{entry_name}: {error}")))?;
        feed.push(builder, format!("{name}: {entry_name}"), bytes)?;
    }
    feed.flush(builder)
}

/// Records on their way into the database, read on every core.
#[derive(Default)]
pub(super) struct Feed {
    waiting: Vec<(String, Vec<u8>)>,
    size: usize,
    total: u64,
    files: usize,
}

impl Feed {
    fn push(&mut self, builder: &mut Builder, name: String, bytes: Vec<u8>) -> Result<(), OsvError> {
        self.total += bytes.len() as u64;
        self.files += 1;
        if self.total > MAX_TOTAL || self.files > MAX_FILES {
            return Err(OsvError::source(name, format!("more than {MAX_FILES} files or {MAX_TOTAL} bytes in all")));
        }
        self.size += bytes.len();
        self.waiting.push((name, bytes));
        if self.waiting.len() >= BATCH.0 || self.size >= BATCH.1 { self.flush(builder) } else { Ok(()) }
    }

    pub(super) fn flush(&mut self, builder: &mut Builder) -> Result<(), OsvError> {
        let read: Vec<Result<Option<Reduced>, String>> = self
            .waiting
            .par_iter()
            .map(|(name, bytes)| reduce(bytes).map_err(|error| format!("{name}: {error}")))
            .collect();
        for record in read {
            match record {
                Ok(Some(reduced)) => builder.add(&reduced)?,
                Ok(None) => {}
                Err(lost) => builder.lose(lost),
            }
        }
        self.waiting.clear();
        self.size = 0;
        Ok(())
    }
}

/// JSON files and zips below a folder, sorted.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, OsvError> {
    let (mut files, mut open) = (Vec::new(), vec![(folder.to_path_buf(), 0)]);
    while let Some((folder, depth)) = open.pop() {
        let failed = |error: std::io::Error| OsvError::io("read", &folder, &error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            if kind.is_dir() && depth < MAX_DEPTH {
                open.push((path, depth + 1));
            } else if kind.is_file() && path.extension().is_some_and(|ending| ending == "json" || ending == "zip") {
                files.push(path);
            }
            if files.len() + open.len() > MAX_FILES {
                return Err(OsvError::source(folder.display().to_string(), format!("more than {MAX_FILES} files")));
            }
        }
    }
    files.sort();
    Ok(files)
}
