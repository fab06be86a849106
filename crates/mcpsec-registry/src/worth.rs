//! Which of two pushed pieces of evidence about one file is kept: never the worse one, whoever sent it, and in whatever order.
//!
//! ```text
//! what is held ─┐
//!               ├─▶ part by part (signatures, attestations, releases, tag, commit): the one that proves more ─▶ what is held now
//! what arrives ─┘
//! ```
//! The server believes none of it and shows none of it as verified; it looks only so that a token to push cannot make colleagues lose
//! what proves something. A part that nobody here can judge (keys of a private registry, tags) is kept by whoever sent it first.
use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    digest::Digest,
    evidence::{Documents, RegistryKey},
    name::Ecosystem,
    package::PackageId,
};
use mcpsec_verify::{
    git::{self, ObjectKind, ReleaseError},
    npm::{self, AttestationError, KeySet, SignatureError},
    pypi::{self, ProvenanceError, PublisherError},
    sigstore::{BundleError, TrustRoot},
};

/// The most keys that are kept about one file; clients take no more.
const MAX_KEYS: usize = 64;

/// Which file evidence is about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) package: PackageId,
    pub(crate) file: String,
    /// The strongest digest that locks pin.
    pub(crate) digest: Digest,
}

/// What a part of evidence proves; more is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Worth {
    Absent,
    /// It is not over these bytes, or nothing that anybody could read.
    Refuted,
    /// Made with keys that are not built in.
    Untold,
    /// This many statements hold.
    Holds(usize),
}

/// A part that is judged, and kept, by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Signatures,
    Attestations,
    Releases,
    Tag,
    Commit,
}

const PARTS: [Part; 5] = [Part::Signatures, Part::Attestations, Part::Releases, Part::Tag, Part::Commit];

/// What is kept of both: each part as it was held, unless the new one proves more. Verifies signatures: not for a thread that answers
/// requests.
pub(crate) fn completed(held: &Documents, new: &Documents, subject: &Subject) -> Documents {
    let mut kept = held.clone();
    kept.offered |= new.offered;
    for part in PARTS {
        let candidate = part.taken(&kept, new);
        let other = PARTS.into_iter().filter(|other| *other != part);
        let spoils = |other: Part| other.worth(&candidate, subject) < other.worth(&kept, subject);
        if part.worth(&candidate, subject) > part.worth(&kept, subject) && !other.into_iter().any(spoils) {
            kept = candidate;
        }
    }
    if kept.published.is_none() {
        let dated = Documents { published: new.published, ..kept.clone() };
        if PARTS.into_iter().all(|part| part.worth(&dated, subject) >= part.worth(&kept, subject)) {
            kept = dated;
        }
    }
    // Said only where there is nothing: a registry that withheld them once may have handed them to somebody else.
    kept.withheld = (kept.withheld || new.withheld) && kept.attestations.is_none();
    kept
}

impl Part {
    /// What is kept, with this part of what is new and the keys that it may need.
    fn taken(self, kept: &Documents, new: &Documents) -> Documents {
        let mut taken = kept.clone();
        match self {
            Self::Signatures => {
                taken.signatures.clone_from(&new.signatures);
                // The time decides whether a key was good then: it belongs to the signatures.
                taken.published = new.published.or(kept.published);
                taken.keys = keys(&kept.keys, &new.keys);
            }
            Self::Attestations => {
                taken.attestations.clone_from(&new.attestations);
                taken.keys = keys(&kept.keys, &new.keys);
            }
            Self::Releases => taken.bundles.clone_from(&new.bundles),
            Self::Tag => taken.tag.clone_from(&new.tag),
            Self::Commit => taken.commit.clone_from(&new.commit),
        }
        taken
    }

    fn worth(self, documents: &Documents, subject: &Subject) -> Worth {
        match self {
            Self::Signatures if documents.signatures.is_empty() => Worth::Absent,
            Self::Signatures => signatures(documents, subject),
            Self::Attestations => match &documents.attestations {
                None => Worth::Absent,
                Some(text) => attestations(documents, text, subject),
            },
            Self::Releases if documents.bundles.is_empty() => Worth::Absent,
            Self::Releases => releases(&documents.bundles, subject),
            Self::Tag => documents.tag.as_ref().map_or(Worth::Absent, |tag| tag_of(tag, subject)),
            Self::Commit => documents.commit.as_ref().map_or(Worth::Absent, |commit| commit_of(commit, subject)),
        }
    }
}

