//! Rows for tests that look at what readers make of them: as if they had come in by the writing addresses.
use mcpsec_model::{
    approval::{Envelope, Statement},
    digest::Digest,
    lock::Lock,
};

use super::{Db, entries, locks};

/// A pushed lock of one server with all of its files.
pub(crate) async fn lock(db: &Db, text: &str, at: i64) -> Digest {
    let lock = Lock::parse(text, "seed").expect("a lock");
    let server = lock.servers.values().next().expect("a server");
    let digest = Digest::sha256_of(text.as_bytes());
    let hex = |bytes: Option<&[u8]>| bytes.map(hex::encode).unwrap_or_default();
    let mut files = Vec::new();
    for package in lock.packages.values() {
        for file in &package.artifacts {
            let (sha256, sha512) =
                (hex(file.digests.sha256.as_ref().map(|b| &b[..])), hex(file.digests.sha512.as_ref().map(|b| &b[..])));
            files.push(locks::FileRow {
                package: package.id.purl(),
                file: file.file.to_string(),
                digest: file.digests.strongest().expect("a digest").to_string(),
                sha256,
                sha512,
                size: 1,
            });
        }
    }
    let row = locks::LockRow {
        digest: digest.to_string(),
        pushed_at: at,
        pushed_by: "seed".to_owned(),
        requested: 0,
        reason: String::new(),
    };
    let new = locks::NewLock {
        row,
        text: text.to_owned(),
        server: server.name.to_string(),
        version: server.version.clone(),
        purl: server.closure.root().package().purl(),
        files,
    };
    let mut tx = db.begin().await.expect("a transaction");
    locks::insert(&mut tx, &new).await.expect("a new lock");
    tx.commit().await.expect("a commit");
    digest
}

/// Every file that this lock names arrives: what was hashed then is made up where the lock does not say it.
pub(crate) async fn files(db: &Db, text: &str, at: i64) {
    let lock = Lock::parse(text, "seed").expect("a lock");
    let mut tx = db.begin().await.expect("a transaction");
    for file in lock.packages.values().flat_map(|package| &package.artifacts) {
        let pinned = file.digests.strongest().expect("a digest");
        let sha256 = file.digests.sha256.map_or_else(|| Digest::sha256_of(pinned.as_bytes()).to_hex(), hex::encode);
        let sha512 = file.digests.sha512.map_or_else(|| Digest::sha512_of(pinned.as_bytes()).to_hex(), hex::encode);
        sqlx::query(
            "INSERT INTO artifacts (sha256, sha512, sha1, size, arrived_at) VALUES ($1, $2, '', 1, $3) ON CONFLICT DO NOTHING",
        )
        .bind(sha256)
        .bind(sha512)
        .bind(at)
        .execute(&mut *tx)
        .await
        .expect("a file");
    }
    super::state::advance(&mut tx).await.expect("a generation");
    tx.commit().await.expect("a commit");
}

/// A statement in the log.
pub(crate) async fn entry(db: &Db, envelope: &Envelope, at: i64) {
    let statement = Statement::parse(envelope.payload()).expect("a statement");
    let line = envelope.to_line();
    let mut tx = db.begin().await.expect("a transaction");
    let log = entries::lock(&mut tx).await.expect("the log");
    let new = entries::NewEntry {
        leaf: Digest::sha256_of(line.as_bytes()).to_hex(),
        statement: envelope.id().to_string(),
        server: statement.server().to_string(),
        line,
    };
    entries::insert(&mut tx, log.size, &new, at, "seed").await.expect("an entry");
    entries::set(&mut tx, log.size + 1, &log.root).await.expect("a size");
    tx.commit().await.expect("a commit");
}
