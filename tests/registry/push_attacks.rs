//! What is tried against pushing, and refused. Each row says what must not happen; nothing of it may leave a trace.
use mcpsec_model::digest::Digest;
use mcpsec_testkit::npm_package;
use reqwest::Method;
use serde_json::json;

use crate::pushing::{Team, ask, left, raw, token};

fn digest_of(text: &str) -> String {
    Digest::sha256_of(text.as_bytes()).to_string()
}

#[test]
fn locks_that_are_not_what_they_should_be_are_refused() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    let lock = team.lock();
    let put = |text: &str| team.put(&format!("/api/v1/locks/{}", digest_of(text)), text.to_owned());
    // Another text under this name, and this text under another.
    team.put(&format!("/api/v1/locks/{}", digest_of(&lock)), format!("{lock}\n")).refuses(422, "the body is sha256:");
    team.put(&format!("/api/v1/locks/{}", Digest::sha512_of(lock.as_bytes())), lock.clone())
        .refuses(422, "by their SHA-256");
    put("").refuses(422, "the body");
    put("\u{0}").refuses(422, "the body");
    put("version = 2\n").refuses(422, "the body");
    let bytes = [0xff, 0xfe];
    team.put(&format!("/api/v1/locks/{}", Digest::sha256_of(&bytes)), bytes.to_vec()).refuses(422, "UTF-8");
    // Meaning the same is not being the same: approvals are about one text.
    put(&lock.replace('\n', "\r\n")).refuses(422, "not exactly as mcpsec writes it");
    put(&lock.replacen("\n\n", "\n\n\n", 1)).refuses(422, "the body");
    put(&lock.replacen("1.0.3", "1.0.4", 1)).refuses(422, "the body");
    put(&lock[..lock.len() / 2]).refuses(422, "the body");
    put(&mcpsec_model::lock::Lock::empty().to_text()).refuses(422, "has 0 servers");
    // What a project believes of other teams is no part of a server.
    put(&team.edited(|lock| {
        let _none = lock.imports.insert("other".parse().expect("a word"), Digest::sha256_of(b"theirs"));
    }))
    .refuses(422, "pins of other teams");
    // Two servers: one is approved, and carries the other in.
    team.npm.publish(&npm_package("stranger", "1.0.0").bin("stranger", "index.js"));
    let _added = team.env.mcpsec(["add", "npm:stranger"]).success();
    put(&team.lock()).refuses(422, "has 2 servers");
    assert_eq!(team.get("/api/v1/releases").json(), json!({ "releases": [] }));
}

#[test]
fn an_approval_covers_nothing_but_what_was_approved() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    team.push_all("");
    // A dependency's digest is another: the closure is another, and nobody approved it.
    team.npm.publish(&npm_package("left", "1.0.4").file("evil.js", b"1"));
    std::fs::remove_dir_all(team.env.cache()).expect("a cache");
    let _added = team.env.mcpsec(["add", "npm:files", "--fresh", "--yes"]).success();
    team.put_lock("").refuses(403, "files is not approved");
    // The same server under another name.
    let renamed = team.edited(|lock| {
        let (_, mut server) = lock.servers.pop_first().expect("a server");
        server.name = "other".parse().expect("a name");
        lock.servers.insert(server.name.clone(), server);
    });
    team.put(&format!("/api/v1/locks/{}", digest_of(&renamed)), renamed).refuses(403, "other is not approved");
    assert_eq!(team.get("/api/v1/releases").json()["releases"].as_array().map(Vec::len), Some(1));
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused() {
    let Some(team) = Team::new(&[]) else { return };
    let good = left().tarball();
    let digest = Digest::sha512_of(&good);
    let path = format!("/api/v1/artifacts/{digest}");
    team.put(&path, good.clone()).refuses(404, "no pushed lock names");
    team.approve();
    let _taken = team.put_lock("").is(200);
    // Of the right length, and other bytes.
    let mut wrong = good.clone();
    wrong[10] ^= 1;
    team.put(&path, wrong).refuses(422, "was announced");
    team.put(&path, Vec::new()).refuses(422, "");
    team.put(&path, good[..good.len() - 1].to_vec()).refuses(422, "");
    team.put(&path, [good.clone(), vec![0]].concat()).refuses(422, "");
    // Another file of the same lock.
    team.put(&path, crate::pushing::files().tarball()).refuses(422, "");
    let stranger = Digest::sha512_of(b"stranger");
    team.put(&format!("/api/v1/artifacts/{stranger}"), "stranger").refuses(404, "no pushed lock names");
    assert_eq!(team.get(&path).status, 404, "nothing was kept");
    let bearer = format!("Bearer {}", team.token);
    let with = |headers: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> =
            [("Authorization", bearer.as_str())].into_iter().chain(headers.iter().copied()).collect();
        ask(Method::PUT, &team.world.url(&path), &all, good.clone())
    };
    with(&[("Content-Encoding", "gzip")]).refuses(415, "Content-Encoding");
    // What it is called changes nothing: it is bytes, and comes back as bytes.
    let _kept = with(&[("Content-Type", "text/html")]).is(200);
    assert_eq!(team.get(&path).is(200).header("content-type"), "application/octet-stream");
}

