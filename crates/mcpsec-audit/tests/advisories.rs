//! Every recorded advisory means exactly the versions it names.
//!
//! What is expected is worked out here from the raw JSON, by other means than the code under test: ranges become plain intervals, npm
//! versions are compared by a comparator of a few lines, and each package is asked about every version that any record or event mentions,
//! with neighbours on both sides of every edge.
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fs,
};

use mcpsec_audit::advisories::{Answer, evaluate};
use mcpsec_model::{
    advisory::{Advisory, Reduced, reduce},
    package::PackageId,
};
use mcpsec_testkit::shared;
use serde_json::Value;

struct Recorded {
    file: String,
    bytes: Vec<u8>,
    json: Value,
}

fn recorded() -> Option<Vec<Recorded>> {
    let folder = shared::path("fixtures/osv")?;
    let mut all = Vec::new();
    for group in fs::read_dir(folder).expect("folders") {
        for entry in fs::read_dir(group.expect("a folder").path()).expect("records") {
            let path = entry.expect("a record").path();
            let bytes = fs::read(&path).expect("bytes");
            let json = serde_json::from_slice(&bytes).expect("JSON");
            all.push(Recorded { file: path.display().to_string(), bytes, json });
        }
    }
    assert!(all.len() >= 400, "{} records", all.len());
    Some(all)
}

/// Ecosystem prefix and name of each entry of a record, with the entry.
fn entries(record: &Value) -> impl Iterator<Item = (String, &Value)> {
    record["affected"].as_array().into_iter().flatten().filter_map(|entry| {
        let prefix = match entry["package"]["ecosystem"].as_str()? {
            "npm" => "npm",
            "PyPI" => "pypi",
            _ => return None,
        };
        Some((format!("{prefix}:{}", entry["package"]["name"].as_str()?), entry))
    })
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Semantic Versioning §11 in a few lines, for versions as records have them.
fn npm_order(a: &str, b: &str) -> Ordering {
    let split = |v: &str| {
        let v = v.split('+').next().unwrap_or_default().to_owned();
        let (core, pre) = v.split_once('-').map_or((v.clone(), String::new()), |(core, pre)| (core.into(), pre.into()));
        let core: Vec<u64> = core.split('.').map(|part| part.parse().expect("a number")).collect();
        (core, pre)
    };
    let ((a, a_pre), (b, b_pre)) = (split(a), split(b));
    a.cmp(&b).then_with(|| match (a_pre.is_empty(), b_pre.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let rank = |part: &str| part.parse::<u64>().map_or((1, 0, part.to_owned()), |n| (0, n, String::new()));
            a_pre.split('.').map(rank).cmp(b_pre.split('.').map(rank))
        }
    })
}

fn order(package: &str, a: &str, b: &str) -> Option<Ordering> {
    if package.starts_with("npm:") {
        return Some(npm_order(a, b));
    }
    let (a, b): (pep440_rs::Version, pep440_rs::Version) = (a.parse().ok()?, b.parse().ok()?);
    Some(a.cmp(&b))
}

/// From, to, and whether the end belongs to it.
type Interval = (String, Option<(String, bool)>);

/// The intervals of an entry's ranges. In the recorded files each end follows its own beginning, which is asserted, though the pairs
/// do not always stand in order.
fn intervals(package: &str, entry: &Value) -> Vec<Interval> {
    let mut found: Vec<Interval> = Vec::new();
    for range in entry["ranges"].as_array().into_iter().flatten().filter(|range| range["type"] != "GIT") {
        for event in range["events"].as_array().expect("events") {
            let (key, version) = event.as_object().and_then(|map| map.iter().next()).expect("one member");
            let version = version.as_str().expect("a version").to_owned();
            match key.as_str() {
                "introduced" => found.push((version, None)),
                "fixed" | "last_affected" => {
                    let (from, to) = found.last_mut().expect("a beginning");
                    assert!(to.is_none(), "{package}: two ends of one beginning");
                    let in_order = from == "0" || order(package, from, &version) != Some(Ordering::Greater);
                    assert!(in_order, "{package}: {from} to {version}");
                    *to = Some((version, key == "last_affected"));
                }
                other => panic!("an event that the oracle does not know: {other}"),
            }
        }
    }
    found
}

fn inside(package: &str, (from, to): &Interval, version: &str) -> Option<bool> {
    let after = from == "0" || order(package, version, from)? != Ordering::Less;
    let before = match to {
        None => true,
        Some((end, included)) => match order(package, version, end)? {
            Ordering::Less => true,
            Ordering::Equal => *included,
            Ordering::Greater => false,
        },
    };
    Some(after && before)
}

