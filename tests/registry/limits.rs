//! What a caller may use up, and what a broken request gets.
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::{
    http::{ask, client, connect, eventually, get, raw},
    vetted::token,
    world::World,
};

/// Longer than any limit that a test sets.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_client_that_asks_too_often_is_told_to_wait() {
    let world = World::with(&["--limits-rate", "1", "--limits-burst", "3", "--trusted-proxies", "127.0.0.1"]);
    let from = |address: &str| get(&world.url("/nowhere"), &[("x-forwarded-for", address)]);
    for _ in 0..3 {
        assert_eq!(from("203.0.113.1").status, 404);
    }
    let refused = from("203.0.113.1");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.json()["error"], "too many requests from this address");
    // Others are not held up, and whoever looks after the server always gets in.
    assert_eq!(from("203.0.113.2").status, 404);
    for _ in 0..10 {
        assert_eq!(get(&world.url("/healthz"), &[("x-forwarded-for", "203.0.113.1")]).status, 200);
    }
}

#[test]
fn a_forwarded_address_of_nobody_is_not_believed() {
    let world = World::with(&["--limits-rate", "1", "--limits-burst", "3"]);
    let statuses: Vec<u16> =
        (0..5).map(|n| get(&world.url("/nowhere"), &[("x-forwarded-for", &format!("203.0.113.{n}"))]).status).collect();
    assert_eq!(statuses, [404, 404, 404, 429, 429]);
}

#[test]
fn connections_beyond_the_limit_are_closed() {
    let world = World::with(&["--limits-connections", "2"]);
    let third =
        || raw(world.server.address(), b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", PATIENCE);
    // Whoever has an answer has a place.
    let held = [connect(world.server.address()), connect(world.server.address())];
    for mut stream in &held {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).expect("an answer");
        assert_eq!(&start, b"HTTP/1.1 200");
    }
    assert_eq!(String::from_utf8_lossy(&third()), "", "there is no place for a third");
    drop(held);
    eventually("there is room again", || third().starts_with(b"HTTP/1.1 200"));
}

#[test]
fn headers_that_never_end_are_cut_off() {
    let world = World::with(&["--limits-header-timeout", "1s"]);
    // Nothing at all, half a head, and a second head after a first request.
    for start in ["", "GET /healthz HTTP/1.1\r\nHost: a\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /he"] {
        let mut stream = connect(world.server.address());
        stream.write_all(start.as_bytes()).expect("sent");
        let answer = until_closed(&mut stream).unwrap_or_else(|| panic!("still open: {start:?}"));
        let answers = answer.matches("HTTP/1.1 200").count();
        assert_eq!(answers, usize::from(start.ends_with("/he")), "{start:?}");
    }
}

/// What comes until the server closes; `None`: it does not, as long as this test waits.
fn until_closed(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Some(String::from_utf8_lossy(&answer).into_owned()),
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Some(String::from_utf8_lossy(&answer).into_owned());
            }
            Err(_) => return None,
        }
    }
}

#[test]
fn a_body_that_stops_is_cut_off() {
    let world = World::with(&["--limits-idle", "1s"]);
    let answer = raw(world.server.address(), lines_of(&world, 1000, "half").as_bytes(), PATIENCE);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 4") && !answer.starts_with("HTTP/1.1 401"), "{answer}");
}

/// A request whose body is read: by somebody who may send lines. It has `length` bytes, of which these are the first.
fn lines_of(world: &World, length: usize, start: &str) -> String {
    let token = token(world, &["approve-submit"]);
    format!(
        "POST /api/v1/approvals HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{start}"
    )
}

#[test]
fn a_body_that_drips_does_not_last_for_ever() {
    let world = World::with(&["--limits-timeout", "1s"]);
    let mut stream = connect(world.server.address());
    stream.write_all(lines_of(&world, 1000, "").as_bytes()).expect("sent");
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
    let mut start = [0; 12];
    for _ in 0..200 {
        if matches!(stream.read(&mut start), Ok(1..)) {
            break;
        }
        // Never silent for long.
        let _refused = stream.write_all(b"x");
    }
    assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 503");
}

#[test]
fn a_busy_server_says_so_and_can_still_be_watched() {
    let world = World::with(&["--limits-concurrency", "1"]);
    let mut held = connect(world.server.address());
    held.write_all(lines_of(&world, 1000, "").as_bytes()).expect("sent");
    eventually("the one place is taken", || get(&world.url("/nowhere"), &[]).status == 503);
    let refused = get(&world.url("/nowhere"), &[]);
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["error"], "the server is busy");
    for watched in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(&world.url(watched), &[]).status, 200, "{watched}");
    }
    drop(held);
    eventually("the place is free", || get(&world.url("/nowhere"), &[]).status == 404);
}

