//! Names of entries: safe on every system, each once.
//!
//! What one system takes for two files and another for one, or for something outside of the folder, is refused on all, so
//! that a lock means the same everywhere.
use std::collections::HashMap;

use mcpsec_model::text::is_hidden;
use unicode_normalization::UnicodeNormalization as _;

use super::{
    Limits,
    problem::{NameProblem, Problem, shown},
};

/// All names of an archive together may take so many bytes, implied folders included.
const ALL_NAMES: usize = 64 << 20;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
}

/// Checks a name as it stands in the archive and answers its normal form: segments joined by `/`, no `.`, no trailing
/// slash; `None` when nothing is left (the root itself, or what stripping removed). `strip` segments are taken off the front,
/// a leading `.` being one of them, as node-tar does.
pub(super) fn normal(raw: &[u8], strip: usize, limits: &Limits) -> Result<Option<String>, Problem> {
    let refuse = |reason| Problem::Name { entry: shown(raw), reason };
    if raw.is_empty() {
        return Err(refuse(NameProblem::Empty));
    }
    if raw.len() > limits.name_bytes {
        return Err(refuse(NameProblem::TooLong));
    }
    let name = std::str::from_utf8(raw).map_err(|_| refuse(NameProblem::Encoding))?;
    if let Some(reason) = whole(name) {
        return Err(refuse(reason));
    }
    let mut out = String::with_capacity(name.len());
    let mut depth = 0;
    for (at, segment) in name.split('/').enumerate() {
        if let Some(reason) = segment_problem(segment) {
            return Err(refuse(reason));
        }
        if at < strip || segment.is_empty() || segment == "." {
            continue;
        }
        depth += 1;
        if depth > limits.depth {
            return Err(refuse(NameProblem::TooDeep));
        }
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(segment);
    }
    Ok((!out.is_empty()).then_some(out))
}

fn whole(name: &str) -> Option<NameProblem> {
    let bytes = name.as_bytes();
    if bytes[0] == b'/' {
        return Some(NameProblem::Absolute);
    }
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Some(NameProblem::Drive);
    }
    if bytes.contains(&b'\\') {
        return Some(NameProblem::Backslash);
    }
    if name.chars().any(char::is_control) {
        return Some(NameProblem::Control);
    }
    // Variation selectors may be needed; all else in the set only hides.
    if name.chars().any(|c| is_hidden(c) && !is_variation_selector(c)) {
        return Some(NameProblem::Invisible);
    }
    None
}

fn segment_problem(segment: &str) -> Option<NameProblem> {
    if segment == ".." {
        return Some(NameProblem::Parent);
    }
    if segment == "." || segment.is_empty() {
        return None;
    }
    if segment.ends_with(['.', ' ']) {
        return Some(NameProblem::TrailingDotOrSpace);
    }
    if segment.contains([':', '<', '>', '"', '|', '?', '*']) {
        return Some(NameProblem::Forbidden);
    }
    is_reserved(segment).then_some(NameProblem::Reserved)
}

/// Device names of Windows, with any extension, and with the superscript digits that it also accepts.
fn is_reserved(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let is = |name: &str| stem.eq_ignore_ascii_case(name);
    if ["con", "prn", "aux", "nul", "conin$", "conout$"].into_iter().any(is) {
        return true;
    }
    let Some((head, digit)) = stem.get(..3).zip(stem.get(3..)) else { return false };
    let numbered = head.eq_ignore_ascii_case("com") || head.eq_ignore_ascii_case("lpt");
    numbered && matches!(digit, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "\u{b9}" | "\u{b2}" | "\u{b3}")
}

/// The form in which two names that some system takes for one are equal.
///
/// Systems fold by tables of their own: NTFS maps one character to one upper-case one, APFS and ext4 fold fully (`ß` is `ss`)
/// after normalising, and ext4 drops variation selectors. Going down, up and down again joins at least what each of them joins,
/// Unicode's full case folding (statuses C and F) included.
pub(super) fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let fold = |name: &mut dyn Iterator<Item = char>| -> String {
        name.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfd().collect()
    };
    let once = fold(&mut name.nfd().filter(|c| !is_variation_selector(*c)));
    // Folding can leave combining characters in an order that normalising changes.
    fold(&mut once.chars()).nfc().collect()
}

/// Part of emoji and of some scripts.
fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

struct Seen {
    name: Box<str>,
    kind: Kind,
}

/// The names seen so far.
pub(super) struct Names {
    seen: HashMap<String, Seen>,
    limit: usize,
    bytes: usize,
    /// The folder whose ancestors were checked last; most entries share it with their neighbour.
    last_parent: String,
}

