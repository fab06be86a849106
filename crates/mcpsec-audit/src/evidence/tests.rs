//! Every state of evidence against every pin and rule, and the two real series of lost trust.
use mcpsec_model::{
    check::{Check, CheckStatus},
    config::{ExpectedSigner, Pattern, Policy, ProvenanceRule},
    digest::Digest,
    evidence::{
        Assessed, EvidenceKind, Found, LogEvidence, Pin, Pinned, Proof, Signer, SignerIdentity, VerifiedProvenance,
        VerifiedSignature,
    },
    finding::Rule,
    name::ServerName,
    package::{Artifact, ArtifactKind, Package},
    verdict::Verdict,
};

use super::{Case, Said, judge, pins};
use crate::policy;

const FILE: &str = "x-1.0.0.tgz";

fn package(id: &str) -> Package {
    let mut package = Package::bare(id.parse().expect("id"));
    let digests = [Digest::sha512_of(b"x")].into_iter().collect();
    package.artifacts.push(Artifact { kind: ArtifactKind::NpmTarball, file: FILE.into(), size: None, digests });
    package
}

fn key(id: &str, vouched: bool) -> Signer {
    Signer::Key { id: id.into(), fingerprint: format!("of {id}").into(), vouched, principal: None }
}

fn workflow(repository: &str) -> Signer {
    Signer::Identity(Box::new(SignerIdentity {
        issuer: "https://tokens.code.invalid".into(),
        subject: format!("{repository}/.ci/release.yml@refs/tags/v1"),
        repository: Some(repository.into()),
        workflow: Some(format!("{repository}/.ci/release.yml")),
        reference: Some("refs/tags/v1".into()),
        commit: Some("c0ffee".into()),
        ..SignerIdentity::default()
    }))
}

fn signature(signer: Signer) -> Proof {
    VerifiedSignature::vouch_signature_was_verified(EvidenceKind::RegistrySignature, "x", signer, None, None).into()
}

fn git_tag(signer: Signer) -> Proof {
    VerifiedSignature::vouch_signature_was_verified(EvidenceKind::GitTag, "x", signer, None, None).into()
}

fn attestation(kind: EvidenceKind, signer: Signer, log: LogEvidence) -> Proof {
    VerifiedProvenance::vouch_attestation_was_verified(kind, "p", Digest::sha512_of(b"x"), signer, log, None).into()
}

fn provenance(repository: &str) -> Proof {
    attestation(EvidenceKind::Provenance, workflow(repository), LogEvidence::Proof)
}

fn publish() -> Proof {
    attestation(EvidenceKind::Publish, key("SHA256:npm", true), LogEvidence::Proof)
}

fn with(rule: ProvenanceRule) -> Policy {
    let mut policy = Policy::starter();
    (policy.provenance.npm, policy.provenance.pypi, policy.provenance.git) = (rule, rule, rule);
    policy
}

fn assessed(signature: Found, attestation: Found) -> Assessed {
    Assessed { file: FILE.into(), signature, attestation, withdrawn: false }
}

fn said(policy: &Policy, id: &str, pinned: &[Proof], now: Assessed) -> (Said, Verdict) {
    let mut package = package(id);
    if !pinned.is_empty() {
        package.evidence = Pinned::by(pinned.iter().map(Proof::pin));
    }
    let server: ServerName = "files".parse().expect("name");
    let said = judge(policy, Case { server: &server, package: &package, is_root: true, assessed: &[now] });
    let at = "2026-06-15T12:00:00Z".parse().expect("instant");
    let verdict = policy::judge(policy, at, &said.checks, &said.findings);
    (said, verdict)
}

fn status(said: &Said, check: Check) -> &CheckStatus {
    &said.checks.iter().find(|result| result.check == check).unwrap_or_else(|| panic!("{check} in {said:?}")).status
}

fn word(said: &Said, check: Check) -> &'static str {
    status(said, check).as_str()
}

const NPM: &str = "npm:x@1.0.0";
const REPO: &str = "https://code.invalid/o/x";

