//! Why a server could not be heard out, and what would help.
use std::{collections::BTreeSet, io};

use mcpsec_model::{capture::Observed, manifest::ManifestError, text::Untrusted};

use crate::{
    mcp::McpError,
    sandbox::{Limit, SandboxError},
};

/// The most names of environment variables that are suggested.
const MAX_NAMES: usize = 8;
/// How much of the program's own explanation is shown, in characters.
const SHOWN: usize = 300;

/// A capture that failed.
#[derive(Debug)]
pub struct CaptureError {
    /// What went wrong.
    pub failure: Failure,
    /// The end of what the program wrote to stderr, at most 16 KiB; empty if it wrote nothing.
    pub stderr: Untrusted,
    /// What all its processes tried until then.
    pub observed: Observed,
    /// Names of variables that it was given placeholders for.
    pub placeholders: BTreeSet<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It could not be started.
    #[error(transparent)]
    Start(SandboxError),
    /// The system lost it.
    #[error("the system lost track of it: {0}")]
    Lost(io::Error),
    /// It ended before it had answered.
    #[error("it ended {} before it answered `{method}`", end(*.code, *.signal))]
    ExitedEarly {
        /// The request that it left open.
        method: &'static str,
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// The sandbox ended it.
    #[error("it was ended because it used too much {}", .0.what())]
    Limit(Limit),
    /// It did not say what can be kept.
    #[error(transparent)]
    Protocol(#[from] McpError),
    /// What it said is no manifest.
    #[error("what it says cannot be kept: {0}")]
    Manifest(#[from] ManifestError),
}

/// What a server seems to need to be heard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Need {
    /// Names of hosts it tried to reach (`--allow-network HOST`).
    pub hosts: BTreeSet<Untrusted>,
    /// Environment variables it asked for (`--env-file FILE`).
    pub env: BTreeSet<String>,
}

impl CaptureError {
    pub(super) fn new(failure: Failure) -> Self {
        Self { failure, stderr: Untrusted::new(""), observed: Observed::default(), placeholders: BTreeSet::new() }
    }

    /// What would help, judged by what it tried and by its own words.
    pub fn needs(&self) -> Option<Need> {
        let mut words = self.stderr.raw().to_owned();
        match &self.failure {
            Failure::Protocol(McpError::ServerError { message, .. }) => {
                words.push('\n');
                words.push_str(message.raw());
            }
            Failure::ExitedEarly { .. } | Failure::Protocol(McpError::Closed { .. } | McpError::NoAnswer { .. }) => {}
            // Nothing that a user could give would help.
            _ => return None,
        }
        let mut hosts: BTreeSet<Untrusted> =
            self.observed.hosts.iter().filter(|host| is_host(host.raw())).cloned().collect();
        hosts.extend(unknown_hosts(&words));
        let mut need = Need { hosts, env: variables(&words) };
        if need.env.is_empty() && !BROKEN.iter().any(|cue| words.contains(cue)) {
            // It names none: those whose true values it could not have had are the likeliest.
            need.env.clone_from(&self.placeholders);
        }
        (need != Need::default()).then_some(need)
    }
}

impl std::fmt::Display for CaptureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.failure)?;
        match telling_line(self.stderr.raw()) {
            Some(line) => write!(f, "; it said: {}", Untrusted::new(line).excerpt(SHOWN)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CaptureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.failure)
    }
}

impl Need {
    /// What to do, one sentence without a full stop; safe to print.
    pub fn hint(&self) -> String {
        let mut parts = Vec::new();
        if !self.env.is_empty() {
            let names: Vec<&str> = self.env.iter().map(String::as_str).collect();
            parts.push(format!("give it {} with `--env-file FILE`", names.join(", ")));
        }
        if !self.hosts.is_empty() {
            let hosts: Vec<String> = self
                .hosts
                .iter()
                .take(MAX_NAMES)
                .map(|host| format!("`--allow-network {}`", host.excerpt(80)))
                .collect();
            parts.push(format!("let it reach what it asked for with {}", hosts.join(" ")));
        }
        parts.join(", and perhaps ")
    }
}

/// Words of a line that says that something is missing.
const MISSING: [&str; 13] = [
    "requir",
    "missing",
    "must",
    "not set",
    "not found",
    "unset",
    "undefined",
    "provide",
    "please",
    "need",
    "environ",
    "env var",
    "expected",
];
/// Words of a line that is about something missing if it names what opens doors.
const REFUSED: [&str; 6] = ["invalid", "credential", "unauthor", "forbidden", "denied", "no "];
/// Words of a program that is broken by itself.
const BROKEN: [&str; 6] = [
    "AttributeError",
    "ImportError",
    "ModuleNotFoundError",
    "SyntaxError",
    "Cannot find module",
    "ERR_MODULE_NOT_FOUND",
];
/// Parts of the names of what opens doors.
const OPENS: [&str; 8] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH", "URL", "ACCOUNT"];
/// Beginnings of names in capitals that are codes of errors.
const CODES: [&str; 8] = ["ERR_", "EAI_", "UV_", "SSL_", "HTTP_", "INVALID_", "NOT_", "METHOD_"];

