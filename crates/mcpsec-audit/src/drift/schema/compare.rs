//! Two schemas in normal form: what one accepts and the other does not.
use std::collections::BTreeSet;

use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Subject, json},
    text::Untrusted,
};
use serde_json::{Map, Value};

use super::bounds::{self, Moved};
use crate::drift::{sink::Sink, wording};

/// The deepest place that is compared member by member; below it a difference is one difference.
const MAX_DEPTH: usize = 64;
/// The most alternatives that are matched with each other.
const MAX_ALTERNATIVES: usize = 200;

/// Who fills the schema in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::drift) enum Direction {
    /// The model does: accepting less breaks callers.
    Input,
    /// The server does: giving less breaks readers.
    Output,
}

/// Compares two schemas that [`super::normalise`] made, and says every difference at its place.
pub(in crate::drift) fn compare(
    before: &Value,
    after: &Value,
    direction: Direction,
    at: &Subject,
    noun: &'static str,
    sink: &mut Sink,
) {
    Comparison { direction, noun, sink }.schemas(before, after, at, 0);
}

struct Comparison<'a> {
    direction: Direction,
    noun: &'static str,
    sink: &'a mut Sink,
}

impl Comparison<'_> {
    fn asked(&self) -> bool {
        self.direction == Direction::Input
    }

    fn schemas(&mut self, before: &Value, after: &Value, at: &Subject, depth: usize) {
        if before == after {
            return;
        }
        let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
            self.say(DriftLevel::Breaking, at, "the schema changed", Some(before), Some(after));
            return;
        };
        if depth > MAX_DEPTH {
            self.say(
                DriftLevel::Breaking,
                at,
                "the schema changed, too deep inside to say how",
                Some(before),
                Some(after),
            );
            return;
        }
        self.words(old, new, at);
        // Beside a type of its own, `anyOf` only rules out; without one it is what is accepted.
        let rules_out = |map: &Map<String, Value>| map.contains_key("type") || map.contains_key("properties");
        match (old.get("anyOf"), new.get("anyOf")) {
            (Some(list), None) if rules_out(old) => {
                let level = Moved::Wider.level(self.asked());
                self.say(level, &at.at("anyOf"), "more is accepted", Some(list), None);
            }
            (None, Some(list)) if rules_out(new) => {
                let level = Moved::Narrower.level(self.asked());
                self.say(level, &at.at("anyOf"), "less is accepted", None, Some(list));
            }
            (None, Some(_)) | (Some(_), None) => {
                self.alternatives(&alternatives(old), &alternatives(new), at, depth);
                self.null(old, new, at);
                return;
            }
            _ => {}
        }
        if let (Some(Value::Array(old)), Some(Value::Array(new))) = (old.get("anyOf"), new.get("anyOf")) {
            self.alternatives(old, new, at, depth);
        }
        self.types(old, new, at);
        self.values(old, new, at);
        self.limits(old, new, at);
        self.members(old, new, at, depth);
        let nothing = Value::Object(Map::new());
        if old.contains_key("items") || new.contains_key("items") {
            let (old, new) = (old.get("items").unwrap_or(&nothing), new.get("items").unwrap_or(&nothing));
            self.schemas(old, new, &at.at("items"), depth + 1);
        }
        if old.get("prefixItems") != new.get("prefixItems") {
            let (old, new) = (old.get("prefixItems"), new.get("prefixItems"));
            self.say(Moved::Narrower.level(true), &at.at("prefixItems"), "the items of the list changed", old, new);
        }
    }

    /// Texts for the reader, defaults, and members that nobody has heard of.
    fn words(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &Subject) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (before, after) = (old.get(key), new.get(key));
            if before == after || COMPARED.contains(&key.as_str()) || bounds::moved(key, before, after).is_some() {
                continue;
            }
            let place = at.at(key);
            match (key.as_str(), before, after) {
                ("default", Some(before), Some(after)) => {
                    self.say(DriftLevel::Additive, &place, "the default changed", Some(before), Some(after));
                }
                ("default", before, after) => {
                    let message = if after.is_some() { "a default was added" } else { "the default was removed" };
                    self.say(DriftLevel::Wording, &place, message, before, after);
                }
                (_, Some(Value::String(_)) | None, Some(Value::String(_)) | None) => {
                    let (before, after) = (before.and_then(Value::as_str), after.and_then(Value::as_str));
                    wording::changed(self.sink, &place, key, before, after);
                }
                _ => self.say(DriftLevel::Wording, &place, "changed", before, after),
            }
        }
    }

    fn types(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &Subject) {
        let (before, after) = (types(old), types(new));
        if before == after {
            return;
        }
        let wider = covers(after.as_ref(), before.as_ref());
        let narrower = covers(before.as_ref(), after.as_ref());
        let place = at.at("type");
        let shown = |map: &Map<String, Value>, types: &Option<BTreeSet<&str>>| match types {
            None => "anything".to_owned(),
            Some(types) => {
                let mut words: Vec<&str> = types.iter().copied().collect();
                if map.contains_key("nullable") && !words.contains(&"null") {
                    words.push("null");
                }
                words.join(" or ")
            }
        };
        let level = match (wider, narrower) {
            (true, false) => Moved::Wider.level(self.asked()),
            (false, true) => Moved::Narrower.level(self.asked()),
            _ => DriftLevel::Breaking,
        };
        self.sink.add(level, place, "the type changed", Some(&shown(old, &before)), Some(&shown(new, &after)));
    }

    fn null(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &Subject) {
        match (old.contains_key("nullable"), new.contains_key("nullable")) {
            (true, false) => {
                let level = Moved::Narrower.level(self.asked());
                self.sink.add(level, at.clone(), "null is no longer accepted", None, None);
            }
            (false, true) => {
                let level = Moved::Wider.level(self.asked());
                self.sink.add(level, at.clone(), "null is accepted now", None, None);
            }
            _ => {}
        }
    }

    fn values(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &Subject) {
        let place = at.at("enum");
        match (old.get("enum"), new.get("enum")) {
            (Some(Value::Array(old)), Some(Value::Array(new))) => {
                let keys = |list: &[Value]| -> BTreeSet<Vec<u8>> { list.iter().map(json::canonical).collect() };
                let (before, after) = (keys(old), keys(new));
                let missing = |list: &[Value], other: &BTreeSet<Vec<u8>>| -> Vec<String> {
                    list.iter().filter(|value| !other.contains(&json::canonical(value))).map(show).collect()
                };
                let (gone, come) = (missing(old, &after), missing(new, &before));
                if !gone.is_empty() {
                    let level = Moved::Narrower.level(self.asked());
                    self.sink.add(level, place.clone(), "values were removed", Some(&gone.join(", ")), None);
                }
                if !come.is_empty() {
                    // For what the server gives too: a reader that is a model copes with one more word.
                    self.sink.add(DriftLevel::Additive, place, "values were added", None, Some(&come.join(", ")));
                }
            }
            (None, Some(list)) => {
                let level = Moved::Narrower.level(self.asked());
                self.say(level, &place, "only certain values are left", None, Some(list));
            }
            (Some(list), None) => {
                let level = Moved::Wider.level(self.asked());
                self.say(level, &place, "any value may stand here now", Some(list), None);
            }
            _ => {}
        }
    }

    fn limits(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &Subject) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (before, after) = (old.get(key), new.get(key));
            if let Some(moved) = bounds::moved(key, before, after) {
                let message = match moved {
                    Moved::Narrower => "less is accepted",
                    Moved::Wider => "more is accepted",
                };
                self.say(moved.level(self.asked()), &at.at(key), message, before, after);
            }
        }
    }

    fn members(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &Subject, depth: usize) {
        let empty = Map::new();
        let properties = |map: &'_ Map<String, Value>| -> Map<String, Value> {
            map.get("properties").and_then(Value::as_object).unwrap_or(&empty).clone()
        };
        let required = |map: &Map<String, Value>| -> BTreeSet<String> {
            let list = map.get("required").and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (before, after) = (properties(old), properties(new));
        let (must_before, must_after) = (required(old), required(new));
        let names: BTreeSet<&String> =
            before.keys().chain(after.keys()).chain(&must_before).chain(&must_after).collect();
        for name in names {
            let place = at.at("properties").at(name);
            let must = (must_before.contains(name), must_after.contains(name));
            let (noun, shown) = (self.noun, Untrusted::new(name.as_str()).excerpt(60));
            match (before.get(name), after.get(name)) {
                (Some(before), Some(after)) => {
                    self.schemas(before, after, &place, depth + 1);
                    self.must(must, &place, noun, &shown);
                }
                (Some(schema), None) => {
                    let message = format!("the {noun} `{shown}` was removed");
                    self.say(DriftLevel::Breaking, &place, &message, Some(schema), None);
                }
                (None, Some(schema)) => {
                    let (level, kind) = match (self.direction, must.1 && !must.0) {
                        (Direction::Input, true) => (DriftLevel::Breaking, "required "),
                        (Direction::Input, false) => (DriftLevel::Additive, "optional "),
                        (Direction::Output, _) => (DriftLevel::Additive, ""),
                    };
                    let message = format!("the {kind}{noun} `{shown}` was added");
                    self.say(level, &place, &message, None, Some(schema));
                }
                (None, None) => self.must(must, &place, noun, &shown),
            }
        }
    }

    fn must(&mut self, must: (bool, bool), place: &Subject, noun: &str, shown: &str) {
        let (level, message) = match (must, self.direction) {
            ((false, true), Direction::Input) => (DriftLevel::Breaking, "is required now"),
            ((true, false), Direction::Input) => (DriftLevel::Additive, "may be left out now"),
            ((false, true), Direction::Output) => (DriftLevel::Additive, "is always there now"),
            ((true, false), Direction::Output) => (DriftLevel::Additive, "may be missing now"),
            _ => return,
        };
        self.sink.add(level, place.clone(), format!("the {noun} `{shown}` {message}"), None, None);
    }

    fn alternatives(&mut self, old: &[Value], new: &[Value], at: &Subject, depth: usize) {
        let place = at.at("anyOf");
        if old.len() > MAX_ALTERNATIVES || new.len() > MAX_ALTERNATIVES {
            if old != new {
                self.sink.add(DriftLevel::Breaking, place, "the alternatives changed, too many to say how", None, None);
            }
            return;
        }
        let gone: Vec<&Value> = old.iter().filter(|value| !new.contains(value)).collect();
        let come: Vec<&Value> = new.iter().filter(|value| !old.contains(value)).collect();
        if let ([gone], [come]) = (&gone[..], &come[..]) {
            self.schemas(gone, come, &place, depth + 1);
            return;
        }
        // What has one type before and after is one alternative that changed.
        let type_of = |value: &Value| {
            value.as_object().and_then(|map| types(map).map(|set| set.into_iter().collect::<Vec<_>>().join(" ")))
        };
        let mut come = come;
        let mut left = Vec::new();
        for value in gone {
            let other = come.iter().position(|other| type_of(other).is_some() && type_of(other) == type_of(value));
            match other {
                Some(index) => self.schemas(value, come.remove(index), &place, depth + 1),
                None => left.push(value),
            }
        }
        for value in left {
            let level = Moved::Narrower.level(self.asked());
            self.say(level, &place, "an alternative was removed", Some(value), None);
        }
        for value in come {
            let level = Moved::Wider.level(self.asked());
            self.say(level, &place, "an alternative was added", None, Some(value));
        }
    }

    fn say(&mut self, level: DriftLevel, at: &Subject, message: &str, before: Option<&Value>, after: Option<&Value>) {
        let (before, after) = (before.map(show), after.map(show));
        self.sink.add(level, at.clone(), message, before.as_deref(), after.as_deref());
    }
}

