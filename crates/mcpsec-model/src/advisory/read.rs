//! From the bytes of an OSV record to an [`Advisory`]: strict about what is used, deaf to what is not, bounded in every direction.
//!
//! Unknown members are passed over, as the schema asks of readers. A member that is used and has another shape than the schema gives it
//! makes the whole record unreadable: half an advisory would look like a smaller one.
use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{Advisory, AdvisoryId, Affected, Event, Graded, Range, RangeKind, ecosystem_of};
use crate::{
    manifest::json::{self, JsonError},
    name::{Ecosystem, PackageName},
    text::Untrusted,
    time::Timestamp,
};

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 4 << 20;
/// Most packages of one record.
const MAX_AFFECTED: usize = 20_000;
/// Most versions and events of one record together.
const MAX_POINTS: usize = 200_000;
/// Longest version.
const MAX_VERSION: usize = 512;
/// Most aliases, and most severities.
const MAX_ALIASES: usize = 200;
/// References that are kept.
const MAX_REFERENCES: usize = 10;
/// Characters of the summary that are kept.
const MAX_SUMMARY: usize = 300;

/// Why bytes are not a record that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdvisoryError {
    /// Longer than [`MAX_RECORD`].
    #[error("it has {0} bytes, more than {MAX_RECORD}")]
    TooLarge(usize),
    /// Not JSON.
    #[error("it is not JSON that can be relied on: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or has another shape than the OSV schema gives it.
    #[error("{path}: {problem}")]
    Shape {
        /// Where in the record.
        path: String,
        /// What is wrong, escaped.
        problem: String,
    },
}

impl Advisory {
    /// Reads one record.
    ///
    /// # Errors
    /// [`AdvisoryError`]: too long, not strict JSON, or a member that is used is missing or misshapen.
    pub fn read(bytes: &[u8]) -> Result<Self, AdvisoryError> {
        if bytes.len() > MAX_RECORD {
            return Err(AdvisoryError::TooLarge(bytes.len()));
        }
        Self::of_value(&json::parse(bytes)?)
    }

    /// The record of a document that was parsed.
    pub(super) fn of_value(value: &Value) -> Result<Self, AdvisoryError> {
        let record = value.as_object().ok_or_else(|| shape("record", "must be an object"))?;
        let id: AdvisoryId = text(record, "id")?
            .ok_or_else(|| shape("id", "is missing"))?
            .parse()
            .map_err(|error: super::AdvisoryIdError| shape("id", error.to_string()))?;
        let modified = time(record, "modified")?.ok_or_else(|| shape("modified", "is missing"))?;
        let mut budget = MAX_POINTS;
        let (affected, inner) = read_affected(record, &mut budget)?;
        let graded = read_grades(record).into_iter().chain(inner).max_by_key(|graded| {
            // A score says more than a word of the same grade.
            (graded.grade, graded.tenths)
        });
        let mut aliases = read_aliases(record)?;
        aliases.retain(|alias| *alias != id);
        Ok(Self {
            malicious: id.is_malware() || says_malicious(record),
            summary: summary(record)?,
            withdrawn: time(record, "withdrawn")?,
            references: references(record),
            id,
            aliases,
            graded,
            modified,
            affected,
        })
    }
}

pub(super) fn shape(path: impl Into<String>, problem: impl Into<String>) -> AdvisoryError {
    AdvisoryError::Shape { path: path.into(), problem: problem.into() }
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Result<Option<&'v str>, AdvisoryError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(shape(key, "must be a text")),
    }
}

fn list<'v>(map: &'v Map<String, Value>, key: &str, path: &str) -> Result<&'v [Value], AdvisoryError> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(shape(path, "must be a list")),
    }
}

/// An instant. A withdrawal that cannot be read must not pass for none, nor for one.
fn time(record: &Map<String, Value>, key: &str) -> Result<Option<Timestamp>, AdvisoryError> {
    let Some(text) = text(record, key)? else { return Ok(None) };
    let refuse = || shape(key, format!("`{}` is not an instant (RFC 3339)", Untrusted::new(text).excerpt(40)));
    text.parse().map(Some).map_err(|_| refuse())
}

fn summary(record: &Map<String, Value>) -> Result<Option<Untrusted>, AdvisoryError> {
    let words = text(record, "summary")?.map(str::trim).filter(|text| !text.is_empty());
    let words = words.or(text(record, "details")?.map(str::trim).filter(|text| !text.is_empty()));
    let line =
        words.and_then(|words| words.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric)));
    Ok(line.map(|line| Untrusted::new(line.chars().take(MAX_SUMMARY).collect::<String>().trim_end())))
}

fn read_aliases(record: &Map<String, Value>) -> Result<Vec<AdvisoryId>, AdvisoryError> {
    let list = list(record, "aliases", "aliases")?;
    if list.len() > MAX_ALIASES {
        return Err(shape("aliases", format!("more than {MAX_ALIASES}")));
    }
    // An alias decides nothing but which records are shown as one.
    let mut aliases: Vec<AdvisoryId> =
        list.iter().filter_map(|alias| alias.as_str().and_then(|alias| alias.parse().ok())).collect();
    aliases.sort();
    aliases.dedup();
    Ok(aliases)
}

fn references(record: &Map<String, Value>) -> Vec<Untrusted> {
    let all = record.get("references").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let addresses = all.iter().take(1000).filter_map(|reference| reference.get("url")?.as_str());
    let web = addresses.filter(|url| url.len() <= 500 && (url.starts_with("https://") || url.starts_with("http://")));
    web.take(MAX_REFERENCES).map(Untrusted::new).collect()
}

