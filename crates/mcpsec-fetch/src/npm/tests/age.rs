//! Young versions are held back, ages are told as far as they are known, and what that costs in questions.
use mcpsec_model::{publication::Publisher, time::Timestamp};
use mcpsec_testkit::npm_package;
use serde_json::json;

use super::*;
use crate::{Maturity, PassedOver, Published};

const OLD: &str = "2025-01-01T00:00:00Z";
const YOUNG: &str = "2025-12-31T23:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("time")
}

impl Fixture {
    /// Resolves with a day of patience; the fixture's clock stands at 2026-01-01.
    fn patient(&self, spec: &str, exempt: &[&str]) -> Result<NpmResolved, NpmError> {
        let spec: NpmSpec = spec.parse().expect("spec");
        let exempt = exempt.iter().map(|text| id(text)).collect();
        let maturity = Some(Maturity { published_by: at("2025-12-31T00:00:00Z"), exempt });
        let options = ResolveOptions { maturity, ..options(None) };
        block_on(self.source.resolve(&spec, None, &BTreeMap::new(), &options, &Silent))
    }
}

fn world() -> NpmServer {
    let server = NpmServer::start();
    server.publish_all(&[
        npm_package("a", "1.4.1").dep("b", "^1").published(OLD),
        npm_package("a", "1.4.2").dep("b", "^1").published(YOUNG),
        npm_package("b", "1.0.0").dep("quiet", "1").published(OLD),
        npm_package("b", "1.1.0").dep("quiet", "1").published(YOUNG),
        npm_package("quiet", "1.0.0").published(OLD),
    ]);
    server
}

#[test]
fn the_newest_version_that_is_old_enough_is_taken_everywhere() {
    let server = world();
    let fixture = Fixture::for_server(&server);
    for spec in ["a", "a@^1", "a@latest"] {
        let resolved = fixture.patient(spec, &[]).expect("resolved");
        assert_eq!(names(&resolved), ["a@1.4.1", "b@1.0.0", "quiet@1.0.0"], "{spec}");
        let passed = resolved.resolved.passed_over.expect("passed over");
        assert_eq!(passed, PassedOver { version: "1.4.2".to_owned(), published: at(YOUNG) }, "{spec}");
        assert_eq!(resolved.ages[&id("npm:a@1.4.1")], Published::At(at(OLD)));
        assert_eq!(resolved.ages[&id("npm:b@1.0.0")], Published::At(at(OLD)));
        assert_eq!(resolved.ages[&id("npm:quiet@1.0.0")], Published::By(at(OLD)), "the short form was enough");
    }
    assert_eq!(server.count("/quiet"), 1, "a record that did not change lately is asked for once");
    let hasty = fixture.resolve("a").expect("resolved");
    assert_eq!(names(&hasty), ["a@1.4.2", "b@1.1.0", "quiet@1.0.0"]);
    assert_eq!(hasty.resolved.passed_over, None);
}

#[test]
fn where_only_a_young_version_fits_it_is_taken() {
    let server = world();
    let fixture = Fixture::for_server(&server);
    let resolved = fixture.patient("a@1.4.2", &[]).expect("resolved");
    assert_eq!(names(&resolved), ["a@1.4.2", "b@1.0.0", "quiet@1.0.0"]);
    assert_eq!(resolved.ages[&id("npm:a@1.4.2")], Published::At(at(YOUNG)), "whoever judges it is told");
    // All versions of it are young, or a dependency wants one that is.
    server.publish_all(&[
        npm_package("new", "1.0.0").dep("b", "^1.1").published(YOUNG),
        npm_package("new", "1.0.1").dep("b", "^1.1").published("2025-12-31T23:30:00Z"),
    ]);
    let resolved = Fixture::for_server(&server).patient("new", &[]).expect("resolved");
    assert_eq!(names(&resolved), ["b@1.1.0", "new@1.0.1", "quiet@1.0.0"]);
}

