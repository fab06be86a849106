//! A quarter of an hour under everything at once: reading, writing, lies, half uploads, readers that do not read. What grows is printed,
//! and what must not grow is held to it. `cargo test --workspace --test registry soak -- --ignored --nocapture`
use std::{
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use mcpsec_model::digest::Digest;
use mcpsec_testkit::{npm_package, wheel};
use mcpsec_verify::approval::log::{Tree, leaf_hash};

use crate::{
    http::{connect, get},
    mirror_world::{Mirror, Packed, lock, packed},
    pushing::noise,
    server_attacks::greedy,
    wire_fuzz::volley,
};

/// How long it takes.
const LONG: Duration = Duration::from_secs(15 * 60);

/// What the server holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    mebibytes: u64,
    descriptors: usize,
    threads: u64,
    /// Kilobytes of the database, and files that wait below `incoming` and `parts`.
    database: u64,
    waiting: usize,
}

impl Held {
    fn by(mirror: &Mirror, process: u32) -> Self {
        let process = format!("/proc/{process}");
        let status = std::fs::read_to_string(format!("{process}/status")).expect("it lives");
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
            line.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).expect(name)
        };
        let data = mirror.world.data.path();
        let length = |name: &str| data.join(name).metadata().map_or(0, |found| found.len());
        Self {
            mebibytes: number("VmRSS:") >> 10,
            descriptors: std::fs::read_dir(format!("{process}/fd")).expect("it lives").count(),
            threads: number("Threads:"),
            database: (length("registry.db") + length("registry.db-wal")) >> 10,
            waiting: files(&data.join("blobs/incoming")) + files(&data.join("blobs/parts")),
        }
    }
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn server(number: usize) -> (String, Packed) {
    let name = format!("s{number}");
    let packed = Packed::from(&npm_package(&name, "1.0.0").bin(&name, "s.js"));
    (name, packed)
}

/// Half of an upload, and a connection that closes.
fn half(mirror: &Mirror, large: &Packed) {
    let head = format!(
        "PUT /api/v1/artifacts/{}/parts/0 HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n",
        large.digest(),
        mirror.bearer(),
        large.bytes.len()
    );
    let mut stream = connect(mirror.world.server.address());
    let _cut = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&large.bytes[..1 << 20]));
}

#[test]
#[ignore = "a quarter of an hour"]
fn soak() {
    let mirror = Mirror::with(&["--limits-rate", "0", "--log", "error"]);
    let large = npm_package("large", "1.0.0").bin("large", "l.js").file("noise", &noise(3 << 20));
    let large = Packed::from(&large);
    let python = packed("pypi:helper@1.0", &wheel("helper", "1.0"));
    mirror.vet("large", std::slice::from_ref(&large));
    mirror.vet("helper", std::slice::from_ref(&python));
    let waits = Packed::from(&npm_package("waits", "1.0.0").bin("w", "w.js").file("noise", &noise(2 << 20)));
    mirror.push_lock(&lock("waits", std::slice::from_ref(&waits)), "?request=1&reason=x");
    let token = mirror.bearer().trim_start_matches("Bearer ").to_owned();
    let address = mirror.world.server.address().to_owned();
    let (over, reads, lies, writes) =
        (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let goes_on = || !over.load(Ordering::Relaxed);
    let start = Instant::now();
    let process = mirror.world.server.id();
    let first = Held::by(&mirror, process);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let paths = [
                "/npm/large".to_owned(),
                "/npm/large/-/large-1.0.0.tgz".to_owned(),
                "/pypi/simple/helper/".to_owned(),
                format!("/pypi/files/{}/{}", python.sha256(), python.file),
                "/v0.1/servers".to_owned(),
                "/api/v1/approvals".to_owned(),
                "/api/v1/approvals/head".to_owned(),
                "/".to_owned(),
                "/pending".to_owned(),
                "/search?q=s".to_owned(),
                "/metrics".to_owned(),
                "/readyz".to_owned(),
            ];
            while goes_on() {
                for path in &paths {
                    assert_eq!(mirror.get(path).status, 200, "{path}");
                }
                reads.fetch_add(paths.len(), Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            for seed in 1.. {
                if !goes_on() {
                    break;
                }
                lies.fetch_add(volley(&address, &token, seed), Ordering::Relaxed);
                // Everybody is a host of their own.
                let host = format!("h{seed}.invalid");
                assert_eq!(mirror.ask("GET", "/npm/large", &[("Host", &host)], b"").status, 200);
            }
        });
        scope.spawn(|| {
            while goes_on() {
                half(&mirror, &waits);
                let held = greedy(&address, "/npm/large/-/large-1.0.0.tgz", 60);
                std::thread::sleep(Duration::from_secs(2));
                drop(held);
            }
        });
        scope.spawn(|| {
            for number in 0.. {
                if !goes_on() {
                    break;
                }
                let (name, packed) = server(number);
                let approval = mirror.vet(&name, std::slice::from_ref(&packed));
                assert_eq!(mirror.get(&format!("/npm/{name}")).status, 200);
                mirror.revoke(&name, approval);
                assert_eq!(mirror.get(&format!("/npm/{name}")).status, 404);
                writes.fetch_add(3, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        let mut next = Duration::ZERO;
        while start.elapsed() < LONG {
            if start.elapsed() >= next {
                next += Duration::from_secs(60);
                println!(
                    "{:>4} s: {} read, {} lies, {} writes; {:?}",
                    start.elapsed().as_secs(),
                    reads.load(Ordering::Relaxed),
                    lies.load(Ordering::Relaxed),
                    writes.load(Ordering::Relaxed),
                    Held::by(&mirror, process)
                );
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        over.store(true, Ordering::Relaxed);
    });
    std::thread::sleep(Duration::from_secs(2));
    let last = Held::by(&mirror, process);
    println!("at first {first:?}\nat last  {last:?}");
    let audit = String::from_utf8(mirror.world.command(&["audit", "export"]).stdout).expect("UTF-8");
    let done = audit.lines().filter(|line| line.contains("\"outcome\":\"done\"")).count();
    println!("audit: {} rows, {done} of them done", audit.lines().count());
    assert!(last.descriptors < first.descriptors + 60, "{last:?}");
    assert!(last.mebibytes < 200 && last.threads < 600, "{last:?}");
    assert!(last.waiting <= 1, "cut uploads leave nothing: {last:?}");
    assert!(last.database >= first.database, "{last:?}");
    assert!(!audit.contains("anonymous"), "strangers wrote rows");
    // What is acknowledged is there, and holds together; a new process reads and checks all of it.
    let body = mirror.get("/api/v1/approvals").body;
    let mut tree = Tree::default();
    body.split_inclusive(|byte| *byte == b'\n').for_each(|line| tree.push(leaf_hash(&line[..line.len() - 1])));
    let head = mirror.get("/api/v1/approvals/head");
    let root = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, tree.root());
    let size = tree.size().to_string();
    let said: Vec<&str> = head.text().lines().skip(1).take(2).collect();
    assert_eq!(said, [size.as_str(), root.as_str()]);
    let again = mirror.world.replica();
    for path in ["/", "/v0.1/servers", "/npm/large", "/api/v1/releases"] {
        let body = get(&format!("{}{path}", again.address()), &[]);
        assert_eq!(body.status, 200, "{path}");
    }
    // What state alone takes: the rest is what the quarter of an hour left behind.
    println!("anew     {:?}", Held::by(&mirror, again.id()));
    assert_eq!(Digest::sha256_of(&mirror.get("/npm/large/-/large-1.0.0.tgz").body), Digest::sha256_of(&large.bytes));
}