#[test]
fn what_is_not_there_fails_only_where_it_is_pinned_or_required() {
    use ProvenanceRule::{IfPublished, Required};
    let npm_key = || signature(key("SHA256:npm", true));
    let nothing = || assessed(Found::Proofs(vec![npm_key()]), Found::Nothing);
    let stripped = || assessed(Found::Stripped, Found::Stripped);
    let unknown =
        || assessed(Found::Unknown("the registry is down".into()), Found::Unknown("the registry is down".into()));
    let pinned = [npm_key(), provenance(REPO)];
    for (rule, pinned, now, provenance, verdict) in [
        (IfPublished, &[][..], nothing(), "n/a", Verdict::Pass),
        (IfPublished, &pinned[..], nothing(), "fail", Verdict::Deny),
        (Required, &[][..], nothing(), "n/a", Verdict::Deny),
        (IfPublished, &[][..], stripped(), "unchecked", Verdict::Pass),
        (IfPublished, &pinned[..], stripped(), "unchecked", Verdict::Incomplete),
        (Required, &[][..], stripped(), "unchecked", Verdict::Incomplete),
        (IfPublished, &[][..], unknown(), "unchecked", Verdict::Pass),
        (IfPublished, &pinned[..], unknown(), "unchecked", Verdict::Incomplete),
        (Required, &[][..], unknown(), "unchecked", Verdict::Incomplete),
    ] {
        let (said, got) = said(&with(rule), NPM, pinned, now);
        assert_eq!((word(&said, Check::Provenance), got), (provenance, verdict), "{rule:?} {pinned:?}: {said:?}");
    }
    let (said, _) = said(&with(IfPublished), NPM, &[], stripped());
    assert_eq!(status(&said, Check::RegistrySignature).reason(), Some("registry offers no signatures"));
}

#[test]
fn off_looks_at_nothing_unless_a_signer_is_expected() {
    let refused = || assessed(Found::Refused("bad".into()), Found::Refused("bad".into()));
    let (said_off, _) = said(&with(ProvenanceRule::Off), NPM, &[], refused());
    assert_eq!(said_off, Said::default());
    let mut policy = with(ProvenanceRule::Off);
    policy.signers = vec![expected("npm:x", REPO)];
    assert_eq!(said(&policy, NPM, &[], refused()).1, Verdict::Deny);
}

#[test]
fn evidence_that_does_not_hold_is_never_tolerated() {
    for rule in [ProvenanceRule::IfPublished, ProvenanceRule::Required] {
        let good = || Found::Proofs(vec![signature(key("SHA256:npm", true))]);
        let cases = [
            (assessed(Found::Refused("bad".into()), Found::Nothing), Check::RegistrySignature),
            (assessed(good(), Found::Refused("bad".into())), Check::Provenance),
        ];
        for (now, check) in cases {
            let (said, verdict) = said(&with(rule), NPM, &[], now);
            assert_eq!((word(&said, check), verdict), ("fail", Verdict::Deny));
        }
    }
}

#[test]
fn another_signer_than_the_locked_one_fails() {
    let now = |proof| {
        assessed(Found::Proofs(vec![signature(key("SHA256:npm", true))]), Found::Proofs(vec![publish(), proof]))
    };
    let policy = with(ProvenanceRule::IfPublished);
    let pinned = [publish(), provenance(REPO)];
    let (same, verdict) = said(&policy, NPM, &pinned, now(provenance(REPO)));
    assert_eq!((word(&same, Check::Signer), verdict), ("pass", Verdict::Pass));
    let (other, verdict) = said(&policy, NPM, &pinned, now(provenance("https://code.invalid/evil/x")));
    assert_eq!(
        (word(&other, Check::Provenance), word(&other, Check::Signer), verdict),
        ("pass", "fail", Verdict::Deny)
    );
    let words = status(&other, Check::Signer).reason().expect("words");
    assert!(words.contains("code.invalid/evil/x") && words.contains("locked is https://code.invalid/o/x"), "{words}");
}

#[test]
fn a_publish_attestation_alone_is_no_provenance() {
    let now = || assessed(Found::Proofs(vec![signature(key("SHA256:npm", true))]), Found::Proofs(vec![publish()]));
    let (first, verdict) = said(&with(ProvenanceRule::IfPublished), NPM, &[], now());
    assert_eq!((word(&first, Check::Provenance), verdict), ("pass", Verdict::Pass));
    let (required, verdict) = said(&with(ProvenanceRule::Required), NPM, &[], now());
    assert_eq!((required.findings[0].rule, verdict), (Rule::NoProvenance, Verdict::Deny));
    assert!(required.findings[0].message.contains("only the registry's word"));
    let (locked, verdict) = said(&with(ProvenanceRule::IfPublished), NPM, &[publish(), provenance(REPO)], now());
    assert_eq!((word(&locked, Check::Provenance), verdict), ("fail", Verdict::Deny));
    assert!(status(&locked, Check::Provenance).reason().expect("words").contains("now there is only: publish"));
}

#[test]
fn a_weaker_witness_than_the_locked_one_fails() {
    let promise = || attestation(EvidenceKind::Provenance, workflow(REPO), LogEvidence::Promise);
    let now = |proof| assessed(Found::Nothing, Found::Proofs(vec![proof]));
    let policy = with(ProvenanceRule::IfPublished);
    let (said_weaker, verdict) = said(&policy, NPM, &[provenance(REPO)], now(promise()));
    assert_eq!((word(&said_weaker, Check::Provenance), verdict), ("fail", Verdict::Deny));
    let (stronger, verdict) = said(&policy, NPM, &[promise()], now(provenance(REPO)));
    assert_eq!((word(&stronger, Check::Provenance), verdict), ("pass", Verdict::Pass));
}

