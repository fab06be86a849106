//! PyPI's recorded attestations (PEP 740) with their files: four kinds of publisher, and the staging instance that nobody trusts.
use mcpsec_model::{
    digest::Digest,
    evidence::{EvidenceKind, LogEvidence, VerifiedProvenance},
    package::PackageId,
};
use mcpsec_testkit::shared;
use mcpsec_verify::{
    pypi::{self, ProvenanceError, PublisherError},
    sigstore::{BundleError, LogFault, TrustRoot},
};
use serde_json::{Value, json};

use crate::npm_attestations::root;

/// How the type of a publish attestation ends; before it stands the index's own host.
const PUBLISH: &str = "/attestations/publish/v1";
const SLSA: &str = "https://slsa.dev/provenance/v1";
const CIRCLE: &str = "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl";
const GOOGLE: &str = "gcb_attestation_test-0.0.0.tar.gz";
const GITHUB: &str = "pypi_attestations-0.0.19.tar.gz";

/// A file of the index with a document about it.
#[derive(Clone)]
pub(crate) struct Attested {
    pub(crate) package: PackageId,
    pub(crate) file: String,
    pub(crate) sha256: Digest,
    pub(crate) document: Value,
}

impl Attested {
    pub(crate) fn verify(&self, root: &TrustRoot) -> Result<Vec<VerifiedProvenance>, ProvenanceError> {
        self.verify_text(&self.document.to_string(), root)
    }

    pub(crate) fn verify_text(&self, text: &str, root: &TrustRoot) -> Result<Vec<VerifiedProvenance>, ProvenanceError> {
        pypi::provenance(&self.package, &self.file, &self.sha256, text, root)
    }

    /// The document as a single attestation.
    fn verify_single(&self, root: &TrustRoot) -> Result<VerifiedProvenance, ProvenanceError> {
        pypi::attestation(&self.package, &self.file, &self.sha256, &self.document.to_string(), root)
    }

    /// The only publisher's record.
    fn publisher(&mut self) -> &mut Value {
        &mut self.document["attestation_bundles"][0]["publisher"]
    }
}

fn load(id: &str, file: &str, suffix: &str) -> Option<Attested> {
    let path = shared::path(&format!("fixtures/pypi-attestations/{file}"))?;
    Some(Attested {
        package: id.parse().expect("a package id"),
        file: file.to_owned(),
        sha256: Digest::sha256_of(&std::fs::read(path).expect("a file")),
        document: crate::npm::json(&format!("pypi-attestations/{file}{suffix}"))?,
    })
}

fn circle() -> Option<Attested> {
    load("pypi:circleci-sign-publish-example@0.0.1.dev137", CIRCLE, ".provenance")
}

fn google() -> Option<Attested> {
    load("pypi:gcb-attestation-test@0.0.0", GOOGLE, ".provenance")
}

fn github() -> Option<Attested> {
    load("pypi:pypi-attestations@0.0.19", GITHUB, ".provenance")
}

/// A provenance object around single attestations, as an index would serve them.
fn provenance(publisher: &Value, attestations: &[Value]) -> Value {
    json!({ "version": 1, "attestation_bundles": [{ "publisher": publisher, "attestations": attestations }] })
}

/// A project on the other git host. Only its attestation is on record; the publisher record is written here.
fn gitlab() -> Option<Attested> {
    let mut attested =
        load("pypi:gitlab-oidc-project@0.0.3", "gitlab_oidc_project-0.0.3.tar.gz", ".publish.attestation")?;
    let publisher = json!({
        "kind": "GitLab", "repository": "facutuesca/gitlab-oidc-project", "workflow_filepath": ".gitlab-ci.yml"
    });
    attested.document = provenance(&publisher, &[attested.document.clone()]);
    Some(attested)
}

/// Every provenance object that holds.
pub(crate) fn all_good() -> Option<Vec<Attested>> {
    [circle(), google(), github(), gitlab()].into_iter().collect()
}

