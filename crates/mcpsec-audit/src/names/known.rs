//! Names that people know: MCP servers that many start, and packages that very many depend on. Facts, one name a line, in `data/`.
use std::{collections::BTreeSet, sync::OnceLock};

use mcpsec_model::name::Ecosystem;

/// The well-known names of one ecosystem, each in its normal form and sorted.
#[derive(Debug)]
pub(super) struct Known {
    /// MCP servers, their tools and the SDK.
    pub(super) servers: Vec<&'static str>,
    /// Packages of closures.
    pub(super) packages: Vec<&'static str>,
    all: BTreeSet<&'static str>,
}

impl Known {
    /// The list for an ecosystem; git has no names to squat on.
    pub(super) fn of(ecosystem: Ecosystem) -> Option<&'static Self> {
        static NPM: OnceLock<Known> = OnceLock::new();
        static PYPI: OnceLock<Known> = OnceLock::new();
        let read = |servers, packages| {
            let (servers, packages) = (lines(servers), lines(packages));
            let all = servers.iter().chain(&packages).copied().collect();
            Self { servers, packages, all }
        };
        match ecosystem {
            Ecosystem::Npm => Some(
                NPM.get_or_init(|| read(include_str!("data/servers-npm.txt"), include_str!("data/packages-npm.txt"))),
            ),
            Ecosystem::Pypi => {
                Some(PYPI.get_or_init(|| {
                    read(include_str!("data/servers-pypi.txt"), include_str!("data/packages-pypi.txt"))
                }))
            }
            Ecosystem::Git => None,
        }
    }

    /// Whether a name is one of them.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains(name)
    }
}

fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use mcpsec_model::name::PackageName;

    use super::*;

    #[test]
    fn every_line_is_a_name_in_normal_form_and_stands_once() {
        for (ecosystem, servers, packages) in [(Ecosystem::Npm, 100, 450), (Ecosystem::Pypi, 80, 330)] {
            let known = Known::of(ecosystem).expect("list");
            assert!(known.servers.len() >= servers && known.packages.len() >= packages, "{ecosystem}");
            for list in [&known.servers, &known.packages] {
                assert!(list.is_sorted_by(|a, b| a < b), "{ecosystem}: sorted, each once");
                for name in list {
                    let read =
                        if ecosystem == Ecosystem::Npm { PackageName::npm(name) } else { PackageName::pypi(name) };
                    assert_eq!(read.expect(name).as_str(), *name);
                }
            }
        }
    }
}
