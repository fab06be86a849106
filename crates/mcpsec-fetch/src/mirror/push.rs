//! Sending: a lock of one server, the files that the registry lacks, and what proves where they came from.
//!
//! Everything may be sent twice: the registry knows locks and files by their digests. Long files go in parts, so that an interrupted push
//! goes on where it stopped.
use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use bytes::Bytes;
use http::Method;
use mcpsec_model::{
    artifact::CheckedArtifact,
    digest::Digest,
    evidence::Documents,
    package::{Artifact, PackageId},
    team::Status,
    text::Untrusted,
    url::SafeUrl,
};
use serde::Deserialize;

use super::{MirrorError, TeamMirror, ask::Question, encoded};
use crate::progress::{Event, Progress};

/// Bytes of each part but the last.
pub const PART: u64 = 8 << 20;

/// What the registry said to a lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// How the server stands.
    pub status: Status,
    /// Digests of files that it lacks. Its words: send only what the lock names.
    pub missing: BTreeSet<Digest>,
    /// Files whose evidence it lacks, each as `<purl> <file>`.
    pub evidence: BTreeSet<String>,
}

impl Accepted {
    /// Whether it asks for the evidence of a file.
    pub fn wants_evidence(&self, package: &PackageId, file: &str) -> bool {
        self.evidence.contains(&format!("{} {file}", package.purl()))
    }
}

/// What came of sending a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Bytes that went over the wire.
    pub bytes: u64,
    /// Bytes that an earlier push had sent already.
    pub resumed: u64,
}

impl TeamMirror {
    /// Sends the text of a lock of one server. With a reason it is a request, which needs no approval yet.
    ///
    /// # Errors
    /// [`MirrorError::Refused`]: 401 and 403 for the token or for a server that nobody approved, 422 for a lock that it does not take.
    pub async fn put_lock(&self, text: &str, request: Option<&str>) -> Result<Accepted, MirrorError> {
        #[derive(Deserialize)]
        struct Wire {
            lock: Digest,
            status: Status,
            missing: Vec<Digest>,
            evidence: Vec<String>,
        }
        let digest = Digest::sha256_of(text.as_bytes());
        let query = request.map(|reason| format!("?request=1&reason={}", encoded(reason))).unwrap_or_default();
        let url = self.registry.below(&format!("api/v1/locks/{digest}{query}"));
        let question =
            Question::with(Method::PUT, &url, "application/toml; charset=utf-8", Bytes::from(text.to_owned()));
        let body = self.ask(question).await?.accepted(&url)?;
        let wire: Wire = read(&url, &body)?;
        if wire.lock != digest {
            return Err(MirrorError::Answer { url, reason: format!("it is about {} and not {digest}", wire.lock) });
        }
        Ok(Accepted {
            status: wire.status,
            missing: wire.missing.into_iter().collect(),
            evidence: wire.evidence.into_iter().collect(),
        })
    }

    /// Whether the registry knows a lock already.
    ///
    /// # Errors
    /// [`MirrorError`]: nobody answered, or access was refused.
    pub async fn has_lock(&self, text: &str) -> Result<bool, MirrorError> {
        let url = self.registry.below(&format!("api/v1/locks/{}", Digest::sha256_of(text.as_bytes())));
        // The longest lock, should it come back.
        let limit = mcpsec_model::lock::MAX_BYTES;
        let answer = self.ask(Question { limit, ..Question::of(Method::GET, &url) }).await?;
        if answer.is_absent() {
            return Ok(false);
        }
        answer.accepted(&url).map(|_| true)
    }

    /// Sends a file of the store, whose bytes were just found to be right. The registry hashes what arrives.
    ///
    /// # Errors
    /// [`MirrorError`].
    pub async fn put_artifact(
        &self,
        artifact: &CheckedArtifact,
        digest: &Digest,
        progress: &dyn Progress,
    ) -> Result<Sent, MirrorError> {
        let url = self.artifact(digest);
        let size = artifact.size();
        let sent = if size <= PART {
            let body = part(artifact.path(), 0, size).await?;
            self.put_bytes(&url, body, progress).await?;
            Sent { bytes: size, resumed: 0 }
        } else {
            self.put_parts(&url, artifact, progress).await?
        };
        progress.event(Event::FileDone { file: &Untrusted::new(artifact.file()).excerpt(160) });
        Ok(sent)
    }

