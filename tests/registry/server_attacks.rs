//! The server under attack: by whoever reaches it, by whoever has a token to push, and by what a reverse proxy keeps.
use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    time::Duration,
};

use mcpsec_model::{digest::Digest, lock::Lock};
use mcpsec_testkit::{npm_package, wheel};

use crate::{
    backends::Backend,
    http::{connect, eventually, wait},
    mirror_world::{Mirror, Packed, lock, packed, put},
    pushing::noise,
    world::World,
};

fn tool() -> Packed {
    Packed::from(&npm_package("tool", "1.0.0").bin("tool", "t.js"))
}

/// Takes everybody out of mcp-signers.
fn nobody(mirror: &Mirror) -> String {
    let path = mirror.world.data.path().join("mcp-signers");
    let before = std::fs::read_to_string(&path).expect("a file");
    put(&path, "").expect("a file");
    before
}

#[test]
fn a_key_that_is_taken_out_of_mcp_signers_counts_no_longer() {
    let mirror = Mirror::new();
    mirror.vet("tool", &[tool()]);
    let tarball = "/npm/tool/-/tool-1.0.0.tgz";
    assert_eq!((mirror.get("/npm/tool").status, mirror.get(tarball).status), (200, 200));
    let before = nobody(&mirror);
    eventually("the packument is gone", || mirror.get("/npm/tool").status == 404);
    assert_eq!(mirror.get(tarball).status, 404);
    assert_eq!(mirror.get("/policy/mcp-signers").text(), "");
    // Editors learn that it is gone, and not only that it is not there any more.
    let listed = mirror.get("/v0.1/servers?include_deleted=true").json();
    let official = &listed["servers"][0]["_meta"]["io.modelcontextprotocol.registry/official"];
    assert_eq!(official["status"], "deleted", "{listed}");
    // Nothing that the key signs comes in.
    let again = lock("again", &[tool()]);
    assert_eq!(mirror.try_approve(&again).status, 422);
    // What cannot be read changes nothing.
    put(mirror.world.data.path().join("mcp-signers"), "[[signer]]\nname = ").expect("a file");
    eventually("it is counted", || mirror.get("/metrics").text().contains("\nmcpsec_registry_signers_current 0\n"));
    assert_eq!(mirror.get("/npm/tool").status, 404);
    put(mirror.world.data.path().join("mcp-signers"), before).expect("a file");
    eventually("the packument is back", || mirror.get("/npm/tool").status == 200);
    let said = mirror.world.command(&["audit", "export"]);
    let said = String::from_utf8(said.stdout).expect("UTF-8");
    let rows: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let changes = rows.iter().filter(|row| row["action"] == "signers" && row["actor"] == "operator").count();
    assert_eq!(changes, 2, "{said}");
}

#[test]
fn caches_ask_each_time_whether_a_file_is_still_vetted() {
    let mirror = Mirror::new();
    let python = packed("pypi:helper@1.0", &wheel("helper", "1.0"));
    let approval = mirror.vet("tool", &[tool()]);
    mirror.vet("helper", std::slice::from_ref(&python));
    let wheel = format!("/pypi/files/{}/{}", python.sha256(), python.file);
    let paths = [
        "/npm/tool/-/tool-1.0.0.tgz".to_owned(),
        format!("/api/v1/artifacts/{}", tool().digest()),
        wheel.clone(),
        format!("{wheel}.metadata"),
    ];
    for path in &paths {
        let answer = mirror.get(path);
        let keep = answer.header("cache-control").expect("a policy").to_owned();
        assert!(keep.contains("no-cache") && !keep.contains("max-age"), "{path}: {keep}");
        let tag = answer.header("etag").expect("a tag").to_owned();
        assert_eq!(mirror.ask("GET", path, &[("If-None-Match", &tag)], b"").status, 304, "{path}");
    }
    let tag = mirror.get(&paths[0]).header("etag").expect("a tag").to_owned();
    mirror.revoke("tool", approval);
    for path in &paths[..2] {
        assert_eq!(mirror.ask("GET", path, &[("If-None-Match", &tag)], b"").status, 404, "{path}");
    }
}

/// The lock of a server that calls these bytes something else.
fn renamed(server: &str, id: &str, file: &str) -> Lock {
    lock(server, &[Packed::new(id, file, tool().bytes)])
}

#[test]
fn who_pushes_a_file_first_under_another_name_does_not_keep_it_out() {
    let mirror = Mirror::new();
    // As another package: refused, and no reason to refuse it to whoever calls it by its name.
    mirror.push_lock(&renamed("evil", "npm:evil@6.6.6", "evil-6.6.6.tgz"), "?request=1&reason=x");
    assert_eq!(mirror.push_file(&tool()).status, 422);
    mirror.vet("tool", &[tool()]);
    let packument = mirror.get("/npm/tool").json();
    assert_eq!(packument["dist-tags"]["latest"], "1.0.0", "{packument}");
    assert_eq!(mirror.get("/npm/evil").status, 404);
}

