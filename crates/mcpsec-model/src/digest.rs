//! Digests: sized at birth, compared as bytes, written as `sha256:<hex>` or as Subresource Integrity (SRI).
//!
//! Forms read: `sha512:<hex>`, `sha256:<hex>` ([`Digest::from_str`]), and the SRI form `sha512-<base64>` of npm
//! ([`Integrity::parse`], W3C Subresource Integrity §3.5). SHA-1 and MD5 are read only to be compared with what an old
//! registry record says; they never pin anything.
use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A digest strong enough to pin an artifact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-256, 32 bytes.
    Sha256([u8; 32]),
    /// SHA-512, 64 bytes.
    Sha512([u8; 64]),
}

/// Why a digest text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The algorithm is not one that pins.
    #[error("unsupported digest algorithm `{0}` (use sha256 or sha512)")]
    Algorithm(String),
    /// The text has no algorithm prefix.
    #[error("digest `{0}` has no algorithm prefix such as `sha256:`")]
    NoAlgorithm(String),
    /// Not hexadecimal or base64, or of the wrong length.
    #[error("{algorithm} digest is not {expected} bytes of {encoding}")]
    Encoding {
        /// `sha256` or `sha512`.
        algorithm: &'static str,
        /// Length that the algorithm has.
        expected: usize,
        /// `lower-case hex` or `base64`.
        encoding: &'static str,
    },
}

impl Digest {
    /// SHA-256 of bytes in memory.
    pub fn sha256_of(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
        Self::Sha256(out)
    }

    /// SHA-512 of bytes in memory.
    pub fn sha512_of(bytes: &[u8]) -> Self {
        let mut out = [0; 64];
        out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, bytes).as_ref());
        Self::Sha512(out)
    }

    /// `sha256` or `sha512`.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha512(_) => "sha512",
        }
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// Lower-case hexadecimal without the algorithm.
    pub fn to_hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    /// The SRI form that npm uses, `sha512-<base64>`.
    pub fn to_sri(&self) -> String {
        format!("{}-{}", self.algorithm(), STANDARD.encode(self.as_bytes()))
    }

    /// A SHA-256 from exactly 64 hexadecimal digits, as PyPI writes it.
    pub fn sha256_from_hex(text: &str) -> Result<Self, DigestError> {
        let mut out = [0; 32];
        decode_hex(text, &mut out, "sha256")?;
        Ok(Self::Sha256(out))
    }

    /// A SHA-512 from exactly 128 hexadecimal digits.
    pub fn sha512_from_hex(text: &str) -> Result<Self, DigestError> {
        let mut out = [0; 64];
        decode_hex(text, &mut out, "sha512")?;
        Ok(Self::Sha512(out))
    }
}

fn decode_hex(text: &str, out: &mut [u8], algorithm: &'static str) -> Result<(), DigestError> {
    let expected = out.len();
    hex::decode_to_slice(text, out).map_err(|_| DigestError::Encoding { algorithm, expected, encoding: "hexadecimal" })
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (algorithm, hex) = text
            .split_once(':')
            .ok_or_else(|| DigestError::NoAlgorithm(crate::text::Untrusted::new(text).excerpt(40)))?;
        match algorithm {
            "sha256" => Self::sha256_from_hex(hex),
            "sha512" => Self::sha512_from_hex(hex),
            other => Err(DigestError::Algorithm(crate::text::Untrusted::new(other).excerpt(20))),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The digests known for one artifact: at most one of each algorithm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Digests {
    /// SHA-256, if known.
    pub sha256: Option<[u8; 32]>,
    /// SHA-512, if known.
    pub sha512: Option<[u8; 64]>,
}

impl Digests {
    /// Adds or replaces the digest of one algorithm.
    pub fn insert(&mut self, digest: Digest) {
        match digest {
            Digest::Sha256(bytes) => self.sha256 = Some(bytes),
            Digest::Sha512(bytes) => self.sha512 = Some(bytes),
        }
    }

    /// The known digests, strongest first.
    pub fn iter(&self) -> impl Iterator<Item = Digest> {
        self.sha512.map(Digest::Sha512).into_iter().chain(self.sha256.map(Digest::Sha256))
    }

    /// The strongest known digest.
    pub fn strongest(&self) -> Option<Digest> {
        self.iter().next()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.sha512.is_none()
    }

    /// The first digest of `self` that `actual` contradicts, as (expected, actual). Algorithms known on one side only are
    /// not compared; callers that need proof of equality also check that at least one algorithm is shared.
    pub fn mismatch(&self, actual: &Self) -> Option<(Digest, Digest)> {
        if let (Some(want), Some(got)) = (self.sha512, actual.sha512)
            && want != got
        {
            return Some((Digest::Sha512(want), Digest::Sha512(got)));
        }
        if let (Some(want), Some(got)) = (self.sha256, actual.sha256)
            && want != got
        {
            return Some((Digest::Sha256(want), Digest::Sha256(got)));
        }
        None
    }

    /// Whether both sides know at least one common algorithm and agree on all common ones.
    pub fn agrees(&self, actual: &Self) -> bool {
        let shared =
            (self.sha512.is_some() && actual.sha512.is_some()) || (self.sha256.is_some() && actual.sha256.is_some());
        shared && self.mismatch(actual).is_none()
    }
}

impl FromIterator<Digest> for Digests {
    fn from_iter<I: IntoIterator<Item = Digest>>(iter: I) -> Self {
        let mut digests = Self::default();
        for digest in iter {
            digests.insert(digest);
        }
        digests
    }
}

/// What an npm record's `integrity` and `shasum` fields say (W3C SRI; several space-separated hashes are allowed).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Integrity {
    /// The digests that can pin.
    pub digests: Digests,
    /// A legacy SHA-1 (20 bytes), if that is all an old record has.
    pub sha1: Option<[u8; 20]>,
}

impl Integrity {
    /// Reads an SRI string. Unknown algorithms are skipped, as the standard asks; a malformed known one is an error.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let mut out = Self::default();
        for part in text.split_ascii_whitespace() {
            // Options after `?` are allowed by the grammar and have no meaning.
            let part = part.split('?').next().unwrap_or(part);
            let Some((algorithm, encoded)) = part.split_once('-') else {
                return Err(DigestError::NoAlgorithm(crate::text::Untrusted::new(part).excerpt(40)));
            };
            match algorithm {
                "sha512" => out.digests.sha512 = Some(decode_base64(encoded, "sha512")?),
                "sha256" => out.digests.sha256 = Some(decode_base64(encoded, "sha256")?),
                "sha1" => out.sha1 = Some(decode_base64(encoded, "sha1")?),
                _ => {}
            }
        }
        Ok(out)
    }

    /// Adds the hexadecimal `shasum` of an old record.
    pub fn with_shasum(mut self, hex_text: &str) -> Result<Self, DigestError> {
        let mut out = [0; 20];
        decode_hex(hex_text, &mut out, "sha1")?;
        self.sha1 = Some(out);
        Ok(self)
    }
}

