//! The check `upstream`: does the registry's record still say what is locked?
//!
//! A record with another digest is a failure. A version that is gone from a registry that still stands is a finding: the
//! vetted copy is in the store. A registry that does not answer leaves the check open.
use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use mcpsec_fetch::progress::{Event, Progress};
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    finding::{Finding, Rule},
    lock::LockedServer,
    name::{Ecosystem, ServerName},
    package::{Package, PackageId},
    spec::Spec,
    text::Untrusted,
    upstream::{UpstreamRecord, UpstreamState},
};

use super::{shape::contradiction, sources::Sources};
use crate::error::CommandError;

/// Questions in flight at once.
const CONCURRENCY: usize = 48;

/// What came of all questions.
pub(super) struct Answers {
    /// Packages of registries: one record each, whoever uses them.
    shared: BTreeMap<PackageId, Answer>,
    /// Git sources, per server: two servers may hold one commit by a tag and by a branch.
    own: BTreeMap<ServerName, Answer>,
    /// The records themselves; the text is why there is none.
    pub(super) records: BTreeMap<PackageId, Result<UpstreamRecord, String>>,
}

type Answer = (CheckResult, Vec<Finding>);

impl Answers {
    /// The answer about a package of a server.
    pub(super) fn get(&self, server: &ServerName, package: &PackageId) -> Option<&Answer> {
        if package.ecosystem() == Ecosystem::Git { self.own.get(server) } else { self.shared.get(package) }
    }
}

/// Asks about every package of a registry once, and about every git source of a server.
pub(super) async fn check(
    sources: &Sources<'_>,
    packages: &[&Package],
    servers: &[&LockedServer],
) -> Result<Answers, CommandError> {
    let of_registries = packages.iter().filter(|package| package.id.ecosystem() != Ecosystem::Git);
    let shared = of_registries.map(|package| async move {
        let mut record = None;
        let answer = match &package.bundled_in {
            // It has no record of its own; its bytes are its parent's.
            Some(_) => {
                (CheckResult::new(Check::Upstream, package.id.to_string(), CheckStatus::NotApplicable), Vec::new())
            }
            None => {
                let state = sources.upstream(package, None).await?;
                let (check, findings) = compare(package, None, &state);
                let check = held_to_record(check, package, &state, packages, servers);
                record = Some(record_of(state));
                (check, findings)
            }
        };
        sources.ui().event(Event::MetadataFetched { name: package.id.name().as_str() });
        Ok::<_, CommandError>((package.id.clone(), answer, record))
    });
    let own = git_roots(packages, servers).into_iter().map(|(server, package)| async move {
        let spec = Some(&server.spec);
        let answer = compare(&package, spec, &sources.upstream(&package, spec).await?);
        Ok::<_, CommandError>((server.name.clone(), answer))
    });
    let shared = stream::iter(shared).buffer_unordered(CONCURRENCY).collect::<Vec<_>>();
    let own = stream::iter(own).buffer_unordered(CONCURRENCY).collect::<Vec<_>>();
    let (shared, own) = futures::future::join(shared, own).await;
    let (mut answers, mut records) = (BTreeMap::new(), BTreeMap::new());
    for one in shared {
        let (id, answer, record) = one?;
        records.extend(record.map(|record| (id.clone(), record)));
        answers.insert(id, answer);
    }
    Ok(Answers { shared: answers, records, own: own.into_iter().collect::<Result<_, _>>()? })
}

/// What the registry has about a package, or why that is not known.
fn record_of(state: UpstreamState) -> Result<UpstreamRecord, String> {
    match state {
        UpstreamState::Present(record) => Ok(record),
        UpstreamState::Gone => Err("the registry no longer has this version".to_owned()),
        UpstreamState::Unreachable(why) => Err(why),
    }
}

/// Nobody is asked, because the policy says so: the check stays open.
pub(super) fn not_asked(packages: &[&Package], servers: &[&LockedServer]) -> Answers {
    let open = |package: &Package| {
        let status = CheckStatus::Unchecked("mcp.toml says upstream = \"off\"".to_owned());
        (CheckResult::new(Check::Upstream, package.id.to_string(), status), Vec::new())
    };
    Answers {
        shared: packages.iter().map(|package| (package.id.clone(), open(package))).collect(),
        records: packages
            .iter()
            .map(|package| (package.id.clone(), Err("mcp.toml says upstream = \"off\"".to_owned())))
            .collect(),
        own: git_roots(packages, servers)
            .iter()
            .map(|(server, package)| (server.name.clone(), open(package)))
            .collect(),
    }
}

/// Servers that are git repositories, each with its package as that server refers to it.
fn git_roots<'a>(packages: &[&Package], servers: &[&'a LockedServer]) -> Vec<(&'a LockedServer, Package)> {
    let root = |server: &&'a LockedServer| {
        let id = server.closure.root().package();
        let package = packages.iter().find(|package| package.id == *id && package.git.is_some())?;
        Some((*server, as_referred_by(server, package)))
    };
    servers.iter().filter_map(root).collect()
}

