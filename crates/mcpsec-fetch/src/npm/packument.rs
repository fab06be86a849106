//! A registry's record of one package: from the document as sent (often megabytes) to the little that is kept of it.
//!
//! [`distil`] reads the document once, skipping everything that resolution and comparison do not need, and writes a compact
//! text in the same shape; that text is what the metadata cache keeps. [`Packument`] indexes the compact text and parses
//! single versions on demand.
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use deno_npm::registry::NpmPackageInfo;
use deno_semver::{Version, VersionReq};
use jiff::Timestamp;
use mcpsec_model::{
    evidence::{Offer, Release},
    text::Untrusted,
    time::AsOf,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::{
    offer::{Evidence, SlimEvidence, SlimEvidenceIndex},
    people::SlimPeople,
    record::{VersionRecord, WireVersion},
};

/// Largest record that is read, in bytes.
pub(crate) const MAX_PACKUMENT: usize = 64 << 20;

/// Most versions in one record.
const MAX_VERSIONS: usize = 50_000;

/// Most dist-tags in one record.
const MAX_TAGS: usize = 10_000;

/// Why a document is not a package record. Safe to print.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PackumentError {
    #[error("{0}")]
    Json(String),
    #[error("it is larger than {MAX_PACKUMENT} bytes")]
    TooLong,
    #[error("it has no name")]
    NoName,
    #[error("version {0} is too large")]
    Version(String),
    #[error("it has more than {limit} {what}")]
    TooMany { what: &'static str, limit: usize },
}

impl From<serde_json::Error> for PackumentError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(Untrusted::new(error.to_string()).excerpt(200))
    }
}

/// The document as a registry sends it.
#[derive(Deserialize)]
struct WireDocument<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "dist-tags")]
    tags: Option<&'a RawValue>,
    #[serde(borrow, default)]
    versions: WireVersions<'a>,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    modified: Option<&'a RawValue>,
}

#[derive(Default)]
struct WireVersions<'a>(Vec<(Cow<'a, str>, WireVersion<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for WireVersions<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = WireVersions<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of versions")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut versions = Vec::new();
                while let Some(key) = map.next_key::<&'de RawValue>()? {
                    if versions.len() >= MAX_VERSIONS {
                        return Err(de::Error::custom(format_args!("more than {MAX_VERSIONS} versions")));
                    }
                    let key: Cow<'de, str> = borrowed(key.get()).map_err(de::Error::custom)?;
                    versions.push((key, map.next_value()?));
                }
                Ok(WireVersions(versions))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// A JSON string without a copy where it has no escapes.
fn borrowed(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => serde_json::from_str::<String>(raw).map(Cow::Owned),
    }
}

/// The compact document.
#[derive(Serialize)]
struct Slim<'a> {
    name: &'a str,
    #[serde(rename = "dist-tags")]
    tags: &'a BTreeMap<String, String>,
    versions: &'a BTreeMap<String, VersionRecord>,
    /// Publication times in milliseconds since the epoch.
    published: &'a BTreeMap<String, i64>,
    /// Versions whose publisher advises against them.
    deprecated: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<SlimEvidence<'a>>,
    /// When anything of the record last changed, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<SlimPeople<'a>>,
}

impl<'a> Slim<'a> {
    fn new(
        name: &'a str,
        tags: &'a BTreeMap<String, String>,
        versions: &'a BTreeMap<String, VersionRecord>,
        published: &'a BTreeMap<String, i64>,
    ) -> Self {
        let deprecated = versions.iter().filter(|(_, record)| record.deprecated.is_some());
        let deprecated = deprecated.map(|(version, _)| version.as_str()).collect();
        let evidence =
            versions.iter().filter_map(|(version, record)| Some((version.as_str(), &record.dist.as_ref()?.evidence)));
        let evidence = SlimEvidence::of(evidence);
        Self { name, tags, versions, published, deprecated, evidence, modified: None, people: None }
    }
}

