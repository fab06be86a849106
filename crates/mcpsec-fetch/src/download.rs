//! Downloads: what is to be fetched, what must come out, and the way from one to the other.
//!
//! A file that the store already has is hashed and done. Everything else streams through the hash into a staged file: a
//! transfer that breaks is resumed where the server allows it, else started over; too many bytes, too few, or the wrong ones
//! are refused and never reach the object folders. Finished files enter the store in batches, since syncing is waiting.
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcpsec_model::{
    artifact::CheckedArtifact,
    digest::Digests,
    package::{Artifact, ArtifactKind, PackageId},
    text::Untrusted,
    url::SafeUrl,
};

use crate::{
    http::{Credentials, HttpError, Network},
    progress::{Event, Progress},
    store::{Entering, Staged, Store, StoreError},
};

/// A file whose length nobody declared may have at most this many bytes.
const UNDECLARED_LIMIT: u64 = 1 << 30;
/// Finished files that wait to be synced together.
const BATCH: usize = 16;

/// One file to fetch.
#[derive(Clone, Debug)]
pub struct Download {
    /// The package it belongs to.
    pub package: PackageId,
    /// What it is.
    pub kind: ArtifactKind,
    /// Its file name in the lock.
    pub file: String,
    /// Where it is.
    pub url: SafeUrl,
    /// Sent only to the origin of `url`, never across a redirect to another origin.
    pub credentials: Option<Credentials>,
    /// What the bytes must hash to. May be empty only when `sha1` is given.
    pub expected: Digests,
    /// The legacy digest of an old npm record; compared in addition.
    pub sha1: Option<[u8; 20]>,
    /// The exact length, if the registry says it.
    pub size: Option<u64>,
}

/// Why a file is not in the store.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// `--offline`, and the store has no copy.
    #[error("{file} is not in the store, and --offline forbids fetching it")]
    Offline {
        /// The file, safe to print.
        file: String,
    },
    /// The server could not be reached or would not give it.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The bytes are not the pinned ones, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More bytes than were declared, or than are acceptable.
    #[error("{url} sent more than the {limit} bytes that {file} may have")]
    TooLong {
        /// Where it came from.
        url: SafeUrl,
        /// The file, safe to print.
        file: String,
        /// The declared length, or the limit for files of unknown length.
        limit: u64,
    },
    /// The legacy digest does not fit.
    #[error("{file} refused: expected sha1 {expected}, found {actual}")]
    Sha1 {
        /// The file, safe to print.
        file: String,
        /// What the record says.
        expected: String,
        /// What the bytes are.
        actual: String,
    },
    /// Neither a digest nor a legacy digest is known, so nothing could be checked.
    #[error("{file} has no digest in the registry's record, so its bytes cannot be checked")]
    Unpinned {
        /// The file, safe to print.
        file: String,
    },
    /// A task died.
    #[error("internal failure while fetching {file}")]
    Lost {
        /// The file, safe to print.
        file: String,
    },
}

impl DownloadError {
    /// Whether wrong bytes were offered, as opposed to none.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Store(error) => error.is_refusal(),
            Self::TooLong { .. } | Self::Sha1 { .. } | Self::Unpinned { .. } => true,
            Self::Offline { .. } | Self::Http(_) | Self::Lost { .. } => false,
        }
    }
}

/// A download and what came of it.
pub type Outcome = (Download, Result<CheckedArtifact, DownloadError>);

