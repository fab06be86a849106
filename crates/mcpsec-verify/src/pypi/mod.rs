//! PyPI: attestations of index files (PEP 740), each held against the file, the package and the index's publisher record.
mod file;
mod publisher;

pub use publisher::PublisherError;
