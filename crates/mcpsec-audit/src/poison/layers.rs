//! Other readings of a text: decoded from base64, base32, hexadecimal, codes and escapes; shifted, mirrored, joined.
//!
//! Each pass is linear; a decoded text is decoded again at most twice more.
use std::{collections::BTreeSet, sync::LazyLock};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{encoded::layer, reading::Reading, terms};

/// Another reading of a part of a text.
#[derive(Debug)]
pub(super) struct Layer {
    /// What it says.
    pub(super) text: String,
    /// Where it stands: bytes of the text.
    pub(super) span: (usize, usize),
    /// How it is written.
    pub(super) how: &'static str,
    /// Nobody writes so except to hide: not a link's escapes, not a product's spelling.
    pub(super) disguise: bool,
    /// It reads as prose.
    pub(super) prose: bool,
}

/// All other readings of a text, in order of their place.
pub(super) fn all(piece: &str, reading: &Reading) -> Vec<Layer> {
    let mut layers = Vec::new();
    decoded(piece, 3, &mut layers);
    layers.extend(leet(piece));
    layers.extend(spaced_out(piece));
    layers.extend(hyphened(piece));
    layers.extend(mirrored(reading));
    shifted(reading, &mut layers);
    layers.sort_by_key(|layer| layer.span);
    layers
}

