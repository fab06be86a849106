//! An OSV service on loopback: the batch API, its records, and the archives of each ecosystem; honest, or hostile in ways that faults of
//! the transport are not.
use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    archives::zip::RawZip,
    loopback::{Loopback, Reply, Request, Routes, lock},
};

/// How the service behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OsvMood {
    /// As documented: the ids of all records that name a package, whatever the version, on one page.
    #[default]
    Honest,
    /// The same, one id a page.
    Paged,
    /// Every page has another one after it.
    Endless,
    /// One answer fewer than there were questions.
    Short,
    /// Names every record it has for every question.
    Blurting,
    /// Sends another record than the one asked for.
    Swapping,
    /// Names records by what is no id.
    Escaping,
}

/// The service. Faults and the request log are those of the [`Loopback`] it dereferences to.
pub struct OsvServer {
    http: Loopback,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    records: Mutex<BTreeMap<String, Value>>,
    mood: Mutex<OsvMood>,
    archive: Mutex<Option<Bytes>>,
}

impl Default for OsvServer {
    fn default() -> Self {
        Self::start()
    }
}

impl Deref for OsvServer {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        &self.http
    }
}

impl OsvServer {
    /// A service without records on a free port.
    pub fn start() -> Self {
        let state = Arc::<State>::default();
        Self { http: Loopback::start(Arc::clone(&state) as Arc<dyn Routes>), state }
    }

    /// Adds a record, or puts it in place of the one with its id.
    pub fn publish(&self, record: &Value) {
        let id = record["id"].as_str().expect("an id").to_owned();
        lock(&self.state.records).insert(id, record.clone());
    }

    /// From now on it behaves like this.
    pub fn set_mood(&self, mood: OsvMood) {
        *lock(&self.state.mood) = mood;
    }

    /// Sends these bytes for every archive.
    pub fn set_archive(&self, bytes: impl Into<Bytes>) {
        *lock(&self.state.archive) = Some(bytes.into());
    }
}

/// A record about one npm package: versions that it lists.
pub fn npm_advisory(id: &str, name: &str, versions: &[&str]) -> Value {
    advisory(id, "npm", name, &json!({ "versions": versions }))
}

/// A record about one package, with the members of its entry.
pub fn advisory(id: &str, ecosystem: &str, name: &str, entry: &Value) -> Value {
    let mut entry = entry.clone();
    entry["package"] = json!({"ecosystem": ecosystem, "name": name});
    json!({
        "schema_version": "1.7.0", "id": id, "modified": "2026-01-01T00:00:00Z",
        "summary": format!("what is wrong with {name}"), "affected": [entry],
    })
}

/// A zip of records, as `all.zip` is one.
pub fn advisory_zip<'a>(records: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
    let add = |zip: RawZip, record: &Value| {
        zip.file(&format!("{}.json", record["id"].as_str().unwrap_or("x")), record.to_string().as_bytes())
    };
    records.into_iter().fold(RawZip::new(), add).finish()
}

impl State {
    fn names(record: &Value, ecosystem: &Value, name: &Value) -> bool {
        let mut entries = record["affected"].as_array().into_iter().flatten();
        entries.any(|entry| entry["package"]["ecosystem"] == *ecosystem && entry["package"]["name"] == *name)
    }

    fn page(&self, query: &Value, mood: OsvMood) -> Value {
        let package = &query["package"];
        let records = lock(&self.records);
        let hits = records
            .values()
            .filter(|record| mood == OsvMood::Blurting || Self::names(record, &package["ecosystem"], &package["name"]));
        let all: Vec<Value> = hits.map(|record| json!({"id": record["id"], "modified": record["modified"]})).collect();
        let at: usize = query["page_token"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
        match mood {
            OsvMood::Escaping => json!({"vulns": [{"id": "../../x", "modified": "2026-01-01T00:00:00Z"}]}),
            OsvMood::Endless => json!({"vulns": [], "next_page_token": "again"}),
            OsvMood::Paged => {
                let mut page = json!({"vulns": all.get(at).into_iter().collect::<Vec<_>>()});
                if at + 1 < all.len() {
                    page["next_page_token"] = (at + 1).to_string().into();
                }
                page
            }
            _ if all.is_empty() => json!({}),
            _ => json!({"vulns": all}),
        }
    }
}

impl Routes for State {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let mood = *lock(&self.mood);
        let path = request.decoded_path();
        if path == "/v1/querybatch" && request.method == "POST" {
            let Ok(body) = serde_json::from_slice::<Value>(&request.body) else { return Reply::text(400, "no JSON") };
            let queries = body["queries"].as_array().cloned().unwrap_or_default();
            if queries.len() > 1000 {
                return Reply::text(400, "too many queries");
            }
            let mut results: Vec<Value> = queries.iter().map(|query| self.page(query, mood)).collect();
            if mood == OsvMood::Short {
                results.pop();
            }
            return Reply::new(200, "application/json", json!({ "results": results }).to_string());
        }
        if let Some(id) = path.strip_prefix("/v1/vulns/") {
            let records = lock(&self.records);
            let found = match mood {
                OsvMood::Swapping => records.values().find(|record| record["id"] != id),
                _ => records.get(id),
            };
            return found
                .map_or_else(Reply::not_found, |record| Reply::new(200, "application/json", record.to_string()));
        }
        if let Some(ecosystem) = path.strip_prefix('/').and_then(|path| path.strip_suffix("/all.zip")) {
            let bytes = lock(&self.archive).clone().unwrap_or_else(|| {
                let records = lock(&self.records);
                let about = |record: &&Value| {
                    let mut entries = record["affected"].as_array().into_iter().flatten();
                    entries.any(|entry| entry["package"]["ecosystem"] == ecosystem)
                };
                advisory_zip(records.values().filter(about)).into()
            });
            return Reply::metadata("application/zip", bytes);
        }
        Reply::not_found()
    }
}
