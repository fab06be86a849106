//! Core metadata (PEP 566, PEP 643): is it of this package and version, and which Python does it want?
use mcpsec_model::{name::PackageName, package::PackageId, text::Untrusted};
use pep440_rs::Version;

use super::ArrivalError;

/// Longest version text that is looked at; real ones stay below 64.
const MAX_VERSION: usize = 128;

/// The text, when it is of this package. `None` when it cannot be kept as text (old encodings): nothing is said about such a
/// file then, and clients read it themselves.
pub(super) fn check(bytes: &[u8], file: &'static str, package: &PackageId) -> Result<Option<String>, ArrivalError> {
    let text = String::from_utf8_lossy(bytes);
    let name = field(&text, "Name").ok_or_else(|| problem(file, "names no package"))?;
    let version = field(&text, "Version").ok_or_else(|| problem(file, "names no version"))?;
    let other = || ArrivalError::other(file, name, version, package);
    if PackageName::pypi(name).ok().as_ref() != Some(package.name()) {
        return Err(other());
    }
    // A build of the same public version may call itself 1.0+local in a file named 1.0, and the other way round.
    let public = |text: &str| parse(text).map(Version::without_local);
    if public(version).is_none() || public(version) != public(package.version()) {
        return Err(other());
    }
    Ok(std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).map(str::to_owned))
}

/// `Requires-Python` of a text that passed.
pub(in crate::mirror) fn requires_python(text: &str) -> Option<&str> {
    field(text, "Requires-Python").filter(|value| !value.is_empty())
}

/// The first field of this name in the header section. None of those asked for may be folded.
fn field<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let header = text.trim_start_matches('\u{feff}').lines().take_while(|line| !line.is_empty());
    header
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim())
}

/// A version (PEP 440) whose numbers fit 64 bits with room to spare.
fn parse(text: &str) -> Option<Version> {
    let mut run = 0;
    let sane = text.len() <= MAX_VERSION
        && text.bytes().all(|byte| {
            run = if byte.is_ascii_digit() { run + 1 } else { 0 };
            run <= 18
        });
    sane.then(|| text.parse().ok()).flatten()
}

pub(super) fn problem(file: &'static str, why: &str) -> ArrivalError {
    ArrivalError::Description { file, why: Untrusted::new(why).excerpt(120) }
}
