//! The recorded objects of `fixtures/git-signed`, each as the fixtures' README says.
use std::{collections::BTreeMap, fs};

use mcpsec_verify::{
    git::{Outcome, Signers},
    sigstore::TrustRoot,
};

use super::Object;

/// All objects of one folder, in order of their names.
pub(super) fn objects(form: &str) -> Option<Vec<Object>> {
    let folder = mcpsec_testkit::shared::path(&format!("fixtures/git-signed/{form}"))?;
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable fixture") {
        let path = entry.expect("a readable fixture").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_tag = name.ends_with(".tag");
        if is_tag || name.ends_with(".commit") {
            out.push(Object { name, raw: fs::read(&path).expect("a readable fixture"), is_tag });
        }
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Some(out)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Unsigned => "unsigned",
        Outcome::Verified(_) => "verified",
        Outcome::UnknownKey { signature: Some(_), .. } => "good, unknown key",
        Outcome::UnknownKey { signature: None, .. } => "unknown key",
        Outcome::Unwitnessed { .. } => "unwitnessed",
    }
}

fn count(form: &str, root: Option<&TrustRoot>) -> Option<BTreeMap<&'static str, usize>> {
    let objects = objects(form)?;
    let mut counts = BTreeMap::new();
    for object in objects {
        match object.verify(&Signers::none(), root) {
            Ok(outcome) => {
                *counts.entry(word(&outcome)).or_default() += 1;
            }
            Err(error) => panic!("{}: {error}", object.name),
        }
    }
    Some(counts)
}

#[test]
fn unsigned_objects_are_unsigned() {
    let Some(counts) = count("none", None) else { return };
    assert_eq!(counts, BTreeMap::from([("unsigned", 3)]));
}

#[test]
fn ssh_signatures_hold_for_keys_that_nobody_vouches_for() {
    let Some(counts) = count("ssh", None) else { return };
    assert_eq!(counts, BTreeMap::from([("good, unknown key", 18)]));
}

#[test]
fn openpgp_signatures_without_their_keys_are_not_known() {
    let Some(counts) = count("pgp", None) else { return };
    assert_eq!(counts, BTreeMap::from([("unknown key", 14)]));
}

#[test]
fn x509_signatures_are_good_and_only_one_is_witnessed() {
    let root = TrustRoot::public_good().expect("the embedded root");
    let Some(counts) = count("x509", Some(&root)) else { return };
    assert_eq!(counts, BTreeMap::from([("good, unknown key", 2), ("unwitnessed", 10), ("verified", 1)]));
}
