//! Names, ages, publishers and registries of what is added: what is refused, what is passed over, what is said.
use mcpsec_testkit::{NpmServer, PypiServer, TestEnv, npm_package, wheel};
use serde_json::{Value, json};

/// Long ago for every clock, and in a future that no test sees.
const OLD: &str = "2024-01-01T00:00:00Z";
const YOUNG: &str = "2199-01-01T00:00:00Z";

fn server(name: &str, version: &str) -> mcpsec_testkit::NpmPackage {
    npm_package(name, version).bin("start", "cli.js").file("cli.js", b"").published(OLD)
}

fn env(npm: &NpmServer) -> TestEnv {
    let mut env = TestEnv::new();
    env.npm(npm);
    env
}

/// The one server of a JSON report.
fn reported(output: &mcpsec_testkit::Output) -> Value {
    let report: Value = serde_json::from_str(&output.stdout).expect("a report");
    report["servers"][0].clone()
}

/// `message` of every finding of a rule.
fn told(server: &Value, rule: &str) -> Vec<String> {
    let findings = server["findings"].as_array().expect("findings");
    let of_rule = findings.iter().filter(|finding| finding["rule"] == rule);
    of_rule.map(|finding| finding["message"].as_str().expect("text").to_owned()).collect()
}

fn status(server: &Value, check: &str) -> String {
    let checks = server["checks"].as_array().expect("checks");
    let found = checks.iter().find(|one| one["check"] == check);
    found.map_or_else(|| "absent".to_owned(), |one| one["status"].as_str().expect("text").to_owned())
}

#[test]
fn a_lookalike_of_a_well_known_server_is_not_locked() {
    let npm = NpmServer::start();
    npm.publish_all(&[server("mcp-rem0te", "1.0.0"), server("mcp-remote", "1.0.0"), server("jquery.js", "1.0.0")]);
    let env = env(&npm);
    let refused = env.mcpsec(["add", "npm:mcp-rem0te", "--format", "json"]).exits(1);
    let told_of = told(&reported(&refused), "lookalike-package");
    assert_eq!(told_of, ["the name has characters that look like those of `mcp-remote`, a well-known MCP server"]);
    assert!(!env.exists("mcp.lock"), "nothing was written");
    let _known = env.mcpsec(["add", "npm:mcp-remote"]).success();
    let doubtful = env.mcpsec(["add", "npm:jquery.js", "--format", "json"]).success();
    assert_eq!(told(&reported(&doubtful), "lookalike-package").len(), 1, "said, and no more");
    // Somebody means it.
    let exemption = "\n[[policy.exempt]]\nrule = \"lookalike-package\"\nsubject = \"npm:mcp-rem0te@1.0.0\"\nreason = \"ours\"\nuntil = 2199-01-01\n";
    env.write("mcp.toml", format!("{}{exemption}", env.read("mcp.toml")));
    let _exempt = env.mcpsec(["add", "npm:mcp-rem0te"]).success();
}

#[test]
fn a_lookalike_deep_in_a_closure_is_not_locked() {
    let npm = NpmServer::start();
    npm.publish_all(&[
        server("files", "1.0.0").dep("middle", "1"),
        npm_package("middle", "1.0.0").dep("loddash", "1"),
        npm_package("loddash", "1.0.0"),
    ]);
    let refused = env(&npm).mcpsec(["add", "npm:files", "--format", "json"]).exits(1);
    let said = told(&reported(&refused), "lookalike-package");
    assert!(said.len() == 1 && said[0].contains("`lodash`, a package that very many depend on"), "{said:?}");
}

/// Honest packages are called so as well: people see it, and go on.
#[test]
fn a_hyphen_that_is_missing_deep_in_a_closure_is_said() {
    let npm = NpmServer::start();
    npm.publish_all(&[server("files", "1.0.0").dep("crossenv", "1"), npm_package("crossenv", "1.0.0")]);
    let added = env(&npm).mcpsec(["add", "npm:files", "--format", "json"]).success();
    assert_eq!(
        told(&reported(&added), "lookalike-package"),
        ["the name differs only in its separators from `cross-env`, a package that very many depend on"]
    );
}

#[test]
fn a_range_takes_what_is_old_enough_and_says_so() {
    let npm = NpmServer::start();
    npm.publish_all(&[server("files", "1.4.1"), server("files", "1.4.2").published(YOUNG)]);
    let env = env(&npm);
    let added = env.mcpsec(["add", "npm:files@^1", "--format", "json"]).success();
    let added = reported(&added);
    assert_eq!((added["version"].as_str(), status(&added, "cooldown").as_str()), (Some("1.4.1"), "pass"));
    assert_eq!(
        told(&added, "newer-version"),
        ["1.4.2 is out since 0 minutes, less than the 24 hours that the policy asks for; took 1.4.1"]
    );
    let lock = env.read("mcp.lock");
    assert!(!lock.contains("1.4.2") && !lock.contains("newer-version"), "what was passed over is no part of the lock");
}