#[test]
fn provenance_of_four_kinds_of_publisher_holds() {
    let Some(all) = all_good() else { return };
    let expected = [
        ("https://oidc.circleci.com", Some("github.com/CircleCI-Public/sign-and-publish-examples")),
        ("https://accounts.google.com", None),
        ("https://token.actions.githubusercontent.com", Some("https://github.com/trailofbits/pypi-attestations")),
        ("https://gitlab.com", Some("https://gitlab.com/facutuesca/gitlab-oidc-project")),
    ];
    assert_eq!(all.len(), expected.len());
    for (attested, (issuer, repository)) in all.iter().zip(expected) {
        let proofs = attested.verify(&root()).unwrap_or_else(|error| panic!("{}: {error}", attested.file));
        let [proof] = proofs.as_slice() else { panic!("{} proofs", proofs.len()) };
        assert_eq!(proof.kind(), EvidenceKind::Publish);
        assert!(proof.predicate_type().ends_with(PUBLISH), "{}", proof.predicate_type());
        assert_eq!((proof.log(), proof.digest()), (LogEvidence::Proof, &attested.sha256));
        let identity = proof.signer().identity().expect("a certificate");
        println!("{} {}", attested.file, proof.signer());
        assert_eq!((identity.issuer.as_str(), identity.repository.as_deref()), (issuer, repository));
    }
}

#[test]
fn every_single_attestation_with_a_file_holds() {
    let root = root();
    let cases = [
        ("pypi:circleci-sign-publish-example@0.0.1.dev137", CIRCLE, ".publish.attestation", EvidenceKind::Publish),
        (
            "pypi:gitlab-oidc-project@0.0.3",
            "gitlab_oidc_project-0.0.3.tar.gz",
            ".publish.attestation",
            EvidenceKind::Publish,
        ),
        (
            "pypi:pypi-attestation-models@0.0.4a2",
            "pypi_attestation_models-0.0.4a2.tar.gz",
            ".attestation",
            EvidenceKind::Publish,
        ),
        ("pypi:pypi-attestations@0.0.19", GITHUB, ".publish.attestation", EvidenceKind::Publish),
        ("pypi:pypi-attestations@0.0.19", GITHUB, ".slsa.attestation", EvidenceKind::Provenance),
    ];
    let mut held = 0;
    for (id, file, suffix, kind) in cases {
        let Some(attested) = load(id, file, suffix) else { return };
        let proof = attested.verify_single(&root).unwrap_or_else(|error| panic!("{file}{suffix}: {error}"));
        assert_eq!(proof.kind(), kind);
        held += 1;
    }
    assert_eq!(held, 5);
}

#[test]
fn publish_and_build_attestations_of_one_file_hold_together() {
    let (Some(mut attested), Some(build)) =
        (github(), load("pypi:pypi-attestations@0.0.19", GITHUB, ".slsa.attestation"))
    else {
        return;
    };
    attested.document["attestation_bundles"][0]["attestations"].as_array_mut().expect("a list").push(build.document);
    let proofs = attested.verify(&root()).expect("both hold");
    let kinds: Vec<(EvidenceKind, &str)> = proofs.iter().map(|proof| (proof.kind(), proof.predicate_type())).collect();
    let [(EvidenceKind::Publish, publish), (EvidenceKind::Provenance, SLSA)] = kinds.as_slice() else {
        panic!("{kinds:?}");
    };
    assert!(publish.ends_with(PUBLISH), "{publish}");
}

#[test]
fn a_compressed_tag_set_may_be_in_another_order() {
    let Some(document) = crate::npm::json(
        "pypi-attestations/spt3g-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl.publish.attestation",
    ) else {
        return;
    };
    let sha256 = "sha256:d2772f9a5199f05ed1be8d9aa78b879e51772e3ead9d73fe8057257b1aec7cf8".parse().expect("a digest");
    let attested = Attested {
        package: "pypi:spt3g@1.0".parse().expect("an id"),
        file: "spt3g-1.0-cp310-cp310-manylinux2014_x86_64.manylinux_2_17_x86_64.whl".into(),
        sha256,
        document,
    };
    // Recorded on the staging instance.
    let staging = TrustRoot::staging().expect("the embedded root");
    attested.verify_single(&staging).expect("the same file");
    let other =
        Attested { file: "spt3g-1.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl".into(), ..attested };
    assert!(matches!(other.verify_single(&staging), Err(ProvenanceError::Subject { .. })));
}

