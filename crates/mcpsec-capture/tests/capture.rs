//! Captures of fake servers, good and hostile, without a sandbox: what is heard, what is unstable, and what ends how.
#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use mcpsec_capture::{
    capture::{CaptureError, Environment, Failure, Target, capture, findings},
    mcp::{Bounds, McpError},
    sandbox::{Limits, Network, Plan, Sandbox, Stdio},
};
use mcpsec_model::{
    capture::{Between, Captured},
    config::Isolation,
    finding::{Rule, Severity},
    manifest::{Kind, ManifestError},
};
use mcpsec_testkit::servers;
use serde_json::Value;

/// For servers that answer: nobody has to wait for these.
fn patient() -> Bounds {
    Bounds { probe: Duration::from_secs(20), ..Bounds::default() }
}

/// For servers that do not answer: everybody has to wait for these.
fn hasty() -> Bounds {
    let short = Duration::from_millis(400);
    Bounds { probe: short, hello: Duration::from_secs(5), answer: Duration::from_millis(800), ..Bounds::default() }
}

fn target(mode: &str, environment: Environment) -> Option<Target> {
    let (program, args) = servers::fake(mode)?;
    let plan = Plan {
        program,
        args: args.into_iter().map(Into::into).collect(),
        env: BTreeMap::new(),
        cwd: None,
        read: Vec::new(),
        write: Vec::new(),
        canaries: false,
        network: Network::None,
        limits: Limits::capture(),
        observe: false,
        stdio: Stdio::Inherited,
    };
    Some(Target { plan, environment, runtime: None })
}

fn try_capture(mode: &str, bounds: &Bounds) -> Option<Result<Captured, CaptureError>> {
    let target = target(mode, Environment::default())?;
    Some(capture(&target, &Sandbox::dangerous_none(Path::new("unused")), bounds))
}

/// Captures; `None` where there is no Python.
fn captured(mode: &str) -> Option<Captured> {
    Some(try_capture(mode, &patient())?.unwrap_or_else(|error| panic!("{mode}: {error}")))
}

fn failed(mode: &str, bounds: &Bounds) -> Option<CaptureError> {
    Some(try_capture(mode, bounds)?.map(|captured| captured.manifest.to_json()).expect_err(mode))
}

fn protocol_error(mode: &str, bounds: &Bounds) -> Option<McpError> {
    match failed(mode, bounds)?.failure {
        Failure::Protocol(error) => Some(error),
        other => panic!("{mode}: {other}"),
    }
}

fn tools(captured: &Captured) -> Vec<&str> {
    captured.manifest.tools().iter().map(|tool| tool.name()).collect()
}

fn unstable(captured: &Captured) -> Vec<(&str, Between)> {
    captured.unstable.iter().map(|one| (one.subject.as_str(), one.between)).collect()
}

#[test]
fn everything_a_server_says_is_heard_in_both_eras() {
    for (mode, protocol) in [
        ("good", "2026-07-28"),
        ("modern-only", "2026-07-28"),
        ("legacy-only", "2025-11-25"),
        ("older-versions", "2025-11-25"),
        ("crash-on-discover", "2025-11-25"),
        ("slow", "2026-07-28"),
        ("banner", "2026-07-28"),
        ("pings", "2026-07-28"),
        ("notifications", "2026-07-28"),
    ] {
        let Some(captured) = captured(mode) else { return };
        assert_eq!(captured.context.protocol, protocol, "{mode}");
        assert_eq!(unstable(&captured), [], "{mode}");
        assert_eq!(tools(&captured), ["add", "subtract"], "{mode}");
        for kind in [Kind::Prompt, Kind::Resource, Kind::Template] {
            assert_eq!(captured.manifest.entries(kind).len(), 1, "{mode}");
        }
        assert_eq!(captured.manifest.instructions(), Some("Adds and subtracts."));
        assert_eq!(captured.manifest.server_info()["name"], "fake");
        assert_eq!(captured.context.isolation, Isolation::None);
        assert_eq!(findings(&captured), []);
        // Nothing of a page or of a result gets in.
        let text = captured.manifest.to_json().to_string();
        for word in ["ttlMs", "cacheScope", "resultType", "nextCursor"] {
            assert!(!text.contains(word), "{mode}: {word}");
        }
    }
}

#[test]
fn both_eras_hear_one_manifest() {
    let (Some(modern), Some(legacy)) = (captured("modern-only"), captured("legacy-only")) else { return };
    assert_eq!(modern.manifest.id(), legacy.manifest.id());
}

