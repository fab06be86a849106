//! Requirements of strangers (PEP 508), parsed within bounds.
//!
//! `pep508_rs` parses markers recursively and keeps them as decision diagrams, which a hostile marker could make
//! arbitrarily deep or large; [`Requirement::parse`] looks at the text first. URLs of requirements are kept as inert text:
//! nothing is expanded from the environment, nothing is fetched.
use std::{convert::Infallible, fmt, path::Path};

use mcpsec_model::{name::PackageName, text::Untrusted};
use pep508_rs::{ExtraName, MarkerEnvironment, Pep508Url, VersionOrUrl};

use super::specifiers::{self, VersionSet};

const MAX_TEXT: usize = 8192;
const MAX_DEPTH: usize = 32;
const MAX_TERMS: usize = 256;
/// Terms that each add a variable of their own to a decision diagram that mixes `and` with `or`.
const MAX_MIXED_VARIABLES: usize = 24;

/// One dependency: a name, extras, a version set and a marker.
#[derive(Clone, Debug)]
pub(super) struct Requirement {
    pub(super) name: PackageName,
    pub(super) extras: Vec<PackageName>,
    pub(super) range: VersionSet,
    /// Some specifier names a prerelease (other than with `!=`).
    pub(super) names_prerelease: bool,
    /// The requirement names a URL, path or repository instead of versions; the text, escaped and without secrets.
    pub(super) url: Option<String>,
    marker: pep508_rs::MarkerTree,
}

/// Inert text after `name @`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct UrlText(String);

impl fmt::Display for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pep508Url for UrlText {
    type Err = Infallible;

    fn parse_url(url: &str, _working_dir: Option<&Path>) -> Result<Self, Infallible> {
        Ok(Self(url.to_owned()))
    }
}

impl Requirement {
    /// Reads one requirement. The error is a short reason, safe to print.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refuse = |reason: &str| format!("requirement `{}`: {reason}", Untrusted::new(text.to_owned()).excerpt(100));
        check_bounds(text).map_err(refuse)?;
        let parsed: pep508_rs::Requirement<UrlText> =
            text.trim().parse().map_err(|e: pep508_rs::Pep508Error<UrlText>| {
                refuse(&Untrusted::new(e.to_string().lines().next().unwrap_or("malformed").to_owned()).excerpt(120))
            })?;
        let name = PackageName::pypi(parsed.name.as_ref()).map_err(|e| e.to_string())?;
        let mut extras = Vec::with_capacity(parsed.extras.len());
        for extra in &parsed.extras {
            extras.push(PackageName::pypi(extra.as_ref()).map_err(|e| e.to_string())?);
        }
        let (mut range, mut names_prerelease, mut url) = (VersionSet::full(), false, None);
        match &parsed.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(list)) => {
                range = specifiers::range_of(list);
                names_prerelease = names_a_prerelease(list);
            }
            Some(VersionOrUrl::Url(text)) => {
                let shown = match text.0.parse::<mcpsec_model::url::SafeUrl>() {
                    Ok(safe) => safe.to_string(),
                    Err(_) => text.0.clone(),
                };
                url = Some(Untrusted::new(shown).excerpt(160));
            }
            None => {}
        }
        Ok(Self { name, extras, range, names_prerelease, url, marker: parsed.marker })
    }

    /// A requirement without a marker, as a spec makes it.
    pub(super) fn plain(name: PackageName, extras: Vec<PackageName>, list: &pep440_rs::VersionSpecifiers) -> Self {
        let (range, names_prerelease) = (specifiers::range_of(list), names_a_prerelease(list));
        Self { name, extras, range, names_prerelease, url: None, marker: pep508_rs::MarkerTree::TRUE }
    }

    /// The same requirement, for these versions only.
    pub(super) fn narrowed(mut self, range: &VersionSet) -> Self {
        self.range = self.range.intersection(range);
        self
    }

    /// Whether it applies in an environment without extras.
    pub(super) fn applies(&self, environment: &MarkerEnvironment) -> bool {
        self.marker.evaluate(environment, &[])
    }

    /// Whether it applies in an environment because of this extra, and would not without it.
    pub(super) fn applies_only_with(&self, environment: &MarkerEnvironment, extra: &ExtraName) -> bool {
        !self.applies(environment) && self.marker.evaluate(environment, std::slice::from_ref(extra))
    }

    /// The marker in its normal text, `None` if it is always true. An extra that is known to be asked for is left out.
    pub(super) fn marker_text(&self, extra: Option<&ExtraName>) -> Option<String> {
        let marker = match extra {
            Some(extra) => self.marker.clone().simplify_extras(std::slice::from_ref(extra)),
            None => self.marker.clone(),
        };
        marker.try_to_string().map(|text| mcpsec_model::text::escape(&text))
    }
}

