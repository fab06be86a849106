//! Making an installation from a blueprint: draft, files, what may run, and the check of the outcome.
use std::collections::BTreeMap;

use deno_semver::{Version as NpmVersion, VersionReq};
use mcpsec_model::{candidate::EntryPoint, name::Ecosystem, package::PackageId};

use super::{
    Blueprint, InstallError, Note, START, Start, Unpacked, Word,
    cache::Building,
    draft::{self, Content, Draft},
    error::shown,
    npm, pypi, script,
};
use crate::sandbox::Sandbox;

impl Blueprint<'_> {
    pub(super) fn build_node(
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
        let spellings = [
            file.clone(),
            format!("{file}.js"),
            format!("{file}.cjs"),
            format!("{file}.mjs"),
            format!("{file}/index.js"),
        ];
        let Some(found) = spellings.into_iter().find(|file| is_file(file)) else {
            if package.ecosystem() == Ecosystem::Git {
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

    pub(super) fn build_python(
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
        let environment = pypi::draft(&plan, &self.runtime, &building.final_tree())?;
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
        let site = format!("{}/", environment.site);
        building.check(&environment.draft, &|path| path == START || pypi::bytecode::is_ours(path, &site))?;
        Ok(start)
    }
}

fn put_start(draft: &mut Draft, start: &Start) -> Result<(), InstallError> {
    // A struct of strings always serialises; an empty file would be read as no installation.
    let text = serde_json::to_vec(start).unwrap_or_default();
    draft.put(START, Content::made(text), "the installation")
}
