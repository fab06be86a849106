//! Two versions of one tool, prompt, resource or template, member by member.
use std::collections::BTreeSet;

use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Entry, Kind, Subject},
};
use serde_json::{Map, Value, json};

use super::{
    hints,
    schema::{self, Direction, made_from, show},
    sink::Sink,
    wording,
};

/// Says every difference; one cosmetic change if it is only written differently.
pub(super) fn compare(before: &Entry, after: &Entry, sink: &mut Sink) {
    if before.json() == after.json() {
        return;
    }
    let at = after.subject();
    let keys: BTreeSet<&String> =
        [before, after].into_iter().filter_map(|entry| entry.json().as_object()).flat_map(Map::keys).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        if old != new && key != after.kind().key() {
            member(key, before, after, &at, sink);
        }
    }
    if sink.worst_below(&at) == DriftLevel::None {
        sink.add(DriftLevel::Cosmetic, at, "it is written differently and says the same", None, None);
    }
}

fn member(key: &str, before: &Entry, after: &Entry, at: &Subject, sink: &mut Sink) {
    let (old, new) = (before.get(key), after.get(key));
    let place = at.at(key);
    let shown = |value: Option<&Value>| value.map(show);
    let mut say = |level: DriftLevel, message: &str| {
        sink.add(level, place.clone(), message, shown(old).as_deref(), shown(new).as_deref());
    };
    match (after.kind(), key) {
        (Kind::Tool, "inputSchema") => {
            let whole = |value: Option<&Value>, name: &str| {
                let mut schema = schema::normalise(value.unwrap_or(&Value::Null), name);
                // A tool's arguments are an object even where the schema forgets to say so, or is not there.
                if schema.is_null() {
                    schema = json!({});
                }
                if let Value::Object(map) = &mut schema {
                    map.entry("type").or_insert_with(|| "object".into());
                }
                schema
            };
            let (old, new) = (whole(old, before.name()), whole(new, after.name()));
            schema::compare(&old, &new, Direction::Input, &place, "parameter", sink);
        }
        (Kind::Tool, "outputSchema") => match (old.filter(|old| !old.is_null()), new.filter(|new| !new.is_null())) {
            (Some(old), Some(new)) => {
                let (old, new) = (schema::normalise(old, before.name()), schema::normalise(new, after.name()));
                schema::compare(&old, &new, Direction::Output, &place, "field", sink);
            }
            (None, Some(_)) => say(DriftLevel::Additive, "an output schema was added"),
            (Some(_), None) => say(DriftLevel::Breaking, "the output schema was removed"),
            (None, None) => {}
        },
        (Kind::Prompt, "arguments") => {
            let (old, new) = (arguments(old), arguments(new));
            schema::compare(&old, &new, Direction::Input, &place, "argument", sink);
        }
        (kind, "annotations") => {
            if kind == Kind::Tool {
                hints::compare(before, after, at, sink);
            }
            annotations(old, new, &place, sink);
        }
        (Kind::Tool, "execution") => execution(old, new, &place, sink),
        (_, "title") if new.and_then(Value::as_str).is_some_and(|title| made_from(title, after.name())) => {
            say(DriftLevel::Cosmetic, "the title is the name again");
        }
        (_, "icons") => say(DriftLevel::Cosmetic, "other icons"),
        (_, "mimeType") if old.is_some() && new.is_some() => say(DriftLevel::Breaking, "another media type"),
        (_, "_meta") if texts(old) == texts(new) => say(DriftLevel::Cosmetic, "other metadata"),
        (_, "size" | "lastModified") => say(DriftLevel::Cosmetic, "the contents have another size or date"),
        _ if is_text(old) && is_text(new) => {
            let (old, new) = (old.and_then(Value::as_str), new.and_then(Value::as_str));
            wording::changed(sink, &place, key, old, new);
        }
        _ => say(DriftLevel::Wording, "changed"),
    }
}

fn is_text(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_string)
}

/// Every text below, in order.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().flat_map(|value| texts(Some(value))).collect(),
        Some(Value::Object(map)) => map.values().flat_map(|value| texts(Some(value))).collect(),
        _ => Vec::new(),
    }
}

/// A prompt's arguments as a schema: the same questions are asked of both.
fn arguments(list: Option<&Value>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for argument in list.and_then(Value::as_array).into_iter().flatten() {
        let Some(map) = argument.as_object() else { continue };
        let Some(name) = map.get("name").and_then(Value::as_str) else { continue };
        let mut own = map.clone();
        own.remove("name");
        if own.remove("required") == Some(Value::Bool(true)) {
            required.push(name.to_owned());
        }
        properties.insert(name.to_owned(), Value::Object(own));
    }
    schema::normalise(&json!({ "type": "object", "properties": properties, "required": required }), "")
}

fn annotations(old: Option<&Value>, new: Option<&Value>, at: &Subject, sink: &mut Sink) {
    let empty = Map::new();
    let (old, new) =
        (old.and_then(Value::as_object).unwrap_or(&empty), new.and_then(Value::as_object).unwrap_or(&empty));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (before, after) = (old.get(key), new.get(key));
        let hint = matches!(key.as_str(), "readOnlyHint" | "destructiveHint" | "idempotentHint" | "openWorldHint");
        if before == after || hint {
            continue;
        }
        let place = at.at(key);
        match (before, after) {
            (Some(Value::String(_)) | None, Some(Value::String(_)) | None) => {
                wording::changed(sink, &place, key, before.and_then(Value::as_str), after.and_then(Value::as_str));
            }
            _ => {
                let (before, after) = (before.map(show), after.map(show));
                sink.add(DriftLevel::Wording, place, "changed", before.as_deref(), after.as_deref());
            }
        }
    }
}

/// `execution.taskSupport`: what is not said is `forbidden` (2026-07-28, "ToolExecution").
fn execution(old: Option<&Value>, new: Option<&Value>, at: &Subject, sink: &mut Sink) {
    let support = |value: Option<&Value>| {
        let word = value.and_then(|value| value.get("taskSupport")).and_then(Value::as_str);
        word.unwrap_or("forbidden").to_owned()
    };
    let (before, after) = (support(old), support(new));
    let (level, message) = match (before.as_str(), after.as_str()) {
        (a, b) if a == b => (DriftLevel::Cosmetic, "it says what holds without it"),
        (_, "required") => (DriftLevel::Breaking, "the tool can only be called as a task"),
        ("required", "forbidden") => (DriftLevel::Breaking, "the tool can no longer be called as a task"),
        ("optional", "forbidden") => (DriftLevel::Breaking, "the tool can no longer be called as a task"),
        _ => (DriftLevel::Additive, "the tool can be called as a task"),
    };
    let (old, new) = (old.map(show), new.map(show));
    sink.add(level, at.clone(), message, old.as_deref(), new.as_deref());
}
