//! Where a test's server keeps its state: SQLite and a folder, or a PostgreSQL database and a prefix in an S3 bucket of its own.
//!
//! `MCPSEC_TEST_POSTGRES` (`postgres://USER@HOST:PORT/DATABASE`, allowed to make databases) and `MCPSEC_TEST_S3`
//! (`http://HOST:PORT/BUCKET`) choose; `.ci/run` starts both and runs the whole binary a second time.
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// State of one server, or of several replicas.
pub(crate) struct Backend {
    database: Option<Database>,
    bucket: Option<Bucket>,
}

struct Database {
    server: String,
    name: String,
    /// Where the server under test finds it, when not where we do.
    at: Option<String>,
}

struct Bucket {
    endpoint: String,
    address: String,
}

impl Backend {
    /// New and empty, of the kind that the environment says.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let database = postgres().map(|server| {
            execute(&server, &format!("CREATE DATABASE {name}"));
            Database { server, name: name.clone(), at: None }
        });
        let bucket = variable("MCPSEC_TEST_S3").map(|address| {
            let (endpoint, bucket) = address.rsplit_once('/').expect("http://HOST:PORT/BUCKET");
            Bucket { endpoint: endpoint.to_owned(), address: format!("s3://{bucket}/{name}") }
        });
        Self { database, bucket }
    }

    /// SQLite and a folder, whatever the environment says.
    pub(crate) fn embedded() -> Self {
        Self { database: None, bucket: None }
    }

    /// Whether it is SQLite in the folder of the server.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.database.is_none()
    }

    /// Whether files are in the folder of the server.
    pub(crate) fn is_folder(&self) -> bool {
        self.bucket.is_none()
    }

    /// Where the database listens, `HOST:PORT`; `None` for SQLite.
    pub(crate) fn database_host(&self) -> Option<String> {
        let (_, rest) = self.database.as_ref()?.server.rsplit_once('@').expect("postgres://USER@HOST:PORT/DATABASE");
        rest.split('/').next().map(str::to_owned)
    }

    /// The address of the database; `None`: SQLite.
    pub(crate) fn database_address(&self) -> Option<String> {
        self.database.as_ref().map(Database::address)
    }

    /// The same database, reached at another address.
    pub(crate) fn database_at(mut self, address: &str) -> Self {
        if let Some(database) = &mut self.database {
            database.at = Some(address.to_owned());
        }
        self
    }

    /// Where the bucket's server listens, `HOST:PORT`; `None` for a folder.
    pub(crate) fn bucket_host(&self) -> Option<String> {
        self.bucket.as_ref().map(|bucket| bucket.endpoint.trim_start_matches("http://").to_owned())
    }

    /// The same bucket, reached at another address.
    pub(crate) fn bucket_at(mut self, address: &str) -> Self {
        if let Some(bucket) = &mut self.bucket {
            bucket.endpoint = format!("http://{address}");
        }
        self
    }

    /// The flags that name it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let database = self.database.iter().flat_map(|database| ["--database".to_owned(), database.address()]);
        let bucket = self.bucket.iter().flat_map(|bucket| ["--blobs".to_owned(), bucket.address.clone()]);
        database.chain(bucket).collect()
    }

    /// The environment that it needs.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        match &self.bucket {
            None => Vec::new(),
            Some(bucket) => vec![
                ("AWS_ENDPOINT", &bucket.endpoint),
                ("AWS_ALLOW_HTTP", "true"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ],
        }
    }
}

impl Database {
    fn address(&self) -> String {
        let (start, rest) = self.server.rsplit_once('@').expect("postgres://USER@HOST:PORT/DATABASE");
        let host = self.at.as_deref().unwrap_or_else(|| rest.split('/').next().unwrap_or_default());
        format!("{start}@{host}/{}", self.name)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(database) = &self.database {
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name);
            // A test may be failing already; a database that is left goes with the cluster.
            let _left = std::panic::catch_unwind(|| execute(&database.server, &sql));
        }
    }
}

/// The address of the PostgreSQL of this run.
pub(crate) fn postgres() -> Option<String> {
    variable("MCPSEC_TEST_POSTGRES")
}

/// Runs one statement on the administrator's database.
pub(crate) fn execute(server: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = PgConnection::connect(server).await.expect("PostgreSQL answers");
        // Names are made here: letters, digits and `_`.
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the statement");
    });
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says where PostgreSQL and S3 are")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
