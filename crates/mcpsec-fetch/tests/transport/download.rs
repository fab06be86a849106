//! Downloads: only the right bytes enter the store, whatever the server and the connection do.
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
use mcpsec_model::{
    artifact::CheckedArtifact,
    digest::{Digest, Digests},
    package::ArtifactKind,
    url::SafeUrl,
};

use crate::{
    network, overwrite,
    responder::{Asked, Reply, Server},
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

/// What a server with range support answers: from where it was asked, and cut after `cut` bytes.
fn ranged(asked: &Asked, body: &[u8], cut: Option<usize>) -> Reply {
    let start = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let mut reply = match start {
        Some(start) => Reply { status: 206, ..Reply::ok(&body[start..]) }
            .with("content-range", format!("bytes {start}-{}/{}", body.len() - 1, body.len())),
        None => Reply::ok(body),
    };
    reply.cut_after = cut;
    reply
}

#[tokio::test]
async fn a_file_arrives_once_and_is_found_afterwards() {
    let server = Server::start(|_| Reply::ok(body())).await;
    let (_dir, store) = store();
    let wanted = Download { size: Some(200_000), ..download(server.url("/zod.tgz"), &body()) };
    let checked = fetch(&network(0), &store, wanted.clone()).await.expect("fetched");
    assert_eq!(checked.size(), 200_000);
    assert!(checked.digests().sha256.is_some() && checked.digests().sha512.is_some());
    assert_eq!(std::fs::read(checked.path()).expect("object"), body());
    fetch(&network(0), &store, wanted.clone()).await.expect("from the store");
    assert_eq!(server.count(), 1);
    let mut offline = fetch_all(None, &store, vec![wanted], 4, &Silent).await;
    offline.pop().expect("one").1.expect("from the store, without a network");
    assert_eq!(files(&store.root().join("tmp")), 0);
}

#[tokio::test]
async fn offline_without_a_copy_is_no_refusal() {
    let (_dir, store) = store();
    let wanted = download("http://h.invalid/zod.tgz".parse().expect("url"), b"x");
    let error = fetch_all(None, &store, vec![wanted], 4, &Silent).await.pop().expect("one").1.expect_err("offline");
    assert!(matches!(error, DownloadError::Offline { .. }) && !error.is_refusal(), "{error}");
}

#[tokio::test]
async fn wrong_bytes_are_asked_for_twice_and_then_refused() {
    let server = Server::start(|_| Reply::ok("evil")).await;
    let (_dir, store) = store();
    let error = fetch(&network(3), &store, download(server.url("/zod.tgz"), b"good")).await.expect_err("refused");
    assert!(error.is_refusal());
    let text = error.to_string();
    for part in [Digest::sha512_of(b"good").to_string(), Digest::sha512_of(b"evil").to_string()] {
        assert!(text.contains(&part), "{text}");
    }
    assert!(text.contains("npm:zod@1.0.0") && text.contains("zod-1.0.0.tgz"), "{text}");
    assert_eq!(server.count(), 2);
    assert_clean(&store);
}

#[tokio::test]
async fn a_proxy_that_broke_the_bytes_once_is_forgiven() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::ok("evil"),
        _ => Reply::ok("good"),
    })
    .await;
    let (_dir, store) = store();
    fetch(&network(0), &store, download(server.url("/zod.tgz"), b"good")).await.expect("the second time");
    assert_eq!(server.asked()[1].header("range"), None, "wrong bytes are never continued");
}

#[tokio::test]
async fn wrong_sizes_are_refused() {
    let (_dir, store) = store();
    let server = Server::start(|asked| match asked.target.as_str() {
        "/endless" => Reply { no_length: true, ..Reply::ok(vec![0; 1 << 20]) },
        _ => Reply::ok("four and more"),
    })
    .await;
    for path in ["/declared", "/endless"] {
        let wanted = Download { size: Some(4), ..download(server.url(path), b"four") };
        let error = fetch(&network(0), &store, wanted).await.expect_err("too long");
        assert!(matches!(error, DownloadError::TooLong { limit: 4, .. }) && error.is_refusal(), "{error}");
    }
    assert_clean(&store);
    // The right bytes, and a record that says another length: the record is wrong, so it is refused. Not as a broken
    // transfer for ever: the server is asked once more and no further.
    let wanted = Download { size: Some(20), ..download(server.url("/short"), b"four and more") };
    let error = fetch(&network(1), &store, wanted).await.expect_err("too short");
    assert!(!matches!(error, DownloadError::TooLong { .. }), "{error}");
    assert_clean(&store);
}

