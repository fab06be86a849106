//! Encoded text: words that are written so that a model reads them and a person does not.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::Context,
    layers::{self, Layer},
    normal::Normal,
    reading::Reading,
};

/// How many other readings of one piece are judged; a text with more of them is reported as it is.
const MAX_LAYERS: usize = 64;

/// Decodes what can be decoded and judges what comes out. Spans are bytes of the piece; the words are the decoded ones.
pub(super) fn check(
    piece: &str,
    reading: &Reading,
    role: Role,
    context: &Context,
    direct: &[Alarm],
) -> Vec<(Alarm, Option<String>)> {
    let mut alarms = Vec::new();
    let layers = layers::all(piece, reading);
    for layer in layers.iter().take(MAX_LAYERS) {
        let inner = Reading::new(Normal::new(&layer.text), false);
        let role = if matches!(role, Role::Name | Role::Parameter | Role::Icon | Role::Uri | Role::Default | Role::Enum)
        {
            Role::Other
        } else {
            role
        };
        let found = super::sentences(&inner, role, context);
        // What the text says openly is reported as that.
        let open = |alarm: &Alarm| {
            !layer.disguise && direct.iter().any(|known| known.rule == alarm.rule && known.severity >= alarm.severity)
        };
        let worst = found.iter().filter(|alarm| !open(alarm)).map(|alarm| alarm.severity).max();
        let words = layer.text.chars().take(400).collect::<String>();
        let severity = match worst {
            Some(Severity::High) => Severity::High,
            Some(Severity::Medium) => {
                if layer.disguise {
                    Severity::High
                } else {
                    Severity::Medium
                }
            }
            _ if layer.prose && orders(&inner) => Severity::High,
            _ if layer.prose && layer.disguise => Severity::Medium,
            _ => continue,
        };
        alarms.push((Alarm::new(Rule::EncodedText, severity, Confidence::High, layer.span, layer.how), Some(words)));
    }
    if layers.len() > MAX_LAYERS {
        let message = "there are more encoded texts than are judged";
        alarms
            .push((Alarm::new(Rule::EncodedText, Severity::Medium, Confidence::Low, (0, piece.len()), message), None));
    }
    alarms
}

/// Whether hidden prose speaks to somebody: then it was hidden for a reason.
fn orders(reading: &Reading) -> bool {
    use super::sense::Sense;
    reading.sentences.iter().any(|sentence| {
        (reading.orders(sentence)
            || sentence.imperative
            || sentence.senses.any(&[Sense::Trigger, Sense::Model, Sense::User, Sense::Hush]))
            && sentence.senses.any(&[
                Sense::Acquire,
                Sense::Transfer,
                Sense::Run,
                Sense::Override,
                Sense::Tell,
                Sense::Modify,
                Sense::Hush,
            ])
    })
}

/// Whether a decoded text is prose: mostly letters, in words.
pub(super) fn is_prose(text: &str) -> bool {
    let count = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let strange = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t') || c == '\u{fffd}');
    let words = text.split_whitespace().filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 2).count();
    let wide = text.chars().filter(|c| super::sense::is_glued(*c)).count();
    !strange && letters * 10 >= count * 6 && (words >= 3 || wide >= 6) && count >= 8
}

/// Whether a decoded text can be read at all.
pub(super) fn is_readable(text: &str) -> bool {
    let count = text.chars().count();
    let good = text
        .chars()
        .filter(|c| {
            c.is_alphanumeric()
                || matches!(
                    c,
                    ' ' | '\n'
                        | '.'
                        | ','
                        | '/'
                        | '~'
                        | '_'
                        | '-'
                        | ':'
                        | '\''
                        | '"'
                        | '<'
                        | '>'
                        | '@'
                        | '!'
                        | '?'
                        | '('
                        | ')'
                        | '='
                        | '&'
                        | '{'
                        | '}'
                )
        })
        .count();
    count >= 6 && good * 20 >= count * 19 && text.chars().any(char::is_alphabetic)
}

/// A layer's helper: builds one if the text is worth reading.
pub(super) fn layer(text: String, span: (usize, usize), how: &'static str, disguise: bool) -> Option<Layer> {
    is_readable(&text).then(|| Layer { prose: is_prose(&text), text, span, how, disguise })
}
