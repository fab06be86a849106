//! The API over a database with real locks and really signed approvals; the whole router, without a socket.
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use mcpsec_model::{
    approval::{Approval, Approved, Reviewer, Revocation, Statement, Summary, Word, rules_id},
    capture::{Captured, Context, Observed, Told},
    config::Isolation,
    lock::Lock,
    manifest::{Manifest, ManifestParts},
    time::Timestamp,
};
use mcpsec_verify::approval::Key;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    app::App,
    catalog::Status,
    clock::Clock,
    config::Config,
    db::{scratch::Scratch, seed},
    serve,
};

const START: i64 = 1_800_000_000;
/// The example key of RFC 8410, section 10.3: known to everybody, and the same ids in every run.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

struct Team {
    _folder: tempfile::TempDir,
    app: App,
    key: Key,
    now: Arc<AtomicI64>,
    /// Last: it goes when nobody uses it any more.
    _database: Scratch,
}

impl Team {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = Key::parse(KEY).expect("a key");
        let raw = key.public().raw().expect("32 bytes");
        let spki = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], raw].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(spki));
        let signers = format!("[[signer]]\nname = \"ada\"\nkey = \"\"\"\n{pem}\n\"\"\"\n");
        std::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .open(folder.path().join("mcp-signers"))
            .and_then(|mut file| std::io::Write::write_all(&mut file, signers.as_bytes()))
            .expect("signers");
        let mut config = Config::in_folder(folder.path().to_owned());
        config.origin = "mcp.example.test".to_owned();
        let database = Scratch::new();
        config.database = database.address();
        change(&mut config);
        let now = Arc::new(AtomicI64::new(START));
        let told = Arc::clone(&now);
        let clock = Clock::of(move || Timestamp::from_second(told.load(Ordering::SeqCst)).expect("a time"));
        let app = serve::open(config, clock).await.expect("it opens");
        Self { _folder: folder, app, key, now, _database: database }
    }

    fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn approval(&self, text: &str, days: i64) -> Statement {
        let lock = Lock::parse(text, "lock").expect("a lock");
        let server = lock.servers.values().next().expect("a server");
        let time = |at: i64| Timestamp::from_second(at).expect("a time");
        Statement::Approval(Box::new(Approval {
            what: Approved::of(&lock, server),
            criteria: [Word::reviewed()].into(),
            reviewer: self.reviewer(),
            reason: "read it".to_owned(),
            issued: time(self.now()),
            expires: time(self.now() + days * 86400),
            rules: rules_id([]),
            summary: Summary::of(&lock, server),
        }))
    }

    fn reviewer(&self) -> Reviewer {
        Reviewer { name: "ada".to_owned(), key: self.key.public().fingerprint() }
    }

    /// Pushes a lock with its files and approves it for so many days; gives what takes the approval back.
    async fn vet(&self, text: &str, days: i64) -> Statement {
        seed::lock(&self.app.db, text, self.now()).await;
        seed::files(&self.app.db, text, self.now()).await;
        let approval = self.approval(text, days);
        let envelope = self.key.sign(&approval).expect("a signature");
        seed::entry(&self.app.db, &envelope, self.now()).await;
        self.app.changed().await.expect("a catalog");
        Statement::Revocation(Box::new(Revocation {
            approval: envelope.id(),
            server: approval.server().clone(),
            reviewer: self.reviewer(),
            reason: "it phones home".to_owned(),
            issued: approval.issued(),
        }))
    }

    async fn say(&self, statement: &Statement) {
        seed::entry(&self.app.db, &self.key.sign(statement).expect("a signature"), self.now()).await;
        self.app.changed().await.expect("a catalog");
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "mcp.example.test:7420");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = serve::router(self.app.clone()).oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, headers, body) = self.ask(Method::GET, path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        assert_eq!(headers["content-type"], "application/json", "{path}");
        body
    }

    async fn refused(&self, path: &str) -> StatusCode {
        let (status, _, body) = self.ask(Method::GET, path, &[]).await;
        assert!(body["error"].is_string(), "{path}: {body}");
        status
    }

    /// Name and version of what a list has.
    async fn listed(&self, path: &str) -> Vec<String> {
        let body = self.get(path).await;
        let servers = body["servers"].as_array().expect("a list");
        let one =
            |entry: &Value| format!("{} {}", entry["server"]["name"], entry["server"]["version"]).replace('"', "");
        servers.iter().map(one).collect()
    }
}

