//! The database and the service, whole and in pieces. Loopback only.
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use mcpsec_model::{
    advisory::Record,
    name::{Ecosystem, PackageName},
    package::PackageId,
    time::Timestamp,
    url::SafeUrl,
};
use mcpsec_testkit::{
    Fault, OsvMood, OsvServer, advisory, advisory_zip,
    archives::zip::{RawZip, ZipEntry},
    npm_advisory,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    http::{HttpOptions, Network},
    progress::Silent,
};

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("time")
}

fn network() -> Network {
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Network::new(HttpOptions {
        user_agent: "test".to_owned(),
        retries: 0,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(10),
        metadata_concurrency: 8,
    })
    .expect("client")
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("runtime").block_on(work)
}

fn npm(name: &str) -> (Ecosystem, PackageName) {
    (Ecosystem::Npm, PackageName::npm(name).expect("name"))
}

#[expect(clippy::disallowed_methods, reason = "a test damages files on purpose")]
fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
    fs::write(path, bytes).expect("write");
}

fn ids(records: &[Record]) -> Vec<String> {
    let id = |record: &Record| match record {
        Ok(advisory) => advisory.id.to_string(),
        Err(unread) => format!("unread {}", unread.id),
    };
    let mut ids: Vec<String> = records.iter().map(id).collect();
    ids.sort();
    ids
}

fn about(database: &mut Database, name: &str) -> Vec<String> {
    let wanted = BTreeSet::from([npm(name)]);
    database.records(&wanted).expect("records").get(&npm(name)).map(|records| ids(records)).unwrap_or_default()
}

fn sample() -> Vec<Value> {
    let mut both = advisory("GHSA-b", "npm", "right", &json!({"versions": ["2.0.0"]}));
    both["affected"].as_array_mut().expect("entries").push(json!({
        "package": {"ecosystem": "PyPI", "name": "Some_Name"}, "versions": ["1.0"]
    }));
    let mut broken = npm_advisory("GHSA-c", "left", &["1.0.0"]);
    broken["affected"][0]["versions"] = json!(1);
    vec![npm_advisory("MAL-a", "left", &["1.0.3"]), both, broken, advisory("GO-1", "Go", "left", &json!({}))]
}

#[test]
fn a_database_gives_back_what_was_put_in_from_a_zip_and_from_folders() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, zip) = (folder.path().join("data/advisories.db"), folder.path().join("npm/all.zip"));
    put(&zip, &advisory_zip(&sample()));
    for (index, record) in sample().iter().enumerate() {
        put(&folder.path().join(format!("tree/deep/{index}.json")), record.to_string().as_bytes());
    }
    put(&folder.path().join("tree/notes.txt"), b"not a record");
    for source in ["npm/all.zip", "npm", "tree"] {
        let imported = import(&path, &folder.path().join(source), now()).expect("imported");
        assert_eq!((imported.about.records, imported.about.unreadable, imported.about.lost), (3, 1, 0), "{source}");
        let mut database = Database::open(&path).expect("opened").expect("there");
        assert_eq!(database.about(), &imported.about);
        assert_eq!(about(&mut database, "left"), ["MAL-a", "unread GHSA-c"]);
        assert_eq!(about(&mut database, "right"), ["GHSA-b"]);
        assert_eq!(about(&mut database, "lef"), [""; 0]);
        let python = (Ecosystem::Pypi, PackageName::pypi("some.name").expect("name"));
        let wanted = BTreeSet::from([npm("left"), npm("zzz"), python.clone()]);
        let all = database.records(&wanted).expect("records");
        assert_eq!(ids(&all[&python]), ["GHSA-b"]);
        assert_eq!(all.len(), 2);
    }
    assert_eq!(Database::open(&folder.path().join("none.db")).expect("no error").map(|_| ()), None);
    let left_behind = fs::read_dir(folder.path().join("data")).expect("list").count();
    assert_eq!(left_behind, 2, "the database and its lock");
}

