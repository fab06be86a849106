//! One file out of a zip of a stranger (APPNOTE 6.3.10), within bounds, without reading the rest.
//!
//! The `zip` crate makes a record in memory of each entry that the directory claims, millions for a directory that is large
//! enough; here the directory is read in one bounded piece and only the entry that is wanted is looked at.
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use flate2::{Crc, read::DeflateDecoder};

use super::{ArrivalError, tarball::MAX_DESCRIPTION};

/// The central directory of 65,535 entries, as many as there are without zip64, with long names.
const MAX_DIRECTORY: u64 = 32 << 20;
const END: usize = 22;
const CENTRAL: usize = 46;
const LOCAL: usize = 30;
/// Bits 0, 6, 13: encrypted, strongly encrypted, masked headers.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// An entry as the central directory has it.
struct Central<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    header_at: u64,
}

/// The contents of the one file whose name is wanted; `None` when there is no such file.
pub(super) fn only(
    mut file: File,
    what: &'static str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<Vec<u8>>, ArrivalError> {
    let directory = directory(&mut file)?;
    let mut rest = &directory[..];
    let mut found = None;
    while !rest.is_empty() {
        let (entry, after) = central(rest)?;
        rest = after;
        if std::str::from_utf8(entry.name).is_ok_and(&wanted) && found.replace(entry).is_some() {
            return Err(ArrivalError::Ambiguous("its description is there twice"));
        }
    }
    found.map(|entry| contents(&mut file, &entry, what)).transpose()
}

/// The central directory, whose end record must be the last thing of the file.
fn directory(file: &mut File) -> Result<Vec<u8>, ArrivalError> {
    let length = file.seek(SeekFrom::End(0)).map_err(ArrivalError::Io)?;
    let end_at = length.checked_sub(END as u64).ok_or_else(|| damaged("it is cut off"))?;
    let end = bytes_at(file, end_at, END)?;
    if !end.starts_with(b"PK\x05\x06") || end[20..] != [0, 0] {
        return Err(damaged("it does not end as a zip does"));
    }
    let (size, start) = (u64::from(u32_at(&end, 12)), u64::from(u32_at(&end, 16)));
    if u16_at(&end, 8) == u16::MAX || start == u64::from(u32::MAX) {
        return Err(damaged("zip64 is not read"));
    }
    if size > MAX_DIRECTORY {
        return Err(ArrivalError::TooMuch { what: "bytes in its directory", limit: MAX_DIRECTORY });
    }
    if start.checked_add(size) != Some(end_at) {
        return Err(ArrivalError::Ambiguous("the directory is not where its end says"));
    }
    let size = usize::try_from(size).map_err(|_| damaged("its directory is too large"))?;
    bytes_at(file, start, size)
}

fn central(bytes: &[u8]) -> Result<(Central<'_>, &[u8]), ArrivalError> {
    let cut = || damaged("its directory is cut off");
    let head = bytes.get(..CENTRAL).filter(|head| head.starts_with(b"PK\x01\x02")).ok_or_else(cut)?;
    let (name, extra, comment) = (u16_at(head, 28), u16_at(head, 30), u16_at(head, 32));
    let name_end = CENTRAL + usize::from(name);
    let end = name_end + usize::from(extra) + usize::from(comment);
    let (name, after) = (bytes.get(CENTRAL..name_end).ok_or_else(cut)?, bytes.get(end..).ok_or_else(cut)?);
    let entry = Central {
        name,
        flags: u16_at(head, 8),
        method: u16_at(head, 10),
        crc: u32_at(head, 16),
        packed: u32_at(head, 20).into(),
        size: u32_at(head, 24).into(),
        header_at: u32_at(head, 42).into(),
    };
    Ok((entry, after))
}

fn contents(file: &mut File, entry: &Central<'_>, what: &'static str) -> Result<Vec<u8>, ArrivalError> {
    if entry.size > MAX_DESCRIPTION {
        let why = format!("has more than {MAX_DESCRIPTION} bytes");
        return Err(ArrivalError::Description { file: what, why });
    }
    if entry.flags & ENCRYPTED != 0 {
        return Err(damaged("an entry is encrypted"));
    }
    let local = bytes_at(file, entry.header_at, LOCAL)?;
    if !local.starts_with(b"PK\x03\x04") {
        return Err(damaged("an entry is not where the directory says"));
    }
    let name_at = entry.header_at + LOCAL as u64;
    let name = bytes_at(file, name_at, usize::from(u16_at(&local, 26)))?;
    if name != entry.name || u16_at(&local, 8) != entry.method {
        return Err(ArrivalError::Ambiguous("an entry is described twice, differently"));
    }
    let data_at = name_at + u64::from(u16_at(&local, 26)) + u64::from(u16_at(&local, 28));
    file.seek(SeekFrom::Start(data_at)).map_err(ArrivalError::Io)?;
    let packed = file.take(entry.packed);
    let mut bytes = Vec::new();
    let read = match entry.method {
        0 => packed.take(entry.size + 1).read_to_end(&mut bytes),
        8 => DeflateDecoder::new(packed).take(entry.size + 1).read_to_end(&mut bytes),
        _ => return Err(damaged("an entry is packed in a way that is not read")),
    };
    read.map_err(|error| reading(&error))?;
    let mut crc = Crc::new();
    crc.update(&bytes);
    if bytes.len() as u64 != entry.size || crc.sum() != entry.crc {
        return Err(damaged("an entry has another length or checksum than it says"));
    }
    Ok(bytes)
}

fn bytes_at(file: &mut File, at: u64, count: usize) -> Result<Vec<u8>, ArrivalError> {
    file.seek(SeekFrom::Start(at)).map_err(ArrivalError::Io)?;
    let mut bytes = vec![0; count];
    file.read_exact(&mut bytes).map_err(|error| reading(&error))?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn damaged(why: &'static str) -> ArrivalError {
    ArrivalError::Damaged { what: "zip", why: why.to_owned() }
}

fn reading(error: &io::Error) -> ArrivalError {
    ArrivalError::reading("zip", error)
}
