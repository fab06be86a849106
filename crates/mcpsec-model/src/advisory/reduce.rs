//! What is kept of a record: what is read of it, and nothing else. A record that was reduced is an OSV record still, so kept and fetched
//! ones go through one reader.
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Advisory, AdvisoryError, MAX_RECORD, Record, Unread, ecosystem_of, read};
use crate::{
    manifest::json::{self, parse},
    name::{Ecosystem, PackageName},
    text::Untrusted,
    time::Timestamp,
};

/// The member that a stored record has in place of its words when they could not be read.
const UNREADABLE: &str = "mcpsec_unreadable";

/// A record in the form that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reduced {
    /// Its id, as it is written there.
    pub id: String,
    /// When it last changed, if that can be read.
    pub modified: Option<Timestamp>,
    /// The packages it names, sorted; it is found by these.
    pub packages: Vec<(Ecosystem, PackageName)>,
    /// Canonical JSON, which [`Reduced::read`] reads.
    pub bytes: Vec<u8>,
    /// Why it cannot be understood, if it cannot. It is kept, so that the packages it names are not taken for good.
    pub unreadable: Option<String>,
}

impl Reduced {
    /// Reads what [`reduce`] made.
    ///
    /// # Errors
    /// The bytes are not such a record: somebody changed them.
    pub fn read(bytes: &[u8]) -> Result<Record, AdvisoryError> {
        if bytes.len() > MAX_RECORD {
            return Err(AdvisoryError::TooLarge(bytes.len()));
        }
        let value = parse(bytes)?;
        if let Some(why) = value.get(UNREADABLE).and_then(Value::as_str) {
            let id = value.get("id").and_then(Value::as_str).unwrap_or("a record without an id");
            return Ok(Err(Unread { id: Untrusted::new(id).excerpt(60), why: Untrusted::new(why).excerpt(200) }));
        }
        Advisory::of_value(&value).map(Ok)
    }
}

/// Reduces a record. `None`: it is about no package of npm or PyPI.
///
/// # Errors
/// It cannot be read, and not even the packages it is about can be told.
pub fn reduce(bytes: &[u8]) -> Result<Option<Reduced>, AdvisoryError> {
    if bytes.len() > MAX_RECORD {
        return Err(AdvisoryError::TooLarge(bytes.len()));
    }
    let value = parse(bytes)?;
    match Advisory::of_value(&value) {
        Ok(advisory) if advisory.affected.is_empty() => Ok(None),
        Ok(advisory) => Ok(Some(known(&value, &advisory))),
        Err(error) => unknown(&value, error),
    }
}

fn known(value: &Value, advisory: &Advisory) -> Reduced {
    let mut out = Map::new();
    for key in ["id", "modified", "withdrawn", "aliases", "severity"] {
        if let Some(member) = value.get(key) {
            out.insert(key.to_owned(), member.clone());
        }
    }
    if let Some(summary) = &advisory.summary {
        out.insert("summary".to_owned(), summary.raw().into());
    }
    let references: Vec<Value> = advisory.references.iter().map(|url| json!({ "url": url.raw() })).collect();
    out.insert("references".to_owned(), references.into());
    let mut specific = severity_word(value);
    if advisory.malicious {
        specific.insert("malicious-packages-origins".to_owned(), json!([]));
    }
    out.insert("database_specific".to_owned(), specific.into());
    let entries = value.get("affected").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let ours = |entry: &&Value| entry.as_object().is_some_and(|entry| matches!(read::package(entry, ""), Ok(Some(_))));
    let affected: Vec<Value> = entries.iter().filter(ours).map(affected).collect();
    out.insert("affected".to_owned(), affected.into());
    Reduced {
        id: advisory.id.to_string(),
        modified: Some(advisory.modified),
        packages: packages(advisory.affected.iter().map(|affected| (affected.ecosystem, affected.name.clone()))),
        bytes: json::canonical(&Value::Object(out)),
        unreadable: None,
    }
}

fn affected(entry: &Value) -> Value {
    let mut out = Map::new();
    for key in ["package", "versions", "ranges", "severity"] {
        if let Some(member) = entry.get(key) {
            out.insert(key.to_owned(), member.clone());
        }
    }
    let specific = severity_word(entry);
    if !specific.is_empty() {
        out.insert("database_specific".to_owned(), specific.into());
    }
    if let Some(word) = entry.get("ecosystem_specific").and_then(|specific| specific.get("severity")) {
        out.insert("ecosystem_specific".to_owned(), json!({ "severity": word }));
    }
    Value::Object(out)
}

fn severity_word(value: &Value) -> Map<String, Value> {
    let word =
        value.get("database_specific").and_then(|specific| specific.get("severity")).filter(|word| word.is_string());
    word.map(|word| ("severity".to_owned(), word.clone())).into_iter().collect()
}

/// A record that says something we cannot read about packages that we can name.
fn unknown(value: &Value, error: AdvisoryError) -> Result<Option<Reduced>, AdvisoryError> {
    let named = |entry: &Value| {
        let package = entry.get("package")?;
        let name = package.get("name")?.as_str()?;
        match ecosystem_of(package.get("ecosystem")?.as_str()?)? {
            Ecosystem::Npm => Some((Ecosystem::Npm, PackageName::npm(name).ok()?)),
            Ecosystem::Pypi => Some((Ecosystem::Pypi, PackageName::pypi(name).ok()?)),
            Ecosystem::Git => None,
        }
    };
    let entries = value.get("affected").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let packages = packages(entries.iter().filter_map(named));
    if packages.is_empty() {
        return Err(error);
    }
    let id = Untrusted::new(value.get("id").and_then(Value::as_str).unwrap_or("a record without an id")).excerpt(60);
    let why = error.to_string();
    let out = json!({ "id": id, UNREADABLE: why });
    let modified = value.get("modified").and_then(Value::as_str).and_then(|text| text.parse().ok());
    Ok(Some(Reduced { id, modified, packages, bytes: json::canonical(&out), unreadable: Some(why) }))
}

fn packages(found: impl Iterator<Item = (Ecosystem, PackageName)>) -> Vec<(Ecosystem, PackageName)> {
    found.collect::<BTreeSet<_>>().into_iter().collect()
}
