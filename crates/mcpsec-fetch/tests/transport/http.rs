//! Metadata: freshness, revalidation, retries, redirects, limits; and that credentials stay where they belong.
use std::{
    fs,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcpsec_fetch::http::{Credentials, Freshness, HttpError, Metadata, MetadataRequest, Network};
use mcpsec_model::{time::Timestamp, url::SafeUrl};
use tempfile::TempDir;

use crate::{
    network, overwrite,
    responder::{Reply, Server},
};

const NOON: &str = "2026-01-01T12:00:00Z";
const IN_FOUR_MINUTES: &str = "2026-01-01T12:04:00Z";
const IN_SIX_MINUTES: &str = "2026-01-01T12:06:00Z";

fn ask(url: &SafeUrl) -> MetadataRequest {
    MetadataRequest {
        url: url.clone(),
        credentials: None,
        accept: "application/json",
        max_bytes: 1 << 20,
        freshness: Freshness::Cached,
    }
}

fn at(dir: &Path, network: Option<Network>, now: &str) -> Metadata {
    Metadata::new(dir.to_owned(), network, now.parse::<Timestamp>().expect("time"))
}

fn folder() -> TempDir {
    TempDir::new().expect("folder")
}

fn entries(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

#[tokio::test]
async fn an_answer_without_freshness_is_good_for_five_minutes() {
    let server = Server::start(|_| Reply::ok("one").with("content-type", "text/x")).await;
    let (dir, url) = (folder(), server.url("/a"));
    let first = at(dir.path(), Some(network(0)), NOON).get(ask(&url)).await.expect("fetched");
    assert!(!first.from_cache);
    let again = at(dir.path(), Some(network(0)), IN_FOUR_MINUTES).get(ask(&url)).await.expect("cached");
    assert!(again.from_cache);
    assert_eq!((again.bytes, again.content_type), (first.bytes, Some("text/x".to_owned())));
    assert_eq!(server.count(), 1);
    assert!(!at(dir.path(), Some(network(0)), IN_SIX_MINUTES).get(ask(&url)).await.expect("fetched").from_cache);
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn the_server_decides_about_freshness_when_it_says_anything() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/long" => Reply::ok("x").with("cache-control", "max-age=3600"),
        "/short" => Reply::ok("x").with("cache-control", "max-age=60"),
        "/never" => Reply::ok("x").with("cache-control", "no-cache"),
        _ => Reply::ok("x").with("cache-control", "no-store"),
    })
    .await;
    let dir = folder();
    for path in ["/long", "/short", "/never", "/secret"] {
        at(dir.path(), Some(network(0)), NOON).get(ask(&server.url(path))).await.expect("fetched");
    }
    for (path, cached) in [("/long", true), ("/short", false), ("/never", false), ("/secret", false)] {
        let later = at(dir.path(), Some(network(0)), IN_FOUR_MINUTES);
        assert_eq!(later.get(ask(&server.url(path))).await.expect("answer").from_cache, cached, "{path}");
    }
    assert_eq!(entries(dir.path()).len(), 3, "no-store is not stored");
}

