//! Downloads: the right bytes enter the store whatever the network does, the wrong ones never do.
use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcpsec_fetch::{
    download::{Download, DownloadError, Outcome, fetch_all},
    progress::{Event, Progress, Silent},
    store::{Store, StoreError},
};
use mcpsec_model::{
    digest::{Digest, Digests},
    package::{Artifact, ArtifactKind},
};
use tempfile::TempDir;

use crate::{
    network, overwrite,
    responder::{Asked, Reply, Server},
};

const BODY: &[u8] = b"the bytes that were vetted, and no others";

fn wanted(server: &Server, path: &str) -> Download {
    Download {
        package: "npm:a@1.0.0".parse().expect("id"),
        kind: ArtifactKind::NpmTarball,
        file: format!("a{}.tgz", path.replace('/', "-")),
        url: server.url(path),
        credentials: None,
        expected: [Digest::sha512_of(BODY)].into_iter().collect(),
        sha1: None,
        size: None,
    }
}

/// One download with two repetitions allowed.
async fn fetch(store: &Store, download: Download) -> Result<(), DownloadError> {
    let mut outcomes = fetch_all(Some(&network(2)), store, vec![download], 4, &Silent).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.pop().expect("outcome").1.map(drop)
}

fn store() -> (TempDir, Store) {
    let dir = TempDir::new().expect("folder");
    let store = Store::create(dir.path().join("store")).expect("store");
    (dir, store)
}

/// Every file of the store that could be taken for an artifact, or that was left behind.
fn files(store: &Store) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![store.root().to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("folder") {
            let path = entry.expect("entry").path();
            let housekeeping =
                ["lock", "owner"].iter().any(|name| path.ends_with(name)) || path.parent() == Some(store.root());
            if path.is_dir() {
                open.push(path);
            } else if !housekeeping {
                found.push(path);
            }
        }
    }
    found
}

fn ranged(asked: &Asked, body: &[u8]) -> Reply {
    let from =
        asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match from {
        Some(from) => Reply { status: 206, ..Reply::ok(&body[from..]) }
            .with("content-range", format!("bytes {from}-{}/{}", body.len() - 1, body.len())),
        None => Reply::ok(body),
    }
}

#[tokio::test]
async fn a_file_is_fetched_once_and_then_found() {
    let server = Server::start(|_| Reply::ok(BODY)).await;
    let (_dir, store) = store();
    let download = Download { size: Some(BODY.len() as u64), ..wanted(&server, "/a") };
    let (_, result) =
        fetch_all(Some(&network(0)), &store, vec![download.clone()], 4, &Silent).await.pop().expect("one");
    let artifact = result.expect("fetched");
    assert_eq!(std::fs::read(artifact.path()).expect("object"), BODY);
    assert_eq!(artifact.digests().sha256.map(Digest::Sha256), Some(Digest::sha256_of(BODY)), "both are known now");
    assert_eq!(server.asked()[0].header("accept-encoding"), Some("identity"));
    for network in [Some(network(0)), None] {
        let found = fetch_all(network.as_ref(), &store, vec![download.clone()], 4, &Silent).await;
        assert!(found[0].1.is_ok());
    }
    assert_eq!(server.count(), 1);
    assert_eq!(store.ls().records.len(), 1);
}

#[tokio::test]
async fn wrong_bytes_never_enter() {
    let server = Server::start(|_| Reply::ok("the bytes that someone slipped in instead")).await;
    let (_dir, store) = store();
    let error = fetch(&store, wanted(&server, "/a")).await.expect_err("refused");
    assert!(matches!(error, DownloadError::Store(StoreError::Refused { .. })) && error.is_refusal(), "{error}");
    assert!(error.to_string().contains("a-a.tgz") && error.to_string().matches("sha512:").count() == 2, "{error}");
    assert_eq!(server.count(), 2, "one second chance");
    assert_eq!(files(&store), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_broken_proxy_gets_a_second_chance() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::ok("<html>please log in</html>"),
        _ => Reply::ok(BODY),
    })
    .await;
    let (_dir, store) = store();
    fetch(&store, wanted(&server, "/a")).await.expect("fetched");
}

#[tokio::test]
async fn wrong_lengths_are_refused() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/open" => Reply { no_length: true, ..Reply::ok(BODY) },
        _ => Reply::ok(BODY),
    })
    .await;
    let (_dir, store) = store();
    for path in ["/declared", "/open"] {
        let short = Download { size: Some(10), ..wanted(&server, path) };
        let error = fetch(&store, short).await.expect_err("too long");
        assert!(matches!(error, DownloadError::TooLong { limit: 10, .. }), "{error}");
    }
    let long = Download { size: Some(1000), ..wanted(&server, "/short") };
    let error = fetch(&store, long).await.expect_err("too short");
    assert!(error.is_refusal() && error.to_string().contains("expected 1000 bytes, found 41 bytes"), "{error}");
    // Without a length of its own, the answer may as well have been cut: nobody knows, so nobody is blamed.
    let long = Download { size: Some(1000), ..wanted(&server, "/open") };
    let (_, outcome) = fetch_all(Some(&network(0)), &store, vec![long], 4, &Silent).await.pop().expect("outcome");
    let error = outcome.expect_err("too short");
    assert!(matches!(error, DownloadError::Http(_)) && !error.is_refusal(), "{error}");
    assert_eq!(files(&store), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_broken_transfer_is_resumed_where_it_stopped() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |asked| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply { cut_after: Some(10), ..Reply::ok(BODY) },
        1 => Reply { stall_after: Some(5), ..ranged(asked, BODY) },
        _ => ranged(asked, BODY),
    })
    .await;
    let (_dir, store) = store();
    fetch(&store, Download { size: Some(BODY.len() as u64), ..wanted(&server, "/a") }).await.expect("fetched");
    let ranges: Vec<_> = server.asked().iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some("bytes=10-".to_owned()), Some("bytes=15-".to_owned())]);
}

