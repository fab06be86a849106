//! Names that look like a well-known one: what a hasty reader, or a model that writes a launch line from memory, takes for it.
//!
//! | kind | example |
//! |---|---|
//! | spelling | `mcp-server-fecth` for `mcp-server-fetch` |
//! | characters | `mcp-rem0te` for `mcp-remote` |
//! | separators | `mcpremote`, `mcp.remote` |
//! | scope | `modelcontextprotocol-server-memory`, `@modelcontext-protocol/server-memory`, `server-memory` |
//! | affix | `mcp-remote-official`; weaker, `mcp-remote-js` |
//!
//! A closure has hundreds of names that nobody chose, and among honest packages near neighbours are common, so a dependency
//! is accused by fewer kinds and longer words than a server that somebody typed.
use mcpsec_model::finding::Confidence;

use super::edit::{self, Edit};

/// How a name resembles another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Characters,
    Separators,
    Scope,
    Spelling,
    Affix,
    Port,
    Plural,
}

impl Kind {
    /// What it says about the name, to stand before the name that it resembles.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Characters => "the name has characters that look like those of",
            Self::Separators => "the name differs only in its separators from",
            Self::Scope => "the name has another scope than",
            Self::Spelling => "the name is one slip away from",
            Self::Affix => "the name adds a word that asks for trust to",
            Self::Port => "the name adds the name of a language to",
            Self::Plural => "the name differs only in its number from",
        }
    }
}

/// Who is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Somebody chose this name.
    Server,
    /// It came along.
    Dependency,
}

/// Words that say nothing about which server it is.
const GENERIC: &[&str] =
    &["mcp", "server", "servers", "mcpserver", "sdk", "cli", "client", "modelcontextprotocol", "ai"];

/// Words that honest forks and companions do not use of themselves.
const TRUST: &[&str] =
    &["official", "original", "real", "genuine", "authentic", "verified", "trusted", "secure", "safe", "legit"];

/// Words that squatters add to a package's name, and honest ports too.
const PORTS: &[&str] = &["js", "node", "npm", "py", "python", "python3", "dev", "latest", "lib", "ts"];

/// How `name` resembles `known`, if it does. Both are in their normal form and differ.
pub(super) fn likeness(name: &str, known: &str, role: Role) -> Option<(Kind, Confidence)> {
    // Everything below compares names of nearly the same length, or of one without its scope; most pairs end here.
    let longest = TRUST.iter().map(|word| word.len()).max().unwrap_or_default() + 1;
    if name == known || name.len().abs_diff(known.len()) > longest.max(scope(known).len() + 2) {
        return None;
    }
    let (name_scope, name_base) = (scope(name), base(name));
    let (known_scope, known_base) = (scope(known), base(known));
    if name_scope == known_scope {
        return bases(name_base, known_base, role);
    }
    scopes((name_scope, name_base), (known_scope, known_base), name, known, role)
}

/// Two names without scopes, or of one scope. Who can publish into a scope needs no lookalike in it.
fn bases(name: &str, known: &str, role: Role) -> Option<(Kind, Confidence)> {
    let long = edit::bare(known).len();
    if long >= 5 && edit::skeleton(name) == edit::skeleton(known) {
        let only_separators = edit::bare(name) == edit::bare(known);
        return Some((if only_separators { Kind::Separators } else { Kind::Characters }, Confidence::High));
    }
    if edit::bare(name) == edit::bare(known) {
        return (long >= 7).then_some((Kind::Separators, Confidence::High));
    }
    let telling = edit::words(known).iter().any(|word| !GENERIC.contains(word));
    if role == Role::Server
        && telling
        && let Some(found) = affix(name, known)
    {
        return Some(found);
    }
    // Several letters doubled or not: `pupeter`.
    if long >= 7 && edit::words(name).len() == edit::words(known).len() && undoubled(name) == undoubled(known) {
        return Some((Kind::Spelling, Confidence::High));
    }
    if telling { spelling(name, known, role) } else { None }
}

/// A name with every run of one letter written once.
fn undoubled(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    out.extend(name.chars().scan(None, |last, c| Some((last.replace(c) != Some(c)).then_some(c))).flatten());
    out
}

