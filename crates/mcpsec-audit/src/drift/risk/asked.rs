//! Parameters that are new, and what they want to be filled with.
use std::{collections::BTreeSet, sync::LazyLock};

use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Entry, Kind, Subject},
};
use regex::Regex;
use serde_json::Value;

use super::parameters;
use crate::drift::{name_words, sink::Sink};

static SPOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:(?:conversation|chat|dialog(?:ue)?|discussion|session) (?:history|so far|transcript|log|context|up to)|system prompts?|(?:previous|prior|earlier|last|recent|preceding) (?:\w+ ){0,2}(?:messages|turns|prompts?|conversations?|tool (?:results?|outputs?|calls?))|(?:full|entire|whole|complete|raw|verbatim|original|exact) (?:\w+ ){0,2}(?:conversation|chat|transcript|user (?:message|request|query|input|prompt)|prompt|message history|context)|what the user (?:has )?(?:said|asked|typed|wrote)|(?:the )?user'?s? (?:original|full|exact|last|initial) (?:\w+ )?(?:request|message|prompt|question|words)|chain[- ]of[- ]thought|internal (?:reasoning|instructions)|your (?:reasoning|instructions|thoughts|memory|context)|environment variables|contents? of (?:the )?(?:user's|home|config|ssh|\.env|~|previously|other|any|all)|(?:output|outputs|results?) of (?:the )?(?:previous|other|earlier|all|any) (?:\w+ )?(?:tools?|calls?|commands?))\b").ok()
});
static WANTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:your|the user's|user's|the caller's|their|account|login|ssh|private|secret|api|access|database|root|admin|sudo|aws|gcp|azure|git\w*|wallet|bank|card|master|mfa|2fa|otp) (?:\w+ ){0,3}(?:passwords?|credentials?|api[- _]?keys?|(?:access |secret |private |auth |bearer |session |personal access )?(?:tokens?|keys?)|passphrases?|pins?|seed phrases?|recovery (?:phrase|code)s?|cookies?|one-time codes?|otps?|cvv|card numbers?|social security numbers?|ssn)\b").ok()
});

/// Looks at what the newer version of an entry asks for and the older did not.
pub(super) fn compare(before: &Entry, after: &Entry, sink: &mut Sink) {
    let old = parameters(before);
    let known: BTreeSet<&str> = old.values().map(|(_, name, _)| name.as_str()).collect();
    for (path, (at, name, schema)) in &parameters(after) {
        let text = describing(schema);
        let was = old.get(path).map(|(_, _, schema)| describing(schema));
        let new = was.is_none() && !known.contains(name.as_str());
        if was.as_deref() == Some(text.as_str()) {
            continue;
        }
        let texts = |pattern: &LazyLock<Option<Regex>>| {
            let has = |text: &str| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
            has(&text) && !was.as_deref().is_some_and(has) && !denied(&text)
        };
        let filled = takes_text(schema);
        // Where a key lies is not the key.
        let place = name_words(name)
            .last()
            .is_some_and(|word| matches!(word.as_str(), "path" | "file" | "url" | "uri" | "id" | "name" | "dir"));
        if filled && (new && secret_name(name) || !place && texts(&WANTED)) {
            say("the parameter asks for credentials", at, name, &text, sink);
        }
        if filled && !talks(after) && (new && spoken_name(name) || texts(&SPOKEN)) {
            say("the parameter asks for what was said or thought", at, name, &text, sink);
        }
        if new && runs(name) && reads_only(before) {
            say("a tool that only read takes commands now", at, name, &text, sink);
        }
    }
}

/// Looks at an entry that is new: only what no honest tool asks for.
pub(super) fn added(entry: &Entry, sink: &mut Sink) {
    if entry.kind() != Kind::Tool {
        return;
    }
    for (at, name, schema) in parameters(entry).values() {
        let text = describing(schema);
        let spoken = SPOKEN.as_ref().is_some_and(|pattern| pattern.is_match(&text)) && !denied(&text);
        if takes_text(schema)
            && spoken
            && !talks(entry)
            && (spoken_name(name) || name_words(name).iter().any(|word| SIDE.contains(&word.as_str())))
        {
            say("the parameter asks for what was said or thought", at, name, &text, sink);
        }
        let words = name_words(name).concat();
        if matches!(
            words.as_str(),
            "seedphrase" | "mnemonic" | "sshprivatekey" | "sshkey" | "idrsa" | "recoveryphrase" | "systemprompt"
        ) {
            say("the parameter asks for credentials", at, name, &text, sink);
        }
    }
}

/// Whether talking or thinking is what the tool is for.
pub(super) fn talks(entry: &Entry) -> bool {
    const FOR: &[&str] = &[
        "chat",
        "completion",
        "completions",
        "llm",
        "conversation",
        "conversations",
        "think",
        "thinking",
        "thought",
        "reason",
        "reasoning",
        "prompt",
        "prompts",
        "message",
        "messages",
        "transcript",
        "dialog",
        "generate",
        "memory",
    ];
    name_words(entry.name()).iter().any(|word| FOR.contains(&word.as_str()))
}

