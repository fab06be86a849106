//! Versions and version sets: guarded parsing of strangers' text, and PEP 440 specifiers as ranges for the solver.
//!
//! `pep440_rs` turns specifiers into ranges, but its `==1.0` and `<=1.0` do not contain `1.0+local`, as PEP 440 (§ Version
//! matching, § Inclusive ordered comparison) asks; [`range_of`] does. Numbers of more than 18 digits are refused before
//! parsing, because `pep440_rs` adds one to components.
use std::ops::Bound;

use pep440_rs::{LocalSegment, Operator, Version, VersionSpecifier, VersionSpecifiers};
use pubgrub::Ranges;

/// A set of versions, as the solver handles it.
pub(super) type VersionSet = Ranges<Version>;

/// Longest version text that is looked at; real ones stay below 64.
const MAX_VERSION: usize = 128;
/// Longest list of specifiers that is looked at.
const MAX_SPECIFIERS: usize = 2048;

/// Reads a version, refusing texts that are too long or hold absurd numbers.
pub(super) fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    (text.len() <= MAX_VERSION && has_sane_numbers(text)).then(|| text.parse().ok()).flatten()
}

/// Reads specifiers of `Requires-Python`. Two spellings that PEP 440 forbids and old packages use are understood, as pip
/// and uv do: `>=3.6.*` (the star is dropped) and a trailing comma.
pub(super) fn lenient_specifiers(text: &str) -> Option<VersionSpecifiers> {
    let text = text.trim().trim_matches(['"', '\'']);
    if text.len() > MAX_SPECIFIERS || !has_sane_numbers(text) {
        return None;
    }
    if let Ok(specifiers) = text.parse() {
        return Some(specifiers);
    }
    let parts: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_suffix(".*") {
            Some(rest) if part.starts_with(['<', '>', '~']) => rest.to_owned(),
            _ => part.to_owned(),
        })
        .collect();
    parts.join(",").parse().ok()
}

/// Whether no run of digits is longer than 18, so that every number fits 64 bits with room to spare.
pub(super) fn has_sane_numbers(text: &str) -> bool {
    let mut run = 0;
    text.bytes().all(|b| {
        run = if b.is_ascii_digit() { run + 1 } else { 0 };
        run <= 18
    })
}

/// The versions that all specifiers allow.
pub(super) fn range_of(specifiers: &VersionSpecifiers) -> VersionSet {
    specifiers.iter().fold(VersionSet::full(), |range, one| range.intersection(&range_of_one(one)))
}

fn range_of_one(specifier: &VersionSpecifier) -> VersionSet {
    let version = specifier.version();
    match specifier.operator() {
        Operator::Equal if !version.is_local() => with_locals(version),
        Operator::NotEqual if !version.is_local() => with_locals(version).complement(),
        Operator::LessThanEqual if !version.is_local() => VersionSet::lower_than(last_local(version)),
        _ => VersionSet::from(specifier.clone()),
    }
}

fn with_locals(version: &Version) -> VersionSet {
    VersionSet::from_range_bounds(version.clone()..=last_local(version))
}

/// A version after every local version that [`version`] lets through.
fn last_local(version: &Version) -> Version {
    version.clone().with_local(vec![LocalSegment::Number(u64::MAX)])
}

/// A text of ranges as people write them: `>=1.0, <=1.0+<last local>` becomes `==1.0`, other bounds lose the local part.
pub(super) fn readable(text: &str) -> String {
    let last = format!("+{}", u64::MAX);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&last) {
        let (before, after) = (&rest[..at], &rest[at + last.len()..]);
        out.push_str(before);
        if let Some(bound) = out.rfind("<=") {
            let version = out[bound + 2..].to_owned();
            let both = format!(">={version}, <={version}");
            if out.ends_with(&both) {
                out.truncate(out.len() - both.len());
                out.push_str("==");
                out.push_str(&version);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether a range allows one public version only (with its local variants), as `==` and `===` make it.
pub(super) fn is_pinned(range: &VersionSet) -> bool {
    match range.bounding_range() {
        Some((Bound::Included(low), Bound::Included(high))) => {
            low == high || low.clone().without_local() == high.clone().without_local()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(specifiers: &str, candidate: &str) -> bool {
        range_of(&specifiers.parse().expect("specifiers")).contains(&candidate.parse().expect("version"))
    }

    #[test]
    fn ranges_follow_pep_440() {
        for (specifiers, candidate, want) in [
            ("==1.0", "1.0+cpu", true),
            ("==1.0", "1.0.0", true),
            ("==1.0+cpu", "1.0", false),
            ("!=1.0", "1.0+cpu", false),
            ("<=1.0", "1.0+cpu", true),
            (">1.0", "1.0+cpu", false),
            (">1.0", "1.0.post1", false),
            ("<1.0", "1.0rc1", false),
            ("<=1.0", "1.0rc1", true),
            ("==1.*", "1.5", true),
            ("~=1.4.2", "1.5", false),
            ("~=1.4", "1.5", true),
            ("===1.0", "1.0", true),
            (">=1,<2,!=1.5", "1.5", false),
        ] {
            assert_eq!(allows(specifiers, candidate), want, "{candidate} in {specifiers}");
        }
    }

    #[test]
    fn ranges_in_messages_look_as_written() {
        let range = |text: &str| range_of(&text.parse().expect("specifiers")).to_string();
        for (text, want) in [("==1.0", "==1.0"), ("<=1.0", "<=1.0"), (">=1.0", ">=1.0"), ("==1.0,==1.0", "==1.0")] {
            assert_eq!(readable(&format!("a {} b", range(text))), format!("a {want} b"));
        }
    }

    #[test]
    fn only_equality_pins() {
        let pinned = |text: &str| is_pinned(&range_of(&text.parse().expect("specifiers")));
        assert!(pinned("==1.0") && pinned("===1.0") && pinned("==1.0+x") && pinned("==1.0,>0.5"));
        assert!(!pinned("==1.*") && !pinned(">=1") && !pinned("<=1") && !pinned(""));
    }

    #[test]
    fn absurd_numbers_are_refused_and_old_spellings_understood() {
        assert!(version("1.18446744073709551615").is_none());
        assert!(version(&"1.".repeat(200)).is_none());
        assert!(lenient_specifiers("==18446744073709551615.*").is_none());
        for (text, want) in [(">=3.6.*", ">=3.6"), (">=3.8,", ">=3.8"), (">=2.7, !=3.0.*", ">=2.7, !=3.0.*")] {
            assert_eq!(lenient_specifiers(text).map(|s| s.to_string()).as_deref(), Some(want));
        }
        assert!(lenient_specifiers("python3").is_none());
    }
}
