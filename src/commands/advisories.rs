//! What is publicly known about locked packages: records from the offline database or from an OSV service, and the check `advisories`.
//!
//! Whoever is asked, the records are matched here against the locked versions. A package about which nobody could be asked is unchecked;
//! that is never the same as a package about which nothing is known.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

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
    time::Timestamp,
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
    /// Where silence is no answer, and why: the database is old, or has nothing of the package's ecosystem at all. What it does
    /// know counts all the same.
    silent: BTreeMap<PackageId, String>,
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

/// Asks the offline database. One that is older than the policy's `max-age` is as good as none, except for what it does know.
pub(super) fn of_database(settings: &Settings, config: &Config, packages: &[&Package]) -> Known {
    let nobody = |why: String, hint: String, broken| Known {
        packages: BTreeMap::new(),
        silent: BTreeMap::new(),
        nobody: Some(Nobody { why, hint, broken }),
    };
    let known = match Database::open(&settings.database) {
        Ok(None) => {
            return nobody("there is no advisory database on this machine".to_owned(), UPDATE.to_owned(), false);
        }
        Ok(Some(mut database)) => {
            let silent = silent(&database, settings.now, config.policy.advisories.max_age, packages);
            silent.and_then(|silent| Ok((read(&mut database, packages)?, silent)))
        }
        Err(error) => Err(error),
    };
    match known {
        Ok((packages, silent)) => Known { packages, silent, nobody: None },
        Err(error) => nobody(error.to_string(), UPDATE.to_owned(), true),
    }
}

/// The packages about which it means nothing that the database says nothing.
fn silent(
    database: &Database,
    now: Timestamp,
    most: Duration,
    packages: &[&Package],
) -> Result<BTreeMap<PackageId, String>, OsvError> {
    let updated = database.about().updated;
    let age = u64::try_from(now.as_second().saturating_sub(updated.as_second())).unwrap_or_default();
    let old = (age > most.as_secs()).then(|| {
        format!(
            "the advisory database is of {updated}, and the policy wants one of the last {} days",
            most.as_secs() / 86_400
        )
    });
    let holds = database.ecosystems()?;
    let why = |ecosystem: Ecosystem| {
        let nothing = || format!("the advisory database has no records about {ecosystem} packages at all");
        old.clone().or_else(|| (!holds.contains(&ecosystem)).then(nothing))
    };
    let of_registries = packages.iter().filter(|package| ecosystem_word(package.id.ecosystem()).is_some());
    Ok(of_registries.filter_map(|package| Some((package.id.clone(), why(package.id.ecosystem())?))).collect())
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
        let mut known = of_database(settings, config, packages);
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
    let mut silent = BTreeMap::new();
    // A service that the project names may keep quiet about what the user's own database knows, so that one is heard as well.
    let of_project = settings.osv_api.is_none();
    if of_project || answers.values().any(Result::is_err) {
        let fallback = of_database(settings, config, packages);
        for (id, answer) in &mut answers {
            if let (true, Ok(records), Some(Ok(known))) = (of_project, answer, fallback.packages.get(id)) {
                records.extend(known.iter().cloned());
            }
        }
        for (id, answer) in answers.iter_mut().filter(|(_, answer)| answer.is_err()) {
            if let Some(Ok(records)) = fallback.packages.get(id) {
                tracing::info!(package = %id, "the OSV service did not answer; the database did");
                *answer = Ok(records.clone());
                silent.extend(fallback.silent.get_key_value(id).map(|(id, why)| (id.clone(), why.clone())));
            }
        }
    }
    Ok(Known { packages: answers, silent, nobody: None })
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
            checks.push(match (status(settings, config, &locked.name, &judged), self.silent.get(package)) {
                (CheckStatus::Pass, Some(why)) => result(CheckStatus::Unchecked(why.clone())).hint(UPDATE),
                (status, _) => result(status),
            });
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
