//! What was not the same twice: entry by entry, down to the deepest member that differs.
use std::collections::BTreeMap;

use mcpsec_model::{
    capture::{Between, Unstable},
    manifest::{Entry, Kind, Manifest, Subject, json},
};
use serde_json::{Map, Value, json};

use super::process::Told;
use crate::mcp::MODERN;

/// An entry with more differing members than this is shown as a whole.
const MAX_IN_ENTRY: usize = 16;

/// Everything that differs from what was heard first.
pub(super) struct Differences<'a> {
    base: &'a Told,
    // Each place with other words once, with the closest comparison that showed them.
    found: BTreeMap<(Subject, Vec<u8>), (Between, Value)>,
}

impl<'a> Differences<'a> {
    pub(super) fn new(base: &'a Told) -> Self {
        let mut all = Self { base, found: BTreeMap::new() };
        for (kind, code) in &base.refused {
            // What stands there is not known, so it cannot be held to anything. Only the code is kept: the words of an
            // error name ports and times.
            let (at, value) = (refused_list(*kind), json!({ "error": code }));
            all.found.insert((at, json::canonical(&value)), (Between::Calls, value));
        }
        all
    }

    /// Compares with what was heard in another way.
    pub(super) fn add(&mut self, between: Between, other: Option<&Told>) {
        let Some(other) = other else { return };
        let (a, b) = (&self.base.manifest, &other.manifest);
        // Flags of one era mean nothing in the other, and no model reads them.
        let eras = (self.base.protocol == MODERN) != (other.protocol == MODERN);
        let server = Subject::server();
        let mut found = Vec::new();
        differ(&server.at("serverInfo"), a.server_info(), b.server_info(), &mut found);
        if !eras {
            differ(&server.at("capabilities"), a.capabilities(), b.capabilities(), &mut found);
        }
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        differ(&server.at("instructions"), &text(a.instructions()), &text(b.instructions()), &mut found);
        for kind in Kind::ALL {
            entries(a.entries(kind), b.entries(kind), eras, &mut found);
        }
        for (subject, value) in found {
            self.found.entry((subject, json::canonical(&value))).or_insert((between, value));
        }
    }

    /// Adds what is told to clients that ask for lists nobody declared.
    pub(super) fn add_undeclared(&mut self, other: Option<&Manifest>) {
        let Some(other) = other else { return };
        for entry in Kind::ALL.into_iter().flat_map(|kind| other.entries(kind)) {
            let (key, value) = ((entry.subject(), json::canonical(entry.json())), entry.json().clone());
            self.found.entry(key).or_insert((Between::Clients, value));
        }
    }

    /// Everything, by subject, then by comparison, then by what was said.
    pub(super) fn into_sorted(self) -> Vec<Unstable> {
        let mut all: Vec<Unstable> = self
            .found
            .into_iter()
            .map(|((subject, _), (between, other))| Unstable { subject, between, other })
            .collect();
        // Stable: what has the same place and comparison stays in the order of its bytes.
        all.sort_by(|a, b| (&a.subject, a.between).cmp(&(&b.subject, b.between)));
        all
    }
}

/// The place of a list that could not be heard: `server/resources`.
pub(super) fn refused_list(kind: Kind) -> Subject {
    Subject::server().at(kind.list())
}

/// Compares two sorted lists of one kind. Entries of one name are paired in their order.
fn entries(a: &[Entry], b: &[Entry], eras: bool, out: &mut Vec<(Subject, Value)>) {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    loop {
        match (a.peek(), b.peek()) {
            (None, None) => return,
            (Some(left), Some(right)) if left.name() == right.name() => {
                entry(left, right, eras, out);
                a.next();
                b.next();
            }
            (Some(left), right) if right.is_none_or(|right| left.name() < right.name()) => {
                out.push((left.subject(), Value::Null));
                a.next();
            }
            (_, Some(right)) => {
                out.push((right.subject(), right.json().clone()));
                b.next();
            }
            // The second arm takes whatever is left on this side alone.
            (Some(_), None) => return,
        }
    }
}

fn entry(a: &Entry, b: &Entry, eras: bool, out: &mut Vec<(Subject, Value)>) {
    let mut found = Vec::new();
    if eras && (a.get("execution").is_none() || b.get("execution").is_none()) {
        // How a call may be made (2025-11-25, "Tasks"): gone in the next version.
        differ(&a.subject(), &without(a.json(), "execution"), &without(b.json(), "execution"), &mut found);
    } else {
        differ(&a.subject(), a.json(), b.json(), &mut found);
    }
    if found.len() > MAX_IN_ENTRY {
        found = vec![(b.subject(), b.json().clone())];
    }
    out.append(&mut found);
}

