//! The entries of the log, in order.
use super::Db;

/// A row of `entries`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EntryRow {
    /// From 0, without gaps.
    pub seq: i64,
    /// The line of the file form, without its line feed.
    pub line: String,
}

/// The row of `log`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LogRow {
    /// How many entries there are.
    pub size: i64,
    /// Hex of the root over them.
    pub root: String,
}

/// Entries about one server from a place on, in order.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn about(db: &Db, server: &str, from: i64) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as("SELECT seq, line FROM entries WHERE server = $1 AND seq >= $2 ORDER BY seq")
        .bind(server)
        .bind(from)
        .fetch_all(db.pool())
        .await
}

/// Entries `from..until`, in order.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn range(db: &Db, from: i64, until: i64) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as("SELECT seq, line FROM entries WHERE seq >= $1 AND seq < $2 ORDER BY seq")
        .bind(from)
        .bind(until)
        .fetch_all(db.pool())
        .await
}

/// How many entries there are.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn log(db: &Db) -> Result<LogRow, sqlx::Error> {
    sqlx::query_as("SELECT size, root FROM log WHERE id = 1").fetch_one(db.pool()).await
}
