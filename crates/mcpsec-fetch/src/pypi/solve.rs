//! One resolution: the targets in their order, each solved on a thread while the prefetcher runs here.
//!
//! The newest Python is solved first, on Linux x86-64 if that is a target; its versions are preferred by the targets after
//! it (as uv prefers the versions of an existing lock), so that the union holds each project once wherever possible. A
//! single target therefore gets exactly the newest solution.
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::Arc,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use mcpsec_model::{
    name::PackageName,
    target::{Platform, PythonMinor, Target, Targets},
    text::Untrusted,
    time::AsOf,
};
use pep440_rs::Version;
use pubgrub::{DefaultStringReporter, PubGrubError, Reporter as _};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};

use super::{
    catalog::Catalog,
    environment::Environment,
    error::PypiError,
    provider::{Notes, Pkg, Provider, Stop},
    requirement::Requirement,
    specifiers,
    warm::Warmer,
};
use crate::{
    progress::{Event, Progress},
    resolve::Maturity,
};

/// Longest explanation of a conflict, in characters.
const MAX_REPORT: usize = 2_000;
/// Minors tried after the default ones, for packages that support fewer than two of those.
const FURTHER_MINORS: [PythonMinor; 4] =
    [PythonMinor::new(3, 10), PythonMinor::new(3, 9), PythonMinor::new(3, 8), PythonMinor::new(3, 15)];

/// What is asked for.
pub(super) struct Question {
    /// For messages: the spec, safe to print.
    pub(super) label: String,
    /// The requested package, whose version every target must share. `None` for a project that is not on an index.
    pub(super) name: Option<PackageName>,
    pub(super) requirements: Arc<Vec<Requirement>>,
    pub(super) targets: Targets,
    pub(super) as_of: Option<AsOf>,
    pub(super) maturity: Option<Arc<Maturity>>,
    /// `Requires-Python` of a project that is not on an index.
    pub(super) requires_python: Option<pep440_rs::VersionSpecifiers>,
}

/// The versions of one target.
pub(super) struct Solution {
    pub(super) environment: Environment,
    pub(super) versions: BTreeMap<Pkg, Version>,
}

/// All targets.
pub(super) struct Answer {
    pub(super) solutions: Vec<Solution>,
    /// Targets without a solution, each with the reason.
    pub(super) unsolved: Vec<(Target, String)>,
    /// The tags that chose the files whose metadata was read.
    pub(super) metadata_tags: uv_platform_tags::Tags,
}

/// One target's outcome: versions, or the explanation of a conflict.
enum Outcome {
    Solved(BTreeMap<Pkg, Version>),
    Conflict { report: String, unsupported: Option<PypiError> },
}

