//! `mcpsec audit`: what is newly known about what is locked. Advisories and malware, yanked and unpublished versions, losses of trust.
//! Nothing is changed, and nothing is fetched but what others say.
use std::{collections::BTreeMap, sync::Arc};

use mcpsec_model::{
    config::UpstreamPolicy,
    drift::Drift,
    finding::Rule,
    lock::LockedServer,
    package::Package,
    report::{ClosureChange, Report, ServerReport},
    verdict::{Decision, Verdict},
};

use super::{
    advisories::{self, Open},
    artifacts, decide, evidence, names, render, scan,
    sources::Sources,
    upstream, verify,
};
use crate::{
    cli::{AuditArgs, Format},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

pub(super) async fn run(settings: &Settings, args: AuditArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let lock = project.required_lock()?;
    let config = project.config_or_starter()?;
    let names = verify::select(&args.names, &config, &lock)?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, &config, Arc::clone(&ui));
    let servers: Vec<&LockedServer> = names.iter().filter_map(|name| lock.servers.get(name)).collect();
    let packages = lock.packages_of(&servers);
    if !settings.offline {
        ui.start("audit");
    }
    let known = advisories::of_service(settings, &config, &sources, &packages).await?;
    let upstream = match config.policy.upstream {
        UpstreamPolicy::Off => upstream::not_asked(&packages, &servers),
        UpstreamPolicy::Warn | UpstreamPolicy::Required => upstream::check(&sources, &packages, &servers).await?,
    };
    let store = artifacts::open_store(settings)?;
    let vouched = evidence::for_lock(settings, &config, &sources, &store, &packages, &upstream.records).await?;
    let looked = names::look(settings, &config, &sources, &lock, &names).await?;
    let mut looked: BTreeMap<_, _> =
        looked.into_iter().map(|(name, checks, findings)| (name, (checks, findings))).collect();
    let mut reports = Vec::new();
    for server in servers {
        let said = known.judge(settings, &config, server, Open::Incomplete);
        let (mut checks, mut findings) = (said.checks, said.findings);
        for package in server.closure.packages() {
            if let Some((check, found)) = upstream.get(&server.name, package) {
                checks.push(check.clone());
                findings.extend(found.iter().cloned());
            }
        }
        let entries: Vec<&Package> =
            server.closure.packages().into_iter().filter_map(|package| lock.packages.get(package)).collect();
        let root = server.closure.root().package();
        let evidence_said = evidence::judge(&config, &server.name, root, entries.iter().copied(), &vouched);
        // Whether evidence holds is for `verify` to say; what is newly known is that trust was lost.
        let lost = |rule| matches!(rule, Rule::TrustDowngrade | Rule::SignerChanged | Rule::EvidenceWithdrawn);
        findings.extend(evidence_said.findings.into_iter().filter(|finding| lost(finding.rule)));
        if let Some((named, found)) = looked.remove(&server.name) {
            checks.extend(named);
            findings.extend(found);
        }
        let spec =
            config.servers.get(&server.name).map_or_else(|| server.spec.to_string(), |entry| entry.source.to_string());
        let report = ServerReport {
            name: server.name.clone(),
            spec,
            version: Some(server.version.clone()),
            verdict: Verdict::Incomplete,
            decision: Decision::default(),
            evidence: BTreeMap::new(),
            checks,
            findings: scan::worst_first(findings),
            drift: Drift::default(),
            closure: ClosureChange::default(),
        };
        reports.push(decide::decided(&config.policy, settings.now, report));
    }
    ui.done();
    let report = decide::about_policy(&config, settings.now, None, Report::new("audit", reports));
    if settings.format != Format::Human {
        return render::print(settings, &report);
    }
    // People get it in the order of what is known, rather than of what was checked.
    render::to_files(settings, &report)?;
    if settings.verbosity > -2 {
        ui::print_data(&mcpsec_report::audit(&report, settings.style()))?;
    }
    Ok(crate::exit::of_verdict(report.verdict()))
}
