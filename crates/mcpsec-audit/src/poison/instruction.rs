//! Hidden instructions: orders to the model that have nothing to do with using a tool.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::Context,
    control, deceit,
    reading::{Reading, Sentence},
    sense::Sense,
};

type Verdict = Option<(Severity, Confidence, &'static str)>;

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, role: Role, context: &Context, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        if context.reports_on_attacks(reading, sentence) {
            continue;
        }
        let found = [
            overriding(reading, sentence),
            takeover(reading, index, sentence),
            obedience(reading, sentence),
            control::against_user(reading, index, sentence),
            control::weakening(reading, index, sentence),
            authority(reading, index, sentence, role),
            deceit::money(reading, index, sentence, context),
            decoding(reading, index, sentence),
            control::consent(reading, index, sentence),
            control::rank(reading, sentence),
            control::lawless(reading, index, sentence),
            control::memory(reading, index, sentence, context),
            deceit::lying(reading, index, sentence),
            called(reading, index, sentence),
        ];
        if let Some((severity, confidence, message)) =
            found.into_iter().flatten().max_by_key(|verdict| (verdict.0, verdict.1))
        {
            alarms.push(Alarm::new(
                Rule::HiddenInstruction,
                severity,
                confidence,
                (sentence.start, sentence.end),
                message,
            ));
        }
    }
}

/// Ignore all previous instructions.
fn overriding(reading: &Reading, sentence: &Sentence) -> Verdict {
    let senses = sentence.senses;
    if !senses.all(&[Sense::Override, Sense::Rules]) {
        return None;
    }
    let (verb, rules) = reading.near(sentence, Sense::Override, Sense::Rules, 90)?;
    if reading.denied(sentence, &verb) || reading.sampled(sentence, &verb) {
        return None;
    }
    let prior = senses.has(Sense::Prior) || senses.has(Sense::Model);
    let quoted = quotes(reading.words(sentence)) && senses.has(Sense::Defence);
    let said = reading.text().get(rules.start..rules.end).unwrap_or_default();
    // A tool's first sentence that says what attacks look like.
    let explains = sentence.first
        && senses.has(Sense::Defence)
        && sentence.address.is_none()
        && !senses.any(&[Sense::Trigger, Sense::Slot, Sense::Secret, Sense::Hush, Sense::Authority]);
    if explains || gives_example(reading, sentence) {
        return Some((Severity::Low, Confidence::Low, "it speaks of setting rules aside"));
    }
    let plain_rules = verb.language == "en"
        && ["rule", "polic", "constraint", "restriction", "order"].iter().any(|word| said.starts_with(word));
    let spoken =
        reading.orders(sentence) || sentence.imperative && !sentence.first || senses.any(&[Sense::Model, Sense::User]);
    if plain_rules && !spoken {
        return Some((Severity::Low, Confidence::Low, "it speaks of setting rules aside"));
    }
    let english_before = verb.language == "en" && rules.end <= verb.start;
    let severity =
        match (prior, quoted || senses.has(Sense::Defence) && !reading.orders(sentence) && !sentence.imperative) {
            (_, true) => Severity::Low,
            (true, _) if english_before && !reading.orders(sentence) => Severity::Medium,
            (true, _) => Severity::High,
            (false, _) => Severity::Medium,
        };
    Some((severity, Confidence::High, "it tells the model to set other instructions aside"))
}

/// A sentence behind one about training or detection, that names what attacks say as an example.
fn gives_example(reading: &Reading, sentence: &Sentence) -> bool {
    let topic = reading.sentences.first().is_some_and(|first| first.senses.has(Sense::Defence));
    let words = reading.words(sentence);
    topic
        && sentence.senses.has(Sense::Defence)
        && sentence.address.is_none()
        && !sentence.senses.any(&[Sense::Slot, Sense::Secret, Sense::Hush, Sense::Authority, Sense::Transfer])
        && ["例如", "比如", "例えば", "예를 들어", "for example", "e.g.", "zum beispiel", "par exemple", "por ejemplo"]
            .iter()
            .any(|word| words.contains(word))
}