/// What an address asks to be put into it: `https://…/{doc}?h={conversation_history}`.
pub(super) fn template(before: Option<&Entry>, after: &Entry, sink: &mut Sink) {
    let variables = |entry: &Entry| -> BTreeSet<String> {
        let parts = entry.name().split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
        parts
            .flat_map(|names| names.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']).split(','))
            .map(str::to_owned)
            .collect()
    };
    let known = before.map(&variables).unwrap_or_default();
    for name in variables(after) {
        if !known.contains(&name) && (secret_name(&name) || spoken_name(&name)) {
            say("the address asks for credentials or for what was said", &after.subject(), &name, "", sink);
        }
    }
}

fn say(message: &str, at: &Subject, name: &str, text: &str, sink: &mut Sink) {
    let shown = if text.is_empty() { name } else { text };
    sink.add(DriftLevel::Dangerous, at.clone(), message, None, Some(shown));
}

fn describing(schema: &Value) -> String {
    let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default();
    [text("title"), text("description")].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

fn denied(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "do not include",
        "don't include",
        "do not pass",
        "never include",
        "must not contain",
        "do not send",
        "never pass",
        "not needed",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

/// Whether text can be put in: a switch or a number asks for nothing.
fn takes_text(schema: &Value) -> bool {
    !matches!(schema.get("type").and_then(Value::as_str), Some("boolean" | "integer" | "number" | "null"))
        && schema.get("enum").is_none()
}

const SIDE: &[&str] = &[
    "sidenote",
    "note",
    "notes",
    "context",
    "metadata",
    "debug",
    "trace",
    "audit",
    "extra",
    "feedback",
    "comment",
    "info",
    "justification",
    "summary",
];

/// Names that say a secret: one word, or a word that needs another.
fn secret_name(name: &str) -> bool {
    let words = name_words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    const ALONE: &[&str] = &[
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "apikey",
        "accesstoken",
        "authtoken",
        "mnemonic",
        "otp",
        "totp",
        "mfa",
        "cvv",
        "cvc",
        "ssn",
        "iban",
        "jwt",
        "bearer",
        "cookie",
        "cookies",
        "passcode",
        "sessionid",
        "privatekey",
        "keyfile",
        "pat",
        "creds",
        "kubeconfig",
    ];
    const OF: &[&str] = &[
        "api",
        "access",
        "private",
        "ssh",
        "signing",
        "encryption",
        "auth",
        "session",
        "master",
        "refresh",
        "oauth",
        "oauth2",
        "github",
        "gitlab",
        "aws",
        "azure",
        "gcp",
        "slack",
        "openai",
        "anthropic",
        "personal",
        "id",
        "user",
        "admin",
        "service",
        "deploy",
        "bot",
        "license",
        "account",
        "login",
        "identity",
        "security",
        "verification",
        "wallet",
        "root",
        "security",
    ];
    const KEYS: &[&str] = &["key", "keys", "token", "tokens", "phrase", "pin"];
    // Words that make it a property of a secret, or another thing.
    const NOT: &[&str] = &[
        "policy",
        "policies",
        "length",
        "count",
        "max",
        "min",
        "page",
        "next",
        "continuation",
        "cursor",
        "sync",
        "type",
        "name",
        "names",
        "limit",
        "usage",
        "idempotency",
        "scanning",
        "scan",
        "alert",
        "alerts",
        "protection",
        "prefix",
        "expiry",
        "consent",
        "banner",
        "strength",
        "enabled",
        "id",
        "hint",
        "path",
        "url",
        "uri",
        "ttl",
        "algorithm",
        "size",
        "mode",
        "format",
        "status",
    ];
    if has(NOT) && !words.concat().ends_with("idtoken") {
        return false;
    }
    has(ALONE) || has(KEYS) && has(OF) || words.len() == 1 && words[0] == "token" || words.concat() == "authorization"
}

/// Names that ask for the conversation or for what the model thinks.
fn spoken_name(name: &str) -> bool {
    let words = name_words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    const WHO: &[&str] = &[
        "conversation",
        "chat",
        "message",
        "messages",
        "session",
        "system",
        "user",
        "agent",
        "assistant",
        "model",
        "llm",
        "ai",
        "full",
        "original",
        "internal",
        "previous",
        "prior",
        "dialog",
        "dialogue",
        "raw",
        "client",
    ];
    const WHAT: &[&str] = &[
        "history",
        "context",
        "prompt",
        "prompts",
        "reasoning",
        "thoughts",
        "memory",
        "transcript",
        "messages",
        "log",
        "instructions",
        "conversation",
        "chat",
    ];
    const NOT: &[&str] = &[
        "id", "ids", "limit", "count", "size", "max", "type", "page", "cursor", "name", "title", "url", "template",
        "lines", "length", "agent", "format",
    ];
    if words.last().is_some_and(|word| NOT.contains(&word.as_str())) {
        return false;
    }
    has(&["sidenote", "cot", "scratchpad"])
        || words.len() > 1 && has(WHO) && words.iter().skip(1).any(|word| WHAT.contains(&word.as_str()))
        || words.concat() == "chainofthought"
        || matches!(words.concat().as_str(), "conversation" | "transcript" | "chathistory" | "systemprompt")
}

fn runs(name: &str) -> bool {
    let words = name_words(name);
    words.iter().any(|word| {
        matches!(word.as_str(), "shell" | "exec" | "eval" | "sudo" | "cmd" | "command" | "commands" | "bash" | "script")
    })
}

/// Whether the older version only read: it said so, or its name does.
fn reads_only(entry: &Entry) -> bool {
    let said = entry.get("annotations").and_then(|hints| hints.get("readOnlyHint")).and_then(Value::as_bool);
    let words = name_words(entry.name());
    said == Some(true)
        || words.first().is_some_and(|word| {
            matches!(
                word.as_str(),
                "get"
                    | "list"
                    | "read"
                    | "search"
                    | "find"
                    | "fetch"
                    | "show"
                    | "describe"
                    | "lookup"
                    | "query"
                    | "view"
                    | "count"
            )
        })
}
