//! Every address against its document, by schemathesis, on a server that has something to show: a vetted server for each package
//! manager, one that waits for review, one whose approval was taken back.
//!
//! The document that the server serves says how each request looks, and a generator finds no digest that exists. So each operation gets
//! examples of requests that hit, named alike in all parameters of one request; the tool sends them and mixes them into what it makes up.
//! Started by `.ci/schemathesis`, which installs the tool.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use mcpsec_model::{digest::Digest, evidence::Documents};
use mcpsec_testkit::{npm_package, program, sdist, wheel};
use serde_json::{Map, Value, json};

use crate::{
    mirror_world::{Mirror, Packed, lock, packed},
    page_world::{Version, tool},
    pushing,
    world::put,
};

/// Where `.ci/schemathesis` installs the tool.
const TOOL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/schemathesis/bin/st");
/// What is checked, and why not more.
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.ci/schemathesis.toml");
/// Longer than it takes on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(600);

/// A request that finds something.
struct Hit {
    operation: &'static str,
    parameters: Vec<(&'static str, Value)>,
    body: Option<Value>,
}

/// A request without a body that finds something.
fn hit<const N: usize>(operation: &'static str, parameters: [(&'static str, &str); N]) -> Hit {
    Hit {
        operation,
        parameters: parameters.into_iter().map(|(name, value)| (name, value.into())).collect(),
        body: None,
    }
}

