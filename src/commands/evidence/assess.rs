//! The documents of one file become what is known about it.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    digest::Digest,
    evidence::{Assessed, Documents, Found, Proof, Trust},
    name::Ecosystem,
    package::{Artifact, Package},
    text::Untrusted,
};
use mcpsec_verify::{
    git::{self, ExpectedTag, Outcome, ReleaseError},
    npm::{self, AttestationError, KeySet, SignatureError},
    pypi::{self, ProvenanceError, PublisherError},
    sigstore::BundleError,
};

use super::tools::Tools;

/// Verifies everything in the documents.
pub(super) fn one(tools: &Tools, package: &Package, artifact: &Artifact, documents: &Documents) -> Assessed {
    let (signature, attestation) = match package.id.ecosystem() {
        Ecosystem::Npm => npm(tools, package, artifact, documents),
        Ecosystem::Pypi => (Found::Nothing, pypi(tools, package, artifact, documents)),
        Ecosystem::Git => (git_signature(tools, package, documents), git_release(tools, package, documents)),
    };
    Assessed { file: artifact.file.clone(), signature, attestation, withdrawn: false }
}

/// Nothing is known about a file; the text says why.
pub(super) fn unknown(package: &Package, artifact: &Artifact, why: &str) -> Assessed {
    let signature = match package.id.ecosystem() {
        Ecosystem::Pypi => Found::Nothing,
        Ecosystem::Npm | Ecosystem::Git => Found::Unknown(why.to_owned()),
    };
    Assessed { file: artifact.file.clone(), signature, attestation: Found::Unknown(why.to_owned()), withdrawn: false }
}

fn npm(tools: &Tools, package: &Package, artifact: &Artifact, documents: &Documents) -> (Found, Found) {
    let Some(sha512) = artifact.digests.sha512.map(Digest::Sha512) else {
        let why = || Found::Unknown("npm signs sha512, which is not pinned".to_owned());
        return (why(), why());
    };
    let keys = match documents.keys.as_slice() {
        [] => Ok(tools.keys.clone()),
        own => tools.keys.clone().with_registry(own),
    };
    let keys: KeySet = match keys {
        Ok(keys) => keys,
        Err(error) => {
            let why = || Found::Refused(format!("the registry's keys are unusable: {error}"));
            return (why(), why());
        }
    };
    let absent = || if documents.offered { Found::Nothing } else { Found::Stripped };
    let signature = if documents.signatures.is_empty() {
        absent()
    } else {
        match npm::signatures(&package.id, &sha512, documents.published, &documents.signatures, &keys) {
            Ok(proofs) => Found::Proofs(proofs.into_iter().map(Proof::from).collect()),
            // Nobody can say whether it holds.
            Err(error @ SignatureError::UnknownKey { .. }) => Found::Unknown(error.to_string()),
            Err(error) => Found::Refused(error.to_string()),
        }
    };
    let attestation = match (&documents.attestations, &tools.public_good) {
        (None, _) if documents.withheld => Found::Unknown(WITHHELD.to_owned()),
        (None, _) => absent(),
        (Some(_), Err(why)) => Found::Unknown(why.clone()),
        (Some(response), Ok(root)) => match npm::attestations(&package.id, &sha512, response, &keys, root) {
            Ok(proofs) if proofs.is_empty() => Found::Nothing,
            Ok(proofs) => Found::Proofs(proofs.into_iter().map(Proof::from).collect()),
            Err(error) if is_unsupported_npm(&error) => Found::Unknown(error.to_string()),
            Err(error) => Found::Refused(error.to_string()),
        },
    };
    (signature, attestation)
}

const WITHHELD: &str = "the registry names attestations and does not hand them out";

fn pypi(tools: &Tools, package: &Package, artifact: &Artifact, documents: &Documents) -> Found {
    let Some(sha256) = artifact.digests.sha256.map(Digest::Sha256) else {
        return Found::Unknown("attestations are about sha256, which is not pinned".to_owned());
    };
    match (&documents.attestations, &tools.public_good) {
        (None, _) if documents.withheld => Found::Unknown(WITHHELD.to_owned()),
        (None, _) if documents.offered => Found::Nothing,
        (None, _) => Found::Stripped,
        (Some(_), Err(why)) => Found::Unknown(why.clone()),
        (Some(object), Ok(root)) => match pypi::provenance(&package.id, &artifact.file, &sha256, object, root) {
            Ok(proofs) if proofs.is_empty() => Found::Nothing,
            Ok(proofs) => Found::Proofs(proofs.into_iter().map(Proof::from).collect()),
            Err(error) if is_unsupported_pypi(&error) => Found::Unknown(error.to_string()),
            Err(error) => Found::Refused(error.to_string()),
        },
    }
}

/// What a later mcpsec may be able to check is not refused, and not passed either.
fn is_unsupported_npm(error: &AttestationError) -> bool {
    match error {
        AttestationError::Unsupported { .. } => true,
        AttestationError::Bundle { error, .. } => is_unsupported(error),
        _ => false,
    }
}