#[tokio::test]
async fn a_stale_answer_is_revalidated_and_lives_on() {
    let server = Server::start(|asked| {
        if asked.header("if-none-match") == Some("\"v1\"") {
            return Reply::status(304);
        }
        Reply::ok("body").with("etag", "\"v1\"")
    })
    .await;
    let (dir, url) = (folder(), server.url("/a"));
    at(dir.path(), Some(network(0)), NOON).get(ask(&url)).await.expect("fetched");
    let again = at(dir.path(), Some(network(0)), IN_SIX_MINUTES).get(ask(&url)).await.expect("revalidated");
    assert_eq!((&again.bytes[..], again.from_cache), (&b"body"[..], false));
    // The 304 made it fresh: no third request within five minutes.
    let third = at(dir.path(), Some(network(0)), "2026-01-01T12:08:00Z").get(ask(&url)).await.expect("fresh again");
    assert!(third.from_cache);
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn revalidate_always_asks_the_origin() {
    let server = Server::start(|_| Reply::ok("body").with("cache-control", "max-age=9999")).await;
    let (dir, url) = (folder(), server.url("/a"));
    let must_ask = MetadataRequest { freshness: Freshness::Revalidate, ..ask(&url) };
    let metadata = at(dir.path(), Some(network(0)), NOON);
    metadata.get(ask(&url)).await.expect("fetched");
    assert!(!metadata.get(must_ask.clone()).await.expect("asked").from_cache);
    assert_eq!(server.count(), 2);
    assert_eq!(server.asked()[1].header("cache-control"), Some("no-cache"));
    let offline = at(dir.path(), None, NOON);
    assert!(matches!(offline.get(must_ask).await, Err(HttpError::Offline { .. })));
}

#[tokio::test]
async fn offline_uses_any_age_and_nothing_else() {
    let server = Server::start(|_| Reply::ok("body").with("cache-control", "max-age=1")).await;
    let dir = folder();
    at(dir.path(), Some(network(0)), NOON).get(ask(&server.url("/a"))).await.expect("fetched");
    let offline = at(dir.path(), None, "2030-01-01T00:00:00Z");
    assert!(offline.is_offline());
    assert_eq!(&offline.get(ask(&server.url("/a"))).await.expect("cached").bytes[..], b"body");
    let missing = offline.get(ask(&server.url("/b"))).await.expect_err("not cached");
    assert!(matches!(missing, HttpError::Offline { .. }) && missing.is_unreachable());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_damaged_entry_is_fetched_again() {
    let server = Server::start(|_| Reply::ok("a body long enough to be hit")).await;
    let (dir, url) = (folder(), server.url("/a"));
    let metadata = at(dir.path(), Some(network(0)), NOON);
    metadata.get(ask(&url)).await.expect("fetched");
    let path = entries(dir.path()).pop().expect("entry");
    let good = fs::read(&path).expect("entry");
    for at in [0, 8, 12, 40, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        overwrite(&path, &bad);
        assert!(!metadata.get(ask(&url)).await.expect("fetched again").from_cache, "byte {at}");
    }
    overwrite(&path, &good[..good.len() - 1]);
    assert!(!metadata.get(ask(&url)).await.expect("fetched again").from_cache, "truncated");
    assert!(metadata.get(ask(&url)).await.expect("whole again").from_cache);
}

#[tokio::test]
async fn credentials_are_sent_home_only_and_never_stored() {
    let thief = Server::start(|asked| match asked.target.as_str() {
        "/hop" => Reply::redirect("/end"),
        _ => Reply::ok("body").with("cache-control", "max-age=60"),
    })
    .await;
    let away = format!("{}/hop", thief.origin);
    let home = Server::start(move |asked| match asked.target.as_str() {
        "/start" => Reply::redirect("/next"),
        _ => Reply::redirect(away.clone()),
    })
    .await;
    let dir = folder();
    let metadata = at(dir.path(), Some(network(0)), NOON);
    let by_header = MetadataRequest { credentials: Some(Credentials::bearer("s3cret")), ..ask(&home.url("/start")) };
    metadata.get(by_header).await.expect("answer");
    let in_url: SafeUrl = home.origin.replace("http://", "http://bob:s3cret@").parse().expect("url");
    let in_url = in_url.join("/start?key=s3cret").expect("url");
    metadata.get(ask(&in_url)).await.expect("answer");
    for asked in home.asked() {
        assert!(asked.header("authorization").is_some(), "same origin keeps them: {}", asked.target);
    }
    for asked in thief.asked() {
        assert_eq!(asked.header("authorization"), None, "{}", asked.target);
        assert_eq!(asked.header("referer"), None, "{}", asked.target);
    }
    assert_eq!((home.count(), thief.count()), (3, 4));
    for path in entries(dir.path()) {
        let text = String::from_utf8_lossy(&fs::read(path).expect("entry")).into_owned();
        assert!(!text.contains("s3cret") && !text.contains("bob") && !text.contains("czNjcmV0"), "{text}");
    }
}

#[tokio::test]
async fn the_range_client_does_not_leak_either() {
    let thief = Server::start(|asked| match asked.target.as_str() {
        "/hop" => Reply::redirect("/end"),
        _ => Reply::ok("body"),
    })
    .await;
    let (hop, end) = (format!("{}/hop", thief.origin), format!("{}/end", thief.origin));
    let home =
        Server::start(move |asked| Reply::redirect(if asked.target == "/hop" { hop.clone() } else { end.clone() }))
            .await;
    let network = network(0);
    for path in ["/hop", "/end"] {
        let request = network.client().get(home.url(path).expose().clone()).bearer_auth("s3cret");
        let _refused_or_answered = request.send().await;
    }
    assert!(thief.count() >= 2);
    for asked in thief.asked() {
        assert_eq!(asked.header("authorization"), None, "{}", asked.target);
    }
}

#[tokio::test]
async fn identities_do_not_share_answers() {
    let server = Server::start(|asked| Reply::ok(asked.header("authorization").unwrap_or("nobody"))).await;
    let dir = folder();
    let metadata = at(dir.path(), Some(network(0)), NOON);
    for token in ["a", "b"] {
        let request = MetadataRequest { credentials: Some(Credentials::bearer(token)), ..ask(&server.url("/")) };
        assert_eq!(metadata.get(request).await.expect("answer").bytes, format!("Bearer {token}"));
    }
    assert_eq!(metadata.get(ask(&server.url("/"))).await.expect("answer").bytes, "nobody");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_was_decided_is_not() {
    for (status, requests) in [(500, 2), (503, 2), (429, 2), (408, 2), (404, 1), (401, 1), (403, 1), (400, 1), (501, 1)]
    {
        let count = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        let server = Server::start(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
            Reply::status(status).with("retry-after", "0")
        })
        .await;
        let dir = folder();
        let error = at(dir.path(), Some(network(1)), NOON).get(ask(&server.url("/"))).await.expect_err("refused");
        assert_eq!(count.load(Ordering::Relaxed), requests, "{status}: {error}");
        assert_eq!(error.is_not_found(), status == 404);
        assert!(entries(dir.path()).is_empty(), "errors are not cached");
    }
}

#[tokio::test]
async fn a_broken_transfer_is_repeated() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply { cut_after: Some(3), ..Reply::ok("complete") },
        1 => Reply { stall_after: Some(3), ..Reply::ok("complete") },
        _ => Reply::ok("complete"),
    })
    .await;
    let dir = folder();
    let answer = at(dir.path(), Some(network(2)), NOON).get(ask(&server.url("/"))).await.expect("third time");
    assert_eq!(&answer.bytes[..], b"complete");
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn redirects_are_bounded_and_stay_on_the_web() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/file" => Reply::redirect("file:///etc/hostname"),
        "/none" => Reply::status(302),
        "/ok" => Reply::redirect("/pages/end?token=s3cret"),
        "/pages/end?token=s3cret" => Reply::ok("end"),
        _ => Reply::redirect("/loop"),
    })
    .await;
    let dir = folder();
    let metadata = at(dir.path(), Some(network(3)), NOON);
    for path in ["/loop", "/file", "/none"] {
        let error = metadata.get(ask(&server.url(path))).await.expect_err(path);
        assert!(matches!(error, HttpError::Redirect { .. }), "{path}: {error}");
    }
    assert_eq!(server.count(), 8, "six for the loop, no retries");
    for _fetched_then_cached in 0..2 {
        let document = metadata.get(ask(&server.url("/ok"))).await.expect("end");
        assert_eq!(document.url.join("x").expect("link"), server.url("/pages/x"));
        assert!(!document.url.to_string().contains("s3cret"));
    }
}

