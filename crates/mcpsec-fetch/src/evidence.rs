//! Evidence of many packages at once: what the registries have for each locked file, brought as they gave it.
//!
//! Data flow: a resolution or an upstream record says what a registry offers ([`Offer`]); [`gather`] asks for the rest and
//! answers one [`Documents`] for each file. Nothing is verified here. "Could not ask" is an error, "has none" is not.
use std::collections::BTreeSet;

use futures::{StreamExt as _, future::BoxFuture, stream};
use mcpsec_model::{
    digest::Digests,
    evidence::{Documents, Offer, RegistryKey},
    name::Ecosystem,
    package::PackageId,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use smol_str::SmolStr;

use crate::{
    npm::{NpmError, NpmSource},
    pypi::{PypiError, PypiSource},
};

/// Questions under way at once, unless the caller wants fewer.
pub const CONCURRENCY: usize = 16;

/// Attestations of one response that are looked at for keys. npm makes two.
const MAX_HINTS: usize = 64;

/// Whom to ask. An ecosystem without a source gives only what the offer itself has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// npm registries.
    pub npm: Option<&'a NpmSource>,
    /// Python indexes.
    pub pypi: Option<&'a PypiSource>,
}

/// One file whose evidence is wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The package.
    pub package: &'a PackageId,
    /// The file's name in the lock.
    pub file: &'a str,
    /// What the lock pins of it; carried along for whoever stores or verifies the answer.
    pub digests: &'a Digests,
    /// What the registry says it has.
    pub offer: &'a Offer,
}

/// Why evidence that is said to be there could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GatherError {
    /// From an npm registry.
    #[error(transparent)]
    Npm(#[from] NpmError),
    /// From a Python index.
    #[error(transparent)]
    Pypi(#[from] PypiError),
}

impl GatherError {
    /// Whether nobody could be asked, so that the outcome is "not known". Else the registry gave something unusable.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Npm(error) => error.is_unreachable(),
            Self::Pypi(error) => error.is_unreachable(),
        }
    }
}

/// A file and the evidence that was brought for it.
pub type Gathered<'a> = (Wanted<'a>, Result<Documents, GatherError>);

/// Brings the evidence of every file, at most `limit` questions at once (0: [`CONCURRENCY`]). One answer for each, in the order
/// of `wanted`; one failure does not hinder the others.
///
/// A registry's keys are asked for only when a signature or attestation names one that is not among `known` (the ids of built-in keys), since
/// keys from the registry that signed prove little. Where the registry announces attestations and answers that it has none,
/// [`Documents::withheld`] is set.
pub async fn gather<'a>(
    sources: Sources<'_>,
    wanted: Vec<Wanted<'a>>,
    known: &BTreeSet<SmolStr>,
    limit: usize,
) -> Vec<Gathered<'a>> {
    let limit = if limit == 0 { CONCURRENCY } else { limit };
    // Boxed one by one: as a stream of closures the whole could not be sent between threads.
    let mut asking: Vec<BoxFuture<'_, Gathered<'a>>> = Vec::with_capacity(wanted.len());
    for one in wanted {
        asking.push(Box::pin(async move {
            let documents = one.documents(sources, known).await;
            (one, documents)
        }));
    }
    stream::iter(asking).buffered(limit).collect().await
}

impl Wanted<'_> {
    async fn documents(&self, sources: Sources<'_>, known: &BTreeSet<SmolStr>) -> Result<Documents, GatherError> {
        let offer = self.offer;
        let mut documents = Documents {
            offered: offer.offers,
            signatures: offer.signatures.clone(),
            published: offer.published,
            ..Documents::default()
        };
        match (self.package.ecosystem(), sources) {
            (Ecosystem::Npm, Sources { npm: Some(npm), .. }) => {
                if offer.attested {
                    documents.attestations = npm.attestations(self.package).await?;
                    documents.withheld = documents.attestations.is_none();
                }
                documents.keys = self.unknown_keys(npm, &documents, known).await?;
            }
            (Ecosystem::Pypi, Sources { pypi: Some(pypi), .. }) if offer.attested => {
                documents.attestations = pypi.provenance(self.package, self.file).await?;
                documents.withheld = documents.attestations.is_none();
            }
            // Evidence of git sources comes with the repository.
            (Ecosystem::Npm | Ecosystem::Pypi | Ecosystem::Git, _) => {}
        }
        Ok(documents)
    }

    /// The registry's word for keys that are not built in.
    async fn unknown_keys(
        &self,
        npm: &NpmSource,
        documents: &Documents,
        known: &BTreeSet<SmolStr>,
    ) -> Result<Vec<RegistryKey>, GatherError> {
        let signed = documents.signatures.iter().map(|one| one.keyid.clone());
        let hinted = documents.attestations.as_deref().map(key_hints).unwrap_or_default();
        let named: BTreeSet<SmolStr> = signed.chain(hinted).filter(|keyid| !known.contains(keyid)).collect();
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let keys = npm.keys(self.package.name()).await?.unwrap_or_default();
        Ok(keys.into_iter().filter(|key| named.contains(&key.keyid)).collect())
    }
}

/// The key ids that an attestation response names (`attestations[].bundle.verificationMaterial.publicKey.hint`). What is not
/// of that shape names none: whoever verifies it will say what is wrong.
fn key_hints(response: &str) -> Vec<SmolStr> {
    #[derive(Deserialize)]
    struct Response<'a> {
        #[serde(borrow, default)]
        attestations: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Attestation {
        bundle: Bundle,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Bundle {
        verification_material: Material,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Material {
        public_key: PublicKey,
    }
    #[derive(Deserialize)]
    struct PublicKey {
        hint: SmolStr,
    }
    let Ok(response) = serde_json::from_str::<Response<'_>>(response) else { return Vec::new() };
    let hints = response.attestations.iter().take(MAX_HINTS).filter_map(|raw| {
        let attestation: Attestation = serde_json::from_str(raw.get()).ok()?;
        Some(attestation.bundle.verification_material.public_key.hint)
    });
    hints.collect()
}
