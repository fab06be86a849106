//! What the tables mean. Texts of the manifest may hold anything; all others must be visible, but for what the server tried.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{kept, wire};
use crate::{
    capture::{Accepted, Between, Captured, Context, Observed, Runtime, Told, Unstable},
    config::Isolation,
    digest::ManifestId,
    finding::Rule,
    lock::{LockError, meaning::Entry, wire::Text},
    manifest::{
        Kind, Manifest, ManifestParts, Subject,
        json::{self, JsonError},
    },
    name::ServerName,
    text::Untrusted,
};

/// Reads them. `entry` is the server's, for messages.
pub(in crate::lock) fn read(
    entry: &Entry<'_>,
    server: &ServerName,
    wire: &wire::Told<'_>,
) -> Result<(Told, Vec<Accepted>), LockError> {
    let mut accepted = wire.accepted.iter().map(|wire| one_accepted(entry, wire)).collect::<Result<Vec<_>, _>>()?;
    // Their order is that of the constructor; any other is not canonical.
    accepted.sort();
    accepted.dedup();
    Ok((kept(told(entry, server, wire)?), accepted))
}

fn told(entry: &Entry<'_>, server: &ServerName, wire: &wire::Told<'_>) -> Result<Told, LockError> {
    let Some(capture) = &wire.capture else {
        return match (&wire.manifest, wire.unstable.first()) {
            (None, None) => Ok(Told::Unknown),
            (Some(manifest), _) => Err(entry.invalid(manifest.at, "`manifest` needs a `capture`")),
            (None, Some(unstable)) => Err(entry.invalid(unstable.subject.at, "`unstable` needs a `capture`")),
        };
    };
    if let Some(reason) = &capture.unchecked {
        return match &wire.manifest {
            None => Ok(Told::Unchecked(entry.owned(reason)?)),
            Some(manifest) => Err(entry.invalid(manifest.at, "`manifest` and `unchecked` exclude each other")),
        };
    }
    let Some(told) = &wire.manifest else {
        return Err(entry.invalid(capture.at, "`capture` needs a `manifest`, or to say why it is `unchecked`"));
    };
    Ok(Told::Manifest(Box::new(Captured {
        manifest: manifest(entry, server, told)?,
        context: context(entry, capture)?,
        unstable: wire.unstable.iter().map(|wire| unstable(entry, wire)).collect::<Result<_, _>>()?,
        observed: observed(entry, capture)?,
    })))
}

fn one_accepted(entry: &Entry<'_>, wire: &wire::Accepted<'_>) -> Result<Accepted, LockError> {
    let rule = |text: &str| Rule::ALL.iter().copied().find(|rule| rule.id() == text);
    Ok(Accepted {
        subject: entry.owned(&wire.subject)?,
        rule: entry.read_optional("rule", wire.rule.as_ref(), rule)?,
        entry: entry.read("entry", &wire.entry, |text| text.parse().ok())?,
        reason: entry.owned(&wire.reason)?,
    })
}

fn context(entry: &Entry<'_>, wire: &wire::Capture<'_>) -> Result<Context, LockError> {
    let missing = |key: &str| entry.invalid(wire.at, format!("`{key}` is missing"));
    let isolation = wire.isolation.as_ref().ok_or_else(|| missing("isolation"))?;
    let words = |text: &str| Isolation::WORDS.iter().find(|(word, _)| *word == text).map(|(_, level)| *level);
    let runtime = |text: &str| {
        let (name, version) = text.split_once(' ').filter(|(name, version)| !name.is_empty() && !version.is_empty())?;
        Some(Runtime { name: name.into(), version: version.into() })
    };
    Ok(Context {
        isolation: entry.read("isolation", isolation, words)?,
        runtime: entry.read_optional("runtime", wire.runtime.as_ref(), runtime)?,
        protocol: entry.owned(wire.protocol.as_ref().ok_or_else(|| missing("protocol"))?)?,
        placeholders: visible(entry, &wire.placeholders)?,
        real_env: visible(entry, &wire.real_env)?,
        network: visible(entry, &wire.network)?,
    })
}

