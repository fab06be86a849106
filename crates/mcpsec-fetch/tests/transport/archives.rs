//! Writers of archives that put down exactly what they are told.
use std::io::Write as _;

use flate2::{Compress, Compression, Crc, FlushCompress, write::GzEncoder};

/// A tar stream under construction.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    /// An npm package: `package/package.json` and what follows.
    pub(crate) fn npm() -> Self {
        Self::default().file("package/package.json", b"{}")
    }

    pub(crate) fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(b'0', name, "", bytes)
    }

    pub(crate) fn link(self, kind: u8, name: &str, target: &str) -> Self {
        self.entry(kind, name, target, b"")
    }

    pub(crate) fn entry(self, kind: u8, name: &str, target: &str, bytes: &[u8]) -> Self {
        self.header(kind, name, target, bytes.len() as u64).data(bytes)
    }

    pub(crate) fn header(mut self, kind: u8, name: &str, target: &str, size: u64) -> Self {
        let mut header = tar::Header::new_ustar();
        let fields = header.as_old_mut();
        fields.name[..name.len()].copy_from_slice(name.as_bytes());
        fields.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_mode(if name.ends_with(".sh") { 0o755 } else { 0o644 });
        header.set_size(size);
        header.as_old_mut().linkflag = [kind];
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self
    }

    /// A header with other bytes at some places, its checksum right, and its contents.
    pub(crate) fn patched(self, kind: u8, name: &str, patches: &[(usize, &[u8])], bytes: &[u8]) -> Self {
        let at = self.0.len();
        let mut this = self.header(kind, name, "", bytes.len() as u64);
        let block = &mut this.0[at..];
        for (at, patch) in patches {
            block[*at..at + patch.len()].copy_from_slice(patch);
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        this.data(bytes)
    }

    pub(crate) fn data(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn pax(self, kind: u8, records: &[(&str, &str)]) -> Self {
        let text: String = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        self.entry(kind, "pax", "", text.as_bytes())
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }

    pub(crate) fn gz(self) -> Vec<u8> {
        gz(&self.end())
    }
}

pub(crate) fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let length = (1..).find(|length: &usize| *length == rest + length.to_string().len()).expect("length");
    format!("{length} {key}={value}\n")
}

pub(crate) fn gz(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).expect("gzip");
    encoder.finish().expect("gzip")
}

/// A gzip stream of `head`, then `mebibytes` of zeros, made by repeating one compressed piece.
pub(crate) fn gz_with_zeros(head: &[u8], mebibytes: usize) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let piece = deflate(&zeros, FlushCompress::Full);
    let (mut out, mut crc) = (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], Crc::new());
    out.extend(deflate(head, FlushCompress::Full));
    crc.update(head);
    for _ in 0..mebibytes {
        out.extend(&piece);
        crc.update(&zeros);
    }
    out.extend(deflate(&[], FlushCompress::Finish));
    out.extend(crc.sum().to_le_bytes());
    out.extend((head.len() as u32).wrapping_add((mebibytes as u32) << 20).to_le_bytes());
    out
}

pub(crate) fn deflate(plain: &[u8], end: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 256);
    Compress::new(Compression::default(), false).compress_vec(plain, &mut out, end).expect("deflate");
    out
}

/// One zip entry, as both of its headers see it.
#[derive(Clone)]
pub(crate) struct ZipEntry {
    pub(crate) local_name: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) local_crc: u32,
    pub(crate) size: u32,
    pub(crate) mode: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) after: Vec<u8>,
}

impl ZipEntry {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(bytes);
        Self {
            local_name: name.into(),
            name: name.into(),
            flags: 0,
            method: 8,
            crc: crc.sum(),
            local_crc: crc.sum(),
            size: bytes.len() as u32,
            mode: 0o100_644,
            extra: Vec::new(),
            data: deflate(bytes, FlushCompress::Finish),
            after: Vec::new(),
        }
    }

    pub(crate) fn stored(name: &str, bytes: &[u8]) -> Self {
        Self { method: 0, data: bytes.to_vec(), ..Self::new(name, bytes) }
    }

    fn fixed(&self, out: &mut Vec<u8>, local: bool) {
        let crc = if local { self.local_crc } else { self.crc };
        let name = if local { &self.local_name } else { &self.name };
        out.extend([20, 0]);
        for value in [self.flags, self.method, 0, 0x21] {
            out.extend(value.to_le_bytes());
        }
        // With the sizes after the data, the local header leaves them out.
        let absent = local && self.flags & 8 != 0;
        for value in [crc, self.data.len() as u32, self.size] {
            out.extend(if absent { [0; 4] } else { value.to_le_bytes() });
        }
        out.extend((name.len() as u16).to_le_bytes());
        out.extend((self.extra.len() as u16).to_le_bytes());
    }
}

/// A zip under construction.
#[derive(Clone, Default)]
pub(crate) struct Zip {
    pub(crate) body: Vec<u8>,
    pub(crate) central: Vec<u8>,
    count: u16,
    last: u32,
}

impl Zip {
    /// A wheel with what every wheel has.
    pub(crate) fn wheel() -> Self {
        ["METADATA", "WHEEL", "RECORD"]
            .iter()
            .fold(Self::default(), |zip, file| zip.file(&format!("a-1.dist-info/{file}"), file.as_bytes()))
    }

    pub(crate) fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.entry(&ZipEntry::new(name, bytes))
    }

    pub(crate) fn entry(mut self, entry: &ZipEntry) -> Self {
        self.last = self.body.len() as u32;
        self.body.extend(b"PK\x03\x04");
        entry.fixed(&mut self.body, true);
        self.body.extend(&entry.local_name);
        self.body.extend(&entry.extra);
        self.body.extend(&entry.data);
        self.body.extend(&entry.after);
        self.list(entry)
    }

    /// Lists an entry in the directory that points to the data of the last one.
    pub(crate) fn list(mut self, entry: &ZipEntry) -> Self {
        self.central.extend(b"PK\x01\x02\x14\x03");
        entry.fixed(&mut self.central, false);
        self.central.extend([0; 6]);
        self.central.extend((entry.mode << 16).to_le_bytes());
        self.central.extend(self.last.to_le_bytes());
        self.central.extend(&entry.name);
        self.central.extend(&entry.extra);
        self.count += 1;
        self
    }

    pub(crate) fn end(self) -> Vec<u8> {
        let mut out = self.body;
        let start = out.len() as u32;
        out.extend(&self.central);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(self.count.to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend((self.central.len() as u32).to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        out
    }
}
