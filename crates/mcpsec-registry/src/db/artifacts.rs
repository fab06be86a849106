//! Files that arrived. A row is written only after its bytes are durable in the blob store.
use mcpsec_model::digest::Digest;

use super::{Db, Tx};
use crate::mirror::arrival::Metadata;

/// A row of `artifacts`.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct ArtifactRow {
    /// Hex.
    pub sha256: String,
    /// Hex.
    pub sha512: String,
    /// Hex.
    pub sha1: String,
    /// Bytes.
    pub size: i64,
}

/// Every file that arrived.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn all(db: &Db) -> Result<Vec<ArtifactRow>, sqlx::Error> {
    sqlx::query_as("SELECT sha256, sha512, sha1, size FROM artifacts").fetch_all(db.pool()).await
}

/// One file that arrived, by either digest.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn one(db: &Db, digest: &Digest) -> Result<Option<ArtifactRow>, sqlx::Error> {
    let query = match digest {
        Digest::Sha256(_) => sqlx::query_as("SELECT sha256, sha512, sha1, size FROM artifacts WHERE sha256 = $1"),
        Digest::Sha512(_) => sqlx::query_as("SELECT sha256, sha512, sha1, size FROM artifacts WHERE sha512 = $1"),
    };
    query.bind(digest.to_hex()).fetch_optional(db.pool()).await
}

/// Adds a file, with what was read out of it, one description of each kind. Readers are told when it was the last one that
/// some lock lacked. Returns whether anything of it is new.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn insert(tx: &mut Tx, row: &ArtifactRow, inside: &[Metadata], now: i64) -> Result<bool, sqlx::Error> {
    // Whoever adds the last file must see the others: two that arrive at the same moment on two replicas wait for each other.
    super::state::hold(tx).await?;
    let done = sqlx::query(
        "INSERT INTO artifacts (sha256, sha512, sha1, size, arrived_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(&row.sha256)
    .bind(&row.sha512)
    .bind(&row.sha1)
    .bind(row.size)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let mut new = done.rows_affected() > 0;
    for Metadata { kind, body } in inside {
        let done = sqlx::query("INSERT INTO metadata (sha256, kind, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(&row.sha256)
            .bind(kind.as_str())
            .bind(body)
            .execute(&mut **tx)
            .await?;
        new |= done.rows_affected() > 0;
    }
    if !new {
        return Ok(false);
    }
    if completes(tx, row).await? {
        super::state::advance(tx).await?;
    }
    Ok(true)
}

/// Whether some lock that names a file lacks none any more.
async fn completes(tx: &mut Tx, row: &ArtifactRow) -> Result<bool, sqlx::Error> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT n.lock FROM lock_files n WHERE (n.sha256 = $1 OR n.sha512 = $2) AND NOT EXISTS ( \
         SELECT 1 FROM lock_files f WHERE f.lock = n.lock AND NOT EXISTS (SELECT 1 FROM artifacts a \
         WHERE (a.sha256 = f.sha256 OR a.sha512 = f.sha512) \
         AND (f.sha256 = '' OR a.sha256 = f.sha256) AND (f.sha512 = '' OR a.sha512 = f.sha512))) LIMIT 1",
    )
    .bind(&row.sha256)
    .bind(&row.sha512)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}
