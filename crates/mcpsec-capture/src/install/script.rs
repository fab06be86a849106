//! Install scripts of npm packages: none runs, but for those that the policy names by package and version, and they run in
//! the sandbox, where they can write to their own package's folder only and reach nothing.
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
    time::Duration,
};

use mcpsec_model::{
    capture::Observed,
    package::{Package, PackageId},
};

use super::{
    Note, Unpacked,
    draft::{Content, relative, resolve},
    error::{InstallError, shown},
    graph::Selection,
    npm::{Modules, manifest::Manifest},
    runtime::FoundRuntime,
    source,
};
use crate::sandbox::{Limits, Network, Plan, Sandbox, Stdio};

const PATIENCE: Duration = Duration::from_secs(600);

/// The scripts of an installation.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    /// Those that run, dependencies before their dependents.
    pub(super) runs: Vec<Run>,
    /// Those that do not.
    pub(super) notes: Vec<Note>,
}

/// One package's scripts.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) package: PackageId,
    /// The package's folder in the installation.
    pub(super) folder: String,
    scripts: Vec<(&'static str, String)>,
}

/// Reads the scripts of every package that the lock says has some, and of every one that is allowed to run them.
pub(super) fn collect(
    modules: &Modules,
    packages: &BTreeMap<PackageId, Package>,
    unpacked: &Unpacked,
    allowed: &BTreeSet<PackageId>,
) -> Result<Scripts, InstallError> {
    let mut all = Scripts::default();
    for (package, folder) in modules.folders.iter().rev() {
        let may = allowed.contains(package);
        if !may && !packages.get(package).is_some_and(|package| package.install_scripts) {
            continue;
        }
        let manifest = Manifest::of(&source::files(package, packages, unpacked)?)?;
        if may && !manifest.install_scripts.is_empty() {
            all.runs.push(Run { package: package.clone(), folder: folder.clone(), scripts: manifest.install_scripts });
        } else {
            all.notes.extend(
                manifest.install_scripts.iter().map(|(script, _)| Note::ScriptNotRun {
                    package: package.to_string(),
                    script: (*script).to_owned(),
                }),
            );
        }
    }
    all.notes.sort();
    all.notes.dedup();
    Ok(all)
}

