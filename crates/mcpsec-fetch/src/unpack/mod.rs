//! Safe reading of archives: npm tarballs, Python wheels and source distributions, git archives.
//!
//! Every entry goes through the same checks before anybody sees it: its name ([`names`](self)) is safe on every system and
//! there once (or again with the same bytes, as `npm pack` sometimes writes), its size is within [`Limits`], it is a file, a folder or (where allowed) a link that stays inside. The
//! archive itself is read strictly: what two readers could understand differently is refused by name ([`Problem`]).
//!
//! | kind | container | names | links |
//! |---|---|---|---|
//! | npm tarball | gzipped tar | first segment taken off, as npm does | refused |
//! | wheel | zip | as they are | refused |
//! | sdist | gzipped tar, or zip by its file name | as they are | inside only |
//! | git archive | plain tar | as they are | symbolic, inside only |
mod budget;
mod extract;
mod header;
mod names;
mod problem;
mod tar;
mod zip;

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Seek},
};

use mcpsec_model::{artifact::CheckedArtifact, package::ArtifactKind};

pub use extract::extract_to;
pub use problem::{NameProblem, Problem, UnpackError};

use self::{
    budget::{Budget, Packed, Unpacked},
    names::Names,
    problem::{reading, shown},
    tar::{Repeat, Rules},
};

/// What an archive may cost whoever unpacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries, folders that only appear in names included.
    pub entries: usize,
    /// Bytes of all files together.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// How many times its own size an archive may unpack to …
    pub ratio: u64,
    /// … once it has unpacked to more than so many bytes; small archives of zeros are no danger.
    pub ratio_from: u64,
    /// Segments of one name.
    pub depth: usize,
    /// Bytes of one name.
    pub name_bytes: usize,
}

impl Limits {
    /// Room for every package known to be honest (the largest have some 60,000 files and 1 GiB), none for bombs.
    pub const STANDARD: Self = Self {
        entries: 200_000,
        total_bytes: 4 << 30,
        file_bytes: 2 << 30,
        // Text packs to a tenth, the most regular real files to a hundredth; deflate itself ends at about 1,030.
        ratio: 200,
        ratio_from: 64 << 20,
        depth: 64,
        name_bytes: 1024,
    };
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind<'a> {
    /// A regular file.
    File {
        /// Whether anybody may execute it.
        executable: bool,
    },
    /// A folder. Folders of files need not have an entry of their own.
    Folder,
    /// A symbolic link that stays inside: `..` only at the front of the target.
    Symlink {
        /// The target as checked, relative to the link's folder.
        target: &'a str,
    },
    /// Another name of an earlier file.
    HardLink {
        /// The earlier file's path.
        target: &'a str,
    },
}

/// One entry, checked, with its contents still to be read.
pub struct Entry<'a> {
    /// Normal name: relative, `/` between segments, none of them `.` or `..`.
    pub path: &'a str,
    /// What it is.
    pub kind: EntryKind<'a>,
    /// Length of the contents in bytes.
    pub size: u64,
    contents: &'a mut dyn Read,
}

impl Entry<'_> {
    /// The contents; reading fails where the archive is truncated, damaged or over its limits. What is not read is skipped
    /// (and still checked).
    pub fn contents(&mut self) -> &mut dyn Read {
        self.contents
    }

    /// All contents in memory, if they are at most `max` bytes.
    ///
    /// # Errors
    /// [`Problem::Longer`], or what is wrong with the archive.
    pub fn read_all(&mut self, max: usize) -> Result<Vec<u8>, Problem> {
        let longer = || Problem::Longer { entry: shown(self.path), limit: max };
        let size = usize::try_from(self.size).ok().filter(|size| *size <= max).ok_or_else(longer)?;
        let mut bytes = Vec::with_capacity(size);
        self.contents.read_to_end(&mut bytes).map_err(reading)?;
        Ok(bytes)
    }
}

/// Receives each entry. An error ends the reading and is passed on.
pub type Visitor<'v> = dyn FnMut(Entry<'_>) -> Result<(), Problem> + 'v;

