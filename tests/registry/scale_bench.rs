//! A team after years: 500 servers, 100,000 entries in the log. How long everything takes that people wait for, on the server and on a
//! laptop, and how much memory it needs. Asserts only that answers are answers; `benches/compare/allowlist.sh` runs it.
use std::{
    path::Path,
    time::{Duration, Instant},
};

use mcpsec_model::{
    approval::{Approval, Approved, Reviewer, Statement, Summary, Word, rules_id},
    digest::ClosureId,
    lock::Lock,
};
use mcpsec_registry::db::{Db, locks};
use mcpsec_testkit::{NpmServer, npm_package};
use mcpsec_verify::approval::Key;
use serde_json::json;

use crate::{
    bench::{Watched, copied, kib},
    page_world::{Version, pem, stored, tool},
    pushing::{Team, noise},
    world::put,
};

const SERVERS: usize = 500;
const ENTRIES: usize = 100_000;
/// Packages of one server, drawn from a pool that the team shares as real ones do.
const CLOSURE: usize = 100;
const POOL: usize = 4_000;
const TOOLS: usize = 20;
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----";

fn version(number: usize, closure: usize, tools: usize) -> Version {
    let words = "Reads what is asked for, and says in one sentence what it found there and where. ".repeat(6);
    let tools: Vec<_> = (0..tools).map(|tool_number| tool(&format!("tool_{number}_{tool_number}"), &words)).collect();
    let mut version = Version::new(&format!("server-{number:03}"), "1.2.3")
        .telling(json!({ "serverInfo": { "name": format!("server {number}"), "version": "1.2.3" }, "tools": tools }));
    let package = |n: usize| {
        let drawn = (number * 41 + n * 37) % POOL;
        format!("npm:dependency-{drawn}@1.0.{}", drawn % 7)
    };
    version.packages = (0..closure).map(package).collect();
    version
}

/// What approvals of a lock are about.
struct Subject {
    what: Approved,
    summary: Summary,
}

impl Subject {
    fn of(lock: &Lock) -> Self {
        let server = lock.servers.values().next().expect("a server");
        Self { what: Approved::of(lock, server), summary: Summary::of(lock, server) }
    }

    /// An approval of it, or where `number` is not 0 of a version that was vetted before it.
    fn approval(&self, key: &Key, number: usize) -> String {
        let mut what = self.what.clone();
        if number > 0 {
            what.version = format!("0.{number}.0");
            what.purl = what.purl.replace("1.2.3", &what.version);
            what.closure = ClosureId::of(what.version.as_bytes());
        }
        let statement = Statement::Approval(Box::new(Approval {
            what,
            criteria: [Word::reviewed()].into(),
            reviewer: Reviewer { name: "grace".to_owned(), key: key.public().fingerprint() },
            reason: "read every tool, nothing leaves the machine".to_owned(),
            issued: "2026-01-01T00:00:00Z".parse().expect("a time"),
            expires: "2035-12-01T00:00:00Z".parse().expect("a time"),
            rules: rules_id([]),
            summary: self.summary.clone(),
        }));
        key.sign(&statement).expect("a signature").to_line()
    }
}

/// Puts locks and files into the database of a server, as pushes would have.
fn fill(data: &Path, all: &[Lock]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let db = Db::open(None, data).await.expect("a database");
        let mut tx = db.begin().await.expect("a transaction");
        for lock in all {
            let new = stored(lock, 1_790_000_000, "");
            assert!(locks::insert(&mut tx, &new).await.expect("a lock"));
            for file in new.files {
                let insert = "INSERT INTO artifacts (sha256, sha512, sha1, size, arrived_at) VALUES ($1, $2, '', 12345, 0) ON CONFLICT DO NOTHING";
                sqlx::query(insert).bind(&file.sha256).bind(&file.sha512).execute(&mut *tx).await.expect("a file");
            }
        }
        tx.commit().await.expect("it is written");
    });
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn shown(what: &str, took: Duration, more: &str) {
    eprintln!("{what:<56} {:>9.1} ms  {more}", took.as_secs_f64() * 1000.0);
}

