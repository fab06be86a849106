//! Zip archives ([APPNOTE 6.3.10](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT)), read strictly.
//!
//! A zip describes each entry twice, in the central directory and before its data, and readers trust one or the other. Both
//! must agree here, and the entries must lie one after the other from the first byte to the directory, without gap or
//! overlap, so that a reader that streams and a reader that seeks see the same files. What honest wheels never use (zip64,
//! encryption, several disks, comments after the end) is refused by name.
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::{Crc, bufread::DeflateDecoder};

use super::{
    Entry, EntryKind, Limits, Summary, Visitor,
    budget::Budget,
    names::{Kind, Names, normal},
    problem::{Problem, reading, shown},
    skip,
};

/// Without zip64 there are at most 65,535 entries; the largest wheels known have some 20,000.
const MAX_ENTRIES: usize = 50_000;
/// The central directory of so many entries with long names.
const MAX_DIRECTORY: u64 = 32 << 20;
const END: usize = 22;
const CENTRAL: usize = 46;
const LOCAL: usize = 30;
const LOCATOR: u64 = 20;
/// General purpose flags that honest wheels use: deflate level (1, 2), sizes after the data (3), UTF-8 names (11).
const KNOWN_FLAGS: u16 = 0b0000_1000_0000_1110;
/// Bits 0, 6, 13: encrypted, strongly encrypted, masked headers.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const SIZES_FOLLOW: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
const ZIP64_EXTRA: u16 = 0x0001;
const UNICODE_PATH_EXTRA: u16 = 0x7075;

/// One entry of the central directory, and where its data lies.
struct Indexed {
    raw: Vec<u8>,
    /// `None` for the root itself.
    path: Option<String>,
    is_folder: bool,
    executable: bool,
    flags: u16,
    deflated: bool,
    crc: u32,
    packed: u64,
    size: u64,
    header_at: u64,
    data_at: u64,
}

/// Reads the index and shows each entry to the visitor; of entries that are not wanted, the contents are not checked.
pub(super) fn visit<R: Read + Seek>(
    mut reader: R,
    limits: &Limits,
    names: &mut Names,
    wanted: &mut dyn FnMut(&str) -> bool,
    visitor: &mut Visitor<'_>,
) -> Result<Summary, Problem> {
    let index = index(&mut reader, limits, names)?;
    let mut summary = Summary::default();
    for entry in &index {
        let Some(path) = &entry.path else { continue };
        if !wanted(path) {
            continue;
        }
        summary.count(entry.size);
        if entry.is_folder {
            visitor(Entry { path, kind: EntryKind::Folder, size: 0, contents: &mut io::empty() })?;
            continue;
        }
        reader.seek(SeekFrom::Start(entry.data_at)).map_err(reading)?;
        let packed = BufReader::with_capacity(32 << 10, (&mut reader).take(entry.packed));
        if entry.deflated {
            let mut contents = Checked::new(DeflateDecoder::new(packed), entry);
            show(entry, path, &mut contents, visitor)?;
            if contents.inner.total_in() != entry.packed {
                return Err(Problem::HiddenData { place: "after the data of an entry" });
            }
        } else {
            show(entry, path, &mut Checked::new(packed, entry), visitor)?;
        }
    }
    Ok(summary)
}

fn show<R: Read>(
    entry: &Indexed,
    path: &str,
    contents: &mut Checked<R>,
    visitor: &mut Visitor<'_>,
) -> Result<(), Problem> {
    let kind = EntryKind::File { executable: entry.executable };
    let seen = visitor(Entry { path, kind, size: entry.size, contents });
    // The visitor saw a reading error as an error of its own; the reason is kept by the reader.
    let seen = seen.and_then(|()| skip(contents).map(drop));
    match contents.fault {
        Some(what) => Err(Problem::Contents { entry: shown(&entry.raw), what }),
        None => seen,
    }
}

/// Contents that must have the stated length and checksum.
struct Checked<R> {
    inner: R,
    left: u64,
    crc: Crc,
    expected: u32,
    done: bool,
    fault: Option<&'static str>,
}

impl<R: Read> Checked<R> {
    fn new(inner: R, entry: &Indexed) -> Self {
        Self { inner, left: entry.size, crc: Crc::new(), expected: entry.crc, done: false, fault: None }
    }

    fn fail(&mut self, what: &'static str) -> io::Error {
        self.fault = Some(what);
        io::Error::new(io::ErrorKind::InvalidData, format!("wrong {what}"))
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done || buffer.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buffer)?;
        if read == 0 {
            self.done = true;
            if self.left != 0 {
                return Err(self.fail("length"));
            }
            if self.crc.sum() != self.expected {
                return Err(self.fail("checksum"));
            }
            return Ok(0);
        }
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(self.fail("length")),
        }
        self.crc.update(&buffer[..read]);
        Ok(read)
    }
}

