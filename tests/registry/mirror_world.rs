//! A team server with vetted packages, filled through its own API, for tests of the mirror.
use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    approval::{Approval, Approved, Reviewer, Revocation, Statement, Summary, Word, rules_id},
    candidate::EntryPoint,
    capture::Told,
    closure::{Closure, Edge, Node, NodeId},
    digest::{ApprovalId, Digest},
    evidence::Documents,
    lock::{Lock, LockedServer, ServerParts},
    name::Ecosystem,
    package::{Artifact, ArtifactKind, Package, PackageId},
};
use mcpsec_testkit::{
    NpmPackage, Wheel,
    program::{self, Finished, find},
};
use mcpsec_verify::approval::Key;
use serde_json::Value;
use tempfile::TempDir;

use crate::world::World;

/// An Ed25519 key that signs nothing but these tests.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----";

/// Writes a file.
pub(crate) fn put(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    std::fs::File::create(path)?.write_all(bytes.as_ref())
}

/// One file of a closure.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) id: PackageId,
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

impl Packed {
    pub(crate) fn new(id: &str, file: &str, bytes: Vec<u8>) -> Self {
        Self { id: id.parse().expect("a package"), file: file.to_owned(), bytes }
    }

    /// The digest that locks pin first.
    pub(crate) fn digest(&self) -> Digest {
        match self.id.ecosystem() {
            Ecosystem::Npm => Digest::sha512_of(&self.bytes),
            _ => Digest::sha256_of(&self.bytes),
        }
    }

    pub(crate) fn sha256(&self) -> String {
        Digest::sha256_of(&self.bytes).to_hex()
    }
}

impl From<&NpmPackage> for Packed {
    fn from(package: &NpmPackage) -> Self {
        let id = format!("npm:{}@{}", package.name(), package.version());
        Self::new(&id, &package.file_name(), package.tarball())
    }
}

/// A wheel as a file of a closure.
pub(crate) fn packed(id: &str, wheel: &Wheel) -> Packed {
    Packed::new(id, &wheel.file_name(), wheel.bytes())
}

/// The lock of one server: its own package first, then what it depends on.
pub(crate) fn lock(server: &str, files: &[Packed]) -> Lock {
    let root = &files[0].id;
    let python = root.ecosystem() == Ecosystem::Pypi;
    let mut packages: BTreeMap<PackageId, Package> = BTreeMap::new();
    for one in files {
        let kind = match one.file.rsplit_once('.') {
            Some((_, "whl")) => ArtifactKind::Wheel,
            _ if python => ArtifactKind::Sdist,
            _ => ArtifactKind::NpmTarball,
        };
        let digests = [one.digest()].into_iter().collect();
        let artifact = Artifact { kind, file: one.file.as_str().into(), size: Some(one.bytes.len() as u64), digests };
        let package = packages.entry(one.id.clone()).or_insert_with(|| Package::bare(one.id.clone()));
        package.artifacts.push(artifact);
        package.artifacts.sort();
    }
    // Several versions of one package go by aliases, as npm has them.
    let ids: Vec<PackageId> = packages.keys().cloned().collect();
    let name = |id: &PackageId| match ids.iter().filter(|other| other.name() == id.name()).count() {
        1 => id.name().to_string(),
        _ => format!("{}-{}", id.name(), id.version()),
    };
    let edge =
        |id: &PackageId| Edge { name: name(id).into(), to: NodeId::of(id.clone()), optional: false, marker: None };
    let others: Vec<&PackageId> = packages.keys().filter(|id| *id != root).collect();
    let mut nodes: BTreeMap<NodeId, Node> =
        others.iter().map(|id| (NodeId::of((*id).clone()), Node { edges: Vec::new(), targets: None })).collect();
    let edges = others.iter().map(|id| edge(id)).collect();
    nodes.insert(NodeId::of(root.clone()), Node { edges, targets: None });
    let target = if python { "linux-x86_64-gnu/3.12" } else { "linux-x86_64-gnu" };
    let parts = ServerParts {
        name: server.parse().expect("a name"),
        spec: format!("{}:{}", root.ecosystem(), root.name()).parse().expect("a spec"),
        version: root.version().to_owned(),
        command: None,
        entry: if python { EntryPoint::PythonScript(server.into()) } else { EntryPoint::NpmBin(server.into()) },
        as_of: None,
        overrides: BTreeMap::new(),
        targets: vec![target.parse().expect("a target")],
        closure: Closure::new(NodeId::of(root.clone()), nodes).expect("a closure"),
        findings: Vec::new(),
        told: Told::Unknown,
        accepted: Vec::new(),
    };
    let server = LockedServer::new(parts, &packages).expect("a server");
    let mut lock = Lock::empty();
    lock.insert(server, packages.into_iter().collect()).expect("a lock");
    lock
}

