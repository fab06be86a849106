//! Real npm attestations through `sigstore::attestation`: what is learnt from good ones, and what is refused.
use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{digest::Digest, evidence::LogEvidence};
use mcpsec_verify::sigstore::{self, BundleError, By, LogFault, SubjectFault, TrustRoot};
use serde_json::{Value, json};

const PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
const SLSA: &str = "https://slsa.dev/provenance/";

/// A package's tarball digest and its bundle with this predicate.
fn recorded(package: &str, predicate: &str) -> Option<(Digest, Value)> {
    let folder = mcpsec_testkit::shared::path("fixtures/npm-attestations")?;
    let (tarball, response) = match package {
        "server-filesystem" => {
            let folder = folder.join(package);
            let tarball = fs::read_dir(&folder).expect("folder").flatten().map(|entry| entry.path());
            let tarball =
                tarball.into_iter().find(|path| path.extension().is_some_and(|end| end == "tgz")).expect("tarball");
            (tarball, folder.join("attestations.json"))
        }
        _ => (folder.join(format!("{package}.tgz")), folder.join(format!("{package}.tgz.json"))),
    };
    let response: Value = serde_json::from_slice(&fs::read(response).expect("response")).expect("JSON");
    let listed = response["attestations"].as_array().expect("attestations").clone();
    let found =
        listed.into_iter().find(|one| one["predicateType"].as_str().is_some_and(|kind| kind.starts_with(predicate)));
    Some((Digest::sha512_of(&fs::read(tarball).expect("tarball")), found.expect("bundle")["bundle"].clone()))
}

/// npm's key with this id, from the recorded trust target.
fn key(id: &str) -> Vec<u8> {
    let keys = mcpsec_testkit::shared::path("fixtures/npm-signatures/npm-keys.json").expect("keys");
    let keys: Value = serde_json::from_slice(&fs::read(keys).expect("keys")).expect("JSON");
    let own = keys["keys"].as_array().expect("keys").iter().find(|key| key["keyId"] == id).expect("key");
    STANDARD.decode(own["publicKey"]["rawBytes"].as_str().expect("bytes")).expect("base64")
}

fn root() -> TrustRoot {
    TrustRoot::public_good().expect("embedded root")
}

fn refusal(bundle: &Value, digest: &Digest) -> BundleError {
    sigstore::attestation(&root(), &bundle.to_string(), digest, By::Certificate).expect_err("must be refused")
}

#[test]
fn the_provenance_of_a_real_server_says_who_built_it() {
    let Some((digest, bundle)) = recorded("server-filesystem", SLSA) else { return };
    let found = sigstore::attestation(&root(), &bundle.to_string(), &digest, By::Certificate).expect("holds");
    let identity = found.identity().expect("certificate");
    let repository = "https://github.com/modelcontextprotocol/servers";
    assert_eq!(identity.issuer, "https://token.actions.githubusercontent.com");
    assert_eq!(identity.repository.as_deref(), Some(repository));
    assert_eq!(identity.workflow.as_deref(), Some(format!("{repository}/.github/workflows/release.yml").as_str()));
    assert_eq!(identity.build_config, identity.workflow);
    assert!(identity.subject.ends_with(&format!("@{}", identity.reference.as_deref().expect("ref"))));
    assert!(identity.commit.as_deref().is_some_and(|commit| commit.len() == 40));
    assert!(identity.run.is_some() && identity.trigger.is_some() && identity.repository_id.is_some());
    assert_eq!(identity.runner.as_deref(), Some("github-hosted"));
    assert_eq!((found.log(), found.key_hint(), found.times().len()), (LogEvidence::Proof, None, 1));
    let statement = found.statement();
    assert_eq!(statement.predicate_type(), "https://slsa.dev/provenance/v1");
    assert_eq!(statement.subjects().len(), 1);
    let subject = statement.subject_of(&digest).expect("subject");
    assert_eq!(subject.name(), Some("pkg:npm/%40modelcontextprotocol/server-filesystem@2026.7.10"));
}

#[test]
fn a_publish_attestation_is_signed_by_the_key_that_it_hints_at() {
    let Some((digest, bundle)) = recorded("server-filesystem", PUBLISH) else { return };
    let text = bundle.to_string();
    let hint = sigstore::hint(&text).expect("bundle").expect("hint");
    let key = key(&hint);
    let found = sigstore::attestation(&root(), &text, &digest, By::Key(&key)).expect("holds");
    assert_eq!((found.identity(), found.log(), found.key_hint()), (None, LogEvidence::Proof, Some(hint.as_str())));
    assert!(found.signed_at().is_some());
    let refused = sigstore::attestation(&root(), &text, &digest, By::Certificate);
    assert_eq!(refused, Err(BundleError::Material { expected: "certificate", found: "key" }));
}

#[test]
fn an_old_bundle_without_proof_is_a_promise_and_its_repository_is_a_url() {
    for package in ["provenance-npm-test-cli-v02-prega", "supreme-googles-cli-v02-tag"] {
        let Some((digest, bundle)) = recorded(package, SLSA) else { return };
        let found = sigstore::attestation(&root(), &bundle.to_string(), &digest, By::Certificate).expect("holds");
        assert_eq!(found.log(), LogEvidence::Promise);
        let identity = found.identity().expect("certificate");
        let repository = identity.repository.as_deref().expect("repository");
        let workflow = identity.workflow.as_deref().expect("workflow");
        assert!(repository.starts_with("https://github.com/") && !workflow.contains('@'), "{identity:?}");
    }
}

