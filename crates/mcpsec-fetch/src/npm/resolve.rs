//! Runs `deno_npm`'s resolver over our registry, and repairs what it does not do.
//!
//! The resolver's futures cannot move between threads and its recursion is as deep as the graph, so it runs on a thread of
//! its own with a large stack.
//!
//! Where it chooses otherwise than npm, it is shown other records and run again (nothing is asked twice, a round costs
//! milliseconds): it fails when an optional dependency is missing, npm goes on without it; it takes the newest version of a
//! range, npm prefers one that is not deprecated; it takes the newest version although a peer asks for an older one, npm
//! looks for one that suits all, and gives a package a peer of its own where none does.
use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use deno_npm::{
    registry::{NpmPackageInfo, NpmRegistryApi, NpmRegistryPackageInfoLoadError},
    resolution::{
        AddPkgReqsOptions, NpmOverrides, NpmPackageVersionResolutionError, NpmResolutionError, NpmResolutionSnapshot,
        NpmVersionResolver, Reporter, SerializedNpmResolutionSnapshot, UnmetPeerDepDiagnostic,
    },
};
use deno_semver::{
    Version, VersionReq,
    package::{PackageNv, PackageReq},
};
use mcpsec_model::text::Untrusted;

use super::{
    NpmError,
    packument::Packument,
    record::VersionRecord,
    registry::{MAX_NAMES, Registry},
};

/// Stack of the resolver's thread; only touched pages cost memory.
const STACK: usize = 256 << 20;

/// How often a missing optional dependency may restart the resolution.
const MAX_RESTARTS: usize = 200;

/// A package that is not in any registry: the project at the root of a git closure.
#[derive(Clone)]
pub(crate) struct LocalRoot {
    /// A name that no registry package can have.
    pub(crate) name: String,
    /// Its record, made from its `package.json`.
    pub(crate) packument: Arc<Packument>,
}

/// What to resolve.
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) requirement: VersionReq,
    pub(crate) overrides: NpmOverrides,
    pub(crate) local: Option<LocalRoot>,
    pub(crate) as_of: Option<String>,
}

/// An optional dependency that was left out because the registry does not have it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Absent {
    pub(crate) name: String,
    /// The requirement that nothing matches; `None` when the registry has no such package at all.
    pub(crate) requirement: Option<String>,
}

/// The resolver's answer, in its own form.
pub(crate) struct Solved {
    pub(crate) snapshot: SerializedNpmResolutionSnapshot,
    pub(crate) absent: BTreeSet<Absent>,
}

/// Resolves on a thread of its own. The future can be sent; dropping it leaves the thread to finish its round.
pub(crate) async fn solve(registry: Arc<Registry>, request: Request) -> Result<Solved, NpmError> {
    let runtime = tokio::runtime::Handle::current();
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("npm-resolver".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let outcome = runtime.block_on(solve_here(&registry, &request));
            // Nobody waits any more when the future was dropped.
            let _dropped = send.send(outcome);
        })
        .map_err(|error| NpmError::Resolver(format!("cannot start a thread: {error}")))?;
    receive.await.map_err(|_| NpmError::Resolver("the resolver stopped unexpectedly".to_owned()))?
}

async fn solve_here(registry: &Arc<Registry>, request: &Request) -> Result<Solved, NpmError> {
    let mut tweaks = Tweaks::default();
    for _ in 0..MAX_RESTARTS {
        let round = round(registry, request, &tweaks, false).await?;
        match round.outcome {
            Ok(snapshot) if round.unmet.is_empty() => return Ok(solved(snapshot, tweaks)),
            Ok(snapshot) => {
                if tweaks.narrow(&round.unmet) {
                    continue;
                }
                // Sharing versions as widely as ranges allow satisfies some peers that choosing the newest does not.
                let shared = self::round(registry, request, &tweaks, true).await?;
                return Ok(match shared.outcome {
                    Ok(better) if shared.unmet.len() < round.unmet.len() => solved(better, tweaks),
                    _ => solved(snapshot, tweaks),
                });
            }
            Err(error) => {
                let (gone, error) = missing(error, request, &round.not_found)?;
                if !tweaks.adapt(registry, &gone, round.selected == 0) {
                    return Err(explain(error, trace(registry, request, &gone)));
                }
            }
        }
    }
    Err(NpmError::TooLarge { what: "dependencies that are missing or contradict each other", limit: MAX_RESTARTS })
}