#[test]
fn of_two_records_with_one_id_the_later_one_counts() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("advisories.db");
    let mut later = npm_advisory("A-1", "right", &["1.0.0"]);
    later["modified"] = json!("2026-06-01T00:00:00Z");
    let earlier = npm_advisory("A-1", "left", &["1.0.0"]);
    for (order, records) in [[&later, &earlier], [&earlier, &later]].into_iter().enumerate() {
        for (name, record) in ["a.json", "b.json"].iter().zip(records) {
            put(&folder.path().join(format!("{order}/{name}")), record.to_string().as_bytes());
        }
        let imported = import(&path, &folder.path().join(order.to_string()), now()).expect("imported");
        assert_eq!(imported.about.records, 1);
        let mut database = Database::open(&path).expect("opened").expect("there");
        assert_eq!((about(&mut database, "left").len(), about(&mut database, "right").len()), (0, 1));
    }
}

/// Whatever bit flips, and wherever the file ends: an error, or the same answer, never another one.
#[test]
fn a_damaged_database_is_an_error_and_never_an_empty_answer() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, zip) = (folder.path().join("advisories.db"), folder.path().join("all.zip"));
    put(&zip, &advisory_zip(&sample()));
    import(&path, &zip, now()).expect("imported");
    let good = fs::read(&path).expect("bytes");
    let wanted = BTreeSet::from([npm("left"), npm("right")]);
    let ask = |bytes: &[u8]| {
        put(&path, bytes);
        Database::open(&path)
            .map(|database| database.expect("there"))
            .and_then(|mut database| database.records(&wanted))
    };
    let answer = ask(&good).expect("whole");
    let mut refused = 0;
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        match ask(&bytes) {
            Ok(found) => assert_eq!(found, answer, "byte {at}"),
            Err(error) => {
                assert!(error.is_mended_by_update(), "{error}");
                refused += 1;
            }
        }
    }
    // All but the four bytes that mean nothing.
    assert_eq!(refused, good.len() - 4);
    for length in 0..good.len() {
        assert!(ask(&good[..length]).is_err(), "{length}");
    }
    assert!(ask(&[&good[..], b"x"].concat()).is_err());
    let mut newer = good;
    newer[8] = 9;
    assert!(matches!(ask(&newer), Err(OsvError::Format { found: 9, .. })));
}

#[test]
fn what_is_no_database_of_advisories_does_not_replace_one() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, zip) = (folder.path().join("advisories.db"), folder.path().join("all.zip"));
    put(&zip, &advisory_zip(&sample()));
    import(&path, &zip, now()).expect("imported");
    let before = fs::read(&path).expect("bytes");
    let many_bad = (0..30).fold(RawZip::new(), |zip, n| zip.file(&format!("{n}.json"), b"{}"));
    let go = advisory("GO-1", "Go", "x", &json!({}));
    let sources: [(&str, Vec<u8>, &str); 5] = [
        ("text", b"not a zip".to_vec(), "cannot be taken"),
        ("empty", RawZip::new().finish(), "holds no record"),
        ("bad", many_bad.finish(), "30 of its files are no records"),
        ("go", advisory_zip([&go]), "holds no record"),
        ("cut", advisory_zip(&sample())[..200].to_vec(), "cannot be taken"),
    ];
    for (name, bytes, words) in sources {
        put(&zip, &bytes);
        let error = import(&path, &zip, now()).expect_err(name).to_string();
        assert!(error.contains(words), "{name}: {error}");
        assert_eq!(fs::read(&path).expect("bytes"), before, "{name}");
    }
    assert!(import(&path, &folder.path().join("none"), now()).is_err());
}

/// A record that inflates to far more than a record may have is cut off there, counted and named.
#[test]
fn a_bomb_is_one_lost_record() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, zip) = (folder.path().join("advisories.db"), folder.path().join("all.zip"));
    let good = sample()[0].to_string();
    let bytes =
        RawZip::new().entry(&ZipEntry::fill("bomb.json", b' ', 300 << 20)).file("a.json", good.as_bytes()).finish();
    assert!(bytes.len() < 1 << 20);
    put(&zip, &bytes);
    let imported = import(&path, &zip, now()).expect("imported");
    assert_eq!((imported.about.records, imported.about.lost), (1, 1));
    assert!(imported.lost[0].contains("bomb.json: it has 4194305 bytes"), "{:?}", imported.lost);
}

#[test]
fn one_process_writes_at_a_time() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, zip) = (folder.path().join("advisories.db"), folder.path().join("all.zip"));
    put(&zip, &advisory_zip(&sample()));
    import(&path, &zip, now()).expect("imported");
    let mut reader = Database::open(&path).expect("opened").expect("there");
    let held = super::build::Builder::new(&path).expect("the right to write");
    assert!(matches!(import(&path, &zip, now()), Err(OsvError::Busy { .. })));
    drop(held);
    put(&zip, &advisory_zip(&sample()[..1]));
    import(&path, &zip, now()).expect("imported");
    // Who opened the old one has it still, whole.
    assert_eq!(about(&mut reader, "right"), ["GHSA-b"]);
}