/// Encodings of bytes, and what is inside of them.
fn decoded(piece: &str, depth: usize, layers: &mut Vec<Layer>) {
    let from = layers.len();
    base(piece, layers);
    hexadecimal(piece, layers);
    layers.extend(codes(piece));
    layers.extend(escapes(piece));
    if depth > 1 {
        for index in from..layers.len() {
            let Some(outer) = layers.get(index) else { break };
            let (text, span) = (outer.text.clone(), outer.span);
            let mut inner = Vec::new();
            decoded(&text, depth - 1, &mut inner);
            // Places inside a decoded text mean nothing outside of it.
            layers.extend(inner.into_iter().map(|layer| Layer { span, ..layer }));
        }
    }
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

/// Runs of base64 and base32.
fn base(piece: &str, layers: &mut Vec<Layer>) {
    for (start, end) in runs(piece, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'='), 12)
    {
        let run = piece[start..end].trim_start_matches(['-', '_', '=', '/']).trim_end_matches(['-', '_', '=', '/']);
        let text =
            STANDARD.decode(run).or_else(|_| URL_SAFE.decode(run)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(found) =
            text.and_then(|text| layer(text, (start, end), "it holds base64 that decodes to words", true))
        {
            layers.push(found);
            continue;
        }
        let shouted = run.len() >= 16 && run.bytes().all(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7'));
        if shouted && let Some(text) = base32(run) {
            layers.extend(layer(text, (start, end), "it holds base32 that decodes to words", true));
        }
    }
}

fn base32(run: &str) -> Option<String> {
    let mut bits = 0_u32;
    let mut held = 0_u32;
    let mut out = Vec::with_capacity(run.len() * 5 / 8);
    for b in run.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'2'..=b'7' => b - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    String::from_utf8(out).ok()
}

/// Hexadecimal digits, with or without separators: `49676e6f7265`, `49 67 6e`, `\x49\x67`, `0x49,0x67`.
fn hexadecimal(piece: &str, layers: &mut Vec<Layer>) {
    for (start, end) in
        runs(piece, |b| b.is_ascii_hexdigit() || matches!(b, b' ' | b':' | b'\\' | b'x' | b',' | b'-'), 12)
    {
        let run = &piece[start..end];
        // Words are made of the same letters: pairs only.
        let mut bytes = Vec::new();
        let mut whole = true;
        for part in run.split([' ', ':', '\\', 'x', ',', '-']).filter(|part| !part.is_empty() && *part != "0") {
            match hex::decode(part) {
                Ok(part) => bytes.extend(part),
                Err(_) => whole = false,
            }
        }
        let longest =
            run.split(|c: char| !c.is_ascii_hexdigit()).find(|part| part.len() >= 16 && part.len().is_multiple_of(2));
        if !whole && let Some(part) = longest {
            bytes = hex::decode(part).unwrap_or_default();
        } else if !whole {
            continue;
        }
        if bytes.len() >= 6
            && let Ok(text) = String::from_utf8(bytes)
        {
            layers.extend(layer(text, (start, end), "it holds hexadecimal digits that decode to words", true));
        }
    }
}

/// Decimal and binary character codes: `73 103 110`, `01001001 01100111`.
fn codes(piece: &str) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (start, end) in runs(piece, |b| b.is_ascii_digit() || matches!(b, b' ' | b',' | b'\n'), 20) {
        let numbers: Vec<&str> = piece[start..end].split([' ', ',', '\n']).filter(|part| !part.is_empty()).collect();
        let radix =
            if numbers.iter().all(|number| number.len() == 8 && number.bytes().all(|b| matches!(b, b'0' | b'1'))) {
                2
            } else {
                10
            };
        let text: Option<String> =
            numbers.iter().map(|number| u32::from_str_radix(number, radix).ok().and_then(char::from_u32)).collect();
        if numbers.len() >= 6
            && let Some(text) = text
        {
            layers.extend(layer(text, (start, end), "it holds numbers that are the codes of letters", true));
        }
    }
    layers
}

/// Escapes of JSON, URLs and HTML, all over the text.
fn escapes(piece: &str) -> Option<Layer> {
    if !piece.contains(['\\', '%', '&']) {
        return None;
    }
    let mut out = String::with_capacity(piece.len());
    let mut bytes = Vec::new();
    let (mut first, mut last, mut letters, mut count) = (None, 0, 0, 0);
    let mut rest = piece;
    while let Some(c) = rest.chars().next() {
        let at = piece.len() - rest.len();
        if let Some((byte, length)) = percent(rest) {
            bytes.push(byte);
            count += 1;
            letters += usize::from(byte.is_ascii_alphanumeric() || byte >= 0x80);
            first.get_or_insert(at);
            last = at + length;
            rest = &rest[length..];
            continue;
        }
        if !bytes.is_empty() {
            out.push_str(&String::from_utf8_lossy(&bytes));
            bytes.clear();
        }
        if let Some((found, length)) = escape(rest) {
            out.push(found);
            count += 1;
            letters += usize::from(found.is_alphanumeric());
            first.get_or_insert(at);
            last = at + length;
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out.push_str(&String::from_utf8_lossy(&bytes));
    // Escaped spaces and slashes are usual in links; escaped letters are not.
    let disguise = letters >= 4;
    (count >= 3).then_some(())?;
    layer(out, (first?, last), "it holds escapes that decode to words", disguise)
        .map(|layer| Layer { prose: layer.prose && disguise, ..layer })
}

/// `%41` and `\\x41`: the byte, and how long it is written.
fn percent(rest: &str) -> Option<(u8, usize)> {
    let (pair, length) = match rest.strip_prefix('%') {
        Some(tail) => (tail.get(..2)?, 3),
        None => (rest.strip_prefix("\\x")?.get(..2)?, 4),
    };
    Some((u8::from_str_radix(pair, 16).ok()?, length))
}

fn escape(rest: &str) -> Option<(char, usize)> {
    if let Some(tail) = rest.strip_prefix("\\u{").or_else(|| rest.strip_prefix("\\U{")) {
        let end = tail.get(..tail.len().min(9))?.find('}')?;
        return Some((char::from_u32(u32::from_str_radix(&tail[..end], 16).ok()?)?, 4 + end));
    }
    if let Some(tail) = rest.strip_prefix("\\u") {
        let digits = tail.get(..4)?;
        return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 6));
    }
    if let Some(tail) = rest.strip_prefix("&#") {
        let end = tail.get(..tail.len().min(9)).unwrap_or(tail.get(..1)?).find(';')?;
        let digits = &tail[..end];
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => digits.parse().ok()?,
        };
        return Some((char::from_u32(code)?, end + 3));
    }
    for (name, c) in [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"'), ("&apos;", '\''), ("&nbsp;", ' ')]
    {
        if rest.starts_with(name) {
            return Some((c, name.len()));
        }
    }
    None
}

/// Digits and signs that stand for letters: `1gn0r3`, `p@ss`.
fn leet(piece: &str) -> Option<Layer> {
    let mut out = String::with_capacity(piece.len());
    let (mut changed, mut first, mut last) = (0, None, 0);
    let mut at = 0;
    for word in piece.split_inclusive(char::is_whitespace) {
        let core = word.trim_end();
        let letters = core.chars().filter(|c| c.is_ascii_alphabetic()).count();
        let signs = core.chars().filter(|c| letter_of(*c).is_some()).count();
        let plain = core
            .chars()
            .all(|c| c.is_ascii_alphabetic() || letter_of(c).is_some() || matches!(c, '.' | ',' | '\'' | ':' | ';'));
        let ends = core.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '!' | '.' | ','));
        let inner = ends.chars().filter(|c| letter_of(*c).is_some()).count();
        if plain && signs > 0 && (inner > 0 && letters >= 1 || core.len() == 2 && letters == 1) {
            out.extend(word.chars().map(|c| letter_of(c).unwrap_or(c)));
            changed += 1;
            first.get_or_insert(at);
            last = at + core.len();
        } else {
            out.push_str(word);
        }
        at += word.len();
    }
    (changed >= 2).then_some(())?;
    layer(out, (first?, last), "it is written with digits in place of letters", false).map(|layer| Layer {
        prose: false,
        disguise: false,
        ..layer
    })
}