/// Reduces a document to what is kept of it. Versions whose number is not semver, or whose record contradicts its own key, are
/// left out: nothing can select them.
pub(crate) fn distil(document: &[u8]) -> Result<Vec<u8>, PackumentError> {
    if document.len() > MAX_PACKUMENT {
        return Err(PackumentError::TooLong);
    }
    let text = std::str::from_utf8(document).map_err(|error| PackumentError::Json(error.to_string()))?;
    let wire: WireDocument<'_> = serde_json::from_str(text)?;
    let name = wire.name.as_deref().filter(|name| !name.is_empty()).ok_or(PackumentError::NoName)?;
    let (mut versions, mut people) = (BTreeMap::new(), BTreeMap::new());
    for (key, version) in &wire.versions.0 {
        let own = version.version.and_then(|raw| borrowed(raw.get()).ok());
        if !is_exact(key) || own.is_some_and(|own| own != *key) {
            continue;
        }
        let record = version
            .normalize(name, key)
            .ok_or_else(|| PackumentError::Version(Untrusted::new(key.as_ref()).excerpt(60)))?;
        people.insert(key.clone().into_owned(), version.people());
        if versions.insert(key.clone().into_owned(), record).is_some() {
            return Err(PackumentError::Version(format!("{key} appears twice, which")));
        }
    }
    let tags = string_entries(wire.tags, MAX_TAGS, "dist-tags")?
        .into_iter()
        .filter(|(tag, version)| is_plain(tag) && is_exact(version))
        .collect();
    let mut times = string_entries(wire.time, MAX_VERSIONS + MAX_TAGS, "times")?;
    let modified = wire.modified.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let modified = modified.or_else(|| times.remove("modified"));
    let published = times
        .into_iter()
        .filter(|(version, _)| versions.contains_key(version))
        .filter_map(|(version, time)| Some((version, time.parse::<Timestamp>().ok()?.as_millisecond())))
        .collect();
    let slim = Slim {
        modified: modified.and_then(|time| Some(time.parse::<Timestamp>().ok()?.as_millisecond())),
        people: SlimPeople::of(&people),
        ..Slim::new(name, &tags, &versions, &published)
    };
    Ok(serde_json::to_vec(&slim)?)
}

fn string_entries(
    raw: Option<&RawValue>,
    limit: usize,
    what: &'static str,
) -> Result<BTreeMap<String, String>, PackumentError> {
    let Some(serde_json::Value::Object(map)) = raw.and_then(|raw| serde_json::from_str(raw.get()).ok()) else {
        return Ok(BTreeMap::new());
    };
    if map.len() > limit {
        return Err(PackumentError::TooMany { what, limit });
    }
    let text = |value| match value {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    };
    Ok(map.into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect())
}

/// Printable ASCII that needs no escape in JSON: `deno_npm` reads keys without unescaping them.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

/// A full version in the one spelling that a lock can hold.
fn is_exact(text: &str) -> bool {
    is_plain(text)
        && !text.bytes().any(|b| b"@/'#?%()".contains(&b))
        && Version::parse_from_npm(text).is_ok_and(|version| version.to_string() == text)
}

/// The compact text with an index: tags, versions and their places, publication times.
pub(crate) struct Packument {
    name: String,
    pub(super) text: Bytes,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) versions: BTreeMap<String, Range<usize>>,
    pub(super) published: BTreeMap<String, i64>,
    /// Versions that a range does not select, since an older one that is not deprecated does as well.
    avoided: BTreeSet<String>,
    deprecated: BTreeSet<String>,
    /// `None` when no version has any: then the registry hands out none.
    evidence: Option<Evidence>,
    pub(super) info: OnceLock<Result<Arc<NpmPackageInfo>, String>>,
    pub(super) modified: Option<i64>,
    /// The place of the people in the text.
    pub(super) people: Option<Range<usize>>,
    /// Versions that are held back because they are young, and what the tags were before.
    pub(super) young: BTreeSet<String>,
    pub(super) told_tags: BTreeMap<String, String>,
}

impl fmt::Debug for Packument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packument").field("name", &self.name).field("versions", &self.versions.len()).finish()
    }
}

/// Shape of the compact text when it is read back.
#[derive(Deserialize)]
struct SlimIndex<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "dist-tags")]
    tags: BTreeMap<String, String>,
    #[serde(borrow)]
    versions: BTreeMap<&'a str, &'a RawValue>,
    published: BTreeMap<String, i64>,
    deprecated: BTreeSet<String>,
    #[serde(borrow, default)]
    evidence: Option<SlimEvidenceIndex<'a>>,
    #[serde(default)]
    modified: Option<i64>,
    #[serde(borrow, default)]
    people: Option<&'a RawValue>,
}

