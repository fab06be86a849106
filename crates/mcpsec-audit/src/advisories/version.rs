//! Versions in the order of their ecosystem, for comparing a locked version with what a record names.
//!
//! npm: Semantic Versioning 2.0.0 §11, where build metadata has no precedence. Python: PEP 440, where a local label counts only if the
//! other side has one, as in `==` and `<=` of PEP 440: `1.0+cu118` is a build of `1.0`.
use std::cmp::Ordering;

use mcpsec_model::name::Ecosystem;

/// A version that can be compared with others of its ecosystem.
#[derive(Clone, Debug)]
pub(super) enum Version {
    Npm(semver::Version),
    Pypi(pep440_rs::Version),
}

impl Version {
    /// Reads a version; `None` when its ecosystem knows no such thing.
    pub(super) fn parse(ecosystem: Ecosystem, text: &str) -> Option<Self> {
        match ecosystem {
            Ecosystem::Npm => npm(text).map(Self::Npm),
            Ecosystem::Pypi => text.parse().ok().map(Self::Pypi),
            Ecosystem::Git => None,
        }
    }

    /// How this version stands to a point that a record names.
    pub(super) fn against(&self, point: &Self) -> Ordering {
        match (self, point) {
            (Self::Npm(own), Self::Npm(point)) => own.cmp_precedence(point),
            (Self::Pypi(own), Self::Pypi(point)) if own.is_local() && !point.is_local() => {
                own.clone().without_local().cmp(point)
            }
            (Self::Pypi(own), Self::Pypi(point)) => own.cmp(point),
            // Both sides come from one ecosystem.
            (Self::Npm(_), Self::Pypi(_)) => Ordering::Less,
            (Self::Pypi(_), Self::Npm(_)) => Ordering::Greater,
        }
    }

    /// How two points of a record stand to one another.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Pypi(own), Self::Pypi(other)) => own.cmp(other),
            _ => self.against(other),
        }
    }

    /// Whether it is not meant for everybody yet.
    pub(super) fn is_prerelease(&self) -> bool {
        match self {
            Self::Npm(version) => !version.pre.is_empty(),
            Self::Pypi(version) => version.any_prerelease(),
        }
    }
}

/// As npm reads them: with a `v` or `=` before them, and in records sometimes without minor or patch.
fn npm(text: &str) -> Option<semver::Version> {
    let text = text.trim().trim_start_matches(['v', '=']).trim_start();
    if let Ok(version) = semver::Version::parse(text) {
        return Some(version);
    }
    let short = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let missing = 3_usize.checked_sub(text.split('.').count()).filter(|missing| short && *missing > 0)?;
    semver::Version::parse(&format!("{text}{}", ".0".repeat(missing))).ok()
}