fn letter_of(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        _ => return None,
    })
}

/// English words, to find the borders of words that were run together.
static WORDS: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let mut words: BTreeSet<&str> = terms::all()
        .flat_map(|(_, table)| table.iter())
        .filter(|(language, _)| *language == "en")
        .flat_map(|(_, words)| words.split(['|', ' ', '*']))
        .filter(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase()))
        .collect();
    words.extend(super::language::english());
    words.extend(["a", "i"]);
    words
});

/// The fewest known words that letters fall into; `None` if they do not.
fn segmented(letters: &str) -> Option<String> {
    if letters.len() > 400 || !letters.is_ascii() {
        return None;
    }
    // best[n]: how many words the first n letters are, and where the last one begins. Unknown letters cost more than words.
    let mut best: Vec<(usize, usize)> = vec![(0, 0)];
    for end in 1..=letters.len() {
        let choice = (end.saturating_sub(16)..end).filter_map(|start| {
            let cost = best.get(start)?.0;
            let known = WORDS.contains(letters.get(start..end)?);
            Some((cost + if known { 1 } else { 3 * (end - start) }, start))
        });
        best.push(choice.min()?);
    }
    if best.last()?.0 > letters.len() / 2 {
        return None;
    }
    let mut words = Vec::new();
    let mut end = letters.len();
    while end > 0 {
        let start = best.get(end)?.1;
        words.push(letters.get(start..end)?);
        end = start;
    }
    words.reverse();
    Some(words.join(" "))
}

/// Letters with something between them: `i g n o r e`, `i.g.n.o.r.e`.
fn spaced_out(piece: &str) -> Vec<Layer> {
    let chars: Vec<(usize, char)> = piece.char_indices().collect();
    let mut layers = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let from = at;
        let mut letters = String::new();
        let mut wide = String::new();
        while let Some((_, c)) = chars.get(at).copied().filter(|(_, c)| c.is_alphanumeric()) {
            letters.push(c);
            wide.push(c);
            let gap = chars[at + 1..].iter().take(6).take_while(|(_, c)| !c.is_alphanumeric()).count();
            let lone = chars.get(at + gap + 2).is_none_or(|(_, c)| !c.is_alphanumeric());
            if gap == 0 || gap >= 6 || !lone {
                at += 1;
                break;
            }
            // What stands between the letters of a word is dropped; anything else belongs to the text.
            match chars[at + 1..].iter().take(gap).find(|(_, c)| !c.is_whitespace()) {
                Some((_, mark)) if gap > 1 => wide.extend([*mark].iter().chain((*mark == ':').then_some(&' '))),
                None if gap > 1 => wide.push(' '),
                _ => {}
            }
            at += 1 + gap;
        }
        if letters.chars().count() >= 6 {
            let end = chars.get(at).map_or(piece.len(), |(end, _)| *end);
            let text = if wide.contains(' ') { Some(wide.to_lowercase()) } else { segmented(&letters.to_lowercase()) };
            if let Some(text) = text {
                layers.extend(layer(text, (chars[from].0, end), "its letters are spaced out", true));
            }
        }
        at = at.max(from + 1);
        // On to the next beginning of a word.
        while at < chars.len() && at > 0 && chars[at - 1].1.is_alphanumeric() {
            at += 1;
        }
    }
    layers
}

