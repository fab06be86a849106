//! What a packument says about evidence: `dist.signatures` and `dist.attestations` of every version, kept in one small part of
//! the compact text.
//!
//! Signatures are the longest thing that is kept of a version and are looked at for the few versions that end up in a closure,
//! so they stay text until somebody asks for one version's. Which versions are attested is needed as a whole, for the history.
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
};

use deno_semver::Version;
use mcpsec_model::{
    evidence::{RegistrySignature, Release, Trust},
    time::Timestamp,
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeSeed, IgnoredAny},
};
use serde_json::value::RawValue;
use smol_str::SmolStr;

/// Most signatures of one version. npm writes one.
const MAX_SIGNATURES: usize = 16;

/// Longest key id: `SHA256:` and 43 characters in practice.
pub(crate) const MAX_KEYID: usize = 128;

/// Longest signature in base64: 96 characters for P-256, 700 for an RSA key of 4096 bits.
const MAX_SIGNATURE: usize = 1024;

/// Most versions in a history; the oldest are left out.
const MAX_HISTORY: usize = 5_000;

/// What one version's `dist` says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct DistEvidence {
    /// Whether there is a list of signatures with something in it, readable or not.
    pub(crate) signed: bool,
    /// The readable ones, in the order of the record.
    pub(crate) signatures: Vec<RegistrySignature>,
    /// Whether attestations are announced.
    pub(crate) attested: bool,
}

impl DistEvidence {
    /// Reads leniently: an entry that is no signature is as good as absent. `None` when there are more than anybody makes.
    pub(crate) fn read(signatures: Option<&RawValue>, attestations: Option<&RawValue>) -> Option<Self> {
        let list: Vec<&RawValue> = signatures.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        if list.len() > MAX_SIGNATURES {
            return None;
        }
        let readable = list.iter().filter_map(|raw| serde_json::from_str::<WireSignature<'_>>(raw.get()).ok());
        let plain = |text: &str, longest: usize| {
            !text.is_empty() && text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let signatures = readable
            .filter(|wire| plain(&wire.keyid, MAX_KEYID) && plain(&wire.sig, MAX_SIGNATURE))
            .map(|wire| RegistrySignature { keyid: wire.keyid.as_ref().into(), sig: wire.sig.into_owned() })
            .collect();
        let attested = attestations.is_some_and(|raw| raw.get().starts_with('{'));
        Some(Self { signed: !list.is_empty(), signatures, attested })
    }
}

#[derive(Deserialize)]
struct WireSignature<'a> {
    #[serde(borrow)]
    keyid: Cow<'a, str>,
    #[serde(borrow)]
    sig: Cow<'a, str>,
}

/// The evidence part of the compact text. Key ids are written once each.
#[derive(Serialize)]
pub(crate) struct SlimEvidence<'a> {
    keys: Vec<&'a str>,
    /// By version: place of the key id in `keys`, and the signature.
    signed: BTreeMap<&'a str, Vec<(usize, &'a str)>>,
    attested: Vec<&'a str>,
}

impl<'a> SlimEvidence<'a> {
    /// `None` when no version has any evidence: the registry hands out none.
    pub(crate) fn of(versions: impl Iterator<Item = (&'a str, &'a DistEvidence)> + Clone) -> Option<Self> {
        let ids: BTreeSet<&str> =
            versions.clone().flat_map(|(_, own)| own.signatures.iter().map(|one| one.keyid.as_str())).collect();
        let keys: Vec<&str> = ids.into_iter().collect();
        let place = |keyid: &str| keys.binary_search(&keyid).ok();
        let mut signed = BTreeMap::new();
        let mut attested = Vec::new();
        for (version, own) in versions {
            if own.signed {
                let list = own.signatures.iter().filter_map(|one| Some((place(&one.keyid)?, one.sig.as_str())));
                signed.insert(version, list.collect());
            }
            if own.attested {
                attested.push(version);
            }
        }
        (!signed.is_empty() || !attested.is_empty()).then_some(Self { keys, signed, attested })
    }
}

/// Shape of that part when it is read back.
#[derive(Deserialize)]
pub(crate) struct SlimEvidenceIndex<'a> {
    keys: Vec<SmolStr>,
    #[serde(borrow)]
    signed: &'a RawValue,
    attested: BTreeSet<SmolStr>,
}

/// The index of that part.
#[derive(Debug)]
pub(crate) struct Evidence {
    keys: Vec<SmolStr>,
    /// The place of `signed` in the compact text.
    signed: Range<usize>,
    attested: BTreeSet<SmolStr>,
}

impl Evidence {
    /// `place` tells where in the compact text a part of it lies.
    pub(crate) fn new(index: SlimEvidenceIndex<'_>, place: impl Fn(&RawValue) -> Range<usize>) -> Self {
        Self { keys: index.keys, signed: place(index.signed), attested: index.attested }
    }

    /// Whether a version is attested, as the registry says.
    pub(crate) fn is_attested(&self, version: &str) -> bool {
        self.attested.contains(version)
    }

    /// Whether any version is.
    pub(crate) fn has_attested(&self) -> bool {
        !self.attested.is_empty()
    }

    /// Versions with their times (milliseconds since the epoch) in the order in which they were published.
    pub(crate) fn history(&self, mut times: Vec<(i64, &str)>) -> Vec<Release> {
        times.sort_by(|a, b| {
            let parsed = |text: &str| Version::parse_from_npm(text).ok();
            a.0.cmp(&b.0).then_with(|| parsed(a.1).cmp(&parsed(b.1)))
        });
        let newest = times.split_off(times.len().saturating_sub(MAX_HISTORY));
        let releases = newest.into_iter().filter_map(|(millis, version)| {
            let published = Timestamp::from_millisecond(millis).ok()?;
            let trust = if self.is_attested(version) { Trust::Attested } else { Trust::None };
            Some(Release { version: version.into(), published, trust, signer: None })
        });
        releases.collect()
    }

    /// The signatures of a version. `text` is the compact text.
    pub(crate) fn signatures(&self, text: &[u8], version: &str) -> Vec<RegistrySignature> {
        let Some(part) = text.get(self.signed.clone()) else { return Vec::new() };
        let mut reader = serde_json::Deserializer::from_slice(part);
        let found = Signed { version }.deserialize(&mut reader).ok().flatten().unwrap_or_default();
        let named = found.into_iter().filter_map(|(place, sig)| Some((self.keys.get(place)?.clone(), sig)));
        named.map(|(keyid, sig)| RegistrySignature { keyid, sig }).collect()
    }
}

/// Reads one version's entry and skips the others.
struct Signed<'v> {
    version: &'v str,
}

impl<'de> DeserializeSeed<'de> for Signed<'_> {
    type Value = Option<Vec<(usize, String)>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> de::Visitor<'de> for Signed<'_> {
    type Value = Option<Vec<(usize, String)>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signatures by version")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        // Version numbers have no escapes, so they can be compared where they stand.
        while let Some(key) = map.next_key::<&str>()? {
            if key == self.version {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
