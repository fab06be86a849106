//! The log of approvals over HTTP: what gets in, what does not, and what clients can check of it.
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{approval::head::Head, digest::Digest};
use mcpsec_verify::approval::log::{LogKey, Tree, check_consistency, check_inclusion, leaf_hash, open_head};

use crate::{
    http::{Answer, ask, client, get},
    people::{Person, lines},
    world::World,
};

/// A server that knows ada (admin), bob and dora, whose key was revoked.
pub(crate) struct Team {
    pub(crate) world: World,
    pub(crate) token: String,
    ada: Person,
    pub(crate) bob: Person,
    dora: Person,
}

impl Team {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        let (ada, bob, dora) = (Person::new("ada"), Person::new("bob"), Person::new("dora"));
        let signers = ada.entry("roles = [\"admin\"]")
            + &bob.entry("valid-from = 2025-01-01")
            + &dora.entry("revoked = { date = 2025-12-01, reason = \"laptop lost\" }");
        let world = World::prepared(arguments, |data| {
            std::fs::File::create(data.join("mcp-signers"))
                .and_then(|mut file| std::io::Write::write_all(&mut file, signers.as_bytes()))
                .expect("mcp-signers");
        });
        let token = token(&world, &["--scope", "approve-submit"]);
        Self { world, token, ada, bob, dora }
    }

    pub(crate) fn post(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = client().post(self.world.url("/api/v1/approvals")).bearer_auth(&self.token);
        ask(request.header("content-type", "application/jsonl").body(body))
    }

    pub(crate) fn head(&self) -> Head {
        let note = get(&self.world.url("/api/v1/approvals/head"), &[]);
        assert_eq!((note.status, note.header("content-type")), (200, "text/plain; charset=utf-8"), "{}", note.text());
        let key = LogKey::parse(get(&self.world.url("/api/v1/log-key"), &[]).text()).expect("a key");
        // Signed today, whenever that is: how long it holds is a test of its own.
        open_head(note.text(), &key).expect("a good head")
    }

    pub(crate) fn log(&self) -> String {
        let answer = get(&self.world.url("/api/v1/approvals"), &[]);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/jsonl"));
        answer.text().to_owned()
    }
}

