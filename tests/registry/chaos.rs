//! What a server stands on fails: it says so in clear words, changes nothing by halves, and goes on by itself.
use std::path::Path;

use mcpsec_testkit::{NpmServer, npm_package, program};
use reqwest::Method;
use sqlx::Connection as _;

use crate::{
    allowlist::{Team, token},
    backends::Backend,
    http::{Answer, ask, client, eventually, get, wait},
    people::{Person, lines},
    pushing,
    relay::{Mood, Relay},
    world::World,
};

/// A small file system of its own, for full disks. `None`, said on standard error, where mounting is not allowed.
struct Disk {
    folder: tempfile::TempDir,
    mount: std::path::PathBuf,
}

impl Disk {
    fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = program::find("mount");
        let mounted = mount.filter(|mount| {
            let at = folder.path().to_str().expect("UTF-8");
            program::run(mount, &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", at], &[]).code == Some(0)
        });
        if mounted.is_none() {
            eprintln!("skipped: no file system can be mounted here");
        }
        Some(Self { folder, mount: mounted? })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn grow(&self, size: &str) {
        let at = self.path().to_str().expect("UTF-8");
        let grown = program::run(&self.mount, &["-o", &format!("remount,size={size}"), at], &[]);
        assert_eq!(grown.code, Some(0), "{}", String::from_utf8_lossy(&grown.stderr));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(umount) = program::find("umount") {
            let _unmounted = program::run(&umount, &["-l", self.path().to_str().expect("UTF-8")], &[]);
        }
    }
}

fn embedded() -> bool {
    let backend = Backend::new();
    let embedded = backend.is_sqlite() && backend.is_folder();
    if !embedded {
        eprintln!("skipped: this is about SQLite and a folder");
    }
    embedded
}

/// 503 or 507 in our form, with what to do.
#[track_caller]
fn not_now(answer: &Answer) {
    assert!(matches!(answer.status, 503 | 507), "{}: {}", answer.status, answer.text());
    assert!(!answer.json()["error"].as_str().unwrap_or_default().is_empty(), "{}", answer.text());
    assert!(!answer.json()["hint"].as_str().unwrap_or_default().is_empty(), "{}", answer.text());
    assert!(
        !answer.text().contains("/tmp") && !answer.text().contains("127.0.0.1"),
        "nothing of the inside: {}",
        answer.text()
    );
}

#[test]
fn a_full_disk_under_the_log() {
    if !embedded() {
        return;
    }
    let Some(disk) = Disk::new("2m") else { return };
    let database = format!("sqlite://{}?mode=rwc", disk.path().join("registry.db").display());
    let team = Team::with(&["--database", &database]);
    let mut acknowledged = String::new();
    let mut number = 0;
    let refused = loop {
        let batch: String = (number..number + 50).map(|number| lines([&team.bob.approves("files", number)])).collect();
        number += 50;
        let answer = team.post(batch.clone());
        if answer.status != 200 {
            break answer;
        }
        acknowledged += &batch;
        assert!(number < 100_000, "the disk is never full");
    };
    not_now(&refused);
    // Reading goes on, and what is there is whole.
    assert!(team.log() == acknowledged, "the batch that did not fit left something behind");
    assert_eq!(team.head().size, acknowledged.lines().count() as u64);
    disk.grow("64m");
    let more = lines([&team.bob.approves("files", number)]);
    // Whichever connection to the database it meets.
    for _ in 0..4 {
        let answer = team.post(more.clone());
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), team.world.server.errors());
    }
    assert!(team.log() == acknowledged + &more);
}

