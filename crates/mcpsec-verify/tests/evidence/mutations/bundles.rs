//! Changes of attestations, each applied to every good one that it fits.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_verify::sigstore::TrustRoot;
use serde_json::{Value, json};

use super::{
    Case, Expect,
    good::{Good, all},
};
use crate::npm_attestations::root;

/// The log's promise (SET) covers the entry's index, id, time and body.
const PROMISE: &[&str] = &["log.promise"];
const PROOF: &[&str] = &["log.proof"];

/// Collects what becomes of each change of one attestation.
pub(super) struct Changes<'a> {
    pub(super) good: &'a Good,
    pub(super) root: &'a TrustRoot,
    cases: Vec<Case>,
}

pub(super) fn cases() -> Option<Vec<Case>> {
    let root = root();
    let staging = TrustRoot::staging().expect("the embedded root");
    let git_host = TrustRoot::git_host().expect("the embedded root");
    let all = all(&root)?;
    assert_eq!(all.len(), 12);
    let mut cases = Vec::new();
    for (at, good) in all.iter().enumerate() {
        let mut changes = Changes { good, root: &root, cases: Vec::new() };
        // Another one that is signed in the same way.
        let mut others = all.iter().cycle().skip(at + 1).take(all.len() - 1);
        let other = others.find(|other| other.is_by_key() == good.is_by_key()).expect("another one");
        changes.signed();
        changes.logged(other);
        changes.proven(other);
        changes.signer(other);
        changes.envelope(other);
        changes.about();
        changes.text();
        for (name, root) in [("staging", &staging), ("git host", &git_host)] {
            let text = good.document().to_string();
            changes.judge("wrong root", name, Expect::Refused(ROOT), good.outcome(&text, root));
        }
        cases.append(&mut changes.cases);
    }
    Some(cases)
}

const ROOT: &[&str] = &["log.unknown"];
/// The library reads the statement before it looks at the signature.
const SIGNATURE: &[&str] = &["signature", "malformed"];

