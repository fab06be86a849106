//! What a token to push can do to evidence that colleagues need: add to it.
use mcpsec_model::{
    digest::Integrity,
    evidence::{RegistryKey, RegistrySignature},
    time::Timestamp,
};
use mcpsec_testkit::{NpmRegistryKey, shared};
use serde_json::Value;

use super::*;

fn fixture(path: &str) -> Option<String> {
    let path = shared::path(&format!("fixtures/{path}"))?;
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// A version that npm signed.
fn signed() -> Option<(Subject, Documents)> {
    let packument: Value = serde_json::from_str(&fixture("npm-signatures/undici-types.json")?).expect("JSON");
    let (version, entry) = packument["versions"].as_object().expect("versions").iter().next().expect("a version");
    let integrity = Integrity::parse(entry["dist"]["integrity"].as_str().expect("text")).expect("integrity");
    let subject = Subject {
        package: format!("npm:undici-types@{version}").parse().expect("an id"),
        file: format!("undici-types-{version}.tgz"),
        digest: integrity.digests.strongest().expect("sha512"),
    };
    let signatures: Vec<RegistrySignature> =
        serde_json::from_value(entry["dist"]["signatures"].clone()).expect("signatures");
    let published = packument["time"][version].as_str().expect("text").parse().ok();
    Some((subject, Documents { offered: true, signatures, published, ..Documents::default() }))
}

/// A version with attestations of npm and of a workload.
fn attested() -> Option<(Subject, Documents)> {
    let response = fixture("npm-attestations/provenance-npm-test-cli-v02-prega.tgz.json")?;
    let tarball = shared::path("fixtures/npm-attestations/provenance-npm-test-cli-v02-prega.tgz")?;
    let subject = Subject {
        package: "npm:@laurentsimon/provenance-npm-test@1.0.3".parse().expect("an id"),
        file: "provenance-npm-test-1.0.3.tgz".to_owned(),
        digest: Digest::sha512_of(&std::fs::read(tarball).expect("a tarball")),
    };
    Some((subject, Documents { offered: true, attestations: Some(response), ..Documents::default() }))
}

fn signature(keyid: &str, sig: &str) -> RegistrySignature {
    RegistrySignature { keyid: keyid.into(), sig: sig.to_owned() }
}

#[test]
fn signatures_that_hold_stay_whatever_comes_after_them() {
    let Some((subject, good)) = signed() else { return };
    assert_eq!(Part::Signatures.worth(&good, &subject), Worth::Holds(good.signatures.len()));
    let own = good.signatures[0].keyid.to_string();
    let late: Timestamp = "2099-01-01T00:00:00Z".parse().expect("a time");
    let unusable = RegistryKey {
        keyid: "SHA256:x".into(),
        key: "nonsense".to_owned(),
        scheme: "ecdsa-sha2-nistp256".into(),
        expires: None,
    };
    let with = |signature| Documents { signatures: vec![signature], ..good.clone() };
    let worse = [
        ("none", Documents::default()),
        ("withheld", Documents { offered: true, withheld: true, ..Documents::default() }),
        ("another signature by npm's key", with(signature(&own, "AAAA"))),
        ("one by a key of nobody", with(signature("SHA256:nobody", "AAAA"))),
        (
            "keys that spoil the rest",
            Documents { keys: vec![unusable], attestations: Some("{}".to_owned()), ..good.clone() },
        ),
        ("a time when the key was retired", Documents { published: Some(late), ..good.clone() }),
    ];
    for (what, worse) in worse {
        let kept = completed(&good, &worse, &subject);
        assert_eq!(Part::Signatures.worth(&kept, &subject), Part::Signatures.worth(&good, &subject), "{what}");
        assert_eq!((&kept.signatures, &kept.published), (&good.signatures, &good.published), "{what}");
    }
    // And where the worse was first, the better takes its place.
    for worse in [with(signature(&own, "AAAA")), with(signature("SHA256:nobody", "AAAA")), Documents::default()] {
        assert_eq!(completed(&worse, &good, &subject).signatures, good.signatures);
    }
    // A key that somebody made signs whatever they like: that it holds is worth less.
    let (own, id) = (NpmRegistryKey::generate(), &subject.package);
    let made = Documents {
        signatures: vec![own.sign(id.name().as_str(), id.version(), &subject.digest.to_sri())],
        keys: vec![own.public().clone()],
        ..good.clone()
    };
    assert_eq!(Part::Signatures.worth(&made, &subject), Worth::Untold);
    assert_eq!(completed(&made, &good, &subject).signatures, good.signatures);
    assert_eq!(completed(&good, &made, &subject).signatures, good.signatures);
    // Nobody dates what has no date so that it no longer counts.
    let undated = Documents { published: None, ..good.clone() };
    let kept = completed(&undated, &Documents { published: Some(late), ..undated.clone() }, &subject);
    assert_eq!(Part::Signatures.worth(&kept, &subject), Worth::Holds(good.signatures.len()));
}

#[test]
fn attestations_that_hold_stay_and_more_of_them_are_taken() {
    let Some((subject, good)) = attested() else { return };
    let worth = |documents: &Documents| Part::Attestations.worth(documents, &subject);
    let Worth::Holds(count) = worth(&good) else { panic!("{:?}", worth(&good)) };
    assert_eq!(count, 2);
    let mut fewer: Value = serde_json::from_str(good.attestations.as_deref().expect("text")).expect("JSON");
    fewer["attestations"].as_array_mut().expect("a list").truncate(1);
    let with = |text: String| Documents { attestations: Some(text), ..good.clone() };
    let broken = fixture("npm-attestations/provenance-npm-test-cli-v02-prega-invalidsigpub.tgz.json").expect("there");
    for (what, worse) in [
        ("nothing", with(String::new())),
        ("no statement", with(r#"{"attestations":[]}"#.to_owned())),
        ("a broken signature", with(broken)),
        ("half of them", with(fewer.to_string())),
    ] {
        assert!(worth(&worse) < worth(&good), "{what}");
        assert_eq!(completed(&good, &worse, &subject), good, "{what}");
        assert_eq!(completed(&worse, &good, &subject).attestations, good.attestations, "{what}");
    }
}

#[test]
fn what_nobody_here_can_judge_is_kept_by_whoever_sent_it_first() {
    let subject = Subject {
        package: "npm:@team/own@1.0.0".parse().expect("an id"),
        file: "own-1.0.0.tgz".to_owned(),
        digest: Digest::sha512_of(b"own"),
    };
    let first = Documents { offered: true, signatures: vec![signature("k1", "c2ln")], ..Documents::default() };
    let second = Documents {
        signatures: vec![signature("k2", "c2ln")],
        attestations: Some(r#"{"attestations":[]}"#.to_owned()),
        ..first.clone()
    };
    let kept = completed(&first, &second, &subject);
    assert_eq!((&kept.signatures, &kept.attestations), (&first.signatures, &second.attestations), "only added to");
    assert_eq!(completed(&kept, &first, &subject), kept);
    let withheld = Documents { offered: true, withheld: true, ..Documents::default() };
    assert!(completed(&Documents::default(), &withheld, &subject).withheld);
    assert!(!completed(&withheld, &second, &subject).withheld);
}

#[test]
fn a_commit_is_the_one_that_its_hash_names() {
    let raw = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a@b.test> 1 +0000\ncommitter a <a@b.test> 1 +0000\n\nx\n";
    let id = git::object_id(ObjectKind::Commit, raw, &"a".repeat(40)).expect("an id");
    let package: PackageId = format!("git+https://git.example.test/a/b@{id}").parse().expect("an id");
    let subject = Subject { package, file: "a.tar".to_owned(), digest: Digest::sha256_of(b"a") };
    let good = Documents { offered: true, commit: Some(STANDARD.encode(raw)), ..Documents::default() };
    let other = Documents { commit: Some(STANDARD.encode(b"tree x\n\nother\n")), ..good.clone() };
    assert_eq!(completed(&good, &other, &subject), good);
    assert_eq!(completed(&other, &good, &subject), good);
    let tagging = |target: &str| {
        let object = format!("object {target}\ntype commit\ntag v1\ntagger a <a@b.test> 1 +0000\n\nx\n");
        Documents { tag: Some(STANDARD.encode(object)), ..Documents::default() }
    };
    let (right, wrong) = (tagging(&id), tagging(&"b".repeat(40)));
    assert_eq!(completed(&wrong, &right, &subject).tag, right.tag);
    assert_eq!(completed(&right, &wrong, &subject).tag, right.tag);
}
