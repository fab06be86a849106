//! Evidence, as clients uploaded it. Clients verify it; the server does not vouch for it.
use super::{Db, Tx};

/// What a document is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About<'a> {
    /// The package URL.
    pub package: &'a str,
    /// The file's name in the lock.
    pub file: &'a str,
    /// The strongest digest that locks pin, `algorithm:hex`.
    pub digest: &'a str,
}

/// The documents about a file, JSON.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn one(db: &Db, about: &About<'_>) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT documents FROM evidence WHERE package = $1 AND file = $2 AND digest = $3")
        .bind(about.package)
        .bind(about.file)
        .bind(about.digest)
        .fetch_optional(db.pool())
        .await
}

/// Their length in characters.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn length(db: &Db, about: &About<'_>) -> Result<Option<i64>, sqlx::Error> {
    let length =
        "SELECT CAST(LENGTH(documents) AS BIGINT) FROM evidence WHERE package = $1 AND file = $2 AND digest = $3";
    sqlx::query_scalar(length).bind(about.package).bind(about.file).bind(about.digest).fetch_optional(db.pool()).await
}

/// [`one`] for whoever is about to change it: it stays as it is until the transaction ends.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn held(tx: &mut Tx, about: &About<'_>) -> Result<Option<String>, sqlx::Error> {
    // Two that merge with the same earlier document must not forget each other's. SQLite holds the write lock already.
    super::state::hold(tx).await?;
    sqlx::query_scalar("SELECT documents FROM evidence WHERE package = $1 AND file = $2 AND digest = $3")
        .bind(about.package)
        .bind(about.file)
        .bind(about.digest)
        .fetch_optional(&mut **tx)
        .await
}

/// Keeps the documents about a file in place of earlier ones.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn put(tx: &mut Tx, about: &About<'_>, documents: &str, now: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO evidence (package, file, digest, documents, updated_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (package, file, digest) DO UPDATE SET documents = excluded.documents, updated_at = excluded.updated_at",
    )
    .bind(about.package)
    .bind(about.file)
    .bind(about.digest)
    .bind(documents)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    super::state::advance(tx).await
}
