//! Installing a locked server: from unpacked, checked artifacts to a read-only folder that a runtime of the user starts.
//!
//! ```text
//! LockedServer + Terms --plan--> Blueprint --artifacts()--> the caller checks and unpacks them
//!                                   |  installed(): laid out before and still the same? A `stat` a file.
//!                                   +- lay_out(unpacked): draft -> files and links -> (scripts, bytecode) -> index -> rename
//! ```
//!
//! Everything is decided on a [draft](draft) first: no package can write over another's files, leave the folder, or follow
//! a link. Nothing of a package runs, but for install scripts that the policy names by package and version, and those only
//! in the sandbox. What is laid out is hashed once more and compared with the draft before it is given its final name, so an
//! interrupted or raced installation is never found under it.
//!
//! Installations lie at `<into>/<closure id>-<hash of runtime, target, policy>/{tree/, index}` and can be removed at any time.
mod cache;
mod draft;
mod error;
mod folder;
mod graph;
mod npm;
mod pypi;
pub mod runtime;
mod script;
mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use deno_semver::{Version as NpmVersion, VersionReq};
use mcpsec_model::{
    artifact::UnpackedArtifact,
    candidate::EntryPoint,
    capture::Runtime,
    digest::Digest,
    lock::LockedServer,
    package::{Artifact, Package, PackageId},
    target::{Platform, PythonMinor, Target},
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use self::error::{InstallError, RecordProblem};
use self::{
    cache::Building,
    draft::{Content, Draft},
    error::shown,
    graph::Selection,
    runtime::{FoundRuntime, RuntimeKind, Search},
};
use crate::sandbox::Sandbox;

/// Unpacked artifacts by package and file name.
pub type Unpacked = BTreeMap<(PackageId, String), UnpackedArtifact>;

/// What an installation depends on besides the lock.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// This machine.
    pub platform: Platform,
    /// Where runtimes are.
    pub search: Search<'a>,
    /// Packages whose install scripts may run, as `npm:name@version`; see `mcpsec_model::config::Policy`.
    pub install_scripts: &'a [SmolStr],
}

/// What will be installed. Made by [`plan`].
#[derive(Debug)]
pub struct Blueprint<'a> {
    server: &'a LockedServer,
    packages: &'a BTreeMap<PackageId, Package>,
    selection: Selection<'a>,
    runtime: FoundRuntime,
    artifacts: Vec<(&'a PackageId, &'a Artifact)>,
    allowed_scripts: BTreeSet<PackageId>,
    key: String,
}

/// A server that can be started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstalledServer {
    /// Its folder; read-only.
    pub root: PathBuf,
    /// The program to start.
    pub program: PathBuf,
    /// The arguments that come before those of mcp.toml.
    pub args: Vec<OsString>,
    /// Variables that it needs: `PATH` with its own programs, its runtime and the system's.
    pub env: BTreeMap<OsString, OsString>,
    /// Everything that must be readable, sorted: the folder, the runtime, the system's libraries.
    pub read: Vec<PathBuf>,
    /// What runs it.
    pub runtime: Option<Runtime>,
    /// What a person should know, sorted.
    pub notes: Vec<Note>,
}

/// Something about an installation that a person should know. Every text is safe to print.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// A file of a package was left out, wholly or in part.
    NotInstalled {
        /// The package.
        package: String,
        /// The file in it.
        file: String,
        /// Why.
        why: String,
    },
    /// An install script was not run. The server may or may not work without.
    ScriptNotRun {
        /// The package.
        package: String,
        /// `preinstall`, `install` or `postinstall`.
        script: String,
    },
    /// An install script was run in the sandbox.
    ScriptRun {
        /// The package.
        package: String,
        /// `preinstall`, `install` or `postinstall`.
        script: String,
        /// What it tried beyond its own folder: hosts, files, canaries, programs, refused calls.
        tried: Vec<String>,
    },
    /// Sources were not compiled ahead, so starts are slower.
    NotCompiled {
        /// Why.
        why: String,
    },
}

