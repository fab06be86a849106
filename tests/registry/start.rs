//! Starting, being asked how it is, and stopping.
use std::io::{Read as _, Write as _};

use mcpsec_testkit::program;

use crate::{
    backends::Backend,
    http::{connect, eventually, get, try_ask},
    world::{World, mcpsec},
};

#[test]
fn one_command_starts_it_and_the_folder_is_all_it_needs() {
    let mut world = World::on(Backend::embedded(), &[], |_| {});
    assert!(world.url("/").starts_with("http://127.0.0.1:"));
    assert!(world.data.path().join("registry.db").is_file());
    let first = world.server.id();
    world.restart();
    assert_ne!(world.server.id(), first);
    assert!(mcpsec().is_file());
}

#[test]
fn it_says_that_it_lives_and_can_serve() {
    let world = World::new();
    let live = get(&world.url("/healthz"), &[]);
    assert_eq!((live.status, live.text()), (200, r#"{"status":"live"}"#));
    let ready = get(&world.url("/readyz"), &[]);
    assert_eq!(ready.status, 200);
    let parts = serde_json::json!({ "blobs": "ok", "database": "ok", "process": "ok" });
    let said: serde_json::Value = serde_json::from_str(ready.text()).expect("JSON");
    assert_eq!(said, serde_json::json!({ "status": "ready", "parts": parts }));
    assert_eq!(ready.header("cache-control"), "no-store");
}

#[test]
fn what_it_counts_is_bounded_by_what_it_has() {
    let world = World::new();
    for path in ["/healthz", "/nowhere/1", "/nowhere/2", "/%00?secret=hunter2"] {
        get(&world.url(path), &[]);
    }
    let metrics = get(&world.url("/metrics"), &[]);
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    let text = metrics.text();
    assert!(text.ends_with("# EOF\n"));
    assert!(text.contains(r#"mcpsec_registry_requests_total{method="GET",route="/healthz",status="200"} 1"#), "{text}");
    assert!(text.contains(r#"mcpsec_registry_releases{status="vetted"} 0"#), "{text}");
    assert!(text.contains("mcpsec_registry_log_entries 0"), "{text}");
    // Paths are of the caller's making, and are no labels.
    assert!(!text.contains("nowhere"), "{text}");
}

#[test]
fn a_private_server_counts_for_nobody() {
    let world = World::with(&["--private"]);
    assert_eq!(get(&world.url("/metrics"), &[]).status, 401);
    assert_eq!(get(&world.url("/healthz"), &[]).status, 200);
}

#[test]
fn requests_that_run_may_end_when_it_is_asked_to() {
    let mut world = World::new();
    let mut stream = connect(world.server.address());
    // A request half sent is one that runs.
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n").expect("sent");
    let mut idle = connect(world.server.address());
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    let asked = std::time::Instant::now();
    std::thread::scope(|scope| {
        let ending = scope.spawn(|| world.server.terminate());
        stream.write_all(b"\r\n").expect("the connection is still there");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("an end");
        assert!(rest.starts_with(b"HTTP/1.1 200") || rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        assert_eq!(ending.join().expect("no panic"), Some(0));
    });
    // Long before the 30 seconds that requests may take: nobody had to be cut off.
    assert!(asked.elapsed().as_secs() < 20);
}

#[test]
fn an_address_that_is_taken_is_an_error_with_words() {
    let world = World::new();
    let taken = world.server.address().trim_start_matches("http://");
    let said = World::try_on(Backend::embedded(), &["--listen", taken]).err().expect("two servers on one address");
    assert!(said.contains(&format!("error: failed to listen on {taken}")), "{said}");
}

#[test]
fn https_and_a_new_certificate_without_a_restart() {
    let Some(openssl) = program::find("openssl") else {
        eprintln!("skipped: there is no `openssl` to make certificates with");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let issue = || {
        let made = program::run(
            &openssl,
            &[
                "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", &key, "-out", &cert, "-days", "2", "-subj",
                "/CN=team",
            ]
            .into_iter()
            .chain(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
            .collect::<Vec<_>>(),
            &[],
        );
        assert_eq!(made.code, Some(0), "{}", String::from_utf8_lossy(&made.stderr));
        reqwest::Certificate::from_pem(&std::fs::read(&cert).expect("a file")).expect("a certificate")
    };
    let first = issue();
    let world = World::with(&["--tls-cert", &cert, "--tls-key", &key, "--limits-header-timeout", "2s"]);
    // Whoever never says what they want to speak is not waited for.
    let mut silent =
        std::net::TcpStream::connect(world.server.address().trim_start_matches("https://")).expect("it listens");
    silent.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a time-out");
    let url = world.url("/healthz");
    assert!(url.starts_with("https://"));
    let answer = try_ask(trusting(&first).get(&url)).expect("an answer");
    assert_eq!((answer.status, answer.header("strict-transport-security")), (200, "max-age=31536000"));
    assert!(
        !matches!(std::io::Read::read(&mut silent, &mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    );
    let second = issue();
    try_ask(trusting(&second).get(&url)).expect_err("the new certificate is not served yet");
    signal(&world, "-HUP");
    eventually("the new certificate is served", || try_ask(trusting(&second).get(&url)).is_ok());
    try_ask(trusting(&first).get(&url)).expect_err("the old one is not");
    // One that is none changes nothing.
    std::fs::remove_file(&key).expect("it is there");
    signal(&world, "-HUP");
    eventually("it is said", || world.server.errors().contains("the old one stays"));
    try_ask(trusting(&second).get(&url)).expect("still served");
}

fn trusting(certificate: &reqwest::Certificate) -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_certs_only([certificate.clone()]).build().expect("a client")
}

fn signal(world: &World, name: &str) {
    let kill = program::find("kill").expect("`kill` is on PATH");
    assert_eq!(program::run(&kill, &[name, &world.server.id().to_string()], &[]).code, Some(0));
}
