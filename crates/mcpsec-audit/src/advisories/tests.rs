//! Which records mean which versions, case by case; all recorded ones are in `tests/advisories.rs`.
use mcpsec_model::advisory::{Record, Unread};
use serde_json::{Value, json};

use super::*;

fn package(text: &str) -> PackageId {
    text.parse().expect("id")
}

/// A record about one package with these members in its entry.
fn record(id: &str, package: &str, entry: &Value) -> Value {
    let (ecosystem, name) = match package.split_once(':') {
        Some(("pypi", name)) => ("PyPI", name),
        Some((_, name)) => ("npm", name),
        None => panic!("{package}"),
    };
    let mut entry = entry.clone();
    entry["package"] = json!({"ecosystem": ecosystem, "name": name});
    json!({"id": id, "modified": "2026-01-01T00:00:00Z", "affected": [entry]})
}

fn read(value: &Value) -> Advisory {
    Advisory::read(value.to_string().as_bytes()).expect("a record")
}

fn range(name: &str, events: Value) -> Advisory {
    let kind = if name.starts_with("npm") { "SEMVER" } else { "ECOSYSTEM" };
    read(&record("A-1", name, &json!({"ranges": [{"type": kind, "events": events}]})))
}

/// Checks one range against versions that are in it and versions that are not.
#[track_caller]
fn means(name: &str, events: Value, inside: &[&str], outside: &[&str]) {
    let advisory = range(name, events);
    for (versions, answer) in [(inside, Answer::Affected), (outside, Answer::NotAffected)] {
        for version in versions {
            assert_eq!(evaluate(&advisory, &package(&format!("{name}@{version}"))), answer, "{version}");
        }
    }
}