/// Resolves for every target.
pub(super) async fn solve(
    catalog: &Arc<Catalog>,
    question: Question,
    progress: &dyn Progress,
) -> Result<Answer, PypiError> {
    let explicit = question.targets.pythons.is_some();
    let mut minors: Vec<PythonMinor> = match &question.targets.pythons {
        Some(pythons) => pythons.iter().rev().copied().collect(),
        None => PythonMinor::DEFAULT.into_iter().rev().chain(FURTHER_MINORS).collect(),
    };
    if let Some(need) = &question.requires_python {
        minors = supported(&minors, need, explicit);
    }
    let platforms = platform_order(&question.targets);
    let environments = |minors: &[PythonMinor]| -> Vec<Environment> {
        let targets = minors
            .iter()
            .flat_map(|minor| platforms.iter().map(|platform| Target { platform: *platform, python: Some(*minor) }));
        targets.filter_map(|target| Environment::of(&target)).collect()
    };
    let mut queue = environments(&minors);
    let Some(first) = queue.first().cloned() else {
        let reason = "no platform with a CPython version it supports".to_owned();
        return Err(PypiError::NoTarget { spec: question.label, reason });
    };
    // Guesses look at the default minors only: the further ones are hardly ever needed.
    let guessed: Vec<Environment> =
        queue.iter().filter(|e| explicit || is_default(e.target().python)).cloned().collect();
    let guessed = Arc::new(if guessed.is_empty() { vec![first.clone()] } else { guessed });
    let mut warmer = Warmer::new(Arc::clone(catalog), guessed, question.as_of, question.maturity.clone());

    let mut answer = Answer { solutions: Vec::new(), unsolved: Vec::new(), metadata_tags: first.tags().clone() };
    let mut requirements = Arc::clone(&question.requirements);
    let mut preferences: BTreeMap<PackageName, Vec<Version>> = BTreeMap::new();
    let mut unsupported = None;
    let mut first_report = None;
    let mut at = 0;
    while let Some(environment) = queue.get(at).cloned() {
        at += 1;
        let task = Task {
            catalog,
            label: &question.label,
            environment: environment.clone(),
            metadata_tags: first.tags().clone(),
            as_of: question.as_of,
            maturity: question.maturity.clone(),
            requirements: Arc::clone(&requirements),
            preferences: Arc::new(preferences.clone()),
        };
        match run(task, &mut warmer, progress).await? {
            Outcome::Conflict { report, unsupported: found } => {
                unsupported = unsupported.or(found);
                first_report.get_or_insert_with(|| (environment.target(), report.clone()));
                answer.unsolved.push((environment.target(), report));
            }
            Outcome::Solved(versions) => {
                for (package, version) in &versions {
                    if let Pkg::Base(name) = package {
                        let known = preferences.entry(name.clone()).or_default();
                        if !known.contains(version) {
                            known.push(version.clone());
                        }
                    }
                }
                let is_first = answer.solutions.is_empty();
                if is_first && let Some(version) = question.name.clone().and_then(|name| versions.get(&Pkg::Base(name)))
                {
                    // One version of the requested package for all targets, and only the minors which that supports.
                    requirements = Arc::new(pin(&requirements, version));
                    let need = requires_python(catalog, &question, version, &first).await?;
                    if !explicit {
                        let minors = need.map_or_else(
                            || PythonMinor::DEFAULT.into_iter().rev().collect(),
                            |need| supported(&minors, &need, false),
                        );
                        answer
                            .unsolved
                            .retain(|(target, _)| target.python.is_some_and(|minor| minors.contains(&minor)));
                        let done = environment.target();
                        queue = environments(&minors);
                        queue.retain(|e| e.target() != done && !answer.unsolved.iter().any(|(t, _)| *t == e.target()));
                        at = 0;
                    }
                }
                answer.solutions.push(Solution { environment, versions });
            }
        }
    }
    if answer.solutions.is_empty() {
        if let Some(error) = unsupported {
            return Err(error);
        }
        let (target, report) = first_report.ok_or(PypiError::Interrupted)?;
        return Err(PypiError::NoSolution { spec: question.label, target: target.to_string(), report });
    }
    answer.unsolved.sort();
    Ok(answer)
}

fn is_default(python: Option<PythonMinor>) -> bool {
    python.is_some_and(|python| PythonMinor::DEFAULT.contains(&python))
}

/// The default minors that `need` allows, newest first, and further ones until there are two. When minors were asked for
/// explicitly all of them stay: those not allowed end as targets without a solution, which is said.
fn supported(minors: &[PythonMinor], need: &pep440_rs::VersionSpecifiers, explicit: bool) -> Vec<PythonMinor> {
    if explicit {
        return minors.to_vec();
    }
    let allowed: Vec<PythonMinor> = minors
        .iter()
        .copied()
        .filter(|minor| {
            let target = Target { platform: Platform::LinuxX8664Gnu, python: Some(*minor) };
            Environment::of(&target).is_some_and(|environment| need.contains(environment.python()))
        })
        .collect();
    let mut chosen: Vec<PythonMinor> = allowed.iter().copied().filter(|minor| is_default(Some(*minor))).collect();
    for minor in allowed {
        if chosen.len() < 2 && !chosen.contains(&minor) {
            chosen.push(minor);
        }
    }
    chosen
}

/// Linux x86-64 first, since its wheels are the most complete; then by name.
fn platform_order(targets: &Targets) -> Vec<Platform> {
    let mut platforms: Vec<Platform> = targets.platforms.iter().copied().collect();
    platforms.sort_by_key(|platform| (*platform != Platform::LinuxX8664Gnu, *platform));
    platforms
}

fn pin(requirements: &[Requirement], version: &Version) -> Vec<Requirement> {
    let range = specifiers::VersionSet::singleton(version.clone());
    requirements.iter().map(|requirement| requirement.clone().narrowed(&range)).collect()
}

async fn requires_python(
    catalog: &Arc<Catalog>,
    question: &Question,
    version: &Version,
    first: &Environment,
) -> Result<Option<pep440_rs::VersionSpecifiers>, PypiError> {
    let Some(name) = &question.name else { return Ok(None) };
    let page = catalog.page(name, crate::http::Freshness::Cached).await?;
    let Some(release) = page.get(version) else { return Ok(None) };
    let metadata = catalog.metadata(&page, release, first.tags(), question.as_of).await;
    let said = metadata.ok().and_then(|metadata| metadata.requires_python.clone());
    Ok(said.or_else(|| release.files().iter().find_map(|file| file.requires_python.clone())))
}