/// What an archive held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Entries shown to the visitor.
    pub entries: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Summary {
    fn count(&mut self, bytes: u64) {
        self.entries += 1;
        self.bytes += bytes;
    }
}

/// Reads a whole archive and shows every entry to the visitor. Only when this returns `Ok` is the archive known to be good:
/// a fault may stand at its very end, so what the visitor did with earlier entries counts only then.
///
/// # Errors
/// The first [`Problem`] found.
pub fn visit(
    artifact: &CheckedArtifact,
    kind: ArtifactKind,
    limits: &Limits,
    visitor: &mut Visitor<'_>,
) -> Result<Summary, UnpackError> {
    let file = open(artifact)?;
    visit_reader(artifact.file(), file, kind, limits, visitor)
}

/// [`visit`] for bytes that are not in the store. `file` is the archive's file name: it decides about `.zip` source
/// distributions and appears in errors.
///
/// # Errors
/// The first [`Problem`] found.
pub fn visit_reader(
    file: &str,
    reader: impl Read + Seek,
    kind: ArtifactKind,
    limits: &Limits,
    visitor: &mut Visitor<'_>,
) -> Result<Summary, UnpackError> {
    read(file, reader, kind, limits, &mut |_| true, visitor).map_err(|problem| UnpackError::new(file, problem))
}

/// The contents of one file by its normal name (for npm without the leading folder), or `None` if there is none such.
///
/// Of a zip, the whole index is checked and only this file is unpacked. A tar has no index, and a later entry of the same
/// name would win in other readers, so all of it is read.
///
/// # Errors
/// The first [`Problem`] found, also in other entries; [`Problem::Longer`] when the file is longer than `max` bytes.
pub fn read_file(
    artifact: &CheckedArtifact,
    kind: ArtifactKind,
    limits: &Limits,
    name: &str,
    max: usize,
) -> Result<Option<Vec<u8>>, UnpackError> {
    let mut found = read_matching(artifact, kind, limits, max, |path| path == name)?;
    Ok(found.pop().map(|(_, bytes)| bytes))
}

/// The contents of all files whose normal name is wanted, in the archive's order; checks as in [`read_file`].
///
/// # Errors
/// As [`read_file`].
pub fn read_matching(
    artifact: &CheckedArtifact,
    kind: ArtifactKind,
    limits: &Limits,
    max: usize,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, UnpackError> {
    let mut found = Vec::new();
    let mut visitor = |mut entry: Entry<'_>| {
        if matches!(entry.kind, EntryKind::File { .. }) && wanted(entry.path) {
            let bytes = entry.read_all(max)?;
            found.push((entry.path.to_owned(), bytes));
        }
        Ok(())
    };
    let file = open(artifact)?;
    read(artifact.file(), file, kind, limits, &mut |path| wanted(path), &mut visitor)
        .map_err(|problem| UnpackError::new(artifact.file(), problem))?;
    Ok(found)
}

fn open(artifact: &CheckedArtifact) -> Result<File, UnpackError> {
    File::open(artifact.path()).map_err(|source| {
        UnpackError::new(artifact.file(), Problem::Io { what: "could not open it in the store".to_owned(), source })
    })
}

/// `wanted` says of which zip entries the contents matter; see [`read_file`].
fn read(
    file: &str,
    mut reader: impl Read + Seek,
    kind: ArtifactKind,
    limits: &Limits,
    wanted: &mut dyn FnMut(&str) -> bool,
    visitor: &mut Visitor<'_>,
) -> Result<Summary, Problem> {
    let mut names = Names::new(limits);
    let is_zip = kind == ArtifactKind::Wheel
        || kind == ArtifactKind::Sdist
            && file.get(file.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".zip"));
    let rules = match kind {
        ArtifactKind::NpmTarball => Rules { strip: 1, symlinks: false, hard_links: false, repeats: true },
        ArtifactKind::Sdist => Rules { strip: 0, symlinks: true, hard_links: true, repeats: true },
        ArtifactKind::GitArchive => Rules { strip: 0, symlinks: true, hard_links: false, repeats: false },
        ArtifactKind::Wheel => Rules { strip: 0, symlinks: false, hard_links: false, repeats: false },
    };
    let summary = if is_zip {
        zip::visit(reader, limits, &mut names, wanted, visitor)?
    } else {
        let gzipped = kind != ArtifactKind::GitArchive;
        let (summary, repeats) = tar_stream(&mut reader, gzipped, rules, limits, &mut names, visitor)?;
        if !repeats.is_empty() {
            reader.rewind().map_err(reading)?;
            compare(&repeats, &mut reader, gzipped, rules, limits)?;
        }
        summary
    };
    match kind {
        ArtifactKind::NpmTarball if !names.has_file("package.json") => Err(Problem::NoPackageJson),
        ArtifactKind::Wheel if !has_dist_info(&names) => Err(Problem::NoDistInfo),
        _ => Ok(summary),
    }
}

