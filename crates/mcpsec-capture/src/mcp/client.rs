//! Requests and their answers, each with a deadline, and what a server sends unasked.
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use mcpsec_model::text::Untrusted;
use serde_json::{Map, Value, json};

use super::{
    Bounds, Identity, MAX_ANSWERED, MAX_NOISE, MODERN, McpError,
    handshake::Era,
    message::{self, Answer, Message},
    pipe::{Event, Pipes},
};

/// JSON-RPC 2.0: the method does not exist.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
/// How often a moving deadline is looked at.
const STEP: Duration = Duration::from_millis(50);
/// The longest id of a server's request that is repeated in an answer, in bytes of JSON.
const MAX_ID: usize = 256;

/// A conversation with one process.
#[derive(Debug)]
pub struct Client {
    pipes: Pipes,
    bounds: Bounds,
    end: Instant,
    identity: Identity,
    era: Era,
    last_id: u64,
    // Requests that were given up on: their answers may still come.
    abandoned: BTreeSet<u64>,
    late: Vec<(u64, Answer)>,
    // Shared by the processes of one program that were started together.
    siblings: Option<Arc<Siblings>>,
    // The length of the line that the last answer came in.
    answer_size: usize,
    counts: Counts,
}

/// What processes of one program that were started at once know of each other: how long the program takes to start on this
/// machine today. A silence is judged by it, so that a busy machine makes no server look older than it is.
#[derive(Debug, Default)]
pub struct Siblings {
    first_answer: OnceLock<Instant>,
}

/// What a server sent beside answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Lines on stdout that are not of the protocol.
    pub noise: u64,
    /// Notifications.
    pub notifications: u64,
    /// Of these, `list_changed`: what was listed may have changed since.
    pub list_changed: u64,
    /// Requests to the client.
    pub requests: u64,
}

