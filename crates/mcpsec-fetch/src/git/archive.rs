//! The canonical archive: one tree of files, one sequence of bytes, on every machine and with every version of git.
//!
//! The format is POSIX.1-2017 `ustar` with `pax` extended headers where ustar cannot hold a name:
//!
//! - entries in bytewise order of their full path, regular files and symbolic links only; folders follow from the paths;
//! - paths relative to the root of the repository, without a leading folder;
//! - mode `0644`, or `0755` for files that git calls executable and for links; owner, group and time are 0; no names of users;
//! - a pax header (`x`, named `pax`) before an entry whose path or link target is longer than 100 bytes or not ASCII, with
//!   `path` before `linkpath` and nothing else in it; the ustar prefix field is never used;
//! - two zero blocks at the end and no further padding.
//!
//! [`ArchiveWriter`] writes it and knows nothing of git. It hashes while it writes. Paths arrive checked
//! (`super::tree`) and sorted.
use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256, SHA512};
use mcpsec_model::digest::Digests;

const BLOCK: usize = 512;

/// Writes entries to `out` and hashes what it writes.
pub(super) struct ArchiveWriter<W> {
    out: W,
    sha256: Context,
    sha512: Context,
    size: u64,
}

/// What kind of entry follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content<'a> {
    /// A file's bytes, and whether it is executable.
    File(&'a [u8], bool),
    /// A symbolic link's target.
    Link(&'a str),
}

impl<W: Write> ArchiveWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, sha256: Context::new(&SHA256), sha512: Context::new(&SHA512), size: 0 }
    }

    /// Bytes written so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds one entry. Callers add in bytewise order of `path`.
    pub(super) fn add(&mut self, path: &str, content: Content<'_>) -> io::Result<()> {
        let (flag, mode, target, bytes): (u8, u32, &str, &[u8]) = match content {
            Content::File(bytes, false) => (b'0', 0o644, "", bytes),
            Content::File(bytes, true) => (b'0', 0o755, "", bytes),
            Content::Link(target) => (b'2', 0o755, target, b""),
        };
        let mut records = Vec::new();
        for (key, value) in [("path", path), ("linkpath", target)] {
            if !fits(value) {
                records.extend_from_slice(pax_record(key, value).as_bytes());
            }
        }
        if !records.is_empty() {
            self.write_all(&header("pax", b'x', 0o644, "", records.len())?)?;
            self.padded(&records)?;
        }
        self.write_all(&header(path, flag, mode, target, bytes.len())?)?;
        self.padded(bytes)
    }

    /// Ends the archive; answers its digests and length.
    pub(super) fn finish(mut self) -> io::Result<(Digests, u64)> {
        self.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        let mut digests = Digests { sha256: Some([0; 32]), sha512: Some([0; 64]) };
        if let Some(sha256) = &mut digests.sha256 {
            sha256.copy_from_slice(self.sha256.finish().as_ref());
        }
        if let Some(sha512) = &mut digests.sha512 {
            sha512.copy_from_slice(self.sha512.finish().as_ref());
        }
        Ok((digests, self.size))
    }

    fn padded(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)?;
        let rest = bytes.len() % BLOCK;
        if rest > 0 {
            self.write_all(&[0; BLOCK][rest..])?;
        }
        Ok(())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.sha256.update(bytes);
        self.sha512.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }
}

/// Whether the 100 bytes of a ustar field hold the text in a way that every reader agrees on.
fn fits(text: &str) -> bool {
    text.len() <= 100 && text.is_ascii()
}

/// `"<length> <key>=<value>\n"`, where the length counts its own digits.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

fn header(path: &str, flag: u8, mode: u32, target: &str, size: usize) -> io::Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    put(&mut block[0..100], if fits(path) { path } else { "pax" });
    octal(&mut block[100..108], u64::from(mode))?;
    octal(&mut block[108..116], 0)?;
    octal(&mut block[116..124], 0)?;
    octal(&mut block[124..136], size as u64)?;
    octal(&mut block[136..148], 0)?;
    block[156] = flag;
    put(&mut block[157..257], if fits(target) { target } else { "pax" });
    put(&mut block[257..265], "ustar\x0000");
    octal(&mut block[329..337], 0)?;
    octal(&mut block[337..345], 0)?;
    // The checksum is the sum of all bytes with its own field read as spaces.
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    put(&mut block[148..156], &format!("{sum:06o}\0 "));
    Ok(block)
}

fn put(field: &mut [u8], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// Zero-padded octal digits and a NUL.
fn octal(field: &mut [u8], value: u64) -> io::Result<()> {
    let digits = field.len() - 1;
    let text = format!("{value:0digits$o}");
    if text.len() > digits {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a file of 8 GiB or more does not fit in the archive"));
    }
    put(field, &text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn sample() -> (Vec<u8>, Digests) {
        let mut out = Vec::new();
        let mut writer = ArchiveWriter::new(&mut out);
        let long = format!("{}/file", "d".repeat(120));
        let target = "../x".repeat(40);
        writer.add("README", Content::File(b"hello\n", false)).expect("write");
        writer.add("bin/run", Content::File(&[7; 512], true)).expect("write");
        writer.add(&long, Content::File(b"", false)).expect("write");
        writer.add("größe", Content::Link("README")).expect("write");
        writer.add("link", Content::Link(&target)).expect("write");
        let (digests, size) = writer.finish().expect("finish");
        assert_eq!(size, out.len() as u64);
        (out, digests)
    }

    #[test]
    fn another_reader_agrees_on_every_entry() {
        let (bytes, _) = sample();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut seen = Vec::new();
        for entry in archive.entries().expect("entries") {
            let mut entry = entry.expect("entry");
            let path = entry.path().expect("path").to_string_lossy().into_owned();
            let link = entry.link_name().expect("link").map(|link| link.to_string_lossy().into_owned());
            let header = entry.header();
            assert_eq!(
                (header.mtime().expect("mtime"), header.uid().expect("uid"), header.gid().expect("gid")),
                (0, 0, 0)
            );
            let mode = header.mode().expect("mode");
            let mut body = Vec::new();
            entry.read_to_end(&mut body).expect("body");
            seen.push((path, mode, link, body.len()));
        }
        assert_eq!(
            seen,
            [
                ("README".to_owned(), 0o644, None, 6),
                ("bin/run".to_owned(), 0o755, None, 512),
                (format!("{}/file", "d".repeat(120)), 0o644, None, 0),
                ("größe".to_owned(), 0o755, Some("README".to_owned()), 0),
                ("link".to_owned(), 0o755, Some("../x".repeat(40)), 0),
            ]
        );
    }

    #[test]
    fn the_bytes_never_change() {
        let (bytes, digests) = sample();
        assert_eq!(digests.sha256, mcpsec_model::digest::Digest::sha256_of(&bytes).as_bytes().try_into().ok());
        insta::assert_snapshot!(hex::encode(digests.sha256.expect("sha256")), @"5d697a8a211bf6212e5762ff22c799ffb463ff9c562e62c8df37760e7eb45230");
    }

    #[test]
    fn pax_lengths_count_themselves() {
        for n in [1, 3, 4, 88, 89, 90, 91, 985, 986, 987, 988, 989] {
            let record = pax_record("path", &"a".repeat(n));
            let length: usize = record.split(' ').next().and_then(|n| n.parse().ok()).expect("length");
            assert_eq!(length, record.len());
        }
    }
}
