//! Why a trust root was not renewed, or a kept one not used; and what people are told about it.
use mcpsec_model::{text::Untrusted, time::Timestamp};

use crate::http::{HttpError, chain};

/// Why TUF metadata is not believed or could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The repository could not be asked, or sent more than allowed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The refresh as a whole took too long (slow retrieval, TUF specification §1.5).
    #[error("the trust repository did not answer completely within {seconds} seconds")]
    Slow {
        /// How long it was given.
        seconds: u64,
    },
    /// A file that the metadata asks for is not there.
    #[error("the trust repository has no {name}")]
    Missing {
        /// Its name, escaped.
        name: String,
    },
    /// Fewer good signatures than the role needs.
    #[error("{role} metadata has {found} good signatures and needs {threshold}")]
    Signature {
        /// The role.
        role: String,
        /// Distinct keys of the role that signed it well.
        found: usize,
        /// How many are needed.
        threshold: usize,
    },
    /// A version is lower than one that was seen before.
    #[error("{role} metadata went back from version {trusted} to {offered}")]
    Rollback {
        /// The role.
        role: String,
        /// The version seen before.
        trusted: u64,
        /// The version offered.
        offered: u64,
    },
    /// A root is not the direct successor of the one before.
    #[error("root metadata of version {offered} follows version {trusted}")]
    RootVersion {
        /// The version before.
        trusted: u64,
        /// The version offered.
        offered: u64,
    },
    /// More new roots than are followed in one refresh.
    #[error("there are more than {limit} newer versions of the root metadata")]
    TooManyRoots {
        /// How many are followed.
        limit: u32,
    },
    /// Metadata is too old to be believed.
    #[error("{role} metadata expired at {expires}")]
    Expired {
        /// The role.
        role: String,
        /// When it expired.
        expires: Timestamp,
    },
    /// Length, digest or version differ from what the metadata above it says.
    #[error("a file is not the one that was signed for: {what}")]
    Mismatch {
        /// Which file and what differs, escaped.
        what: String,
    },
    /// Not TUF metadata, or not text.
    #[error("metadata cannot be read: {reason}")]
    Malformed {
        /// What is wrong, escaped.
        reason: String,
    },
    /// The folder that holds the kept metadata cannot be read or written.
    #[error("the kept trust metadata cannot be used: {reason}")]
    Folder {
        /// What the operating system or the format says, escaped.
        reason: String,
    },
}

impl TrustError {
    /// Whether nobody answered, as opposed to an answer that was refused.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Http(error) => error.is_unreachable(),
            Self::Slow { .. } => true,
            _ => false,
        }
    }

    pub(super) fn folder(error: &std::io::Error) -> Self {
        Self::Folder { reason: chain(error) }
    }

    pub(super) fn malformed(reason: &str) -> Self {
        Self::Malformed { reason: shown(reason) }
    }
}

pub(super) fn shown(text: &str) -> String {
    Untrusted::new(text).excerpt(200)
}

/// Our repositories report their own failures as the source of a transport error; there they are found again.
impl From<sigstore_tuf::Error> for TrustError {
    fn from(error: sigstore_tuf::Error) -> Self {
        use sigstore_tuf::Error as Tuf;
        match error {
            Tuf::ThresholdNotMet { role, found, threshold } => Self::Signature { role: shown(&role), found, threshold },
            Tuf::Rollback { role, trusted, new } => Self::Rollback { role: shown(&role), trusted, offered: new },
            Tuf::BadRootVersion { trusted, new } => Self::RootVersion { trusted, offered: new },
            Tuf::Expired { role, expires } => Self::Expired { role: shown(&role), expires },
            Tuf::IntegrityMismatch(what) => Self::Mismatch { what: shown(&what) },
            Tuf::TargetNotFound(name) => Self::Missing { name: shown(&name) },
            Tuf::Transport { source: Some(source), message } => match source.downcast::<Self>() {
                Ok(own) => *own,
                Err(_) => Self::malformed(&message),
            },
            // The only transport error that neither of our repositories made: both always give a source.
            Tuf::Transport { source: None, .. } => Self::TooManyRoots { limit: super::chain::MAX_ROOTS },
            other => Self::Malformed { reason: chain(&other) },
        }
    }
}

impl From<TrustError> for sigstore_tuf::Error {
    fn from(error: TrustError) -> Self {
        Self::transport_with_source("trust repository", error)
    }
}

/// What people should know about a trust root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// It is old: told after 30 days, and offline from the first day on.
    Age {
        /// Whole days since it was last known to be current.
        days: i64,
        /// Whether it is the one that this program was built with.
        built_in: bool,
    },
    /// The kept metadata was not believed, and is not used.
    KeptRefused(TrustError),
    /// The repository answered, and its answer was not believed.
    RefreshRefused(TrustError),
    /// The renewed metadata is used now and could not be kept for the next time.
    NotKept(TrustError),
    /// The npm registry's keys that come with it were not believed; the built-in ones are used.
    KeysRefused(TrustError),
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Age { days, built_in } => {
                let since = if *built_in { "is built in and was current" } else { "was last refreshed" };
                let plural = if *days == 1 { "" } else { "s" };
                write!(f, "trust root {since} {days} day{plural} ago; run online once")
            }
            Self::KeptRefused(error) => write!(f, "the kept trust root is not used: {error}"),
            Self::RefreshRefused(error) => write!(f, "the trust root was not refreshed: {error}"),
            Self::NotKept(error) => write!(f, "the refreshed trust root is not kept: {error}"),
            Self::KeysRefused(error) => write!(f, "refreshed npm registry keys are not used: {error}"),
        }
    }
}
