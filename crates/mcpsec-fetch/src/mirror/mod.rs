//! The team's mirror: artifacts and evidence by their digests, for the day the upstream fails; and the way by which both get there.
//!
//! Reading: [`TeamMirror::instead_of`] makes a [`Download`] of the one that failed, so that a file from the mirror is held to the same
//! digests by the same code; [`TeamMirror::evidence`] brings documents that nobody has verified yet. Writing ([`push`]): a lock of one
//! server first, then what the server says it lacks. The token goes to the registry's own origin and nowhere else: the API is asked
//! without following redirects, and downloads drop it when they leave.
mod ask;
mod error;
pub mod push;

use http::Method;
use mcpsec_model::{
    digest::{Digest, Digests},
    evidence::Documents,
    package::{Artifact, Package, PackageId},
    team::TeamUrl,
    text::Untrusted,
    url::SafeUrl,
};

use self::ask::Question;
use crate::{
    download::Download,
    http::{Credentials, HttpError, Network},
};

pub use error::MirrorError;

/// The longest evidence of one file; as much as the store keeps.
const MAX_EVIDENCE: usize = 16 << 20;

/// A team registry, asked for bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TeamMirror {
    network: Network,
    registry: TeamUrl,
    token: Option<Credentials>,
}

impl TeamMirror {
    /// The mirror of this registry. `token` is for it alone; without one only what everybody may read can be had.
    pub fn new(network: Network, registry: TeamUrl, token: Option<Credentials>) -> Self {
        Self { network, registry, token }
    }

    /// Whose mirror it is.
    pub fn registry(&self) -> &TeamUrl {
        &self.registry
    }

    /// Whether a token is sent.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A locked file from the mirror. `None` for one without a digest, by which alone the mirror knows files.
    pub fn download(&self, package: &PackageId, artifact: &Artifact) -> Option<Download> {
        let digest = artifact.digests.strongest()?;
        Some(Download {
            package: package.clone(),
            kind: artifact.kind,
            file: artifact.file.to_string(),
            url: self.artifact(&digest),
            credentials: self.token.clone(),
            expected: artifact.digests,
            sha1: None,
            size: artifact.size,
        })
    }

    /// The same file as another download, from the mirror. `None` when no strong digest of it is known.
    pub fn instead_of(&self, other: &Download) -> Option<Download> {
        let digest = other.expected.strongest()?;
        let mut download = other.clone();
        download.url = self.artifact(&digest);
        download.credentials = self.token.clone();
        Some(download)
    }

    /// The documents that the mirror has about a file; `None` when it has none. Nothing in them is verified.
    ///
    /// # Errors
    /// [`MirrorError`]: nobody answered, or not with documents.
    pub async fn evidence(
        &self,
        package: &PackageId,
        file: &str,
        digests: &Digests,
    ) -> Result<Option<Documents>, MirrorError> {
        let Some(digest) = digests.strongest() else { return Ok(None) };
        let url = self.evidence_url(&digest, package, file);
        let answer = self.ask(Question { limit: MAX_EVIDENCE, ..Question::of(Method::GET, &url) }).await?;
        if answer.is_absent() {
            return Ok(None);
        }
        let body = answer.accepted(&url)?;
        let documents = serde_json::from_slice(&body).map_err(|error| MirrorError::Answer {
            url,
            reason: format!("it is not evidence: {}", Untrusted::new(error.to_string()).excerpt(160)),
        })?;
        Ok(Some(documents))
    }

    /// Whether the mirror hands out this file to us.
    ///
    /// # Errors
    /// [`MirrorError`]: nobody answered, or access was refused.
    pub async fn has(&self, digest: &Digest) -> Result<bool, MirrorError> {
        let url = self.artifact(digest);
        let answer = self.ask(Question::of(Method::HEAD, &url)).await?;
        if answer.is_absent() {
            return Ok(false);
        }
        answer.accepted(&url).map(|_| true)
    }

    /// Whether it has a package's files. A closure is handed out whole or not at all, so one file tells of all.
    ///
    /// # Errors
    /// [`MirrorError`]: nobody answered, or access was refused.
    pub async fn has_package(&self, package: &Package) -> Result<bool, MirrorError> {
        match package.artifacts.first().and_then(|artifact| artifact.digests.strongest()) {
            Some(digest) => self.has(&digest).await,
            None => Ok(false),
        }
    }

    fn artifact(&self, digest: &Digest) -> SafeUrl {
        self.registry.below(&format!("api/v1/artifacts/{digest}"))
    }

    fn evidence_url(&self, digest: &Digest, package: &PackageId, file: &str) -> SafeUrl {
        let (package, file) = (encoded(&package.purl()), encoded(file));
        self.registry.below(&format!("api/v1/evidence/{digest}?package={package}&file={file}"))
    }

    async fn ask(&self, question: Question<'_>) -> Result<ask::Answer, HttpError> {
        ask::ask(&self.network, self.token.as_ref(), question).await
    }
}

/// A value of a query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
