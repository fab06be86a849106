//! Annotations of tools: what they promise, and whether a promise was taken back.
use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Entry, Subject},
};
use serde_json::Value;

use super::{name_words, sink::Sink};

/// A hint of the protocol (Model Context Protocol 2026-07-28, "ToolAnnotations").
struct Hint {
    key: &'static str,
    /// What holds when it is absent.
    default: bool,
    /// The value that promises the most.
    safe: bool,
    /// Taking the promise back is a risk.
    guarded: bool,
    /// What taking it back means.
    means: &'static str,
}

const HINTS: &[Hint] = &[
    Hint { key: "readOnlyHint", default: false, safe: true, guarded: true, means: "is no longer said to only read" },
    Hint {
        key: "destructiveHint",
        default: true,
        safe: false,
        guarded: true,
        means: "is no longer said to destroy nothing",
    },
    Hint {
        key: "openWorldHint",
        default: true,
        safe: false,
        guarded: true,
        means: "is no longer said to stay in a closed world",
    },
    Hint {
        key: "idempotentHint",
        default: false,
        safe: true,
        guarded: false,
        means: "is no longer said to be repeatable",
    },
];

/// First words of names of tools that cannot be read-only, and cannot be harmless.
const DESTROYS: &[&str] = &[
    "delete",
    "remove",
    "drop",
    "destroy",
    "erase",
    "wipe",
    "purge",
    "truncate",
    "kill",
    "uninstall",
    "overwrite",
    "shred",
];
const ACTS: &[&str] =
    &["write", "send", "transfer", "pay", "upload", "post", "publish", "execute", "exec", "deploy", "install"];

/// Compares the hints of two versions of a tool.
pub(super) fn compare(before: &Entry, after: &Entry, at: &Subject, sink: &mut Sink) {
    let read_only = |entry: &Entry| value(entry, "readOnlyHint").unwrap_or(false);
    let words = name_words(after.name());
    let starts = |list: &[&str]| words.first().is_some_and(|word| list.contains(&word.as_str()));
    for hint in HINTS {
        let (old, new) = (value(before, hint.key), value(after, hint.key));
        let (was, is) = (old.unwrap_or(hint.default), new.unwrap_or(hint.default));
        let place = at.at("annotations").at(hint.key);
        let shown = |value: Option<bool>| value.map_or("absent", |yes| if yes { "true" } else { "false" });
        let mut say =
            |level, message: &str| sink.add(level, place.clone(), message, Some(shown(old)), Some(shown(new)));
        // A tool that only reads destroys nothing, whatever it leaves unsaid.
        let moot = hint.key == "destructiveHint" && new.is_none() && read_only(after);
        if was == hint.safe && is != hint.safe && !moot {
            let level = if hint.guarded { DriftLevel::Dangerous } else { DriftLevel::Wording };
            say(level, &format!("the tool {}", hint.means));
        } else if was != is && is == hint.safe {
            let contradicts = match hint.key {
                "readOnlyHint" => starts(DESTROYS) || starts(ACTS),
                "destructiveHint" => starts(DESTROYS),
                _ => false,
            };
            if contradicts {
                say(DriftLevel::Dangerous, "the tool promises what its name contradicts");
            } else {
                say(DriftLevel::Wording, "the tool promises more than before");
            }
        } else if old != new {
            say(DriftLevel::Cosmetic, "the hint says what holds without it");
        }
    }
}

fn value(entry: &Entry, key: &str) -> Option<bool> {
    entry.get("annotations")?.get(key).and_then(Value::as_bool)
}
