//! Archives that the readers in use (npm's, Python's, GNU tar's, streaming and seeking ones) take for different things.
use mcpsec_fetch::unpack::{EntryKind, Limits, Problem, visit_reader};
use mcpsec_model::package::ArtifactKind::{NpmTarball, Wheel};

use crate::{
    archives::{Tar, Zip, ZipEntry, gz, pax_record},
    unpack::{problem, read},
};

const MAGIC: usize = 257;
const PREFIX: usize = 345;
const SIZE: usize = 124;
const MODE: usize = 100;
const GNU: &[u8] = b"ustar  \0";
const V7: &[u8] = &[0; 8];
const NO_SIZE: &str = "a size that is not an octal number";

/// What is ambiguous in this npm tarball.
#[track_caller]
fn ambiguous(tar: Tar) -> &'static str {
    match problem(NpmTarball, &tar.gz()) {
        Problem::Ambiguous { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

fn patched(patches: &[(usize, &[u8])]) -> Tar {
    Tar::npm().patched(b'0', "package/a", patches, b"abc")
}

#[track_caller]
fn names(tar: Tar) -> Vec<String> {
    let mut names = Vec::new();
    visit_reader("a", std::io::Cursor::new(tar.gz()), NpmTarball, &Limits::STANDARD, &mut |entry| {
        names.push(entry.path.to_owned());
        Ok(())
    })
    .expect("good");
    names
}

#[test]
fn a_prefix_counts_only_where_all_readers_look_for_it() {
    assert_eq!(names(patched(&[(PREFIX, b"package/lib")])), ["package.json", "lib/package/a"]);
    let long = ["dd/"; 50].concat();
    assert_eq!(names(patched(&[(PREFIX, &long.as_bytes()[..140])])).len(), 2);
    assert_eq!(names(patched(&[(MAGIC, GNU)])), ["package.json", "a"]);
    assert_eq!(names(patched(&[(MAGIC, V7)])), ["package.json", "a"]);
    for magic in [GNU, V7] {
        assert_eq!(ambiguous(patched(&[(MAGIC, magic), (PREFIX, b"../x")])), "a prefix of the name");
        // Where GNU tar has times, and Python looks for more of the prefix.
        assert_eq!(ambiguous(patched(&[(MAGIC, magic), (PREFIX + 140, b"x")])), "a prefix of the name");
    }
    // npm's writer puts two times behind a short prefix.
    assert_eq!(names(patched(&[(476, b"14636637605\x0014636637605\0")])), ["package.json", "a"]);
    for behind in [
        // npm's reader sees an empty prefix and makes it `/package/a`.
        &[(475, &b"x"[..])][..],
        &[(PREFIX, b"p"), (PREFIX + 3, b"x")],
        &[(PREFIX, &long.as_bytes()[..131]), (PREFIX + 140, b"x")],
        // npm's reader gives the entry up over a time like this.
        &[(476, b"\x81")],
        &[(488, b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")],
    ] {
        assert_eq!(ambiguous(patched(behind)), "a prefix of the name", "{behind:?}");
    }
    let nameless = patched(&[(0, &[0; 100]), (PREFIX, b"package/x")]);
    assert_eq!(ambiguous(nameless), "a prefix of the name");
}

#[test]
fn unknown_formats_are_refused() {
    for magic in [b"ustar\x0099", b"ustar\0\0\0", b"USTAR\x0000", b"ustar   "] {
        let problem = problem(NpmTarball, &patched(&[(MAGIC, magic)]).gz());
        assert!(matches!(problem, Problem::Unsupported { what: "a tar format of unknown magic" }), "{problem:?}");
    }
}

#[test]
fn numbers_are_octal_or_refused() {
    for size in [
        &b"+0000000003\0"[..],
        b"-0000000003\0",
        b"0o000000003\0",
        b"0x000000003\0",
        b"0000000 003\0",
        b"00000000_03\0",
        b"00000000008\0",
        b"00000003abc\0",
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
        b"           \0",
        // Three, as the lower bytes of a number that no reader can hold; some look at those only.
        b"\x80\0\0\x01\0\0\0\0\0\0\0\x03",
        b"\x80\0\0\0\0\x20\0\0\0\0\0\x03",
        b"\x81\0\0\0\0\0\0\0\0\0\0\x03",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03",
        // Three in a form that is for nine gigabytes and more.
        b"\x80\0\0\0\0\0\0\0\0\0\0\x03",
    ] {
        assert_eq!(ambiguous(patched(&[(SIZE, size)])), NO_SIZE, "{size:?}");
    }
    for size in [&b"          3\0"[..], b"000000000003", b"00000000003 ", b"3\0\0\0\0\0\0\0\0\0\0\0"] {
        assert_eq!(names(patched(&[(SIZE, size)])), ["package.json", "a"], "{size:?}");
    }
    let binary: &[(usize, &[u8])] = &[(SIZE, b"\x80\0\0\0\0\0\0\0\0\0\0\x03")];
    let governed = Tar::npm().pax(b'x', &[("size", "3")]).patched(b'0', "package/a", binary, b"abc");
    assert_eq!(names(governed), ["package.json", "a"]);
    let extended = Tar::npm()
        .patched(b'L', "l", &[(SIZE, b"\x80\0\0\0\0\0\0\0\0\0\0\x09")], b"package/b")
        .file("package/a", b"abc");
    assert_eq!(ambiguous(extended), NO_SIZE);
    for mode in [&b"+000755\0"[..], b"0o00755\0", b"000075x\0", b"\x80\0\0\0\0\0\x01\xed"] {
        assert_eq!(ambiguous(patched(&[(MODE, mode)])), "a mode that is not an octal number");
    }
    // Python ends the archive here, npm's reader goes on.
    for (at, length) in [(108, 8), (116, 8), (136, 12), (329, 8), (337, 8)] {
        for number in [b"+1_", b"12x", b"\x81\0\0", b"\x80\xff\xff", b"\xff\0\0"] {
            let what = ambiguous(patched(&[(at, number)]));
            assert_eq!(what, "an owner, time or device that is not a number", "{at} {number:?}");
        }
        // None, and the binary forms that old versions of npm wrote for large and negative owners.
        for good in [[0; 12], *b"\x80\0\0\0\0\0\x40\0\0\0\0\0", [0xff; 12]] {
            assert_eq!(names(patched(&[(at, &good[..length])])).len(), 2);
        }
    }
}

#[test]
fn a_checksum_has_an_end() {
    let mut tar = Tar::npm();
    let at = tar.0.len();
    tar = tar.file("package/a", b"");
    let sum: u32 = tar.0[at..at + 512].iter().map(|b| u32::from(*b)).sum::<u32>()
        - tar.0[at + 148..at + 156].iter().map(|b| u32::from(*b)).sum::<u32>()
        + 8 * 32;
    tar.0[at + 148..at + 156].copy_from_slice(format!("{sum:08o}").as_bytes());
    let problem = problem(NpmTarball, &tar.gz());
    assert!(matches!(&problem, Problem::Damaged { reason } if reason.contains("checksum")), "{problem:?}");
}

#[test]
fn contents_that_some_readers_take_for_headers_are_refused() {
    // npm's reader drops an entry with a link target that is no link, and goes on with its contents.
    let hidden = Tar::default().file("package/package.json", br#"{"name":"other"}"#).0;
    let linked = Tar::npm().patched(b'0', "package/a", &[(157, b"x")], &hidden);
    assert_eq!(ambiguous(linked), "a link target on what is no link");
    let long = Tar::npm().patched(b'L', "l", &[(157, b"x")], b"package/b").file("package/a", b"");
    assert_eq!(ambiguous(long), "a link target on what is no link");
    // It also takes what follows a NUL and a line break for a part of the text.
    assert_eq!(ambiguous(patched(&[(157, b"\0\nx")])), "bytes behind the end of the link target");
    assert_eq!(ambiguous(patched(&[(9, b"\0\n/../../x")])), "bytes behind the end of the name");
    // A folder by one of two names.
    let by_field = Tar::npm().pax(b'x', &[("path", "package/a")]).entry(b'\0', "package/a/", "", &hidden);
    assert_eq!(ambiguous(by_field), "file or folder");
    let by_pax = Tar::npm().pax(b'x', &[("path", "package/a/")]).entry(b'\0', "package/a", "", b"");
    assert_eq!(ambiguous(by_pax), "file or folder");
    assert_eq!(ambiguous(Tar::npm().entry(b'0', "package/a/", "", b"")), "file or folder");
    assert_eq!(names(Tar::npm().entry(b'\0', "package/a/", "", b"")), ["package.json", "a"]);
    let contiguous = problem(NpmTarball, &Tar::npm().entry(b'7', "package/a", "", b"x").gz());
    assert!(matches!(contiguous, Problem::Special { kind: "contiguous file", .. }), "{contiguous:?}");
}

#[test]
fn extended_headers_belong_to_one_entry() {
    let between = Tar::npm().pax(b'x', &[("path", "package/b")]).pax(b'g', &[("comment", "c")]).file("package/a", b"");
    assert_eq!(ambiguous(between), "a header for all between an entry and its own");
    let between = Tar::npm().entry(b'L', "l", "", b"package/b").pax(b'g', &[("comment", "c")]).file("package/a", b"");
    assert_eq!(ambiguous(between), "a header for all between an entry and its own");
    let sized = Tar::npm().pax(b'x', &[("size", "0")]).entry(b'L', "l", "", b"package/b").file("package/a", b"");
    assert_eq!(ambiguous(sized), "two extended headers");
    let nameless = Tar::npm().entry(b'x', "", "", pax_record("path", "package/b").as_bytes()).file("package/a", b"");
    assert_eq!(ambiguous(nameless), "an extended header without a name");
    // Python reads records to the end of the block, and a long name to its NUL wherever that is.
    for (kind, text) in [(b'x', pax_record("comment", "c")), (b'L', "package/b".to_owned())] {
        let mut tar = Tar::npm().entry(kind, "extended", "", text.as_bytes());
        let end = tar.0.len();
        tar.0[end - 512 + text.len()..][..4].copy_from_slice(b"more");
        let problem = problem(NpmTarball, &tar.file("package/a", b"").gz());
        assert!(matches!(problem, Problem::HiddenData { place: "after an extended header" }), "{problem:?}");
    }
}

#[test]
fn pax_records_mean_one_thing() {
    let with = |records: &[(&str, &str)]| Tar::npm().pax(b'x', records).file("package/a", b"");
    // npm's reader goes by lines, others by lengths.
    let inner = pax_record("path", "package/evil");
    for value in [format!("text\n{inner}"), "text\n +13 path=xy".to_owned(), format!("\n{inner}more")] {
        let what = ambiguous(with(&[("comment", &value)]));
        assert_eq!(what, "a pax record within another", "{value:?}");
    }
    assert_eq!(names(with(&[("NODETAR.package.readme", "# title\n\n1. one\n12 things\n")])).len(), 2);
    for key in ["type", "mode"] {
        for kind in [b'x', b'g'] {
            let tar = Tar::npm().pax(kind, &[(key, "5")]).file("package/a", b"");
            let problem = problem(NpmTarball, &tar.gz());
            assert!(matches!(problem, Problem::Unsupported { what: "a pax record that sets type or mode" }), "{key}");
        }
    }
    let sparse = problem(NpmTarball, &with(&[("SCHILY.realsize", "9")]).gz());
    assert!(matches!(sparse, Problem::Unsupported { what: "sparse files" }), "{sparse:?}");
}

#[test]
fn the_end_is_two_blocks_and_no_more_gzip() {
    let tar = Tar::npm().0;
    for zeros in [1, 511, 512, 1023] {
        let problem = problem(NpmTarball, &gz(&[&tar[..], &vec![0; zeros]].concat()));
        assert!(matches!(problem, Problem::Truncated), "{zeros}: {problem:?}");
    }
    for zeros in [1024, 1536, 10240] {
        assert!(read(NpmTarball, &gz(&[&tar[..], &vec![0; zeros]].concat())).is_ok(), "{zeros}");
    }
    // A lone zero block is an end for Python; npm's reader goes on behind it.
    let late = gz(&[&tar[..], &[0; 512], &Tar::default().file("package/late", b"x").end()].concat());
    let problem = problem(NpmTarball, &late);
    assert!(matches!(problem, Problem::HiddenData { place: "after the end of the tar archive" }), "{problem:?}");
    for zeros in [1, 512, 4096] {
        let problem = crate::unpack::problem(NpmTarball, &[Tar::npm().gz(), vec![0; zeros]].concat());
        assert!(matches!(problem, Problem::HiddenData { place: "after the gzip stream" }), "{zeros}: {problem:?}");
    }
}

#[test]
fn a_mode_without_digits_is_not_executable() {
    let blank = patched(&[(MODE, &[0; 8])]).gz();
    visit_reader("a", std::io::Cursor::new(blank), NpmTarball, &Limits::STANDARD, &mut |entry| {
        assert_eq!(entry.kind, EntryKind::File { executable: false });
        Ok(())
    })
    .expect("good");
}

#[test]
fn zip_extra_fields_are_whole_and_once() {
    let field = |id: u16, data: &[u8]| [&id.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat();
    let with = |extra: Vec<u8>| Zip::wheel().entry(&ZipEntry { extra, ..ZipEntry::new("a/x", b"data") }).end();
    let time = field(0x5455, &[1, 0, 0, 0, 0]);
    assert!(read(Wheel, &with(time.clone())).is_ok());
    assert!(read(Wheel, &with([time.clone(), field(0x7875, &[1])].concat())).is_ok());
    let renaming = field(0x7075, b"\x01\0\0\0\0a/y");
    for rest in [&[0][..], &[0, 0, 0], &[0x55, 0x54, 9, 0, 1], &renaming[..renaming.len() - 1]] {
        let problem = problem(Wheel, &with([&time[..], rest].concat()));
        assert!(matches!(&problem, Problem::Damaged { reason } if reason.contains("extra field")), "{problem:?}");
    }
    let same = field(0x7075, b"\x01\0\0\0\0a/x");
    assert!(read(Wheel, &with(same.clone())).is_ok());
    for id in [same, field(1, &[0; 16])] {
        let problem = problem(Wheel, &with([id.clone(), id].concat()));
        assert!(matches!(problem, Problem::Ambiguous { what: "an extra field given twice", .. }), "{problem:?}");
    }
}