/// How a laid-out server is started, in words that do not depend on where it lies.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    program: Word,
    args: Vec<Word>,
    notes: Vec<Note>,
}

/// A word of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// The runtime's program.
    Runtime,
    /// As it is.
    Text(String),
    /// A path in the installation.
    Tree(String),
}

/// The file in an installation that says how it is started.
const START: &str = ".mcpsec-start.json";

/// Finds out what a server needs on this machine, without reading or writing any artifact.
///
/// # Errors
/// The lock does not cover this machine, no runtime suits, or a package has no file for it.
pub fn plan<'a>(
    server: &'a LockedServer,
    packages: &'a BTreeMap<PackageId, Package>,
    terms: Terms<'_>,
) -> Result<Blueprint<'a>, InstallError> {
    let here: Vec<Target> = server.targets.iter().copied().filter(|target| target.platform == terms.platform).collect();
    if here.is_empty() {
        let locked: BTreeSet<String> = server.targets.iter().map(|target| target.platform.to_string()).collect();
        let locked = locked.into_iter().collect::<Vec<_>>().join(", ");
        return Err(InstallError::Target { here: terms.platform.to_string(), locked });
    }
    let is_python = here.iter().any(|target| target.python.is_some());
    let (runtime, target) = if is_python {
        find_python(server, packages, &here, terms)?
    } else {
        let any = |_: &FoundRuntime| Ok(());
        let runtime = runtime::find(RuntimeKind::Node, terms.search, &BTreeSet::new(), "", &any)?;
        (runtime, Target { platform: terms.platform, python: None })
    };
    let selection = Selection::of(&server.closure, packages, &target)?;
    let artifacts = artifacts(&selection, packages, &runtime, target)?;
    let allowed = |package: &PackageId| terms.install_scripts.iter().any(|id| id.as_str() == package.to_string());
    let allowed_scripts: BTreeSet<PackageId> =
        selection.order.iter().map(|id| id.package()).filter(|package| allowed(package)).cloned().collect();
    let key = key(server, &target, &runtime, &artifacts, &allowed_scripts);
    Ok(Blueprint { server, packages, selection, runtime, artifacts, allowed_scripts, key })
}

/// The first python on the path that the lock covers and every package supports.
fn find_python(
    server: &LockedServer,
    packages: &BTreeMap<PackageId, Package>,
    here: &[Target],
    terms: Terms<'_>,
) -> Result<(FoundRuntime, Target), InstallError> {
    let minors: BTreeSet<PythonMinor> = here.iter().filter_map(|target| target.python).collect();
    let wanted = minors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let target_of = |found: &FoundRuntime| {
        let python = found.python.as_ref().map(|python| python.minor);
        Target { platform: terms.platform, python }
    };
    let suits = |found: &FoundRuntime| {
        let target = target_of(found);
        if found.python.as_ref().is_some_and(|python| python.implementation != "cpython") {
            return Err("only CPython is locked for".to_owned());
        }
        if !here.contains(&target) {
            return Err("not a version that the lock covers".to_owned());
        }
        let selection = Selection::of(&server.closure, packages, &target).map_err(|error| error.to_string())?;
        let version: pep440_rs::Version = found.version.parse().map_err(|_| "its version is no version".to_owned())?;
        for id in &selection.order {
            let Some(needs) = packages.get(id.package()).and_then(|package| package.requires_python.as_ref()) else {
                continue;
            };
            let range: pep440_rs::VersionSpecifiers =
                needs.parse().map_err(|_| format!("{} asks for {}", id.package(), shown(needs)))?;
            if !range.contains(&version) {
                return Err(format!("{} needs {}", id.package(), shown(needs)));
            }
        }
        Ok(())
    };
    let found = runtime::find(RuntimeKind::Python, terms.search, &minors, &wanted, &suits)?;
    let target = target_of(&found);
    Ok((found, target))
}