#[tokio::test]
async fn a_broken_transfer_is_continued_where_the_server_can() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        let cut = (count.fetch_add(1, Ordering::Relaxed) < 2).then_some(60_000);
        ranged(asked, &body(), cut)
    })
    .await;
    let (_dir, store) = store();
    let checked = fetch(&network(3), &store, download(server.url("/zod.tgz"), &body())).await.expect("continued");
    assert_eq!(std::fs::read(checked.path()).expect("object"), body());
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    let offset = |asked: &Asked| asked.header("range").map(str::to_owned);
    assert_eq!(offset(&asked[0]), None);
    assert!(offset(&asked[1]).is_some() && offset(&asked[2]).is_some() && offset(&asked[1]) != offset(&asked[2]));
}

#[tokio::test]
async fn a_broken_transfer_starts_over_where_the_server_cannot() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |asked| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply { cut_after: Some(60_000), ..Reply::ok(body()) },
        // Ignores the range, answers it at the wrong place, or cannot satisfy it: all three must do no harm.
        1 if asked.target == "/wrong" => Reply { status: 206, ..Reply::ok(&body()[7..]) }
            .with("content-range", format!("bytes 7-{}/{}", body().len() - 1, body().len())),
        1 if asked.target == "/416" => Reply::status(416),
        _ => Reply::ok(body()),
    })
    .await;
    let (_dir, store) = store();
    fetch(&network(3), &store, download(server.url("/ignores"), &body())).await.expect("started over");
    assert_eq!(server.count(), 2);
    for (path, target) in [("wrong", "/wrong"), ("416", "/416")] {
        let count = AtomicUsize::new(0);
        let server = Server::start(move |asked| match count.fetch_add(1, Ordering::Relaxed) {
            0 => Reply { cut_after: Some(60_000), ..Reply::ok(body()) },
            1 if asked.target == "/wrong" => Reply { status: 206, ..Reply::ok(&body()[7..]) }
                .with("content-range", format!("bytes 7-{}/{}", body().len() - 1, body().len())),
            1 => Reply::status(416),
            _ => Reply::ok(body()),
        })
        .await;
        let dir = tempfile::tempdir().expect("dir");
        let store = Store::create(dir.path().join(path)).expect("store");
        fetch(&network(4), &store, download(server.url(target), &body())).await.expect("started over");
    }
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
async fn an_old_record_is_held_to_its_legacy_digest() {
    let server = Server::start(|_| Reply::ok("abc")).await;
    let (_dir, store) = store();
    let old =
        |sha1| Download { expected: Digests::default(), sha1: Some(sha1), ..download(server.url("/zod.tgz"), b"") };
    let mut right = [0; 20];
    hex::decode_to_slice("a9993e364706816aba3e25717850c26c9cd0d89d", &mut right).expect("hex");
    let error = fetch(&network(0), &store, old([7; 20])).await.expect_err("refused");
    assert!(matches!(error, DownloadError::Sha1 { .. }) && error.is_refusal(), "{error}");
    assert_clean(&store);
    let checked = fetch(&network(0), &store, old(right)).await.expect("fetched");
    assert_eq!(checked.digests().sha512, [Digest::sha512_of(b"abc")].into_iter().collect::<Digests>().sha512);
    let nothing = Download { expected: Digests::default(), ..download(server.url("/zod.tgz"), b"") };
    let error = fetch(&network(0), &store, nothing).await.expect_err("unpinned");
    assert!(matches!(error, DownloadError::Unpinned { .. }), "{error}");
}

#[tokio::test]
async fn a_corrupt_object_is_replaced() {
    let server = Server::start(|_| Reply::ok("good")).await;
    let (_dir, store) = store();
    let wanted = download(server.url("/zod.tgz"), b"good");
    let checked = fetch(&network(0), &store, wanted.clone()).await.expect("fetched");
    std::fs::remove_file(checked.path()).expect("remove");
    overwrite(checked.path(), b"evil");
    let again = fetch(&network(0), &store, wanted).await.expect("fetched again");
    assert_eq!(std::fs::read(again.path()).expect("object"), b"good");
    assert_eq!(server.count(), 2);
    assert_eq!(files(&store.root().join("quarantine")), 1);
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
        let broken = n % 7 == 0 && first.lock().expect("lock").insert(n);
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
