//! Why an archive is refused, one variant for each way to be wrong.
use std::io;

use mcpsec_model::text::Untrusted;

/// An archive that was refused or could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct UnpackError {
    /// The archive's file name, escaped.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub problem: Box<Problem>,
}

impl UnpackError {
    pub(super) fn new(file: &str, problem: Problem) -> Self {
        Self { file: Untrusted::new(file).excerpt(200), problem: Box::new(problem) }
    }
}

/// What is wrong with an archive. Names of entries are escaped and shortened, so that they can be printed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A name that is not safe on every system.
    #[error("entry `{entry}` is refused: {reason}")]
    Name {
        /// The name as it is in the archive.
        entry: String,
        /// What is wrong with it.
        reason: NameProblem,
    },
    /// Two entries with the same name: readers disagree on which one counts.
    #[error("entry `{entry}` appears twice")]
    Duplicate {
        /// The name.
        entry: String,
    },
    /// Two names that are one on systems that ignore case or normalise Unicode.
    #[error("entries `{entry}` and `{other}` are the same file on systems that ignore case")]
    CaseCollision {
        /// The later name.
        entry: String,
        /// The earlier name.
        other: String,
    },
    /// One name is a file or link and also a folder.
    #[error("entry `{entry}` is both a folder and something else")]
    Conflict {
        /// The name.
        entry: String,
    },
    /// A link in a kind of archive that may hold none.
    #[error("entry `{entry}` is a link, which this kind of archive may not hold")]
    LinkForbidden {
        /// The link's name.
        entry: String,
    },
    /// A link that leads out of the archive's root, or whose way cannot be followed by name alone.
    #[error("link `{entry}` leads to `{target}`, which is outside of the archive or not a plain path")]
    LinkLeaves {
        /// The link's name.
        entry: String,
        /// Its target as written.
        target: String,
    },
    /// A hard link to something that is not an earlier file of the archive.
    #[error("hard link `{entry}` leads to `{target}`, which is not an earlier file of the archive")]
    HardLinkTarget {
        /// The link's name.
        entry: String,
        /// Its target as written.
        target: String,
    },
    /// A device, a FIFO or another thing that is neither file nor folder.
    #[error("entry `{entry}` is a {kind}, which is refused")]
    Special {
        /// The name.
        entry: String,
        /// What it is.
        kind: &'static str,
    },
    /// More entries than allowed, folders that only appear in names included.
    #[error("the archive has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// All names together are longer than allowed.
    #[error("the names in the archive take more than {limit} bytes")]
    NamesTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// One file is larger than allowed.
    #[error("entry `{entry}` is larger than the limit of {limit} bytes")]
    FileTooLarge {
        /// The name.
        entry: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// All files together are larger than allowed.
    #[error("the archive unpacks to more than {limit} bytes")]
    TotalTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// It expands so much that it is a bomb rather than a program.
    #[error("the archive unpacks to more than {limit} times its size")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// An extended header (pax, GNU long name) longer than any honest one.
    #[error("an extended header is longer than {limit} bytes")]
    HeaderTooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// It ends before its end.
    #[error("the archive is truncated")]
    Truncated,
    /// Damaged or nonsensical.
    #[error("the archive is damaged: {reason}")]
    Damaged {
        /// What does not fit, escaped.
        reason: String,
    },
    /// Something follows the end of the archive, or stands before its start, or between its entries.
    #[error("the archive holds bytes that belong to no entry ({place})")]
    HiddenData {
        /// Where.
        place: &'static str,
    },
    /// The archive says two different things about the same entry, or one that readers take differently.
    #[error("entry `{entry}` can be read in two ways ({what})")]
    Ambiguous {
        /// The name.
        entry: String,
        /// What readers disagree about.
        what: &'static str,
    },
    /// Two zip entries share bytes.
    #[error("entry `{entry}` overlaps another entry")]
    Overlap {
        /// The name.
        entry: String,
    },
    /// An encrypted zip entry.
    #[error("entry `{entry}` is encrypted")]
    Encrypted {
        /// The name.
        entry: String,
    },
    /// A feature of the format that honest packages do not use.
    #[error("the archive uses {what}, which is not supported")]
    Unsupported {
        /// The feature.
        what: &'static str,
    },
    /// Contents of an entry do not match its checksum or length.
    #[error("the contents of `{entry}` do not match its {what}")]
    Contents {
        /// The name.
        entry: String,
        /// `checksum` or `length`.
        what: &'static str,
    },
    /// An npm tarball without `package.json`.
    #[error("the tarball has no package.json")]
    NoPackageJson,
    /// A wheel that does not have exactly one `.dist-info` folder with `METADATA`, `WHEEL` and `RECORD`.
    #[error("the wheel does not have exactly one .dist-info folder with METADATA, WHEEL and RECORD")]
    NoDistInfo,
    /// The file asked for is longer than the caller accepts.
    #[error("`{entry}` is longer than {limit} bytes")]
    Longer {
        /// The name.
        entry: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The archive could not be opened or read, or a file could not be written.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, safe to print.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Starts with `/`.
    #[error("an absolute path")]
    Absolute,
    /// Starts with a letter and a colon.
    #[error("a Windows drive")]
    Drive,
    /// Has a backslash, which is a separator on Windows; covers UNC paths.
    #[error("a backslash in the name")]
    Backslash,
    /// Has a `..` segment.
    #[error("a way out of the folder (`..`)")]
    Parent,
    /// Has a control character or a NUL.
    #[error("a control character in the name")]
    Control,
    /// Has a bidirectional override, zero-width or other character that hides what the name is.
    #[error("an invisible character in the name")]
    Invisible,
    /// A name such as `CON` or `LPT1.txt`.
    #[error("a name that Windows reserves")]
    Reserved,
    /// A segment that ends in a dot or a space, which Windows drops.
    #[error("a segment that ends in a dot or a space")]
    TrailingDotOrSpace,
    /// A colon, which Windows reads as an alternate data stream, or another character that Windows forbids.
    #[error("a character that Windows forbids")]
    Forbidden,
    /// Not UTF-8, or in an unstated encoding.
    #[error("a name that is not UTF-8")]
    Encoding,
    /// Too long.
    #[error("a name that is too long")]
    TooLong,
    /// Too many segments.
    #[error("too many nested folders")]
    TooDeep,
    /// No segment at all.
    #[error("an empty name")]
    Empty,
}

/// A name from an archive, for messages.
pub(super) fn shown(name: impl AsRef<[u8]>) -> String {
    Untrusted::new(String::from_utf8_lossy(name.as_ref())).excerpt(120)
}

/// An error of a reader that stands for something about the archive.
pub(super) fn reading(error: io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Problem::Truncated,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Problem::Damaged { reason: Untrusted::new(error.to_string()).excerpt(120) }
        }
        _ => Problem::Io { what: "could not read the archive".to_owned(), source: error },
    }
}