/// The one artifact of every package that is installed.
fn artifacts<'a>(
    selection: &Selection<'a>,
    packages: &'a BTreeMap<PackageId, Package>,
    runtime: &FoundRuntime,
    target: Target,
) -> Result<Vec<(&'a PackageId, &'a Artifact)>, InstallError> {
    let accepted = runtime.python.as_ref().map(|python| pypi::tags::Accepted::of(target.platform, python));
    let mut chosen: BTreeMap<&PackageId, &Artifact> = BTreeMap::new();
    for id in selection.order.iter().map(|id| id.package()) {
        let missing = |file: &str| InstallError::NotUnpacked { package: Box::new(id.clone()), file: file.to_owned() };
        let package = packages.get(id).ok_or_else(|| missing("(the lock does not have the package)"))?;
        if package.bundled_in.is_some() {
            continue;
        }
        let artifact = match &accepted {
            None => package.artifacts.first().ok_or_else(|| missing("(none is locked)"))?,
            Some(accepted) => accepted.choose(package).ok_or_else(|| {
                let why = "no wheel fits this python, and the lock holds no build requirements for its source distribution";
                InstallError::needs_build(id, why)
            })?,
        };
        chosen.insert(&package.id, artifact);
    }
    Ok(chosen.into_iter().collect())
}

fn key(
    server: &LockedServer,
    target: &Target,
    runtime: &FoundRuntime,
    artifacts: &[(&PackageId, &Artifact)],
    allowed_scripts: &BTreeSet<PackageId>,
) -> String {
    // The first word is the format of installations: another layout is another folder.
    let mut text = format!(
        "install 1\n{target}\n{} {} {}\n{:?}\n",
        runtime.kind.as_str(),
        runtime.version,
        runtime.program.display(),
        server.entry
    );
    for (package, artifact) in artifacts {
        text.push_str(&format!("{package} {}\n", artifact.file));
    }
    for package in allowed_scripts {
        text.push_str(&format!("script {package}\n"));
    }
    let closure = server.closure_id.to_string();
    let closure: String = closure.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{}-{}", &closure[closure.len().saturating_sub(40)..], &Digest::sha256_of(text.as_bytes()).to_hex()[..24])
}

impl<'a> Blueprint<'a> {
    /// The artifacts that [`Blueprint::lay_out`] takes, sorted by package.
    pub fn artifacts(&self) -> &[(&'a PackageId, &'a Artifact)] {
        &self.artifacts
    }

    /// The runtime that will run it.
    pub fn runtime(&self) -> &FoundRuntime {
        &self.runtime
    }

    /// The installation that was laid out below `into` before, if it is still what it was.
    ///
    /// # Errors
    /// [`InstallError::Io`]; a damaged installation is no error, but `None`.
    pub fn installed(&self, into: &Path) -> Result<Option<InstalledServer>, InstallError> {
        let place = into.join(&self.key);
        let Some(tree) = cache::look(&place)? else { return Ok(None) };
        let path = place.join(cache::TREE).join(START);
        let text = std::fs::read(&path).map_err(|error| InstallError::io("read", &path, error))?;
        let start: Option<Start> = serde_json::from_slice(&text).ok();
        Ok(start.filter(|_| tree.items.contains_key(START)).map(|start| self.server_at(&place.join(cache::TREE), &start)))
    }

    /// Lays the server out below `into`, or finds it there. `sandbox` runs allowed install scripts and compiles Python sources ahead;
    /// without one, allowed scripts are an error and nothing is compiled.
    ///
    /// # Errors
    /// See [`InstallError`].
    pub fn lay_out(
        &self,
        unpacked: &Unpacked,
        into: &Path,
        sandbox: Option<&Sandbox>,
    ) -> Result<InstalledServer, InstallError> {
        if let Some(installed) = self.installed(into)? {
            return Ok(installed);
        }
        let building = Building::start(into, &self.key)?;
        let start = match self.runtime.kind {
            RuntimeKind::Node => self.build_node(unpacked, &building, sandbox)?,
            RuntimeKind::Python => self.build_python(unpacked, &building, sandbox)?,
        };
        let place = building.finish()?;
        Ok(self.server_at(&place, &start))
    }