/// A version just below and one just above.
fn neighbours(package: &str, version: &str) -> Vec<String> {
    if package.starts_with("pypi:") {
        return vec![format!("{version}.post99"), format!("{version}.99"), format!("{version}.dev0")];
    }
    let core: Vec<u64> =
        version.split(['-', '+']).next().unwrap_or_default().split('.').map(|n| n.parse().expect("n")).collect();
    let [major, minor, patch] = core.as_slice() else { return Vec::new() };
    let mut found = vec![format!("{major}.{minor}.{}", patch + 1), format!("{version}-0"), format!("{version}-rc.1")];
    found.extend(patch.checked_sub(1).map(|patch| format!("{major}.{minor}.{patch}")));
    if version.contains('-') {
        found.truncate(1);
        found.extend([format!("{version}.0"), format!("{major}.{minor}.{patch}")]);
    }
    found
}

#[test]
fn each_record_means_exactly_the_versions_it_names() {
    let Some(all) = recorded() else { return };
    // Every version that anything says about a package, so that records are asked about what only others list.
    let mut universe: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in &all {
        for (package, entry) in entries(&record.json) {
            let versions = universe.entry(package.clone()).or_default();
            versions.extend(strings(&entry["versions"]).into_iter().map(str::to_owned));
            for (from, to) in intervals(&package, entry) {
                for edge in [Some(from), to.map(|(end, _)| end)].into_iter().flatten().filter(|edge| edge != "0") {
                    versions.extend(neighbours(&package, &edge));
                    versions.insert(edge);
                }
            }
            versions.insert(if package.starts_with("npm:") { "9999.0.0".into() } else { "9999!0".into() });
            versions.insert("0.0.0".to_owned());
        }
    }
    let (mut asked, mut affected, mut withdrawn, mut unknown, mut packages) = (0, 0, 0, 0, 0);
    for record in &all {
        let advisory = Advisory::read(&record.bytes).unwrap_or_else(|error| panic!("{}: {error}", record.file));
        let is_withdrawn = record.json.get("withdrawn").is_some();
        withdrawn += usize::from(is_withdrawn);
        let names: BTreeSet<String> = entries(&record.json).map(|(package, _)| package).collect();
        for package in names {
            packages += 1;
            for version in &universe[&package] {
                let Ok(id) = format!("{package}@{version}").parse::<PackageId>() else { continue };
                let answer = evaluate(&advisory, &id);
                let (mut expected, mut comparable) = (false, true);
                for (_, entry) in entries(&record.json).filter(|(name, _)| *name == package) {
                    let same =
                        |listed: &&str| *listed == version || order(&package, listed, version) == Some(Ordering::Equal);
                    expected |= strings(&entry["versions"]).iter().any(same);
                    for interval in intervals(&package, entry) {
                        match inside(&package, &interval, version) {
                            Some(inside) => expected |= inside,
                            None => comparable = false,
                        }
                    }
                }
                asked += 1;
                match (is_withdrawn, expected, comparable) {
                    (true, ..) => assert_eq!(answer, Answer::NotAffected, "{}: {id}", record.file),
                    (false, true, _) => {
                        affected += 1;
                        assert_eq!(answer, Answer::Affected, "{}: {id}", record.file);
                    }
                    (false, false, true) => assert_eq!(answer, Answer::NotAffected, "{}: {id}", record.file),
                    (false, false, false) => {
                        unknown += 1;
                        assert!(matches!(answer, Answer::Unknown(_)), "{}: {id}: {answer:?}", record.file);
                    }
                }
            }
        }
    }
    println!(
        "{} records ({withdrawn} withdrawn), {packages} packages, {asked} questions: {affected} affected, {unknown} not comparable",
        all.len()
    );
    assert!(withdrawn >= 50 && affected >= 5_000 && asked > 2 * affected, "{asked} {affected} {withdrawn}");
}

#[test]
fn every_record_says_the_same_after_it_was_reduced() {
    let Some(all) = recorded() else { return };
    let (mut before, mut after) = (0, 0);
    for record in &all {
        let reduced = reduce(&record.bytes).expect("a record").unwrap_or_else(|| panic!("{}", record.file));
        assert_eq!(reduced.unreadable, None);
        let whole = Advisory::read(&record.bytes).expect("a record");
        assert_eq!(Reduced::read(&reduced.bytes), Ok(Ok(whole)), "{}", record.file);
        before += record.bytes.len();
        after += reduced.bytes.len();
    }
    println!("{before} bytes reduced to {after}");
    assert!(after < before);
}