#[test]
fn the_staging_instance_is_not_the_public_one() {
    let root = root();
    let staging = TrustRoot::staging().expect("the embedded root");
    let mut refused = 0;
    for suffix in [".attestation", ".publish.attestation"] {
        let Some(attested) = load("pypi:rfc8785@0.1.2", "rfc8785-0.1.2-py3-none-any.whl", suffix) else { return };
        // No log of the public instance has the id that the entry names.
        let result = attested.verify_single(&root);
        assert!(
            matches!(
                result,
                Err(ProvenanceError::Bundle(BundleError::Log(LogFault::Promise(_) | LogFault::UnknownLog { .. })))
            ),
            "{suffix}: {result:?}"
        );
        assert_eq!(attested.verify_single(&staging).expect("its own instance").log(), LogEvidence::Proof);
        refused += 1;
    }
    assert_eq!(refused, 2);
}

#[test]
fn another_file_is_not_this_file() {
    let Some(attested) = github() else { return };
    let root = root();
    let other = Attested { sha256: Digest::sha256_of(b"other"), ..attested.clone() };
    assert!(matches!(
        other.verify(&root),
        Err(ProvenanceError::Bundle(BundleError::Subject(_) | BundleError::Artifact(_)))
    ));
    let wheel = Attested { file: "pypi_attestations-0.0.19-py3-none-any.whl".into(), ..attested.clone() };
    assert!(matches!(wheel.verify(&root), Err(ProvenanceError::Subject { .. })));
    let zip = Attested { file: "pypi_attestations-0.0.19.zip".into(), ..attested.clone() };
    assert!(matches!(zip.verify(&root), Err(ProvenanceError::Subject { .. })));
    for (id, file) in [
        ("pypi:pypi-attestations@0.0.20", "pypi_attestations-0.0.20.tar.gz"),
        ("pypi:pypi-attestation@0.0.19", "pypi_attestation-0.0.19.tar.gz"),
    ] {
        let other = Attested { package: id.parse().expect("an id"), file: file.into(), ..attested.clone() };
        assert!(matches!(other.verify(&root), Err(ProvenanceError::Subject { .. })));
        let mixed = Attested { package: id.parse().expect("an id"), ..attested.clone() };
        assert!(matches!(mixed.verify(&root), Err(ProvenanceError::File { .. })));
    }
    let npm = Attested { package: "npm:pypi-attestations@0.0.19".parse().expect("an id"), ..attested.clone() };
    assert!(matches!(npm.verify(&root), Err(ProvenanceError::Ecosystem(_))));
    let strong = Attested { sha256: Digest::sha512_of(b""), ..attested };
    assert!(matches!(strong.verify(&root), Err(ProvenanceError::Algorithm { algorithm: "sha512" })));
}

#[test]
fn each_claim_of_the_publisher_record_is_compared() {
    let (Some(circle), Some(google), Some(github), Some(gitlab)) = (circle(), google(), github(), gitlab()) else {
        return;
    };
    let root = root();
    let cases = [
        (&github, "repository", "trailofbits/other", "repository"),
        (&github, "repository", "Trailofbits/pypi-attestations", "repository"),
        (&github, "workflow", "publish.yml", "workflow"),
        (&github, "workflow", "../workflows/release.yml", "workflow"),
        (&gitlab, "repository", "facutuesca/gitlab-oidc-project2", "repository"),
        (&gitlab, "workflow_filepath", "ci.yml", "workflow"),
        (&google, "email", "somebody@else.invalid", "subject"),
        (&circle, "project_id", "00000000-0000-0000-0000-000000000000", "workflow"),
        (&circle, "pipeline_definition_id", "00000000-0000-0000-0000-000000000000", "workflow"),
        (&circle, "vcs_origin", "github.com/CircleCI-Public/other", "repository"),
        (&circle, "vcs_ref", "refs/heads/main", "ref"),
    ];
    for (attested, field, value, expected) in cases {
        let mut changed = attested.clone();
        changed.publisher()[field] = value.into();
        match changed.verify(&root) {
            Err(ProvenanceError::Publisher(PublisherError::Differs { claim, .. })) => assert_eq!(claim, expected),
            other => panic!("{field}={value}: {other:?}"),
        }
    }
}

