//! The solver's view of an index: packages, versions to try, dependencies.
//!
//! A project is a package [`Pkg::Base`]; each of its extras in use is a package [`Pkg::Extra`] that brings the extra's own
//! dependencies and pins the base to the same version. The solver is synchronous and runs on a thread of its own; it waits
//! for the catalog here, while the prefetcher ([`super::warm`]) already asks for what it will want next. The order in which
//! packages are decided depends on requirements only, never on which answer came first, so equal input gives equal output.
use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    future::Future,
    str::FromStr as _,
    sync::Arc,
};

use mcpsec_model::{name::PackageName, time::AsOf};
use pep440_rs::Version;
use pep508_rs::ExtraName;
use pubgrub::{Dependencies, DependencyProvider, PackageResolutionStatistics};
use tokio::{
    runtime::Handle,
    sync::{mpsc::UnboundedSender, watch},
};
use uv_platform_tags::Tags;

use super::{
    catalog::{Catalog, FileError},
    environment::Environment,
    error::PypiError,
    page::Page,
    requirement::Requirement,
    select::{self, Rules},
    specifiers::{self, VersionSet},
    warm::Want,
};
use crate::{http::Freshness, resolve::Maturity};

/// Most decisions of one solution. Real closures need a few hundred; a hostile index could ask for endless backtracking.
const MAX_DECISIONS: usize = 50_000;
/// Most distinct projects of one solution.
const MAX_PROJECTS: usize = 5_000;
/// Conflicts after which a package is decided early.
const HOT: u32 = 5;

/// What the solver decides about.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Ord, PartialOrd)]
pub(super) enum Pkg {
    /// What was asked for.
    Root,
    /// A project.
    Base(PackageName),
    /// An extra of a project.
    Extra(PackageName, PackageName),
}

impl fmt::Display for Pkg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the request"),
            Self::Base(name) => write!(f, "{name}"),
            Self::Extra(name, extra) => write!(f, "{name}[{extra}]"),
        }
    }
}

/// Why the solver must stop altogether.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    Pypi(#[from] PypiError),
    #[error("{0}")]
    Limit(String),
}

/// One target's questions.
pub(super) struct Provider {
    pub(super) catalog: Arc<Catalog>,
    pub(super) handle: Handle,
    /// Its sender is dropped when nobody waits for the solution any more.
    pub(super) cancelled: watch::Receiver<()>,
    pub(super) wants: UnboundedSender<Want>,
    pub(super) environment: Environment,
    /// The tags that choose the file whose metadata speaks for a version: those of the first target.
    pub(super) metadata_tags: Tags,
    pub(super) as_of: Option<AsOf>,
    pub(super) maturity: Option<Arc<Maturity>>,
    pub(super) root: Arc<Vec<Requirement>>,
    pub(super) preferences: Arc<BTreeMap<PackageName, Vec<Version>>>,
    pub(super) notes: RefCell<Notes>,
    pub(super) decisions: Cell<usize>,
}

/// What the provider learns on the way.
#[derive(Default)]
pub(super) struct Notes {
    /// Projects in the order in which requirements named them.
    order: HashMap<PackageName, usize>,
    /// Named with a prerelease by the request itself, or by any requirement.
    direct_prereleases: HashSet<PackageName>,
    prereleases: HashSet<PackageName>,
    /// Who named a project first; for messages.
    parents: BTreeMap<PackageName, PackageName>,
    /// URL requirements met: the project that has it, and the URL.
    pub(super) urls: BTreeSet<(PackageName, String)>,
    /// Files whose metadata cannot be read safely: the project, and what is wrong.
    pub(super) unusable: BTreeSet<(PackageName, String)>,
}

impl Notes {
    /// `a > b > c`: how the request leads to a project.
    pub(super) fn path_to(&self, name: &PackageName) -> String {
        let mut path = vec![name.to_string()];
        let mut at = name;
        while let Some(parent) = self.parents.get(at)
            && path.len() < 32
        {
            path.push(parent.to_string());
            at = parent;
        }
        path.reverse();
        path.join(" > ")
    }
}

impl Provider {
    fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, Stop> {
        let mut cancelled = self.cancelled.clone();
        self.handle.block_on(async {
            tokio::select! {
                biased;
                answer = future => Ok(answer),
                _ = cancelled.changed() => Err(PypiError::Interrupted.into()),
            }
        })
    }

