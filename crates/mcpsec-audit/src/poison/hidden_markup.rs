//! Hidden markup: words that a rendered page does not show: comments, styles, images that carry data, walls of white space.
use mcpsec_model::finding::{Confidence, Rule, Severity};

use super::{Alarm, reading::Reading, sense::Sense};

/// Looks for it; spans are in the plain text of the reading.
pub(super) fn check(reading: &Reading, piece: &str) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    comments(reading, &mut alarms);
    styles(reading, &mut alarms);
    images(reading, &mut alarms);
    walls(reading, piece, &mut alarms);
    alarms
}

/// The plain senses of a part of the text.
fn suspicious(reading: &Reading, start: usize, end: usize) -> bool {
    reading.sentences.iter().filter(|sentence| sentence.start < end && sentence.end > start).any(|sentence| {
        let harm = [
            Sense::Hush,
            Sense::Secret,
            Sense::Override,
            Sense::Covert,
            Sense::Talk,
            Sense::Obey,
            Sense::Others,
            Sense::Takeover,
            Sense::Danger,
            Sense::Regardless,
            Sense::Model,
            Sense::Credential,
        ];
        (reading.orders(sentence) || sentence.imperative)
            && (sentence.senses.any(&harm) || sentence.address.is_some())
            && sentence.senses.any(&[
                Sense::Transfer,
                Sense::Acquire,
                Sense::Run,
                Sense::Tell,
                Sense::Override,
                Sense::Hush,
                Sense::Modify,
                Sense::Obey,
            ])
    })
}

fn comments(reading: &Reading, alarms: &mut Vec<Alarm>) {
    let text = reading.text();
    for (open, close) in [
        ("<!--", "-->"),
        ("[//]: #", "\n"),
        ("/*", "*/"),
        ("{#", "#}"),
        ("<template", "</template"),
        ("<noscript", "</noscript"),
    ] {
        for (start, _) in text.match_indices(open).take(16) {
            let end = text[start..].find(close).map_or(text.len(), |end| start + end + close.len()).min(text.len());
            if text[start..end].chars().filter(|c| c.is_alphabetic()).count() < 12 {
                continue;
            }
            let comment = open == "<!--" || open.starts_with("[//");
            let severity = match (suspicious(reading, start, end), comment) {
                (true, _) => Severity::High,
                (false, true) => Severity::Medium,
                (false, false) => continue,
            };
            alarms.push(Alarm::new(
                Rule::HiddenMarkup,
                severity,
                Confidence::Medium,
                (start, end),
                "a comment that a rendered page does not show",
            ));
        }
    }
}

fn styles(reading: &Reading, alarms: &mut Vec<Alarm>) {
    let text = reading.text();
    for mark in [
        "display:none",
        "display: none",
        "visibility:hidden",
        "visibility: hidden",
        "font-size:0",
        "font-size: 0",
        "opacity:0",
        "opacity: 0",
        "color:white",
        "color: white",
        "color:#fff",
        "color: #fff",
        "color:transparent",
        "height:0",
        " hidden>",
        "aria-hidden=\"true\"",
        "\\color{white}",
        "text-indent:-",
    ] {
        if let Some(start) = text.find(mark) {
            let end = text.floor_char_boundary((start + 600).min(text.len()));
            let start = text[..start].rfind('<').unwrap_or(start);
            let severity = if suspicious(reading, start, end) { Severity::High } else { Severity::Medium };
            alarms.push(Alarm::new(
                Rule::HiddenMarkup,
                severity,
                Confidence::Medium,
                (start, end),
                "a style that hides the words",
            ));
        }
    }
}

/// Images whose address has a place for data: rendering one sends it.
fn images(reading: &Reading, alarms: &mut Vec<Alarm>) {
    let text = reading.text();
    for (start, _) in text.match_indices("![").chain(text.match_indices("<img")).take(32) {
        let tail = &text[start..text.floor_char_boundary((start + 500).min(text.len()))];
        let end = tail.find([')', '>']).map_or(tail.len(), |end| end + 1);
        let image = &tail[..end];
        if !image.contains("http") {
            continue;
        }
        let carries = image.contains('?')
            && [
                "{",
                "<",
                "[",
                "$",
                "%s",
                "data",
                "...",
                "=conversation",
                "secret",
                "content",
                "base64",
                "encoded",
                "query",
                "history",
            ]
            .iter()
            .any(|place| image[image.find('?').unwrap_or(0)..].contains(place));
        let near = reading.sentences.iter().any(|sentence| {
            sentence.start < start + end
                && sentence.end > start
                && (reading.orders(sentence) && !sentence.first
                    || sentence.senses.any(&[Sense::Talk, Sense::Secret, Sense::Local, Sense::Credential]))
        });
        let severity = match (carries, near) {
            (true, true) => Severity::High,
            (true, false) => Severity::Medium,
            _ => Severity::Low,
        };
        alarms.push(Alarm::new(
            Rule::HiddenMarkup,
            severity,
            Confidence::Medium,
            (start, start + end),
            "an image that tells an address what it is shown beside",
        ));
    }
}

/// Words behind so much white space that nobody scrolls there.
fn walls(reading: &Reading, piece: &str, alarms: &mut Vec<Alarm>) {
    let mut from = None;
    let mut lines = 0_usize;
    let mut width = 0_usize;
    for (at, c) in piece.char_indices() {
        if c.is_whitespace() || c == '\u{2800}' || c == '\u{3164}' {
            from.get_or_insert(at);
            lines += usize::from(c == '\n');
            width += 1;
            continue;
        }
        if from.is_some_and(|from| from > 0) && (lines >= 20 || width >= 160 && width > lines * 80) {
            // The plain text behind the wall.
            let start = reading.plain_at(at);
            let end = reading.text().len();
            let severity = if suspicious(reading, start, end) { Severity::High } else { Severity::Medium };
            alarms.push(Alarm::new(
                Rule::HiddenMarkup,
                severity,
                Confidence::Medium,
                (start, end),
                "words behind a wall of white space",
            ));
            if alarms.len() > 16 {
                return;
            }
        }
        (from, lines, width) = (None, 0, 0);
    }
}