impl Names {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { seen: HashMap::new(), limit: limits.entries, bytes: 0, last_parent: String::new() }
    }

    /// Adds an entry by its normal name. The same folder may come twice; nothing else may.
    pub(super) fn add(&mut self, name: &str, kind: Kind) -> Result<(), Problem> {
        let parent = name.rfind('/').map_or("", |at| &name[..at]);
        if parent != self.last_parent {
            for (at, _) in parent.match_indices('/') {
                self.put(&parent[..at], Kind::Folder)?;
            }
            if !parent.is_empty() {
                self.put(parent, Kind::Folder)?;
            }
            parent.clone_into(&mut self.last_parent);
        }
        self.put(name, kind)
    }

    fn put(&mut self, name: &str, kind: Kind) -> Result<(), Problem> {
        let key = folded(name);
        if let Some(seen) = self.seen.get(&key) {
            let entry = shown(name);
            return match (seen.kind, kind) {
                _ if *seen.name != *name => Err(Problem::CaseCollision { entry, other: shown(seen.name.as_bytes()) }),
                (Kind::Folder, Kind::Folder) => Ok(()),
                (Kind::Folder, _) | (_, Kind::Folder) => Err(Problem::Conflict { entry }),
                _ => Err(Problem::Duplicate { entry }),
            };
        }
        if self.seen.len() >= self.limit {
            return Err(Problem::TooManyEntries { limit: self.limit });
        }
        self.bytes += 2 * name.len();
        if self.bytes > ALL_NAMES {
            return Err(Problem::NamesTooLong { limit: ALL_NAMES });
        }
        self.seen.insert(key, Seen { name: name.into(), kind });
        Ok(())
    }

    /// Whether exactly this name was added as a file.
    pub(super) fn has_file(&self, name: &str) -> bool {
        self.seen.get(&folded(name)).is_some_and(|seen| seen.kind == Kind::File && *seen.name == *name)
    }

    /// Names directly under the root.
    pub(super) fn top_level(&self) -> impl Iterator<Item = &str> {
        self.seen.values().map(|seen| &*seen.name).filter(|name| !name.contains('/'))
    }
}

