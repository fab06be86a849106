//! Values that act without a word: addresses in defaults and lists, switches that protect, where documents are, what they are.
use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Entry, Kind, Role, Subject},
};
use serde_json::Value;

use super::{Before, parameters, places};
use crate::drift::{name_words, schema::show, sink::Sink};

/// Media types that are run or rendered, not read.
const ACTIVE: &[&str] = &[
    "html",
    "javascript",
    "ecmascript",
    "x-sh",
    "x-shellscript",
    "x-python",
    "x-executable",
    "svg",
    "xhtml",
    "wasm",
    "x-msdownload",
    "octet-stream",
    "x-powershell",
    "x-httpd",
];

/// What an address that is new in a bare value means.
pub(super) fn address(role: Role, text: &str, was: Option<&str>, old: &Before<'_>) -> Option<String> {
    let mut hosts = places::hosts(text);
    hosts.retain(|host| !old.knows_host(host) && !places::local(host) && !places::sample(host));
    let shell = text.contains("$(") || text.contains("| sh") || text.contains("&& ") || text.contains("; rm ");
    match role {
        Role::Default | Role::Enum if places::secret(text).is_some() => {
            Some("a value points to a file that holds secrets".to_owned())
        }
        Role::Default | Role::Enum if shell => Some("a value holds commands".to_owned()),
        Role::Default | Role::Enum if places::people(text) && !hosts.is_empty() => {
            Some("a value is an address that was not named before".to_owned())
        }
        // A first default may well be the service's own address; one that replaces another leads elsewhere.
        Role::Default if !hosts.is_empty() && was.is_some() => Some("the default leads to another host".to_owned()),
        Role::Enum if !hosts.is_empty() => Some("a value leads to a host that was not named before".to_owned()),
        Role::Meta if !hosts.is_empty() && was.is_some() => Some("the metadata leads to another host".to_owned()),
        _ => None,
    }
}

/// Compares defaults, addresses and media types of two versions of an entry.
pub(super) fn compare(before: &Entry, after: &Entry, sink: &mut Sink) {
    let old = parameters(before);
    for (path, (at, name, schema)) in parameters(after) {
        let was = old.get(&path).and_then(|(_, _, schema)| schema.get("default"));
        let Some(is) = schema.get("default") else { continue };
        if was != Some(is) {
            default(&name, old.contains_key(&path), was, is, &at.at("default"), sink);
        }
    }
    match after.kind() {
        Kind::Resource | Kind::Template => {
            document(before, after, sink);
        }
        Kind::Tool | Kind::Prompt => icons(before, after, sink),
    }
}

/// Looks at an entry that is new.
pub(super) fn added(entry: &Entry, sink: &mut Sink) {
    if matches!(entry.kind(), Kind::Resource | Kind::Template) && places::secret(entry.name()).is_some() {
        let message = "a document that holds secrets is offered to the model";
        sink.add(DriftLevel::Dangerous, entry.subject(), message, None, Some(entry.name()));
    }
}

/// Words in names of switches that protect when they are on, and of those that do when they are off.
const GUARDS: &[&str] = &[
    "dry",
    "dryrun",
    "confirm",
    "confirmation",
    "verify",
    "safe",
    "sandbox",
    "sandboxed",
    "secure",
    "validate",
    "readonly",
    "preview",
    "require",
    "requires",
    "ask",
    "encrypt",
    "redact",
    "private",
    "strict",
    "ssl",
    "tls",
    "protected",
    "restricted",
    "draft",
    "headless",
    "isolated",
    "sanitize",
    "escape",
    "backup",
];
const POWERS: &[&str] = &[
    "force",
    "recursive",
    "overwrite",
    "delete",
    "destructive",
    "public",
    "share",
    "unsafe",
    "allow",
    "skip",
    "ignore",
    "bypass",
    "disable",
    "autoapprove",
    "autoconfirm",
    "yes",
    "admin",
    "sudo",
    "elevated",
    "privileged",
    "secrets",
    "hidden",
    "insecure",
    "upload",
    "send",
    "notify",
    "execute",
    "telemetry",
    "everyone",
    "anyone",
    "publish",
    "unrestricted",
];

