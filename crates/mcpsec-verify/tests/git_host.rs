//! The git host's own instance: no log, a trusted timestamp instead, and releases that name a commit. The one real attestation at
//! hand is a test file inside the pinned source of `sigstore-verify`.
use std::{fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    digest::Digest,
    evidence::{EvidenceKind, LogEvidence},
};
use mcpsec_testkit::{program::find, shared::workspace};
use mcpsec_verify::git::{self, ReleaseError};
use mcpsec_verify::sigstore::{
    self, BundleError, By, CertificateFault, LogFault, Rules, SubjectFault, TimestampFault, TrustRoot,
};
use serde_json::{Value, json};

/// The commit that the release is of, and one of its files.
const COMMIT: &str = "43d0bd191f16d1fe3484a4b58aa69118f7692442";
const FILE: &str = "sha256:76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428";

#[expect(clippy::disallowed_methods, reason = "only cargo knows where a dependency's source is")]
fn release() -> Option<Value> {
    let flags = ["metadata", "--offline", "--format-version", "1"];
    let done = Command::new(find("cargo")?).args(flags).current_dir(workspace()).output().ok()?;
    let metadata: Value = serde_json::from_slice(&done.stdout).ok()?;
    let own = metadata["packages"].as_array()?.iter().find(|package| package["name"] == "sigstore-verify")?;
    let folder = Path::new(own["manifest_path"].as_str()?).parent()?;
    let text = fs::read_to_string(folder.join("test_data/bundles/github-private-attestation.sigstore.json"));
    // Without it the tests below have nothing to look at.
    serde_json::from_str(&text.ok()?).ok()
}

fn host() -> TrustRoot {
    TrustRoot::git_host().expect("embedded root")
}

#[test]
fn a_release_holds_for_its_files_and_its_commit() {
    let Some(bundle) = release() else { return };
    let text = bundle.to_string();
    let file: Digest = FILE.parse().expect("digest");
    let of_file = sigstore::attestation(&host(), &text, &file, By::Certificate).expect("holds");
    let of_commit = sigstore::attestation_of_commit(&host(), &text, COMMIT).expect("holds");
    assert_eq!(of_file, of_commit);
    assert_eq!((of_file.log(), of_file.times().len()), (LogEvidence::Timestamp, 1));
    assert_eq!(of_file.statement().predicate_type(), "https://in-toto.io/attestation/release/v0.2");
    let subject = of_commit.statement().subject_of_commit(COMMIT).expect("subject");
    assert!(subject.uri().is_some_and(|uri| uri.starts_with("pkg:github/")) && subject.name().is_none());
    // The host itself signs releases: no identity provider vouches for it, and there is no workflow.
    let identity = of_file.identity().expect("certificate");
    assert_eq!((identity.subject.as_str(), identity.issuer.as_str()), ("https://dotcom.releases.github.com", ""));
    assert_eq!((&identity.workflow, &identity.repository), (&None, &None));
    for other in ["43d0bd191f16d1fe3484a4b58aa69118f7692443", "43d0bd1", ""] {
        let refused = sigstore::attestation_of_commit(&host(), &text, other);
        assert!(matches!(refused, Err(BundleError::Subject(SubjectFault::Digest { .. }))), "{refused:?}");
    }
}

#[test]
fn other_roots_and_other_rules_refuse_it() {
    let Some(bundle) = release() else { return };
    let text = bundle.to_string();
    // It has no log entry, and every other instance owes one.
    for root in [TrustRoot::public_good(), TrustRoot::staging()] {
        let refused = sigstore::attestation_of_commit(&root.expect("root"), &text, COMMIT);
        assert!(matches!(refused, Err(BundleError::Log(LogFault::Proof(_)))), "{refused:?}");
    }
    let json = |json| TrustRoot::from_json(json, Rules::Timestamped).expect("root");
    // Even without that, nobody there knows its clock.
    let lax = json(sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT);
    let refused = sigstore::attestation_of_commit(&lax, &text, COMMIT);
    assert!(matches!(refused, Err(BundleError::Timestamp(TimestampFault::Invalid(_)))), "{refused:?}");
    // And the host's root under the public rules misses what the host does not have.
    let strict = TrustRoot::from_json(sigstore_trust_root::SIGSTORE_GITHUB_TRUSTED_ROOT, Rules::Logged).expect("root");
    let refused = sigstore::attestation_of_commit(&strict, &text, COMMIT);
    assert!(matches!(refused, Err(BundleError::Log(LogFault::Proof(_)))), "{refused:?}");
}

#[test]
fn every_part_of_it_counts() {
    let Some(good) = release() else { return };
    let refusal = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        sigstore::attestation_of_commit(&host(), &bundle.to_string(), COMMIT).expect_err("must be refused")
    };
    let flipped = |value: &mut Value, at: usize| {
        let mut bytes = STANDARD.decode(value.as_str().expect("text")).expect("base64");
        let at = bytes.len() - at;
        bytes[at] ^= 1;
        *value = STANDARD.encode(bytes).into();
    };
    // The last digit of a digest in the statement stays one; the signature does not.
    let payload = STANDARD.decode(good["dsseEnvelope"]["payload"].as_str().expect("payload")).expect("base64");
    let payload = String::from_utf8(payload).expect("UTF-8").replace(COMMIT, &"a".repeat(40));
    let error = refusal(&|bundle| bundle["dsseEnvelope"]["payload"] = STANDARD.encode(&payload).into());
    assert!(matches!(error, BundleError::Signature(_)), "{error:?}");
    // The timestamp is over the signature, so another signature has no time.
    let error = refusal(&|bundle| flipped(&mut bundle["dsseEnvelope"]["signatures"][0]["sig"], 1));
    assert!(matches!(error, BundleError::Timestamp(TimestampFault::Invalid(_))), "{error:?}");
    let error = refusal(&|bundle| {
        flipped(
            &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"],
            1,
        );
    });
    assert!(matches!(error, BundleError::Timestamp(TimestampFault::Invalid(_))), "{error:?}");
    let error = refusal(&|bundle| bundle["verificationMaterial"]["timestampVerificationData"] = json!({}));
    assert!(matches!(error, BundleError::NoTime(_)), "{error:?}");
    let error = refusal(&|bundle| flipped(&mut bundle["verificationMaterial"]["certificate"]["rawBytes"], 1));
    assert!(matches!(error, BundleError::Certificate(CertificateFault::Chain(_))), "{error:?}");
}

#[test]
fn a_release_vouches_for_its_commit_and_no_other() {
    let Some(bundle) = release() else { return };
    let (text, host, public_good) = (bundle.to_string(), host(), TrustRoot::public_good().expect("embedded root"));
    let proof = git::release(&text, COMMIT, &[&public_good, &host]).expect("the host's own root accepts it");
    assert_eq!((proof.kind(), proof.subject()), (EvidenceKind::Release, COMMIT));
    let identity = proof.signer().identity().expect("certificate");
    assert_eq!(
        (identity.issuer.as_str(), identity.subject.as_str()),
        ("git-host", "https://dotcom.releases.github.com")
    );
    let other = COMMIT.replace('4', "5");
    assert!(matches!(git::release(&text, &other, &[&host]), Err(ReleaseError::Bundle(BundleError::Subject(_)))));
    assert!(matches!(git::release(&text, COMMIT, &[&public_good]), Err(ReleaseError::Bundle(_))));
    assert!(matches!(git::release(&text, COMMIT, &[]), Err(ReleaseError::NoRoot)));
}
