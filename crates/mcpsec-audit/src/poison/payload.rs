//! Payload links: a text points to code to be fetched and run.
use mcpsec_model::finding::{Confidence, Rule, Severity};

use super::{Alarm, reading::Reading, sense::Sense};

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        let senses = sentence.senses;
        let words = reading.words(sentence);
        let fetched = ["curl ", "wget ", "iwr ", "invoke-webrequest", "irm "].iter().any(|word| words.contains(word));
        let run = words.contains('|')
            && [" sh", "bash", "python", "node", "zsh", "iex", "|sh"].iter().any(|word| words.contains(word))
            || words.contains("$(curl")
            || words.contains("<(curl")
            || words.contains("iex");
        let piped = fetched && run;
        let near = reading.around(index, 1, 1);
        let addressed =
            reading.orders(sentence) || senses.any(&[Sense::Trigger, Sense::Model]) && senses.has(Sense::Run);
        let code = sentence.address.is_some_and(|(start, end)| {
            let address = reading.text()[start..end].split(['?', '#']).next().unwrap_or_default();
            [
                ".sh", ".ps1", ".exe", ".bat", ".py", ".js", ".bin", ".run", ".msi", ".dmg", ".pkg", ".jar", ".dll",
                ".so", ".vbs", ".apk",
            ]
            .iter()
            .any(|end| address.ends_with(end))
        });
        let drop = senses.has(Sense::Payload);
        if reading.of(sentence, Sense::Run).any(|hit| reading.denied(sentence, hit)) && !piped {
            continue;
        }
        let ordered = addressed || !sentence.first && senses.any(&[Sense::Acquire, Sense::Trigger, Sense::Transfer]);
        let runs = code && reading.affirmed(sentence, Sense::Run).is_some() && ordered;
        let dropped = drop && sentence.address.is_some();
        let severity =
            if piped && addressed || runs || dropped && addressed && senses.any(&[Sense::Run, Sense::Transfer]) {
                Severity::High
            } else if piped || dropped && (addressed || near.any(&[Sense::Hush, Sense::Authority])) {
                Severity::Medium
            } else {
                continue;
            };
        let span = (sentence.start, sentence.end);
        alarms.push(Alarm::new(
            Rule::PayloadLink,
            severity,
            Confidence::Medium,
            span,
            "it points to code that is to be fetched and run",
        ));
    }
}
