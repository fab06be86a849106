//! Unpacked artifacts: made once, shared, and never believed when they changed.
use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::PathBuf,
};

use mcpsec_model::{
    artifact::{CheckedArtifact, UnpackedArtifact},
    package::ArtifactKind,
    tree::{ItemKind, Tree},
};
use mcpsec_testkit::{archives::hostile_npm_tarballs, npm_package};

use super::{Store, StoreError, id, pin};
use mcpsec_model::digest::Digest;

const KIND: ArtifactKind = ArtifactKind::NpmTarball;

/// A temporary folder with read-only folders in it, which an ordinary user cannot empty.
struct Root(tempfile::TempDir);

impl Drop for Root {
    fn drop(&mut self) {
        super::super::unpacked::remove_tree(self.0.path());
    }
}

fn stored(bytes: &[u8]) -> (Root, Store, CheckedArtifact) {
    let root = Root(tempfile::tempdir().expect("dir"));
    let store = Store::create(root.0.path().join("store")).expect("store");
    let package = id("npm:zod@1.0.0");
    let pinned = pin([Digest::sha512_of(bytes)], Some(bytes.len() as u64));
    store.insert_bytes(&package, KIND, "zod-1.0.0.tgz", bytes, &pinned.digests).expect("insert");
    let checked = store.check(&package, &pinned).expect("checked");
    (root, store, checked)
}

fn zod() -> Vec<u8> {
    npm_package("zod", "1.0.0").file("lib/a.js", b"a").file("lib/b.js", b"b").bin("zod", "cli.js").tarball()
}

fn unpack(store: &Store, checked: &CheckedArtifact) -> UnpackedArtifact {
    store.unpacked(checked, KIND).expect("unpacked")
}

fn inode(unpacked: &UnpackedArtifact, path: &str) -> u64 {
    unpacked.tree().items[path].stamp.inode
}

/// As somebody does who means it: rights first.
fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("chmod");
    }
    OpenOptions::new().write(true).truncate(true).open(path).expect("open").write_all(bytes).expect("write");
}

#[test]
fn it_is_unpacked_once_and_read_only() {
    let (_root, store, checked) = stored(&zod());
    let first = unpack(&store, &checked);
    assert_eq!(fs::read(first.dir().join("lib/a.js")).expect("file"), b"a");
    let ItemKind::File { sha256 } = first.tree().items["lib/a.js"].kind else { panic!("file") };
    assert_eq!(sha256.as_slice(), Digest::sha256_of(b"a").as_bytes());
    for (path, mode) in [("", 0o40555), ("lib/a.js", 0o100_444), ("cli.js", 0o100_555)] {
        assert_eq!(first.tree().items[path].stamp.mode, mode, "{path}");
    }
    let second = unpack(&store, &checked);
    assert_eq!(first, second);
    assert!(fs::read_dir(store.root().join("tmp")).expect("tmp").count() <= 2, "nothing is left over");
}

#[test]
fn a_tampered_folder_is_made_again() {
    type Tamper = fn(PathBuf);
    let tampers: [(&str, Tamper); 5] = [
        ("contents", |dir| overwrite(&dir.join("lib/a.js"), b"z")),
        ("a new file", |dir| {
            open_up(&dir.join("lib"));
            drop(File::create(dir.join("lib/c.js")).expect("create"));
        }),
        ("a missing file", |dir| {
            open_up(&dir.join("lib"));
            fs::remove_file(dir.join("lib/a.js")).expect("remove");
        }),
        ("a link in place of a file", |dir| {
            open_up(&dir.join("lib"));
            fs::remove_file(dir.join("lib/a.js")).expect("remove");
            #[cfg(unix)]
            std::os::unix::fs::symlink("b.js", dir.join("lib/a.js")).expect("link");
        }),
        ("the index", |dir| overwrite(&dir.with_file_name("index"), b"mcpsec-tree 1 artifact\n")),
    ];
    for (what, tamper) in tampers {
        let (_root, store, checked) = stored(&zod());
        let first = unpack(&store, &checked);
        tamper(first.dir().to_owned());
        let second = unpack(&store, &checked);
        assert_eq!(fs::read(second.dir().join("lib/a.js")).expect("file"), b"a", "{what}");
        let found: Vec<&String> = second.tree().items.keys().collect();
        assert_eq!(found, first.tree().items.keys().collect::<Vec<_>>(), "{what}");
        assert!(!second.dir().join("lib/c.js").exists(), "{what}");
    }
}

