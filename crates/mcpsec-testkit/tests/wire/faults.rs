//! Every fault, seen from the other side.
use std::{io::Read as _, time::Duration};

use flate2::read::GzDecoder;
use mcpsec_testkit::{Auth, Fault, NpmServer, npm_package};

use crate::client::{End, get, get_until_silent};

/// A registry with one tarball, its address and its bytes.
fn server() -> (NpmServer, String, Vec<u8>) {
    let server = NpmServer::start();
    let package = npm_package("left-pad", "1.0.0").file("data.bin", &[7; 3000]);
    server.publish(&package);
    let url = format!("{}left-pad/-/left-pad-1.0.0.tgz", server.url());
    (server, url, package.tarball())
}

#[test]
fn nothing_is_wrong_unless_asked_for() {
    let (server, url, bytes) = server();
    let answer = get(&url, &[]);
    assert_eq!((answer.status, answer.end, answer.body), (200, End::Complete, bytes));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_truncated_body_has_its_full_length_announced() {
    let (server, url, bytes) = server();
    server.inject(Fault::Truncate { after: 100 }.on("*.tgz"));
    let answer = get(&url, &[]);
    assert_eq!((answer.status, answer.end), (200, End::Closed));
    assert_eq!(answer.header("content-length"), Some(bytes.len().to_string().as_str()));
    assert_eq!(answer.body, bytes[..100]);
}

#[test]
fn resets_are_resets() {
    let (server, url, bytes) = server();
    server.inject(Fault::Reset.on("*").times(1));
    let answer = get(&url, &[]);
    assert_eq!((answer.status, answer.end), (0, End::Reset));
    server.inject(Fault::ResetAfter { after: 10 });
    let answer = get(&url, &[]);
    assert_eq!((answer.status, answer.end), (200, End::Reset));
    assert!(bytes.starts_with(&answer.body));
}

#[test]
fn silence_before_and_within_the_answer() {
    let (server, url, bytes) = server();
    server.inject(Fault::Silence.on("*").times(1));
    let answer = get_until_silent(&url);
    assert_eq!((answer.status, answer.end), (0, End::Silent));
    server.inject(Fault::Stall { after: 50 });
    let answer = get_until_silent(&url);
    assert_eq!((answer.status, answer.end), (200, End::Silent));
    assert_eq!(answer.body, bytes[..50]);
}

#[test]
fn a_server_with_silent_connections_still_stops() {
    let (server, url, _) = server();
    server.inject(Fault::Silence);
    assert_eq!(get_until_silent(&url).end, End::Silent);
    let address = server.base().trim_start_matches("http://").to_owned();
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err(), "the port is closed when drop returns");
}

#[test]
fn statuses_and_headers() {
    let (server, url, _) = server();
    for (fault, status) in [(Fault::Status(500), 500), (Fault::RateLimited { retry_after: 3 }, 429), (Fault::Gone, 404)]
    {
        server.inject(fault);
        let answer = get(&url, &[]);
        assert_eq!((answer.status, answer.end), (status, End::Complete));
        assert_eq!(answer.header("retry-after"), (status == 429).then_some("3"));
        server.heal();
    }
}

#[test]
fn bytes_that_differ() {
    let (server, url, bytes) = server();
    server.inject(Fault::FlipByte { at: 20 }.on("*").times(1));
    let flipped = get(&url, &[]).body;
    let differing: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != flipped[*at]).collect();
    assert_eq!(differing, [20]);
    server.inject(Fault::Shorten { by: 5 }.on("*").times(1));
    let answer = get(&url, &[]);
    assert_eq!((answer.end, &answer.body[..]), (End::Complete, &bytes[..bytes.len() - 5]));
    server.inject(Fault::Lengthen { by: 5 }.on("*").times(1));
    let answer = get(&url, &[]);
    assert_eq!((answer.end, answer.body.len()), (End::Complete, bytes.len() + 5));
    assert_eq!(get(&url, &[]).body, bytes, "used up");
}

#[test]
fn a_slow_drip_gives_everything_in_the_end() {
    let (server, url, bytes) = server();
    server.inject(Fault::Drip { chunk: bytes.len() / 4, every: Duration::from_millis(5) });
    let answer = get(&url, &[]);
    assert_eq!((answer.end, answer.body), (End::Complete, bytes));
}

#[test]
fn redirects_that_never_end_and_redirects_elsewhere() {
    let (server, url, _) = server();
    server.inject(Fault::RedirectLoop.on("/left-pad"));
    let mut next = format!("{}left-pad", server.url());
    for _ in 0..3 {
        let answer = get(&next, &[]);
        assert_eq!(answer.status, 302);
        let location = format!("{}{}", server.base(), answer.header("location").expect("location"));
        assert_ne!(location, next, "each hop is another address");
        next = location;
    }
    let other = NpmServer::start();
    server.inject(Fault::RedirectTo { status: 307, origin: other.base().to_owned() }.on("*.tgz"));
    let answer = get(&url, &[]);
    assert_eq!(answer.status, 307);
    assert_eq!(answer.header("location"), Some(url.replace(server.base(), other.base()).as_str()));
}

#[test]
fn bodies_that_are_no_documents() {
    let (server, url, _) = server();
    server.inject(Fault::Garbage.on("*").times(1));
    assert!(serde_json::from_slice::<serde_json::Value>(&get(&url, &[]).body).is_err());
    server.inject(Fault::Enormous { bytes: 3_000_000, declared: true }.on("*").times(1));
    let answer = get(&url, &[]);
    assert_eq!((answer.end, answer.body.len()), (End::Complete, 3_000_000));
    server.inject(Fault::Enormous { bytes: 3_000_000, declared: false }.on("*").times(1));
    let answer = get(&url, &[]);
    assert_eq!((answer.end, answer.header("content-length")), (End::Complete, None));
    assert!(answer.body.len() > 3_000_000, "chunk headers included");
    server.inject(Fault::GzipBomb { bytes: 50_000_000 }.on("*").times(1));
    let answer = get(&url, &[]);
    assert!(answer.body.len() < 200_000, "{}", answer.body.len());
    let mut plain = Vec::new();
    GzDecoder::new(&answer.body[..]).read_to_end(&mut plain).expect("one gzip member");
    assert_eq!(plain.len(), 50_000_000);
}

#[test]
fn faults_are_counted_skipped_and_bound_to_paths() {
    let (server, url, _) = server();
    server.inject(Fault::Status(503).on("*.tgz").after(1).times(2));
    let statuses: Vec<u16> = (0..5).map(|_| get(&url, &[]).status).collect();
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    assert_eq!(get(&format!("{}left-pad", server.url()), &[]).status, 200);
    assert_eq!((server.count("*.tgz"), server.count("/left-pad")), (5, 1));
}

#[test]
fn credentials_are_asked_for_and_leaks_are_seen() {
    let (server, url, _) = server();
    server.require_auth(Auth::basic("bob", "hunter2"));
    let refused = get(&url, &[]);
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").expect("challenge").starts_with("Basic"));
    assert_eq!(get(&url, &[("authorization", "Bearer hunter2")]).status, 401);
    let header = Auth::basic("bob", "hunter2").header();
    assert_eq!(get(&url, &[("authorization", &header)]).status, 200);
    assert_eq!(server.requests_with_secret("hunter2").len(), 2, "in clear, and inside base64");
    assert_eq!(get(&format!("{url}?token=hunter%32"), &[]).status, 401);
    assert_eq!(server.requests_with_secret("hunter2").len(), 3, "in the query, percent-encoded");
}