fn without(value: &Value, member: &str) -> Value {
    let members = value.as_object().into_iter().flatten().filter(|(name, _)| *name != member);
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<String, Value>>())
}

/// Where two values differ, as deep as they are alike in form; with what the second says.
fn differ(at: &Subject, a: &Value, b: &Value, out: &mut Vec<(Subject, Value)>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => differ(&at.at(name), a, b, out),
                    (_, other) => out.push((at.at(name), other.cloned().unwrap_or_default())),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differ(&at.at(index), a, b, out);
            }
        }
        // Numbers that are written differently and are one (RFC 8785) are no difference.
        (a, b) if a == b || json::canonical(a) == json::canonical(b) => {}
        (_, b) => out.push((at.clone(), b.clone())),
    }
}

#[cfg(test)]
mod tests {
    use mcpsec_model::manifest::ManifestParts;

    use super::*;

    fn told(protocol: &str, tools: Value, capabilities: Value) -> Told {
        let Value::Array(tools) = tools else { panic!("a list") };
        let parts = ManifestParts { tools, capabilities, ..ManifestParts::default() };
        Told {
            protocol: protocol.into(),
            manifest: Manifest::new(parts).expect("a manifest"),
            refused: BTreeMap::new(),
        }
    }

    fn compared(a: &Told, others: &[(Between, &Told)]) -> Vec<(String, Between, Value)> {
        let mut differences = Differences::new(a);
        for (between, other) in others {
            differences.add(*between, Some(other));
        }
        let all = differences.into_sorted().into_iter();
        all.map(|one| (one.subject.as_str().to_owned(), one.between, one.other)).collect()
    }

    #[test]
    fn the_deepest_member_is_named_with_the_other_words() {
        let schema =
            |text: &str| json!({"type": "object", "properties": {"to": {"description": text, "enum": [1, 2]}}});
        let a = told("2025-11-25", json!([{"name": "x", "inputSchema": schema("a")}, {"name": "gone"}]), json!({}));
        let b = told(
            "2025-11-25",
            json!([{"name": "x", "inputSchema": schema("b"), "title": "T"}, {"name": "new"}]),
            json!({}),
        );
        let words = "tool:x/inputSchema/properties/to/description".to_owned();
        assert_eq!(
            compared(&a, &[(Between::Calls, &a), (Between::Processes, &b), (Between::Clients, &b)]),
            [
                ("tool:gone".to_owned(), Between::Processes, Value::Null),
                ("tool:new".to_owned(), Between::Processes, json!({"name": "new"})),
                (words, Between::Processes, json!("b")),
                ("tool:x/title".to_owned(), Between::Processes, json!("T")),
            ]
        );
    }

    #[test]
    fn other_words_in_the_same_place_are_all_kept() {
        let say = |text: &str| told("2025-11-25", json!([{"name": "x", "description": text}]), json!({}));
        let all = compared(&say("a"), &[(Between::Processes, &say("b")), (Between::Clients, &say("c"))]);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1], ("tool:x/description".to_owned(), Between::Clients, json!("c")));
    }

    #[test]
    fn entries_of_one_name_are_paired_and_many_differences_are_one() {
        let a = told(
            "2025-11-25",
            json!([{"name": "x", "description": "a"}, {"name": "x", "description": "b"}]),
            json!({}),
        );
        let b = told("2025-11-25", json!([{"name": "x", "description": "a"}]), json!({}));
        assert_eq!(compared(&a, &[(Between::Calls, &b)]), [("tool:x".to_owned(), Between::Calls, Value::Null)]);
        let many = |from: usize| {
            let members = (from..from + 20).map(|index| (format!("m{index}"), json!(1)));
            let mut tool: Map<String, Value> = members.collect();
            tool.insert("name".to_owned(), json!("x"));
            told("2025-11-25", json!([tool]), json!({}))
        };
        let all = compared(&many(0), &[(Between::Calls, &many(100))]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].0, "tool:x");
    }

    #[test]
    fn flags_of_another_era_are_no_difference() {
        let modern = told(MODERN, json!([{"name": "x"}]), json!({"tools": {}}));
        let legacy = told(
            "2025-11-25",
            json!([{"name": "x", "execution": {"taskSupport": "forbidden"}}]),
            json!({"tools": {"listChanged": true}}),
        );
        assert_eq!(compared(&modern, &[(Between::Clients, &legacy)]), []);
        let poisoned = told("2025-11-25", json!([{"name": "x", "description": "p"}]), json!({}));
        assert_eq!(compared(&modern, &[(Between::Clients, &poisoned)]).len(), 1);
        let words = told("2025-11-25", json!([{"name": "x"}]), json!({"tools": {}}));
        assert_eq!(compared(&legacy, &[(Between::Calls, &words)]).len(), 2);
    }
}
