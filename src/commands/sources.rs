//! The three sources behind one face: made when first needed, asked by ecosystem.
//!
//! A run that needs nothing from outside builds no HTTP client, reads no `.npmrc` and starts no program.
use std::{
    cell::{Cell, OnceCell},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use mcpsec_fetch::{
    Newest, Published, ResolveOptions, Resolved,
    download::Download,
    evidence::{Gathered, Wanted, gather},
    git::{self, GitError, GitLimits, GitOptions, GitProject, GitSource, GitTree},
    host::Host,
    http::{Freshness, HttpError, HttpOptions, Metadata, MetadataRequest, Network},
    mirror::{MirrorError, TeamMirror},
    npm::{self, NpmConfig, NpmError, NpmResolved, NpmSource, RegistryRecord},
    pypi::{self, PypiConfig, PypiConfigError, PypiError, PypiResolved, PypiSource},
    store::{Store, StoreError},
};
use mcpsec_model::{
    candidate::{Candidate, EntryPoint},
    closure::{Closure, Node, NodeId},
    config::Config,
    evidence::Documents,
    finding::{Finding, Rule},
    lock::LockedServer,
    name::Ecosystem,
    package::{Artifact, Package, PackageId},
    publication::Publication,
    spec::{GitSpec, Spec},
    target::Target,
    team::{Mirror as When, Team},
    upstream::UpstreamState,
    url::SafeUrl,
};
use smol_str::SmolStr;

use super::{
    evidence::Offered,
    mirror::{self, NotFetched},
    wish::Wish,
};
use crate::{error::CommandError, settings::Settings, ui::Ui};

/// Everything that can be asked about packages.
pub(super) struct Sources<'a> {
    settings: &'a Settings,
    config: &'a Config,
    ui: Arc<Ui>,
    always_ask: bool,
    team: When,
    team_down: Cell<bool>,
    team_told: Cell<bool>,
    metadata: OnceCell<Metadata>,
    npm: OnceCell<NpmSource>,
    pypi: OnceCell<PypiSource>,
    host: OnceCell<Host>,
}

/// A resolution with what the registry said about each npm package.
pub(super) struct Found {
    pub(super) resolved: Resolved,
    pub(super) records: BTreeMap<PackageId, RegistryRecord>,
    /// What is said about evidence.
    pub(super) offered: Offered,
    /// How old npm versions are, and who published them.
    pub(super) ages: BTreeMap<PackageId, Published>,
    pub(super) publications: BTreeMap<PackageId, Vec<Publication>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(settings: &'a Settings, config: &'a Config, ui: Arc<Ui>) -> Self {
        Self {
            settings,
            config,
            ui,
            always_ask: false,
            team: config.team.as_ref().map_or(When::Off, |team| team.mirror),
            team_down: Cell::new(false),
            team_told: Cell::new(false),
            metadata: OnceCell::new(),
            npm: OnceCell::new(),
            pypi: OnceCell::new(),
            host: OnceCell::new(),
        }
    }

    /// Asks registries even when an answer of a minute ago is at hand: who looks for newer versions wants them.
    pub(super) fn always_asking(self) -> Self {
        Self { always_ask: true, ..self }
    }

    /// Asks nobody but the upstream: who fills the team's mirror has nothing to fetch from it.
    pub(super) fn without_team(self) -> Self {
        Self { team: When::Off, ..self }
    }

    pub(super) fn ui(&self) -> &Arc<Ui> {
        &self.ui
    }

    /// When the team's mirror is asked.
    pub(super) fn team(&self) -> When {
        self.team
    }

    /// The team's mirror; none where mcp.toml names none or does not want it, and offline.
    pub(super) fn mirror(&self) -> Result<Option<TeamMirror>, CommandError> {
        let Some(team) = self.config.team.as_ref().filter(|_| self.team != When::Off) else { return Ok(None) };
        let network = self.network()?.cloned();
        Ok(network.map(|network| {
            TeamMirror::new(network, team.registry.clone(), mirror::credentials(self.settings, &team.registry))
        }))
    }

