//! Which version of a project to try: pure rules over a page.
//!
//! The newest version in the range that the target can use, where
//! - a prerelease counts only if the requested package's own requirements name one, or the project has nothing else; when
//!   nothing final fits, a prerelease that some other requirement names is taken (uv would stop there);
//! - a yanked file counts only when the range allows a single version (PEP 592);
//! - a young version counts only when nothing older fits;
//! - a file counts when its `Requires-Python` allows the target's Python, and for wheels when the tags fit. A version with
//!   no such file is passed over, as uv does.
use mcpsec_model::time::AsOf;
use pep440_rs::Version;

use super::{
    environment::Environment,
    page::{FileKind, Page, Release},
    specifiers::{self, VersionSet},
};
use crate::resolve::Maturity;

/// What a choice depends on besides page and range.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) environment: &'a Environment,
    pub(super) as_of: Option<AsOf>,
    /// Versions that are young are taken only where nothing else fits.
    pub(super) maturity: Option<&'a Maturity>,
    /// The requested package's own requirements name a prerelease of this project.
    pub(super) prereleases: bool,
    /// Some other requirement does.
    pub(super) prereleases_if_needed: bool,
    /// Versions that other targets use, best first.
    pub(super) preferred: &'a [Version],
}

/// The version to try, if any fits.
pub(super) fn choose<'p>(page: &'p Page, range: &VersionSet, rules: Rules<'_>) -> Option<&'p Release> {
    let preferred = rules.preferred.iter().filter(|version| range.contains(version));
    if let Some(release) =
        preferred.filter_map(|version| page.get(version)).find(|release| is_usable(release, range, rules))
    {
        return Some(release);
    }
    // What is old enough first, else whatever there is.
    let mature = rules.maturity.and_then(|_| newest(page, range, rules));
    mature.or_else(|| newest(page, range, Rules { maturity: None, ..rules }))
}

/// Whether a version is held back.
pub(super) fn is_young(page: &Page, release: &Release, maturity: &Maturity) -> bool {
    let version = || release.version.to_string();
    release
        .published()
        .is_some_and(|time| time > maturity.published_by && maturity.is_young(page.name.as_str(), &version(), time))
}

fn newest<'p>(page: &'p Page, range: &VersionSet, rules: Rules<'_>) -> Option<&'p Release> {
    let is_usable = |release: &Release, range: &VersionSet, rules: Rules<'_>| {
        is_usable(release, range, rules) && !rules.maturity.is_some_and(|maturity| is_young(page, release, maturity))
    };
    let mut prerelease = None;
    let mut has_final = false;
    for release in page.releases.values() {
        let is_pre = release.version.any_prerelease();
        if is_pre && !rules.prereleases {
            if prerelease.is_none() && range.contains(&release.version) && is_usable(release, range, rules) {
                prerelease = Some(release);
            }
            continue;
        }
        has_final |= !is_pre && exists(release, rules.as_of);
        if range.contains(&release.version) && is_usable(release, range, rules) {
            return Some(release);
        }
    }
    prerelease.filter(|_| !has_final || rules.prereleases_if_needed)
}

fn exists(release: &Release, as_of: Option<AsOf>) -> bool {
    as_of.is_none() || release.files().iter().any(|file| file.existed(as_of))
}

/// Whether a target can use some file of a version.
pub(super) fn is_usable(release: &Release, range: &VersionSet, rules: Rules<'_>) -> bool {
    release.files().iter().any(|file| {
        file.existed(rules.as_of)
            && (file.yanked.is_none() || specifiers::is_pinned(range))
            && file.requires_python.as_ref().is_none_or(|need| need.contains(rules.environment.python()))
            && match &file.kind {
                FileKind::Wheel(wheel) => wheel.is_compatible(rules.environment.tags()),
                FileKind::Sdist(_) => true,
            }
    })
}