impl Packument {
    /// Indexes a text that [`distil`] made.
    pub(crate) fn parse(text: Bytes) -> Result<Self, PackumentError> {
        let slim = std::str::from_utf8(&text).map_err(|error| PackumentError::Json(error.to_string()))?;
        let index: SlimIndex<'_> = serde_json::from_str(slim)?;
        let start = slim.as_ptr() as usize;
        let place = |raw: &RawValue| {
            let from = raw.get().as_ptr() as usize - start;
            from..from + raw.get().len()
        };
        let versions = index.versions.iter().map(|(version, raw)| ((*version).to_owned(), place(raw))).collect();
        let (name, tags, published) = (index.name.into_owned(), index.tags, index.published);
        let avoided = avoided(&versions, &index.deprecated);
        let deprecated = index.deprecated;
        let evidence = index.evidence.map(|index| Evidence::new(index, place));
        let (modified, people) = (index.modified, index.people.map(place));
        let (young, told_tags, info) = (BTreeSet::new(), BTreeMap::new(), OnceLock::new());
        Ok(Self {
            name,
            tags,
            versions,
            published,
            avoided,
            deprecated,
            evidence,
            info,
            modified,
            people,
            young,
            told_tags,
            text,
        })
    }

    /// A package of a single version that no registry has; its `latest` tag points to that version.
    pub(crate) fn of_one(name: &str, record: &VersionRecord) -> Result<Self, PackumentError> {
        let tags = BTreeMap::from([("latest".to_owned(), record.version.clone())]);
        let versions = BTreeMap::from([(record.version.clone(), record.clone())]);
        let none = BTreeMap::new();
        Self::parse(serde_json::to_vec(&Slim::new(name, &tags, &versions, &none))?.into())
    }

    /// The package's name as the record says it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether there is nothing to choose from.
    pub(crate) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Whether the registry told when versions were published.
    pub(crate) fn has_times(&self) -> bool {
        !self.published.is_empty()
    }

    /// One version's record.
    pub(crate) fn version(&self, version: &str) -> Option<VersionRecord> {
        serde_json::from_slice(&self.text[self.versions.get(version)?.clone()]).ok()
    }

    /// What evidence the registry says it has for a version.
    pub(crate) fn offer(&self, version: &str) -> Offer {
        let published = self.published.get(version).and_then(|millis| Timestamp::from_millisecond(*millis).ok());
        match &self.evidence {
            None => Offer { published, ..Offer::default() },
            Some(evidence) => Offer {
                offers: true,
                signatures: evidence.signatures(&self.text, version),
                attested: evidence.is_attested(version),
                published,
            },
        }
    }

    /// All versions of known time in the order in which they were published; empty unless at least one of them is attested,
    /// since nothing is expected of the others then.
    pub(crate) fn history(&self) -> Vec<Release> {
        let Some(evidence) = self.evidence.as_ref().filter(|evidence| evidence.has_attested()) else {
            return Vec::new();
        };
        let times = self.versions.keys().filter_map(|version| Some((*self.published.get(version)?, version.as_str())));
        evidence.history(times.collect())
    }

    /// Whether a version is not attested while others are, and nobody told which came first.
    pub(crate) fn lacks_history(&self, version: &str) -> bool {
        let evidence = self.evidence.as_ref().filter(|evidence| evidence.has_attested());
        evidence.is_some_and(|evidence| !evidence.is_attested(version)) && !self.has_times()
    }

    /// Removes what was published later, and moves tags back: a tag whose version is gone points to the newest remaining
    /// version at or below it, as `npm --before` does. A version of unknown time did not exist, as far as anyone can prove.
    pub(crate) fn limit_to(&mut self, as_of: AsOf) {
        let published = &self.published;
        self.versions.retain(|version, _| {
            published
                .get(version)
                .and_then(|millis| Timestamp::from_millisecond(*millis).ok())
                .is_some_and(|time| as_of.includes(time))
        });
        self.avoided = avoided(&self.versions, &self.deprecated);
        let tags = std::mem::take(&mut self.tags);
        let moved = |(tag, version): (String, String)| self.at_or_below(&version).map(|version| (tag, version));
        self.tags = tags.into_iter().filter_map(moved).collect();
        self.info = OnceLock::new();
    }

