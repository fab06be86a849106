//! An environment of its own from wheels: what `python -m venv` makes, filled as the wheel specification says.
//!
//! ```text
//! pyvenv.cfg                          names the user's python as the base
//! bin/python                          -> the user's python
//! bin/<script>                        console scripts and scripts of the wheels
//! lib/python3.12/site-packages/…      the wheels, linked from the store
//! ```
//!
//! Nothing of the user's own site-packages is visible. Code that runs merely because it is installed is left out: `.pth`
//! files are not laid out (what harmless path lines they hold is kept in one file of ours), nor are `sitecustomize` and
//! `usercustomize`; both are told as [`Note`]s. Compiled files (`__pycache__`) of wheels are left out, too: they could say
//! something else than the source that people read.
pub(super) mod bytecode;
mod entry;
mod project;
mod record;
pub(super) mod tags;
mod wheel;

use std::{collections::BTreeMap, path::Path};

use mcpsec_model::{
    candidate::EntryPoint,
    closure::NodeId,
    package::{ArtifactKind, Package, PackageId},
};

use super::{
    Note, START, Unpacked,
    draft::{Content, Draft, is_inside},
    error::{InstallError, shown},
    graph::Selection,
    runtime::{FoundRuntime, PythonDetails},
    source,
};

/// A drafted environment.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) draft: Draft,
    /// The script that starts the server, relative to the top.
    pub(super) script: String,
    /// The site-packages folder, relative to the top.
    pub(super) site: String,
    pub(super) notes: Vec<Note>,
}

/// The environment under construction, as the wheels see it.
pub(super) struct Building<'a> {
    draft: Draft,
    /// `lib/python3.12/site-packages`.
    site: String,
    python: &'a PythonDetails,
    /// Where it will be; console scripts name the python there.
    top: &'a Path,
    /// Path lines of `.pth` files.
    paths: Vec<String>,
    notes: Vec<Note>,
}

/// What goes into an environment.
pub(super) struct Wheels<'a> {
    pub(super) root: &'a NodeId,
    pub(super) entry: &'a EntryPoint,
    pub(super) selection: &'a Selection<'a>,
    pub(super) packages: &'a BTreeMap<PackageId, Package>,
    /// Which artifact of each package is installed.
    pub(super) chosen: &'a BTreeMap<PackageId, String>,
    pub(super) unpacked: &'a Unpacked,
}

/// Drafts an environment that will lie at `top`.
pub(super) fn draft(wheels: &Wheels<'_>, runtime: &FoundRuntime, top: &Path) -> Result<Environment, InstallError> {
    let Wheels { root, entry, selection, packages, chosen, unpacked } = *wheels;
    let Some(python) = &runtime.python else {
        return Err(InstallError::needs_build(root.package(), "no python was found"));
    };
    let mut building = Building {
        draft: Draft::default(),
        site: format!("lib/python{}/site-packages", python.minor),
        python,
        top,
        paths: Vec::new(),
        notes: Vec::new(),
    };
    building.base(runtime)?;
    let mut offered = BTreeMap::new();
    for id in &selection.order {
        let package = id.package();
        let Some(file) = chosen.get(package) else {
            return Err(InstallError::NotUnpacked {
                package: Box::new(package.clone()),
                file: "(none fits)".to_owned(),
            });
        };
        let files = source::of(package, file, unpacked)?;
        let scripts = match files.artifact().kind() {
            ArtifactKind::Wheel => wheel::put(&mut building, &files)?,
            ArtifactKind::GitArchive => project::put(&mut building, &files, packages)?,
            ArtifactKind::Sdist | ArtifactKind::NpmTarball => {
                return Err(InstallError::needs_build(package, "only a source distribution is locked for this python"));
            }
        };
        if *id == root {
            offered = scripts;
        }
    }
    let script = start_script(root.package(), entry, &offered)?;
    building.finish(script)
}