/// Whether a target has a wheel of a version (rather than only an sdist, which must be built).
pub(super) fn has_wheel(release: &Release, environment: &Environment, as_of: Option<AsOf>) -> bool {
    release.files().iter().any(|file| match &file.kind {
        FileKind::Wheel(wheel) => {
            file.existed(as_of)
                && file.requires_python.as_ref().is_none_or(|need| need.contains(environment.python()))
                && wheel.is_compatible(environment.tags())
        }
        FileKind::Sdist(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use mcpsec_model::name::PackageName;

    use super::*;
    use crate::pypi::config::Index;

    /// A page from lines `file|more JSON fields`.
    fn page(files: &[&str]) -> Page {
        let files: Vec<String> = files
            .iter()
            .map(|line| {
                let (file, more) = line.split_once('|').unwrap_or((line, ""));
                format!("{{\"filename\":\"{file}\",\"url\":\"{file}\"{more}}}")
            })
            .collect();
        let body = format!("{{\"files\":[{}]}}", files.join(","));
        let index = Index::new(&"https://index.invalid/simple".parse().expect("url")).expect("index");
        let url = "https://index.invalid/simple/a/".parse().expect("url");
        Page::parse(&PackageName::pypi("a").expect("name"), &index, &url, body.as_bytes()).expect("page")
    }

    fn pick(page: &Page, range: &str, adjust: impl Fn(&mut Rules<'_>)) -> Option<String> {
        let environment = Environment::of(&"linux-x86_64-gnu/3.12".parse().expect("target")).expect("environment");
        let mut rules = Rules {
            environment: &environment,
            as_of: None,
            maturity: None,
            prereleases: false,
            prereleases_if_needed: false,
            preferred: &[],
        };
        adjust(&mut rules);
        let range = specifiers::range_of(&range.parse().expect("range"));
        choose(page, &range, rules).map(|release| release.version.to_string())
    }

    #[test]
    fn prereleases_need_a_reason() {
        let mixed = page(&["a-1.0-py3-none-any.whl", "a-2.0rc1-py3-none-any.whl"]);
        assert_eq!(pick(&mixed, "", |_| {}).as_deref(), Some("1.0"));
        assert_eq!(pick(&mixed, ">=1", |rules| rules.prereleases = true).as_deref(), Some("2.0rc1"));
        assert_eq!(pick(&mixed, ">=2.0rc1", |_| {}), None);
        assert_eq!(pick(&mixed, ">=2.0rc1", |rules| rules.prereleases_if_needed = true).as_deref(), Some("2.0rc1"));
        let only = page(&["a-1.0b1-py3-none-any.whl", "a-1.0b2-py3-none-any.whl"]);
        assert_eq!(pick(&only, "", |_| {}).as_deref(), Some("1.0b2"));
    }

    #[test]
    fn yanked_versions_need_an_exact_requirement() {
        let page = page(&["a-1.0-py3-none-any.whl", "a-2.0-py3-none-any.whl|,\"yanked\":true"]);
        assert_eq!(pick(&page, "", |_| {}).as_deref(), Some("1.0"));
        assert_eq!(pick(&page, ">=2", |_| {}), None);
        assert_eq!(pick(&page, "==2.0", |_| {}).as_deref(), Some("2.0"));
    }

    #[test]
    fn files_must_suit_the_target() {
        let page = page(&[
            "a-1.0-py3-none-any.whl",
            "a-2.0-py3-none-any.whl|,\"requires-python\":\">=3.13\"",
            "a-3.0-cp312-cp312-win_amd64.whl",
            "a-1.5-cp312-cp312-win_amd64.whl",
            "a-1.5.tar.gz",
        ]);
        assert_eq!(pick(&page, "", |_| {}).as_deref(), Some("1.5"));
    }

    #[test]
    fn a_date_hides_what_came_later_and_what_has_no_time() {
        let page = page(&[
            "a-1.0-py3-none-any.whl|,\"upload-time\":\"2025-01-01T00:00:00Z\"",
            "a-2.0-py3-none-any.whl|,\"upload-time\":\"2025-06-01T00:00:00.123456Z\"",
            "a-3.0-py3-none-any.whl",
        ]);
        let at = |day: &str| pick(&page, "", |rules| rules.as_of = Some(day.parse().expect("date")));
        assert_eq!(at("2025-05-31").as_deref(), Some("1.0"));
        assert_eq!(at("2025-06-01").as_deref(), Some("2.0"));
        assert_eq!(at("2024-01-01"), None);
    }

    #[test]
    fn other_targets_choices_are_preferred_while_they_fit() {
        let page = page(&["a-1.0-py3-none-any.whl", "a-2.0-py3-none-any.whl"]);
        let one = [Version::new([1, 0])];
        let environment = Environment::of(&"linux-x86_64-gnu/3.12".parse().expect("target")).expect("environment");
        let rules = Rules {
            environment: &environment,
            as_of: None,
            maturity: None,
            prereleases: false,
            prereleases_if_needed: false,
            preferred: &one,
        };
        let choice = |range: &str| {
            let range = specifiers::range_of(&range.parse().expect("range"));
            choose(&page, &range, rules).map(|release| release.version.to_string())
        };
        assert_eq!(choice("").as_deref(), Some("1.0"));
        assert_eq!(choice(">=2").as_deref(), Some("2.0"));
    }
}
