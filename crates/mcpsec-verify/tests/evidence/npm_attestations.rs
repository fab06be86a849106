//! npm's recorded attestations: four packages that hold, six variants with one broken signature, and evidence of something else.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    digest::Digest,
    evidence::{EvidenceKind, LogEvidence, Signer, VerifiedProvenance},
    package::PackageId,
};
use mcpsec_testkit::shared;
use mcpsec_verify::{
    npm::{self, AttestationError, KeySet, PUBLISH, Usage},
    sigstore::{BundleError, TrustRoot},
};
use serde_json::{Value, json};

use crate::npm::package;

/// One package with the response of its registry.
#[derive(Clone)]
pub(crate) struct Attested {
    pub(crate) package: PackageId,
    pub(crate) sha512: Digest,
    pub(crate) response: Value,
}

impl Attested {
    pub(crate) fn verify(&self, root: &TrustRoot) -> Result<Vec<VerifiedProvenance>, AttestationError> {
        self.verify_text(&self.response.to_string(), root)
    }

    pub(crate) fn verify_text(
        &self,
        text: &str,
        root: &TrustRoot,
    ) -> Result<Vec<VerifiedProvenance>, AttestationError> {
        npm::attestations(&self.package, &self.sha512, text, &KeySet::built_in(), root)
    }
}

/// File stem, package, version, log evidence of the two bundles, and where it was built.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// The three packages that come in three variants each.
const THREE: [Row; 3] = [
    (
        "provenance-npm-test-cli-v02-prega",
        "@laurentsimon/provenance-npm-test",
        "1.0.3",
        "laurentsimon/provenance-npm-test",
    ),
    ("provenance-npm-test-cli-v1-prega", "sigstore", "2.3.1", "sigstore/sigstore-js"),
    ("supreme-googles-cli-v02-tag", "@trishankatdatadog/supreme-goggles", "1.0.5", "trishankatdatadog/supreme-goggles"),
];

fn load(tarball: &str, response: &str, name: &str, version: &str) -> Option<Attested> {
    let bytes = std::fs::read(shared::path(&format!("fixtures/npm-attestations/{tarball}"))?).expect("a tarball");
    Some(Attested {
        package: package(name, version),
        sha512: Digest::sha512_of(&bytes),
        response: crate::npm::json(&format!("npm-attestations/{response}"))?,
    })
}

/// One of the three with a suffix: nothing, `-invalidsigprov` or `-invalidsigpub`.
fn variant(row: &Row, suffix: &str) -> Option<Attested> {
    let file = format!("{}{suffix}.tgz", row.0);
    load(&file, &format!("{file}.json"), row.1, row.2)
}

pub(crate) fn filesystem() -> Option<Attested> {
    let tarball = "server-filesystem/modelcontextprotocol-server-filesystem-2026.7.10.tgz";
    load(tarball, "server-filesystem/attestations.json", "@modelcontextprotocol/server-filesystem", "2026.7.10")
}

/// All four that hold.
pub(crate) fn all_good() -> Option<Vec<Attested>> {
    let mut all: Vec<Attested> = THREE.iter().map(|row| variant(row, "")).collect::<Option<_>>()?;
    all.push(filesystem()?);
    Some(all)
}

pub(crate) fn root() -> TrustRoot {
    TrustRoot::public_good().expect("the embedded root")
}

/// The repository of the identity that signed.
fn repository(proof: &VerifiedProvenance) -> &str {
    proof.signer().identity().and_then(|identity| identity.repository.as_deref()).expect("a workload")
}

#[test]
fn both_attestations_of_each_package_hold() {
    let root = root();
    let mut held = 0;
    for row in &THREE {
        let Some(attested) = variant(row, "") else { return };
        let proofs = attested.verify(&root).unwrap_or_else(|error| panic!("{}: {error}", row.0));
        let [publish, build] = proofs.as_slice() else { panic!("{} proofs", proofs.len()) };
        assert_eq!((publish.kind(), publish.predicate_type()), (EvidenceKind::Publish, PUBLISH));
        assert!(matches!(publish.signer(), Signer::Key { vouched: true, .. }));
        assert_eq!(build.kind(), EvidenceKind::Provenance);
        assert_eq!(repository(build), format!("https://github.com/{}", row.3));
        for proof in &proofs {
            assert_eq!(proof.digest(), &attested.sha512);
            assert!(proof.signed_at().is_some());
            println!("{} {} {} {}", attested.package, proof.kind(), proof.log(), proof.signer());
        }
        held += proofs.len();
    }
    assert_eq!(held, 6);
}

