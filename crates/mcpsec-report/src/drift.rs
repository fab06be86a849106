//! Drift for people: worst first, each change with its place and its exact words, what went in red and what came in green.
use anstyle::{AnsiColor, Style as Paint};
use mcpsec_model::{
    drift::{Change, Drift, DriftLevel, Piece},
    report::ClosureChange,
    text::{Untrusted, escape},
};

use crate::{style::Style, wrap::indented};

/// How many changes of one level are told in full.
const TOLD: usize = 20;
/// The longest text of one change that is shown, in characters.
const SHOWN: usize = 1_500;
/// How many characters of what did not change stand around what did.
const AROUND: usize = 60;

/// All changes, ending in a newline; nothing if there are none. Cosmetic ones are counted only.
pub fn drift(drift: &Drift, style: Style) -> String {
    let (small, large): (Vec<&Change>, Vec<&Change>) =
        drift.changes.iter().partition(|change| change.level <= DriftLevel::Cosmetic);
    crate::inert::inert(&changes(&large, &small, style)).into_owned()
}

/// Changes worth reading, worst first, then those that are counted only.
pub(crate) fn changes(large: &[&Change], small: &[&Change], style: Style) -> String {
    let mut out = String::new();
    for level in DriftLevel::ALL.into_iter().rev() {
        let changes: Vec<&&Change> = large.iter().filter(|change| change.level == level).collect();
        for change in changes.iter().take(TOLD) {
            one(&mut out, change, style);
        }
        if let Some(more) = changes.len().checked_sub(TOLD).filter(|more| *more > 0) {
            out.push_str(&format!("  {level} drift  and {more} more; --format json has them all\n"));
        }
    }
    if !small.is_empty() {
        let places = crate::human::amount(small.len(), "places");
        let line = format!("cosmetic drift  {places} written differently, with the same meaning");
        out.push_str(&format!("  {}\n", style.dim(line)));
    }
    out
}

/// How a closure changed, ending in a newline; nothing if it did not.
pub fn closure(change: &ClosureChange, style: Style) -> String {
    if change.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "  closure  {} added, {} removed, {} changed\n",
        change.added.len(),
        change.removed.len(),
        change.changed.len()
    );
    let gone = change.removed.iter().map(|id| (GONE, format!("- {}", escape(id))));
    let new = change.added.iter().map(|id| (NEW, format!("+ {}", escape(id))));
    let changed =
        change.changed.iter().map(|(before, after)| (OTHER, format!("{} -> {}", escape(before), escape(after))));
    let lines: Vec<(Paint, String)> = gone.chain(new).chain(changed).collect();
    for (paint, line) in lines.iter().take(TOLD) {
        out.push_str(&format!("    {}\n", style.paint(*paint, line)));
    }
    if let Some(more) = lines.len().checked_sub(TOLD).filter(|more| *more > 0) {
        out.push_str(&format!("    and {more} more; --format json has them all\n"));
    }
    crate::inert::inert(&out).into_owned()
}

fn one(out: &mut String, change: &Change, style: Style) {
    let level = style.paint(of_level(change.level), change.level);
    out.push_str(&format!("  {level} drift  {}\n", change.subject));
    out.push_str(&indented(&escape(&change.message), 4, style.width()));
    if change.words.is_empty() {
        for (sign, text, paint) in [("-", &change.before, GONE), ("+", &change.after, NEW)] {
            if let Some(text) = text {
                out.push_str(&format!(
                    "    {} {}\n",
                    style.paint(paint, sign),
                    style.paint(paint, text.excerpt(SHOWN))
                ));
            }
        }
    } else {
        words(out, &change.words, style);
    }
    if let Some(reason) = &change.accepted {
        out.push_str(&indented(&format!("accepted: {}", Untrusted::new(reason).excerpt(300)), 4, style.width()));
    }
}

const GONE: Paint = Paint::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const NEW: Paint = Paint::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));

const OTHER: Paint = Paint::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));

/// What one change did to a text, as escaped lines without colours: both texts as one, or one below the other.
pub(crate) fn plain(change: &Change, max: usize) -> String {
    if !change.words.is_empty() {
        let mut out = String::new();
        words(&mut out, &change.words, Style::plain());
        return cut(out.trim(), max);
    }
    let sides = [("-", &change.before), ("+", &change.after)];
    let lines =
        sides.into_iter().filter_map(|(sign, text)| Some(format!("{sign} {}\n", text.as_ref()?.excerpt(max / 2))));
    lines.collect()
}

/// Text that was escaped already, cut; a cut escape is still no escape that does anything.
fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The two texts as one, `[-gone-]` and `{+new+}` as `git diff --word-diff` marks them, long unchanged stretches cut.
fn words(out: &mut String, pieces: &[Piece], style: Style) {
    let mut line = String::new();
    let mut shown = 0;
    for (index, piece) in pieces.iter().enumerate() {
        if shown > SHOWN {
            line.push('…');
            break;
        }
        match piece {
            Piece::Same(text) => {
                let around = around(text.raw(), index > 0, index + 1 < pieces.len());
                shown += around.chars().count();
                line.push_str(&Untrusted::new(around).to_string());
            }
            Piece::Removed(text) => {
                shown += text.raw().chars().count();
                line.push_str(&style.paint(GONE, format!("[-{}-]", text.excerpt(SHOWN))));
            }
            Piece::Added(text) => {
                shown += text.raw().chars().count();
                line.push_str(&style.paint(NEW, format!("{{+{}+}}", text.excerpt(SHOWN))));
            }
        }
    }
    out.push_str(&format!("    {line}\n"));
}

/// The ends of an unchanged stretch that touch a change.
fn around(text: &str, after_change: bool, before_change: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (head, tail) = (if after_change { AROUND } else { 0 }, if before_change { AROUND } else { 0 });
    if chars.len() <= head + tail + 1 {
        return text.to_owned();
    }
    let head: String = chars[..head].iter().collect();
    let tail: String = chars[chars.len() - tail..].iter().collect();
    format!("{head}…{tail}")
}

fn of_level(level: DriftLevel) -> Paint {
    let color = |color: AnsiColor| Paint::new().fg_color(Some(color.into()));
    match level {
        DriftLevel::Dangerous => color(AnsiColor::Red).bold(),
        DriftLevel::Breaking => color(AnsiColor::Yellow).bold(),
        DriftLevel::Additive | DriftLevel::Wording => color(AnsiColor::Cyan),
        DriftLevel::Cosmetic | DriftLevel::None => Paint::new().dimmed(),
    }
}

#[cfg(test)]
mod tests {
    use mcpsec_model::manifest::{Kind, Subject};

    use super::*;

    #[test]
    fn words_are_marked_and_long_same_text_is_cut() {
        let subject = Subject::entry(Kind::Tool, "send").at("description");
        let mut change = Change::new(DriftLevel::Dangerous, subject, "the text gives orders to the model");
        change.words = vec![
            Piece::Same("a".repeat(200).into()),
            Piece::Removed("old\u{202e}".into()),
            Piece::Added("new".into()),
            Piece::Same(" end".into()),
        ];
        let cosmetic = Change::new(DriftLevel::Cosmetic, Subject::entry(Kind::Tool, "x"), "same");
        let text = drift(&Drift { changes: vec![change, cosmetic] }, Style::plain());
        let expected = format!(
            "  dangerous drift  tool:send/description\n    the text gives orders to the model\n    …{}[-old\\u{{202e}}-]{{+new+}} end\n  cosmetic drift  1 place written differently, with the same meaning\n",
            "a".repeat(60)
        );
        assert_eq!(text, expected);
    }
}