fn default(name: &str, known: bool, was: Option<&Value>, is: &Value, at: &Subject, sink: &mut Sink) {
    let words = name_words(name);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    // "skip_verify" is a power although it holds the word of a guard.
    let (power, guard) = (any(POWERS), any(GUARDS) && !any(POWERS));
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
    let (old_text, new_text) = (text(was), text(Some(is)));
    let wide = |text: &str| {
        matches!(
            text,
            "/" | "~"
                | "~/"
                | "$home"
                | "/home"
                | "/root"
                | "/etc"
                | "*"
                | "**"
                | "**/*"
                | "/*"
                | "c:\\"
                | "c:/"
                | "all"
                | "any"
                | "0.0.0.0"
                | "root"
                | "admin"
                | "anyone"
                | "everyone"
                | "public"
                | "world"
                | "owner"
        ) || text.starts_with("../..")
    };
    let message = match (was.and_then(Value::as_bool), is.as_bool()) {
        (Some(true), Some(false)) if guard => "a switch that protects is off by default",
        (old, Some(true)) if power && known && old != Some(true) => "a switch that gives power is on by default",
        _ if was.is_some() && wide(&new_text) && !wide(&old_text) && !new_text.is_empty() => {
            "the default reaches further than before"
        }
        _ => return,
    };
    sink.add(DriftLevel::Dangerous, at.clone(), message, was.map(show).as_deref(), Some(&show(is)));
}

fn document(before: &Entry, after: &Entry, sink: &mut Sink) {
    let (old, new) = (before.name(), after.name());
    let parts = |uri: &str| -> (String, String) {
        let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
        let rest = rest.trim_start_matches('/');
        let authority = if scheme == "file" { "" } else { rest.split(['/', '?', '#']).next().unwrap_or_default() };
        let host = places::owner(authority).to_lowercase();
        (
            scheme.to_lowercase(),
            if matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp") { host } else { String::new() },
        )
    };
    if old != new {
        let reserved = |uri: &str| uri.contains("{+") || uri.contains("{/") && uri.contains("*}");
        let message = if parts(old) != parts(new) {
            Some("the document comes from somewhere else now")
        } else if places::secret(new).is_some() || new.contains("../") {
            Some("the document is one that holds secrets now")
        } else if reserved(new) && !reserved(old) {
            Some("the template reaches further than before")
        } else {
            None
        };
        if let Some(message) = message {
            sink.add(DriftLevel::Dangerous, after.subject(), message, Some(old), Some(new));
        }
    }
    let mime = |entry: &Entry| entry.get("mimeType").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let (old, new) = (mime(before), mime(after));
    let active = |mime: &str| ACTIVE.iter().any(|word| mime.contains(word));
    if !old.is_empty() && active(&new) && !active(&old) {
        let message = "the document is something that runs now";
        sink.add(DriftLevel::Dangerous, after.subject().at("mimeType"), message, Some(&old), Some(&new));
    }
    icons(before, after, sink);
}

/// Icons that came from one place and come from another: whoever serves them sees every use.
fn icons(before: &Entry, after: &Entry, sink: &mut Sink) {
    let hosts = |entry: &Entry| -> Vec<String> {
        let list = entry.get("icons").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|icon| icon.get("src")?.as_str())
            .filter(|src| !src.starts_with("data:"))
            .flat_map(places::hosts)
            .map(|host| places::owner(&host).to_owned())
            .collect()
    };
    let had = before.get("icons").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let old = hosts(before);
    if had && let Some(host) = hosts(after).iter().find(|host| !old.contains(host)) {
        let message = "the icons come from another host now";
        sink.add(
            DriftLevel::Dangerous,
            after.subject().at("icons"),
            message,
            old.first().map(String::as_str),
            Some(host),
        );
    }
}
