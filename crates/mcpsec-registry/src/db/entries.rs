//! The entries of the log, in order, and the one row that says how many there are.
use super::{Db, Tx};

/// A row of `entries`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EntryRow {
    /// From 0, without gaps.
    pub seq: i64,
    /// The line of the file form, without its line feed.
    pub line: String,
}

/// The row of `log`.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct LogRow {
    /// How many entries there are.
    pub size: i64,
    /// Hex of the root over them.
    pub root: String,
    /// The key that signs heads; empty before the first start.
    pub key: String,
}

/// What goes into a row of `entries`.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The line, without its line feed.
    pub line: String,
    /// Hex of its leaf hash.
    pub leaf: String,
    /// Hex of the hash of its statement.
    pub statement: String,
    /// The server that it is about.
    pub server: String,
}

/// A server, and the last entry about it.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct LatestRow {
    /// The server.
    pub server: String,
    /// The number of the entry.
    pub seq: i64,
}

/// Entries about one server, in order.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn about(db: &Db, server: &str) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as("SELECT seq, line FROM entries WHERE server = $1 ORDER BY seq")
        .bind(server)
        .fetch_all(db.pool())
        .await
}

/// The servers that entries from a place on are about, each with the last of them; in no order.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn latest(db: &Db, from: i64) -> Result<Vec<LatestRow>, sqlx::Error> {
    sqlx::query_as("SELECT server, MAX(seq) AS seq FROM entries WHERE seq >= $1 GROUP BY server")
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

/// [`range`] under the lock, by the connection that holds it.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn range_locked(tx: &mut Tx, from: i64, until: i64) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as("SELECT seq, line FROM entries WHERE seq >= $1 AND seq < $2 ORDER BY seq")
        .bind(from)
        .bind(until)
        .fetch_all(&mut **tx)
        .await
}

/// The leaf hashes of all entries, in hex and in no order.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn leaves(db: &Db) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT leaf FROM entries").fetch_all(db.pool()).await
}

/// How many entries there are.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn log(db: &Db) -> Result<LogRow, sqlx::Error> {
    sqlx::query_as("SELECT size, root, key FROM log WHERE id = 1").fetch_one(db.pool()).await
}

/// The greatest number of an entry; `None` where there are none. Not what the log says of itself: what is there.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn last(db: &Db) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT seq FROM entries ORDER BY seq DESC LIMIT 1").fetch_optional(db.pool()).await
}

/// Takes the write lock of the log, until the transaction ends, and says how many entries there are.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn lock(tx: &mut Tx) -> Result<LogRow, sqlx::Error> {
    sqlx::query("UPDATE log SET size = size WHERE id = 1").execute(&mut **tx).await?;
    sqlx::query_as("SELECT size, root, key FROM log WHERE id = 1").fetch_one(&mut **tx).await
}

/// Names the key that signs heads, if none is named yet.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn claim(tx: &mut Tx, key: &str) -> Result<LogRow, sqlx::Error> {
    sqlx::query("UPDATE log SET key = $1 WHERE id = 1 AND key = ''").bind(key).execute(&mut **tx).await?;
    lock(tx).await
}

/// Puts another key in the place of the one that signs heads. `false` if that was not the one.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn change_key(tx: &mut Tx, from: &str, to: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE log SET key = $1 WHERE id = 1 AND key = $2").bind(to).bind(from);
    Ok(done.execute(&mut **tx).await?.rows_affected() == 1)
}

/// The entry with this line or this statement, if it is there.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn known(tx: &mut Tx, entry: &NewEntry) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT seq FROM entries WHERE leaf = $1 OR statement = $2 LIMIT 1")
        .bind(&entry.leaf)
        .bind(&entry.statement)
        .fetch_optional(&mut **tx)
        .await
}

/// The entry with this statement.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn by_statement(tx: &mut Tx, statement: &str) -> Result<Option<EntryRow>, sqlx::Error> {
    sqlx::query_as("SELECT seq, line FROM entries WHERE statement = $1").bind(statement).fetch_optional(&mut **tx).await
}

/// Appends an entry; the caller holds the lock and counts.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn insert(tx: &mut Tx, seq: i64, entry: &NewEntry, at: i64, by: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO entries (seq, line, leaf, statement, server, added_at, added_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(seq)
    .bind(&entry.line)
    .bind(&entry.leaf)
    .bind(&entry.statement)
    .bind(&entry.server)
    .bind(at)
    .bind(by)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Says how many entries there are now; the caller holds the lock.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn set(tx: &mut Tx, size: i64, root: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE log SET size = $1, root = $2 WHERE id = 1").bind(size).bind(root).execute(&mut **tx).await?;
    super::state::advance(tx).await
}