#[test]
fn a_registry_may_rotate_vouched_keys_and_no_others() {
    let now = |signer| assessed(Found::Proofs(vec![signature(signer)]), Found::Nothing);
    let policy = with(ProvenanceRule::IfPublished);
    let verdict = |pinned: Signer, current: Signer| said(&policy, NPM, &[signature(pinned)], now(current)).1;
    assert_eq!(verdict(key("a", true), key("b", true)), Verdict::Pass);
    assert_eq!(verdict(key("a", false), key("b", true)), Verdict::Pass);
    assert_eq!(verdict(key("a", false), key("a", false)), Verdict::Pass);
    assert_eq!(verdict(key("a", false), key("b", false)), Verdict::Deny);
    assert_eq!(verdict(key("a", true), key("a", false)), Verdict::Deny);
}

fn expected(subject: &str, repository: &str) -> ExpectedSigner {
    ExpectedSigner {
        subject: Pattern::parse(subject).expect("pattern"),
        repository: Some(repository.into()),
        workflow: Some(".ci/release.yml".into()),
        issuer: None,
        reference: Some("refs/tags/*".into()),
        identity: None,
        key: None,
    }
}

#[test]
fn expected_signers_are_held_to() {
    let mut policy = with(ProvenanceRule::IfPublished);
    policy.signers = vec![expected("npm:x", REPO), expected("npm:*", "https://code.invalid/other/y")];
    let now = |found| assessed(Found::Nothing, found);
    for (found, word_, verdict) in [
        (Found::Proofs(vec![provenance(REPO)]), "pass", Verdict::Pass),
        // The wider pattern does not count where a more exact one matches.
        (Found::Proofs(vec![provenance("https://code.invalid/other/y")]), "fail", Verdict::Deny),
        (Found::Proofs(vec![publish()]), "fail", Verdict::Deny),
        (Found::Nothing, "fail", Verdict::Deny),
        (Found::Stripped, "unchecked", Verdict::Incomplete),
        (Found::Unknown("offline".into()), "unchecked", Verdict::Incomplete),
    ] {
        let (said, got) = said(&policy, NPM, &[], now(found.clone()));
        assert_eq!((word(&said, Check::Signer), got), (word_, verdict), "{found:?}");
    }
    policy.signers = vec![expected("server:files", REPO), expected("npm:x", "https://code.invalid/other/y")];
    assert_eq!(
        said(&policy, NPM, &[], now(Found::Proofs(vec![provenance(REPO)]))).1,
        Verdict::Pass,
        "a server's rule wins"
    );
}

#[test]
fn git_signatures_by_known_and_unknown_keys() {
    use ProvenanceRule::{IfPublished, Required, Signed};
    const GIT: &str = "git+https://code.invalid/o/x@0123456789abcdef0123456789abcdef01234567";
    let now = |found| assessed(found, Found::Nothing);
    let by = |vouched| Found::Proofs(vec![git_tag(key("SHA256:ssh", vouched))]);
    for (rule, found, status_, verdict) in [
        (IfPublished, by(false), "pass", Verdict::Pass),
        (Signed, by(false), "pass", Verdict::Pass),
        (Required, by(false), "unchecked", Verdict::Incomplete),
        (Required, by(true), "pass", Verdict::Pass),
        (IfPublished, Found::Nothing, "n/a", Verdict::Pass),
        (Signed, Found::Nothing, "n/a", Verdict::Deny),
        (Required, Found::Nothing, "n/a", Verdict::Deny),
        (IfPublished, Found::Unknown("OpenPGP key unknown".into()), "unchecked", Verdict::Pass),
        (Signed, Found::Unknown("OpenPGP key unknown".into()), "unchecked", Verdict::Incomplete),
        (IfPublished, Found::Refused("bad".into()), "fail", Verdict::Deny),
    ] {
        let (said, got) = said(&with(rule), GIT, &[], now(found.clone()));
        assert_eq!((word(&said, Check::GitSignature), got), (status_, verdict), "{rule:?} {found:?}");
    }
    let pinned = [git_tag(key("SHA256:ssh", false))];
    let (gone, verdict) = said(&with(IfPublished), GIT, &pinned, now(Found::Nothing));
    assert_eq!((word(&gone, Check::GitSignature), verdict), ("fail", Verdict::Deny));
    let (other, verdict) =
        said(&with(IfPublished), GIT, &pinned, now(Found::Proofs(vec![git_tag(key("SHA256:other", false))])));
    assert_eq!((word(&other, Check::Signer), verdict), ("fail", Verdict::Deny));
}

