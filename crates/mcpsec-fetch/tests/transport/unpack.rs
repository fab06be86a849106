//! Archives: honest ones come out as they went in, every hostile one is refused for what is wrong with it.
use std::{fs, io::Cursor, path::Path};

use mcpsec_fetch::unpack::{
    EntryKind, Limits, NameProblem, Problem, Summary, UnpackError, extract_to, read_file, read_matching, visit_reader,
};
use mcpsec_model::{
    artifact::CheckedArtifact,
    digest::Digest,
    package::ArtifactKind::{self, GitArchive, NpmTarball, Sdist, Wheel},
};
use tempfile::TempDir;

use crate::{
    archives::{Tar, Zip, ZipEntry, gz, gz_with_zeros, pax_record},
    overwrite,
};

pub(crate) fn read(kind: ArtifactKind, bytes: &[u8]) -> Result<Summary, UnpackError> {
    visit_reader("a-1", Cursor::new(bytes), kind, &Limits::STANDARD, &mut |_| Ok(()))
}

pub(crate) fn problem(kind: ArtifactKind, bytes: &[u8]) -> Problem {
    *read(kind, bytes).expect_err("refused").problem
}

macro_rules! refused {
    ($kind:expr, $bytes:expr, $pattern:pat $(if $guard:expr)?) => {{
        let problem = problem($kind, &$bytes);
        assert!(matches!(problem, $pattern $(if $guard)?), "{problem:?}");
    }};
}

/// An artifact as the store would give it.
fn stored(dir: &Path, file: &str, bytes: &[u8]) -> CheckedArtifact {
    let path = dir.join(file);
    overwrite(&path, bytes);
    let digests = [Digest::sha256_of(bytes)].into_iter().collect();
    let package = "npm:a@1.0.0".parse().expect("id");
    CheckedArtifact::vouch_bytes_were_hashed_and_match(package, file, path, bytes.len() as u64, digests)
}

#[test]
fn an_npm_tarball_comes_out_without_its_leading_folder() {
    let dir = TempDir::new().expect("folder");
    let long = format!("package/{}x.js", "d/".repeat(60));
    let tar = Tar::npm()
        .entry(b'5', "package/lib/", "", b"")
        .file("package/lib/a.js", b"one")
        .file("other/bin/run.sh", b"two")
        .pax(b'x', &[("mtime", "1.5"), ("path", &long)])
        .file("package/short", b"three")
        .entry(b'L', "././@LongLink", "", b"package/gnu-long\0")
        .file("package/gn", b"four")
        .file("no-folder", b"dropped, as npm does");
    let artifact = stored(dir.path(), "a-1.tgz", &tar.gz());
    let out = dir.path().join("out");
    let summary = extract_to(&artifact, NpmTarball, &Limits::STANDARD, &out).expect("unpacked");
    assert_eq!((summary.entries, summary.bytes), (6, 2 + 3 + 3 + 5 + 4));
    let text = |name: &str| fs::read_to_string(out.join(name)).expect(name);
    assert_eq!(text("lib/a.js"), "one");
    assert_eq!(text("bin/run.sh"), "two");
    assert_eq!(text(&long["package/".len()..]), "three");
    assert_eq!(text("gnu-long"), "four");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name: &str| fs::metadata(out.join(name)).expect(name).permissions().mode() & 0o111;
        assert!(mode("bin/run.sh") != 0 && mode("lib/a.js") == 0);
    }
    let json = read_file(&artifact, NpmTarball, &Limits::STANDARD, "package.json", 100).expect("read");
    assert_eq!(json.as_deref(), Some(&b"{}"[..]));
    assert_eq!(read_file(&artifact, NpmTarball, &Limits::STANDARD, "nothing", 100).expect("read"), None);
    let longer = read_file(&artifact, NpmTarball, &Limits::STANDARD, "lib/a.js", 2).expect_err("longer");
    assert!(matches!(*longer.problem, Problem::Longer { limit: 2, .. }));
    let again = extract_to(&artifact, NpmTarball, &Limits::STANDARD, &out).expect_err("not empty");
    assert!(matches!(*again.problem, Problem::Io { .. }));
}

