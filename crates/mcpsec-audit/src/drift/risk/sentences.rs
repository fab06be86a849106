//! Sentences: the unit in which a text can be new, and in which words together mean an order.
use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::{Before, phrases, tools};
use crate::drift::words::alike;

/// The longest sentence that is looked at as one; a longer one is cut at a blank.
const MAX_SENTENCE: usize = 600;
/// The most sentences of one text.
const MAX_SENTENCES: usize = 4_000;

/// The sentences of a text: cut after full stops, at blank lines and before points of lists.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    let mut last_blank = 0;
    while let Some((at, c)) = chars.next() {
        let after = at + c.len_utf8();
        let next = chars.peek().map(|(_, next)| *next);
        let ends = match c {
            '.' | '!' | '?' | ';' => next.is_none_or(char::is_whitespace),
            '。' | '！' | '？' | '；' | '।' | '؟' => true,
            '\n' => {
                let rest = text[after..].trim_start_matches([' ', '\t']);
                rest.starts_with(['\n', '-', '*', '#', '•', '<']) || rest.starts_with(|c: char| c.is_ascii_digit())
            }
            _ => false,
        };
        if c.is_whitespace() {
            last_blank = after;
        }
        let long = after - start > MAX_SENTENCE;
        if ends || long {
            let end = if long && !ends && last_blank > start { last_blank } else { after };
            out.push(&text[start..end]);
            start = end;
        }
        if out.len() >= MAX_SENTENCES {
            break;
        }
    }
    out.push(&text[start..]);
    out.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    out
}

/// A sentence as it is understood: compatible and look-alike characters as the plain ones, hidden ones gone, lower case, one
/// blank between words, without emphasis.
pub(super) fn fold(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len());
    let latin = sentence.chars().filter(|c| c.is_ascii_alphabetic()).count();
    let other = sentence.chars().filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
    for c in sentence.nfkc() {
        let c = if latin > other { plain(c) } else { c };
        if c.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else if !mcpsec_model::text::is_hidden(c) && !matches!(c, '*' | '"' | '“' | '”' | '«' | '»') {
            match c {
                '’' | '‘' | 'ʼ' | '`' => out.push('\''),
                c => out.extend(c.to_lowercase()),
            }
        }
    }
    out.trim().to_owned()
}

/// Letters of other scripts that look like Latin ones, in a text that is Latin.
fn plain(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'е' | 'ε' => 'e',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'с' => 'c',
        'у' | 'υ' => 'y',
        'х' | 'χ' => 'x',
        'і' | 'ι' => 'i',
        'ѕ' => 's',
        'ј' => 'j',
        'ԁ' => 'd',
        'ɡ' => 'g',
        'һ' => 'h',
        'κ' => 'k',
        'ν' => 'v',
        'τ' => 't',
        'м' => 'm',
        'т' => 't',
        'к' => 'k',
        'н' => 'h',
        'в' => 'b',
        c => c,
    }
}

/// The signs in sentences of `after` that stand nowhere in the older manifest.
pub(super) fn signs(before: &str, after: &str, talking: bool, old: &Before<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let folded: Vec<String> = split(after).into_iter().map(fold).collect();
    let is_new: Vec<bool> = folded.iter().map(|sentence| !old.sentences.contains(sentence)).collect();
    let mut old_windows = None;
    // A text that repeats itself says it once.
    let mut seen = BTreeSet::new();
    for (index, sentence) in folded.iter().enumerate() {
        // An order and its object may stand in two sentences: "Read the file. Then pass it on."
        let next = folded.get(index + 1);
        let new_next = is_new.get(index + 1).copied().unwrap_or(false);
        let mut windows = Vec::new();
        if is_new[index] {
            windows.push((sentence.clone(), true));
            windows.extend(readings(sentence).into_iter().map(|reading| (reading, true)));
        }
        if let Some(next) = next.filter(|_| is_new[index] || new_next) {
            windows.push((format!("{sentence} {next}"), false));
        }
        for (window, single) in windows {
            if !seen.insert((window.clone(), single)) {
                continue;
            }
            for (kind, message) in in_window(&window, single, old) {
                // What was said is what such a tool is for; files with secrets are not.
                if talking && kind == phrases::Sign::Secrets && super::places::secret(&window).is_none() {
                    continue;
                }
                // A sentence that said so before and was reworded is not news.
                let known = old_windows.get_or_insert_with(|| windows_of(before, old));
                let said = known.iter().any(|(had, text)| *had == kind && alike(text, &window) >= 600);
                if !said {
                    found.insert(message);
                }
            }
        }
    }
    found
}

fn windows_of(text: &str, old: &Before<'_>) -> Vec<(phrases::Sign, String)> {
    let folded: Vec<String> = split(text).into_iter().map(fold).collect();
    let pairs = folded.windows(2).map(|pair| pair.join(" "));
    let all: BTreeSet<String> = folded.iter().cloned().chain(pairs).collect();
    all.into_iter()
        .flat_map(|window| {
            in_window(&window, true, old).into_iter().map(move |(kind, _)| (kind, window.clone())).collect::<Vec<_>>()
        })
        .collect()
}

/// Other ways to read a sentence: figures for letters, and letters moved by thirteen places.
fn readings(sentence: &str) -> Vec<String> {
    let mut out = Vec::new();
    let figures = sentence
        .split(' ')
        .filter(|word| {
            word.chars().any(|c| c.is_ascii_digit()) && word.chars().filter(char::is_ascii_alphabetic).count() >= 2
        })
        .count();
    if figures >= 2 {
        let letter = |c: char| match c {
            '0' => 'o',
            '1' => 'i',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            '7' => 't',
            c => c,
        };
        out.push(sentence.chars().map(letter).collect());
        out.push(sentence.chars().map(|c| if c == '1' { 'l' } else { letter(c) }).collect());
    }
    let turned: String = sentence
        .chars()
        .map(|c| match c {
            'a'..='m' => char::from(c as u8 + 13),
            'n'..='z' => char::from(c as u8 - 13),
            c => c,
        })
        .collect();
    const SMALL: &[&str] = &["the", "and", "of", "to", "in", "it", "all", "not", "user", "this", "with", "for"];
    let small = |text: &str| text.split(|c: char| !c.is_alphanumeric()).filter(|word| SMALL.contains(word)).count();
    if small(&turned) >= 2 && small(sentence) <= 1 {
        out.push(turned);
    }
    out
}

fn in_window(window: &str, single: bool, old: &Before<'_>) -> Vec<(phrases::Sign, String)> {
    let mut found = phrases::signs(window, single, old);
    found.extend(tools::signs(window, old));
    found
}
