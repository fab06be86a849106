//! npm: the 78 signatures of undici-types, six single ones, and the signatures nobody may accept.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    digest::{Digest, Integrity},
    evidence::{EvidenceKind, Proof, RegistryKey, RegistrySignature, Signer, SignerPin, VerifiedSignature},
    package::PackageId,
    time::Timestamp,
};
use mcpsec_testkit::shared;
use mcpsec_verify::npm::{self, KeySet, SignatureError, Usage};
use serde_json::Value;

const OLD: &str = "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA";
const NEW: &str = "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U";

/// A JSON fixture, if the shared material is there.
pub(crate) fn json(relative: &str) -> Option<Value> {
    let path = shared::path(&format!("fixtures/{relative}"))?;
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// One version with its registry signatures, as a packument has it.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) package: PackageId,
    pub(crate) sha512: Digest,
    pub(crate) published: Option<Timestamp>,
    pub(crate) signatures: Vec<RegistrySignature>,
}

impl Signed {
    pub(crate) fn verify(&self, keys: &KeySet) -> Result<Vec<VerifiedSignature>, SignatureError> {
        npm::signatures(&self.package, &self.sha512, self.published, &self.signatures, keys)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

pub(crate) fn sha512(integrity: &str) -> Digest {
    Digest::Sha512(Integrity::parse(integrity).expect("integrity").digests.sha512.expect("sha512"))
}

pub(crate) fn package(name: &str, version: &str) -> PackageId {
    format!("npm:{name}@{version}").parse().expect("a package id")
}

/// The 78 versions of undici-types, in the order of publication.
pub(crate) fn series() -> Option<Vec<Signed>> {
    let packument = json("npm-signatures/undici-types.json")?;
    let mut series: Vec<Signed> = packument["versions"]
        .as_object()
        .expect("versions")
        .iter()
        .map(|(version, entry)| {
            let signatures = entry["dist"]["signatures"].as_array().expect("signatures").iter();
            Signed {
                package: package("undici-types", version),
                sha512: sha512(text(&entry["dist"]["integrity"])),
                published: Some(text(&packument["time"][version]).parse().expect("a time")),
                signatures: signatures.map(|one| serde_json::from_value(one.clone()).expect("a signature")).collect(),
            }
        })
        .collect();
    series.sort_by_key(|signed| signed.published);
    Some(series)
}

/// The six single signatures.
pub(crate) fn singles() -> Option<Vec<Signed>> {
    let tuples = json("npm-signatures/tuples-single.json")?;
    Some(
        tuples
            .as_array()
            .expect("tuples")
            .iter()
            .map(|tuple| Signed {
                package: package(text(&tuple["name"]), text(&tuple["version"])),
                sha512: sha512(text(&tuple["integrity"])),
                published: None,
                signatures: vec![RegistrySignature {
                    keyid: text(&tuple["keyid"]).into(),
                    sig: text(&tuple["sig"]).into(),
                }],
            })
            .collect(),
    )
}

/// A signature by the old key and the expected time of it.
fn one() -> Option<Signed> {
    Some(series()?.remove(0))
}

#[test]
fn all_78_signatures_of_undici_types_hold() {
    let Some(series) = series() else { return };
    assert_eq!(series.len(), 78);
    let (mut old, mut new) = (0, 0);
    for signed in &series {
        let proofs = signed.verify(&KeySet::built_in()).unwrap_or_else(|error| panic!("{}: {error}", signed.package));
        assert_eq!(proofs.len(), 1);
        assert_eq!(proofs[0].kind(), EvidenceKind::RegistrySignature);
        let Signer::Key { id, vouched: true, .. } = proofs[0].signer() else { panic!("{:?}", proofs[0].signer()) };
        match id.as_str() {
            OLD => old += 1,
            NEW => new += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((old, new), (68, 10));
}

#[test]
fn all_six_single_signatures_hold_though_a_key_has_ended() {
    let Some(singles) = singles() else { return };
    assert_eq!(singles.len(), 6);
    for signed in &singles {
        let proofs = signed.verify(&KeySet::built_in()).unwrap_or_else(|error| panic!("{}: {error}", signed.package));
        assert_eq!(
            proofs[0].subject(),
            format!("{}@{}:{}", signed.package.name(), signed.package.version(), signed.sha512.to_sri())
        );
    }
    let lodash = singles.iter().find(|signed| signed.package.name().as_str() == "lodash").expect("lodash");
    let proof = Proof::from(lodash.verify(&KeySet::built_in()).expect("holds").remove(0));
    assert_eq!(proof.pin().signer, SignerPin::Key { id: OLD.into(), fingerprint: None });
}

#[test]
fn no_signature_is_its_own_answer() {
    let Some(mut signed) = one() else { return };
    signed.signatures.clear();
    assert_eq!(signed.verify(&KeySet::built_in()), Err(SignatureError::None));
}

#[test]
fn one_good_signature_does_not_carry_a_bad_one() {
    let Some(signed) = one() else { return };
    let other = series().expect("there")[1].signatures[0].clone();
    let new_key = RegistrySignature { keyid: NEW.into(), sig: other.sig.clone() };
    let unknown = RegistrySignature { keyid: "SHA256:nobody".into(), sig: other.sig.clone() };
    for at in [0, 1] {
        let mut both = signed.clone();
        both.signatures.insert(at, new_key.clone());
        assert!(matches!(both.verify(&KeySet::built_in()), Err(SignatureError::Invalid { .. })));
        both.signatures[at] = unknown.clone();
        assert!(matches!(both.verify(&KeySet::built_in()), Err(SignatureError::UnknownKey { .. })));
        both.signatures[at] = other.clone();
        let refused = both.verify(&KeySet::built_in());
        assert!(
            matches!(refused, Err(SignatureError::Duplicate { .. } | SignatureError::Invalid { .. })),
            "{refused:?}"
        );
    }
    let mut twice = signed.clone();
    twice.signatures.push(signed.signatures[0].clone());
    assert!(matches!(twice.verify(&KeySet::built_in()), Err(SignatureError::Duplicate { .. })));
    let mut many = signed;
    many.signatures =
        (0..17).map(|n| RegistrySignature { keyid: format!("SHA256:{n}").into(), sig: String::new() }).collect();
    assert_eq!(many.verify(&KeySet::built_in()), Err(SignatureError::TooMany { count: 17, max: 16 }));
}

#[test]
fn a_signature_is_over_name_version_and_digest() {
    let Some(signed) = one() else { return };
    let changed = [
        Signed { package: package("undici-type", signed.package.version()), ..signed.clone() },
        Signed { package: package("undici-types", "5.30.0"), ..signed.clone() },
        Signed { sha512: Digest::sha512_of(b"other"), ..signed.clone() },
    ];
    for signed in changed {
        assert!(matches!(signed.verify(&KeySet::built_in()), Err(SignatureError::Invalid { .. })));
    }
    let weak = Signed { sha512: Digest::sha256_of(b""), ..signed.clone() };
    assert_eq!(weak.verify(&KeySet::built_in()), Err(SignatureError::Algorithm { algorithm: "sha256" }));
    let python = Signed { package: "pypi:undici-types@1".parse().expect("an id"), ..signed };
    assert!(matches!(python.verify(&KeySet::built_in()), Err(SignatureError::Ecosystem(_))));
}

#[test]
fn what_is_not_der_is_malformed() {
    let Some(signed) = one() else { return };
    let der = STANDARD.decode(&signed.signatures[0].sig).expect("base64");
    let longer: Vec<u8> = [der.as_slice(), &[0]].concat();
    let shorter = &der[..der.len() - 1];
    let broken = [
        String::new(),
        "%".into(),
        "A".repeat(100),
        STANDARD.encode(longer),
        STANDARD.encode(shorter),
        signed.signatures[0].sig.trim_end_matches('=').to_owned() + "*",
    ];
    for sig in broken {
        let mut signed = signed.clone();
        signed.signatures[0].sig = sig;
        assert!(matches!(signed.verify(&KeySet::built_in()), Err(SignatureError::Malformed { .. })));
    }
}

#[test]
fn a_key_signs_only_in_its_time_and_for_its_usage() {
    let Some(mut signed) = one() else { return };
    signed.published = Some("2025-01-29T00:00:01Z".parse().expect("a time"));
    let Err(SignatureError::KeyNotValidAt { keyid, end: Some(end), .. }) = signed.verify(&KeySet::built_in()) else {
        panic!("accepted");
    };
    assert_eq!((keyid.as_str(), end.to_string().as_str()), (OLD, "2025-01-29T00:00:00Z"));
    let mut latest = series().expect("there").pop().expect("a version");
    // Signed again by a key that came later: nothing is weaker for it.
    latest.published = Some("2025-01-12T00:00:00Z".parse().expect("a time"));
    assert!(latest.verify(&KeySet::built_in()).is_ok());
    latest.published = None;
    assert!(latest.verify(&KeySet::built_in()).is_ok());

    let keys =
        std::fs::read_to_string(shared::path("fixtures/npm-signatures/npm-keys.json").expect("there")).expect("text");
    let other_usage = KeySet::from_tuf(&keys.replace("npm:signatures", "npm:other")).expect("two keys");
    assert!(matches!(latest.verify(&other_usage), Err(SignatureError::Usage { expected: Usage::Signatures, .. })));
    assert_eq!(KeySet::from_tuf(&keys), Ok(KeySet::built_in()), "what is built in is what was recorded");
}

#[test]
fn a_key_that_a_registry_served_is_not_vouched_for() {
    let Some(mut signed) = one() else { return };
    let key = STANDARD.encode(KeySet::built_in().get(OLD, Usage::Signatures).expect("known").spki());
    let own = RegistryKey { keyid: "SHA256:own".into(), key, scheme: "ecdsa-sha2-nistp256".into(), expires: None };
    signed.signatures[0].keyid = "SHA256:own".into();
    let keys = KeySet::built_in().with_registry(&[own]).expect("a key");
    let proof = Proof::from(signed.verify(&keys).expect("holds").remove(0));
    let Signer::Key { vouched: false, fingerprint, .. } = proof.signer() else { panic!("{:?}", proof.signer()) };
    assert_eq!(proof.pin().signer, SignerPin::Key { id: "SHA256:own".into(), fingerprint: Some(fingerprint.clone()) });
}
