//! Changes of what surrounds a signature: the signer's certificate or key, the envelope, the artifact, the text.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::digest::Digest;
use mcpsec_verify::npm::{KeySet, PUBLISH};
use serde_json::{Value, json};

use super::{
    Expect, Outcome,
    bundles::{Changes, at, text},
    good::{Good, Wrapped},
};
use crate::npm::package;

const CERTIFICATE: &[&str] =
    &["certificate.chain", "certificate.malformed", "certificate.sct", "signature", "malformed"];
const BUNDLE_0_1: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";

impl Changes<'_> {
    /// Who signed.
    pub(super) fn signer(&mut self, other: &Good) {
        let good = self.good;
        if let Some(place) = good.certificate() {
            for hundredth in [10, 40, 75, 100] {
                self.flip("certificate bit", CERTIFICATE, &place, hundredth);
            }
            let theirs = other.at(&other.certificate().expect("a certificate")).clone();
            self.set(
                "swapped certificate",
                other.label.as_str(),
                &["certificate.expired", "certificate.not-yet-valid"],
                &place,
                theirs,
            );
        } else {
            let hint = good.bundle("verificationMaterial/publicKey/hint");
            let mine = text(good.at(&hint)).to_owned();
            let keys = KeySet::built_in();
            let theirs = keys.iter().find(|key| *key.id() != mine).expect("two keys").id().to_string();
            let keyid = good.bundle("dsseEnvelope/signatures/0/keyid");
            self.set("swapped key", "hint", &["signature", "log.entry"], &hint, theirs.as_str());
            self.change("swapped key", "hint and key id", &["signature", "log.entry"], |document| {
                *at(document, &hint) = theirs.as_str().into();
                *at(document, &keyid) = theirs.as_str().into();
            });
            self.set("swapped key", "key id", &["KeyId"], &keyid, theirs.as_str());
            self.set("unknown key", "", &["UnknownKey"], &hint, "SHA256:other");
            self.set("no key", "", &["NoHint"], &hint, "");
        }
    }

    /// Format, envelope and number of signatures; the kind that the response says it is.
    pub(super) fn envelope(&mut self, other: &Good) {
        let good = self.good;
        if matches!(good.wrapped, Wrapped::Pypi(_)) {
            return self.publisher();
        }
        let media_type = good.bundle("mediaType");
        for (what, value) in [
            ("unknown version", "application/vnd.dev.sigstore.bundle.v0.9+json"),
            ("empty", ""),
            ("other", "application/json"),
        ] {
            self.set("media type", what, &["media-type"], &media_type, value);
        }
        if good.has_proof() {
            self.expect("relabelled 0.1 without proof", good.media_type().to_owned(), Expect::Promise, |document| {
                *at(document, &media_type) = BUNDLE_0_1.into();
                *at(document, &good.entry("inclusionProof")) = Value::Null;
            });
            self.change(
                "relabelled 0.1, nothing left",
                good.media_type().to_owned(),
                &["log.promise", "no-time"],
                |document| {
                    *at(document, &media_type) = BUNDLE_0_1.into();
                    *at(document, &good.entry("inclusionProof")) = Value::Null;
                    *at(document, &good.entry("inclusionPromise")) = Value::Null;
                },
            );
            self.change(
                "relabelled 0.1 with a broken proof",
                good.media_type().to_owned(),
                &["log.proof", "log.checkpoint"],
                |document| {
                    *at(document, &media_type) = BUNDLE_0_1.into();
                    *at(document, &good.entry("inclusionProof/treeSize")) = "1".into();
                },
            );
        } else {
            for newer in [
                "application/vnd.dev.sigstore.bundle+json;version=0.2",
                "application/vnd.dev.sigstore.bundle.v0.3+json",
            ] {
                self.set(
                    "relabelled newer, no proof",
                    newer,
                    &["log.proof", "malformed", "unsupported"],
                    &media_type,
                    newer,
                );
            }
        }
        let signatures = good.bundle("dsseEnvelope/signatures");
        let own = good.at(&signatures)[0].clone();
        let foreign = json!({ "sig": other.at(&other.signature()), "keyid": own["keyid"] });
        self.set("two signatures", "the same", &["many-signatures"], &signatures, json!([own, own]));
        self.set("two signatures", "a foreign one", &["many-signatures"], &signatures, json!([own, foreign]));
        self.set("two signatures", "a foreign one first", &["many-signatures"], &signatures, json!([foreign, own]));
        self.set("no signature", "", &["many-signatures"], &signatures, json!([]));
        self.set("foreign signature", "", &["signature"], &signatures, json!([foreign]));
        let payload_type = good.bundle("dsseEnvelope/payloadType");
        self.set(
            "payload type",
            "",
            &["signature", "unsupported", "malformed", "statement"],
            &payload_type,
            "application/json",
        );
        let listed = "/attestations/0/predicateType";
        self.set("wrong predicate listed", "unknown", &["Unsupported"], listed, "https://example.invalid/other");
        let (wrong, reasons): (&str, &'static [&'static str]) =
            if good.is_by_key() { ("https://slsa.dev/provenance/v1", &["material"]) } else { (PUBLISH, &["NoHint"]) };
        self.set("wrong predicate listed", wrong, reasons, listed, wrong);
    }

    /// The index's record.
    fn publisher(&mut self) {
        let place = "/attestation_bundles/0/publisher";
        let record = self.good.at(place).as_object().expect("a record").clone();
        for (field, value) in &record {
            // Which environment published is in no certificate.
            if field == "environment" {
                continue;
            }
            let Some(value) = value.as_str() else { continue };
            let what = format!("{field} changed");
            self.set("publisher record", what, &["Publisher"], &format!("{place}/{field}"), format!("{value}x"));
            // What CircleCI's record need not have is not demanded of it.
            if !field.starts_with("vcs_") {
                self.change("publisher record", format!("{field} removed"), &["Publisher"], |document| {
                    at(document, place).as_object_mut().expect("a record").remove(field);
                });
            }
        }
    }

    /// Another artifact than the one that was attested.
    pub(super) fn about(&mut self) {
        let good = self.good;
        let (text, root) = (good.document().to_string(), self.root);
        let mut judge = |kind, reasons, wrapped| {
            let outcome = Good { wrapped, ..good.clone() }.outcome(&text, root);
            self.judge(kind, "", Expect::Refused(reasons), outcome);
        };
        match &good.wrapped {
            Wrapped::Npm(attested) => {
                let mut other = attested.clone();
                other.sha512 = Digest::sha512_of(b"other");
                judge("other artifact", &["artifact", "subject.digest"], Wrapped::Npm(other));
                let (name, version) = (attested.package.name().as_str(), attested.package.version());
                for (kind, package) in [
                    ("other package name", package(&format!("{name}x"), version)),
                    ("other version", package(name, &format!("{version}1"))),
                ] {
                    judge(
                        kind,
                        &["Subject"],
                        Wrapped::Npm(crate::npm_attestations::Attested { package, ..attested.clone() }),
                    );
                }
            }
            Wrapped::Pypi(attested) => {
                let mut other = attested.clone();
                other.sha256 = Digest::sha256_of(b"other");
                judge("other artifact", &["artifact", "subject.digest"], Wrapped::Pypi(other));
                let mut other = attested.clone();
                other.package = "pypi:other@1.0".parse().expect("an id");
                judge("other package name", &["File"], Wrapped::Pypi(other.clone()));
                other.file = "other-1.0.tar.gz".into();
                judge("other package name", &["Subject"], Wrapped::Pypi(other.clone()));
                other.package = format!("pypi:{}@9999", attested.package.name()).parse().expect("an id");
                other.file = format!("{}-9999.tar.gz", attested.package.name());
                judge("other version", &["Subject"], Wrapped::Pypi(other));
            }
        }
    }

    /// The text of the document rather than what it says.
    pub(super) fn text(&mut self) {
        let good = self.good;
        let original = good.document().to_string();
        let payload = good.at(&good.payload()).to_string();
        let name = good.payload().rsplit('/').next().expect("a name").to_owned();
        let field = format!("\"{name}\":{payload}");
        assert!(original.contains(&field));
        let other = STANDARD.encode("{}");
        let texts = [
            ("name twice", "payload first", original.replacen(&field, &format!("\"{name}\":\"{other}\",{field}"), 1)),
            ("name twice", "payload last", original.replacen(&field, &format!("{field},\"{name}\":\"{other}\""), 1)),
            ("trailing bytes", "bracket", format!("{original}}}")),
            ("trailing bytes", "second document", format!("{original}{original}")),
            ("cut short", "", original[..original.len() - 1].to_owned()),
            ("not text", "byte order mark", format!("\u{feff}{original}")),
        ];
        for (kind, what, text) in texts {
            let outcome: Outcome = good.outcome(&text, self.root);
            self.judge(kind, what, Expect::Refused(&["Malformed", "malformed"]), outcome);
        }
    }
}