#[test]
fn npm_ranges_follow_semantic_versioning() {
    means("npm:a", json!([{"introduced": "0"}]), &["0.0.0-0", "0.0.1", "999.0.0"], &[]);
    means(
        "npm:a",
        json!([{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]),
        &["1.0.0", "1.1.9", "1.2.0-rc.1", "1.0.0+build"],
        &["0.9.9", "1.0.0-rc.1", "1.2.0", "1.2.0+build", "1.2.1"],
    );
    // Identifiers of prereleases: numbers by value and before words, more of them after fewer.
    means(
        "npm:a",
        json!([{"introduced": "1.0.0-alpha.2"}, {"fixed": "1.0.0-beta.11"}]),
        &["1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0-beta", "1.0.0-beta.2"],
        &["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"],
    );
    means("npm:a", json!([{"introduced": "v1"}, {"fixed": "1.2"}]), &["1.0.0", "1.1.9"], &["1.2.0", "0.9.0"]);
}

#[test]
fn the_last_affected_version_is_affected_and_the_fixed_one_is_not() {
    means(
        "npm:a",
        json!([{"introduced": "1.0.0"}, {"last_affected": "1.2.0"}]),
        &["1.2.0", "1.1.0"],
        &["1.2.1", "0.9.0"],
    );
    means("npm:a", json!([{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]), &["1.1.0"], &["1.2.0", "1.2.1"]);
    // One version only, however its two events are ordered.
    let both = [json!({"introduced": "1.0.0"}), json!({"last_affected": "1.0.0"})];
    for events in [json!([both[0], both[1]]), json!([both[1], both[0]])] {
        means("npm:a", events, &["1.0.0"], &["1.0.1", "0.9.9"]);
    }
}

#[test]
fn several_turns_and_any_order_of_events() {
    means(
        "npm:a",
        json!([{"fixed": "2.1.0"}, {"introduced": "2.0.0"}, {"fixed": "1.1.0"}, {"introduced": "0"}]),
        &["0.1.0", "1.0.9", "2.0.0", "2.0.9"],
        &["1.1.0", "1.9.9", "2.1.0"],
    );
}

#[test]
fn nothing_is_said_at_a_limit_and_after_it() {
    means(
        "npm:a",
        json!([{"introduced": "1.0.0"}, {"limit": "2.0.0"}]),
        &["1.0.0", "1.9.9", "2.0.0-rc.1"],
        &["2.0.0", "3.0.0", "0.9.0"],
    );
    // The version has to be below any of several, and a star is none.
    means("npm:a", json!([{"introduced": "0"}, {"limit": "2.0.0"}, {"limit": "3.0.0"}]), &["2.5.0"], &["3.0.0"]);
    means("npm:a", json!([{"introduced": "0"}, {"limit": "*"}]), &["9.0.0"], &[]);
}

#[test]
fn python_ranges_follow_pep_440() {
    means(
        "pypi:a",
        json!([{"introduced": "1.0"}, {"fixed": "2.0"}]),
        &["1.0", "1.0.0", "1.0.post1", "1.9", "2.0rc1", "2.0.dev1", "2.0a1.dev3", "1.0+local"],
        &["1.0rc1", "1.0.dev0", "2.0", "2.0.0", "2.0.post1", "2.0+local", "1!1.0", "1!0.5"],
    );
    means("pypi:a", json!([{"introduced": "1!0"}]), &["1!0", "1!5", "2!0"], &["5.0", "2026.1"]);
    means(
        "pypi:a",
        json!([{"introduced": "0"}, {"last_affected": "1.0"}]),
        &["1.0", "1.0+cu118", "1.0rc1", "1.0.dev1"],
        &["1.0.post1", "1.0.1"],
    );
    means(
        "pypi:a",
        json!([{"introduced": "1.0+b"}, {"fixed": "1.0+d"}]),
        &["1.0+b", "1.0+c"],
        &["1.0", "1.0+a", "1.0+d"],
    );
}

#[test]
fn listed_versions_count_as_they_are_meant() {
    let listed = |name: &str, versions: Value| read(&record("A-1", name, &json!({"versions": versions})));
    let python = listed("pypi:Some_Name", json!(["1.0", "2.0b1", "0.1-bulbasaur"]));
    for (version, answer) in [
        ("1.0", Answer::Affected),
        ("1.0.0", Answer::Affected),
        ("2.0.b1", Answer::Affected),
        ("0.1-bulbasaur", Answer::Affected),
        ("1.0+local", Answer::Affected),
        ("1.0.1", Answer::NotAffected),
        ("2.0", Answer::NotAffected),
    ] {
        assert_eq!(evaluate(&python, &package(&format!("pypi:some.name@{version}"))), answer, "{version}");
    }
    let npm = listed("npm:JSONStream", json!(["1.0.0"]));
    assert_eq!(evaluate(&npm, &package("npm:JSONStream@1.0.0")), Answer::Affected);
    assert_eq!(evaluate(&npm, &package("npm:jsonstream@1.0.0")), Answer::NotAffected, "npm names have their case");
    assert_eq!(evaluate(&npm, &package("pypi:JSONStream@1.0.0")), Answer::NotAffected);
}

#[test]
fn a_withdrawn_record_means_nothing() {
    let mut value = record("A-1", "npm:a", &json!({"versions": ["1.0.0"]}));
    assert_eq!(evaluate(&read(&value), &package("npm:a@1.0.0")), Answer::Affected);
    value["withdrawn"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(evaluate(&read(&value), &package("npm:a@1.0.0")), Answer::NotAffected);
}

#[test]
fn what_cannot_be_compared_is_unknown_and_never_no() {
    for entry in [
        json!({}),
        json!({"ranges": []}),
        json!({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}),
        json!({"ranges": [{"type": "PHASE", "events": [{"introduced": "0"}]}]}),
        json!({"ranges": [{"type": "SEMVER", "events": []}]}),
        json!({"ranges": [{"type": "SEMVER", "events": [{"fixed": "1.0.0"}]}]}),
        json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "soon"}]}]}),
        json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"dawn": "1.0.0"}]}]}),
        json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "99999999999999999999.0.0"}]}]}),
        json!({"versions": ["1.0.0"], "ranges": [{"type": "SEMVER", "events": [{"introduced": "x"}]}]}),
    ] {
        let advisory = read(&record("A-1", "npm:a", &entry));
        let answer = evaluate(&advisory, &package("npm:a@2.0.0"));
        assert!(matches!(answer, Answer::Unknown(_)), "{entry}: {answer:?}");
    }
    // A part that can be compared and says yes is enough; beside commits, a list is.
    let listed = json!({"versions": ["2.0.0"], "ranges": [{"type": "SEMVER", "events": [{"introduced": "x"}]}]});
    assert_eq!(evaluate(&read(&record("A-1", "npm:a", &listed)), &package("npm:a@2.0.0")), Answer::Affected);
    let commits = json!({"versions": ["2.0.0"], "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]});
    assert_eq!(evaluate(&read(&record("A-1", "npm:a", &commits)), &package("npm:a@2.0.1")), Answer::NotAffected);
    let odd = range("pypi:a", json!([{"introduced": "0"}, {"fixed": "2.0"}]));
    assert!(matches!(evaluate(&odd, &package("pypi:a@0.1-bulbasaur")), Answer::Unknown(_)));
}

fn asked(package_id: &str, records: &[Record], decided: &dyn Fn(Rule, &str) -> bool) -> Judged {
    let (root, id) = (package("npm:files@1.2.0"), package(package_id));
    judge(&Question { server: "files", package: &id, path: &[&root, &id], records, decided })
}

fn undecided(_: Rule, _: &str) -> bool {
    false
}

#[test]
fn malicious_code_is_told_with_path_and_next_command() {
    let mut value = record("MAL-2026-1", "npm:left", &json!({"versions": ["1.0.3"]}));
    value["aliases"] = json!(["GHSA-aaaa-bbbb-cccc"]);
    value["summary"] = json!("malicious code in left");
    let judged = asked("npm:left@1.0.3", &[Ok(read(&value))], &undecided);
    let finding = &judged.findings[0];
    assert_eq!((finding.rule, finding.severity()), (Rule::Malware, Severity::High));
    assert_eq!(finding.subject, "npm:left@1.0.3#MAL-2026-1");
    assert_eq!(
        finding.message,
        "malicious, says MAL-2026-1 (also GHSA-aaaa-bbbb-cccc); files@1.2.0 > left@1.0.3; take another version, mcpsec update files, or \
         drop it, mcpsec remove files"
    );
    assert_eq!(judged.unknown, [""; 0]);
}

#[test]
fn records_of_one_thing_are_one_finding_and_a_decision_may_name_any_of_them() {
    let vulnerable = |id: &str, aliases: Value, score: Option<&str>, fixed: &str| {
        let entry = json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}]});
        let mut value = record(id, "npm:left", &entry);
        value["aliases"] = aliases;
        value["severity"] = score.map_or(json!([]), |score| json!([{"type": "CVSS_V3", "score": score}]));
        Ok(read(&value))
    };
    let records = [
        vulnerable("PYSEC-2026-1", json!(["CVE-2026-1"]), None, "1.1.0"),
        vulnerable("GHSA-a", json!(["CVE-2026-1"]), Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"), "1.0.4"),
        vulnerable("GHSA-z", json!([]), Some("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"), "2.0.0-rc.1"),
    ];
    let judged = asked("npm:left@1.0.3", &records, &undecided);
    let told: Vec<(&str, &str, Severity)> =
        judged.findings.iter().map(|f| (f.subject.as_str(), f.message.as_str(), f.severity())).collect();
    assert_eq!(
        told,
        [
            (
                "npm:left@1.0.3#GHSA-a",
                "critical (9.8), says GHSA-a (also CVE-2026-1, PYSEC-2026-1); files@1.2.0 > left@1.0.3; fixed in 1.1.0: mcpsec update files",
                Severity::High
            ),
            (
                "npm:left@1.0.3#GHSA-z",
                "low (3.1), says GHSA-z; files@1.2.0 > left@1.0.3; fixed in 2.0.0-rc.1: mcpsec update files",
                Severity::Low
            ),
        ]
    );
    let named = |rule: Rule, subject: &str| rule == Rule::Vulnerable && subject == "npm:left@1.0.3#PYSEC-2026-1";
    let judged = asked("npm:left@1.0.3", &records, &named);
    assert_eq!(judged.findings[0].subject, "npm:left@1.0.3#PYSEC-2026-1");
    // A mere alias is anybody's word.
    let alias = |_: Rule, subject: &str| subject == "npm:left@1.0.3#CVE-2026-1";
    assert_eq!(asked("npm:left@1.0.3", &records, &alias).findings[0].subject, "npm:left@1.0.3#GHSA-a");
}

