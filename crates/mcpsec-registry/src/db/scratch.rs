//! The database of one test: SQLite in the test's folder, or, where `MCPSEC_TEST_POSTGRES` (`postgres://USER@HOST:PORT/DATABASE`, allowed
//! to make databases) names a server, a database of its own there. `.ci/run` runs the tests both ways.
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::config::Secret;

/// A new and empty database, gone with this value.
#[derive(Debug)]
pub(crate) struct Scratch(Option<Own>);

#[derive(Debug)]
struct Own {
    server: String,
    name: String,
}

impl Scratch {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says where PostgreSQL is")]
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("MCPSEC_TEST_POSTGRES") else { return Self(None) };
        let name = format!("u{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&server, format!("CREATE DATABASE {name}"));
        Self(Some(Own { server, name }))
    }

    /// Its address; `None`: SQLite, wherever the server puts it.
    pub(crate) fn address(&self) -> Option<Secret> {
        let Own { server, name } = self.0.as_ref()?;
        let (start, _) = server.rsplit_once('/').expect("postgres://USER@HOST:PORT/DATABASE");
        Some(Secret::new(format!("{start}/{name}")))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(Own { server, name }) = &self.0 {
            let (server, sql) = (server.clone(), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            // A test may be failing already; a database that is left goes with the cluster.
            let _left = std::panic::catch_unwind(move || execute(&server, sql));
        }
    }
}

/// Runs one statement, on a thread of its own: tests have runtimes, which do not wait for others.
fn execute(server: &str, sql: String) {
    let server = server.to_owned();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&server).await.expect("PostgreSQL answers");
            // Names are made here: letters, digits and `_`.
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the statement");
        });
    };
    std::thread::spawn(run).join().expect("it is done");
}
