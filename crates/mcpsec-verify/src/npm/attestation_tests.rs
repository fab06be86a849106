//! What a statement has to say, once its signature holds: no recorded attestation is signed over anything else, so the rules are
//! tested behind the signature.
use serde_json::json;

use super::*;
use crate::statements::{statement, subject};

fn digest() -> Digest {
    Digest::sha512_of(b"tarball")
}

fn package() -> PackageId {
    "npm:@o/p@1.0.0".parse().expect("a package id")
}

fn check(subjects: &Value) -> Result<(), AttestationError> {
    let (keys, root) = (KeySet::built_in(), TrustRoot::public_good().expect("the embedded root"));
    let (package, sha512) = (package(), digest());
    let subject = Subject { package: &package, sha512: &sha512, keys: &keys, root: &root };
    subject.subject(&statement(SLSA_V1, subjects, &Value::Null))
}

#[test]
fn the_only_subject_is_the_package() {
    let own = subject("pkg:npm/%40o/p@1.0.0", &digest());
    assert_eq!(check(&json!([own])), Ok(()));
    for extra in [own.clone(), subject("pkg:npm/%40o/q@1.0.0", &digest()), subject("x", &Digest::sha512_of(b""))] {
        for both in [json!([own, extra]), json!([extra, own])] {
            assert!(matches!(check(&both), Err(AttestationError::Subjects { count: 2, .. })));
        }
    }
}

#[test]
fn a_subject_is_named_exactly() {
    for name in [
        "pkg:npm/@o/p@1.0.0",
        "pkg:npm/%40O/p@1.0.0",
        "pkg:npm/p@1.0.0",
        "pkg:npm/%40o/p@1.0.1",
        "pkg:npm/%40o/p@1.0.0 ",
        "pkg:npm/%40o/p@1.0.0?x=y",
        "pkg:npm/%40o/p",
        "pkg:pypi/%40o/p@1.0.0",
        "",
    ] {
        assert!(matches!(check(&json!([subject(name, &digest())])), Err(AttestationError::Subject { .. })), "{name}");
    }
    let nameless = json!([{ "digest": { "sha512": digest().to_hex() } }]);
    assert!(matches!(check(&nameless), Err(AttestationError::Subject { .. })));
}

#[test]
fn a_subject_has_the_locked_sha512() {
    let name = "pkg:npm/%40o/p@1.0.0";
    let other = subject(name, &Digest::sha512_of(b"other"));
    assert!(matches!(check(&json!([other])), Err(AttestationError::Digest { .. })));
    let weaker = subject(name, &Digest::sha256_of(b"tarball"));
    assert!(matches!(check(&json!([weaker])), Err(AttestationError::Digest { .. })));
}

#[test]
fn what_was_published_is_the_package() {
    let said = |name: &str, version: &str| {
        let registry = "https://registry.invalid";
        published(&package(), &json!({ "name": name, "version": version, "registry": registry }))
    };
    assert_eq!(said("@o/p", "1.0.0"), Ok(()));
    for (name, version) in [("@o/q", "1.0.0"), ("@o/p", "1.0.1"), ("@O/p", "1.0.0"), ("", "")] {
        assert!(matches!(said(name, version), Err(AttestationError::Published { .. })), "{name}@{version}");
    }
    for predicate in [json!({}), Value::Null, json!({ "name": "@o/p", "version": 1 })] {
        assert!(matches!(published(&package(), &predicate), Err(AttestationError::Malformed(_))), "{predicate}");
    }
}

#[test]
fn a_build_is_signed_by_a_workload_of_the_repository_it_names() {
    let predicate = json!({ "buildDefinition": { "externalParameters": { "workflow": {
        "repository": "https://git.invalid/o/r", "ref": "refs/heads/main", "path": ".github/workflows/ci.yml"
    } } } });
    let statement = statement(SLSA_V1, &json!([subject("x", &digest())]), &predicate);
    let workflow = SignerIdentity {
        issuer: "https://issuer.invalid".into(),
        subject: "https://git.invalid/o/r/.github/workflows/ci.yml@refs/heads/main".into(),
        repository: Some("https://git.invalid/o/r".into()),
        ..SignerIdentity::default()
    };
    assert_eq!(workload(&statement, Some(&workflow)), Ok(&workflow));
    assert!(matches!(workload(&statement, None), Err(AttestationError::NoIssuer { .. })));
    let nobody = SignerIdentity { issuer: String::new(), ..workflow.clone() };
    assert!(matches!(workload(&statement, Some(&nobody)), Err(AttestationError::NoIssuer { .. })));
    let person = SignerIdentity { repository: None, subject: "p@host.invalid".into(), ..workflow.clone() };
    assert!(matches!(workload(&statement, Some(&person)), Err(AttestationError::NotAWorkload { .. })));
    let other = SignerIdentity { repository: Some("https://git.invalid/o/r2".into()), ..workflow };
    let refused = workload(&statement, Some(&other));
    assert!(matches!(refused, Err(AttestationError::PredicateContradictsCertificate { .. })), "{refused:?}");
}
