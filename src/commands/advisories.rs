//! What is publicly known about locked packages: records from the offline database or from an OSV service, and the check `advisories`.
//!
//! Whoever is asked, the records are matched here against the locked versions. A package about which nobody could be asked is unchecked;
//! that is never the same as a package about which nothing is known.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_audit::{
    advisories::{self, Question},
    policy::{self, Weight},
};
use mcpsec_fetch::osv::{Api, Database, OsvError};
use mcpsec_model::{
    advisory::{Record, ecosystem_word},
    check::{Check, CheckResult, CheckStatus},
    config::{Config, DatabasePolicy},
    finding::{Finding, Rule},
    lock::LockedServer,
    name::{Ecosystem, ServerName},
    package::{Package, PackageId},
    url::SafeUrl,
};

use super::sources::Sources;
use crate::{error::CommandError, settings::Settings};

/// What to do where there is nothing to ask.
pub(super) const UPDATE: &str = "mcpsec db update, or mcpsec db update --from ZIP|DIR";

/// Whether what could not be looked up is only told, or leaves the run incomplete.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// Told: `verify` answers whether things are as locked.
    Told,
    /// Incomplete: `audit` answers what is known, and has no answer.
    Incomplete,
}

/// Records about packages, or why there are none.
pub(super) struct Known {
    packages: BTreeMap<PackageId, Result<Vec<Record>, String>>,
    /// Nobody could be asked at all.
    nobody: Option<Nobody>,
}

/// Why nobody could be asked, and what to do about it.
struct Nobody {
    why: String,
    hint: String,
    /// A database that is there and cannot be used is not the same as none.
    broken: bool,
}

/// What is said about one server.
pub(super) struct Said {
    pub(super) checks: Vec<CheckResult>,
    pub(super) findings: Vec<Finding>,
}

/// Asks the offline database.
pub(super) fn of_database(settings: &Settings, packages: &[&Package]) -> Known {
    let nobody = |why: String, hint: String, broken| Known {
        packages: BTreeMap::new(),
        nobody: Some(Nobody { why, hint, broken }),
    };
    let known = match Database::open(&settings.database) {
        Ok(None) => {
            return nobody("there is no advisory database on this machine".to_owned(), UPDATE.to_owned(), false);
        }
        Ok(Some(mut database)) => read(&mut database, packages),
        Err(error) => Err(error),
    };
    match known {
        Ok(packages) => Known { packages, nobody: None },
        Err(error) => nobody(error.to_string(), UPDATE.to_owned(), true),
    }
}

fn read(
    database: &mut Database,
    packages: &[&Package],
) -> Result<BTreeMap<PackageId, Result<Vec<Record>, String>>, OsvError> {
    let ids = packages.iter().map(|package| &package.id).filter(|id| ecosystem_word(id.ecosystem()).is_some());
    let ids: Vec<&PackageId> = ids.collect();
    let wanted: BTreeSet<_> = ids.iter().map(|id| (id.ecosystem(), id.name().clone())).collect();
    let found = database.records(&wanted)?;
    let of = |id: &PackageId| found.get(&(id.ecosystem(), id.name().clone())).cloned().unwrap_or_default();
    Ok(ids.into_iter().map(|id| (id.clone(), Ok(of(id)))).collect())
}

/// Asks the configured service, and the database about what the service does not answer.
pub(super) async fn of_service(
    settings: &Settings,
    config: &Config,
    sources: &Sources<'_>,
    packages: &[&Package],
) -> Result<Known, CommandError> {
    let (Some(network), Some(base)) = (sources.network()?, service(settings, config)) else {
        let mut known = of_database(settings, packages);
        if let Some(nobody) = known.nobody.as_mut().filter(|nobody| !nobody.broken && !settings.offline) {
            nobody.why = format!("no OSV service is configured, and {}", nobody.why);
            nobody.hint = format!("set [registries] osv-api in mcp.toml (or MCPSEC_OSV_API), or {UPDATE}");
        }
        return Ok(known);
    };
    let cache = settings.cache.join("osv");
    let api = Api { network, base, cache: &cache };
    let ids: Vec<&PackageId> = packages.iter().map(|package| &package.id).collect();
    let mut answers = mcpsec_fetch::osv::ask(&api, &ids).await;
    if answers.values().any(Result::is_err) {
        let fallback = of_database(settings, packages);
        for (id, answer) in answers.iter_mut().filter(|(_, answer)| answer.is_err()) {
            if let Some(Ok(records)) = fallback.packages.get(id) {
                tracing::info!(package = %id, "the OSV service did not answer; the database did");
                *answer = Ok(records.clone());
            }
        }
    }
    Ok(Known { packages: answers, nobody: None })
}

fn service<'s>(settings: &'s Settings, config: &'s Config) -> Option<&'s SafeUrl> {
    settings.osv_api.as_ref().or(config.registries.osv_api.as_ref())
}

impl Known {
    /// The check `advisories` of each package of a server, and what was found.
    pub(super) fn judge(&self, settings: &Settings, config: &Config, locked: &LockedServer, open: Open) -> Said {
        let tolerated = open == Open::Told && config.policy.advisories.database == DatabasePolicy::IfPresent;
        if let Some(Nobody { why, hint, broken }) = &self.nobody {
            let status = CheckStatus::Unchecked(why.clone());
            let check = CheckResult::new(Check::Advisories, locked.name.as_str(), status).hint(hint);
            return Said { checks: vec![check.tolerated(tolerated && !broken)], findings: Vec::new() };
        }
        let decided = |rule: Rule, subject: &str| {
            config.policy.exempt.iter().any(|exempt| exempt.rule == rule.id() && exempt.subject == subject)
        };
        let (mut checks, mut findings) = (Vec::new(), Vec::new());
        for package in locked.closure.packages() {
            let result = |status| CheckResult::new(Check::Advisories, package.to_string(), status).tolerated(tolerated);
            let records = match self.packages.get(package) {
                _ if package.ecosystem() == Ecosystem::Git => {
                    let why = "advisories name packages of registries; nobody was asked about this commit".to_owned();
                    checks.push(result(CheckStatus::Unchecked(why)).tolerated(true));
                    continue;
                }
                Some(Ok(records)) => records,
                Some(Err(why)) => {
                    checks.push(result(CheckStatus::Unchecked(why.clone())).hint(UPDATE));
                    continue;
                }
                None => {
                    checks.push(result(CheckStatus::Unchecked("nobody was asked".to_owned())));
                    continue;
                }
            };
            let path = locked.closure.path_to(package).unwrap_or_default();
            let question = Question { server: locked.name.as_str(), package, path: &path, records, decided: &decided };
            let judged = advisories::judge(&question);
            checks.push(result(status(settings, config, &locked.name, &judged)));
            findings.extend(judged.findings);
        }
        Said { checks, findings }
    }
}

fn status(settings: &Settings, config: &Config, server: &ServerName, judged: &advisories::Judged) -> CheckStatus {
    let denies =
        |finding: &&Finding| policy::weigh(&config.policy, settings.now, Some(server), finding) == Weight::Denies;
    let denied: Vec<&str> = judged.findings.iter().filter(denies).map(|finding| finding.message.as_str()).collect();
    if let [first, rest @ ..] = denied.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
        return CheckStatus::Fail(format!("{first}{more}"));
    }
    match judged.unknown.as_slice() {
        [] => CheckStatus::Pass,
        unknown => CheckStatus::Unchecked(format!(
            "{} could not be compared with this version: {}",
            crate::ui::count(unknown.len(), "advisory record"),
            unknown.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("; ")
        )),
    }
}
