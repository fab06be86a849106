//! Dependencies and target sets as the short texts that a lock holds.
//!
//! An edge is `node`, with `name = ` before it when it is asked for by another name, ` ?` after it when it is optional, and
//! ` ; marker` at the end. Names and nodes have no spaces in them: spaces, `%` and whatever is not printable ASCII are
//! percent-encoded, so the parts can be told apart whatever they hold.
use std::collections::BTreeSet;

use super::plain;
use crate::{
    closure::{Edge, NodeId},
    target::Target,
};

/// The text of an edge.
pub(super) fn write(edge: &Edge) -> String {
    let mut text = String::with_capacity(64);
    if edge.name != edge.to.package().name().as_str() {
        encode(&edge.name, &mut text);
        text.push_str(" = ");
    }
    encode(&edge.to.to_string(), &mut text);
    if edge.optional {
        text.push_str(" ?");
    }
    if let Some(marker) = &edge.marker {
        text.push_str(" ; ");
        text.push_str(marker);
    }
    text
}

/// Reads the text of an edge; `None` when it is not one. `known` finds nodes that were read before by their text, since most
/// edges lead to one.
pub(super) fn read(text: &str, known: impl Fn(&str) -> Option<NodeId>) -> Option<Edge> {
    let (mut name, mut rest) = (None, text);
    if let Some((before, after)) = rest.split_once(" = ")
        && !before.contains(' ')
    {
        name = Some(decode(before)?);
        rest = after;
    }
    let (node, rest) = match rest.find(' ') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let node = decode(node)?;
    let to = known(&node).or_else(|| NodeId::parse(&node).ok())?;
    let (optional, rest) = match rest.strip_prefix(" ?") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let marker = match rest {
        "" => None,
        rest => Some(rest.strip_prefix(" ; ")?.to_owned()),
    };
    let name = name.map_or_else(|| to.package().name().as_str().into(), Into::into);
    Some(Edge { name, to, optional, marker })
}

fn encode(text: &str, out: &mut String) {
    if text.is_empty() {
        // A lone `%` is never the start of an encoded byte.
        out.push('%');
    }
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
}

fn decode(text: &str) -> Option<String> {
    match text {
        "" => return None,
        "%" => return Some(String::new()),
        text if !text.contains('%') => return Some(text.to_owned()),
        _ => {}
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let mut byte = [0];
            hex::decode_to_slice(after.get(..2)?, &mut byte).ok()?;
            bytes.push(byte[0]);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| plain::is_visible(text))
}

/// The shortest words for some of a server's targets: a platform stands for all its Python versions, `*/3.12` for that
/// version on all platforms.
pub(super) fn write_targets(subset: &BTreeSet<Target>, all: &[Target]) -> Vec<String> {
    let whole = |same: &dyn Fn(&Target) -> bool| all.iter().filter(|t| same(t)).all(|t| subset.contains(t));
    let platforms: BTreeSet<_> = subset.iter().map(|t| t.platform).filter(|p| whole(&|t| t.platform == *p)).collect();
    let pythons: BTreeSet<_> =
        subset.iter().filter_map(|t| t.python).filter(|v| whole(&|t| t.python == Some(*v))).collect();
    if !pythons.is_empty() && subset.iter().all(|t| t.python.is_some_and(|v| pythons.contains(&v))) {
        let all_platforms = subset.iter().all(|t| platforms.contains(&t.platform));
        if !all_platforms || pythons.len() < platforms.len() {
            return pythons.iter().map(|version| format!("*/{version}")).collect();
        }
    }
    let single = subset.iter().filter(|t| !platforms.contains(&t.platform)).map(ToString::to_string);
    platforms.iter().map(ToString::to_string).chain(single).collect()
}

/// Reads those words.
pub(super) fn read_targets<'a>(words: impl Iterator<Item = &'a str>, all: &[Target]) -> Option<BTreeSet<Target>> {
    let mut subset = BTreeSet::new();
    for word in words {
        if let Some(version) = word.strip_prefix("*/") {
            let version = version.parse().ok()?;
            subset.extend(all.iter().filter(|t| t.python == Some(version)));
        } else if let Ok(target) = word.parse::<Target>() {
            match target.python {
                Some(_) => subset.extend(all.iter().filter(|t| **t == target)),
                None => subset.extend(all.iter().filter(|t| t.platform == target.platform)),
            }
        } else {
            return None;
        }
    }
    Some(subset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_read_back() {
        let node = |text: &str| NodeId::parse(text).expect("node");
        let git = "git+https://h.invalid/r@0123456789abcdef0123456789abcdef01234567#subdirectory=a ? ; b";
        for (name, to) in [("a", "npm:a@1.0.0"), ("b", "npm:a@1.0.0(zod@4.0.0)"), ("", "pypi:x@1"), ("a = b ;é%", git)]
        {
            for optional in [false, true] {
                for marker in [None, Some(String::new()), Some("os_name == \"nt\" ; ? x".to_owned())] {
                    let edge = Edge { name: name.into(), to: node(to), optional, marker };
                    assert_eq!(read(&write(&edge), |_| None).as_ref(), Some(&edge), "{}", write(&edge));
                }
            }
        }
        for text in
            ["", " ", "a = ", "npm:a@1 ?;", "npm:a@1  ?", "npm:a@1 ; ? ".trim_end_matches(" ? "), "% = npm:a@1%2"]
        {
            assert_eq!(read(text, |_| None), None, "{text:?}");
        }
    }

    #[test]
    fn target_words_read_back() {
        let all: Vec<Target> = ["linux-x86_64-gnu", "macos-aarch64", "windows-x86_64"]
            .iter()
            .flat_map(|p| ["3.11", "3.12"].map(|v| format!("{p}/{v}").parse().expect("target")))
            .collect();
        for bits in 0_u32..1 << all.len() {
            let subset: BTreeSet<Target> =
                all.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, t)| *t).collect();
            let words = write_targets(&subset, &all);
            assert_eq!(read_targets(words.iter().map(String::as_str), &all), Some(subset), "{words:?}");
        }
        let windows: BTreeSet<Target> = all[4..].iter().copied().collect();
        assert_eq!(write_targets(&windows, &all), ["windows-x86_64"]);
        let old: BTreeSet<Target> = all.iter().copied().filter(|t| t.to_string().ends_with("3.11")).collect();
        assert_eq!(write_targets(&old, &all), ["*/3.11"]);
    }
}
