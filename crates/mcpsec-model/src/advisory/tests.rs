//! Records are read whole or not at all, graded right, and lose nothing that matters when they are reduced.
use serde_json::{Value, json};

use super::*;

fn record() -> Value {
    json!({
        "id": "GHSA-aaaa-bbbb-cccc", "modified": "2026-01-02T03:04:05Z", "aliases": ["CVE-2026-1", "not an id"],
        "summary": "prototype pollution", "details": "long\ntext",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N/E:P"}],
        "database_specific": {"severity": "MODERATE", "github_reviewed": true},
        "affected": [
            {"package": {"ecosystem": "npm", "name": "left"}, "versions": ["1.0.0"],
             "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.4"}]}],
             "database_specific": {"source": "x"}},
            {"package": {"ecosystem": "crates.io", "name": "left"}},
        ],
        "references": [{"type": "WEB", "url": "https://example.test/1"}, {"type": "WEB", "url": "javascript:alert(1)"}],
    })
}

fn read(value: &Value) -> Result<Advisory, AdvisoryError> {
    Advisory::read(value.to_string().as_bytes())
}

#[test]
fn a_record_is_read() {
    let advisory = read(&record()).expect("a record");
    assert_eq!(advisory.id.as_str(), "GHSA-aaaa-bbbb-cccc");
    assert_eq!(advisory.aliases.iter().map(AdvisoryId::as_str).collect::<Vec<_>>(), ["CVE-2026-1"]);
    assert_eq!(advisory.graded.expect("a grade").to_string(), "medium (6.1)");
    assert!(!advisory.malicious && advisory.withdrawn.is_none());
    assert_eq!(advisory.affected.len(), 1, "other ecosystems are left out");
    assert_eq!(advisory.references.len(), 1);
    let range = &advisory.affected[0].ranges[0];
    assert_eq!(range.events, [Event::Introduced("0".into()), Event::Fixed("1.0.4".into())]);
}

#[test]
fn what_is_used_and_misshapen_makes_the_record_unreadable() {
    for (path, bad) in [
        ("/id", json!("../../etc")),
        ("/id", json!(7)),
        ("/id", Value::Null),
        ("/modified", json!("yesterday")),
        ("/modified", Value::Null),
        ("/withdrawn", json!("soon")),
        ("/withdrawn", json!(true)),
        ("/affected", json!({})),
        ("/affected/0", json!("left")),
        ("/affected/0/package", json!("left")),
        ("/affected/0/package/name", json!(["left"])),
        ("/affected/0/versions", json!("1.0.0")),
        ("/affected/0/versions", json!([1])),
        ("/affected/0/versions", json!(["1".repeat(600)])),
        ("/affected/0/ranges", json!({})),
        ("/affected/0/ranges/0/events", json!("0")),
        ("/affected/0/ranges/0/events/0", json!("0")),
        ("/affected/0/ranges/0/events/0/introduced", json!(0)),
        ("/aliases", json!(vec!["CVE-1"; 300])),
        ("/affected", json!(vec![json!({}); 20_001])),
        ("/affected/0/versions", json!(vec!["1"; 200_001])),
    ] {
        let mut value = record();
        let (parent, key) = path.rsplit_once('/').expect("a path");
        match value.pointer_mut(parent).expect("a parent") {
            Value::Object(map) => drop(map.insert(key.to_owned(), bad.clone())),
            Value::Array(list) => list[key.parse::<usize>().expect("an index")] = bad.clone(),
            other => panic!("{other}"),
        }
        assert!(read(&value).is_err(), "{path} {}", bad.to_string().chars().take(60).collect::<String>());
    }
    let twice = r#"{"id":"A-1","id":"A-2","modified":"2026-01-02T03:04:05Z"}"#;
    assert!(matches!(Advisory::read(twice.as_bytes()), Err(AdvisoryError::Json(_))));
    assert!(matches!(Advisory::read(&vec![b' '; MAX_RECORD + 1]), Err(AdvisoryError::TooLarge(_))));
}

#[test]
fn later_schemas_are_kept_apart() {
    let mut value = record();
    value["affected"][0]["ranges"] = json!([{"type": "PHASE", "events": [{"dawn": "1"}]}, {"events": []}]);
    let ranges = &read(&value).expect("a record").affected[0].ranges;
    assert!(ranges.iter().all(|range| range.kind == RangeKind::Other));
    assert_eq!(ranges[0].events, [Event::Other]);
}

