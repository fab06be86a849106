//! The key of a log: Ed25519, with the name of the log inside it (C2SP `signed-note`, "Signature types", 0x01).
//!
//! As text `<origin>+<8 hex digits of key hint>+<base64 of 0x01 and the 32 bytes>`, as Go's `sumdb/note` writes verifier keys.
use std::{fmt, str::FromStr};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::approval::head::{Head, HeadNote, HeadSignature, Origin};

use super::super::SignError;

/// Ed25519, in the note's numbering.
const TYPE: u8 = 0x01;

/// The public key of a log, with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct LogKey {
    origin: Origin,
    hint: [u8; 4],
    key: [u8; 32],
}

/// Why a text is no key of a log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LogKeyError {
    /// Not of the three parts.
    #[error(
        "not a key such as `mcp.example.test+1a2b3c4d+AbCd…`, as `mcpsec-registry key` and `/api/v1/log-key` print it"
    )]
    Form,
    /// Another kind of key.
    #[error("not an Ed25519 key, the only kind that signs heads")]
    Kind,
    /// The parts do not belong together.
    #[error("its parts do not belong together: a digit is wrong, or it was cut")]
    Hint,
}

impl LogKey {
    fn new(origin: Origin, key: [u8; 32]) -> Self {
        let mut text = format!("{origin}\n").into_bytes();
        text.push(TYPE);
        text.extend_from_slice(&key);
        let mut hint = [0; 4];
        hint.copy_from_slice(&digest(&SHA256, &text).as_ref()[..4]);
        Self { origin, hint, key }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, LogKeyError> {
        // Base64 may hold `+`, names and hex may not.
        let mut parts = text.trim().splitn(3, '+');
        let (Some(origin), Some(hint), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(LogKeyError::Form);
        };
        let origin = origin.parse().map_err(|_| LogKeyError::Form)?;
        let bytes = STANDARD.decode(key).map_err(|_| LogKeyError::Form)?;
        let (TYPE, key) = bytes.split_first().map(|(kind, key)| (*kind, key)).ok_or(LogKeyError::Form)? else {
            return Err(LogKeyError::Kind);
        };
        let key = Self::new(origin, key.try_into().map_err(|_| LogKeyError::Hint)?);
        if hex::encode(key.hint) == hint { Ok(key) } else { Err(LogKeyError::Hint) }
    }

    /// Which log it signs for.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The name and the short form of the key, as people compare them: `mcp.example.test+1a2b3c4d`.
    pub fn short(&self) -> String {
        format!("{}+{}", self.origin, hex::encode(self.hint))
    }

    /// Whether a signature says that this key made it.
    pub(super) fn is_named_by(&self, signature: &HeadSignature) -> bool {
        signature.name == self.origin.as_str() && signature.hint == self.hint
    }

    /// Whether it really did.
    pub(super) fn holds(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key).verify(text.as_bytes(), signature).is_ok()
    }
}

impl FromStr for LogKey {
    type Err = LogKeyError;

    fn from_str(text: &str) -> Result<Self, LogKeyError> {
        Self::parse(text)
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[TYPE], self.key.as_slice()].concat();
        write!(f, "{}+{}+{}", self.origin, hex::encode(self.hint), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The private key of a log. It cannot be printed.
pub struct LogSigner {
    pair: Ed25519KeyPair,
    key: LogKey,
}

impl LogSigner {
    /// A new private key: PKCS#8 in PEM (RFC 5958, RFC 8410), for [`LogSigner::parse`].
    ///
    /// # Errors
    /// The machine has no random numbers.
    pub fn generate() -> Result<String, SignError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| SignError::Failed)?;
        let base64 = STANDARD.encode(document.as_ref());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// The signer of the log of this name: PKCS#8 in PEM, Ed25519.
    ///
    /// # Errors
    /// Another form, another kind of key.
    pub fn parse(origin: Origin, pem: &str) -> Result<Self, SignError> {
        let body = pem
            .trim()
            .strip_prefix("-----BEGIN PRIVATE KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
            .ok_or(SignError::Form)?;
        let base64: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| SignError::Form)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| SignError::Kind)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| SignError::Kind)?;
        Ok(Self { pair, key: LogKey::new(origin, public) })
    }

    /// Its public half.
    pub fn key(&self) -> &LogKey {
        &self.key
    }

    /// The note of a head. The head's origin is signed as it stands there: a server hands in its own.
    pub fn sign(&self, head: Head) -> HeadNote {
        let mut note = HeadNote { head, signatures: Vec::new() };
        self.cosign(&mut note);
        note
    }

    /// Adds this key's signature behind those that are there: while a log changes its key, both sign.
    pub fn cosign(&self, note: &mut HeadNote) {
        let signature = self.pair.sign(note.head.text().as_bytes()).as_ref().to_vec();
        note.signatures.push(HeadSignature { name: self.key.origin.as_str().into(), hint: self.key.hint, signature });
    }
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogSigner").field(&self.key).finish()
    }
}
