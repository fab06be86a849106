//! What npm would choose, we choose; what cannot be locked is said.
use mcpsec_model::{candidate::EntryPoint, digest::Digests, target::Platform};
use mcpsec_testkit::{NpmPackage, NpmServer, npm_package};
use serde_json::json;

use super::*;
use crate::npm::compare_manifest;

fn server(packages: &[NpmPackage]) -> (NpmServer, Fixture) {
    let server = NpmServer::start();
    server.publish_all(packages);
    let fixture = Fixture::for_server(&server);
    (server, fixture)
}

#[test]
fn a_whole_closure_with_everything_npm_knows() {
    let packages = [
        npm_package("@s/server", "1.2.0")
            .bin("run", "./cli.js")
            .dep("a", "^1.0.0")
            .dep("renamed", "npm:b@~2.0.0")
            .optional("native-linux", "1.0.0")
            .optional("native-mac", "1.0.0")
            .bundle("inside", "7.0.0"),
        npm_package("@s/server", "2.0.0-beta.1").tag("next"),
        npm_package("a", "1.0.0"),
        npm_package("a", "1.4.0").peer("zod", "^3").optional_peer("never", "*").dep("zod", "^3").dep("c", "*"),
        npm_package("a", "2.0.0"),
        npm_package("b", "2.0.3").script("postinstall", "node build.js"),
        npm_package("c", "0.1.0").dep("a", "1").deprecated("use d"),
        npm_package("native-linux", "1.0.0").os(&["linux"]).cpu(&["x64"]).libc(&["glibc"]),
        npm_package("native-mac", "1.0.0").os(&["darwin"]),
        npm_package("zod", "3.25.0"),
        npm_package("zod", "4.0.0"),
    ];
    let (server, fixture) = server(&packages);
    let resolved = fixture.resolve("@s/server").expect("resolved");
    let expected =
        ["@s/server@1.2.0", "a@1.4.0", "b@2.0.3", "c@0.1.0", "native-linux@1.0.0", "native-mac@1.0.0", "zod@3.25.0"];
    assert_eq!(names(&resolved), expected);
    let candidate = &resolved.resolved.candidate;
    assert_eq!(candidate.entry, EntryPoint::NpmBin("run".into()));
    let from_root: Vec<(String, String, bool)> = edges(&resolved, "npm:@s/server@1.2.0")
        .iter()
        .map(|edge| (edge.name.to_string(), edge.to.to_string(), edge.optional))
        .collect();
    let edge = |name: &str, to: &str, optional| (name.to_owned(), to.to_owned(), optional);
    assert_eq!(
        from_root,
        [
            edge("a", "npm:a@1.4.0", false),
            edge("native-linux", "npm:native-linux@1.0.0", true),
            edge("native-mac", "npm:native-mac@1.0.0", true),
            edge("renamed", "npm:b@2.0.3", false),
        ]
    );
    let node = |text: &str| {
        &candidate.closure.nodes()[&text.parse::<PackageId>().map(mcpsec_model::closure::NodeId::of).expect("id")]
    };
    let on: Vec<Platform> =
        node("npm:native-linux@1.0.0").targets.iter().flatten().map(|target| target.platform).collect();
    assert_eq!(on, [Platform::LinuxX8664Gnu]);
    assert_eq!(node("npm:a@1.4.0").targets, None);
    let package = &candidate.packages[&id("npm:@s/server@1.2.0")];
    assert_eq!(package.artifacts[0].file, "server-1.2.0.tgz");
    let integrity = packages[0].integrity();
    assert_eq!(package.artifacts[0].digests.strongest().map(|digest| digest.to_sri()), Some(integrity));
    assert!(candidate.packages[&id("npm:b@2.0.3")].install_scripts);
    assert_eq!(
        findings(&resolved),
        [
            "install-script npm:b@2.0.3: wants to run a script when it is installed",
            "deprecated npm:c@0.1.0: the publisher advises against this version",
        ]
    );
    assert_eq!(resolved.resolved.downloads.len(), expected.len());
    for package in &packages {
        let Some(record) = resolved.records.get(&id(&format!("npm:{}@{}", package.name(), package.version()))) else {
            continue;
        };
        let manifest = manifest_of(package);
        assert_eq!(compare_manifest(record, &manifest), [], "{}", package.name());
    }
    let again = Fixture::for_server(&server).resolve("@s/server").expect("resolved");
    assert_eq!(again.resolved.candidate, *candidate, "the same registry gives the same closure");
}