#[test]
fn an_exact_version_that_is_too_young_is_refused_and_can_be_exempted() {
    let npm = NpmServer::start();
    npm.publish_all(&[server("files", "1.4.1"), server("files", "1.4.2").published(YOUNG)]);
    let env = env(&npm);
    let refused = env.mcpsec(["add", "npm:files@1.4.2", "--format", "json"]).exits(1);
    assert_eq!(told(&reported(&refused), "too-new"), ["it is out since 0 minutes, and the policy asks for 24 hours"]);
    assert_eq!(status(&reported(&refused), "cooldown"), "fail");
    let people = env.mcpsec(["add", "npm:files@1.4.2"]).exits(1);
    assert!(!people.stdout.contains("fail cooldown"), "the finding tells it, once: {}", people.snapshot());
    assert!(!env.exists("mcp.lock"), "nothing was written");
    let _older = env.mcpsec(["add", "npm:files@^1"]).success();
    let exemption = "\n[[policy.exempt]]\nrule = \"too-new\"\nsubject = \"npm:files@1.4.2\"\nreason = \"a fix\"\nuntil = 2199-01-01\n";
    env.write("mcp.toml", format!("{}{exemption}", env.read("mcp.toml")));
    let updated = env.mcpsec(["update", "--yes", "--format", "json"]).success();
    assert_eq!(status(&reported(&updated), "cooldown"), "pass", "what is exempt fails nothing");
    assert!(env.read("mcp.lock").contains("npm:files@1.4.2"), "an exempt version is not held back either");
    // Without the exemption nobody goes back to an older version.
    let toml = env.read("mcp.toml").replace(exemption, "");
    env.write("mcp.toml", toml);
    let held = env.mcpsec(["update", "--yes", "--format", "json"]).exits(1);
    assert_eq!(reported(&held)["version"], "1.4.2");
}

#[test]
fn python_versions_have_to_wait_too() {
    let pypi = PypiServer::start();
    let package = |version: &str| wheel("fetcher", version).entry_point("fetcher", "fetcher:main");
    pypi.publish(package("2.0").uploaded(OLD));
    pypi.publish(package("2.1").uploaded(YOUNG));
    let mut env = TestEnv::new();
    env.pypi(&pypi);
    let added = reported(&env.mcpsec(["add", "pypi:fetcher", "--format", "json"]).success());
    assert_eq!((added["version"].as_str(), status(&added, "cooldown").as_str()), (Some("2.0"), "pass"));
    assert_eq!(told(&added, "newer-version").len(), 1);
    let refused = env.mcpsec(["add", "pypi:fetcher==2.1", "--name", "young", "--format", "json"]).exits(1);
    assert_eq!(told(&reported(&refused), "too-new").len(), 1);
}

#[test]
fn an_age_that_nobody_tells_is_not_a_pass() {
    let npm = NpmServer::start();
    let package = server("files", "1.0.0");
    let tarball = package.tarball();
    npm.publish_recorded("files", "1.0.0", package.record(&tarball), &package.file_name(), tarball.into());
    let added = reported(&env(&npm).mcpsec(["add", "npm:files", "--format", "json"]).success());
    assert_eq!(status(&added, "cooldown"), "unchecked");
}

#[test]
fn another_publisher_is_said() {
    let npm = NpmServer::start();
    let by = |version: &str, day: u32, name: &str| {
        server("files", version)
            .published(&format!("2024-01-{day:02}T00:00:00Z"))
            .record_field("_npmUser", json!({ "name": name }))
            .record_field("maintainers", json!([{ "name": name }]))
    };
    npm.publish_all(&[by("1.0.0", 1, "ann"), by("1.0.1", 2, "ann"), by("1.0.2", 3, "eve")]);
    let added = reported(&env(&npm).mcpsec(["add", "npm:files", "--format", "json"]).success());
    let said = "`eve` published it and none of the 2 versions before; the last one was by `ann`, and nobody who could publish it then still can";
    assert_eq!(told(&added, "publisher-changed"), [said]);
    let before = reported(&env(&npm).mcpsec(["add", "npm:files@1.0.1", "--format", "json"]).success());
    assert_eq!(told(&before, "publisher-changed"), Vec::<String>::new());
}

#[test]
fn a_private_scope_written_as_a_prefix_is_not_locked() {
    let (public, private) = (NpmServer::start(), NpmServer::start());
    private.publish_all(&[
        server("@acme/files", "1.0.0").dep("@acme/utils", "1").dep("acme-utils", "9"),
        npm_package("@acme/utils", "1.0.0"),
    ]);
    public.publish(&npm_package("acme-utils", "9.9.9"));
    let env = env(&public);
    env.npmrc(&format!("registry={}\n@acme:registry={}\n", public.url(), private.url()));
    let refused = env.mcpsec(["add", "npm:@acme/files", "--format", "json"]).exits(1);
    let said = told(&reported(&refused), "dependency-confusion");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("it is @acme/utils with the scope written as a prefix, but "), "{said:?}");
}
