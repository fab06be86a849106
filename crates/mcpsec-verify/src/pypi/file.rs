//! File names of wheels and source distributions: whether two of them name the same file of the same version.
//!
//! A statement's subject is a file name as its signer wrote it. Tools differ in the spelling of a name and a version (`Foo.Bar`,
//! `foo_bar`; `1.0`, `1.0.0`) and in the order of a compressed tag set, so equality is by PEP 427, 440, 503 and 625, not by text.
use std::{collections::BTreeSet, str::FromStr as _};

use mcpsec_model::{name::PackageName, package::PackageId};
use pep440_rs::Version;

/// Longest file name that is read.
const MAX_NAME: usize = 512;

/// What a file name says besides package and version.
#[derive(PartialEq, Eq, Debug)]
enum Form<'a> {
    /// PEP 625 (and its older spellings).
    Sdist { ending: &'a str },
    /// PEP 427: build tag, and the three sets of tags.
    Wheel { build: Option<&'a str>, tags: [BTreeSet<&'a str>; 3] },
}

/// Whether this is the name of a file of this package in this version.
pub(super) fn belongs(package: &PackageId, file: &str) -> bool {
    form(package, file).is_some()
}

/// Whether both are names of one file of this package in this version.
pub(super) fn same(package: &PackageId, file: &str, other: &str) -> bool {
    match (form(package, file), form(package, other)) {
        (Some(file), Some(other)) => file == other,
        _ => false,
    }
}

fn form<'a>(package: &PackageId, file: &'a str) -> Option<Form<'a>> {
    if file.len() > MAX_NAME {
        return None;
    }
    if let Some(stem) = file.strip_suffix(".whl") {
        let parts: Vec<&str> = stem.split('-').collect();
        let (build, tags) = match parts.as_slice() {
            [_, _, python, abi, platform] => (None, [*python, *abi, *platform]),
            [_, _, build, python, abi, platform] => (Some(*build), [*python, *abi, *platform]),
            _ => return None,
        };
        let tags = tags.map(|set| set.split('.').collect::<BTreeSet<&str>>());
        let complete = tags.iter().all(|set| !set.contains(""));
        return (complete && is_of(package, parts[0], parts[1])).then_some(Form::Wheel { build, tags });
    }
    for ending in [".tar.gz", ".zip"] {
        if let Some(stem) = file.strip_suffix(ending) {
            // Old names have dashes themselves; which one ends the name is known from the package.
            let mut dashes = stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
            return dashes.any(|(name, version)| is_of(package, name, version)).then_some(Form::Sdist { ending });
        }
    }
    None
}

fn is_of(package: &PackageId, name: &str, version: &str) -> bool {
    // Escaped in file names, because a dash separates their parts (PEP 427 §File name convention).
    let version = Version::from_str(&version.replace('_', "-"));
    let locked = Version::from_str(package.version());
    PackageName::pypi(name).is_ok_and(|name| name == *package.name())
        && matches!((version, locked), (Ok(version), Ok(locked)) if version == locked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(id: &str) -> PackageId {
        id.parse().expect("a package id")
    }

    #[test]
    fn files_of_a_version_are_recognised() {
        let own = package("pypi:foo-bar@1.0");
        for file in [
            "foo_bar-1.0.tar.gz",
            "foo-bar-1.0.tar.gz",
            "Foo.Bar-1.0.0.zip",
            "foo_bar-1.0-py3-none-any.whl",
            "foo_bar-1.0-2-py2.py3-none-any.whl",
        ] {
            assert!(belongs(&own, file), "{file}");
        }
        for file in [
            "foo_bar-1.1.tar.gz",
            "foo-1.0.tar.gz",
            "foo_bar-1.0.tar.bz2",
            "foo_bar-1.0",
            "foo-bar-1.0-py3-none-any.whl",
            "foo_bar-1.0-py3-none.whl",
            "foo_bar-1.0-py3-none-.whl",
            "foo_bar_baz-1.0-py3-none-any.whl",
            "",
            ".whl",
            ".tar.gz",
        ] {
            assert!(!belongs(&own, file), "{file}");
        }
        assert!(!belongs(&own, &format!("foo_bar-1.0{}.tar.gz", ".0".repeat(MAX_NAME))));
        assert!(belongs(&package("pypi:a@1.0+local.2"), "a-1.0+local.2-py3-none-any.whl"));
        assert!(belongs(&package("pypi:a@1.0-1"), "a-1.0.post1-py3-none-any.whl"));
    }

    #[test]
    fn spelling_does_not_make_another_file_but_tags_do() {
        let own = package("pypi:foo-bar@1.0");
        let wheel = "foo_bar-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
        assert!(same(&own, wheel, "Foo_Bar-1.0.0-cp310-cp310-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"));
        assert!(same(&own, "foo_bar-1.0.tar.gz", "foo-bar-1.tar.gz"));
        for other in [
            "foo_bar-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "foo_bar-1.0-1-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "foo_bar-1.0-cp310-cp310-manylinux_2_17_x86_64.whl",
            "foo_bar-1.1-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "foo_bar-1.0.tar.gz",
        ] {
            assert!(!same(&own, wheel, other), "{other}");
        }
        assert!(!same(&own, "foo_bar-1.0.tar.gz", "foo_bar-1.0.zip"));
    }
}