impl Building<'_> {
    fn base(&mut self, runtime: &FoundRuntime) -> Result<(), InstallError> {
        let owner = "the environment";
        self.draft.reserve(START, owner);
        let home = runtime.program.parent().unwrap_or(Path::new("/")).display();
        let text = format!(
            "home = {home}\ninclude-system-site-packages = false\nversion = {}\nexecutable = {}\n",
            runtime.version,
            runtime.program.display()
        );
        self.draft.put("pyvenv.cfg", Content::made(text), owner)?;
        for name in ["python".to_owned(), "python3".to_owned(), format!("python{}", self.python.minor)] {
            let target = if name == "python" { runtime.program.clone() } else { "python".into() };
            self.draft.put(&format!("bin/{name}"), Content::Link { target }, owner)?;
        }
        Ok(())
    }

    fn finish(mut self, script: String) -> Result<Environment, InstallError> {
        if !self.paths.is_empty() {
            self.paths.sort();
            self.paths.dedup();
            let path = format!("{}/_mcpsec_paths.pth", self.site);
            self.draft.put(&path, Content::made(self.paths.join("\n") + "\n"), "the environment")?;
        }
        self.notes.sort();
        Ok(Environment { draft: self.draft, script, site: self.site, notes: self.notes })
    }

    /// Puts one file into site-packages, unless it is one that would run or mislead merely by being there.
    fn put_into_site(&mut self, package: &PackageId, path: &str, content: Content) -> Result<(), InstallError> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let at_top = !path.contains('/');
        let lower = name.to_lowercase();
        if path.split('/').any(|part| part == "__pycache__") {
            return Ok(());
        }
        if at_top && lower.ends_with(".pth") {
            return self.read_pth(package, path, &content);
        }
        let module =
            path.split('/').next().and_then(|first| first.split('.').next()).unwrap_or_default().to_lowercase();
        if matches!(module.as_str(), "sitecustomize" | "usercustomize") {
            self.notes.push(Note::NotInstalled {
                package: package.to_string(),
                file: shown(path),
                why: "python would run it at every start".to_owned(),
            });
            return Ok(());
        }
        self.draft.put(&format!("{}/{path}", self.site), content, &package.to_string())
    }

    /// Keeps the path lines that stay inside, and says what is left out.
    fn read_pth(&mut self, package: &PackageId, path: &str, content: &Content) -> Result<(), InstallError> {
        const LONGEST: usize = 64 << 10;
        let bytes = match content {
            Content::File { from, .. } => std::fs::read(from).map_err(|error| InstallError::io("read", from, error))?,
            Content::Made { bytes, .. } => bytes.clone(),
            Content::Link { .. } => Vec::new(),
        };
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned();
        let mut left_out = bytes.len() > LONGEST;
        for line in text.lines().map(str::trim_end) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let folder = line.trim_start_matches("./").trim_end_matches('/');
            if line.starts_with("import ") || line.starts_with("import\t") || !is_inside(folder) {
                left_out = true;
            } else {
                self.paths.push(folder.to_owned());
            }
        }
        if left_out {
            let why = "it holds code that python would run at every start, or leads elsewhere".to_owned();
            self.notes.push(Note::NotInstalled { package: package.to_string(), file: shown(path), why });
        }
        Ok(())
    }

    /// The first line of a script that the environment's python runs. Kernels read some 127 bytes of it and split at spaces,
    /// so a long path goes through the shell.
    fn script_head(&self) -> String {
        let python = self.top.join("bin/python");
        let python = python.display().to_string();
        if python.len() <= 120 && !python.contains([' ', '\t']) {
            return format!("#!{python}\n");
        }
        let quoted = python.replace('\'', "'\"'\"'");
        format!("#!/bin/sh\n'''exec' '{quoted}' \"$0\" \"$@\"\n' '''\n")
    }

    /// A console script: `module:attribute` were checked to be names and nothing else.
    fn put_console_script(
        &mut self,
        package: &PackageId,
        name: &str,
        target: &entry::Target,
    ) -> Result<(), InstallError> {
        let text = format!(
            "{}import sys\nfrom importlib import import_module\n\nif __name__ == \"__main__\":\n    target = import_module({:?})\n    for name in {:?}.split(\".\"):\n        target = getattr(target, name)\n    sys.exit(target())\n",
            self.script_head(),
            target.module,
            target.attribute,
        );
        let content = Content::Made { bytes: text.into_bytes(), executable: true };
        self.draft.put(&format!("bin/{name}"), content, &package.to_string())
    }
}

/// The script in `bin` that starts the server.
fn start_script(
    root: &PackageId,
    entry: &EntryPoint,
    offered: &BTreeMap<String, String>,
) -> Result<String, InstallError> {
    let missing = |wanted: &str| {
        let names: Vec<String> = offered.keys().take(20).map(|name| shown(name)).collect();
        let offered = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        InstallError::NoEntryPoint { package: Box::new(root.clone()), wanted: shown(wanted), offered }
    };
    match entry {
        EntryPoint::PythonScript(name) | EntryPoint::NpmBin(name) => {
            offered.get(name.as_str()).cloned().ok_or_else(|| missing(name))
        }
        EntryPoint::Unknown => {
            let own = offered.get(root.name().as_str()).or_else(|| match offered.len() {
                1 => offered.values().next(),
                _ => None,
            });
            own.cloned().ok_or_else(|| missing(""))
        }
    }
}
