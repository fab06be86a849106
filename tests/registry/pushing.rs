//! A team with a server of its own, a project whose lock is pushed by hand, and HTTP as a test writes it.
use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use mcpsec_model::{digest::Digest, lock::Lock};
use mcpsec_testkit::{NpmPackage, NpmServer, SshSigner, TestEnv, npm_package};
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

use crate::{
    backends::Backend,
    world::{World, mcpsec},
};

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// Fails the test unless it has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Fails the test unless it is refused with this status, in our form and with these words.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        let said = self.json()["error"].as_str().unwrap_or_else(|| panic!("an error: {}", self.json())).to_owned();
        assert!(said.contains(words), "`{said}` does not say `{words}`");
        assert!(!said.chars().any(|c| c.is_control()), "{said:?}");
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("ASCII")
    }
}

/// Asks once.
pub(crate) fn ask(method: Method, url: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: answer.bytes().await.expect("a body").to_vec() }
    })
}

/// Sends bytes as they are, and gives the first line of what comes back.
pub(crate) fn raw(world: &World, request: &[u8]) -> String {
    let address = world.server.address().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    // The server may refuse and close before it read everything.
    let _refused_early = stream.write_all(request);
    let mut said = Vec::new();
    let mut chunk = [0; 4096];
    while !said.windows(2).any(|pair| pair == b"\r\n") {
        match stream.read(&mut chunk) {
            Ok(read @ 1..) => said.extend_from_slice(&chunk[..read]),
            Ok(0) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
}

/// Whoever pushes, and what.
pub(crate) struct Team {
    pub(crate) world: World,
    pub(crate) env: TestEnv,
    pub(crate) npm: NpmServer,
    pub(crate) token: String,
    ada: SshSigner,
}

pub(crate) fn files() -> NpmPackage {
    npm_package("files", "1.2.0").dep("left", "^1.0.0").bin("files", "index.js")
}

pub(crate) fn left() -> NpmPackage {
    npm_package("left", "1.0.3")
}

impl Team {
    /// A team where `ada`'s approval is enough, and a project with `files`, which needs `left`. `None`, said on standard error, where
    /// nothing can be signed.
    pub(crate) fn new(arguments: &[&str]) -> Option<Self> {
        let npm = NpmServer::start();
        npm.publish_all(&[files(), left()]);
        Self::of(npm, arguments)
    }

    pub(crate) fn of(npm: NpmServer, arguments: &[&str]) -> Option<Self> {
        Self::on(Backend::new(), npm, arguments)
    }

    pub(crate) fn on(backend: Backend, npm: NpmServer, arguments: &[&str]) -> Option<Self> {
        if !SshSigner::available() {
            eprintln!("skipped: no ssh-keygen");
            return None;
        }
        let ada = SshSigner::new();
        let signers = format!("[[signer]]\nname = \"ada\"\nkey = \"{}\"\n", ada.public_key());
        let world = World::on(backend, arguments, |data| {
            let mut file = std::fs::File::create(data.join("mcp-signers")).expect("a file");
            file.write_all(signers.as_bytes()).expect("a file");
        });
        let mut env = TestEnv::new();
        env.set_binary(mcpsec());
        env.npm(&npm);
        let _added = env.mcpsec(["add", "npm:files"]).success();
        env.write("mcp-signers", signers);
        let token = token(&world, &["push", "approve-submit"]);
        Some(Self { world, env, npm, token, ada })
    }

    /// The text of the lock, which has one server.
    pub(crate) fn lock(&self) -> String {
        self.env.read("mcp.lock")
    }

    /// `npm` files of the lock, by digest as the server calls them.
    pub(crate) fn tarballs(&self) -> BTreeMap<String, Vec<u8>> {
        [files(), left()]
            .iter()
            .map(|package| (Digest::sha512_of(&package.tarball()).to_string(), package.tarball()))
            .collect()
    }

    pub(crate) fn ask(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        ask(method, &self.world.url(path), &[("Authorization", &bearer)], body)
    }

    /// The first line of the answer to a body that is announced with this length and not sent: a client that is still sending when it
    /// is refused may see a broken pipe and no answer.
    pub(crate) fn announce(&self, path: &str, length: u64) -> String {
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: registry.invalid\r\nAuthorization: Bearer {}\r\nContent-Length: {length}\r\n\r\n",
            self.token
        );
        raw(&self.world, head.as_bytes()).trim_end().to_owned()
    }

    pub(crate) fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.ask(Method::PUT, path, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, "")
    }

    /// Asks as somebody without a token.
    pub(crate) fn anonymous(&self, path: &str) -> Answer {
        ask(Method::GET, &self.world.url(path), &[], "")
    }

    pub(crate) fn put_lock(&self, query: &str) -> Answer {
        let lock = self.lock();
        self.put(&format!("/api/v1/locks/{}{query}", Digest::sha256_of(lock.as_bytes())), lock)
    }

    /// Ada approves what is locked, and the log has it.
    pub(crate) fn approve(&self) {
        let key = self.ada.key_file().display().to_string();
        let _approved = self.env.mcpsec(["approve", "files", "--yes", "--key", &key]).success();
        self.submit();
    }

    /// Ada takes her last approval back, and the log has it.
    pub(crate) fn revoke(&self) {
        let key = self.ada.key_file().display().to_string();
        let _revoked = self.env.mcpsec(["revoke", "files", "--reason", "no", "--yes", "--key", &key]).success();
        self.submit();
    }

    fn submit(&self) {
        let _size = self.ask(Method::POST, "/api/v1/approvals", self.env.read("mcp-approvals.jsonl")).is(200);
    }

    /// Pushes the lock and all its files.
    pub(crate) fn push_all(&self, query: &str) {
        let _taken = self.put_lock(query).is(200);
        for (digest, bytes) in self.tarballs() {
            let _arrived = self.put(&format!("/api/v1/artifacts/{digest}"), bytes).is(200);
        }
    }

    /// How the server stands, as everybody sees it.
    pub(crate) fn status(&self) -> String {
        let releases = self.get("/api/v1/releases").is(200).json();
        releases["releases"][0]["status"].as_str().unwrap_or_else(|| panic!("a status: {releases}")).to_owned()
    }

    /// The lock after an edit of its types: still canonical, and sealed as mcpsec seals it.
    pub(crate) fn edited(&self, edit: impl FnOnce(&mut Lock)) -> String {
        let mut lock = Lock::parse(&self.lock(), "mcp.lock").expect("a lock");
        edit(&mut lock);
        lock.to_text()
    }
}

/// A token with these scopes.
pub(crate) fn token(world: &World, scopes: &[&str]) -> String {
    let mut arguments = vec!["token", "create", "--name", "tests"];
    for scope in scopes {
        arguments.extend(["--scope", *scope]);
    }
    let made = world.command(&arguments);
    assert_eq!(made.code, Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("UTF-8").trim().to_owned()
}

/// Bytes that do not compress.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(length)
    .collect()
}
