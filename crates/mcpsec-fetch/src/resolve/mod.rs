//! What every source answers, and what it is told: the seam between sources and the root.
use mcpsec_model::{candidate::Candidate, target::Targets, time::AsOf};

use crate::download::Download;

/// Options common to all sources.
#[derive(Clone, Debug)]
pub struct ResolveOptions {
    /// Platforms and Python versions to lock for.
    pub targets: Targets,
    /// Resolve as the registry stood then.
    pub as_of: Option<AsOf>,
}

/// A candidate with everything needed to fetch it.
#[derive(Debug)]
pub struct Resolved {
    /// The closure and its packages.
    pub candidate: Candidate,
    /// One entry for every artifact of the candidate, of every platform; the root decides which are needed here.
    pub downloads: Vec<Download>,
}
