//! Tool shadowing: a text changes how tools of other servers are used, or draws their work to itself.
use mcpsec_model::finding::{Confidence, Rule, Severity};

use super::{
    Alarm,
    context::Context,
    reading::{Reading, Sentence},
    sense::Sense,
};

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, context: &Context, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        if let Some((severity, confidence, message)) = judge(reading, index, sentence, context) {
            alarms.push(Alarm::new(Rule::ToolShadowing, severity, confidence, (sentence.start, sentence.end), message));
        }
    }
}

fn judge(
    reading: &Reading,
    index: usize,
    sentence: &Sentence,
    context: &Context,
) -> Option<(Severity, Confidence, &'static str)> {
    let senses = sentence.senses;
    let around = reading.around(index, 1, 2);
    let foreign = foreign(
        reading.words(sentence),
        context,
        senses.any(&[Sense::ToolWord, Sense::Invoked, Sense::Trigger, Sense::Order]),
    );
    let others =
        reading.affirmed(sentence, Sense::Others).is_some() || senses.has(Sense::Others) && senses.has(Sense::Instead);
    if foreign.is_none() && !others {
        return None;
    }
    let hidden = around.any(&[Sense::Hush, Sense::Covert, Sense::Authority, Sense::Override, Sense::Takeover]);
    let ordered = reading.orders(sentence) || senses.has(Sense::Trigger);
    let next = reading.sentences.get(index + 1).filter(|next| next.imperative || next.senses.has(Sense::Order));
    let follows = next.map(|next| next.senses).unwrap_or_default();
    let account = |words: &str| {
        words.split(' ').any(super::deceit::wallet) || words.contains(" account number") && words.contains("00 ")
    };
    let address = sentence.address.is_some()
        || next.is_some_and(|next| next.address.is_some())
        || account(reading.words(sentence))
        || next.is_some_and(|next| account(reading.words(next)));
    let changed = [Sense::Modify, Sense::Transfer].iter().any(|sense| reading.affirmed(sentence, *sense).is_some())
        || follows.any(&[Sense::Modify]);
    let used = senses.any(&[Sense::Trigger]) && senses.any(&[Sense::Invoked, Sense::Order]);
    if ordered && changed && address {
        return Some((Severity::High, Confidence::High, "it changes where another tool sends data"));
    }
    if used
        && changed
        && senses.any(&[
            Sense::Money,
            Sense::Data,
            Sense::Slot,
            Sense::Secret,
            Sense::Credential,
            Sense::Talk,
            Sense::Danger,
        ])
        && senses.any(&[Sense::Order, Sense::Model, Sense::Every])
    {
        let sure = hidden
            || senses.any(&[Sense::Money, Sense::Secret, Sense::Talk, Sense::Danger])
            || senses.has(Sense::Modify) && foreign.is_some();
        let severity = if sure { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it changes how another tool is used"));
    }
    if senses.has(Sense::Instead)
        && (senses.has(Sense::Broken) || around.has(Sense::Broken))
        && (others || foreign.is_some())
    {
        let severity = if others || hidden || senses.has(Sense::Order) && !words_mark_own(reading.words(sentence)) {
            Severity::High
        } else {
            Severity::Medium
        };
        return Some((severity, Confidence::Medium, "it talks the model out of using other tools"));
    }
    if (senses.has(Sense::Instead) || senses.has(Sense::Disable)) && others {
        let grave = hidden
            || around.any(&[Sense::Regardless, Sense::Threat, Sense::Secret])
            || reading.affirmed(sentence, Sense::Every).is_some()
                && senses.all(&[Sense::Order, Sense::Data])
                && senses.has(Sense::Transfer);
        let severity = if grave { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it tells the model not to use other tools"));
    }
    let wide = [
        "tools of other servers",
        "other servers",
        "other mcp servers",
        "every other tool",
        "all other tools",
        "other tools in this session",
        "calls to other",
        "other tools",
    ]
    .iter()
    .any(|word| reading.words(sentence).contains(word))
        || reading.of(sentence, Sense::Others).any(|hit| hit.language != "en");
    if others
        && wide
        && (changed
            || senses.any(&[Sense::Disable, Sense::Acquire, Sense::Conceal])
            || reading.words(sentence).contains("go through")
            || reading.words(sentence).contains("unload"))
        && (hidden
            || senses.any(&[Sense::Protection, Sense::Money, Sense::Credential, Sense::Secret, Sense::Regardless])
            || around.any(&[Sense::Hush, Sense::Money, Sense::Secret, Sense::Regardless, Sense::Lie])
            || reading.words(sentence).contains("go through"))
    {
        return Some((Severity::High, Confidence::Medium, "it changes how other tools are used"));
    }
    if foreign.is_some()
        && senses.any(&[Sense::Trigger, Sense::Model])
        && reading.affirmed(sentence, Sense::Acquire).is_some()
        && reading.affirmed(sentence, Sense::Transfer).is_some()
        && (senses.any(&[Sense::Local, Sense::Credential, Sense::Talk, Sense::Secret]) || hidden)
    {
        return Some((
            Severity::High,
            Confidence::Medium,
            "it makes the model carry data through another server's tool",
        ));
    }
    let own = super::exfiltration::names_parameter(reading.words(sentence), context).is_some();
    if foreign.is_some()
        && own
        && reading.affirmed(sentence, Sense::Acquire).is_some()
        && reading.affirmed(sentence, Sense::Transfer).is_some()
        && senses.any(&[Sense::Model, Sense::Money, Sense::Secret, Sense::Local, Sense::Credential])
        && !sentence.first
    {
        return Some((Severity::High, Confidence::Medium, "it makes the model gather data with another server's tool"));
    }
    if ordered && changed && others && hidden {
        return Some((Severity::High, Confidence::Medium, "it changes how other tools are used"));
    }
    if ordered
        && changed
        && others
        && senses.has(Sense::Order)
        && senses.any(&[Sense::Data, Sense::Slot, Sense::Every])
        && senses.has(Sense::ToolWord)
    {
        return Some((Severity::Medium, Confidence::Low, "it gives orders about other tools"));
    }
    None
}

fn words_mark_own(words: &str) -> bool {
    words.contains("deprecated tool") || words.contains("this tool is deprecated")
}

/// A name in the sentence that is written like a tool's and is not one of this server's.
pub(super) fn foreign<'a>(words: &'a str, context: &Context, spoken_of: bool) -> Option<&'a str> {
    if !spoken_of {
        return None;
    }
    let known = |name: &str| {
        context.own.contains(name)
            || name.starts_with("mcp") && context.own.iter().any(|own| own.len() > 3 && name.ends_with(own.as_str()))
    };
    words.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))).find(|word| {
        let word = word.trim_matches(['.', '-', '/']);
        let parts = word.split('_').filter(|part| !part.is_empty()).count();
        let named = parts >= 2 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !named || known(word) || word.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return false;
        }
        // It must be spoken of as a tool: `the send_email tool`, `when send_email is called`, `call send_email`.
        let at = word.as_ptr().addr() - words.as_ptr().addr();
        let after = words[at + word.len()..].trim_start_matches(['\'', '"', '(', ')', ' ', '`']);
        let before = words[..at].trim_end_matches(['\'', '"', '(', ' ', '`']);
        let follows = [
            "tool",
            "function",
            "is called",
            "is invoked",
            "is used",
            "is available",
            "is about",
            "is present",
            "is triggered",
            "calls",
            "call",
            "from the",
            "must",
            "needs to",
            "will",
            "gets",
            "runs",
            "has to",
            "should",
            "always",
            "wird",
            "est ",
            "se ",
            "e chiamat",
            "工具",
            "时",
            "が",
            "ツール",
            "도구",
            "を",
        ]
        .iter()
        .any(|word| after.starts_with(word));
        let leads = [
            "call",
            "calling",
            "use",
            "using",
            "invoke",
            "invoking",
            "when",
            "whenever",
            "tool",
            "function",
            "via",
            "before",
            "after",
            "through",
            "every",
            "each",
            "of",
            "to",
            "with",
            "any",
            "calls to",
            "called",
            "named",
            "invokes",
            "calls",
            "uses",
            "run",
            "outil",
            "werkzeug",
            "herramienta",
            "ferramenta",
            "strumento",
            "инструмент",
            "调用",
            "使用",
        ]
        .iter()
        .any(|word| before.ends_with(word));
        follows || leads
    })
}