    async fn put_parts(
        &self,
        url: &SafeUrl,
        artifact: &CheckedArtifact,
        progress: &dyn Progress,
    ) -> Result<Sent, MirrorError> {
        let size = artifact.size();
        let count = size.div_ceil(PART);
        let mut there = self.parts(url, count).await?;
        let (mut bytes, mut resumed) = (0, 0);
        loop {
            for index in 0..count {
                let length = PART.min(size - index * PART);
                if there.contains(&index) {
                    resumed += length;
                    continue;
                }
                let body = part(artifact.path(), index * PART, length).await?;
                self.put_bytes(&below(url, &format!("parts/{index}")), body, progress).await?;
                bytes += length;
            }
            let joined = below(url, &format!("parts?count={count}"));
            let answer = self.ask(Question::with(Method::POST, &joined, "application/json", Bytes::new())).await?;
            match answer.accepted(&joined) {
                Ok(_) => return Ok(Sent { bytes, resumed }),
                // What an earlier push left there is not what it should be, or was swept meanwhile: once, all of it anew.
                Err(MirrorError::Refused { status: 404 | 409 | 422, .. }) if !there.is_empty() => {
                    there.clear();
                    resumed = 0;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The parts that an earlier push left; those beyond the file are not ours.
    async fn parts(&self, url: &SafeUrl, count: u64) -> Result<BTreeSet<u64>, MirrorError> {
        #[derive(Deserialize)]
        struct Wire {
            parts: Vec<u64>,
        }
        let url = below(url, "parts");
        let answer = self.ask(Question::of(Method::GET, &url)).await?;
        if answer.is_absent() {
            return Ok(BTreeSet::new());
        }
        let wire: Wire = read(&url, &answer.accepted(&url)?)?;
        Ok(wire.parts.into_iter().filter(|index| *index < count).collect())
    }

    async fn put_bytes(&self, url: &SafeUrl, body: Bytes, progress: &dyn Progress) -> Result<(), MirrorError> {
        let length = i64::try_from(body.len()).unwrap_or(i64::MAX);
        self.ask(Question::with(Method::PUT, url, "application/octet-stream", body)).await?.accepted(url)?;
        progress.event(Event::BytesReceived(length));
        Ok(())
    }

    /// Sends what proves where a file came from.
    ///
    /// # Errors
    /// [`MirrorError`].
    pub async fn put_evidence(
        &self,
        package: &PackageId,
        artifact: &Artifact,
        documents: &Documents,
    ) -> Result<(), MirrorError> {
        let Some(digest) = artifact.digests.strongest() else { return Ok(()) };
        let url = self.evidence_url(&digest, package, &artifact.file);
        let json = serde_json::to_vec(documents)
            .map_err(|error| MirrorError::Answer { url: url.clone(), reason: error.to_string() })?;
        self.ask(Question::with(Method::PUT, &url, "application/json", json)).await?.accepted(&url)?;
        Ok(())
    }
}

fn below(url: &SafeUrl, path: &str) -> SafeUrl {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut below = url.without_secrets();
    let joined = format!("{}/{path}", below.path());
    below.set_path(&joined);
    below.set_query(query);
    below.into()
}

fn read<'de, T: Deserialize<'de>>(url: &SafeUrl, body: &'de [u8]) -> Result<T, MirrorError> {
    serde_json::from_slice(body).map_err(|error| MirrorError::Answer {
        url: url.clone(),
        reason: Untrusted::new(error.to_string()).excerpt(160),
    })
}

/// Bytes of a file, on a thread where waiting for a disk hinders nobody.
async fn part(path: &Path, from: u64, length: u64) -> Result<Bytes, MirrorError> {
    let file = path.to_path_buf();
    let read = move || {
        let mut source = File::open(&file)?;
        source.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        source.take(length).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let fail = |reason: String| MirrorError::File { file: path.display().to_string(), reason };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(bytes)) if bytes.len() as u64 == length => Ok(bytes.into()),
        Ok(Ok(_)) => Err(fail("it became shorter".to_owned())),
        Ok(Err(error)) => Err(fail(error.to_string())),
        Err(error) => Err(fail(error.to_string())),
    }
}
