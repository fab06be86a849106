//! Entry points: names that become files, and objects that they start.
use std::collections::BTreeMap;

use mcpsec_model::package::PackageId;

use crate::install::{error::InstallError, npm::manifest::is_program_name};

/// What a console script calls. Both parts are Python names joined by dots, so they can stand in a program's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) module: String,
    pub(super) attribute: String,
}

impl Target {
    /// Reads `module:attribute`, with extras after it in brackets, which mean nothing any more.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.split_once('[').map_or(text, |(text, _)| text).trim();
        let (module, attribute) = text.split_once(':')?;
        let (module, attribute) = (module.trim(), attribute.trim());
        (is_dotted(module) && is_dotted(attribute))
            .then(|| Self { module: module.to_owned(), attribute: attribute.to_owned() })
    }
}

/// Names in ASCII: Python would normalise others, and then they mean something else than they show.
fn is_dotted(text: &str) -> bool {
    text.len() <= 512
        && text.split('.').all(|name| {
            name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
}

/// `console_scripts` of an `entry_points.txt`.
pub(super) fn console_scripts(package: &PackageId, text: &str) -> Result<BTreeMap<String, Target>, InstallError> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
        } else if section == "console_scripts" {
            lines.push(line.split_once('=').ok_or_else(|| InstallError::entry(package, line, "the line has no `=`"))?);
        }
    }
    from_pairs(package, lines.into_iter())
}

/// Checks names and targets.
pub(super) fn from_pairs<'a>(
    package: &PackageId,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<BTreeMap<String, Target>, InstallError> {
    let mut scripts = BTreeMap::new();
    for (name, target) in pairs {
        let name = name.trim();
        if !is_program_name(name) || name.to_lowercase().starts_with("python") || name.starts_with('-') {
            return Err(InstallError::entry(package, name, "it cannot be a file among the environment's programs"));
        }
        let target = Target::parse(target)
            .ok_or_else(|| InstallError::entry(package, name, "its target is not `module:attribute`"))?;
        scripts.insert(name.to_owned(), target);
    }
    Ok(scripts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, Target>, InstallError> {
        console_scripts(&"pypi:a@1".parse().expect("id"), text)
    }

    #[test]
    fn console_scripts_only() {
        let text =
            "[gui_scripts]\nno = a:b\n[console_scripts]\n# x\nsrv = a_b.c:d.e [extra]\nother=x:y\n[x]\nz = bad\n";
        let scripts = read(text).expect("scripts");
        assert_eq!(scripts.keys().collect::<Vec<_>>(), ["other", "srv"]);
        assert_eq!(scripts["srv"], Target { module: "a_b.c".to_owned(), attribute: "d.e".to_owned() });
    }

    #[test]
    fn names_and_targets_that_are_more_than_that_are_refused() {
        for line in [
            "../x = a:b",
            "a/b = a:b",
            "a\\b = a:b",
            ".. = a:b",
            "python3 = a:b",
            "-x = a:b",
            " = a:b",
            "x = a",
            "x = a:",
            "x = :b",
            "x = a:b()",
            "x = a:b;import os",
            "x = a b:c",
            "x = a:b\"); import os; (\"",
            "x = __import__('os').system('id'):b",
            "x = a:b.",
            "x = ü:b",
            "no equals",
        ] {
            let error = read(&format!("[console_scripts]\n{line}\n")).expect_err(line);
            assert!(matches!(error, InstallError::EntryPoint { .. }), "{line}");
        }
    }
}