#[test]
fn servers_that_are_confused_by_the_first_question_are_asked_anew() {
    for (mode, protocol) in [
        ("hang-on-discover", "2025-11-25"),
        ("ignore-discover", "2025-11-25"),
        ("late-null-id", "2025-11-25"),
        ("slow-modern", "2026-07-28"),
        ("slow-discover", "2026-07-28"),
    ] {
        let bounds = Bounds { probe: Duration::from_millis(800), ..Bounds::default() };
        let Some(result) = try_capture(mode, &bounds) else { return };
        let captured = result.unwrap_or_else(|error| panic!("{mode}: {error}"));
        assert_eq!(captured.context.protocol, protocol, "{mode}");
        assert_eq!(tools(&captured), ["add", "subtract"], "{mode}");
        assert_eq!(unstable(&captured), [], "{mode}");
    }
}

#[test]
fn the_page_behind_the_empty_cursor_is_read() {
    let Some(captured) = captured("second-page") else { return };
    assert_eq!(tools(&captured), ["add", "helper"]);
    assert!(captured.manifest.tools()[1].get("description").is_some_and(|text| text.to_string().contains(".ssh")));
}

#[test]
fn lists_that_are_declared_and_absent_are_empty() {
    let Some(captured) = captured("no-templates") else { return };
    assert_eq!(captured.manifest.entries(Kind::Template), []);
    assert_eq!(captured.manifest.entries(Kind::Resource).len(), 1);
}

#[test]
fn lists_beside_the_tools_may_be_out_of_reach_and_that_is_said() {
    let Some(captured) = captured("documents-elsewhere") else { return };
    assert_eq!(tools(&captured), ["add", "subtract"]);
    assert_eq!(captured.manifest.entries(Kind::Resource), []);
    assert_eq!(captured.manifest.entries(Kind::Template).len(), 1);
    assert_eq!(unstable(&captured), [("server/resources", Between::Calls)]);
    assert_eq!(captured.unstable[0].other, serde_json::json!({ "error": -32603 }));
    let found = findings(&captured);
    assert_eq!(
        found[0].message,
        "it answered for its list `resources` with the error -32603: what stands there is not known"
    );
    assert_eq!((found.len(), found[0].severity()), (1, Severity::Low));
}

#[test]
fn tools_of_one_name_are_both_kept() {
    let Some(captured) = captured("twins") else { return };
    assert_eq!(tools(&captured), ["add", "add"]);
}

#[test]
fn words_that_are_not_the_same_twice_are_named() {
    let description = "tool:add/description";
    let cases: [(&str, &[(&str, Between)]); 7] = [
        ("rug-pull", &[(description, Between::Calls)]),
        ("list-changed", &[("tool:late", Between::Calls)]),
        // Each time anew: other words for each of the four.
        (
            "random",
            &[
                (description, Between::Calls),
                (description, Between::Processes),
                (description, Between::Clients),
                (description, Between::Clients),
            ],
        ),
        ("random-process", &[(description, Between::Processes), (description, Between::Clients)]),
        ("per-client", &[(description, Between::Clients), ("tool:sample", Between::Clients)]),
        ("per-modern-client", &[(description, Between::Clients)]),
        ("per-era", &[(description, Between::Clients)]),
    ];
    for (mode, expected) in cases {
        let Some(captured) = captured(mode) else { return };
        assert_eq!(unstable(&captured), expected, "{mode}");
        assert!(findings(&captured).iter().all(|finding| finding.rule == Rule::UnstableManifest));
    }
}

#[test]
fn the_other_words_are_kept_to_be_judged() {
    let Some(captured) = captured("per-client") else { return };
    let poison =
        captured.unstable.iter().find(|one| one.subject.as_str() == "tool:add/description").expect("it differs");
    assert!(poison.other.as_str().expect("a text").contains("Do not tell the user"));
    assert!(!captured.manifest.to_json().to_string().contains("IMPORTANT"), "a plain client is told other words");
    let found: Vec<(String, Severity)> =
        findings(&captured).into_iter().map(|finding| (finding.subject.clone(), finding.severity())).collect();
    assert_eq!(found, [("tool:add".to_owned(), Severity::Medium), ("tool:sample".to_owned(), Severity::Low)]);
}