/// An exemption for one record about malicious code must not cover another, whatever both are called elsewhere.
#[test]
fn malicious_records_never_share_a_finding() {
    let make = |id: &str, aliases: Value| {
        let mut value = record(id, "npm:left", &json!({"versions": ["1.0.3"]}));
        value["aliases"] = aliases;
        Ok(read(&value))
    };
    let records = [
        make("GHSA-a", json!(["MAL-1", "MAL-2"])),
        make("MAL-1", json!(["GHSA-a", "MAL-2"])),
        make("MAL-2", json!(["GHSA-a"])),
        make("GHSA-b", json!([])),
    ];
    let judged = asked("npm:left@1.0.3", &records, &undecided);
    let told: Vec<(Rule, &str)> = judged.findings.iter().map(|f| (f.rule, f.subject.as_str())).collect();
    assert_eq!(
        told,
        [
            (Rule::Malware, "npm:left@1.0.3#MAL-1"),
            (Rule::Malware, "npm:left@1.0.3#MAL-2"),
            (Rule::Vulnerable, "npm:left@1.0.3#GHSA-b"),
        ]
    );
}

#[test]
fn the_fixed_version_is_the_smallest_final_one_that_no_record_of_the_group_means() {
    let fix = |package_id: &str, ranges: Value| {
        let (name, _) = package_id.rsplit_once('@').expect("a version");
        let advisory = read(&record("A-1", name, &json!({ "ranges": ranges })));
        evaluate::fixed(&[&advisory], &package(package_id))
    };
    let span = |from: &str, to: &str| json!({"type": "SEMVER", "events": [{"introduced": from}, {"fixed": to}]});
    let two = json!([span("0", "1.5.0"), span("2.0.0", "2.3.0")]);
    assert_eq!(fix("npm:a@1.2.0", two.clone()).as_deref(), Some("1.5.0"), "the same major version");
    assert_eq!(fix("npm:a@2.1.0", two).as_deref(), Some("2.3.0"));
    let again = json!([span("0", "1.5.0"), span("1.5.0", "1.6.0")]);
    assert_eq!(fix("npm:a@1.2.0", again).as_deref(), Some("1.6.0"), "1.5.0 has it as well");
    let early = json!([span("0", "1.5.0-rc.1"), span("1.5.0-rc.1", "1.5.0")]);
    assert_eq!(fix("npm:a@1.2.0", early).as_deref(), Some("1.5.0"));
    assert_eq!(fix("npm:a@1.2.0", json!([{"type": "SEMVER", "events": [{"introduced": "0"}]}])), None);
    assert_eq!(fix("pypi:a@1.0", json!([span("0", "1.0.post1")])).as_deref(), Some("1.0.post1"));
}

#[test]
fn records_that_were_not_understood_are_told() {
    let records = [
        Err(Unread { id: "A-2".into(), why: "affected: must be a list".into() }),
        Ok(read(&record("A-1", "npm:left", &json!({})))),
    ];
    let judged = asked("npm:left@1.0.3", &records, &undecided);
    assert_eq!(judged.findings, []);
    assert_eq!(judged.unknown, ["A-1: it names no version that could be compared", "A-2: affected: must be a list"]);
}

#[test]
fn long_paths_keep_both_ends() {
    let ids: Vec<PackageId> = (0..9).map(|n| package(&format!("npm:p{n}@1.0.0"))).collect();
    let all: Vec<&PackageId> = ids.iter().collect();
    assert_eq!(path(&all), "p0@1.0.0 > p1@1.0.0 > p2@1.0.0 > … > p6@1.0.0 > p7@1.0.0 > p8@1.0.0");
    assert_eq!(path(&all[..1]), "it is the server itself");
}