/// A server with a mirror.
pub(crate) struct Mirror {
    pub(crate) world: World,
    token: String,
    key: Key,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl Mirror {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With more arguments for the server.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let key = Key::parse(KEY).expect("a key");
        // SubjectPublicKeyInfo of Ed25519 (RFC 8410).
        let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        der.extend_from_slice(key.public().raw().expect("an Ed25519 key"));
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der));
        let world = World::prepared(arguments, |data| {
            let signers = format!("[[signer]]\nname = \"ada\"\nkey = \"\"\"\n{pem}\n\"\"\"\n");
            put(data.join("mcp-signers"), signers).expect("signers");
        });
        let made = world.command(&[
            "token",
            "create",
            "--name",
            "ci",
            "--scope",
            "push",
            "--scope",
            "approve-submit",
            "--scope",
            "read",
        ]);
        assert_eq!(made.code, Some(0), "{}", String::from_utf8_lossy(&made.stderr));
        let said = String::from_utf8(made.stdout).expect("UTF-8");
        let token = said.split_whitespace().find(|word| word.len() > 40).expect("a token").to_owned();
        Self { world, token, key }
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub(crate) fn url(&self, path: &str) -> String {
        self.world.url(path)
    }

    pub(crate) fn host(&self) -> &str {
        self.world.server.address().trim_start_matches("http://")
    }

    /// Approves and pushes a server with all its files; gives the approval's id.
    pub(crate) fn vet(&self, server: &str, files: &[Packed]) -> ApprovalId {
        let lock = lock(server, files);
        let approval = self.approve(&lock);
        self.push_lock(&lock, "");
        self.push_files(files);
        approval
    }

    /// Pushes for review.
    pub(crate) fn request(&self, server: &str, files: &[Packed]) {
        self.push_lock(&lock(server, files), "?request=1&reason=please");
        self.push_files(files);
    }

    pub(crate) fn approve(&self, lock: &Lock) -> ApprovalId {
        self.say(&self.approval(lock))
    }

    /// Sends an approval that may be refused.
    pub(crate) fn try_approve(&self, lock: &Lock) -> Answer {
        let envelope = self.key.sign(&self.approval(lock)).expect("a signature");
        let line = format!("{}\n", envelope.to_line().trim_end());
        self.ask("POST", "/api/v1/approvals", &[("Authorization", &self.bearer())], line.as_bytes())
    }

    fn approval(&self, lock: &Lock) -> Statement {
        let server = lock.servers.values().next().expect("a server");
        Statement::Approval(Box::new(Approval {
            what: Approved::of(lock, server),
            criteria: [Word::reviewed()].into(),
            reviewer: Reviewer { name: "ada".to_owned(), key: self.key.public().fingerprint() },
            reason: "read".to_owned(),
            issued: "2026-01-01T00:00:00Z".parse().expect("a time"),
            expires: "2035-12-01T00:00:00Z".parse().expect("a time"),
            rules: rules_id([]),
            summary: Summary::of(lock, server),
        }))
    }

    pub(crate) fn revoke(&self, server: &str, approval: ApprovalId) {
        let _id = self.say(&Statement::Revocation(Box::new(Revocation {
            approval,
            server: server.parse().expect("a name"),
            reviewer: Reviewer { name: "ada".to_owned(), key: self.key.public().fingerprint() },
            reason: "hijacked".to_owned(),
            issued: "2026-02-01T00:00:00Z".parse().expect("a time"),
        })));
    }

    fn say(&self, statement: &Statement) -> ApprovalId {
        let envelope = self.key.sign(statement).expect("a signature");
        let line = format!("{}\n", envelope.to_line().trim_end());
        self.send("POST", "/api/v1/approvals", line.as_bytes());
        envelope.id()
    }

    /// Sends a lock.
    pub(crate) fn push_lock(&self, lock: &Lock, query: &str) {
        let text = lock.to_text();
        let digest = Digest::sha256_of(text.as_bytes());
        self.send("PUT", &format!("/api/v1/locks/{digest}{query}"), text.as_bytes());
    }

    fn push_files(&self, files: &[Packed]) {
        for one in files {
            let answer = self.push_file(one);
            assert!((200..300).contains(&answer.status), "{}: {} {}", one.file, answer.status, answer.text());
        }
    }

    /// Sends one file.
    pub(crate) fn push_file(&self, one: &Packed) -> Answer {
        let path = format!("/api/v1/artifacts/{}", one.digest());
        self.ask("PUT", &path, &[("Authorization", &self.bearer())], &one.bytes)
    }

    /// What a token is sent as.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Pushes evidence about a file.
    pub(crate) fn evidence(&self, one: &Packed, documents: &Documents) {
        let package: String = url::form_urlencoded::byte_serialize(one.id.purl().as_bytes()).collect();
        let path = format!("/api/v1/evidence/{}?package={package}&file={}", one.digest(), one.file);
        self.send("PUT", &path, &serde_json::to_vec(documents).expect("JSON"));
    }

    /// A request that must be taken.
    fn send(&self, method: &str, path: &str, body: &[u8]) {
        let answer = self.ask(method, path, &[("Authorization", &self.bearer())], body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
    }

    /// Asks with the path exactly as it stands here, which libraries would tidy.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.host()).expect("a connection");
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("Host: {}\r\n", self.host()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("sent");
        // A server that refuses early may have closed its end.
        let _refused_early = stream.write_all(body);
        let mut all = Vec::new();
        let _reset = stream.read_to_end(&mut all);
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer");
        let head = String::from_utf8(all[..end].to_vec()).expect("ASCII");
        let status = head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let body = all.split_off(end + 4);
        let mut answer = Answer { status, head, body };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        }
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers, b"")
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).expect("hex"), 16).expect("hex");
        if size == 0 {
            break;
        }
        out.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + size + 4..];
    }
    out
}