/// The package's entry names one reference for all servers that hold the commit. A server that holds it by a tag has that
/// tag for a version; another one must not be asked about a tag that is not its own.
fn as_referred_by(server: &LockedServer, package: &Package) -> Package {
    let mut package = package.clone();
    if let Some(pin) = &mut package.git {
        let is_tag = pin.reference.as_deref().is_some_and(|reference| reference.starts_with("refs/tags/"));
        if server.version != package.id.version() {
            pin.reference = Some(format!("refs/tags/{}", server.version).into());
        } else if is_tag {
            pin.reference = None;
        }
    }
    package
}

fn compare(package: &Package, spec: Option<&Spec>, state: &UpstreamState) -> (CheckResult, Vec<Finding>) {
    let subject = package.id.to_string();
    let result = |status| CheckResult::new(Check::Upstream, subject.clone(), status);
    match state {
        UpstreamState::Unreachable(why) => (result(CheckStatus::Unchecked(why.clone())), Vec::new()),
        UpstreamState::Gone => {
            let finding = Finding::new(
                Rule::Unpublished,
                subject.clone(),
                "the registry no longer has this version; only stored copies are left",
            );
            (result(CheckStatus::NotApplicable), vec![finding])
        }
        UpstreamState::Present(record) => {
            let status = match package.id.ecosystem() {
                Ecosystem::Git => compare_commit(package, spec, record),
                Ecosystem::Npm | Ecosystem::Pypi => compare_files(package, record),
            };
            (result(status), notes(package, &subject, record))
        }
    }
}

/// A package whose digests fit must also stand where its record puts it.
fn held_to_record(
    mut check: CheckResult,
    package: &Package,
    state: &UpstreamState,
    packages: &[&Package],
    servers: &[&LockedServer],
) -> CheckResult {
    let UpstreamState::Present(UpstreamRecord { shape: Some(shape), .. }) = state else { return check };
    let entry = |id: &PackageId| packages.iter().find(|package| package.id == *id).copied();
    if check.status == CheckStatus::Pass
        && let Some(words) = contradiction(package, shape, servers, entry)
    {
        check.status = CheckStatus::Fail(words);
        check =
            check.hint("restore mcp.lock with `git checkout mcp.lock`, or lock anew with `mcpsec add NAME --fresh`");
    }
    check
}

fn compare_files(package: &Package, record: &UpstreamRecord) -> CheckStatus {
    let mut compared = 0;
    for artifact in &package.artifacts {
        let Some(file) = record.files.iter().find(|file| file.file == artifact.file) else { continue };
        if let Some((locked, now)) = artifact.digests.mismatch(&file.digests) {
            return CheckStatus::Fail(format!("the registry now says {now} for {}; locked is {locked}", artifact.file));
        }
        if artifact.digests.agrees(&file.digests) {
            compared += 1;
        } else if file.sha1.is_none() {
            return CheckStatus::Unchecked(format!(
                "the registry's record of {} has no digest to compare",
                artifact.file
            ));
        }
    }
    if compared == 0 && !package.artifacts.is_empty() {
        return CheckStatus::Unchecked("the registry's record has no strong digest of any locked file".to_owned());
    }
    CheckStatus::Pass
}

fn compare_commit(package: &Package, spec: Option<&Spec>, record: &UpstreamRecord) -> CheckStatus {
    let Some(now) = &record.commit else { return CheckStatus::Pass };
    if now == package.id.version() {
        return CheckStatus::Pass;
    }
    let reference = package.git.as_ref().and_then(|git| git.reference.as_deref()).unwrap_or_default();
    match reference.strip_prefix("refs/tags/") {
        Some(tag) => CheckStatus::Fail(format!("tag {tag} moved: it is {now} now; locked is {}", package.id.version())),
        // A branch is meant to move; what is locked is one of its commits.
        None if matches!(spec, Some(Spec::Git(_))) => CheckStatus::Pass,
        None => CheckStatus::NotApplicable,
    }
}

fn notes(package: &Package, subject: &str, record: &UpstreamRecord) -> Vec<Finding> {
    let mut findings = Vec::new();
    let with_reason = |text: &str, reason: &Untrusted| {
        if reason.raw().trim().is_empty() { text.to_owned() } else { format!("{text}: {}", reason.excerpt(200)) }
    };
    if let Some(reason) = &record.yanked {
        findings.push(Finding::new(Rule::Yanked, subject, with_reason("the publisher withdrew this version", reason)));
    }
    if let Some(reason) = &record.deprecated {
        findings.push(Finding::new(Rule::Deprecated, subject, with_reason("deprecated by its publisher", reason)));
    }
    if package.id.ecosystem() == Ecosystem::Pypi {
        for artifact in &package.artifacts {
            if !record.files.iter().any(|file| file.file == artifact.file) {
                findings.push(Finding::new(
                    Rule::Unpublished,
                    subject,
                    format!("the index no longer lists {}", artifact.file),
                ));
            }
        }
    }
    findings
}