fn is_unsupported_pypi(error: &ProvenanceError) -> bool {
    match error {
        ProvenanceError::Unsupported { .. } | ProvenanceError::Publisher(PublisherError::Unsupported(_)) => true,
        ProvenanceError::Bundle(source) => is_unsupported(source),
        _ => false,
    }
}

fn is_unsupported(error: &BundleError) -> bool {
    matches!(error, BundleError::Unsupported(_))
}

/// A signed tag says that this name means this commit; a signed commit, who made it.
fn git_signature(tools: &Tools, package: &Package, documents: &Documents) -> Found {
    let root = tools.public_good.as_ref().ok();
    let Some(pin) = &package.git else { return Found::Nothing };
    let commit = package.id.version();
    let mut outcomes = Vec::new();
    let tag_name = pin.reference.as_deref().and_then(|reference| reference.strip_prefix("refs/tags/"));
    if let (Some(tag), Some(name)) = (&documents.tag, tag_name) {
        let outcome = decoded(tag).and_then(|raw| {
            let id = git::object_id(git::ObjectKind::Tag, &raw, commit).map_err(|error| error.to_string())?;
            let expected = ExpectedTag { id: &id, name, target: commit };
            git::tag(&raw, expected, &tools.signers, root).map_err(|error| format!("tag {}: {error}", shown(name)))
        });
        outcomes.push(outcome);
    }
    if let Some(raw) = &documents.commit {
        let outcome = decoded(raw).and_then(|raw| {
            git::commit(&raw, commit, &pin.tree, &tools.signers, root)
                .map_err(|error| format!("commit {commit}: {error}"))
        });
        outcomes.push(outcome);
    }
    if outcomes.is_empty() {
        return Found::Unknown("the store has neither the tag nor the commit object".to_owned());
    }
    summed_up(outcomes)
}

/// All signatures of one reference: one that does not hold refuses all, one that holds is enough.
fn summed_up(outcomes: Vec<Result<Outcome, String>>) -> Found {
    let (mut proofs, mut unknown) = (Vec::new(), None);
    for outcome in outcomes {
        match outcome {
            Err(why) => return Found::Refused(why),
            Ok(Outcome::Unsigned) => {}
            Ok(Outcome::Verified(proof)) => proofs.push(Proof::from(proof)),
            Ok(Outcome::UnknownKey { signature: Some(proof), .. }) => proofs.push(Proof::from(proof)),
            Ok(Outcome::UnknownKey { signature: None, key }) => {
                unknown = Some(format!("it is signed by {key}, which no given key is"));
            }
            Ok(Outcome::Unwitnessed { key, .. }) => {
                unknown = Some(format!("it is signed with a certificate of {key}, and nothing witnesses when"));
            }
        }
    }
    match (proofs.is_empty(), unknown) {
        (false, _) => Found::Proofs(proofs),
        (true, Some(why)) => Found::Unknown(why),
        (true, None) => Found::Nothing,
    }
}

/// What the git host attests of the commit. Attestations of other kinds are not judged; one that does not hold refuses all.
fn git_release(tools: &Tools, package: &Package, documents: &Documents) -> Found {
    let roots: Vec<_> =
        [&tools.git_host, &tools.public_good].into_iter().filter_map(|root| root.as_ref().ok()).collect();
    let (mut proofs, mut unknown) = (Vec::new(), None);
    for bundle in &documents.bundles {
        match git::release(bundle, package.id.version(), &roots) {
            Ok(proof) => proofs.push(Proof::from(proof)),
            Err(error @ (ReleaseError::Unsupported(_) | ReleaseError::NoRoot)) => unknown = Some(error.to_string()),
            Err(ReleaseError::Bundle(error)) if is_unsupported(&error) => unknown = Some(error.to_string()),
            Err(error) => return Found::Refused(error.to_string()),
        }
    }
    match (proofs.is_empty(), unknown) {
        (false, _) => Found::Proofs(proofs),
        (true, Some(why)) => Found::Unknown(why),
        (true, None) => Found::Nothing,
    }
}

/// Whether a tag object carries a signature that holds, whoever made it: what an earlier tag had.
pub(in super::super) fn tag_trust(tools: &Tools, name: &str, id: &str, raw: &[u8]) -> Trust {
    let Some(target) = git::target(raw) else { return Trust::None };
    let expected = ExpectedTag { id, name, target: &target };
    match git::tag(raw, expected, &tools.signers, tools.public_good.as_ref().ok()) {
        Ok(Outcome::Verified(_) | Outcome::UnknownKey { .. } | Outcome::Unwitnessed { .. }) => Trust::Signed,
        Ok(Outcome::Unsigned) | Err(_) => Trust::None,
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|_| "the stored object is not base64".to_owned())
}

fn shown(text: &str) -> String {
    Untrusted::new(text).excerpt(100)
}