/// A new laptop: nobody's settings and nothing in its caches, with the package managers of this machine.
pub(crate) struct Laptop {
    pub(crate) home: TempDir,
    path: String,
}

impl Laptop {
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("mcpsec-laptop").tempdir().expect("a temporary folder");
        let found = ["node", "npm", "python3", "pip", "pyenv"].into_iter().filter_map(find);
        let mut folders: Vec<PathBuf> = found.filter_map(|program| Some(program.parent()?.to_owned())).collect();
        folders.dedup();
        let mut path: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        path.extend(["/usr/bin".to_owned(), "/bin".to_owned()]);
        Self { home, path: path.join(":") }
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// Runs a line of shell in a folder below its home.
    pub(crate) fn run(&self, folder: &Path, line: &str) -> Finished {
        let home = self.home.path().display().to_string();
        let line = format!("cd '{}' && {line}", folder.display());
        let variables = [("HOME", home.as_str()), ("PATH", self.path.as_str()), ("LANG", "C.UTF-8")];
        program::run(Path::new("/bin/sh"), &["-c", line.as_str()], &variables)
    }

    /// Runs it and gives its standard output; fails the test with everything it said.
    pub(crate) fn succeeds(&self, folder: &Path, line: &str) -> String {
        let done = self.run(folder, line);
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.code, Some(0), "{line}\n{out}\n{err}");
        out.into_owned()
    }
}
