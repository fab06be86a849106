//! The check `content`: what the code of a new version does is what the policy allows.
use std::collections::BTreeMap;

use mcpsec_audit::{
    content::compare::{self, Detail},
    policy::{self, Weight},
};
use mcpsec_fetch::store::Store;
use mcpsec_model::{
    capture::Accepted,
    check::{Check, CheckResult, CheckStatus},
    config::Config,
    digest::EntryId,
    finding::{Finding, Rule, Severity},
    lock::{Lock, LockedServer},
    name::ServerName,
    package::{Package, PackageId},
    target::Target,
    text::escape,
};

use super::Shelf;
use crate::{
    commands::{artifacts, locking::Locking, scan, sources::Sources, told::Accepting, wish::Wish},
    error::CommandError,
    settings::Settings,
    ui,
};

/// What is said about the code of one server.
pub(crate) struct Said {
    pub(crate) check: CheckResult,
    pub(crate) findings: Vec<Finding>,
    /// Whether there was something to compare with.
    compared: bool,
    gaps: Gaps,
}

/// What could not be read.
#[derive(Default)]
struct Gaps {
    /// Packages of the new closure whose artifacts are not here.
    absent: usize,
    /// The same of the old one.
    old: usize,
    /// A file that starts the server and cannot be read in full.
    entry: Option<String>,
}

/// Of a closure that is about to be locked: against what is locked, if anything is.
pub(crate) async fn of_change(
    with: &Locking<'_>,
    wish: &Wish,
    root: &PackageId,
    packages: &BTreeMap<PackageId, Package>,
    targets: &[Target],
) -> Result<Said, CommandError> {
    let Locking { settings, sources, store, lock, .. } = *with;
    let after: Vec<&Package> = packages.values().collect();
    let after = Shelf::read(settings, sources, store, &after, targets);
    let before = match lock.servers.get(&wish.name) {
        Some(server) => Some(locked(settings, sources, store, lock, server).await?),
        None => None,
    };
    Ok(of_versions(&wish.name, root, before.as_ref(), &after, Detail::Decisions))
}

/// The code of what is locked; artifacts that are not here are fetched where that is possible.
async fn locked(
    settings: &Settings,
    sources: &Sources<'_>,
    store: &Store,
    lock: &Lock,
    server: &LockedServer,
) -> Result<Shelf, CommandError> {
    let packages = lock.packages_of(&[server]);
    let shelf = Shelf::read(settings, sources, store, &packages, &server.targets);
    if shelf.missing.is_empty() || settings.offline {
        return Ok(shelf);
    }
    let missing: Vec<&Package> =
        packages.iter().filter(|package| shelf.missing.contains_key(&package.id)).copied().collect();
    let _told_by_the_second_look = artifacts::check(settings, sources, &missing, &[server]).await?;
    Ok(Shelf::read(settings, sources, store, &packages, &server.targets))
}

/// Of two closures, or of one that has no earlier one.
pub(crate) fn of_versions(
    name: &ServerName,
    root: &PackageId,
    before: Option<&Shelf>,
    after: &Shelf,
    detail: Detail,
) -> Said {
    let old = before.map(Shelf::versions).unwrap_or_default();
    let findings = compare::compare(&old, &after.versions(), detail);
    let unread = |facts: &mcpsec_audit::content::package::PackageFacts| {
        let entry =
            facts.entries.values().find(|path| facts.files.get(*path).is_some_and(|file| file.unread.is_some()));
        entry.cloned()
    };
    let gaps = Gaps {
        absent: after.missing.len(),
        old: before.map(|shelf| shelf.missing.len()).unwrap_or_default(),
        entry: after.get(root).and_then(unread),
    };
    let check = CheckResult::new(Check::Content, name.as_str(), CheckStatus::NotApplicable);
    Said { check, findings, compared: before.is_some(), gaps }
}

