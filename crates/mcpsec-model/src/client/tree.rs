//! One tree for all formats: what a configuration says, and at which bytes it says it.
//!
//! Rewrites never print a tree. They take spans from it and replace those bytes of the text, so everything that the tree does
//! not know (comments, spacing, quotes, order) stays as it is.
use std::ops::Range;

use super::ClientError;

/// Deeper nesting is refused.
pub(super) const MAX_DEPTH: usize = 64;

/// A value with its bytes.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The value itself, without what stands around it.
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Text(String),
    Bool(bool),
    /// A number, a date or nothing, as written.
    Other(String),
    List(List),
    Map(Map),
    /// Something whose meaning is elsewhere: an alias, a value with a tag.
    Opaque(&'static str),
}

/// Values in order.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) items: Vec<Node>,
    /// Whether it is written in brackets, rather than as lines with a dash.
    pub(super) flow: bool,
}

/// Members in order, each name once.
#[derive(Debug, Clone)]
pub(super) struct Map {
    pub(super) members: Vec<Member>,
    /// Whether it is written in braces, rather than as lines.
    pub(super) flow: bool,
}

/// One member of a map.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&List> {
        match &self.kind {
            Kind::List(list) => Some(list),
            _ => None,
        }
    }

    /// `null` and its kin.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.kind, Kind::Other(raw) if matches!(raw.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The member of this name, if this is a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.map()?.get(key).map(|member| &member.value)
    }

    /// The value at the end of a path of member names.
    pub(super) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Moves every span, for a text that had something before what was read.
    pub(super) fn shift(&mut self, by: usize) {
        self.span = self.span.start + by..self.span.end + by;
        match &mut self.kind {
            Kind::List(list) => list.items.iter_mut().for_each(|item| item.shift(by)),
            Kind::Map(map) => {
                for member in &mut map.members {
                    member.key_span = member.key_span.start + by..member.key_span.end + by;
                    member.value.shift(by);
                }
            }
            _ => {}
        }
    }

    /// Whether both say the same, wherever it stands and however it is written; `aside` tells which members of the map at a
    /// path do not count.
    pub(super) fn says_the_same(
        &self,
        other: &Self,
        path: &mut Vec<String>,
        aside: &dyn Fn(&[String], &str) -> bool,
    ) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Text(one), Kind::Text(two)) | (Kind::Other(one), Kind::Other(two)) => one == two,
            (Kind::Bool(one), Kind::Bool(two)) => one == two,
            (Kind::Opaque(one), Kind::Opaque(two)) => one == two,
            (Kind::List(one), Kind::List(two)) => {
                one.items.len() == two.items.len()
                    && one.items.iter().zip(&two.items).all(|(one, two)| one.says_the_same(two, path, aside))
            }
            (Kind::Map(one), Kind::Map(two)) => {
                let one: Vec<&Member> = one.members.iter().filter(|member| !aside(path, &member.key)).collect();
                let two: Vec<&Member> = two.members.iter().filter(|member| !aside(path, &member.key)).collect();
                one.len() == two.len()
                    && one.iter().zip(&two).all(|(one, two)| {
                        path.push(one.key.clone());
                        let same = one.key == two.key && one.value.says_the_same(&two.value, path, aside);
                        path.pop();
                        same
                    })
            }
            _ => false,
        }
    }
}

impl Map {
    pub(super) fn get(&self, key: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.key == key)
    }
}

/// Line and column of a byte, from 1; the column counts characters. `\r\n`, `\n` and a lone `\r` end lines.
pub(super) fn position(text: &str, byte: usize) -> (u32, u32) {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    let mut line: u32 = 1;
    let mut start = 0;
    for (at, byte) in before.iter().enumerate() {
        // Of `\r\n` only the second ends the line.
        if *byte == b'\n' || (*byte == b'\r' && text.as_bytes().get(at + 1) != Some(&b'\n')) {
            line = line.saturating_add(1);
            start = at + 1;
        }
    }
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    (line, u32::try_from(column).unwrap_or(u32::MAX))
}

/// Where lines begin, for a text of which many places are asked.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = |at: &usize| bytes[*at] == b'\n' || (bytes[*at] == b'\r' && bytes.get(*at + 1) != Some(&b'\n'));
        Self((0..bytes.len()).filter(ends).map(|at| at + 1).collect())
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, byte: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= byte) + 1).unwrap_or(u32::MAX)
    }
}

/// Refuses a name that stands twice in one map: programs differ in which of the two they take. With a `key`, only that one
/// counts: what else a file holds is no business of ours.
pub(super) fn refuse_twice(text: &str, map: &Map, key: Option<&str>) -> Result<(), ClientError> {
    let mut sorted: Vec<&Member> =
        map.members.iter().filter(|member| key.is_none_or(|key| key == member.key)).collect();
    sorted.sort_by(|one, two| one.key.cmp(&two.key).then(one.key_span.start.cmp(&two.key_span.start)));
    match sorted.windows(2).find(|pair| pair[0].key == pair[1].key) {
        None => Ok(()),
        Some(pair) => Err(ClientError::twice(text, pair[0], pair[1])),
    }
}

/// The same for a value and everything in it.
pub(super) fn refuse_twice_below(text: &str, node: &Node) -> Result<(), ClientError> {
    match &node.kind {
        Kind::List(list) => list.items.iter().try_for_each(|item| refuse_twice_below(text, item)),
        Kind::Map(map) => {
            refuse_twice(text, map, None)?;
            map.members.iter().try_for_each(|member| refuse_twice_below(text, &member.value))
        }
        _ => Ok(()),
    }
}
