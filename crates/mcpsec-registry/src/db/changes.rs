//! When something changed, for clients that ask what is new since a time.
use super::Db;

/// How many rows are read at once.
const PAGE: i64 = 10_000;

/// When an entry of the log was added, and which server it is about.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Addition {
    /// From 0, without gaps.
    pub seq: i64,
    /// The server.
    pub server: String,
    /// Seconds since 1970.
    pub added_at: i64,
}

/// The next entries of the log from a place on, in order; not all of them when there are many.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn additions(db: &Db, from: i64) -> Result<Vec<Addition>, sqlx::Error> {
    sqlx::query_as("SELECT seq, server, added_at FROM entries WHERE seq >= $1 ORDER BY seq LIMIT $2")
        .bind(from)
        .bind(PAGE)
        .fetch_all(db.pool())
        .await
}

/// When the last file of a lock arrived, in seconds since 1970; 0 when none did.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn last_arrival(db: &Db, lock: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT COALESCE(MAX(artifacts.arrived_at), 0) FROM lock_files JOIN artifacts \
         ON artifacts.sha256 = lock_files.sha256 OR artifacts.sha512 = lock_files.sha512 WHERE lock_files.lock = $1",
    )
    .bind(lock)
    .fetch_one(db.pool())
    .await
}