    /// Whether the mirror was asked in this run and did not answer: then it is not asked for small things again.
    pub(super) fn team_is_down(&self) -> bool {
        self.team_down.get()
    }

    /// Remembers a mirror that does not answer. What is wrong with one is said once.
    pub(super) fn note_team(&self, error: &MirrorError) {
        if matches!(error, MirrorError::Http(error) if error.is_unreachable()) {
            self.team_down.set(true);
        }
        if !self.team_told.replace(true) {
            self.ui.note(&format!("the team's mirror: {error}"));
        }
    }

    /// Why no repository is asked, when the mirror is the only place that packages may come from.
    fn no_git(&self) -> Option<&'static str> {
        self.only_team().map(|_| "mcp.toml says mirror = \"only\": the repository was not asked")
    }

    /// The registry, when it is the only place that packages may come from.
    fn only_team(&self) -> Option<&Team> {
        self.config.team.as_ref().filter(|_| self.team == When::Only)
    }

    fn metadata(&self) -> Result<&Metadata, CommandError> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(metadata);
        }
        let network = if self.settings.offline {
            None
        } else {
            Some(Network::new(http_options(self.settings.retries)).map_err(|error| http_error(&error))?)
        };
        let new = if self.always_ask { Metadata::always_asking } else { Metadata::new };
        let metadata = new(self.settings.cache.join("http"), network, self.settings.now);
        Ok(self.metadata.get_or_init(|| metadata))
    }

    /// The network, unless offline.
    pub(super) fn network(&self) -> Result<Option<&Network>, CommandError> {
        if self.settings.offline {
            return Ok(None);
        }
        Ok(self.metadata()?.network())
    }

    /// A document at an address that the project names, as it is now.
    pub(super) async fn document(&self, url: &SafeUrl, max_bytes: usize) -> Result<Vec<u8>, CommandError> {
        let request = MetadataRequest {
            url: url.clone(),
            credentials: None,
            accept: "*/*",
            max_bytes,
            freshness: Freshness::Revalidate,
        };
        let answer = self.metadata()?.get(request).await.map_err(|error| http_error(&error))?;
        Ok(answer.bytes.to_vec())
    }

    pub(super) fn npm(&self) -> Result<&NpmSource, CommandError> {
        if let Some(npm) = self.npm.get() {
            return Ok(npm);
        }
        let input = match self.only_team() {
            Some(team) => mirror::npm_of(team, self.settings.team_token(&team.registry)),
            None => {
                let mut input = self.settings.npmrc()?;
                input.configured = self.config.registries.npm.clone();
                input
            }
        };
        let config = NpmConfig::load(input).map_err(CommandError::usage)?;
        let source = NpmSource::new(self.metadata()?.clone(), config);
        Ok(self.npm.get_or_init(|| source))
    }

    pub(super) fn pypi(&self) -> Result<&PypiSource, CommandError> {
        if let Some(pypi) = self.pypi.get() {
            return Ok(pypi);
        }
        let mut input = match self.only_team() {
            Some(team) => mirror::pypi_of(team, self.settings.team_token(&team.registry)),
            None => {
                let mut input = self.settings.pypi()?;
                input.configured = self.config.registries.pypi.clone();
                input
            }
        };
        let config = match PypiConfig::load(input.clone()) {
            Ok(config) => config,
            // Nothing is configured: what does the user's own installer declare?
            Err(PypiConfigError::NoIndex) => {
                input.default_index = self.settings.probe().default_index();
                PypiConfig::load(input).map_err(CommandError::usage)?
            }
            Err(error) => return Err(CommandError::usage(error)),
        };
        let source = PypiSource::new(self.metadata()?.clone(), config);
        Ok(self.pypi.get_or_init(|| source))
    }

    fn git(&self) -> GitSource {
        GitSource::new(GitOptions {
            cache_dir: self.settings.cache.join("git"),
            network: !self.settings.offline,
            user_config: true,
            limits: GitLimits::standard(),
        })
    }

    fn host(&self) -> &Host {
        self.host.get_or_init(|| Host { platform: self.settings.platform, python: self.settings.probe().python() })
    }

    /// Which files of a package this machine needs.
    pub(super) fn needed<'p>(&self, package: &'p Package, targets: &[Target]) -> Vec<&'p Artifact> {
        match package.id.ecosystem() {
            Ecosystem::Git => package.artifacts.iter().collect(),
            Ecosystem::Npm => {
                let host = Host { platform: self.settings.platform, python: None };
                if npm::host_artifacts(package, &host) { package.artifacts.iter().collect() } else { Vec::new() }
            }
            Ecosystem::Pypi => {
                // A Python that the lock does not cover cannot run it; the newest covered one decides then.
                let mut host = *self.host();
                host.python = host.python.filter(|python| targets.iter().any(|target| target.python == Some(*python)));
                pypi::host_artifact(package, &host, targets).into_iter().collect()
            }
        }
    }

    /// Resolves a wish. For git, the canonical archive is in the store afterwards.
    pub(super) async fn resolve(
        &self,
        wish: &Wish,
        options: &ResolveOptions,
        store: &Store,
    ) -> Result<Found, CommandError> {
        let command = wish.command().map(|command| command.as_str());
        let ui: &Ui = &self.ui;
        match wish.spec() {
            Spec::Npm(spec) => {
                let found = self
                    .npm()?
                    .resolve(spec, command, wish.overrides(), options, ui)
                    .await
                    .map_err(|e| npm_error(&e))?;
                Ok(of_npm(found))
            }
            Spec::Pypi(spec) => {
                let found = self.pypi()?.resolve(spec, command, options, ui).await.map_err(|e| pypi_error(&e))?;
                Ok(of_pypi(found))
            }
            Spec::Git(spec) => self.resolve_git(spec, wish, options, store).await,
        }
    }

    async fn resolve_git(
        &self,
        spec: &GitSpec,
        wish: &Wish,
        options: &ResolveOptions,
        store: &Store,
    ) -> Result<Found, CommandError> {
        if let Some(as_of) = options.as_of {
            return Err(CommandError::usage(format!("--as-of {as_of} has no meaning for a git source"))
                .hint("name a tag or commit of that time after `@`"));
        }
        let tree = self
            .git_task({
                let spec = spec.clone();
                move |git, ui| git.fetch(&spec, ui)
            })
            .await?;
        keep_archive(store, &tree)?;
        let package = tree.to_package();
        let root = package.id.clone();
        let ui: &Ui = &self.ui;
        let npm_first = |package_json: &[u8]| {
            serde_json::from_slice::<serde_json::Value>(package_json).is_ok_and(|json| json.get("bin").is_some())
        };
        let mut found = match &tree.project {
            GitProject::Npm { package_json } => self.npm_project(&root, package_json, wish, options).await?,
            GitProject::Both { package_json, .. } if npm_first(package_json) => {
                self.npm_project(&root, package_json, wish, options).await?
            }
            GitProject::Python(python) | GitProject::Both { python, .. } => match &python.pyproject {
                Some(pyproject) => {
                    let resolved = self.pypi()?.resolve_project(root.clone(), pyproject, &[], options, ui).await;
                    of_pypi(resolved.map_err(|e| pypi_error(&e))?)
                }
                None => lone(&root, options, "setup.py alone does not say its dependencies without being run")?,
            },
            GitProject::Unknown => {
                return Err(CommandError::usage(format!("{spec} holds neither package.json nor pyproject.toml"))
                    .hint("name the folder of the server with #subdirectory=FOLDER"));
            }
        };
        let candidate = &mut found.resolved.candidate;
        let entry = candidate.packages.entry(root).or_insert_with(|| package.clone());
        entry.artifacts = package.artifacts;
        entry.git = package.git;
        candidate.findings.extend(tree.findings.iter().cloned());
        found.offered = found.offered.git(&tree);
        Ok(found)
    }

    async fn npm_project(
        &self,
        root: &PackageId,
        package_json: &[u8],
        wish: &Wish,
        options: &ResolveOptions,
    ) -> Result<Found, CommandError> {
        let ui: &Ui = &self.ui;
        let found = self.npm()?.resolve_project(root.clone(), package_json, wish.overrides(), options, ui).await;
        Ok(of_npm(found.map_err(|error| npm_error(&error))?))
    }

    /// Runs something of git on a thread where blocking is allowed.
    async fn git_task<T: Send + 'static>(
        &self,
        work: impl FnOnce(&GitSource, &Ui) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, CommandError> {
        if let Some(why) = self.no_git() {
            return Err(
                CommandError::incomplete(why).hint("mirror = \"fallback\" under [team] lets repositories be asked")
            );
        }
        let (git, ui) = (self.git(), Arc::clone(&self.ui));
        match tokio::task::spawn_blocking(move || work(&git, &ui)).await {
            Ok(result) => result.map_err(|error| git_error(&error)),
            Err(error) => Err(CommandError::bug(format!("git task: {error}"))),
        }
    }

    /// What the registry says today. `spec` is given for the root of a server. Where it cannot be asked and the team's mirror has the
    /// package, the reason says so: nothing is checked by that, but nobody needs to worry about the bytes.
    pub(super) async fn upstream(&self, package: &Package, spec: Option<&Spec>) -> Result<UpstreamState, CommandError> {
        let state = self.ask_upstream(package, spec).await?;
        let UpstreamState::Unreachable(why) = state else { return Ok(state) };
        let mirror = self.mirror()?.filter(|_| self.team != When::Only && !self.team_is_down());
        let Some(mirror) = mirror else { return Ok(UpstreamState::Unreachable(why)) };
        Ok(UpstreamState::Unreachable(match mirror.has_package(package).await {
            Ok(true) => format!("{why}; the team's mirror has it"),
            Ok(false) => why,
            Err(error) => {
                self.note_team(&error);
                why
            }
        }))
    }

    async fn ask_upstream(&self, package: &Package, spec: Option<&Spec>) -> Result<UpstreamState, CommandError> {
        match package.id.ecosystem() {
            _ if self.settings.offline => {
                Ok(UpstreamState::Unreachable("--offline: the registry was not asked".to_owned()))
            }
            Ecosystem::Npm => Ok(self.npm()?.upstream(&package.id).await),
            Ecosystem::Pypi => match self.pypi() {
                Ok(pypi) => Ok(pypi.upstream(&package.id).await),
                // A new machine may know no index at all; where the team's mirror has the files, that is a gap and no mistake.
                Err(error) if self.mirror()?.is_some() => Ok(UpstreamState::Unreachable(error.to_string())),
                Err(error) => Err(error),
            },
            Ecosystem::Git if let Some(why) = self.no_git() => Ok(UpstreamState::Unreachable(why.to_owned())),
            Ecosystem::Git => {
                let (Some(Spec::Git(spec)), Some(pin)) = (spec, &package.git) else {
                    return Ok(UpstreamState::Unreachable("the lock does not say which reference it was".to_owned()));
                };
                let (spec, pin, commit) = (spec.clone(), pin.clone(), package.id.version().to_owned());
                self.git_task(move |git, _| Ok(git.upstream(&spec, &pin, &commit))).await
            }
        }
    }

    /// What is newer than a locked server's own package. `None` for git, and where the registry could not be asked, which the check
    /// `upstream` says.
    pub(super) async fn newer(&self, server: &LockedServer) -> Result<Option<Newest>, CommandError> {
        let root = server.closure.root().package();
        Ok(match &server.spec {
            Spec::Npm(spec) => self.npm()?.newer(root, spec.requirement.as_deref().unwrap_or("latest")).await.ok(),
            Spec::Pypi(spec) => self.pypi()?.newer(root, spec).await.ok(),
            Spec::Git(_) => None,
        })
    }

    /// Where the needed files of a locked package can be had. npm's conventional address first: it asks nobody.
    pub(super) async fn locate(&self, package: &Package, second_try: bool) -> Result<Vec<Download>, CommandError> {
        match package.id.ecosystem() {
            Ecosystem::Npm if second_try => self.npm()?.locate_by_record(package).await.map_err(|e| npm_located(&e)),
            Ecosystem::Npm => self.npm()?.locate(package).map_err(|e| npm_error(&e)),
            Ecosystem::Pypi => self.pypi()?.locate(package).await.map_err(|e| pypi_error(&e)),
            Ecosystem::Git => Ok(Vec::new()),
        }
    }

    /// Asks registries for the evidence that they say they have. The sources of ecosystems that nobody asks about stay unmade.
    pub(super) async fn gather<'w>(
        &self,
        wanted: Vec<Wanted<'w>>,
        known: &BTreeSet<SmolStr>,
    ) -> Result<Vec<Gathered<'w>>, CommandError> {
        let about = |ecosystem| wanted.iter().any(|one| one.package.ecosystem() == ecosystem);
        let asked = mcpsec_fetch::evidence::Sources {
            npm: if about(Ecosystem::Npm) { Some(self.npm()?) } else { None },
            pypi: if about(Ecosystem::Pypi) { Some(self.pypi()?) } else { None },
        };
        Ok(gather(asked, wanted, known, 0).await)
    }

    /// Asks the git host that mcp.toml names for attestations of a commit; none where no host is named. The text is why it could not
    /// be asked.
    pub(super) async fn host_attestations(
        &self,
        package: &Package,
    ) -> Result<Result<Vec<String>, String>, CommandError> {
        let Some(api) = &self.config.registries.git_attestations else { return Ok(Ok(Vec::new())) };
        if let Some(why) = self.no_git() {
            return Ok(Err(why.to_owned()));
        }
        let Some(network) = self.network()? else { return Ok(Err("--offline: the git host was not asked".to_owned())) };
        let name = package.id.name().as_str().split('#').next().unwrap_or_default().trim_end_matches('/');
        let name = name.strip_suffix(".git").unwrap_or(name);
        let mut parts = name.rsplit('/');
        let (repository, owner) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (repository, digest) = (format!("{owner}/{repository}"), format!("sha1:{}", package.id.version()));
        let asked = git::host_attestations(network, api, None, &repository, &digest).await;
        Ok(asked.map_err(|error| error.to_string()))
    }

    /// Fetches a locked commit again for its commit and tag objects.
    pub(super) async fn signed_objects(&self, package: &Package) -> Result<Documents, CommandError> {
        let wanted = package.clone();
        let tree = self.git_task(move |git, ui| git.restore(&wanted, ui)).await?;
        Ok(tree.signed.documents())
    }

    /// Fetches a locked commit again and puts its archive into the store.
    pub(super) async fn restore(&self, package: &Package, store: &Store) -> Result<(), CommandError> {
        let wanted = package.clone();
        let tree = self.git_task(move |git, ui| git.restore(&wanted, ui)).await?;
        keep_archive(store, &tree)
    }
}