fn tar_stream(
    reader: &mut dyn Read,
    gzipped: bool,
    rules: Rules,
    limits: &Limits,
    names: &mut Names,
    visitor: &mut Visitor<'_>,
) -> Result<(Summary, Vec<Repeat>), Problem> {
    let budget = Budget::new(limits.clone());
    let packed = BufReader::with_capacity(32 << 10, Packed { inner: reader, budget: budget.clone() });
    let read = || {
        if !gzipped {
            let mut plain = Unpacked { inner: packed, budget: budget.clone() };
            return tar::visit(&mut plain, rules, limits, names, visitor);
        }
        // One gzip member only: readers disagree on what follows it.
        let decoder = flate2::bufread::GzDecoder::new(packed);
        let mut plain = BufReader::with_capacity(64 << 10, Unpacked { inner: decoder, budget: budget.clone() });
        let result = tar::visit(&mut plain, rules, limits, names, visitor)?;
        match plain.into_inner().inner.into_inner().fill_buf().map_err(reading)? {
            [] => Ok(result),
            [0x1f, 0x8b, ..] => Err(Problem::HiddenData { place: "a second gzip member" }),
            _ => Err(Problem::HiddenData { place: "after the gzip stream" }),
        }
    };
    // A reader that hit a limit can only say so with an I/O error; the budget knows the reason.
    read().map_err(|problem| budget.failure().unwrap_or(problem))
}

/// Reads the archive again and compares each repeated file with its first appearance. `npm pack` writes a file twice when
/// `bin` names it with a leading `./`; that is harmless exactly when both are equal, whichever a reader takes.
fn compare(
    repeats: &[Repeat],
    reader: &mut dyn Read,
    gzipped: bool,
    rules: Rules,
    limits: &Limits,
) -> Result<(), Problem> {
    let mut visitor = |mut entry: Entry<'_>| {
        let path = entry.path;
        let mut again = repeats.iter().filter(|repeat| repeat.path == path).peekable();
        if again.peek().is_none() {
            return Ok(());
        }
        let sha256 = match entry.kind {
            EntryKind::File { .. } => Some(tar::sha256_of(entry.contents())?),
            // A repeated hard link is not looked into.
            _ => None,
        };
        let same = |repeat: &Repeat| {
            sha256 == Some(repeat.sha256) && entry.kind == EntryKind::File { executable: repeat.executable }
        };
        if again.all(same) { Ok(()) } else { Err(Problem::Duplicate { entry: shown(path) }) }
    };
    tar_stream(reader, gzipped, rules, limits, &mut Names::new(limits), &mut visitor).map(drop)
}

/// Exactly one `<name>-<version>.dist-info` with the three files that the wheel specification requires.
fn has_dist_info(names: &Names) -> bool {
    // In any letter case: Python looks for installed packages without regard to it.
    let mut folders = names.top_level().filter(|name| names::folded(name).ends_with(".dist-info"));
    let (Some(folder), None) = (folders.next(), folders.next()) else { return false };
    folder.ends_with(".dist-info")
        && ["METADATA", "WHEEL", "RECORD"].iter().all(|file| names.has_file(&format!("{folder}/{file}")))
}

/// Reads a file to its end without keeping it.
fn skip(contents: &mut dyn Read) -> Result<u64, Problem> {
    io::copy(contents, &mut io::sink()).map_err(reading)
}