#[test]
fn pins_name_files_only_where_they_differ() {
    let mut both = package("pypi:x@1.0.0");
    both.artifacts.push(Artifact { file: "x-1.0.0.zip".into(), ..both.artifacts[0].clone() });
    let at = |file: &str, found| Assessed { file: file.into(), ..assessed(Found::Nothing, found) };
    let all = pins(
        &both,
        &[at(FILE, Found::Proofs(vec![provenance(REPO)])), at("x-1.0.0.zip", Found::Proofs(vec![provenance(REPO)]))],
    );
    assert_eq!(all.pins().iter().map(|pin| pin.file.clone()).collect::<Vec<_>>(), [None]);
    let one = pins(&both, &[at(FILE, Found::Proofs(vec![provenance(REPO)])), at("x-1.0.0.zip", Found::Nothing)]);
    assert_eq!(one.pins().iter().map(|pin: &Pin| pin.file.as_deref()).collect::<Vec<_>>(), [Some(FILE)]);
    assert_eq!(pins(&both, &[at(FILE, Found::Nothing)]), Pinned::Nothing);
    assert_eq!(pins(&both, &[assessed(Found::Stripped, Found::Stripped)]), Pinned::Stripped);
    assert_eq!(pins(&both, &[at(FILE, Found::Unknown("offline".into()))]), Pinned::NotLooked);
    assert_eq!(pins(&both, &[]), Pinned::NotLooked);
}

mod series {
    //! Trust over time.
    use mcpsec_model::{
        evidence::{Pinned, Release, Trust},
        finding::Rule,
        time::Timestamp,
    };

    use super::{NPM, REPO, package, provenance, publish};
    use crate::evidence::trust::{downgrade, since_locked};

    fn release(version: &str, day: &str, trust: Trust) -> Release {
        let published: Timestamp = format!("{day}T12:00:00Z").parse().expect("time");
        Release { version: version.into(), published, trust, signer: None }
    }

    fn reported(history: &[Release]) -> Vec<(String, String)> {
        let id = NPM.parse().expect("id");
        let finding = |release: &Release| {
            let found = downgrade(&id, &release.version, release.published, release.trust, history)?;
            assert_eq!(found.rule, Rule::TrustDowngrade);
            Some((release.version.to_string(), found.message))
        };
        history.iter().filter_map(finding).collect()
    }

    #[test]
    fn only_what_was_published_before_sets_an_expectation() {
        let history = [
            release("1.0.0", "2025-01-01", Trust::None),
            release("1.1.0-rc.1", "2025-01-15", Trust::Attested),
            release("1.1.0", "2025-02-01", Trust::None),
            release("2.0.0", "2025-03-01", Trust::Attested),
            release("1.1.1", "2025-04-01", Trust::None),
            release("2.0.1", "2025-05-01", Trust::Attested),
        ];
        let found = reported(&history);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "1.1.1");
        assert_eq!(found[0].1, "2.0.0 of 2025-03-01 was attested, 1.1.1 of 2025-04-01 is unsigned");
    }

    #[test]
    fn a_locked_version_sets_the_expectation_for_the_next() {
        let at = |id: &str, proofs: &[mcpsec_model::evidence::Proof]| {
            let mut package = package(id);
            package.evidence = Pinned::by(proofs.iter().map(mcpsec_model::evidence::Proof::pin));
            package
        };
        let before = at("npm:x@1.0.0", &[publish(), provenance(REPO)]);
        assert!(since_locked(&before, &at("npm:x@1.1.0", &[publish(), provenance(REPO)])).is_empty());
        let lost = since_locked(&before, &at("npm:x@1.1.0", &[publish()]));
        assert_eq!((lost[0].rule, lost.len()), (Rule::TrustDowngrade, 1));
        assert_eq!(lost[0].message, "locked version 1.0.0 is attested, 1.1.0 is unsigned");
        let other = since_locked(&before, &at("npm:x@1.1.0", &[publish(), provenance("https://code.invalid/evil/x")]));
        assert_eq!(other[0].rule, Rule::SignerChanged);
        assert!(other[0].message.ends_with("another repository"), "{}", other[0].message);
        let mut stripped = at("npm:x@1.1.0", &[]);
        stripped.evidence = Pinned::Stripped;
        let washed = since_locked(&before, &stripped);
        assert_eq!(washed[0].message, "what is locked is attested, and now its evidence is stripped");
        let unpinned = at("npm:x@1.0.0", &[]);
        assert!(since_locked(&unpinned, &stripped).is_empty(), "there was nothing to lose");
    }
}
