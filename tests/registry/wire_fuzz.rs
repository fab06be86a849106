//! Bytes of all kinds at every parser of the wire: each request is answered, with nothing worse than a refusal.
//!
//! Good requests are changed byte by byte, from fixed seeds: a failure prints the seed that brings it back. A short run is part of every
//! test run; the long one is started by hand (`cargo test --workspace --test registry wire_fuzz -- --ignored`).
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use mcpsec_model::{
    approval::{Envelope, Signers, head::HeadNote},
    digest::Digest,
    lock::Lock,
    team::TeamKey,
};

use mcpsec_testkit::{
    mutation::{Numbers, mutate, mutated},
    npm_package, wheel,
};

use crate::{
    allowlist::token,
    mirror_world::{Mirror, Packed, packed},
};

const LOCK: &str = include_str!("../../testdata/locks/v1/npm.lock");
const ENVELOPE: &str = r#"{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"SHA256:x","sig":"AAAA"}]}"#;
const EVIDENCE: &str =
    r#"{"offered":true,"signatures":[{"keyid":"SHA256:x","sig":"MEUC"}],"attestations":"{\"attestations\":[]}"}"#;
const WHEEL: &str = "server_fetch-0.6.2-py3-none-any.whl";
const KEY: &str = "mcp.example.test+550f7ac0+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
const SIGNERS: &str = "[[signer]]\nname = \"ada\"\nkey = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH a\"\n";

/// A head of the form that servers sign; the signature is nobody's.
fn head() -> String {
    let (root, signature) = (STANDARD.encode([9; 32]), STANDARD.encode([5; 68]));
    format!("mcp.example.test\n2\n{root}\nexpires 2027-01-15T08:00:00Z\n\n\u{2014} mcp.example.test {signature}\n")
}