#[test]
fn kinds_of_publisher_are_not_interchangeable() {
    let Some(github) = github() else { return };
    let root = root();
    let verify = |publisher: Value| {
        let mut changed = github.clone();
        *changed.publisher() = publisher;
        changed.verify(&root)
    };
    let record = json!({ "kind": "github", "repository": "trailofbits/pypi-attestations", "workflow": "release.yml" });
    assert!(verify(record.clone()).is_ok(), "the case of the kind does not matter");
    let others = [
        json!({ "kind": "GitLab", "repository": "trailofbits/pypi-attestations", "workflow_filepath": "release.yml" }),
        json!({ "kind": "Google", "email": "a@b.invalid" }),
        json!({ "kind": "CircleCI", "project_id": "1", "pipeline_definition_id": "2" }),
        json!({ "kind": "ActiveState", "organization": "trailofbits", "project": "pypi-attestations" }),
    ];
    for other in others {
        let refused = verify(other);
        assert!(
            matches!(refused, Err(ProvenanceError::Publisher(PublisherError::Differs { claim: "issuer", .. }))),
            "{refused:?}"
        );
    }
    let unknown = verify(json!({ "kind": "Forge", "repository": "a/b" }));
    assert!(matches!(unknown, Err(ProvenanceError::Publisher(PublisherError::Unsupported(_)))));
    for broken in
        [json!({}), json!({ "kind": 1 }), json!({ "kind": "GitHub", "repository": "a/b" }), json!({ "kind": "" })]
    {
        assert!(matches!(verify(broken), Err(ProvenanceError::Publisher(PublisherError::Record(_)))));
    }
    assert!(matches!(verify(Value::Null), Err(ProvenanceError::Malformed(_))));
}

#[test]
fn documents_of_another_form_are_refused() {
    let Some(attested) = github() else { return };
    let root = root();
    let change = |change: &dyn Fn(&mut Value)| {
        let mut changed = attested.clone();
        change(&mut changed.document);
        changed.verify(&root)
    };
    let newer = change(&|document| document["version"] = 2.into());
    assert_eq!(newer, Err(ProvenanceError::Version { what: "provenance", found: 2 }));
    let newer = change(&|document| document["attestation_bundles"][0]["attestations"][0]["version"] = 2.into());
    assert_eq!(newer, Err(ProvenanceError::Version { what: "attestation", found: 2 }));
    assert_eq!(change(&|document| document["attestation_bundles"] = json!([])), Err(ProvenanceError::Empty));
    let empty = change(&|document| document["attestation_bundles"][0]["attestations"] = json!([]));
    assert_eq!(empty, Err(ProvenanceError::Empty));
    let many = change(&|document| {
        let list = &mut document["attestation_bundles"][0]["attestations"];
        *list = vec![list[0].clone(); 17].into();
    });
    assert_eq!(many, Err(ProvenanceError::TooMany { what: "attestations", count: 17, max: 16 }));
    let many = change(&|document| {
        let list = &mut document["attestation_bundles"];
        *list = vec![list[0].clone(); 17].into();
    });
    assert_eq!(many, Err(ProvenanceError::TooMany { what: "publishers", count: 17, max: 16 }));
    let long = " ".repeat(8 * 1024 * 1024 + 1);
    assert!(matches!(attested.verify_text(&long, &root), Err(ProvenanceError::TooLong { .. })));
    let doubled = attested.document.to_string().replacen("{", r#"{"version":1,"#, 1);
    for text in ["", "[]", "{}", doubled.as_str()] {
        assert!(matches!(attested.verify_text(text, &root), Err(ProvenanceError::Malformed(_))), "{text}");
    }
}

#[test]
fn a_good_attestation_does_not_carry_one_of_another_file() {
    let (Some(mut attested), Some(other)) = (github(), gitlab()) else { return };
    let foreign = other.document["attestation_bundles"][0]["attestations"][0].clone();
    attested.document["attestation_bundles"][0]["attestations"].as_array_mut().expect("a list").push(foreign);
    let refused = attested.verify(&root());
    assert!(
        matches!(refused, Err(ProvenanceError::Bundle(BundleError::Subject(_) | BundleError::Artifact(_)))),
        "{refused:?}"
    );
}
