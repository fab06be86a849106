//! The store against bad disks, bad bytes, crowds and sudden death.
mod evidence;
mod unpacked;

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
};

use mcpsec_model::{
    digest::{Digest, Digests},
    package::{Artifact, ArtifactKind, PackageId},
};

use super::{Pinned, Store, StoreError, layout};

fn id(text: &str) -> PackageId {
    text.parse().expect("package id")
}

fn pin(digests: impl IntoIterator<Item = Digest>, size: Option<u64>) -> Artifact {
    Artifact {
        kind: ArtifactKind::NpmTarball,
        file: "zod-1.0.0.tgz".into(),
        size,
        digests: digests.into_iter().collect(),
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    let _absent_is_fine = fs::remove_file(path);
    File::create(path).expect("create").write_all(bytes).expect("write");
}

fn insert(store: &Store, package: &PackageId, bytes: &[u8]) -> Artifact {
    let pinned = pin([Digest::sha512_of(bytes)], Some(bytes.len() as u64));
    store.insert_bytes(package, ArtifactKind::NpmTarball, "zod-1.0.0.tgz", bytes, &pinned.digests).expect("insert");
    pinned
}

fn files_below(dir: &Path) -> usize {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .map(|entry| entry.expect("entry").path())
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}

#[test]
fn what_went_in_comes_out_checked() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path().join("store")).expect("store");
    let zod = id("npm:zod@1.0.0");
    let pinned = insert(&store, &zod, b"bytes");
    let checked = store.check(&zod, &pinned).expect("good");
    assert_eq!(checked.size(), 5);
    assert_eq!(checked.digests().sha512, pinned.digests.sha512);
    let hex = Digest::sha512_of(b"bytes").to_hex();
    assert_eq!(checked.path(), store.root().join(format!("objects/sha512/{}/{hex}", &hex[..2])));
    assert_eq!(store.lookup(&zod, &pinned).as_deref(), Some(checked.path()));
    let records = store.ls();
    assert_eq!(records.records.len(), 1);
    assert_eq!(records.records[0].package, zod);
    assert_eq!(
        records.records[0].digests.sha256,
        [Digest::sha256_of(b"bytes")].into_iter().collect::<Digests>().sha256
    );
    assert!(records.unreadable.is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(checked.path()).expect("metadata").permissions().mode() & 0o222, 0, "read-only");
    }
}

#[test]
fn pypi_and_git_lie_under_sha256() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path()).expect("store");
    for package in ["pypi:anyio@4.0.0", "git+https://h.invalid/o/r@0123456789abcdef0123456789abcdef01234567"] {
        let checked = store
            .insert_bytes(&id(package), ArtifactKind::GitArchive, "a.tar", b"x", &Digests::default())
            .expect("insert");
        assert!(checked.path().starts_with(store.root().join("objects/sha256")), "{package}");
        assert!(checked.digests().sha256.is_some() && checked.digests().sha512.is_some());
    }
}

#[test]
fn one_flipped_byte_is_corrupt_and_quarantined() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path()).expect("store");
    let zod = id("npm:zod@1.0.0");
    let pinned = insert(&store, &zod, b"bytes");
    let path = store.lookup(&zod, &pinned).expect("present");
    put(&path, b"bytez");
    let error = store.check(&zod, &pinned).expect_err("corrupt");
    assert!(error.is_refusal());
    let StoreError::Corrupt { expected, actual, quarantined, .. } = error else { panic!("{error}") };
    assert_eq!(expected, Pinned::Digest(Digest::sha512_of(b"bytes")));
    assert_eq!(actual, Pinned::Digest(Digest::sha512_of(b"bytez")));
    assert_eq!(fs::read(quarantined.expect("moved")).expect("read"), b"bytez");
    assert!(matches!(store.check(&zod, &pinned), Err(StoreError::Missing { .. })), "it is gone from its place");
    insert(&store, &zod, b"bytes");
    store.check(&zod, &pinned).expect("healed");
}

#[test]
fn every_pinned_digest_and_the_size_count() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path()).expect("store");
    let zod = id("npm:zod@1.0.0");
    insert(&store, &zod, b"bytes");
    let edited = pin([Digest::sha512_of(b"bytes"), Digest::sha256_of(b"other")], None);
    assert!(matches!(store.check(&zod, &edited), Err(StoreError::Corrupt { quarantined: None, .. })));
    let longer = pin([Digest::sha512_of(b"bytes")], Some(6));
    let error = store.check(&zod, &longer).expect_err("size");
    assert!(matches!(error, StoreError::Corrupt { expected: Pinned::Size(6), actual: Pinned::Size(5), .. }), "{error}");
    let nothing = pin([], None);
    assert!(matches!(store.check(&zod, &nothing), Err(StoreError::Unpinned { .. })));
    // A wrong pin is no reason to move a good object away.
    store.check(&zod, &pin([Digest::sha512_of(b"bytes")], Some(5))).expect("still there");
}

#[test]
fn wrong_bytes_never_enter() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path()).expect("store");
    let pinned: Digests = [Digest::sha512_of(b"good")].into_iter().collect();
    let error = store
        .insert_bytes(&id("npm:zod@1.0.0"), ArtifactKind::NpmTarball, "zod-1.0.0.tgz", b"evil", &pinned)
        .expect_err("refused");
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert_eq!(files_below(&root.path().join("objects")), 0);
    assert_eq!(files_below(&root.path().join("records")), 0);
    drop(store);
    assert_eq!(files_below(&root.path().join("tmp")), 1, "only the gate's lock file is left");
}

