//! Tar streams (POSIX.1-2017 ustar and pax, GNU long names), read strictly.
//!
//! Readers disagree about odd archives: which of two names counts, whose size holds, what follows the end. An archive on
//! which two readers could disagree is refused, since what is reviewed with one reader is unpacked with another. The loop is
//! ours, because the `tar` crate reads extended headers of any length into memory and takes odd fields as they come.
use std::io::{self, Read};

use aws_lc_rs::digest::{Context, SHA256};
use mcpsec_model::digest::Digest;

use super::{
    Entry, EntryKind, Limits, Summary, Visitor,
    header::{self, BLOCK, Header},
    names::{Kind, Names, link_target, normal},
    problem::{Problem, reading, shown},
};

/// Files that may come twice in one archive; honest ones have two or three.
const MAX_REPEATS: usize = 256;
/// What is wrong with a size in GNU's binary form that octal digits could say, without a pax record to confirm it.
const ODD_SIZE: &str = "a size that is not an octal number";
/// Longest pax header or GNU long name; honest ones hold a path and some attributes.
const MAX_EXTENDED: u64 = 256 << 10;

/// What a kind of archive may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Leading segments of each name that are taken off.
    pub(super) strip: usize,
    pub(super) symlinks: bool,
    pub(super) hard_links: bool,
    /// Whether one file may come twice with the same bytes.
    pub(super) repeats: bool,
}

/// A file that came again, with what must be true of it the first time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Repeat {
    pub(super) path: String,
    pub(super) executable: bool,
    pub(super) sha256: Digest,
}

/// Extended headers that wait for their entry.
#[derive(Default)]
struct Pending {
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Option<Pax>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.long_name.is_none() && self.long_link.is_none() && self.pax.is_none()
    }

    /// Reads an extended header.
    fn extend(&mut self, reader: &mut dyn Read, header: &Header) -> Result<(), Problem> {
        let ambiguous = |what| Err(Problem::Ambiguous { entry: shown(&header.name), what });
        if header.name.is_empty() {
            // node-tar drops such a header, others heed it.
            return ambiguous("an extended header without a name");
        }
        if header.odd_size {
            return ambiguous(ODD_SIZE);
        }
        if self.pax.as_ref().is_some_and(|pax| pax.size.is_some()) {
            // Some readers give the size to this header, others to the entry after it.
            return ambiguous("two extended headers");
        }
        let bytes = extended(reader, header.size)?;
        let pax = || Pax::parse(&bytes, &header.name);
        match header.kind {
            b'x' => once(&mut self.pax, pax()?, header),
            b'L' => once(&mut self.long_name, without_nul(bytes), header),
            b'K' => once(&mut self.long_link, without_nul(bytes), header),
            _ if !self.is_empty() => ambiguous("a header for all between an entry and its own"),
            _ => {
                let pax = pax()?;
                if pax.path.is_some() || pax.link_path.is_some() || pax.size.is_some() {
                    return Err(Problem::Unsupported { what: "a pax header that names all later entries" });
                }
                Ok(())
            }
        }
    }
}

#[derive(Default)]
struct Pax {
    path: Option<Vec<u8>>,
    link_path: Option<Vec<u8>>,
    size: Option<Vec<u8>>,
}

/// Reads a whole tar stream to the end of `reader` and shows each entry to the visitor. Files that came again are not shown
/// but answered; the caller has to compare them.
pub(super) fn visit(
    reader: &mut dyn Read,
    rules: Rules,
    limits: &Limits,
    names: &mut Names,
    visitor: &mut Visitor<'_>,
) -> Result<(Summary, Vec<Repeat>), Problem> {
    let mut walk = Walk { rules, limits, names, visitor, summary: Summary::default(), repeats: Vec::new() };
    let mut pending = Pending::default();
    loop {
        let block = block(reader)?;
        if block == [0; BLOCK] {
            if !pending.is_empty() {
                return Err(damaged("an extended header without its entry"));
            }
            only_zeros_follow(reader)?;
            return Ok((walk.summary, walk.repeats));
        }
        let header = header::parse(&block)?;
        match header.kind {
            b'x' | b'g' | b'L' | b'K' => pending.extend(reader, &header)?,
            _ => walk.member(reader, &header, std::mem::take(&mut pending))?,
        }
    }
}

/// What is known while an archive is read.
struct Walk<'a, 'v> {
    rules: Rules,
    limits: &'a Limits,
    names: &'a mut Names,
    visitor: &'a mut Visitor<'v>,
    summary: Summary,
    repeats: Vec<Repeat>,
}