#[test]
fn a_proof_taken_away_makes_a_promise_only_under_the_old_label() {
    let Some((digest, good)) = recorded("provenance-npm-test-cli-v1-prega", SLSA) else { return };
    let mut bundle = good.clone();
    let entry = bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("entry");
    entry.remove("inclusionProof").expect("proof");
    assert!(matches!(refusal(&bundle, &digest), BundleError::Log(LogFault::Proof(_))));
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    let found = sigstore::attestation(&root(), &bundle.to_string(), &digest, By::Certificate).expect("its SET holds");
    assert_eq!(found.log(), LogEvidence::Promise);

    // A second entry that owes its proof is not excused by the first one's.
    let mut bundle = good.clone();
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array_mut().expect("entries");
    let mut second = entries[0].clone();
    second.as_object_mut().expect("entry").remove("inclusionProof");
    entries.push(second);
    assert!(matches!(refusal(&bundle, &digest), BundleError::Log(LogFault::Proof(_))));

    // Without its SET nothing says when, although the log has it.
    let mut bundle = good;
    bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("entry").remove("inclusionPromise");
    assert!(matches!(refusal(&bundle, &digest), BundleError::NoTime(_)));
}

#[test]
fn what_is_ambiguous_or_too_much_is_refused_before_any_cryptography() {
    let Some((digest, good)) = recorded("server-filesystem", SLSA) else { return };
    let text = good.to_string();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        refusal(&bundle, &digest)
    };
    let malformed = |error: BundleError| assert!(matches!(error, BundleError::Malformed(_)), "{error:?}");

    let twice = text.replacen('{', r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","#, 1);
    malformed(sigstore::attestation(&root(), &twice, &digest, By::Certificate).expect_err("a name twice"));
    malformed(changed(&|bundle| bundle["messageSignature"] = json!({"signature": "AA=="})));
    malformed(changed(&|bundle| bundle["verificationMaterial"]["publicKey"] = json!({"hint": "x"})));
    malformed(changed(&|bundle| {
        bundle.as_object_mut().expect("object").remove("dsseEnvelope");
    }));
    let padded = text + &" ".repeat(1 << 20);
    let refused = sigstore::attestation(&root(), &padded, &digest, By::Certificate);
    assert!(matches!(refused, Err(BundleError::TooLong { .. })));
    for label in [json!("application/vnd.dev.sigstore.bundle.v0.4+json"), Value::Null] {
        let error = changed(&|bundle| bundle["mediaType"] = label.clone());
        assert!(matches!(error, BundleError::WrongMediaType(_)), "{error:?}");
    }
    for count in [0, 2] {
        let error = changed(&|bundle| {
            let signature = bundle["dsseEnvelope"]["signatures"][0].clone();
            bundle["dsseEnvelope"]["signatures"] = vec![signature; count].into();
        });
        assert_eq!(error, BundleError::ManySignatures(count));
    }
    let error = changed(&|bundle| {
        let entry = bundle["verificationMaterial"]["tlogEntries"][0].clone();
        bundle["verificationMaterial"]["tlogEntries"] = vec![entry; 9].into();
    });
    assert!(matches!(error, BundleError::TooMany { what: "log entries", limit: 8, actual: 9 }));
    let error = changed(&|bundle| {
        bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"] = vec![json!("AA=="); 65].into();
    });
    assert!(matches!(error, BundleError::TooMany { limit: 64, actual: 65, .. }));
}

#[test]
fn another_file_another_instance_and_a_plain_signature_are_refused() {
    let Some((digest, bundle)) = recorded("server-filesystem", SLSA) else { return };
    let error = refusal(&bundle, &Digest::sha512_of(b"another tarball"));
    assert!(matches!(error, BundleError::Subject(SubjectFault::Digest { .. })), "{error:?}");
    assert!(error.to_string().contains("the first one is pkg:npm/%40modelcontextprotocol/server-filesystem@2026.7.10"));
    // The same bytes by a digest that nobody signed.
    let error = refusal(&bundle, &Digest::sha256_of(b"x"));
    assert!(matches!(error, BundleError::Subject(SubjectFault::Digest { .. })), "{error:?}");
    for other in [TrustRoot::staging(), TrustRoot::git_host()] {
        let refused = sigstore::attestation(&other.expect("root"), &bundle.to_string(), &digest, By::Certificate);
        assert!(matches!(refused, Err(BundleError::Log(LogFault::UnknownLog(_)))), "{refused:?}");
    }
    let Some(folder) = mcpsec_testkit::shared::path("fixtures/sigstore-conformance/bundle-verify") else { return };
    let plain = fs::read_to_string(folder.join("happy-path-v0.3/bundle.sigstore.json")).expect("bundle");
    let refused = sigstore::attestation(&root(), &plain, &digest, By::Certificate);
    assert_eq!(refused, Err(BundleError::NotAnAttestation));
}