fn solved(snapshot: NpmResolutionSnapshot, tweaks: Tweaks) -> Solved {
    Solved { snapshot: snapshot.as_valid_serialized().into_serialized(), absent: tweaks.absent }
}

/// What one run of the resolver gave.
struct Round {
    outcome: Result<NpmResolutionSnapshot, NpmResolutionError>,
    unmet: Vec<UnmetPeerDepDiagnostic>,
    not_found: BTreeMap<String, NpmError>,
    /// How many versions were selected before it ended.
    selected: usize,
}

async fn round(
    registry: &Arc<Registry>,
    request: &Request,
    tweaks: &Tweaks,
    share_versions: bool,
) -> Result<Round, NpmError> {
    let versions =
        NpmVersionResolver { overrides: Arc::new(request.overrides.clone()), ..NpmVersionResolver::default() };
    let root = PackageReq { name: request.name.as_str().into(), version_req: request.requirement.clone() };
    let selected = Selected::default();
    let api = Api {
        registry,
        local: request.local.as_ref(),
        tweaks,
        edited: RefCell::default(),
        failure: RefCell::default(),
        not_found: RefCell::default(),
        selected: &selected,
    };
    let options = AddPkgReqsOptions {
        package_reqs: std::slice::from_ref(&root),
        version_resolver: &versions,
        should_dedup: share_versions,
    };
    let result = NpmResolutionSnapshot::default().add_pkg_reqs(&api, options, Some(&selected)).await;
    // The resolver swallows failures of peers; they are failures all the same.
    if let Some(failure) = api.failure.take() {
        return Err(failure);
    }
    Ok(Round {
        outcome: result.dep_graph_result,
        unmet: result.unmet_peer_diagnostics,
        not_found: api.not_found.take(),
        selected: selected.count(),
    })
}

