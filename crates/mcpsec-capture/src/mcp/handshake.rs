//! Which era a server speaks, and what it says about itself when it is greeted.
//!
//! ```text
//! server/discover -> result that names 2026-07-28                      -> modern
//!                 -> error -32022 that names it, or no older version   -> modern, or nothing in common
//!                 -> any other answer, or none for a while             -> initialize in the same process
//! ```
//!
//! A server from before 2026-07-28 may end or fall silent at a first request it does not know. Then it is started anew and
//! greeted with `initialize` at once ([`Greeting::Again`]).
use std::time::Duration;

use mcpsec_model::text::Untrusted;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::{Client, LEGACY, LEGACY_VERSIONS, MODERN, McpError, message::Answer};

/// 2026-07-28: the version that the request names is not supported.
const UNSUPPORTED_VERSION: i64 = -32022;
/// Where results name the server since 2026-07-28.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// With or without a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Era {
    /// `initialize`, then a session.
    Legacy,
    /// Every request stands for itself.
    Modern,
}

/// What is tried first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Approach {
    /// `server/discover`, then `initialize`: as clients of today do.
    ModernFirst,
    /// `initialize`, then `server/discover`: as clients of yesterday do, whose server must not say other words.
    LegacyFirst,
    /// Only `initialize`.
    LegacyOnly,
    /// Only `server/discover`, with all the time for a first answer.
    ModernOnly,
}

/// How a greeting ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Greeting {
    /// The lists can be asked for.
    Done(Hello),
    /// This process is of no more use: start another one, and greet it like this.
    Again(Approach),
}

/// What a server says when it is greeted.
#[derive(Clone, PartialEq, Debug)]
pub struct Hello {
    /// The version that was agreed on.
    pub protocol: SmolStr,
    /// `serverInfo`, or null.
    pub server_info: Value,
    /// `capabilities`.
    pub capabilities: Value,
    /// `instructions`.
    pub instructions: Option<String>,
}

/// What an answer to `server/discover` means.
enum Discovered {
    Modern(Hello),
    NotModern,
}

impl Client {
    /// Greets the server.
    ///
    /// # Errors
    /// See [`McpError`].
    pub fn greet(&mut self, approach: Approach) -> Result<Greeting, McpError> {
        match approach {
            Approach::ModernFirst => self.modern_first(),
            Approach::LegacyFirst => self.legacy_first(),
            Approach::LegacyOnly => self.initialize(self.bounds().hello),
            Approach::ModernOnly => {
                let patience = self.bounds().hello;
                self.set_era(Era::Modern);
                let answer = self.request(DISCOVER, Map::new(), patience)?;
                match (discovered(&answer)?, answer) {
                    (Discovered::Modern(hello), _) => Ok(Greeting::Done(hello)),
                    (Discovered::NotModern, Answer::Error { code, message, .. }) => {
                        Err(McpError::ServerError { method: DISCOVER, code, message: Untrusted::new(message) })
                    }
                    (Discovered::NotModern, Answer::Result(_)) => {
                        Err(McpError::NotMcp(format!("the result of `{DISCOVER}` names no version")))
                    }
                }
            }
        }
    }

    /// Asks a server without a session who it is, again: as the client that it is spoken to as now.
    ///
    /// # Errors
    /// See [`McpError`].
    pub fn discover_again(&mut self) -> Result<Hello, McpError> {
        match self.greet(Approach::ModernOnly)? {
            Greeting::Done(hello) => Ok(hello),
            Greeting::Again(_) => Err(McpError::NotMcp("it forgot its version of the protocol".to_owned())),
        }
    }

    fn modern_first(&mut self) -> Result<Greeting, McpError> {
        let patience = self.bounds().probe.min(self.bounds().hello);
        self.set_era(Era::Modern);
        let probe = self.ask(DISCOVER, Map::new());
        let start = self.bounds().hello;
        let patience = match self.wait_as_siblings(probe, DISCOVER, patience, start) {
            Ok(answer) => match discovered(&answer)? {
                Discovered::Modern(hello) => return Ok(Greeting::Done(hello)),
                Discovered::NotModern => self.bounds().hello,
            },
            // The siblings, one of which was greeted the older way, hear nothing either: it is not about the question.
            Err(McpError::NoAnswer { .. }) if self.siblings_are_silent() => {
                return Err(McpError::NoAnswer { method: INITIALIZE, after: start });
            }
            // It may be slow, or not answer what it does not know. If it stays silent it is started anew, with all the time.
            Err(McpError::NoAnswer { .. }) => {
                self.abandon(probe);
                patience
            }
            Err(McpError::Closed { .. }) => return Ok(Greeting::Again(Approach::LegacyOnly)),
            Err(error) => return Err(error),
        };
        let greeting = self.initialize(patience);
        let late = self.late_answer(probe).map(|answer| discovered(&answer)).transpose()?;
        match (greeting, late) {
            // Slow, and modern: what it is asked must not depend on how busy the machine is.
            (_, Some(Discovered::Modern(_))) => Ok(Greeting::Again(Approach::ModernOnly)),
            (Err(McpError::NoAnswer { .. } | McpError::Closed { .. }), _) => Ok(Greeting::Again(Approach::LegacyOnly)),
            (greeting, _) => greeting,
        }
    }