    /// A version that can be selected, or the newest one below it that can.
    pub(super) fn at_or_below(&self, version: &str) -> Option<String> {
        let there = |version: &str| self.versions.contains_key(version) && !self.young.contains(version);
        if there(version) {
            return Some(version.to_owned());
        }
        let range = VersionReq::parse_from_npm(&format!("<={version}")).ok()?;
        let remaining = self.versions.keys().filter(|version| there(version));
        let parsed = remaining.filter_map(|version| Some((Version::parse_from_npm(version).ok()?, version)));
        let newest = parsed.filter(|(version, _)| range.matches(version)).max_by(|a, b| a.0.cmp(&b.0))?;
        Some(newest.1.clone())
    }

    /// Versions of which a range takes an older sibling, since they are deprecated.
    pub(crate) fn avoided(&self) -> &BTreeSet<String> {
        &self.avoided
    }

    /// The record in the resolver's form, without avoided versions; made once.
    pub(crate) fn info(&self) -> Result<Arc<NpmPackageInfo>, PackumentError> {
        self.info
            .get_or_init(|| {
                let keep = |version: &str| !self.avoided.contains(version) && !self.young.contains(version);
                self.info_with(keep, Cow::Borrowed).map(Arc::new)
            })
            .clone()
            .map_err(PackumentError::Json)
    }

    /// The record in the resolver's form, with some versions (and the tags that point to them) left out, and the JSON text of
    /// the others edited.
    pub(crate) fn info_with<'a>(
        &'a self,
        keep: impl Fn(&str) -> bool,
        edit: impl Fn(&'a str) -> Cow<'a, str>,
    ) -> Result<NpmPackageInfo, String> {
        let quote = |text: &str| serde_json::to_string(text).map_err(|error| error.to_string());
        let mut out = String::with_capacity(self.text.len() + 64);
        out.push_str("{\"name\":");
        out.push_str(&quote(&self.name)?);
        out.push_str(",\"dist-tags\":");
        let tags: BTreeMap<&String, &String> = self.tags.iter().filter(|(_, version)| keep(version)).collect();
        out.push_str(&serde_json::to_string(&tags).map_err(|error| error.to_string())?);
        out.push_str(",\"versions\":{");
        for (place, (version, range)) in self.versions.iter().filter(|(version, _)| keep(version)).enumerate() {
            let text = std::str::from_utf8(&self.text[range.clone()]).map_err(|error| error.to_string())?;
            if place > 0 {
                out.push(',');
            }
            out.push_str(&quote(version)?);
            out.push(':');
            out.push_str(&edit(text));
        }
        out.push_str("}}");
        NpmPackageInfo::from_packument_bytes(out.into_bytes())
    }

    /// All version numbers, for messages and tests.
    #[cfg(test)]
    pub(crate) fn versions(&self) -> Vec<&str> {
        self.versions.keys().map(String::as_str).collect()
    }

    /// Whether the publisher advises against a version.
    pub(crate) fn is_deprecated(&self, version: &str) -> bool {
        self.deprecated.contains(version)
    }

    /// A tag's version.
    pub(crate) fn tag(&self, tag: &str) -> Option<&str> {
        self.tags.get(tag).map(String::as_str)
    }
}

