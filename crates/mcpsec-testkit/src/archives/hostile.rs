//! The catalogues: every way an npm tarball or a wheel can try to hurt whoever unpacks it.
//!
//! Each case is a package that is fine but for one thing, so that a refusal names that thing and not something else.
use super::{
    deflate::{Part, gzip},
    tar::{RawTar, kind},
    zip::ZipEntry,
};
use crate::{npm::NpmPackage, pypi::Wheel};

/// An archive that must be refused.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// What is wrong with it, in kebab case; stable, for test names and messages.
    pub name: &'static str,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// What the zip bombs of [`hostile_wheels`] expand to, in bytes.
pub const ZIP_BOMB_BYTES: u64 = 10 << 30;

/// An npm tarball with one file of `bytes` zeros. Ten gigabytes take some ten megabytes.
pub fn tar_bomb(package: &NpmPackage, bytes: u64) -> Vec<u8> {
    package.tar().fill("package/zeros.bin", 0, bytes).gz()
}

/// Tarballs of this package that must be refused by whoever unpacks or reads them fully.
pub fn hostile_npm_tarballs(package: &NpmPackage) -> Vec<Hostile> {
    let tar = || package.tar();
    let good = tar().gz();
    let many = (0..200_000).fold(tar(), |tar, n| tar.file(&format!("package/f/{n}"), b""));
    let deep = format!("package/{}leaf.js", "d/".repeat(2_000));
    let mut bad_crc = good.clone();
    let crc_at = bad_crc.len() - 8;
    bad_crc[crc_at] ^= 1;
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    vec![
        Hostile { name: "parent-folder", bytes: tar().file("package/../../escape.js", b"x").gz() },
        Hostile { name: "parent-folder-first", bytes: tar().file("../escape.js", b"x").gz() },
        Hostile { name: "absolute-path", bytes: tar().file("/tmp/escape.js", b"x").gz() },
        Hostile { name: "windows-drive", bytes: tar().file("package/C:\\escape.js", b"x").gz() },
        Hostile { name: "backslash-parent", bytes: tar().file("package/..\\..\\escape.js", b"x").gz() },
        Hostile { name: "nul-in-pax-path", bytes: tar().pax(&[("path", "package/a\0b")]).file("package/a", b"x").gz() },
        Hostile {
            name: "pax-path-escape",
            bytes: tar().pax(&[("path", "../../escape.js")]).file("package/ok.js", b"x").gz(),
        },
        Hostile {
            name: "pax-global-path-escape",
            bytes: tar().entry(kind::PAX_GLOBAL, "pax", b"24 path=../../escape.js\n").file("package/ok.js", b"x").gz(),
        },
        Hostile {
            name: "gnu-long-name-escape",
            bytes: tar()
                .entry(kind::GNU_LONG_NAME, "././@LongLink", b"../../escape.js\0")
                .file("package/ok.js", b"x")
                .gz(),
        },
        Hostile {
            name: "symlink-absolute",
            bytes: tar().special(kind::SYMLINK, "package/out", "/tmp").file("package/out/escape.js", b"x").gz(),
        },
        Hostile {
            name: "symlink-parent",
            bytes: tar().special(kind::SYMLINK, "package/out", "../..").file("package/out/escape.js", b"x").gz(),
        },
        Hostile {
            name: "symlink-chain",
            bytes: tar()
                .special(kind::SYMLINK, "package/a", ".")
                .special(kind::SYMLINK, "package/a/b", "..")
                .special(kind::SYMLINK, "package/a/b/c", "..")
                .file("package/a/b/c/escape.js", b"x")
                .gz(),
        },
        Hostile {
            name: "symlink-pax-linkpath",
            bytes: tar().pax(&[("linkpath", "/etc/passwd")]).special(kind::SYMLINK, "package/out", "index.js").gz(),
        },
        Hostile { name: "hardlink-outside", bytes: tar().special(kind::HARD_LINK, "package/pw", "/etc/passwd").gz() },
        Hostile { name: "hardlink-parent", bytes: tar().special(kind::HARD_LINK, "package/pw", "../../secret").gz() },
        Hostile { name: "character-device", bytes: tar().special(kind::CHARACTER_DEVICE, "package/null", "").gz() },
        Hostile { name: "block-device", bytes: tar().special(kind::BLOCK_DEVICE, "package/disk", "").gz() },
        Hostile { name: "fifo", bytes: tar().special(kind::FIFO, "package/pipe", "").gz() },
        Hostile {
            name: "duplicate",
            bytes: tar().file("package/twice.js", b"good").file("package/twice.js", b"bad").gz(),
        },
        Hostile {
            name: "duplicate-package-json",
            bytes: tar().file("package/package.json", br#"{"name":"other","version":"9.9.9"}"#).gz(),
        },
        Hostile {
            name: "duplicate-by-dot",
            bytes: tar().file("package/a.js", b"good").file("package/./a.js", b"bad").gz(),
        },
        Hostile { name: "case-collision", bytes: tar().file("package/readme", b"a").file("package/README", b"b").gz() },
        Hostile {
            name: "unicode-collision",
            bytes: tar().file("package/caf\u{e9}", b"a").file("package/cafe\u{301}", b"b").gz(),
        },
        Hostile { name: "file-then-folder", bytes: tar().file("package/x", b"a").file("package/x/y", b"b").gz() },
        Hostile { name: "bomb", bytes: tar_bomb(package, 10 << 30) },
        Hostile { name: "bomb-of-entries", bytes: many.gz() },
        Hostile { name: "bomb-of-depth", bytes: tar().file(&deep, b"x").gz() },
        Hostile { name: "lying-size", bytes: tar().lying_size("package/short.js", 1 << 20, b"x").gz_without_end() },
        Hostile { name: "truncated-gzip", bytes: good[..good.len() * 2 / 3].to_vec() },
        Hostile { name: "truncated-trailer", bytes: good[..good.len() - 4].to_vec() },
        Hostile { name: "truncated-tar", bytes: tar().raw(&[b'x'; 100]).gz_without_end() },
        Hostile { name: "bad-crc", bytes: bad_crc },
        Hostile { name: "bit-flip", bytes: flipped },
        Hostile {
            name: "second-gzip-member",
            bytes: [good.clone(), tar().file("package/late.js", b"x").gz()].concat(),
        },
        Hostile { name: "trailing-garbage", bytes: [&good[..], b"<script>not gzip</script>"].concat() },
        Hostile {
            name: "data-after-end",
            bytes: tar().raw(&[0; 1024]).file("package/late.js", b"hidden after the end").gz(),
        },
        Hostile { name: "not-an-archive", bytes: b"<html>login please</html>".to_vec() },
        Hostile { name: "gzip-of-nothing", bytes: gzip(&[Part::Bytes(Vec::new())]) },
        Hostile { name: "no-package-json", bytes: RawTar::new().file("package/index.js", b"x").gz() },
        Hostile { name: "empty", bytes: Vec::new() },
    ]
}

/// Wheels with this name and version that must be refused by whoever unpacks or reads them fully.
pub fn hostile_wheels(wheel: &Wheel) -> Vec<Hostile> {
    let zip = || wheel.zip();
    let module = ZipEntry::new("pkg/evil.py", b"print()");
    let good = zip().finish();
    let renamed = ZipEntry { local_name: b"pkg/good.py".to_vec(), ..module.clone() };
    let bad_crc = ZipEntry { crc32: module.crc32 ^ 1, ..module.clone() };
    let encrypted = ZipEntry { flags: module.flags | 1, ..module.clone() };
    let two_gigabytes = ZipEntry::fill("pkg/zeros0.bin", 0, 2 << 30);
    let named = |entry: &ZipEntry, n: usize| {
        let name = format!("pkg/zeros{n}.bin").into_bytes();
        ZipEntry { local_name: name.clone(), name, ..entry.clone() }
    };
    let bomb = (0..5).fold(zip(), |zip, n| zip.entry(&named(&two_gigabytes, n)));
    let small_claim = ZipEntry { size: 10, ..ZipEntry::fill("pkg/zeros.bin", 0, 1 << 30) };
    let first = ZipEntry::fill("pkg/zeros0.bin", 0, 1 << 20);
    let overlap = (1..1_000).fold(zip().entry(&first), |zip, n| zip.overlapping(&named(&first, n)));
    let many = (0..60_000).fold(zip(), |zip, n| zip.entry(&ZipEntry::stored(&format!("pkg/f/{n}"), b"")));
    let file = |name: &str| zip().file(name, b"x").finish();
    vec![
        Hostile { name: "parent-folder", bytes: file("pkg/../../escape.py") },
        Hostile { name: "absolute-path", bytes: file("/tmp/escape.py") },
        Hostile { name: "windows-drive", bytes: file("C:\\escape.py") },
        Hostile { name: "backslash-parent", bytes: file("pkg\\..\\..\\escape.py") },
        Hostile { name: "nul-in-name", bytes: file("pkg/a.py\0.txt") },
        Hostile { name: "deep", bytes: file(&format!("{}leaf.py", "d/".repeat(2_000))) },
        Hostile { name: "symlink-absolute", bytes: zip().entry(&ZipEntry::symlink("pkg/out", "/etc/passwd")).finish() },
        Hostile {
            name: "symlink-parent",
            bytes: zip().entry(&ZipEntry::symlink("pkg/out", "../../..")).file("pkg/out/escape.py", b"x").finish(),
        },
        Hostile {
            name: "character-device",
            bytes: zip().entry(&ZipEntry { mode: 0o020_666, ..ZipEntry::stored("pkg/null", b"") }).finish(),
        },
        Hostile { name: "duplicate", bytes: zip().file("pkg/twice.py", b"good").file("pkg/twice.py", b"bad").finish() },
        Hostile { name: "case-collision", bytes: zip().file("pkg/readme", b"a").file("pkg/README", b"b").finish() },
        Hostile { name: "file-then-folder", bytes: zip().file("pkg/x", b"a").file("pkg/x/y", b"b").finish() },
        Hostile { name: "two-names", bytes: zip().entry(&renamed).finish() },
        Hostile { name: "bad-crc", bytes: zip().entry(&bad_crc).finish() },
        Hostile { name: "encrypted", bytes: zip().entry(&encrypted).finish() },
        Hostile {
            name: "unknown-method",
            bytes: zip().entry(&ZipEntry { method: 99, ..ZipEntry::stored("pkg/x.py", b"x") }).finish(),
        },
        Hostile { name: "bomb", bytes: bomb.finish() },
        Hostile { name: "bomb-that-lies", bytes: zip().entry(&small_claim).finish() },
        Hostile { name: "bomb-overlapping", bytes: overlap.finish() },
        Hostile { name: "bomb-of-entries", bytes: many.finish() },
        Hostile { name: "truncated", bytes: good[..good.len() * 2 / 3].to_vec() },
        Hostile { name: "truncated-end", bytes: good[..good.len() - 10].to_vec() },
        Hostile { name: "not-an-archive", bytes: b"<html>login please</html>".to_vec() },
        Hostile { name: "empty", bytes: Vec::new() },
    ]
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        io::{Cursor, Read as _},
    };

    use flate2::read::GzDecoder;

    use super::*;
    use crate::{npm::npm_package, pypi::wheel};

    #[test]
    fn cases_have_own_names_and_stay_small() {
        for cases in [hostile_npm_tarballs(&npm_package("a", "1.0.0")), hostile_wheels(&wheel("a", "1.0"))] {
            let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
            assert_eq!(names.len(), cases.len());
            for case in &cases {
                assert!(case.bytes.len() < 32 << 20, "{}: {} bytes", case.name, case.bytes.len());
            }
        }
    }

    /// What an independent reader sees in a tarball: name, type, size as declared.
    fn entries(cases: &[Hostile], name: &str) -> Vec<(String, u8, u64)> {
        let case = cases.iter().find(|case| case.name == name).expect("a case of this name");
        let mut archive = tar::Archive::new(GzDecoder::new(&*case.bytes));
        let mut seen = Vec::new();
        for entry in archive.entries().expect("tar") {
            let entry = entry.expect("entry");
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            seen.push((path, entry.header().entry_type().as_byte(), entry.header().size().expect("size")));
            if entry.size() > 1 << 30 {
                // Enough: reading on would unpack the bomb.
                break;
            }
        }
        seen
    }

    #[test]
    fn the_harm_is_really_in_the_tarballs() {
        let cases = hostile_npm_tarballs(&npm_package("a", "1.0.0"));
        let last = |name: &str| entries(&cases, name).pop().expect("an entry");
        assert_eq!(last("parent-folder").0, "package/../../escape.js");
        assert_eq!(last("absolute-path").0, "/tmp/escape.js");
        assert_eq!(last("pax-path-escape").0, "../../escape.js");
        assert_eq!(last("gnu-long-name-escape").0, "../../escape.js");
        assert_eq!(last("hardlink-outside").1, kind::HARD_LINK);
        assert_eq!(last("character-device").1, kind::CHARACTER_DEVICE);
        assert_eq!(last("bomb"), ("package/zeros.bin".to_owned(), kind::FILE, 10 << 30));
        let twice = entries(&cases, "duplicate");
        assert_eq!(twice.iter().filter(|entry| entry.0 == "package/twice.js").count(), 2);
    }

    #[test]
    fn the_harm_is_really_in_the_wheels() {
        let cases = hostile_wheels(&wheel("a", "1.0"));
        let bytes =
            |name: &str| cases.iter().find(|case| case.name == name).expect("a case of this name").bytes.clone();
        let mut bomb = zip::ZipArchive::new(Cursor::new(bytes("bomb"))).expect("zip");
        let total: u64 = (0..bomb.len()).map(|at| bomb.by_index_raw(at).expect("entry").size()).sum();
        assert!(total >= ZIP_BOMB_BYTES, "{total}");
        let mut wrong = zip::ZipArchive::new(Cursor::new(bytes("bad-crc"))).expect("zip");
        let mut plain = Vec::new();
        assert!(wrong.by_name("pkg/evil.py").expect("entry").read_to_end(&mut plain).is_err());
        let mut escape = zip::ZipArchive::new(Cursor::new(bytes("parent-folder"))).expect("zip");
        assert!(escape.by_name("pkg/../../escape.py").expect("entry").enclosed_name().is_none());
    }
}