/// Those that are held, then new ones with other ids: nobody puts a key in the place of another.
fn keys(held: &[RegistryKey], new: &[RegistryKey]) -> Vec<RegistryKey> {
    let other = |key: &&RegistryKey| held.iter().all(|known| known.keyid != key.keyid);
    held.iter().chain(new.iter().filter(other)).take(MAX_KEYS).cloned().collect()
}

/// Keys with those of a registry's own; `None`: they cannot be used, and clients refuse all that comes with them.
fn key_set(documents: &Documents) -> Option<KeySet> {
    KeySet::built_in().with_registry(&documents.keys).ok()
}

fn signatures(documents: &Documents, subject: &Subject) -> Worth {
    let Some(keys) = key_set(documents) else { return Worth::Refuted };
    let held = npm::signatures(&subject.package, &subject.digest, documents.published, &documents.signatures, &keys);
    match held {
        // Everybody can make keys of their own and sign.
        Ok(_) if !documents.signatures.iter().all(|one| is_built_in(&one.keyid)) => Worth::Untold,
        Ok(proofs) => Worth::Holds(proofs.len()),
        Err(SignatureError::UnknownKey { .. }) => Worth::Untold,
        Err(_) => Worth::Refuted,
    }
}

fn is_built_in(id: &str) -> bool {
    KeySet::built_in().knows(id)
}

static PUBLIC_GOOD: LazyLock<Option<TrustRoot>> = LazyLock::new(|| TrustRoot::public_good().ok());
static GIT_HOST: LazyLock<Option<TrustRoot>> = LazyLock::new(|| TrustRoot::git_host().ok());

fn attestations(documents: &Documents, text: &str, subject: &Subject) -> Worth {
    let Some(root) = &*PUBLIC_GOOD else { return Worth::Untold };
    let Subject { package, file, digest } = subject;
    if package.ecosystem() == Ecosystem::Pypi {
        return match pypi::provenance(package, file, digest, text, root) {
            Ok(proofs) => Worth::Holds(proofs.len()),
            Err(
                ProvenanceError::Unsupported { .. }
                | ProvenanceError::Publisher(PublisherError::Unsupported(_))
                | ProvenanceError::Bundle(BundleError::Unsupported(_)),
            ) => Worth::Untold,
            Err(_) => Worth::Refuted,
        };
    }
    let Some(keys) = key_set(documents) else { return Worth::Refuted };
    let by_built_in = npm::attestations(package, digest, text, &KeySet::built_in(), root);
    match by_built_in {
        Ok(proofs) => Worth::Holds(proofs.len()),
        Err(AttestationError::UnknownKey { .. }) => match npm::attestations(package, digest, text, &keys, root) {
            Ok(_) | Err(AttestationError::UnknownKey { .. }) => Worth::Untold,
            Err(error) => untold(&error),
        },
        Err(error) => untold(&error),
    }
}

/// What a later version of this server may be able to read is not refuted.
fn untold(error: &AttestationError) -> Worth {
    match error {
        AttestationError::Unsupported { .. } | AttestationError::Bundle { error: BundleError::Unsupported(_), .. } => {
            Worth::Untold
        }
        _ => Worth::Refuted,
    }
}

/// One that does not hold makes clients refuse all.
fn releases(bundles: &[String], subject: &Subject) -> Worth {
    let roots: Vec<&TrustRoot> = [&*GIT_HOST, &*PUBLIC_GOOD].into_iter().flatten().collect();
    let one = |bundle: &String| match git::release(bundle, subject.package.version(), &roots) {
        Ok(_) => Worth::Holds(bundles.len()),
        Err(
            ReleaseError::Unsupported(_) | ReleaseError::NoRoot | ReleaseError::Bundle(BundleError::Unsupported(_)),
        ) => Worth::Untold,
        Err(_) => Worth::Refuted,
    };
    bundles.iter().map(one).min().unwrap_or(Worth::Absent)
}

/// Which tag is meant is not told here; that it is about this commit is in it.
fn tag_of(base64: &str, subject: &Subject) -> Worth {
    let target = STANDARD.decode(base64).ok().and_then(|raw| git::target(&raw));
    if target.as_deref() == Some(subject.package.version()) { Worth::Untold } else { Worth::Refuted }
}

/// A commit is called by its hash: there is one text for each.
fn commit_of(base64: &str, subject: &Subject) -> Worth {
    let commit = subject.package.version();
    let id = STANDARD.decode(base64).ok().and_then(|raw| git::object_id(ObjectKind::Commit, &raw, commit).ok());
    if id.as_deref() == Some(commit) { Worth::Holds(1) } else { Worth::Refuted }
}

#[cfg(test)]
mod tests;