    fn build_node(
        &self,
        unpacked: &Unpacked,
        building: &Building,
        sandbox: Option<&Sandbox>,
    ) -> Result<Start, InstallError> {
        let root = self.server.closure.root();
        let mut modules = npm::draft(root, &self.selection, self.packages, unpacked)?;
        self.check_engines(root.package(), modules.manifest.node.as_deref())?;
        let file = self.program_file(&modules)?;
        let Some(Content::File { from, .. }) = modules.draft.get(&file) else {
            return Err(npm::escape(root.package(), "bin", &file));
        };
        let how = npm::start::of(root.package(), &file, from)?;
        let (program, args) = match how {
            npm::start::Start::Node(flags) => {
                let flags = flags.into_iter().map(Word::Text);
                (Word::Runtime, flags.chain([Word::Tree(file)]).collect())
            }
            npm::start::Start::Native => {
                modules.draft.make_executable(&file);
                (Word::Tree(file), Vec::new())
            }
        };
        let scripts = script::collect(&modules, self.packages, unpacked, &self.allowed_scripts)?;
        let mut start = Start { program, args, notes: scripts.notes.clone() };
        if scripts.runs.is_empty() {
            put_start(&mut modules.draft, &start)?;
            building.fill(&modules.draft)?;
            building.check(&modules.draft, &|_| false)?;
            return Ok(start);
        }
        let Some(sandbox) = sandbox else {
            return Err(InstallError::NoSandbox { package: Box::new(scripts.runs[0].package.clone()) });
        };
        scripts.prepare(&mut modules, &self.selection, self.packages, unpacked)?;
        building.fill(&modules.draft)?;
        start.notes.extend(scripts.run(sandbox, &self.runtime, &building.tree())?);
        start.notes.sort();
        let mut late = Draft::default();
        put_start(&mut late, &start)?;
        building.add(&late)?;
        let own = |path: &str| scripts.runs.iter().any(|run| path.starts_with(&format!("{}/", run.folder)));
        building.check(&modules.draft, &|path| own(path) || path == START)?;
        Ok(start)
    }

    /// The file of the locked program, inside of the root package.
    fn program_file(&self, modules: &npm::Modules) -> Result<String, InstallError> {
        let package = self.server.closure.root().package();
        let bins = &modules.manifest.bins;
        let missing = |wanted: &str| {
            let names: Vec<String> = bins.keys().take(20).map(|name| shown(name)).collect();
            let offered = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            InstallError::NoEntryPoint { package: Box::new(package.clone()), wanted: shown(wanted), offered }
        };
        let (name, path) = match &self.server.entry {
            EntryPoint::NpmBin(name) | EntryPoint::PythonScript(name) => {
                bins.get_key_value(name.as_str()).ok_or_else(|| missing(name))?
            }
            EntryPoint::Unknown if bins.len() == 1 => bins.first_key_value().ok_or_else(|| missing(""))?,
            EntryPoint::Unknown => return Err(missing("")),
        };
        let inside = format!("{}/", modules.root);
        let file = draft::resolve(&modules.root, path).filter(|file| file.starts_with(&inside));
        let file = file.ok_or_else(|| npm::escape(package, name, path))?;
        let is_file = |file: &str| matches!(modules.draft.get(file), Some(Content::File { .. }));
        // Node itself finds a script without its ending.
        let spellings = [file.clone(), format!("{file}.js"), format!("{file}.cjs"), format!("{file}.mjs"), format!("{file}/index.js")];
        let Some(found) = spellings.into_iter().find(|file| is_file(file)) else {
            if package.ecosystem() == mcpsec_model::name::Ecosystem::Git {
                let why = format!("its program {} is made by a build, which the lock cannot repeat", shown(path));
                return Err(InstallError::needs_build(package, why));
            }
            return Err(missing(name));
        };
        Ok(found)
    }

