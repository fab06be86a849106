//! Hidden instructions by weight: many small signs close together, none of which is a finding by itself.
//!
//! Rules know forms of attacks; this one adds up what sentences do, so that a form that nobody thought of is seen too.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::Context,
    reading::{Reading, Sentence},
    secrets,
    sense::Sense,
};

/// From this weight on it is severe, and from this one on worth a look.
const SEVERE: u32 = 16;
const NOTABLE: u32 = 11;

/// What harms, where it has nothing to do with the tool.
const STRANGE: &[(Sense, u32)] = &[
    (Sense::Secret, 5),
    (Sense::Credential, 4),
    (Sense::Talk, 4),
    (Sense::Local, 3),
    (Sense::Others, 3),
    (Sense::Money, 3),
    (Sense::Memory, 3),
    (Sense::Danger, 4),
    (Sense::Protection, 3),
    (Sense::Consent, 2),
];

/// What harms anywhere.
const HARMS: &[(Sense, u32)] = &[
    (Sense::Hush, 6),
    (Sense::Covert, 5),
    (Sense::Unasked, 3),
    (Sense::Feign, 3),
    (Sense::Lie, 3),
    (Sense::Obey, 4),
    (Sense::Takeover, 4),
    (Sense::Lawless, 4),
    (Sense::Regardless, 4),
    (Sense::Authority, 4),
    (Sense::Quiet, 1),
    (Sense::Steer, 2),
    (Sense::Payload, 2),
    (Sense::Decode, 2),
    (Sense::Conceal, 2),
    (Sense::Rank, 2),
    (Sense::Threat, 1),
];

/// What makes harm an order.
const ACTS: &[(Sense, u32)] = &[
    (Sense::Order, 2),
    (Sense::Trigger, 2),
    (Sense::Model, 1),
    (Sense::Transfer, 2),
    (Sense::Acquire, 2),
    (Sense::Modify, 1),
    (Sense::Run, 2),
    (Sense::Disable, 1),
    (Sense::Slot, 1),
    (Sense::Channel, 1),
    (Sense::Data, 1),
    (Sense::Every, 1),
    (Sense::Reply, 1),
];

/// Adds up sentences and their followers.
pub(super) fn check(reading: &Reading, role: Role, context: &Context, alarms: &mut Vec<Alarm>) {
    let known = alarms.iter().any(|alarm| alarm.severity == Severity::High);
    if known || matches!(role, Role::Name | Role::Parameter | Role::Uri) {
        return;
    }
    let mut worst: Option<(u32, &Sentence)> = None;
    for (index, sentence) in reading.sentences.iter().enumerate() {
        let weight = weigh(reading, index, sentence, role, context);
        if worst.is_none_or(|(most, _)| weight > most) {
            worst = Some((weight, sentence));
        }
    }
    if let Some((weight, sentence)) = worst.filter(|(weight, _)| *weight >= NOTABLE) {
        let severity = if weight >= SEVERE { Severity::High } else { Severity::Medium };
        let message = "many small signs of an order that has nothing to do with the tool";
        alarms.push(Alarm::new(
            Rule::HiddenInstruction,
            severity,
            Confidence::Low,
            (sentence.start, sentence.end),
            message,
        ));
    }
}

/// Medium findings of three kinds about the texts of one entry, none of which is severe: what is spread over a description
/// and its parameters is one attack.
pub(super) fn together(findings: &BTreeSet<Finding>) -> Vec<Finding> {
    let mut entries: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let entry = finding.subject.split('/').next().unwrap_or_default().to_owned();
        entries.entry(entry).or_default().push(finding);
    }
    let mut out = Vec::new();
    for found in entries.values() {
        let severe = found.iter().any(|finding| finding.severity() == Severity::High);
        let medium: Vec<&&Finding> = found
            .iter()
            .filter(|finding| {
                finding.severity() == Severity::Medium
                    && matches!(
                        finding.rule,
                        Rule::HiddenInstruction
                            | Rule::Secrecy
                            | Rule::SecretAccess
                            | Rule::Exfiltration
                            | Rule::ToolShadowing
                            | Rule::PrecedenceClaim
                            | Rule::ParameterSmuggling
                            | Rule::HiddenMarkup
                    )
            })
            .collect();
        let rules: BTreeSet<&'static str> = medium.iter().map(|finding| finding.rule.id()).collect();
        // A long text has many sentences that look odd; the signs have to be spread over texts.
        let texts: BTreeSet<&str> = medium.iter().map(|finding| finding.subject.as_str()).collect();
        if severe || rules.len() < 3 || texts.len() < 2 {
            continue;
        }
        if let Some(first) = medium.first() {
            let mut whole = (**first).clone().severe(Severity::High).confidence(Confidence::Low);
            whole.message = "together, the signs in its texts make an attack".to_owned();
            out.push(whole);
        }
    }
    out
}

