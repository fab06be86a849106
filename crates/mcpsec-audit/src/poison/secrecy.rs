//! Secrecy: a text tells the model to keep something from the person it works for.
use mcpsec_model::finding::{Confidence, Rule, Severity};

use super::{
    Alarm,
    reading::{Reading, Sentence},
    sense::Sense,
};

/// Things that are kept out of answers for the sake of form.
const FORM: &[&str] = &[
    "raw ",
    "json",
    "the id",
    " id to",
    " ids",
    "uuid",
    "internal id",
    "xml",
    "html",
    "markdown",
    "token count",
    "technical detail",
    "stack trace",
    "format",
    "placeholder",
    "truncat",
    "pagination",
    "cursor",
    "progress",
    "intermediate result",
    "emoji",
    "tool name",
    "parameter name",
    "duplicate",
    "empty",
    "null",
    "url encoded",
    "timestamp",
    "coordinates",
    "implementation detail",
    "error code",
    "internal name",
    "password to",
    "the password",
    "secret value",
    "api key",
    "credentials",
    "token",
    "pii",
    "personal data",
    "private key",
    "sensitive",
    "until",
    "unless",
    "more than",
    "before ",
    "results as",
    "twice",
    "again",
    "guess",
];

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        if let Some((severity, confidence, message)) = judge(reading, index, sentence) {
            let span = (sentence.start, sentence.end);
            alarms.push(Alarm::new(Rule::Secrecy, severity, confidence, span, message));
        }
    }
}

/// What else in the neighbourhood makes silence suspicious.
const HARM: &[Sense] = &[
    Sense::Secret,
    Sense::Covert,
    Sense::Talk,
    Sense::Authority,
    Sense::Override,
    Sense::Danger,
    Sense::Feign,
    Sense::Money,
    Sense::Regardless,
    Sense::Lie,
    Sense::Steer,
    Sense::Protection,
    Sense::Local,
    Sense::Others,
];

fn judge(reading: &Reading, index: usize, sentence: &Sentence) -> Option<(Severity, Confidence, &'static str)> {
    let senses = sentence.senses;
    let words = reading.words(sentence);
    let around = reading.around(index, 3, 2);
    let harm = around.any(HARM)
        || reading.sentences[index.saturating_sub(3)..=index].iter().any(|near| near.address.is_some());
    let grave = around.any(&HARM[..8]) || harm && sentence.address.is_some();
    let form = FORM.iter().any(|form| words.contains(form));
    const TOLD: &str = "it tells the model not to let the user know";
    // The user must not know, hear, see.
    if senses.has(Sense::User)
        && senses.has(Sense::Know)
        && let Some((not, know)) = reading.near(sentence, Sense::Not, Sense::Know, 30)
        && (not.language != "en" || unaware(reading, not.end, know.start))
        && !(not.language == "en" && describes(words))
    {
        // `so that the guest will not see it` says what happens; it orders nothing.
        let told = not.language == "en"
            && !harm
            && !reading.orders(sentence)
            && !["must", "should", "need", "has to", "let ", " not to ", "make sure", "without"]
                .iter()
                .any(|word| words.contains(word));
        let sure = if form || told { Severity::Medium } else { Severity::High };
        return Some((sure, Confidence::Medium, TOLD));
    }
    if senses.has(Sense::Hush) && !descriptive_hush(words) && !quoted_only(reading, sentence) {
        let to = senses.any(&[Sense::User, Sense::This]);
        let guarded =
            senses.any(&[Sense::Credential, Sense::Secret]) && !to && !senses.any(&[Sense::Acquire, Sense::Transfer]);
        let severity = match (to, form, harm || reading.orders(sentence)) {
            _ if guarded => Severity::Low,
            (true, false, true) => Severity::High,
            // Whom it is kept from is not said, and nothing in the neighbourhood does harm.
            (false, false, true) if !harm && reading.of(sentence, Sense::Hush).all(|hit| hit.language == "en") => {
                Severity::Medium
            }
            (_, _, true) if !form => Severity::High,
            (true, ..) => Severity::Medium,
            _ => Severity::Low,
        };
        return Some((severity, Confidence::High, "it asks the model for silence"));
    }
    if let Some(told) = untold(reading, sentence)
        && !quoted_only(reading, sentence)
    {
        let user = senses.has(Sense::User);
        let this = senses.has(Sense::This);
        let show = told == Sense::Show;
        // `Tell nobody your password`, `do not give the answer away`: advice to everybody, not against the user.
        let nobody = user && !this && !harm && reading.of(sentence, Sense::User).all(|hit| anybody(reading, hit));
        let guarded = nobody || senses.any(&[Sense::Credential, Sense::Secret]) && !this && (show || !user);
        let severity = match (user, this) {
            _ if guarded => Severity::Low,
            _ if form && !harm => Severity::Low,
            _ if form => Severity::Medium,
            (true, true) => Severity::High,
            (true, false) if !show || grave => Severity::High,
            (false, true) if harm || !show => Severity::High,
            (false, false) if show => Severity::Low,
            _ if grave => Severity::High,
            _ => Severity::Low,
        };
        return Some((severity, Confidence::High, TOLD));
    }
    // Secretly doing something with data.
    let acts = senses.any(&[Sense::Acquire, Sense::Transfer, Sense::Modify, Sense::Run, Sense::Disable]);
    if senses.has(Sense::Covert)
        && acts
        && reading.affirmed(sentence, Sense::Covert).is_some()
        && !defends(reading, sentence)
    {
        // The first sentence says what a tool is about, such as a novel; what it does to the user comes after that.
        let told = sentence.first
            && !reading.orders(sentence)
            && sentence.address.is_none()
            && !senses.any(&[Sense::Trigger, Sense::User, Sense::Slot, Sense::Secret, Sense::Talk]);
        let severity = if told { Severity::Medium } else { Severity::High };
        return Some((severity, Confidence::Medium, "it asks for something to be done behind the user's back"));
    }
    if senses.has(Sense::Conceal)
        && senses.any(&[Sense::User, Sense::This])
        && reading.near(sentence, Sense::Conceal, Sense::User, 60).is_some_and(|(hide, _)| {
            !reading.denied(sentence, &hide)
                && if hide.language == "en" { words.contains("from") } else { reading.orders(sentence) || harm }
        })
    {
        return Some((Severity::High, Confidence::Medium, "it asks the model to hide something from the user"));
    }
    if senses.has(Sense::Quiet) && acts && reading.orders(sentence) && quiet_act(reading, sentence) {
        let severity = if harm
            || sentence.address.is_some()
            || senses.any(&[Sense::Credential, Sense::Data]) && senses.has(Sense::Transfer)
        {
            Severity::High
        } else {
            Severity::Medium
        };
        return Some((severity, Confidence::Medium, "it asks for something to be done silently"));
    }
    if senses.has(Sense::Unasked)
        && !asks_for_something(words)
        && (reading.orders(sentence) || sentence.imperative)
        && !negated_unasked(words)
    {
        let grave = harm || sentence.address.is_some() || senses.any(&[Sense::Danger, Sense::Protection]);
        let severity = if grave { Severity::High } else { Severity::Low };
        return Some((severity, Confidence::Medium, "it tells the model not to ask the user"));
    }
    if senses.has(Sense::Feign) && reading.orders(sentence) && (harm || around.has(Sense::Hush)) {
        return Some((Severity::Medium, Confidence::Medium, "it tells the model to pretend"));
    }
    None
}

