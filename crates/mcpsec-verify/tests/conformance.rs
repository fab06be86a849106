//! The Sigstore conformance suite's bundle cases, each with its label, and each refusal for its own reason.
use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::digest::Digest;
use mcpsec_verify::sigstore::{
    Artifact, BundleError, CertificateFault, Expect, Identity, Rules, Signed, TrustRoot, blob, key_from_pem,
};

/// The suite's defaults, from its README.
const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Why each case that must fail does: [`mcpsec_verify::sigstore::BundleError::code`], or `root` for an unusable trust root.
const REASONS: &[(&str, &str)] = &[
    ("bundle-empty-certificate-chain_fail", "malformed"),
    ("bundle-from-wrong-instance_fail", "log.unknown"),
    ("bundle-invalid-base64-signature_fail", "malformed"),
    ("bundle-malformed-json_fail", "malformed"),
    ("bundle-negative-log-index_fail", "malformed"),
    ("bundle-unknown-version_fail", "media-type"),
    // Its proof has no checkpoint. The root certificate in its chain is no reason: real npm bundles 0.1 carry theirs, and
    // nothing in a bundle is ever an anchor.
    ("bundle-with-root-cert_fail", "log.checkpoint"),
    ("checkpoint-bad-keyhint_fail", "log.checkpoint"),
    ("checkpoint-wrong-roothash_fail", "log.checkpoint"),
    ("dsse-invalid-sig_fail", "signature"),
    ("dsse-mismatch-envelope_fail", "log.entry"),
    ("dsse-mismatch-sig_fail", "log.entry"),
    ("inclusion-proof-corrupted-hash_fail", "log.proof"),
    ("incorrect-public-key_fail", "log.promise"),
    ("integrated-time-in-future_fail", "certificate.expired"),
    ("intoto-expired-certificate_fail", "certificate.not-yet-valid"),
    // The logged signature is another one, and not even base64 of base64 as this kind of entry has it.
    ("intoto-log-entry-mismatch_fail", "log.malformed"),
    ("intoto-missing-inclusion-proof_fail", "log.proof"),
    ("intoto-set-outside-signing-cert-validity_fail", "certificate.expired"),
    ("intoto-tsa-timestamp-outside-cert-validity_fail", "certificate.expired"),
    ("invalid-checkpoint-signature_fail", "log.checkpoint"),
    ("invalid-ct-key_fail", "certificate.sct"),
    ("invalid-inclusion-proof_fail", "log.checkpoint"),
    ("managed-key-no-key_fail", "material"),
    // The suite's key is not canonical base64; `a_key_that_is_another_one` has a well-formed one.
    ("managed-key-wrong-key_fail", "key"),
    ("message-digest-mismatch_fail", "artifact"),
    ("rekor2-checkpoint-missing-log-signature_fail", "log.checkpoint"),
    ("rekor2-checkpoint-missing-origin_fail", "log.checkpoint"),
    ("rekor2-checkpoint-missing-root-hash_fail", "log.checkpoint"),
    ("rekor2-checkpoint-missing-size_fail", "log.checkpoint"),
    ("rekor2-checkpoint-no-matching-signature_fail", "log.checkpoint"),
    ("rekor2-dsse-invalid-sig_fail", "signature"),
    ("rekor2-dsse-mismatch-envelope_fail", "log.entry"),
    ("rekor2-dsse-mismatch-sig_fail", "log.entry"),
    ("rekor2-no-inclusion-proof_fail", "log.proof"),
    ("rekor2-no-timestamp_fail", "no-time"),
    ("rekor2-timestamp-outside-trust-root-tsa-validity_fail", "timestamp.authority"),
    ("rekor2-timestamp-outside-tsa-cert-validity_fail", "timestamp.invalid"),
    ("rekor2-timestamp-payload-mismatch_fail", "timestamp.invalid"),
    ("rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", "timestamp.invalid"),
    ("rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", "timestamp.invalid"),
    // Its base64 is folded; `a_timestamp_after_the_certificate` unfolds it.
    ("rekor2-timestamp-with-incorrect-time_fail", "malformed"),
    ("set-invalid-signature_fail", "log.promise"),
    ("signature-mismatch_fail", "signature"),
    ("trust-root-tlog-missing-validity-start_fail", "root"),
    ("wrong-hashedrekord-artifact_fail", "log.entry"),
    ("wrong-hashedrekord-cert-and-sig_fail", "log.entry"),
    ("wrong-hashedrekord-entry_fail", "log.entry"),
    ("wrong-material_fail", "artifact"),
];

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// `valid (witness)` or the code of the refusal with its words.
fn judge(folder: &Path, case: &Path, public_good: &TrustRoot, by_digest: bool) -> (String, String) {
    let root = match text(&case.join("trusted_root.json")) {
        None => public_good.clone(),
        Some(json) => match TrustRoot::from_json(&json, Rules::Logged) {
            Ok(root) => root,
            Err(error) => return ("root".to_owned(), error.to_string()),
        },
    };
    let bundle = text(&case.join("bundle.sigstore.json")).expect("every case has a bundle");
    let bytes = fs::read(case.join("artifact")).or_else(|_| fs::read(folder.join("a.txt"))).expect("artifact");
    let digest = Digest::sha256_of(&bytes);
    let artifact = if by_digest { Artifact::Digest(&digest) } else { Artifact::Bytes(&bytes) };
    let given =
        |name: &str, default: &str| text(&case.join(name)).map_or(default.to_owned(), |text| text.trim().to_owned());
    let outcome = match text(&case.join("key.pub")) {
        Some(pem) => key_from_pem(&pem).and_then(|key| blob(&root, &bundle, artifact, Signed::With(&key))),
        None => {
            let expect =
                Expect { identity: Identity::Exact(given("identity", IDENTITY)), issuer: given("issuer", ISSUER) };
            blob(&root, &bundle, artifact, Signed::By(&expect))
        }
    };
    match outcome {
        Ok(verified) => (format!("valid {}", verified.log()), String::new()),
        Err(error) => (error.code().to_owned(), error.to_string()),
    }
}

