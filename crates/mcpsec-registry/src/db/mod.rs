//! The database: SQLite in a file, or PostgreSQL, by the same statements.
//!
//! One dialect: numbered parameters (`$1`), `BIGINT` and `TEXT` only, `ON CONFLICT`, no backend's own functions. Values go in as
//! bound parameters and in no other way (the text of a statement is a constant, which `sqlx` checks by its type). Every
//! table has a module here that owns its statements; nobody else writes SQL.
pub mod artifacts;
pub mod audit;
pub mod changes;
mod connect;
pub mod entries;
pub mod evidence;
pub mod locks;
pub mod metadata;
#[cfg(test)]
pub(crate) mod scratch;
#[cfg(test)]
pub(crate) mod seed;
pub mod state;
pub mod tokens;

pub use connect::{Db, DbError, FILE};

/// A transaction that may write. It takes the write lock at its start (SQLite) or with its first write (PostgreSQL).
pub type Tx = sqlx::Transaction<'static, sqlx::Any>;