#[test]
fn a_request_that_names_no_host_is_refused() {
    let world = World::new();
    for host in
        ["Host: a\r\nHost: b", "Host: ", "Host: a/b", "Host: user@a", "Host: a b", "Host: a:99999", "Host: [::1"]
    {
        let request = format!("GET /healthz HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n");
        let answer = raw(world.server.address(), request.as_bytes(), PATIENCE);
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{host}: {}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn refusals_of_every_layer_have_one_form() {
    let world = World::new();
    for path in ["/v0.1/servers/%ff/versions", "/assets/%ff", "/servers/%ff"] {
        let answer = get(&world.url(path), &[("accept", "application/json")]);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        let kind = answer.header("content-type");
        assert!(kind == "application/json" || kind.starts_with("text/html"), "{path}: {kind}: {}", answer.text());
        if kind == "application/json" {
            assert!(answer.json()["error"].is_string(), "{path}");
        }
    }
}

#[test]
fn who_does_not_read_is_cut_off() {
    let world = World::with(&["--limits-idle", "1s"]);
    let mut stream = connect(world.server.address());
    // Far more answers than the buffers of a connection hold, and nobody reads one.
    let many = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    for _ in 0..500 {
        if stream.write_all(&many).is_err() {
            return;
        }
    }
    // Longer than the server waits.
    std::thread::sleep(Duration::from_secs(4));
    let mut sink = Vec::new();
    // It was closed on us, or ends early.
    let read = stream.read_to_end(&mut sink);
    let answers = String::from_utf8_lossy(&sink).matches("HTTP/1.1 200").count();
    assert!(read.is_err() || answers < 100_000, "{answers}");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let world = World::new();
    let head = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100_000));
    assert!(String::from_utf8_lossy(&raw(world.server.address(), head.as_bytes(), PATIENCE)).starts_with("HTTP/1.1 4"));
    let head = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000));
    assert!(
        String::from_utf8_lossy(&raw(world.server.address(), head.as_bytes(), PATIENCE)).starts_with("HTTP/1.1 431")
    );
    let many: String = (0..2000).map(|n| format!("X-{n}: 1\r\n")).collect();
    let head = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    assert!(
        String::from_utf8_lossy(&raw(world.server.address(), head.as_bytes(), PATIENCE)).starts_with("HTTP/1.1 431")
    );
}

#[test]
fn requests_that_mean_two_things_are_refused() {
    let world = World::new();
    for request in [
        "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\nX: b\0\r\n\r\n",
        "GET /hea\0lthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
    ] {
        let answer = raw(world.server.address(), request.as_bytes(), PATIENCE);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{request:?}: {answer}");
    }
}

#[test]
fn every_answer_has_an_id_and_headers_of_safety() {
    let world = World::with(&["--trusted-proxies", "127.0.0.0/8"]);
    for path in ["/healthz", "/nowhere", "/api/v1/nowhere"] {
        let answer = get(&world.url(path), &[("x-request-id", "from-the-proxy")]);
        assert_eq!(answer.header("x-request-id"), "from-the-proxy", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    }
    let stranger = World::new();
    let id = get(&stranger.url("/healthz"), &[("x-request-id", "mine")]);
    assert!(!id.header("x-request-id").is_empty() && id.header("x-request-id") != "mine");
}

#[test]
fn nothing_there_and_wrong_methods_are_said_in_the_callers_language() {
    let world = World::new();
    let program = get(&world.url("/api/v1/nowhere"), &[("accept", "text/html")]);
    assert_eq!((program.status, program.header("content-type")), (404, "application/json"));
    let person = get(&world.url("/nowhere"), &[("accept", "text/html,*/*")]);
    assert_eq!((person.status, person.header("content-type")), (404, "text/html; charset=utf-8"));
    let wrong = ask(client().delete(world.url("/healthz")));
    assert_eq!((wrong.status, wrong.header("content-type")), (405, "application/json"));
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    assert_eq!(wrong.json()["error"], "this address does not take this method");
    let head = ask(client().head(world.url("/healthz")));
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "17");
}

#[test]
fn the_log_has_ids_and_no_queries() {
    let world = World::with(&["--log-format", "json"]);
    let answer = get(&world.url("/nowhere?token=hunter2"), &[("authorization", "Bearer hunter2")]);
    let id = answer.header("x-request-id").to_owned();
    eventually("it is logged", || world.server.errors().contains(&id));
    let said = world.server.errors();
    let line = said.lines().find(|line| line.contains(&id)).expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((line["path"].as_str(), line["target"].as_str()), (Some("/nowhere"), Some("access")));
    assert!(!said.contains("hunter2"), "{said}");
}