#[test]
fn a_file_that_is_another_package_than_its_lock_says_is_refused() {
    let Some(team) = Team::new(&[]) else { return };
    // The registry hands out, as `left`, a tarball whose package.json says `right`; its hash is as promised.
    let lie = npm_package("right", "1.0.3").tarball();
    team.npm.publish(&npm_package("left", "1.0.9").tarball_bytes(lie.clone()));
    std::fs::remove_dir_all(team.env.cache()).expect("a cache");
    let added = team.env.mcpsec(["add", "npm:files", "--fresh", "--yes"]);
    if added.code != Some(0) {
        // mcpsec refused to lock it in the first place, which is as good.
        return;
    }
    team.approve();
    let _taken = team.put_lock("").is(200);
    team.put(&format!("/api/v1/artifacts/{}", Digest::sha512_of(&lie)), lie).refuses(422, "the file is refused");
}

#[test]
fn nobody_writes_without_the_right_token() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    let lock = team.lock();
    let digest = Digest::sha512_of(&left().tarball());
    let lesser = format!("Bearer {}", token(&team.world, &["read", "approve-submit"]));
    let evidence = format!("/api/v1/evidence/{digest}?package=pkg%3Anpm%2Fleft%401.0.3&file=left-1.0.3.tgz");
    for (method, path, body) in [
        (Method::PUT, format!("/api/v1/locks/{}", digest_of(&lock)), lock.clone().into_bytes()),
        (Method::PUT, format!("/api/v1/artifacts/{digest}"), left().tarball()),
        (Method::GET, format!("/api/v1/artifacts/{digest}/parts"), Vec::new()),
        (Method::PUT, format!("/api/v1/artifacts/{digest}/parts/0"), b"x".to_vec()),
        (Method::POST, format!("/api/v1/artifacts/{digest}/parts?count=1"), Vec::new()),
        (Method::PUT, evidence, b"{\"offered\":true}".to_vec()),
    ] {
        let url = team.world.url(&path);
        ask(method.clone(), &url, &[], body.clone()).refuses(401, "needs a token");
        ask(method.clone(), &url, &[("Authorization", &lesser)], body.clone()).refuses(403, "lacks the scope `push`");
        assert_eq!(ask(method, &url, &[("Authorization", "Bearer mcpsec_x")], body).status, 401);
    }
    assert_eq!(team.get(&format!("/api/v1/artifacts/{digest}")).status, 404);
}

#[test]
fn addresses_have_one_form_each() {
    let Some(team) = Team::new(&[]) else { return };
    let hex = "a".repeat(64);
    for text in [
        "sha256:",
        "sha256:%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%2f..%2fregistry.db",
        "%2Fetc%2Fpasswd",
        "sha256:%00",
        "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
        &format!("sha512:{hex}"),
        &format!("SHA256:{hex}"),
        &format!("sha256:{}", hex.to_uppercase()),
        &format!("sha256:{hex}%0a"),
        &format!("sha256:{hex}%20"),
        &format!("sha256:{hex}%2fparts"),
        &hex,
    ] {
        for face in ["locks", "artifacts"] {
            team.get(&format!("/api/v1/{face}/{text}")).refuses(400, "is no digest");
            team.put(&format!("/api/v1/{face}/{text}"), "x").refuses(400, "is no digest");
        }
    }
    let good = format!("sha256:{hex}");
    for query in ["?request=2", "?request=1&request=1", "?fetch=x", "?other=1", "?request=%ff"] {
        let answer = team.put(&format!("/api/v1/locks/{good}{query}"), "x");
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json()["error"].is_string(), "{query}");
    }
    let long = format!("/api/v1/locks/{good}?request=1&reason={}", "x".repeat(1001));
    team.put(&long, "x").refuses(400, "more than 1000 bytes");
    team.put(&format!("/api/v1/locks/{good}?request=1&fetch=1"), "x").refuses(422, "fetches nothing");
    assert_eq!(team.get("/api/v1/artifacts/%ff").status, 400);
}

