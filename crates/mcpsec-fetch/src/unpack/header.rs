//! One tar header block, accepted only where the readers that matter understand it alike.
//!
//! The rules come from reading how node-tar (npm), `tarfile` of Python (pip), GNU tar and the `tar` crate treat odd headers.
//! They differ more than one would think: node-tar takes the contents of an entry that it finds invalid for headers, `tarfile`
//! ends the archive at a number it cannot read, and the prefix of a long name counts in some formats for one and in
//! all for the other. Each such place lets one archive be two, so it is an error here, not a choice.
use super::problem::{Problem, shown};

pub(super) const BLOCK: usize = 512;

/// Start and length of the fields (POSIX.1-2017, pax, "ustar Interchange Format").
type Field = (usize, usize);
const NAME: Field = (0, 100);
const MODE: Field = (100, 8);
const SIZE: Field = (124, 12);
const CHECKSUM: Field = (148, 8);
const TYPE: usize = 156;
const LINK: Field = (157, 100);
const MAGIC: Field = (257, 8);
const PREFIX: Field = (345, 155);
/// Numbers that decide nothing here, but over which readers stumble: uid, gid, mtime, device numbers.
const OTHER_NUMBERS: [Field; 5] = [(108, 8), (116, 8), (136, 12), (329, 8), (337, 8)];
/// Where node-tar looks whether the prefix is long; if not, it reads (and writes) two times behind it.
const LONG_PREFIX: usize = 130;
const PREFIX_TIMES: [Field; 2] = [(476, 12), (488, 12)];
/// Numbers from here on do not fit a double, so that JavaScript readers give up.
const SAFE_INTEGER: u128 = 1 << 53;

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    /// The type flag, as it is.
    pub(super) kind: u8,
    /// Name with its prefix, as it is.
    pub(super) name: Vec<u8>,
    /// Target of a link, as it is.
    pub(super) link: Vec<u8>,
    /// Bytes of data that follow.
    pub(super) size: u64,
    /// The size is in GNU's binary form although it would fit the octal one.
    pub(super) odd_size: bool,
    /// Somebody may execute it.
    pub(super) executable: bool,
}

/// Reads a block that is not all zeros.
pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Header, Problem> {
    check_sum(block)?;
    let kind = block[TYPE];
    let name = joined_name(block)?;
    let ambiguous = |what| Problem::Ambiguous { entry: shown(&name), what };
    let link = text(block, LINK).ok_or_else(|| ambiguous("bytes behind the end of the link target"))?.to_vec();
    // node-tar drops such an entry and reads its contents as headers.
    if !link.is_empty() && !matches!(kind, b'1' | b'2' | b'x' | b'g') {
        return Err(ambiguous("a link target on what is no link"));
    }
    let Some(size) = number(field(block, SIZE)) else {
        return Err(ambiguous("a size that is not an octal number"));
    };
    let (size, odd_size) = match size {
        Number::Octal(size) => (size, false),
        // Writers use the binary form only for what eleven octal digits cannot say.
        Number::Binary(size) => (size, size < 1 << 33),
        Number::Blank | Number::Negative => return Err(ambiguous("a size that is not an octal number")),
    };
    let executable = match number(field(block, MODE)) {
        Some(Number::Octal(mode)) => mode & 0o111 != 0,
        Some(Number::Blank) => false,
        _ => return Err(ambiguous("a mode that is not an octal number")),
    };
    if OTHER_NUMBERS.iter().any(|at| number(field(block, *at)).is_none()) {
        return Err(ambiguous("an owner, time or device that is not a number"));
    }
    Ok(Header { kind, name, link, size, odd_size, executable })
}

