//! Who published these bytes, and is it still the same one: real evidence of a real server, and everything that can be wrong
//! with it.
use std::{path::PathBuf, sync::Arc};

use mcpsec_model::{
    evidence::{Pin, Pinned, SignerPin},
    lock::Lock,
};
use mcpsec_testkit::{
    GitRepo, NpmRegistryKey, NpmServer, PypiServer, SshSigner, TestEnv,
    folder::{NpmOptions, load_npm, stub_dependencies},
    loopback::{Loopback, Reply, Request, Routes},
    npm_package,
    shared::path,
    wheel,
};

use crate::worlds::git_spec;

pub(crate) const NAME: &str = "@modelcontextprotocol/server-filesystem";
pub(crate) const VERSION: &str = "2026.7.10";
pub(crate) const SPEC: &str = "npm:@modelcontextprotocol/server-filesystem";

/// The recorded server with its real attestations; what it depends on are stand-ins, signed by a key of this registry.
fn filesystem() -> Option<NpmServer> {
    filesystem_of(&NpmRegistryKey::generate().named("SHA256:a-key-of-the-registry"))
}

pub(crate) fn filesystem_of(key: &NpmRegistryKey) -> Option<NpmServer> {
    let folder = path("fixtures/npm-attestations/server-filesystem")?;
    let server = NpmServer::start();
    let options = NpmOptions { fill_records: true, ..NpmOptions::default() };
    let _served = load_npm(&[folder], options, &server).expect("the fixture");
    let _stubs = stub_dependencies(&server);
    server.sign_all(key);
    Some(server)
}

/// The same server at a registry that signs, and knows of no attestation of it.
pub(crate) fn without_attestations(key: &NpmRegistryKey) -> Option<NpmServer> {
    let server = filesystem_of(key)?;
    let tarball =
        recorded("fixtures/npm-attestations/server-filesystem/modelcontextprotocol-server-filesystem-2026.7.10.tgz");
    let bare = npm_package(NAME, VERSION).tarball_bytes(tarball).bin("mcp-server-filesystem", "dist/index.js");
    let needs =
        [("@modelcontextprotocol/sdk", "^1.29.0"), ("diff", "^8.0.3"), ("glob", "^10.5.0"), ("minimatch", "^10.0.1")];
    let bare = needs.into_iter().fold(bare, |package, (name, range)| package.dep(name, range));
    server.publish(&bare.signed_by(key));
    Some(server)
}

fn recorded(relative: &str) -> Vec<u8> {
    let path: PathBuf = path(relative).expect("the shared fixtures");
    std::fs::read(path).expect("a fixture")
}

/// Output without its line breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn env_of(server: &NpmServer) -> TestEnv {
    let mut env = TestEnv::new();
    env.npm(server);
    env
}

/// Changes the lock as somebody does who can compute seals.
fn resealed(env: &TestEnv, change: impl FnOnce(&mut Lock)) {
    let mut lock = Lock::parse(&env.read("mcp.lock"), "mcp.lock").expect("lock");
    change(&mut lock);
    env.write("mcp.lock", lock.to_text());
}

/// Puts another workflow's repository in place of the locked one.
fn by_somebody_else(lock: &mut Lock) {
    let package = lock.packages.values_mut().find(|package| package.id.name().as_str() == NAME).expect("the server");
    let pins = package.evidence.pins().iter().cloned().map(|pin| match pin.signer {
        SignerPin::Workload { issuer, workflow, reference, .. } => {
            let repository = "https://code.invalid/evil/servers".into();
            Pin { signer: SignerPin::Workload { issuer, repository, workflow, reference }, ..pin }
        }
        _ => pin,
    });
    package.evidence = Pinned::by(pins);
}

#[test]
fn add_tells_who_built_it_and_the_proof_outlives_the_registry() {
    let Some(server) = filesystem() else { return };
    let env = env_of(&server);
    insta::assert_snapshot!(env.mcpsec(["add", SPEC]).success().snapshot());
    let lock = env.read("mcp.lock");
    assert!(lock.contains("repository = \"https://github.com/modelcontextprotocol/servers\""), "{lock}");
    assert!(lock.contains(
        "{ kind = \"publish\", key = \"SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U\", log = \"proof\" }"
    ));
    drop(server);
    insta::assert_snapshot!(env.mcpsec(["verify", "--offline"]).success().snapshot());
    insta::assert_snapshot!(env.mcpsec(["show", "filesystem", "--evidence"]).success().snapshot());
    insta::assert_snapshot!(env.mcpsec(["tree", "filesystem", "--evidence"]).success().snapshot());
    let json = env.mcpsec(["tree", "filesystem", "--format", "json"]).success().stdout;
    assert!(json.contains("\"state\": \"attested\"") && json.contains("\"workflow\": \"https://github.com/"), "{json}");
}