#[tokio::test]
async fn a_server_without_ranges_starts_over() {
    for ignores in [true, false] {
        let count = AtomicUsize::new(0);
        let server = Server::start(move |asked| match count.fetch_add(1, Ordering::Relaxed) {
            0 => Reply { cut_after: Some(10), ..Reply::ok(BODY) },
            1 if !ignores && asked.header("range").is_some() => Reply::status(416),
            _ => Reply::ok(BODY),
        })
        .await;
        let (_dir, store) = store();
        fetch(&store, wanted(&server, "/a")).await.expect("fetched");
    }
}

#[tokio::test]
async fn a_file_that_changed_between_two_parts_is_not_glued_together() {
    let count = AtomicUsize::new(0);
    let other = b"THE BYTES THAT WERE CHANGED IN BETWEEN, ALAS";
    let server = Server::start(move |asked| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply { cut_after: Some(10), ..Reply::ok(BODY) },
        _ => ranged(asked, other),
    })
    .await;
    let (_dir, store) = store();
    assert!(fetch(&store, wanted(&server, "/a")).await.expect_err("refused").is_refusal());
    assert_eq!(files(&store), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_old_record_is_checked_by_its_legacy_digest() {
    use sha1::Digest as _;
    let server = Server::start(|_| Reply::ok(BODY)).await;
    let (_dir, store) = store();
    let right: [u8; 20] = sha1::Sha1::digest(BODY).into();
    let old = |sha1| Download { expected: Digests::default(), sha1, ..wanted(&server, "/a") };
    assert!(matches!(fetch(&store, old(Some([0; 20]))).await, Err(DownloadError::Sha1 { .. })));
    assert!(matches!(fetch(&store, old(None)).await, Err(DownloadError::Unpinned { .. })));
    assert_eq!(files(&store), Vec::<PathBuf>::new());
    let (_, result) =
        fetch_all(Some(&network(0)), &store, vec![old(Some(right))], 1, &Silent).await.pop().expect("one");
    assert_eq!(result.expect("fetched").digests().strongest(), Some(Digest::sha512_of(BODY)), "what the root pins");
}

#[tokio::test]
async fn a_file_that_nothing_pins_is_refused_unasked() {
    let server = Server::start(|_| Reply::ok(BODY)).await;
    let (_dir, store) = store();
    let error = fetch(&store, Download { expected: Digests::default(), ..wanted(&server, "/a") }).await;
    let error = error.expect_err("refused");
    assert!(matches!(error, DownloadError::Unpinned { .. }) && error.is_refusal(), "{error}");
    assert_eq!(server.count(), 0);
    assert_eq!(files(&store), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_corrupt_object_is_replaced() {
    let server = Server::start(|_| Reply::ok(BODY)).await;
    let (_dir, store) = store();
    let download = wanted(&server, "/a");
    fetch(&store, download.clone()).await.expect("fetched");
    let artifact =
        Artifact { kind: download.kind, file: download.file.as_str().into(), size: None, digests: download.expected };
    let path = store.lookup(&download.package, &artifact).expect("object");
    replace(&path, b"rotten");
    fetch(&store, download.clone()).await.expect("fetched again");
    assert!(store.check(&download.package, &artifact).is_ok());
    assert_eq!(server.count(), 2);
}

fn replace(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).expect("remove");
    overwrite(path, bytes);
}

#[tokio::test]
async fn offline_only_the_store_answers() {
    let server = Server::start(|_| Reply::ok(BODY)).await;
    let (_dir, store) = store();
    let outcomes = fetch_all(None, &store, vec![wanted(&server, "/a")], 4, &Silent).await;
    assert!(matches!(outcomes[0].1, Err(DownloadError::Offline { .. })));
    assert_eq!(server.count(), 0);
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Progress for Heard {
    fn event(&self, event: Event<'_>) {
        self.0.lock().expect("log").push(format!("{event:?}"));
    }
}

#[tokio::test]
async fn one_failure_does_not_hinder_the_others() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/7" => Reply::status(404),
        "/8" => Reply::ok("wrong"),
        _ => Reply::ok(BODY),
    })
    .await;
    let (_dir, store) = store();
    let downloads: Vec<Download> = (0..40).map(|n| wanted(&server, &format!("/{n}"))).collect();
    let heard = Heard::default();
    let outcomes: Vec<Outcome> = fetch_all(Some(&network(1)), &store, downloads, 8, &heard).await;
    let mut failed: Vec<String> =
        outcomes.iter().filter(|(_, result)| result.is_err()).map(|(download, _)| download.file.clone()).collect();
    failed.sort();
    assert_eq!(failed, ["a-7.tgz", "a-8.tgz"]);
    assert_eq!(outcomes.len(), 40);
    let heard = heard.0.into_inner().expect("log");
    assert_eq!(heard.iter().filter(|event| event.starts_with("FileDone")).count(), 38);
    assert_eq!(heard.iter().filter(|event| event.starts_with("Retry")).count(), 1, "a 404 is not asked twice");
    assert!(heard[0].starts_with("DownloadsPlanned { files: 40"), "{}", heard[0]);
}