/// One of each edge between the words, in each version that is scored.
#[test]
fn scores() {
    for (vector, shown) in [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "critical (9.8)"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "critical (10.0)"),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "medium (6.1)"),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "high (7.8)"),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", "low (3.1)"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", "medium (6.4)"),
        ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "medium (6.8)"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "critical (9.3)"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", "critical (10.0)"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N", "medium (6.9)"),
    ] {
        assert_eq!(Graded::of_vector(vector).map(|graded| graded.to_string()).as_deref(), Some(shown), "{vector}");
    }
    for nothing in
        ["", "CVSS:3.1/AV:N", "CVSS:9/AV:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "AV:N/AC:L/Au:N"]
    {
        assert_eq!(Graded::of_vector(nothing), None, "{nothing}");
    }
    assert_eq!(Graded::of_vector(&"CVSS:3.1/AV:N/".repeat(100)), None);
}

#[test]
fn malicious_code_is_known_by_its_database_and_by_its_weakness() {
    let mut value = record();
    value["id"] = json!("MAL-2026-1");
    assert!(read(&value).expect("a record").malicious);
    let mut value = record();
    value["database_specific"] = json!({"malicious-packages-origins": []});
    assert!(read(&value).expect("a record").malicious);
    value["database_specific"] = json!({"cwe_ids": ["CWE-79", "CWE-506"]});
    assert!(read(&value).expect("a record").malicious);
    value["database_specific"] = json!({"cwe_ids": ["CWE-79"]});
    assert!(!read(&value).expect("a record").malicious);
}

#[test]
fn the_grade_of_a_finding_is_the_first_word_of_its_message() {
    use crate::finding::{Finding, Rule};
    let of = |rule, message: &str| Grade::of(&Finding::new(rule, "npm:left@1.0.0#A-1", message));
    assert_eq!(of(Rule::Vulnerable, "critical (9.8), says A-1"), Some(Grade::Critical));
    assert_eq!(of(Rule::Vulnerable, "low, says A-1"), Some(Grade::Low));
    assert_eq!(of(Rule::Vulnerable, "not graded, says A-1"), None);
    assert_eq!(of(Rule::Malware, "critical (9.8), says A-1"), None);
}

#[test]
fn a_reduced_record_says_the_same() {
    let mut value = record();
    for withdrawn in [false, true] {
        if withdrawn {
            value["withdrawn"] = json!("2026-02-02T00:00:00Z");
        }
        let reduced = reduce(value.to_string().as_bytes()).expect("readable").expect("about npm");
        assert_eq!(Reduced::read(&reduced.bytes), Ok(Ok(read(&value).expect("a record"))));
        assert_eq!(reduced.packages.len(), 1);
    }
    value["affected"] = json!([{"package": {"ecosystem": "Go", "name": "left"}}]);
    assert_eq!(reduce(value.to_string().as_bytes()), Ok(None));
}

#[test]
fn an_unreadable_record_stays_with_the_packages_it_names() {
    let mut value = record();
    value["affected"][0]["versions"] = json!(7);
    let reduced = reduce(value.to_string().as_bytes()).expect("its packages can be told").expect("about npm");
    assert_eq!(reduced.packages, [(Ecosystem::Npm, PackageName::npm("left").expect("name"))]);
    let unread = Reduced::read(&reduced.bytes).expect("a kept record").expect_err("not understood");
    assert_eq!(unread.id, "GHSA-aaaa-bbbb-cccc");
    assert_eq!(unread.why, "affected[0].versions: must be a list");
    value["affected"] = json!(7);
    assert!(reduce(value.to_string().as_bytes()).is_err());
}

#[test]
fn subjects_name_one_advisory_of_one_version() {
    for text in ["npm:@s/left@1.0.3", "pypi:left@1.0+local.1"] {
        let package: PackageId = text.parse().expect("id");
        let subject = subject(&package, &"GHSA-aaaa-bbbb-cccc".parse().expect("id"));
        assert_eq!(subject, format!("{text}#GHSA-aaaa-bbbb-cccc"));
        assert_eq!(package_of(&subject), Some(package));
    }
    for other in ["npm:left@1.0.3", "tool:send/description#x", "npm:left#A-1", "npm:left@1.0.3#"] {
        assert_eq!(package_of(other), None, "{other}");
    }
}