/// How the registry's records are shown to the resolver, so that it chooses as npm does.
#[derive(Default)]
struct Tweaks {
    /// Optional dependencies that are taken out.
    absent: BTreeSet<Absent>,
    /// Requirements that only deprecated versions satisfy.
    needed: BTreeMap<String, BTreeMap<String, VersionReq>>,
    /// Requirements that only young versions satisfy.
    hurried: BTreeMap<String, BTreeMap<String, VersionReq>>,
    /// Packages of which only versions are shown that satisfy these peer requirements.
    narrowed: BTreeMap<String, BTreeMap<String, VersionReq>>,
    /// Packages for which that was impossible.
    contradictory: BTreeSet<String>,
    /// Packages (name and version) that get a peer of their own, since what is around them has another version of it.
    own_peers: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Tweaks {
    /// Restricts packages to what unmet peers ask for, as npm looks for a version that suits a whole set of peers. Says whether
    /// anything changed.
    fn narrow(&mut self, unmet: &[UnmetPeerDepDiagnostic]) -> bool {
        let mut changed = false;
        for peer in unmet {
            let (name, requirement) = (peer.dependency.name.as_str(), &peer.dependency.version_req);
            if self.contradictory.contains(name) {
                let Some(parent) = peer.ancestors.first() else { continue };
                let owned = self.own_peers.entry((parent.name.to_string(), parent.version.to_string())).or_default();
                changed |= owned.insert(name.to_owned());
            } else if requirement.tag().is_none() {
                let requirements = self.narrowed.entry(name.to_owned()).or_default();
                changed |= requirements.insert(requirement.version_text().to_owned(), requirement.clone()).is_none();
            }
        }
        changed
    }

    /// Reacts to something that was not found. Says whether trying again makes sense.
    fn adapt(&mut self, registry: &Registry, gone: &Absent, is_root: bool) -> bool {
        let has_young = registry.known(&gone.name).is_some_and(|packument| !packument.young().is_empty());
        if let Some(narrowed) = self.narrowed.get(&gone.name).filter(|_| has_young) {
            let hurried = self.hurried.entry(gone.name.clone()).or_default();
            let before = hurried.len();
            hurried.extend(narrowed.iter().map(|(text, requirement)| (text.clone(), requirement.clone())));
            if hurried.len() > before {
                return true;
            }
        }
        if self.narrowed.remove(&gone.name).is_some() {
            self.contradictory.insert(gone.name.clone());
            return true;
        }
        if let Some(requirement) = &gone.requirement
            && registry.known(&gone.name).is_some_and(|packument| !packument.avoided().is_empty())
            && let Ok(parsed) = VersionReq::parse_from_npm(requirement)
            && self.needed.entry(gone.name.clone()).or_default().insert(requirement.clone(), parsed).is_none()
        {
            return true;
        }
        // Better one that is deprecated than one that is young, and better a young one than none.
        if let Some(requirement) = gone.requirement.as_ref().filter(|_| has_young)
            && let Ok(parsed) = VersionReq::parse_from_npm(requirement)
            && self.hurried.entry(gone.name.clone()).or_default().insert(requirement.clone(), parsed).is_none()
        {
            return true;
        }
        if is_root || !self.absent.insert(gone.clone()) {
            return false;
        }
        // Others that the registry is known to lack would each cost another round. Only optional dependencies are taken out,
        // so naming a required one here hides nothing.
        let others = registry.not_found().into_iter().map(|name| Absent { name, requirement: None });
        self.absent.extend(others);
        true
    }

    fn touches(&self, name: &str) -> bool {
        !self.absent.is_empty()
            || self.needed.contains_key(name)
            || self.hurried.contains_key(name)
            || self.narrowed.contains_key(name)
            || self.own_peers.keys().any(|(owner, _)| owner == name)
    }

    /// Whether the resolver may see a version.
    fn shows(&self, packument: &Packument, version: &str) -> bool {
        let name = packument.name();
        let Ok(parsed) = Version::parse_from_npm(version) else { return false };
        let lifted = |by: &BTreeMap<String, BTreeMap<String, VersionReq>>| {
            by.get(name).is_some_and(|requirements| {
                requirements.values().any(|requirement| match requirement.tag() {
                    Some(tag) => packument.tag(tag) == Some(version),
                    None => requirement.matches(&parsed),
                })
            })
        };
        let avoided = packument.avoided().contains(version) && !lifted(&self.needed)
            || packument.young().contains(version) && !lifted(&self.hurried);
        let narrowed = self.narrowed.get(name).is_some_and(|all| !all.values().all(|one| one.matches(&parsed)));
        !avoided && !narrowed
    }
}

/// What the resolver's error says is missing, and the error to give if it turns out to be required.
fn missing(
    error: NpmResolutionError,
    request: &Request,
    not_found: &BTreeMap<String, NpmError>,
) -> Result<(Absent, NpmError), NpmError> {
    use NpmPackageVersionResolutionError as Version;
    let (name, requirement) = match error {
        NpmResolutionError::Registry(NpmRegistryPackageInfoLoadError::PackageNotExists { package_name }) => {
            let known = not_found.get(&package_name).cloned();
            let error = known.unwrap_or_else(|| NpmError::Resolver(safe(&format!("no package {package_name}"))));
            return Ok((Absent { name: package_name, requirement: None }, error));
        }
        NpmResolutionError::Resolution(Version::VersionReqNotMatched { package_name, version_req, .. }) => {
            (package_name.to_string(), version_req.version_text().to_owned())
        }
        NpmResolutionError::Resolution(
            Version::DistTagNotFound { package_name, dist_tag }
            | Version::DistTagVersionNotFound { package_name, dist_tag, .. },
        ) => (package_name.to_string(), dist_tag),
        NpmResolutionError::Resolution(error) => return Err(NpmError::Resolver(safe(&error))),
        NpmResolutionError::Registry(error) => return Err(NpmError::Resolver(safe(&error))),
        NpmResolutionError::DependencyEntry(error) => {
            return Err(NpmError::Dependency {
                package: safe(&error.parent_nv),
                reason: safe(&format!("`{}`: `{}` is no version requirement", error.key, error.value)),
            });
        }
    };
    let error = NpmError::NoVersion {
        package: safe(&name),
        requirement: safe(&requirement),
        as_of: request.as_of.clone(),
        wanted_by: None,
    };
    Ok((Absent { name, requirement: Some(requirement) }, error))
}

/// Adds the way to the dependency.
fn explain(mut error: NpmError, path: Option<String>) -> NpmError {
    if let NpmError::NotFound { wanted_by, .. } | NpmError::NoVersion { wanted_by, .. } = &mut error {
        *wanted_by = path;
    }
    error
}

/// The shortest way from the server to a dependency that was not found, choosing versions as the resolver first would.
fn trace(registry: &Registry, request: &Request, gone: &Absent) -> Option<String> {
    let resolver = NpmVersionResolver::default();
    let mut seen = BTreeSet::new();
    let mut open = VecDeque::from([(request.name.clone(), request.requirement.clone(), String::new())]);
    while let Some((name, requirement, path)) = open.pop_front() {
        if seen.len() > MAX_NAMES || !seen.insert((name.clone(), requirement.version_text().to_owned())) {
            continue;
        }
        let local = request.local.as_ref().filter(|local| local.name == name).map(|local| Arc::clone(&local.packument));
        let Some(packument) = local.or_else(|| registry.known(&name)) else { continue };
        let Ok(info) = packument.info() else { continue };
        let packages = resolver.get_for_package(&info);
        let Ok(version) = packages.resolve_best_package_version_info(&requirement, std::iter::empty()) else {
            continue;
        };
        let arrow = if path.is_empty() { "" } else { " > " };
        let path = format!("{path}{arrow}{name}@{}", version.version);
        for entry in version.dependencies_as_entries(&name).ok()? {
            let same = gone.requirement.as_deref().is_none_or(|wanted| wanted == entry.version_req.version_text());
            if entry.name.as_str() == gone.name && same {
                return Some(safe(&path));
            }
            open.push_back((entry.name.to_string(), entry.version_req, path.clone()));
        }
    }
    None
}

fn safe(text: &impl ToString) -> String {
    Untrusted::new(text.to_string()).excerpt(300)
}

/// The registry as the resolver sees it during one round.
struct Api<'a> {
    registry: &'a Arc<Registry>,
    local: Option<&'a LocalRoot>,
    tweaks: &'a Tweaks,
    /// Records as changed by the tweaks.
    edited: RefCell<BTreeMap<String, Arc<NpmPackageInfo>>>,
    /// The first failure that is not "no such package".
    failure: RefCell<Option<NpmError>>,
    /// What the registry said about names it does not have.
    not_found: RefCell<BTreeMap<String, NpmError>>,
    selected: &'a Selected,
}