#[test]
fn check_many_answers_in_order() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path()).expect("store");
    let zod = id("npm:zod@1.0.0");
    let present: Vec<_> = (0..20_u8).map(|n| insert(&store, &zod, &vec![n; 100_000])).collect();
    let absent = pin([Digest::sha512_of(b"absent")], None);
    let mut questions: Vec<_> = present.iter().map(|artifact| (&zod, artifact)).collect();
    questions.insert(7, (&zod, &absent));
    let answers = store.check_many(&questions);
    for (at, (answer, (_, artifact))) in answers.iter().zip(&questions).enumerate() {
        match answer {
            Ok(checked) => assert_eq!(checked.digests().sha512, artifact.digests.sha512),
            Err(error) => assert!(at == 7 && matches!(error, StoreError::Missing { .. }), "{at}: {error}"),
        }
    }
}

#[test]
fn verify_all_finds_what_is_wrong_without_any_lock() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path()).expect("store");
    let zod = id("npm:zod@1.0.0");
    insert(&store, &zod, b"good");
    let bad = insert(&store, &zod, b"bad");
    let path = store.lookup(&zod, &bad).expect("present");
    put(&path, b"b");
    put(&root.path().join("objects/sha512/00/strange"), b"?");
    // The right name in a folder where no lookup would find it.
    let lost = Digest::sha512_of(b"lost").to_hex();
    put(&root.path().join("objects/sha512/zz").join(lost), b"lost");
    let report = store.verify_all(&|_| ()).expect("readable");
    assert_eq!((report.good, report.bytes, report.bad.len()), (1, 4, 3));
    assert!(report.bad.iter().any(|bad| bad.address == Some(Digest::sha512_of(b"bad")) && bad.quarantined.is_some()));
    assert!(!path.exists());
    assert_eq!(store.verify_all(&|_| ()).expect("readable").bad.len(), 2, "the strange ones stay, and stay reported");
}

#[test]
fn reading_an_absent_store_writes_nothing() {
    let root = tempfile::tempdir().expect("dir");
    let place = root.path().join("nowhere");
    let store = Store::open(&place).expect("open");
    let pinned = pin([Digest::sha512_of(b"x")], None);
    assert!(matches!(store.check(&id("npm:zod@1.0.0"), &pinned), Err(StoreError::Missing { .. })));
    assert!(store.ls().records.is_empty());
    assert!(!place.exists());
}

#[test]
fn newer_and_foreign_folders_are_refused() {
    let root = tempfile::tempdir().expect("dir");
    put(&root.path().join("newer/format"), b"mcpsec-store 2\n");
    put(&root.path().join("odd/format"), b"something else\n");
    put(&root.path().join("home/letter.txt"), b"dear\n");
    let opens: [fn(std::path::PathBuf) -> Result<Store, StoreError>; 2] =
        [|root| Store::open(root), |root| Store::create(root)];
    for open in opens {
        let error = open(root.path().join("newer")).expect_err("newer");
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
        assert!(matches!(open(root.path().join("odd")), Err(StoreError::NotAStore { .. })));
    }
    assert!(matches!(Store::create(root.path().join("home")), Err(StoreError::NotAStore { .. })));
    assert_eq!(files_below(&root.path().join("home")), 1);
}

#[test]
fn leftovers_of_the_dead_are_swept_and_the_living_are_left_alone() {
    let root = tempfile::tempdir().expect("dir");
    let living = Store::create(root.path()).expect("store");
    let mut staged = living.stage().expect("stage");
    staged.write(b"half").expect("write");
    let dead = root.path().join("tmp/w-dead");
    put(&dead.join("owner"), b"");
    put(&dead.join("0"), b"half a file");
    // The lock of a living owner is held through another handle, as another process would hold it.
    let busy = root.path().join("tmp/w-busy");
    put(&busy.join("owner"), b"");
    let owner = OpenOptions::new().write(true).open(busy.join("owner")).expect("open");
    owner.lock().expect("lock");

    let newcomer = Store::create(root.path()).expect("store");
    insert(&newcomer, &id("npm:zod@1.0.0"), b"x");
    assert!(!dead.exists());
    assert!(busy.exists());
    assert!(staged.path().exists());
    staged.write(b" and half").expect("the living go on");
}

#[test]
fn a_crowd_inserting_and_checking_the_same_files() {
    let root = tempfile::tempdir().expect("dir");
    let zod = id("npm:zod@1.0.0");
    std::thread::scope(|scope| {
        for _writer in 0..4 {
            scope.spawn(|| {
                let store = Store::create(root.path()).expect("store");
                for n in 0..25_u8 {
                    let pinned = insert(&store, &zod, &vec![n; 3000]);
                    store.check(&zod, &pinned).expect("whole at every moment");
                }
            });
        }
    });
    let store = Store::open(root.path()).expect("store");
    let report = store.verify_all(&|_| ()).expect("readable");
    assert_eq!((report.good, report.bad.len()), (25, 0));
}

#[test]
fn a_lost_record_is_written_again() {
    let root = tempfile::tempdir().expect("dir");
    let store = Store::create(root.path()).expect("store");
    let zod = id("npm:zod@1.0.0");
    let pinned = insert(&store, &zod, b"bytes");
    let path = layout::record(root.path(), &zod, "zod-1.0.0.tgz");
    fs::remove_file(&path).expect("remove");
    let checked = store.check(&zod, &pinned).expect("good");
    store.ensure_record(&checked, ArtifactKind::NpmTarball).expect("record");
    assert!(store.ls().records[0].digests.sha256.is_some(), "both digests, though one is pinned");
    put(&path, b"{}");
    assert_eq!(store.ls().unreadable.len(), 1);
}