impl Walk<'_, '_> {
    /// A file, folder or link.
    fn member(&mut self, reader: &mut dyn Read, header: &Header, pending: Pending) -> Result<(), Problem> {
        let size = header.size;
        let pax = pending.pax.unwrap_or_default();
        let raw = choose(pax.path, pending.long_name, &header.name, "name")?;
        match pax.size {
            Some(text) if text != size.to_string().into_bytes() => {
                return Err(Problem::Ambiguous { entry: shown(&raw), what: "size" });
            }
            None if header.odd_size => return Err(Problem::Ambiguous { entry: shown(&raw), what: ODD_SIZE }),
            _ => {}
        }
        let name = normal(&raw, self.rules.strip, self.limits)?;
        let entry = || shown(&raw);
        let only_without_data =
            |what| if size == 0 { Ok(()) } else { Err(Problem::Ambiguous { entry: entry(), what }) };
        let is_link = |allowed: bool| {
            only_without_data("a link with contents")?;
            name.as_deref().filter(|_| allowed).ok_or_else(|| Problem::LinkForbidden { entry: entry() })
        };
        let target = || choose(pax.link_path.clone(), pending.long_link.clone(), &header.link, "link target");
        match header.kind {
            b'\0' if !raw.ends_with(b"/") && header.name.ends_with(b"/") => {
                Err(Problem::Ambiguous { entry: entry(), what: "file or folder" })
            }
            b'0' | b'\0' if !raw.ends_with(b"/") => {
                if size > self.limits.file_bytes {
                    return Err(Problem::FileTooLarge { entry: entry(), limit: self.limits.file_bytes });
                }
                let mut contents = Contents { reader, left: size };
                if let Some(name) = name {
                    self.file(name, header.executable, size, &mut contents)?;
                }
                io::copy(&mut contents, &mut io::sink()).map_err(reading)?;
                padding(reader, size)
            }
            // The seventh edition had no folders: its writers mark them by the slash alone. With the newer type of a file,
            // some readers make a folder and others a file.
            b'0' => Err(Problem::Ambiguous { entry: entry(), what: "file or folder" }),
            // A slash in one of two names only: for some readers what follows is a file's contents, for others headers.
            b'\0' if !header.name.ends_with(b"/") => Err(Problem::Ambiguous { entry: entry(), what: "file or folder" }),
            b'5' | b'\0' => {
                only_without_data("a folder with contents")?;
                let Some(name) = &name else { return Ok(()) };
                self.names.add(name, Kind::Folder)?;
                self.show(name, EntryKind::Folder)
            }
            b'2' => {
                let name = is_link(self.rules.symlinks)?;
                let target = link_target(name, &target()?, self.limits)?;
                self.names.add(name, Kind::Link)?;
                self.show(name, EntryKind::Symlink { target: &target })
            }
            b'1' => {
                let name = is_link(self.rules.hard_links)?;
                let raw_target = target()?;
                let target = normal(&raw_target, self.rules.strip, self.limits).ok().flatten();
                let target = target
                    .filter(|target| self.names.has_file(target))
                    .ok_or_else(|| Problem::HardLinkTarget { entry: shown(name), target: shown(&raw_target) })?;
                self.names.add(name, Kind::File)?;
                self.show(name, EntryKind::HardLink { target: &target })
            }
            b'3' => Err(Problem::Special { entry: entry(), kind: "character device" }),
            b'4' => Err(Problem::Special { entry: entry(), kind: "block device" }),
            b'6' => Err(Problem::Special { entry: entry(), kind: "FIFO" }),
            b'7' => Err(Problem::Special { entry: entry(), kind: "contiguous file" }),
            b'S' => Err(Problem::Unsupported { what: "sparse files" }),
            _ => Err(Problem::Special { entry: entry(), kind: "thing of unknown type" }),
        }
    }

    /// A file with contents: shown the first time, noted for comparison when it comes again.
    fn file(&mut self, name: String, executable: bool, size: u64, contents: &mut dyn Read) -> Result<(), Problem> {
        if !self.rules.repeats || !self.names.has_file(&name) {
            self.names.add(&name, Kind::File)?;
            self.summary.count(size);
            return (self.visitor)(Entry { path: &name, kind: EntryKind::File { executable }, size, contents });
        }
        if self.repeats.len() >= MAX_REPEATS {
            return Err(Problem::Duplicate { entry: shown(&name) });
        }
        self.repeats.push(Repeat { path: name, executable, sha256: sha256_of(contents)? });
        Ok(())
    }

    /// An entry without contents.
    fn show(&mut self, path: &str, kind: EntryKind<'_>) -> Result<(), Problem> {
        self.summary.count(0);
        (self.visitor)(Entry { path, kind, size: 0, contents: &mut io::empty() })
    }
}

/// The SHA-256 of what is left to read.
pub(super) fn sha256_of(contents: &mut dyn Read) -> Result<Digest, Problem> {
    let mut context = Context::new(&SHA256);
    let mut buffer = [0; 16 << 10];
    loop {
        let read = contents.read(&mut buffer).map_err(reading)?;
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(context.finish().as_ref());
    Ok(Digest::Sha256(sha256))
}

/// Exactly the bytes of one entry; fails instead of ending early.
struct Contents<'a> {
    reader: &'a mut dyn Read,
    left: u64,
}

