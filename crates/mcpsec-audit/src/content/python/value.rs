//! What an expression is worth, as far as reading tells: where a name comes from, the text it has, what taints it.
//!
//! Texts are folded as the interpreter would make them (concatenated, reversed, decoded), bounded in length and in work: code
//! that hides a name from a reader does not hide it from here.
use base64::{Engine as _, alphabet, engine};

#[cfg(doc)]
use crate::content::literals;

/// [`literals::HOLE`] in UTF-8.
const HOLE: &[u8] = "\u{fffc}".as_bytes();

/// The longest text that is folded, in bytes.
pub(super) const LONGEST: usize = 1 << 20;
/// The most elements of a list that are folded one by one.
pub(super) const MOST: usize = 1 << 16;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    /// Dotted path from a module or built-in, such as `os.environ`.
    pub(super) path: Option<String>,
    /// Its text or bytes, with [`literals::HOLE`] where a part is not known.
    pub(super) text: Option<Text>,
    /// A whole number.
    pub(super) number: Option<i64>,
    /// Elements of a list or tuple that is written out.
    pub(super) items: Option<Vec<Self>>,
    /// What flowed into it.
    pub(super) taint: Taint,
}

/// A folded text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// Whether the code spells it in a way that a reader cannot read.
    pub(super) hidden: bool,
}

/// What flowed into a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Taint(u8);

impl Taint {
    pub(super) const ENVIRONMENT: Self = Self(1);
    pub(super) const SECRET_FILE: Self = Self(2);
    pub(super) const NETWORK: Self = Self(4);
    /// Decoded from a literal by base64, hex, zlib or marshal.
    pub(super) const DECODED: Self = Self(8);
    /// The path of a file with secrets, not its contents.
    pub(super) const SECRET_PATH: Self = Self(16);
    /// The same of something that is not written in the code.
    pub(super) const DECODED_ELSE: Self = Self(32);
    /// Given by whoever calls the function.
    pub(super) const PARAMETER: Self = Self(64);

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn only(self, others: &[Self]) -> Self {
        Self(self.0 & others.iter().fold(0, |all, other| all | other.0))
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Value {
    pub(super) fn path(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    pub(super) fn text(text: &str) -> Self {
        Self::bytes(text.as_bytes())
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        let text = (bytes.len() <= LONGEST).then(|| Text { bytes: bytes.to_vec(), hidden: false });
        Self { text, ..Self::default() }
    }

    pub(super) fn tainted(taint: Taint) -> Self {
        Self { taint, ..Self::default() }
    }

    pub(super) fn with(mut self, taint: Taint) -> Self {
        self.taint = self.taint.and(taint);
        self
    }

    /// Its text, where that is UTF-8.
    pub(super) fn str(&self) -> Option<&str> {
        self.text.as_ref().and_then(|text| std::str::from_utf8(&text.bytes).ok())
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.hidden)
    }

    /// `self + other`, for texts and lists.
    pub(super) fn plus(self, other: Self) -> Self {
        let taint = self.taint.and(other.taint);
        let text = match (self.text, other.text) {
            (Some(mut a), Some(b)) if a.bytes.len() + b.bytes.len() <= LONGEST => {
                a.bytes.extend_from_slice(&b.bytes);
                Some(Text { bytes: a.bytes, hidden: a.hidden || b.hidden })
            }
            (Some(mut a), None) if a.bytes.len() + HOLE.len() <= LONGEST => {
                a.bytes.extend_from_slice(HOLE);
                Some(a)
            }
            (None, Some(b)) if b.bytes.len() + HOLE.len() <= LONGEST => {
                let bytes = [HOLE, &b.bytes].concat();
                Some(Text { bytes, hidden: b.hidden })
            }
            _ => None,
        };
        let number = self.number.zip(other.number).and_then(|(a, b)| a.checked_add(b));
        let items = match (self.items, other.items) {
            (Some(mut a), Some(b)) if a.len() + b.len() <= MOST => {
                a.extend(b);
                Some(a)
            }
            _ => None,
        };
        Self { path: None, text, number, items, taint }
    }

    /// `separator.join(self)`.
    pub(super) fn joined(&self, separator: &[u8]) -> Self {
        let whole = Self::tainted(self.taint);
        let Some(items) = &self.items else { return whole };
        let mut bytes = Vec::new();
        let mut short = 0;
        let mut hidden = false;
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                bytes.extend_from_slice(separator);
            }
            match &item.text {
                Some(text) => {
                    bytes.extend_from_slice(&text.bytes);
                    hidden |= text.hidden;
                    short += usize::from(text.bytes.len() <= 3);
                }
                None => bytes.extend_from_slice(HOLE),
            }
            if bytes.len() > LONGEST {
                return whole;
            }
        }
        // Letters put together are a name that somebody did not want to write.
        hidden |= separator.is_empty() && items.len() >= 4 && short == items.len();
        Self { text: Some(Text { bytes, hidden }), ..whole }
    }