impl Scripts {
    /// Gives the packages files of their own (a script writes to them, and linked files are everybody's), and the programs
    /// of their dependencies.
    pub(super) fn prepare(
        &self,
        modules: &mut Modules,
        selection: &Selection<'_>,
        packages: &BTreeMap<PackageId, Package>,
        unpacked: &Unpacked,
    ) -> Result<(), InstallError> {
        for run in &self.runs {
            modules.draft.make_own(&run.folder);
            let Some((beside, _)) = run.folder.split_once("/node_modules/").and_then(|_| {
                let at = run.folder.rfind("/node_modules/")?;
                Some((&run.folder[..at + "/node_modules".len()], ()))
            }) else {
                continue;
            };
            let nodes = selection.order.iter().filter(|id| *id.package() == run.package);
            let edges: Vec<_> = nodes.flat_map(|id| selection.edges_of(id)).collect();
            for edge in edges {
                let Some((_, folder)) = modules.folders.iter().find(|(id, _)| id == edge.to.package()) else {
                    continue;
                };
                let manifest = Manifest::of(&source::files(edge.to.package(), packages, unpacked)?)?;
                for (bin, path) in manifest.bins {
                    let Some(file) = resolve(folder, &path).filter(|file| file.starts_with(&format!("{folder}/")))
                    else {
                        continue;
                    };
                    let link = format!("{beside}/.bin/{bin}");
                    if matches!(modules.draft.get(&file), Some(Content::File { .. })) && !modules.draft.has(&link) {
                        modules.draft.make_executable(&file);
                        let content = Content::Link { target: relative(&link, &file) };
                        modules.draft.put(&link, content, &run.package.to_string())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs them all; answers what they tried.
    pub(super) fn run(
        &self,
        sandbox: &Sandbox,
        runtime: &FoundRuntime,
        tree: &Path,
    ) -> Result<Vec<Note>, InstallError> {
        let mut notes = Vec::new();
        for run in &self.runs {
            for (script, text) in &run.scripts {
                let observed = run.one(script, text, sandbox, runtime, tree)?;
                notes.push(Note::ScriptRun {
                    package: run.package.to_string(),
                    script: (*script).to_owned(),
                    tried: told(&observed),
                });
            }
        }
        Ok(notes)
    }
}

impl Run {
    fn one(
        &self,
        script: &'static str,
        text: &str,
        sandbox: &Sandbox,
        runtime: &FoundRuntime,
        tree: &Path,
    ) -> Result<Observed, InstallError> {
        let folder = tree.join(&self.folder);
        let failed = |reason: String| InstallError::Script { package: Box::new(self.package.clone()), script, reason };
        let beside = folder.ancestors().find(|folder| folder.ends_with("node_modules")).unwrap_or(&folder);
        let mut path = vec![beside.join(".bin")];
        path.extend(runtime.program.parent().map(Path::to_owned));
        path.extend(["/usr/bin".into(), "/bin".into()]);
        let path = std::env::join_paths(path).map_err(|error| failed(error.to_string()))?;
        let mut read = runtime.read.clone();
        read.extend([tree.to_owned(), "/bin".into(), "/usr/bin".into()]);
        let mut limits = Limits::capture();
        limits.wall = Some(PATIENCE);
        limits.cpu = Some(PATIENCE);
        let env: [(&str, OsString); 5] = [
            ("PATH", path),
            ("npm_lifecycle_event", script.into()),
            ("npm_package_name", self.package.name().as_str().into()),
            ("npm_package_version", self.package.version().into()),
            ("npm_node_execpath", runtime.program.clone().into_os_string()),
        ];
        let plan = Plan {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), text.into()],
            env: env.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            cwd: Some(folder.clone()),
            read,
            write: vec![folder],
            canaries: true,
            network: Network::None,
            limits,
            observe: true,
            stdio: Stdio::Piped,
        };
        let mut running = sandbox.spawn(&plan)?;
        drop(running.stdin.take());
        let quiet = running.stdout.take().map(|stream| std::thread::spawn(move || last_words(stream)));
        let words = running.stderr.take().map(|stream| std::thread::spawn(move || last_words(stream)));
        let ended = running.finish(PATIENCE).map_err(|error| failed(error.to_string()))?;
        let words = words.and_then(|thread| thread.join().ok()).unwrap_or_default();
        drop(quiet.map(std::thread::JoinHandle::join));
        match (ended.limit, ended.status.success()) {
            (None, true) => Ok(ended.observed),
            (Some(limit), _) => Err(failed(format!("it hit its limit of {limit:?}").to_lowercase())),
            (None, false) => Err(failed(format!("{}; it said: {}", ended.status, shown(&words)))),
        }
    }
}

/// The end of a stream, which is read to its end.
fn last_words(mut stream: impl std::io::Read) -> String {
    let mut tail: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        tail.extend_from_slice(&buffer[..read]);
        if tail.len() > 8192 {
            tail.drain(..tail.len() - 400);
        }
    }
    let from = tail.len().saturating_sub(400);
    String::from_utf8_lossy(&tail[from..]).trim().to_owned()
}

fn told(observed: &Observed) -> Vec<String> {
    let texts = [
        ("host", &observed.hosts),
        ("file", &observed.files),
        ("canary", &observed.canaries),
        ("program", &observed.programs),
    ];
    let mut all: Vec<String> = texts
        .into_iter()
        .flat_map(|(what, all)| all.iter().map(move |text| format!("{what} {}", text.excerpt(200))))
        .collect();
    all.extend(observed.refused.iter().map(|(call, times)| format!("call {call} ({times})")));
    if observed.incomplete {
        all.push("and more".to_owned());
    }
    all
}
