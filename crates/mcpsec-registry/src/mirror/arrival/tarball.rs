//! One file out of a gzipped tar of a stranger (POSIX.1-2017 ustar and pax, GNU long names), within bounds.
//!
//! The `tar` crate splits the stream into members and checks their headers; extended headers come to us raw, because it would
//! read them in any length into memory, and would let a pax size move the members that follow.
use std::{
    fs::File,
    io::{self, BufReader, Read},
};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType, PaxExtensions};

use super::{ArrivalError, is_pkg_info};

/// Longest `package.json` or `PKG-INFO`.
pub(super) const MAX_DESCRIPTION: u64 = 2 << 20;
/// Members of one archive; clients unpack no more.
const MAX_ENTRIES: u64 = 200_000;
/// What may come out of an archive while it is read.
const MAX_UNPACKED: u64 = 1 << 30;
/// How many times its own size an archive may unpack to, from 64 MiB on; deflate itself ends at about 1,030.
const MAX_RATIO: u64 = 200;
const RATIO_FROM: u64 = 64 << 20;
/// Longest extended header, or name.
const MAX_EXTENDED: u64 = 256 << 10;
/// Files in the folder of commands.
const MAX_LISTED: usize = 1_000;

/// What the root of an npm package has, in short.
#[derive(Debug)]
pub(super) struct Root {
    /// `package.json`.
    pub(super) package_json: Vec<u8>,
    /// Whether there is a `binding.gyp`, which npm builds where no script says otherwise.
    pub(super) gyp: bool,
    /// Whether there is an `npm-shrinkwrap.json`, which fixes the versions below it.
    pub(super) shrinkwrap: bool,
}

/// Reads an npm tarball to its end. npm unpacks it without the first folder of each name, whatever that is called; with two
/// `package.json`, the later one would win there and the earlier one here.
pub(super) fn npm(file: File) -> Result<Root, ArrivalError> {
    let (mut package_json, mut gyp, mut shrinkwrap) = (None, false, false);
    walk(file, &mut |name, kind, reader| {
        let Some(path) = stripped(name) else { return Ok(()) };
        match path.as_str() {
            "package.json" if !kind.is_file() => Err(ArrivalError::Ambiguous("package.json is no plain file")),
            "package.json" if package_json.is_some() => Err(ArrivalError::Ambiguous("package.json is there twice")),
            "package.json" => {
                package_json = Some(description(reader, "package.json")?);
                Ok(())
            }
            "binding.gyp" => {
                gyp = true;
                Ok(())
            }
            "npm-shrinkwrap.json" => {
                shrinkwrap = true;
                Ok(())
            }
            _ => Ok(()),
        }
    })?;
    let package_json = package_json
        .ok_or_else(|| ArrivalError::Description { file: "package.json", why: "is not there".to_owned() })?;
    Ok(Root { package_json, gyp, shrinkwrap })
}

/// The files below a folder of an npm tarball, for packages that name a folder of commands.
pub(super) fn files_below(file: File, folder: &str) -> Result<Vec<String>, ArrivalError> {
    let mut found = Vec::new();
    walk(file, &mut |name, kind, _| {
        let Some(path) = stripped(name) else { return Ok(()) };
        let below = path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        if kind.is_file() && below && found.len() < MAX_LISTED {
            found.push(path);
        }
        Ok(())
    })?;
    Ok(found)
}

/// `<folder>/PKG-INFO` of a source distribution, if there is one.
pub(super) fn pkg_info(file: File) -> Result<Option<Vec<u8>>, ArrivalError> {
    let mut found = None;
    walk(file, &mut |name, kind, reader| {
        if !is_pkg_info(name.strip_prefix("./").unwrap_or(name)) {
            return Ok(());
        }
        if !kind.is_file() || found.is_some() {
            return Err(ArrivalError::Ambiguous("PKG-INFO is there twice, or is no plain file"));
        }
        found = Some(description(reader, "PKG-INFO")?);
        Ok(())
    })?;
    Ok(found)
}

/// A name without its first segment, as node-tar strips it; then without what means nothing.
fn stripped(name: &str) -> Option<String> {
    let path: Vec<&str> = name.split('/').skip(1).filter(|part| !part.is_empty() && *part != ".").collect();
    (!path.is_empty()).then(|| path.join("/"))
}

fn description(reader: &mut dyn Read, file: &'static str) -> Result<Vec<u8>, ArrivalError> {
    bounded(reader, MAX_DESCRIPTION, "bytes of description").map_err(|error| match error {
        ArrivalError::TooMuch { limit, .. } => {
            ArrivalError::Description { file, why: format!("has more than {limit} bytes") }
        }
        error => error,
    })
}

fn bounded(reader: &mut dyn Read, limit: u64, what: &'static str) -> Result<Vec<u8>, ArrivalError> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(|error| reading(&error))?;
    if bytes.len() as u64 > limit {
        return Err(ArrivalError::TooMuch { what, limit });
    }
    Ok(bytes)
}