/// Checks a symbolic link by name alone and answers its target in normal form.
///
/// Allowed is what cannot leave whatever other links there are: `..` only at the front, at most as many as the link has
/// parents (which are real folders, since nothing may lie below a link), then plain segments.
pub(super) fn link_target(link: &str, raw: &[u8], limits: &Limits) -> Result<String, Problem> {
    let leaves = || Problem::LinkLeaves { entry: shown(link), target: shown(raw) };
    let target = std::str::from_utf8(raw).map_err(|_| leaves())?;
    if target.is_empty() || target.len() > limits.name_bytes || whole(target).is_some() {
        return Err(leaves());
    }
    let mut up = 0;
    let mut out: Vec<&str> = Vec::new();
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." if out.iter().all(|segment| *segment == "..") => {
                up += 1;
                out.push(segment);
            }
            segment if segment_problem(segment).is_some() => return Err(leaves()),
            segment => out.push(segment),
        }
    }
    let parents = link.matches('/').count();
    if up > parents || out.len() > limits.depth {
        return Err(leaves());
    }
    Ok(if out.is_empty() { ".".to_owned() } else { out.join("/") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(raw: &[u8]) -> Option<NameProblem> {
        match normal(raw, 0, &Limits::STANDARD) {
            Ok(_) => None,
            Err(Problem::Name { reason, .. }) => Some(reason),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn names_that_some_system_reads_otherwise_are_refused() {
        use NameProblem as P;
        let deep = "d/".repeat(65);
        let long = "x".repeat(1025);
        for (name, why) in [
            (&b"/etc/passwd"[..], P::Absolute),
            (b"//host/share", P::Absolute),
            (b"C:/x", P::Drive),
            (b"c:x", P::Drive),
            (b"\\\\host\\share", P::Backslash),
            (b"a\\..\\b", P::Backslash),
            (b"..", P::Parent),
            (b"a/../b", P::Parent),
            (b"a/..", P::Parent),
            (b"a\0b", P::Control),
            (b"a\nb", P::Control),
            (b"a\x7fb", P::Control),
            ("a\u{85}b".as_bytes(), P::Control),
            ("a\u{202e}b".as_bytes(), P::Invisible),
            ("a\u{200b}b".as_bytes(), P::Invisible),
            (b"con", P::Reserved),
            (b"a/NUL.txt", P::Reserved),
            (b"a/Com1.tar.gz", P::Reserved),
            ("a/lpt\u{b2}".as_bytes(), P::Reserved),
            (b"aux .c", P::Reserved),
            (b"a./b", P::TrailingDotOrSpace),
            (b"a/b ", P::TrailingDotOrSpace),
            (b"a/...", P::TrailingDotOrSpace),
            (b"a:stream", P::Forbidden),
            (b"aa:stream", P::Forbidden),
            (b"a/b?", P::Forbidden),
            (b"\xff", P::Encoding),
            (b"", P::Empty),
            (deep.as_bytes(), P::TooDeep),
            (long.as_bytes(), P::TooLong),
        ] {
            let got = reason(name);
            let drive = why == P::Forbidden && got == Some(P::Drive);
            assert!(got == Some(why) || drive, "{name:?}: {got:?}");
        }
        for name in [
            "a",
            ".npmignore",
            "a/b.c",
            "console.js",
            "com10",
            "null",
            "größe/日本語.txt",
            "..a",
            "a..b",
            "❤\u{fe0f}.svg",
        ] {
            assert_eq!(reason(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn names_are_brought_to_one_form() {
        for (raw, strip, want) in [
            ("package/a//b/./c/", 1, Some("a/b/c")),
            ("./a", 0, Some("a")),
            ("./a", 1, Some("a")),
            ("./package/a", 1, Some("package/a")),
            ("package", 1, None),
            ("package/", 1, None),
            ("./", 0, None),
        ] {
            assert_eq!(normal(raw.as_bytes(), strip, &Limits::STANDARD).expect(raw).as_deref(), want, "{raw}");
        }
    }

    fn add_all(names: &[(&str, Kind)]) -> Result<(), Problem> {
        let mut seen = Names::new(&Limits::STANDARD);
        names.iter().try_for_each(|(name, kind)| seen.add(name, *kind))
    }

    #[test]
    fn one_name_is_one_thing() {
        use Kind::{File, Folder, Link};
        assert!(add_all(&[("a", Folder), ("a/b", File), ("a", Folder), ("a/c", Link)]).is_ok());
        assert!(matches!(add_all(&[("a/b", File), ("a/b", File)]), Err(Problem::Duplicate { .. })));
        assert!(matches!(add_all(&[("a", Link), ("a", File)]), Err(Problem::Duplicate { .. })));
        assert!(matches!(add_all(&[("a/b", File), ("A/c", File)]), Err(Problem::CaseCollision { .. })));
        assert!(matches!(add_all(&[("Straße", File), ("straße", File)]), Err(Problem::CaseCollision { .. })));
        assert!(matches!(add_all(&[("\u{e9}", File), ("e\u{301}", File)]), Err(Problem::CaseCollision { .. })));
        for (first, second) in [(File, "a/b"), (Link, "a/b"), (File, "a/b/c")] {
            assert!(matches!(add_all(&[("a", first), (second, File)]), Err(Problem::Conflict { .. })));
        }
        assert!(matches!(add_all(&[("a/b/c", File), ("a/b", File)]), Err(Problem::Conflict { .. })));
        assert!(matches!(add_all(&[("a/b/c", File), ("a", Link)]), Err(Problem::Conflict { .. })));
    }

    #[test]
    fn names_that_some_system_folds_together_are_one() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("STRASSE", "STRAẞE"),
            ("σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("ς", "σ"),
            ("ﬁle", "FILE"),
            ("\u{212a}", "k"),
            ("\u{17f}", "s"),
            ("\u{b5}", "\u{3bc}"),
            ("\u{1e9b}\u{323}", "\u{1e69}"),
            ("\u{13a0}", "\u{ab70}"),
            ("\u{390}", "\u{1fd3}"),
            ("❤\u{fe0f}", "❤"),
        ] {
            let all = add_all(&[(one, Kind::File), (other, Kind::File)]);
            assert!(matches!(all, Err(Problem::CaseCollision { .. })), "{one} {other}: {all:?}");
        }
        assert!(add_all(&[("ss", Kind::File), ("s", Kind::File), ("ö", Kind::File), ("o", Kind::File)]).is_ok());
        for c in '\0'..=char::MAX {
            if c.to_lowercase().eq([c]) && c.to_uppercase().eq([c]) {
                continue;
            }
            let of = |text: String| folded(&text);
            let key = of(c.to_string());
            assert_eq!(of(c.to_lowercase().collect()), key, "{c:?}");
            assert_eq!(of(c.to_uppercase().collect()), key, "{c:?}");
            assert_eq!(of(key.clone()), key, "{c:?}");
        }
    }

    #[test]
    fn implied_folders_count() {
        let limits = Limits { entries: 10, ..Limits::STANDARD };
        let mut names = Names::new(&limits);
        assert!(matches!(names.add("a/b/c/d/e/f/g/h/i/j/k", Kind::File), Err(Problem::TooManyEntries { limit: 10 })));
        let mut names = Names::new(&Limits::STANDARD);
        let long = format!("{}/", "y".repeat(200)).repeat(4);
        let all = (0..).try_for_each(|n| names.add(&format!("{long}{n}/x"), Kind::File));
        assert!(matches!(all, Err(Problem::NamesTooLong { .. })));
    }

    #[test]
    fn links_stay_inside_by_name_alone() {
        for (link, target, want) in [
            ("a/b", "../c", Some("../c")),
            ("a/b", "c/d", Some("c/d")),
            ("a/b", ".", Some(".")),
            ("a/b/c", "../../x", Some("../../x")),
            ("a", "..", None),
            ("a/b", "../../c", None),
            ("a", "/etc/passwd", None),
            ("a", "C:/x", None),
            ("a/b", "c/../../x", None),
            ("a/b/c", "x/..", None),
            ("a", "", None),
            ("a", "x\\y", None),
            ("a", "x\0y", None),
        ] {
            let got = link_target(link, target.as_bytes(), &Limits::STANDARD).ok();
            assert_eq!(got.as_deref(), want, "{link} -> {target}");
        }
    }
}