/// The lock of one npm server under a name and version of its own, telling these tools.
fn lock(name: &str, version: &str, tools: &[&str]) -> String {
    let text = include_str!("../../../../testdata/locks/v1/npm.lock");
    let mut lock = Lock::parse(text, "npm.lock").expect("a lock");
    let mut server = lock.servers.pop_first().expect("a server").1;
    let tool = |name: &&str| json!({ "name": name, "description": format!("the tool {name}"), "inputSchema": { "type": "object" } });
    let parts = ManifestParts { tools: tools.iter().map(tool).collect(), ..ManifestParts::default() };
    let captured = Captured {
        manifest: Manifest::new(parts).expect("a manifest"),
        context: Context {
            isolation: Isolation::Landlock,
            runtime: None,
            protocol: "2025-06-18".into(),
            placeholders: ["TOKEN".to_owned()].into(),
            real_env: std::collections::BTreeSet::new(),
            network: std::collections::BTreeSet::new(),
        },
        unstable: Vec::new(),
        observed: Observed::default(),
    };
    server = server.with_told(Told::Manifest(Box::new(captured)), Vec::new()).expect("it fits");
    server.name = name.parse().expect("a name");
    server.version = version.to_owned();
    server.command = None;
    lock.servers.insert(server.name.clone(), server);
    lock.to_text()
}

#[tokio::test]
async fn a_vetted_version_is_listed_with_all_that_is_known() {
    let team = Team::new().await;
    assert_eq!(team.listed("/v0.1/servers").await, Vec::<String>::new());
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    team.wait(3600);
    team.vet(&lock("files", "1.1.0", &["read", "write"]), 90).await;
    let list = team.get("/v0.1/servers").await;
    insta::assert_snapshot!(serde_json::to_string_pretty(&mcpsec_report::server_json::sorted(list)).expect("JSON"));
    let one = team.get("/v0.1/servers/test.example.mcp%2Ffiles/versions/latest").await;
    assert_eq!(one["server"]["version"], "1.1.0");
    assert_eq!(team.get("/v0.1/servers/test.example.mcp/files/versions/latest").await, one);
    assert_eq!(team.get("/v0.1/servers/test.example.mcp%2Ffiles/versions/1.1.0").await, one);
    let both = team.listed("/v0.1/servers/test.example.mcp%2Ffiles/versions").await;
    assert_eq!(both, ["test.example.mcp/files 1.1.0", "test.example.mcp/files 1.0.0"]);
}