#[test]
fn an_update_downloads_what_changed_and_keeps_the_rest() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("advisories.db");
    let server = OsvServer::start();
    sample().iter().for_each(|record| server.publish(record));
    let (network, base) = (network(), server.base().parse::<SafeUrl>().expect("url"));
    let update = || run(update(&network, &base, &path, now(), &Silent));
    let first = update().expect("updated");
    assert_eq!((first.unchanged, first.about.records, first.about.unreadable), (false, 3, 1));
    let again = update().expect("updated");
    assert_eq!((again.unchanged, again.about.records, again.about.unreadable), (true, 3, 1));
    // npm has one more; the Python archive is the same and is not sent.
    server.publish(&npm_advisory("MAL-z", "left", &["9.0.0"]));
    server.clear_log();
    let third = update().expect("updated");
    assert_eq!((third.unchanged, third.about.records), (false, 4));
    let mut database = Database::open(&path).expect("opened").expect("there");
    assert_eq!(about(&mut database, "left"), ["MAL-a", "MAL-z", "unread GHSA-c"]);
    assert_eq!(about(&mut database, "right"), ["GHSA-b"]);
    // Damage is mended by asking without conditions.
    put(&path, b"MCPSECDB and nothing more");
    assert_eq!(update().expect("mended").about.records, 4);
    // Broken transfers and false archives leave what is there.
    let before = fs::read(&path).expect("bytes");
    server.publish(&npm_advisory("MAL-y", "left", &["8.0.0"]));
    for fault in [Fault::Status(500), Fault::Truncate { after: 100 }, Fault::Garbage, Fault::Reset, Fault::Gone] {
        server.inject(fault.clone().on("/npm/all.zip"));
        assert!(update().is_err(), "{fault:?}");
        assert_eq!(fs::read(&path).expect("bytes"), before);
        server.heal();
    }
    // Another address is another archive, whatever its ETag.
    let other = OsvServer::start();
    other.publish(&npm_advisory("MAL-other", "left", &["1.0.0"]));
    other.publish(&advisory("PYSEC-1", "PyPI", "x", &json!({"versions": ["1"]})));
    let elsewhere = other.base().parse::<SafeUrl>().expect("url");
    let moved = run(super::update(&network, &elsewhere, &path, now(), &Silent)).expect("updated");
    assert_eq!((moved.unchanged, moved.about.records), (false, 2));
}

fn asked(server: &OsvServer, cache: &Path, packages: &[&str]) -> Answers {
    let (network, base) = (network(), server.base().parse::<SafeUrl>().expect("url"));
    let packages: Vec<PackageId> = packages.iter().map(|text| text.parse().expect("id")).collect();
    let packages: Vec<&PackageId> = packages.iter().collect();
    run(ask(&Api { network: &network, base: &base, cache }, &packages))
}

fn shown(answers: &Answers) -> Vec<String> {
    let one = |(package, answer): (&PackageId, &Result<Vec<Record>, String>)| match answer {
        Ok(records) => format!("{package}: {}", ids(records).join(" ")),
        Err(why) => format!("{package}: not known: {why}"),
    };
    answers.iter().map(one).collect()
}

#[test]
fn a_service_names_records_and_each_is_fetched_once() {
    let cache = tempfile::tempdir().expect("folder");
    let server = OsvServer::start();
    for id in ["MAL-1", "MAL-2", "MAL-3"] {
        server.publish(&npm_advisory(id, "left", &["1.0.3"]));
    }
    let packages = ["npm:left@1.0.3", "npm:left@2.0.0", "npm:files@1.2.0"];
    for mood in [OsvMood::Honest, OsvMood::Paged] {
        server.set_mood(mood);
        let answers = shown(&asked(&server, cache.path(), &packages));
        assert_eq!(
            answers,
            ["npm:files@1.2.0: ", "npm:left@1.0.3: MAL-1 MAL-2 MAL-3", "npm:left@2.0.0: MAL-1 MAL-2 MAL-3"],
            "{mood:?}"
        );
    }
    assert_eq!(server.count("/v1/vulns/*"), 3, "kept by id and time of change");
    let mut changed = npm_advisory("MAL-2", "left", &["1.0.3"]);
    changed["modified"] = json!("2026-02-01T00:00:00Z");
    server.publish(&changed);
    server.set_mood(OsvMood::Honest);
    let _again = asked(&server, cache.path(), &packages);
    assert_eq!(server.count("/v1/vulns/*"), 4, "the changed one is fetched again");
}

