//! The head of a log of approvals: what a team server says, and signs, about all entries that it has.
//!
//! A signed note (C2SP `signed-note`) around a checkpoint (C2SP `tlog-checkpoint`), so that other transparency tools read it:
//!
//! ```text
//! mcp.example.test                                     the origin: which log
//! 1042                                                 how many entries
//! n1Yb…=                                               the root of their Merkle tree (RFC 6962 §2.1), 32 bytes of base64
//! expires 2026-12-01T12:00:00Z                         until when it may be believed: who sees an older one is held back
//!
//! — mcp.example.test Wg3x…=                            four bytes of key hint and the signature, in base64
//! ```
//!
//! Text ↔ type only; `mcpsec_verify::approval::log` checks signatures. Reading is strict: what would be written differently is
//! refused, but for signatures of others (witnesses), which are kept out of the way, as the note's specification asks.
use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use smol_str::SmolStr;

use crate::{text::Untrusted, time::Timestamp};

/// The longest note, in bytes.
pub const MAX_HEAD: usize = 4 << 10;
/// The most signatures under one note.
pub const MAX_SIGNATURES: usize = 8;
/// The most entries that a log can have: the largest number that a database column holds.
const MAX_SIZE: u64 = i64::MAX as u64;
/// The em dash before each signature.
const DASH: &str = "\u{2014} ";
const EXPIRES: &str = "expires ";

/// The name of a log, by habit the host name of its server: letters, digits and `.-_/:`, at most 200.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(SmolStr);

impl Origin {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        // A note's key names have no spaces and no `+`; nobody needs more than host names and paths.
        let fits = (1..=200).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_/:".contains(&b));
        if fits { Ok(Self(text.into())) } else { Err(HeadError::Origin(Untrusted::new(text).excerpt(60))) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a head says. Whether somebody signed it is another question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Which log.
    pub origin: Origin,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: [u8; 32],
    /// The first instant at which it is no longer to be believed, in whole seconds.
    pub expires: Timestamp,
}

/// One signature under a head. What it says of its key is compared, never believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeadSignature {
    /// The name of its key; for the log's own signature this is the origin.
    pub name: SmolStr,
    /// The first bytes of the key's hash.
    pub hint: [u8; 4],
    /// The signature's bytes: 64 for Ed25519.
    pub signature: Vec<u8>,
}

/// A head with what stands under it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeadNote {
    /// What it says.
    pub head: Head,
    /// Who says so; at least one.
    pub signatures: Vec<HeadSignature>,
}

/// Why a text is no head. Words in it are escaped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeadError {
    /// Too long.
    #[error("{0} bytes long, more than {MAX_HEAD}")]
    TooLong(usize),
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Form(&'static str),
    /// A name that no log has.
    #[error("`{0}` is no name of a log")]
    Origin(String),
    /// No number of entries.
    #[error("its second line is no number of entries")]
    Size,
    /// No hash.
    #[error("its third line is not 32 bytes in base64")]
    Root,
    /// No time.
    #[error("its fourth line is not `expires` and a time such as 2026-12-01T12:00:00Z")]
    Expires,
    /// A signature line that is none.
    #[error("its signature line {0} cannot be read")]
    Signature(usize),
}

impl Head {
    /// What is signed: the note's text with its last line feed, without the empty line.
    pub fn text(&self) -> String {
        let root = STANDARD.encode(self.root);
        format!("{}\n{}\n{root}\n{EXPIRES}{}\n", self.origin, self.size, self.expires)
    }

    fn parse(text: &str) -> Result<Self, HeadError> {
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(HeadError::Form("it has fewer than four lines"));
        let origin = line()?.parse()?;
        let size = line()?;
        let size = size
            .parse::<u64>()
            .ok()
            .filter(|number| *number <= MAX_SIZE && number.to_string() == size)
            .ok_or(HeadError::Size)?;
        let root = STANDARD.decode(line()?).ok().and_then(|root| root.try_into().ok()).ok_or(HeadError::Root)?;
        let expires = line()?;
        let expires = expires
            .strip_prefix(EXPIRES)
            .and_then(|instant| instant.parse::<Timestamp>().ok())
            .filter(|instant| instant.subsec_nanosecond() == 0)
            .ok_or(HeadError::Expires)?;
        let head = Self { origin, size, root, expires };
        // More lines, another zone, padding: whatever would be written differently.
        if head.text() == text { Ok(head) } else { Err(HeadError::Form("its text is not as mcpsec writes it")) }
    }
}

