//! X.509 signatures of git objects: CMS (RFC 5652), detached, one signer, with signed attributes; and gitsign, which is the same
//! with a certificate of Fulcio and, in its newer versions, the transparency log's entry among the unsigned attributes.
//!
//! A certificate of Fulcio lives ten minutes and its key is thrown away. Without the log's entry nobody knows that the signature is
//! of those ten minutes, so it is [`Outcome::Unwitnessed`], never verified: older gitsign looked the entry up online. Certificates of
//! other authorities are [`Outcome::UnknownKey`]: no list of public authorities is built in.
mod cms;
mod entry;
mod key;
mod proto;

use mcpsec_model::evidence::{EvidenceKind, Signer, VerifiedSignature};
use smol_str::SmolStr;

use super::{
    GitError, Outcome,
    armor::{self, Form},
    object::Object,
    shown,
};
use crate::sigstore::{self, CertificateFault, Chain, TrustRoot};

use cms::Envelope;

pub(super) fn verify(
    object: &Object<'_>,
    block: &[u8],
    kind: EvidenceKind,
    id: &str,
    root: Option<&TrustRoot>,
) -> Result<Outcome, GitError> {
    let envelope = Envelope::read(&armor::decode(Form::X509, block)?)?;
    let key = envelope.subject();
    envelope.binds(&object.payload, &key)?;
    key::verify(&envelope, &key)?;
    let refused = |fault: CertificateFault| GitError::Certificate { subject: key.clone(), what: fault.to_string() };
    let others: Vec<&[u8]> = envelope.others().collect();
    let chain = match root {
        Some(root) => root.authorities().chain(envelope.leaf(), &others, envelope.not_before()?).map_err(refused)?,
        None => Chain::Foreign,
    };
    let Some(root) = root.filter(|_| chain == Chain::Trusted) else {
        let signer = Signer::Key {
            id: SmolStr::new(envelope.key_id()),
            fingerprint: SmolStr::new(envelope.key_fingerprint()),
            vouched: false,
            principal: None,
        };
        let signature = VerifiedSignature::vouch_signature_was_verified(kind, id, signer, None, None);
        return Ok(Outcome::UnknownKey { signature: Some(signature), key });
    };
    let Some(entry) = envelope.witness()? else {
        let signer = Signer::Identity(Box::new(sigstore::holder(envelope.leaf()).map_err(refused)?));
        return Ok(Outcome::Unwitnessed { signer, key });
    };
    let bundle = entry::bundle(&envelope, &entry)?;
    let verified =
        sigstore::bytes(root, &bundle, envelope.signed()).map_err(|error| GitError::Witness(Box::new(error)))?;
    let Some(identity) = verified.identity() else {
        return Err(Form::X509.malformed("its certificate names nobody"));
    };
    let signer = Signer::Identity(Box::new(identity.clone()));
    let proof =
        VerifiedSignature::vouch_signature_was_verified(kind, id, signer, Some(verified.log()), verified.signed_at());
    Ok(Outcome::Verified(proof))
}