/// Reads and checks the whole structure; answers the entries in the order of their data.
fn index<R: Read + Seek>(reader: &mut R, limits: &Limits, names: &mut Names) -> Result<Vec<Indexed>, Problem> {
    let length = reader.seek(SeekFrom::End(0)).map_err(reading)?;
    let (directory_at, directory, count) = directory(reader, length)?;
    let mut entries = Vec::with_capacity(count);
    let mut rest = &directory[..];
    for _ in 0..count {
        let (entry, after) = central(rest, limits)?;
        rest = after;
        entries.push(entry);
    }
    if !rest.is_empty() {
        return Err(Problem::HiddenData { place: "in the zip directory" });
    }
    let mut total = 0_u64;
    for entry in &entries {
        if entry.size > limits.file_bytes {
            return Err(Problem::FileTooLarge { entry: shown(&entry.raw), limit: limits.file_bytes });
        }
        total = total.saturating_add(entry.size);
        Budget::judge(limits, length, total)?;
        if let Some(path) = &entry.path {
            names.add(path, if entry.is_folder { Kind::Folder } else { Kind::File })?;
        }
    }
    entries.sort_by_key(|entry| entry.header_at);
    let mut at = 0;
    for entry in 0..entries.len() {
        let end = entries.get(entry + 1).map_or(directory_at, |next| next.header_at);
        let entry = &mut entries[entry];
        if entry.header_at != at {
            return Err(if entry.header_at < at {
                Problem::Overlap { entry: shown(&entry.raw) }
            } else {
                Problem::HiddenData { place: "between zip entries" }
            });
        }
        at = local(reader, entry, end)?;
    }
    if at != directory_at {
        return Err(Problem::HiddenData { place: "before the zip directory" });
    }
    Ok(entries)
}

/// Finds the end record and reads the central directory: where it starts, its bytes, its number of entries.
fn directory<R: Read + Seek>(reader: &mut R, length: u64) -> Result<(u64, Vec<u8>, usize), Problem> {
    let end_at = length.checked_sub(END as u64).ok_or(Problem::Truncated)?;
    let end = bytes_at(reader, end_at, END)?;
    if !end.starts_with(b"PK\x05\x06") {
        // Either there is no zip at all, or its end record is followed by something.
        let start = bytes_at(reader, 0, 4)?;
        return Err(match &start[..] {
            b"PK\x03\x04" | b"PK\x05\x06" if has_end_record(reader, length)? => {
                Problem::HiddenData { place: "after the end of the zip" }
            }
            b"PK\x03\x04" => Problem::Truncated,
            _ => Problem::Damaged { reason: "it is not a zip".to_owned() },
        });
    }
    let (disk, directory_disk) = (u16_at(&end, 4), u16_at(&end, 6));
    let (count_here, count) = (u16_at(&end, 8), u16_at(&end, 10));
    let (size, start) = (u32_at(&end, 12), u32_at(&end, 16));
    let locator = match end_at.checked_sub(LOCATOR) {
        Some(at) => bytes_at(reader, at, 4)?,
        None => Vec::new(),
    };
    if locator.starts_with(b"PK\x06\x07") || count == u16::MAX || size == u32::MAX || start == u32::MAX {
        return Err(Problem::Unsupported { what: "zip64" });
    }
    if disk != 0 || directory_disk != 0 || count_here != count {
        return Err(Problem::Unsupported { what: "several disks" });
    }
    if u16_at(&end, 20) != 0 {
        return Err(Problem::Truncated);
    }
    let count = usize::from(count);
    if count > MAX_ENTRIES {
        return Err(Problem::TooManyEntries { limit: MAX_ENTRIES });
    }
    if u64::from(size) > MAX_DIRECTORY {
        return Err(Problem::HeaderTooLong { limit: MAX_DIRECTORY });
    }
    match (u64::from(start) + u64::from(size)).cmp(&end_at) {
        std::cmp::Ordering::Equal => {}
        // All offsets count from the first byte: bytes put in front, or between directory and end, break the sum.
        std::cmp::Ordering::Less => return Err(Problem::HiddenData { place: "before the zip, or before its end" }),
        std::cmp::Ordering::Greater => return Err(Problem::Truncated),
    }
    let directory = bytes_at(reader, u64::from(start), usize::try_from(size).unwrap_or(0))?;
    Ok((u64::from(start), directory, count))
}