#[test]
fn many_packages_are_asked_about_in_several_batches() {
    let cache = tempfile::tempdir().expect("folder");
    let server = OsvServer::start();
    server.publish(&npm_advisory("MAL-1", "p2049", &["1.0.0"]));
    let names: Vec<String> = (0..2050).map(|n| format!("npm:p{n}@1.0.0")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answers = asked(&server, cache.path(), &names);
    assert_eq!((answers.len(), server.count("/v1/querybatch")), (2050, 3));
    assert_eq!(ids(answers[&"npm:p2049@1.0.0".parse().expect("id")].as_ref().expect("known")), ["MAL-1"]);
}

/// Everything that is not a whole honest answer is told as not known.
#[test]
fn a_hostile_service_leaves_packages_unknown() {
    let cache = tempfile::tempdir().expect("folder");
    let server = OsvServer::start();
    server.publish(&npm_advisory("MAL-1", "left", &["1.0.3"]));
    server.publish(&npm_advisory("MAL-2", "other", &["1.0.3"]));
    let ask = || shown(&asked(&server, &tempfile::tempdir().expect("folder").keep(), &["npm:left@1.0.3"])).join("\n");
    for (mood, words) in [
        (OsvMood::Endless, "has more than 20 pages about npm:left@1.0.3"),
        (OsvMood::Short, "was asked 1 questions and answered 0"),
        (OsvMood::Swapping, "sent another record, MAL-2"),
        (OsvMood::Escaping, "`../../x` is not the id of an advisory"),
    ] {
        server.set_mood(mood);
        let answer = ask();
        assert!(answer.contains("not known") && answer.contains(words), "{mood:?}: {answer}");
    }
    server.set_mood(OsvMood::Honest);
    for (fault, pattern) in [
        (Fault::Status(500), "/v1/querybatch"),
        (Fault::Garbage, "/v1/querybatch"),
        (Fault::Enormous { bytes: 80 << 20, declared: true }, "/v1/querybatch"),
        (Fault::RedirectLoop, "/v1/querybatch"),
        (Fault::GzipBomb { bytes: 80 << 20 }, "/v1/vulns/*"),
        (Fault::Status(404), "/v1/vulns/*"),
        (Fault::Truncate { after: 10 }, "/v1/vulns/*"),
        (Fault::Enormous { bytes: 80 << 20, declared: false }, "/v1/vulns/*"),
    ] {
        server.inject(fault.clone().on(pattern));
        let answer = ask();
        assert!(answer.contains("not known"), "{fault:?}: {answer}");
        server.heal();
    }
    assert_eq!(shown(&asked(&server, cache.path(), &["npm:left@1.0.3"])), ["npm:left@1.0.3: MAL-1"]);
}

/// What was kept is used for nothing but the record it is, and only while it is whole.
#[test]
fn a_kept_record_that_was_changed_is_fetched_again() {
    let cache = tempfile::tempdir().expect("folder");
    let server = OsvServer::start();
    server.publish(&npm_advisory("MAL-1", "left", &["1.0.3"]));
    let _kept = asked(&server, cache.path(), &["npm:left@1.0.3"]);
    let mut files = Vec::new();
    for folder in fs::read_dir(cache.path()).expect("list").flatten() {
        files.extend(fs::read_dir(folder.path()).expect("list").flatten().map(|file| file.path()));
    }
    assert_eq!(files.len(), 1);
    put(&files[0], npm_advisory("MAL-9", "left", &[]).to_string().as_bytes());
    assert_eq!(shown(&asked(&server, cache.path(), &["npm:left@1.0.3"])), ["npm:left@1.0.3: MAL-1"]);
    put(&files[0], b"{");
    assert_eq!(shown(&asked(&server, cache.path(), &["npm:left@1.0.3"])), ["npm:left@1.0.3: MAL-1"]);
    assert_eq!(server.count("/v1/vulns/*"), 3);
}