#[test]
fn the_attestation_of_another_package_is_refused() {
    let Some(server) = filesystem() else { return };
    server.set_attestations(NAME, VERSION, recorded("fixtures/npm-attestations/supreme-googles-cli-v02-tag.tgz.json"));
    let env = env_of(&server);
    insta::assert_snapshot!(env.mcpsec(["add", SPEC]).exits(1).snapshot());
    assert!(!env.exists("mcp.lock"));
}

#[test]
fn a_broken_attestation_is_refused_and_never_takes_the_place_of_a_good_one() {
    let Some(server) = filesystem() else { return };
    let env = env_of(&server);
    let _added = env.mcpsec(["add", SPEC]).success();
    let text =
        String::from_utf8(recorded("fixtures/npm-attestations/server-filesystem/attestations.json")).expect("UTF-8");
    let sig = "MEQCIE1wqEP0WWc1";
    assert!(text.contains(sig));
    server.set_attestations(NAME, VERSION, text.replace(sig, "MEQCIE1wqEP0WWd1"));
    let mut other = env_of(&server);
    let fresh = other.mcpsec(["add", SPEC]).exits(1);
    assert!(flat(&fresh.stdout).contains("fail provenance"), "{}", fresh.snapshot());
    // The same store, with a cache that does not remember the good answer.
    other.set("MCPSEC_STORE", env.store());
    let _refused = other.mcpsec(["add", SPEC]);
    let _still_proven = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn attestations_that_are_gone_after_locking() {
    let key = NpmRegistryKey::generate().named("SHA256:a-key-of-the-registry");
    let Some(server) = filesystem_of(&key) else { return };
    let env = env_of(&server);
    let _added = env.mcpsec(["add", SPEC]).success();

    // A mirror that strips everything: the stored copy proves it; without one, nobody can.
    server.strip_evidence();
    let washed = env_of(&server);
    washed.write("mcp.toml", env.read("mcp.toml"));
    washed.write("mcp.lock", env.read("mcp.lock"));
    washed.edit("mcp.toml", "trust-downgrade = \"warn\"", "trust-downgrade = \"deny\"");
    let told = washed.mcpsec(["add", SPEC, "--fresh"]).exits(1);
    assert!(
        flat(&told.stdout).contains("what is locked is attested, and now its evidence is stripped"),
        "{}",
        told.snapshot()
    );
    assert_eq!(washed.read("mcp.lock"), env.read("mcp.lock"), "pins stay as they were");
    let _stored = env.mcpsec(["verify"]).success();
    let mut empty = env_of(&server);
    empty.write("mcp.toml", env.read("mcp.toml"));
    empty.write("mcp.lock", env.read("mcp.lock"));
    insta::assert_snapshot!("stripped_after_locking", empty.mcpsec(["verify"]).exits(3).snapshot());

    // A registry that signs, and no longer knows of attestations: that is a no.
    let Some(silent) = without_attestations(&key) else { return };
    empty.npm(&silent);
    let told = empty.mcpsec(["verify"]).exits(1);
    assert!(flat(&told.stdout).contains("the registry has no attestation of it now"), "{}", told.snapshot());
}

#[test]
fn withheld_attestations_are_not_checked_and_not_passed() {
    let Some(server) = filesystem() else { return };
    server.withhold_attestations(NAME, VERSION);
    let env = env_of(&server);
    let _tolerated = env.mcpsec(["add", SPEC]).success();
    let told = env.mcpsec(["verify"]).success();
    assert!(
        flat(&told.stdout).contains("the registry names attestations and does not hand them out"),
        "{}",
        told.snapshot()
    );
    env.edit(
        "mcp.toml",
        "provenance = \"if-published\"",
        "provenance = { npm = \"if-published\", \"server:filesystem\" = \"required\" }",
    );
    let _required = env.mcpsec(["verify"]).exits(3);
    // What is handed out later counts from then on.
    let folder = "fixtures/npm-attestations/server-filesystem/attestations.json";
    server.set_attestations(NAME, VERSION, recorded(folder));
    let _now = env.mcpsec(["verify"]).success();
}

#[test]
fn a_publish_attestation_alone_says_only_that_the_registry_has_it() {
    let Some(server) = filesystem() else { return };
    let env = env_of(&server);
    let _added = env.mcpsec(["add", SPEC]).success();
    let text = recorded("fixtures/npm-attestations/server-filesystem/attestations.json");
    let mut response: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    response["attestations"]
        .as_array_mut()
        .expect("list")
        .retain(|one| one["predicateType"].as_str().is_some_and(|predicate| predicate.contains("publish")));
    server.set_attestations(NAME, VERSION, response.to_string());

    let first = env_of(&server);
    insta::assert_snapshot!("publish_only_first_use", first.mcpsec(["add", SPEC]).success().snapshot());
    first.edit(
        "mcp.toml",
        "provenance = \"if-published\"",
        "provenance = { npm = \"if-published\", \"server:*\" = \"required\" }",
    );
    insta::assert_snapshot!("publish_only_required", first.mcpsec(["verify", "-q"]).exits(1).snapshot());

    let elsewhere = env_of(&server);
    elsewhere.write("mcp.toml", env.read("mcp.toml"));
    elsewhere.write("mcp.lock", env.read("mcp.lock"));
    let told = elsewhere.mcpsec(["verify"]).exits(1);
    assert!(flat(&told.stdout).contains("now there is only: publish"), "{}", told.snapshot());
}

#[test]
fn a_lock_whose_signer_was_edited_meets_the_evidence() {
    let Some(server) = filesystem() else { return };
    let env = env_of(&server);
    let _added = env.mcpsec(["add", SPEC]).success();
    env.edit("mcp.lock", "modelcontextprotocol/servers\", workflow", "modelcontextprotocol/other\", workflow");
    let by_hand = env.mcpsec(["verify", "--offline"]).exits(1);
    assert!(flat(&by_hand.stdout).contains("was edited"), "{}", by_hand.snapshot());
    env.edit("mcp.lock", "modelcontextprotocol/other\", workflow", "modelcontextprotocol/servers\", workflow");
    resealed(&env, by_somebody_else);
    insta::assert_snapshot!(env.mcpsec(["verify", "--offline"]).exits(1).snapshot());
}

#[test]
fn expected_signers_decide() {
    let Some(server) = filesystem() else { return };
    let env = env_of(&server);
    let _added = env.mcpsec(["add", SPEC]).success();
    let toml = env.read("mcp.toml");
    for (body, exit, words) in [
        (
            "repository = \"https://github.com/modelcontextprotocol/servers\"\nworkflow = \".github/workflows/release.yml\"",
            0,
            "pass signer",
        ),
        ("repository = \"https://code.invalid/other\"", 1, "mcp.toml expects https://code.invalid/other"),
        (
            "repository = \"https://github.com/modelcontextprotocol/servers\"\nref = \"refs/tags/*\"",
            1,
            "mcp.toml expects",
        ),
    ] {
        env.write(
            "mcp.toml",
            format!("{toml}\n[[policy.signers]]\nfor = \"npm:@modelcontextprotocol/server-*\"\n{body}\n"),
        );
        let told = env.mcpsec(["verify", "--offline"]).exits(exit);
        assert!(flat(&told.stdout).contains(words), "{}", told.snapshot());
    }
}

#[test]
fn required_provenance_denies_what_has_none() {
    let Some(server) = filesystem() else { return };
    let env = env_of(&server);
    let _added = env.mcpsec(["add", SPEC]).success();
    env.edit("mcp.toml", "provenance = \"if-published\"", "provenance = \"required\"");
    let told = env.mcpsec(["verify", "--offline"]).exits(1);
    assert!(
        flat(&told.stdout).contains("no-provenance") && flat(&told.stdout).contains("its publisher gives none"),
        "{}",
        told.snapshot()
    );
    env.edit(
        "mcp.toml",
        "provenance = \"required\"",
        "provenance = { npm = \"if-published\", \"npm:@modelcontextprotocol/server-*\" = \"required\" }",
    );
    let _own_package = env.mcpsec(["verify", "--offline"]).success();
    // What is locked already is judged by today's policy too.
    let _fine = env.mcpsec(["add", SPEC]).success();
    env.edit("mcp.toml", "server-*\" = \"required\"", "*\" = \"required\"");
    let told = env.mcpsec(["add", SPEC]).exits(1);
    assert!(flat(&told.stdout).contains("no-provenance"), "{}", told.snapshot());
}

#[test]
fn a_registry_signature_that_does_not_hold_is_refused() {
    let key = NpmRegistryKey::generate();
    let server = NpmServer::start();
    let good = npm_package("files", "1.0.0").bin("files", "index.js").signed_by(&key);
    server.publish(&good);
    server.set_registry_keys([&key]);
    let env = env_of(&server);
    let _added = env.mcpsec(["add", "npm:files"]).success();
    let told = env.mcpsec(["verify", "--offline"]).success();
    assert!(flat(&told.stdout).contains("pass registry-signature"), "{}", told.snapshot());

    // The signature of another version.
    let other = key.sign("files", "0.9.0", &good.integrity());
    let signatures = serde_json::json!([{ "keyid": other.keyid, "sig": other.sig }]);
    server.publish(&npm_package("files", "1.0.0").bin("files", "index.js").dist_field("signatures", signatures));
    let fresh = env_of(&server).mcpsec(["add", "npm:files"]).exits(1);
    assert!(flat(&fresh.stdout).contains("fail registry-signature"), "{}", fresh.snapshot());

    // Another key that says it is the same one.
    let usurper = NpmRegistryKey::generate().named(key.public().keyid.as_str());
    server.publish(&npm_package("files", "1.0.0").bin("files", "index.js").signed_by(&usurper));
    server.set_registry_keys([&usurper]);
    let empty = env_of(&server);
    empty.write("mcp.toml", env.read("mcp.toml"));
    empty.write("mcp.lock", env.read("mcp.lock"));
    let told = empty.mcpsec(["verify"]).exits(1);
    assert!(flat(&told.stdout).contains("fail registry-signature"), "{}", told.snapshot());
}

/// The recorded history of a real package: which versions had attestations, and when they came.
fn undici_types() -> Option<Vec<(String, String, bool)>> {
    let packument: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path("fixtures/npm-signatures/undici-types.json")?).expect("file"))
            .expect("JSON");
    let times = packument["time"].as_object().expect("times");
    let versions = packument["versions"].as_object().expect("versions").iter().map(|(version, record)| {
        (version.clone(), times[version].as_str().expect("time").to_owned(), !record["dist"]["attestations"].is_null())
    });
    Some(versions.collect())
}

