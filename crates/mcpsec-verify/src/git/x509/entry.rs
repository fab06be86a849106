//! From a gitsign signature to the Sigstore bundle that says the same: then one verifier judges both.
//!
//! gitsign logs a `hashedrekord` over the DER of the signed attributes, with the signature and the certificate in it, and leaves the
//! entry's body out of the signature, because all of it is there already. The body is made again here; a wrong one fails the log's
//! inclusion proof and promise.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Form, GitError,
    cms::Envelope,
    proto::{Entry, Proof},
};

/// The bundle, as JSON.
pub(super) fn bundle(envelope: &Envelope, entry: &Entry) -> Result<String, GitError> {
    if (entry.kind.as_str(), entry.version.as_str()) != ("hashedrekord", "0.0.1") {
        let what = format!("log entry {} {}", super::shown(&entry.kind), super::shown(&entry.version));
        return Err(GitError::Unsupported { form: Form::X509.as_str(), what });
    }
    // Without a proof there is only the promise, which bundles after 0.1 do not accept alone.
    let (media_type, certificate) = if entry.proof.is_some() {
        ("application/vnd.dev.sigstore.bundle.v0.3+json", "certificate")
    } else {
        ("application/vnd.dev.sigstore.bundle+json;version=0.1", "x509CertificateChain")
    };
    let raw = json!({ "rawBytes": STANDARD.encode(envelope.leaf()) });
    let holder = if entry.proof.is_some() { raw } else { json!({ "certificates": [raw] }) };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, envelope.signed());
    let bundle = json!({
        "mediaType": media_type,
        "verificationMaterial": { certificate: holder, "tlogEntries": [tlog(envelope, entry, digest.as_ref())] },
        "messageSignature": {
            "messageDigest": { "algorithm": "SHA2_256", "digest": STANDARD.encode(digest) },
            "signature": STANDARD.encode(envelope.signature()),
        },
    });
    Ok(bundle.to_string())
}

fn tlog(envelope: &Envelope, entry: &Entry, digest: &[u8]) -> Value {
    let mut out = json!({
        "logIndex": entry.log_index.to_string(),
        "logId": { "keyId": STANDARD.encode(&entry.log_id) },
        "kindVersion": { "kind": entry.kind, "version": entry.version },
        "integratedTime": entry.integrated_time.to_string(),
        "canonicalizedBody": STANDARD.encode(body(envelope, digest)),
    });
    if let Some(promise) = &entry.promise {
        out["inclusionPromise"] = json!({ "signedEntryTimestamp": STANDARD.encode(promise) });
    }
    if let Some(Proof { log_index, root_hash, tree_size, hashes, checkpoint }) = &entry.proof {
        let hashes: Vec<String> = hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
        out["inclusionProof"] = json!({
            "logIndex": log_index.to_string(),
            "rootHash": STANDARD.encode(root_hash),
            "treeSize": tree_size.to_string(),
            "hashes": hashes,
            "checkpoint": { "envelope": checkpoint },
        });
    }
    out
}

/// The canonical JSON of the entry: names in order, no blanks. Every value is hexadecimal or base64, so nothing is to be escaped.
fn body(envelope: &Envelope, digest: &[u8]) -> String {
    let digest = hex::encode(digest);
    let signature = STANDARD.encode(envelope.signature());
    let certificate = STANDARD.encode(pem(envelope.leaf()));
    format!(
        r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{digest}"}}}},"signature":{{"content":"{signature}","publicKey":{{"content":"{certificate}"}}}}}}}}"#
    )
}

/// The certificate as PEM, in lines of 64 characters.
fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out.push_str("-----END CERTIFICATE-----\n");
    out
}