/// The `package.json` inside a package's tarball.
fn manifest_of(package: &NpmPackage) -> Vec<u8> {
    use std::io::Read as _;
    let tarball = package.tarball();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*tarball));
    let mut entry = archive.entries().expect("tar").next().expect("an entry").expect("entry");
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).expect("package.json");
    bytes
}

#[test]
fn a_record_that_hides_a_dependency_is_confusion() {
    let package = npm_package("a", "1.0.0")
        .bin("a", "a.js")
        .dep("evil", "1")
        .script("postinstall", "x")
        .without_record_field("dependencies")
        .without_record_field("scripts");
    let (server, fixture) = server(std::slice::from_ref(&package));
    for full_only in [false, true] {
        server.set_full_only(full_only);
        let resolved = fixture.resolve("a").expect("resolved");
        let found = compare_manifest(&resolved.records[&id("npm:a@1.0.0")], &manifest_of(&package));
        let found: Vec<&str> = found.iter().map(|finding| finding.message.split(' ').next().unwrap_or("")).collect();
        assert_eq!(found, ["dependencies", "install"]);
    }
}

#[test]
fn overrides_replace_everywhere_or_below_one_parent() {
    let (_server, fixture) = server(&[
        npm_package("s", "1.0.0").dep("a", "^1").dep("b", "^1"),
        npm_package("a", "1.0.0").dep("b", "^1"),
        npm_package("b", "1.0.0"),
        npm_package("b", "1.1.0"),
        npm_package("fork", "3.0.0"),
    ]);
    let resolve = |overrides: &[(&str, &str)]| fixture.resolve_with("s", overrides, None).map(|found| names(&found));
    assert_eq!(resolve(&[]).expect("resolved"), ["a@1.0.0", "b@1.1.0", "s@1.0.0"]);
    assert_eq!(resolve(&[("b", "1.0.0")]).expect("resolved"), ["a@1.0.0", "b@1.0.0", "s@1.0.0"]);
    let below = resolve(&[("a>b", "1.0.0")]).expect("resolved");
    assert_eq!(below, ["a@1.0.0", "b@1.0.0", "b@1.1.0", "s@1.0.0"]);
    assert_eq!(resolve(&[("b", "npm:fork@3")]).expect("resolved"), ["a@1.0.0", "fork@3.0.0", "s@1.0.0"]);
    for (key, value) in [("b", "github:o/r"), ("b", ""), ("../b", "1"), ("b", "$a"), ("b", "not a range at all")] {
        assert!(resolve(&[(key, value)]).is_err(), "{key} = {value}");
    }
}

#[test]
fn as_of_shows_the_registry_as_it_stood() {
    let (_server, fixture) = server(&[
        npm_package("s", "1.0.0").dep("a", "^1").published("2025-01-01T00:00:00Z"),
        npm_package("s", "2.0.0").dep("a", "^1").published("2025-09-01T00:00:00Z"),
        npm_package("a", "1.0.0").published("2025-01-01T00:00:00Z"),
        npm_package("a", "1.1.0").published("2025-08-01T23:59:59.999Z"),
        npm_package("a", "1.2.0").published("2025-08-02T00:00:00Z"),
    ]);
    let resolve = |date| fixture.resolve_with("s", &[], Some(date));
    assert_eq!(names(&resolve("2025-08-01").expect("resolved")), ["a@1.1.0", "s@1.0.0"]);
    assert_eq!(names(&resolve("2026-01-01").expect("resolved")), ["a@1.2.0", "s@2.0.0"]);
    let error = resolve("2024-01-01").expect_err("nothing existed").to_string();
    assert!(error.contains("as of 2024-01-01"), "{error}");
}