#[test]
fn the_real_series_of_undici_types_is_told_at_the_right_versions() {
    let Some(series) = undici_types() else {
        return;
    };
    assert_eq!(series.iter().filter(|(_, _, attested)| *attested).count(), 27);
    let server = NpmServer::start();
    for (version, published, attested) in &series {
        let package = npm_package("undici-types", version).bin("undici-types", "index.js").published(published);
        // Withheld: what counts for the series is what the record says.
        server.publish(&if *attested {
            package.dist_field("attestations", serde_json::json!({ "url": "x" }))
        } else {
            package
        });
    }
    let told = |version: &str| {
        let env = env_of(&server);
        let output = env.mcpsec(["add", &format!("npm:undici-types@{version}")]).success();
        let words =
            output.stdout.lines().find_map(|line| line.trim().strip_prefix("trust-downgrade: ").map(str::to_owned));
        let pinned = env.read("mcp.lock").contains("rule = \"trust-downgrade\"");
        assert_eq!(words.is_some(), pinned, "what is told is locked");
        words
    };
    for good in ["6.12.0", "6.13.0", "6.19.2", "5.28.4"] {
        assert_eq!(told(good), None, "{good}");
    }
    let first = told("6.19.3").expect("the first version without");
    assert!(first.starts_with("6.19.2 of 2024-06-18 was attested, 6.19.3 of 2024-07-22 is unsigned"), "{first}");
    let last = told("7.0.0").expect("still without");
    assert!(last.starts_with("6.19.2 of 2024-06-18 was attested, 7.0.0 of 2024-11-28"), "{last}");
    let again = told("7.2.0").expect("lost again");
    assert!(again.starts_with("7.1.1 of 2024-12-16 was attested, 7.2.0 of 2024-12-18"), "{again}");

    let env = env_of(&server);
    env.write("mcp.toml", "[policy]\ntrust-downgrade = \"deny\"\n");
    insta::assert_snapshot!(env.mcpsec(["add", "npm:undici-types@7.2.0"]).exits(1).snapshot());
    env.write(
        "mcp.toml",
        "[policy]\ntrust-downgrade = \"deny\"\n[[policy.exempt]]\nrule = \"trust-downgrade\"\nsubject = \"npm:undici-types@7.2.0\"\nreason = \"compared with the tag by hand\"\nuntil = 2099-01-01\n",
    );
    let _accepted = env.mcpsec(["add", "npm:undici-types@7.2.0"]).success();
}

