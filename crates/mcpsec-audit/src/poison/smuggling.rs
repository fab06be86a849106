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
const MODELS: &[&str] = &["chat", "conversation", "llm", "prompt", "agent", "complet", "summar", "memory", "message", "think", "reason", "model", "generate", "transcript", "assistant", "session", "sampling", "ask", "research"];

/// Parameter names that carry what the model knows, as words.
const FULL: &[&str] = &[
    "system prompt", "system message", "conversation history", "chat history", "message history", "full conversation", "entire conversation", "conversation so far", "previous messages", "all messages",
    "chain of thought", "internal reasoning", "tools list", "available tools", "all tools", "tool list", "model instructions", "system instructions", "developer message", "context dump", "full context", "environment variables", "env vars", "process env", "full env",
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
    let key_file = senses.has(Sense::Secret) || ["id rsa", "id ed25519", "ssh key", "private key", "etc passwd", "mcp json", "aws credentials", "dot env", "env file"].iter().any(|word| words.contains(word));
    if role == Role::Parameter && key_file && long && acts && ["content", "read", "from", "text", "dump", "file contents"].iter().any(|word| words.contains(word)) {
        alarms.push(Alarm::new(Rule::ParameterSmuggling, Severity::High, Confidence::Medium, whole, "its name asks for the contents of a place of secrets"));
    } else if role == Role::Parameter && FULL.iter().any(|name| words.contains(name)) {
        let severity = if context.is_about(MODELS) { Severity::Low } else { Severity::Medium };
        alarms.push(Alarm::new(Rule::ParameterSmuggling, severity, Confidence::Low, whole, "its name asks for what the model knows"));
    }
    if words.split(' ').count() >= 5 && (senses.all(&[Sense::Override, Sense::Rules]) || senses.all(&[Sense::Not, Sense::Tell, Sense::User]) || senses.has(Sense::Secret) && senses.all(&[Sense::Acquire, Sense::Transfer])) {
        alarms.push(Alarm::new(Rule::HiddenInstruction, Severity::High, Confidence::Medium, whole, "a name gives orders to the model"));
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
        let whole = senses.has(Sense::Every) || ["verbatim", "so far", "history", "word for word", "system prompt", "chain of thought"].iter().any(|word| words.contains(word));
        if !whole || senses.has(Sense::Defence) && !reading.orders(sentence) {
            continue;
        }
        let deep = named.contains("system") || named.contains("chain") || named.contains("developer") || named.contains("your") || named.contains("reasoning");
        let fits = context.is_about(MODELS);
        let addressed = senses.any(&[Sense::Model, Sense::Order, Sense::Trigger, Sense::Transfer]) && !(sentence.first && sentence.imperative && !senses.any(&[Sense::Order, Sense::Model]));
        let severity = match (fits, deep && addressed, addressed) {
            (false, true, _) => Severity::High,
            (false, false, _) => Severity::Medium,
            (true, true, _) => Severity::Medium,
            _ => continue,
        };
        alarms.push(Alarm::new(Rule::ParameterSmuggling, severity, Confidence::Medium, (sentence.start, sentence.end), "it asks the model for what it was told"));
    }
    let _ = secrets::TOPICS;
}
