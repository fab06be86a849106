//! Who published which version, as the long form of a packument tells it: `_npmUser` and `maintainers` of every version.
//!
//! npm writes them when a version is published, and unsigned. The short form has neither.
use std::{borrow::Cow, collections::BTreeMap};

use mcpsec_model::publication::Publisher;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use smol_str::SmolStr;

/// Longest account name that is kept, in bytes. npm allows 214.
const MAX_NAME: usize = 256;

/// Most maintainers of one version that are kept.
const MAX_MAINTAINERS: usize = 200;

/// Most people of one packument, versions taken together; a record with more keeps none.
const MAX_PEOPLE: usize = 200_000;

/// One version's people as the record has them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct People {
    publisher: Option<Publisher>,
    maintainers: Vec<String>,
}

impl People {
    /// Reads leniently: what is no account is as good as absent.
    pub(crate) fn read(user: Option<&RawValue>, maintainers: Option<&RawValue>) -> Self {
        let parse = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
        let publisher = user.and_then(parse).and_then(|user| {
            let workflow = user.get("trustedPublisher").and_then(|by| by.get("id")).and_then(Value::as_str);
            match workflow {
                Some(kind) if is_name(kind) => Some(Publisher::Workflow(kind.into())),
                _ => account(&user).map(|name| Publisher::Account(name.into())),
            }
        });
        let mut names: Vec<String> = match maintainers.and_then(parse) {
            Some(Value::Array(list)) => list.iter().take(MAX_MAINTAINERS).filter_map(account).collect(),
            _ => Vec::new(),
        };
        names.sort();
        names.dedup();
        Self { publisher, maintainers: names }
    }
}

/// `{"name", "email"}`, or `name <email>` in old records.
fn account(value: &Value) -> Option<String> {
    let name = match value {
        Value::String(text) => text.split(" <").next().unwrap_or_default(),
        other => other.get("name")?.as_str()?,
    };
    is_name(name).then(|| name.to_owned())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME
}

/// The people part of the compact text: each set of maintainers once.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct SlimPeople<'a> {
    #[serde(borrow)]
    sets: Vec<Vec<Cow<'a, str>>>,
    /// By version: the publisher, whether that is a workflow, and the place of its set.
    #[serde(borrow)]
    by: BTreeMap<Cow<'a, str>, SlimPublisher<'a>>,
}

type SlimPublisher<'a> = (Option<Cow<'a, str>>, bool, usize);

impl<'a> SlimPeople<'a> {
    /// `None` when the record tells of nobody, or of more people than anybody has.
    pub(crate) fn of(versions: &'a BTreeMap<String, People>) -> Option<Self> {
        let mut out = Self::default();
        let mut places: BTreeMap<&[String], usize> = BTreeMap::new();
        let mut people = 0;
        for (version, own) in versions.iter().filter(|(_, own)| own.publisher.is_some()) {
            let place = *places.entry(own.maintainers.as_slice()).or_insert_with(|| {
                people += own.maintainers.len();
                out.sets.push(own.maintainers.iter().map(|name| Cow::Borrowed(name.as_str())).collect());
                out.sets.len() - 1
            });
            let (name, is_workflow) = match &own.publisher {
                Some(Publisher::Account(name)) => (Some(name), false),
                Some(Publisher::Workflow(name)) => (Some(name), true),
                None => (None, false),
            };
            let name = name.map(|name| Cow::Borrowed(name.as_str()));
            out.by.insert(Cow::Borrowed(version.as_str()), (name, is_workflow, place));
        }
        (!out.by.is_empty() && people <= MAX_PEOPLE).then_some(out)
    }

    /// One version's publisher and maintainers.
    pub(crate) fn get(&self, version: &str) -> (Option<Publisher>, Vec<SmolStr>) {
        let Some((name, is_workflow, place)) = self.by.get(version) else { return (None, Vec::new()) };
        let kind = if *is_workflow { Publisher::Workflow } else { Publisher::Account };
        let maintainers = self.sets.get(*place).into_iter().flatten().map(SmolStr::new).collect();
        (name.as_deref().map(|name| kind(name.into())), maintainers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(user: &str, maintainers: &str) -> People {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("json");
        People::read(Some(&raw(user)), Some(&raw(maintainers)))
    }

    #[test]
    fn accounts_and_workflows_are_told_apart_and_the_rest_is_nobody() {
        let own =
            people(r#"{"name":"ann","email":"a@x.invalid"}"#, r#"[{"name":"bob"},"ann <a@x.invalid>",7,{"name":""}]"#);
        assert_eq!(own.publisher, Some(Publisher::Account("ann".into())));
        assert_eq!(own.maintainers, ["ann", "bob"]);
        let own = people(r#"{"name":"CI","trustedPublisher":{"id":"github"}}"#, "[]");
        assert_eq!(own.publisher, Some(Publisher::Workflow("github".into())));
        for user in ["7", "[]", "{}", "null", r#"{"name":7}"#, r#"{"name":""}"#] {
            assert_eq!(people(user, "{}"), People::default(), "{user}");
        }
        let long = format!(r#"{{"name":"{}"}}"#, "a".repeat(MAX_NAME + 1));
        assert_eq!(people(&long, "[]"), People::default());
    }

    #[test]
    fn the_compact_form_says_the_same() {
        let versions = BTreeMap::from([
            ("1.0.0".to_owned(), people(r#"{"name":"ann"}"#, r#"[{"name":"ann"},{"name":"bob"}]"#)),
            ("1.0.1".to_owned(), people(r#"{"name":"CI","trustedPublisher":{"id":"github"}}"#, r#"["bob","ann"]"#)),
            ("0.9.0".to_owned(), People::default()),
        ]);
        let text = serde_json::to_string(&SlimPeople::of(&versions).expect("people")).expect("json");
        let slim: SlimPeople<'_> = serde_json::from_str(&text).expect("json");
        assert_eq!(slim.sets.len(), 1, "equal sets are kept once");
        assert_eq!(slim.get("1.0.0"), (Some(Publisher::Account("ann".into())), vec!["ann".into(), "bob".into()]));
        assert_eq!(slim.get("1.0.1").0, Some(Publisher::Workflow("github".into())));
        assert_eq!(slim.get("0.9.0"), (None, Vec::new()));
        assert!(SlimPeople::of(&BTreeMap::new()).is_none());
    }
}
