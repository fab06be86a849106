//! Parameter smuggling: a parameter asks for what the tool does not need, so that the model fills it in.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::{self, Context},
    normal::Normal,
    reading::Reading,
    secrets,
    sense::Sense,
};

/// Tools that need a conversation or instructions by their name.
const MODELS: &[&str] = &[
    "chat",
    "conversation",
    "llm",
    "prompt",
    "agent",
    "complet",
    "summar",
    "memory",
    "message",
    "think",
    "reason",
    "model",
    "generate",
    "transcript",
    "assistant",
    "session",
    "sampling",
    "ask",
    "research",
];

/// Parameter names that carry what the model knows, as words.
const FULL: &[&str] = &[
    "system prompt",
    "system message",
    "conversation history",
    "chat history",
    "message history",
    "full conversation",
    "entire conversation",
    "conversation so far",
    "previous messages",
    "all messages",
    "chain of thought",
    "internal reasoning",
    "tools list",
    "available tools",
    "all tools",
    "tool list",
    "model instructions",
    "system instructions",
    "developer message",
    "context dump",
    "full context",
    "environment variables",
    "env vars",
    "process env",
    "full env",
    "conversacion completa",
    "conversa completa",
    "conversation complete",
    "conversazione completa",
    "gesprachsverlauf",
    "ganzes gesprach",
    "historial completo",
    "historico completo",
    "historique complet",
    "cronologia completa",
    "pelna rozmowa",
    "volledig gesprek",
    "prompt del sistema",
    "prompt systeme",
    "prompt do sistema",
];

/// Judges a name of a parameter or tool.
pub(super) fn name(reading: &Reading, role: Role, context: &Context) -> Vec<Alarm> {
    let plain = reading.text();
    if plain.len() > 400 {
        return Vec::new();
    }
    let words = context::spaced(plain);
    let whole = (0, plain.len());
    let spoken = Reading::new(Normal::new(&words), false);
    let senses = spoken.everything();
    let long = words.split(' ').filter(|word| !word.is_empty()).count() >= 4;
    let mut alarms = Vec::new();
    let acts = senses.any(&[Sense::Acquire, Sense::Transfer, Sense::Data, Sense::Run]);
    let key_file = senses.has(Sense::Secret)
        || [
            "id rsa",
            "id ed25519",
            "ssh key",
            "private key",
            "etc passwd",
            "mcp json",
            "aws credentials",
            "dot env",
            "env file",
        ]
        .iter()
        .any(|word| words.contains(word));
    if role == Role::Parameter
        && key_file
        && long
        && acts
        && ["content", "read", "from", "text", "dump", "file contents"].iter().any(|word| words.contains(word))
    {
        alarms.push(Alarm::new(
            Rule::ParameterSmuggling,
            Severity::High,
            Confidence::Medium,
            whole,
            "its name asks for the contents of a place of secrets",
        ));
    } else if role == Role::Parameter && FULL.iter().any(|name| words.contains(name)) {
        let severity = if context.is_about(MODELS) { Severity::Low } else { Severity::Medium };
        let severity = if severity == Severity::Medium
            && ["full ", "entire", "verbatim", "complet", "whole"].iter().any(|word| words.contains(word))
        {
            Severity::High
        } else {
            severity
        };
        alarms.push(Alarm::new(
            Rule::ParameterSmuggling,
            severity,
            Confidence::Low,
            whole,
            "its name asks for what the model knows",
        ));
    }
    if words.split(' ').count() >= 5
        && (senses.all(&[Sense::Override, Sense::Rules])
            || senses.all(&[Sense::Not, Sense::Tell, Sense::User])
            || senses.has(Sense::Secret) && senses.all(&[Sense::Acquire, Sense::Transfer])
            || senses.any(&[Sense::Priority, Sense::Others]) && senses.has(Sense::Order)
            || senses.has(Sense::Talk) && senses.has(Sense::Transfer) && senses.has(Sense::Order)
            || senses.has(Sense::Hush))
    {
        alarms.push(Alarm::new(
            Rule::HiddenInstruction,
            Severity::High,
            Confidence::Medium,
            whole,
            "a name gives orders to the model",
        ));
    }
    alarms
}

