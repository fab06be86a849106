//! Locks as pages need them: read from the database and parsed when somebody looks, kept while there is room.
use std::sync::{Arc, OnceLock};

use mcpsec_audit::poison;
use mcpsec_model::{
    digest::Digest,
    finding::Finding,
    lock::{Lock, LockedServer},
    package::Package,
};
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::risk::Risk;
use crate::{
    db::{Db, locks},
    error::ApiError,
};

/// How many bytes of locks are kept, by the length of their texts; parsed they take about three times as much.
const ROOM: u64 = 6 << 20;
/// How many pages at once may read locks and hold words against each other. A lock may have 64 MiB, and two thousand texts that differ
/// in every word take minutes: whoever asks for such pages in bulk waits for themselves, and the rest of the server goes on.
const TURNS: usize = 2;
/// How many judged requests are kept.
const RISKS: u64 = 10_000;

/// What was read before.
#[derive(Debug)]
pub struct Shelf {
    locks: Cache<Digest, Arc<Shelved>>,
    risks: Cache<(Digest, Option<Digest>), Arc<Risk>>,
    turns: Arc<Semaphore>,
}

/// A parsed lock of one server.
#[derive(Debug)]
pub(super) struct Shelved {
    lock: Lock,
    server: LockedServer,
    bytes: usize,
    findings: OnceLock<Vec<Finding>>,
}

impl Default for Shelf {
    fn default() -> Self {
        let weight = |_: &Digest, one: &Arc<Shelved>| u32::try_from(one.bytes).unwrap_or(u32::MAX);
        let locks = Cache::builder().max_capacity(ROOM).weigher(weight).build();
        Self { locks, risks: Cache::new(RISKS), turns: Arc::new(Semaphore::new(TURNS)) }
    }
}

impl Shelf {
    /// Waits for the turn of a page that reads locks. It is held until the page is made, also when nobody waits for it any more.
    ///
    /// # Errors
    /// [`ApiError`]: never.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.turns).acquire_owned().await.map_err(|error| ApiError::bug(&error))
    }

    /// A pushed lock.
    ///
    /// # Errors
    /// 404: it is not there any more. 503: the database does not answer.
    pub(super) async fn get(&self, db: &Db, digest: &Digest) -> Result<Arc<Shelved>, ApiError> {
        if let Some(shelved) = self.locks.get(digest).await {
            return Ok(shelved);
        }
        let text = locks::text(db, &digest.to_string()).await?;
        let text = text.ok_or_else(|| ApiError::not_found("that lock is not here any more"))?;
        let parsed = tokio::task::spawn_blocking(move || Shelved::parse(&text)).await;
        let shelved = Arc::new(parsed.map_err(|error| ApiError::bug(&error))??);
        self.locks.insert(*digest, Arc::clone(&shelved)).await;
        Ok(shelved)
    }

    /// What is known of a request against the vetted version.
    pub(super) async fn risk(&self, request: Digest, base: Option<Digest>) -> Option<Arc<Risk>> {
        self.risks.get(&(request, base)).await
    }

    /// Keeps what was found out.
    pub(super) async fn keep_risk(&self, request: Digest, base: Option<Digest>, risk: Arc<Risk>) {
        self.risks.insert((request, base), risk).await;
    }
}

impl Shelved {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let lock = Lock::parse(text, "pushed lock").map_err(|error| ApiError::bug(&error))?;
        let server = lock.servers.values().next().cloned().ok_or_else(|| ApiError::bug(&"a lock without a server"))?;
        Ok(Self { lock, server, bytes: text.len(), findings: OnceLock::new() })
    }

    /// The lock.
    pub(super) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Its server.
    pub(super) fn server(&self) -> &LockedServer {
        &self.server
    }

    /// The server's own package.
    pub(super) fn own(&self) -> Option<&Package> {
        self.lock.packages.get(self.server.closure.root().package())
    }

    /// What the poison rules say about every word that the model reads, worst first. Slow the first time.
    pub(super) fn findings(&self) -> &[Finding] {
        self.findings.get_or_init(|| {
            let Some(captured) = self.server.told.captured() else { return Vec::new() };
            let mut findings = poison::scan(&captured.manifest);
            for unstable in &captured.unstable {
                let texts = mcpsec_model::manifest::texts_at(&unstable.other, &unstable.subject);
                findings.extend(poison::scan_texts(&captured.manifest, &texts));
            }
            findings.sort_by(|a, b| (b.severity(), &a.subject, a.span).cmp(&(a.severity(), &b.subject, b.span)));
            findings.dedup();
            findings
        })
    }
}