#[tokio::test]
async fn long_answers_are_cut_off_also_when_they_come_zipped() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![0; 8 << 20]).expect("zip");
    let bomb = bomb.finish().expect("zip");
    let server = Server::start(move |asked| match asked.target.as_str() {
        "/zip" => Reply::ok(bomb.clone()).with("content-encoding", "gzip"),
        "/no-length" => Reply { no_length: true, ..Reply::ok(vec![b'x'; 2 << 20]) },
        _ => Reply::ok(vec![b'x'; 2 << 20]),
    })
    .await;
    let dir = folder();
    for path in ["/zip", "/no-length", "/plain"] {
        let error = at(dir.path(), Some(network(0)), NOON).get(ask(&server.url(path))).await.expect_err(path);
        assert!(matches!(error, HttpError::TooLarge { limit: 1_048_576, .. }), "{path}: {error}");
    }
}

#[tokio::test]
async fn zipped_answers_are_unzipped() {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(b"plain text").expect("zip");
    let zip = zip.finish().expect("zip");
    let cut = zip[..zip.len() - 4].to_vec();
    let server = Server::start(move |asked| {
        let body = if asked.target == "/whole" { zip.clone() } else { cut.clone() };
        Reply::ok(body).with("content-encoding", "gzip")
    })
    .await;
    let dir = folder();
    let metadata = at(dir.path(), Some(network(0)), NOON);
    assert_eq!(metadata.get(ask(&server.url("/whole"))).await.expect("answer").bytes, "plain text");
    assert!(metadata.get(ask(&server.url("/cut"))).await.is_err());
    assert_eq!(server.asked()[0].header("accept-encoding"), Some("gzip"));
}

#[tokio::test]
async fn equal_requests_in_flight_are_sent_once() {
    let server = Server::start(|_| Reply::ok("body")).await;
    let dir = folder();
    let metadata = at(dir.path(), Some(network(0)), NOON);
    let must_ask = MetadataRequest { freshness: Freshness::Revalidate, ..ask(&server.url("/")) };
    let answers = futures::future::join_all((0..20).map(|_| metadata.get(must_ask.clone()))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| &answer.bytes[..] == b"body")));
    assert_eq!(server.count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn entries_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::start(|_| Reply::ok("body")).await;
    let dir = folder();
    at(dir.path(), Some(network(0)), NOON).get(ask(&server.url("/"))).await.expect("answer");
    let entry = entries(dir.path()).pop().expect("entry");
    assert_eq!(fs::metadata(entry).expect("entry").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_registry_that_is_down_is_unreachable() {
    let dir = folder();
    let url: SafeUrl = "http://user:s3cret@127.0.0.1:1/a?t=s3cret".parse().expect("url");
    let error = at(dir.path(), Some(network(0)), NOON).get(ask(&url)).await.expect_err("down");
    assert!(matches!(error, HttpError::Network { .. }) && error.is_unreachable());
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}
