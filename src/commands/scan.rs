//! `mcpsec scan MANIFEST.json|-`: the poison rules over any manifest, offline and without a project.
use std::{io::Read as _, path::Path};

use mcpsec_audit::{
    poison,
    policy::{self, Weight},
};
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::Config,
    drift::Drift,
    finding::Finding,
    manifest::{Manifest, json::MAX_BYTES},
    name::ServerName,
    report::{ClosureChange, Report, ServerReport},
    text::{Untrusted, escape},
    verdict::{Decision, Verdict},
};
use serde_json::Value;

use super::{decide, render};
use crate::{
    cli::ScanArgs,
    error::CommandError,
    exit::Code,
    files,
    project::{self, Project},
    settings::Settings,
};

pub(super) fn run(settings: &Settings, args: &ScanArgs) -> Result<Code, CommandError> {
    let manifest = read(&args.manifest)?;
    let config = match Project::new(&settings.project).config()? {
        Some(config) => config,
        None => project::starter_config()?,
    };
    let findings = worst_first(poison::scan(&manifest));
    let checks = vec![check(settings, &config, "manifest", &findings)];
    let server = ServerReport {
        name: name_of(&manifest)?,
        spec: shown(&args.manifest),
        version: manifest
            .server_info()
            .get("version")
            .and_then(Value::as_str)
            .map(|text| Untrusted::new(text).excerpt(60)),
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: std::collections::BTreeMap::new(),
        checks,
        findings,
        drift: Drift::default(),
        closure: ClosureChange::default(),
    };
    let server = decide::decided(&config.policy, settings.now, server);
    render::print(settings, &Report::new("scan", vec![server]))
}

/// The check `poison`: whether any finding denies.
pub(super) fn check(settings: &Settings, config: &Config, subject: &str, findings: &[Finding]) -> CheckResult {
    let denies = |finding: &&Finding| policy::weigh(&config.policy, settings.now, finding) == Weight::Denies;
    let denied: Vec<&Finding> = findings.iter().filter(denies).collect();
    let status = match denied.as_slice() {
        [] => CheckStatus::Pass,
        [one] => CheckStatus::Fail(format!("{}: {}", escape(&one.subject), one.message)),
        [one, rest @ ..] => CheckStatus::Fail(format!(
            "{}: {}, and {} like it",
            escape(&one.subject),
            one.message,
            crate::ui::count(rest.len(), "finding")
        )),
    };
    CheckResult::new(Check::Poison, subject, status)
}

/// The worst first, then in the order of the rules.
pub(super) fn worst_first(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    findings.dedup();
    findings
}

/// Reads a manifest from a file, or from standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Manifest, CommandError> {
    let shown = shown(path);
    let limit = MAX_BYTES as u64;
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| CommandError::usage(format!("failed to read {shown}: {error}")))?;
        bytes
    } else {
        files::read_bytes(path, limit)
            .map_err(|error| crate::error::io("read", path, &error))?
            .ok_or_else(|| CommandError::usage(format!("there is no file {shown}")))?
    };
    Manifest::parse(&bytes).map_err(|error| {
        CommandError::usage(format!("failed to read {shown}: {error}"))
            .hint("it must be what `mcpsec capture` prints, or a result of `tools/list`")
    })
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { escape(&path.display().to_string()) }
}

/// What the server calls itself, brought into the form of a name; `manifest` if nothing is left of it.
pub(super) fn name_of(manifest: &Manifest) -> Result<ServerName, CommandError> {
    let called = manifest.server_info().get("name").and_then(Value::as_str).unwrap_or_default();
    let letters = called.chars().take(60).map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let name: String = letters.collect();
    let name = name.trim_matches('-');
    let name = name.parse().or_else(|_| "manifest".parse::<ServerName>());
    name.map_err(CommandError::bug)
}
