//! Evidence in the store: kept, completed, never erased, never mixed up, never a panic.
use std::{fs, path::PathBuf};

use mcpsec_model::{
    digest::{Digest, Digests},
    evidence::{Documents, RegistryKey, RegistrySignature},
    package::PackageId,
};

use super::{files_below, id, put};
use crate::store::{Evidence, Store, StoreError, layout};

const FILE: &str = "zod-1.0.0.tgz";

struct Fixture {
    _root: tempfile::TempDir,
    store: Store,
    package: PackageId,
    digests: Digests,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("dir");
        let store = Store::create(root.path().join("store")).expect("store");
        Self { _root: root, store, package: id("npm:zod@1.0.0"), digests: pinned(b"bytes") }
    }

    fn put(&self, documents: &Documents) {
        self.store.put_evidence(&self.package, FILE, &self.digests, documents).expect("kept");
    }

    fn get(&self) -> Result<Option<Documents>, StoreError> {
        self.store.evidence(&self.package, FILE, &self.digests)
    }

    fn path(&self) -> PathBuf {
        layout::evidence(self.store.root(), &self.package, FILE)
    }
}

fn pinned(bytes: &[u8]) -> Digests {
    [Digest::sha512_of(bytes)].into_iter().collect()
}

fn signed() -> Documents {
    Documents {
        offered: true,
        signatures: vec![RegistrySignature { keyid: "SHA256:a".into(), sig: "sig".to_owned() }],
        keys: vec![key("SHA256:a", "first")],
        attestations: Some("{\"attestations\":[]}".to_owned()),
        published: Some("2025-01-01T00:00:00Z".parse().expect("time")),
        ..Documents::default()
    }
}

fn key(keyid: &str, key: &str) -> RegistryKey {
    RegistryKey { keyid: keyid.into(), key: key.to_owned(), scheme: "s".into(), expires: None }
}

#[test]
fn what_was_kept_comes_back_without_the_artifact() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get().expect("readable"), None);
    fixture.put(&signed());
    assert_eq!(fixture.get().expect("readable"), Some(signed()));
    let hex = fixture.digests.strongest().expect("pinned");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(fixture.path()).expect("file")).expect("json");
    assert_eq!((&json["version"], &json["digest"]), (&1.into(), &hex.to_string().into()));
    assert!(fixture.path().ends_with("records/npm/zod/1.0.0/zod-1.0.0.tgz.evidence.json"));
    let records = fixture.store.ls();
    assert!(records.records.is_empty() && records.unreadable.is_empty(), "a listing does not trip over it");
    assert_eq!(fixture.store.verify_all(&|_| {}).expect("verified").good, 0);
    let reader = Store::open(fixture.store.root()).expect("store");
    assert_eq!(reader.evidence(&fixture.package, FILE, &fixture.digests).expect("readable"), Some(signed()));
}

#[test]
fn what_proves_more_stays() {
    let fixture = Fixture::new();
    fixture.put(&signed());
    fixture.put(&Documents::default());
    assert_eq!(fixture.get().expect("readable"), Some(signed()), "stripped later");
    fixture.put(&Documents { offered: true, withheld: true, signatures: signed().signatures, ..Documents::default() });
    assert_eq!(fixture.get().expect("readable"), Some(signed()), "withheld later");
    let rotated = Documents {
        offered: true,
        signatures: vec![RegistrySignature { keyid: "SHA256:b".into(), sig: "new".to_owned() }],
        keys: vec![key("SHA256:b", "second"), key("SHA256:a", "replaced")],
        ..Documents::default()
    };
    fixture.put(&rotated);
    let now = fixture.get().expect("readable").expect("there");
    assert_eq!(
        (&now.signatures, &now.keys, now.attestations),
        (&rotated.signatures, &rotated.keys, signed().attestations)
    );

    let fresh = Fixture::new();
    fresh.put(&Documents::default());
    fresh.put(&Documents { offered: true, withheld: true, ..Documents::default() });
    assert!(fresh.get().expect("readable").expect("there").withheld);
    fresh.put(&signed());
    assert_eq!(fresh.get().expect("readable"), Some(signed()), "what was not there is added");
}

#[test]
fn evidence_of_other_bytes_is_no_evidence() {
    let fixture = Fixture::new();
    fixture.put(&signed());
    let other = pinned(b"other bytes");
    assert_eq!(fixture.store.evidence(&fixture.package, FILE, &other).expect("readable"), None);
    fixture.store.put_evidence(&fixture.package, FILE, &other, &Documents::default()).expect("kept");
    let kept = fixture.store.evidence(&fixture.package, FILE, &other).expect("readable");
    assert_eq!(kept, Some(Documents::default()), "nothing of the other bytes' evidence was taken over");
    let none = fixture.store.put_evidence(&fixture.package, FILE, &Digests::default(), &signed());
    assert!(matches!(none, Err(StoreError::Unpinned { .. })), "{none:?}");
    let none = fixture.store.evidence(&fixture.package, FILE, &Digests::default());
    assert!(matches!(none, Err(StoreError::Unpinned { .. })), "{none:?}");
}

