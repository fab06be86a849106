//! What the words that are new ask for: signs that somebody must read a change before it is taken.
//!
//! ```text
//! each new or changed text ─┬─ unseen     what a reader does not see, or sees as something else
//!                           ├─ sentences  orders, secrecy, secrets, sending, other tools; only in sentences that are new
//!                           └─ values     addresses, defaults, icons, media types
//! each new parameter ────────── asked     credentials, the conversation, commands
//! all findings of the rules ─── those that the older manifest did not have
//! ```
mod asked;
mod findings;
mod phrases;
mod places;
mod sentences;
mod tongues;
mod tools;
mod unseen;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Entry, Kind, Manifest, Role, Subject, Text},
};
use serde_json::Value;

use super::{Signals, pairs::Pairs, sink::Sink};

/// The longest part of a text that is looked at word by word; the rest of a longer one is a sign by itself.
const MAX_TEXT: usize = 64 << 10;
/// The most bytes of new texts that are looked at in one comparison. More than this is not read, and that is said.
const MAX_ALL: usize = 1 << 20;

/// Says every sign of risk that `after` has and `before` had not.
pub(super) fn compare(before: &Manifest, after: &Manifest, pairs: &Pairs<'_>, signals: Signals, sink: &mut Sink) {
    let old = Before::of(before, after, pairs);
    let mut left = MAX_ALL;
    for text in after.texts() {
        look(&text, &old, &mut left, sink);
    }
    if left == 0 {
        let message = "there is more new text than is looked at for signs of risk";
        sink.add(DriftLevel::Dangerous, Subject::server(), message, None, None);
    }
    let renamed = pairs.renamed.iter();
    for (a, b) in pairs.same.iter().chain(renamed) {
        values::compare(a, b, sink);
        asked::template(Some(a), b, sink);
        asked::compare(a, b, sink);
    }
    for entry in &pairs.added {
        asked::added(entry, sink);
        values::added(entry, sink);
        asked::template(None, entry, sink);
    }
    findings::compare(before, after, &old, signals, sink);
}

/// What the older manifest said.
pub(super) struct Before<'a> {
    texts: BTreeMap<Subject, &'a str>,
    /// Every text of an entry, by the entry's place.
    of_entry: BTreeSet<(Subject, &'a str)>,
    /// Every sentence, as [`sentences::fold`] leaves it.
    sentences: BTreeSet<String>,
    hosts: BTreeSet<String>,
    /// Names of tools, parameters and values, before and after, in lower case.
    names: BTreeSet<String>,
    /// Places of entries, after, that are for talking or thinking: they ask for what was said.
    talking: BTreeSet<Subject>,
    /// The place of an entry before, by its place after, where these differ.
    renamed: BTreeMap<Subject, Subject>,
}

impl<'a> Before<'a> {
    fn of(before: &'a Manifest, after: &Manifest, pairs: &Pairs<'_>) -> Self {
        let mut old = Self {
            texts: BTreeMap::new(),
            of_entry: BTreeSet::new(),
            sentences: BTreeSet::new(),
            hosts: BTreeSet::new(),
            names: BTreeSet::new(),
            talking: Kind::ALL
                .iter()
                .flat_map(|kind| after.entries(*kind))
                .filter(|entry| asked::talks(entry))
                .map(Entry::subject)
                .collect(),
            renamed: pairs.renamed.iter().map(|(a, b)| (b.subject(), a.subject())).collect(),
        };
        for text in before.texts() {
            old.hosts.extend(places::hosts(text.text));
            old.sentences.extend(sentences::split(text.text).iter().map(|sentence| sentences::fold(sentence)));
            old.of_entry.insert((text.subject.entry_of(), text.text));
            old.texts.entry(text.subject).or_insert(text.text);
        }
        for manifest in [before, after] {
            for text in manifest.texts() {
                if matches!(text.role, Role::Name | Role::Parameter | Role::Enum) && text.text.len() <= 100 {
                    old.names.insert(text.text.to_lowercase());
                }
            }
        }
        old
    }

