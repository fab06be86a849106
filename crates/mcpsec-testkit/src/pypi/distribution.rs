//! A file of an index with what the index says about it, true or not.
use bytes::Bytes;
use mcpsec_model::digest::Digest;

/// When a file was uploaded, unless said otherwise.
pub(super) const UPLOADED: &str = "2025-01-01T00:00:00.000000Z";

/// A wheel or source distribution as an index lists it. Made from a builder, a recorded file, or by hand.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// The project, as the file names it.
    pub name: String,
    /// The version.
    pub version: String,
    /// The file name.
    pub file_name: String,
    /// The bytes served.
    pub bytes: Bytes,
    /// The core metadata, for PEP 658; `None` for files that offer none.
    pub metadata: Option<Bytes>,
    /// `requires-python` of the index entry.
    pub requires_python: Option<String>,
    /// Yanked, with the reason (may be empty).
    pub yanked: Option<String>,
    /// Upload time, RFC 3339.
    pub uploaded: Option<String>,
    /// The sha256 the index claims; `None` means it names no hash at all.
    pub sha256: Option<String>,
    /// The size the index claims, in bytes.
    pub size: Option<u64>,
    /// The recorded provenance object (PEP 740).
    pub provenance: Option<Bytes>,
    /// Announces the provenance at this address instead of the index's own.
    pub provenance_url: Option<String>,
}

/// How an index offers core metadata files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CoreMetadata {
    /// Not at all.
    #[default]
    Off,
    /// With `core-metadata` (PEP 714) and a hash.
    Offered,
    /// Announced, but the file is missing.
    Broken,
}

impl Distribution {
    /// A file with true claims.
    pub fn new(name: &str, version: &str, file_name: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            file_name: file_name.to_owned(),
            metadata: None,
            requires_python: None,
            yanked: None,
            uploaded: Some(UPLOADED.to_owned()),
            sha256: Some(Digest::sha256_of(&bytes).to_hex()),
            size: Some(bytes.len() as u64),
            provenance: None,
            provenance_url: None,
            bytes,
        }
    }

    /// Yanked, with a reason.
    #[must_use]
    pub fn yanked(mut self, reason: &str) -> Self {
        self.yanked = Some(reason.to_owned());
        self
    }

    /// No longer yanked.
    #[must_use]
    pub fn not_yanked(mut self) -> Self {
        self.yanked = None;
        self
    }

    /// Uploaded at this time, RFC 3339.
    #[must_use]
    pub fn uploaded(mut self, time: &str) -> Self {
        self.uploaded = Some(time.to_owned());
        self
    }

    /// The index claims another sha256 (64 hexadecimal digits).
    #[must_use]
    pub fn claimed_sha256(mut self, hex: &str) -> Self {
        self.sha256 = Some(hex.to_owned());
        self
    }

    /// The index names no hash.
    #[must_use]
    pub fn without_hash(mut self) -> Self {
        self.sha256 = None;
        self
    }

    /// The index claims another size.
    #[must_use]
    pub fn claimed_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Other bytes than the index entry was made from.
    #[must_use]
    pub fn served_bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.bytes = bytes.into();
        self
    }

    /// A recorded provenance object.
    #[must_use]
    pub fn provenance(mut self, object: impl Into<Bytes>) -> Self {
        self.provenance = Some(object.into());
        self
    }
}
