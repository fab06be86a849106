//! The check `cooldown` for a closure that is about to be locked, and which versions are held back on the way there.
use std::{collections::BTreeMap, time::Duration};

use mcpsec_audit::{
    cooldown,
    policy::{self, Weight},
};
use mcpsec_fetch::{Maturity, PassedOver, Published};
use mcpsec_model::{
    check::{CheckResult, CheckStatus},
    config::{Config, Exemption},
    evidence::{Assessed, Offer},
    finding::{Finding, Rule},
    lock::{Lock, LockedServer},
    name::{Ecosystem, ServerName},
    package::{Package, PackageId},
    time::Timestamp,
};
use smol_str::SmolStr;

use super::evidence::Known;
use crate::settings::Settings;

/// Which versions a resolution holds back: none that the server is locked at already, since nobody gets safer by going back, and none
/// that the policy exempts.
pub(super) fn maturity(
    settings: &Settings,
    config: &Config,
    lock: &Lock,
    server: Option<&LockedServer>,
) -> Option<Maturity> {
    let min_age = config.policy.min_release_age;
    let published_by = settings.now.checked_sub(min_age).ok().filter(|_| !min_age.is_zero())?;
    let exempt = |exemption: &Exemption| {
        let finding = Finding::new(Rule::TooNew, exemption.subject.clone(), "");
        let counts = exemption.rule == Rule::TooNew.id()
            && policy::weigh(&config.policy, settings.now, None, &finding) == Weight::Exempt;
        counts.then(|| exemption.subject.parse::<PackageId>().ok()).flatten()
    };
    let exempt = config.policy.exempt.iter().filter_map(exempt);
    let locked = server.into_iter().flat_map(|server| lock.packages_of(&[server]));
    Some(Maturity { published_by, exempt: exempt.chain(locked.map(|package| package.id.clone())).collect() })
}

/// What is known of the ages of a closure.
pub(super) struct Ages<'a> {
    /// npm, as its records say.
    pub(super) npm: &'a BTreeMap<PackageId, Published>,
    /// Python, file by file.
    pub(super) offers: &'a BTreeMap<PackageId, BTreeMap<SmolStr, Offer>>,
    /// Verified evidence.
    pub(super) known: &'a Known,
}

/// Judges every package that has an age: not git sources, whose reference was chosen by hand, and not what is inside another package.
pub(super) fn judge(
    settings: &Settings,
    config: &Config,
    (server, root): (&ServerName, &PackageId),
    packages: &BTreeMap<PackageId, Package>,
    ages: &Ages<'_>,
) -> (CheckResult, Vec<Finding>) {
    let (mut results, mut findings) = (Vec::new(), Vec::new());
    let dated = packages.values().filter(|package| package.id.ecosystem() != Ecosystem::Git);
    for package in dated.filter(|package| !package.artifacts.is_empty()) {
        let min_age = config.policy.min_release_age_for(&package.id, (package.id == *root).then_some(server));
        let published = match package.id.ecosystem() {
            Ecosystem::Npm => ages.npm.get(&package.id).and_then(|age| settled(*age, min_age, settings.now)),
            _ => uploaded(package, ages.offers),
        };
        let logged = ages.known.get(&package.id).and_then(|files| logged(files));
        let (result, finding) = cooldown::judge(min_age, &package.id, published, logged, settings.now);
        results.push(result);
        findings.extend(finding);
    }
    let mut check = cooldown::of_server(server.as_str(), &results);
    let denies =
        |finding: &&Finding| policy::weigh(&config.policy, settings.now, Some(server), finding) == Weight::Denies;
    let denied: Vec<&Finding> = findings.iter().filter(denies).collect();
    if let [first, rest @ ..] = denied.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
        check.status = CheckStatus::Fail(format!("{}: {}{more}", first.subject, first.message));
    }
    (check, findings)
}

/// A time that is only an upper bound tells that a version is old enough, and never that it is not.
fn settled(age: Published, min_age: Duration, now: Timestamp) -> Option<Timestamp> {
    match age {
        Published::At(time) => Some(time),
        Published::By(time) | Published::Copied(time) => Some(time).filter(|time| cooldown::age(*time, now) >= min_age),
        Published::Untold => None,
    }
}

/// When the last of the locked files was uploaded: a file may be added to an old version.
fn uploaded(package: &Package, offers: &BTreeMap<PackageId, BTreeMap<SmolStr, Offer>>) -> Option<Timestamp> {
    let files = offers.get(&package.id)?;
    let times: Option<Vec<Timestamp>> =
        package.artifacts.iter().map(|artifact| files.get(&artifact.file)?.published).collect();
    times?.into_iter().max()
}

/// When a log or a timestamp authority first saw evidence of the package, as verified.
fn logged(files: &[Assessed]) -> Option<Timestamp> {
    let proofs = files.iter().flat_map(|file| file.signature.proofs().iter().chain(file.attestation.proofs()));
    proofs.filter(|proof| proof.log().is_some()).filter_map(|proof| proof.signed_at()).min()
}

/// Says that a newer version was not taken, and why.
pub(super) fn passed_over(settings: &Settings, config: &Config, root: &PackageId, newer: &PassedOver) -> Finding {
    let message = format!(
        "{} is out since {}, less than the {} that the policy asks for; took {}",
        mcpsec_model::text::escape(&newer.version),
        cooldown::span(cooldown::age(newer.published, settings.now)),
        cooldown::span(config.policy.min_release_age),
        root.version()
    );
    Finding::new(Rule::NewerVersion, root.to_string(), message)
}