type Visitor<'a> = dyn FnMut(&str, EntryType, &mut dyn Read) -> Result<(), ArrivalError> + 'a;

/// Shows each member with its name to the visitor, up to the end of the archive.
fn walk(file: File, visitor: &mut Visitor<'_>) -> Result<(), ArrivalError> {
    let packed = file.metadata().map_err(ArrivalError::Io)?.len();
    let limit = MAX_UNPACKED.min(packed.saturating_mul(MAX_RATIO).max(RATIO_FROM));
    let unpacked = Counted { inner: MultiGzDecoder::new(BufReader::new(file)), left: limit };
    let mut archive = Archive::new(unpacked);
    let mut pending = Pending::default();
    let mut seen = 0;
    for entry in archive.entries().map_err(|error| reading(&error))?.raw(true) {
        let mut entry = entry.map_err(|error| over(&error, limit))?;
        seen += 1;
        if seen > MAX_ENTRIES {
            return Err(ArrivalError::TooMuch { what: "entries", limit: MAX_ENTRIES });
        }
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions() {
            pending.extend(kind, &bounded(&mut entry, MAX_EXTENDED, "bytes in an extended header")?)?;
            continue;
        }
        if kind.is_pax_global_extensions() {
            let bytes = bounded(&mut entry, MAX_EXTENDED, "bytes in an extended header")?;
            if pax(&bytes)?.iter().any(|(key, _)| matches!(key.as_str(), "path" | "size" | "linkpath")) {
                return Err(ArrivalError::Ambiguous("a header names all entries that follow"));
            }
            continue;
        }
        if kind.is_gnu_sparse() {
            return Err(ArrivalError::Ambiguous("it has a sparse file"));
        }
        let size = entry.header().entry_size().map_err(|error| reading(&error))?;
        let raw = entry.path_bytes().into_owned();
        let name = std::mem::take(&mut pending).name(raw, size)?;
        // A name that is no UTF-8 is none of those that are looked for.
        if let Ok(name) = std::str::from_utf8(&name) {
            visitor(name, kind, &mut entry)?;
        }
        io::copy(&mut entry, &mut io::sink()).map_err(|error| over(&error, limit))?;
    }
    Ok(())
}

/// Extended headers that wait for their member.
#[derive(Default)]
struct Pending {
    long_name: Option<Vec<u8>>,
    pax_name: Option<Vec<u8>>,
    pax_size: Option<u64>,
}

impl Pending {
    fn extend(&mut self, kind: EntryType, bytes: &[u8]) -> Result<(), ArrivalError> {
        if kind.is_gnu_longname() {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            if self.long_name.replace(bytes[..end].to_vec()).is_some() {
                return Err(ArrivalError::Ambiguous("an entry has two long names"));
            }
        }
        if kind.is_pax_local_extensions() {
            for (key, value) in pax(bytes)? {
                let twice = match key.as_str() {
                    "path" => self.pax_name.replace(value).is_some(),
                    "size" => {
                        let size = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
                        let size = size.ok_or(ArrivalError::Ambiguous("a size that is no number"))?;
                        self.pax_size.replace(size).is_some()
                    }
                    _ => false,
                };
                if twice {
                    return Err(ArrivalError::Ambiguous("an entry has two names or sizes"));
                }
            }
        }
        Ok(())
    }

    /// The member's name, when all that tell it agree.
    fn name(self, header: Vec<u8>, size: u64) -> Result<Vec<u8>, ArrivalError> {
        if self.pax_size.is_some_and(|pax| pax != size) {
            return Err(ArrivalError::Ambiguous("an entry has two sizes"));
        }
        match (self.pax_name, self.long_name) {
            (Some(pax), Some(long)) if pax != long => Err(ArrivalError::Ambiguous("an entry has two names")),
            (pax, long) => Ok(pax.or(long).unwrap_or(header)),
        }
    }
}

fn pax(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ArrivalError> {
    PaxExtensions::new(bytes)
        .map(|record| {
            let record = record.map_err(|error| reading(&error))?;
            let key = record.key().map_err(|_| ArrivalError::Ambiguous("an extended header is not UTF-8"))?;
            Ok((key.to_owned(), record.value_bytes().to_vec()))
        })
        .collect()
}

/// Stops at the limit.
struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

fn over(error: &io::Error, limit: u64) -> ArrivalError {
    match error.kind() {
        io::ErrorKind::FileTooLarge if limit < MAX_UNPACKED => ArrivalError::Bomb(MAX_RATIO),
        io::ErrorKind::FileTooLarge => ArrivalError::TooMuch { what: "unpacked bytes", limit },
        _ => reading(error),
    }
}

fn reading(error: &io::Error) -> ArrivalError {
    ArrivalError::reading("tar.gz", error)
}