#[test]
fn a_full_disk_under_the_files() {
    if !embedded() {
        return;
    }
    let Some(disk) = Disk::new("4m") else { return };
    let big = npm_package("left", "1.0.3").file("noise", &pushing::noise(6 << 20));
    let npm = NpmServer::start();
    npm.publish_all(&[pushing::files(), big.clone()]);
    let blobs = format!("file://{}", disk.path().display());
    let Some(team) = pushing::Team::of(npm, &["--blobs", &blobs]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    let bytes = big.tarball();
    let path = format!("/api/v1/artifacts/{}", mcpsec_model::digest::Digest::sha512_of(&bytes));
    let refused = team.put(&path, bytes.clone());
    assert!(matches!(refused.status, 503 | 507), "{}", refused.json());
    assert!(refused.json()["hint"].is_string(), "{}", refused.json());
    // It can still tell how it is, and still says what is vetted.
    assert_eq!(team.get("/readyz").status, 200);
    assert_eq!(team.status(), "incomplete");
    disk.grow("64m");
    let _arrived = team.put(&path, bytes.clone()).is(200);
    assert_eq!(team.ask(Method::GET, &path, "").is(200).body, bytes);
}

#[test]
fn a_database_that_another_process_holds() {
    if !embedded() {
        return;
    }
    let team = Team::new();
    let first = lines([&team.bob.approves("files", 0)]);
    assert_eq!(team.post(first.clone()).status, 200);
    let url = format!("sqlite://{}", team.world.data.path().join("registry.db").display());
    let mut holder = wait(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.expect("it opens");
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.expect("the write lock");
        connection
    });
    let second = lines([&team.bob.approves("files", 1)]);
    not_now(&team.post(second.clone()));
    // Whoever only reads does not notice.
    assert!(team.log() == first);
    assert_eq!(get(&team.world.url("/readyz"), &[]).status, 200);
    wait(async { sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.expect("it ends") });
    assert_eq!(team.post(second.clone()).status, 200);
    assert!(team.log() == first + &second);
}

#[test]
fn a_database_that_is_gone_and_comes_back() {
    let backend = Backend::new();
    let Some(host) = backend.database_host() else {
        eprintln!("skipped: no PostgreSQL (MCPSEC_TEST_POSTGRES)");
        return;
    };
    let relay = Relay::new(&[&host]);
    let bob = Person::new("bob");
    let world = World::on(backend.database_at(relay.address()), &[], |data| {
        crate::world::put(&data.join("mcp-signers"), &bob.entry(""))
    });
    let token = token(&world, &["--scope", "approve-submit"]);
    let post = |number| {
        ask(client()
            .post(world.url("/api/v1/approvals"))
            .bearer_auth(&token)
            .body(lines([&bob.approves("files", number)])))
    };
    assert_eq!(post(0).status, 200);
    relay.set(Mood::Cut);
    not_now(&post(1));
    let ready = get(&world.url("/readyz"), &[]);
    assert_eq!((ready.status, ready.json()["parts"]["database"].as_str()), (503, Some("no")));
    // Restarting the process would not help, so it does not ask for that.
    assert_eq!(get(&world.url("/healthz"), &[]).status, 200);
    let metrics = get(&world.url("/metrics"), &[]);
    assert!(metrics.text().contains(r#"mcpsec_registry_unavailable_total{what="the database"}"#), "{}", metrics.text());
    relay.set(Mood::Open);
    eventually("it goes on by itself", || post(1).status == 200);
    let log = get(&world.url("/api/v1/approvals"), &[]);
    assert_eq!(log.text().lines().count(), 2, "nothing lost, nothing twice");
}

#[test]
fn a_blob_store_that_is_overloaded() {
    let backend = Backend::new();
    let Some(host) = backend.bucket_host() else {
        eprintln!("skipped: no S3-compatible server (MCPSEC_TEST_S3)");
        return;
    };
    let relay = Relay::new(&[&host]);
    let npm = NpmServer::start();
    npm.publish_all(&[pushing::files(), pushing::left()]);
    let Some(team) = pushing::Team::on(backend.bucket_at(relay.address()), npm, &[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    relay.set(Mood::Busy);
    for (digest, bytes) in team.tarballs() {
        let refused = team.put(&format!("/api/v1/artifacts/{digest}"), bytes);
        assert_eq!(refused.status, 503);
        assert!(refused.json()["hint"].is_string(), "{}", refused.json());
    }
    let ready = team.get("/readyz").is(503).json();
    assert_eq!((ready["parts"]["blobs"].as_str(), ready["parts"]["database"].as_str()), (Some("no"), Some("ok")));
    relay.set(Mood::Open);
    team.push_all("");
    assert_eq!(team.status(), "vetted");
}