/// Words cut by hyphens, dots and bars: `ig-no-re pre-vi-ous`.
fn hyphened(piece: &str) -> Option<Layer> {
    let cut = |word: &str| {
        let parts: Vec<&str> = word.split(['-', '.', '|', '·', '_', '+', '~']).collect();
        parts.len() >= 2
            && parts.iter().any(|part| part.chars().count() >= 2)
            && parts.iter().all(|part| (1..=4).contains(&part.chars().count()) && part.chars().all(char::is_alphabetic))
    };
    let trim = |c: char| matches!(c, ',' | '.' | ';' | ':' | '!' | '"' | '\'' | '(' | ')');
    let count = piece.split_whitespace().filter(|word| cut(word.trim_matches(trim))).count();
    (count >= 3).then_some(())?;
    let mut out = String::with_capacity(piece.len());
    let (mut first, mut last, mut at) = (None, 0, 0);
    for word in piece.split_inclusive(char::is_whitespace) {
        let core = word.trim();
        if cut(core.trim_matches(trim)) {
            out.extend(core.chars().filter(|c| !matches!(c, '-' | '|' | '·' | '_' | '+' | '~')));
            out.push(' ');
            first.get_or_insert(at);
            last = at + core.len();
        } else {
            out.push_str(word);
        }
        at += word.len();
    }
    layer(out, (first?, last), "its words are cut into pieces", false).map(|layer| Layer { prose: false, ..layer })
}

/// The text from behind.
fn mirrored(reading: &Reading) -> Option<Layer> {
    const BACKWARDS: &[&str] = &[
        "eht", "dna", "uoy", "siht", "yna", "morf", "rof", "htiw", "ruoy", "ti", "fo", "ot", "ton", "elif", "daer",
        "dnes", "resu", "lla", "erongi", "ni",
    ];
    let text = reading.text();
    let words: BTreeSet<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| BACKWARDS.contains(word)).collect();
    (words.len() >= 3).then_some(())?;
    // Only the sentences that are written so.
    let hidden: Vec<(usize, usize)> = reading
        .sentences
        .iter()
        .map(|sentence| (sentence.start, sentence.end))
        .filter(|(start, end)| {
            text[*start..*end].split(|c: char| !c.is_alphanumeric()).filter(|word| BACKWARDS.contains(word)).count()
                >= 2
        })
        .collect();
    let (start, end) = (hidden.first()?.0, hidden.last()?.1);
    let mirrored: String = text[start..end].chars().rev().collect();
    layer(mirrored, reading.normal.span(start, end), "it is written backwards", true)
}

/// Sentences whose letters were moved along the alphabet (rot13 and others) or mirrored in it (atbash).
fn shifted(reading: &Reading, layers: &mut Vec<Layer>) {
    let common: BTreeSet<&str> = super::language::english().collect();
    let known = |words: &str, by: u8| {
        let all = words.split(|c: char| !c.is_ascii_lowercase()).filter(|word| word.len() > 1);
        all.filter(|word| word.len() <= 6 && common.contains(shift(word, by).as_str())).count()
    };
    for sentence in &reading.sentences {
        let words = reading.words(sentence);
        let count = words.split(' ').filter(|word| word.bytes().filter(u8::is_ascii_lowercase).count() >= 2).count();
        if count < 4 || !words.is_ascii() || known(words, 0) * 8 >= count {
            continue;
        }
        let best = (1..=26).map(|by| (known(words, by), by)).max();
        if let Some((hits, by)) = best
            && hits >= 2
            && hits * 4 >= count
        {
            let span = reading.normal.span(sentence.start, sentence.end);
            layers.extend(layer(shift(words, by), span, "its letters were exchanged for others", true));
        }
    }
}

/// Letters moved along the alphabet; 26 mirrors it.
fn shift(words: &str, by: u8) -> String {
    words
        .chars()
        .map(|c| match u8::try_from(c) {
            Ok(b) if b.is_ascii_lowercase() && by == 26 => char::from(b'z' - (b - b'a')),
            Ok(b) if b.is_ascii_lowercase() => char::from((b - b'a' + by) % 26 + b'a'),
            _ => c,
        })
        .collect()
}

/// Runs of bytes of a class that are at least so long: start and end.
fn runs(piece: &str, class: impl Fn(u8) -> bool, least: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut from = None;
    for (at, b) in piece.bytes().chain([0]).enumerate() {
        if b != 0 && class(b) {
            from.get_or_insert(at);
        } else if let Some(start) = from.take()
            && at - start >= least
        {
            out.push((start, at));
        }
    }
    out
}