/// The same, with what was accepted marked, and the check made.
pub(crate) fn judged(settings: &Settings, config: &Config, mut said: Said, accepting: &mut Accepting<'_>) -> Said {
    // The check is about the server, by name.
    let server = said.check.subject.parse::<ServerName>().ok();
    let denies =
        |finding: &Finding| policy::weigh(&config.policy, settings.now, server.as_ref(), finding) == Weight::Denies;
    accepting.content(&mut said.findings, denies);
    let denied: Vec<&Finding> = said.findings.iter().filter(|finding| denies(finding)).collect();
    let place = |finding: &Finding| match &finding.place {
        Some(place) => format!("{}:{}", escape(&finding.subject), place.line),
        None => escape(&finding.subject),
    };
    let subject = said.check.subject.clone();
    let result = |status| CheckResult::new(Check::Content, subject.clone(), status);
    let gaps = &said.gaps;
    said.check = match denied.as_slice() {
        [one] => result(CheckStatus::Fail(format!("{}: {}", place(one), one.message))),
        [one, rest @ ..] => {
            let more = ui::count(rest.len(), "finding");
            result(CheckStatus::Fail(format!("{}: {}, and {more} like it", place(one), one.message)))
        }
        [] if gaps.absent > 0 => {
            let why = format!("the code of {} is not here", ui::count(gaps.absent, "package"));
            result(CheckStatus::Unchecked(why)).hint("mcpsec verify, without --offline, fetches it")
        }
        [] if gaps.old > 0 => {
            let why = format!("the code of {} of the locked version is not here", ui::count(gaps.old, "package"));
            result(CheckStatus::Unchecked(why)).hint("mcpsec verify, without --offline, fetches it")
        }
        [] => match &gaps.entry {
            Some(file) => {
                let why = format!("{} starts the server and could not be read in full", escape(file));
                result(CheckStatus::Unchecked(why)).tolerated(true)
            }
            None if said.compared => result(CheckStatus::Pass),
            None => result(CheckStatus::NotApplicable),
        },
    };
    said
}

/// Of what is locked: what is seldom innocent in it, and what was accepted when it was locked.
pub(crate) fn of_lock(
    settings: &Settings,
    config: &Config,
    sources: &Sources<'_>,
    store: &Store,
    lock: &Lock,
    server: &LockedServer,
) -> Result<Said, CommandError> {
    let packages = lock.packages_of(&[server]);
    let key = super::memory::key(sources, &packages, server);
    let said = match super::memory::recall(settings, &key) {
        Some(findings) => Said {
            check: CheckResult::new(Check::Content, server.name.as_str(), CheckStatus::NotApplicable),
            findings,
            compared: true,
            gaps: Gaps::default(),
        },
        None => {
            let shelf = Shelf::read(settings, sources, store, &packages, &server.targets);
            let mut said = of_versions(&server.name, server.closure.root().package(), None, &shelf, Detail::Decisions);
            said.compared = true;
            said.findings.retain(|finding| finding.severity() > Severity::Low);
            if said.gaps.absent == 0 && said.gaps.entry.is_none() {
                super::memory::remember(settings, &key, &said.findings);
            }
            said
        }
    };
    let nothing_new = crate::cli::Consent::default();
    let mut accepting = Accepting::new(&nothing_new, &server.accepted);
    let mut said = judged(settings, config, said, &mut accepting);
    let told = |accepted: &&Accepted| {
        said.findings.iter().any(|finding| finding.subject == accepted.subject && Some(finding.rule) == accepted.rule)
    };
    let kept = server.accepted.iter().filter(|accepted| is_content(accepted.rule) && !told(accepted));
    let kept: Vec<Finding> = kept.filter_map(remembered).collect();
    said.findings.extend(kept);
    said.findings = scan::worst_first(said.findings);
    Ok(said)
}

/// What was accepted about a change that is over: the code that it came from is not here any more, the consent is.
fn remembered(accepted: &Accepted) -> Option<Finding> {
    let rule = accepted.rule?;
    let mut finding =
        Finding::new(rule, accepted.subject.clone(), "this was new when it was locked, and accepted then");
    finding.accepted = Some(accepted.reason.clone());
    Some(finding)
}

/// Whether a rule is one about what code does.
pub(crate) fn is_content(rule: Option<Rule>) -> bool {
    rule.is_some_and(|rule| {
        matches!(
            rule,
            Rule::NewHost
                | Rule::NewRecipient
                | Rule::NewNetwork
                | Rule::NewProcess
                | Rule::NewDynamicCode
                | Rule::NewFileAccess
                | Rule::NewEnvironment
                | Rule::NewSecretAccess
                | Rule::NewNativeCode
                | Rule::NewInstallScript
                | Rule::StartupHook
                | Rule::ObfuscatedCode
                | Rule::PackedCode
                | Rule::EntryChanged
                | Rule::NewDependency
                | Rule::RepositoryMismatch
                | Rule::CredentialTheft
                | Rule::SelfSpreading
        )
    })
}

/// The hash of what somebody read who accepted a finding about code: the version is in the subject, and its bytes are locked.
pub(crate) fn entry_of(finding: &Finding) -> EntryId {
    let words = finding.evidence.as_ref().map_or("", |words| words.raw());
    EntryId::of(format!("{}\n{}\n{}", finding.rule.id(), finding.subject, words).as_bytes())
}
