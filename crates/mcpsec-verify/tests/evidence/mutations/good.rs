//! The good attestations that are changed, whatever they are wrapped in, and how each is verified.
use mcpsec_model::evidence::VerifiedProvenance;
use mcpsec_verify::{npm::AttestationError, pypi::ProvenanceError, sigstore::TrustRoot};
use serde_json::{Value, json};

use super::{Outcome, variant};
use crate::{npm_attestations, pypi};

/// Who wraps the attestation.
#[derive(Clone)]
pub(super) enum Wrapped {
    Npm(npm_attestations::Attested),
    Pypi(pypi::Attested),
}

/// One attestation that holds.
#[derive(Clone)]
pub(super) struct Good {
    pub(super) label: String,
    pub(super) wrapped: Wrapped,
    /// What it proves.
    pub(super) proof: VerifiedProvenance,
}

/// Every one: npm's eight, each in a response of its own, and PyPI's.
pub(super) fn all(root: &TrustRoot) -> Option<Vec<Good>> {
    let mut all = Vec::new();
    for attested in npm_attestations::all_good()? {
        for entry in attested.response["attestations"].as_array().expect("a list").clone() {
            let response = json!({ "attestations": [entry] });
            all.push(Wrapped::Npm(npm_attestations::Attested { response, ..attested.clone() }));
        }
    }
    all.extend(pypi::all_good()?.into_iter().map(Wrapped::Pypi));
    Some(all.into_iter().map(|wrapped| Good::new(wrapped, root)).collect())
}

impl Good {
    fn new(wrapped: Wrapped, root: &TrustRoot) -> Self {
        let proofs = match &wrapped {
            Wrapped::Npm(attested) => attested.verify(root).expect("it holds"),
            Wrapped::Pypi(attested) => attested.verify(root).expect("it holds"),
        };
        let [proof] = proofs.as_slice() else { panic!("{} proofs", proofs.len()) };
        let of = match &wrapped {
            Wrapped::Npm(attested) => attested.package.to_string(),
            Wrapped::Pypi(attested) => attested.file.clone(),
        };
        Self { label: format!("{of} {}", proof.kind()), proof: proof.clone(), wrapped }
    }

    pub(super) fn document(&self) -> &Value {
        match &self.wrapped {
            Wrapped::Npm(attested) => &attested.response,
            Wrapped::Pypi(attested) => &attested.document,
        }
    }

    /// Whether a key signed, not the holder of a certificate.
    pub(super) fn is_by_key(&self) -> bool {
        self.proof.signer().identity().is_none()
    }

    /// The version of the bundle's format; PyPI's wrapping stands for 0.3.
    pub(super) fn media_type(&self) -> &str {
        match &self.wrapped {
            Wrapped::Npm(_) => self.at(&self.bundle("mediaType")).as_str().expect("a media type"),
            Wrapped::Pypi(_) => "application/vnd.dev.sigstore.bundle.v0.3+json",
        }
    }

    pub(super) fn has_proof(&self) -> bool {
        self.document().pointer(&self.entry("inclusionProof")).is_some_and(|proof| !proof.is_null())
    }

    pub(super) fn at(&self, pointer: &str) -> &Value {
        self.document().pointer(pointer).unwrap_or_else(|| panic!("{}: no {pointer}", self.label))
    }

    /// A part of npm's bundle.
    pub(super) fn bundle(&self, rest: &str) -> String {
        format!("/attestations/0/bundle/{rest}")
    }

    /// A part of the only log entry.
    pub(super) fn entry(&self, rest: &str) -> String {
        format!("{}/0/{rest}", self.entries())
    }

    pub(super) fn entries(&self) -> String {
        self.part("verificationMaterial/tlogEntries", "verification_material/transparency_entries")
    }

    pub(super) fn payload(&self) -> String {
        self.part("dsseEnvelope/payload", "envelope/statement")
    }

    pub(super) fn signature(&self) -> String {
        self.part("dsseEnvelope/signatures/0/sig", "envelope/signature")
    }

    /// The signer's certificate, if one signed.
    pub(super) fn certificate(&self) -> Option<String> {
        let places = [
            "/attestations/0/bundle/verificationMaterial/certificate/rawBytes",
            "/attestations/0/bundle/verificationMaterial/x509CertificateChain/certificates/0/rawBytes",
            "/attestation_bundles/0/attestations/0/verification_material/certificate",
        ];
        places.into_iter().find(|place| self.document().pointer(place).is_some()).map(str::to_owned)
    }

    fn part(&self, npm: &str, pypi: &str) -> String {
        match self.wrapped {
            Wrapped::Npm(_) => self.bundle(npm),
            Wrapped::Pypi(_) => format!("/attestation_bundles/0/attestations/0/{pypi}"),
        }
    }

    /// What becomes of this text in place of the document.
    pub(super) fn outcome(&self, text: &str, root: &TrustRoot) -> Outcome {
        let proofs = match &self.wrapped {
            Wrapped::Npm(attested) => attested.verify_text(text, root).map_err(|error| match &error {
                AttestationError::Bundle { error, .. } => error.code().to_owned(),
                error => variant(error),
            }),
            Wrapped::Pypi(attested) => attested.verify_text(text, root).map_err(|error| match &error {
                ProvenanceError::Bundle(error) => error.code().to_owned(),
                error => variant(error),
            }),
        };
        match proofs {
            Err(reason) => Outcome::Refused(reason),
            Ok(proofs) => match proofs.as_slice() {
                [proof] if *proof == self.proof => Outcome::Same,
                [proof] => Outcome::Weaker(proof.log()),
                _ => panic!("{}: {} proofs", self.label, proofs.len()),
            },
        }
    }
}
