//! A PEP 740 attestation as a Sigstore bundle 0.3: the same parts under other names, none of them read or changed here.
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An attestation object (PEP 740 §Attestation objects). Texts stay as they were sent.
#[derive(Deserialize)]
pub(super) struct Attestation<'a> {
    pub(super) version: u64,
    #[serde(borrow)]
    verification_material: Material<'a>,
    #[serde(borrow)]
    envelope: Envelope<'a>,
}

#[derive(Deserialize)]
struct Material<'a> {
    /// DER, base64.
    #[serde(borrow)]
    certificate: &'a RawValue,
    /// Entries of the log in the JSON form of Sigstore bundles.
    #[serde(borrow)]
    transparency_entries: &'a RawValue,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    /// The in-toto statement, base64.
    #[serde(borrow)]
    statement: &'a RawValue,
    /// Base64, over the statement's DSSE encoding.
    #[serde(borrow)]
    signature: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bundle<'a> {
    media_type: &'static str,
    verification_material: BundleMaterial<'a>,
    dsse_envelope: BundleEnvelope<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BundleMaterial<'a> {
    certificate: Certificate<'a>,
    tlog_entries: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate<'a> {
    raw_bytes: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BundleEnvelope<'a> {
    payload: &'a RawValue,
    payload_type: &'static str,
    signatures: [Signature<'a>; 1],
}

#[derive(Serialize)]
struct Signature<'a> {
    sig: &'a RawValue,
}

impl Attestation<'_> {
    /// The bundle's JSON.
    pub(super) fn to_bundle(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Bundle {
            media_type: "application/vnd.dev.sigstore.bundle.v0.3+json",
            verification_material: BundleMaterial {
                certificate: Certificate { raw_bytes: self.verification_material.certificate },
                tlog_entries: self.verification_material.transparency_entries,
            },
            dsse_envelope: BundleEnvelope {
                payload: self.envelope.statement,
                // PEP 740 knows no other payload, so its envelope does not say it.
                payload_type: "application/vnd.in-toto+json",
                signatures: [Signature { sig: self.envelope.signature }],
            },
        })
    }
}