/// Whether there is a whole end record further up, with at most a comment's length after it.
fn has_end_record<R: Read + Seek>(reader: &mut R, length: u64) -> Result<bool, Problem> {
    let from = length.saturating_sub(END as u64 + u64::from(u16::MAX));
    let tail = bytes_at(reader, from, usize::try_from(length - from).unwrap_or(0))?;
    Ok(tail.windows(END).any(|window| window.starts_with(b"PK\x05\x06")))
}

/// Reads one entry of the central directory; answers it and what follows.
fn central<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Indexed, &'a [u8]), Problem> {
    let damaged = || Problem::Damaged { reason: "an entry of the zip directory is malformed".to_owned() };
    let fixed = bytes.get(..CENTRAL).filter(|fixed| fixed.starts_with(b"PK\x01\x02")).ok_or_else(damaged)?;
    let lengths = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
    let [name_length, extra_length, comment_length] = lengths;
    let after = CENTRAL + name_length + extra_length + comment_length;
    let raw = bytes.get(CENTRAL..CENTRAL + name_length).ok_or_else(damaged)?.to_vec();
    let extra = bytes.get(CENTRAL + name_length..CENTRAL + name_length + extra_length).ok_or_else(damaged)?;
    let rest = bytes.get(after..).ok_or_else(damaged)?;
    let entry = || shown(&raw);
    let flags = u16_at(fixed, 8);
    if flags & ENCRYPTED != 0 {
        return Err(Problem::Encrypted { entry: entry() });
    }
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Problem::Unsupported { what: "an unknown zip flag" });
    }
    let deflated = match u16_at(fixed, 10) {
        0 => false,
        8 => true,
        _ => return Err(Problem::Unsupported { what: "a zip compression other than deflate" }),
    };
    let (packed, size, header_at) = (u32_at(fixed, 20), u32_at(fixed, 24), u32_at(fixed, 42));
    if u16_at(fixed, 34) != 0 {
        return Err(Problem::Unsupported { what: "several disks" });
    }
    if [packed, size, header_at].contains(&u32::MAX) {
        return Err(Problem::Unsupported { what: "zip64" });
    }
    check_extra(extra, &raw)?;
    if flags & UTF8 == 0 && !raw.is_ascii() {
        return Err(Problem::Name { entry: entry(), reason: super::NameProblem::Encoding });
    }
    let path = normal(&raw, 0, limits)?;
    let is_folder = raw.ends_with(b"/");
    // The upper half holds a Unix mode, whatever the system of origin says: Python writes it everywhere.
    let mode = u32_at(fixed, 38) >> 16;
    let refuse = |kind| Err(Problem::Special { entry: entry(), kind });
    match mode & 0o170_000 {
        0 => {}
        0o100_000 if !is_folder => {}
        0o040_000 if is_folder => {}
        0o040_000 | 0o100_000 => return Err(Problem::Ambiguous { entry: entry(), what: "file or folder" }),
        0o120_000 => return Err(Problem::LinkForbidden { entry: entry() }),
        0o020_000 => return refuse("character device"),
        0o060_000 => return refuse("block device"),
        0o010_000 => return refuse("FIFO"),
        _ => return refuse("thing of unknown type"),
    }
    if is_folder && (size != 0 || packed > 2) {
        return Err(Problem::Ambiguous { entry: entry(), what: "a folder with contents" });
    }
    if !deflated && packed != size {
        return Err(Problem::Ambiguous { entry: entry(), what: "size" });
    }
    let entry = Indexed {
        path,
        is_folder,
        executable: mode & 0o111 != 0,
        flags,
        deflated,
        crc: u32_at(fixed, 16),
        packed: packed.into(),
        size: size.into(),
        header_at: header_at.into(),
        data_at: 0,
        raw,
    };
    Ok((entry, rest))
}

/// Extra fields, `id, length, data`, to the last byte. One of them can hold another name of the entry.
fn check_extra(extra: &[u8], raw: &[u8]) -> Result<(), Problem> {
    let ambiguous = |what| Err(Problem::Ambiguous { entry: shown(raw), what });
    let (mut rest, mut wide, mut renamed) = (extra, false, false);
    while !rest.is_empty() {
        // Readers differ on how much of a malformed field, and of what follows it, they still believe.
        let malformed = || Problem::Damaged { reason: "a malformed extra field of a zip entry".to_owned() };
        let (id, data, after) = next_field(rest).ok_or_else(malformed)?;
        rest = after;
        match id {
            // Version, CRC of the name it replaces, then the name.
            UNICODE_PATH_EXTRA if data.get(5..) != Some(raw) => return ambiguous("name"),
            UNICODE_PATH_EXTRA if std::mem::replace(&mut renamed, true) => {
                return ambiguous("an extra field given twice");
            }
            ZIP64_EXTRA if std::mem::replace(&mut wide, true) => return ambiguous("an extra field given twice"),
            _ => {}
        }
    }
    Ok(())
}

