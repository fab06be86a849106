//! A team server for tests of its pages, in this process: locks, files and signed approvals are put into its database, and the clock
//! stands still.
use std::collections::BTreeMap;

use axum::{Router, body::Body};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use mcpsec_model::{
    approval::{Approval, Approved, Reviewer, Revocation, Statement, Summary, Word, rules_id},
    candidate::EntryPoint,
    capture::{Captured, Context, Observed, Runtime, Told},
    closure::{Closure, Edge, Node, NodeId},
    config::Isolation,
    digest::{ApprovalId, Digest, Digests},
    evidence::{EvidenceKind, LogEvidence, Pin, Pinned, SignerPin},
    lock::{Lock, LockedServer, ServerParts},
    manifest::Manifest,
    package::{Artifact, ArtifactKind, Package, PackageId},
    time::Timestamp,
};
use mcpsec_registry::{
    app::App,
    clock::Clock,
    config::{Config, Secret},
    db::locks,
    serve,
};
use mcpsec_verify::approval::Key;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{backends::Backend, world::put};

/// When it is.
pub(crate) const NOW: &str = "2026-11-20T12:00:00Z";
/// An Ed25519 key that signs nothing but these tests.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----";

pub(crate) fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

/// A version of a server that tests describe in a few words.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) server: String,
    pub(crate) version: String,
    /// What `tools/list` and `initialize` gave; `None`: nobody captured it.
    pub(crate) told: Option<Value>,
    /// Its dependencies, `npm:name@version`.
    pub(crate) packages: Vec<String>,
    /// Which of all its packages want to run a script when they are installed.
    pub(crate) scripts: Vec<String>,
    /// Who built its own package; `None`: only the registry signed it.
    pub(crate) repository: Option<String>,
}

impl Version {
    /// A harmless one.
    pub(crate) fn new(server: &str, version: &str) -> Self {
        Self {
            server: server.to_owned(),
            version: version.to_owned(),
            told: Some(
                json!({ "serverInfo": { "name": server, "version": version }, "tools": [tool("read", "Reads one file.")] }),
            ),
            packages: vec!["npm:left@1.0.3".to_owned()],
            scripts: Vec::new(),
            repository: Some("https://code.example.test/team/server".to_owned()),
        }
    }

    pub(crate) fn telling(mut self, told: Value) -> Self {
        self.told = Some(told);
        self
    }

    /// Its lock.
    pub(crate) fn lock(&self) -> Lock {
        let root: PackageId = format!("npm:{}-mcp@{}", self.server, self.version).parse().expect("a package");
        let ids: Vec<PackageId> = self.packages.iter().map(|id| id.parse().expect("a package")).collect();
        let edge = |id: &PackageId| Edge {
            name: id.name().as_str().into(),
            to: NodeId::of(id.clone()),
            optional: false,
            marker: None,
        };
        let mut nodes: BTreeMap<NodeId, Node> =
            ids.iter().map(|id| (NodeId::of(id.clone()), Node { edges: Vec::new(), targets: None })).collect();
        nodes.insert(NodeId::of(root.clone()), Node { edges: ids.iter().map(edge).collect(), targets: None });
        let closure = Closure::new(NodeId::of(root.clone()), nodes).expect("a closure");
        let packages: BTreeMap<PackageId, Package> =
            ids.iter().chain([&root]).map(|id| (id.clone(), self.package(id, *id == root))).collect();
        let told = match &self.told {
            None => Told::Unknown,
            Some(told) => Told::Manifest(Box::new(Captured {
                manifest: Manifest::from_value(told.clone()).expect("a manifest"),
                context: Context {
                    isolation: Isolation::Landlock,
                    runtime: Some(Runtime { name: "node".into(), version: "22.11.0".into() }),
                    protocol: "2025-06-18".into(),
                    placeholders: Default::default(),
                    real_env: Default::default(),
                    network: Default::default(),
                },
                unstable: Vec::new(),
                observed: Observed::default(),
            })),
        };
        let parts = ServerParts {
            name: self.server.parse().expect("a name"),
            spec: format!("npm:{}-mcp@^1", self.server).parse().expect("a spec"),
            version: self.version.clone(),
            command: None,
            entry: EntryPoint::NpmBin("server".into()),
            as_of: None,
            overrides: BTreeMap::new(),
            targets: vec!["linux-x86_64-gnu".parse().expect("a target"), "macos-aarch64".parse().expect("a target")],
            closure,
            findings: Vec::new(),
            told,
            accepted: Vec::new(),
        };
        let server = LockedServer::new(parts, &packages).expect("a server");
        let mut lock = Lock::empty();
        lock.insert(server, packages.into_iter().collect()).expect("a lock");
        lock
    }

