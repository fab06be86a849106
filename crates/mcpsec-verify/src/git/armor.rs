//! The text around a signature: one block between a BEGIN and an END line, base64 between. Strict, so that one signature has one
//! reading: nothing before, nothing behind, padding as it must be.
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::GitError;

/// Which block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// OpenSSH's SSHSIG.
    Ssh,
    /// OpenPGP, a detached signature.
    Pgp,
    /// CMS, made with an X.509 certificate: S/MIME tools and gitsign.
    X509,
}

impl Form {
    /// By the block's first line; `PGP MESSAGE`, which git also knows, is a signature that carries its own text and is not one
    /// over this object.
    pub(super) fn of(block: &[u8]) -> Result<Self, GitError> {
        let first = block.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let first = first.strip_suffix(b"\r").unwrap_or(first);
        [Self::Ssh, Self::Pgp, Self::X509]
            .into_iter()
            .find(|form| {
                first.strip_prefix(b"-----BEGIN ").and_then(|rest| rest.strip_suffix(b"-----"))
                    == Some(form.label().as_bytes())
            })
            .ok_or_else(|| GitError::Unsupported {
                form: "armored",
                what: mcpsec_model::text::Untrusted::new(String::from_utf8_lossy(first)).excerpt(60),
            })
    }

    fn label(self) -> &'static str {
        match self {
            Self::Ssh => "SSH SIGNATURE",
            Self::Pgp => "PGP SIGNATURE",
            Self::X509 => "SIGNED MESSAGE",
        }
    }

    /// `SSH`, `PGP` or `X.509`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ssh => "SSH",
            Self::Pgp => "PGP",
            Self::X509 => "X.509",
        }
    }

    pub(super) fn malformed(self, what: &'static str) -> GitError {
        GitError::MalformedSignature { form: self.as_str(), what }
    }
}

/// The bytes inside the block.
pub(super) fn decode(form: Form, block: &[u8]) -> Result<Vec<u8>, GitError> {
    let text = std::str::from_utf8(block).map_err(|_| form.malformed("not text"))?;
    let mut lines = text.lines();
    let begin = format!("-----BEGIN {}-----", form.label());
    let end = format!("-----END {}-----", form.label());
    if lines.next() != Some(begin.as_str()) || lines.next_back() != Some(end.as_str()) {
        return Err(form.malformed("it does not end with its END line"));
    }
    let mut lines: Vec<&str> = lines.collect();
    let mut checksum = None;
    if form == Form::Pgp {
        // Headers such as `Version: …`, then a blank line; a block without headers still has the blank line.
        let blank = lines
            .iter()
            .position(|line| line.trim_end().is_empty())
            .ok_or(form.malformed("no blank line after its headers"))?;
        if lines[..blank].iter().any(|line| !line.contains(':')) {
            return Err(form.malformed("an armor header without a name"));
        }
        lines.drain(..=blank);
        checksum = lines.last().and_then(|line| line.strip_prefix('=')).filter(|sum| sum.len() == 4);
        if checksum.is_some() {
            lines.pop();
        }
    }
    let bytes = STANDARD.decode(lines.concat()).map_err(|_| form.malformed("not base64"))?;
    if let Some(sum) = checksum {
        let sum = STANDARD.decode(sum).map_err(|_| form.malformed("a checksum that is not base64"))?;
        if sum != crc24(&bytes).to_be_bytes()[1..] {
            return Err(form.malformed("its checksum is wrong"));
        }
    }
    Ok(bytes)
}

/// RFC 9580 section 6.1: the armor's checksum. It guards against accidents only.
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << 16), |crc, _| {
            let next = crc << 1;
            (if next & 0x0100_0000 == 0 { next } else { next ^ 0x0186_4cfb }) & 0x00ff_ffff
        })
    })
}
