//! Release attestations of a git host: the host says that a release is of exactly this commit.
use mcpsec_model::{
    evidence::{EvidenceKind, Signer, VerifiedSignature},
    text::Untrusted,
};

use crate::sigstore::{self, BundleError, TrustRoot};

/// The start of the predicate types of releases; the version follows.
const PREDICATE: &str = "https://in-toto.io/attestation/release/";

/// What stands for the issuer of a host that signs with its own authority: its certificates name no identity provider.
const HOST: &str = "git-host";

/// Why a release attestation was refused.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It is about the commit, and no release: not judged here.
    #[error("attestation of the unsupported type {0}")]
    Unsupported(String),
    /// It does not hold, or is about another commit.
    #[error("release attestation: {0}")]
    Bundle(#[from] BundleError),
    /// There is no trust root to verify it with.
    #[error("there is no trust root for release attestations")]
    NoRoot,
}

/// Verifies one bundle about a commit (hexadecimal id) with each trust root in turn, each with its own rules; one that accepts
/// it is enough, since an instance vouches for its own bundles only.
///
/// # Errors
/// [`ReleaseError`]; of several roots, what the first one says.
pub fn release(bundle: &str, commit: &str, roots: &[&TrustRoot]) -> Result<VerifiedSignature, ReleaseError> {
    let mut first = None;
    for root in roots {
        match sigstore::attestation_of_commit(root, bundle, commit) {
            Err(error) => {
                first.get_or_insert(error);
            }
            Ok(attestation) => {
                let predicate = attestation.statement().predicate_type();
                if !predicate.starts_with(PREDICATE) {
                    return Err(ReleaseError::Unsupported(Untrusted::new(predicate).excerpt(160)));
                }
                let mut identity = attestation.identity().cloned().unwrap_or_default();
                if identity.issuer.is_empty() {
                    identity.issuer = HOST.to_owned();
                }
                let signer = Signer::Identity(Box::new(identity));
                let (log, time) = (Some(attestation.log()), attestation.signed_at());
                return Ok(VerifiedSignature::vouch_signature_was_verified(
                    EvidenceKind::Release,
                    commit,
                    signer,
                    log,
                    time,
                ));
            }
        }
    }
    Err(first.map_or(ReleaseError::NoRoot, ReleaseError::Bundle))
}