    fn package(&self, id: &PackageId, own: bool) -> Package {
        let bytes = id.to_string();
        let mut digests = Digests::default();
        digests.insert(Digest::sha512_of(bytes.as_bytes()));
        digests.insert(Digest::sha256_of(bytes.as_bytes()));
        let file = format!("{}-{}.tgz", id.name().base(), id.version());
        let mut package = Package::bare(id.clone());
        package.artifacts =
            vec![Artifact { kind: ArtifactKind::NpmTarball, file: file.into(), size: Some(12_345), digests }];
        package.install_scripts = self.scripts.contains(&bytes);
        let signed = SignerPin::Key { id: "SHA256:registry".into(), fingerprint: None };
        let mut pins =
            vec![Pin { kind: EvidenceKind::RegistrySignature, signer: signed, log: None, commit: None, file: None }];
        if let Some(repository) = self.repository.as_deref().filter(|_| own) {
            pins.push(Pin {
                kind: EvidenceKind::Provenance,
                signer: SignerPin::Workload {
                    issuer: "https://issuer.example.test".into(),
                    repository: repository.into(),
                    workflow: format!("{repository}/release.yml").into(),
                    reference: Some("refs/tags/*".into()),
                },
                log: Some(LogEvidence::Proof),
                commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
                file: None,
            });
        }
        package.evidence = Pinned::by(pins);
        package
    }
}

/// A tool with one parameter.
pub(crate) fn tool(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object", "required": ["path"], "properties": {
        "path": { "type": "string", "description": "The path of the file." } } } })
}

/// A server with what is in it.
pub(crate) struct Pages {
    _data: TempDir,
    app: App,
    router: Router,
    runtime: tokio::runtime::Runtime,
    key: Key,
    pushed: i64,
    /// Last: it goes when nobody uses it any more.
    _backend: Backend,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Pages {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::Builder::new().prefix("mcpsec-pages").tempdir().expect("a temporary folder");
        let key = Key::parse(KEY).expect("a key");
        let public = format!("\"\"\"\n{}\n\"\"\"", pem(&key));
        put(&data.path().join("mcp-signers"), &format!("[[signer]]\nname = \"ada\"\nkey = {public}\n"));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let mut config = Config::in_folder(data.path().to_owned());
        config.origin = "mcp.example.test".to_owned();
        let backend = Backend::new();
        config.database = backend.database_address().map(Secret::new);
        change(&mut config);
        let app = runtime.block_on(serve::open(config, Clock::of(now))).expect("it opens");
        Self {
            _data: data,
            router: serve::router(app.clone()),
            app,
            runtime,
            key,
            pushed: now().as_second() - 1_000_000,
            _backend: backend,
        }
    }

    /// Puts a lock there, and its files where they `arrived`. Each push is an hour after the one before.
    pub(crate) fn push(&mut self, version: &Version, reason: &str, arrived: bool) -> Digest {
        self.pushed += 3_600;
        let lock = version.lock();
        let new = stored(&lock, self.pushed, reason);
        let digest = new.row.digest.parse().expect("a digest");
        let files: Vec<Digests> =
            lock.packages.values().flat_map(|package| &package.artifacts).map(|file| file.digests).collect();
        self.runtime.block_on(async {
            let mut tx = self.app.db.begin().await.expect("a transaction");
            assert!(locks::insert(&mut tx, &new).await.expect("a lock"));
            for digests in files.into_iter().filter(|_| arrived) {
                let hex: Vec<String> = digests.iter().map(|digest| digest.to_hex()).collect();
                let (a, b) = (hex.iter().find(|hex| hex.len() == 64), hex.iter().find(|hex| hex.len() == 128));
                let insert = "INSERT INTO artifacts (sha256, sha512, sha1, size, arrived_at) VALUES ($1, $2, '', 12345, 0) ON CONFLICT DO NOTHING";
                sqlx::query(insert).bind(a.expect("sha256")).bind(b.expect("sha512")).execute(&mut *tx).await.expect("a file");
            }
            tx.commit().await.expect("it is written");
            self.app.changed().await.expect("a catalog");
        });
        digest
    }

    /// Ada approves a version.
    pub(crate) fn approve(&mut self, version: &Version, reason: &str) -> ApprovalId {
        self.approve_as(version, "ada", reason)
    }