/// `user ... not ... know` is an order about the user when the words between are few.
fn unaware(reading: &Reading, from: usize, to: usize) -> bool {
    reading.text().get(from..to).is_some_and(|between| between.split(' ').filter(|word| !word.is_empty()).count() <= 4)
        || reading.text().get(to..from).is_some()
}

/// Words for anybody at all.
fn anybody(reading: &Reading, hit: &super::sense::Hit) -> bool {
    let said = &reading.text()[hit.start..hit.end];
    [
        "anyone",
        "anybody",
        "someone",
        "somebody",
        "niemand",
        "quiconque",
        "a personne",
        "a nadie",
        "a ninguem",
        "a nessuno",
        "nikomu",
        "никому",
        "нікому",
        "kimseye",
        "任何人",
        "誰にも",
        "아무에게도",
        "أحد",
        "किसी को",
        "siapa pun",
        "siapapun",
        "bat ky ai",
        "people",
    ]
    .iter()
    .any(|word| said.contains(word))
}

/// `users who do not know their id`: about the user, not against them.
fn describes(words: &str) -> bool {
    [
        "if the user",
        "if they",
        "when the user",
        "user does not know",
        "user doesn't know",
        "users who",
        "user may not know",
        "user might not know",
        "unless",
        "you do not know",
        "you don't know",
        "cannot see the",
        "can't see the",
        "could not see",
        "does not see",
        "doesn't see",
        "don't see",
        "do not see",
    ]
    .iter()
    .any(|start| words.contains(start))
        && ![
            "user must not",
            "should not",
            "does not need to know",
            "need not know",
            "never know",
            "needn't",
            "without",
        ]
        .iter()
        .any(|start| words.contains(start))
}

/// Whether the words of hiding stand in quotes or in a sample: somebody else's words, in a sentence that orders nothing.
fn quoted_only(reading: &Reading, sentence: &Sentence) -> bool {
    [Sense::Hush, Sense::Tell].iter().any(|sense| reading.of(sentence, *sense).next().is_some())
        && [Sense::Hush, Sense::Tell]
            .iter()
            .flat_map(|sense| reading.of(sentence, *sense))
            .all(|hit| reading.sampled(sentence, hit))
}