/// One slip within one word.
fn spelling(name: &str, known: &str, role: Role) -> Option<(Kind, Confidence)> {
    let edit = edit::single(name, known)?;
    let (ours, theirs) = (edit::words(name), edit::words(known));
    let generic = |word: &&str| GENERIC.contains(word);
    // The word that differs. A slip that joins or splits words was seen as a separator.
    let (ours, theirs) = if ours.len() == theirs.len() {
        let mut different = ours.iter().zip(&theirs).filter(|(a, b)| a != b);
        let (first, second) = (different.next()?, different.next());
        if second.is_some() {
            return None;
        }
        (*first.0, *first.1)
    } else {
        return None;
    };
    if generic(&theirs) && generic(&ours) {
        return None;
    }
    let length = theirs.len();
    // A slip in a long word that all servers share points to the name all the more; `mcp` has honest neighbours.
    let needed = |of_server: usize, of_dependency: usize| match role {
        Role::Server if generic(&theirs) && length >= 5 => 5,
        Role::Server => of_server,
        Role::Dependency => of_dependency,
    };
    let sure = |needed: usize| if length >= needed { Confidence::High } else { Confidence::Low };
    let (kind, confidence) = match edit {
        // `sqlite3`, `http2`: another number is another thing.
        Edit::Extra { char, .. } if char.is_ascii_digit() => return None,
        Edit::Replaced { a, b, .. } if a.is_ascii_digit() || b.is_ascii_digit() => return None,
        Edit::Extra { char: 's', last: true, .. } => (Kind::Plural, Confidence::Low),
        Edit::Swapped => (Kind::Spelling, sure(needed(3, 5))),
        Edit::Doubled => (Kind::Spelling, sure(needed(4, 6))),
        Edit::Extra { last: false, first: false, .. } => (Kind::Spelling, sure(needed(6, 6))),
        Edit::Replaced { first: false, .. } => (Kind::Spelling, sure(needed(7, 8))),
        // One letter before or after is how people name what is related: `pycryptodomex`, `cchardet`.
        Edit::Extra { .. } => (Kind::Spelling, Confidence::Low),
        Edit::Replaced { .. } => (Kind::Spelling, sure(needed(8, 10))),
    };
    // Short words have honest neighbours everywhere.
    (length >= 4 || edit == Edit::Swapped).then_some((kind, confidence))
}

/// A whole known name with a word that asks for trust before or after it.
fn affix(name: &str, known: &str) -> Option<(Kind, Confidence)> {
    let rest = name.strip_prefix(known).or_else(|| name.strip_suffix(known))?;
    let word = rest.trim_matches(['-', '_', '.']);
    if word.len() < rest.len() && TRUST.contains(&word) {
        return Some((Kind::Affix, Confidence::High));
    }
    port(name, known)
}

/// A whole known name with the name of a language before or after it: `jquery.js`, `nodemssql`.
pub(super) fn port(name: &str, known: &str) -> Option<(Kind, Confidence)> {
    let rest = name.strip_prefix(known).or_else(|| name.strip_suffix(known))?;
    let word = rest.trim_matches(['-', '_', '.']);
    (known.len() >= 5 && PORTS.contains(&word)).then_some((Kind::Port, Confidence::Low))
}

/// Names whose scopes differ: scopes that look alike, a scope written as a prefix, a scope left out.
fn scopes(
    (name_scope, name_base): (&str, &str),
    (known_scope, known_base): (&str, &str),
    name: &str,
    known: &str,
    role: Role,
) -> Option<(Kind, Confidence)> {
    let telling = edit::words(known_base).iter().any(|word| !GENERIC.contains(word));
    if known_scope.is_empty() {
        // `@somebody/mcp-remote`: anybody may publish a fork in a scope of their own.
        return (role == Role::Server && name_base == known && telling).then_some((Kind::Scope, Confidence::Low));
    }
    if name_scope.is_empty() {
        if edit::bare(name) == edit::bare(known) {
            // `playwright-mcp` is what one would call any server for it; `types-node` is not.
            return Some((Kind::Scope, if telling { Confidence::High } else { Confidence::Low }));
        }
        // The scope left out. One word may be anybody's.
        let own = edit::words(known_base).len() >= 2 && telling;
        // `mcp-server-mysql` is what anybody would call a server for it.
        let anybodys = edit::words(known_base).contains(&"mcp");
        if anybodys && role == Role::Dependency {
            return None;
        }
        let confidence = if anybodys { Confidence::Low } else { Confidence::High };
        return (own && name == known_base).then_some((Kind::Scope, confidence));
    }
    if name_base == known_base && is_like_scope(name_scope, known_scope) {
        return Some((Kind::Scope, Confidence::High));
    }
    None
}

/// Whether a scope can be taken for another one. Both without `@`.
pub(super) fn is_like_scope(scope: &str, known: &str) -> bool {
    if scope == known || scope.is_empty() || known.len() < 4 {
        return false;
    }
    let (ours, theirs) = (edit::bare(scope), edit::bare(known));
    if ours == theirs || edit::skeleton(scope) == edit::skeleton(known) {
        return true;
    }
    // A long scope with one or two letters more at its end.
    if theirs.len() >= 10 && ours.strip_prefix(&theirs).is_some_and(|rest| rest.len() <= 2) {
        return true;
    }
    match edit::single(&ours, &theirs) {
        Some(Edit::Swapped | Edit::Doubled) => theirs.len() >= 5,
        Some(Edit::Extra { char, .. }) => theirs.len() >= 6 && !char.is_ascii_digit(),
        Some(Edit::Replaced { a, b, .. }) => theirs.len() >= 8 && !a.is_ascii_digit() && !b.is_ascii_digit(),
        None => false,
    }
}

/// The scope without `@`; empty without one.
pub(super) fn scope(name: &str) -> &str {
    name.strip_prefix('@').and_then(|rest| rest.split_once('/')).map_or("", |(scope, _)| scope)
}

/// What follows the scope.
pub(super) fn base(name: &str) -> &str {
    if name.starts_with('@') { name.split_once('/').map_or(name, |(_, base)| base) } else { name }
}
