//! What is to be said about what a server tells the model: the checks `capture`, `manifest` and `poison`, findings, drift.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_audit::{
    drift, poison,
    policy::{self, Weight},
};
use mcpsec_capture::{capture, install::Note};
use mcpsec_model::{
    capture::{Between, Captured, Told},
    check::{Check, CheckResult, CheckStatus},
    config::{CapturePolicy, Config},
    drift::Drift,
    finding::{Finding, Rule},
    lock::Lock,
    manifest::{Manifest, Subject, Text, texts_at},
    name::ServerName,
};

use super::{
    Accepting,
    listen::{Heard, Hearing},
};
use crate::{cli::Consent, commands::scan, error::CommandError, settings::Settings};

/// What is said about one server.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) checks: Vec<CheckResult>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) drift: Drift,
}

/// Everything the rules say about what was captured, its unstable parts included, and tools of other servers beside it.
pub(crate) fn texts(name: &ServerName, captured: &Captured, lock: &Lock) -> Vec<Finding> {
    let mut findings = poison::scan(&captured.manifest);
    let others: Vec<Text<'_>> =
        captured.unstable.iter().flat_map(|unstable| texts_at(&unstable.other, &unstable.subject)).collect();
    findings.extend(poison::scan_texts(&captured.manifest, &others));
    findings.extend(capture::findings(captured));
    let others = lock.servers.iter().filter(|(other, _)| *other != name);
    let others = others.filter_map(|(other, server)| Some((other.clone(), &server.told.captured()?.manifest)));
    let mut all: Vec<(ServerName, &Manifest)> = others.collect();
    all.push((name.clone(), &captured.manifest));
    findings.extend(poison::across(&all).remove(name).unwrap_or_default());
    scan::worst_first(findings)
}

/// Of a new capture, before it is locked: against what was locked, if anything was.
pub(crate) fn of_capture(
    settings: &Settings,
    config: &Config,
    name: &ServerName,
    hearing: &Hearing,
    lock: &Lock,
    accepting: &mut Accepting<'_>,
) -> Said {
    let mut said = Said::default();
    said.checks.push(capture_check(config, name, &hearing.heard));
    said.findings = scripts(&hearing.notes);
    let Heard::Captured(captured) = &hearing.heard else { return said };
    said.findings.extend(texts(name, captured, lock));
    let denies = |finding: &Finding| policy::weigh(&config.policy, settings.now, finding) == Weight::Denies;
    accepting.findings(&captured.manifest, &mut said.findings, denies);
    said.checks.push(scan::check(settings, config, name.as_str(), &said.findings));
    if let Some(before) = lock.servers.get(name).and_then(|server| server.told.captured()) {
        said.drift = drift::compare(&before.manifest, &captured.manifest);
        let denies =
            |change: &mcpsec_model::drift::Change| policy::weigh_change(&config.policy, change) == Weight::Denies;
        accepting.drift(&captured.manifest, &mut said.drift, denies);
    }
    said
}

/// Of what is locked, by today's rules, without asking the server.
pub(crate) fn of_known(
    settings: &Settings,
    config: &Config,
    name: &ServerName,
    captured: &Captured,
    lock: &Lock,
    accepting: &mut Accepting<'_>,
) -> Said {
    let mut said = Said { findings: texts(name, captured, lock), ..Said::default() };
    let denies = |finding: &Finding| policy::weigh(&config.policy, settings.now, finding) == Weight::Denies;
    accepting.findings(&captured.manifest, &mut said.findings, denies);
    said.checks.push(CheckResult::new(Check::Capture, name.as_str(), isolation(config, captured)));
    said.checks.push(scan::check(settings, config, name.as_str(), &said.findings));
    said
}

/// Of what is locked, and whether the server still says it.
pub(crate) fn of_lock(
    settings: &Settings,
    config: &Config,
    name: &ServerName,
    lock: &Lock,
    hearing: &Hearing,
) -> Result<Said, CommandError> {
    let mut said = Said { findings: scripts(&hearing.notes), ..Said::default() };
    let heard = &hearing.heard;
    let Some(server) = lock.servers.get(name) else { return Ok(said) };
    let if_possible = config.policy.capture != CapturePolicy::Required;
    let result = |check, status| CheckResult::new(check, name.as_str(), status);
    let captured = match &server.told {
        Told::Unknown => {
            let why = match heard {
                Heard::Off(why) => why.clone(),
                _ => "mcp.lock does not hold what this server tells the model".to_owned(),
            };
            let tolerated = if_possible && matches!(heard, Heard::Off(_));
            let unchecked = result(Check::Capture, CheckStatus::Unchecked(why)).tolerated(tolerated);
            said.checks.push(if tolerated { unchecked } else { unchecked.hint(format!("mcpsec add {name}")) });
            return Ok(said);
        }
        Told::Unchecked(why) => {
            let unchecked = result(Check::Capture, CheckStatus::Unchecked(why.clone())).tolerated(if_possible);
            said.checks.push(unchecked);
            return Ok(said);
        }
        Told::Manifest(captured) => captured,
    };
    said.checks.push(result(Check::Capture, isolation(config, captured)));
    let status = match heard {
        Heard::Captured(now) => {
            let (status, drift) = compare(captured, now);
            said.drift = drift;
            result(Check::Manifest, status)
        }
        Heard::Off(why) => result(Check::Manifest, CheckStatus::Unchecked(why.clone())).tolerated(if_possible),
        Heard::Cannot(cannot) => {
            let result = result(Check::Manifest, CheckStatus::Unchecked(cannot.why.clone())).tolerated(if_possible);
            cannot.hint.iter().fold(result, |result, hint| result.hint(hint))
        }
        Heard::NoSandbox(why) => {
            result(Check::Manifest, CheckStatus::Unchecked(why.clone())).hint("mcpsec doctor says what helps")
        }
    };
    said.checks.push(status);
    said.findings.extend(texts(name, captured, lock));
    // What it says now, where that differs, is judged as well: those are the words that a model would read.
    if let Heard::Captured(now) = heard
        && now.manifest.id() != captured.manifest.id()
    {
        said.findings.extend(texts(name, now, lock));
        said.findings = scan::worst_first(said.findings);
    }
    let nothing_new = Consent::default();
    let mut accepting = Accepting::new(&nothing_new, &server.accepted);
    let denies = |finding: &Finding| policy::weigh(&config.policy, settings.now, finding) == Weight::Denies;
    accepting.findings(&captured.manifest, &mut said.findings, denies);
    accepting.finish()?;
    said.checks.push(scan::check(settings, config, name.as_str(), &said.findings));
    Ok(said)
}

