//! Orders that take control from the user: consent taken as given, protection switched off, rules set above the user's,
//! orders planted for later.
use mcpsec_model::finding::{Confidence, Severity};

use super::{
    context::Context,
    reading::{Reading, Sentence},
    sense::Sense,
};

type Verdict = Option<(Severity, Confidence, &'static str)>;

/// Even if the user objects.
pub(super) fn against_user(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Regardless)?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let acts = senses.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Override,
        Sense::Modify,
        Sense::Disable,
        Sense::Run,
        Sense::Steer,
        Sense::Invoked,
    ]);
    let keeps = ["leave ", "keep ", "use ", "call ", "answer", "proceed", "continue", "carry on"]
        .iter()
        .any(|word| reading.words(sentence).contains(word));
    let ordered = reading.orders(sentence) && acts;
    if !keeps && !ordered {
        return None;
    }
    let protective = senses.has(Sense::Not) && !acts_freely(reading, sentence);
    if protective {
        return None;
    }
    let objects = [
        "asks not",
        "asked not",
        "declin",
        "refus",
        "objects",
        "says no",
        "disagree",
        "opts out",
        "says otherwise",
        "tells you not",
        "forbid",
        "names another",
        "says another",
        "asks for another",
        "asked for",
        "wants",
        "insists",
        "chooses",
        "specifies",
        "prefers",
        "requests",
        "did not ask",
        "didn't ask",
        "does not ask",
        "cancel",
    ]
    .iter()
    .any(|word| reading.words(sentence).contains(word));
    let harm = near.any(&[
        Sense::Hush,
        Sense::Covert,
        Sense::Secret,
        Sense::Override,
        Sense::Talk,
        Sense::Authority,
        Sense::Protection,
        Sense::Danger,
        Sense::Steer,
    ]) || sentence.address.is_some();
    let severity = if objects || harm { Severity::High } else { Severity::Medium };
    Some((severity, Confidence::Medium, "it gives orders against the user's will"))
}

/// Whether the sentence orders something that it does not deny.
fn acts_freely(reading: &Reading, sentence: &Sentence) -> bool {
    [Sense::Transfer, Sense::Acquire, Sense::Override, Sense::Modify, Sense::Run, Sense::Steer].iter().any(|act| {
        reading.affirmed(sentence, *act).is_some_and(|hit| {
            reading.of(sentence, Sense::Not).all(|not| not.start > hit.start || hit.start - not.end > 60)
        })
    })
}

