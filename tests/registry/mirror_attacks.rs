//! What must not come out of the mirror, and what must not get into its answers.
use mcpsec_testkit::{npm_package, wheel};
use serde_json::json;

use crate::mirror_world::{Mirror, Packed, packed};

fn files() -> [Packed; 1] {
    [Packed::from(&npm_package("@team/server", "1.0.0").bin("server", "s.js"))]
}

#[test]
fn paths_reach_only_what_is_vetted() {
    let mirror = Mirror::new();
    mirror.vet("server", &files());
    let sha512 = files()[0].digest().to_hex();
    let sha256 = files()[0].sha256();
    for path in [
        "/npm/..%2f..%2fmcp-signers",
        "/npm/../mcp-signers",
        "/npm/%2e%2e/mcp-signers",
        "/npm/@team%2f..%2fserver",
        "/npm/@team/..%2fserver",
        "/npm/@team%2fserver%00",
        "/npm/@team%2fserver%0d%0aX-Evil:1",
        "/npm/@team%252fserver",
        "/npm/@TEAM%2fserver",
        "/npm/@team%2fServer",
        "/npm/@team//server",
        "/npm/@team\\server",
        "/npm/@team%5cserver",
        "/npm/@team/server/-/..%2fserver-1.0.0.tgz",
        "/npm/@team/server/-/server-1.0.0.tgz%00",
        "/npm/@team/server/-/SERVER-1.0.0.tgz",
        "/npm/@team/server/-/server-1.0.0.tgz/x",
        "/npm/server/-/server-1.0.0.tgz",
        "/npm/@team/server/-/../../../mcp-signers",
        "/npm/@team/server/2.0.0",
        "/npm/__proto__",
        "/npm/constructor",
        "/pypi/files/../mcp-signers/x",
        "/pypi/files/%2e%2e/x",
        &format!("/pypi/files/{sha512}/server-1.0.0.tgz"),
        &format!("/pypi/files/{sha256}/server-1.0.0.tgz"),
        &format!("/pypi/files/{}/server-1.0.0.tgz", sha256.to_uppercase()),
        &format!("/pypi/files/{}/server-1.0.0.tgz.metadata", sha256),
        "/pypi/integrity/..%2f/1/x/provenance",
    ] {
        let answer = mirror.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(answer.json()["error"].is_string(), "{path}");
        assert_eq!(answer.header("x-evil"), None);
    }
    assert_eq!(mirror.get("/npm/@team%2fserver").status, 200);
}

#[test]
fn a_foreign_host_gets_into_nobody_elses_answers() {
    let mirror = Mirror::new();
    mirror.vet("server", &files());
    let tarball = |host: &str| {
        let answer = mirror.get_with("/npm/@team%2fserver", &[("Host", host)]);
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Host")));
        answer.json()["versions"]["1.0.0"]["dist"]["tarball"].as_str().expect("an address").to_owned()
    };
    assert_eq!(tarball("evil.example.test"), "http://evil.example.test/npm/@team/server/-/server-1.0.0.tgz");
    assert_eq!(tarball(mirror.host()), mirror.url("/npm/@team/server/-/server-1.0.0.tgz"), "not what was made before");
    for host in ["evil.test/path", "a\"b", "user@evil.test", "evil.test?x", "evil.test#", "a b"] {
        let answer = mirror.get_with("/npm/@team%2fserver", &[("Host", host)]);
        if answer.status == 200 {
            let said = answer.json()["versions"]["1.0.0"]["dist"]["tarball"].to_string();
            assert!(!said.contains("evil") && !said.contains("a\\\"b") && !said.contains("a b"), "{host}: {said}");
        }
    }
    let forwarded =
        [("X-Forwarded-Host", "evil.example.test"), ("X-Forwarded-Proto", "https"), ("Forwarded", "host=evil.test")];
    let said = mirror.get_with("/npm/@team%2fserver", &forwarded).text().to_owned();
    assert!(!said.contains("evil"), "nobody said that this proxy may speak: {said}");
}

#[test]
fn a_public_address_stands_above_the_host() {
    let mirror = Mirror::with(&["--public-url", "https://mcp.example.test/"]);
    mirror.vet("server", &files());
    let answer = mirror.get_with("/npm/@team%2fserver", &[("Host", "evil.example.test")]);
    let dist = &answer.json()["versions"]["1.0.0"]["dist"];
    assert_eq!(dist["tarball"], "https://mcp.example.test/npm/@team/server/-/server-1.0.0.tgz");
}