/// OSV's malicious-packages database marks its records, and GitHub's advisories name the weakness "embedded malicious code".
fn says_malicious(record: &Map<String, Value>) -> bool {
    let Some(specific) = record.get("database_specific") else { return false };
    let weaknesses = specific.get("cwe_ids").and_then(Value::as_array);
    specific.get("malicious-packages-origins").is_some()
        || weaknesses.is_some_and(|ids| ids.iter().any(|id| id.as_str() == Some("CWE-506")))
}

/// Every grade that a record, or its part about one package, gives.
fn read_grades(map: &Map<String, Value>) -> Vec<Graded> {
    let list = map.get("severity").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let vectors = list.iter().take(MAX_ALIASES).filter_map(|entry| Graded::of_vector(entry.get("score")?.as_str()?));
    let words = ["database_specific", "ecosystem_specific"]
        .into_iter()
        .filter_map(|place| Graded::of_word(map.get(place)?.get("severity")?.as_str()?));
    vectors.chain(words).collect()
}

fn read_affected(
    record: &Map<String, Value>,
    budget: &mut usize,
) -> Result<(Vec<Affected>, Vec<Graded>), AdvisoryError> {
    let entries = list(record, "affected", "affected")?;
    if entries.len() > MAX_AFFECTED {
        return Err(shape("affected", format!("more than {MAX_AFFECTED} packages")));
    }
    let (mut affected, mut grades) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("affected[{index}]");
        let entry = entry.as_object().ok_or_else(|| shape(&path, "must be an object"))?;
        let Some((ecosystem, name)) = package(entry, &path)? else { continue };
        let versions = list(entry, "versions", &format!("{path}.versions"))?;
        spend(budget, versions.len(), &path)?;
        let versions = versions
            .iter()
            .map(|version| version_text(version, &format!("{path}.versions")))
            .collect::<Result<Vec<_>, _>>()?;
        let ranges = list(entry, "ranges", &format!("{path}.ranges"))?
            .iter()
            .map(|range| read_range(range, &format!("{path}.ranges"), budget))
            .collect::<Result<Vec<_>, _>>()?;
        grades.extend(read_grades(entry));
        affected.push(Affected { ecosystem, name, versions, ranges });
    }
    Ok((affected, grades))
}

/// The package of an entry; none where it is of another ecosystem, or of a name that no lock could hold.
pub(super) fn package(
    entry: &Map<String, Value>,
    path: &str,
) -> Result<Option<(Ecosystem, PackageName)>, AdvisoryError> {
    let package = match entry.get("package") {
        None | Some(Value::Null) => return Ok(None),
        Some(package) => package.as_object().ok_or_else(|| shape(format!("{path}.package"), "must be an object"))?,
    };
    let (Some(ecosystem), Some(name)) = (text(package, "ecosystem")?, text(package, "name")?) else {
        return Err(shape(format!("{path}.package"), "needs an ecosystem and a name"));
    };
    Ok(match ecosystem_of(ecosystem) {
        Some(Ecosystem::Npm) => PackageName::npm(name).ok().map(|name| (Ecosystem::Npm, name)),
        Some(Ecosystem::Pypi) => PackageName::pypi(name).ok().map(|name| (Ecosystem::Pypi, name)),
        Some(Ecosystem::Git) | None => None,
    })
}

fn read_range(value: &Value, path: &str, budget: &mut usize) -> Result<Range, AdvisoryError> {
    let range = value.as_object().ok_or_else(|| shape(path, "must hold objects"))?;
    let kind = match text(range, "type")? {
        Some("SEMVER") => RangeKind::Semver,
        Some("ECOSYSTEM") => RangeKind::Ecosystem,
        Some("GIT") => RangeKind::Git,
        _ => RangeKind::Other,
    };
    let events = list(range, "events", &format!("{path}.events"))?;
    spend(budget, events.len(), path)?;
    let mut read = Vec::with_capacity(events.len());
    for event in events {
        let event = event.as_object().ok_or_else(|| shape(format!("{path}.events"), "must hold objects"))?;
        let before = read.len();
        // The schema has one member an event; older records put two into one.
        for (key, make) in EVENTS {
            if let Some(version) = event.get(*key) {
                read.push(make(version_text(version, &format!("{path}.events.{key}"))?));
            }
        }
        if read.len() == before {
            read.push(Event::Other);
        }
    }
    Ok(Range { kind, events: read })
}

type MakeEvent = fn(SmolStr) -> Event;

const EVENTS: &[(&str, MakeEvent)] = &[
    ("introduced", Event::Introduced),
    ("fixed", Event::Fixed),
    ("last_affected", Event::LastAffected),
    ("limit", Event::Limit),
];

fn version_text(value: &Value, path: &str) -> Result<SmolStr, AdvisoryError> {
    match value.as_str() {
        Some(text) if text.len() <= MAX_VERSION => Ok(text.into()),
        Some(_) => Err(shape(path, format!("a version longer than {MAX_VERSION} bytes"))),
        None => Err(shape(path, "versions must be texts")),
    }
}

fn spend(budget: &mut usize, points: usize, path: &str) -> Result<(), AdvisoryError> {
    *budget = budget
        .checked_sub(points)
        .ok_or_else(|| shape(path, format!("more than {MAX_POINTS} versions and events in one record")))?;
    Ok(())
}
