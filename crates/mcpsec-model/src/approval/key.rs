//! Public keys of signers: a line of OpenSSH, or a PEM block (SubjectPublicKeyInfo, RFC 5280 §4.1.2.7).
//!
//! A key is known by its SSH wire form (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4) whichever way it is written, so that one key in
//! two clothes is one key, with one `SHA256:…` fingerprint. How it is written decides how it signs: SSH keys make SSHSIG
//! signatures, PEM keys plain ones.
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use crate::{
    digest::Digest,
    text::{Untrusted, is_hidden},
};

/// How a key is written, and so what its signatures look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A line of OpenSSH: signatures are SSHSIG.
    Ssh,
    /// PEM: Ed25519 (RFC 8032), or ECDSA in DER with SHA-256 (P-256) or SHA-384 (P-384).
    Pem,
}

/// A public key. Equal keys are equal however they are written.
#[derive(Clone, Debug)]
pub struct PublicKey {
    form: Form,
    algorithm: &'static str,
    blob: Vec<u8>,
    comment: String,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for PublicKey {}

/// Why a text is no key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither of the two forms.
    #[error("neither a line such as `ssh-ed25519 AAAA…` nor a PEM block `-----BEGIN PUBLIC KEY-----`")]
    Form,
    /// A private key.
    #[error("a private key: it belongs to nobody else, and not into this file; the public one ends in `.pub`")]
    Private,
    /// A certificate or an algorithm that is not known.
    #[error("`{0}` is not a kind of key that can sign approvals")]
    Algorithm(String),
    /// What it contains is not a key of its kind.
    #[error("not a whole {0} key")]
    Content(&'static str),
}

/// OpenSSH's names of what can sign.
const ALGORITHMS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
];

/// The DER that stands before the key's own bytes, for each kind of PEM key, and the kind's SSH name.
const PEM_KINDS: &[(&str, &[u8], usize)] = &[
    ("ssh-ed25519", &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], 32),
    (
        "ecdsa-sha2-nistp256",
        &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ],
        65,
    ),
    (
        "ecdsa-sha2-nistp384",
        &[
            0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
            0x00, 0x22, 0x03, 0x62, 0x00,
        ],
        97,
    ),
];

impl PublicKey {
    /// Reads a key in either form.
    ///
    /// # Errors
    /// Which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        match text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
            Some(rest) => Self::pem(rest.strip_suffix("-----END PUBLIC KEY-----").ok_or(KeyError::Form)?),
            None => Self::ssh(text),
        }
    }

    /// The key of this SSH wire form.
    ///
    /// # Errors
    /// Not a whole key of a known kind.
    pub fn from_blob(blob: &[u8], comment: &str) -> Result<Self, KeyError> {
        let mut rest = blob;
        let name = string(&mut rest).ok_or(KeyError::Form)?;
        let named = |known: &&&str| known.as_bytes() == name;
        let algorithm = ALGORITHMS
            .iter()
            .find(named)
            .ok_or_else(|| KeyError::Algorithm(Untrusted::new(String::from_utf8_lossy(name)).excerpt(60)))?;
        let whole = match *algorithm {
            "ssh-ed25519" => string(&mut rest).is_some_and(|key| key.len() == 32),
            "sk-ssh-ed25519@openssh.com" => {
                string(&mut rest).is_some_and(|key| key.len() == 32) && string(&mut rest).is_some()
            }
            "ssh-rsa" => string(&mut rest).is_some() && string(&mut rest).is_some(),
            "sk-ecdsa-sha2-nistp256@openssh.com" => point(&mut rest, b"nistp256", 65) && string(&mut rest).is_some(),
            "ecdsa-sha2-nistp256" => point(&mut rest, b"nistp256", 65),
            "ecdsa-sha2-nistp384" => point(&mut rest, b"nistp384", 97),
            _ => point(&mut rest, b"nistp521", 133),
        };
        if !whole || !rest.is_empty() {
            return Err(KeyError::Content(algorithm));
        }
        let comment = Untrusted::new(comment.trim()).excerpt(100);
        Ok(Self { form: Form::Ssh, algorithm, blob: blob.to_vec(), comment })
    }

    fn ssh(line: &str) -> Result<Self, KeyError> {
        let mut words = line.splitn(3, [' ', '\t']);
        let (Some(name), Some(base64)) = (words.next(), words.next()) else { return Err(KeyError::Form) };
        let comment = words.next().unwrap_or_default();
        if name.is_empty() || comment.chars().any(is_hidden) {
            return Err(KeyError::Form);
        }
        if !ALGORITHMS.contains(&name) {
            return Err(KeyError::Algorithm(Untrusted::new(name).excerpt(60)));
        }
        let blob = STANDARD.decode(base64).map_err(|_| KeyError::Form)?;
        let key = Self::from_blob(&blob, comment)?;
        if key.algorithm == name { Ok(key) } else { Err(KeyError::Content(key.algorithm)) }
    }

    fn pem(body: &str) -> Result<Self, KeyError> {
        let base64: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).map_err(|_| KeyError::Form)?;
        let fits = |(algorithm, head, len): &(&'static str, &[u8], usize)| {
            let key = der.strip_prefix(*head).filter(|key| key.len() == *len)?;
            Some((*algorithm, key.to_vec()))
        };
        let other = || KeyError::Algorithm("PEM of another kind than Ed25519, P-256 and P-384".to_owned());
        let (algorithm, key) = PEM_KINDS.iter().find_map(fits).ok_or_else(other)?;
        let mut blob = Vec::new();
        put(&mut blob, algorithm.as_bytes());
        if let Some(curve) = algorithm.strip_prefix("ecdsa-sha2-") {
            put(&mut blob, curve.as_bytes());
        }
        put(&mut blob, &key);
        Ok(Self { form: Form::Pem, ..Self::from_blob(&blob, "")? })
    }

    /// How it is written.
    pub fn form(&self) -> Form {
        self.form
    }

    /// OpenSSH's name of its kind, such as `ssh-ed25519`.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The SSH wire form.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The words behind the key, escaped; empty for PEM.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::sha256_of(&self.blob).as_bytes()))
    }

    /// The key's own bytes: 32 of Ed25519, the uncompressed point of ECDSA.
    pub fn raw(&self) -> Option<&[u8]> {
        let mut rest = self.blob.as_slice();
        string(&mut rest)?;
        if self.algorithm.contains("ecdsa") {
            string(&mut rest)?;
        }
        string(&mut rest)
    }
}

fn point(rest: &mut &[u8], curve: &[u8], len: usize) -> bool {
    string(rest) == Some(curve) && string(rest).is_some_and(|point| point.len() == len && point.first() == Some(&4))
}

/// RFC 4251 §5: four bytes of length, then the bytes.
fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (string, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(string)
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