/// Deprecated versions that have an older sibling which is not: npm prefers the sibling within a range. Versions of one major
/// (or of one minor below 1.0.0) count as siblings; pre-releases do not count.
fn avoided(versions: &BTreeMap<String, Range<usize>>, deprecated: &BTreeSet<String>) -> BTreeSet<String> {
    if deprecated.is_empty() {
        return BTreeSet::new();
    }
    let line = |version: &Version| (version.major, if version.major == 0 { version.minor } else { 0 });
    let mut oldest_good: BTreeMap<(u64, u64), Version> = BTreeMap::new();
    let mut old = Vec::new();
    for text in versions.keys() {
        let Ok(version) = Version::parse_from_npm(text) else { continue };
        if deprecated.contains(text) {
            old.push((text, version));
        } else if version.pre.is_empty() {
            let good = oldest_good.entry(line(&version)).or_insert_with(|| version.clone());
            if version < *good {
                *good = version;
            }
        }
    }
    let has_good_sibling = |version: &Version| oldest_good.get(&line(version)).is_some_and(|good| good < version);
    old.into_iter().filter(|(_, version)| has_good_sibling(version)).map(|(text, _)| text.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> Packument {
        Packument::parse(distil(document.as_bytes()).expect("packument").into()).expect("slim")
    }

    const TWO: &str = r##"{"name":"a","dist-tags":{"latest":"2.0.0","next":"3.0.0-rc.1"},"readme":"a \\n \"long\"",
        "versions":{"1.0.0":{"name":"a","version":"1.0.0","dependencies":{"b":"^1"},"readme":{"x":[1,2,{"y":null}]}},
                    "1.5.0":{"version":"1.5.0"},"2.0.0":{"version":"2.0.0"},"3.0.0-rc.1":{"version":"3.0.0-rc.1"}},
        "time":{"created":"2020-01-01T00:00:00Z","1.0.0":"2020-01-01T00:00:00.000Z","1.5.0":"2021-01-01T00:00:00Z",
                "2.0.0":"2022-01-01T00:00:00Z"}}"##;

    #[test]
    fn keeps_what_resolution_needs() {
        let packument = read(TWO);
        assert_eq!(packument.versions(), ["1.0.0", "1.5.0", "2.0.0", "3.0.0-rc.1"]);
        assert_eq!(packument.version("1.0.0").expect("record").dependencies["b"], "^1");
        assert!(packument.has_times() && packument.version("9.0.0").is_none());
        let info = packument.info().expect("info");
        assert_eq!(info.dist_tags["latest"].to_string(), "2.0.0");
        assert_eq!(info.versions.len(), 4);
        assert!(info.versions.keys().all(|version| info.versions.get(version).is_some()), "the resolver can read each");
    }

    #[test]
    fn as_of_hides_the_future_and_moves_tags_back() {
        let mut packument = read(TWO);
        packument.limit_to("2021-06-01".parse().expect("date"));
        assert_eq!(packument.versions(), ["1.0.0", "1.5.0"]);
        assert_eq!((packument.tag("latest"), packument.tag("next")), (Some("1.5.0"), Some("1.5.0")));
        packument.limit_to("2019-01-01".parse().expect("date"));
        assert!(packument.is_empty() && packument.tag("latest").is_none());
    }

    #[test]
    fn versions_that_lie_or_are_no_versions_are_left_out() {
        let packument = read(
            r#"{"name":"a","dist-tags":{"latest":"1.0.0","x y":"1.0.0","bad":"zzz"},"versions":{"1.0.0":{},"v2.0.0":{},
                "1.0":{},"__proto__":{},"3.0.0":{"version":"9.9.9"},"4.0.0":{"version":["x"]},"5.0.0/../x":{}}}"#,
        );
        assert_eq!(packument.versions(), ["1.0.0", "4.0.0"]);
        assert_eq!(packument.tags.len(), 1);
        assert!(packument.info().is_ok());
    }

    #[test]
    fn hostile_documents_are_refused() {
        for document in [
            "",
            "[]",
            "null",
            "{}",
            "{\"name\":7}",
            "{\"name\":\"\"}",
            "{\"name\":\"a\",\"versions\":[]}",
            "{\"name\":\"a\",\"versions\":{\"1.0.0\":7}}",
            "{\"name\":\"a\",\"name\":\"b\"}",
            "{\"name\":\"a\",\"versions\":{\"1.0.0\":{},\"1.0.0\":{}}}",
            "{\"name\":\"a\",\"versions\":{\"1.0.0\":{\"dist\":{},\"dist\":{}}}}",
            "{\"name\":\"a\"",
            "\u{feff}{}",
        ] {
            assert!(distil(document.as_bytes()).is_err(), "{document}");
        }
        assert!(distil(&[b'{', 0xff, b'}']).is_err());
        let deep = format!("{{\"name\":\"a\",\"x\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(distil(deep.as_bytes()).is_ok(), "ignored depth costs no stack");
        let deep = format!("{{\"name\":\"a\",\"dist-tags\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(distil(deep.as_bytes()).is_ok_and(|slim| slim.len() < 100), "read depth is bounded");
    }

    #[test]
    fn a_hundred_thousand_versions_are_refused() {
        let versions: Vec<String> = (0..100_000).map(|i| format!("\"1.0.{i}\":{{}}")).collect();
        let document = format!("{{\"name\":\"a\",\"versions\":{{{}}}}}", versions.join(","));
        let error = distil(document.as_bytes()).expect_err("too many").to_string();
        assert!(error.contains("50000"), "{error}");
    }
}