    /// The root's `engines.node`. Those of dependencies are advice, as to npm.
    fn check_engines(&self, package: &PackageId, needs: Option<&str>) -> Result<(), InstallError> {
        let Some(needs) = needs else { return Ok(()) };
        let range = VersionReq::parse_from_npm(needs)
            .map_err(|error| InstallError::metadata(package, "package.json", format!("engines.node: {error}")))?;
        let version = NpmVersion::parse_from_npm(&self.runtime.version)
            .map_err(|error| InstallError::metadata(package, "node", error.to_string()))?;
        if range.matches(&version) {
            return Ok(());
        }
        Err(InstallError::RuntimeVersion {
            package: Box::new(package.clone()),
            runtime: "node",
            needs: shown(needs),
            found: self.runtime.version.to_string(),
            program: shown(&self.runtime.program.to_string_lossy()),
        })
    }

    fn build_python(
        &self,
        unpacked: &Unpacked,
        building: &Building,
        sandbox: Option<&Sandbox>,
    ) -> Result<Start, InstallError> {
        let chosen: BTreeMap<PackageId, String> =
            self.artifacts.iter().map(|(package, artifact)| ((*package).clone(), artifact.file.to_string())).collect();
        let plan = pypi::Wheels {
            root: self.server.closure.root(),
            entry: &self.server.entry,
            selection: &self.selection,
            packages: self.packages,
            chosen: &chosen,
            unpacked,
        };
        let mut environment = pypi::draft(&plan, &self.runtime, &building.final_tree())?;
        let args = ["-I", "-B"].map(|flag| Word::Text(flag.to_owned())).into_iter();
        let args = args.chain([Word::Tree(environment.script.clone())]).collect();
        let mut start = Start { program: Word::Tree("bin/python".to_owned()), args, notes: environment.notes.clone() };
        building.fill(&environment.draft)?;
        let compiled = pypi::bytecode::compile(&self.runtime, building, &environment.site, sandbox)?;
        start.notes.extend(compiled.map(|why| Note::NotCompiled { why }));
        start.notes.sort();
        let mut late = Draft::default();
        put_start(&mut late, &start)?;
        building.add(&late)?;
        put_start(&mut environment.draft, &start)?;
        let site = format!("{}/", environment.site);
        building.check(&environment.draft, &|path| pypi::bytecode::is_ours(path, &site))?;
        Ok(start)
    }

    fn server_at(&self, tree: &Path, start: &Start) -> InstalledServer {
        let word = |word: &Word| match word {
            Word::Runtime => self.runtime.program.clone().into_os_string(),
            Word::Text(text) => OsString::from(text),
            Word::Tree(path) => tree.join(path).into_os_string(),
        };
        let programs = if self.runtime.kind == RuntimeKind::Node { "node_modules/.bin" } else { "bin" };
        let mut path = vec![tree.join(programs)];
        path.extend(self.runtime.program.parent().map(Path::to_owned));
        path.extend(["/usr/bin", "/bin"].map(PathBuf::from));
        path.dedup();
        // Folders with a separator in their name cannot be in a list; then the server's own programs are not found by name.
        let joined = std::env::join_paths(&path).unwrap_or_else(|_| OsString::from("/usr/bin:/bin"));
        let mut read = self.runtime.read.clone();
        read.push(tree.to_owned());
        read.sort();
        read.dedup();
        InstalledServer {
            root: tree.to_owned(),
            program: word(&start.program).into(),
            args: start.args.iter().map(word).collect(),
            env: BTreeMap::from([("PATH".into(), joined)]),
            read,
            runtime: Some(self.runtime.to_model()),
            notes: start.notes.clone(),
        }
    }
}

fn put_start(draft: &mut Draft, start: &Start) -> Result<(), InstallError> {
    // A struct of strings always serialises; an empty file would be read as no installation.
    let text = serde_json::to_vec(start).unwrap_or_default();
    draft.put(START, Content::made(text), "the installation")
}

#[cfg(test)]
mod tests;