/// A folder that is whole, with its own index, and of another artifact.
#[test]
fn a_folder_moved_from_another_artifact_is_not_taken_for_this_one() {
    let (_root, store, checked) = stored(&zod());
    let bytes = npm_package("thief", "1.0.0").file("lib/a.js", b"z").tarball();
    let package = id("npm:thief@1.0.0");
    let pinned = pin([Digest::sha512_of(&bytes)], Some(bytes.len() as u64));
    store.insert_bytes(&package, KIND, "thief-1.0.0.tgz", &bytes, &pinned.digests).expect("insert");
    let thief = unpack(&store, &store.check(&package, &pinned).expect("checked"));
    let place = |unpacked: &UnpackedArtifact| unpacked.dir().parent().expect("its place").to_owned();
    let swap = || {
        let first = unpack(&store, &checked);
        super::super::unpacked::remove_tree(&place(&first));
        fs::rename(place(&thief), place(&first)).expect("move");
    };
    swap();
    let again = unpack(&store, &checked);
    assert_eq!(fs::read(again.dir().join("lib/a.js")).expect("file"), b"a");
    let _thief = unpack(&store, &store.check(&package, &pinned).expect("checked"));
    swap();
    let report = store.verify_unpacked().expect("report");
    assert_eq!((report.good, report.dropped.len()), (0, 1), "{report:?}");
    assert!(report.dropped[0].1.contains("another artifact"), "{report:?}");
}

fn open_up(dir: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("chmod");
    }
}

#[test]
fn a_set_back_modification_time_deceives_nobody() {
    let (_root, store, checked) = stored(&zod());
    let first = unpack(&store, &checked);
    let path = first.dir().join("lib/a.js");
    let modified = fs::metadata(&path).expect("metadata").modified().expect("time");
    overwrite(&path, b"z");
    File::options().write(true).open(&path).expect("open").set_modified(modified).expect("set");
    assert_eq!(fs::read(unpack(&store, &checked).dir().join("lib/a.js")).expect("file"), b"a");
}

#[cfg(unix)]
#[test]
fn a_further_link_is_no_change() {
    let (root, store, checked) = stored(&zod());
    let first = unpack(&store, &checked);
    fs::hard_link(first.dir().join("lib/a.js"), root.0.path().join("linked")).expect("link");
    let second = unpack(&store, &checked);
    assert_eq!(inode(&first, "lib/a.js"), inode(&second, "lib/a.js"), "the same folder");
    assert_ne!(first.tree().items["lib/a.js"].stamp.changed, second.tree().items["lib/a.js"].stamp.changed);
    let index = fs::read_to_string(second.dir().with_file_name("index")).expect("index");
    assert_eq!(&Tree::parse(&index).expect("tree"), second.tree(), "it was remembered");
}

#[test]
fn many_at_once_agree() {
    let (_root, store, checked) = stored(&zod());
    let all: Vec<UnpackedArtifact> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..6)
            .map(|_| {
                let (store, checked) = (Store::open(store.root()).expect("store"), checked.clone());
                scope.spawn(move || unpack(&store, &checked))
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("thread")).collect()
    });
    assert!(all.iter().all(|one| inode(one, "lib/a.js") == inode(&all[0], "lib/a.js")));
}

#[test]
fn hostile_archives_leave_nothing_behind() {
    // A few suffice: the reader has its own test with all of them.
    for hostile in hostile_npm_tarballs(&npm_package("zod", "1.0.0")).into_iter().take(8) {
        let (_root, store, checked) = stored(&hostile.bytes);
        match store.unpacked(&checked, KIND) {
            Err(error @ StoreError::Unpack { .. }) => assert!(error.is_refusal()),
            other => panic!("{}: {other:?}", hostile.name),
        }
        assert!(!store.root().join("unpacked").join("npm-tarball").exists(), "{}", hostile.name);
        let left = fs::read_dir(store.root().join("tmp")).expect("tmp").flatten().flat_map(|entry| {
            fs::read_dir(entry.path()).into_iter().flatten().flatten().map(|entry| entry.file_name())
        });
        assert_eq!(left.filter(|name| name != "owner").count(), 0, "{}", hostile.name);
    }
}

#[test]
fn verification_reads_every_byte() {
    let (_root, store, checked) = stored(&zod());
    let first = unpack(&store, &checked);
    assert_eq!(store.verify_unpacked().expect("verified").good, 1);
    // Something that only changes bytes below the file system: here, an index that was made to fit the stamp.
    let path = first.dir().join("lib/a.js");
    overwrite(&path, b"z");
    let report = store.verify_unpacked().expect("verified");
    assert_eq!((report.good, report.dropped.len()), (0, 1));
    assert!(report.dropped[0].1.contains("lib/a.js"), "{:?}", report.dropped);
    assert!(!first.dir().exists());
}

#[cfg(unix)]
#[test]
fn folders_of_dead_processes_are_swept_though_read_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_root, store, checked) = stored(&zod());
    let dead = store.root().join("tmp/w-dead/0/tree/lib");
    fs::create_dir_all(&dead).expect("dir");
    drop(File::create(dead.join("a.js")).expect("file"));
    drop(File::create(store.root().join("tmp/w-dead/owner")).expect("file"));
    fs::set_permissions(&dead, fs::Permissions::from_mode(0o555)).expect("chmod");
    let other = Store::create(store.root()).expect("store");
    drop(other.unpacked(&checked, KIND).expect("unpacked"));
    assert!(!store.root().join("tmp/w-dead").exists());
}