/// A JWT of nobody.
fn jwt() -> String {
    let parts: [&[u8]; 3] = [br#"{"alg":"RS256","kid":"1"}"#, br#"{"iss":"https://ci.invalid","exp":1}"#, &[5; 256]];
    parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// A good request, in the parts that are changed.
struct Good {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn get(target: &str) -> Good {
    Good { method: "GET", target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
}

fn requests(token: &str) -> Vec<Good> {
    let digest = Digest::sha256_of(LOCK.as_bytes());
    let bearer = || ("Authorization", format!("Bearer {token}"));
    let send = |method, target: String, body: &str| Good {
        method,
        target,
        headers: vec![bearer(), ("Content-Type", "application/jsonl".to_owned())],
        body: body.as_bytes().to_vec(),
    };
    vec![
        get(
            "/v0.1/servers?limit=2&search=files&updated_since=2026-01-01T00:00:00Z&version=latest&include_deleted=true",
        ),
        get("/v0.1/servers?cursor=MQp0ZXN0LmV4YW1wbGUvZmlsZXMKMTgwMDAwMDAwMAoxLjArYg"),
        get("/v0.1/servers/localhost.mcp%2Ffiles/versions/1.0.0%2B1?include_deleted=false"),
        get("/policy/managed-settings.json?client=vscode&program=%2Fopt%2Fmcpsec&project=C%3A%5Cwork"),
        get("/api/v1/approvals?since=0&until=0"),
        get("/api/v1/approvals/proof/consistency?from=0&to=0"),
        get("/api/v1/approvals/proof/inclusion?leaf=0&size=1"),
        get(&format!("/api/v1/locks/{digest}")),
        get("/npm/@scope%2fserver-files/-/server-files-2026.8.31.tgz"),
        get("/npm/-/npm/v1/attestations/@scope%2fserver-files@2026.8.31"),
        get("/pypi/simple/server-fetch/"),
        get(&format!("/pypi/files/{}/server_fetch-0.6.2-py3-none-any.whl.metadata", digest.to_hex())),
        get(&format!("/servers/files/compare?from={digest}&to={digest}")),
        get("/search?q=files"),
        Good {
            headers: vec![
                ("Range", "bytes=0-10,20-30".to_owned()),
                ("If-None-Match", "W/\"a\", \"b\"".to_owned()),
                ("Accept", "application/vnd.pypi.simple.v1+json;q=0.9, text/html;q=0.1".to_owned()),
            ],
            ..get(&format!("/api/v1/artifacts/{digest}"))
        },
        Good { headers: vec![("Authorization", format!("Bearer {}", jwt()))], ..get("/v0.1/servers") },
        Good {
            headers: vec![("Authorization", format!("Basic {}", STANDARD.encode(format!("x:{token}"))))],
            ..get("/npm/-/whoami")
        },
        Good {
            headers: vec![
                ("Host", "registry.invalid:8443".to_owned()),
                ("X-Forwarded-For", "192.0.2.7, [2001:db8::1]:443, 127.0.0.1".to_owned()),
                ("X-Forwarded-Proto", "https".to_owned()),
                ("X-Forwarded-Host", "registry.invalid".to_owned()),
                ("X-Request-Id", "0123456789abcdef".to_owned()),
            ],
            ..get("/npm/@scope%2fserver-files")
        },
        Good {
            headers: vec![
                ("Range", "bytes=0-99".to_owned()),
                ("If-Range", "\"a\"".to_owned()),
                ("If-None-Match", "*".to_owned()),
                ("Accept-Encoding", "gzip;q=1.0, identity; q=0.5, *;q=0".to_owned()),
            ],
            ..get("/npm/@scope%2fserver-files/-/server-files-2026.8.31.tgz")
        },
        Good {
            headers: vec![("Accept", "application/vnd.npm.install-v1+json; q=1.0, */*".to_owned())],
            ..get("/npm/left")
        },
        get(&format!("/pypi/integrity/server-fetch/0.6.2/{WHEEL}/provenance")),
        get("/policy/managed-mcp.json?client=claude-code"),
        Good { headers: vec![bearer()], ..get("/api/v1/releases") },
        send("POST", "/api/v1/approvals".to_owned(), &format!("{ENVELOPE}\n")),
        send("PUT", format!("/api/v1/locks/{digest}?request=1&reason=why"), LOCK),
        send("PUT", format!("/api/v1/evidence/{digest}?package=pkg:npm/left@1.0.0&file=left-1.0.0.tgz"), EVIDENCE),
        send("PUT", format!("/api/v1/artifacts/{digest}"), "bytes"),
        Good {
            headers: vec![bearer(), ("Content-Range", "bytes 0-4/5".to_owned())],
            ..send("PUT", format!("/api/v1/artifacts/{digest}/parts/0"), "bytes")
        },
        send("POST", format!("/api/v1/artifacts/{digest}/parts?count=1"), ""),
    ]
}

/// Sends one request; `None`: the connection was closed without an answer.
fn status(address: &str, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address.strip_prefix("http://").expect("an address")).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    // The server may refuse before it has read everything, and close.
    let _refused_early = stream.write_all(request);
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok()?;
    std::str::from_utf8(&answer).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

fn raw(good: &Good, changed: &mut Numbers) -> Vec<u8> {
    let part = changed.below(2 + good.headers.len());
    let (mut target, mut body) = (good.target.clone().into_bytes(), good.body.clone());
    let mut headers: Vec<(&str, Vec<u8>)> =
        good.headers.iter().map(|(name, value)| (*name, value.clone().into_bytes())).collect();
    match part {
        0 => mutate(&mut target, changed),
        1 if !body.is_empty() => mutate(&mut body, changed),
        1 => mutate(&mut target, changed),
        n => mutate(&mut headers[n - 2].1, changed),
    }
    // What would end the line is the business of the HTTP library.
    let plain = |bytes: &mut Vec<u8>| bytes.retain(|b| !matches!(b, b'\r' | b'\n'));
    plain(&mut target);
    target.retain(|b| *b != b' ');
    let mut request = [good.method.as_bytes(), b" ", &target, b" HTTP/1.1\r\nConnection: close\r\n"].concat();
    if headers.iter().all(|(name, _)| *name != "Host") {
        request.extend(b"Host: 127.0.0.1\r\n");
    }
    for (name, value) in &mut headers {
        plain(value);
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    request.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
    request.extend(body);
    request
}

/// Sends each good request once, changed; gives how many were answered.
pub(crate) fn volley(address: &str, token: &str, seed: u64) -> usize {
    let mut numbers = Numbers::of(seed);
    let mut answered = |good: &Good| status(address, &raw(good, &mut numbers)).is_some();
    requests(token).iter().map(&mut answered).filter(|answered| *answered).count()
}

fn storm(rounds: u64) {
    // Something is there to be found, and whoever asks is a proxy that is believed.
    let mirror = Mirror::with(&["--limits-rate", "0", "--trusted-proxies", "127.0.0.1"]);
    let npm = [npm_package("@scope/server-files", "2026.8.31"), npm_package("left", "1.0.3")];
    let _approved = mirror.vet("files", &npm.each_ref().map(Packed::from));
    let wheel = wheel("server-fetch", "0.6.2");
    assert_eq!(wheel.file_name(), WHEEL);
    let _approved = mirror.vet("fetch", &[packed("pypi:server-fetch@0.6.2", &wheel)]);
    let world = &mirror.world;
    let token = token(world, &["--scope", "push", "--scope", "approve-submit"]);
    let requests = requests(&token);
    let (mut answered, mut refused) = (0_u64, 0_u64);
    for seed in 1..=rounds {
        let mut numbers = Numbers::of(seed);
        for good in &requests {
            let request = raw(good, &mut numbers);
            let Some(status) = status(world.server.address(), &request) else { continue };
            answered += 1;
            refused += u64::from((400..500).contains(&status));
            let shown = String::from_utf8_lossy(&request);
            assert!((200..500).contains(&status), "seed {seed}: {status} to {shown}\n{}", world.server.errors());
        }
    }
    let all = rounds * requests.len() as u64;
    assert!(
        answered > all / 2 && refused > all / 3,
        "{answered} of {all} answered, {refused} refused: nothing was reached"
    );
    assert_eq!(
        status(world.server.address(), b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        Some(200)
    );
    let said = world.server.errors();
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn hostile_requests_are_refused_and_the_server_goes_on() {
    storm(12);
}

#[test]
#[ignore = "long: a hundred thousand requests"]
fn many_hostile_requests_are_refused_and_the_server_goes_on() {
    storm(4500);
}

/// What clients and server read without HTTP around it.
fn parse(rounds: u64) {
    let head = head();
    let lock = Lock::parse(LOCK, "lock").expect("it is good").to_text();
    for seed in 1..=rounds {
        let mut numbers = Numbers::of(seed);
        let mut changed = |good: &str| mutated(good.as_bytes(), &mut numbers);
        if let Ok(note) = std::str::from_utf8(&changed(&head)) {
            // Whatever is read is written again word for word, so that a signature is over what was read.
            if let Ok(read) = HeadNote::parse(note) {
                assert_eq!(read.to_string(), note, "seed {seed}");
            }
        }
        if let Ok(line) = std::str::from_utf8(&changed(ENVELOPE))
            && let Ok(read) = Envelope::parse(line)
        {
            // Two spellings of a statement would be two entries of the log about one thing.
            assert_eq!(Envelope::parse(&read.to_line()).expect("what it writes").id(), read.id(), "seed {seed}");
        }
        if let Ok(text) = std::str::from_utf8(&changed(KEY))
            && let Ok(read) = text.parse::<TeamKey>()
        {
            assert_eq!(read.as_str(), text, "seed {seed}");
        }
        if let Ok(text) = std::str::from_utf8(&changed(SIGNERS)) {
            let _whatever = Signers::parse(text, "mcp-signers");
        }
        let text = changed(&lock);
        if let Ok(read) = Lock::parse_bytes(&text, "lock") {
            assert_eq!(
                read.to_text().into_bytes(),
                String::from_utf8_lossy(&text).replace("\r\n", "\n").into_bytes(),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn heads_keys_envelopes_and_locks_read_only_what_they_would_write() {
    assert!(HeadNote::parse(&head()).is_ok(), "{:?}", HeadNote::parse(&head()).err());
    assert!(Envelope::parse(ENVELOPE).is_ok() && KEY.parse::<TeamKey>().is_ok());
    assert!(Signers::parse(SIGNERS, "mcp-signers").is_ok(), "{:?}", Signers::parse(SIGNERS, "mcp-signers").err());
    parse(3000);
}

#[test]
#[ignore = "long: half a million texts"]
fn many_heads_keys_envelopes_and_locks_read_only_what_they_would_write() {
    parse(250_000);
}