#[test]
fn a_wheel_comes_out() {
    let dir = TempDir::new().expect("folder");
    let mut streamed = ZipEntry { flags: 8, ..ZipEntry::new("a/streamed.py", b"later") };
    for part in [0x0807_4b50, streamed.crc, streamed.data.len() as u32, streamed.size] {
        streamed.after.extend(part.to_le_bytes());
    }
    let zip = Zip::wheel()
        .entry(&ZipEntry { mode: 0o040_755, ..ZipEntry::stored("a/", b"") })
        .file("a/x.py", b"one")
        .entry(&streamed)
        .entry(&ZipEntry { mode: 0o100_755, ..ZipEntry::stored("a-1.data/scripts/run", b"two") })
        .file("a/empty", b"");
    let artifact = stored(dir.path(), "a-1-py3-none-any.whl", &zip.end());
    let out = dir.path().join("out");
    let summary = extract_to(&artifact, Wheel, &Limits::STANDARD, &out).expect("unpacked");
    assert_eq!(summary.entries, 8);
    assert_eq!(fs::read_to_string(out.join("a/streamed.py")).expect("file"), "later");
    assert_eq!(fs::read_to_string(out.join("a-1.data/scripts/run")).expect("file"), "two");
    let found = read_matching(&artifact, Wheel, &Limits::STANDARD, 100, |path| path.ends_with("/METADATA"));
    assert_eq!(found.expect("read"), [("a-1.dist-info/METADATA".to_owned(), b"METADATA".to_vec())]);
}

#[cfg(unix)]
#[test]
fn links_that_stay_inside_are_made_and_hard_links_are_copied() {
    let dir = TempDir::new().expect("folder");
    let tar = Tar::default().file("a-1/PKG-INFO", b"x").link(b'2', "a-1/docs/info", "../PKG-INFO").link(
        b'1',
        "a-1/copy",
        "a-1/PKG-INFO",
    );
    let artifact = stored(dir.path(), "a-1.tar.gz", &tar.gz());
    let out = dir.path().join("out");
    extract_to(&artifact, Sdist, &Limits::STANDARD, &out).expect("unpacked");
    assert_eq!(fs::read_link(out.join("a-1/docs/info")).expect("link"), Path::new("../PKG-INFO"));
    assert_eq!(fs::read_to_string(out.join("a-1/docs/info")).expect("file"), "x");
    assert_eq!(fs::read_to_string(out.join("a-1/copy")).expect("file"), "x");
    assert!(!out.join("a-1/copy").is_symlink());
}

#[test]
fn git_archives_are_plain_and_sdists_may_be_zip() {
    let tar = Tar::default().file("pyproject.toml", b"x").link(b'2', "link", "pyproject.toml");
    assert_eq!(read(GitArchive, &tar.clone().end()).expect("read").entries, 2);
    let mut seen = Vec::new();
    let zip = Zip::default().file("a-1/PKG-INFO", b"x").end();
    visit_reader("A-1.ZIP", Cursor::new(zip), Sdist, &Limits::STANDARD, &mut |entry| {
        assert_eq!(entry.kind, EntryKind::File { executable: false });
        seen.push(entry.path.to_owned());
        Ok(())
    })
    .expect("read");
    assert_eq!(seen, ["a-1/PKG-INFO"]);
    refused!(GitArchive, tar.link(b'1', "hard", "link").end(), Problem::LinkForbidden { .. });
}

