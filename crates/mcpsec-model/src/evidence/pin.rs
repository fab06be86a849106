//! What the lock remembers of evidence: which kind, by whom, how well witnessed. A pin is what later evidence is held to.
use std::fmt;

use smol_str::{SmolStr, format_smolstr};

use super::{EvidenceKind, LogEvidence, Proof, Signer};
use crate::text::Untrusted;

/// What is pinned about who vouches for a package.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Pinned {
    /// Nobody looked, or nobody could: policy `off`, offline, a bundled package.
    #[default]
    NotLooked,
    /// The registry hands out no evidence at all.
    Stripped,
    /// The registry hands out evidence and has none for this package.
    Nothing,
    /// Who vouches for it; sorted, never empty.
    By(Vec<Pin>),
}

impl Pinned {
    /// The pins; empty unless there are some.
    pub fn pins(&self) -> &[Pin] {
        match self {
            Self::By(pins) => pins,
            Self::NotLooked | Self::Stripped | Self::Nothing => &[],
        }
    }

    /// Sorted pins, or [`Pinned::Nothing`].
    pub fn by(pins: impl IntoIterator<Item = Pin>) -> Self {
        let mut pins: Vec<Pin> = pins.into_iter().collect();
        pins.sort();
        pins.dedup();
        if pins.is_empty() { Self::Nothing } else { Self::By(pins) }
    }

    /// The pins that are about this file.
    pub fn about<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a Pin> {
        self.pins().iter().filter(move |pin| pin.is_about(file))
    }

    /// The strongest kind of evidence: a word for summaries.
    pub fn state(&self) -> EvidenceState {
        match self {
            Self::NotLooked => EvidenceState::NotLooked,
            Self::Stripped => EvidenceState::Stripped,
            Self::Nothing => EvidenceState::Nothing,
            Self::By(pins) => {
                let has = |wanted: &[EvidenceKind]| pins.iter().any(|pin| wanted.contains(&pin.kind));
                let by_identity =
                    |pin: &Pin| pin.kind == EvidenceKind::Publish && !matches!(pin.signer, SignerPin::Key { .. });
                if has(&[EvidenceKind::Provenance, EvidenceKind::Release]) || pins.iter().any(by_identity) {
                    EvidenceState::Attested
                } else {
                    EvidenceState::Signed
                }
            }
        }
    }
}

/// How much vouches for a package, in one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EvidenceState {
    /// A workload or person is known to have built or published it.
    Attested,
    /// A registry key, or a git key, signed it.
    Signed,
    /// The registry hands out evidence and has none for it.
    Nothing,
    /// The registry hands out no evidence at all.
    Stripped,
    /// Nobody looked.
    NotLooked,
}

impl EvidenceState {
    /// Every state, best first.
    pub const ALL: [Self; 5] = [Self::Attested, Self::Signed, Self::Nothing, Self::Stripped, Self::NotLooked];

    /// `attested`, `signed`, `none`, `stripped`, `not looked at`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::Signed => "signed",
            Self::Nothing => "none",
            Self::Stripped => "stripped",
            Self::NotLooked => "not looked at",
        }
    }
}

impl fmt::Display for EvidenceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One piece of evidence as the lock remembers it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pin {
    /// What was signed.
    pub kind: EvidenceKind,
    /// By whom.
    pub signer: SignerPin,
    /// How the time of signing is known.
    pub log: Option<LogEvidence>,
    /// The commit it was built from, where the certificate says so. Told, not compared: every version has another one.
    pub commit: Option<SmolStr>,
    /// The files it is about, sorted; empty when it is about all of the package's.
    pub files: Vec<SmolStr>,
}

/// Who signed, without what changes from version to version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SignerPin {
    /// A public key.
    Key {
        /// What the key is called.
        id: SmolStr,
        /// Its fingerprint, where nobody but the presenting party vouched for the key. A key that is built in is known by its id.
        fingerprint: Option<SmolStr>,
    },
    /// A workflow of a repository.
    Workload {
        /// OIDC issuer.
        issuer: SmolStr,
        /// The repository that was built.
        repository: SmolStr,
        /// The workflow that signed, without its ref.
        workflow: SmolStr,
        /// Which refs: `refs/tags/*` for any tag, else one exact ref.
        reference: Option<SmolStr>,
    },
    /// Anybody else with a certificate.
    Subject {
        /// OIDC issuer.
        issuer: SmolStr,
        /// The certificate's subject alternative name.
        subject: SmolStr,
    },
}