#[test]
fn newest_is_not_best_when_it_is_deprecated_or_a_peer_disagrees() {
    let (_server, fixture) = server(&[
        npm_package("s", "1.0.0").dep("a", "^1").dep("sdk", "^1.0.0").dep("old", "^1"),
        npm_package("a", "1.0.0").dep("handler", "1"),
        npm_package("a", "1.9.0").dep("handler", "1").deprecated("broken"),
        npm_package("handler", "1.0.0").peer("sdk", "1.2.0"),
        npm_package("sdk", "1.2.0"),
        npm_package("sdk", "1.3.0"),
        npm_package("old", "1.0.0").deprecated("all of it"),
        npm_package("old", "1.1.0").deprecated("all of it"),
    ]);
    let resolved = fixture.resolve("s").expect("resolved");
    assert_eq!(names(&resolved), ["a@1.0.0", "handler@1.0.0", "old@1.1.0", "s@1.0.0", "sdk@1.2.0"]);
    let pinned = fixture.resolve("a@1.9.0").expect("a deprecated version can be asked for");
    assert!(names(&pinned).contains(&"a@1.9.0".to_owned()));
}

#[test]
fn a_pinned_version_does_not_hold_back_others() {
    let (_server, fixture) = server(&[
        npm_package("s", "1.0.0").dep("a", "1").dep("z", "^3.1.0"),
        npm_package("a", "1.0.0").dep("z", "3.1.0"),
        npm_package("z", "3.1.0"),
        npm_package("z", "3.5.0"),
    ]);
    assert_eq!(names(&fixture.resolve("s").expect("resolved")), ["a@1.0.0", "s@1.0.0", "z@3.1.0", "z@3.5.0"]);
}

#[test]
fn a_peer_nobody_around_has_becomes_the_packages_own() {
    let (_server, fixture) = server(&[
        npm_package("s", "1.0.0").dep("p", "1").dep("z", "^4"),
        npm_package("p", "1.0.0").peer("z", "^3"),
        npm_package("z", "3.0.0"),
        npm_package("z", "4.0.0"),
    ]);
    let resolved = fixture.resolve("s").expect("resolved");
    assert_eq!(names(&resolved), ["p@1.0.0", "s@1.0.0", "z@3.0.0", "z@4.0.0"]);
    assert_eq!(edges(&resolved, "npm:p@1.0.0")[0].to.package(), &id("npm:z@3.0.0"));
}

#[test]
fn missing_optional_packages_are_left_out_and_required_ones_name_the_path() {
    let (_server, fixture) = server(&[
        npm_package("s", "1.0.0")
            .optional("gone", "1")
            .optional("a", "^9")
            .optional("x", "npm:gone-too@1")
            .dep("a", "1"),
        npm_package("a", "1.0.0"),
        npm_package("t", "1.0.0").dep("u", "1"),
        npm_package("u", "1.0.0").dep("gone", "1"),
        npm_package("v", "1.0.0").dep("a", "^5").dep("u", "1"),
    ]);
    let error = fixture.resolve("t").expect_err("required").to_string();
    assert!(error.contains("no package named gone") && error.contains("t@1.0.0 > u@1.0.0"), "{error}");
    let error = fixture.resolve("v").expect_err("required").to_string();
    assert!(error.contains("v@1.0.0"), "{error}");
    let error = fixture.resolve("nothing").expect_err("the server itself").to_string();
    assert!(error.contains("no package named nothing"), "{error}");
    let error = fixture.resolve("a@7").expect_err("no such version").to_string();
    assert!(error.contains("no version of a matches `7`"), "{error}");
    let error = fixture.resolve("a@nightly").expect_err("no such tag").to_string();
    assert!(error.contains("`nightly`"), "{error}");
    let resolved = fixture.resolve("s").expect("optional");
    assert_eq!(names(&resolved), ["s@1.0.0"], "an optional dependency wins over a required one of the same name");
    assert_eq!(findings(&resolved).len(), 3);
}

#[test]
fn sources_no_registry_answers_for_are_named_with_their_path() {
    let (_server, fixture) = server(&[
        npm_package("s", "1.0.0").dep("a", "1"),
        npm_package("a", "1.0.0").dep("b", "1"),
        npm_package("b", "1.0.0").dep("c", "github:o/c"),
        npm_package("o", "1.0.0").optional("c", "https://h.invalid/c.tgz").optional_peer("d", "file:../d"),
    ]);
    let error = fixture.resolve("s").expect_err("git").to_string();
    assert!(
        error.contains("s@1.0.0 > a@1.0.0 > b@1.0.0 needs c from `github:o/c`, which is a git repository"),
        "{error}"
    );
    let resolved = fixture.resolve("o").expect("optional");
    assert_eq!(
        findings(&resolved),
        ["unsupported-dependency npm:o@1.0.0: optional dependency c is a URL and is left out"]
    );
}

