//! Exfiltration: a text makes the model carry data to an address, a parameter or an answer where it does not belong.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::Context,
    reading::{Reading, Sentence},
    secrets,
    sense::Sense,
};

/// Entries that handle conversations or mail by their name.
const TALKERS: &[&str] = &[
    "chat",
    "conversation",
    "user's data",
    "user's message",
    "user request",
    "message",
    "summar",
    "memory",
    "remember",
    "transcript",
    "prompt",
    "llm",
    "complet",
    "log",
    "history",
    "context",
    "think",
    "agent",
    "feedback",
    "mail",
    "notify",
    "session",
    "note",
    "webhook",
];

/// Words for conversations that say little by themselves.
pub(super) const GENERIC: &[&str] = &[
    "conversation",
    "transcript",
    "dialogue",
    "memories",
    "user's query",
    "user's question",
    "user's request",
    "user query",
    "original query",
    "user's prompt",
    "available tools",
    "current context",
];

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, role: Role, context: &Context, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        if let Some((severity, confidence, message)) =
            [judge(reading, index, sentence, context), stray(reading, index, sentence, role, context)]
                .into_iter()
                .flatten()
                .max_by_key(|verdict| (verdict.0, verdict.1))
        {
            alarms.push(Alarm::new(Rule::Exfiltration, severity, confidence, (sentence.start, sentence.end), message));
        }
    }
}