struct Task<'a> {
    catalog: &'a Arc<Catalog>,
    label: &'a str,
    environment: Environment,
    metadata_tags: uv_platform_tags::Tags,
    as_of: Option<AsOf>,
    maturity: Option<Arc<Maturity>>,
    requirements: Arc<Vec<Requirement>>,
    preferences: Arc<BTreeMap<PackageName, Vec<Version>>>,
}

/// Solves one target on a blocking thread and prefetches meanwhile. Dropping this future stops both.
async fn run(task: Task<'_>, warmer: &mut Warmer, progress: &dyn Progress) -> Result<Outcome, PypiError> {
    let (wants, mut wanted) = mpsc::unbounded_channel();
    // Dropped when this function ends, which tells the solver that nobody waits any more.
    let (alive, cancelled) = watch::channel(());
    let provider = Provider {
        catalog: Arc::clone(task.catalog),
        handle: Handle::current(),
        cancelled,
        wants,
        environment: task.environment,
        metadata_tags: task.metadata_tags,
        as_of: task.as_of,
        maturity: task.maturity,
        root: task.requirements,
        preferences: task.preferences,
        notes: RefCell::new(Notes::default()),
        decisions: Cell::new(0),
    };
    let mut solver = tokio::task::spawn_blocking(move || decide(&provider));
    let mut running = FuturesUnordered::new();
    let outcome = loop {
        tokio::select! {
            outcome = &mut solver => break outcome,
            Some(want) = wanted.recv() => running.extend(warmer.start(want)),
            Some(prepared) = running.next(), if !running.is_empty() => {
                let name = PackageName::clone(&prepared.name);
                let (is_new, more) = warmer.finish(prepared);
                if is_new {
                    progress.event(Event::MetadataFetched { name: name.as_str() });
                }
                running.extend(more.into_iter().filter_map(|want| warmer.start(want)));
            }
        }
    };
    drop(alive);
    match outcome {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(Stop::Pypi(error))) => Err(error),
        Ok(Err(Stop::Limit(reason))) => Err(PypiError::Limit { spec: task.label.to_owned(), reason }),
        Err(_) => Err(PypiError::Interrupted),
    }
}

fn decide(provider: &Provider) -> Result<Outcome, Stop> {
    match pubgrub::resolve(provider, Pkg::Root, Version::new([0])) {
        Ok(versions) => Ok(Outcome::Solved(versions.into_iter().collect())),
        Err(PubGrubError::NoSolution(tree)) => {
            let report = specifiers::readable(&DefaultStringReporter::report(&tree));
            let report = Untrusted::new(report.replace('\n', " ")).excerpt(MAX_REPORT);
            let notes = provider.notes.borrow();
            let unsupported = notes
                .urls
                .first()
                .map(|(from, url)| PypiError::UnsupportedDependency { path: notes.path_to(from), url: url.clone() });
            let unusable = notes.unusable.first().map(|(name, reason)| PypiError::UnusableFile {
                path: notes.path_to(name),
                reason: Untrusted::new(reason.as_str()).excerpt(MAX_REPORT),
            });
            let unsupported = unsupported.or(unusable);
            Ok(Outcome::Conflict { report, unsupported })
        }
        Err(
            PubGrubError::ErrorRetrievingDependencies { source, .. }
            | PubGrubError::ErrorChoosingVersion { source, .. }
            | PubGrubError::ErrorInShouldCancel(source),
        ) => Err(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_two_minors_when_the_package_has_them() {
        let all: Vec<PythonMinor> = PythonMinor::DEFAULT.into_iter().rev().chain(FURTHER_MINORS).collect();
        let of = |need: &str| -> Vec<String> {
            supported(&all, &need.parse().expect("specifiers"), false).iter().map(ToString::to_string).collect()
        };
        assert_eq!(of(">=3.10"), ["3.14", "3.13", "3.12", "3.11"]);
        assert_eq!(of(">=3.12,<3.13"), ["3.12"]);
        assert_eq!(of(">=3.10,<3.12"), ["3.11", "3.10"]);
        assert_eq!(of("<3.11"), ["3.10", "3.9"]);
        assert_eq!(of(">=3.14"), ["3.14", "3.15"]);
    }
}