    /// The older text at the place of a newer one.
    fn text(&self, subject: &Subject) -> Option<&'a str> {
        self.texts.get(&self.place(subject)).copied()
    }

    /// Where a place of the newer manifest was in the older one.
    fn place(&self, subject: &Subject) -> Subject {
        let entry = subject.entry_of();
        let Some(was) = self.renamed.get(&entry) else { return subject.clone() };
        let rest = subject.as_str().strip_prefix(entry.as_str()).unwrap_or_default();
        // Both parts are escaped already; members are added one by one so that they stay so.
        rest.split('/')
            .skip(1)
            .fold(was.clone(), |place, member| place.at(member.replace("~1", "/").replace("~0", "~")))
    }

    /// Whether a host, or one of the same owner, was named before.
    fn knows_host(&self, host: &str) -> bool {
        self.hosts.contains(host) || self.hosts.iter().any(|known| places::owner(known) == places::owner(host))
    }
}

fn look(text: &Text<'_>, old: &Before<'_>, left: &mut usize, sink: &mut Sink) {
    let was = old.text(&text.subject);
    let moved = !matches!(text.role, Role::Parameter | Role::Default)
        && old.of_entry.contains(&(old.place(&text.subject).entry_of(), text.text));
    if was == Some(text.text) || moved || *left == 0 {
        return;
    }
    *left = left.saturating_sub(text.text.len().min(MAX_TEXT));
    let mut say = |message: &str| {
        sink.add(DriftLevel::Dangerous, text.subject.clone(), message, was, Some(text.text));
    };
    let (own, rest) = cut(text.text);
    if !rest.is_empty() {
        say("the text is far longer than a text for a model needs to be");
    }
    // Contents of a resource come encoded by rule; what they say is judged like any text.
    let blob =
        (text.subject.as_str().ends_with("/blob") && text.text != "blob").then(|| unseen::contents(own)).flatten();
    let own = blob.as_deref().unwrap_or(own);
    for sign in unseen::signs(was.map_or("", |was| cut(was).0), own, text.role) {
        say(sign);
    }
    if matches!(text.role, Role::Icon) {
        return;
    }
    let talking = old.talking.contains(&text.subject.entry_of());
    for sign in sentences::signs(was.map_or("", |was| cut(was).0), own, talking, old) {
        say(&sign);
    }
    let bare = matches!(text.role, Role::Default | Role::Enum | Role::Meta);
    if bare && let Some(sign) = values::address(text.role, own, was, old) {
        say(&sign);
    }
}

fn cut(text: &str) -> (&str, &str) {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_TEXT).last().unwrap_or(0);
    if text.len() <= MAX_TEXT { (text, "") } else { text.split_at(end) }
}

/// The schemas of an entry's parameters, by their path of names; for prompts its arguments.
fn parameters(entry: &Entry) -> BTreeMap<String, (Subject, String, Value)> {
    let mut out = BTreeMap::new();
    match entry.kind() {
        Kind::Tool => {
            if let Some(schema) = entry.get("inputSchema") {
                properties(schema, &entry.subject().at("inputSchema"), "", 0, &mut out);
            }
        }
        Kind::Prompt => {
            let list = entry.get("arguments").and_then(Value::as_array).into_iter().flatten();
            for (index, argument) in list.enumerate() {
                if let Some(name) = argument.get("name").and_then(Value::as_str) {
                    let at = entry.subject().at("arguments").at(index);
                    out.insert(name.to_owned(), (at, name.to_owned(), argument.clone()));
                }
            }
        }
        Kind::Resource | Kind::Template => {}
    }
    out
}

/// Every member of every `properties` below, wherever libraries put them.
fn properties(
    schema: &Value,
    at: &Subject,
    path: &str,
    depth: usize,
    out: &mut BTreeMap<String, (Subject, String, Value)>,
) {
    if depth > 40 || out.len() > 20_000 {
        return;
    }
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("properties", Value::Object(members)) => {
                        for (name, value) in members {
                            let place = at.at(key).at(name);
                            let path = format!("{path}/{name}");
                            properties(value, &place, &path, depth + 1, out);
                            out.entry(path).or_insert_with(|| (place, name.clone(), value.clone()));
                        }
                    }
                    ("default" | "enum" | "const" | "examples", _) => {}
                    // Where a definition stands says nothing about what it is: its members keep their own names only.
                    (_, Value::Object(_) | Value::Array(_)) => properties(value, &at.at(key), path, depth + 1, out),
                    _ => {}
                }
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                properties(value, &at.at(index), path, depth + 1, out);
            }
        }
        _ => {}
    }
}
