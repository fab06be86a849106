//! Downloads from bad servers: stalls, statuses, redirects with credentials, many fates at once.
use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcpsec_fetch::{
    download::{Download, DownloadError, fetch_all},
    http::{Credentials, Network},
    progress::{Event, Progress, Silent},
    store::{Store, StoreError},
};
use mcpsec_model::{artifact::CheckedArtifact, digest::Digest, package::ArtifactKind, url::SafeUrl};

use crate::{
    network,
    responder::{Reply, Server},
};

fn body() -> Vec<u8> {
    (0..200_000_u32).map(|n| (n % 251) as u8).collect()
}

fn download(url: SafeUrl, bytes: &[u8]) -> Download {
    Download {
        package: "npm:zod@1.0.0".parse().expect("id"),
        kind: ArtifactKind::NpmTarball,
        file: "zod-1.0.0.tgz".to_owned(),
        url,
        credentials: None,
        expected: [Digest::sha512_of(bytes)].into_iter().collect(),
        sha1: None,
        size: None,
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::create(dir.path().join("store")).expect("store");
    (dir, store)
}

async fn fetch(network: &Network, store: &Store, download: Download) -> Result<CheckedArtifact, DownloadError> {
    let mut outcomes = fetch_all(Some(network), store, vec![download], 4, &Silent).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.pop().expect("one").1
}

/// Files below a folder of the store, lock files aside.
fn files(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .map(|entry| entry.expect("entry").path())
        .map(|path| match path.file_name().and_then(|name| name.to_str()) {
            _ if path.is_dir() => files(&path),
            Some("lock" | "owner") => 0,
            _ => 1,
        })
        .sum()
}

#[track_caller]
fn assert_clean(store: &Store) {
    assert_eq!(files(&store.root().join("objects")), 0, "nothing entered");
    assert_eq!(files(&store.root().join("tmp")), 0, "nothing half-written is left");
    assert_eq!(files(&store.root().join("records")), 0, "nothing is recorded");
}

#[tokio::test]
async fn a_stalled_transfer_is_given_up_and_leaves_nothing() {
    let server = Server::start(|_| Reply { stall_after: Some(1000), ..Reply::ok(body()) }).await;
    let (_dir, store) = store();
    let error = fetch(&network(0), &store, download(server.url("/zod.tgz"), &body())).await.expect_err("stalled");
    assert!(!error.is_refusal(), "{error}");
    assert_clean(&store);
}

#[tokio::test]
async fn errors_of_servers_are_no_refusals() {
    let (_dir, store) = store();
    for status in [404, 403, 500, 429] {
        let server = Server::start(move |_| Reply::status(status)).await;
        let error = fetch(&network(0), &store, download(server.url("/zod.tgz"), b"x")).await.expect_err("no file");
        assert!(matches!(error, DownloadError::Http(_)) && !error.is_refusal(), "{status}: {error}");
    }
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status(503),
        _ => Reply::ok("x"),
    })
    .await;
    fetch(&network(2), &store, download(server.url("/zod.tgz"), b"x")).await.expect("later");
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_origin() {
    let other = Server::start(|_| Reply::ok("good")).await;
    let target = other.url("/blob").expose().to_string();
    let server = Server::start(move |_| Reply::redirect(target.clone())).await;
    let (_dir, store) = store();
    let wanted =
        Download { credentials: Some(Credentials::bearer("hunter2")), ..download(server.url("/zod.tgz"), b"good") };
    fetch(&network(0), &store, wanted).await.expect("fetched");
    assert_eq!(server.asked()[0].header("authorization"), Some("Bearer hunter2"));
    assert_eq!(other.asked()[0].header("authorization"), None);
}

/// Adds up what it is told.
#[derive(Default)]
struct Counter {
    bytes: Mutex<i64>,
    planned: Mutex<Option<(usize, u64)>>,
    done: AtomicUsize,
}

impl Progress for Counter {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::BytesReceived(bytes) => *self.bytes.lock().expect("lock") += bytes,
            Event::DownloadsPlanned { files, bytes } => *self.planned.lock().expect("lock") = Some((files, bytes)),
            Event::FileDone { .. } => {
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_files_at_once_each_with_its_own_fate() {
    let content = |n: usize| format!("file {n} ").repeat(500).into_bytes();
    let first = Mutex::new(std::collections::BTreeSet::new());
    let server = Server::start(move |asked| {
        let n: usize = asked.target.trim_start_matches('/').parse().expect("number");
        let broken = n.is_multiple_of(7) && first.lock().expect("lock").insert(n);
        match n {
            13 => Reply::status(404),
            29 => Reply::ok("evil"),
            _ => Reply { cut_after: broken.then_some(100), ..Reply::ok(content(n)) },
        }
    })
    .await;
    let (_dir, store) = store();
    let downloads: Vec<_> = (0..60)
        .map(|n| Download {
            package: format!("npm:p{n}@1.0.0").parse().expect("id"),
            size: (n != 29).then_some(content(n).len() as u64),
            ..download(server.url(&format!("/{n}")), &content(n))
        })
        .collect();
    let counter = Counter::default();
    let outcomes = fetch_all(Some(&network(2)), &store, downloads, 8, &counter).await;
    assert_eq!(outcomes.len(), 60);
    let mut total = 0;
    for (download, outcome) in &outcomes {
        match (download.package.to_string().as_str(), outcome) {
            ("npm:p13@1.0.0", Err(error)) => assert!(!error.is_refusal(), "{error}"),
            ("npm:p29@1.0.0", Err(error)) => {
                assert!(matches!(error, DownloadError::Store(StoreError::Refused { .. })), "{error}");
            }
            (_, Ok(checked)) => total += i64::try_from(checked.size()).expect("small"),
            (package, Err(error)) => panic!("{package}: {error}"),
        }
    }
    let report = store.verify_all(&|_| ()).expect("readable");
    assert_eq!((report.good, report.bad.len()), (58, 0));
    assert_eq!(store.ls().records.len(), 58);
    assert_eq!(counter.planned.lock().expect("lock").map(|(files, _)| files), Some(60));
    assert_eq!(counter.done.load(Ordering::Relaxed), 58);
    // The refused file counts as received, since it was.
    assert_eq!(*counter.bytes.lock().expect("lock"), total + 4);
}