#[test]
fn a_file_that_is_no_evidence_is_an_error_and_is_replaced() {
    let fixture = Fixture::new();
    fixture.put(&signed());
    let good = fs::read(fixture.path()).expect("file");
    let mut elsewhere: serde_json::Value = serde_json::from_slice(&good).expect("json");
    elsewhere["package"] = "npm:other@1.0.0".into();
    let mut unknown: serde_json::Value = serde_json::from_slice(&good).expect("json");
    unknown["documents"]["more"] = 1.into();
    let deep = format!("{{\"version\":{}", "[".repeat(100_000));
    for bytes in [
        &b""[..],
        b"null",
        b"{}",
        b"{\"version\":\"1\"}",
        &[0xff; 32],
        &good[..good.len() / 2],
        elsewhere.to_string().as_bytes(),
        unknown.to_string().as_bytes(),
        deep.as_bytes(),
    ] {
        put(&fixture.path(), bytes);
        assert!(
            matches!(fixture.get(), Err(StoreError::Evidence { .. })),
            "{}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
        fixture.put(&signed());
        assert_eq!(fixture.get().expect("readable"), Some(signed()));
    }
}

#[test]
fn a_newer_format_is_left_alone() {
    let fixture = Fixture::new();
    put(&fixture.path(), b"{\"version\":2,\"what\":\"ever\"}");
    let Err(StoreError::Evidence { reason, .. }) = fixture.get() else { panic!("read") };
    assert!(reason.contains("newer"), "{reason}");
    let kept = fixture.store.put_evidence(&fixture.package, FILE, &fixture.digests, &signed());
    assert!(matches!(kept, Err(StoreError::Evidence { .. })), "{kept:?}");
    assert_eq!(fs::read(fixture.path()).expect("file"), b"{\"version\":2,\"what\":\"ever\"}");
}

#[test]
fn sizes_are_bounded_both_ways() {
    let fixture = Fixture::new();
    let huge = Documents { attestations: Some("x".repeat(17 << 20)), ..Documents::default() };
    let kept = fixture.store.put_evidence(&fixture.package, FILE, &fixture.digests, &huge);
    assert!(matches!(kept, Err(StoreError::Evidence { .. })));
    assert_eq!(fixture.get().expect("readable"), None);
    fs::create_dir_all(fixture.path().parent().expect("parent")).expect("folder");
    fs::File::create(fixture.path()).expect("file").set_len(1 << 40).expect("sparse");
    assert!(matches!(fixture.get(), Err(StoreError::Evidence { .. })));
}

#[cfg(unix)]
#[test]
fn links_and_folders_are_not_read() {
    let fixture = Fixture::new();
    fixture.put(&signed());
    let moved = fixture.path().with_extension("moved");
    fs::rename(fixture.path(), &moved).expect("moved");
    std::os::unix::fs::symlink(&moved, fixture.path()).expect("link");
    assert!(matches!(fixture.get(), Err(StoreError::Evidence { .. })));
    fs::remove_file(fixture.path()).expect("removed");
    fs::create_dir(fixture.path()).expect("folder");
    assert!(matches!(fixture.get(), Err(StoreError::Evidence { .. })));
}

#[test]
fn many_at_once_and_nothing_left_behind() {
    let fixture = Fixture::new();
    let ids: Vec<PackageId> = (0..50).map(|n| id(&format!("npm:p{n}@1.0.0"))).collect();
    let (documents, none) = (signed(), Digests::default());
    let all: Vec<Evidence<'_>> = ids
        .iter()
        .enumerate()
        .map(|(at, package)| Evidence {
            package,
            file: FILE,
            digests: if at == 7 { &none } else { &fixture.digests },
            documents: &documents,
        })
        .collect();
    for _again in 0..2 {
        let results = fixture.store.put_evidence_of_all(&all);
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 49);
        assert!(matches!(results[7], Err(StoreError::Unpinned { .. })));
    }
    let session = fixture.store.root().join("tmp");
    assert_eq!(files_below(&session), 3, "two locks and the owner's mark, no unfinished file");
}

#[test]
fn two_writers_do_not_forget_each_others_evidence() {
    let fixture = Fixture::new();
    let signatures = Documents { attestations: None, ..signed() };
    let attestations = Documents { attestations: signed().attestations, offered: true, ..Documents::default() };
    for _round in 0..20 {
        let _absent_is_fine = fs::remove_file(fixture.path());
        let stripped = Documents::default();
        std::thread::scope(|scope| {
            for documents in [&signatures, &attestations, &stripped] {
                let other = Store::create(fixture.store.root()).expect("another process's store");
                let (package, digests) = (&fixture.package, &fixture.digests);
                scope.spawn(move || other.put_evidence(package, FILE, digests, documents).expect("kept"));
            }
        });
        assert_eq!(fixture.get().expect("readable"), Some(signed()));
    }
}

#[test]
fn a_writer_that_dies_leaves_the_old_document_whole() {
    let fixture = Fixture::new();
    fixture.put(&signed());
    // What a killed process leaves: a folder with a half-written file, and its lock released.
    let dead = fixture.store.root().join("tmp/w-dead");
    put(&dead.join("owner"), b"");
    put(&dead.join("0"), b"{\"version\":1,\"pack");
    assert_eq!(fixture.get().expect("readable"), Some(signed()));
    let next = Store::create(fixture.store.root()).expect("store");
    next.put_evidence(&id("npm:other@1.0.0"), FILE, &fixture.digests, &signed()).expect("kept");
    assert!(!dead.exists(), "the next writer sweeps");
    assert_eq!(fixture.get().expect("readable"), Some(signed()));
}