    /// Somebody who calls themselves so, with Ada's key.
    pub(crate) fn approve_as(&mut self, version: &Version, name: &str, reason: &str) -> ApprovalId {
        let lock = version.lock();
        let server = lock.servers.values().next().expect("a server");
        let approval = Approval {
            what: Approved::of(&lock, server),
            criteria: [Word::reviewed()].into(),
            reviewer: Reviewer { name: name.to_owned(), key: self.key.public().fingerprint() },
            reason: reason.to_owned(),
            issued: "2026-11-01T08:30:00Z".parse().expect("a time"),
            expires: "2027-11-01T08:30:00Z".parse().expect("a time"),
            rules: rules_id([]),
            summary: Summary::of(&lock, server),
        };
        self.say(&version.server, &Statement::Approval(Box::new(approval)))
    }

    /// Ada takes an approval back.
    pub(crate) fn revoke(&mut self, server: &str, approval: ApprovalId, reason: &str) {
        let revocation = Revocation {
            approval,
            server: server.parse().expect("a name"),
            reviewer: Reviewer { name: "ada".to_owned(), key: self.key.public().fingerprint() },
            reason: reason.to_owned(),
            issued: "2026-11-10T08:30:00Z".parse().expect("a time"),
        };
        let _id = self.say(server, &Statement::Revocation(Box::new(revocation)));
    }

    fn say(&mut self, server: &str, statement: &Statement) -> ApprovalId {
        let envelope = self.key.sign(statement).expect("a signature");
        self.add_line(server, &envelope.to_line());
        envelope.id()
    }

    /// Appends a line to the log, whatever it is.
    pub(crate) fn add_line(&mut self, server: &str, line: &str) {
        let line = line.trim_end();
        self.runtime.block_on(async {
            let mut tx = self.app.db.begin().await.expect("a transaction");
            let leaf = Digest::sha256_of(line.as_bytes()).to_hex();
            let insert = "INSERT INTO entries (seq, line, leaf, statement, server, added_at, added_by) \
                          SELECT size, $1, $2, $2, $3, 0, 'test' FROM log WHERE id = 1";
            sqlx::query(insert).bind(line).bind(leaf).bind(server).execute(&mut *tx).await.expect("an entry");
            sqlx::query("UPDATE log SET size = size + 1 WHERE id = 1").execute(&mut *tx).await.expect("a size");
            sqlx::query("UPDATE state SET generation = generation + 1 WHERE id = 1")
                .execute(&mut *tx)
                .await
                .expect("a generation");
            tx.commit().await.expect("it is written");
            self.app.changed().await.expect("a catalog");
        });
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).header("host", "mcp.example.test").body(Body::empty()).expect("a request"))
    }

    pub(crate) fn ask(&self, request: Request<Body>) -> Answer {
        use tower::ServiceExt as _;
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.expect("a body").to_bytes();
            Answer {
                status: parts.status,
                headers: parts.headers,
                body: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
            }
        })
    }

    /// A page that is there.
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    /// Answers real requests on loopback until the test ends; gives `http://127.0.0.1:PORT`.
    pub(crate) fn listen(&self) -> String {
        self.listen_to(self.router.clone())
    }

    /// The same for other pages.
    pub(crate) fn listen_to(&self, router: Router) -> String {
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let _task = self.runtime.spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }
}

/// The public half as PEM.
pub(crate) fn pem(key: &Key) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    // SubjectPublicKeyInfo of Ed25519 (RFC 8410).
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(key.public().raw().expect("an Ed25519 key"));
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der))
}

/// A lock of one server as the database has it after a push.
pub(crate) fn stored(lock: &Lock, pushed_at: i64, reason: &str) -> locks::NewLock {
    let server = lock.servers.values().next().expect("a server");
    let text = lock.to_text();
    let row = locks::LockRow {
        digest: Digest::sha256_of(text.as_bytes()).to_string(),
        pushed_at,
        pushed_by: "token:t1 (ci)".to_owned(),
        requested: i64::from(!reason.is_empty()),
        reason: reason.to_owned(),
    };
    locks::NewLock {
        row,
        text,
        server: server.name.to_string(),
        version: server.version.clone(),
        purl: server.closure.root().package().purl(),
        files: lock.packages.values().flat_map(file_rows).collect(),
    }
}

/// The files of a package, as the database lists them.
fn file_rows(package: &Package) -> Vec<locks::FileRow> {
    let row = |file: &Artifact| {
        let hex = |length: usize| {
            file.digests.iter().map(|digest| digest.to_hex()).find(|hex| hex.len() == length).unwrap_or_default()
        };
        locks::FileRow {
            package: package.id.purl(),
            file: file.file.to_string(),
            digest: file.digests.strongest().expect("a digest").to_string(),
            sha256: hex(64),
            sha512: hex(128),
            size: 12_345,
        }
    };
    package.artifacts.iter().map(row).collect()
}
