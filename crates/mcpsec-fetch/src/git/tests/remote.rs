//! The same over loopback HTTP: shallow fetches, the cache, credentials, faults.
use std::{fs, sync::Arc, time::Duration};

use mcpsec_model::upstream::{UpstreamRecord, UpstreamState};
use mcpsec_testkit::{Auth, Fault, GitRepo, GitServer};

use super::{entries, fetch, fetch_local, put, source, source_with, spec};
use crate::{git::GitLimits, progress::Silent};

fn served() -> (GitServer, GitRepo, String, String) {
    let repo = GitRepo::new();
    let first = repo.commit(&[("package.json", b"{}"), ("src/index.js", b"1")]);
    repo.annotated_tag("v1.0", &first, "one");
    repo.commit(&[("src/index.js", b"2")]);
    let server = GitServer::start();
    let url = server.serve("owner/name", &repo);
    (server, repo, format!("git+{url}"), first)
}

#[test]
fn http_and_file_give_the_same_archive() {
    let (_server, repo, url, first) = served();
    let cache = tempfile::tempdir().expect("cache");
    let source = source(cache.path(), true);
    for rest in ["", "@v1.0", "@main", &format!("@{first}"), &format!("@{}", &first[..9])] {
        let remote = fetch(&source, &spec(&format!("{url}{rest}"))).expect(rest);
        let local = fetch_local(&repo, rest).expect(rest);
        assert_eq!(remote.digests, local.digests, "{rest}");
        assert_eq!(remote.pin, local.pin, "{rest}");
        assert_eq!(remote.package.version(), local.package.version(), "{rest}");
        assert_eq!(entries(&remote), entries(&local));
    }
    let error = fetch(&source, &spec(&format!("{url}@absent"))).expect_err("refused").to_string();
    assert!(error.ends_with("has no tag, branch or commit `absent`"), "{error}");
}

