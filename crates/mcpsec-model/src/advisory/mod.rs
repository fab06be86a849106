//! Advisories: what is publicly known to be wrong with versions of packages, in the form of the OSV schema 1.x.
//!
//! A record is read by [`Advisory::read`] and never repaired: one that cannot be understood is an [`Unread`], which makes the packages
//! it names unchecked, not good. Which versions a record means is decided in `mcpsec-audit`; here are only its words.
mod grade;
mod read;
mod reduce;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use smol_str::SmolStr;

pub use grade::{Grade, Graded};
pub use read::{AdvisoryError, MAX_RECORD};
pub use reduce::{Reduced, reduce};

use crate::{
    name::{Ecosystem, PackageName},
    package::PackageId,
    text::Untrusted,
    time::Timestamp,
};

/// The name of an advisory: `GHSA-…`, `MAL-…`, `PYSEC-…`, `CVE-…`. 1 to 100 ASCII letters, digits and `-_.:`, starting with a letter or
/// digit, so that it can stand in a subject, a path segment and a file name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdvisoryId(SmolStr);

/// Why a text is not the name of an advisory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of an advisory such as GHSA-v6h2-p8h4-qcjw")]
pub struct AdvisoryIdError(String);

impl AdvisoryId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id alone says that a record is about malicious code (OSV's `MAL-` database).
    pub fn is_malware(&self) -> bool {
        self.0.starts_with("MAL-")
    }
}

impl FromStr for AdvisoryId {
    type Err = AdvisoryIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !text.contains("..");
        if fits { Ok(Self(text.into())) } else { Err(AdvisoryIdError(Untrusted::new(text).excerpt(60))) }
    }
}

impl fmt::Display for AdvisoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AdvisoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// One record, as far as it is about packages that mcpsec can lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advisory {
    /// Its own id.
    pub id: AdvisoryId,
    /// Ids of the same thing in other databases, sorted, without its own.
    pub aliases: Vec<AdvisoryId>,
    /// One line, or the beginning of the details where there is none.
    pub summary: Option<Untrusted>,
    /// How bad it is, if the record says so.
    pub graded: Option<Graded>,
    /// Whether it is about code that is meant to harm, rather than about a mistake.
    pub malicious: bool,
    /// When the record last changed.
    pub modified: Timestamp,
    /// When it was taken back. Such a record is about nothing any more.
    pub withdrawn: Option<Timestamp>,
    /// The packages of npm and PyPI that it names; those of other ecosystems are left out.
    pub affected: Vec<Affected>,
    /// Where to read more: http and https addresses, at most 10.
    pub references: Vec<Untrusted>,
}

/// What a record says about one package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Affected {
    /// npm or PyPI.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: PackageName,
    /// Versions that are named one by one.
    pub versions: Vec<SmolStr>,
    /// Ranges of versions.
    pub ranges: Vec<Range>,
}

/// A timeline of versions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Range {
    /// How its events are ordered.
    pub kind: RangeKind,
    /// In the order of the record.
    pub events: Vec<Event>,
}

/// How the events of a range are ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RangeKind {
    /// By Semantic Versioning.
    Semver,
    /// As the package's own ecosystem orders versions.
    Ecosystem,
    /// By the history of a repository: nothing that a package's version could be compared with.
    Git,
    /// A kind of a later schema.
    Other,
}

/// A turn in a timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// From this version on it is there. `0` is before every version.
    Introduced(SmolStr),
    /// From this version on it is gone.
    Fixed(SmolStr),
    /// The last version in which it is.
    LastAffected(SmolStr),
    /// Nothing is said about this version and later ones. `*` is no limit.
    Limit(SmolStr),
    /// An event of a later schema.
    Other,
}

/// A record that cannot be understood. What it says about the packages it names is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unread {
    /// Its id as far as it can be told, escaped.
    pub id: String,
    /// Why, escaped.
    pub why: String,
}

/// A record about a package, understood or not.
pub type Record = Result<Advisory, Unread>;

impl Advisory {
    /// What the record says about a package; a record may name one several times.
    pub fn about(&self, ecosystem: Ecosystem, name: &PackageName) -> impl Iterator<Item = &Affected> {
        self.affected.iter().filter(move |affected| affected.ecosystem == ecosystem && affected.name == *name)
    }

    /// Its id and its aliases.
    pub fn ids(&self) -> impl Iterator<Item = &AdvisoryId> {
        std::iter::once(&self.id).chain(&self.aliases)
    }
}

/// What a finding of an advisory is about: `npm:left@1.0.3#GHSA-v6h2-p8h4-qcjw`. An exemption that names it lifts exactly this advisory for
/// exactly this version.
pub fn subject(package: &PackageId, id: &AdvisoryId) -> String {
    format!("{package}#{id}")
}

/// The package of such a subject; `None` for any other text.
pub fn package_of(subject: &str) -> Option<PackageId> {
    let (package, id) = subject.rsplit_once('#')?;
    id.parse::<AdvisoryId>().ok()?;
    package.parse().ok().filter(|package: &PackageId| package.ecosystem() != Ecosystem::Git)
}

/// The word of the OSV schema for an ecosystem; git has none.
pub fn ecosystem_word(ecosystem: Ecosystem) -> Option<&'static str> {
    match ecosystem {
        Ecosystem::Npm => Some("npm"),
        Ecosystem::Pypi => Some("PyPI"),
        Ecosystem::Git => None,
    }
}

/// The ecosystem that a word of the OSV schema means. What may follow a colon there are distributions of operating systems.
pub(crate) fn ecosystem_of(word: &str) -> Option<Ecosystem> {
    [Ecosystem::Npm, Ecosystem::Pypi]
        .into_iter()
        .find(|ecosystem| ecosystem_word(*ecosystem).is_some_and(|known| known.eq_ignore_ascii_case(word)))
}
