//! Which policy an approval was given under: a hash of `[policy]`, so that a criterion can ask for the same one.
use serde_json::{Map, Value};
use toml_edit::{Document, Item, Value as Toml};

use crate::{digest::Digest, manifest::json};

/// The hash over the policy as written.
pub type RulesId = Digest;

/// The SHA-256 over the canonical JSON of `[policy]` in these texts: mcp.toml first, then what it extends. Order, spacing and
/// comments do not count; `exempt` and `approvals` do not either, since they say nothing about what a reviewer is shown. What is
/// not TOML counts as nothing: the caller has read it already.
pub fn rules_id<'t>(texts: impl IntoIterator<Item = &'t str>) -> RulesId {
    let tables: Vec<Value> = texts.into_iter().map(policy_of).collect();
    Digest::sha256_of(&json::canonical(&Value::Array(tables)))
}

fn policy_of(text: &str) -> Value {
    let Ok(document) = Document::parse(text) else { return Value::Null };
    let mut policy = document.as_table().get("policy").map(of_item).unwrap_or_default();
    if let Value::Object(keys) = &mut policy {
        keys.retain(|key, _| !matches!(key.as_str(), "exempt" | "approvals"));
    }
    policy
}

fn of_item(item: &Item) -> Value {
    if let Some(table) = item.as_table_like() {
        return table.iter().map(|(key, item)| (key.to_owned(), of_item(item))).collect::<Map<_, _>>().into();
    }
    if let Some(tables) = item.as_array_of_tables() {
        let of_table = |table: &toml_edit::Table| {
            Value::Object(table.iter().map(|(key, item)| (key.to_owned(), of_item(item))).collect())
        };
        return tables.iter().map(of_table).collect();
    }
    item.as_value().map(of_value).unwrap_or_default()
}

fn of_value(value: &Toml) -> Value {
    match value {
        Toml::String(text) => text.value().clone().into(),
        Toml::Integer(number) => (*number.value()).into(),
        Toml::Float(number) => (*number.value()).into(),
        Toml::Boolean(flag) => (*flag.value()).into(),
        Toml::Datetime(time) => time.value().to_string().into(),
        Toml::Array(list) => list.iter().map(of_value).collect(),
        Toml::InlineTable(table) => {
            table.iter().map(|(key, value)| (key.to_owned(), of_value(value))).collect::<Map<_, _>>().into()
        }
    }
}