impl Client {
    /// Starts to listen on the streams of a server that was just started. Nothing is sent yet.
    pub fn new(
        (stdin, stdout, stderr): (impl Write + Send + 'static, impl Read + Send + 'static, impl Read + Send + 'static),
        identity: Identity,
        bounds: Bounds,
    ) -> Self {
        Self {
            pipes: Pipes::new(stdin, stdout, stderr, bounds.line, bounds.output),
            end: Instant::now() + bounds.total,
            bounds,
            identity,
            era: Era::Legacy,
            last_id: 0,
            abandoned: BTreeSet::new(),
            late: Vec::new(),
            siblings: None,
            answer_size: 0,
            counts: Counts::default(),
        }
    }

    /// Tells the client about others that talk to processes of the same program, started at the same time.
    #[must_use]
    pub fn among(mut self, siblings: Arc<Siblings>) -> Self {
        self.siblings = Some(siblings);
        self
    }

    /// What came beside answers so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The era that was agreed on.
    pub fn era(&self) -> Era {
        self.era
    }

    /// Speaks as somebody else from now on. Only without a session ([`Era::Modern`]) does the server hear of it.
    pub fn identify(&mut self, identity: Identity) {
        self.identity = identity;
    }

    /// Closes the server's input: there will be no more requests.
    pub fn close(&mut self) {
        self.pipes.close();
    }

    /// The end of what the server wrote to stderr, at most 16 KiB; waits at most `patience` for the stream to end.
    pub fn stderr(&self, patience: Duration) -> Vec<u8> {
        self.pipes.stderr(patience)
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// How many bytes the last answer had.
    pub(super) fn answer_size(&self) -> usize {
        self.answer_size
    }

    pub(super) fn set_era(&mut self, era: Era) {
        self.era = era;
    }

    /// Whether there are siblings, and none of them was ever answered.
    pub(super) fn siblings_are_silent(&self) -> bool {
        self.siblings.as_ref().is_some_and(|all| all.first_answer.get().is_none())
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Sends a request and waits for its answer.
    pub(super) fn request(
        &mut self,
        method: &'static str,
        params: Map<String, Value>,
        patience: Duration,
    ) -> Result<Answer, McpError> {
        let id = self.ask(method, params);
        self.wait(id, method, patience)
    }

    /// [`Client::request`], where an error is an error.
    pub(super) fn result(
        &mut self,
        method: &'static str,
        params: Map<String, Value>,
        patience: Duration,
    ) -> Result<Value, McpError> {
        match self.request(method, params, patience)? {
            Answer::Result(result) => Ok(result),
            Answer::Error { code, message, .. } => {
                Err(McpError::ServerError { method, code, message: Untrusted::new(message) })
            }
        }
    }

    /// Sends a request and gives its id.
    pub(super) fn ask(&mut self, method: &str, mut params: Map<String, Value>) -> u64 {
        self.last_id += 1;
        if self.era == Era::Modern {
            params.insert("_meta".to_owned(), self.meta());
        }
        self.send(&json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params }));
        self.last_id
    }

    pub(super) fn notify(&mut self, method: &str) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method }));
    }

    /// Stops waiting for an answer; it may come later, see [`Client::late_answer`].
    pub(super) fn abandon(&mut self, id: u64) {
        self.abandoned.insert(id);
    }

    /// The answer to an abandoned request, if it came meanwhile.
    pub(super) fn late_answer(&mut self, id: u64) -> Option<Answer> {
        let at = self.late.iter().position(|(late, _)| *late == id)?;
        Some(self.late.swap_remove(at).1)
    }

    /// Waits for the answer to the request `id`, while looking after everything else that comes.
    pub(super) fn wait(&mut self, id: u64, method: &'static str, patience: Duration) -> Result<Answer, McpError> {
        let until = Instant::now() + patience;
        self.wait_until(id, method, patience, |_| until)
    }

    /// [`Client::wait`] for a question that older servers may not answer: `patience` counts from when one of the siblings
    /// is known to answer at all, at most `start` from now.
    pub(super) fn wait_as_siblings(
        &mut self,
        id: u64,
        method: &'static str,
        patience: Duration,
        start: Duration,
    ) -> Result<Answer, McpError> {
        let now = Instant::now();
        self.wait_until(id, method, patience, |siblings| match siblings.map(|all| all.first_answer.get()) {
            None => now + patience,
            Some(None) => now + start,
            Some(Some(first)) => (*first).max(now) + patience,
        })
    }

    fn wait_until(
        &mut self,
        id: u64,
        method: &'static str,
        patience: Duration,
        until: impl Fn(Option<&Siblings>) -> Instant,
    ) -> Result<Answer, McpError> {
        loop {
            let until = until(self.siblings.as_deref()).min(self.end);
            // The bound, not what the clock says: one server shall fail with the same words every time.
            let after = if until == self.end { self.bounds.total } else { patience };
            let left = until.saturating_duration_since(Instant::now());
            // Whatever came in time is looked at even when the time is over; then it ends.
            let event = match self.pipes.next(left.min(STEP)) {
                Some(event) => event,
                None if left.is_zero() => return Err(McpError::NoAnswer { method, after }),
                None => continue,
            };
            let line = match event {
                Event::Line(line) => line,
                Event::LineTooLong => return Err(McpError::LineTooLong(self.bounds.line)),
                Event::TooMuch => return Err(McpError::TooMuchOutput(self.bounds.output)),
                Event::Closed => return Err(McpError::Closed { method }),
            };
            let mut found = None;
            for message in message::read(&line)? {
                if let Some(answer) = self.take(message, id, &line)?
                    && found.replace(answer).is_some()
                {
                    return Err(McpError::Ambiguous(format!("`{method}` is answered twice")));
                }
            }
            if let Some(answer) = found {
                self.answer_size = line.len();
                if let Some(siblings) = &self.siblings {
                    siblings.first_answer.get_or_init(Instant::now);
                }
                return Ok(answer);
            }
            if left.is_zero() {
                return Err(McpError::NoAnswer { method, after });
            }
        }
    }

    /// Looks after one message; gives the answer that is waited for.
    fn take(&mut self, message: Message, waiting: u64, line: &[u8]) -> Result<Option<Answer>, McpError> {
        match message {
            Message::Answer { id, answer } => self.answer(&id, answer, waiting),
            Message::Request { id, method } => {
                self.counts.requests += 1;
                if self.counts.requests <= MAX_ANSWERED && id.to_string().len() <= MAX_ID {
                    let reply = self.reply(&id, &method);
                    self.send(&reply);
                }
                Ok(None)
            }
            Message::Notification { method } => {
                self.counts.notifications += 1;
                self.counts.list_changed += u64::from(method.ends_with("/list_changed"));
                Ok(None)
            }
            Message::Noise => {
                self.counts.noise += u64::from(!line.trim_ascii().is_empty());
                if self.counts.noise > MAX_NOISE {
                    let line = Untrusted::new(String::from_utf8_lossy(&line[..line.len().min(400)])).excerpt(80);
                    return Err(McpError::NotMcp(format!(
                        "more than {MAX_NOISE} lines on stdout are no messages, as `{line}`"
                    )));
                }
                Ok(None)
            }
        }
    }

    fn answer(&mut self, id: &Value, answer: Answer, waiting: u64) -> Result<Option<Answer>, McpError> {
        if id.as_u64() == Some(waiting) && id.is_u64() {
            return Ok(Some(answer));
        }
        // Who could not read a request cannot tell its id (JSON-RPC 2.0 §5), and only one is waited for.
        // An older one that nobody waits for any more comes first.
        if id.is_null() && matches!(answer, Answer::Error { .. }) {
            let Some(older) = self.abandoned.pop_first() else { return Ok(Some(answer)) };
            self.late.push((older, answer));
            return Ok(None);
        }
        if let Some(known) = id.as_u64().filter(|_| id.is_u64())
            && self.abandoned.remove(&known)
        {
            self.late.push((known, answer));
            return Ok(None);
        }
        let ours = (1..=self.last_id).find(|ours| id.as_u64() == Some(*ours) || message::passes_for(id, *ours));
        match ours {
            Some(ours) => {
                let id = Untrusted::new(id.to_string()).excerpt(40);
                Err(McpError::Ambiguous(format!("an answer to {id} comes beside the one to request {ours}")))
            }
            // To nobody: clients drop it. It is no message of this conversation.
            None => self.take(Message::Noise, waiting, b"an answer to nobody"),
        }
    }

    /// What a client with these capabilities answers. Nothing is ever granted: no folder, no model, no person is here.
    fn reply(&self, id: &Value, method: &str) -> Value {
        let result = match method {
            "ping" => json!({}),
            "roots/list" if self.identity.can("roots") => json!({ "roots": [] }),
            "elicitation/create" if self.identity.can("elicitation") => json!({ "action": "decline" }),
            "sampling/createMessage" if self.identity.can("sampling") => {
                return json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -1, "message": "the user declined" } });
            }
            _ => {
                let error = json!({ "code": METHOD_NOT_FOUND, "message": "method not found" });
                return json!({ "jsonrpc": "2.0", "id": id, "error": error });
            }
        };
        json!({ "jsonrpc": "2.0", "id": id, "result": result })
    }

    /// Version and identity, which every request carries where there is no session (2026-07-28, "Per-request metadata").
    fn meta(&self) -> Value {
        json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": { "name": self.identity.name, "version": self.identity.version },
            "io.modelcontextprotocol/clientCapabilities": self.identity.capabilities,
        })
    }

    fn send(&self, message: &Value) {
        let mut bytes = message.to_string().into_bytes();
        bytes.push(b'\n');
        // A server that does not read may still end or answer; the wait for the answer has its deadline.
        if !self.pipes.send(bytes) {
            tracing::debug!("the server does not read its input");
        }
    }
}