/// Names of variables that a line says are missing.
fn variables(words: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in words.lines() {
        let low = line.to_lowercase();
        let missing = MISSING.iter().any(|cue| low.contains(cue));
        let refused = REFUSED.iter().any(|cue| low.contains(cue));
        for word in line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| is_variable(word)) {
            let opens = OPENS.iter().any(|part| word.contains(part));
            if (missing || refused && opens) && names.len() < MAX_NAMES {
                names.insert(word.to_owned());
            }
        }
    }
    names
}

/// Whether it is where names are looked up (RFC 1035 §4.2): asking there says that a host is wanted, not which.
pub(super) fn is_name_server(host: &Untrusted) -> bool {
    host.raw().ends_with(":53")
}

/// A host name that can be allowed, and be pasted into a command: no address, nothing that a shell would read.
fn is_host(word: &str) -> bool {
    word.contains('.')
        && word.len() <= 253
        && !word.starts_with(['.', '-'])
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        && word.chars().any(|c| c.is_ascii_alphabetic())
}

/// Hosts whose names could not be looked up, as runtimes name them: `getaddrinfo ENOTFOUND api.example.invalid`,
/// `host='api.example.invalid'`. Where no name can be looked up at all, this is the only place where they stand.
fn unknown_hosts(words: &str) -> BTreeSet<Untrusted> {
    let after = ["ENOTFOUND ", "EAI_AGAIN ", "host='", "host=\""].into_iter().flat_map(|cue| words.split(cue).skip(1));
    let names = after.map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.')
    });
    names.filter(|name| is_host(name)).take(MAX_NAMES).map(Untrusted::new).collect()
}

/// `SUPABASE_ACCESS_TOKEN`, not `ERR_MODULE_NOT_FOUND` or `ENOENT`.
fn is_variable(word: &str) -> bool {
    word.contains('_')
        && (4..=64).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && !CODES.iter().any(|start| word.starts_with(start))
}

/// The line of an explanation that explains most: the last that speaks of something wrong, else the last.
fn telling_line(stderr: &str) -> Option<&str> {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = |line: &&str| {
        let low = line.to_lowercase();
        !low.starts_with("at ")
            && ["error", "requir", "missing", "usage", "must ", "not set", "cannot", "failed"]
                .iter()
                .any(|cue| low.contains(cue))
    };
    lines().rfind(telling).or_else(|| lines().next_back())
}

fn end(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (Some(code), _) => format!("with code {code}"),
        (None, Some(signal)) => format!("by signal {signal}"),
        (None, None) => "without saying how".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(stderr: &str) -> CaptureError {
        let failure = Failure::ExitedEarly { method: "initialize", code: Some(1), signal: None };
        CaptureError { stderr: Untrusted::new(stderr), ..CaptureError::new(failure) }
    }

    #[test]
    fn the_telling_line_is_shown_escaped() {
        let error =
            exited("Starting\nError: API_KEY is\u{202e} required\n    at main (index.js:3)\n\nNode.js v20.1.0\n");
        assert_eq!(
            error.to_string(),
            "it ended with code 1 before it answered `initialize`; it said: Error: API_KEY is\\u{202e} required"
        );
        assert_eq!(exited("").to_string(), "it ended with code 1 before it answered `initialize`");
        assert!(exited(&format!("error {}", "x".repeat(9_000))).to_string().len() < 400);
    }

    #[test]
    fn what_is_missing_is_read_from_its_words() {
        let need = exited("SUPABASE_ACCESS_TOKEN is required\nERR_MODULE_NOT_FOUND must\nSOME_NOTE here")
            .needs()
            .expect("a need");
        assert_eq!(need.env, BTreeSet::from(["SUPABASE_ACCESS_TOKEN".to_owned()]));
        assert_eq!(need.hint(), "give it SUPABASE_ACCESS_TOKEN with `--env-file FILE`");
        assert_eq!(exited("it crashed").needs(), None);
        let mut lookup = exited(
            "Error: getaddrinfo EAI_AGAIN db.example.invalid. HTTPSConnectionPool(host='b.example.invalid', port=443)",
        );
        // Neither addresses nor what a shell would read can be allowed.
        lookup
            .observed
            .hosts
            .extend(["127.0.0.1:53", "203.0.113.7:443", "$(reboot).example.invalid"].map(Untrusted::new));
        let hosts = ["b.example.invalid", "db.example.invalid"].map(Untrusted::new);
        assert_eq!(lookup.needs().expect("a need").hosts, BTreeSet::from(hosts));
        let refused = exited("Invalid value of SOME_API_KEY for MODE_A").needs().expect("a need");
        assert_eq!(refused.env, BTreeSet::from(["SOME_API_KEY".to_owned()]));
        let mut placeholder = exited("401");
        placeholder.placeholders.insert("A_TOKEN".to_owned());
        assert_eq!(placeholder.needs().expect("a need").env, BTreeSet::from(["A_TOKEN".to_owned()]));
        let mut unreachable = exited("could not connect");
        unreachable.observed.hosts.insert(Untrusted::new("api.example.invalid"));
        let hint = unreachable.needs().expect("a need").hint();
        assert_eq!(hint, "let it reach what it asked for with `--allow-network api.example.invalid`");
        let looping = McpError::CursorLoop { method: "tools/list", cursor: Untrusted::new("") };
        let error = CaptureError { stderr: Untrusted::new("X_TOKEN is required"), ..CaptureError::new(looping.into()) };
        assert_eq!(error.needs(), None);
    }
}