#[test]
fn a_fetch_is_shallow_and_cached_and_works_offline() {
    let (server, _repo, url, first) = served();
    let cache = tempfile::tempdir().expect("cache");
    let online = source(cache.path(), true);
    let one = fetch(&online, &spec(&format!("{url}@v1.0"))).expect("tree");
    assert_eq!(server.count("*/git-upload-pack"), 3, "one question for the reference, one for the pack, one for tags");
    // The commit is there: a full id asks nobody, a tag only asks where it points.
    server.clear_log();
    fetch(&online, &spec(&format!("{url}@{first}"))).expect("tree");
    assert_eq!(server.requests().len(), 0);
    fetch(&online, &spec(&format!("{url}@v1.0"))).expect("tree");
    assert_eq!(server.count("*/git-upload-pack"), 2, "where it points, and which tags there are");

    server.clear_log();
    let offline = source(cache.path(), false);
    let again = fetch(&offline, &spec(&format!("{url}@v1.0"))).expect("tree");
    assert_eq!((again.digests, &again.pin), (one.digests, &one.pin));
    let error = fetch(&offline, &spec(&url)).expect_err("refused").to_string();
    assert!(error.contains("HEAD of ") && error.contains("is not in the cache"), "{error}");
    assert!(matches!(offline.upstream(&spec(&url), &one.pin, &first), UpstreamState::Unreachable(_)));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn damage_in_the_cache_is_found_and_repaired() {
    let (_server, _repo, url, first) = served();
    let cache = tempfile::tempdir().expect("cache");
    let source_online = source(cache.path(), true);
    let spec = spec(&format!("{url}@{first}"));
    let good = fetch(&source_online, &spec).expect("tree").digests;
    let mirror = fs::read_dir(cache.path()).expect("cache").find_map(|entry| {
        let path = entry.expect("entry").path().join(format!("{first}.git"));
        path.is_dir().then_some(path)
    });
    let packs = mirror.expect("mirror").join("objects/pack");
    let pack = fs::read_dir(&packs)
        .expect("packs")
        .map(|entry| entry.expect("entry").path())
        .find(|path| path.extension().is_some_and(|ext| ext == "pack"))
        .expect("pack");
    let mut bytes = fs::read(&pack).expect("pack");
    for byte in bytes.iter_mut().skip(12) {
        *byte ^= 0x55;
    }
    fs::remove_file(&pack).expect("remove");
    put(&pack, &bytes);
    let error = fetch(&source(cache.path(), false), &spec).expect_err("refused").to_string();
    assert!(error.contains("missing or corrupt") || error.contains("cannot open"), "{error}");
    assert_eq!(fetch(&source_online, &spec).expect("repaired").digests, good);
}

#[test]
fn upstream_asks_for_references_only() {
    let (server, repo, url, first) = served();
    let cache = tempfile::tempdir().expect("cache");
    let source = source(cache.path(), true);
    let spec = spec(&format!("{url}@v1.0"));
    let locked = fetch(&source, &spec).expect("tree");
    let present_as = |commit: Option<&str>, tag: Option<&str>| {
        let (commit, tag) = (commit.map(Into::into), tag.map(Into::into));
        UpstreamState::Present(UpstreamRecord { commit, tag, ..UpstreamRecord::default() })
    };
    let present = |commit: Option<&str>| present_as(commit, None);
    server.clear_log();
    let tag = repo.resolve("refs/tags/v1.0");
    assert_eq!(source.upstream(&spec, &locked.pin, &first), present_as(Some(&first), tag.as_deref()));
    assert_eq!(server.count("*/git-upload-pack"), 1);
    let again = repo.annotated_tag("v1.0", &first, "one");
    assert_eq!(source.upstream(&spec, &locked.pin, &first), present_as(Some(&first), Some(&again)));
    let moved = repo.commit(&[("evil", b"x")]);
    let tag = repo.annotated_tag("v1.0", &moved, "one");
    assert_eq!(source.upstream(&spec, &locked.pin, &first), present_as(Some(&moved), Some(&tag)));
    // A bare commit cannot move; it is named only while some reference shows it.
    let bare = mcpsec_model::package::GitPin { reference: None, ..locked.pin.clone() };
    assert_eq!(source.upstream(&spec, &bare, &moved), present(Some(&moved)));
    assert_eq!(source.upstream(&spec, &bare, &first), present(None));
    repo.delete_ref("refs/tags/v1.0");
    assert_eq!(source.upstream(&spec, &locked.pin, &first), UpstreamState::Gone);
    // The locked commit can still be fetched, and is still what it was.
    fs::remove_dir_all(cache.path()).expect("empty the cache");
    assert_eq!(source.restore(&locked.to_package(), &Silent).expect("restored").digests, locked.digests);
    server.remove("owner/name");
    assert!(matches!(source.upstream(&spec, &locked.pin, &first), UpstreamState::Unreachable(_)));
}

#[test]
fn credentials_never_show_and_never_travel_in_clear_text() {
    let (server, _repo, url, first) = served();
    server.require_auth(Auth::basic("bob", "hunter2"));
    let cache = tempfile::tempdir().expect("cache");
    let source = source(cache.path(), true);
    let error = fetch(&source, &spec(&url)).expect_err("refused").to_string();
    assert!(error.contains("cannot fetch from http://127.0.0.1"), "{error}");

    let spec = spec(&format!("{}@{first}", url.replace("http://", "http://bob:hunter2@")));
    let error = fetch(&source, &spec).expect_err("refused");
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains("bob") && !text.contains("hunter2"), "{text}");
    }
    assert!(error.to_string().contains("clear text"), "{error}");
    assert_eq!(server.requests_with_secret("hunter2").len(), 0);

    // Once the server asks for nothing: neither the id nor anything on disk knows the password.
    server.allow_anonymous();
    let tree = fetch(&source, &spec).expect("tree");
    assert!(!tree.package.to_string().contains("hunter2") && !tree.package.to_string().contains("bob"));
    let mut folders = vec![cache.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("file");
                assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "{}", path.display());
            }
        }
    }
}

