//! Trust roots: whose certificates, logs and clocks are believed, and which evidence each instance owes.
use std::{collections::BTreeSet, fmt, sync::Arc};

use sigstore_trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT, TrustedRoot,
};
use sigstore_verify::{VerificationPolicy, Verifier};

use super::{
    authority::Authorities,
    error::{TrustRootError, shown},
};

/// Longest trust root that is read; the embedded ones have some 10 to 40 kB.
const LIMIT: usize = 4 << 20;

/// What an instance of Sigstore puts into its bundles, and therefore owes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// The public-good instance and those like it: certificates are logged (SCT), signatures are logged (Rekor).
    Logged,
    /// The git host's own instance for private repositories: neither log exists, a trusted timestamp is owed instead. Use it
    /// with that host's root only; with any other it would forgive missing evidence.
    Timestamped,
}

/// A prepared trust root. Building one parses keys and certificates; cloning is cheap.
#[derive(Clone)]
pub struct TrustRoot {
    verifier: Arc<Verifier>,
    logs: Arc<BTreeSet<Vec<u8>>>,
    authorities: Arc<Authorities>,
    rules: Rules,
}

impl TrustRoot {
    /// The public-good instance, as embedded in this binary.
    ///
    /// # Errors
    /// The embedded root cannot be used (tests exclude it).
    pub fn public_good() -> Result<Self, TrustRootError> {
        Self::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT, Rules::Logged)
    }

    /// The public staging instance, for tests of publishers. It must never vouch for anything real.
    ///
    /// # Errors
    /// As [`TrustRoot::public_good`].
    pub fn staging() -> Result<Self, TrustRootError> {
        Self::from_json(SIGSTORE_STAGING_TRUSTED_ROOT, Rules::Logged)
    }

    /// The git host's own instance, as embedded in this binary.
    ///
    /// # Errors
    /// As [`TrustRoot::public_good`].
    pub fn git_host() -> Result<Self, TrustRootError> {
        Self::from_json(SIGSTORE_GITHUB_TRUSTED_ROOT, Rules::Timestamped)
    }

    /// A trusted root document (`application/vnd.dev.sigstore.trustedroot+json`) that the caller vouches for.
    ///
    /// # Errors
    /// Too long, not such a document, or with a key, certificate or window that cannot be used.
    pub fn from_json(json: &str, rules: Rules) -> Result<Self, TrustRootError> {
        if json.len() > LIMIT {
            return Err(TrustRootError::TooLong { limit: LIMIT, actual: json.len() });
        }
        let root = TrustedRoot::from_json(json).map_err(|error| TrustRootError::Malformed(shown(error)))?;
        let verifier = Verifier::new(&root).map_err(|error| TrustRootError::Unusable(shown(error)))?;
        let logs = root.tlogs.iter().map(|log| log.log_id.key_id.as_bytes().to_vec()).collect();
        let authorities = Authorities::of(&root).map_err(TrustRootError::Unusable)?;
        Ok(Self { verifier: Arc::new(verifier), logs: Arc::new(logs), authorities: Arc::new(authorities), rules })
    }

    /// Which evidence its bundles owe.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Whether it names a transparency log of this id.
    pub(super) fn knows_log(&self, id: &[u8]) -> bool {
        self.logs.contains(id)
    }

    /// Its certificate authorities, for certificates that come without a bundle.
    pub(crate) fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// The cryptographic half of the judgement; who may have signed is judged afterwards, on what the certificate says.
    pub(super) fn policy(&self) -> VerificationPolicy {
        match self.rules {
            Rules::Logged => VerificationPolicy::any_identity(),
            Rules::Timestamped => VerificationPolicy::any_identity().skip_sct().skip_tlog_unsafe(),
        }
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustRoot").field("rules", &self.rules).finish_non_exhaustive()
    }
}