/// Install scripts that were run because the policy names them, with what they tried.
fn scripts(notes: &[Note]) -> Vec<Finding> {
    let run = notes.iter().filter_map(|note| match note {
        Note::ScriptRun { package, script, tried } => {
            let tried = if tried.is_empty() { "nothing beyond its folder".to_owned() } else { tried.join(", ") };
            let message = format!("its script `{script}` was run in the sandbox, as the policy says; it tried {tried}");
            Some(Finding::new(Rule::InstallScript, package.clone(), message))
        }
        note => {
            tracing::info!("{note:?}");
            None
        }
    });
    run.collect()
}

fn capture_check(config: &Config, name: &ServerName, heard: &Heard) -> CheckResult {
    let result = |status| CheckResult::new(Check::Capture, name.as_str(), status);
    let if_possible = config.policy.capture != CapturePolicy::Required;
    match heard {
        Heard::Captured(captured) => result(isolation(config, captured)),
        Heard::Cannot(cannot) => {
            let result = result(CheckStatus::Unchecked(cannot.why.clone())).tolerated(if_possible);
            cannot.hint.iter().fold(result, |result, hint| result.hint(hint))
        }
        Heard::Off(why) => result(CheckStatus::Unchecked(why.clone())).tolerated(if_possible),
        Heard::NoSandbox(why) => result(CheckStatus::Unchecked(why.clone())).hint("mcpsec doctor says what helps"),
    }
}

fn isolation(config: &Config, captured: &Captured) -> CheckStatus {
    let (had, wanted) = (captured.context.isolation, config.policy.isolation);
    if had >= wanted {
        return CheckStatus::Pass;
    }
    CheckStatus::Fail(format!(
        "captured with isolation `{}`, and the policy asks for `{}`",
        had.as_str(),
        wanted.as_str()
    ))
}

/// Whether a server says now what it said when it was locked. Places that were unstable then may differ; what it tells other
/// clients may not.
pub(crate) fn compare(locked: &Captured, now: &Captured) -> (CheckStatus, Drift) {
    let between_clients = |captured: &Captured| -> BTreeMap<Subject, serde_json::Value> {
        let clients = captured.unstable.iter().filter(|unstable| unstable.between == Between::Clients);
        clients.map(|unstable| (unstable.subject.clone(), unstable.other.clone())).collect()
    };
    let varies: BTreeSet<Subject> = locked
        .unstable
        .iter()
        .filter(|unstable| unstable.between != Between::Clients)
        .map(|unstable| unstable.subject.clone())
        .collect();
    let (before, after) = (locked.manifest.without(&varies), now.manifest.without(&varies));
    if before.id() != after.id() {
        let drift = drift::compare(&before, &after);
        let places: Vec<&str> = drift.changes.iter().map(|change| change.subject.as_str()).take(3).collect();
        let places = if places.is_empty() { "serialisation".to_owned() } else { places.join(", ") };
        let why = format!("the same bytes tell the model something else than mcp.lock holds: {places}");
        return (CheckStatus::Fail(why), drift);
    }
    let (then, today) = (between_clients(locked), between_clients(now));
    let steady = |map: &BTreeMap<Subject, serde_json::Value>| -> BTreeMap<Subject, serde_json::Value> {
        map.iter().filter(|(subject, _)| !varies.contains(*subject)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    if steady(&then) != steady(&today) {
        let differing: BTreeSet<&Subject> =
            then.keys().chain(today.keys()).filter(|subject| then.get(*subject) != today.get(*subject)).collect();
        let places: Vec<&str> = differing.iter().map(|subject| subject.as_str()).take(3).collect();
        let why = format!("other clients are told something else than mcp.lock holds: {}", places.join(", "));
        return (CheckStatus::Fail(why), Drift::default());
    }
    (CheckStatus::Pass, Drift::default())
}