/// Switch protection off; run a dangerous command.
pub(super) fn weakening(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let hidden = near.any(&[
        Sense::Hush,
        Sense::Covert,
        Sense::Override,
        Sense::Authority,
        Sense::Unasked,
        Sense::Quiet,
        Sense::Takeover,
    ]);
    if let Some((off, _)) = reading.near(sentence, Sense::Disable, Sense::Protection, 40).or_else(|| {
        reading
            .near(sentence, Sense::Broken, Sense::Protection, 30)
            .filter(|_| senses.any(&[Sense::Regardless, Sense::Override]))
    }) && !reading.denied(sentence, &off)
        && reading.orders(sentence)
    {
        let model = senses.any(&[Sense::Model, Sense::Trigger]);
        let severity = if hidden || model && senses.has(Sense::Order) { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it tells the model to switch protection off"));
    }
    let danger = reading.affirmed(sentence, Sense::Danger)?;
    let kinds: std::collections::BTreeSet<&str> = reading
        .of(sentence, Sense::Danger)
        .filter(|hit| !reading.denied(sentence, hit))
        .filter_map(|hit| reading.text().get(hit.start..hit.end))
        .collect();
    if kinds.len() >= 2
        && !sentence.first
        && senses.any(&[Sense::Trigger, Sense::Order, Sense::Model, Sense::Run])
        && !senses.has(Sense::Defence)
        && !reading.protects(sentence)
        && !reading.everything().has(Sense::Defence)
    {
        return Some((Severity::High, Confidence::Medium, "it tells the model to run or plant something dangerous"));
    }
    let acts = [Sense::Run, Sense::Transfer, Sense::Modify, Sense::Acquire]
        .iter()
        .any(|act| reading.affirmed(sentence, *act).is_some());
    if acts
        && reading.orders(sentence)
        && !reading.denied(sentence, danger)
        && !super::secrets::configures(reading.words(sentence))
    {
        let severity =
            if hidden || senses.any(&[Sense::Trigger, Sense::Model]) { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it tells the model to run or plant something dangerous"));
    }
    None
}

/// Confirmations are taken as given.
pub(super) fn consent(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    let (asked, given) = reading.near(sentence, Sense::Consent, Sense::Granted, 60)?;
    if reading.denied(sentence, &given) || reading.denied(sentence, &asked) && asked.start > given.start {
        return None;
    }
    let senses = sentence.senses;
    let words = reading.words(sentence);
    let near = reading.around(index, 1, 1);
    let firm = [
        "counts as",
        "treat",
        "implied",
        "assumed",
        "presumed",
        "on behalf",
        "in the user's name",
        "yes",
        "simulated",
        "superfluous",
        "in advance",
        "beforehand",
        "agent itself",
        "at installation",
        "false alarms",
    ]
    .iter()
    .any(|word| words.contains(word))
        || asked.language != "en";
    let model = senses.has(Sense::Model) && senses.any(&[Sense::Order, Sense::Every, Sense::Trigger])
        || firm && senses.any(&[Sense::Model, Sense::User, Sense::Order, Sense::Trigger, Sense::Every])
        || sentence.imperative && !sentence.first
        || near.any(&[Sense::Hush, Sense::Authority, Sense::Unasked]);
    let switch = [
        "if true",
        "if set",
        "when true",
        "set to true",
        "optional",
        "flag",
        "whether",
        "parameter",
        "default",
        "boolean",
        "can be",
        "true to",
        "unless",
        "only if",
        "only after",
        "until",
        "if the user",
        "once the user",
        "after the user",
        "when the user",
    ]
    .iter()
    .any(|word| words.contains(word));
    let severity = match (model, switch) {
        (_, true) => Severity::Low,
        (true, _) => Severity::High,
        _ => Severity::Medium,
    };
    Some((severity, Confidence::Medium, "it takes the user's consent as given"))
}

/// Its words are said to stand above the user's.
pub(super) fn rank(reading: &Reading, sentence: &Sentence) -> Verdict {
    let hit = reading.affirmed(sentence, Sense::Rank)?;
    let senses = sentence.senses;
    let over =
        senses.has(Sense::User) || senses.has(Sense::Rules) && senses.any(&[Sense::Prior, Sense::Others, Sense::Model]);
    let claims = senses.any(&[Sense::Rules, Sense::ToolWord, Sense::Obey, Sense::This])
        && senses.any(&[Sense::User, Sense::Rules]);
    let data = [
        "setting",
        "default",
        "value",
        "parameter",
        "flag",
        "config",
        "theme",
        "argument",
        "field",
        "filter",
        "if both",
        "when both",
        "css",
        "rule set",
        "profile",
        "locale",
        "version",
    ]
    .iter()
    .any(|word| reading.words(sentence).contains(word));
    let own = senses.has(Sense::User)
        || hit.language != "en"
        || [
            "this tool",
            "this server",
            "these instructions",
            "this description",
            "this text",
            "here",
            "our ",
            "its rules",
            "server's",
            "tool's",
            "this message",
            "this note",
            "you",
        ]
        .iter()
        .any(|word| reading.words(sentence).contains(word));
    if !own || !over || !claims || data && hit.language == "en" && !senses.has(Sense::Rules) {
        return None;
    }
    Some((
        if data { Severity::Medium } else { Severity::High },
        Confidence::Medium,
        "it claims to stand above the user or other instructions",
    ))
}

/// A model without rules.
pub(super) fn lawless(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Lawless).or_else(|| reading.of(sentence, Sense::Lawless).next())?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let model = senses.has(Sense::Model) || near.any(&[Sense::Takeover, Sense::Override]);
    if !model || senses.has(Sense::Defence) && !reading.orders(sentence) {
        return None;
    }
    let about = sentence.first
        && !senses.any(&[Sense::Order, Sense::Trigger, Sense::Takeover, Sense::Override])
        && ![" you ", "you are", "you're"].iter().any(|word| reading.words(sentence).contains(word));
    let severity = if about { Severity::Medium } else { Severity::High };
    Some((severity, Confidence::Medium, "it tells the model that it has no rules"))
}

/// Planting orders where the agent finds them later.
pub(super) fn memory(reading: &Reading, index: usize, sentence: &Sentence, context: &Context) -> Verdict {
    reading.affirmed(sentence, Sense::Memory)?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let words = reading.words(sentence);
    let writes = [Sense::Transfer, Sense::Modify].iter().any(|act| reading.affirmed(sentence, *act).is_some())
        || words.contains("writes")
        || words.contains("adds ")
        || words.contains("remember");
    let fits = !context.strange(Sense::Memory)
        || context.is_about(&["memor", "remember", "rule", "config", "setting", "setup", "init", "install"]);
    if !writes || sentence.first && sentence.imperative {
        return None;
    }
    if near.has(Sense::Ask) && !near.any(&[Sense::Hush, Sense::Unasked]) {
        return None;
    }
    let hidden = near.any(&[Sense::Hush, Sense::Covert, Sense::Quiet, Sense::Override, Sense::Unasked])
        || sentence.address.is_some();
    let severity = match (fits, hidden, reading.orders(sentence) || senses.has(Sense::Model)) {
        (_, true, _) => Severity::High,
        (false, _, true) => Severity::High,
        (false, ..) => Severity::Medium,
        _ => return None,
    };
    Some((severity, Confidence::Medium, "it wants orders written where the agent will find them later"))
}
