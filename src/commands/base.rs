//! `mcpsec diff --base LOCK`: what a pull request changes. Every server of the base and of mcp.lock, from the two files alone:
//! no registry is asked and nothing is started.
use std::{collections::BTreeSet, path::Path};

use mcpsec_audit::drift;
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::Config,
    drift::Drift,
    lock::{Lock, LockedServer},
    manifest::{Manifest, ManifestParts},
    name::ServerName,
    report::{ClosureChange, Report, ServerReport},
    text::escape,
    verdict::{Decision, Verdict},
};

use super::{decide, diff, scan, verify};
use crate::{error::CommandError, exit::Code, project::Project, settings::Settings};

/// An empty base is one without servers: the pull request that adds mcp.lock. One that does not exist is a mistyped name.
pub(super) fn run(settings: &Settings, config: &Config, project: &Project, base: &Path) -> Result<Code, CommandError> {
    let file = settings.current_dir().join(base);
    let base = if std::fs::metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() == 0) {
        Lock::empty()
    } else {
        let missing = || CommandError::usage(format!("--base {}: no such file", escape(&base.display().to_string())));
        diff::read_lock(&file)?.ok_or_else(missing)?
    };
    let lock = project.lock()?.unwrap_or_else(Lock::empty);
    let names: BTreeSet<&ServerName> = base.servers.keys().chain(lock.servers.keys()).collect();
    let mut servers = Vec::new();
    for name in names {
        let report = match (base.servers.get(name), lock.servers.get(name)) {
            (Some(before), Some(after)) if before == after => continue,
            (Some(before), Some(after)) => diff::servers(settings, config, name, before, after, None),
            (None, Some(after)) => added(settings, config, name, after),
            (Some(before), None) => removed(before),
            (None, None) => continue,
        };
        servers.push(report);
    }
    verify::print(settings, &Report::new("diff", servers))
}

/// A server that is new: all that it tells the model is.
fn added(settings: &Settings, config: &Config, name: &ServerName, after: &LockedServer) -> ServerReport {
    let (mut drift, mut findings) = (Drift::default(), Vec::new());
    let check = match after.told.captured() {
        Some(captured) => {
            // Nothing at all is a manifest, so this does not fail.
            if let Ok(nothing) = Manifest::new(ManifestParts::default()) {
                drift = drift::compare(&nothing, &captured.manifest);
                findings = diff::new_findings(&nothing, &captured.manifest);
            }
            scan::check(settings, config, Some(name), &findings)
        }
        None => {
            let why = "what it tells the model was not captured".to_owned();
            CheckResult::new(Check::Manifest, name.as_str(), CheckStatus::Unchecked(why))
        }
    };
    let closure = ClosureChange {
        added: after.closure.packages().into_iter().map(ToString::to_string).collect(),
        ..ClosureChange::default()
    };
    let report = ServerReport {
        name: name.clone(),
        spec: after.spec.to_string(),
        version: Some(after.version.clone()),
        verdict: Verdict::Incomplete,
        decision: Decision::default(),
        evidence: std::collections::BTreeMap::new(),
        checks: vec![check],
        findings,
        drift,
        closure,
    };
    decide::decided(&config.policy, settings.now, report)
}

/// A server that is gone. Nobody is told anything by it any more, so there is nothing to decide.
fn removed(before: &LockedServer) -> ServerReport {
    ServerReport {
        name: before.name.clone(),
        spec: before.spec.to_string(),
        version: None,
        verdict: Verdict::Pass,
        decision: Decision::default(),
        evidence: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        findings: Vec::new(),
        drift: Drift::default(),
        closure: ClosureChange {
            removed: before.closure.packages().into_iter().map(ToString::to_string).collect(),
            ..ClosureChange::default()
        },
    }
}