#[test]
fn required_packages_for_other_platforms_are_findings() {
    let (_server, fixture) =
        server(&[npm_package("s", "1.0.0").dep("mac", "1"), npm_package("mac", "1.0.0").os(&["darwin"])]);
    let resolved = fixture.resolve("s").expect("resolved");
    assert_eq!(findings(&resolved).len(), 3, "two Linux targets and Windows: {:?}", findings(&resolved));
}

#[test]
fn old_records_pin_by_sha1_until_downloaded_and_empty_ones_are_refused() {
    let (_server, fixture) = server(&[
        npm_package("old", "1.0.0").without_integrity(),
        npm_package("none", "1.0.0").without_integrity().dist_field("shasum", json!(7)),
        npm_package("bad", "1.0.0").dist_field("integrity", json!("sha512-AAAA")),
    ]);
    let resolved = fixture.resolve("old").expect("resolved");
    let download = &resolved.resolved.downloads[0];
    assert_eq!(download.expected, Digests::default());
    assert!(download.sha1.is_some());
    for name in ["none", "bad"] {
        let error = fixture.resolve(name).expect_err("nothing to pin").to_string();
        assert!(error.contains("cannot pin its tarball"), "{error}");
    }
}

#[test]
fn the_command_is_npxs_choice_or_the_one_asked_for() {
    let (_server, fixture) = server(&[
        npm_package("@s/two", "1.0.0").bin("two", "a.js").bin("other", "b.js"),
        npm_package("unclear", "1.0.0").bin("x", "a.js").bin("y", "b.js"),
        npm_package("library", "1.0.0"),
    ]);
    let entry = |spec: &str, command: Option<&str>| {
        let spec = spec.parse().expect("spec");
        let (none, options) = (BTreeMap::new(), options(None));
        block_on(fixture.source.resolve(&spec, command, &none, &options, &Silent))
            .map(|found| found.resolved.candidate.entry)
    };
    assert_eq!(entry("@s/two", None).expect("entry"), EntryPoint::NpmBin("two".into()));
    assert_eq!(entry("@s/two", Some("other")).expect("entry"), EntryPoint::NpmBin("other".into()));
    let error = entry("@s/two", Some("rm")).expect_err("no such command").to_string();
    assert!(error.contains("other, two"), "{error}");
    assert!(entry("unclear", None).is_err());
    assert_eq!(entry("library", None).expect("entry"), EntryPoint::Unknown);
}

#[test]
fn a_git_project_is_the_root_of_what_it_depends_on() {
    let (_server, fixture) =
        server(&[npm_package("a", "1.0.0").peer("z", "^1"), npm_package("z", "1.0.0"), npm_package("dev", "1.0.0")]);
    let root = id("git+https://h.invalid/o/r@0123456789abcdef0123456789abcdef01234567");
    let json = br#"{"name":"mine","version":"0.1.0","bin":"./cli.js","dependencies":{"a":"^1","z":"1"},
        "devDependencies":{"dev":"1"},"scripts":{"prepare":"tsc"}}"#;
    let (none, options) = (BTreeMap::new(), options(None));
    let project =
        |json: &'static [u8]| block_on(fixture.source.resolve_project(root.clone(), json, &none, &options, &Silent));
    let resolved = project(json).expect("resolved");
    let candidate = &resolved.resolved.candidate;
    assert_eq!(candidate.closure.root().package(), &root);
    assert_eq!(candidate.entry, EntryPoint::NpmBin("mine".into()));
    assert_eq!(candidate.packages.len(), 3);
    assert_eq!(resolved.resolved.downloads.len(), 2, "the project itself comes from git");
    assert!(findings(&resolved)[0].starts_with("closure-incomplete"));
    assert!(project(br#"{"dependencies":{"a":"file:../a"}}"#).is_err());
    assert!(matches!(project(b"[]"), Err(NpmError::PackageJson { .. })));
}