#[test]
fn a_deprecated_version_is_better_than_a_young_one() {
    let server = NpmServer::start();
    server.publish_all(&[
        npm_package("a", "1.0.0").published(OLD),
        npm_package("a", "2.0.0").published(OLD),
        npm_package("a", "2.1.0").deprecated("old").published(OLD),
        npm_package("a", "2.2.0").published(YOUNG),
    ]);
    let resolved = Fixture::for_server(&server).patient("a@>=2.1.0", &[]).expect("resolved");
    assert_eq!(names(&resolved), ["a@2.1.0"]);
}

#[test]
fn what_is_exempt_is_not_held_back() {
    let server = world();
    let resolved = Fixture::for_server(&server).patient("a", &["npm:a@1.4.2"]).expect("resolved");
    assert_eq!(names(&resolved), ["a@1.4.2", "b@1.0.0", "quiet@1.0.0"]);
    assert_eq!(resolved.resolved.passed_over, None);
}

#[test]
fn times_of_a_mirror_prove_age_and_not_youth() {
    let server = NpmServer::start();
    for patch in 0..12 {
        server.publish(&npm_package("a", &format!("1.0.{patch}")).published(&format!("2025-12-31T23:00:{patch:02}Z")));
    }
    let resolved = Fixture::for_server(&server).patient("a", &[]).expect("resolved");
    assert_eq!(names(&resolved), ["a@1.0.11"], "nothing is known to be young");
    assert_eq!(resolved.ages[&id("npm:a@1.0.11")], Published::Copied(at("2025-12-31T23:00:11Z")));
}

#[test]
fn a_registry_without_times_says_nothing_about_age() {
    let server = NpmServer::start();
    let package = npm_package("a", "1.0.0");
    let tarball = package.tarball();
    let record = package.record(&tarball);
    server.publish_recorded("a", "1.0.0", record, &package.file_name(), tarball.into());
    let resolved = Fixture::for_server(&server).patient("a", &[]).expect("resolved");
    assert_eq!(resolved.ages[&id("npm:a@1.0.0")], Published::Untold);
}

#[test]
fn who_published_the_server_is_told() {
    let server = NpmServer::start();
    let by = |version: &str, name: &str| {
        let people = json!([{ "name": "ann" }, { "name": name }]);
        npm_package("a", version).record_field("_npmUser", json!({ "name": name })).record_field("maintainers", people)
    };
    server.publish_all(&[by("1.0.0", "ann"), by("1.1.0", "eve")]);
    let resolved = Fixture::for_server(&server).resolve("a").expect("resolved");
    let told = &resolved.publications[&id("npm:a@1.1.0")];
    let publishers: Vec<_> = told.iter().map(|one| (one.version.as_str(), one.publisher.clone())).collect();
    let account = |name: &str| Some(Publisher::Account(name.into()));
    assert_eq!(publishers, [("1.0.0", account("ann")), ("1.1.0", account("eve"))]);
    assert_eq!(told[1].maintainers, ["ann", "eve"]);
    assert_eq!(server.count("/a"), 1, "one question");
}

#[test]
fn newer_versions_are_told_by_range_and_beyond() {
    let server = NpmServer::start();
    server.publish_all(&[
        npm_package("a", "1.0.0"),
        npm_package("a", "1.1.0"),
        npm_package("a", "1.2.0").deprecated("no"),
        npm_package("a", "2.0.0"),
        npm_package("a", "3.0.0-rc.1"),
    ]);
    let fixture = Fixture::for_server(&server);
    let newer = |version: &str, requirement: &str| {
        let newest = block_on(fixture.source.newer(&id(&format!("npm:a@{version}")), requirement)).expect("answer");
        (newest.in_range.map(|new| new.version), newest.beyond.map(|new| new.version))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(newer("1.0.0", "^1"), (some("1.1.0"), some("2.0.0")));
    assert_eq!(newer("1.1.0", "^1"), (None, some("2.0.0")));
    assert_eq!(newer("1.0.0", "latest"), (some("2.0.0"), None));
    assert_eq!(newer("2.0.0", "^2"), (None, None));
    assert_eq!(server.count("/a"), 1, "asked once, whoever asks");
}
