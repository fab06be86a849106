//! PyPI: attestations of index files (PEP 740), each held against the file, the package and the index's publisher record.
mod bundle;
mod file;
mod provenance;
mod publisher;

pub use provenance::{ProvenanceError, attestation, provenance};
pub use publisher::PublisherError;
