//! Opening a database and bringing its schema up to date, safely beside other replicas that do the same.
use std::{path::Path, time::Duration};

use sqlx::{AnyPool, Connection as _, Executor as _, any::AnyPoolOptions, migrate::Migrator};

use super::Tx;
use crate::{config::Secret, error::ApiError};

/// The database in the data folder.
pub const FILE: &str = "registry.db";

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// A pool of connections.
#[derive(Clone, Debug)]
pub struct Db {
    pool: AnyPool,
    postgres: bool,
}

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The address names another kind of database.
    #[error("`{scheme}` is no database that can be used; give sqlite://FILE or postgres://USER@HOST/NAME")]
    Scheme {
        /// What stands before `:`.
        scheme: String,
    },
    /// The schema could not be brought up to date.
    #[error("the schema of the database could not be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// No connection came about.
    #[error("{address}: {why}; {}", if *.postgres {
        "is it running there, and are user, password and name of the database right?"
    } else {
        "its folder must exist, and be writable by whoever runs this program"
    })]
    Connect {
        /// Which one, without secrets.
        address: String,
        /// Whether it is PostgreSQL.
        postgres: bool,
        /// Why not.
        why: sqlx::Error,
    },
    /// Anything else.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        Self::unavailable("the database", &error)
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::unavailable("the database", &error)
    }
}

impl Db {
    /// Opens the database at `address`, or `registry.db` in `data`, and brings its schema up to date. Replicas that start together
    /// wait for each other.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn open(address: Option<&Secret>, data: &Path) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        let mut url = match address {
            Some(address) => address.expose().to_owned(),
            None => format!("sqlite://{}", data.join(FILE).display()),
        };
        let scheme = url.split(':').next().unwrap_or_default();
        let postgres = match scheme {
            "sqlite" => false,
            "postgres" | "postgresql" => true,
            other => return Err(DbError::Scheme { scheme: other.to_owned() }),
        };
        let shown = Secret::new(url.as_str()).to_string();
        let failed = |why| DbError::Connect { address: shown.clone(), postgres, why };
        if !postgres && !url.contains('?') {
            url += "?mode=rwc";
        }
        if !postgres {
            // A pool tries again and again for what it takes for a server that is about to start; a file is there or it is not.
            probe(&url).await.map_err(failed)?;
        }
        let pool = AnyPoolOptions::new()
            .max_connections(if postgres { 16 } else { 8 })
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !postgres {
                        // `synchronous = FULL`: an acknowledged write survives a power failure, also with a write-ahead log.
                        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000; \
                                        PRAGMA foreign_keys = ON;";
                        connection.execute(settings).await?;
                    }
                    Ok(())
                })
            })
            // A full disk ends a transaction of SQLite before its rollback, which then fails, and the driver believes it open for ever.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect(&url)
            .await;
        let pool = match pool {
            // It says only that it waited; a single connection says for what.
            Err(sqlx::Error::PoolTimedOut) => {
                return Err(failed(
                    sqlx::AnyConnection::connect(&url).await.err().unwrap_or(sqlx::Error::PoolTimedOut),
                ));
            }
            pool => pool.map_err(failed)?,
        };
        let db = Self { pool, postgres };
        db.migrate().await?;
        Ok(db)
    }

    /// PostgreSQL has a lock that others wait for. SQLite has none; there whoever comes second finds tables that its first look did not
    /// see, nothing of its own is left, since each migration is a transaction, and its second look sees what is done.
    async fn migrate(&self) -> Result<(), DbError> {
        if self.postgres {
            return Ok(POSTGRES.run(&self.pool).await?);
        }
        for _ in 0..10 {
            match SQLITE.run(&self.pool).await {
                Err(sqlx::migrate::MigrateError::ExecuteMigration(..) | sqlx::migrate::MigrateError::Execute(_)) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                done => return Ok(done?),
            }
        }
        Ok(SQLITE.run(&self.pool).await?)
    }

    /// The pool, for single statements.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// A transaction that may write.
    ///
    /// # Errors
    /// [`sqlx::Error`]: no connection.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        // SQLite would otherwise refuse the first write of a transaction that another writer overtook.
        if self.postgres { self.pool.begin().await } else { self.pool.begin_with("BEGIN IMMEDIATE").await }
    }
}

/// Whether a file of SQLite can be opened and written. One that others are writing can.
async fn probe(url: &str) -> Result<(), sqlx::Error> {
    let mut connection = sqlx::AnyConnection::connect(url).await?;
    match connection.execute("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE; ROLLBACK;").await {
        Err(sqlx::Error::Database(error)) if is_busy(error.code().as_deref()) => Ok(()),
        done => done.map(drop),
    }?;
    connection.close().await
}

/// SQLITE_BUSY in any of its extended forms (<https://sqlite.org/rescode.html>).
fn is_busy(code: Option<&str>) -> bool {
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_databases_have_one_schema() {
        let sqlite = include_str!("../../migrations/sqlite/0001_start.sql");
        let postgres = include_str!("../../migrations/postgres/0001_start.sql");
        let own = ("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
        assert!(sqlite.contains(own.0), "the one place where they differ");
        assert_eq!(sqlite.replace(own.0, own.1), postgres);
    }
}