    fn legacy_first(&mut self) -> Result<Greeting, McpError> {
        let rejected = match self.initialize(self.bounds().hello) {
            Err(error @ (McpError::ServerError { .. } | McpError::NoCommonVersion(_))) => error,
            Err(McpError::Closed { .. }) => return Ok(Greeting::Again(Approach::ModernOnly)),
            other => return other,
        };
        self.set_era(Era::Modern);
        let patience = self.bounds().answer;
        match self.request(DISCOVER, Map::new(), patience).and_then(|answer| discovered(&answer)) {
            Ok(Discovered::Modern(hello)) => Ok(Greeting::Done(hello)),
            // It speaks neither: how it refused the first greeting says why.
            Ok(Discovered::NotModern)
            | Err(McpError::NoAnswer { .. } | McpError::Closed { .. } | McpError::ServerError { .. }) => Err(rejected),
            Err(error) => Err(error),
        }
    }

    fn initialize(&mut self, patience: Duration) -> Result<Greeting, McpError> {
        self.set_era(Era::Legacy);
        let identity = self.identity();
        let Value::Object(params) = json!({
            "protocolVersion": LEGACY,
            "capabilities": identity.capabilities,
            "clientInfo": { "name": identity.name, "version": identity.version },
        }) else {
            return Err(McpError::NotMcp("no parameters".to_owned()));
        };
        let result = self.result(INITIALIZE, params, patience)?;
        let version = result.get("protocolVersion").and_then(Value::as_str);
        let version =
            version.ok_or_else(|| McpError::NotMcp(format!("the result of `{INITIALIZE}` names no version")))?;
        if !LEGACY_VERSIONS.contains(&version) {
            return Err(McpError::NoCommonVersion(shown(&[version])));
        }
        let hello = hello(version, &result, result.get("serverInfo").cloned())?;
        self.notify("notifications/initialized");
        Ok(Greeting::Done(hello))
    }
}

const DISCOVER: &str = "server/discover";
const INITIALIZE: &str = "initialize";

fn discovered(answer: &Answer) -> Result<Discovered, McpError> {
    let (list, result) = match answer {
        Answer::Result(result) => (result.get("supportedVersions"), Some(result)),
        Answer::Error { code: UNSUPPORTED_VERSION, data, .. } => {
            // Drafts of the version called the member as the result does.
            (data.get("supported").or_else(|| data.get("supportedVersions")), None)
        }
        Answer::Error { .. } => return Ok(Discovered::NotModern),
    };
    // A result of something else: there are servers that answer everything.
    let Some(Value::Array(list)) = list else { return Ok(Discovered::NotModern) };
    let versions: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    match result {
        Some(result) if versions.contains(&MODERN) => {
            Ok(Discovered::Modern(hello(MODERN, result, modern_info(result)?)?))
        }
        _ if versions.iter().any(|version| LEGACY_VERSIONS.contains(version)) => Ok(Discovered::NotModern),
        _ => Err(McpError::NoCommonVersion(shown(&versions))),
    }
}

/// The server's name since 2026-07-28: in the result's `_meta`; drafts had it beside.
fn modern_info(result: &Value) -> Result<Option<Value>, McpError> {
    let inside = result.get("_meta").and_then(|meta| meta.get(SERVER_INFO)).filter(|info| !info.is_null());
    let beside = result.get("serverInfo").filter(|info| !info.is_null());
    match (inside, beside) {
        (Some(inside), Some(beside)) if inside != beside => {
            Err(McpError::Ambiguous("it names itself twice, differently".to_owned()))
        }
        (inside, beside) => Ok(inside.or(beside).cloned()),
    }
}

fn hello(version: &str, result: &Value, server_info: Option<Value>) -> Result<Hello, McpError> {
    let instructions = match result.get("instructions") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(McpError::NotMcp("`instructions` is no text".to_owned())),
    };
    let object = |value: Option<Value>, what: &str| match value.unwrap_or_default() {
        value @ (Value::Null | Value::Object(_)) => Ok(value),
        _ => Err(McpError::NotMcp(format!("`{what}` is no object"))),
    };
    Ok(Hello {
        protocol: version.into(),
        server_info: object(server_info, "serverInfo")?,
        capabilities: object(result.get("capabilities").cloned(), "capabilities")?,
        instructions,
    })
}

fn shown(versions: &[&str]) -> String {
    let mut shown: Vec<String> = versions.iter().take(8).map(|version| Untrusted::new(*version).excerpt(20)).collect();
    if shown.is_empty() {
        shown.push("none".to_owned());
    }
    shown.join(", ")
}