#[test]
fn what_waits_or_was_withdrawn_is_neither_listed_nor_served() {
    let mirror = Mirror::new();
    let waiting = packed("pypi:waiting@1.0", &wheel("waiting", "1.0"));
    mirror.request("waits", std::slice::from_ref(&waiting));
    let asked = Packed::from(&npm_package("asked", "1.0.0"));
    mirror.request("asked", std::slice::from_ref(&asked));
    let gone = packed("pypi:gone@1.0", &wheel("gone", "1.0"));
    let approval = mirror.vet("gone", std::slice::from_ref(&gone));
    let path = |file: &Packed| format!("/pypi/files/{}/{}", file.sha256(), file.file);
    assert_eq!(mirror.get(&path(&gone)).status, 200);
    assert_eq!(mirror.get(&format!("{}.metadata", path(&gone))).status, 200);
    mirror.revoke("gone", approval);
    for path in [
        path(&waiting),
        format!("{}.metadata", path(&waiting)),
        path(&gone),
        format!("{}.metadata", path(&gone)),
        "/pypi/simple/waiting/".to_owned(),
        "/pypi/simple/gone/".to_owned(),
        "/npm/asked".to_owned(),
        "/npm/asked/1.0.0".to_owned(),
        "/npm/asked/-/asked-1.0.0.tgz".to_owned(),
        "/npm/-/npm/v1/attestations/asked@1.0.0".to_owned(),
    ] {
        assert_eq!(mirror.get(&path).status, 404, "{path}");
    }
    mirror.vet("stays", &files());
    for path in ["/policy/managed-settings.json", "/policy/managed-mcp.json", "/v0.1/servers"] {
        let said = mirror.get(path).text().to_owned();
        assert!(said.contains("stays"), "{path}: {said}");
        for name in ["waits", "asked", "gone"] {
            assert!(!said.contains(name), "{path}: {said}");
        }
    }
    let list = mirror.get("/pypi/simple/");
    assert!(!list.text().contains("waiting") && !list.text().contains("gone"), "{}", list.text());
}

#[test]
fn a_file_that_is_another_package_than_its_lock_says_does_not_arrive() {
    let mirror = Mirror::new();
    let confused = Packed::new("npm:famous@1.0.0", "famous-1.0.0.tgz", npm_package("evil", "1.0.0").tarball());
    let lock = crate::mirror_world::lock("famous", std::slice::from_ref(&confused));
    mirror.approve(&lock);
    mirror.push_lock(&lock, "");
    let answer = mirror.push_file(&confused);
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(
        answer.text().contains("package.json is of `evil 1.0.0`, the lock has npm:famous@1.0.0"),
        "{}",
        answer.text()
    );
    assert_eq!(mirror.get("/npm/famous").status, 404);
}

#[test]
fn words_of_strangers_stay_words() {
    let mirror = Mirror::new();
    let evil = wheel("evil", "1.0").requires_python(">=3\"><script>alert(1)</script>").metadata_line("Author: <b>");
    let file = packed("pypi:evil@1.0", &evil);
    mirror.vet("evil", std::slice::from_ref(&file));
    let metadata = mirror.get(&format!("/pypi/files/{}/{}.metadata", file.sha256(), file.file));
    assert_eq!(metadata.header("content-type"), Some("text/plain; charset=utf-8"), "no browser reads it as a page");
    let page = mirror.get("/pypi/simple/evil/");
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("<script"), "{}", page.text());
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    let text =
        npm_package("words", "1.0.0").dep("</script><script>", "\u{202e}^1").field("description", json!("<b>\u{0}"));
    mirror.vet("words", &[Packed::from(&text)]);
    let answer = mirror.get("/npm/words");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["versions"]["1.0.0"]["description"], "<b>\u{0}");
}

#[test]
fn a_private_mirror_answers_nobody_without_a_token() {
    let mirror = Mirror::with(&["--private", "true"]);
    mirror.vet("server", &files());
    let python = packed("pypi:python@1.0", &wheel("python", "1.0"));
    mirror.vet("python", std::slice::from_ref(&python));
    let file = format!("/pypi/files/{}/{}", python.sha256(), python.file);
    for path in [
        "/npm/@team%2fserver",
        "/npm/@team/server/-/server-1.0.0.tgz",
        "/npm/-/npm/v1/keys",
        "/pypi/simple/",
        "/pypi/simple/python/",
        &file,
        &format!("{file}.metadata"),
    ] {
        assert_eq!(mirror.get(path).status, 401, "{path}");
        let answer = mirror.get_with(path, &[("Authorization", &mirror.bearer())]);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("cache-control").is_some_and(|value| value.starts_with("private")), "{path}");
    }
}

#[test]
fn evidence_that_is_no_json_is_not_handed_on_as_such() {
    let mirror = Mirror::new();
    let [file] = files();
    mirror.vet("server", std::slice::from_ref(&file));
    let nonsense = mcpsec_model::evidence::Documents {
        offered: true,
        attestations: Some("<html>".to_owned()),
        ..mcpsec_model::evidence::Documents::default()
    };
    mirror.evidence(&file, &nonsense);
    assert_eq!(mirror.get("/npm/-/npm/v1/attestations/@team%2fserver@1.0.0").status, 404);
    assert_eq!(mirror.get("/npm/-/whoami").status, 401, "nobody is logged in");
}
