//! What every source answers, and what it is told: the seam between sources and the root.
use std::collections::BTreeSet;

use mcpsec_model::{
    candidate::Candidate,
    package::PackageId,
    target::Targets,
    time::{AsOf, Timestamp},
};

use crate::download::Download;

/// Options common to all sources.
#[derive(Clone, Debug)]
pub struct ResolveOptions {
    /// Platforms and Python versions to lock for.
    pub targets: Targets,
    /// Resolve as the registry stood then.
    pub as_of: Option<AsOf>,
    /// Prefer versions that have been out for a while.
    pub maturity: Option<Maturity>,
}

/// Which versions are held back: a requirement takes the newest version that is old enough. Where only younger ones fit, the
/// newest of those is taken all the same, and whoever judges the result says so.
#[derive(Clone, Debug)]
pub struct Maturity {
    /// Versions published after this instant are young. Versions whose time nobody tells are not.
    pub published_by: Timestamp,
    /// These are never young: what is locked already, and what the policy exempts.
    pub exempt: BTreeSet<PackageId>,
}

impl Maturity {
    /// Whether a version is held back.
    pub fn is_young(&self, name: &str, version: &str, published: Timestamp) -> bool {
        let is_exempt = |id: &PackageId| id.name().as_str() == name && id.version() == version;
        published > self.published_by && !self.exempt.iter().any(is_exempt)
    }
}

/// A newer version of what was asked for that is too young.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PassedOver {
    /// The version.
    pub version: String,
    /// When it was published, as the registry says.
    pub published: Timestamp,
}

/// What a registry tells of a version's age. Unsigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// At this time.
    At(Timestamp),
    /// At this time or before: the whole record has not changed since.
    By(Timestamp),
    /// The record's times are those at which a mirror copied it: published then or before.
    Copied(Timestamp),
    /// Nobody tells.
    Untold,
}

/// A version that is newer than a locked one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewVersion {
    /// The version.
    pub version: String,
    /// When it was published, where the registry tells unasked.
    pub published: Option<Timestamp>,
}

/// What is newer than a locked version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Newest {
    /// The newest version that the spec allows.
    pub in_range: Option<NewVersion>,
    /// The newest version, where the spec does not allow it.
    pub beyond: Option<NewVersion>,
}

/// A candidate with everything needed to fetch it.
#[derive(Debug)]
pub struct Resolved {
    /// The closure and its packages.
    pub candidate: Candidate,
    /// One entry for every artifact of the candidate, of every platform; the root decides which are needed here.
    pub downloads: Vec<Download>,
    /// The newest version of the server itself that would have been taken, were it older.
    pub passed_over: Option<PassedOver>,
}
