//! Tokens: only a hash of each is here.
use super::{Db, Tx};

/// A row of `tokens`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TokenRow {
    /// The public half.
    pub id: String,
    /// Hex of the SHA-256 of the secret half.
    pub hash: String,
    /// What people call it.
    pub name: String,
    /// Words with a space between.
    pub scopes: String,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970: from then on it is worth nothing.
    pub expires_at: i64,
    /// Seconds since 1970; 0: it is not revoked.
    pub revoked_at: i64,
}

/// One token.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn one(db: &Db, id: &str) -> Result<Option<TokenRow>, sqlx::Error> {
    sqlx::query_as("SELECT id, hash, name, scopes, created_at, expires_at, revoked_at FROM tokens WHERE id = $1")
        .bind(id)
        .fetch_optional(db.pool())
        .await
}

/// All tokens, the newest first.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn all(db: &Db) -> Result<Vec<TokenRow>, sqlx::Error> {
    let all =
        "SELECT id, hash, name, scopes, created_at, expires_at, revoked_at FROM tokens ORDER BY created_at DESC, id";
    sqlx::query_as(all).fetch_all(db.pool()).await
}

/// Adds one.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn insert(tx: &mut Tx, row: &TokenRow) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO tokens (id, hash, name, scopes, created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&row.id)
    .bind(&row.hash)
    .bind(&row.name)
    .bind(&row.scopes)
    .bind(row.created_at)
    .bind(row.expires_at)
    .bind(row.revoked_at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Revokes one; whether it was there and was not revoked before. A revoked token stays revoked at its first time.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn revoke(tx: &mut Tx, id: &str, at: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0")
        .bind(id)
        .bind(at)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}
