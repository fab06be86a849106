//! What every handler has: configuration, clock, database, blobs, the current catalog.
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    auth::Auth,
    blobs::Blobs,
    catalog::Catalogs,
    clock::Clock,
    config::Config,
    db::Db,
    error::ApiError,
    log::Log,
    ops::{Guard, Metrics, Readiness},
    pull::Pulls,
    trust::Trust,
    ui::Shelf,
};

/// Shared by all requests; cloning is cheap.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
#[derive(Debug)]
pub struct Parts {
    /// What the server was told.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The database.
    pub db: Db,
    /// The bytes.
    pub blobs: Blobs,
    /// What is vetted now.
    pub catalogs: Catalogs,
    /// The log of approvals.
    pub log: Log,
    /// Who may do what.
    pub auth: Auth,
    /// Fetching from upstreams.
    pub pulls: Pulls,
    /// What the operator's files say.
    pub trust: Trust,
    /// The list of `/api/v1/releases`.
    pub releases: crate::api::Releases,
    /// The list of the MCP Registry API.
    pub listings: crate::mcp::Listings,
    /// Answers of the mirror.
    pub pages: crate::mirror::Pages,
    /// What is counted.
    pub metrics: Metrics,
    /// What is used of the limits.
    pub guard: Guard,
    /// What supervisors were last told.
    pub readiness: Readiness,
    /// Set once the process was asked to end.
    pub stopping: AtomicBool,
    /// Locks that pages read.
    pub shelf: Shelf,
}

impl App {
    /// Joins the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whether the process was asked to end.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Remembers that it was; returns whether it was asked before.
    pub fn stop(&self) -> bool {
        self.stopping.swap(true, Ordering::Relaxed)
    }

    /// Makes what this process wrote visible to its readers at once; other replicas see it within a second.
    ///
    /// # Errors
    /// [`ApiError`]: the database does not answer.
    pub async fn changed(&self) -> Result<(), ApiError> {
        self.catalogs.renew(&self.db, &self.clock).await.map(drop)
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}