/// Members with a comparison of their own.
const COMPARED: &[&str] = &["type", "nullable", "enum", "properties", "required", "items", "prefixItems", "anyOf"];
/// Members that say nothing about what is accepted.
const WORDS: &[&str] = &["description", "title", "default", "examples", "example", "$comment", "nullable"];

fn alternatives(map: &Map<String, Value>) -> Vec<Value> {
    match map.get("anyOf") {
        Some(Value::Array(list)) => list.clone(),
        _ => {
            let plain = map.iter().filter(|(key, _)| !WORDS.contains(&key.as_str()));
            vec![Value::Object(plain.map(|(key, value)| (key.clone(), value.clone())).collect())]
        }
    }
}

/// The types that are accepted; `None` for any.
fn types(map: &Map<String, Value>) -> Option<BTreeSet<&str>> {
    let mut types: BTreeSet<&str> = match map.get("type")? {
        Value::String(word) => BTreeSet::from([word.as_str()]),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    if map.contains_key("nullable") {
        types.insert("null");
    }
    Some(types)
}

fn covers(wide: Option<&BTreeSet<&str>>, narrow: Option<&BTreeSet<&str>>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => {
            narrow.iter().all(|word| wide.contains(word) || *word == "integer" && wide.contains("number"))
        }
    }
}

/// A value as text: texts as they are, everything else as JSON.
pub(in crate::drift) fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => String::from_utf8_lossy(&json::canonical(other)).into_owned(),
    }
}
