//! A Python project of a git repository, run from its sources as an editable installation is.
//!
//! Only where no build could change what runs: `[project]` says name and programs, the code is Python in `src/` or in the
//! project's folder, and nothing announces compiled parts or build steps. Everything else needs a build, which needs locked
//! build requirements.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::package::{Package, PackageId};
use toml::{Table, Value};

use super::{Building, entry};
use crate::install::{draft::Content, error::InstallError, source::Files};

const LONGEST: u64 = 4 << 20;
/// Back ends whose wheels of plain Python projects are the files as they are.
const PLAIN: &[&str] = &[
    "hatchling.build",
    "setuptools.build_meta",
    "flit_core.buildapi",
    "poetry.core.masonry.api",
    "pdm.backend",
    "uv_build",
];
/// Ends of files that only a compiler turns into something that runs.
const COMPILED: &[&str] = &[".pyx", ".pxd", ".c", ".cc", ".cpp", ".rs", ".f90"];

pub(super) fn put(
    building: &mut Building<'_>,
    files: &Files<'_>,
    packages: &BTreeMap<PackageId, Package>,
) -> Result<BTreeMap<String, String>, InstallError> {
    let package = files.package;
    let text = files.read_text("pyproject.toml", LONGEST)?;
    let Some(text) = text else { return Err(unbuilt(package, "it has no pyproject.toml that says what it holds")) };
    let toml: Table = toml::from_str(&text)
        .map_err(|error| InstallError::metadata(package, "pyproject.toml", error.message().to_owned()))?;
    let project = toml.get("project").and_then(Value::as_table);
    let Some(project) = project else { return Err(unbuilt(package, "its pyproject.toml has no [project]")) };
    if let Some(why) = needs_a_build(files, &toml) {
        return Err(unbuilt(package, &why));
    }
    let name = project.get("name").and_then(Value::as_str);
    let name = name.and_then(|name| mcpsec_model::name::PackageName::pypi(name).ok());
    let Some(name) = name else {
        return Err(InstallError::metadata(package, "pyproject.toml", "[project] has no proper name"));
    };
    let scripts: Vec<(&str, &str)> = match project.get("scripts").and_then(Value::as_table) {
        Some(table) => table.iter().filter_map(|(name, target)| Some((name.as_str(), target.as_str()?))).collect(),
        None => Vec::new(),
    };
    let scripts = entry::from_pairs(package, scripts.into_iter())?;
    put_modules(building, files)?;
    put_info(building, package, name.as_str(), project, packages, &scripts)?;
    let mut offered = BTreeMap::new();
    for (name, target) in scripts {
        building.put_console_script(package, &name, &target)?;
        offered.insert(name.clone(), format!("bin/{name}"));
    }
    Ok(offered)
}

fn unbuilt(package: &PackageId, why: &str) -> InstallError {
    InstallError::needs_build(package, format!("the lock holds no build requirements ({why})"))
}

/// Why the files as they are may not be what a build would install.
fn needs_a_build(files: &Files<'_>, toml: &Table) -> Option<String> {
    let backend = toml.get("build-system").and_then(|build| build.get("build-backend")).and_then(Value::as_str);
    if let Some(backend) = backend.filter(|backend| !PLAIN.contains(backend)) {
        return Some(format!("its back end is {}", crate::install::error::shown(backend)));
    }
    if files.has_file("setup.py") {
        return Some("it has a setup.py".to_owned());
    }
    let tool = |path: &[&str]| {
        let mut at = toml.get("tool")?;
        for key in path {
            at = at.get(*key)?;
        }
        Some(at)
    };
    let hooks: [&[&str]; 7] = [
        &["hatch", "build", "hooks"],
        &["hatch", "build", "targets", "wheel", "hooks"],
        &["hatch", "build", "targets", "wheel", "force-include"],
        &["hatch", "build", "targets", "wheel", "sources"],
        &["setuptools", "ext-modules"],
        &["setuptools", "package-dir"],
        &["poetry", "build"],
    ];
    if let Some(hook) = hooks.iter().find(|path| tool(path).is_some()) {
        return Some(format!("it has [tool.{}]", hook.join(".")));
    }
    let compiled = files.iter().map(|(path, _)| path).find(|path| COMPILED.iter().any(|end| path.ends_with(end)));
    compiled.map(|path| format!("{} must be compiled", crate::install::error::shown(path)))
}

/// Packages and modules of `src`, or of the project's folder without what is no part of any wheel.
fn put_modules(building: &mut Building<'_>, files: &Files<'_>) -> Result<(), InstallError> {
    const ELSE: &[&str] = &["tests", "test", "docs", "doc", "examples", "scripts", "node_modules", "build", "dist"];
    let packages: BTreeSet<&str> = files.iter().filter_map(|(path, _)| path.strip_suffix("/__init__.py")).collect();
    let in_src = files.iter().any(|(path, _)| path.starts_with("src/") && path.ends_with(".py"));
    for (path, _) in files.iter() {
        let inner = if in_src { path.strip_prefix("src/") } else { Some(path) };
        let Some(inner) = inner else { continue };
        let belongs = match inner.split_once('/') {
            None => inner.ends_with(".py"),
            Some((top, _)) => in_src || (packages.contains(top) && !ELSE.contains(&top) && !top.starts_with('.')),
        };
        if let Some(content) = files.content(path).filter(|_| belongs) {
            building.put_into_site(files.package, inner, content)?;
        }
    }
    Ok(())
}

/// What `importlib.metadata` finds. A version that only a build would compute is the commit's.
fn put_info(
    building: &mut Building<'_>,
    package: &PackageId,
    name: &str,
    project: &Table,
    packages: &BTreeMap<PackageId, Package>,
    scripts: &BTreeMap<String, entry::Target>,
) -> Result<(), InstallError> {
    let commit: String = package.version().chars().take(12).collect();
    let stated = project.get("version").and_then(Value::as_str);
    let version =
        stated.and_then(|version| version.parse::<pep440_rs::Version>().ok()).map(|version| version.to_string());
    let version = version.unwrap_or_else(|| format!("0+g{commit}"));
    let mut metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    if let Some(needs) = packages.get(package).and_then(|package| package.requires_python.as_ref()) {
        metadata.push_str(&format!("Requires-Python: {needs}\n"));
    }
    let listed: String =
        scripts.iter().map(|(name, target)| format!("{name} = {}:{}\n", target.module, target.attribute)).collect();
    let folder = format!("{}/{}-{version}.dist-info", building.site, name.replace('-', "_"));
    let owner = package.to_string();
    building.draft.put(&format!("{folder}/METADATA"), Content::made(metadata), &owner)?;
    building.draft.put(&format!("{folder}/INSTALLER"), Content::made("mcpsec\n"), &owner)?;
    let text = format!("[console_scripts]\n{listed}");
    building.draft.put(&format!("{folder}/entry_points.txt"), Content::made(text), &owner)
}
