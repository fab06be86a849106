//! Core metadata (`METADATA`, `PKG-INFO`): the few fields resolution needs, from text that strangers wrote.
//!
//! The format is that of e-mail headers (core metadata specification 2.x): fields until the first empty line, continuation
//! lines indented, then the description, which is never read. All wheels of one version are assumed to have the same
//! metadata, as uv assumes and PyPI's rules intend; the file actually read is the best one for the first target.
use mcpsec_model::{name::PackageName, text::Untrusted};
use pep440_rs::{Version, VersionSpecifiers};

use super::{requirement::Requirement, specifiers};

/// Longest header section that is read, in bytes.
pub(super) const MAX_HEADERS: usize = 1024 * 1024;
/// Most dependencies that one version may declare; the largest real ones have a few hundred.
const MAX_REQUIREMENTS: usize = 4096;

/// What a version says about itself.
#[derive(Clone, Debug)]
pub(super) struct CoreMetadata {
    pub(super) requirements: Vec<Requirement>,
    pub(super) requires_python: Option<VersionSpecifiers>,
    /// The dependencies cannot be known without running the build (an sdist whose `Requires-Dist` is dynamic or old).
    pub(super) incomplete: bool,
}

/// Where the text came from; decides what can be trusted of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    Wheel,
    /// PKG-INFO: trusted from Metadata-Version 2.2 on, where fields not named `Dynamic` are final (PEP 643).
    Sdist,
}

/// The header section of a metadata file, without the description: what is worth keeping of it.
pub(super) fn header_section(bytes: &[u8]) -> &[u8] {
    let end = [&b"\n\n"[..], b"\n\r\n"].iter().filter_map(|gap| bytes.windows(gap.len()).position(|w| w == *gap)).min();
    &bytes[..end.map_or(bytes.len(), |at| at + 1)]
}

impl CoreMetadata {
    /// Metadata of a version about which nothing can be known without running its build.
    pub(super) fn unknown() -> Self {
        Self { requirements: Vec::new(), requires_python: None, incomplete: true }
    }

    /// Reads the text and checks that it is about this package and version. The error is a short reason, safe to print.
    pub(super) fn parse(bytes: &[u8], name: &PackageName, version: &Version, origin: Origin) -> Result<Self, String> {
        let headers = header_section(bytes);
        if headers.len() > MAX_HEADERS {
            return Err(format!("its metadata has more than {MAX_HEADERS} bytes of fields"));
        }
        let text = String::from_utf8_lossy(headers);
        let fields = unfold(text.trim_start_matches('\u{feff}'));
        let all = |wanted: &'static str| {
            fields.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        };
        let one = |wanted| all(wanted).next();

        let said = one("Name").ok_or("its metadata has no name")?;
        if PackageName::pypi(said).ok().as_ref() != Some(name) {
            return Err(format!("its metadata says it is `{}`", Untrusted::new(said).excerpt(60)));
        }
        let said = one("Version").ok_or("its metadata has no version")?;
        // A build of the same public version may call itself 1.0+local in a file named 1.0 and the other way round.
        let public = version.clone().without_local();
        if specifiers::version(said).is_none_or(|said| said.without_local() != public) {
            return Err(format!("its metadata says it is version `{}`", Untrusted::new(said).excerpt(60)));
        }
        let requires_python = match one("Requires-Python").filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(specifiers::lenient_specifiers(text).ok_or_else(|| {
                format!("its metadata has a malformed Requires-Python `{}`", Untrusted::new(text).excerpt(60))
            })?),
        };
        if origin == Origin::Sdist {
            let modern =
                one("Metadata-Version").and_then(specifiers::version).is_some_and(|v| v >= Version::new([2, 2]));
            let dynamic = |field: &str| all("Dynamic").any(|said| said.eq_ignore_ascii_case(field));
            if !modern || dynamic("Requires-Dist") {
                let requires_python = requires_python.filter(|_| modern && !dynamic("Requires-Python"));
                return Ok(Self { requires_python, ..Self::unknown() });
            }
        }
        let mut requirements = Vec::new();
        for text in all("Requires-Dist") {
            if requirements.len() == MAX_REQUIREMENTS {
                return Err(format!("its metadata declares more than {MAX_REQUIREMENTS} dependencies"));
            }
            requirements.push(Requirement::parse(text)?);
        }
        Ok(Self { requirements, requires_python, incomplete: false })
    }
}

fn unfold(text: &str) -> Vec<(&str, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            fields.push((key.trim(), value.trim().to_owned()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, origin: Origin) -> Result<CoreMetadata, String> {
        CoreMetadata::parse(
            text.as_bytes(),
            &PackageName::pypi("Some.Name").expect("name"),
            &Version::new([1, 0]),
            origin,
        )
    }

    #[test]
    fn fields_are_read_and_the_description_is_not() {
        let metadata = read(
            "Metadata-Version: 2.1\nName: some_name\nVersion: 1.0.0\nRequires-Python: >=3.8.*\nRequires-Dist: a>=1,\n  <2\nrequires-dist: b; extra == 'x'\n\nRequires-Dist: evil\n",
            Origin::Wheel,
        )
        .expect("metadata");
        let names: Vec<&str> = metadata.requirements.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(metadata.requires_python.map(|s| s.to_string()).as_deref(), Some(">=3.8"));
        assert!(!metadata.incomplete);
    }

    #[test]
    fn sdists_are_trusted_from_2_2_on_unless_dynamic() {
        let head = "Name: some-name\nVersion: 1.0\nRequires-Dist: a\n";
        for (more, known) in [
            ("Metadata-Version: 2.1\n", false),
            ("Metadata-Version: 2.2\n", true),
            ("Metadata-Version: 2.4\nDynamic: license-file\n", true),
            ("Metadata-Version: 2.2\nDynamic: requires-dist\n", false),
            ("", false),
        ] {
            let metadata = read(&format!("{more}{head}"), Origin::Sdist).expect("metadata");
            assert_eq!(!metadata.incomplete, known, "{more}");
            assert_eq!(metadata.requirements.len(), usize::from(known));
        }
    }

    #[test]
    fn metadata_of_something_else_and_bombs_are_refused() {
        let many = "Requires-Dist: a\n".repeat(5000);
        let huge = format!("X: {}\n", "y".repeat(2_000_000));
        for (text, want) in [
            ("Name: other\nVersion: 1.0\n".to_owned(), "says it is `other`"),
            ("Name: some-name\nVersion: 2.0\n".to_owned(), "says it is version `2.0`"),
            ("Version: 1.0\n".to_owned(), "no name"),
            ("Name: some-name\nVersion: 1.0\nRequires-Python: snake\n".to_owned(), "Requires-Python"),
            (format!("Name: some-name\nVersion: 1.0\n{many}"), "more than 4096"),
            (format!("Name: some-name\nVersion: 1.0\n{huge}"), "bytes of fields"),
            ("Name: some-name\nVersion: 1.0\nRequires-Dist: @@\n".to_owned(), "requirement"),
        ] {
            let error = read(&text, Origin::Wheel).expect_err("refused");
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn the_header_section_ends_at_the_first_empty_line() {
        assert_eq!(header_section(b"A: 1\n\nbody"), b"A: 1\n");
        assert_eq!(header_section(b"A: 1\r\n\r\nbody"), b"A: 1\r\n");
        assert_eq!(header_section(b"A: 1"), b"A: 1");
    }
}