/// Brings every file into the store, at most `limit` transfers at once. One outcome for each download; one failure does not
/// hinder the others. Without a network, only what the store has succeeds.
pub async fn fetch_all(
    network: Option<&Network>,
    store: &Store,
    downloads: Vec<Download>,
    limit: usize,
    progress: &dyn Progress,
) -> Vec<Outcome> {
    let (mut outcomes, open) = hits(store, downloads).await;
    if open.is_empty() {
        return outcomes;
    }
    let Some(network) = network else {
        outcomes.extend(open.into_iter().map(|download| {
            let file = shown(&download);
            (download, Err(DownloadError::Offline { file }))
        }));
        return outcomes;
    };
    progress.event(Event::DownloadsPlanned { files: open.len(), bytes: open.iter().filter_map(|d| d.size).sum() });
    let transfers = open.into_iter().map(|download| async move {
        let staged = transfer(network, store, &download, progress).await;
        if staged.is_ok() {
            progress.event(Event::FileDone { file: &shown(&download) });
        }
        (download, staged)
    });
    let mut arriving = stream::iter(transfers).buffer_unordered(limit.max(1));
    let mut batch = Vec::new();
    let mut commits = Vec::new();
    while let Some((download, staged)) = arriving.next().await {
        match staged {
            Ok(staged) => batch.push((download, staged)),
            Err(error) => outcomes.push((download, Err(error))),
        }
        if batch.len() >= BATCH {
            commits.push(commit(store, std::mem::take(&mut batch)));
        }
    }
    commits.push(commit(store, batch));
    for commit in commits {
        outcomes.extend(commit.await);
    }
    outcomes
}