impl Read for Contents<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Pax {
    /// Records `<length> <key>=<value>\n`; lengths are decimal and count themselves.
    fn parse(mut bytes: &[u8], entry: &[u8]) -> Result<Self, Problem> {
        let mut pax = Self::default();
        while !bytes.is_empty() {
            let (record, rest) = record(bytes).ok_or_else(|| damaged("a malformed pax record"))?;
            bytes = rest;
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(|| damaged("a pax record without `=`"))?;
            let (key, value) = (&record[..equals], record[equals + 1..].to_vec());
            if record.split(|b| *b == b'\n').skip(1).any(is_record) {
                return Err(Problem::Ambiguous { entry: shown(entry), what: "a pax record within another" });
            }
            let slot = match key {
                b"path" => &mut pax.path,
                b"linkpath" => &mut pax.link_path,
                b"size" => &mut pax.size,
                b"type" | b"mode" => {
                    return Err(Problem::Unsupported { what: "a pax record that sets type or mode" });
                }
                b"hdrcharset" => return Err(Problem::Unsupported { what: "a pax character set" }),
                b"SCHILY.realsize" => return Err(Problem::Unsupported { what: "sparse files" }),
                key if key.starts_with(b"GNU.sparse") => return Err(Problem::Unsupported { what: "sparse files" }),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Problem::Ambiguous { entry: shown(entry), what: "a pax key given twice" });
            }
        }
        Ok(pax)
    }
}

/// Whether a reader that goes by lines (node-tar) takes this line of a longer value for a record of its own.
fn is_record(line: &[u8]) -> bool {
    let start = line.trim_ascii_start();
    let start = start.strip_prefix(b"+").unwrap_or(start);
    let digits = start.iter().take_while(|b| b.is_ascii_digit()).count();
    let stated = std::str::from_utf8(&start[..digits]).ok().and_then(|digits| digits.parse::<usize>().ok());
    stated == Some(line.len() + 1)
}

/// One record without its length and newline, and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().take(10).position(|b| *b == b' ')?;
    let digits = &bytes[..space];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let record = bytes.get(space + 1..length)?;
    Some((record.strip_suffix(b"\n")?, &bytes[length..]))
}

/// The name that holds. Two extended headers that disagree are refused; the header's own field is only the fallback.
fn choose(pax: Option<Vec<u8>>, gnu: Option<Vec<u8>>, field: &[u8], what: &'static str) -> Result<Vec<u8>, Problem> {
    match (pax, gnu) {
        (Some(pax), Some(gnu)) if pax != gnu => Err(Problem::Ambiguous { entry: shown(pax), what }),
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => Ok(field.to_vec()),
    }
}

fn once<T>(slot: &mut Option<T>, value: T, header: &Header) -> Result<(), Problem> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::Ambiguous { entry: shown(&header.name), what: "two extended headers" }),
    }
}

fn damaged(reason: &str) -> Problem {
    Problem::Damaged { reason: reason.to_owned() }
}

fn without_nul(mut name: Vec<u8>) -> Vec<u8> {
    // GNU ends the name with one NUL; any other NUL stays and is refused with the name.
    if name.last() == Some(&0) {
        name.pop();
    }
    name
}

fn block(reader: &mut dyn Read) -> Result<[u8; BLOCK], Problem> {
    let mut block = [0; BLOCK];
    reader.read_exact(&mut block).map_err(reading)?;
    Ok(block)
}

fn extended(reader: &mut dyn Read, size: u64) -> Result<Vec<u8>, Problem> {
    if size > MAX_EXTENDED {
        return Err(Problem::HeaderTooLong { limit: MAX_EXTENDED });
    }
    let mut bytes = Vec::new();
    Contents { reader, left: size }.read_to_end(&mut bytes).map_err(reading)?;
    let mut rest = Vec::new();
    Contents { reader, left: rest_of_block(size) }.read_to_end(&mut rest).map_err(reading)?;
    // Python reads records up to the end of the block.
    if rest.iter().any(|b| *b != 0) {
        return Err(Problem::HiddenData { place: "after an extended header" });
    }
    Ok(bytes)
}

fn rest_of_block(size: u64) -> u64 {
    BLOCK as u64 - 1 - (size + BLOCK as u64 - 1) % BLOCK as u64
}

fn padding(reader: &mut dyn Read, size: u64) -> Result<(), Problem> {
    io::copy(&mut Contents { reader, left: rest_of_block(size) }, &mut io::sink()).map_err(reading)?;
    Ok(())
}

/// The end is two zero blocks or more, and nothing else (the first has been read). One alone would do for most readers, but no
/// published package was found to have it: there the end is missing. This also reads the compressed stream to its own
/// checksum.
fn only_zeros_follow(reader: &mut dyn Read) -> Result<(), Problem> {
    let mut buffer = [0; 16 << 10];
    let mut zeros = 0_usize;
    loop {
        let read = reader.read(&mut buffer).map_err(reading)?;
        if read == 0 {
            return if zeros < BLOCK { Err(Problem::Truncated) } else { Ok(()) };
        }
        if buffer[..read].iter().any(|b| *b != 0) {
            return Err(Problem::HiddenData { place: "after the end of the tar archive" });
        }
        zeros = zeros.saturating_add(read);
    }
}