fn of_npm(found: NpmResolved) -> Found {
    let offered = Offered::default().npm(&found.records, &found.resolved.candidate.packages);
    let NpmResolved { resolved, records, ages, publications } = found;
    Found { resolved, records, offered, ages, publications }
}

fn of_pypi(found: PypiResolved) -> Found {
    let offered = Offered::default().pypi(found.records);
    let resolved = found.resolved;
    Found { resolved, records: BTreeMap::new(), offered, ages: BTreeMap::new(), publications: BTreeMap::new() }
}

/// How patient the command line is.
pub(super) fn http_options(retries: usize) -> HttpOptions {
    HttpOptions {
        user_agent: concat!("mcpsec/", env!("CARGO_PKG_VERSION")).to_owned(),
        retries,
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_secs(30),
        metadata_concurrency: 64,
    }
}

/// A closure of nothing but the project itself.
fn lone(root: &PackageId, options: &ResolveOptions, why: &str) -> Result<Found, CommandError> {
    let node = NodeId::of(root.clone());
    let closure = Closure::new(node.clone(), BTreeMap::from([(node, Node::default())])).map_err(CommandError::bug)?;
    let candidate = Candidate {
        closure,
        packages: BTreeMap::from([(root.clone(), Package::bare(root.clone()))]),
        entry: EntryPoint::Unknown,
        targets: options
            .targets
            .platforms
            .iter()
            .map(|platform| Target { platform: *platform, python: None })
            .collect(),
        findings: vec![Finding::new(Rule::ClosureIncomplete, root.to_string(), why)],
    };
    let resolved = Resolved { candidate, downloads: Vec::new(), passed_over: None };
    Ok(Found {
        resolved,
        records: BTreeMap::new(),
        offered: Offered::default(),
        ages: BTreeMap::new(),
        publications: BTreeMap::new(),
    })
}