#[test]
fn names_that_leave_are_refused_in_every_container() {
    for (name, why) in [
        ("../x", NameProblem::Parent),
        ("package/../../x", NameProblem::Parent),
        ("/tmp/x", NameProblem::Absolute),
        ("C:\\x", NameProblem::Drive),
        ("package/..\\x", NameProblem::Backslash),
        ("package/nul.txt", NameProblem::Reserved),
        ("package/x. ", NameProblem::TrailingDotOrSpace),
        ("package/x\u{1b}[2J", NameProblem::Control),
        ("package/x:y", NameProblem::Forbidden),
    ] {
        let named = |problem: Problem| match problem {
            Problem::Name { reason, entry } => {
                assert!(!entry.contains('\u{1b}'));
                assert_eq!(reason, why, "{name:?}");
            }
            other => panic!("{name:?}: {other:?}"),
        };
        named(problem(NpmTarball, &Tar::npm().file(name, b"x").gz()));
        named(problem(NpmTarball, &Tar::npm().pax(b'x', &[("path", name)]).file("package/ok", b"x").gz()));
        named(problem(NpmTarball, &Tar::npm().entry(b'L', "l", "", name.as_bytes()).file("package/ok", b"x").gz()));
        named(problem(NpmTarball, &Tar::npm().entry(b'5', name, "", b"").gz()));
        named(problem(Wheel, &Zip::wheel().file(name, b"x").end()));
    }
    let nul = Tar::npm().pax(b'x', &[("path", "package/a\0b")]).file("package/a", b"x").gz();
    refused!(NpmTarball, nul, Problem::Name { reason: NameProblem::Control, .. });
    refused!(Wheel, Zip::wheel().file("a\0b", b"x").end(), Problem::Name { reason: NameProblem::Control, .. });
    let latin = ZipEntry { local_name: b"caf\xe9".to_vec(), name: b"caf\xe9".to_vec(), ..ZipEntry::new("x", b"x") };
    refused!(Wheel, Zip::wheel().entry(&latin).end(), Problem::Name { reason: NameProblem::Encoding, .. });
    let unstated = ZipEntry::new("café", b"x");
    refused!(Wheel, Zip::wheel().entry(&unstated).end(), Problem::Name { reason: NameProblem::Encoding, .. });
    assert!(read(Wheel, &Zip::wheel().entry(&ZipEntry { flags: 1 << 11, ..unstated }).end()).is_ok());
}

#[test]
fn names_that_meet_are_refused() {
    let npm = |a: &str, b: &str| Tar::npm().file(a, b"x").file(b, b"y").gz();
    refused!(NpmTarball, npm("package/a", "package/a"), Problem::Duplicate { .. });
    refused!(NpmTarball, npm("package/a", "other/a"), Problem::Duplicate { .. });
    refused!(NpmTarball, npm("package/a", "package/./a"), Problem::Duplicate { .. });
    refused!(NpmTarball, npm("package/a", "x/package.json"), Problem::Duplicate { .. });
    refused!(NpmTarball, npm("package/a", "package/A"), Problem::CaseCollision { .. });
    refused!(NpmTarball, npm("package/D/x", "package/d/y"), Problem::CaseCollision { .. });
    refused!(NpmTarball, npm("package/caf\u{e9}", "package/cafe\u{301}"), Problem::CaseCollision { .. });
    refused!(NpmTarball, npm("package/a", "package/a/b"), Problem::Conflict { .. });
    refused!(NpmTarball, npm("package/a/b", "package/a"), Problem::Conflict { .. });
    let by_link = Tar::default().file("a/x", b"x").link(b'1', "a/y", "a/x").file("a/y", b"x").gz();
    refused!(Sdist, by_link, Problem::Duplicate { .. });
    let many = (0..300).fold(Tar::npm(), |tar, _| tar.file("package/a", b"x")).gz();
    refused!(NpmTarball, many, Problem::Duplicate { .. });
    let wheel = |a: &str, b: &str| Zip::wheel().file(a, b"x").file(b, b"x").end();
    refused!(Wheel, wheel("a", "a"), Problem::Duplicate { .. });
    refused!(Wheel, wheel("a", "A"), Problem::CaseCollision { .. });
    refused!(Wheel, wheel("a", "a/b"), Problem::Conflict { .. });
    // Nothing may lie below a link.
    let below = Tar::default().link(b'2', "a/l", "b").file("a/l/x", b"x").gz();
    refused!(Sdist, below, Problem::Conflict { .. });
}

