//! Tags and commits as git stores them: which bytes are signed, what they say, and where the signature is. Strict: what git itself
//! would not write is refused, because two readers that see different objects in the same bytes are an attack.
use std::{fmt, ops::Range};

use jiff::Timestamp;

use super::{GitError, MAX_OBJECT, id::Algorithm};

/// What kind of object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// An annotated tag.
    Tag,
    /// A commit.
    Commit,
}

impl ObjectKind {
    /// `tag` or `commit`, as git writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Commit => "commit",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The header fields that are compared, each as it stands in the object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fields<'a> {
    /// Of a tag.
    Tag {
        /// The id of what it is about.
        object: &'a str,
        /// The kind of what it is about: `commit`, …
        target: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// Of a commit.
    Commit {
        /// The id of its tree.
        tree: &'a str,
    },
}

/// A parsed tag or commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Object<'a> {
    /// Tag or commit.
    pub(super) kind: ObjectKind,
    /// What is compared.
    pub(super) fields: Fields<'a>,
    /// The tagger's or committer's time. A claim by whoever made the object. Very old tags have none.
    pub(super) time: Option<Timestamp>,
    /// The armored signature, without the newlines that follow it.
    pub(super) signature: Option<Vec<u8>>,
    /// The bytes that are signed: the object without its signature.
    pub(super) payload: Vec<u8>,
}

impl<'a> Object<'a> {
    /// Parses `raw`, the bytes after git's `tag <length>\0`. `algorithm` is the repository's: it decides which header of a commit
    /// holds the signature over these very bytes.
    pub(super) fn parse(kind: ObjectKind, raw: &'a [u8], algorithm: Algorithm) -> Result<Self, GitError> {
        if raw.len() > MAX_OBJECT {
            return Err(GitError::TooLong { kind, len: raw.len(), max: MAX_OBJECT });
        }
        let headers = Headers::read(kind, raw)?;
        match kind {
            ObjectKind::Tag => tag(raw, &headers),
            ObjectKind::Commit => commit(raw, &headers, algorithm),
        }
    }
}

/// One header with its continuation lines.
struct Header<'a> {
    name: &'a str,
    /// The rest of the first line.
    value: &'a [u8],
    /// All of its lines, with the last newline.
    span: Range<usize>,
    continued: bool,
}

struct Headers<'a> {
    kind: ObjectKind,
    all: Vec<Header<'a>>,
    /// Where the message starts, after the blank line.
    body: usize,
}

/// A commit of very many parents is git's record of an octopus merge; more than this is nobody's.
const MAX_HEADERS: usize = 1024;

impl<'a> Headers<'a> {
    fn read(kind: ObjectKind, raw: &'a [u8]) -> Result<Self, GitError> {
        let malformed = |what| GitError::Malformed { kind, what };
        let mut all: Vec<Header<'a>> = Vec::new();
        let mut at = 0;
        loop {
            let rest = raw.get(at..).unwrap_or_default();
            let length = rest.iter().position(|&byte| byte == b'\n').ok_or(malformed("its headers have no end"))?;
            let line = &rest[..length];
            let end = at + length + 1;
            if line.is_empty() {
                return Ok(Self { kind, all, body: end });
            }
            if line.contains(&0) {
                return Err(malformed("a NUL byte in its headers"));
            }
            if line[0] == b' ' {
                let last = all.last_mut().ok_or(malformed("it starts with a continuation line"))?;
                last.span.end = end;
                last.continued = true;
            } else {
                let space = line.iter().position(|&byte| byte == b' ').ok_or(malformed("a header without a value"))?;
                let name =
                    std::str::from_utf8(&line[..space]).map_err(|_| malformed("a header name that is not UTF-8"))?;
                if all.len() == MAX_HEADERS {
                    return Err(malformed("more than 1024 headers"));
                }
                all.push(Header { name, value: &line[space + 1..], span: at..end, continued: false });
            }
            at = end;
        }
    }

    /// The header at `index` if it has this name. A continued line is no answer to any of those that are read here.
    fn at(&self, index: usize, name: &str) -> Option<&Header<'a>> {
        self.all.get(index).filter(|header| header.name == name && !header.continued)
    }

    fn text(&self, index: usize, name: &str, what: &'static str) -> Result<&'a str, GitError> {
        self.at(index, name).and_then(|header| std::str::from_utf8(header.value).ok()).ok_or(self.malformed(what))
    }

    fn malformed(&self, what: &'static str) -> GitError {
        GitError::Malformed { kind: self.kind, what }
    }

    /// The time of `Name <address> 1732231384 +0000`: seconds since 1970; the zone is for show.
    fn time(&self, person: &[u8]) -> Result<Timestamp, GitError> {
        let wrong = || self.malformed("a person's time is not seconds and a zone");
        let close = person.iter().rposition(|&byte| byte == b'>').ok_or_else(wrong)?;
        let rest = std::str::from_utf8(&person[close + 1..]).map_err(|_| wrong())?;
        let (seconds, zone) = rest.strip_prefix(' ').and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let zone = zone.strip_prefix(['+', '-']).ok_or_else(wrong)?;
        if !digits(seconds) || !digits(zone) || zone.len() != 4 {
            return Err(wrong());
        }
        seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(wrong)
    }
}

