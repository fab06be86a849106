//! Contradictory hints: a tool's annotations say the opposite of its name.
use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    manifest::Entry,
};
use serde_json::Value;

use super::context;

/// Verbs that change or remove something.
const WRITES: &[&str] = &[
    "delete",
    "remove",
    "drop",
    "destroy",
    "purge",
    "wipe",
    "erase",
    "truncate",
    "write",
    "create",
    "update",
    "insert",
    "send",
    "post",
    "upload",
    "execute",
    "exec",
    "kill",
    "transfer",
    "pay",
    "move",
    "rename",
    "overwrite",
    "install",
    "uninstall",
    "revoke",
    "grant",
    "merge",
    "push",
    "publish",
    "deploy",
    "edit",
    "modify",
    "append",
    "reset",
    "terminate",
    "shutdown",
    "ban",
    "cancel",
];
/// Those that cannot be undone.
const DESTROYS: &[&str] = &[
    "delete",
    "remove",
    "drop",
    "destroy",
    "purge",
    "wipe",
    "erase",
    "truncate",
    "overwrite",
    "terminate",
    "uninstall",
];

/// Judges the annotations of one tool.
pub(super) fn check(tool: &Entry) -> Option<Finding> {
    named(tool).or_else(|| described(tool))
}

/// The description says that it destroys something, and the hints say that it only reads.
fn described(tool: &Entry) -> Option<Finding> {
    let hint = tool.get("annotations")?.get("readOnlyHint")?.as_bool()?;
    let text = super::fold::folded(tool.get("description")?.as_str()?);
    let destroys = [
        "erases",
        "deletes",
        "wipes",
        "purges",
        "destroys",
        "overwrites",
        "permanently removes",
        "drops the",
        "transfers money",
        "sends an email",
        "sends the",
        "makes a payment",
        "places an order",
        "executes arbitrary",
        "truncates the",
        "pays ",
        "ends all",
        "resets the",
        "clears the",
        "cancels ",
        "revokes ",
        "buys ",
        "sells ",
        "terminates ",
        "apaga ",
        "loscht ",
        "supprime ",
        "borra ",
        "elimina ",
        "usuwa ",
        "удаляет",
        "видаляє",
        "siler",
        "删除",
        "刪除",
        "削除",
        "삭제",
        "يحذف",
        "menghapus",
        "verwijdert",
    ];
    let verb = destroys.iter().find(|verb| {
        text.match_indices(**verb).any(|(at, _)| {
            let before = &text[..at];
            before.is_empty()
                || !verb.is_ascii()
                || [
                    ", ",
                    "and ",
                    ". ",
                    "it ",
                    "also ",
                    "then ",
                    "irrevocably ",
                    "permanently ",
                    "tool ",
                    "silently ",
                    "; ",
                    "depois, ",
                    " e ",
                    " und ",
                    " et ",
                    " y ",
                    " i ",
                ]
                .iter()
                .any(|lead| before.ends_with(lead))
        })
    })?;
    let grave = [
        "irrevocabl",
        "permanent",
        "all ",
        "every",
        "irreversib",
        "money",
        "payment",
        "pays ",
        "buys ",
        "sells ",
        "para sempre",
        "endgultig",
        "definitiv",
        "siempre",
        "sempre",
        "навсегда",
        "彻底",
        "永久",
        "영구",
        "second factor",
    ]
    .iter()
    .any(|word| text.contains(word));
    let severity = if grave { Severity::High } else { Severity::Medium };
    let subject = tool.subject().at("annotations").at("readOnlyHint");
    let message = "it says it only reads, and its description says it changes something";
    hint.then(|| {
        Finding::new(Rule::ContradictoryHints, subject, message)
            .severe(severity)
            .confidence(Confidence::Medium)
            .evidence(*verb)
    })
}

fn named(tool: &Entry) -> Option<Finding> {
    let hint = |name: &str| tool.get("annotations").and_then(|hints| hints.get(name)).and_then(Value::as_bool);
    let words = context::spaced(tool.name());
    let verb = words.split(' ').find(|word| !word.is_empty()).unwrap_or_default();
    let (which, member) = if hint("readOnlyHint") == Some(true) && WRITES.contains(&verb) {
        ("it says it only reads, and its name says it writes", "readOnlyHint")
    } else if hint("destructiveHint") == Some(false) && hint("readOnlyHint") != Some(true) && DESTROYS.contains(&verb) {
        ("it says it destroys nothing, and its name says it does", "destructiveHint")
    } else {
        return None;
    };
    let subject = tool.subject().at("annotations").at(member);
    let severity = if DESTROYS.contains(&verb) && member == "readOnlyHint" { Severity::Medium } else { Severity::Low };
    Some(
        Finding::new(Rule::ContradictoryHints, subject, which)
            .severe(severity)
            .confidence(Confidence::Medium)
            .evidence(tool.name()),
    )
}