fn keep_archive(store: &Store, tree: &GitTree) -> Result<(), CommandError> {
    let package = tree.to_package();
    let bytes = std::fs::read(&tree.archive).map_err(|error| {
        CommandError::incomplete(format!("failed to read the archive of {}: {error}", tree.package))
    })?;
    for artifact in &package.artifacts {
        store
            .insert_bytes(&package.id, artifact.kind, &artifact.file, &bytes, &artifact.digests)
            .map_err(|error| store_error(&error))?;
    }
    Ok(())
}

fn http_error(error: &HttpError) -> CommandError {
    CommandError::incomplete(error)
}

/// What a registry or repository offers and mcpsec will not take is the gate's business; a name, range or address that
/// leads nowhere is a mistake of whoever wrote it; what cannot be reached is incomplete.
/// The same where it stands beside the package.
fn npm_located(error: &NpmError) -> CommandError {
    if error.is_unreachable() { CommandError::incomplete(error.of_known_package()) } else { npm_error(error) }
}

fn npm_error(error: &NpmError) -> CommandError {
    let refused = matches!(
        error,
        NpmError::UnsupportedDependency { .. }
            | NpmError::Packument { .. }
            | NpmError::NameMismatch { .. }
            | NpmError::Dependency { .. }
            | NpmError::Integrity { .. }
            | NpmError::Tarball { .. }
            | NpmError::TooLarge { .. }
    );
    of_source(error, error.is_unreachable(), refused).maybe_hint(error.hint())
}

