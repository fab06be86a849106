//! The keys document (`/-/npm/v1/keys`): npm's own keys, and those that pushed evidence names.
//!
//! Who verifies with keys from here believes this server. `mcpsec` does not: it has npm's keys built in and knows any other only by
//! the fingerprint that its lock pins.
use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{evidence::RegistryKey, name::Ecosystem};
use mcpsec_verify::npm::{KeySet, Usage};
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::{evidence::documents, page::Page};
use crate::{app::App, catalog::Catalog, error::ApiError};

/// The document.
pub(super) async fn page(app: &App, catalog: &Arc<Catalog>) -> Result<Page, ApiError> {
    let mut pushed = Vec::new();
    for name in catalog.names(Ecosystem::Npm) {
        for (_, files) in catalog.versions(Ecosystem::Npm, name) {
            for file in files {
                pushed.extend(documents(app, file).await?.keys);
            }
        }
        pushed.sort();
        pushed.dedup();
    }
    let body = json!({ "keys": union(pushed) }).to_string();
    Ok(Page::new("application/json", body))
}

/// A pushed key never takes the place of one that is built in; where two pushed ones claim the same id, neither is believed.
fn union(pushed: Vec<RegistryKey>) -> Vec<Value> {
    let mut all: BTreeMap<SmolStr, Option<RegistryKey>> = BTreeMap::new();
    for key in pushed {
        let id = key.keyid.clone();
        all.entry(id).and_modify(|other| *other = None).or_insert(Some(key));
    }
    for key in KeySet::built_in().iter().filter(|key| key.usage() == Usage::Signatures) {
        let own = RegistryKey {
            keyid: key.id().clone(),
            key: STANDARD.encode(key.spki()),
            scheme: SmolStr::new_static("ecdsa-sha2-nistp256"),
            expires: key.end(),
        };
        all.insert(own.keyid.clone(), Some(own));
    }
    let entry = |key: RegistryKey| {
        json!({ "expires": key.expires.map(|time| time.to_string()), "keyid": key.keyid, "keytype": key.scheme,
            "scheme": key.scheme, "key": key.key })
    };
    all.into_values().flatten().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, key: &str) -> RegistryKey {
        RegistryKey { keyid: id.into(), key: key.to_owned(), scheme: "ecdsa-sha2-nistp256".into(), expires: None }
    }

    #[test]
    fn pushed_keys_replace_nothing() {
        let own = union(Vec::new());
        assert_eq!(own.len(), 2, "npm's old key and its successor");
        let id = own[0]["keyid"].as_str().expect("an id");
        let all = union(vec![key(id, "evil"), key("SHA256:team", "k1")]);
        assert!(all.contains(&own[0]) && all.contains(&own[1]));
        assert_eq!(all.len(), 3);
        assert_eq!(union(vec![key("SHA256:team", "k1"), key("SHA256:team", "k2")]), own, "which of the two?");
    }
}
