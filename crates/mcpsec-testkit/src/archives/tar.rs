//! A tar writer without scruples: ustar headers (POSIX.1-1988), pax records, GNU base-256 sizes, any name and any type.
use super::deflate::{Part, gzip};

/// Time in every header, seconds since 1970: what npm writes (1985-10-26T08:15:00Z), so that bytes never vary.
const MTIME: u64 = 499_162_500;

/// Entry types of the header's `typeflag` byte.
pub mod kind {
    /// Regular file.
    pub const FILE: u8 = b'0';
    /// Hard link.
    pub const HARD_LINK: u8 = b'1';
    /// Symbolic link.
    pub const SYMLINK: u8 = b'2';
    /// Character device.
    pub const CHARACTER_DEVICE: u8 = b'3';
    /// Block device.
    pub const BLOCK_DEVICE: u8 = b'4';
    /// Folder.
    pub const FOLDER: u8 = b'5';
    /// FIFO.
    pub const FIFO: u8 = b'6';
    /// Pax records for the next entry.
    pub const PAX: u8 = b'x';
    /// Pax records for all later entries.
    pub const PAX_GLOBAL: u8 = b'g';
    /// GNU: the long name of the next entry.
    pub const GNU_LONG_NAME: u8 = b'L';
}

/// A tar archive under construction.
#[derive(Clone, Default, Debug)]
pub struct RawTar {
    parts: Vec<Part>,
}

impl RawTar {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// A regular file, mode 644. A name that does not fit the header is written as a pax record, as npm does.
    #[must_use]
    pub fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.file_with_mode(name, bytes, 0o644)
    }

    /// A regular file with permission bits.
    #[must_use]
    pub fn file_with_mode(self, name: &str, bytes: &[u8], mode: u32) -> Self {
        let this = if name.len() > 100 { self.pax(&[("path", name)]) } else { self };
        let short = &name.as_bytes()[..name.len().min(100)];
        this.header(kind::FILE, short, b"", bytes.len() as u64, mode).data(bytes)
    }

    /// A regular file of one byte repeated; costs nothing until it is unpacked.
    #[must_use]
    pub fn fill(mut self, name: &str, byte: u8, len: u64) -> Self {
        self = self.header(kind::FILE, name.as_bytes(), b"", len, 0o644);
        self.parts.push(Part::Fill { byte, len });
        self.padding(len)
    }

    /// A folder.
    #[must_use]
    pub fn folder(self, name: &str) -> Self {
        self.header(kind::FOLDER, name.as_bytes(), b"", 0, 0o755)
    }

    /// A link or device: any type without data.
    #[must_use]
    pub fn special(self, kind: u8, name: &str, link: &str) -> Self {
        self.header(kind, name.as_bytes(), link.as_bytes(), 0, 0o777)
    }

    /// An entry of any type with data, such as a GNU long name.
    #[must_use]
    pub fn entry(self, kind: u8, name: &str, bytes: &[u8]) -> Self {
        self.header(kind, name.as_bytes(), b"", bytes.len() as u64, 0o644).data(bytes)
    }

    /// A header that declares `declared` bytes, followed by `bytes`, whatever their number.
    #[must_use]
    pub fn lying_size(self, name: &str, declared: u64, bytes: &[u8]) -> Self {
        self.header(kind::FILE, name.as_bytes(), b"", declared, 0o644).data(bytes)
    }

    /// Pax records for the next entry, such as `path` or `linkpath`.
    #[must_use]
    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        let body: String = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        self.entry(kind::PAX, "PaxHeader/entry", body.as_bytes())
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes(bytes);
        self
    }

    /// The gzipped archive, with the two zero blocks at its end.
    pub fn gz(mut self) -> Vec<u8> {
        self.bytes(&[0; 1024]);
        gzip(&self.parts)
    }

    /// The gzipped archive without the zero blocks.
    pub fn gz_without_end(self) -> Vec<u8> {
        gzip(&self.parts)
    }

    /// Bytes join the ones before, so that they compress together.
    fn bytes(&mut self, bytes: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Bytes(before)) => before.extend_from_slice(bytes),
            _ => self.parts.push(Part::Bytes(bytes.to_vec())),
        }
    }

    fn data(mut self, bytes: &[u8]) -> Self {
        self.bytes(bytes);
        self.padding(bytes.len() as u64)
    }

    fn padding(mut self, len: u64) -> Self {
        let rest = usize::try_from(len % 512).expect("less than 512");
        if rest > 0 {
            self.bytes(&[0; 512][rest..]);
        }
        self
    }

    fn header(mut self, kind: u8, name: &[u8], link: &[u8], size: u64, mode: u32) -> Self {
        let mut block = [0; 512];
        let put = |block: &mut [u8; 512], at: usize, room: usize, bytes: &[u8]| {
            assert!(bytes.len() <= room, "`{}` does not fit a ustar field of {room}", String::from_utf8_lossy(bytes));
            block[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(&mut block, 0, 100, name);
        put(&mut block, 100, 8, format!("{mode:07o}\0").as_bytes());
        put(&mut block, 108, 8, b"0000000\0");
        put(&mut block, 116, 8, b"0000000\0");
        if size < 1 << 33 {
            put(&mut block, 124, 12, format!("{size:011o}\0").as_bytes());
        } else {
            // More than eleven octal digits: GNU's binary form.
            block[124] = 0x80;
            block[128..136].copy_from_slice(&size.to_be_bytes());
        }
        put(&mut block, 136, 12, format!("{MTIME:011o}\0").as_bytes());
        put(&mut block, 148, 8, b"        ");
        block[156] = kind;
        put(&mut block, 157, 100, link);
        put(&mut block, 257, 8, b"ustar\x0000");
        put(&mut block, 329, 8, b"0000000\0");
        put(&mut block, 337, 8, b"0000000\0");
        let sum: u32 = block.iter().copied().map(u32::from).sum();
        put(&mut block, 148, 8, format!("{sum:06o}\0 ").as_bytes());
        self.bytes(&block);
        self
    }
}

/// One pax record, `<length> <key>=<value>\n`, whose length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn an_independent_reader_agrees() {
        let long = format!("package/{}/x.js", "d".repeat(120));
        let packed = RawTar::new()
            .file("package/a.js", b"one")
            .file(&long, b"two")
            .special(kind::SYMLINK, "package/l", "a.js")
            .fill("package/zeros", 0, 5000)
            .gz();
        let mut archive = tar::Archive::new(GzDecoder::new(&*packed));
        let mut seen = Vec::new();
        for entry in archive.entries().expect("tar") {
            let mut entry = entry.expect("entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("data");
            seen.push((String::from_utf8(entry.path_bytes().into_owned()).expect("utf-8"), bytes.len()));
        }
        assert_eq!(
            seen,
            [
                ("package/a.js".to_owned(), 3),
                (long, 3),
                ("package/l".to_owned(), 0),
                ("package/zeros".to_owned(), 5000)
            ]
        );
    }

    #[test]
    fn pax_lengths_count_themselves() {
        assert_eq!(pax_record("path", "x"), "9 path=x\n");
        assert_eq!(pax_record("path", &"y".repeat(91)).len(), 101, "crossing from two to three digits");
    }
}