#[test]
fn who_pushes_a_file_first_as_something_without_description_does_not_hide_it() {
    let mirror = Mirror::new();
    // A source archive of Python that has no PKG-INFO is one that nobody asks about.
    let sdist = Packed::new("pypi:evil@6.6.6", "evil-6.6.6.tar.gz", tool().bytes);
    mirror.push_lock(&lock("evil", std::slice::from_ref(&sdist)), "?request=1&reason=x");
    assert_eq!(mirror.push_file(&sdist).status, 200);
    mirror.vet("tool", &[tool()]);
    let packument = mirror.get("/npm/tool");
    assert_eq!(packument.status, 200, "{}", packument.text());
    assert_eq!(packument.json()["versions"]["1.0.0"]["bin"]["tool"], "t.js");
    // It was written down: the next one asks the database only.
    assert_eq!(mirror.get("/npm/tool/1.0.0").json()["version"], "1.0.0");
}

#[test]
fn a_row_that_nobody_can_read_hides_no_revocation() {
    let mirror = Mirror::new();
    if !mirror.world.backend.is_sqlite() {
        println!("skipped: writes into the file of SQLite");
        return;
    }
    let approval = mirror.vet("tool", &[tool()]);
    let file = mirror.world.data.path().join("registry.db");
    wait(async {
        use sqlx::{Connection as _, Executor as _};
        sqlx::any::install_default_drivers();
        let mut db = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.expect("the database");
        db.execute(
            "INSERT INTO locks (digest, server, version, purl, text, pushed_at, pushed_by, requested, reason) \
             VALUES ('no digest', 'x', '1', '', '', 0, '', 1, '')",
        )
        .await
        .expect("a row");
        db.execute("INSERT INTO artifacts (sha256, sha512, sha1, size, arrived_at) VALUES ('x', 'y', '', 1, 1)")
            .await
            .expect("a row");
    });
    mirror.revoke("tool", approval);
    eventually("it is gone", || mirror.get("/npm/tool").status == 404);
}

/// A connection of HTTP/2 that takes no byte of any answer (RFC 9113): `count` requests for a path.
pub(crate) fn greedy(address: &str, path: &str, count: u32) -> std::net::TcpStream {
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    };
    let literal =
        |name: u8, value: &str| [&[name, u8::try_from(value.len()).expect("short")][..], value.as_bytes()].concat();
    // :method GET, :scheme http, then :path and :authority as literals that are not indexed.
    let fields = [vec![0x82, 0x86], literal(0x04, path), literal(0x01, "mcp.invalid")].concat();
    let mut stream = connect(address);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("sent");
    // SETTINGS_INITIAL_WINDOW_SIZE 1: each answer may send one byte.
    stream.write_all(&frame(4, 0, 0, &[0, 4, 0, 0, 0, 1])).expect("sent");
    for number in 0..count {
        stream.write_all(&frame(1, 0x05, number * 2 + 1, &fields)).expect("sent");
    }
    // The head of the last answer shows that all are open.
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
    let mut seen = 0;
    while seen < count {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).expect("a frame");
        seen += u32::from(head[3] == 1);
        if head[3] == 4 && head[4] == 0 {
            stream.write_all(&frame(4, 1, 0, &[])).expect("sent");
        }
    }
    stream
}

#[test]
fn who_asks_for_files_and_takes_nothing_holds_no_descriptors() {
    if !Backend::new().is_folder() {
        println!("skipped: from S3 each download is a connection, as long as it lasts");
        return;
    }
    let mirror = Mirror::new();
    let large = npm_package("large", "1.0.0").bin("large", "l.js").file("noise", &noise(3 << 20));
    let large = Packed::from(&large);
    mirror.vet("large", std::slice::from_ref(&large));
    let open = || std::fs::read_dir(format!("/proc/{}/fd", mirror.world.server.id())).map_or(0, Iterator::count);
    let memory = || memory(mirror.world.server.id());
    if open() == 0 {
        println!("skipped: no /proc");
        return;
    }
    let (before, lean) = (open(), memory());
    let path = "/npm/large/-/large-1.0.0.tgz";
    let held: Vec<_> = (0..8).map(|_| greedy(mirror.world.server.address(), path, 60)).collect();
    let (during, fat) = (open(), memory());
    println!("480 downloads that nobody reads: {before} -> {during} descriptors, {lean} -> {fat} KiB");
    assert!(during < before + 100, "{before} -> {during}");
    assert!(fat < lean + (64 << 10), "{lean} -> {fat} KiB");
    // Whoever reads gets it whole.
    let whole = mirror.get(path);
    assert_eq!((whole.status, Digest::sha256_of(&whole.body)), (200, Digest::sha256_of(&large.bytes)));
    drop(held);
}

/// Kilobytes that a process has in memory.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("VmRSS: 0 kB").to_owned();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number")
}

/// A lock that is long because its files have long names, for review.
fn long_lock(mirror: &Mirror, server: &str) -> (String, usize) {
    let name = "n".repeat(200);
    let file = |number: usize| Packed::new(&format!("pypi:p{number}@1"), &format!("p{number}-{name}.tar.gz"), vec![1]);
    let lock = lock(server, &(0..4000).map(file).collect::<Vec<_>>());
    let text = lock.to_text();
    mirror.push_lock(&lock, "?request=1&reason=x");
    (Digest::sha256_of(text.as_bytes()).to_string(), text.len())
}

