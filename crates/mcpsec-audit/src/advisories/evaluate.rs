//! Whether a record is about a version: the evaluation algorithm of the OSV schema ("Evaluation"), with a third answer.
//!
//! A record that names a version in a way that cannot be compared is [`Answer::Unknown`]. It is never "no": a range that nobody could read
//! is not a range that the version lies outside of.
use std::cmp::Ordering;

use mcpsec_model::{
    advisory::{Advisory, Affected, Event, Range, RangeKind},
    name::Ecosystem,
    package::PackageId,
    text::Untrusted,
};

use super::version::Version;

/// What a record says about one version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It has what the record is about.
    Affected,
    /// It does not, or the record was withdrawn, or is about other packages.
    NotAffected,
    /// The record is about the package, and cannot be evaluated for this version; the text says why, escaped.
    Unknown(String),
}

/// What a record says about a package at its version.
pub fn evaluate(advisory: &Advisory, package: &PackageId) -> Answer {
    if advisory.withdrawn.is_some() {
        return Answer::NotAffected;
    }
    let version = Version::parse(package.ecosystem(), package.version());
    let mut answer = Answer::NotAffected;
    for affected in advisory.about(package.ecosystem(), package.name()) {
        match of_entry(affected, package.version(), version.as_ref()) {
            Answer::Affected => return Answer::Affected,
            Answer::NotAffected => {}
            unknown => answer = unknown,
        }
    }
    answer
}

fn of_entry(affected: &Affected, text: &str, version: Option<&Version>) -> Answer {
    let ecosystem = affected.ecosystem;
    let is_listed = |listed: &str| listed == text || version.is_some_and(|version| same(ecosystem, version, listed));
    if affected.versions.iter().any(|listed| is_listed(listed)) {
        return Answer::Affected;
    }
    let mut compared = !affected.versions.is_empty();
    let mut unknown = None;
    for range in &affected.ranges {
        match contains(range, ecosystem, version) {
            Ok(Some(true)) => return Answer::Affected,
            Ok(Some(false)) => compared = true,
            // The history of a repository; records that have nothing else list versions.
            Ok(None) => {}
            Err(why) => unknown = Some(why),
        }
    }
    match unknown {
        Some(why) => Answer::Unknown(why),
        None if compared => Answer::NotAffected,
        None => Answer::Unknown("it names no version that could be compared".to_owned()),
    }
}

fn same(ecosystem: Ecosystem, version: &Version, listed: &str) -> bool {
    Version::parse(ecosystem, listed).is_some_and(|listed| version.against(&listed) == Ordering::Equal)
}

/// A turn at a point of the order.
struct Turn {
    /// `None` is before every version.
    at: Option<Version>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

/// Whether a version lies in a range; `None` for ranges of commits.
fn contains(range: &Range, ecosystem: Ecosystem, version: Option<&Version>) -> Result<Option<bool>, String> {
    match range.kind {
        RangeKind::Git => return Ok(None),
        RangeKind::Other => return Err("it has a range of an unknown kind".to_owned()),
        RangeKind::Semver | RangeKind::Ecosystem => {}
    }
    let (turns, limits) = timeline(range, ecosystem)?;
    let version = version.ok_or("the version cannot be compared with its ranges")?;
    let before = |limit: &Option<Version>| limit.as_ref().is_none_or(|limit| version.against(limit) == Ordering::Less);
    if !limits.is_empty() && !limits.iter().any(before) {
        return Ok(Some(false));
    }
    let mut inside = false;
    for turn in turns {
        let order = turn.at.as_ref().map_or(Ordering::Greater, |at| version.against(at));
        match turn.kind {
            Kind::Introduced if order != Ordering::Less => inside = true,
            Kind::Fixed if order != Ordering::Less => inside = false,
            Kind::LastAffected if order == Ordering::Greater => inside = false,
            Kind::Introduced | Kind::Fixed | Kind::LastAffected => {}
        }
    }
    Ok(Some(inside))
}

/// The turns of a range in order, and its limits; a limit of `None` is none.
fn timeline(range: &Range, ecosystem: Ecosystem) -> Result<(Vec<Turn>, Vec<Option<Version>>), String> {
    let read = |text: &str| {
        let refuse = || format!("`{}` in its ranges is not a version", Untrusted::new(text).excerpt(40));
        Version::parse(ecosystem, text).ok_or_else(refuse)
    };
    let (mut turns, mut limits) = (Vec::with_capacity(range.events.len()), Vec::new());
    for event in &range.events {
        let (at, kind) = match event {
            Event::Introduced(zero) if zero == "0" => (None, Kind::Introduced),
            Event::Introduced(version) => (Some(read(version)?), Kind::Introduced),
            Event::Fixed(version) => (Some(read(version)?), Kind::Fixed),
            Event::LastAffected(version) => (Some(read(version)?), Kind::LastAffected),
            Event::Limit(star) if star == "*" => {
                limits.push(None);
                continue;
            }
            Event::Limit(version) => {
                limits.push(Some(read(version)?));
                continue;
            }
            Event::Other => return Err("its ranges have an unknown event".to_owned()),
        };
        turns.push(Turn { at, kind });
    }
    if !turns.iter().any(|turn| turn.kind == Kind::Introduced) {
        return Err("it has a range that begins nowhere".to_owned());
    }
    // A last affected version ends after itself, so whatever else happens at that version happens before. Else equal ones stay as written.
    turns.sort_by(|a, b| {
        let order = match (&a.at, &b.at) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => a.order(b),
        };
        order.then_with(|| (a.kind == Kind::LastAffected).cmp(&(b.kind == Kind::LastAffected)))
    });
    Ok((turns, limits))
}

/// The smallest version above a package's that a record calls fixed and that none of these records means; a final one if there is any.
pub fn fixed(records: &[&Advisory], package: &PackageId) -> Option<String> {
    let own = Version::parse(package.ecosystem(), package.version())?;
    let affected = records.iter().flat_map(|record| record.about(package.ecosystem(), package.name()));
    let events = affected.flat_map(|affected| &affected.ranges).filter(|range| range.kind != RangeKind::Git);
    let fixes = events.flat_map(|range| &range.events).filter_map(|event| match event {
        Event::Fixed(version) => Some((Version::parse(package.ecosystem(), version)?, version.as_str())),
        _ => None,
    });
    let good = |version: &str| {
        let other = PackageId::new(package.ecosystem(), package.name().clone(), version).ok()?;
        let fine = records.iter().all(|record| evaluate(record, &other) == Answer::NotAffected);
        fine.then(|| version.to_string())
    };
    let mut above: Vec<(Version, &str)> = fixes.filter(|(fix, _)| own.against(fix) == Ordering::Less).collect();
    above.sort_by(|a, b| (a.0.is_prerelease().cmp(&b.0.is_prerelease())).then_with(|| a.0.order(&b.0)));
    above.iter().find_map(|(_, version)| good(version))
}
