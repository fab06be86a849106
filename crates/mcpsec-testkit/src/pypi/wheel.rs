//! Wheels (binary distribution format 1.0) with METADATA, WHEEL, entry points and a correct RECORD.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcpsec_model::digest::Digest;

use super::{
    Distribution,
    distribution::UPLOADED,
    metadata::{Metadata, escaped_name},
};
use crate::archives::zip::{RawZip, ZipEntry};

/// Starts a pure wheel, `py3-none-any`, with one empty module.
///
/// ```
/// use mcpsec_testkit::wheel;
/// let wheel = wheel("my-server", "1.0").requires("x>=1").requires_python(">=3.10").entry_point("my-server", "my_server:main");
/// assert_eq!(wheel.file_name(), "my_server-1.0-py3-none-any.whl");
/// ```
pub fn wheel(name: &str, version: &str) -> Wheel {
    let module = format!("{}/__init__.py", escaped_name(name));
    Wheel {
        metadata: Metadata::new(name, version),
        tag: "py3-none-any".to_owned(),
        build: None,
        files: BTreeMap::from([(module, b"def main():\n    pass\n".to_vec())]),
        entry_points: BTreeMap::new(),
        uploaded: UPLOADED.to_owned(),
        yanked: None,
        bytes: None,
    }
}

/// A wheel under construction.
#[derive(Clone, Debug)]
pub struct Wheel {
    metadata: Metadata,
    tag: String,
    build: Option<String>,
    files: BTreeMap<String, Vec<u8>>,
    entry_points: BTreeMap<String, String>,
    uploaded: String,
    yanked: Option<String>,
    bytes: Option<Vec<u8>>,
}

impl Wheel {
    /// A requirement (PEP 508), such as `x>=1; extra == "fast"`.
    #[must_use]
    pub fn requires(mut self, requirement: &str) -> Self {
        self.metadata.requires.push(requirement.to_owned());
        self
    }

    /// An extra.
    #[must_use]
    pub fn extra(mut self, name: &str) -> Self {
        self.metadata.extras.push(name.to_owned());
        self
    }

    /// The Python versions it supports.
    #[must_use]
    pub fn requires_python(mut self, specifiers: &str) -> Self {
        self.metadata.requires_python = Some(specifiers.to_owned());
        self
    }

    /// Python, ABI and platform tags, such as `cp312-cp312-manylinux_2_17_x86_64`.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = tag.to_owned();
        self
    }

    /// A build number, which stands between version and tags.
    #[must_use]
    pub fn build(mut self, build: &str) -> Self {
        self.build = Some(build.to_owned());
        self
    }

    /// A console script: command, and `module:function`.
    #[must_use]
    pub fn entry_point(mut self, command: &str, target: &str) -> Self {
        self.entry_points.insert(command.to_owned(), target.to_owned());
        self
    }

    /// A file; under `<name>-<version>.dist-info/` it replaces the generated one.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.insert(path.to_owned(), bytes.to_vec());
        self
    }

    /// Any line of METADATA, such as `Summary: …`.
    #[must_use]
    pub fn metadata_line(mut self, line: &str) -> Self {
        self.metadata.lines.push(line.to_owned());
        self
    }

    /// When it was uploaded, RFC 3339.
    #[must_use]
    pub fn uploaded(mut self, time: &str) -> Self {
        self.uploaded = time.to_owned();
        self
    }

    /// Yanked, with a reason.
    #[must_use]
    pub fn yanked(mut self, reason: &str) -> Self {
        self.yanked = Some(reason.to_owned());
        self
    }

    /// These bytes are the wheel; the index entry's digest is theirs.
    #[must_use]
    pub fn archive_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.bytes = Some(bytes.into());
        self
    }

    /// The file name.
    pub fn file_name(&self) -> String {
        let build = self.build.as_ref().map(|build| format!("-{build}")).unwrap_or_default();
        format!("{}-{}{build}-{}.whl", escaped_name(&self.metadata.name), self.metadata.version, self.tag)
    }

    /// The METADATA file.
    pub fn metadata_text(&self) -> String {
        self.metadata.render()
    }

    /// The archive before it is closed, so that entries can be added.
    pub fn zip(&self) -> RawZip {
        let info = format!("{}-{}.dist-info", escaped_name(&self.metadata.name), self.metadata.version);
        let mut files = BTreeMap::new();
        files.insert(format!("{info}/METADATA"), self.metadata.render().into_bytes());
        let pure = self.tag.ends_with("-none-any");
        let wheel = format!("Wheel-Version: 1.0\nGenerator: testkit\nRoot-Is-Purelib: {pure}\nTag: {}\n", self.tag);
        files.insert(format!("{info}/WHEEL"), wheel.into_bytes());
        if !self.entry_points.is_empty() {
            let lines: String =
                self.entry_points.iter().map(|(command, target)| format!("{command} = {target}\n")).collect();
            files.insert(format!("{info}/entry_points.txt"), format!("[console_scripts]\n{lines}").into_bytes());
        }
        files.extend(self.files.clone());
        let record_path = format!("{info}/RECORD");
        let mut record = String::new();
        for (path, bytes) in files.iter().filter(|(path, _)| **path != record_path) {
            let hash = URL_SAFE_NO_PAD.encode(Digest::sha256_of(bytes).as_bytes());
            record.push_str(&format!("{path},sha256={hash},{}\n", bytes.len()));
        }
        record.push_str(&format!("{record_path},,\n"));
        files.entry(record_path).or_insert(record.into_bytes());
        // dist-info last, as the format asks for.
        let (info_files, own): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| path.starts_with(&info));
        own.into_iter()
            .chain(info_files)
            .fold(RawZip::new(), |zip, (path, bytes)| zip.entry(&ZipEntry::new(path, bytes)))
    }

    /// The wheel.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone().unwrap_or_else(|| self.zip().finish())
    }

    /// The wheel with its index entry.
    pub fn distribution(&self) -> Distribution {
        let mut distribution =
            Distribution::new(&self.metadata.name, &self.metadata.version, &self.file_name(), self.bytes());
        distribution.metadata = Some(self.metadata.render().into());
        distribution.requires_python.clone_from(&self.metadata.requires_python);
        distribution.yanked.clone_from(&self.yanked);
        distribution.uploaded = Some(self.uploaded.clone());
        distribution
    }
}

impl From<&Wheel> for Distribution {
    fn from(wheel: &Wheel) -> Self {
        wheel.distribution()
    }
}

impl From<Wheel> for Distribution {
    fn from(wheel: Wheel) -> Self {
        wheel.distribution()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    #[test]
    fn the_record_lists_every_file() {
        let wheel =
            wheel("My.Server", "1.0").requires("x>=1").entry_point("go", "my_server:main").file("my_server/b.py", b"b");
        assert_eq!(wheel.file_name(), "my_server-1.0-py3-none-any.whl");
        assert_eq!(wheel.bytes(), wheel.clone().bytes());
        let mut archive = zip::ZipArchive::new(Cursor::new(wheel.bytes())).expect("zip");
        let names: Vec<String> = archive.file_names().map(|name| name.expect("UTF-8").into_owned()).collect();
        let mut record = String::new();
        archive.by_name("my_server-1.0.dist-info/RECORD").expect("RECORD").read_to_string(&mut record).expect("text");
        for name in &names {
            assert!(record.lines().any(|line| line.starts_with(&format!("{name},"))), "{name} in {record}");
        }
        assert_eq!(names.len(), record.lines().count());
    }
}