#[test]
fn who_asks_for_long_locks_and_takes_nothing_does_not_fill_the_memory() {
    let mirror = Mirror::new();
    let process = mirror.world.server.id();
    if memory(process) == 0 {
        println!("skipped: no /proc");
        return;
    }
    let (digest, length) = long_lock(&mirror, "long");
    assert!(length > 1 << 20, "{length}");
    let lean = memory(process);
    let path = format!("/api/v1/locks/{digest}");
    let held: Vec<_> = (0..4).map(|_| greedy(mirror.world.server.address(), &path, 60)).collect();
    let fat = memory(process);
    println!("240 times {} KiB that nobody reads: {lean} -> {fat} KiB", length >> 10);
    assert!(fat < lean + (180 << 10), "{lean} -> {fat} KiB");
    let busy = mirror.get(&path);
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("2")), "{}", busy.body.len());
    drop(held);
    eventually("there is room again", || mirror.get(&path).body.len() == length);
}

#[test]
fn one_caller_does_not_take_the_whole_desk() {
    let mirror = Mirror::new();
    let request = |number: usize| {
        let name = format!("s{number}");
        let file = Packed::new(&format!("npm:{name}@1.0.0"), &format!("{name}-1.0.0.tgz"), vec![1]);
        let text = lock(&name, &[file]).to_text();
        let path = format!("/api/v1/locks/{}?request=1", Digest::sha256_of(text.as_bytes()));
        mirror.ask("PUT", &path, &[("Authorization", &mirror.bearer())], text.as_bytes()).status
    };
    assert!((0..250).all(|number| request(number) == 200));
    assert_eq!(request(250), 429);
    assert_eq!(request(7), 200, "what waits already may be said again");
}

#[test]
fn one_address_does_not_take_all_connections() {
    let world = World::with(&["--limits-connections", "4"]);
    let ask = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let answered = |mut stream: std::net::TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
        let mut start = [0; 12];
        let sent = stream.write_all(ask).and_then(|()| stream.read_exact(&mut start));
        (sent.is_ok() && &start == b"HTTP/1.1 200").then_some(stream)
    };
    let held: Vec<_> = (0..3).map(|_| answered(connect(world.server.address())).expect("its share")).collect();
    assert!(answered(connect(world.server.address())).is_none(), "a fourth of the same address");
    let to: SocketAddr = world.server.address().trim_start_matches("http://").parse().expect("an address");
    let other = wait(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.2:0".parse().expect("an address")).expect("a second address of this machine");
        socket.connect(to).await.expect("a connection").into_std().expect("a socket")
    });
    other.set_nonblocking(false).expect("a socket");
    assert!(answered(other).is_some(), "another address has its place");
    drop(held);
}

#[test]
fn the_audit_table_is_printed_and_trimmed_by_what_was_printed() {
    let mirror = Mirror::new();
    mirror.vet("tool", &[tool()]);
    let rows = |arguments: &[&str]| {
        let said = mirror.world.command(arguments);
        assert_eq!(said.code, Some(0), "{}", String::from_utf8_lossy(&said.stderr));
        let text = String::from_utf8(said.stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<serde_json::Value>>()
    };
    let all = rows(&["audit", "export"]);
    let actions: Vec<&str> = all.iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["token-create", "approvals", "push-lock", "push-file"]);
    assert_eq!(rows(&["audit", "trim", "--older-than", "1d"]), Vec::<serde_json::Value>::new());
    assert_eq!(rows(&["audit", "export"]), all, "nothing is a day old");
    eventually("they are a second old", || {
        let trimmed = rows(&["audit", "trim", "--older-than", "1s"]);
        trimmed.iter().any(|row| row["action"] == "push-file")
    });
    let left = rows(&["audit", "export"]);
    assert!(left.iter().all(|row| row["action"] == "audit-trim"), "{left:?}");
    assert!(!left.is_empty(), "that it was trimmed is written down");
}

#[test]
fn refusals_do_not_fill_the_audit_table() {
    let mirror = Mirror::new();
    let digest = Digest::sha256_of(b"nothing");
    for _ in 0..100 {
        let answer =
            mirror.ask("PUT", &format!("/api/v1/artifacts/{digest}"), &[("Authorization", &mirror.bearer())], b"");
        assert_eq!(answer.status, 404);
        // Strangers write nothing at all.
        assert_eq!(mirror.ask("PUT", &format!("/api/v1/artifacts/{digest}"), &[], b"").status, 401);
    }
    let said = String::from_utf8(mirror.world.command(&["audit", "export"]).stdout).expect("UTF-8");
    let refused = said.lines().filter(|line| line.contains("\"push-file\"")).count();
    // A minute may end in between.
    assert!((60..=120).contains(&refused) && refused != 100, "{refused}");
    assert!(said.contains("further ones of this minute are in the log only"), "{said}");
    assert!(!said.contains("anonymous"), "{said}");
}