/// Phrases of hiding that describe an interface.
fn descriptive_hush(words: &str) -> bool {
    [
        "hidden from the user interface",
        "transparent to the user",
        "between us and",
        "between us-",
        "server never sees",
        "tool never sees",
        "service never sees",
        "model never sees",
        "assistant never sees",
        "agent never sees",
        "we never see",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
        || (words.contains("user cannot see")
            || words.contains("user can't see")
            || words.contains("hidden from the user"))
            && !words.contains("must")
            && !words.contains("keep")
        || [
            "user should not have to",
            "user should not be asked",
            "user must not be empty",
            "user never ",
            "user must not have",
        ]
        .iter()
        .any(|phrase| words.contains(phrase))
            && !words.contains("know")
            && !words.contains("see ")
            && !words.contains("told")
            && !words.contains("learn")
            && !words.contains("aware")
}

/// The verb of telling that the sentence forbids.
fn untold(reading: &Reading, sentence: &Sentence) -> Option<Sense> {
    let text = reading.text();
    for told in [Sense::Tell, Sense::Show] {
        for not in reading.of(sentence, Sense::Not) {
            for tell in reading.of(sentence, told).filter(|tell| tell.language == not.language) {
                if not.language == "en" {
                    if tell.start < not.end || tell.start - not.end > if told == Sense::Show { 24 } else { 48 } {
                        continue;
                    }
                    let between = &text[not.end..tell.start];
                    let commas = between.matches(',').count();
                    let turned = [
                        " and ", " but ", " until ", " before ", " unless ", " just ", " only ", " simply ", ";", ":",
                        " - ", "without", " then ", " use ", " call", "forget", "hesitate", "fail", " if ", " when ",
                    ]
                    .iter()
                    .any(|word| between.contains(word));
                    let asks = matches!(
                        &text[tell.start..tell.end],
                        "ask"
                            | "asking"
                            | "state"
                            | "note"
                            | "document"
                            | "summarize"
                            | "summarise"
                            | "describe"
                            | "share"
                            | "raise"
                            | "reference"
                            | "advise"
                            | "report"
                            | "confirm with"
                            | "explain"
                            | "log this"
                            | "list this"
                    );
                    let doubled = reading.of(sentence, Sense::Not).any(|other| {
                        other.end <= not.start
                            && not.start - other.end < 60
                            && other.end + 1 < not.start
                            && !text[other.end..not.start].contains([',', ';'])
                            && (text[not.start..not.end] == *"without")
                            && !text[other.end..not.start].contains(" or ")
                    });
                    if turned || doubled || commas % 2 == 1 && !between.contains("or ") {
                        continue;
                    }
                    if asks
                        && !(sentence.senses.any(&[Sense::This])
                            || sentence.senses.has(Sense::User)
                                && text[tell.end..sentence.end].trim_start().starts_with("to the user"))
                    {
                        continue;
                    }
                    return Some(told);
                }
                let apart =
                    if tell.start >= not.end { tell.start - not.end } else { not.start.saturating_sub(tell.end) };
                // Where a language says `not` before the verb, `tell the user and do not …` is no silence.
                let behind = matches!(
                    not.language,
                    "de" | "nl"
                        | "sv"
                        | "da"
                        | "no"
                        | "fi"
                        | "ja"
                        | "ko"
                        | "tr"
                        | "fa"
                        | "hu"
                        | "hi"
                        | "bn"
                        | "ur"
                        | "ta"
                        | "af"
                        | "zh"
                );
                let turned = text.get(not.end..tell.start).is_some_and(|between| {
                    [" y ", " e ", " et ", " i ", " и ", " та ", ",", ";", " dan ", " va "]
                        .iter()
                        .any(|and| between.contains(and))
                });
                if !behind && (tell.start < not.end || turned) {
                    continue;
                }
                if apart <= 45 && (sentence.senses.any(&[Sense::User, Sense::This])) {
                    return Some(told);
                }
            }
        }
    }
    None
}

/// Silence stands right before what is to be done: `silently append`.
fn quiet_act(reading: &Reading, sentence: &Sentence) -> bool {
    [Sense::Acquire, Sense::Transfer, Sense::Modify, Sense::Run].iter().any(|act| {
        reading.near(sentence, Sense::Quiet, *act, 3).is_some_and(|(quiet, act)| {
            let technical = matches!(
                &reading.text()[quiet.start..quiet.end],
                "automatically" | "internally" | "seamlessly" | "transparently"
            );
            !technical && !reading.denied(sentence, &quiet) && !reading.denied(sentence, &act)
        })
    })
}

/// `never ask the user for a password`: not about consent.
fn asks_for_something(words: &str) -> bool {
    ["never ask", "do not ask", "don't ask", "do not prompt"].iter().any(|phrase| {
        words.find(phrase).is_some_and(|at| {
            let tail = &words[at..];
            tail.find(" for ").is_some_and(|place| {
                place < 40
                    && !["confirm", "permission", "approval", "consent", "authori"]
                        .iter()
                        .any(|word| tail.contains(word))
            })
        })
    })
}

fn negated_unasked(words: &str) -> bool {
    ["never ", "do not run", "do not delete", "do not execute", "not without", "don't call", "do not call", "must not"]
        .iter()
        .any(|start| words.contains(start))
        && !["never ask", "do not ask", "don't ask"].iter().any(|phrase| words.contains(phrase))
}

fn defends(reading: &Reading, sentence: &Sentence) -> bool {
    sentence.senses.has(Sense::Defence) && !reading.orders(sentence)
}