impl Changes<'_> {
    pub(super) fn judge(
        &mut self,
        kind: &'static str,
        what: impl Into<String>,
        expect: Expect,
        outcome: super::Outcome,
    ) {
        let what = format!("{} {}", self.good.label, what.into());
        self.cases.push(Case { kind, what, expect, outcome });
    }

    /// Applies a change and verifies the result in place of the original.
    pub(super) fn change(
        &mut self,
        kind: &'static str,
        what: impl Into<String>,
        reasons: &'static [&'static str],
        change: impl FnOnce(&mut Value),
    ) {
        self.expect(kind, what, Expect::Refused(reasons), change);
    }

    pub(super) fn expect(
        &mut self,
        kind: &'static str,
        what: impl Into<String>,
        expect: Expect,
        change: impl FnOnce(&mut Value),
    ) {
        let mut document = self.good.document().clone();
        change(&mut document);
        assert_ne!(&document, self.good.document(), "{kind} changes nothing");
        let outcome = self.good.outcome(&document.to_string(), self.root);
        self.judge(kind, what, expect, outcome);
    }

    /// Puts another value in one place.
    pub(super) fn set(
        &mut self,
        kind: &'static str,
        what: impl Into<String>,
        reasons: &'static [&'static str],
        place: &str,
        value: impl Into<Value>,
    ) {
        let value = value.into();
        self.change(kind, what, reasons, |document| *at(document, place) = value);
    }

    /// Flips one bit in base64 of the given place, near the given hundredth of its length.
    pub(super) fn flip(&mut self, kind: &'static str, reasons: &'static [&'static str], place: &str, hundredth: usize) {
        let mut bytes = STANDARD.decode(text(self.good.at(place))).expect("base64");
        let byte = (bytes.len() - 1) * hundredth / 100;
        bytes[byte] ^= 1;
        self.set(kind, format!("byte {byte}"), reasons, place, STANDARD.encode(bytes));
    }

    /// What was signed, and the signature.
    fn signed(&mut self) {
        let (payload, signature) = (self.good.payload(), self.good.signature());
        for hundredth in [0, 30, 60, 100] {
            self.flip("payload bit", SIGNATURE, &payload, hundredth);
        }
        for hundredth in [0, 20, 70, 100] {
            self.flip("signature bit", SIGNATURE, &signature, hundredth);
        }
        let statement =
            String::from_utf8(STANDARD.decode(text(self.good.at(&payload))).expect("base64")).expect("text");
        let statement: Value = serde_json::from_str(&statement).expect("a statement");
        let mut edits =
            vec![("payload: wrong predicate", statement.clone()), ("payload: extra subject", statement.clone())];
        edits[0].1["predicateType"] = "https://example.invalid/other".into();
        let mut second = statement["subject"][0].clone();
        second["name"] = "other".into();
        edits[1].1["subject"].as_array_mut().expect("subjects").push(second);
        edits.push(("payload: other package", statement.clone()));
        edits[2].1["subject"][0]["name"] = "pkg:npm/other@1.0.0".into();
        for (kind, statement) in edits {
            self.set(kind, "", SIGNATURE, &payload, STANDARD.encode(statement.to_string()));
        }
    }

    /// The log's entry.
    fn logged(&mut self, other: &Good) {
        let good = self.good;
        let time: i64 = text(good.at(&good.entry("integratedTime"))).parse().expect("seconds");
        let year = 365 * 24 * 3600;
        for (what, time) in
            [("1 s later", time + 1), ("1 s earlier", time - 1), ("never", 0), ("in 60 years", time + 60 * year)]
        {
            self.set("shifted time", what, TIME, &good.entry("integratedTime"), time.to_string());
        }
        // The certificate lives ten minutes.
        for (what, time) in [("an hour later", time + 3600), ("a year later", time + year)] {
            self.set("expired at signing", what, TIME, &good.entry("integratedTime"), time.to_string());
        }
        self.set(
            "not yet valid at signing",
            "an hour earlier",
            TIME,
            &good.entry("integratedTime"),
            (time - 3600).to_string(),
        );
        self.change("removed time", "", TIME, |document| {
            at(document, &good.entry("")[..good.entry("").len() - 1])
                .as_object_mut()
                .expect("an entry")
                .remove("integratedTime");
        });
        self.set("removed promise", "null", UNPROMISED, &good.entry("inclusionPromise"), Value::Null);
        for hundredth in [20, 70, 100] {
            self.flip("promise bit", PROMISE, &good.entry("inclusionPromise/signedEntryTimestamp"), hundredth);
        }
        self.set("log id", "of nobody", &["log.unknown"], &good.entry("logId/keyId"), STANDARD.encode([7; 32]));
        let index: u64 = text(good.at(&good.entry("logIndex"))).parse().expect("an index");
        self.set("log index", "next", PROMISE, &good.entry("logIndex"), (index + 1).to_string());
        for hundredth in [5, 50, 95] {
            self.flip("entry body bit", ENTRY, &good.entry("canonicalizedBody"), hundredth);
        }
        let body = other.at(&other.entry("canonicalizedBody")).clone();
        self.set("entry body swapped", other.label.as_str(), ENTRY, &good.entry("canonicalizedBody"), body);
        let entry = other.at(&other.entries())[0].clone();
        self.change("entry swapped", other.label.as_str(), ENTRY, |document| {
            at(document, &good.entries())[0] = entry.clone()
        });
        self.change("second entry of something else", other.label.as_str(), ENTRY, |document| {
            push(document, &good.entries(), entry.clone())
        });
        self.change("entry of something else before", other.label.as_str(), ENTRY, |document| {
            at(document, &good.entries()).as_array_mut().expect("entries").insert(0, entry.clone());
        });
        let mut broken = good.at(&good.entries())[0].clone();
        broken["integratedTime"] = (time + 1).to_string().into();
        self.change("second entry with another time", "", PROMISE, |document| push(document, &good.entries(), broken));
        self.set(
            "no entry",
            "",
            &["no-time", "log.promise", "log.proof", "malformed", "log.entry"],
            &good.entries(),
            json!([]),
        );
        let many = vec![good.at(&good.entries())[0].clone(); 9];
        self.set("nine entries", "", &["too-many"], &good.entries(), many);
    }

    /// The inclusion proof and its checkpoint.
    fn proven(&mut self, other: &Good) {
        let good = self.good;
        if !good.has_proof() {
            return;
        }
        let proof = good.entry("inclusionProof");
        self.set("removed proof", "null", PROOF, &proof, Value::Null);
        self.flip("proof: root hash bit", PROVEN, &format!("{proof}/rootHash"), 50);
        for hash in [0, 1] {
            self.flip("proof: hash bit", PROOF, &format!("{proof}/hashes/{hash}"), 50);
        }
        self.change("proof: hash removed", "", PROOF, |document| {
            at(document, &format!("{proof}/hashes")).as_array_mut().expect("hashes").pop();
        });
        for field in ["logIndex", "treeSize"] {
            let number: u64 = text(good.at(&format!("{proof}/{field}"))).parse().expect("a number");
            for (what, number) in [("more", number + 1), ("less", number - 1), ("none", 0)] {
                self.set(
                    "proof: other place",
                    format!("{field} {what}"),
                    PROVEN,
                    &format!("{proof}/{field}"),
                    number.to_string(),
                );
            }
        }
        if other.has_proof() {
            let place = other.entry("inclusionProof");
            self.set("proof of another entry", other.label.as_str(), PROVEN, &proof, other.at(&place).clone());
            let checkpoint = other.at(&format!("{place}/checkpoint")).clone();
            self.set("checkpoint of another tree", "", PROVEN, &format!("{proof}/checkpoint"), checkpoint);
        }
        let checkpoint = text(good.at(&format!("{proof}/checkpoint/envelope"))).to_owned();
        let place = format!("{proof}/checkpoint/envelope");
        let lines: Vec<&str> = checkpoint.splitn(3, '\n').collect();
        let larger = format!("{}\n{}9\n{}", lines[0], lines[1], lines[2]);
        self.set("checkpoint: larger tree", "", PROVEN, &place, larger);
        self.set("checkpoint: unsigned", "", CHECKPOINT, &place, checkpoint.split_once("\n\n").expect("a note").0);
        let (note, signature) = checkpoint.trim_end().rsplit_once(' ').expect("a signature");
        let mut bytes = STANDARD.decode(signature).expect("base64");
        *bytes.last_mut().expect("bytes") ^= 1;
        self.set("checkpoint: signature bit", "", CHECKPOINT, &place, format!("{note} {}\n", STANDARD.encode(bytes)));
        self.change("checkpoint: removed", "", CHECKPOINT, |document| {
            at(document, &proof).as_object_mut().expect("a proof").remove("checkpoint");
        });
    }
}

/// A time of 0 is none.
const TIME: &[&str] = &["log.promise", "no-time"];
const UNPROMISED: &[&str] = &["log.promise", "no-time", "NoTime"];
/// The time of another entry lies outside the certificate.
const ENTRY: &[&str] =
    &["log.entry", "log.promise", "log.malformed", "log.proof", "certificate.expired", "certificate.not-yet-valid"];
const PROVEN: &[&str] = &["log.proof", "log.checkpoint"];
const CHECKPOINT: &[&str] = &["log.checkpoint", "malformed"];

/// The value at a place that is known to be there.
pub(super) fn at<'a>(document: &'a mut Value, place: &str) -> &'a mut Value {
    document.pointer_mut(place).unwrap_or_else(|| panic!("nothing at {place}"))
}

fn push(document: &mut Value, place: &str, value: Value) {
    at(document, place).as_array_mut().expect("a list").push(value);
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