impl Hit {
    fn number(mut self, name: &'static str, value: u64) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }
}

/// What is on the server.
struct Shown {
    mirror: Mirror,
    npm: [Packed; 2],
    python: [Packed; 2],
    /// A file whose bytes are text, so that a document can hold them.
    text: Packed,
    /// Locks with a manifest, the earlier one first, and their texts.
    told: [(Digest, String); 2],
    waiting: Digest,
    revoked: Digest,
}

fn shown(folder: &Path) -> Shown {
    let policy = folder.join("mcp.toml");
    put(&policy, "[policy]\nisolation = \"namespace\"\n");
    let mut mirror = Mirror::with(&["--limits-rate", "0", "--policy", &policy.display().to_string()]);
    // The log's key is being changed, so that there is a next one to be asked for.
    assert_eq!(mirror.world.command(&["key", "--next"]).code, Some(0));
    mirror.world.restart();
    let server = npm_package("@team/server-go", "1.2.0").dep("left", "^1.0.0").bin("go", "go.js").file("go.js", b"1");
    let npm = [Packed::from(&server), Packed::from(&npm_package("left", "1.0.3"))];
    let python = [
        packed("pypi:team-server@1.0", &wheel("Team.Server", "1.0").requires("tidy-part>=2").requires_python(">=3.8")),
        Packed::new("pypi:tidy-part@2.1", &sdist("tidy-part", "2.1").file_name(), sdist("tidy-part", "2.1").bytes()),
    ];
    let text = Packed::new("pypi:tidy-part@2.1", "tidy_part-2.1.tar.bz2", b"nobody looks into these".to_vec());
    let _approval = mirror.vet("go", &npm);
    let _approval = mirror.vet("serpent", &[python[0].clone(), python[1].clone(), text.clone()]);
    for (file, said) in [(&npm[0], r#"{"attestations":[]}"#), (&python[0], r#"{"version":1,"attestation_bundles":[]}"#)]
    {
        let documents = Documents { offered: true, attestations: Some(said.to_owned()), ..Documents::default() };
        mirror.evidence(file, &documents);
    }
    let waits = [Packed::from(&npm_package("waits", "0.1.0"))];
    mirror.request("waits", &waits);
    let gone = [Packed::from(&npm_package("gone", "6.6.6"))];
    let approval = mirror.vet("gone", &gone);
    mirror.revoke("gone", approval);
    let earlier = Version::new("words", "1.0.0");
    let later = Version::new("words", "1.1.0").telling(
        json!({ "tools": [tool("read", "Reads two files. <b>Always</b> \u{202e} ask first."), tool("write", "")] }),
    );
    let told = [&earlier, &later].map(|version| {
        let lock = version.lock();
        let _approval = mirror.approve(&lock);
        mirror.push_lock(&lock, "");
        (Digest::sha256_of(lock.to_text().as_bytes()), lock.to_text())
    });
    let digest = |server: &str, files: &[Packed]| Digest::sha256_of(lock(server, files).to_text().as_bytes());
    let (waiting, revoked) = (digest("waits", &waits), digest("gone", &gone));
    Shown { mirror, npm, python, text, told, waiting, revoked }
}

impl Shown {
    fn hits(&self) -> Vec<Hit> {
        let mut hits = self.log();
        hits.extend(self.pushed());
        hits.extend(self.faces());
        hits.extend(self.listed());
        hits.extend(self.pages());
        hits
    }

    fn log(&self) -> Vec<Hit> {
        let lines = self.mirror.get("/api/v1/approvals").text().to_owned();
        let range = |operation, [from, to]: [&'static str; 2], a, b| hit(operation, []).number(from, a).number(to, b);
        vec![
            range("entries", ["since", "until"], 1, 3),
            range("consistency", ["from", "to"], 2, 4),
            range("inclusion", ["leaf", "size"], 2, 4),
            hit("append", []).body(lines),
        ]
    }

    fn pushed(&self) -> Vec<Hit> {
        let (file, text) = (&self.npm[0], &self.text);
        let [digest, plain] = [file, text].map(|file| file.digest().to_string());
        let purl = file.id.purl();
        let about: [(&'static str, &str); 3] = [("digest", &digest), ("package", &purl), ("file", &file.file)];
        let plain_body = String::from_utf8(text.bytes.clone()).expect("text");
        let mut hits = vec![
            hit("getLock", [("digest", &self.waiting.to_string())]),
            hit("getLock", [("digest", &self.revoked.to_string())]),
            hit("getArtifact", [("digest", &digest)]),
            hit("putArtifact", [("digest", &plain)]).body(plain_body.as_str()),
            hit("putPart", [("digest", &plain)]).number("index", 0).body(plain_body.as_str()),
            hit("listParts", [("digest", &plain)]),
            hit("joinParts", [("digest", &plain)]).number("count", 1),
            hit("getEvidence", about),
            hit("putEvidence", about).body(json!({ "offered": true, "published": "2026-01-02T03:04:05Z" })),
        ];
        for (digest, text) in &self.told {
            hits.push(
                hit("putLock", [("digest", &digest.to_string()), ("request", "1"), ("reason", "why")])
                    .body(text.as_str()),
            );
        }
        hits
    }

    fn faces(&self) -> Vec<Hit> {
        let ([scoped, plain], [wheel, sdist]) = (&self.npm, &self.python);
        let metadata = format!("{}.metadata", wheel.file);
        vec![
            hit("packument", [("name", "left")]),
            hit("packument", [("name", "@team/server-go")]),
            hit("packumentPlain", [("scope", "@team"), ("name", "server-go")]),
            hit("tarball", [("name", "left"), ("file", &plain.file)]),
            hit("tarball", [("name", "@team/server-go"), ("file", &scoped.file)]),
            hit("tarballPlain", [("scope", "@team"), ("name", "server-go"), ("file", &scoped.file)]),
            hit("attestations", [("spec", "@team/server-go@1.2.0")]),
            hit("project", [("project", "team-server")]),
            hit("project", [("project", "Tidy.Part")]),
            hit("pypiFile", [("sha256", &wheel.sha256()), ("file", &wheel.file)]),
            hit("pypiFile", [("sha256", &wheel.sha256()), ("file", &metadata)]),
            hit("pypiFile", [("sha256", &sdist.sha256()), ("file", &sdist.file)]),
            hit("provenance", [("project", "team-server"), ("version", "1.0"), ("file", &wheel.file)]),
        ]
    }

    /// The MCP Registry API: our names for its operations.
    fn listed(&self) -> Vec<Hit> {
        let list = self.mirror.get("/v0.1/servers?limit=1").json();
        let cursor = list["metadata"]["nextCursor"].as_str().expect("more than one server");
        let all = self.mirror.get("/v0.1/servers?include_deleted=true").json();
        let mut hits = vec![hit("listServers", [("cursor", cursor), ("search", "words"), ("version", "1.1.0")])];
        for one in all["servers"].as_array().expect("servers") {
            let [name, version] = ["name", "version"].map(|key| one["server"][key].as_str().expect("text"));
            let (namespace, short) = name.split_once('/').expect("two parts");
            for operation in ["listVersions", "patchStatus"] {
                hits.push(hit(operation, [("name", name)]));
            }
            hits.push(hit("listVersionsPlain", [("namespace", namespace), ("name", short)]));
            for operation in ["getVersion", "putVersion", "deleteVersion", "patchVersionStatus"] {
                hits.push(hit(operation, [("name", name), ("version", version)]));
            }
            for operation in ["getVersionPlain", "putVersionPlain", "deleteVersionPlain"] {
                hits.push(hit(operation, [("namespace", namespace), ("name", short), ("version", version)]));
            }
        }
        hits
    }

    fn pages(&self) -> Vec<Hit> {
        let [from, to] = [0, 1].map(|at| self.told[at].0.to_string());
        let home = self.mirror.get("/");
        let asset = home.text().split("/assets/").nth(1).and_then(|rest| rest.split('"').next()).expect("a style");
        let mut hits = vec![
            hit("comparePage", [("name", "words"), ("from", &from), ("to", &to)]),
            hit("manifestPage", [("name", "words"), ("lock", &to)]),
            hit("searchPage", [("q", "Reads")]),
            hit("asset", [("file", asset)]),
        ];
        for (name, lock) in [("words", to), ("waits", self.waiting.to_string()), ("gone", self.revoked.to_string())] {
            hits.push(hit("serverPage", [("name", name)]));
            hits.push(hit("releasePage", [("name", name), ("lock", &lock)]));
        }
        hits
    }
}

/// Puts the requests into the document, as examples.
fn illustrate(document: &mut Value, hits: &[Hit]) {
    let mut of: BTreeMap<&str, Vec<&Hit>> = BTreeMap::new();
    for hit in hits {
        of.entry(hit.operation).or_default().push(hit);
    }
    let parts = document["components"]["parameters"].clone();
    let paths = document["paths"].as_object_mut().expect("paths");
    for operation in paths.values_mut().flat_map(|item| item.as_object_mut().expect("operations").values_mut()) {
        let Some(hits) = operation["operationId"].as_str().and_then(|id| of.remove(id)) else { continue };
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(name) = parameter["$ref"].as_str().and_then(|pointer| pointer.rsplit('/').next()) {
                *parameter = parts[name].clone();
            }
            let name = parameter["name"].clone();
            let named = hits.iter().enumerate().flat_map(|(at, hit)| {
                let values = hit.parameters.iter().filter(|(parameter, _)| name == **parameter);
                values.map(move |(_, value)| (format!("hit{at}"), json!({ "value": value })))
            });
            let named: Map<String, Value> = named.collect();
            if !named.is_empty() {
                parameter["examples"] = named.into();
            }
        }
        let bodies = hits
            .iter()
            .enumerate()
            .filter_map(|(at, hit)| Some((format!("hit{at}"), json!({ "value": hit.body.clone()? }))));
        let bodies: Map<String, Value> = bodies.collect();
        if !bodies.is_empty() {
            // The tool writes JSON and plain bytes, and knows no other form.
            let content = &mut operation["requestBody"]["content"];
            let form =
                ["application/json", "application/octet-stream"].into_iter().find(|form| content.get(form).is_some());
            content[form.expect("a form that it writes")]["examples"] = bodies.into();
        }
    }
    assert!(of.is_empty(), "not in the document: {:?}", of.keys());
}

/// `METHOD path` of every operation that can succeed.
fn successes(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().expect("operations").iter().map(move |(method, operation)| (path, method, operation))
    });
    let can = operations.filter(|(.., operation)| operation["responses"].get("200").is_some());
    can.map(|(path, method, _)| format!("{} {path}", method.to_uppercase())).collect()
}

/// `METHOD path` of every operation that answered 200, by the tool's report: a JSON document for each event.
fn answered(report: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let recorded = &event["ScenarioFinished"]["recorder"];
        for (id, interaction) in recorded["interactions"].as_object().into_iter().flatten() {
            let case = &recorded["cases"][id]["value"];
            if interaction["response"]["status_code"] == 200 {
                let [method, path] = ["method", "path"].map(|key| case[key].as_str().expect("text"));
                let _again = all.insert(format!("{method} {path}"));
            }
        }
    }
    all
}

#[test]
#[ignore = "a tool of the network: `.ci/schemathesis` installs and starts it"]
fn finds_nothing() {
    run(&[]);
}

#[test]
#[ignore = "long: `just schemathesis-long`"]
fn a_long_run_finds_nothing() {
    for seed in ["2", "3", "4"] {
        run(&["--max-examples", "150", "--seed", seed]);
    }
}

/// A run with more arguments.
fn run(more: &[&str]) {
    assert!(Path::new(TOOL).is_file(), "{TOOL} is not there: `.ci/schemathesis` installs it");
    let folder = tempfile::tempdir().expect("a folder");
    let shown = shown(folder.path());
    let mut document = shown.mirror.get("/api/openapi.json").json();
    illustrate(&mut document, &shown.hits());
    let (own, report) = (folder.path().join("openapi.json"), folder.path().join("report.ndjson"));
    put(&own, &document.to_string());
    let token = pushing::token(&shown.mirror.world, &["push", "approve-submit", "read"]);
    let bearer = format!("Authorization: Bearer {token}");
    let [own, told] = [own, report.clone()].map(|path| path.display().to_string());
    let mut arguments = vec![
        "--config-file",
        SETTINGS,
        "run",
        &own,
        "--url",
        shown.mirror.world.server.address(),
        "--header",
        &bearer,
        "--checks",
        "all",
        "--report-ndjson-path",
        &told,
        "--no-color",
    ];
    arguments.extend(more);
    let home = folder.path().display().to_string();
    // Loopback only: whatever else it asks for goes to a port where nobody listens.
    let nobody = "http://127.0.0.1:9";
    let variables = [
        ("HOME", home.as_str()),
        ("PATH", "/usr/bin:/bin"),
        ("LANG", "C.UTF-8"),
        ("HTTP_PROXY", nobody),
        ("HTTPS_PROXY", nobody),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let done = program::run_within(PATIENCE, Path::new(TOOL), &arguments, &variables);
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    println!("{said}");
    let log = shown.mirror.world.server.errors();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(done.code, Some(0), "it found something, above");
    let answered = answered(&std::fs::read_to_string(&report).expect("a report"));
    let missed: Vec<String> = successes(&document).into_iter().filter(|one| !answered.contains(one)).collect();
    assert!(missed.is_empty(), "no request found anything: {missed:#?}");
}