fn visible(entry: &Entry<'_>, texts: &[Text<'_>]) -> Result<BTreeSet<String>, LockError> {
    texts.iter().map(|text| entry.owned(text)).collect()
}

fn observed(entry: &Entry<'_>, wire: &wire::Capture<'_>) -> Result<Observed, LockError> {
    let all = |texts: &[Text<'_>]| texts.iter().map(|text| Untrusted::new(&*text.text)).collect();
    let calls = wire.tried_calls.iter().map(|text| Ok((entry.owned::<SmolStr>(text)?, 1)));
    Ok(Observed {
        hosts: all(&wire.tried_hosts),
        files: all(&wire.tried_files),
        canaries: all(&wire.tried_canaries),
        programs: all(&wire.tried_programs),
        refused: calls.collect::<Result<BTreeMap<_, _>, LockError>>()?,
        incomplete: wire.tried_more,
    })
}

fn unstable(entry: &Entry<'_>, wire: &wire::Unstable<'_>) -> Result<Unstable, LockError> {
    let between = |text: &str| Between::ALL.into_iter().find(|between| between.as_str() == text);
    Ok(Unstable {
        subject: entry.read("subject", &wire.subject, |text| text.parse::<Subject>().ok())?,
        between: entry.read("between", &wire.between, between)?,
        other: value(entry, "other", &wire.other)?,
    })
}

fn manifest(entry: &Entry<'_>, server: &ServerName, wire: &wire::Manifest<'_>) -> Result<Manifest, LockError> {
    let mut parts = ManifestParts {
        server_info: optional_value(entry, "server-info", wire.server_info.as_ref())?,
        capabilities: optional_value(entry, "capabilities", wire.capabilities.as_ref())?,
        instructions: wire.instructions.as_ref().map(|text| text.text.clone().into_owned()),
        ..ManifestParts::default()
    };
    for wire in &wire.entries {
        let list = match wire.kind {
            Kind::Tool => &mut parts.tools,
            Kind::Prompt => &mut parts.prompts,
            Kind::Resource => &mut parts.resources,
            Kind::Template => &mut parts.templates,
        };
        list.push(members(entry, wire)?);
    }
    let manifest = Manifest::new(parts).map_err(|error| entry.invalid(wire.at, error.to_string()))?;
    let found: ManifestId = entry.read("id", &wire.id, |text| text.parse().ok())?;
    let expected = manifest.id();
    if found != expected {
        let (file, line) = entry.place(wire.id.at);
        return Err(LockError::ManifestMismatch { file, line, server: server.clone(), expected, found });
    }
    Ok(manifest)
}

fn members(entry: &Entry<'_>, wire: &wire::Entry<'_>) -> Result<Value, LockError> {
    let mut map = Map::new();
    for (member, text) in &wire.texts {
        map.insert((*member).to_owned(), Value::String(text.text.clone().into_owned()));
    }
    for (member, text) in &wire.values {
        map.insert((*member).to_owned(), value(entry, member, text)?);
    }
    if let Some(text) = &wire.rest {
        let Value::Object(rest) = value(entry, super::REST, text)? else {
            return Err(entry.invalid(text.at, "`rest` must be an object"));
        };
        for (member, value) in rest {
            if map.contains_key(&member) {
                let shown = Untrusted::new(member).excerpt(60);
                return Err(entry.invalid(text.at, format!("`{shown}` stands in `rest` too")));
            }
            map.insert(member, value);
        }
    }
    if map.is_empty() {
        return Err(entry.invalid(wire.at, format!("a {} without a name", wire.kind)));
    }
    Ok(Value::Object(map))
}

fn value(entry: &Entry<'_>, key: &str, text: &Text<'_>) -> Result<Value, LockError> {
    json::parse(text.text.as_bytes()).map_err(|error| match error {
        // Its first line is the one below the key.
        JsonError::Form { message, line, .. } => entry.invalid_below(text.at, line, format!("`{key}`: {message}")),
        JsonError::TooLarge(_) => entry.invalid(text.at, format!("`{key}`: {error}")),
    })
}

fn optional_value(entry: &Entry<'_>, key: &str, text: Option<&Text<'_>>) -> Result<Value, LockError> {
    text.map_or(Ok(Value::Null), |text| value(entry, key, text))
}