fn judge(
    reading: &Reading,
    index: usize,
    sentence: &Sentence,
    context: &Context,
) -> Option<(Severity, Confidence, &'static str)> {
    reading.affirmed(sentence, Sense::Transfer)?;
    let senses = sentence.senses;
    let words = reading.words(sentence);
    let before = reading.around(index, 2, 0);
    let around = reading.around(index, 2, 2);
    let hidden =
        around.any(&[Sense::Hush, Sense::Covert, Sense::Authority, Sense::Override, Sense::Feign, Sense::Takeover]);
    let ordered = reading.orders(sentence) || reading.orders_before(index);
    if !ordered {
        return None;
    }
    let parameter = names_parameter(words, context);
    let slot = senses.has(Sense::Slot) || parameter.is_some();
    let secret = reading.affirmed(sentence, Sense::Secret).is_some();
    let earlier = !secret
        && reading.sentences[index.saturating_sub(2)..index]
            .iter()
            .any(|near| reading.affirmed(near, Sense::Secret).is_some() && near.senses.has(Sense::Acquire));
    let carried = secret || earlier && senses.any(&[Sense::Data, Sense::This]) || earlier && refers(words);
    let goes = slot || sentence.address.is_some() || senses.any(&[Sense::Channel, Sense::Reply]);
    let sound = secrets::configures(words) && !before.has(Sense::Hush);
    let fitting =
        context.is_about(secrets::TOPICS) && !hidden && sentence.address.is_none() && !senses.has(Sense::Trigger);
    if carried && goes && !sound && !fitting {
        return Some((Severity::High, Confidence::High, "it makes the model pass secrets on"));
    }
    let talk = reading.affirmed(sentence, Sense::Talk).is_some();
    if talk
        && (slot
            || sentence.address.is_some()
            || senses.any(&[Sense::Channel, Sense::Reply])
            || senses.has(Sense::Every))
    {
        let fits = context.is_about(TALKERS);
        let said = reading
            .affirmed(sentence, Sense::Talk)
            .and_then(|hit| reading.text().get(hit.start..hit.end))
            .unwrap_or_default();
        let whole = senses.any(&[Sense::Every])
            || [
                "system",
                "history",
                "transcript",
                "chain",
                "verlauf",
                "histor",
                "истори",
                "历史",
                "记录",
                "履歴",
                "기록",
                "سجل",
            ]
            .iter()
            .any(|word| words.contains(word));
        let severity = match (fits, hidden || sentence.address.is_some() || senses.has(Sense::Covert), whole) {
            (_, true, _) => Severity::High,
            (false, ..) if parameter.is_some() && !sentence.first && !GENERIC.contains(&said) => Severity::High,
            (false, _, true) if senses.any(&[Sense::Order, Sense::Trigger, Sense::Model]) => Severity::High,
            (false, ..) => Severity::Medium,
            (true, ..) => Severity::Low,
        };
        return Some((severity, Confidence::Medium, "it makes the model pass on the conversation or its instructions"));
    }
    let foreign = super::shadowing::foreign(words, context, true).is_some();
    if talk && foreign && (senses.has(Sense::Order) || sentence.imperative) && !context.is_about(TALKERS) {
        return Some((
            Severity::High,
            Confidence::Medium,
            "it makes the model pass on the conversation or its instructions",
        ));
    }
    let credential = reading.affirmed(sentence, Sense::Credential).is_some();
    if credential && (slot || sentence.address.is_some() || senses.any(&[Sense::Channel, Sense::Reply])) {
        let fits = parameter.is_some_and(|name| CARRIERS.iter().any(|word| name.contains(word)))
            || context.is_about(secrets::TOPICS)
            || secrets::configures(words);
        let found =
            senses.has(Sense::Acquire) || words.contains("any ") || words.contains("found") || senses.has(Sense::Every);
        let severity = match (
            fits && !hidden,
            hidden || sentence.address.is_some() || found && senses.any(&[Sense::Trigger, Sense::Model]),
        ) {
            (true, _) => return None,
            (false, true) => Severity::High,
            _ => Severity::Medium,
        };
        return Some((severity, Confidence::Medium, "it makes the model pass on passwords or keys"));
    }
    let data = senses.any(&[Sense::Data, Sense::Reply, Sense::Talk, Sense::Money]) || senses.has(Sense::Every);
    if let Some((start, end)) = sentence.address
        && data
    {
        let address = &reading.text()[start..end];
        let own = words.contains("documentation")
            || words.contains("docs")
            || words.contains("see http")
            || words.contains("e.g.")
            || words.contains("example")
            || words.contains("contact ")
            || words.contains("support");
        let always = senses.any(&[Sense::Trigger, Sense::Every, Sense::Covert, Sense::Quiet])
            && senses.any(&[Sense::Data, Sense::Talk, Sense::Money, Sense::Reply])
            && (senses.has(Sense::Order) || sentence.imperative);
        let severity = match (own && !hidden, hidden || always, address.contains('@') || address.starts_with('+')) {
            (true, ..) => return None,
            (_, true, _) => Severity::High,
            (_, _, true) => Severity::High,
            _ => Severity::Medium,
        };
        return Some((severity, Confidence::Medium, "it makes the model send data to an address"));
    }
    let other = reading.affirmed(sentence, Sense::Channel).is_some();
    if other && senses.has(Sense::Data) && hidden && senses.any(&[Sense::Trigger, Sense::Every]) {
        return Some((
            Severity::High,
            Confidence::Low,
            "it makes the model send data elsewhere, beside words that hide something",
        ));
    }
    None
}

