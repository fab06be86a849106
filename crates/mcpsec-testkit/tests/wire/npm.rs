//! npm's protocol, as clients speak it.
use mcpsec_testkit::{NpmServer, npm_package};
use serde_json::json;

use crate::client::{get, send};

const ABBREVIATED: (&str, &str) =
    ("accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*");

#[test]
fn a_scoped_package_by_both_spellings() {
    let server = NpmServer::start();
    let package = npm_package("@scope/name", "1.0.0")
        .dep("zod", "^3")
        .script("postinstall", "node x")
        .published("2025-02-03T04:05:06.000Z");
    server.publish(&package);
    let full = get(&format!("{}@scope%2fname", server.url()), &[]);
    assert_eq!((full.status, full.header("content-type")), (200, Some("application/json")));
    assert_eq!(full.body, get(&format!("{}@scope/name", server.url()), &[]).body);
    let full = full.json();
    assert_eq!(full["time"]["1.0.0"], "2025-02-03T04:05:06.000Z");
    assert_eq!(full["versions"]["1.0.0"]["scripts"]["postinstall"], "node x");
    assert_eq!(full["dist-tags"], json!({"latest": "1.0.0"}));
    let dist = &full["versions"]["1.0.0"]["dist"];
    assert_eq!(dist["integrity"], package.integrity());
    let tarball = dist["tarball"].as_str().expect("url");
    assert_eq!(tarball, format!("{}@scope/name/-/name-1.0.0.tgz", server.url()));
    assert_eq!(get(tarball, &[]).body, package.tarball());
}

#[test]
fn the_abbreviated_packument_has_what_installers_need() {
    let server = NpmServer::start();
    server.publish(
        &npm_package("a", "1.0.0").script("install", "x").dep("b", "^1").os(&["linux"]).field("readme", json!("text")),
    );
    let answer = get(&format!("{}a", server.url()), &[ABBREVIATED]);
    assert_eq!(answer.header("content-type"), Some("application/vnd.npm.install-v1+json"));
    let version = &answer.json()["versions"]["1.0.0"];
    assert_eq!((&version["hasInstallScript"], &version["dependencies"]["b"]), (&json!(true), &json!("^1")));
    assert!(version.get("scripts").is_none() && version.get("readme").is_none() && answer.json().get("time").is_none());
    server.set_full_only(true);
    assert!(get(&format!("{}a", server.url()), &[ABBREVIATED]).json().get("time").is_some());
}

#[test]
fn latest_is_the_highest_release_until_somebody_says_otherwise() {
    let server = NpmServer::start();
    server.publish_all(&["1.10.0", "1.9.0", "2.0.0-beta.1"].map(|version| npm_package("a", version)));
    let latest = || get(&format!("{}a/latest", server.url()), &[]).json()["version"].clone();
    assert_eq!(latest(), "1.10.0");
    server.tag("a", "latest", "1.9.0");
    assert_eq!(latest(), "1.9.0");
    server.unpublish("a", "1.9.0");
    assert_eq!(latest(), "1.10.0");
    assert_eq!(get(&format!("{}a/1.9.0", server.url()), &[]).status, 404);
    assert_eq!(get(&format!("{}a/-/a-1.9.0.tgz", server.url()), &[]).status, 404);
    server.deprecate("a", "1.10.0", "use b");
    assert_eq!(get(&format!("{}a/1.10.0", server.url()), &[]).json()["deprecated"], "use b");
}

#[test]
fn validators_spare_the_body_until_something_changes() {
    let server = NpmServer::start();
    server.publish(&npm_package("a", "1.0.0"));
    let url = format!("{}a", server.url());
    let etag = get(&url, &[]).header("etag").expect("etag").to_owned();
    let again = get(&url, &[("if-none-match", &etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    server.publish(&npm_package("a", "1.0.0").file("index.js", b"evil()"));
    let changed = get(&url, &[("if-none-match", &etag)]);
    assert_eq!(changed.status, 200, "the same version with another tarball is another record");
    server.set_max_age(Some(300));
    assert_eq!(get(&url, &[]).header("cache-control"), Some("public, max-age=300"));
    server.set_gzip(true);
    let packed = get(&url, &[("accept-encoding", "gzip")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
}

#[test]
fn evidence_endpoints_answer_what_was_recorded() {
    let server = NpmServer::start();
    server.publish(&npm_package("@scope/name", "1.0.0"));
    let url = format!("{}-/npm/v1/attestations/@scope%2fname@1.0.0", server.url());
    assert_eq!(get(&url, &[]).status, 404);
    server.set_attestations("@scope/name", "1.0.0", r#"{"attestations":[]}"#);
    assert_eq!(get(&url, &[]).text(), r#"{"attestations":[]}"#);
    server.set_keys(r#"{"keys":[]}"#);
    assert_eq!(get(&format!("{}-/npm/v1/keys", server.url()), &[]).text(), r#"{"keys":[]}"#);
    assert_eq!(send("POST", &format!("{}-/npm/v1/security/advisories/bulk", server.url()), &[]).status, 404);
    assert_eq!(get(&format!("{}nobody", server.url()), &[]).status, 404);
}

#[test]
fn a_head_request_has_a_length_and_no_body() {
    let server = NpmServer::start();
    let package = npm_package("a", "1.0.0");
    server.publish(&package);
    let answer = send("HEAD", &format!("{}a/-/a-1.0.0.tgz", server.url()), &[]);
    assert_eq!(answer.header("content-length"), Some(package.tarball().len().to_string().as_str()));
    assert!(answer.body.is_empty());
}
