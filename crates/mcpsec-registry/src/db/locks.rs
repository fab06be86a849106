//! Pushed locks, and the names and pins of the files they consist of.
use mcpsec_model::digest::Digest;

use super::{Db, Tx};

/// A row of `locks`, without its text.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct LockRow {
    /// `sha256:…` of its text.
    pub digest: String,
    /// Seconds since 1970.
    pub pushed_at: i64,
    /// Who.
    pub pushed_by: String,
    /// 1: for review.
    pub requested: i64,
    /// Why it is asked for; untrusted.
    pub reason: String,
}

/// A row of `lock_files`. Digests are hex, empty where the lock has none.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct FileRow {
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

/// A file, and a lock that names it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct NamedRow {
    /// The lock, `sha256:…`.
    pub lock: String,
    /// The file.
    #[sqlx(flatten)]
    pub file: FileRow,
}

/// All locks: by server, the latest push first.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn all(db: &Db) -> Result<Vec<LockRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT digest, pushed_at, pushed_by, requested, reason FROM locks ORDER BY server, pushed_at DESC, digest",
    )
    .fetch_all(db.pool())
    .await
}

/// One lock.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn one(db: &Db, digest: &str) -> Result<Option<LockRow>, sqlx::Error> {
    sqlx::query_as("SELECT digest, pushed_at, pushed_by, requested, reason FROM locks WHERE digest = $1")
        .bind(digest)
        .fetch_optional(db.pool())
        .await
}

/// The text of one lock.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn text(db: &Db, digest: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT text FROM locks WHERE digest = $1").bind(digest).fetch_optional(db.pool()).await
}

/// The length of the text of one lock, in characters; it is ASCII but for strangers' words.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn length(db: &Db, digest: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT CAST(LENGTH(text) AS BIGINT) FROM locks WHERE digest = $1")
        .bind(digest)
        .fetch_optional(db.pool())
        .await
}

/// The files that locks name by this digest, with the locks: the oldest lock first.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn naming(db: &Db, digest: &Digest) -> Result<Vec<NamedRow>, sqlx::Error> {
    let query = match digest {
        Digest::Sha256(_) => sqlx::query_as(
            "SELECT f.lock, f.package, f.file, f.digest, f.sha256, f.sha512, f.size \
             FROM lock_files f JOIN locks l ON l.digest = f.lock WHERE f.sha256 = $1 ORDER BY l.pushed_at, f.lock, f.file",
        ),
        Digest::Sha512(_) => sqlx::query_as(
            "SELECT f.lock, f.package, f.file, f.digest, f.sha256, f.sha512, f.size \
             FROM lock_files f JOIN locks l ON l.digest = f.lock WHERE f.sha512 = $1 ORDER BY l.pushed_at, f.lock, f.file",
        ),
    };
    query.bind(digest.to_hex()).fetch_all(db.pool()).await
}

/// The files of a lock that did not arrive, sorted. One that arrived agrees with every digest that the lock pins.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn missing(db: &Db, lock: &str) -> Result<Vec<FileRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT f.package, f.file, f.digest, f.sha256, f.sha512, f.size FROM lock_files f \
         WHERE f.lock = $1 AND NOT EXISTS (SELECT 1 FROM artifacts a \
         WHERE (a.sha256 = f.sha256 OR a.sha512 = f.sha512) \
         AND (f.sha256 = '' OR a.sha256 = f.sha256) AND (f.sha512 = '' OR a.sha512 = f.sha512)) \
         ORDER BY f.package, f.file",
    )
    .bind(lock)
    .fetch_all(db.pool())
    .await
}

/// The files of a lock that no evidence is kept of, sorted.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn without_evidence(db: &Db, lock: &str) -> Result<Vec<FileRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT f.package, f.file, f.digest, f.sha256, f.sha512, f.size FROM lock_files f \
         WHERE f.lock = $1 AND NOT EXISTS (SELECT 1 FROM evidence e \
         WHERE e.package = f.package AND e.file = f.file AND e.digest = f.digest) ORDER BY f.package, f.file",
    )
    .bind(lock)
    .fetch_all(db.pool())
    .await
}

/// What goes into `locks`, with its files.
#[derive(Clone, Debug)]
pub struct NewLock {
    /// The row.
    pub row: LockRow,
    /// The lock file of one server.
    pub text: String,
    /// Its server.
    pub server: String,
    /// The version.
    pub version: String,
    /// The package URL of its own package.
    pub purl: String,
    /// Its files.
    pub files: Vec<FileRow>,
}

/// Adds a lock. One that is there stays as it is. Returns whether it is new.
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
    .bind(&lock.text)
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

/// Makes a request of a lock that is there and was none. Returns whether that changed anything.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn request(tx: &mut Tx, digest: &str, reason: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE locks SET requested = 1, reason = $2 WHERE digest = $1 AND requested = 0")
        .bind(digest)
        .bind(reason)
        .execute(&mut **tx)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    super::state::advance(tx).await?;
    Ok(true)
}
