//! A team registry on loopback, as far as `push` and the mirror go: it keeps what it is sent, and tests make it hostile.
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard},
};

use mcpsec_model::{digest::Digest, lock::Lock};
use mcpsec_testkit::{
    Loopback, Request, TestEnv,
    loopback::{RangeSupport, Reply, Routes},
};
use serde_json::{Value, json};

/// What the tests' people push with.
pub(crate) const TOKEN: &str = "t0ken-of-the-team";

/// A fake registry; a [`Loopback`] with a memory.
pub(crate) struct TeamServer {
    http: Loopback,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    kept: Mutex<Kept>,
}

/// What it was sent.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) locks: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) parts: BTreeMap<(String, u64), Vec<u8>>,
    pub(crate) evidence: BTreeMap<String, Vec<u8>>,
    /// Servers that nobody approved.
    pub(crate) unapproved: BTreeSet<String>,
    /// Put into the answer to a lock, in place of what is right.
    pub(crate) lies: BTreeMap<&'static str, Value>,
}

impl Deref for TeamServer {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        &self.http
    }
}

impl TeamServer {
    pub(crate) fn start() -> Self {
        let state = Arc::<State>::default();
        Self { http: Loopback::start(Arc::clone(&state) as Arc<dyn Routes>), state }
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.state.kept.lock().expect("no panic elsewhere")
    }

    /// Puts `[team]` into a project's mcp.toml, with more lines of the table.
    pub(crate) fn join(&self, env: &TestEnv, more: &str) {
        let toml = env.read("mcp.toml");
        let before = toml.split("\n[team]\n").next().unwrap_or_default();
        env.write("mcp.toml", format!("{before}\n[team]\nregistry = \"{}\"\n{more}\n", self.base()));
    }

    /// Requests with this method whose path matches.
    pub(crate) fn asked(&self, method: &str, pattern: &str) -> usize {
        self.requests().iter().filter(|request| request.method == method && request.matches(pattern)).count()
    }
}

impl Routes for State {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let mut kept = self.kept.lock().expect("no panic elsewhere");
        let path = request.decoded_path();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let writes = request.method == "PUT" || request.method == "POST";
        if writes && request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return refusal(401, "no token that is known here", None);
        }
        match (request.method.as_str(), parts.as_slice()) {
            ("PUT", ["api", "v1", "locks", digest]) => kept.take_lock(digest, request),
            ("GET", ["api", "v1", "locks", digest]) => match kept.locks.get(*digest) {
                Some(text) => Reply::new(200, "application/toml", text.clone()),
                None => refusal(404, "not known", None),
            },
            ("PUT", ["api", "v1", "artifacts", digest]) => kept.take_file(digest, request.body.to_vec()),
            ("GET" | "HEAD", ["api", "v1", "artifacts", digest]) => match kept.files.get(*digest) {
                Some(bytes) => Reply::file("application/octet-stream", bytes.clone(), RangeSupport::Full),
                None => refusal(404, "not known", None),
            },
            ("PUT", ["api", "v1", "artifacts", digest, "parts", index]) => {
                let index = index.parse().expect("a number");
                kept.parts.insert(((*digest).to_owned(), index), request.body.to_vec());
                json_reply(&json!({}))
            }
            ("GET", ["api", "v1", "artifacts", digest, "parts"]) => {
                let of = kept.parts.keys().filter(|(of, _)| of == digest).map(|(_, index)| *index);
                json_reply(&json!({"parts": of.collect::<Vec<u64>>()}))
            }
            ("POST", ["api", "v1", "artifacts", digest, "parts"]) => {
                let of: Vec<(String, u64)> = kept.parts.keys().filter(|(of, _)| of == digest).cloned().collect();
                let whole: Vec<u8> = of.iter().filter_map(|key| kept.parts.remove(key)).flatten().collect();
                kept.take_file(digest, whole)
            }
            ("PUT", ["api", "v1", "evidence", ..]) => {
                let key = evidence_key(&path, request);
                kept.evidence.insert(key, request.body.to_vec());
                json_reply(&json!({}))
            }
            ("GET", ["api", "v1", "evidence", ..]) => match kept.evidence.get(&evidence_key(&path, request)) {
                Some(json) => Reply::new(200, "application/json", json.clone()),
                None => refusal(404, "none", None),
            },
            _ => refusal(404, "no such address", None),
        }
    }
}

fn evidence_key(path: &str, request: &Request) -> String {
    format!("{path}?{}", request.query.as_deref().unwrap_or_default())
}

impl Kept {
    fn take_lock(&mut self, digest: &str, request: &Request) -> Reply {
        let text = String::from_utf8(request.body.to_vec()).expect("UTF-8");
        if Digest::sha256_of(text.as_bytes()).to_string() != digest {
            return refusal(422, "the text has another digest", None);
        }
        let lock = Lock::parse(&text, "pushed").expect("a canonical lock");
        assert!(lock.servers.len() == 1 && lock.imports.is_empty(), "{text}");
        let server = lock.servers.keys().next().expect("one").to_string();
        let requested = request.query.as_deref().is_some_and(|query| query.contains("request=1"));
        let approved = !self.unapproved.contains(&server);
        if !approved && !requested {
            let hint = format!("mcpsec approve {server}, then mcpsec push");
            return refusal(403, "nobody approved exactly this", Some(&hint));
        }
        self.locks.insert(digest.to_owned(), text);
        let (mut missing, mut evidence) = (Vec::new(), Vec::new());
        for package in lock.packages.values() {
            for artifact in &package.artifacts {
                let digest = artifact.digests.strongest().expect("a pin").to_string();
                if !self.files.contains_key(&digest) {
                    missing.push(digest.clone());
                }
                let known = format!("/api/v1/evidence/{digest}?");
                if !self.evidence.keys().any(|key| key.starts_with(&known)) {
                    evidence.push(format!("{} {}", package.id.purl(), artifact.file));
                }
            }
        }
        let status = match (approved, missing.is_empty()) {
            (true, true) => "vetted",
            (true, false) => "incomplete",
            (false, _) => "pending",
        };
        let mut answer =
            json!({"lock": digest, "server": server, "status": status, "missing": missing, "evidence": evidence});
        for (member, lie) in &self.lies {
            answer[*member] = lie.clone();
        }
        json_reply(&answer)
    }

    fn take_file(&mut self, digest: &str, bytes: Vec<u8>) -> Reply {
        let wanted: Digest = digest.parse().expect("a digest");
        let found = if wanted.algorithm() == "sha512" { Digest::sha512_of(&bytes) } else { Digest::sha256_of(&bytes) };
        if found != wanted {
            return refusal(422, "other bytes than the digest says", None);
        }
        self.files.insert(digest.to_owned(), bytes);
        json_reply(&json!({}))
    }
}

fn json_reply(body: &Value) -> Reply {
    Reply::new(200, "application/json", body.to_string())
}

fn refusal(status: u16, error: &str, hint: Option<&str>) -> Reply {
    Reply::new(status, "application/json", json!({"error": error, "hint": hint}).to_string())
}