/// The versions that the resolver selected so far.
#[derive(Debug, Default)]
struct Selected(Mutex<HashSet<PackageNv>>);

impl Selected {
    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Api<'_> {
    fn fail(&self, error: NpmError, name: &str) -> NpmRegistryPackageInfoLoadError {
        if matches!(error, NpmError::NotFound { .. }) {
            self.not_found.borrow_mut().insert(name.to_owned(), error);
        } else {
            self.failure.borrow_mut().get_or_insert(error);
        }
        NpmRegistryPackageInfoLoadError::PackageNotExists { package_name: name.to_owned() }
    }

    fn info(&self, packument: &Packument) -> Result<Arc<NpmPackageInfo>, NpmError> {
        let malformed =
            |reason: String| NpmError::Packument { package: safe(&packument.name()), reason: safe(&reason) };
        if !self.tweaks.touches(packument.name()) {
            return packument.info().map_err(|error| malformed(error.to_string()));
        }
        if let Some(info) = self.edited.borrow().get(packument.name()) {
            return Ok(Arc::clone(info));
        }
        let info = packument
            .info_with(|version| self.tweaks.shows(packument, version), |text| self.edited(packument.name(), text));
        let info = info.map_err(malformed)?;
        let info = Arc::new(info);
        self.edited.borrow_mut().insert(packument.name().to_owned(), Arc::clone(&info));
        Ok(info)
    }

