//! Reading a bundle (protobuf JSON of `dev.sigstore.bundle.v1.Bundle`): bounded, unambiguous, and what it is made of.
//!
//! The library reads the same text afterwards. What is checked here is what it leaves open (a name twice, two contents side by
//! side, any number of log entries) or reports less precisely.
use std::str::FromStr as _;

use serde_json::Value;
use sigstore_types::{
    Bundle, MediaType, SignatureContent,
    bundle::{CheckpointData, VerificationMaterialContent},
};

use super::{
    error::{BundleError, LogFault, shown},
    json,
    root::TrustRoot,
};

/// Longest bundle that is read. Real ones have 5 to 60 kB.
const BUNDLE_LIMIT: usize = 1 << 20;
/// Log entries that are checked; real bundles have one.
const ENTRIES: usize = 8;
/// Trusted timestamps that are checked; real bundles have at most one.
const TIMESTAMPS: usize = 8;
/// Certificates of a chain that are looked at; real bundles have up to three.
const CERTIFICATES: usize = 10;
/// Hashes of one inclusion proof; a log of 2^64 entries needs 64.
const HASHES: usize = 64;

/// A bundle that was read and not yet believed.
pub(super) struct Parsed(pub(super) Bundle);

impl Parsed {
    pub(super) fn read(text: &str) -> Result<Self, BundleError> {
        if text.len() > BUNDLE_LIMIT {
            return Err(BundleError::TooLong { limit: BUNDLE_LIMIT, actual: text.len() });
        }
        let document = json::read(text.as_bytes()).map_err(BundleError::Malformed)?;
        inspect(&document)?;
        Bundle::from_json(text).map(Self).map_err(|error| BundleError::Malformed(shown(error)))
    }

    /// The hint that names the key, if it is signed by a key. Empty hints are none.
    pub(super) fn hint(&self) -> Option<&str> {
        match &self.0.verification_material.content {
            VerificationMaterialContent::PublicKey(key) => Some(key.hint.as_str()).filter(|hint| !hint.is_empty()),
            _ => None,
        }
    }

    /// `certificate` or `key`.
    pub(super) fn material(&self) -> &'static str {
        match &self.0.verification_material.content {
            VerificationMaterialContent::PublicKey(_) => "key",
            _ => "certificate",
        }
    }

    /// The signed payload of an attestation.
    pub(super) fn payload(&self) -> Option<&[u8]> {
        match &self.0.content {
            SignatureContent::DsseEnvelope(envelope) => Some(envelope.payload.as_bytes()),
            _ => None,
        }
    }

    /// Whether every log entry has an inclusion proof.
    pub(super) fn is_proven(&self) -> bool {
        let entries = &self.0.verification_material.tlog_entries;
        !entries.is_empty() && entries.iter().all(|entry| entry.inclusion_proof.is_some())
    }

    /// Whether it carries trusted timestamps.
    pub(super) fn is_timestamped(&self) -> bool {
        !self.0.verification_material.timestamp_verification_data.rfc3161_timestamps.is_empty()
    }

    /// Every entry owes what its version of the bundle demands; the library asks for one good entry among them all.
    pub(super) fn demand_log(&self) -> Result<(), LogFault> {
        let promised = self.0.media_type == MediaType::Bundle0_1;
        for entry in &self.0.verification_material.tlog_entries {
            if promised && entry.inclusion_promise.is_none() {
                return Err(LogFault::Promise("a log entry of a bundle 0.1 has none".to_owned()));
            }
            if !promised && entry.inclusion_proof.is_none() {
                return Err(LogFault::Proof(format!("a log entry of a bundle {} has none", self.0.media_type)));
            }
        }
        Ok(())
    }
}

impl Parsed {
    /// Every inclusion proof is for the tree whose size its checkpoint signs. A path may lead to one root from trees of several
    /// sizes; the library compares the roots and not the sizes.
    pub(super) fn demand_signed_sizes(&self) -> Result<(), LogFault> {
        for proof in self.0.verification_material.tlog_entries.iter().filter_map(|entry| entry.inclusion_proof.as_ref())
        {
            let claimed = proof.tree_size;
            if let Some(signed) = proof.checkpoint.checkpoint().map(|checkpoint| checkpoint.tree_size())
                && claimed != signed
            {
                return Err(LogFault::Proof(format!("for a tree of {claimed} entries, the checkpoint signs {signed}")));
            }
        }
        Ok(())
    }

    /// A promise of a log that nobody knows is no promise. (A proof needs no such word: its checkpoint names the log by its key.)
    pub(super) fn demand_known_logs(&self, root: &TrustRoot) -> Result<(), LogFault> {
        let promised =
            self.0.verification_material.tlog_entries.iter().filter(|entry| entry.inclusion_promise.is_some());
        match promised.map(|entry| &entry.log_id.key_id).find(|id| !root.knows_log(id.as_bytes())) {
            Some(id) => Err(LogFault::UnknownLog(shown(id))),
            None => Ok(()),
        }
    }
}

/// What the shape of the document says.
fn inspect(document: &Value) -> Result<(), BundleError> {
    let malformed = |why: &str| BundleError::Malformed(why.to_owned());
    let bundle = document.as_object().ok_or_else(|| malformed("it is not an object"))?;
    match bundle.get("mediaType").and_then(Value::as_str) {
        Some(media_type) if MediaType::from_str(media_type).is_ok() => {}
        other => return Err(BundleError::WrongMediaType(shown(other.unwrap_or_default()))),
    }
    match (bundle.get("messageSignature"), bundle.get("dsseEnvelope")) {
        (Some(_), Some(_)) => return Err(malformed("it has a message signature and an envelope")),
        (None, Some(envelope)) => match envelope.get("signatures").and_then(Value::as_array).map(Vec::len) {
            Some(1) => {}
            count => return Err(BundleError::ManySignatures(count.unwrap_or(0))),
        },
        (Some(_), None) => {}
        (None, None) => return Err(malformed("it has neither a message signature nor an envelope")),
    }
    let material = bundle.get("verificationMaterial").ok_or_else(|| malformed("it has no verification material"))?;
    let kinds = ["certificate", "x509CertificateChain", "publicKey"];
    match kinds.iter().filter(|kind| material.get(*kind).is_some()).count() {
        1 => {}
        count => return Err(BundleError::Malformed(format!("it names {count} certificates or keys, not one"))),
    }
    bound("certificates", material.pointer("/x509CertificateChain/certificates"), CERTIFICATES)?;
    if material
        .pointer("/x509CertificateChain/certificates")
        .is_some_and(|list| list.as_array().is_some_and(Vec::is_empty))
    {
        return Err(malformed("its certificate chain is empty"));
    }
    bound("timestamps", material.pointer("/timestampVerificationData/rfc3161Timestamps"), TIMESTAMPS)?;
    let entries = material.get("tlogEntries");
    bound("log entries", entries, ENTRIES)?;
    for entry in entries.and_then(Value::as_array).into_iter().flatten() {
        bound("hashes in an inclusion proof", entry.pointer("/inclusionProof/hashes"), HASHES)?;
        if let Some(envelope) = entry.pointer("/inclusionProof/checkpoint/envelope").and_then(Value::as_str) {
            CheckpointData::new(envelope).map_err(|error| LogFault::Checkpoint(shown(error)))?;
        }
    }
    Ok(())
}

fn bound(what: &'static str, list: Option<&Value>, limit: usize) -> Result<(), BundleError> {
    match list.and_then(Value::as_array).map(Vec::len) {
        Some(actual) if actual > limit => Err(BundleError::TooMany { what, limit, actual }),
        _ => Ok(()),
    }
}