fn tag<'a>(raw: &'a [u8], headers: &Headers<'a>) -> Result<Object<'a>, GitError> {
    let object = headers.text(0, "object", "its first header is not `object`")?;
    let target = headers.text(1, "type", "its second header is not `type`")?;
    let name = headers.text(2, "tag", "its third header is not `tag`")?;
    let time = headers.at(3, "tagger").map(|person| headers.time(person.value)).transpose()?;
    // git writes no other header, except for the signature over the object's form under the other hash algorithm.
    if headers.all.len() > 3 + usize::from(time.is_some()) {
        return Err(headers.malformed("a header that tags do not have"));
    }
    let (payload, signature) = match trailing(&raw[headers.body..])? {
        Some(block) => (raw[..headers.body + block.start].to_vec(), Some(raw[headers.body + block.start..].to_vec())),
        None => (raw.to_vec(), None),
    };
    let signature = signature.map(trimmed);
    Ok(Object { kind: ObjectKind::Tag, fields: Fields::Tag { object, target, name }, time, signature, payload })
}

/// The first lines by which git knows a signature.
const BEGINNINGS: [&[u8]; 4] = [
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
    b"-----BEGIN SSH SIGNATURE-----",
];

fn begins(line: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
}

/// Where the signature at the end of a tag's message is. git takes the last line that looks like a beginning; a message with two
/// such lines means different things to different readers and is refused.
fn trailing(message: &[u8]) -> Result<Option<Range<usize>>, GitError> {
    let mut found = None;
    let mut count = 0;
    let mut at = 0;
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if begins(line) {
            found = Some(at..message.len());
            count += 1;
        }
        at += line.len();
    }
    if count > 1 { Err(GitError::ManySignatures(count)) } else { Ok(found) }
}

fn trimmed(mut block: Vec<u8>) -> Vec<u8> {
    while block.last() == Some(&b'\n') {
        block.pop();
    }
    block
}

fn commit<'a>(raw: &'a [u8], headers: &Headers<'a>, algorithm: Algorithm) -> Result<Object<'a>, GitError> {
    let tree = headers.text(0, "tree", "its first header is not `tree`")?;
    let parents = headers.all.iter().skip(1).take_while(|header| header.name == "parent").count();
    let author = 1 + parents;
    headers.at(author, "author").ok_or(headers.malformed("no `author` after its parents"))?;
    let committer = headers.at(author + 1, "committer").ok_or(headers.malformed("no `committer` after its author"))?;
    let time = Some(headers.time(committer.value)?);
    let others = &headers.all[author + 2..];
    if others.iter().any(|header| matches!(header.name, "tree" | "parent" | "author" | "committer")) {
        return Err(headers.malformed("a header that commits have once"));
    }
    let signatures: Vec<&Header<'_>> = others.iter().filter(|header| header.name.starts_with("gpgsig")).collect();
    let (payload, signature) = match signatures.as_slice() {
        [] => (raw.to_vec(), None),
        [header] => {
            let ours = match algorithm {
                Algorithm::Sha1 => "gpgsig",
                Algorithm::Sha256 => "gpgsig-sha256",
            };
            if header.name != ours {
                return Err(GitError::OtherForm);
            }
            (without(raw, &header.span), Some(unfolded(&raw[header.span.clone()], ours.len() + 1)))
        }
        many => return Err(GitError::ManySignatures(many.len())),
    };
    let signature = signature.map(trimmed);
    if let Some(block) = &signature {
        let count = block.split(|&byte| byte == b'\n').filter(|line| begins(line)).count();
        if count != 1 || !begins(block) {
            return Err(match count {
                0 | 1 => headers.malformed("its signature header holds none"),
                _ => GitError::ManySignatures(count),
            });
        }
    }
    Ok(Object { kind: ObjectKind::Commit, fields: Fields::Commit { tree }, time, signature, payload })
}

fn without(raw: &[u8], span: &Range<usize>) -> Vec<u8> {
    [&raw[..span.start], &raw[span.end..]].concat()
}

/// A header's value with its continuation lines' first space taken away.
fn unfolded(span: &[u8], name: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(span.len());
    for (index, line) in span.split_inclusive(|&byte| byte == b'\n').enumerate() {
        out.extend_from_slice(line.get(if index == 0 { name } else { 1 }..).unwrap_or_default());
    }
    out
}