fn names_a_prerelease(list: &pep440_rs::VersionSpecifiers) -> bool {
    list.iter().any(|one| one.any_prerelease() && *one.operator() != pep440_rs::Operator::NotEqual)
}

fn check_bounds(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_TEXT {
        return Err("it is too long");
    }
    if !specifiers::has_sane_numbers(text.split(" @ ").next().unwrap_or(text)) {
        return Err("it holds a number of more than 18 digits");
    }
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err("its parentheses are nested too deep");
        }
    }
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let count = |wanted: &[&str]| words().filter(|word| wanted.contains(word)).count();
    let (and, or) = (count(&["and"]), count(&["or"]));
    if and + or > MAX_TERMS || (and > 0 && or > 0 && count(&["extra", "in", "extras"]) > MAX_MIXED_VARIABLES) {
        return Err("its marker is too complex");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pypi::environment::Environment;

    fn parse(text: &str) -> Requirement {
        Requirement::parse(text).expect(text)
    }

    #[test]
    fn markers_and_extras_are_evaluated() {
        let linux = Environment::of(&"linux-x86_64-gnu/3.12".parse().expect("target")).expect("environment");
        let windows = Environment::of(&"windows-x86_64/3.12".parse().expect("target")).expect("environment");
        let one = parse("pywin32>=300; sys_platform == 'win32'");
        assert!(!one.applies(linux.markers()) && one.applies(windows.markers()));
        assert_eq!(one.marker_text(None).as_deref(), Some("sys_platform == 'win32'"));
        let cli: ExtraName = "cli".parse().expect("extra");
        let extra = parse("typer[all] >=0.9 ; extra == 'cli' and python_version < '4'");
        assert!(!extra.applies(linux.markers()) && extra.applies_only_with(linux.markers(), &cli));
        assert_eq!(extra.extras.len(), 1);
        assert_eq!(parse("a").marker_text(None), None);
        assert!(parse("a>=1.0rc1").names_prerelease && !parse("a!=1.0rc1").names_prerelease);
    }

    #[test]
    fn urls_stay_inert_text_without_secrets() {
        let url = parse("a @ git+https://bob:hunter2@h.invalid/${HOME}").url.expect("url");
        assert!(!url.contains("hunter2") && !url.contains("/root") && !url.contains("/home"), "{url}");
    }

    #[test]
    fn hostile_requirements_are_refused() {
        let deep = format!("a; {}python_version > '3'{}", "(".repeat(100), ")".repeat(100));
        let pairs: Vec<String> = (0..40).map(|i| format!("(extra == 'a{i}' and extra == 'b{i}')")).collect();
        let wide = format!("a; {}", pairs.join(" or "));
        let long = format!("a[{}]", "x,".repeat(10_000));
        for text in [&deep, &wide, &long, "a==18446744073709551615.*", "a; nonsense", "", "../x", "a\u{202e}"] {
            let error = Requirement::parse(text).expect_err("refused");
            assert!(error.len() < 600 && !error.contains('\u{202e}'), "{error}");
        }
    }
}