    /// The page, or `None` when no index has the name.
    fn page(&self, name: &PackageName) -> Result<Option<Arc<Page>>, Stop> {
        match self.wait(self.catalog.page(name, Freshness::Cached))? {
            Ok(page) => {
                if let Some(as_of) = self.as_of
                    && page.lacks_upload_times()
                {
                    return Err(PypiError::NoUploadTimes {
                        name: name.to_string(),
                        index: page.index.url().to_string(),
                        date: as_of.to_string(),
                    }
                    .into());
                }
                Ok(Some(page))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds one requirement to a package's dependencies.
    fn add(
        &self,
        dependencies: &mut BTreeMap<Pkg, VersionSet>,
        requirement: &Requirement,
        from: Option<&PackageName>,
    ) -> Result<(), String> {
        let name = &requirement.name;
        {
            let mut notes = self.notes.borrow_mut();
            if let Some(url) = &requirement.url {
                if let Some(from) = from {
                    notes.urls.insert((from.clone(), format!("{name} @ {url}")));
                }
                return Err(format!("it needs `{name} @ {url}`, which is not a project of an index"));
            }
            let next = notes.order.len();
            notes.order.entry(name.clone()).or_insert(next);
            if let Some(from) = from
                && from != name
                && !notes.parents.contains_key(name)
                && notes.path_to(from).split(" > ").all(|part| part != name.as_str())
            {
                notes.parents.insert(name.clone(), from.clone());
            }
            if requirement.names_prerelease {
                notes.prereleases.insert(name.clone());
                if from.is_none() {
                    notes.direct_prereleases.insert(name.clone());
                }
            }
        }
        // Nobody listens once the request has been given up; the solver then stops at its next question.
        let _sent = self.wants.send(Want::of(requirement));
        let mut insert = |package: Pkg| {
            let range = &requirement.range;
            dependencies
                .entry(package)
                .and_modify(|known| *known = known.intersection(range))
                .or_insert_with(|| range.clone());
        };
        insert(Pkg::Base(name.clone()));
        for extra in &requirement.extras {
            insert(Pkg::Extra(name.clone(), extra.clone()));
        }
        Ok(())
    }
}

impl DependencyProvider for Provider {
    type P = Pkg;
    type V = Version;
    type VS = VersionSet;
    type M = String;
    type Err = Stop;
    /// Larger is decided first: troublemakers, then exact pins, then whatever was named first.
    type Priority = (u8, Reverse<usize>);

    fn prioritize(
        &self,
        package: &Pkg,
        range: &VersionSet,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        match package {
            Pkg::Root => (9, Reverse(0)),
            Pkg::Base(name) | Pkg::Extra(name, _) => {
                let order = self.notes.borrow().order.get(name).copied().unwrap_or(usize::MAX);
                let class = if statistics.conflict_count() >= HOT {
                    4
                } else if specifiers::is_pinned(range) {
                    3
                } else {
                    1
                };
                (class, Reverse(order))
            }
        }
    }

    fn choose_version(&self, package: &Pkg, range: &VersionSet) -> Result<Option<Version>, Stop> {
        let name = match package {
            Pkg::Root => return Ok(Some(Version::new([0]))),
            Pkg::Base(name) | Pkg::Extra(name, _) => name,
        };
        let Some(page) = self.page(name)? else { return Ok(None) };
        let notes = self.notes.borrow();
        let rules = Rules {
            environment: &self.environment,
            as_of: self.as_of,
            maturity: self.maturity.as_deref(),
            prereleases: notes.direct_prereleases.contains(name),
            prereleases_if_needed: notes.prereleases.contains(name),
            preferred: self.preferences.get(name).map_or(&[], Vec::as_slice),
        };
        Ok(select::choose(&page, range, rules).map(|release| release.version.clone()))
    }

    fn get_dependencies(
        &self,
        package: &Pkg,
        version: &Version,
    ) -> Result<Dependencies<Pkg, VersionSet, String>, Stop> {
        let mut dependencies = BTreeMap::new();
        let (name, extra) = match package {
            Pkg::Root => {
                for requirement in self.root.iter() {
                    if let Err(reason) = self.add(&mut dependencies, requirement, None) {
                        return Ok(Dependencies::Unavailable(reason));
                    }
                }
                return Ok(Dependencies::Available(dependencies.into_iter().collect()));
            }
            Pkg::Base(name) => (name, None),
            Pkg::Extra(name, extra) => (name, Some(extra)),
        };
        let Some(page) = self.page(name)? else { return Ok(Dependencies::Unavailable("no index has it".to_owned())) };
        let Some(release) = page.get(version) else {
            return Ok(Dependencies::Unavailable("the index no longer lists it".to_owned()));
        };
        let asking = self.catalog.metadata(&page, release, &self.metadata_tags, self.as_of);
        let metadata = match self.wait(asking)? {
            Ok(metadata) => metadata,
            Err(FileError::Bad(reason)) => {
                self.notes.borrow_mut().unusable.insert((name.clone(), reason.clone()));
                return Ok(Dependencies::Unavailable(reason));
            }
            Err(FileError::Http(error)) => return Err(PypiError::Http(error).into()),
        };
        if let Some(need) = metadata.requires_python.as_ref().filter(|need| !need.contains(self.environment.python())) {
            return Ok(Dependencies::Unavailable(format!("it needs Python {need}")));
        }
        let asked = extra.map(|extra| ExtraName::from_str(extra.as_str()));
        let asked = match &asked {
            Some(Ok(extra)) => Some(extra),
            Some(Err(_)) => return Ok(Dependencies::Unavailable("the extra has no valid name".to_owned())),
            None => None,
        };
        for requirement in &metadata.requirements {
            let takes = match asked {
                Some(extra) => requirement.applies_only_with(self.environment.markers(), extra),
                None => requirement.applies(self.environment.markers()),
            };
            if takes && let Err(reason) = self.add(&mut dependencies, requirement, Some(name)) {
                return Ok(Dependencies::Unavailable(reason));
            }
        }
        if extra.is_some() {
            dependencies.insert(Pkg::Base(name.clone()), VersionSet::singleton(version.clone()));
        }
        // An extra that asks for itself again would be its own dependency, which says nothing.
        dependencies.remove(package);
        Ok(Dependencies::Available(dependencies.into_iter().collect()))
    }

    fn should_cancel(&self) -> Result<(), Stop> {
        self.decisions.set(self.decisions.get() + 1);
        if self.decisions.get() > MAX_DECISIONS {
            return Err(Stop::Limit(format!("more than {MAX_DECISIONS} decisions")));
        }
        if self.notes.borrow().order.len() > MAX_PROJECTS {
            return Err(Stop::Limit(format!("more than {MAX_PROJECTS} projects")));
        }
        if self.cancelled.has_changed().is_err() {
            return Err(PypiError::Interrupted.into());
        }
        Ok(())
    }
}