/// A new token with these flags.
pub(crate) fn token(world: &World, flags: &[&str]) -> String {
    let made = world.command(&[&["token", "create", "--name", "test"], flags].concat());
    assert_eq!(made.code, Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("text").trim().to_owned()
}

fn tree(lines: &str) -> Tree {
    let mut tree = Tree::default();
    lines.lines().for_each(|line| tree.push(leaf_hash(line.as_bytes())));
    tree
}

fn refused(answer: &Answer, status: u16, words: &str) {
    let error = answer.json()["error"].as_str().expect("words").to_owned();
    assert!(answer.status == status && error.contains(words), "{}: {error}", answer.status);
}

#[test]
fn what_is_appended_comes_back_byte_for_byte_under_a_signed_head() {
    let team = Team::new();
    let empty = team.head();
    assert_eq!((empty.size, empty.root), (0, Tree::default().root()));
    let first = lines([&team.bob.approves("files", 0), &team.ada.approves("files", 1)]);
    let answer = team.post(first.clone());
    assert_eq!(answer.json(), serde_json::json!({ "added": 2, "known": 0, "size": 2 }), "{}", answer.text());
    let two = team.head();
    let more = lines(&(2..300).map(|number| team.bob.approves("files", number)).collect::<Vec<_>>());
    assert_eq!(team.post(more.clone()).json()["size"], 300);
    // Again: replayed, repeated, and with news in the middle.
    let news = lines([&team.bob.approves("other", 300)]);
    let again = team.post(first.clone() + &first + &news);
    assert_eq!(again.json(), serde_json::json!({ "added": 1, "known": 4, "size": 301 }));
    let log = team.log();
    assert!(log == first + &more + &news, "the same bytes in the same order");
    let (head, tree) = (team.head(), tree(&log));
    assert_eq!((head.size, head.root), (301, tree.root()));
    assert_eq!(tree.root_at(2), Some(two.root));
    let hashes = |path: &str| -> Vec<[u8; 32]> {
        let answer = get(&team.world.url(&format!("/api/v1/approvals/proof/{path}")), &[]).json();
        let hash = |hash: &serde_json::Value| STANDARD.decode(hash.as_str().expect("text")).expect("base64");
        answer["hashes"].as_array().expect("hashes").iter().map(|one| hash(one).try_into().expect("32 bytes")).collect()
    };
    assert_eq!(check_consistency(2, two.root, 301, head.root, &hashes("consistency?from=2&to=301")), Ok(()));
    assert_eq!(hashes("consistency?from=0&to=301"), Vec::<[u8; 32]>::new());
    let line = log.lines().nth(17).expect("a line");
    let proof = hashes("inclusion?leaf=17&size=301");
    assert_eq!(check_inclusion(17, leaf_hash(line.as_bytes()), 301, head.root, &proof), Ok(()));
}

#[test]
fn parts_of_the_log_and_nothing_that_is_not_there() {
    let team = Team::new();
    let all: Vec<String> = (0..10).map(|number| lines([&team.bob.approves("files", number)])).collect();
    assert_eq!(team.post(all.concat()).status, 200);
    let ask_for = |query: &str| get(&team.world.url(&format!("/api/v1/approvals{query}")), &[]);
    assert_eq!(ask_for("?since=3&until=5").text(), all[3..5].concat());
    assert_eq!(ask_for("?since=3&until=5").header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(
        (ask_for("?since=7").text(), ask_for("?since=7").header("cache-control")),
        (all[7..].concat().as_str(), "no-cache")
    );
    assert_eq!((ask_for("?since=10").status, ask_for("?since=10").text()), (200, ""));
    refused(&ask_for("?since=11"), 416, "there are 10 entries");
    refused(&ask_for("?since=2&until=11"), 416, "there are 10 entries");
    refused(&ask_for("?since=5&until=4"), 416, "there are 10 entries");
    refused(&ask_for("/proof/consistency?from=5&to=11"), 416, "there is no log of 11 entries");
    refused(&ask_for("/proof/inclusion?leaf=10&size=10"), 416, "there is no entry 10");
    let longest = 1_u64 << 53;
    refused(&ask_for(&format!("?until={longest}")), 400, "is more than");
    refused(&ask_for(&format!("/proof/inclusion?leaf={longest}&size=10")), 400, "is more than");
    for bad in ["?since=-1", "?since=x", "?since=18446744073709551616", "?sinse=1", "/proof/inclusion?leaf=1"] {
        assert_eq!(ask_for(bad).status, 400, "{bad}");
    }
    for path in ["/api/v1/approvals", "/api/v1/approvals?since=2&until=4", "/api/v1/approvals/head"] {
        let tag = get(&team.world.url(path), &[]).header("etag").to_owned();
        let again = get(&team.world.url(path), &[("if-none-match", &format!("\"x\", {tag}"))]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path} {tag}");
        assert_eq!(get(&team.world.url(path), &[("if-none-match", "\"x\"")]).status, 200);
    }
    // The client unpacks by itself, so what goes over the wire is looked at as it is.
    let zipped = get(&team.world.url("/api/v1/approvals"), &[("accept-encoding", "gzip")]);
    assert_eq!(zipped.text(), all.concat());
    let ask = "GET /api/v1/approvals HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n";
    let wire = crate::http::raw(team.world.server.address(), ask.as_bytes(), std::time::Duration::from_secs(10));
    assert!(String::from_utf8_lossy(&wire).to_lowercase().contains("content-encoding: gzip"));
    assert!(wire.len() < all.concat().len());
}

#[test]
fn the_signature_decides_and_a_bad_line_keeps_all_out() {
    let team = Team::new();
    let good = lines([&team.bob.approves("files", 0)]);
    let eve = Person::new("eve");
    let posing = Person::new("bob");
    let unsigned = {
        let envelope = team.bob.approves("files", 1);
        let mut signature = envelope.signature().to_vec();
        signature[5] ^= 1;
        mcpsec_model::approval::Envelope::new(envelope.payload().to_vec(), envelope.keyid(), signature).to_line() + "\n"
    };
    let late = {
        let mcpsec_model::approval::Statement::Approval(mut approval) = team.bob.approval("files", 2) else {
            panic!("one")
        };
        approval.issued = "2033-01-01T00:00:00Z".parse().expect("an instant");
        lines([&team.bob.key.sign(&mcpsec_model::approval::Statement::Approval(approval)).expect("a signature")])
    };
    let early = {
        let mcpsec_model::approval::Statement::Approval(mut approval) = team.bob.approval("files", 2) else {
            panic!("one")
        };
        approval.issued = "2024-12-31T00:00:00Z".parse().expect("an instant");
        approval.expires = "2026-12-31T00:00:00Z".parse().expect("an instant");
        lines([&team.bob.key.sign(&mcpsec_model::approval::Statement::Approval(approval)).expect("a signature")])
    };
    let spaced = good.replacen("\"payload\":", "\"payload\": ", 1);
    for (bad, words) in [
        (unsigned, "its signature does not hold"),
        (lines([&eve.approves("files", 1)]), "which the server's mcp-signers does not name"),
        (lines([&posing.approves("files", 1)]), "which the server's mcp-signers does not name"),
        (lines([&team.dora.approves("files", 1)]), "revoked since 2025-12-01: laptop lost"),
        (late, "in the future"),
        (early, "the key of bob is valid from 2025-01-01"),
        (spaced, "not in canonical form"),
        ("{}\n".to_owned(), "not a DSSE envelope"),
        ("\n".to_owned(), "an empty line"),
        (good.trim_end().to_owned() + "\r\n", "CR LF"),
        ("x".repeat(70_000) + "\n", "70000 bytes long"),
        ("<<<<<<< a\n".to_owned(), "a conflict marker"),
        ("\u{1b}[31m\n".to_owned(), "not a DSSE envelope"),
    ] {
        let answer = team.post(good.clone() + &bad);
        refused(&answer, 422, words);
        assert!(answer.text().contains("line:2"), "{}", answer.text());
        assert!(!answer.text().contains('\u{1b}'), "{}", answer.text());
    }
    refused(&team.post(good.trim_end().to_owned()), 422, "0 lines");
    refused(&team.post(good.clone() + good.trim_end()), 422, "cut short");
    refused(&team.post(""), 422, "0 lines");
    refused(&team.post(good.repeat(1001)), 422, "1001 lines");
    refused(&team.post(vec![0xff, b'\n']), 422, "not UTF-8");
    assert_eq!(team.post("x".repeat(9 << 20)).status, 413);
    for kind in
        ["application/json", "text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let post = client().post(team.world.url("/api/v1/approvals")).bearer_auth(&team.token);
        refused(&ask(post.header("content-type", kind).body(good.clone())), 415, "application/jsonl");
    }
    assert_eq!((team.head().size, team.log().as_str()), (0, ""), "nothing was added");
    assert_eq!(team.post(good).json()["added"], 1);
}

#[test]
fn who_may_take_back_what() {
    let team = Team::new();
    let (of_ada, of_bob) = (team.ada.approves("files", 0), team.bob.approves("files", 1));
    assert_eq!(team.post(lines([&of_ada, &of_bob])).status, 200);
    refused(
        &team.post(lines([&team.bob.revokes("files", of_ada.id())])),
        422,
        "ada gave the approval that it takes back",
    );
    // In one batch as well.
    let next = team.ada.approves("files", 2);
    refused(&team.post(lines([&next, &team.bob.revokes("files", next.id())])), 422, "ada gave the approval");
    refused(&team.post(lines([&team.ada.revokes("other", of_bob.id())])), 422, "an approval of `files`");
    let own = team.bob.revokes("files", of_bob.id());
    refused(&team.post(lines([&own, &team.ada.revokes("files", own.id())])), 422, "no approval");
    // One's own with a key that is no longer good: it only ever takes trust away.
    let old = team.dora.revokes("files", team.dora.approves("files", 9).id());
    assert_eq!(team.post(lines([&own, &team.ada.revokes("files", of_bob.id()), &old])).json()["added"], 3);
    let log = team.log();
    assert!(log.contains(&own.to_line()), "a revocation stays");
    assert_eq!(team.post(lines([&own])).json()["known"], 1);
    assert_eq!(team.log(), log);
}

#[test]
fn another_signature_on_the_same_statement_adds_nothing() {
    // ECDSA signatures of one statement differ each time, and whoever sees one can make another of it.
    let random = aws_lc_rs::rand::SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(pkcs8.as_ref()));
    let carl = mcpsec_verify::approval::Key::parse(&pem).expect("a key");
    let head = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
    let spki = [STANDARD.decode(head).expect("base64"), carl.public().raw().expect("a point")[1..].to_vec()].concat();
    let public = format!("-----BEGIN PUBLIC KEY-----\\n{}\\n-----END PUBLIC KEY-----", STANDARD.encode(spki));
    let world = World::prepared(&[], |data| {
        let entry = format!("[[signer]]\nname = \"carl\"\nkey = \"{public}\"\n");
        let mut file = std::fs::File::create(data.join("mcp-signers")).expect("mcp-signers");
        std::io::Write::write_all(&mut file, entry.as_bytes()).expect("mcp-signers");
    });
    let mcpsec_model::approval::Statement::Approval(mut approval) = Person::new("carl").approval("files", 0) else {
        panic!("one")
    };
    approval.reviewer.key = carl.public().fingerprint();
    let statement = mcpsec_model::approval::Statement::Approval(approval);
    let one = carl.sign(&statement).expect("a signature");
    let other = carl.sign(&statement).expect("a signature");
    assert_ne!(other.to_line(), one.to_line());
    let token = token(&world, &["--scope", "approve-submit"]);
    let post = |body| ask(client().post(world.url("/api/v1/approvals")).bearer_auth(&token).body(body)).json();
    assert_eq!(post(lines([&one]))["added"], 1);
    assert_eq!(post(lines([&other])), serde_json::json!({ "added": 0, "known": 1, "size": 1 }));
}

#[test]
fn files_go_in_and_come_out_byte_for_byte() {
    let team = Team::new();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::io::Write::write_all(&mut std::fs::File::create(&path).expect("a file"), text.as_bytes()).expect("a file");
        path.display().to_string()
    };
    let own = team.bob.approves("files", 0);
    let text = lines([&own, &team.bob.revokes("files", own.id()), &team.ada.approves("other", 1)]);
    let file = path("mcp-approvals.jsonl", &text);
    let done = team.world.command(&["approvals", "import", &file]);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "3 lines added, 0 known; the log has 3 entries\n");
    let again = team.world.command(&["approvals", "import", &file]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), "0 lines added, 3 known; the log has 3 entries\n");
    let out = team.world.command(&["approvals", "export"]);
    assert!(out.stdout == text.as_bytes(), "byte for byte");
    assert_eq!(team.log(), text, "the running server sees it");
    // What POST refuses is refused, unless it is a record of the past and asked for as such.
    let past = text.clone() + &lines([&team.bob.approves("files", 5), &team.dora.approves("files", 2)]);
    let file = path("past.jsonl", &past);
    let refused = team.world.command(&["approvals", "import", &file]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.code == Some(2) && said.contains("past.jsonl:5: the key of dora is revoked"), "{said}");
    assert_eq!(team.log(), text, "nothing of it was added");
    let done = team.world.command(&["approvals", "import", "--history", &file]);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "2 lines added, 3 known; the log has 5 entries\n");
    assert_eq!(team.log(), past);
    let foreign = path("foreign.jsonl", &lines([&Person::new("eve").approves("files", 0)]));
    assert_eq!(team.world.command(&["approvals", "import", "--history", &foreign]).code, Some(2));
    assert_eq!(team.head().root, tree(&past).root());
}