#[test]
fn every_case_is_as_labelled_and_refused_for_its_own_reason() {
    let Some(shared) = mcpsec_testkit::shared::path("fixtures/sigstore-conformance") else { return };
    let expected: Vec<serde_json::Value> =
        serde_json::from_str(&text(&shared.join("expected.json")).expect("labels")).expect("JSON");
    assert_eq!(expected.len(), 70);
    let folder = shared.join("bundle-verify");
    let public_good = TrustRoot::public_good().expect("embedded root");
    let reasons: BTreeMap<&str, &str> = REASONS.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut counts = (0, 0);
    println!("{:<60} {:<8} {:<28} why", "case", "label", "got");
    for case in &expected {
        let name = case["case"].as_str().expect("name");
        let label = case["expect"].as_str().expect("label");
        let (got, words) = judge(&folder, &folder.join(name), &public_good, false);
        println!("{name:<60} {label:<8} {got:<28} {words}");
        let good = match label {
            "valid" => {
                counts.0 += 1;
                got.starts_with("valid ")
            }
            _ => {
                counts.1 += 1;
                reasons.get(name) == Some(&got.as_str())
            }
        };
        // The digest alone must give the same answer, as the suite's protocol allows it.
        let (by_digest, _) = judge(&folder, &folder.join(name), &public_good, true);
        if !good || by_digest != got {
            wrong.push(format!("{name}: {got} ({words}), by digest {by_digest}"));
        }
    }
    assert_eq!(counts, (21, 49));
    assert!(wrong.is_empty(), "{} of 70 are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The folder, and one case of it.
fn case(name: &str) -> Option<(std::path::PathBuf, String)> {
    let folder = mcpsec_testkit::shared::path("fixtures/sigstore-conformance")?.join("bundle-verify");
    let bundle = text(&folder.join(name).join("bundle.sigstore.json")).expect("bundle");
    Some((folder, bundle))
}

#[test]
fn a_timestamp_after_the_certificate() {
    let name = "rekor2-timestamp-with-incorrect-time_fail";
    let Some((folder, bundle)) = case(name) else { return };
    let root = text(&folder.join(name).join("trusted_root.json")).expect("root");
    let root = TrustRoot::from_json(&root, Rules::Logged).expect("root");
    let expect = Expect { identity: Identity::Exact(IDENTITY.to_owned()), issuer: ISSUER.to_owned() };
    let bytes = fs::read(folder.join("a.txt")).expect("artifact");
    let mut document: serde_json::Value = serde_json::from_str(&bundle).expect("JSON");
    let token =
        &mut document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"];
    *token = token.as_str().expect("token").replace('\n', "").into();
    let refused = blob(&root, &document.to_string(), Artifact::Bytes(&bytes), Signed::By(&expect));
    assert!(
        matches!(refused, Err(BundleError::Certificate(CertificateFault::Expired { time, not_after })) if time > not_after),
        "{refused:?}"
    );
}

#[test]
fn a_key_that_is_another_one() {
    let Some((folder, bundle)) = case("managed-key-happy-path") else { return };
    let bytes = fs::read(folder.join("a.txt")).expect("artifact");
    let key = |case: &str| key_from_pem(&text(&folder.join(case).join("key.pub")).expect("key")).expect("PEM");
    let root = TrustRoot::public_good().expect("embedded root");
    let own = key("managed-key-happy-path");
    let verified = blob(&root, &bundle, Artifact::Bytes(&bytes), Signed::With(&own)).expect("its own key");
    assert_eq!((verified.identity(), verified.times().len()), (None, 1));
    // The same curve, another point.
    let keys = mcpsec_testkit::shared::path("fixtures/npm-signatures/npm-keys.json")
        .and_then(|path| text(&path))
        .expect("keys");
    let keys: serde_json::Value = serde_json::from_str(&keys).expect("JSON");
    let other = STANDARD.decode(keys["keys"][0]["publicKey"]["rawBytes"].as_str().expect("key")).expect("base64");
    assert!(own != other && own.len() == other.len());
    let refused = blob(&root, &bundle, Artifact::Bytes(&bytes), Signed::With(&other));
    assert!(matches!(refused, Err(BundleError::Signature(_))), "{refused:?}");
    let refused = blob(&root, &bundle, Artifact::Bytes(&bytes), Signed::With(b"no key"));
    assert!(matches!(refused, Err(BundleError::Key(_))), "{refused:?}");
}
