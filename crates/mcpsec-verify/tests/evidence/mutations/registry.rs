//! Changes of registry signatures: all 84 recorded ones.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{digest::Digest, evidence::RegistrySignature};
use mcpsec_verify::npm::KeySet;

use super::{Case, Expect, Outcome};
use crate::npm::{Signed, package, series, singles};

const INVALID: &[&str] = &["Invalid"];
/// A flipped bit hits the DER around the numbers or the numbers.
const BIT: &[&str] = &["Invalid", "Malformed"];

/// A change of one version's signatures.
type Change = fn(&mut Signed);

const CHANGES: [(&str, &[&str], Change); 11] = [
    ("registry: signature bit", BIT, |signed| flip(signed, 1)),
    ("registry: signature bit", BIT, |signed| flip(signed, 8)),
    ("registry: signature bit", BIT, |signed| flip(signed, 60)),
    ("registry: other artifact", INVALID, |signed| signed.sha512 = Digest::sha512_of(b"other")),
    ("registry: other package name", INVALID, |signed| {
        signed.package = package(&format!("{}x", signed.package.name()), signed.package.version());
    }),
    ("registry: other version", INVALID, |signed| {
        signed.package = package(signed.package.name().as_str(), &format!("{}1", signed.package.version()));
    }),
    ("registry: swapped key", INVALID, |signed| {
        let keys = KeySet::built_in();
        let other = keys.iter().find(|key| *key.id() != signed.signatures[0].keyid).expect("two keys");
        signed.signatures[0].keyid = other.id().clone();
        signed.published = None;
    }),
    ("registry: unknown key", &["UnknownKey"], |signed| signed.signatures[0].keyid = "SHA256:other".into()),
    ("registry: two by one key", &["Duplicate"], |signed| signed.signatures.push(signed.signatures[0].clone())),
    ("registry: a second one by nobody", &["UnknownKey"], |signed| {
        let sig = signed.signatures[0].sig.clone();
        signed.signatures.push(RegistrySignature { keyid: "SHA256:other".into(), sig });
    }),
    ("registry: none", &["None"], |signed| signed.signatures.clear()),
];

fn flip(signed: &mut Signed, at: usize) {
    let sig = &mut signed.signatures[0].sig;
    let mut der = STANDARD.decode(&sig).expect("base64");
    der[at] ^= 1;
    *sig = STANDARD.encode(der);
}

pub(super) fn cases() -> Option<Vec<Case>> {
    let all: Vec<Signed> = series()?.into_iter().chain(singles()?).collect();
    assert_eq!(all.len(), 84);
    let keys = KeySet::built_in();
    let mut cases = Vec::new();
    for original in &all {
        for (kind, reasons, change) in CHANGES {
            let mut signed = original.clone();
            change(&mut signed);
            let outcome = match signed.verify(&keys) {
                Ok(_) => Outcome::Same,
                Err(error) => Outcome::Refused(super::variant(&error)),
            };
            cases.push(Case { kind, what: original.package.to_string(), expect: Expect::Refused(reasons), outcome });
        }
    }
    Some(cases)
}
