//! Files in parts, ranges, validators: what a client may rely on.
use mcpsec_model::digest::Digest;
use mcpsec_testkit::{NpmServer, npm_package};
use reqwest::Method;
use serde_json::json;

use crate::pushing::{Team, ask, left, noise};

#[test]
fn a_large_file_goes_in_parts_and_an_interrupted_push_goes_on() {
    const PART: usize = 8 << 20;
    let big = npm_package("left", "1.0.3").file("noise", &noise(20 << 20));
    let npm = NpmServer::start();
    npm.publish_all(&[crate::pushing::files(), big.clone()]);
    let Some(mut team) = Team::of(npm, &[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    let bytes = big.tarball();
    let chunks: Vec<&[u8]> = bytes.chunks(PART).collect();
    assert_eq!(chunks.len(), 3);
    let path = format!("/api/v1/artifacts/{}", Digest::sha512_of(&bytes));
    assert_eq!(team.get(&format!("{path}/parts")).is(200).json(), json!({ "parts": [] }));
    for index in [2, 0] {
        let _sent = team.put(&format!("{path}/parts/{index}"), chunks[index].to_vec()).is(200);
    }
    team.ask(Method::POST, &format!("{path}/parts?count=3"), "").refuses(409, "part 1 is missing");
    team.world.restart();
    assert_eq!(team.get(&format!("{path}/parts")).is(200).json(), json!({ "parts": [0, 2] }));
    // Another caller sees and spoils nothing of it.
    let other = format!("Bearer {}", crate::pushing::token(&team.world, &["push"]));
    let theirs =
        |method, path: &str, body: Vec<u8>| ask(method, &team.world.url(path), &[("Authorization", &other)], body);
    assert_eq!(theirs(Method::GET, &format!("{path}/parts"), Vec::new()).json(), json!({ "parts": [] }));
    let _spoiled = theirs(Method::PUT, &format!("{path}/parts/0"), b"spoiled".to_vec()).is(200);
    let _sent = team.put(&format!("{path}/parts/1"), chunks[1].to_vec()).is(200);
    let joined = team.ask(Method::POST, &format!("{path}/parts?count=3"), "").is(200).json();
    assert_eq!(joined["size"], bytes.len());
    // The answer may have been lost: asking again is answered the same.
    assert_eq!(team.ask(Method::POST, &format!("{path}/parts?count=3"), "").is(200).json(), joined);
    assert_eq!(team.get(&format!("{path}/parts")).is(200).json(), json!({ "parts": [] }));
    assert_eq!(team.get(&path).is(200).body, bytes);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let big = npm_package("left", "1.0.3").file("noise", &noise(9 << 20));
    let npm = NpmServer::start();
    npm.publish_all(&[crate::pushing::files(), big.clone()]);
    let Some(team) = Team::of(npm, &[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    let bytes = big.tarball();
    let path = format!("/api/v1/artifacts/{}", Digest::sha512_of(&bytes));
    team.put(&format!("{path}/parts/256"), "x").refuses(422, "there is no part 256");
    for index in ["-1", "01", "x", "4294967296", "%2fx"] {
        team.put(&format!("{path}/parts/{index}"), "x").refuses(400, "is no index of a part");
    }
    assert_eq!(team.announce(&format!("{path}/parts/0"), 0), "HTTP/1.1 422 Unprocessable Entity");
    assert_eq!(team.announce(&format!("{path}/parts/0"), (8 << 20) + 1), "HTTP/1.1 413 Payload Too Large");
    for count in ["count=0", "count=257"] {
        team.ask(Method::POST, &format!("{path}/parts?{count}"), "").refuses(422, "1 to 256");
    }
    for query in ["", "?count=", "?count=-1", "?count=1&count=2", "?count=1&more=1"] {
        assert_eq!(team.ask(Method::POST, &format!("{path}/parts{query}"), "").status, 400, "{query}");
    }
    // In the wrong order: each part is fine, and together they are another file.
    let (first, second) = bytes.split_at(8 << 20);
    let _sent = team.put(&format!("{path}/parts/0"), second.to_vec()).is(200);
    let _sent = team.put(&format!("{path}/parts/1"), first.to_vec()).is(200);
    team.ask(Method::POST, &format!("{path}/parts?count=2"), "").refuses(409, "part 0");
    let mut wrong = first.to_vec();
    wrong[0] ^= 1;
    let _sent = team.put(&format!("{path}/parts/0"), wrong).is(200);
    let _sent = team.put(&format!("{path}/parts/1"), second.to_vec()).is(200);
    team.ask(Method::POST, &format!("{path}/parts?count=2"), "").refuses(422, "was announced");
    assert_eq!(team.get(&format!("{path}/parts")).json(), json!({ "parts": [] }), "wrong parts are gone");
    assert_eq!(team.get(&path).status, 404);
}

#[test]
fn ranges_and_validators_are_honoured() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    team.push_all("");
    let bytes = left().tarball();
    let path = team.world.url(&format!("/api/v1/artifacts/{}", Digest::sha512_of(&bytes)));
    let get = |headers: &[(&str, &str)]| ask(Method::GET, &path, headers, "");
    let whole = get(&[]).is(200);
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert_eq!(whole.header("content-disposition"), "attachment");
    let etag = whole.header("etag").to_owned();
    assert_eq!(get(&[("If-None-Match", &etag)]).is(304).body, b"");
    let part = get(&[("Range", "bytes=3-9")]).is(206);
    assert_eq!(part.body, &bytes[3..10]);
    assert_eq!(part.header("content-range"), format!("bytes 3-9/{}", bytes.len()));
    assert_eq!(get(&[("Range", "bytes=-4")]).is(206).body, &bytes[bytes.len() - 4..]);
    assert_eq!(get(&[("Range", "bytes=3-9"), ("If-Range", "\"other\"")]).is(200).body, bytes);
    assert_eq!(get(&[("Range", "bytes=3-9"), ("If-Range", &etag)]).is(206).body, &bytes[3..10]);
    assert_eq!(get(&[("Range", "bytes=999999-")]).is(416).header("content-range"), format!("bytes */{}", bytes.len()));
    assert_eq!(get(&[("Range", "bytes=0-1,4-5")]).is(200).body, bytes);
    get(&[("Range", "bytes=0-1"), ("Range", "bytes=4-5")]).refuses(400, "`range` is there twice");
    let head = ask(Method::HEAD, &path, &[], "").is(200);
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    assert_eq!(head.body, b"");
}
