//! What arriving files say of themselves, and the evidence about them: what the mirror answers from. Rows come in with the file
//! (`artifacts`) and with pushed evidence.
use super::Db;

/// A file that arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRow {
    /// Hex; npm's `shasum`.
    pub sha1: String,
    /// Its description of the kind that was asked for; empty where there is none.
    pub body: String,
}

/// What is known of a file that may not have been read yet.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct Known {
    /// Hex; npm's `shasum`.
    pub sha1: String,
    /// `None`: nobody looked for a description of this kind.
    pub body: Option<String>,
}

/// A file by its SHA-256 (hex) with its description of a kind (`npm`, `pypi`). `None`: it did not arrive.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn of_file(db: &Db, sha256: &str, kind: &str) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as(
        "SELECT a.sha1 AS sha1, m.body AS body FROM artifacts a \
         LEFT JOIN metadata m ON m.sha256 = a.sha256 AND m.kind = $2 WHERE a.sha256 = $1",
    )
    .bind(sha256)
    .bind(kind)
    .fetch_optional(db.pool())
    .await
}

/// Keeps what was read out of a file later; what is there stays. Readers need not be told: whoever asks next reads the row.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn keep(db: &Db, sha256: &str, kind: &str, body: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO metadata (sha256, kind, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(sha256)
        .bind(kind)
        .bind(body)
        .execute(db.pool())
        .await
        .map(drop)
}

/// The evidence about a file of a package (purl), by the strongest digest that locks pin (`algorithm:hex`): JSON.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn evidence(db: &Db, package: &str, file: &str, digest: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT documents FROM evidence WHERE package = $1 AND file = $2 AND digest = $3")
        .bind(package)
        .bind(file)
        .bind(digest)
        .fetch_optional(db.pool())
        .await
}