/// What no client library sends.
#[test]
fn bodies_that_lie_about_themselves_leave_nothing() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    let good = left().tarball();
    let digest = Digest::sha512_of(&good);
    let path = format!("/api/v1/artifacts/{digest}");
    let head = |path: &str, more: &str| {
        format!("PUT {path} HTTP/1.1\r\nHost: registry.invalid\r\nAuthorization: Bearer {}\r\n{more}\r\n", team.token)
    };
    let send = |path: &str, more: &str, body: &[u8]| raw(&team.world, &[head(path, more).as_bytes(), body].concat());
    let length = good.len();
    // Announced and sent differ, or are said twice: request smuggling.
    let two = format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length + 1);
    assert!(send(&path, &two, &good).starts_with("HTTP/1.1 400"), "two lengths");
    let both = format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n");
    let said = send(&path, &both, b"0\r\n\r\n");
    assert!(!said.starts_with("HTTP/1.1 200"), "{said}");
    assert!(send(&path, "Content-Length: -1\r\n", b"").starts_with("HTTP/1.1 400"));
    assert!(send(&path, "Content-Length: 99999999999\r\n", b"x").starts_with("HTTP/1.1 422"), "another length");
    assert!(send(&path, "Transfer-Encoding: chunked\r\n", b"zz\r\n").starts_with("HTTP/1.1 400"), "no chunk");
    // Chunks without end: it stops at the length that the lock says, long before memory or disk do.
    let chunk = [format!("{:x}\r\n", length + 1).as_bytes(), &[0].repeat(length + 1), b"\r\n"].concat();
    assert!(send(&path, "Transfer-Encoding: chunked\r\n", &chunk).starts_with("HTTP/1.1 413"), "no end");
    // A lock of more than 64 MiB is not even read.
    let lock = format!("/api/v1/locks/sha256:{}", "a".repeat(64));
    assert!(send(&lock, &format!("Content-Length: {}\r\n", 65 << 20), b"x").starts_with("HTTP/1.1 413"));
    // A part says how long it is.
    let part = format!("{path}/parts/0");
    assert!(send(&part, "Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n0\r\n\r\n").starts_with("HTTP/1.1 411"));
    for target in [format!("{path}/../../../../healthz"), format!("/api/v1//artifacts/{digest}"), format!("{path}/")] {
        let said = send(&target, &format!("Content-Length: {length}\r\n"), &good);
        assert!(said.starts_with("HTTP/1.1 4"), "{target}: {said}");
    }
    // Client libraries resolve these themselves, so they go as they are.
    for target in
        ["/api/v1/locks/%2e%2e", "/api/v1/artifacts/%2e%2e", "/api/v1/artifacts/%2e%2e%2f%2e%2e%2fregistry.db"]
    {
        assert!(send(target, "Content-Length: 1\r\n", b"x").starts_with("HTTP/1.1 400"), "{target}");
    }
    assert_eq!(team.get(&path).status, 404, "nothing was kept");
    if team.world.backend.is_folder() {
        let left: Vec<_> =
            std::fs::read_dir(team.world.data.path().join("blobs/incoming")).expect("a folder").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// A byte more than 64 MiB of lock, without a word about its length and without an end.
#[test]
fn a_lock_that_is_too_long_in_chunks_is_refused() {
    let Some(team) = Team::new(&[]) else { return };
    let path = format!("/api/v1/locks/sha256:{}", "a".repeat(64));
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: registry.invalid\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        team.token
    );
    let chunk = [b"4000000\r\n".as_slice(), &vec![b'#'; 64 << 20], b"\r\n1\r\n#\r\n"].concat();
    assert!(raw(&team.world, &[head.as_bytes(), &chunk].concat()).starts_with("HTTP/1.1 413"));
}
