//! The current catalog, renewed when something changed.
use std::sync::{
    Arc, RwLock,
    atomic::{AtomicI64, Ordering},
};

use http::StatusCode;
use mcpsec_model::{approval::Signers, lock::Lock, time::Timestamp};
use mcpsec_verify::approval::Standing;
use tokio::sync::Mutex;

use super::{Catalog, build::Builder};
use crate::{clock::Clock, db::Db, error::ApiError};

/// For how long, in seconds, a catalog is good that could not be held against the database: so long may a revocation go unseen.
const OUTAGE: i64 = 300;
/// How much later than it must be, in seconds, a catalog may be renewed that time made wrong. It is looked at once a second.
const LATE: i64 = 15;

/// Holds the current [`Catalog`].
#[derive(Debug)]
pub struct Catalogs {
    current: RwLock<Arc<Catalog>>,
    /// When it was last made or found to be right, in seconds since 1970.
    confirmed: AtomicI64,
    builder: Mutex<Builder>,
}

impl Catalogs {
    /// Starts with nothing; [`Catalogs::renew`] fills it.
    pub fn new(builder: Builder) -> Self {
        Self {
            current: RwLock::new(Arc::new(Catalog { generation: -1, ..Catalog::default() })),
            confirmed: AtomicI64::new(i64::MIN),
            builder: Mutex::new(builder),
        }
    }

    /// Whether what is vetted is known well enough to act on it.
    ///
    /// # Errors
    /// 503: for [`OUTAGE`] nobody could ask whether something was withdrawn, or an approval ran out and that could not be told.
    pub fn trusted(&self, now: Timestamp) -> Result<(), ApiError> {
        let (now, confirmed) = (now.as_second(), self.confirmed.load(Ordering::Relaxed));
        let over = self.get().until.is_some_and(|until| now.saturating_sub(until.as_second()) > LATE);
        if !over && now.saturating_sub(confirmed) <= OUTAGE {
            return Ok(());
        }
        Err(ApiError {
            retry_after: Some(5),
            ..ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "it cannot be told what is still vetted")
        }
        .hint("the database has not answered for a while; it goes on by itself, and whoever runs the server sees why in its log"))
    }

    /// Judges everything by other signers, now and from now on.
    ///
    /// # Errors
    /// [`ApiError`]: the database does not answer; it is done as soon as it does.
    pub async fn judge_by(&self, db: &Db, clock: &Clock, signers: Arc<Signers>) -> Result<(), ApiError> {
        self.builder.lock().await.judge_by(signers);
        self.renew(db, clock).await.map(drop)
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
        if !moved && !builder.is_outdated() && current.until.is_none_or(|until| now < until) {
            self.confirmed.store(now.as_second(), Ordering::Relaxed);
            return Ok(current);
        }
        let new = Arc::new(builder.build(db, now).await?);
        match self.current.write() {
            Ok(mut current) => *current = Arc::clone(&new),
            Err(poisoned) => *poisoned.into_inner() = Arc::clone(&new),
        }
        self.confirmed.store(now.as_second(), Ordering::Relaxed);
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mcpsec_model::approval::rules_id;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    /// A replica that lost its database does not go on for ever with what it last knew.
    #[tokio::test]
    async fn what_cannot_be_confirmed_is_good_for_a_while_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(None, folder.path()).await.expect("a database");
        let clock = |second| Clock::of(move || at(second));
        let signers = Arc::new(Signers::nobody());
        let catalogs = Catalogs::new(Builder::new(signers, rules_id([]), 1));
        assert!(catalogs.trusted(at(1_000)).is_err(), "nothing was ever read");
        catalogs.renew(&db, &clock(1_000)).await.expect("a catalog");
        assert!(catalogs.trusted(at(1_000 + OUTAGE)).is_ok());
        assert_eq!(catalogs.trusted(at(1_001 + OUTAGE)).expect_err("too long").status, StatusCode::SERVICE_UNAVAILABLE);
        catalogs.renew(&db, &clock(1_001 + OUTAGE)).await.expect("a catalog");
        assert!(catalogs.trusted(at(1_001 + OUTAGE)).is_ok(), "it was confirmed");
        // Time alone makes it wrong, and nobody could look.
        let catalog = Catalog { until: Some(at(2_000)), ..Catalog::default() };
        *catalogs.current.write().expect("no panic") = Arc::new(catalog);
        catalogs.confirmed.store(2_000 + LATE, Ordering::Relaxed);
        assert!(catalogs.trusted(at(2_000 + LATE)).is_ok());
        assert!(catalogs.trusted(at(2_001 + LATE)).is_err());
    }
}