fn weigh(reading: &Reading, index: usize, sentence: &Sentence, role: Role, context: &Context) -> u32 {
    let sound = |near: &Sentence| {
        !reading.protects(near) && !near.senses.has(Sense::Defence) && !secrets::configures(reading.words(near))
    };
    let next = reading.sentences.get(index + 1).filter(|next| sound(next));
    if sentence.first
        && (!sentence.senses.any(&[Sense::Order, Sense::Hush, Sense::Authority]) || context.tells(reading, sentence))
        && role == Role::Description
    {
        return 0;
    }
    let both = [Some(sentence), next];
    let generic = |near: &Sentence| sense_is_generic(reading, near);
    let found = |sense: Sense| {
        if sense == Sense::Talk && both.iter().flatten().all(|near| generic(near)) {
            return false;
        }
        both.iter().flatten().any(|near| reading.affirmed(near, sense).is_some())
    };
    if reading.protects(sentence)
        || sentence.senses.has(Sense::Defence)
        || context.reports_on_attacks(reading, sentence)
        || secrets::configures(reading.words(sentence))
    {
        return 0;
    }
    if reading.around(index, 1, 1).has(Sense::Ask) && !found(Sense::Hush) && !found(Sense::Unasked) {
        return 0;
    }
    let mut harm = 0;
    let mut kinds = 0;
    let unfit = STRANGE.iter().filter(|(sense, _)| context.strange(*sense));
    for (_, weight) in unfit.chain(HARMS).filter(|(sense, _)| found(*sense)) {
        harm += weight;
        kinds += 1;
    }
    if both.iter().flatten().any(|near| near.address.is_some()) {
        harm += 3;
        kinds += 1;
    }
    if found(Sense::Override) && found(Sense::Rules) {
        harm += 4;
        kinds += 1;
    }
    if super::shadowing::foreign(reading.words(sentence), context, true).is_some() {
        harm += 2;
        kinds += 1;
    }
    if kinds < 2 {
        return 0;
    }
    let acts: u32 = ACTS.iter().filter(|(sense, _)| found(*sense)).map(|(_, weight)| weight).sum();
    let ordered = both.iter().flatten().any(|near| reading.orders(near));
    harm + acts.min(6) + if ordered { 1 } else { 0 }
}

/// Whether a sentence speaks of conversations only in words that say little, such as the user's request.
fn sense_is_generic(reading: &Reading, sentence: &Sentence) -> bool {
    reading.of(sentence, Sense::Talk).all(|hit| {
        reading.text().get(hit.start..hit.end).is_none_or(|said| super::exfiltration::GENERIC.contains(&said))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(rule: Rule, subject: &str, severity: Severity) -> Finding {
        Finding::new(rule, subject, "a sign").severe(severity)
    }

    #[test]
    fn three_kinds_of_signs_over_two_texts_of_one_entry_are_one_attack() {
        let (text, parameter, other) = ("tool:a/description", "tool:a/inputSchema/properties/p", "tool:b/description");
        let medium = |rule, subject| sign(rule, subject, Severity::Medium);
        let three =
            |last: Finding| BTreeSet::from([medium(Rule::Secrecy, text), medium(Rule::Exfiltration, text), last]);
        let found = together(&three(medium(Rule::ParameterSmuggling, parameter)));
        assert_eq!(found.iter().map(Finding::severity).collect::<Vec<_>>(), [Severity::High]);
        // In one text only, of another tool, of a kind that is there already, too weak, or told already.
        for last in [
            medium(Rule::ParameterSmuggling, text),
            medium(Rule::ParameterSmuggling, other),
            medium(Rule::Secrecy, parameter),
            sign(Rule::ParameterSmuggling, parameter, Severity::Low),
            sign(Rule::ParameterSmuggling, parameter, Severity::High),
        ] {
            assert_eq!(together(&three(last.clone())), [], "{last:?}");
        }
    }
}