fn next_field(extra: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = extra.split_at_checked(4)?;
    let (data, rest) = rest.split_at_checked(usize::from(u16_at(head, 2)))?;
    Some((u16_at(head, 0), data, rest))
}

fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (id, data, rest) = next_field(extra)?;
        extra = rest;
        Some((id, data))
    })
}

/// Compares the header before the data with the directory; notes where the data is, and answers where the entry ends.
/// `next` is where the next entry (or the directory) begins.
fn local<R: Read + Seek>(reader: &mut R, entry: &mut Indexed, next: u64) -> Result<u64, Problem> {
    let differs = |what| Problem::Ambiguous { entry: shown(&entry.raw), what };
    let fixed = bytes_at(reader, entry.header_at, LOCAL)?;
    if !fixed.starts_with(b"PK\x03\x04") {
        return Err(Problem::Damaged { reason: "the zip directory points to something that is no entry".to_owned() });
    }
    let (name_length, extra_length) = (u16_at(&fixed, 26), u16_at(&fixed, 28));
    let variable =
        bytes_at(reader, entry.header_at + LOCAL as u64, usize::from(name_length) + usize::from(extra_length))?;
    let (name, extra) = variable.split_at(usize::from(name_length));
    if name != entry.raw {
        return Err(differs("name"));
    }
    check_extra(extra, &entry.raw)?;
    if u16_at(&fixed, 6) != entry.flags {
        return Err(differs("flags"));
    }
    if u16_at(&fixed, 8) != if entry.deflated { 8 } else { 0 } {
        return Err(differs("compression"));
    }
    let wide = fields(extra).find(|(id, _)| *id == ZIP64_EXTRA).map(|(_, data)| data);
    let stated = |at: usize, wide_at: usize| match (u32_at(&fixed, at), wide) {
        // Streaming writers reserve room for large sizes in the local header only.
        (u32::MAX, Some(wide)) => wide.get(wide_at..wide_at + 8).map(u64_of),
        (value, _) => Some(u64::from(value)),
    };
    let (crc, size, packed) = (u32_at(&fixed, 14), stated(22, 0), stated(18, 8));
    let later = entry.flags & SIZES_FOLLOW != 0;
    let agrees = crc == entry.crc && size == Some(entry.size) && packed == Some(entry.packed);
    let left_out = later && crc == 0 && matches!(size, Some(0)) && matches!(packed, Some(0));
    if !agrees && !left_out {
        return Err(differs("size or checksum"));
    }
    entry.data_at = entry.header_at + LOCAL as u64 + variable.len() as u64;
    let end = entry.data_at + entry.packed;
    if !later {
        return Ok(end);
    }
    let follows = next.checked_sub(end).ok_or_else(|| Problem::Overlap { entry: shown(&entry.raw) })?;
    let length = usize::try_from(follows).ok().filter(|length| matches!(length, 12 | 16 | 20 | 24));
    let length = length.ok_or(Problem::HiddenData { place: "between zip entries" })?;
    let descriptor = bytes_at(reader, end, length)?;
    let (signed, values) = match length {
        16 | 24 => (&descriptor[..4] == b"PK\x07\x08", &descriptor[4..]),
        _ => (true, &descriptor[..]),
    };
    let sizes = match values.len() {
        12 => (u64::from(u32_at(values, 4)), u64::from(u32_at(values, 8))),
        _ => (u64_of(&values[4..12]), u64_of(&values[12..20])),
    };
    if !signed || u32_at(values, 0) != entry.crc || sizes != (entry.packed, entry.size) {
        return Err(differs("size or checksum after the data"));
    }
    Ok(next)
}

fn bytes_at<R: Read + Seek>(reader: &mut R, at: u64, length: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = vec![0; length];
    reader.seek(SeekFrom::Start(at)).map_err(reading)?;
    reader.read_exact(&mut bytes).map_err(reading)?;
    Ok(bytes)
}

/// Callers have checked the length.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Callers have checked the length.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

/// Callers have checked the length.
fn u64_of(bytes: &[u8]) -> u64 {
    u64::from(u32_at(bytes, 0)) | u64::from(u32_at(bytes, 4)) << 32
}