#[test]
fn a_database_that_somebody_changed_is_not_signed() {
    let mut team = Team::new();
    if !team.world.backend.is_sqlite() {
        println!("skipped: changes the file of SQLite");
        return;
    }
    let all: Vec<_> = (0..5).map(|number| team.bob.approves("files", number)).collect();
    assert_eq!(team.post(lines(&all)).status, 200);
    team.world.server.kill();
    let file = team.world.data.path().join("registry.db");
    let spare = std::fs::read(&file).expect("the database");
    let wal = file.with_extension("db-wal");
    let spare_wal = std::fs::read(&wal).unwrap_or_default();
    let put = |path: &std::path::Path, bytes: &[u8]| {
        std::io::Write::write_all(&mut std::fs::File::create(path).expect("a file"), bytes).expect("written");
    };
    let swapped = all[1].to_line();
    let root = Digest::sha256_of(b"another").to_hex();
    for (change, words) in [
        ("DELETE FROM entries WHERE seq = 2".to_owned(), "entry 0, or one soon after it, is missing"),
        ("DELETE FROM entries WHERE seq = 4".to_owned(), "entry 4, or one soon after it, is missing"),
        (format!("UPDATE entries SET line = '{swapped}' WHERE seq = 3"), "do not have the root"),
        (format!("UPDATE log SET root = '{root}'"), "do not have the root"),
        ("UPDATE log SET root = 'x'".to_owned(), "its root is no hash"),
        ("UPDATE log SET size = 4".to_owned(), "do not have the root"),
        ("UPDATE log SET size = -1".to_owned(), "it has -1 entries"),
        (
            format!("UPDATE log SET size = 0, root = '{}'", hex::encode(Tree::default().root())),
            "there is an entry 4, and the log has 0 entries",
        ),
        ("UPDATE log SET key = 'mcp.localhost+00000000+AA=='".to_owned(), "is signed by the key"),
    ] {
        put(&file, &spare);
        put(&wal, &spare_wal);
        sql(&file, &change);
        let said = team.world.try_replica().err().unwrap_or_else(|| panic!("it started after {change}"));
        assert!(said.contains(words), "{change}: {said}");
    }
    put(&file, &spare);
    put(&wal, &spare_wal);
    let key = team.world.data.path().join("log-key.pem");
    let hidden = key.with_extension("hidden");
    std::fs::rename(&key, &hidden).expect("a move");
    let said = team.world.try_replica().err().expect("it needs its key");
    assert!(said.contains("log-key.pem does not exist, and the log in the database is signed already"), "{said}");
    assert!(!key.exists(), "no new one is made");
    std::fs::rename(&hidden, &key).expect("a move");
    team.world.restart();
    assert_eq!(team.head().size, 5);
    // Behind the back of a running server.
    sql(&file, "UPDATE log SET size = 4");
    assert_eq!(get(&team.world.url("/api/v1/approvals/head"), &[]).status, 500);
    assert_eq!(team.post(lines([&team.bob.approves("files", 9)])).status, 500);
    sql(&file, "UPDATE log SET size = 5");
    assert_eq!(team.head().size, 5, "nothing needs a restart");
}