/// From now on you are …
fn takeover(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Takeover)?;
    let senses = sentence.senses;
    let near = reading.around(index, 1, 1);
    let acts = senses.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Obey,
        Sense::Override,
        Sense::Steer,
        Sense::Modify,
        Sense::Disable,
        Sense::Run,
        Sense::Reply,
    ]);
    let rules = near.has(Sense::Override) && near.has(Sense::Rules);
    let harm = rules
        || near.any(&[
            Sense::Obey,
            Sense::Hush,
            Sense::Secret,
            Sense::Covert,
            Sense::Regardless,
            Sense::Protection,
            Sense::Lawless,
        ]);
    let severity = match (acts || reading.orders(sentence), harm) {
        (true, true) if !sentence.first || reading.orders(sentence) => Severity::High,
        (true, _) if senses.any(&[Sense::Reply, Sense::Every, Sense::Model]) => Severity::Medium,
        _ => Severity::Low,
    };
    Some((severity, Confidence::Medium, "it gives the model a new role or lasting orders"))
}

/// Follow whatever instructions the result contains.
fn obedience(reading: &Reading, sentence: &Sentence) -> Verdict {
    let hit = reading.affirmed(sentence, Sense::Obey)?;
    let senses = sentence.senses;
    let words = reading.words(sentence);
    let stranger = [
        "returned",
        "return",
        "response",
        "result",
        "output",
        "page",
        "file",
        "url",
        "fetched",
        "document",
        "comment",
        "content",
        "found",
        "contained",
        "issue",
        "email",
        "message",
        "trusted",
        "system",
        "as if",
        "it says",
        "whatever",
        "any instructions",
        "all instructions",
        "without question",
        "exactly",
        "readme",
    ]
    .iter()
    .any(|word| words.contains(word))
        || hit.language != "en";
    let sound = [
        "authenticat",
        "log in",
        "login",
        "sign in",
        "to complete",
        "to finish",
        "guide",
        "style",
        "convention",
        "user's instructions",
        "instructions below",
        "instructions above",
        "on screen",
        "setup",
        "installation",
        "in the error",
        "error message",
        "comply with the api",
        "comply with the schema",
        "comply with rate",
        "comply with json",
        "complies",
        "specification",
        "rfc",
    ]
    .iter()
    .any(|word| words.contains(word));
    let treated = words.contains("treat")
        && !reading.words(sentence).contains("instruction")
        && !["trusted", "order", "command", "from the user", "system", "binding", "law", "granted"]
            .iter()
            .any(|word| words.contains(word));
    let severity = match (
        stranger && reading.orders(sentence),
        treated || sound || senses.has(Sense::Defence) && !senses.has(Sense::Order),
    ) {
        (_, true) => Severity::Low,
        (true, false) => Severity::High,
        _ => Severity::Medium,
    };
    Some((severity, Confidence::Medium, "it tells the model to follow what strangers write"))
}

/// `<system>` and the like around orders.
fn authority(reading: &Reading, index: usize, sentence: &Sentence, role: Role) -> Verdict {
    if !sentence.senses.has(Sense::Authority) || matches!(role, Role::Content) {
        return None;
    }
    let near = reading.around(index, 0, 4);
    let words = reading.words(sentence);
    let opens = reading.of(sentence, Sense::Authority).any(|hit| {
        let said = &reading.text()[hit.start..hit.end];
        !matches!(said, "system:" | "assistant:" | "developer:" | "system message:" | "system note:")
            || hit.start <= sentence.start + 2
    });
    if !opens {
        return None;
    }
    let template = ["<|", "[inst]", "<<sys>>", "<start_of_turn", "[system]", "### system", "<system"]
        .iter()
        .any(|mark| words.contains(mark));
    let harm = [
        Sense::Hush,
        Sense::Covert,
        Sense::Secret,
        Sense::Talk,
        Sense::Override,
        Sense::Obey,
        Sense::Takeover,
        Sense::Regardless,
        Sense::Danger,
        Sense::Others,
        Sense::Unasked,
        Sense::Feign,
        Sense::Money,
    ]
    .iter()
    .filter(|sense| near.has(**sense))
    .count()
        + usize::from(
            reading.sentences[index..(index + 5).min(reading.sentences.len())]
                .iter()
                .any(|near| near.address.is_some()),
        )
        + usize::from(near.has(Sense::Credential));
    let ordered =
        reading.sentences[index..(index + 5).min(reading.sentences.len())].iter().any(|near| reading.orders(near));
    let acts = near.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Run,
        Sense::Modify,
        Sense::Disable,
        Sense::Steer,
        Sense::Reply,
    ]);
    let severity = match (ordered && acts, harm) {
        (true, 1..) => Severity::High,
        (true, 0) if template => Severity::High,
        (true, 0) => Severity::Medium,
        _ if template => Severity::Medium,
        _ => Severity::Low,
    };
    Some((severity, Confidence::Medium, "it speaks to the model as if it were somebody else"))
}

