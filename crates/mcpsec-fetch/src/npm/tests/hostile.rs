//! Registries that lie, overload or leak.
use std::sync::Arc;

use mcpsec_testkit::{
    Auth, Fault, Loopback, NpmServer, Request,
    loopback::{Reply, Routes},
    npm_package,
};
use serde_json::json;

use super::*;
use crate::npm::registry::MAX_NAMES;

/// Answers every packument request with what a function makes of the name.
struct Custom(fn(&str) -> String);

impl Routes for Custom {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        Reply::metadata("application/json", (self.0)(request.decoded_path().trim_start_matches('/')))
    }
}

fn custom(answer: fn(&str) -> String) -> (Loopback, Fixture) {
    let server = Loopback::start(Arc::new(Custom(answer)));
    let fixture = Fixture::new(&format!("registry={}/", server.base()));
    (server, fixture)
}

#[test]
fn the_answer_must_be_about_the_question() {
    let (_server, fixture) = custom(|_| r#"{"name":"other","versions":{"1.0.0":{}}}"#.to_owned());
    assert!(matches!(fixture.resolve("a"), Err(NpmError::NameMismatch { .. })));
}

#[test]
fn what_is_no_packument_is_an_error_and_not_a_panic() {
    for answer in [
        |_: &str| "<html>".to_owned(),
        |_: &str| "[]".to_owned(),
        |_: &str| "{\"name\":\"a\",\"versions\":7}".to_owned(),
        |_: &str| format!("{{\"name\":\"a\",\"versions\":{}}}", "[".repeat(100_000)),
    ] {
        let (_server, fixture) = custom(answer);
        let error = fixture.resolve("a").expect_err("malformed");
        assert!(matches!(error, NpmError::Packument { .. }), "{error}");
    }
    let (_server, fixture) = custom(|_| "{\"name\":\"a\",\"dist-tags\":{\"latest\":\"1.0.0\"}}".to_owned());
    assert!(matches!(fixture.resolve("a"), Err(NpmError::NoVersion { .. })));
}

#[test]
fn names_that_are_special_elsewhere_are_names_here() {
    let server = NpmServer::start();
    let names = ["constructor", "hasownproperty", "__proto__", "tostring"];
    let package = names.iter().fold(npm_package("s", "1.0.0"), |package, name| package.dep(name, "1"));
    server.publish(&package);
    for name in names {
        server.publish(&npm_package(name, "1.0.0"));
    }
    let resolved = Fixture::for_server(&server).resolve("s").expect("resolved");
    assert_eq!(resolved.resolved.candidate.packages.len(), 5);
}

#[test]
fn cycles_end() {
    let server = NpmServer::start();
    server.publish_all(&[
        npm_package("a", "1.0.0").dep("b", "1").dep("a", "1").peer("c", "1"),
        npm_package("b", "1.0.0").dep("c", "1").peer("a", "1"),
        npm_package("c", "1.0.0").dep("a", "1").peer("b", "1"),
    ]);
    assert_eq!(names(&Fixture::for_server(&server).resolve("a").expect("resolved")).len(), 3);
}

#[test]
fn a_long_chain_is_followed_and_an_endless_one_refused() {
    fn chain(name: &str, length: usize) -> String {
        let version =
            |i: usize| format!("\"1.0.{i}\":{{\"dependencies\":{{\"{name}\":\"1.0.{}\"}},\"dist\":{DIST}}}", i + 1);
        let versions: Vec<String> = (0..length).map(version).collect();
        format!(
            "{{\"name\":\"{name}\",\"dist-tags\":{{\"latest\":\"1.0.0\"}},\"versions\":{{{},\"1.0.{length}\":{{\"dist\":{DIST}}}}}}}",
            versions.join(",")
        )
    }
    const DIST: &str = r#"{"tarball":"x.tgz","shasum":"0000000000000000000000000000000000000000"}"#;
    let (_server, fixture) = custom(|name| chain(name, 900));
    assert_eq!(names(&fixture.resolve("a").expect("resolved")).len(), 901);
    let (_server, fixture) = custom(|name| chain(name, 3_000));
    assert!(matches!(fixture.resolve("a"), Err(NpmError::TooLarge { .. })));
}

#[test]
fn more_names_than_any_server_needs_are_refused() {
    let (server, fixture) = custom(|name| {
        // Every package depends on two new ones, without end.
        format!(
            "{{\"name\":\"{name}\",\"dist-tags\":{{\"latest\":\"1.0.0\"}},\"versions\":{{\"1.0.0\":{{\"dependencies\":{{\"{name}l\":\"1\",\"{name}r\":\"1\"}}}}}}}}"
        )
    });
    assert!(matches!(fixture.resolve("a"), Err(NpmError::TooLarge { .. })));
    assert!(server.count("*") <= MAX_NAMES, "{} questions", server.count("*"));
}

#[test]
fn tokens_go_to_their_registry_and_nowhere_else() {
    let (private, public) = (NpmServer::start(), NpmServer::start());
    private.require_auth(Auth::bearer("s3cret-token"));
    let elsewhere = json!("http://127.0.0.1:9/x.tgz");
    private.publish_all(&[
        npm_package("@corp/s", "1.0.0").dep("a", "1").dep("@corp/t", "1"),
        npm_package("@corp/t", "1.0.0").dist_field("tarball", elsewhere),
    ]);
    public.publish(&npm_package("a", "1.0.0"));
    let private_port = private.port();
    let fixture = Fixture::new(&format!(
        "registry={}\n@corp:registry={}\n//127.0.0.1:{private_port}/:_authToken=s3cret-token\n",
        public.url(),
        private.url()
    ));
    let resolved = fixture.resolve("@corp/s").expect("resolved");
    assert!(!private.requests_with_secret("s3cret-token").is_empty());
    assert!(public.requests_with_secret("s3cret-token").is_empty());
    let downloads = &resolved.resolved.downloads;
    let secret = |name: &str| {
        let found = downloads.iter().find(|download| download.package.name().as_str() == name).expect("download");
        found.credentials.is_some()
    };
    assert!(secret("@corp/s") && !secret("a"));
    let foreign = downloads.iter().find(|download| download.package.name().as_str() == "@corp/t").expect("download");
    assert!(foreign.url.expose().port() == Some(9) && foreign.credentials.is_none());
    assert!(!format!("{resolved:?}").contains("s3cret-token"));
}

#[test]
fn tarballs_are_only_fetched_from_the_web() {
    let server = NpmServer::start();
    for (name, address) in [("a", "file:///etc/passwd"), ("b", "ssh://h.invalid/x"), ("c", ""), ("d", "http://[bad")] {
        server.publish(&npm_package(name, "1.0.0").dist_field("tarball", json!(address)));
        let error = Fixture::for_server(&server).resolve(name).expect_err("no web address");
        assert!(matches!(error, NpmError::Tarball { .. }), "{address}: {error}");
    }
}

#[test]
fn a_registry_that_fails_is_not_a_missing_package() {
    let server = NpmServer::start();
    server.publish_all(&[
        npm_package("s", "1.0.0").peer("p", "1").optional("o", "1"),
        npm_package("p", "1.0.0"),
        npm_package("o", "1.0.0"),
    ]);
    for name in ["p", "o"] {
        server.heal();
        server.inject(Fault::Status(503).on(&format!("/{name}")));
        let error = Fixture::for_server(&server).resolve("s").expect_err("not known");
        assert!(error.is_unreachable(), "{name}: {error}");
    }
}