/// Asks 30 times over one connection: the first time, and the middle one of the others.
fn page(runtime: &tokio::runtime::Runtime, client: &reqwest::Client, base: &str, path: &str) -> String {
    let ask = || {
        runtime.block_on(async {
            let answer = client.get(format!("{base}{path}")).send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{path}");
            answer.text().await.expect("a text")
        })
    };
    let (body, first) = timed(ask);
    let mut others: Vec<Duration> = (0..29).map(|_| timed(ask).1).collect();
    others.sort();
    shown(
        &format!("GET {path}"),
        others[14],
        &format!("at first {:.1} ms, {} bytes", first.as_secs_f64() * 1000.0, body.len()),
    );
    body
}

/// Runs `mcpsec` three times, and says how long the middle one took and how much memory it had at most.
fn client(team: &Team, what: &str, times: usize, arguments: &[&str]) {
    let mut all = Vec::new();
    let mut memory = 0;
    for _ in 0..times {
        let start = Instant::now();
        let mut running = team.env.start(arguments);
        while !running.has_ended() {
            memory = memory.max(kib(running.id(), "VmHWM:").unwrap_or(0));
            std::thread::sleep(Duration::from_micros(500));
        }
        all.push(start.elapsed());
        let done = running.wait();
        assert_eq!(done.code, Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    }
    all.sort();
    shown(what, all[times / 2], &format!("at most {} MiB", memory >> 10));
}

#[test]
#[ignore = "bench: benches/compare/allowlist.sh runs it"]
fn bench_500_servers_and_100_000_entries() {
    let Some(mut team) = Team::new(&["--limits-rate", "0", "--log", "warn"]) else { return };
    let key = Key::parse(KEY).expect("a key");
    let grace = format!("\n[[signer]]\nname = \"grace\"\nkey = \"\"\"\n{}\n\"\"\"\n", pem(&key));
    let signers = team.world.data.path().join("mcp-signers");
    put(&signers, &(std::fs::read_to_string(&signers).expect("signers") + &grace));
    team.env.write("mcp-signers", team.env.read("mcp-signers") + &grace);

    let all: Vec<Lock> = (0..SERVERS).map(|number| version(number, CLOSURE, TOOLS).lock()).collect();
    let subjects: Vec<Subject> = all.iter().map(Subject::of).collect();
    // A line is as long as its closure and tools: 9 kB for these, and a file of 100,000 would be longer than a file may be. The past is
    // of smaller servers.
    let past: Vec<Subject> = (0..SERVERS).map(|number| Subject::of(&version(number, 5, 3).lock())).collect();
    let line = |n: usize| {
        if n < SERVERS { subjects[n].approval(&key, 0) } else { past[n % SERVERS].approval(&key, n / SERVERS) }
    };
    let lines: String = (0..ENTRIES - 1).map(|n| line(n) + "\n").collect();
    let text: usize = all.iter().map(|lock| lock.to_text().len()).sum();
    eprintln!(
        "{SERVERS} servers, {} KiB of lock each; {ENTRIES} entries, {} MiB",
        (text / SERVERS) >> 10,
        lines.len() >> 20
    );
    team.world.server.kill();
    fill(team.world.data.path(), &all);
    drop(all);
    let file = team.world.data.path().join("years.jsonl");
    put(&file, &lines);
    drop(lines);
    let (done, took) = timed(|| team.world.command(&["approvals", "import", &file.display().to_string()]));
    assert_eq!(done.code, Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    shown("mcpsec-registry approvals import", took, "");

    let ((), took) = timed(|| team.world.restart());
    let memory = |team: &Team| Watched::one(team.world.server.id()).shown();
    shown("start of the server", took, &memory(&team));
    team.approve();
    let (taken, took) = timed(|| team.put_lock("").is(200));
    drop(taken);
    shown("PUT a lock", took, &memory(&team));
    team.push_all("");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let base = team.world.url("");
    let get = |path: &str| page(&runtime, &http, &base, path);
    let _front = get("/");
    let server = get("/servers/server-007");
    let lock = server.split("/servers/server-007/").nth(1).and_then(|rest| rest.get(..71)).expect("a lock");
    for path in [
        &format!("/servers/server-007/{lock}"),
        &format!("/servers/server-007/{lock}/manifest"),
        "/search?q=server-0",
        "/search?q=tool_7",
        "/search?q=dependency-12",
        "/search?q=nothing-has-this",
        "/pending",
        "/log",
        "/log?before=50000",
        "/v0.1/servers",
        "/v0.1/servers?limit=100",
        "/v0.1/servers?search=server-4",
        "/api/v1/releases",
        "/api/v1/approvals/head",
        "/api/v1/approvals?since=99990",
        "/metrics",
    ] {
        let _body = get(path);
    }
    eprintln!("{:<56} {}", "server after all pages", memory(&team));

    client(&team, "mcpsec verify --offline, without [team]", 5, &["verify", "--offline"]);
    let config = team.env.read("mcp.toml");
    team.env.write("mcp.toml", format!("{config}\n[team]\nregistry = \"{base}\"\nmirror = \"off\"\n"));
    client(&team, "mcpsec approvals: first sync", 1, &["approvals"]);
    client(&team, "mcpsec approvals: nothing new", 5, &["approvals"]);
    client(&team, "mcpsec verify --offline, with [team]", 5, &["verify", "--offline"]);
    for (number, subject) in past.iter().take(3).enumerate() {
        // One statement more, by the API.
        let line = subject.approval(&key, 1_000_000 + number) + "\n";
        let _taken = team.ask(reqwest::Method::POST, "/api/v1/approvals", line).is(200);
        client(&team, "mcpsec approvals: one entry more", 1, &["approvals"]);
    }
    eprintln!("{:<56} {}", "server after all", memory(&team));
}

#[test]
#[ignore = "bench: benches/compare/allowlist.sh runs it"]
fn bench_push_of_480_files() {
    const FILES: usize = 480;
    let npm = NpmServer::start();
    let names: Vec<String> = (0..FILES - 1).map(|n| format!("dependency-{n}")).collect();
    let own =
        names.iter().fold(npm_package("files", "1.0.0").bin("files", "index.js"), |own, name| own.dep(name, "1.0.0"));
    let mut packages = vec![own];
    packages.extend(names.iter().enumerate().map(|(n, name)| {
        // As long as real ones: most are short, some are not.
        npm_package(name, "1.0.0").file("noise.bin", &noise(2_000 + n * n % 997 * 120))
    }));
    npm.publish_all(&packages);
    let Some(mut team) = Team::of(npm, &["--limits-rate", "0", "--log", "warn"]) else { return };
    team.approve();
    let config = team.env.read("mcp.toml");
    team.env.write("mcp.toml", format!("{config}\n[team]\nregistry = \"{}\"\n", team.world.url("")));
    let token = team.token.clone();
    team.env.set("MCPSEC_TEAM_TOKEN", token);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files: Vec<_> = packages
        .iter()
        .map(|package| {
            let path = folder.path().join(package.file_name());
            crate::mirror_world::put(&path, package.tarball()).expect("written");
            path
        })
        .collect();
    let to = tempfile::tempdir().expect("a temporary folder");
    let (took, bytes) = copied(&files, to.path());
    shown("copying the files", took, &format!("{FILES} files, {} MiB", bytes >> 20));
    let ((), took) = timed(|| {
        for file in &files {
            let copy = to.path().join("durable");
            std::fs::copy(file, &copy).expect("a copy");
            std::fs::File::open(&copy).and_then(|file| file.sync_all()).expect("on the disk");
        }
    });
    shown("copying the files, fsync after each", took, "");
    client(&team, "mcpsec push", 1, &["push"]);
    client(&team, "mcpsec push: all is there", 3, &["push"]);
    assert_eq!(team.status(), "vetted");
    eprintln!("{:<56} {}", "server after the push", Watched::one(team.world.server.id()).shown());
}
