//! `pyproject.toml` of a project that is not on an index (a git repository): its dependencies as PEP 621 writes them.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{name::PackageName, text::Untrusted};
use pep440_rs::VersionSpecifiers;
use serde::Deserialize;

use super::{error::PypiError, requirement::Requirement, specifiers};

/// Longest file read.
const MAX_LENGTH: usize = 1024 * 1024;
/// Most requirements taken.
const MAX_REQUIREMENTS: usize = 4096;

#[derive(Deserialize)]
struct Document {
    project: Option<Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Table {
    name: Option<String>,
    requires_python: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    dynamic: Vec<String>,
}

/// What the file says.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) requirements: Vec<Requirement>,
    pub(super) requires_python: Option<VersionSpecifiers>,
    /// Why the dependencies are not known without running the build.
    pub(super) incomplete: Option<&'static str>,
}

impl Project {
    /// Reads the file and takes the dependencies of these extras too.
    pub(super) fn parse(text: &str, extras: &[PackageName]) -> Result<Self, PypiError> {
        if text.len() > MAX_LENGTH {
            return Err(PypiError::Project(format!("it is longer than {MAX_LENGTH} bytes")));
        }
        let document: Document =
            toml::from_str(text).map_err(|e| PypiError::Project(Untrusted::new(e.message()).excerpt(160)))?;
        let Some(table) = document.project else {
            let incomplete = Some("pyproject.toml has no [project] table");
            return Ok(Self { requirements: Vec::new(), requires_python: None, incomplete });
        };
        let requires_python = match &table.requires_python {
            None => None,
            Some(text) => Some(specifiers::lenient_specifiers(text).ok_or_else(|| {
                PypiError::Project(format!(
                    "requires-python `{}` is malformed",
                    Untrusted::new(text.as_str()).excerpt(60)
                ))
            })?),
        };
        let dynamic = |field: &str| table.dynamic.iter().any(|said| said == field);
        let incomplete = if dynamic("dependencies") {
            Some("pyproject.toml computes its dependencies (dynamic)")
        } else if !extras.is_empty() && dynamic("optional-dependencies") {
            Some("pyproject.toml computes its extras (dynamic)")
        } else {
            None
        };
        let own_name = table.name.as_deref().and_then(|name| PackageName::pypi(name).ok());
        let mut open: Vec<&str> = table.dependencies.iter().map(String::as_str).collect();
        let mut asked: Vec<PackageName> = extras.to_vec();
        let mut taken: BTreeSet<PackageName> = BTreeSet::new();
        let mut requirements = Vec::new();
        loop {
            for text in open.drain(..) {
                if requirements.len() == MAX_REQUIREMENTS {
                    return Err(PypiError::Project(format!("it has more than {MAX_REQUIREMENTS} dependencies")));
                }
                let requirement = Requirement::parse(text).map_err(PypiError::Project)?;
                // `name[a,b]` inside the project's own extras means "those extras too".
                if own_name.as_ref() == Some(&requirement.name) {
                    asked.extend(requirement.extras);
                } else {
                    requirements.push(requirement);
                }
            }
            let Some(extra) = asked.pop() else { break };
            if !taken.insert(extra.clone()) {
                continue;
            }
            let found = table
                .optional_dependencies
                .iter()
                .find(|(name, _)| PackageName::pypi(name).is_ok_and(|name| name == extra));
            match found {
                Some((_, texts)) => open.extend(texts.iter().map(String::as_str)),
                None if dynamic("optional-dependencies") => {}
                None => return Err(PypiError::Project(format!("it has no extra `{extra}`"))),
            }
        }
        Ok(Self { requirements, requires_python, incomplete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, extras: &[&str]) -> Vec<String> {
        let extras: Vec<PackageName> = extras.iter().map(|e| PackageName::pypi(e).expect("extra")).collect();
        let project = Project::parse(text, &extras).expect("project");
        project.requirements.iter().map(|r| r.name.to_string()).collect()
    }

    #[test]
    fn dependencies_and_extras_that_name_each_other() {
        let text = "[project]\nname='Me'\ndependencies=['a>=1']\n[project.optional-dependencies]\nall=['me[x,all]']\nX=['b']\ny=['c']\n";
        assert_eq!(names(text, &[]), ["a"]);
        assert_eq!(names(text, &["all"]), ["a", "b"]);
        assert!(Project::parse(text, &[PackageName::pypi("none").expect("name")]).is_err());
    }

    #[test]
    fn what_cannot_be_known_is_said() {
        for text in ["", "[tool.poetry]\nname='x'\n", "[project]\nname='x'\ndynamic=['dependencies']\n"] {
            assert!(Project::parse(text, &[]).expect("project").incomplete.is_some(), "{text}");
        }
        for text in
            ["[project", "[project]\ndependencies=['@@']\n", "[project]\nrequires-python='snake'\n", "project=1"]
        {
            assert!(Project::parse(text, &[]).is_err(), "{text}");
        }
    }
}
