//! The raw evidence as a registry gave it, before anybody believed it: what fetch brings and the store keeps.
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::time::Timestamp;

/// One entry of npm's `dist.signatures`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrySignature {
    /// Which key.
    pub keyid: SmolStr,
    /// ECDSA signature, base64 of DER.
    pub sig: String,
}

/// One entry of the keys document that an npm registry serves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryKey {
    /// What signatures call it.
    pub keyid: SmolStr,
    /// `SubjectPublicKeyInfo`, base64 of DER.
    pub key: String,
    /// `ecdsa-sha2-nistp256` and the like.
    pub scheme: SmolStr,
    /// When it stopped being used, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// What a registry says it has about one package version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Offer {
    /// Whether this registry hands out evidence at all. `false` is "stripped": neither unsigned nor a pass.
    pub offers: bool,
    /// npm: signatures of the registry.
    pub signatures: Vec<RegistrySignature>,
    /// Whether there are attestations (npm) or provenance files (PyPI) to ask for.
    pub attested: bool,
    /// When the registry says it was published. Unsigned: proves nothing.
    pub published: Option<Timestamp>,
}

/// The evidence documents of one artifact, as the store keeps them beside it. Self-contained: with the built-in roots, nothing
/// else is needed to verify them offline. Nothing in it is trusted before it is verified.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Whether the registry handed out evidence at all when it was asked.
    pub offered: bool,
    /// npm: `dist.signatures`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<RegistrySignature>,
    /// npm: the registry's own keys that the signatures or attestations name. Used only for key ids that are not built in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<RegistryKey>,
    /// npm: the attestation response; PyPI: the provenance object (PEP 740). The text exactly as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestations: Option<String>,
    /// The registry says that there are attestations and has none to give (404). Nothing was found, and something should be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub withheld: bool,
    /// git: attestations of the host for the locked commit, each a Sigstore bundle as sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundles: Vec<String>,
    /// git: the raw tag object, base64, if the reference is an annotated tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// git: the raw commit object, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When the registry says the version was published. Unsigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
}

impl Documents {
    /// Whether there is anything in it that could prove something.
    pub fn is_empty(&self) -> bool {
        self.signatures.is_empty()
            && self.attestations.is_none()
            && self.bundles.is_empty()
            && self.tag.is_none()
            && self.commit.is_none()
    }

    /// These documents, completed from earlier ones about the same bytes: what they lack and the earlier had, they get, so that a
    /// registry which stops handing out evidence erases none. What they do have stands.
    #[must_use]
    pub fn completed_from(self, earlier: &Self) -> Self {
        let list = |new: Vec<String>, earlier: &[String]| if new.is_empty() { earlier.to_vec() } else { new };
        let attestations = self.attestations.or_else(|| earlier.attestations.clone());
        Self {
            offered: self.offered || earlier.offered,
            signatures: if self.signatures.is_empty() { earlier.signatures.clone() } else { self.signatures },
            keys: merged_keys(&earlier.keys, &self.keys),
            withheld: self.withheld && attestations.is_none(),
            attestations,
            bundles: list(self.bundles, &earlier.bundles),
            tag: self.tag.or_else(|| earlier.tag.clone()),
            commit: self.commit.or_else(|| earlier.commit.clone()),
            published: self.published.or(earlier.published),
        }
    }
}

/// Most keys kept with a package's evidence.
const MAX_KEYS: usize = 64;

/// Keys that the kept signatures may need; of two with the same id the newer word counts.
fn merged_keys(earlier: &[RegistryKey], new: &[RegistryKey]) -> Vec<RegistryKey> {
    let replaced = |key: &&RegistryKey| !new.iter().any(|known| known.keyid == key.keyid);
    new.iter().chain(earlier.iter().filter(replaced)).take(MAX_KEYS).cloned().collect()
}

fn is_false(value: &bool) -> bool {
    !value
}