impl Pin {
    pub(super) fn of(proof: &Proof) -> Self {
        let commit = proof.signer().identity().and_then(|identity| identity.commit.as_deref()).map(SmolStr::new);
        Self { kind: proof.kind(), signer: SignerPin::of(proof.signer()), log: proof.log(), commit, files: Vec::new() }
    }

    /// Whether it is about this file.
    pub fn is_about(&self, file: &str) -> bool {
        self.files.is_empty() || self.files.iter().any(|own| own == file)
    }

    /// Whether a proof is as good as what is pinned: same kind and signer, and a witness that is not weaker.
    ///
    /// # Errors
    /// What is worse, as a fragment: `it is signed by …, locked is …`.
    pub fn admits(&self, proof: &Proof) -> Result<(), String> {
        if self.kind != proof.kind() {
            return Err(format!("it is a {}, locked is a {}", proof.kind(), self.kind));
        }
        if !self.signer.admits(proof.signer()) {
            return Err(format!("it is signed by {}, locked is {}", proof.signer(), self.signer));
        }
        match (self.log, proof.log()) {
            (Some(locked), Some(now)) if now > locked => {
                Err(format!("its time is known by a {now} only, locked is a {locked}"))
            }
            (Some(locked), None) => Err(format!("nothing witnesses its time, locked is a {locked}")),
            _ => Ok(()),
        }
    }
}

/// The refs that a signature of this ref stands for: a release is expected from another tag, not from another branch.
fn pattern_of(reference: &str) -> SmolStr {
    if reference.starts_with("refs/tags/") { "refs/tags/*".into() } else { reference.into() }
}

impl SignerPin {
    /// What is pinned of a signer.
    pub fn of(signer: &Signer) -> Self {
        match signer {
            Signer::Key { id, fingerprint, vouched, .. } => {
                Self::Key { id: id.clone(), fingerprint: (!vouched).then(|| fingerprint.clone()) }
            }
            Signer::Identity(identity) => match (&identity.repository, &identity.workflow) {
                (Some(repository), Some(workflow)) => Self::Workload {
                    issuer: identity.issuer.as_str().into(),
                    repository: repository.as_str().into(),
                    workflow: workflow.as_str().into(),
                    reference: identity.reference.as_deref().map(pattern_of),
                },
                _ => {
                    Self::Subject { issuer: identity.issuer.as_str().into(), subject: identity.subject.as_str().into() }
                }
            },
        }
    }

    /// Whether this signer is the one that is pinned.
    pub fn admits(&self, signer: &Signer) -> bool {
        match (self, signer) {
            (Self::Key { id, fingerprint: Some(pinned) }, Signer::Key { id: other, fingerprint, .. }) => {
                id == other && pinned == fingerprint
            }
            // Pinned by its id alone: only somebody else's word says which key that is.
            (Self::Key { id, fingerprint: None }, Signer::Key { id: other, vouched, .. }) => id == other && *vouched,
            (Self::Key { .. }, Signer::Identity(_)) => false,
            (_, Signer::Identity(_)) => *self == Self::of(signer),
            (_, Signer::Key { .. }) => false,
        }
    }

    /// What differs between two pinned signers, in the order in which it matters: `repository`, `workflow`, `issuer`, `ref`, `key`.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        match (self, other) {
            (a, b) if a == b => None,
            (Self::Workload { repository, .. }, Self::Workload { repository: other, .. }) if repository != other => {
                Some("repository")
            }
            (Self::Workload { workflow, .. }, Self::Workload { workflow: other, .. }) if workflow != other => {
                Some("workflow")
            }
            (Self::Workload { issuer, .. }, Self::Workload { issuer: other, .. }) if issuer != other => Some("issuer"),
            (Self::Workload { .. }, Self::Workload { .. }) => Some("ref"),
            (Self::Key { .. }, Self::Key { .. }) => Some("key"),
            _ => Some("signer"),
        }
    }
}

impl fmt::Display for SignerPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| Untrusted::new(text).excerpt(200);
        match self {
            Self::Key { id, .. } => write!(f, "key {}", shown(id)),
            Self::Workload { repository, workflow, reference, .. } => {
                let short = workflow
                    .strip_prefix(repository.as_str())
                    .map_or(workflow.as_str(), |rest| rest.trim_start_matches('/'));
                let reference =
                    reference.as_deref().map(|reference| format_smolstr!("@{}", shown(reference))).unwrap_or_default();
                write!(f, "{} {}{reference}", shown(repository), shown(short))
            }
            Self::Subject { issuer, subject } => write!(f, "{} ({})", shown(subject), shown(issuer)),
        }
    }
}