fn decode_base64<const N: usize>(text: &str, algorithm: &'static str) -> Result<[u8; N], DigestError> {
    STANDARD.decode(text).ok().and_then(|bytes| <[u8; N]>::try_from(bytes).ok()).ok_or(DigestError::Encoding {
        algorithm,
        expected: N,
        encoding: "base64",
    })
}

/// Declares a digest of one kind of thing, so that two kinds can never be confused. Always SHA-256, written `sha256:<hex>`.
macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The id of a canonical text.
            pub fn of(canonical: &[u8]) -> Self {
                match Digest::sha256_of(canonical) {
                    Digest::Sha256(bytes) => Self(bytes),
                    Digest::Sha512(_) => unreachable!("sha256_of returns Sha256"),
                }
            }

            /// The raw 32 bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "sha256:{}", hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.parse()? {
                    Digest::Sha256(bytes) => Ok(Self(bytes)),
                    Digest::Sha512(_) => Err(DigestError::Algorithm("sha512".to_owned())),
                }
            }
        }
    };
}

digest_id! {
    /// Identifies a server's whole closure: every package, every artifact digest, every edge.
    ClosureId
}

digest_id! {
    /// Identifies everything that a server tells the model: the SHA-256 of the RFC 8785 form of its manifest.
    ManifestId
}

digest_id! {
    /// Identifies one entry of a manifest (a tool, a prompt, …) with all its fields.
    EntryId
}

digest_id! {
    /// The hash over the signed statement of an approval; see `approval::Envelope::id`.
    ApprovalId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trip_and_length_check() {
        let digest = Digest::sha256_of(b"abc");
        assert_eq!(digest.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        assert!("sha256:ba78".parse::<Digest>().is_err());
        assert!("md5:d41d8cd98f00b204e9800998ecf8427e".parse::<Digest>().is_err());
    }

    #[test]
    fn sri_reads_the_strong_and_remembers_the_weak() {
        let sri = format!("sha1-{} {}", STANDARD.encode([7; 20]), Digest::sha512_of(b"x").to_sri());
        let read = Integrity::parse(&sri).expect("valid SRI");
        assert_eq!(read.digests.strongest(), Some(Digest::sha512_of(b"x")));
        assert_eq!(read.sha1, Some([7; 20]));
        assert!(Integrity::parse("sha512-AAAA").is_err());
        assert!(Integrity::parse("nonsense").is_err());
    }

    #[test]
    fn agreement_needs_a_shared_algorithm() {
        let a: Digests = [Digest::sha256_of(b"x")].into_iter().collect();
        let b: Digests = [Digest::sha512_of(b"x")].into_iter().collect();
        assert!(!a.agrees(&b), "nothing shared is not agreement");
        assert!(a.mismatch(&b).is_none());
        assert!(a.agrees(&a));
    }
}