/// Decode this, then do what it says.
fn decoding(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    reading.affirmed(sentence, Sense::Decode)?;
    let near = reading.around(index, 0, 1);
    let words = reading.words(sentence);
    let follows = near.any(&[Sense::Obey, Sense::Rules])
        && (near.has(Sense::Run) || near.has(Sense::Obey) || words.contains("follow") || words.contains("act on"));
    if !reading.orders(sentence) && !sentence.imperative || !follows {
        return None;
    }
    Some((Severity::High, Confidence::Medium, "it tells the model to decode a text and to follow it"))
}

/// `Agent: do …`: the model is called by its name and ordered.
fn called(reading: &Reading, index: usize, sentence: &Sentence) -> Verdict {
    let words = reading.words(sentence).trim_start_matches(['<', '>', '*', '-', ' ', '#', '(', '[', '"']);
    let opens = [
        "agent:",
        "assistant:",
        "model:",
        "ai:",
        "llm:",
        "claude:",
        "to the agent",
        "to the assistant",
        "to the model",
        "to any ai",
        "to whichever",
        "agent,",
        "assistant,",
        "agents:",
        "models:",
        "assistants:",
        "for agents",
        "for assistants",
        "llms:",
        "chatgpt:",
        "copilot:",
        "cursor:",
        "dear agent",
        "note for agents",
        "hint for the model",
        "hint for agents",
        "hint to the model",
        "agent note",
        "agent hint",
        "agent instruction",
        "assistant note",
        "ai note",
        "agent-only",
        "model-only",
    ]
    .iter()
    .any(|call| {
        words.starts_with(call)
            || words.contains(&format!(">{call}"))
            || words.contains(&format!(" {call} ")) && call.ends_with(':')
    });
    if !opens {
        return None;
    }
    let near = reading.around(index, 0, 2);
    let acts = near.any(&[
        Sense::Transfer,
        Sense::Acquire,
        Sense::Run,
        Sense::Modify,
        Sense::Disable,
        Sense::Steer,
        Sense::Obey,
        Sense::Danger,
    ]);
    let harm = near.any(&[
        Sense::Hush,
        Sense::Covert,
        Sense::Secret,
        Sense::Credential,
        Sense::Talk,
        Sense::Override,
        Sense::Obey,
        Sense::Danger,
        Sense::Granted,
        Sense::Lie,
        Sense::Local,
        Sense::Memory,
        Sense::Money,
        Sense::Regardless,
    ]) || reading.sentences[index..(index + 3).min(reading.sentences.len())]
        .iter()
        .any(|near| near.address.is_some());
    let severity = match (acts, harm) {
        (true, true) => Severity::High,
        (true, false) => Severity::Medium,
        _ => Severity::Low,
    };
    Some((severity, Confidence::Medium, "it calls the model by name and orders something"))
}

/// Whether words stand in quotes.
fn quotes(words: &str) -> bool {
    words.matches(['"', '\'']).count() >= 2 || words.contains('「') || words.contains("e.g.")
}