#[test]
fn a_redirect_loop_ends() {
    let (server, _repo, url, _) = served();
    server.inject(Fault::RedirectLoop.on("*"));
    let cache = tempfile::tempdir().expect("cache");
    let error = fetch(&source(cache.path(), true), &spec(&url)).expect_err("refused").to_string();
    assert!(error.contains("cannot fetch from"), "{error}");
    assert!(server.requests().len() < 120, "{}", server.requests().len());
}

#[test]
fn a_server_that_breaks_down_is_named() {
    for fault in [Fault::Status(500), Fault::Garbage, Fault::Reset, Fault::Truncate { after: 60 }] {
        let (server, _repo, url, _) = served();
        server.inject(fault.clone().on("*/git-upload-pack"));
        let cache = tempfile::tempdir().expect("cache");
        let error = fetch(&source(cache.path(), true), &spec(&url)).expect_err("refused");
        assert!(error.to_string().contains("http://127.0.0.1"), "{fault:?}: {error}");
        server.heal();
        fetch(&source(cache.path(), true), &spec(&url)).expect("once the server is well, all is well");
    }
}

#[test]
fn flipped_bytes_are_refused_or_have_no_effect() {
    let (server, _repo, url, first) = served();
    let spec = spec(&format!("{url}@{first}"));
    let good = fetch(&source(tempfile::tempdir().expect("cache").path(), true), &spec).expect("tree").digests;
    let mut refused = 0;
    for at in (0..600).step_by(41) {
        server.heal();
        server.inject(Fault::FlipByte { at }.on("*/git-upload-pack").after(1));
        let cache = tempfile::tempdir().expect("cache");
        match fetch(&source(cache.path(), true), &spec) {
            // What servers say beside the pack (progress) may be any text.
            Ok(tree) => assert_eq!(tree.digests, good, "{at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}

#[test]
fn silence_and_excess_end_a_fetch() {
    let (server, repo, url, _) = served();
    server.inject(Fault::Silence.on("*/git-upload-pack"));
    let cache = tempfile::tempdir().expect("cache");
    let limits = GitLimits { idle: Duration::from_millis(300), ..GitLimits::standard() };
    let error = fetch(&source_with(cache.path(), true, limits), &spec(&url)).expect_err("refused").to_string();
    assert!(error.contains("sent nothing for"), "{error}");
    server.heal();

    // Bytes that do not compress.
    let noise: Vec<u8> =
        (0..1_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 ^ (i >> 3) as u8).collect();
    let noise: Vec<u8> =
        noise.chunks(32).flat_map(|chunk| mcpsec_model::digest::Digest::sha256_of(chunk).as_bytes().to_vec()).collect();
    repo.commit(&[("noise", &noise)]);
    server.inject(Fault::Drip { chunk: 16 << 10, every: Duration::from_millis(20) }.on("*/git-upload-pack"));
    let cache = tempfile::tempdir().expect("cache");
    let limits = GitLimits { max_pack: 100_000, ..GitLimits::standard() };
    let error = fetch(&source_with(cache.path(), true, limits), &spec(&url)).expect_err("refused").to_string();
    assert!(error.contains("the size of what it sends is over the limit of 100000 bytes"), "{error}");
}

#[test]
fn many_at_once_share_one_cache() {
    let (server, _repo, url, _) = served();
    let cache = tempfile::tempdir().expect("cache");
    let source = Arc::new(source(cache.path(), true));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (source, spec) = (Arc::clone(&source), spec(&format!("{url}@v1.0")));
            std::thread::spawn(move || fetch(&source, &spec).expect("tree").digests)
        })
        .collect();
    let digests: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("thread")).collect();
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
    // Each asks where the tag points and which tags there are.
    assert_eq!(server.count("*/git-upload-pack"), 4 + 4 + 1, "the pack came once");
}