/// `npm pack` writes a file twice when `bin` names it as `./dist/index.js`.
#[test]
fn a_file_that_comes_again_with_the_same_bytes_is_one_file() {
    let dir = TempDir::new().expect("folder");
    let tar = Tar::npm()
        .file("package/./dist/index.js", b"same")
        .file("package/b", b"x")
        .file("package/dist/index.js", b"same");
    let artifact = stored(dir.path(), "a-1.tgz", &tar.clone().gz());
    let out = dir.path().join("out");
    let summary = extract_to(&artifact, NpmTarball, &Limits::STANDARD, &out).expect("unpacked");
    assert_eq!((summary.entries, summary.bytes), (3, 2 + 4 + 1));
    assert_eq!(fs::read_to_string(out.join("dist/index.js")).expect("file"), "same");
    let other = tar.file("package/dist/index.js", b"evil").gz();
    refused!(NpmTarball, other, Problem::Duplicate { .. });
    let json = Tar::npm().file("x/package.json", b"[]").gz();
    refused!(NpmTarball, json, Problem::Duplicate { .. });
}

#[test]
fn links_and_devices_are_refused() {
    refused!(NpmTarball, Tar::npm().link(b'2', "package/l", "package.json").gz(), Problem::LinkForbidden { .. });
    refused!(
        NpmTarball,
        Tar::npm().link(b'1', "package/l", "package/package.json").gz(),
        Problem::LinkForbidden { .. }
    );
    for target in ["../..", "/etc/passwd", "x/../../..", "x/..", "C:/x", "..\\x"] {
        refused!(Sdist, Tar::default().link(b'2', "a/l", target).gz(), Problem::LinkLeaves { .. });
    }
    let by_pax = Tar::default().pax(b'x', &[("linkpath", "/etc/passwd")]).link(b'2', "a/l", "ok").gz();
    refused!(Sdist, by_pax, Problem::LinkLeaves { .. });
    let by_gnu = Tar::default().entry(b'K', "k", "", b"../../x\0").link(b'2', "a/l", "ok").gz();
    refused!(Sdist, by_gnu, Problem::LinkLeaves { .. });
    for target in ["/etc/passwd", "../x", "a/later"] {
        let tar = Tar::default().link(b'1', "a/l", target).file("a/later", b"x").gz();
        refused!(Sdist, tar, Problem::HardLinkTarget { .. });
    }
    for (kind, name) in
        [(b'3', "character device"), (b'4', "block device"), (b'6', "FIFO"), (b'Z', "thing of unknown type")]
    {
        refused!(NpmTarball, Tar::npm().link(kind, "package/d", "").gz(), Problem::Special { kind, .. } if kind == name);
    }
    let link = ZipEntry { mode: 0o120_777, ..ZipEntry::stored("a/l", b"../../x") };
    refused!(Wheel, Zip::wheel().entry(&link).end(), Problem::LinkForbidden { .. });
    let device = ZipEntry { mode: 0o020_666, ..ZipEntry::stored("a/d", b"") };
    refused!(Wheel, Zip::wheel().entry(&device).end(), Problem::Special { kind: "character device", .. });
}

#[test]
fn bombs_are_refused_quickly() {
    // Ten gigabytes declared: refused by the declaration.
    let declared = Tar::npm().header(b'0', "package/zeros", "", 10 << 30).0;
    refused!(NpmTarball, gz_with_zeros(&declared, 100), Problem::FileTooLarge { .. });
    // Within what one file may have, but expanding a thousandfold.
    let within = Tar::npm().header(b'0', "package/zeros", "", 1 << 30).0;
    refused!(NpmTarball, gz_with_zeros(&within, 1 << 10), Problem::Ratio { .. });
    // Zeros behind the end of the archive are a bomb, too.
    refused!(NpmTarball, gz_with_zeros(&Tar::npm().end(), 1 << 10), Problem::Ratio { .. });
    let limits = Limits { total_bytes: 1 << 20, ..Limits::STANDARD };
    let tar = Tar::npm().file("package/a", &[b'x'; 700 << 10]).file("package/b", &[b'y'; 700 << 10]).gz();
    let total = visit_reader("a", Cursor::new(&tar), NpmTarball, &limits, &mut |_| Ok(())).expect_err("refused");
    assert!(matches!(*total.problem, Problem::TotalTooLarge { .. }), "{total:?}");
    let limits = Limits { entries: 100, ..Limits::STANDARD };
    let tar = (0..100).fold(Tar::npm(), |tar, n| tar.file(&format!("package/{n}"), b"")).gz();
    let many = visit_reader("a", Cursor::new(&tar), NpmTarball, &limits, &mut |_| Ok(())).expect_err("refused");
    assert!(matches!(*many.problem, Problem::TooManyEntries { limit: 100 }), "{many:?}");
    let deep = format!("package/{}x", "d/".repeat(500));
    refused!(
        NpmTarball,
        Tar::npm().pax(b'x', &[("path", &deep)]).file("x", b"").gz(),
        Problem::Name { reason: NameProblem::TooDeep, .. }
    );
    let extended = Tar::npm().header(b'x', "pax", "", 1 << 30).0;
    refused!(NpmTarball, gz_with_zeros(&extended, 1), Problem::HeaderTooLong { .. });
    let long_name = Tar::npm().header(b'L', "pax", "", 1 << 30).0;
    refused!(NpmTarball, gz_with_zeros(&long_name, 1), Problem::HeaderTooLong { .. });
}

