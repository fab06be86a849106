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

/// The bytes inside the block of a signature.
pub(super) fn decode(form: Form, block: &[u8]) -> Result<Vec<u8>, GitError> {
    let style = if form == Form::Pgp { Style::OpenPgp } else { Style::Plain };
    bytes(form.label(), style, block).map_err(|what| form.malformed(what))
}

/// What may stand between the first line and the base64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// Nothing.
    Plain,
    /// Headers such as `Version: …`, then a blank line (without headers, too); a checksum at the end.
    OpenPgp,
}

/// The bytes inside a block of this label, or what is wrong with it.
pub(super) fn bytes(label: &str, style: Style, block: &[u8]) -> Result<Vec<u8>, &'static str> {
    let text = std::str::from_utf8(block).map_err(|_| "not text")?;
    let mut lines = text.lines();
    let is = |line: Option<&str>, edge: &str| {
        let inner = line.and_then(|line| line.strip_prefix("-----")?.strip_suffix("-----"));
        inner.and_then(|inner| inner.strip_prefix(edge)) == Some(label)
    };
    if !is(lines.next(), "BEGIN ") || !is(lines.next_back(), "END ") {
        return Err("it does not end with its END line");
    }
    let mut lines: Vec<&str> = lines.collect();
    let mut checksum = None;
    if style == Style::OpenPgp {
        let blank = lines.iter().position(|line| line.trim_end().is_empty());
        let blank = blank.ok_or("no blank line after its headers")?;
        if lines[..blank].iter().any(|line| !line.contains(": ") && !line.ends_with(':')) {
            return Err("an armor header without a name");
        }
        lines.drain(..=blank);
        checksum = lines.last().and_then(|line| line.strip_prefix('=')).filter(|sum| sum.len() == 4);
        if checksum.is_some() {
            lines.pop();
        }
    }
    let bytes = STANDARD.decode(lines.concat()).map_err(|_| "not base64")?;
    if let Some(sum) = checksum {
        let sum = STANDARD.decode(sum).map_err(|_| "a checksum that is not base64")?;
        if sum != crc24(&bytes).to_be_bytes()[1..] {
            return Err("its checksum is wrong");
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
