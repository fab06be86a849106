//! The DSSE envelope of one statement (Dead Simple Signing Envelope v1.0.2), with exactly one signature, as one line of JSON.
//!
//! DSSE allows many signatures. Here each reviewer signs a statement of their own, so that a second signature could only be
//! one that nobody looks at: it is refused. What is signed is [`pae`] of the payload, never the payload itself.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{digest::ApprovalId, text::Untrusted};

/// What the payload is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The longest line, in bytes, without its line feed.
pub const MAX_LINE: usize = 64 << 10;

/// A signed statement. That it has a signature says nothing yet: `mcpsec-verify` checks it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Envelope {
    payload: Vec<u8>,
    keyid: String,
    signature: Vec<u8>,
}

/// Why a text is no envelope of a statement.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Too long.
    #[error("{0} bytes long, more than {MAX_LINE}")]
    TooLong(usize),
    /// Not JSON of this form.
    #[error("not a DSSE envelope: {0}")]
    Form(String),
    /// Another kind of payload.
    #[error("its payload is `{0}`, not `{PAYLOAD_TYPE}`")]
    PayloadType(String),
    /// No signature, or more than one.
    #[error("it has {0} signatures, not one: each reviewer signs a line of their own")]
    Signatures(usize),
    /// Not base64 with padding.
    #[error("its {0} is not base64")]
    Base64(&'static str),
    /// Another text for the same envelope.
    #[error("not in canonical form (RFC 8785), as mcpsec writes it")]
    NotCanonical,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// An envelope with its one signature over [`pae`] of the payload. `keyid` is the `SHA256:…` fingerprint of the key.
    pub fn new(payload: Vec<u8>, keyid: impl Into<String>, signature: Vec<u8>) -> Self {
        Self { payload, keyid: keyid.into(), signature }
    }

    /// Reads a line, without its line feed. What [`Envelope::to_line`] would write differently is refused.
    ///
    /// # Errors
    /// Too long, not an envelope, not one signature, not canonical.
    pub fn parse(line: &str) -> Result<Self, EnvelopeError> {
        if line.len() > MAX_LINE {
            return Err(EnvelopeError::TooLong(line.len()));
        }
        let wire: Wire = serde_json::from_str(line)
            .map_err(|error| EnvelopeError::Form(Untrusted::new(error.to_string()).excerpt(160)))?;
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType(Untrusted::new(wire.payload_type).excerpt(60)));
        }
        let payload = STANDARD.decode(&wire.payload).map_err(|_| EnvelopeError::Base64("payload"))?;
        let count = wire.signatures.len();
        let Ok([signature]) = <[WireSignature; 1]>::try_from(wire.signatures) else {
            return Err(EnvelopeError::Signatures(count));
        };
        let bytes = STANDARD.decode(&signature.sig).map_err(|_| EnvelopeError::Base64("signature"))?;
        let envelope = Self { payload, keyid: signature.keyid, signature: bytes };
        if envelope.to_line() == line { Ok(envelope) } else { Err(EnvelopeError::NotCanonical) }
    }

    /// The canonical line, without a line feed: the same bytes in the file, in git and on a server.
    pub fn to_line(&self) -> String {
        // Three keys in their order, and base64 needs no escapes: this is RFC 8785, and reading 100,000 lines stays quick.
        let keyid =
            String::from_utf8(crate::manifest::json::canonical(&self.keyid.as_str().into())).unwrap_or_default();
        format!(
            "{{\"payload\":\"{}\",\"payloadType\":\"{PAYLOAD_TYPE}\",\"signatures\":[{{\"keyid\":{keyid},\"sig\":\"{}\"}}]}}",
            STANDARD.encode(&self.payload),
            STANDARD.encode(&self.signature)
        )
    }

    /// The statement's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Who the envelope says has signed: a hint that is compared, never believed. As it came: not for a terminal.
    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    /// The signature's bytes.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What a revocation names: the SHA-256 of the payload.
    pub fn id(&self) -> ApprovalId {
        ApprovalId::of(&self.payload)
    }
}

/// What is signed: the pre-authentication encoding of type and payload (DSSE v1.0.2, "Protocol").
pub fn pae(payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}