#[test]
fn zip_bombs_are_refused_quickly() {
    let big = ZipEntry { size: 3 << 30, ..ZipEntry::new("a/zeros", b"x") };
    refused!(Wheel, Zip::wheel().entry(&big).end(), Problem::FileTooLarge { .. });
    let named = |n: u32| {
        let name = format!("a/zeros{n}");
        ZipEntry { local_name: name.clone().into(), name: name.into(), size: 1 << 30, ..big.clone() }
    };
    let many = (0..10).fold(Zip::wheel(), |zip, n| zip.entry(&named(n))).end();
    refused!(Wheel, many, Problem::Ratio { .. });
    let liar = ZipEntry { size: 10, ..ZipEntry::new("a/zeros", &vec![0; 1 << 20]) };
    refused!(Wheel, Zip::wheel().entry(&liar).end(), Problem::Contents { what: "length", .. });
    let short = ZipEntry { size: 1 << 20, ..ZipEntry::new("a/zeros", b"x") };
    refused!(Wheel, Zip::wheel().entry(&short).end(), Problem::Contents { what: "length", .. });
    let one = ZipEntry::new("a/zeros0", b"x");
    let two = ZipEntry { name: b"a/zeros1".to_vec(), ..one.clone() };
    refused!(Wheel, Zip::wheel().entry(&one).list(&two).end(), Problem::Overlap { .. });
    let fifty_thousand = (0..50_000).fold(Zip::wheel(), |zip, n| zip.entry(&ZipEntry::stored(&format!("f/{n}"), b"")));
    refused!(Wheel, fifty_thousand.end(), Problem::TooManyEntries { .. });
}

#[test]
fn a_thousand_hard_links_to_one_file_are_a_bomb() {
    let dir = TempDir::new().expect("folder");
    let tar =
        (0..50).fold(Tar::default().file("a/x", &[7; 100 << 10]), |tar, n| tar.link(b'1', &format!("a/l{n}"), "a/x"));
    let artifact = stored(dir.path(), "a-1.tar.gz", &tar.gz());
    let limits = Limits { total_bytes: 1 << 20, ..Limits::STANDARD };
    let error = extract_to(&artifact, Sdist, &limits, &dir.path().join("out")).expect_err("refused");
    assert!(matches!(*error.problem, Problem::TotalTooLarge { .. }), "{error}");
}

#[test]
fn truncated_archives_are_refused() {
    let whole = Tar::npm().file("package/a", &[b'x'; 3000]).end();
    let zipped = gz(&whole);
    for cut in [0, 5, 20, zipped.len() / 2, zipped.len() - 8, zipped.len() - 1] {
        refused!(NpmTarball, zipped[..cut], Problem::Truncated);
    }
    for cut in [0, 100, 512, 700, 1024, 2048, whole.len() - 1024 - 10, whole.len() - 1024] {
        refused!(GitArchive, whole[..cut], Problem::Truncated);
    }
    let zip = Zip::wheel().file("a/x", &[b'x'; 3000]).end();
    for cut in [10, 22, 40, zip.len() / 2, zip.len() - 1] {
        let problem = problem(Wheel, &zip[..cut]);
        assert!(matches!(problem, Problem::Truncated), "{cut}: {problem:?}");
    }
    refused!(NpmTarball, *b"<html>please log in</html>", Problem::Damaged { .. });
    refused!(Wheel, *b"<html>please log in, please</html>", Problem::Damaged { .. });
    let mut flipped = zipped.clone();
    let at = flipped.len() - 8;
    flipped[at] ^= 1;
    refused!(NpmTarball, flipped, Problem::Damaged { .. });
    let mut header = whole;
    header[0] ^= 1;
    refused!(GitArchive, header, Problem::Damaged { .. });
}