#[test]
fn server_filesystem_was_built_by_its_repository() {
    let Some(attested) = filesystem() else { return };
    let proofs = attested.verify(&root()).expect("both hold");
    let [publish, build] = proofs.as_slice() else { panic!("{} proofs", proofs.len()) };
    assert!(matches!(publish.signer(), Signer::Key { id, .. } if id.starts_with("SHA256:DhQ8")));
    assert_eq!((publish.log(), build.log()), (LogEvidence::Proof, LogEvidence::Proof));
    let identity = build.signer().identity().expect("a workload");
    assert_eq!(identity.repository.as_deref(), Some("https://github.com/modelcontextprotocol/servers"));
    assert_eq!(
        identity.workflow.as_deref(),
        Some("https://github.com/modelcontextprotocol/servers/.github/workflows/release.yml")
    );
    assert_eq!(identity.commit.as_deref(), Some("d31124c982401739917fd817c2a59db344529c16"));
    assert_eq!(build.predicate_type(), "https://slsa.dev/provenance/v1");
}

#[test]
fn a_broken_signature_is_found_in_the_attestation_that_has_it() {
    let root = root();
    let mut refused = 0;
    for row in &THREE {
        for (suffix, broken_is_publish) in [("-invalidsigprov", false), ("-invalidsigpub", true)] {
            let Some(attested) = variant(row, suffix) else { return };
            match attested.verify(&root) {
                Err(AttestationError::Bundle { predicate, error: BundleError::Signature(_) }) => {
                    assert_eq!(predicate == PUBLISH, broken_is_publish, "{}{suffix}: {predicate}", row.0);
                }
                other => panic!("{}{suffix}: {other:?}", row.0),
            }
            // The untouched sibling alone holds.
            let entries = attested.response["attestations"].as_array().expect("a list").clone();
            let siblings: Vec<Value> =
                entries.into_iter().filter(|entry| (entry["predicateType"] == PUBLISH) != broken_is_publish).collect();
            let alone = Attested { response: json!({ "attestations": siblings }), ..attested };
            assert_eq!(alone.verify(&root).unwrap_or_else(|error| panic!("{}{suffix}: {error}", row.0)).len(), 1);
            refused += 1;
        }
    }
    assert_eq!(refused, 6);
}

#[test]
fn attestations_of_something_else_are_refused() {
    let Some(attested) = filesystem() else { return };
    let root = root();
    let other = Attested { sha512: Digest::sha512_of(b"other"), ..attested.clone() };
    assert!(matches!(
        other.verify(&root),
        Err(AttestationError::Bundle { error: BundleError::Subject(_) | BundleError::Artifact(_), .. })
    ));
    for id in [
        "npm:@modelcontextprotocol/server-everything@2026.7.10",
        "npm:@modelcontextprotocol/server-filesystem@2026.7.11",
    ] {
        let other = Attested { package: id.parse().expect("an id"), ..attested.clone() };
        assert!(matches!(other.verify(&root), Err(AttestationError::Subject { .. })));
    }
    let python = Attested { package: "pypi:a@1".parse().expect("an id"), ..attested.clone() };
    assert!(matches!(python.verify(&root), Err(AttestationError::Ecosystem(_))));
    let weak = Attested { sha512: Digest::sha256_of(b""), ..attested };
    assert!(matches!(weak.verify(&root), Err(AttestationError::Algorithm { algorithm: "sha256" })));
}

#[test]
fn what_a_response_says_about_its_attestations_is_not_believed() {
    let Some(attested) = filesystem() else { return };
    let root = root();
    let relabelled = |at: usize, name: &str| {
        let mut changed = attested.clone();
        changed.response["attestations"][at]["predicateType"] = name.into();
        changed.verify(&root)
    };
    assert!(matches!(relabelled(1, "https://slsa.dev/provenance/v0.2"), Err(AttestationError::PredicateType { .. })));
    assert!(matches!(relabelled(1, PUBLISH), Err(AttestationError::NoHint)));
    let wrong_material = relabelled(0, "https://slsa.dev/provenance/v1");
    assert!(matches!(wrong_material, Err(AttestationError::Bundle { error: BundleError::Material { .. }, .. })));
    assert!(matches!(relabelled(0, "https://example.invalid/other"), Err(AttestationError::Unsupported { .. })));
}

