//! Core metadata (PEP 566, PEP 643): the `METADATA` of a wheel and the `PKG-INFO` of a source distribution.

/// The fields that resolution reads.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) metadata_version: String,
    pub(super) requires_python: Option<String>,
    pub(super) requires: Vec<String>,
    pub(super) extras: Vec<String>,
    pub(super) dynamic: Vec<String>,
    pub(super) lines: Vec<String>,
}

impl Metadata {
    pub(super) fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            metadata_version: "2.2".to_owned(),
            requires_python: None,
            requires: Vec::new(),
            extras: Vec::new(),
            dynamic: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// The file.
    pub(super) fn render(&self) -> String {
        let mut out =
            format!("Metadata-Version: {}\nName: {}\nVersion: {}\n", self.metadata_version, self.name, self.version);
        let mut put = |key: &str, values: &[String]| {
            for value in values {
                out.push_str(&format!("{key}: {value}\n"));
            }
        };
        put("Dynamic", &self.dynamic);
        put("Requires-Python", self.requires_python.as_slice());
        put("Provides-Extra", &self.extras);
        put("Requires-Dist", &self.requires);
        for line in &self.lines {
            out.push_str(&format!("{line}\n"));
        }
        out
    }
}

/// A name as it stands in file names (PEP 625, binary distribution format): `_` in place of what separates.
pub(super) fn escaped_name(name: &str) -> String {
    super::normalized(name).replace('-', "_")
}
