//! A team's registry as a test likes it: a log with a key, heads that say what they are told to, entries that may be others.
use std::sync::{Arc, Mutex};

use mcpsec_model::{
    approval::{
        Reviewer, Revocation, Statement,
        head::{Head, HeadNote},
    },
    digest::ApprovalId,
    time::Timestamp,
};
use mcpsec_testkit::{
    Loopback, Request,
    loopback::{Reply, Routes},
};
use mcpsec_verify::approval::{
    Key,
    log::{LogSigner, Tree, leaf_hash},
};

pub(crate) const TOKEN: &str = "mcpsec_team-token-of-a-test";
pub(crate) const ORIGIN: &str = "mcp.example.test";

/// What the registry does wrong.
#[derive(Clone, Default)]
pub(crate) struct Lies {
    /// The note that it serves in place of its own.
    pub(crate) head: Option<String>,
    /// The entries that it serves in place of its own.
    pub(crate) lines: Option<Vec<String>>,
    /// The key that it says is to follow.
    pub(crate) next_key: Option<String>,
    /// It refuses what is sent to it.
    pub(crate) refuses: bool,
}

pub(crate) struct State {
    pub(crate) signer: LogSigner,
    /// The key that is to follow: it signs as well.
    pub(crate) next: Option<LogSigner>,
    pub(crate) lines: Vec<String>,
    pub(crate) expires: Timestamp,
    pub(crate) lies: Lies,
}

/// The registry.
pub(crate) struct Log(pub(crate) Mutex<State>);

pub(crate) fn signer(origin: &str) -> LogSigner {
    LogSigner::parse(origin.parse().expect("origin"), &LogSigner::generate().expect("key")).expect("signer")
}

/// So many seconds from now.
pub(crate) fn from_now(seconds: i64) -> Timestamp {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    Timestamp::from_second(i64::try_from(now).expect("now") + seconds).expect("an instant")
}

pub(crate) fn tree(lines: &[String]) -> Tree {
    let mut tree = Tree::default();
    lines.iter().for_each(|line| tree.push(leaf_hash(line.as_bytes())));
    tree
}

/// A line that is a revocation by nobody in particular of nothing in particular: what fills a log.
pub(crate) fn filler(number: usize) -> String {
    let key = Key::parse(&LogSigner::generate().expect("key")).expect("key");
    let statement = Statement::Revocation(Box::new(Revocation {
        approval: ApprovalId::of(format!("approval {number}").as_bytes()),
        server: format!("server-{number}").parse().expect("name"),
        reviewer: Reviewer { name: "grace".to_owned(), key: key.public().fingerprint() },
        reason: "not needed any more".to_owned(),
        issued: "2026-01-01T00:00:00Z".parse().expect("instant"),
    }));
    key.sign(&statement).expect("signed").to_line()
}

impl State {
    /// The head over the first entries, as it signs it.
    pub(crate) fn head_at(&self, size: usize) -> HeadNote {
        let tree = tree(&self.lines[..size]);
        let origin = self.signer.key().origin().clone();
        let head = Head { origin, size: size as u64, root: tree.root(), expires: self.expires };
        let mut note = self.signer.sign(head);
        self.next.iter().for_each(|next| next.cosign(&mut note));
        note
    }
}

impl Log {
    /// A registry without entries.
    pub(crate) fn start() -> (Arc<Self>, Loopback) {
        let state = State {
            signer: signer(ORIGIN),
            next: None,
            lines: Vec::new(),
            expires: from_now(7 * 24 * 3600),
            lies: Lies::default(),
        };
        let log = Arc::new(Self(Mutex::new(state)));
        let site = Loopback::start(Arc::clone(&log) as Arc<dyn Routes>);
        (log, site)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().expect("log"));
    }

    pub(crate) fn key(&self) -> String {
        self.0.lock().expect("log").signer.key().to_string()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("log").lines.clone()
    }

    /// Puts entries behind those that are there.
    pub(crate) fn add(&self, lines: impl IntoIterator<Item = String>) {
        self.change(|state| state.lines.extend(lines));
    }
}

fn number(request: &Request, name: &str) -> Option<usize> {
    let query = request.query.as_deref()?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

fn json(status: u16, value: &serde_json::Value) -> Reply {
    Reply::new(status, "application/json", value.to_string())
}

impl Routes for Log {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let mut state = self.0.lock().expect("log");
        let served = state.lies.lines.clone().unwrap_or_else(|| state.lines.clone());
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/api/v1/log-key") => {
                Reply::new(200, "text/plain; charset=utf-8", format!("{}\n", state.signer.key()))
            }
            ("GET", "/api/v1/log-key/next") => {
                let own = state.next.as_ref().map(|next| next.key().to_string());
                match state.lies.next_key.clone().or(own) {
                    Some(key) => Reply::new(200, "text/plain; charset=utf-8", format!("{key}\n")),
                    None => json(404, &serde_json::json!({"error": "there is none"})),
                }
            }
            ("GET", "/api/v1/approvals/head") => {
                let own = || state.head_at(state.lines.len()).to_string();
                Reply::new(200, "text/plain; charset=utf-8", state.lies.head.clone().unwrap_or_else(own))
            }
            ("GET", "/api/v1/approvals") => {
                let since = number(request, "since").unwrap_or(0);
                let until = number(request, "until").unwrap_or(served.len()).min(served.len());
                if since > served.len() {
                    return json(416, &serde_json::json!({"error": "there are not so many"}));
                }
                let lines: String = served[since..until].iter().map(|line| format!("{line}\n")).collect();
                Reply::new(200, "application/jsonl", lines)
            }
            ("GET", "/api/v1/approvals/proof/consistency") => {
                use base64::{Engine as _, engine::general_purpose::STANDARD};
                let (from, to) = (number(request, "from").unwrap_or(0), number(request, "to").unwrap_or(0));
                let proof = tree(&state.lines).consistency(from as u64, to as u64);
                match proof {
                    Some(proof) => {
                        let hashes: Vec<String> = proof.iter().map(|hash| STANDARD.encode(hash)).collect();
                        json(200, &serde_json::json!({"hashes": hashes}))
                    }
                    None => json(404, &serde_json::json!({"error": "no such sizes"})),
                }
            }
            ("POST", "/api/v1/approvals") => {
                if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
                    return json(401, &serde_json::json!({"error": "who speaks?"}));
                }
                if state.lies.refuses {
                    let refusal =
                        serde_json::json!({"error": "the key is of nobody in mcp-signers", "hint": "ask an admin"});
                    return json(422, &refusal);
                }
                let body = String::from_utf8(request.body.to_vec()).expect("text");
                let (mut added, mut known) = (0, 0);
                for line in body.lines() {
                    if state.lines.iter().any(|there| there == line) {
                        known += 1;
                    } else {
                        state.lines.push(line.to_owned());
                        added += 1;
                    }
                }
                json(200, &serde_json::json!({"added": added, "known": known, "size": state.lines.len()}))
            }
            _ => Reply::not_found(),
        }
    }
}
