//! Which entry of the newer manifest is which of the older one: by name, and by content where a name is gone.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::manifest::{Entry, Kind, Manifest, json};
use serde_json::Value;

use super::{name_words, schema, words};

/// The most pairs of a removed and an added entry whose contents are compared.
const MAX_COMPARED: usize = 40_000;

/// The entries of two manifests, matched.
#[derive(Default)]
pub(super) struct Pairs<'a> {
    /// Of one name.
    pub(super) same: Vec<(&'a Entry, &'a Entry)>,
    /// Of two names, and of one content or nearly so.
    pub(super) renamed: Vec<(&'a Entry, &'a Entry)>,
    /// Only before.
    pub(super) removed: Vec<&'a Entry>,
    /// Only after.
    pub(super) added: Vec<&'a Entry>,
}

impl<'a> Pairs<'a> {
    /// Matches all entries.
    pub(super) fn of(before: &'a Manifest, after: &'a Manifest) -> Self {
        let mut pairs = Self::default();
        for kind in Kind::ALL {
            pairs.kind(before.entries(kind), after.entries(kind));
        }
        pairs
    }

    fn kind(&mut self, before: &'a [Entry], after: &'a [Entry]) {
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        let (mut old, mut new) = (grouped(before), grouped(after));
        let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        for name in names {
            let (mut olds, mut news) = (old.remove(name).unwrap_or_default(), new.remove(name).unwrap_or_default());
            // Several entries of one name: equal ones belong together, the others in their order.
            if olds.len() > 1 || news.len() > 1 {
                olds.retain(|old| {
                    let equal = news.iter().position(|new| new.json() == old.json());
                    if let Some(at) = equal {
                        self.same.push((old, news.remove(at)));
                    }
                    equal.is_none()
                });
            }
            let both = olds.len().min(news.len());
            self.same.extend(olds.iter().copied().zip(news.iter().copied()));
            gone.extend(olds.drain(both..));
            come.extend(news.drain(both..));
        }
        self.unnamed(gone, come);
    }

    /// Matches what has no name in common, the most alike first.
    fn unnamed(&mut self, gone: Vec<&'a Entry>, come: Vec<&'a Entry>) {
        let old: Vec<Content> = gone.iter().map(|entry| Content::of(entry)).collect();
        let new: Vec<Content> = come.iter().map(|entry| Content::of(entry)).collect();
        let mut scored = Vec::new();
        let mut left = MAX_COMPARED;
        for (i, a) in old.iter().enumerate() {
            for (j, b) in new.iter().enumerate() {
                // Beyond the bound only equal content is found: that costs one comparison of texts.
                let score = if left > 0 { a.alike(b) } else { u32::from(a.exact == b.exact && a.says_much) * 2_000 };
                left = left.saturating_sub(1);
                if score > 0 {
                    scored.push((u32::MAX - score, i, j));
                }
            }
        }
        scored.sort_unstable();
        let (mut used_old, mut used_new) = (BTreeSet::new(), BTreeSet::new());
        for (_, i, j) in scored {
            if !used_old.contains(&i) && !used_new.contains(&j) {
                used_old.insert(i);
                used_new.insert(j);
                self.renamed.push((gone[i], come[j]));
            }
        }
        self.removed.extend(gone.iter().enumerate().filter(|(i, _)| !used_old.contains(i)).map(|(_, entry)| *entry));
        self.added.extend(come.iter().enumerate().filter(|(j, _)| !used_new.contains(j)).map(|(_, entry)| *entry));
    }
}

/// Whether two names are the same words in another spelling: `listIssues` and `list-issues`.
pub(super) fn respelled(a: &str, b: &str) -> bool {
    name_words(a).concat() == name_words(b).concat() && a.is_ascii() && b.is_ascii()
}

fn grouped(entries: &[Entry]) -> BTreeMap<&str, Vec<&Entry>> {
    let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        groups.entry(entry.name()).or_default().push(entry);
    }
    groups
}

/// What is compared when names do not match.
struct Content<'a> {
    entry: &'a Entry,
    description: &'a str,
    parameters: BTreeSet<String>,
    /// Everything but the name and the title.
    exact: Vec<u8>,
    /// Whether there is enough for equality to mean something.
    says_much: bool,
}

impl<'a> Content<'a> {
    fn of(entry: &'a Entry) -> Self {
        let description = entry.get("description").and_then(Value::as_str).unwrap_or_default();
        let mut rest = entry.json().clone();
        if let Value::Object(map) = &mut rest {
            for key in ["name", "title", "uri", "uriTemplate", "annotations", "icons", "_meta"] {
                map.remove(key);
            }
            if let Some(schema) = map.get_mut("inputSchema") {
                *schema = schema::normalise(schema, entry.name());
            }
        }
        let properties = rest.get("inputSchema").and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let mut parameters: BTreeSet<String> = properties.map(|map| map.keys().cloned().collect()).unwrap_or_default();
        let arguments = entry.get("arguments").and_then(Value::as_array).into_iter().flatten();
        parameters.extend(arguments.filter_map(|argument| argument.get("name")?.as_str()).map(str::to_owned));
        let says_much = description.split_whitespace().count() >= 3 || parameters.len() >= 2;
        Self { entry, description, parameters, exact: json::canonical(&rest), says_much }
    }

    /// How much two entries have in common, in thousandths; 0 if too little to speak of one entry.
    fn alike(&self, other: &Self) -> u32 {
        let (a, b) = (self.entry, other.entry);
        if respelled(a.name(), b.name()) {
            return 3_000;
        }
        if matches!(a.kind(), Kind::Resource | Kind::Template) {
            // The address is the name here; a document is known by what it is called.
            let called = |entry: &Entry| entry.get("name").and_then(Value::as_str).map(str::to_owned);
            return match (called(a), called(b)) {
                (Some(old), Some(new)) if old == new && !old.is_empty() => 2_000,
                _ if self.says_much && self.exact == other.exact => 1_000,
                _ => 0,
            };
        }
        if self.exact == other.exact && self.says_much {
            return 2_000;
        }
        let text = words::alike(self.description, other.description);
        let enough = self.description.split_whitespace().count().min(other.description.split_whitespace().count()) >= 4;
        let parameters = share(&self.parameters, &other.parameters);
        let some = !self.parameters.is_empty() && !other.parameters.is_empty();
        let names = share(&name_words(a.name()).into_iter().collect(), &name_words(b.name()).into_iter().collect());
        let one = (enough && text >= 600 && (parameters >= 500 || names >= 300))
            || (some && parameters >= 750 && self.parameters.len() >= 2 && text >= 350)
            || (names >= 500 && parameters >= 500 && some && text >= 300);
        if one { text + parameters + names / 2 } else { 0 }
    }
}

fn share(a: &BTreeSet<String>, b: &BTreeSet<String>) -> u32 {
    let all = a.union(b).count();
    if all == 0 {
        return 1_000;
    }
    u32::try_from(a.intersection(b).count() * 1_000 / all).unwrap_or(0)
}
