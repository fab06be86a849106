//! A manifest without some of its places: for comparing two where a few are known to differ from run to run.
use std::collections::BTreeSet;

use serde_json::Value;

use super::{Entry, Kind, Manifest, Subject, json};

impl Manifest {
    /// The same without these places: whole entries, members of entries, or members of what the server says about itself. A
    /// place that is not there changes nothing.
    #[must_use]
    pub fn without(&self, places: &BTreeSet<Subject>) -> Self {
        let mut kept = self.clone();
        if places.is_empty() {
            return kept;
        }
        let server = Subject::server();
        kept.server_info = pruned(&self.server_info, &server.at("serverInfo"), places);
        kept.capabilities = pruned(&self.capabilities, &server.at("capabilities"), places);
        if places.contains(&server.at("instructions")) {
            kept.instructions = None;
        }
        for (kind, list) in [
            (Kind::Tool, &mut kept.tools),
            (Kind::Prompt, &mut kept.prompts),
            (Kind::Resource, &mut kept.resources),
            (Kind::Template, &mut kept.templates),
        ] {
            let prefix = format!("{}:", kind.as_str());
            if !places.iter().any(|place| place.as_str().starts_with(&prefix)) {
                continue;
            }
            list.retain(|entry| !places.contains(&entry.subject()));
            for entry in list.iter_mut() {
                let json = pruned(&entry.json, &entry.subject(), places);
                *entry = Entry { json, ..entry.clone() };
            }
            // Members that are gone may have decided the order of entries of one name.
            list.sort_by_cached_key(|entry| (entry.name.clone(), json::canonical(&entry.json)));
        }
        kept.renew_id();
        kept
    }

    /// What stands at a place: a whole entry (the first of its name), or a member. `None` if nothing does.
    pub fn at(&self, place: &Subject) -> Option<Value> {
        let server = Subject::server();
        if place == &server.at("instructions") {
            return self.instructions.clone().map(Value::String);
        }
        for (value, at) in
            [(&self.server_info, server.at("serverInfo")), (&self.capabilities, server.at("capabilities"))]
        {
            if let Some(found) = find(value, &at, place) {
                return Some(found.clone());
            }
        }
        let entries = Kind::ALL.into_iter().flat_map(|kind| self.entries(kind));
        entries
            .filter(|entry| entry.subject() == place.entry_of())
            .find_map(|entry| find(&entry.json, &entry.subject(), place).cloned())
    }
}

fn pruned(value: &Value, at: &Subject, places: &BTreeSet<Subject>) -> Value {
    match value {
        Value::Object(map) => {
            let members = map.iter().filter_map(|(name, value)| {
                let at = at.at(name);
                (!places.contains(&at)).then(|| (name.clone(), pruned(value, &at, places)))
            });
            Value::Object(members.collect())
        }
        Value::Array(list) => {
            let items = list.iter().enumerate().filter_map(|(index, value)| {
                let at = at.at(index);
                (!places.contains(&at)).then(|| pruned(value, &at, places))
            });
            Value::Array(items.collect())
        }
        plain => plain.clone(),
    }
}

fn find<'a>(value: &'a Value, at: &Subject, place: &Subject) -> Option<&'a Value> {
    if at == place {
        return Some(value);
    }
    if !place.as_str().starts_with(at.as_str()) {
        return None;
    }
    match value {
        Value::Object(map) => map.iter().find_map(|(name, value)| find(value, &at.at(name), place)),
        Value::Array(list) => list.iter().enumerate().find_map(|(index, value)| find(value, &at.at(index), place)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_left_out_and_found() {
        let manifest = |time: &str, extra: bool| {
            let mut tools = vec![json!({ "name": "now", "description": time, "x": [1, { "at": time }] })];
            if extra {
                tools.push(json!({ "name": "more" }));
            }
            Manifest::from_value(json!({ "tools": tools, "instructions": time })).expect("a manifest")
        };
        let (one, two) = (manifest("1", false), manifest("2", true));
        let tool = |name| Subject::entry(Kind::Tool, name);
        let mut places = BTreeSet::from([
            tool("now").at("description"),
            tool("now").at("x").at(1).at("at"),
            tool("more"),
            tool("absent").at("description"),
        ]);
        assert_ne!(one.without(&places).id(), two.without(&places).id());
        places.insert(Subject::server().at("instructions"));
        assert_eq!(one.without(&places).id(), two.without(&places).id());
        assert_eq!(one.at(&tool("now").at("x").at(1).at("at")), Some(json!("1")));
        assert_eq!(one.at(&tool("more")), None);
        assert_eq!(two.at(&tool("more")), Some(json!({ "name": "more" })));
    }
}