/// Changes the database behind the server's back.
fn sql(file: &std::path::Path, statement: &str) {
    use sqlx::Connection as _;
    crate::http::wait(async {
        let address = format!("sqlite://{}", file.display());
        let mut connection = sqlx::SqliteConnection::connect(&address).await.expect("the database");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.expect("a change");
        connection.close().await.expect("closed");
    });
}

#[test]
fn replicas_append_to_one_log() {
    let team = Team::new();
    let other = team.world.replica();
    let addresses = [team.world.server.address().to_owned(), other.address().to_owned()];
    std::thread::scope(|scope| {
        for (index, address) in addresses.iter().cycle().take(6).enumerate() {
            let (bob, token) = (&team.bob, &team.token);
            scope.spawn(move || {
                for number in 0..10 {
                    // Every second is sent by two at once.
                    let number = if number % 2 == 0 { number } else { 100 * (index + 1) + number };
                    let body = lines([&bob.approves("files", number)]);
                    let answer =
                        ask(client().post(format!("{address}/api/v1/approvals")).bearer_auth(token).body(body));
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            });
        }
    });
    let log = team.log();
    assert_eq!(log.lines().count(), 5 + 6 * 5, "each once");
    let other = get(&format!("{}/api/v1/approvals/head", addresses[1]), &[]);
    let head = team.head();
    assert!(other.text().contains(&format!("\n35\n{}\n", STANDARD.encode(head.root))), "{}", other.text());
    assert_eq!(head.root, tree(&log).root());
}