impl HeadNote {
    /// Reads a note.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn parse(note: &str) -> Result<Self, HeadError> {
        if note.len() > MAX_HEAD {
            return Err(HeadError::TooLong(note.len()));
        }
        let (text, signatures) = note.split_once("\n\n").ok_or(HeadError::Form("it has no empty line"))?;
        let signatures = signatures.strip_suffix('\n').ok_or(HeadError::Form("it is cut short"))?;
        let head = Head::parse(&format!("{text}\n"))?;
        let signatures: Vec<&str> = signatures.split('\n').collect();
        if signatures.len() > MAX_SIGNATURES {
            return Err(HeadError::Form("it has too many signatures"));
        }
        let signatures = signatures
            .into_iter()
            .enumerate()
            .map(|(index, line)| HeadSignature::parse(line).ok_or(HeadError::Signature(index + 1)))
            .collect::<Result<_, _>>()?;
        Ok(Self { head, signatures })
    }
}

impl fmt::Display for HeadNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head.text())?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl HeadSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
        let visible = (1..=200).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
        let bytes = STANDARD.decode(base64).ok()?;
        let (hint, signature) = bytes.split_first_chunk()?;
        let signed = visible && !signature.is_empty();
        signed.then(|| Self { name: name.into(), hint: *hint, signature: signature.to_vec() })
    }
}

impl fmt::Display for HeadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.hint, self.signature.as_slice()].concat();
        write!(f, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> HeadNote {
        HeadNote {
            head: Head {
                origin: "mcp.example.test".parse().expect("origin"),
                size: 7,
                root: [9; 32],
                expires: "2026-12-01T12:00:00Z".parse().expect("instant"),
            },
            signatures: vec![HeadSignature {
                name: "mcp.example.test".into(),
                hint: [1, 2, 3, 4],
                signature: vec![5; 64],
            }],
        }
    }

    #[test]
    fn a_note_is_written_and_read_as_one_text() {
        let text = note().to_string();
        assert!(
            text.starts_with("mcp.example.test\n7\nCQkJ")
                && text.contains("\nexpires 2026-12-01T12:00:00Z\n\n\u{2014} mcp")
        );
        assert_eq!(HeadNote::parse(&text), Ok(note()));
        let witness = HeadSignature { name: "witness.example.test/w1".into(), hint: [0; 4], signature: vec![1; 72] };
        let both = HeadNote { signatures: vec![note().signatures[0].clone(), witness], ..note() };
        assert_eq!(HeadNote::parse(&both.to_string()), Ok(both));
        let empty = HeadNote { head: Head { size: 0, ..note().head }, ..note() };
        assert_eq!(HeadNote::parse(&empty.to_string()), Ok(empty));
    }

    #[test]
    fn what_would_be_written_differently_is_refused() {
        let good = note().to_string();
        let change = |from: &str, to: &str| {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            bad
        };
        let many = format!("{good}{}", format!("{}\n", note().signatures[0]).repeat(MAX_SIGNATURES));
        let long = change("mcp.example.test", &"m".repeat(MAX_HEAD));
        for bad in [
            change("\n7\n", "\n07\n"),
            change("\n7\n", "\n+7\n"),
            change("\n7\n", "\n-7\n"),
            change("\n7\n", "\n 7\n"),
            change("\n7\n", "\n9223372036854775808\n"),
            change("\n7\n", "\n\n"),
            change("CQk=", "CQl="),
            change("CQk=", "CQk"),
            change("CQk=", "CQkJ"),
            change("12:00:00Z", "12:00:00.5Z"),
            change("12:00:00Z", "13:00:00+01:00"),
            change("expires ", "Expires "),
            change("expires 2026-12-01T12:00:00Z\n", ""),
            change("12:00:00Z\n", "12:00:00Z\nmore\n"),
            change("\n7\n", "\r\n7\r\n"),
            change("mcp.example.test\n7", "mcp example\n7"),
            change("mcp.example.test\n7", "mcp+example\n7"),
            change("mcp.example.test\n7", "\u{202e}mcp\n7"),
            change("mcp.example.test\n7", "\n7"),
            change("\n\n", "\n"),
            change("\u{2014} ", "- "),
            change("\u{2014} mcp.example.test ", "\u{2014} mcp.example.test  "),
            good.trim_end().to_owned(),
            format!("{good}\n"),
            format!("{good}garbage\n"),
            many,
            long,
            String::new(),
        ] {
            assert!(HeadNote::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