/// What has nothing to do with the tool goes somewhere: the machine's own data, the conversation, an address.
fn stray(
    reading: &Reading,
    index: usize,
    sentence: &Sentence,
    role: Role,
    context: &Context,
) -> Option<(Severity, Confidence, &'static str)> {
    let senses = sentence.senses;
    let words = reading.words(sentence);
    if secrets::configures(words) && sentence.address.is_none()
        || senses.has(Sense::Defence) && !reading.orders(sentence)
    {
        return None;
    }
    let around = reading.around(index, 1, 1);
    let hidden = around.any(&[Sense::Hush, Sense::Covert, Sense::Override, Sense::Feign, Sense::Lie]);
    if reading.protects(sentence) && (!hidden || reading.words(sentence).contains("not available")) {
        return None;
    }
    let parameter = names_parameter(words, context);
    let slot = parameter.is_some() || senses.has(Sense::Slot);
    let sent = reading.affirmed(sentence, Sense::Transfer).is_some();
    let placeholder = sentence.address.is_some_and(|(start, end)| {
        let tail = &reading.text()[start..reading.text().floor_char_boundary((end + 80).min(reading.text().len()))];
        address_ends_open(reading.text(), start, end)
            || tail.contains("=<")
            || tail.contains("={")
            || tail.contains("=[")
            || tail.contains("=$")
            || tail.contains("?c=")
            || tail.contains("?d=")
            || tail.contains("?data")
            || tail.contains("?q={")
    });
    if placeholder
        && !matches!(role, Role::Example | Role::Default)
        && (around.any(&[Sense::Talk, Sense::Local, Sense::Secret])
            || reading.orders(sentence) && !sentence.first && senses.any(&[Sense::Model, Sense::Every, Sense::Data]))
    {
        return Some((Severity::High, Confidence::Medium, "it has an address with a place for data"));
    }
    // `~/.pgpass` is a dot file of the person's: no loot by itself where a tool logs in.
    let personal = context.strange(Sense::Local)
        && reading.affirmed(sentence, Sense::Local).is_some_and(|hit| {
            !context.is_about(secrets::TOPICS)
                || !reading.of(sentence, Sense::Secret).any(|kept| kept.start < hit.end && hit.start < kept.end)
        });
    let talk =
        reading.affirmed(sentence, Sense::Talk).is_some() && context.strange(Sense::Talk) && !context.is_about(TALKERS);
    let credential = reading.affirmed(sentence, Sense::Credential).is_some()
        && context.strange(Sense::Credential)
        && !context.is_about(secrets::TOPICS);
    if personal
        && (slot || sentence.address.is_some() || hidden)
        && (sent || senses.any(&[Sense::Acquire, Sense::Run, Sense::Data]))
    {
        let ordered = reading.orders(sentence) || senses.has(Sense::Trigger) || context.parameter;
        let addressed = ordered && (sentence.address.is_some() || parameter.is_some() || slot && sent)
            || slot && reading.foreign(sentence)
            || slot && senses.any(&[Sense::Acquire, Sense::Run]) && senses.any(&[Sense::Transfer, Sense::Every]);
        let severity = if addressed && !sentence.first || hidden { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it carries away what is on the machine"));
    }
    let count = usize::from(personal) + usize::from(talk) + usize::from(credential);
    let kept = reading.affirmed(sentence, Sense::Secret).is_some() && !hidden && !senses.has(Sense::Trigger);
    if count >= 2 && (sent || slot || senses.has(Sense::Acquire)) && !sentence.first && (!kept || slot) {
        return Some((Severity::High, Confidence::Medium, "it gathers what has nothing to do with the tool"));
    }
    if credential
        && reading.orders(sentence)
        && (sent || slot || reading.affirmed(sentence, Sense::Acquire).is_some())
        && !sentence.first
        && (senses.any(&[Sense::Every, Sense::Trigger]) || hidden)
        && senses.any(&[Sense::Acquire, Sense::Data, Sense::Every, Sense::Transfer])
        && (words.contains("any ") || words.contains("every ") || words.contains("all ") || hidden)
    {
        return Some((Severity::High, Confidence::Medium, "it makes the model pass on passwords or keys"));
    }
    if credential
        && slot
        && !sentence.first
        && (hidden || words.contains("value of") || words.contains("contents of"))
        && !senses.has(Sense::Defence)
    {
        return Some((Severity::High, Confidence::Medium, "it makes the model pass on passwords or keys"));
    }
    if reading.affirmed(sentence, Sense::Credential).is_some()
        && sent
        && sentence.address.is_some()
        && senses.has(Sense::Every)
        && !sentence.first
    {
        return Some((Severity::High, Confidence::Medium, "it sends passwords or keys to an address"));
    }
    if talk
        && (sent || slot)
        && !sentence.first
        && (slot || hidden || sentence.address.is_some())
        && (reading.orders(sentence) || senses.has(Sense::Every))
    {
        return Some((
            Severity::High,
            Confidence::Medium,
            "it makes the model pass on the conversation or its instructions",
        ));
    }
    // What other tools returned goes into a parameter of this one, whatever it is called.
    if parameter.is_some()
        && reading.affirmed(sentence, Sense::Talk).is_some()
        && senses.any(&[Sense::Others])
        && (sent || senses.has(Sense::Every))
        && !senses.has(Sense::Defence)
    {
        return Some((Severity::High, Confidence::Medium, "it makes the model pass on what other tools returned"));
    }
    // `Ask for the code and pass it as year`: a secret in a parameter that is for something else.
    if let Some(name) = parameter
        && credential
        && sent
        && !sentence.first
        && reading.orders(sentence)
        && senses.any(&[Sense::Ask, Sense::Acquire, Sense::Steer, Sense::User])
        && !CARRIERS.iter().chain(&["code", "otp", "pin", "card", "secret", "phrase"]).any(|word| name.contains(word))
        && !senses.has(Sense::Defence)
    {
        return Some((Severity::High, Confidence::Medium, "it makes the model pass on passwords or keys"));
    }
    let (start, end) = sentence.address?;
    let address = reading.text().get(start..end)?;
    let person = address.contains('@') || address.starts_with('+');
    if matches!(role, Role::Default) && person && context.strange(Sense::Defence) && !address.contains("example.") {
        return Some((Severity::Medium, Confidence::Low, "a default value is somebody's address"));
    }
    let documents = [
        "docs",
        "documentation",
        "see ",
        "e.g.",
        "example",
        "contact",
        "support",
        "more info",
        "learn more",
        "refer to",
        "visit",
        "format",
        "such as",
        "i.e.",
    ]
    .iter()
    .any(|word| words.contains(word));
    if !matches!(role, Role::Example | Role::Default | Role::Enum)
        && !sentence.first
        && (sent || senses.has(Sense::Modify))
        && !documents
    {
        let person =
            person && !context.is_about(&["contact", "support", "imprint", "donat", "sponsor", "phone", "about"]);
        let severity = if person
            || hidden
            || reading.orders(sentence) && senses.any(&[Sense::Data, Sense::Every, Sense::Talk, Sense::Credential])
        {
            Severity::High
        } else {
            Severity::Medium
        };
        return Some((severity, Confidence::Medium, "it makes the model send data to an address"));
    }
    None
}

/// An address that ends where something is to be put: `https://…/i.gif?t=`.
fn address_ends_open(text: &str, start: usize, end: usize) -> bool {
    text.get(start..end).is_some_and(|address| address.contains('?') && address.ends_with('='))
}

/// Parameters that carry credentials by their name.
const CARRIERS: &[&str] = &[
    "key",
    "token",
    "pass",
    "secret",
    "auth",
    "credential",
    "cookie",
    "session",
    "user",
    "login",
    "cert",
    "header",
    "config",
    "env",
];

/// The parameter of the entry that a sentence names as such: in quotes, or beside a word for parameter.
pub(super) fn names_parameter<'a>(words: &str, context: &'a Context) -> Option<&'a str> {
    context.parameters.iter().map(String::as_str).find(|name| {
        words.match_indices(*name).any(|(at, _)| {
            let before = words[..at].chars().next_back();
            let after = words[at + name.len()..].chars().next();
            let alone = !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                && !after.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let quoted = before.is_some_and(|c| matches!(c, '\'' | '"' | '「' | '『'));
            let marked = words[..at].trim_end().ends_with('=')
                || [
                    "as ", "in ", "the ", "into ", "via ", "through ", "to ", "als ", "en ", "dans ", "como ", "em ",
                    "come ", "w ", "в ", "no ", "ke ", "vao ",
                ]
                .iter()
                .any(|lead| words[..at].ends_with(lead));
            alone
                && (quoted
                    || !words.is_ascii() && name.len() >= 3
                    || name.contains('_')
                    || marked
                    || super::sense::is_glued(before.unwrap_or(' '))
                    || super::sense::is_glued(after.unwrap_or(' ')))
        })
    })
}

/// `send it`, `pass them on`.
fn refers(words: &str) -> bool {
    [" it ", " it.", " them ", " its ", " their ", " this ", " that ", " those ", "result", " what you"]
        .iter()
        .any(|word| words.contains(word))
        || !words.is_ascii()
}