#[tokio::test]
async fn what_nobody_approved_is_not_listed_however_it_is_asked_for() {
    let team = Team::new().await;
    let text = lock("files", "1.0.0", &["read"]);
    seed::lock(&team.app.db, &text, START).await;
    seed::files(&team.app.db, &text, START).await;
    let other = lock("other", "1.0.0", &["read"]);
    seed::lock(&team.app.db, &other, START).await;
    team.say(&team.approval(&other, 90)).await;
    team.app.changed().await.expect("a catalog");
    let stands: Vec<_> = team.app.catalogs.get().releases().iter().map(|release| release.status.as_str()).collect();
    assert_eq!(stands, ["pending", "vetted"], "the files of both arrived with the first");
    for path in ["/v0.1/servers?include_deleted=true", "/v0.1/servers?updated_since=2000-01-01T00:00:00Z"] {
        assert_eq!(team.listed(path).await, ["test.example.mcp/other 1.0.0"], "{path}");
    }
    for name in ["test.example.mcp%2Ffiles", "files", "test.example.mcp/files", "test.example%2Ffiles"] {
        for path in ["versions", "versions/latest", "versions/1.0.0", "versions/1.0.0?include_deleted=true"] {
            let status = team.refused(&format!("/v0.1/servers/{name}/{path}")).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn what_is_revoked_or_expired_is_deleted_for_those_who_ask_for_it() {
    let team = Team::new().await;
    let revocation = team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    team.vet(&lock("other", "1.0.0", &["read"]), 1).await;
    let before = "/v0.1/servers?updated_since=2027-01-15T09:00:00Z";
    team.wait(7200);
    team.app.changed().await.expect("a catalog");
    assert_eq!(team.listed(before).await, Vec::<String>::new());
    team.say(&revocation).await;
    assert_eq!(team.listed("/v0.1/servers").await, ["test.example.mcp/other 1.0.0"]);
    let synced = team.get(before).await;
    assert_eq!(synced["servers"].as_array().map(Vec::len), Some(1), "{synced}");
    let official = &synced["servers"][0]["_meta"]["io.modelcontextprotocol.registry/official"];
    assert_eq!(official["status"], "deleted");
    assert_eq!(official["statusMessage"], "ada revoked it: it phones home");
    assert_eq!((&official["isLatest"], &official["updatedAt"]), (&json!(false), &json!("2027-01-15T10:00:00Z")));
    // Time alone withdraws the other one.
    team.wait(86400);
    team.app.changed().await.expect("a catalog");
    assert_eq!(team.listed("/v0.1/servers").await, Vec::<String>::new());
    let all = team.listed("/v0.1/servers?include_deleted=true").await;
    assert_eq!(all, ["test.example.mcp/files 1.0.0", "test.example.mcp/other 1.0.0"]);
    let path = "/v0.1/servers/test.example.mcp%2Fother/versions/1.0.0";
    assert_eq!(team.refused(path).await, StatusCode::NOT_FOUND);
    let gone = team.get(&format!("{path}?include_deleted=true")).await;
    let official = &gone["_meta"]["io.modelcontextprotocol.registry/official"];
    assert_eq!(official["statusMessage"], "it expired at 2027-01-16T08:00:00Z");
    assert_eq!(official["updatedAt"], "2027-01-16T08:00:00Z");
    let latest = "/v0.1/servers/test.example.mcp%2Fother/versions/latest?include_deleted=true";
    assert_eq!(team.refused(latest).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_go_through_everything_once_while_servers_come_and_go() {
    let team = Team::new().await;
    for name in ["a", "c", "d", "e"] {
        team.vet(&lock(name, "1.0.0", &["read"]), 90).await;
        team.wait(1);
    }
    let revocation = team.vet(&lock("b", "1.0.0", &["read"]), 90).await;
    let mut seen = Vec::new();
    let mut path = "/v0.1/servers?limit=2".to_owned();
    loop {
        let page = team.get(&path).await;
        let servers = page["servers"].as_array().expect("a list");
        assert_eq!(page["metadata"]["count"], servers.len());
        seen.extend(servers.iter().map(|entry| entry["server"]["name"].as_str().expect("a name").to_owned()));
        let Some(next) = page["metadata"]["nextCursor"].as_str() else { break };
        if seen.len() == 2 {
            // The server that the first page ended with goes, and one before it comes.
            team.say(&revocation).await;
            team.vet(&lock("aa", "1.0.0", &["read"]), 90).await;
        }
        path = format!("/v0.1/servers?limit=2&cursor={next}");
    }
    assert_eq!(seen.join(" ").replace("test.example.mcp/", ""), "a b c d e");
    assert_eq!(team.refused("/v0.1/servers?cursor=Mg").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn lists_are_searched_and_filtered() {
    let team = Team::new().await;
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    team.wait(60);
    team.vet(&lock("files", "0.9.0", &["read"]), 90).await;
    team.vet(&lock("mail", "1.0.0", &["send_mail"]), 90).await;
    for (query, want) in [
        ("search=MCP%2FFILES", "files 0.9.0, files 1.0.0"),
        ("search=locked+with", "files 0.9.0, files 1.0.0, mail 1.0.0"),
        ("search=nothing", ""),
        ("search=%25", ""),
        ("version=latest", "files 1.0.0, mail 1.0.0"),
        ("version=0.9.0", "files 0.9.0"),
        ("version=1.0.0&search=mail", "mail 1.0.0"),
        ("updated_since=2027-01-15T08:00:01Z", "files 0.9.0, mail 1.0.0"),
        ("updated_since=2027-01-15T09%3A00%3A00%2B01:00", "files 0.9.0, files 1.0.0, mail 1.0.0"),
        ("limit=1", "files 0.9.0"),
    ] {
        let found = team.listed(&format!("/v0.1/servers?{query}")).await.join(", ").replace("test.example.mcp/", "");
        assert_eq!(found, want, "{query}");
    }
}

#[tokio::test]
async fn one_version_vetted_twice_is_listed_once() {
    let team = Team::new().await;
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    team.wait(60);
    let newer = lock("files", "1.0.0", &["read", "write"]);
    let revocation = team.vet(&newer, 90).await;
    let path = "/v0.1/servers/test.example.mcp%2Ffiles/versions/1.0.0";
    let tools = async |path| team.get(path).await["_meta"]["mcpsec.registry/release"]["tools"].clone();
    assert_eq!(tools(path).await, 2);
    team.say(&revocation).await;
    assert_eq!(tools(path).await, 1, "the older push is vetted still");
    assert_eq!(team.listed("/v0.1/servers?include_deleted=true").await, ["test.example.mcp/files 1.0.0"]);
}

#[tokio::test]
async fn pages_of_any_origin_may_read_and_nobody_may_write() {
    let team = Team::new().await;
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    let name = "/v0.1/servers/test.example.mcp%2Ffiles";
    for path in ["/v0.1/servers", "/v0.1/servers?limit=x", &format!("{name}/versions/9")] {
        let (_, headers, _) = team.ask(Method::GET, path, &[("origin", "https://ide.example.test")]).await;
        assert_eq!(headers["access-control-allow-origin"], "*", "{path}");
    }
    let preflight = [("origin", "https://ide.example.test"), ("access-control-request-method", "GET")];
    let (status, headers, _) = team.ask(Method::OPTIONS, "/v0.1/servers", &preflight).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["access-control-allow-methods"], "GET,OPTIONS");
    assert_eq!(headers["access-control-allow-headers"], "authorization,content-type");
    assert!(headers.get("access-control-allow-credentials").is_none());
    for (method, path, want) in [
        (Method::POST, "/v0.1/publish".to_owned(), StatusCode::UNAUTHORIZED),
        (Method::PUT, format!("{name}/versions/1.0.0"), StatusCode::UNAUTHORIZED),
        (Method::DELETE, format!("{name}/versions/1.0.0"), StatusCode::UNAUTHORIZED),
        (Method::PATCH, format!("{name}/status"), StatusCode::UNAUTHORIZED),
        (Method::PATCH, format!("{name}/versions/1.0.0/status"), StatusCode::UNAUTHORIZED),
        (Method::POST, "/v0.1/servers".to_owned(), StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, format!("{name}/versions"), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (status, headers, _) = team.ask(method.clone(), &path, &[]).await;
        assert_eq!(status, want, "{method} {path}");
        assert_eq!(status == StatusCode::METHOD_NOT_ALLOWED, headers.contains_key("allow"), "{method} {path}");
    }
    assert_eq!(team.listed("/v0.1/servers").await.len(), 1);
}

#[tokio::test]
async fn an_unchanged_list_is_not_sent_again() {
    let team = Team::new().await;
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    let (_, headers, _) = team.ask(Method::GET, "/v0.1/servers", &[]).await;
    assert_eq!(headers["cache-control"], "no-cache");
    let tag = headers["etag"].to_str().expect("text").to_owned();
    let (status, ..) = team.ask(Method::GET, "/v0.1/servers", &[("if-none-match", &tag)]).await;
    assert_eq!(status, StatusCode::NOT_MODIFIED);
    team.vet(&lock("mail", "1.0.0", &["send"]), 90).await;
    let (status, ..) = team.ask(Method::GET, "/v0.1/servers", &[("if-none-match", &tag)]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn links_lead_to_the_public_address_whatever_host_a_client_names() {
    let public = "https://mcp.example.test/team/";
    let team = Team::with(|config| config.public_url = Some(public.parse().expect("URL"))).await;
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    let (_, _, body) = team.ask(Method::GET, "/v0.1/servers", &[("host", "evil.test")]).await;
    let package = &body["servers"][0]["server"]["packages"][0];
    assert_eq!(package["registryBaseUrl"], "https://mcp.example.test/team/npm/");
    let page = body["servers"][0]["_meta"]["mcpsec.registry/release"]["page"].as_str().expect("a link").to_owned();
    assert!(page.starts_with("https://mcp.example.test/team/servers/files/sha256:"), "{page}");
}

#[tokio::test]
async fn a_private_server_shows_nothing_to_strangers() {
    let team = Team::with(|config| config.private = true).await;
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    let name = "/v0.1/servers/test.example.mcp%2Ffiles/versions";
    for path in
        ["/v0.1/servers", name, &format!("{name}/latest"), "/policy/managed-settings.json", "/policy/mcp-signers"]
    {
        assert_eq!(team.refused(path).await, StatusCode::UNAUTHORIZED, "{path}");
    }
}

/// Nothing is written when an approval of tomorrow becomes one of today; everybody sees it all the same.
#[tokio::test]
async fn an_approval_from_the_future_counts_when_its_time_has_come() {
    let team = Team::new().await;
    let text = lock("files", "1.0.0", &["read"]);
    team.wait(2 * 3600);
    let approval = team.approval(&text, 90);
    team.wait(-2 * 3600);
    seed::lock(&team.app.db, &text, team.now()).await;
    seed::files(&team.app.db, &text, team.now()).await;
    team.say(&approval).await;
    assert_eq!(team.listed("/v0.1/servers").await, [""; 0]);
    assert_eq!(team.app.catalogs.get().releases()[0].status, Status::Pending, "nothing was taken back");
    team.wait(2 * 3600);
    team.app.changed().await.expect("a catalog");
    assert_eq!(team.listed("/v0.1/servers").await.len(), 1);
}

#[tokio::test]
async fn where_two_people_must_approve_one_is_not_enough() {
    let team = Team::with(|config| config.required = 2).await;
    team.vet(&lock("files", "1.0.0", &["read"]), 90).await;
    assert_eq!(team.listed("/v0.1/servers").await, [""; 0]);
}

/// What lists keep of a lock is bounded, however much it tells.
#[tokio::test]
async fn what_lists_keep_of_a_lock_ends() {
    let team = Team::new().await;
    let names: Vec<String> = (0..2_001).map(|n| format!("{n}{}", "x".repeat(250))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    team.vet(&lock("files", "1.0.0", &names), 90).await;
    let catalog = team.app.catalogs.get();
    let brief = &catalog.releases()[0].brief;
    assert_eq!((brief.names.len(), brief.more_names), (2_000, true));
    assert!(brief.names.iter().all(|(_, name)| name.chars().count() == 200));
}
