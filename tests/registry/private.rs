//! A private server: every address, every way to ask, and nothing for whoever may not read.
use mcpsec_model::digest::Digest;
use reqwest::Method;

use crate::pushing::{Answer, Team, ask, left, token};

/// Addresses of everything that there is to read.
fn addresses(team: &Team) -> Vec<String> {
    let (lock, tarball) = (team.lock(), left().tarball());
    let lock = Digest::sha256_of(lock.as_bytes());
    let (sha256, sha512) = (Digest::sha256_of(&tarball), Digest::sha512_of(&tarball));
    let mut all: Vec<String> = [
        "/",
        "/pending",
        "/log",
        "/search?q=files",
        "/servers/files",
        "/api/openapi.json",
        "/api/v1/approvals",
        "/api/v1/approvals?since=0&until=1",
        "/api/v1/approvals/head",
        "/api/v1/approvals/proof/inclusion?leaf=0&size=1",
        "/api/v1/approvals/proof/consistency?from=0&to=1",
        "/api/v1/log-key",
        "/api/v1/releases",
        "/npm",
        "/npm/left",
        "/npm/left/1.0.3",
        "/npm/left/-/left-1.0.3.tgz",
        "/npm/-/ping",
        "/npm/-/npm/v1/keys",
        "/npm/-/npm/v1/attestations/left@1.0.3",
        "/npm/-/v1/search?text=x",
        "/pypi/simple/",
        "/v0.1/servers",
        "/policy/mcp-signers",
        "/policy/managed-settings.json",
        "/policy/managed-mcp.json",
        "/nowhere",
    ]
    .map(str::to_owned)
    .into();
    all.extend([
        format!("/servers/files/{lock}"),
        format!("/servers/files/{lock}/manifest"),
        format!("/api/v1/locks/{lock}"),
        format!("/api/v1/artifacts/{sha256}"),
        format!("/api/v1/artifacts/{sha512}"),
        format!("/api/v1/evidence/{sha512}?package=pkg%3Anpm%2Fleft%401.0.3&file=left-1.0.3.tgz"),
    ]);
    all
}

#[test]
fn nothing_of_a_private_server_is_told_to_whoever_may_not_read() {
    let Some(team) = Team::new(&["--private", "true"]) else { return };
    team.approve();
    team.push_all("");
    let (lesser, reader) = (token(&team.world, &["push", "approve-submit"]), token(&team.world, &["read"]));
    let (lesser, reader) = (format!("Bearer {lesser}"), format!("Bearer {reader}"));
    let mut there = 0;
    for path in addresses(&team) {
        let url = team.world.url(&path);
        let refused = |answer: Answer, status: u16, how: &str| {
            assert_eq!(answer.status, status, "{how} {path}");
            assert!(answer.headers.get("etag").is_none() && answer.headers.get("content-range").is_none(), "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{how} {path}");
        };
        for (method, headers) in [
            (Method::GET, vec![]),
            (Method::HEAD, vec![]),
            (Method::GET, vec![("Range", "bytes=0-0")]),
            (Method::GET, vec![("If-None-Match", "*")]),
            (Method::HEAD, vec![("If-None-Match", "*")]),
        ] {
            let how = format!("{method} {headers:?}");
            refused(ask(method.clone(), &url, &headers, ""), 401, &how);
            let with: Vec<_> = [("Authorization", lesser.as_str())].into_iter().chain(headers).collect();
            refused(ask(method, &url, &with, ""), 403, &how);
        }
        // Whoever may read gets it, and nobody else a copy of theirs.
        let answer = ask(Method::GET, &url, &[("Authorization", &reader)], "");
        assert!(matches!(answer.status, 200 | 404), "{path}: {}", answer.status);
        let keep = answer.header("cache-control");
        assert!(!keep.contains("public") && (keep.contains("private") || keep.contains("no-store")), "{path}: {keep}");
        there += usize::from(answer.status == 200);
    }
    assert!(there > 25, "{there}: most of them are there");
}