fn project(repository: &GitRepo, version: &str) -> String {
    let manifest = format!(r#"{{"name":"gitty","version":"{version}","bin":{{"gitty":"index.js"}}}}"#);
    repository.commit(&[("package.json", manifest.as_bytes()), ("index.js", b"#!/usr/bin/env node\n")])
}

#[test]
fn signed_tags_that_stop_and_keys_that_change() {
    if !SshSigner::available() {
        return;
    }
    let (repository, signer, stranger) = (GitRepo::new(), SshSigner::new(), SshSigner::new());
    let _tag = repository.signed_tag("v1.0.0", &project(&repository, "1.0.0"), "one", &signer);
    let _tag = repository.annotated_tag("v2.0.0", &project(&repository, "2.0.0"), "two");
    let _tag = repository.signed_tag("v3.0.0", &project(&repository, "3.0.0"), "three", &stranger);
    let env = TestEnv::new();
    let add = |reference: &str| env.mcpsec(["add", &git_spec(&repository, reference), "--name", "gitty"]);

    let first = add("v1.0.0").success();
    assert!(flat(&first.stdout).contains("tag by key SHA256:"), "{}", first.snapshot());
    let verified = env.mcpsec(["verify"]).success();
    assert!(
        flat(&verified.stdout).contains("pass git-signature") && flat(&verified.stdout).contains("pass signer"),
        "{}",
        verified.snapshot()
    );

    let stopped = add("v2.0.0").success();
    assert!(flat(&stopped.stdout).contains("trust-downgrade: v1.0.0 of "), "{}", stopped.snapshot());
    env.edit("mcp.toml", "trust-downgrade = \"warn\"", "trust-downgrade = \"deny\"");
    let _denied = env.mcpsec(["verify"]).exits(1);

    // From the first signer to another one.
    let other = TestEnv::new();
    let _first = other.mcpsec(["add", &git_spec(&repository, "v1.0.0"), "--name", "gitty"]).success();
    let changed = other.mcpsec(["add", &git_spec(&repository, "v3.0.0"), "--name", "gitty"]).success();
    assert!(
        flat(&changed.stdout).contains("signer-changed") && flat(&changed.stdout).contains("another key"),
        "{}",
        changed.snapshot()
    );

    // A file of signers says whose key it is.
    let strict = TestEnv::new();
    strict.write("git-signers", signer.allowed_signers("release@code.invalid"));
    strict.write("mcp.toml", "[policy]\nprovenance = { git = \"required\" }\ngit-signers = \"git-signers\"\n");
    let known = strict.mcpsec(["add", &git_spec(&repository, "v1.0.0"), "--name", "gitty"]).success();
    assert!(flat(&known.stdout).contains("of release@code.invalid"), "{}", known.snapshot());
    let unknown = strict.mcpsec(["add", &git_spec(&repository, "v3.0.0"), "--name", "gitty"]).exits(3);
    assert!(flat(&unknown.stdout).contains("no file of signers says whose key that is"), "{}", unknown.snapshot());
    let unsigned = strict.mcpsec(["add", &git_spec(&repository, "v2.0.0"), "--name", "gitty"]).exits(1);
    assert!(flat(&unsigned.stdout).contains("no-provenance"), "{}", unsigned.snapshot());
}

#[test]
fn python_provenance_is_brought_and_held_to_the_file() {
    let Some(folder) = path("fixtures/pypi-attestations") else {
        return;
    };
    // A real file with its real provenance, and a made one that is given the provenance of the other.
    let provenance =
        std::fs::read_to_string(folder.join("pypi_attestations-0.0.19.tar.gz.provenance")).expect("provenance");
    let index = PypiServer::start();
    index.publish(
        wheel("stranger", "1.0").entry_point("stranger", "stranger:main").distribution().provenance(provenance),
    );
    let mut env = TestEnv::new();
    env.pypi(&index);
    let told = env.mcpsec(["add", "pypi:stranger"]).exits(1);
    assert!(flat(&told.stdout).contains("fail provenance"), "{}", told.snapshot());
}

/// A git host's API that says the same about every commit.
struct Host(String);

impl Routes for Host {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        assert!(request.path.contains("/attestations/sha1:"), "{}", request.path);
        Reply::new(200, "application/json", self.0.clone())
    }
}