#[test]
fn lists_that_nobody_declared_are_heard_too() {
    let Some(captured) = captured("undeclared") else { return };
    assert_eq!(tools(&captured), [""; 0]);
    assert_eq!(unstable(&captured), [("tool:hidden", Between::Clients)]);
    assert!(captured.unstable[0].other.to_string().contains("IMPORTANT"));
    // Nobody has to wait for long where there is no answer.
    let start = Instant::now();
    let Some(captured) = self::captured("declares-nothing") else { return };
    assert_eq!(unstable(&captured), []);
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn the_environment_is_fixed_and_nothing_of_ours_is_in_it() {
    for mode in ["time-zone", "hash-seed"] {
        let Some(captured) = captured(mode) else { return };
        assert_eq!(unstable(&captured), [], "{mode}");
    }
    let real = BTreeMap::from([("REAL_TOKEN".to_owned(), "the-real-one".to_owned())]);
    let environment = Environment::new(["SOME_API_KEY", "REAL_TOKEN"], real, Path::new("/"));
    let Some(target) = target("environment", environment) else { return };
    let captured = capture(&target, &Sandbox::dangerous_none(Path::new("unused")), &patient()).expect("a capture");
    let text = captured.manifest.tools()[0].get("description").and_then(Value::as_str).expect("a text").to_owned();
    let names: BTreeSet<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let known = mcpsec_capture::capture::fixed().map(|(name, _)| name).chain(["SOME_API_KEY", "REAL_TOKEN"]);
    // Python itself adds this one to an empty environment.
    assert_eq!(names, known.chain(["LC_CTYPE"].into_iter().filter(|name| names.contains(name))).collect());
    assert!(text.contains("TZ=UTC") && text.contains("REAL_TOKEN=the-real-one"));
    assert_eq!(captured.context.placeholders, BTreeSet::from(["SOME_API_KEY".to_owned()]));
    assert_eq!(captured.context.real_env, BTreeSet::from(["REAL_TOKEN".to_owned()]));
}

#[test]
fn a_server_that_needs_a_variable_says_so_and_is_heard_with_one() {
    let Some(error) = failed("needs-env", &patient()) else { return };
    assert!(matches!(error.failure, Failure::ExitedEarly { code: Some(3), signal: None, .. }), "{error}");
    assert!(error.to_string().ends_with("; it said: Error: FAKE_API_TOKEN is required"), "{error}");
    assert_eq!(error.needs().expect("a need").hint(), "give it FAKE_API_TOKEN with `--env-file FILE`");
    let Some(target) = target("needs-env", Environment::new(["FAKE_API_TOKEN"], BTreeMap::new(), Path::new("/")))
    else {
        return;
    };
    assert!(capture(&target, &Sandbox::dangerous_none(Path::new("unused")), &patient()).is_ok());
}

#[test]
fn errors_of_the_server_are_told_with_their_words() {
    let Some(error) = failed("tool-error", &patient()) else { return };
    assert_eq!(
        error.failure.to_string(),
        "it answered `tools/list` with the error -32603: FAKE_SECRET must be set\\u{202e}"
    );
    assert_eq!(error.needs().expect("a need").env, BTreeSet::from(["FAKE_SECRET".to_owned()]));
    let Some(error) = protocol_error("needs-network", &patient()) else { return };
    assert!(matches!(error, McpError::ServerError { method: "tools/list", code: -32000, .. }), "{error}");
}

#[test]
fn the_end_of_a_program_is_told() {
    let Some(error) = failed("exits", &patient()) else { return };
    assert!(matches!(error.failure, Failure::ExitedEarly { code: Some(7), .. }), "{error}");
    let Some(error) = failed("killed", &patient()) else { return };
    assert!(matches!(error.failure, Failure::ExitedEarly { code: None, signal: Some(9), .. }), "{error}");
    let Some(error) = protocol_error("closes-stdout", &patient()) else { return };
    assert!(matches!(error, McpError::Closed { method: "initialize" }), "{error}");
    let Some(mut target) = target("good", Environment::default()) else { return };
    target.plan.program = "/nowhere/at-all".into();
    let error = capture(&target, &Sandbox::dangerous_none(Path::new("unused")), &patient()).expect_err("no program");
    assert!(matches!(error.failure, Failure::Start(_)), "{error}");
}

#[test]
fn silence_ends_at_its_deadline() {
    for (mode, method) in [("hang", "initialize"), ("deaf", "tools/list"), ("wrong-ids", "tools/list")] {
        let start = Instant::now();
        let Some(error) = protocol_error(mode, &hasty()) else { return };
        assert!(matches!(error, McpError::NoAnswer { method: open, .. } if open == method), "{mode}: {error}");
        assert!(start.elapsed() < Duration::from_secs(30), "{mode}");
    }
}

#[test]
fn a_server_that_answers_slowly_for_ever_ends_at_the_deadline_of_all() {
    let bounds = Bounds { total: Duration::from_millis(1_500), ..patient() };
    let start = Instant::now();
    // Each page comes in time; there is always one more.
    let Some(error) = protocol_error("slow-pages", &bounds) else { return };
    assert!(matches!(error, McpError::NoAnswer { method: "tools/list", .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_server_that_talks_without_answering_ends_at_its_deadline() {
    let Some(mut target) = target("flood", Environment::default()) else { return };
    target.plan.limits.output = None;
    let bounds = Bounds { output: u64::MAX, hello: Duration::from_millis(1_500), ..hasty() };
    let error = capture(&target, &Sandbox::dangerous_none(Path::new("unused")), &bounds).expect_err("no answer");
    assert!(matches!(error.failure, Failure::Protocol(McpError::NoAnswer { method: "initialize", .. })), "{error}");
}

#[test]
fn what_has_no_end_is_cut_off() {
    let bounds = Bounds { output: 8 << 20, line: 1 << 20, manifest: 2 << 20, ..patient() };
    let expect = |mode: &str, matches: fn(&McpError) -> bool| {
        let Some(error) = protocol_error(mode, &bounds) else { return };
        assert!(matches(&error), "{mode}: {error}");
    };
    expect("flood", |error| matches!(error, McpError::TooMuchOutput(8_388_608)));
    expect("flood-stderr", |error| matches!(error, McpError::TooMuchOutput(8_388_608)));
    expect("requests", |error| matches!(error, McpError::TooMuchOutput(8_388_608)));
    expect("garbage", |error| matches!(error, McpError::NotMcp(_)));
    expect("huge-line", |error| matches!(error, McpError::LineTooLong(1_048_576)));
    expect("endless-pages", |error| matches!(error, McpError::TooManyPages { method: "tools/list" }));
    expect("endless-entries", |error| matches!(error, McpError::TooManyEntries { method: "tools/list" }));
    expect("large", |error| matches!(error, McpError::ManifestTooLarge(2_097_152)));
    expect("cursor-loop", |error| matches!(error, McpError::CursorLoop { method: "tools/list", .. }));
    expect("long-cursor", |error| matches!(error, McpError::CursorTooLong { method: "tools/list", length: 524_288 }));
}

#[test]
fn a_plan_may_allow_less_output_than_is_usual() {
    let Some(mut target) = target("notifications", Environment::default()) else { return };
    target.plan.limits.output = Some(10_000);
    let error = capture(&target, &Sandbox::dangerous_none(Path::new("unused")), &patient()).expect_err("too much");
    assert!(matches!(error.failure, Failure::Protocol(McpError::TooMuchOutput(10_000))), "{error}");
}

#[test]
fn what_clients_would_read_differently_is_refused() {
    let expect = |mode: &str, matches: fn(&McpError) -> bool| {
        let Some(error) = protocol_error(mode, &patient()) else { return };
        assert!(matches(&error), "{mode}: {error}");
    };
    expect("duplicate-keys", |error| matches!(error, McpError::InvalidJson(_)));
    expect("lone-surrogate", |error| matches!(error, McpError::InvalidJson(_)));
    expect("broken-utf8", |error| matches!(error, McpError::InvalidJson(_)));
    expect("text-ids", |error| matches!(error, McpError::Ambiguous(_)));
    expect("answers-twice", |error| matches!(error, McpError::Ambiguous(_)));
    expect("result-and-error", |error| matches!(error, McpError::Ambiguous(_)));
    expect("number-cursor", |error| matches!(error, McpError::NotMcp(_)));
    expect("no-list", |error| matches!(error, McpError::NotMcp(_)));
    expect("future-modern", |error| matches!(error, McpError::NoCommonVersion(_)));
    expect("future-legacy", |error| matches!(error, McpError::NoCommonVersion(_)));
    let Some(error) = failed("unnamed", &patient()) else { return };
    assert!(matches!(error.failure, Failure::Manifest(ManifestError::Unnamed { .. })), "{error}");
}