/// The name with the prefix in front. Only ustar has a prefix, but some readers look for it in every format.
fn joined_name(block: &[u8; BLOCK]) -> Result<Vec<u8>, Problem> {
    let name = text(block, NAME).ok_or_else(|| Problem::Ambiguous {
        entry: shown(until_nul(field(block, NAME))),
        what: "bytes behind the end of the name",
    })?;
    let prefix = field(block, PREFIX);
    let ambiguous = || Problem::Ambiguous { entry: shown(name), what: "a prefix of the name" };
    match field(block, MAGIC) {
        b"ustar\x0000" => {}
        // GNU tar, and the seventh edition of Unix, which had nothing there.
        b"ustar  \0" | b"\0\0\0\0\0\0\0\0" if prefix.iter().all(|b| *b == 0) => return Ok(name.to_vec()),
        b"ustar  \0" | b"\0\0\0\0\0\0\0\0" => return Err(ambiguous()),
        _ => return Err(Problem::Unsupported { what: "a tar format of unknown magic" }),
    }
    let used = until_nul(prefix);
    // Behind the prefix there may be nothing, or node-tar's two times.
    if prefix.get(used.len()..=LONG_PREFIX).is_some_and(|rest| rest.iter().any(|b| *b != 0)) {
        return Err(ambiguous());
    }
    let times = prefix[LONG_PREFIX] == 0;
    if times && PREFIX_TIMES.iter().any(|at| number(field(block, *at)).is_none())
        || !times && prefix[used.len()..].iter().any(|b| *b != 0)
    {
        return Err(ambiguous());
    }
    // A prefix alone is a name that ends in a slash to some, and none to others.
    if name.is_empty() && !used.is_empty() {
        return Err(ambiguous());
    }
    Ok(if used.is_empty() { name.to_vec() } else { [used, b"/", name].concat() })
}

fn check_sum(block: &[u8; BLOCK]) -> Result<(), Problem> {
    let damaged = |reason: &str| Problem::Damaged { reason: reason.to_owned() };
    let text = field(block, CHECKSUM);
    // node-tar reads on behind the field when nothing ends the number.
    let ended = text.iter().skip_while(|b| **b == b' ').any(|b| matches!(b, 0 | b' '));
    let stated = match number(text) {
        Some(Number::Octal(sum)) if ended => sum,
        _ => return Err(damaged("a header without a checksum")),
    };
    // POSIX: the sum of all bytes, with the checksum field itself as eight spaces.
    let sum: u64 = block[..148].iter().chain(&block[156..]).map(|b| u64::from(*b)).sum::<u64>() + 8 * 32;
    if sum == stated { Ok(()) } else { Err(damaged("a header whose checksum does not match")) }
}

#[derive(PartialEq, Eq, Debug)]
enum Number {
    /// No digit at all; readers take it for zero or for nothing.
    Blank,
    Octal(u64),
    /// GNU's form for large numbers: a byte 0x80, then the number, big-endian.
    Binary(u64),
    /// The same in two's complement, first byte 0xff.
    Negative,
}

/// A numeric field as all readers take it, or `None`.
fn number(field: &[u8]) -> Option<Number> {
    match field[0] {
        0x80 => {
            let value = field[1..].iter().try_fold(0_u128, |value, byte| {
                Some(value << 8 | u128::from(*byte)).filter(|value| *value < SAFE_INTEGER)
            })?;
            u64::try_from(value).ok().map(Number::Binary)
        }
        // All upper bytes set: the magnitude is small enough for everybody.
        0xff => field[1..field.len() - 6].iter().all(|b| *b == 0xff).then_some(Number::Negative),
        _ => octal(until_nul(field)),
    }
}

/// Digits, with blanks around them. What follows a NUL no reader looks at.
fn octal(text: &[u8]) -> Option<Number> {
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return Some(Number::Blank);
    }
    // At most twelve digits: they fit.
    digits
        .iter()
        .try_fold(0_u64, |value, digit| matches!(digit, b'0'..=b'7').then(|| value << 3 | u64::from(digit - b'0')))
        .map(Number::Octal)
}

fn field(block: &[u8; BLOCK], (at, length): Field) -> &[u8] {
    &block[at..at + length]
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len())]
}

/// Text up to its NUL. node-tar drops what follows the NUL only up to the next line break, so nothing may follow.
fn text(block: &[u8; BLOCK], at: Field) -> Option<&[u8]> {
    let all = field(block, at);
    let text = until_nul(all);
    all[text.len()..].iter().all(|b| *b == 0).then_some(text)
}
