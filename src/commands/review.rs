//! What a reviewer is shown before signing: who signs, what, and only what changed since the last approval of that server.
use mcpsec_model::{
    approval::{Approval, Changes, PublicKey},
    lock::{Lock, LockedServer},
    manifest::Kind,
    text::{Untrusted, escape},
};
use mcpsec_verify::approval::{Since, Standing};

use crate::ui;

/// The longest text that is shown whole.
const MAX_TEXT: usize = 2000;
/// The most lines of one kind.
const MOST: usize = 200;

/// The text about one server.
pub(super) fn of(
    lock: &Lock,
    server: &LockedServer,
    approval: &Approval,
    key: &PublicKey,
    standing: &Standing,
) -> String {
    let mut text = format!("{} {}\n", server.name, escape(&server.version));
    let mut row = |label: &str, value: String| text.push_str(&format!("  {label:<10} {value}\n"));
    let comment = if key.comment().is_empty() { String::new() } else { format!(", {}", key.comment()) };
    row("signer", format!("{} ({} {}{comment})", approval.reviewer.name, key.algorithm(), key.fingerprint()));
    let words: Vec<&str> = approval.criteria.iter().map(|word| word.as_str()).collect();
    row("as", words.join(", "));
    if !approval.reason.is_empty() {
        row("reason", escape(&approval.reason));
    }
    row("until", approval.expires.to_string());
    row("from", server.spec.to_string());
    row("closure", format!("{} ({})", server.closure_id, ui::count(lock.packages_of(&[server]).len(), "package")));
    row("tells", tells(server));
    match &standing.since {
        Some(since) => text.push_str(&changes(server, since)),
        None => text.push_str(&format!(
            "  nobody approved it before; `mcpsec show {0}` and `mcpsec tree {0}` show all of it\n",
            server.name
        )),
    }
    text
}

fn tells(server: &LockedServer) -> String {
    let Some(captured) = server.told.captured() else {
        return "not known: nobody captured what it tells the model".to_owned();
    };
    let manifest = &captured.manifest;
    let counts = Kind::ALL.iter().map(|kind| (kind, manifest.entries(*kind).len())).filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(kind, count)| ui::count(count, kind.as_str())).collect();
    format!("{} ({}), sandbox `{}`", manifest.id(), counts.join(", "), captured.context.isolation.as_str())
}

/// What changed since an approval, with every word that is new.
pub(super) fn changes(server: &LockedServer, since: &Since) -> String {
    let Changes { packages, repinned, told_new, told_changed, told_gone } = &since.changes;
    let mut text = format!(
        "  since {} approved {} at {}:\n",
        since.by,
        Untrusted::new(since.version.as_str()).excerpt(60),
        since.issued
    );
    let mut lines: Vec<String> = Vec::new();
    match packages {
        None => {
            lines.push("packages: that approval does not list them; compare mcp.lock in version control".to_owned())
        }
        Some(change) => {
            lines.extend(change.changed.iter().map(|(old, new)| format!("package {old} -> {new}")));
            lines.extend(change.added.iter().map(|id| format!("package {id} is new")));
            lines.extend(change.removed.iter().map(|id| format!("package {id} is gone")));
        }
    }
    lines.extend(repinned.iter().map(|id| format!("package {id}: other files or bytes are pinned")));
    match told_new {
        // Nobody captured it: there is nothing to compare.
        None if server.told.captured().is_none() => {}
        None => {
            lines.push("what it tells: that approval does not list it; compare mcp.lock in version control".to_owned())
        }
        Some(new) => {
            for (subjects, word) in [(new, "is new"), (told_changed, "has other words")] {
                for subject in subjects.iter() {
                    lines.push(format!("{subject} {word}"));
                    lines.extend(words_of(server, subject));
                }
            }
            lines.extend(told_gone.iter().map(|subject| format!("{subject} is gone")));
        }
    }
    if lines.is_empty() {
        lines.push("nothing that the server consists of or tells".to_owned());
    }
    let more = lines.len().saturating_sub(MOST);
    for line in lines.iter().take(MOST) {
        text.push_str(&format!("    {}\n", escape(line)));
    }
    if more > 0 {
        text.push_str(&format!("    … and {more} more\n"));
    }
    text
}

/// Every word of one entry as it is now.
fn words_of(server: &LockedServer, subject: &str) -> Vec<String> {
    let Some(captured) = server.told.captured() else { return Vec::new() };
    let of = |place: &str| place.strip_prefix(subject).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let texts = captured.manifest.texts();
    let texts = texts.iter().filter(|text| of(text.subject.as_str()));
    texts.map(|text| format!("  {}: {}", text.subject, Untrusted::new(text.text).excerpt(MAX_TEXT))).collect()
}