#[test]
fn a_publish_attestation_needs_the_key_that_it_names() {
    let Some(attested) = filesystem() else { return };
    let root = root();
    let response = attested.response.to_string();
    let keys =
        std::fs::read_to_string(shared::path("fixtures/npm-signatures/npm-keys.json").expect("there")).expect("text");
    let verify = |text: &str, keys: &KeySet| npm::attestations(&attested.package, &attested.sha512, text, keys, &root);
    let hint = KeySet::built_in().iter().last().expect("a key").id().clone();
    let old = KeySet::built_in().iter().next().expect("a key").id().clone();

    let without = KeySet::from_tuf(&keys.replace(hint.as_str(), "SHA256:other")).expect("keys");
    assert!(matches!(verify(&response, &without), Err(AttestationError::UnknownKey { .. })));
    let other_usage = KeySet::from_tuf(&keys.replace("npm:attestations", "npm:other")).expect("keys");
    assert!(matches!(
        verify(&response, &other_usage),
        Err(AttestationError::Usage { expected: Usage::Attestations, .. })
    ));
    let ended = KeySet::from_tuf(
        &keys.replace("2025-01-13T00:00:00.000Z\"", "2025-01-13T00:00:00.000Z\", \"end\": \"2026-07-10T00:00:00Z\""),
    )
    .expect("keys");
    assert!(matches!(verify(&response, &ended), Err(AttestationError::KeyNotValidAt { .. })));
    let later = KeySet::from_tuf(&keys.replace("2025-01-13T", "2026-07-11T")).expect("keys");
    assert!(matches!(verify(&response, &later), Err(AttestationError::KeyNotValidAt { .. })));

    // Another key under the hint, and a signature that names another key than the bundle does.
    let swapped = keys.replace(hint.as_str(), "x").replace(old.as_str(), hint.as_str());
    let swapped = verify(&response, &KeySet::from_tuf(&swapped).expect("keys"));
    assert!(swapped.is_err(), "{swapped:?}");
    let mut renamed = attested.response.clone();
    renamed["attestations"][0]["bundle"]["dsseEnvelope"]["signatures"][0]["keyid"] = old.as_str().into();
    assert!(matches!(verify(&renamed.to_string(), &KeySet::built_in()), Err(AttestationError::KeyId { .. })));
}

#[test]
fn responses_are_bounded() {
    let Some(attested) = filesystem() else { return };
    let root = root();
    let entry = attested.response["attestations"][1].clone();
    let many = json!({ "attestations": vec![entry; 17] }).to_string();
    assert_eq!(attested.verify_text(&many, &root), Err(AttestationError::TooMany { count: 17, max: 16 }));
    assert_eq!(attested.verify_text(r#"{"attestations":[]}"#, &root), Err(AttestationError::Empty));
    let long = " ".repeat(8 * 1024 * 1024 + 1);
    assert!(matches!(attested.verify_text(&long, &root), Err(AttestationError::TooLong { .. })));
    for text in [
        "",
        "[]",
        "{}",
        r#"{"attestations":{}}"#,
        r#"{"attestations":[{}]}"#,
        r#"{"attestations":[],"attestations":[]}"#,
    ] {
        assert!(matches!(attested.verify_text(text, &root), Err(AttestationError::Malformed(_))), "{text}");
    }
}

/// The statement of one entry, changed and put back: the signature no longer holds, whatever else is looked at first.
#[test]
fn a_changed_statement_is_refused() {
    let Some(attested) = filesystem() else { return };
    let root = root();
    for at in [0, 1] {
        let mut changed = attested.clone();
        let payload = &mut changed.response["attestations"][at]["bundle"]["dsseEnvelope"]["payload"];
        let text =
            String::from_utf8(STANDARD.decode(payload.as_str().expect("base64")).expect("base64")).expect("text");
        *payload = STANDARD.encode(text.replace("2026.7.10", "2026.7.11")).into();
        assert!(matches!(changed.verify(&root), Err(AttestationError::Bundle { .. })));
    }
}
