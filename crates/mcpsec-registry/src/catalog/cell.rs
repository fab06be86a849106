//! The current catalog, renewed when something changed.
use std::sync::{Arc, RwLock};

use mcpsec_model::lock::Lock;
use mcpsec_verify::approval::Standing;
use tokio::sync::Mutex;

use super::{Catalog, build::Builder};
use crate::{clock::Clock, db::Db, error::ApiError};

/// Holds the current [`Catalog`].
#[derive(Debug)]
pub struct Catalogs {
    current: RwLock<Arc<Catalog>>,
    builder: Mutex<Builder>,
}

impl Catalogs {
    /// Starts with nothing; [`Catalogs::renew`] fills it.
    pub fn new(builder: Builder) -> Self {
        Self {
            current: RwLock::new(Arc::new(Catalog { generation: -1, ..Catalog::default() })),
            builder: Mutex::new(builder),
        }
    }

    /// The current one. Never waits.
    pub fn get(&self) -> Arc<Catalog> {
        match self.current.read() {
            Ok(current) => Arc::clone(&current),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    /// How a lock stands that may not be stored: by what the log says now.
    ///
    /// # Errors
    /// [`ApiError`]: the database does not answer, or the lock has no server.
    pub async fn standing(&self, db: &Db, clock: &Clock, lock: &Lock) -> Result<Standing, ApiError> {
        self.builder.lock().await.standing_of(db, lock, clock.now()).await
    }

    /// Looks whether something changed, and makes a new one then. Called once a second, and after each write of this process.
    ///
    /// # Errors
    /// [`ApiError`]: the database does not answer; the old catalog stays.
    pub async fn renew(&self, db: &Db, clock: &Clock) -> Result<Arc<Catalog>, ApiError> {
        let mut builder = self.builder.lock().await;
        let (current, now) = (self.get(), clock.now());
        let moved = crate::db::state::generation(db).await? != current.generation;
        if !moved && current.until.is_none_or(|until| now < until) {
            return Ok(current);
        }
        let new = Arc::new(builder.build(db, now).await?);
        match self.current.write() {
            Ok(mut current) => *current = Arc::clone(&new),
            Err(poisoned) => *poisoned.into_inner() = Arc::clone(&new),
        }
        Ok(new)
    }
}