    /// A version's text with absent optional dependencies taken out, and own peers made dependencies.
    fn edited<'t>(&self, name: &str, text: &'t str) -> Cow<'t, str> {
        let (absent, own_peers) = (&self.tweaks.absent, &self.tweaks.own_peers);
        let drops = !absent.is_empty() && text.contains("\"optionalDependencies\"");
        let moves = own_peers.keys().any(|(owner, _)| owner == name) && text.contains("\"peerDependencies\"");
        if !drops && !moves {
            return text.into();
        }
        let Ok(mut record) = serde_json::from_str::<VersionRecord>(text) else { return text.into() };
        record.optional_dependencies.retain(|key, requirement| !is_absent(absent, key, requirement));
        for peer in own_peers.get(&(name.to_owned(), record.version.clone())).into_iter().flatten() {
            if let Some(requirement) = record.peer_dependencies.remove(peer) {
                record.dependencies.insert(peer.clone(), requirement);
            }
        }
        serde_json::to_string(&record).map_or_else(|_| text.into(), Cow::Owned)
    }
}

/// Whether an optional dependency is one of those that were found missing.
pub(crate) fn is_absent(absent: &BTreeSet<Absent>, key: &str, requirement: &str) -> bool {
    let (name, range) = split_alias(key, requirement);
    let same = |wanted: &str| {
        wanted == range || VersionReq::parse_from_npm(range).is_ok_and(|range| range.version_text() == wanted)
    };
    absent.iter().any(|gone| gone.name == name && gone.requirement.as_deref().is_none_or(same))
}

/// The package and range behind `"key": "npm:name@range"` or `"key": "range"`.
pub(crate) fn split_alias<'a>(key: &'a str, requirement: &'a str) -> (&'a str, &'a str) {
    match requirement.trim().strip_prefix("npm:") {
        None => (key, requirement),
        Some(alias) => match alias.rsplit_once('@') {
            Some((name, range)) if !name.is_empty() => (name, range),
            _ => (alias, "*"),
        },
    }
}

#[async_trait::async_trait(?Send)]
impl NpmRegistryApi for Api<'_> {
    async fn package_info(&self, name: &str) -> Result<Arc<NpmPackageInfo>, NpmRegistryPackageInfoLoadError> {
        if self.selected.count() > MAX_NAMES {
            // A chain through many versions of few packages would be as deep as it is long.
            return Err(self.fail(NpmError::TooLarge { what: "packages", limit: MAX_NAMES }, name));
        }
        if let Some(local) = self.local.filter(|local| local.name == name) {
            return self.info(&local.packument).map_err(|error| self.fail(error, name));
        }
        let packument = self.registry.packument(name).await.map_err(|error| self.fail(error, name))?;
        self.info(&packument).map_err(|error| self.fail(error, name))
    }
}

impl Reporter for Selected {
    fn on_resolved(&self, _requirement: &PackageReq, selected: &PackageNv) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(selected.clone());
    }
}
