//! Pushed locks and the files they consist of.
use super::{Db, Tx};

/// A row of `locks`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LockRow {
    /// `sha256:…` of `text`.
    pub digest: String,
    /// The lock file of one server.
    pub text: String,
    /// Seconds since 1970.
    pub pushed_at: i64,
    /// Who.
    pub pushed_by: String,
    /// 1: for review.
    pub requested: i64,
    /// Why it is asked for.
    pub reason: String,
}

/// A file that arrived, as far as catalogs need it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ArrivedRow {
    /// Hex.
    pub sha256: String,
    /// Hex.
    pub sha512: String,
    /// Bytes.
    pub size: i64,
}

/// Digests, time and requests of all locks: what may change without a new text.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn digests(db: &Db) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT digest FROM locks ORDER BY server, pushed_at DESC, digest").fetch_all(db.pool()).await
}

/// One lock.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn one(db: &Db, digest: &str) -> Result<Option<LockRow>, sqlx::Error> {
    sqlx::query_as("SELECT digest, text, pushed_at, pushed_by, requested, reason FROM locks WHERE digest = $1")
        .bind(digest)
        .fetch_optional(db.pool())
        .await
}

/// Every file that arrived.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn arrived(db: &Db) -> Result<Vec<ArrivedRow>, sqlx::Error> {
    sqlx::query_as("SELECT sha256, sha512, size FROM artifacts").fetch_all(db.pool()).await
}

/// What goes into a row of `lock_files`. Digests are hex, empty where the lock has none.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The package URL.
    pub package: String,
    /// The file's name in the lock.
    pub file: String,
    /// The strongest digest, `algorithm:hex`.
    pub digest: String,
    /// Hex or empty.
    pub sha256: String,
    /// Hex or empty.
    pub sha512: String,
    /// Bytes, or -1.
    pub size: i64,
}

/// What goes into a row of `locks`, beside its files.
#[derive(Clone, Debug)]
pub struct NewLock {
    /// The row.
    pub row: LockRow,
    /// Its server.
    pub server: String,
    /// The version.
    pub version: String,
    /// The package URL of its own package.
    pub purl: String,
    /// Its files.
    pub files: Vec<NewFile>,
}

/// Adds a lock; one that is there stays as it is, but that a request which got approval is no longer one. Returns whether it is new.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn insert(tx: &mut Tx, lock: &NewLock) -> Result<bool, sqlx::Error> {
    let row = &lock.row;
    let done = sqlx::query(
        "INSERT INTO locks (digest, server, version, purl, text, pushed_at, pushed_by, requested, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (digest) DO NOTHING",
    )
    .bind(&row.digest)
    .bind(&lock.server)
    .bind(&lock.version)
    .bind(&lock.purl)
    .bind(&row.text)
    .bind(row.pushed_at)
    .bind(&row.pushed_by)
    .bind(row.requested)
    .bind(&row.reason)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    for file in &lock.files {
        sqlx::query(
            "INSERT INTO lock_files (lock, package, file, digest, sha256, sha512, size) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&row.digest)
        .bind(&file.package)
        .bind(&file.file)
        .bind(&file.digest)
        .bind(&file.sha256)
        .bind(&file.sha512)
        .bind(file.size)
        .execute(&mut **tx)
        .await?;
    }
    super::state::advance(tx).await?;
    Ok(true)
}