#[test]
fn what_two_readers_see_differently_is_refused() {
    let good = Tar::npm().gz();
    let late = Tar::default().file("package/late", b"x");
    refused!(
        NpmTarball,
        [good.clone(), late.clone().gz()].concat(),
        Problem::HiddenData { place: "a second gzip member" }
    );
    refused!(NpmTarball, [&good[..], b"garbage"].concat(), Problem::HiddenData { place: "after the gzip stream" });
    let after_end = gz(&[Tar::npm().end(), late.end()].concat());
    refused!(NpmTarball, after_end, Problem::HiddenData { .. });
    let sizes = Tar::npm().pax(b'x', &[("size", "0")]).file("package/a", b"hidden").gz();
    refused!(NpmTarball, sizes, Problem::Ambiguous { what: "size", .. });
    let twice = Tar::npm().pax(b'x', &[("path", "package/a"), ("path", "package/b")]).file("package/c", b"x").gz();
    refused!(NpmTarball, twice, Problem::Ambiguous { .. });
    let both =
        Tar::npm().pax(b'x', &[("path", "package/a")]).entry(b'L', "l", "", b"package/b").file("package/c", b"").gz();
    refused!(NpmTarball, both, Problem::Ambiguous { what: "name", .. });
    let global = Tar::npm().pax(b'g', &[("path", "package/a")]).file("package/c", b"x").gz();
    refused!(NpmTarball, global, Problem::Unsupported { .. });
    assert!(read(NpmTarball, &Tar::npm().pax(b'g', &[("comment", "c0ffee")]).gz()).is_ok());
    let folder = Tar::npm().entry(b'5', "package/d", "", b"hidden").gz();
    refused!(NpmTarball, folder, Problem::Ambiguous { .. });
    let dangling = Tar::npm().pax(b'x', &[("path", "package/a")]).gz();
    refused!(NpmTarball, dangling, Problem::Damaged { .. });
    for bad in ["5 path=x\n", "99 path=x\n", "x path=x\n", "10 path=xyz"] {
        refused!(
            NpmTarball,
            Tar::npm().entry(b'x', "pax", "", bad.as_bytes()).file("x", b"").gz(),
            Problem::Damaged { .. }
        );
    }
    let sparse = format!("{}{}", pax_record("GNU.sparse.major", "1"), pax_record("GNU.sparse.name", "x"));
    refused!(
        NpmTarball,
        Tar::npm().entry(b'x', "pax", "", sparse.as_bytes()).file("x", b"").gz(),
        Problem::Unsupported { .. }
    );
    refused!(NpmTarball, Tar::npm().link(b'S', "package/s", "").gz(), Problem::Unsupported { .. });
}

