//! Downloads: what is to be fetched, and what must come out.
use mcpsec_model::digest::Digests;
use mcpsec_model::{
    package::{ArtifactKind, PackageId},
    url::SafeUrl,
};

use crate::http::Credentials;

/// One file to fetch.
#[derive(Clone, Debug)]
pub struct Download {
    /// The package it belongs to.
    pub package: PackageId,
    /// What it is.
    pub kind: ArtifactKind,
    /// Its file name in the lock.
    pub file: String,
    /// Where it is.
    pub url: SafeUrl,
    /// Sent only to the origin of `url`, never across a redirect to another origin.
    pub credentials: Option<Credentials>,
    /// What the bytes must hash to. May be empty only when `sha1` is given.
    pub expected: Digests,
    /// The legacy digest of an old npm record; compared in addition.
    pub sha1: Option<[u8; 20]>,
    /// The exact length, if the registry says it.
    pub size: Option<u64>,
}
