//! The generation: a number that every change readers must see counts up, so that replicas know when to look again.
use super::{Db, Tx};

/// The generation as it is.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn generation(db: &Db) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT generation FROM state WHERE id = 1").fetch_one(db.pool()).await
}

/// Counts up; part of the transaction that changes something.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn advance(tx: &mut Tx) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE state SET generation = generation + 1 WHERE id = 1").execute(&mut **tx).await.map(drop)
}

/// Makes writers of all replicas wait for each other until this transaction ends.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn hold(tx: &mut Tx) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE state SET generation = generation + 0 WHERE id = 1").execute(&mut **tx).await.map(drop)
}
