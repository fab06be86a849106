//! A zip writer without scruples (APPNOTE 6.3.10): what the local header, the central directory and the data say may differ.
use super::deflate::{Deflated, Part, deflate};

/// One entry, as its two headers describe it. Start from [`ZipEntry::new`] and change what should be wrong.
#[derive(Clone, Debug)]
pub struct ZipEntry {
    /// The name in the local header.
    pub local_name: Vec<u8>,
    /// The name in the central directory.
    pub name: Vec<u8>,
    /// 0 stored, 8 deflate.
    pub method: u16,
    /// General purpose flags; bit 0 encrypted, bit 11 UTF-8 names.
    pub flags: u16,
    /// CRC-32 in both headers.
    pub crc32: u32,
    /// Uncompressed size in both headers.
    pub size: u64,
    /// Unix mode, in the upper half of the external attributes; 0o120777 is a symbolic link.
    pub mode: u32,
    /// What stands between the headers: compressed if `method` says so.
    pub data: Vec<u8>,
}

impl ZipEntry {
    /// A correct, deflated file.
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self::deflated(name, deflate(&[Part::Bytes(bytes.to_vec())]))
    }

    /// A correct file of one byte repeated.
    pub fn fill(name: &str, byte: u8, len: u64) -> Self {
        Self::deflated(name, deflate(&[Part::Fill { byte, len }]))
    }

    /// A correct file that is not compressed.
    pub fn stored(name: &str, bytes: &[u8]) -> Self {
        Self { method: 0, data: bytes.to_vec(), ..Self::new(name, bytes) }
    }

    /// A symbolic link, as Info-ZIP writes it.
    pub fn symlink(name: &str, target: &str) -> Self {
        Self { mode: 0o120_777, ..Self::stored(name, target.as_bytes()) }
    }

    fn deflated(name: &str, deflated: Deflated) -> Self {
        Self {
            local_name: name.as_bytes().to_vec(),
            name: name.as_bytes().to_vec(),
            method: 8,
            flags: 1 << 11,
            crc32: deflated.crc32,
            size: deflated.len,
            mode: 0o100_644,
            data: deflated.bytes,
        }
    }
}

/// A zip archive under construction.
#[derive(Clone, Default, Debug)]
pub struct RawZip {
    body: Vec<u8>,
    central: Vec<u8>,
    count: usize,
    last: usize,
}

impl RawZip {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// A correct file.
    #[must_use]
    pub fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(&ZipEntry::new(name, bytes))
    }

    /// Any entry.
    #[must_use]
    pub fn entry(mut self, entry: &ZipEntry) -> Self {
        self.last = self.body.len();
        self.body.extend(b"PK\x03\x04");
        self.body.extend(20_u16.to_le_bytes());
        fixed_fields(&mut self.body, entry, entry.local_name.len());
        self.body.extend(&entry.local_name);
        self.body.extend(&entry.data);
        self.list(entry)
    }

    /// A second entry of the central directory that points to the data of the one before: the overlap that makes the
    /// smallest bombs.
    #[must_use]
    pub fn overlapping(self, entry: &ZipEntry) -> Self {
        self.list(entry)
    }

    /// The archive.
    pub fn finish(self) -> Vec<u8> {
        let mut out = self.body;
        let start = u32_of(out.len());
        let count = u16::try_from(self.count).expect("fewer than 65,536 entries");
        out.extend(&self.central);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(count.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(u32_of(self.central.len()).to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    fn list(mut self, entry: &ZipEntry) -> Self {
        self.central.extend(b"PK\x01\x02");
        // Version made by: 3 is Unix, so that the mode counts.
        self.central.extend([20, 3]);
        self.central.extend(20_u16.to_le_bytes());
        fixed_fields(&mut self.central, entry, entry.name.len());
        // Comment length, disk number, internal attributes.
        self.central.extend([0; 6]);
        self.central.extend((entry.mode << 16).to_le_bytes());
        self.central.extend(u32_of(self.last).to_le_bytes());
        self.central.extend(&entry.name);
        self.count += 1;
        self
    }
}

/// What both headers share, from flags to the length of the extra field.
fn fixed_fields(out: &mut Vec<u8>, entry: &ZipEntry, name_len: usize) {
    out.extend(entry.flags.to_le_bytes());
    out.extend(entry.method.to_le_bytes());
    // Midnight of 1980-01-01, the first day of DOS time.
    out.extend([0, 0, 0x21, 0]);
    out.extend(entry.crc32.to_le_bytes());
    out.extend(u32_of(entry.data.len()).to_le_bytes());
    out.extend(u32::try_from(entry.size).expect("below 4 GiB, since zip64 is not written").to_le_bytes());
    out.extend(u16::try_from(name_len).expect("a name below 64 KiB").to_le_bytes());
    out.extend([0, 0]);
}

fn u32_of(value: usize) -> u32 {
    u32::try_from(value).expect("below 4 GiB, since zip64 is not written")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    #[test]
    fn an_independent_reader_agrees() {
        let bytes = RawZip::new().file("a/b.txt", b"hello").entry(&ZipEntry::stored("c", b"plain")).finish();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("zip");
        assert_eq!(archive.len(), 2);
        let mut text = String::new();
        archive.by_name("a/b.txt").expect("entry").read_to_string(&mut text).expect("data");
        assert_eq!(text, "hello");
    }
}