fn pypi_error(error: &PypiError) -> CommandError {
    let refused = matches!(
        error,
        PypiError::UnsupportedDependency { .. }
            | PypiError::UnusableFile { .. }
            | PypiError::Page { .. }
            | PypiError::NotPinnable { .. }
            | PypiError::Limit { .. }
    );
    of_source(error, error.is_unreachable(), refused)
}

fn git_error(error: &GitError) -> CommandError {
    let refused = matches!(
        error,
        GitError::Mismatch { .. }
            | GitError::Peeled { .. }
            | GitError::Entry { .. }
            | GitError::Object { .. }
            | GitError::OverLimit { .. }
    );
    of_source(error, error.is_unreachable() || matches!(error, GitError::Cache { .. }), refused)
}

fn of_source(error: &dyn std::fmt::Display, unreachable: bool, refused: bool) -> CommandError {
    match (unreachable, refused) {
        (true, _) => CommandError::incomplete(error),
        (false, true) => CommandError::denied(error),
        (false, false) => CommandError::usage(error),
    }
}

/// Wrong bytes are the gate's business; a store that cannot be read or written is incomplete.
pub(super) fn store_error(error: &StoreError) -> CommandError {
    if error.is_refusal() { CommandError::denied(error) } else { CommandError::incomplete(error) }
}

/// A failed download: wrong bytes are the gate's business, everything else is incomplete.
pub(super) fn download_error(download: &Download, error: &NotFetched) -> CommandError {
    let shown = if error.is_refusal() { CommandError::denied(error) } else { CommandError::incomplete(error) };
    shown.context(format!("failed to fetch {}", download.package))
}