#[test]
fn what_a_git_host_attests_is_held_to_the_commit() {
    let repository = GitRepo::new();
    repository.tag("v1.0.0", &project(&repository, "1.0.0"));
    let add = |body: &str| {
        let host = Loopback::start(Arc::new(Host(body.to_owned())));
        let env = TestEnv::new();
        env.write("mcp.toml", format!("[registries]\ngit-attestations = \"{}\"\n", host.base()));
        let told = env.mcpsec(["add", &git_spec(&repository, "v1.0.0"), "--name", "gitty"]);
        assert_eq!(host.count("*"), 1, "the host is asked once");
        told
    };
    let _none = add(r#"{"attestations":[]}"#).success();
    let unusable = add("<html>").success();
    assert!(!flat(&unusable.stdout).contains("release"), "{}", unusable.snapshot());
    let Some(response) = path("fixtures/npm-attestations/server-filesystem/attestations.json") else { return };
    let response: serde_json::Value = serde_json::from_slice(&std::fs::read(response).expect("file")).expect("JSON");
    let foreign = serde_json::json!({ "attestations": [{ "bundle": response["attestations"][1]["bundle"] }] });
    let told = add(&foreign.to_string()).exits(1);
    assert!(flat(&told.stdout).contains("fail provenance"), "{}", told.snapshot());
}

#[test]
fn the_real_tags_of_the_reference_servers_stop_being_signed() {
    use mcpsec_audit::evidence::trust::downgrade;
    use mcpsec_model::{
        evidence::{Release, Trust},
        time::Timestamp,
    };
    use mcpsec_verify::git::{self, ExpectedTag, ObjectKind, Outcome, Signers};

    let Some(folder) = path("fixtures/git-signed") else { return };
    let release = |folder: &str, tag: &str| {
        let raw = recorded(&format!("fixtures/git-signed/{folder}/modelcontextprotocol_servers-{tag}.tag"));
        let target = git::target(&raw).expect("a tag");
        let id = git::object_id(ObjectKind::Tag, &raw, &target).expect("id");
        let expected = ExpectedTag { id: &id, name: tag, target: &target };
        let trust = match git::tag(&raw, expected, &Signers::none(), None).expect("it is that tag") {
            Outcome::Unsigned => Trust::None,
            Outcome::UnknownKey { signature: Some(_), .. } => Trust::Signed,
            other => panic!("{tag}: {other:?}"),
        };
        let text = String::from_utf8_lossy(&raw);
        let tagger = text.lines().find(|line| line.starts_with("tagger ")).expect("tagger");
        let seconds = tagger.rsplit(' ').nth(1).expect("time").parse().expect("seconds");
        Release { version: tag.into(), published: Timestamp::from_second(seconds).expect("time"), trust, signer: None }
    };
    assert!(folder.is_dir());
    let signed = ["0.4.0", "python-servers-0.6.2", "typescript-servers-0.6.0", "typescript-servers-0.6.2"];
    let mut series: Vec<Release> = signed.iter().map(|tag| release("ssh", tag)).collect();
    series.extend(["2025.1.14", "2025.7.1"].map(|tag| release("none", tag)));
    let id = "git+https://code.invalid/servers@0123456789abcdef0123456789abcdef01234567".parse().expect("id");
    let told: Vec<String> = series
        .iter()
        .filter_map(|one| downgrade(&id, &one.version, one.published, one.trust, &series))
        .map(|finding| finding.message)
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("-servers-0.6.2 of 2024-12-")
            && told[0].contains("was signed, 2025.1.14 of 2025-01-14 is unsigned"),
        "{told:?}"
    );
    assert!(told[1].contains("2025.7.1 of 2025-07-01 is unsigned"), "{told:?}");
}