#[test]
fn zips_that_say_two_things_are_refused() {
    let x = ZipEntry::new("a/x", b"data");
    let with = |entry: &ZipEntry| Zip::wheel().entry(entry).end();
    refused!(
        Wheel,
        with(&ZipEntry { local_name: b"a/y".to_vec(), ..x.clone() }),
        Problem::Ambiguous { what: "name", .. }
    );
    refused!(Wheel, with(&ZipEntry { local_crc: 1, ..x.clone() }), Problem::Ambiguous { .. });
    refused!(Wheel, with(&ZipEntry { crc: 1, local_crc: 1, ..x.clone() }), Problem::Contents { what: "checksum", .. });
    refused!(Wheel, with(&ZipEntry { flags: 1, ..x.clone() }), Problem::Encrypted { .. });
    refused!(Wheel, with(&ZipEntry { method: 99, ..x.clone() }), Problem::Unsupported { .. });
    refused!(Wheel, with(&ZipEntry { size: 9, ..ZipEntry::stored("a/x", b"data") }), Problem::Ambiguous { .. });
    refused!(Wheel, with(&ZipEntry { after: b"hidden".to_vec(), ..x.clone() }), Problem::HiddenData { .. });
    refused!(Wheel, with(&ZipEntry { flags: 8, after: vec![0; 16], ..x.clone() }), Problem::Ambiguous { .. });
    let mut padded = x.clone();
    padded.data.extend(b"hidden");
    refused!(Wheel, with(&padded), Problem::HiddenData { .. });
    let mut renamed = x.clone();
    renamed.extra = [&0x7075_u16.to_le_bytes()[..], &10_u16.to_le_bytes(), &[1, 0, 0, 0, 0], b"a/yyy"].concat();
    refused!(Wheel, with(&renamed), Problem::Ambiguous { what: "name", .. });
    let zip = with(&x);
    refused!(Wheel, [b"#!/bin/sh\n", &zip[..]].concat(), Problem::HiddenData { .. });
    refused!(Wheel, [&zip[..], b"suffix"].concat(), Problem::HiddenData { .. });
    refused!(Wheel, [&zip[..], &zip[..]].concat(), Problem::HiddenData { .. });
    let mut comment = zip.clone();
    let at = comment.len() - 2;
    comment[at] = 3;
    refused!(Wheel, [&comment[..], b"abc"].concat(), Problem::HiddenData { .. });
    refused!(Wheel, comment, Problem::Truncated);
}

#[test]
fn a_package_that_is_none_is_refused() {
    refused!(NpmTarball, Tar::default().file("package/index.js", b"x").gz(), Problem::NoPackageJson);
    refused!(Wheel, Zip::default().file("a/x.py", b"x").end(), Problem::NoDistInfo);
    for second in ["b-1.dist-info", "b-1.DIST-INFO", "b-1.Dist-Info", "b-1.di\u{17f}t-info"] {
        let name = format!("{second}/METADATA");
        let entry = ZipEntry { flags: 1 << 11, ..ZipEntry::new(&name, b"x") };
        refused!(Wheel, Zip::wheel().entry(&entry).end(), Problem::NoDistInfo);
    }
    let upper = ["METADATA", "WHEEL", "RECORD"];
    let upper = upper.iter().fold(Zip::default(), |zip, file| zip.file(&format!("a-1.DIST-INFO/{file}"), b"x"));
    refused!(Wheel, upper.end(), Problem::NoDistInfo);
}

/// Real archives, so that strictness never refuses what people publish.
#[test]
fn published_archives_are_read() {
    let Some(fixtures) = mcpsec_testkit::shared::path("fixtures") else { return };
    let mut open = vec![fixtures];
    let mut count = 0;
    while let Some(dir) = open.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.map(|entry| entry.expect("entry").path()) {
            let name = path.to_string_lossy().into_owned();
            let kind = match () {
                () if path.is_dir() => {
                    open.push(path);
                    continue;
                }
                () if name.ends_with(".tgz") => NpmTarball,
                () if name.ends_with(".whl") => Wheel,
                () if name.ends_with(".tar.gz") => Sdist,
                () => continue,
            };
            read(kind, &fs::read(&path).expect("file")).unwrap_or_else(|error| panic!("{name}: {error}"));
            count += 1;
        }
    }
    assert!(count > 0, "the shared fixtures hold archives");
}

/// The shared catalogue of everything hostile; which problem each is, the tests above say.
#[test]
fn everything_in_the_catalogue_is_refused() {
    use mcpsec_testkit::{archives, npm::npm_package, pypi::wheel};
    let npm = npm_package("a", "1.0.0");
    assert!(read(NpmTarball, &npm.tar().gz()).is_ok(), "what the cases are made from is good");
    for case in archives::hostile_npm_tarballs(&npm) {
        assert!(read(NpmTarball, &case.bytes).is_err(), "{}", case.name);
    }
    let python = wheel("a", "1.0");
    assert!(read(Wheel, &python.zip().finish()).is_ok(), "what the cases are made from is good");
    for case in archives::hostile_wheels(&python) {
        assert!(read(Wheel, &case.bytes).is_err(), "{}", case.name);
    }
}