/// Judges descriptions of parameters.
pub(super) fn check(reading: &Reading, role: Role, context: &Context, alarms: &mut Vec<Alarm>) {
    if !matches!(role, Role::Description | Role::Title | Role::Other | Role::Example | Role::Default) {
        return;
    }
    for sentence in &reading.sentences {
        let senses = sentence.senses;
        let words = reading.words(sentence);
        let Some(talk) = reading.affirmed(sentence, Sense::Talk) else { continue };
        let named = &reading.text()[talk.start..talk.end];
        let whole = senses.has(Sense::Every)
            || ["verbatim", "so far", "history", "word for word", "system prompt", "chain of thought"]
                .iter()
                .any(|word| words.contains(word));
        if context.reports_on_attacks(reading, sentence)
            || !whole
            || senses.has(Sense::Defence) && !reading.orders(sentence)
        {
            continue;
        }
        let deep = ["system", "chain", "developer", "reasoning", "verbatim", "word for word", "entire", "everything"]
            .iter()
            .any(|word| words.contains(word))
            || talk.language != "en";
        let fits = context.is_about(MODELS) || !context.strange(Sense::Talk);
        let addressed = !(sentence.first
            && role == Role::Description
            && sentence.imperative
            && !senses.any(&[Sense::Order, Sense::Model]));
        // `New system prompt`: the parameter is one; nothing says that it is the model's own.
        let bare = words.split(' ').count() <= 4
            && !senses.any(&[Sense::Model, Sense::Every, Sense::Acquire, Sense::Trigger, Sense::User])
            && !words.contains("verbatim");
        let severity = match (fits, deep && addressed && !bare, named.contains("system")) {
            (false, true, _) => Severity::High,
            (false, false, _) => Severity::Medium,
            (true, true, true) => Severity::Medium,
            _ => continue,
        };
        alarms.push(Alarm::new(
            Rule::ParameterSmuggling,
            severity,
            Confidence::Medium,
            (sentence.start, sentence.end),
            "it asks the model for what it was told",
        ));
    }
    // A tool that has nothing to do with accounts wants the person's password.
    for sentence in &reading.sentences {
        let senses = sentence.senses;
        let words = reading.words(sentence);
        let Some(held) =
            reading.affirmed(sentence, Sense::Credential).or_else(|| reading.affirmed(sentence, Sense::Secret))
        else {
            continue;
        };
        let bare = &reading.text()[held.start..held.end];
        let grave = [
            "password",
            "phrase",
            "pin code",
            "card",
            "cvv",
            "ssn",
            "social security",
            "one-time",
            "one time",
            "otp",
            "2fa",
            "mfa",
            "cookie",
            "passport",
            "bank",
        ]
        .iter()
        .any(|word| bare.contains(word))
            || held.language != "en" && held.language != "*";
        let whose = senses.has(Sense::User)
            || [
                "wallet",
                "bank",
                "mailbox",
                "e-mail",
                "email account",
                "operating system",
                "computer",
                "github",
                "google",
            ]
            .iter()
            .any(|word| words.contains(word));
        let unfit =
            context.strange(Sense::Credential) && context.strange(Sense::Secret) && !context.is_about(secrets::TOPICS);
        let wanted = context.parameter
            || (senses.has(Sense::Steer)
                || [Sense::Acquire, Sense::Transfer].iter().any(|act| reading.affirmed(sentence, *act).is_some()))
                && reading.orders(sentence)
                && !sentence.first
                && (senses.any(&[Sense::Slot, Sense::Every])
                    || super::exfiltration::names_parameter(words, context).is_some());
        if grave
            && whose
            && unfit
            && wanted
            && !reading.protects(sentence)
            && !senses.has(Sense::Defence)
            && !secrets::configures(words)
            && (!sentence.first || role == Role::Description && reading.sentences.len() <= 3)
            && context.parameters.len() < 12
            && !(sentence.first && sentence.imperative)
        {
            let severity = if asks_parameter(context)
                || senses.any(&[Sense::Acquire, Sense::Unasked, Sense::Hush, Sense::Steer])
            {
                Severity::High
            } else {
                Severity::Medium
            };
            alarms.push(Alarm::new(
                Rule::CredentialRequest,
                severity,
                Confidence::Medium,
                (sentence.start, sentence.end),
                "it asks for a password that the tool has no use for",
            ));
        }
    }
}

/// Whether one of few parameters carries a credential while none says where to log in.
fn asks_parameter(context: &Context) -> bool {
    let has =
        |names: &[&str]| context.parameters.iter().any(|parameter| names.iter().any(|name| parameter.contains(name)));
    !has(&["user", "host", "login_name", "server", "account", "url", "dsn", "connection", "email", "mail"])
}

/// Judges a URI template: places for what the model knows.
pub(super) fn template(reading: &Reading, role: Role) -> Option<Alarm> {
    if role != Role::Uri || reading.text().len() > 2_000 {
        return None;
    }
    let places = context::spaced(
        &reading.text().split('{').skip(1).filter_map(|part| part.split('}').next()).collect::<Vec<_>>().join(" "),
    );
    let asks = FULL.iter().any(|name| places.contains(name))
        || reading.text().contains("http")
            && ["api key", "password", "credentials", "conversation"].iter().any(|name| places.contains(name));
    asks.then(|| {
        Alarm::new(
            Rule::ParameterSmuggling,
            Severity::High,
            Confidence::Medium,
            (0, reading.text().len()),
            "its address has places for what the model knows",
        )
    })
}