/// Splits off what the store has already.
async fn hits(store: &Store, downloads: Vec<Download>) -> (Vec<Outcome>, Vec<Download>) {
    let worker = store.clone();
    let task = tokio::task::spawn_blocking(move || {
        let artifacts: Vec<(PackageId, Artifact)> =
            downloads.iter().map(|download| (download.package.clone(), pinned(download))).collect();
        let asked: Vec<(&PackageId, &Artifact)> =
            artifacts.iter().map(|(package, artifact)| (package, artifact)).collect();
        let checked = worker.check_many(&asked);
        let mut outcomes = Vec::new();
        let mut open = Vec::new();
        for (download, result) in downloads.into_iter().zip(checked) {
            // Missing, corrupt (moved to quarantine), or without a strong pin: all are to be fetched.
            match result {
                Ok(artifact) => {
                    let recorded = worker.ensure_record(&artifact, download.kind);
                    outcomes.push((download, recorded.map(|()| artifact).map_err(DownloadError::from)));
                }
                Err(_) => open.push(download),
            }
        }
        (outcomes, open)
    });
    match task.await {
        Ok(split) => split,
        // Only a panic ends the task early, and it is passed on.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn pinned(download: &Download) -> Artifact {
    Artifact {
        kind: download.kind,
        file: download.file.as_str().into(),
        size: download.size,
        digests: download.expected,
    }
}

/// Starts to move finished files into the store.
fn commit(store: &Store, batch: Vec<(Download, Staged)>) -> impl Future<Output = Vec<Outcome>> + use<> {
    let store = store.clone();
    let (downloads, staged): (Vec<Download>, Vec<Staged>) = batch.into_iter().unzip();
    let entering: Vec<Entering> = downloads
        .iter()
        .zip(staged)
        .map(|(download, staged)| Entering {
            package: download.package.clone(),
            kind: download.kind,
            file: download.file.clone(),
            pinned: download.expected,
            size: download.size,
            staged,
        })
        .collect();
    let task = tokio::task::spawn_blocking(move || store.commit(entering));
    async move {
        let results = match task.await {
            Ok(results) => results,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let results = results.into_iter().map(|result| result.map_err(DownloadError::from));
        downloads.into_iter().zip(results).collect()
    }
}

/// Streams one file, with retries. The staged bytes are complete and, if they are wrong, were fetched twice: a broken proxy
/// gets a second chance, a changed file does not.
async fn transfer(
    network: &Network,
    store: &Store,
    download: &Download,
    progress: &dyn Progress,
) -> Result<Staged, DownloadError> {
    if download.expected.is_empty() && download.sha1.is_none() {
        return Err(DownloadError::Unpinned { file: shown(download) });
    }
    let mut partial = Partial { staged: store.stage()?, sha1: Context::new(&SHA1_FOR_LEGACY_USE_ONLY) };
    let mut schedule = network.schedule();
    let mut second_chance = true;
    loop {
        match partial.append(network, download, progress).await {
            Ok(()) => match partial.judge(download) {
                Ok(()) => return Ok(partial.staged),
                Err(error) if !second_chance => return Err(error),
                Err(error) => {
                    second_chance = false;
                    retry(progress, download, &error.to_string());
                    partial.restart(progress)?;
                }
            },
            Err(DownloadError::Http(error)) => match schedule.pause(&error) {
                Some(pause) => {
                    retry(progress, download, &error.to_string());
                    tokio::time::sleep(pause).await;
                }
                None => return Err(error.into()),
            },
            Err(error) => return Err(error),
        }
    }
}

fn retry(progress: &dyn Progress, download: &Download, reason: &str) {
    progress.event(Event::Retry { what: &shown(download), reason });
}

/// What has arrived so far.
struct Partial {
    staged: Staged,
    sha1: Context,
}

impl Partial {
    /// Asks for what is missing and appends what comes.
    async fn append(
        &mut self,
        network: &Network,
        download: &Download,
        progress: &dyn Progress,
    ) -> Result<(), DownloadError> {
        let have = self.staged.size();
        let mut headers = HeaderMap::new();
        // Digests are over the file as it is; a transport encoding would only be in the way.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if have > 0
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={have}-"))
        {
            headers.insert(header::RANGE, range);
        }
        let opened = match network.open(&download.url, download.credentials.as_ref(), &headers).await {
            // The server cannot satisfy the range: what we have is no part of what it has now.
            Err(HttpError::Status { status: 416, .. }) if have > 0 => {
                self.restart(progress)?;
                return Err(broken(download, "the server would not resume the transfer"));
            }
            other => other?,
        };
        let mut response = opened.response;
        if have > 0 && !resumes_at(&response, have) {
            self.restart(progress)?;
        }
        let limit = download.size.unwrap_or(UNDECLARED_LIMIT);
        let too_long = || DownloadError::TooLong { url: download.url.clone(), file: shown(download), limit };
        let declared = response.content_length();
        if declared.is_some_and(|length| self.staged.size().saturating_add(length) > limit) {
            return Err(too_long());
        }
        while let Some(chunk) = response.chunk().await.map_err(|error| HttpError::transport(&download.url, error))? {
            if self.staged.size() + chunk.len() as u64 > limit {
                return Err(too_long());
            }
            network.count_bytes(chunk.len());
            progress.event(Event::BytesReceived(i64::try_from(chunk.len()).unwrap_or(i64::MAX)));
            self.staged.write(&chunk)?;
            if download.sha1.is_some() {
                self.sha1.update(&chunk);
            }
        }
        match download.size {
            // The server said how much it would send, and sent it: the file is another one, which its digest will tell.
            _ if declared.is_some() => Ok(()),
            // Fewer bytes than pinned, no length, no transport error: the connection was closed in good order, too early.
            Some(size) if self.staged.size() < size => Err(broken(download, "the transfer ended too early")),
            _ => Ok(()),
        }
    }

    /// Whether the complete bytes are the right ones. The store looks again when they enter.
    fn judge(&self, download: &Download) -> Result<(), DownloadError> {
        let actual = self.staged.digests();
        if let Some((expected, actual)) = download.expected.mismatch(&actual) {
            return Err(DownloadError::Store(StoreError::Refused {
                package: download.package.clone(),
                file: shown(download),
                expected: crate::store::Pinned::Digest(expected),
                actual: crate::store::Pinned::Digest(actual),
            }));
        }
        if let Some(expected) = download.sha1 {
            let actual = self.sha1.clone().finish();
            if actual.as_ref() != expected {
                let (expected, actual) = (hex::encode(expected), hex::encode(actual.as_ref()));
                return Err(DownloadError::Sha1 { file: shown(download), expected, actual });
            }
        }
        Ok(())
    }

    fn restart(&mut self, progress: &dyn Progress) -> Result<(), StoreError> {
        progress.event(Event::BytesReceived(-i64::try_from(self.staged.size()).unwrap_or(i64::MAX)));
        self.sha1 = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        self.staged.restart()
    }
}

/// A failure that another attempt may mend.
fn broken(download: &Download, reason: &str) -> DownloadError {
    DownloadError::Http(HttpError::Network { url: download.url.clone(), reason: reason.to_owned() })
}

/// Whether the answer continues exactly where we stopped (RFC 9110 §14.4).
fn resumes_at(response: &reqwest::Response, have: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let start =
        range.and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse::<u64>().ok());
    response.status() == StatusCode::PARTIAL_CONTENT && start == Some(have)
}

fn shown(download: &Download) -> String {
    Untrusted::new(download.file.as_str()).excerpt(160)
}
