//! What a server says about itself: its name, its capabilities, its instructions.
use std::collections::BTreeSet;

use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Kind, Manifest, Subject},
};
use serde_json::Value;

use super::{schema::show, sink::Sink, wording};

/// Compares everything that belongs to no entry.
pub(super) fn compare(before: &Manifest, after: &Manifest, sink: &mut Sink) {
    let server = Subject::server();
    wording::changed(sink, &server.at("instructions"), "instructions", before.instructions(), after.instructions());
    info(before.server_info(), after.server_info(), &server.at("serverInfo"), sink);
    for name in keys(before.capabilities(), after.capabilities()) {
        capability(name, before, after, &server.at("capabilities").at(name), sink);
    }
}

fn info(before: &Value, after: &Value, at: &Subject, sink: &mut Sink) {
    for key in keys(before, after) {
        let (old, new) = (before.get(key), after.get(key));
        if old == new {
            continue;
        }
        let place = at.at(key);
        match (key, old, new) {
            ("version", ..) => {
                let (old, new) = (old.map(show), new.map(show));
                sink.add(DriftLevel::Cosmetic, place, "another version", old.as_deref(), new.as_deref());
            }
            (_, Some(Value::String(_)) | None, Some(Value::String(_)) | None) => {
                let (old, new) = (old.and_then(Value::as_str), new.and_then(Value::as_str));
                wording::changed(sink, &place, key, old, new);
            }
            _ => {
                let (old, new) = (old.map(show), new.map(show));
                sink.add(DriftLevel::Wording, place, "changed", old.as_deref(), new.as_deref());
            }
        }
    }
}

/// Capabilities differ with the library more than with the server, so most of it weighs nothing: what the model can use is
/// in the lists, which are compared one by one.
fn capability(name: &str, before: &Manifest, after: &Manifest, at: &Subject, sink: &mut Sink) {
    let (old, new) = (before.capabilities().get(name), after.capabilities().get(name));
    if old == new {
        return;
    }
    let listed = |manifest: &Manifest| match name {
        "tools" => !manifest.entries(Kind::Tool).is_empty(),
        "prompts" => !manifest.entries(Kind::Prompt).is_empty(),
        "resources" => !manifest.entries(Kind::Resource).is_empty() || !manifest.entries(Kind::Template).is_empty(),
        _ => true,
    };
    let subscribe = |value: Option<&Value>| value.and_then(|value| value.get("subscribe")).and_then(Value::as_bool);
    let (level, message) = match (name, old, new) {
        ("resources", Some(_), Some(_)) if subscribe(old) == Some(true) && subscribe(new) != Some(true) => {
            (DriftLevel::Breaking, "resources can no longer be subscribed to")
        }
        ("resources", ..) if subscribe(new) == Some(true) && subscribe(old) != Some(true) => {
            (DriftLevel::Additive, "resources can be subscribed to")
        }
        ("tools" | "prompts" | "resources", None, Some(_)) if listed(after) => {
            (DriftLevel::Additive, "a new capability")
        }
        ("tools" | "prompts" | "resources" | "logging" | "experimental", ..) => {
            (DriftLevel::Cosmetic, "the capability is declared differently")
        }
        // These belong to clients; libraries of servers declared them by mistake.
        ("elicitation" | "sampling" | "roots", ..) => (DriftLevel::Cosmetic, "the capability is declared differently"),
        ("completions" | "tasks", Some(_), None) => (DriftLevel::Breaking, "a capability was removed"),
        (_, None, Some(_)) => (DriftLevel::Additive, "a new capability"),
        (_, Some(_), None) => (DriftLevel::Wording, "a capability was removed"),
        _ => (DriftLevel::Wording, "a capability changed"),
    };
    let (old, new) = (old.map(show), new.map(show));
    sink.add(level, at.clone(), message, old.as_deref(), new.as_deref());
}

fn keys<'a>(before: &'a Value, after: &'a Value) -> BTreeSet<&'a str> {
    let of = |value: &'a Value| value.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str));
    of(before).chain(of(after)).collect()
}