    /// Its elements where they can be counted: of a list, or the bytes of a text.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        if let Some(items) = &self.items {
            return Some(items.clone());
        }
        let text = self.text.as_ref().filter(|text| text.bytes.len() <= MOST)?;
        let one = |byte: &u8| Self {
            number: Some(i64::from(*byte)),
            text: Some(Text { bytes: vec![*byte], hidden: text.hidden }),
            ..Self::default()
        };
        Some(text.bytes.iter().map(one).collect())
    }

    /// `self[::-1]`.
    pub(super) fn reversed(mut self) -> Self {
        if let Some(text) = &mut self.text {
            let whole = String::from_utf8(std::mem::take(&mut text.bytes));
            text.bytes = match whole {
                Ok(whole) => whole.chars().rev().collect::<String>().into_bytes(),
                Err(error) => error.into_bytes().into_iter().rev().collect(),
            };
            text.hidden |= text.bytes.len() > 1;
        }
        if let Some(items) = &mut self.items {
            items.reverse();
        }
        self.path = None;
        self
    }
}

/// The ways in which code writes bytes so that nobody can read them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    Base64,
    Base32,
    Base85,
    Hex,
    Rot13,
    Zlib,
    Marshal,
}

impl Coding {
    /// The function with this path, if it decodes.
    pub(super) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "base64.b64decode"
            | "base64.urlsafe_b64decode"
            | "base64.standard_b64decode"
            | "base64.decodebytes"
            | "base64.decodestring"
            | "binascii.a2b_base64" => Self::Base64,
            "base64.b32decode" => Self::Base32,
            "base64.b85decode" | "base64.a85decode" => Self::Base85,
            "base64.b16decode" | "binascii.unhexlify" | "binascii.a2b_hex" | "bytes.fromhex" | "bytearray.fromhex" => {
                Self::Hex
            }
            "zlib.decompress" | "gzip.decompress" | "lzma.decompress" | "bz2.decompress" => Self::Zlib,
            "marshal.loads" => Self::Marshal,
            _ => return None,
        })
    }

    /// The codec with this name, as `bytes.decode` and `codecs.decode` know it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().replace('-', "_").as_str() {
            "rot13" | "rot_13" => Self::Rot13,
            "hex" | "hex_codec" => Self::Hex,
            "base64" | "base64_codec" => Self::Base64,
            "zlib" | "zlib_codec" | "zip" => Self::Zlib,
            _ => return None,
        })
    }

    /// What was written so; `None` where it is not that, or too long.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        match self {
            Self::Base64 => {
                let config = engine::GeneralPurposeConfig::new()
                    .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent)
                    .with_decode_allow_trailing_bits(true);
                let plain: Vec<u8> = text
                    .iter()
                    .map(|byte| match byte {
                        b'-' => b'+',
                        b'_' => b'/',
                        other => *other,
                    })
                    .collect();
                engine::GeneralPurpose::new(&alphabet::STANDARD, config).decode(plain).ok()
            }
            Self::Hex => hex::decode(text).ok(),
            Self::Rot13 => Some(bytes.iter().map(|byte| rot13(*byte)).collect()),
            Self::Zlib => inflate(bytes),
            // Known to hide something, and rare enough not to be undone here.
            Self::Base32 | Self::Base85 | Self::Marshal => None,
        }
    }
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        other => other,
    }
}

/// zlib or gzip, up to [`LONGEST`].
fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let mut out = Vec::new();
    let limit = LONGEST as u64 + 1;
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(bytes).take(limit).read_to_end(&mut out)
    } else {
        flate2::read::ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out)
    };
    (read.is_ok() && out.len() <= LONGEST).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded_and_bombs_are_not() {
        assert_eq!(Coding::Base64.decode(b"aHR0\ncA==").as_deref(), Some(b"http".as_slice()));
        assert_eq!(Coding::Hex.decode(b"6f73").as_deref(), Some(b"os".as_slice()));
        assert_eq!(Coding::Rot13.decode(b"bf.flfgrz").as_deref(), Some(b"os.system".as_slice()));
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; LONGEST * 4]).expect("in memory");
        assert_eq!(Coding::Zlib.decode(&encoder.finish().expect("in memory")), None);
    }

    #[test]
    fn doubling_ends_at_the_limit() {
        let mut value = Value::text("0123456789");
        for _ in 0..64 {
            value = value.clone().plus(value);
        }
        assert!(value.text.is_none_or(|text| text.bytes.len() <= LONGEST));
    }
}
