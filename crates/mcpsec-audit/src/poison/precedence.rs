//! Precedence claims: a text says that it goes before other tools or instructions.
use mcpsec_model::finding::{Confidence, Rule, Severity};

use super::{Alarm, context::Context, reading::Reading, sense::Sense};

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, _context: &Context, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        let senses = sentence.senses;
        let Some(claim) = reading.affirmed(sentence, Sense::Priority) else { continue };
        let over_rules = senses.has(Sense::Rules) && senses.any(&[Sense::Prior, Sense::Others]);
        let over_tools = senses.any(&[Sense::Others]);
        let near = reading.around(index, 1, 1);
        let harm = near.any(&[
            Sense::Hush,
            Sense::Covert,
            Sense::Secret,
            Sense::Override,
            Sense::Regardless,
            Sense::Talk,
            Sense::Obey,
        ]);
        let words = reading.words(sentence);
        let absolute =
            ["highest priority", "takes precedence", "take precedence", "takes priority", "maximum priority"]
                .iter()
                .any(|word| words.contains(word))
                || claim.language != "en";
        let severity = match (over_rules, over_tools, harm) {
            (true, _, _) if absolute || senses.has(Sense::Override) => Severity::High,
            (_, true, true) => Severity::High,
            (true, _, _) | (_, true, _) => Severity::Medium,
            (_, _, true) => Severity::Medium,
            _ if senses.any(&[Sense::Order, Sense::Trigger]) => Severity::Low,
            _ => continue,
        };
        let span = (sentence.start, sentence.end);
        alarms.push(Alarm::new(
            Rule::PrecedenceClaim,
            severity,
            Confidence::Medium,
            span,
            "it claims to go before other tools or instructions",
        ));
    }
}
