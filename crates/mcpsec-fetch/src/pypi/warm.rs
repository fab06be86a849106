//! Prefetching: asks for pages and metadata that the solver will want, while it is still busy with something else.
//!
//! Each requirement that becomes known is a [`Want`]: its page is fetched, the version the solver would take first is
//! guessed, that version's metadata is fetched, and its requirements for *any* of the targets become wants in turn. So the
//! whole likely closure of all targets arrives at the speed of its depth, not of its size. Guesses only fill the catalog;
//! what is decided never depends on them. Failures are left for the solver to meet.
use std::{collections::HashSet, str::FromStr as _, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use mcpsec_model::{name::PackageName, time::AsOf};
use pep440_rs::Version;
use pep508_rs::ExtraName;

use super::{
    catalog::Catalog,
    environment::Environment,
    requirement::Requirement,
    select::{self, Rules},
    specifiers::VersionSet,
};
use crate::{http::Freshness, resolve::Maturity};

/// Most guesses of one resolution.
const MAX_GUESSES: usize = 3_000;

/// A requirement worth preparing for.
#[derive(Clone, Debug)]
pub(super) struct Want {
    name: PackageName,
    extras: Vec<PackageName>,
    range: VersionSet,
    prereleases: bool,
}

impl Want {
    pub(super) fn of(requirement: &Requirement) -> Self {
        Self {
            name: requirement.name.clone(),
            extras: requirement.extras.clone(),
            range: requirement.range.clone(),
            prereleases: requirement.names_prerelease,
        }
    }
}

/// What a want led to.
pub(super) struct Prepared {
    pub(super) name: PackageName,
    version: Option<Version>,
    extras: Vec<PackageName>,
    wants: Vec<Want>,
}

/// Guesses made so far in one resolution.
pub(super) struct Warmer {
    catalog: Arc<Catalog>,
    environments: Arc<Vec<Environment>>,
    as_of: Option<AsOf>,
    maturity: Option<Arc<Maturity>>,
    ranges: HashSet<(PackageName, String)>,
    versions: HashSet<(PackageName, Version, Vec<PackageName>)>,
}

impl Warmer {
    /// `environments` are the targets, the first of which is solved first; never empty.
    pub(super) fn new(
        catalog: Arc<Catalog>,
        environments: Arc<Vec<Environment>>,
        as_of: Option<AsOf>,
        maturity: Option<Arc<Maturity>>,
    ) -> Self {
        Self { catalog, environments, as_of, maturity, ranges: HashSet::new(), versions: HashSet::new() }
    }

    /// The work for a want, unless the same was done before.
    pub(super) fn start(&mut self, want: Want) -> Option<BoxFuture<'static, Prepared>> {
        let key = format!("{:?}{}{}", want.extras, want.range, want.prereleases);
        if self.ranges.len() >= MAX_GUESSES || !self.ranges.insert((want.name.clone(), key)) {
            return None;
        }
        let (catalog, environments, as_of) = (Arc::clone(&self.catalog), Arc::clone(&self.environments), self.as_of);
        let maturity = self.maturity.clone();
        Some(async move { prepare(&catalog, &environments, as_of, maturity.as_deref(), want).await }.boxed())
    }

    /// The wants that follow; nothing when the same version was prepared before. The flag says whether it is new.
    pub(super) fn finish(&mut self, prepared: Prepared) -> (bool, Vec<Want>) {
        let Some(version) = prepared.version else { return (false, Vec::new()) };
        match self.versions.insert((prepared.name, version, prepared.extras)) {
            true => (true, prepared.wants),
            false => (false, Vec::new()),
        }
    }
}

async fn prepare(
    catalog: &Arc<Catalog>,
    environments: &[Environment],
    as_of: Option<AsOf>,
    maturity: Option<&Maturity>,
    want: Want,
) -> Prepared {
    let Want { name, extras, range, prereleases } = want;
    let mut prepared = Prepared { name, version: None, extras, wants: Vec::new() };
    let Some(first) = environments.first() else { return prepared };
    let Ok(page) = catalog.page(&prepared.name, Freshness::Cached).await else { return prepared };
    let rules =
        Rules { environment: first, as_of, maturity, prereleases, prereleases_if_needed: prereleases, preferred: &[] };
    let guess =
        environments.iter().find_map(|environment| select::choose(&page, &range, Rules { environment, ..rules }));
    let Some(release) = guess else { return prepared };
    prepared.version = Some(release.version.clone());
    let asked: Vec<ExtraName> = prepared.extras.iter().filter_map(|e| ExtraName::from_str(e.as_str()).ok()).collect();
    if let Ok(metadata) = catalog.metadata(&page, release, first.tags(), as_of).await {
        let takes = |requirement: &&Requirement| {
            requirement.url.is_none()
                && environments.iter().any(|environment| {
                    let markers = environment.markers();
                    requirement.applies(markers) || asked.iter().any(|e| requirement.applies_only_with(markers, e))
                })
        };
        prepared.wants = metadata.requirements.iter().filter(takes).map(Want::of).collect();
    }
    prepared
}
