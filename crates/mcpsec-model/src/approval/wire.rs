//! Statements as JSON. The in-toto part is that of in-toto Attestation Framework, Statement v1; the predicate is ours.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    statement::{Approval, Reviewer, Revocation, Statement, StatementError, Word},
    subject::{Approved, ToldIds},
    summary::Summary,
};
use crate::{
    config::Isolation,
    digest::{Digest, Digests},
    manifest::json,
    text::{Untrusted, is_hidden},
    time::Timestamp,
};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const APPROVAL: &str = "urn:mcpsec:approval:v1";
const REVOCATION: &str = "urn:mcpsec:revocation:v1";
/// What the subjects are called; files of the own package have `artifact:` before their name.
const ARTIFACT: &str = "artifact:";
const CLOSURE: &str = "closure";
const MANIFEST: &str = "manifest";
const UNSTABLE: &str = "unstable";
const REVOKED: &str = "approval";
/// The most characters of a text that people write.
const MAX_TEXT: usize = 1000;
/// The longest that an approval may count, in seconds: ten years.
const MAX_LIFE: i64 = 3660 * 24 * 3600;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    #[serde(rename = "_type")]
    type_: String,
    predicate: Value,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    digest: BTreeMap<String, String>,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    criteria: Vec<String>,
    entry: String,
    expires: String,
    /// `not captured`, or the sandbox.
    isolation: String,
    issued: String,
    policy: String,
    purl: String,
    reason: String,
    reviewer: Who,
    server: String,
    spec: String,
    summary: Parts,
    version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<BTreeMap<String, String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    key: String,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retraction {
    issued: String,
    reason: String,
    reviewer: Who,
    server: String,
}

/// What an approval says of a server whose words nobody captured.
const NOT_CAPTURED: &str = "not captured";

pub(super) fn write(statement: &Statement) -> Vec<u8> {
    let who = |reviewer: &Reviewer| Who { key: reviewer.key.clone(), name: reviewer.name.clone() };
    let (predicate_type, subject, predicate) = match statement {
        Statement::Approval(approval) => {
            let what = &approval.what;
            let predicate = Predicate {
                command: what.command.clone(),
                criteria: approval.criteria.iter().map(ToString::to_string).collect(),
                entry: what.entry.clone(),
                expires: approval.expires.to_string(),
                isolation: what.told.as_ref().map_or(NOT_CAPTURED, |told| told.isolation.as_str()).to_owned(),
                issued: approval.issued.to_string(),
                policy: approval.rules.to_string(),
                purl: what.purl.clone(),
                reason: approval.reason.clone(),
                reviewer: who(&approval.reviewer),
                server: what.server.to_string(),
                spec: what.spec.clone(),
                summary: Parts { packages: approval.summary.packages.clone(), told: approval.summary.told.clone() },
                version: what.version.clone(),
            };
            (APPROVAL, subjects(what), serde_json::to_value(predicate))
        }
        Statement::Revocation(revocation) => {
            let predicate = Retraction {
                issued: revocation.issued.to_string(),
                reason: revocation.reason.clone(),
                reviewer: who(&revocation.reviewer),
                server: revocation.server.to_string(),
            };
            let id = Digest::Sha256(*revocation.approval.as_bytes());
            (REVOCATION, vec![subject(REVOKED, [id])], serde_json::to_value(predicate))
        }
    };
    // Maps with text keys, texts and lists: there is nothing that could fail.
    let outer = Outer {
        type_: STATEMENT.to_owned(),
        predicate: predicate.unwrap_or_default(),
        predicate_type: predicate_type.to_owned(),
        subject,
    };
    json::canonical(&serde_json::to_value(outer).unwrap_or_default())
}

fn subject(name: impl Into<String>, digests: impl IntoIterator<Item = Digest>) -> Subject {
    let digest = digests.into_iter().map(|digest| (digest.algorithm().to_owned(), digest.to_hex())).collect();
    Subject { digest, name: name.into() }
}

fn subjects(what: &Approved) -> Vec<Subject> {
    let mut all: Vec<Subject> =
        what.artifacts.iter().map(|(file, digests)| subject(format!("{ARTIFACT}{file}"), digests.iter())).collect();
    all.push(subject(CLOSURE, [Digest::Sha256(*what.closure.as_bytes())]));
    if let Some(told) = &what.told {
        all.push(subject(MANIFEST, [Digest::Sha256(*told.manifest.as_bytes())]));
        all.extend(told.unstable.map(|unstable| subject(UNSTABLE, [unstable])));
    }
    all
}

/// Reads a payload; that it is canonical is the caller's to check.
pub(super) fn read(payload: &[u8]) -> Result<Statement, StatementError> {
    let value = json::parse(payload).map_err(|error| StatementError::Form(error.to_string()))?;
    let outer: Outer = of(value)?;
    if outer.type_ != STATEMENT {
        return Err(StatementError::Value("_type"));
    }
    match outer.predicate_type.as_str() {
        APPROVAL => approval(of(outer.predicate)?, outer.subject).map(Box::new).map(Statement::Approval),
        REVOCATION => revocation(of(outer.predicate)?, &outer.subject).map(Box::new).map(Statement::Revocation),
        other => Err(StatementError::Type(Untrusted::new(other).excerpt(60))),
    }
}

fn of<T: DeserializeOwned>(value: Value) -> Result<T, StatementError> {
    serde_json::from_value(value).map_err(|error| StatementError::Form(Untrusted::new(error.to_string()).excerpt(160)))
}

fn approval(predicate: Predicate, listed: Vec<Subject>) -> Result<Approval, StatementError> {
    let value = StatementError::Value;
    let mut artifacts = BTreeMap::new();
    let (mut closure, mut manifest, mut unstable) = (None, None, None);
    for subject in listed {
        let digests = digests(&subject)?;
        let place = match subject.name.as_str() {
            CLOSURE => &mut closure,
            MANIFEST => &mut manifest,
            UNSTABLE => &mut unstable,
            name => {
                let file = name.strip_prefix(ARTIFACT).filter(|file| visible(file, 1)).ok_or(value("subject"))?;
                if artifacts.insert(file.to_owned(), digests).is_some() {
                    return Err(value("subject"));
                }
                continue;
            }
        };
        let only = Digest::Sha256(digests.sha256.filter(|_| digests.sha512.is_none()).ok_or(value("subject"))?);
        if place.replace(only).is_some() {
            return Err(value("subject"));
        }
    }
    let closure = closure.and_then(|digest| digest.to_string().parse().ok()).ok_or(value("subject"))?;
    let told = match (predicate.isolation.as_str(), manifest) {
        (NOT_CAPTURED, None) if unstable.is_none() => None,
        (word, Some(manifest)) => {
            let isolation = Isolation::WORDS.iter().find(|(known, _)| *known == word).ok_or(value("isolation"))?.1;
            let manifest = manifest.to_string().parse().map_err(|_| value("subject"))?;
            Some(ToldIds { manifest, unstable, isolation })
        }
        _ => return Err(value("isolation")),
    };
    let what = Approved {
        server: predicate.server.parse().map_err(|_| value("server"))?,
        spec: text(predicate.spec, 1, "spec")?,
        purl: text(predicate.purl, 1, "purl")?,
        version: text(predicate.version, 1, "version")?,
        entry: text(predicate.entry, 1, "entry")?,
        command: predicate.command.map(|command| text(command, 1, "command")).transpose()?,
        artifacts,
        closure,
        told,
    };
    let criteria = predicate.criteria.iter().map(|word| word.parse::<Word>().map_err(|_| value("criteria")));
    let criteria = criteria.collect::<Result<std::collections::BTreeSet<_>, _>>()?;
    let (issued, expires) = (instant(&predicate.issued, "issued")?, instant(&predicate.expires, "expires")?);
    if criteria.is_empty() || criteria.len() > 20 {
        return Err(value("criteria"));
    }
    if expires <= issued || expires.as_second() - issued.as_second() > MAX_LIFE {
        return Err(value("expires"));
    }
    let Ok(rules @ Digest::Sha256(_)) = predicate.policy.parse() else { return Err(value("policy")) };
    let short = |map: &Option<BTreeMap<String, String>>| {
        map.iter().flatten().all(|(key, hash)| visible(key, 1) && hash.len() == 16 && is_hex(hash))
    };
    if !short(&predicate.summary.packages) || !short(&predicate.summary.told) {
        return Err(value("summary"));
    }
    Ok(Approval {
        what,
        criteria,
        reviewer: reviewer(predicate.reviewer)?,
        reason: text(predicate.reason, 0, "reason")?,
        issued,
        expires,
        rules,
        summary: Summary { packages: predicate.summary.packages, told: predicate.summary.told },
    })
}

fn revocation(predicate: Retraction, listed: &[Subject]) -> Result<Revocation, StatementError> {
    let value = StatementError::Value;
    let [one] = listed else { return Err(value("subject")) };
    let digests = digests(one)?;
    let Some(sha256) = digests.sha256.filter(|_| one.name == REVOKED && digests.sha512.is_none()) else {
        return Err(value("subject"));
    };
    Ok(Revocation {
        approval: Digest::Sha256(sha256).to_string().parse().map_err(|_| value("subject"))?,
        server: predicate.server.parse().map_err(|_| value("server"))?,
        reviewer: reviewer(predicate.reviewer)?,
        reason: text(predicate.reason, 1, "reason")?,
        issued: instant(&predicate.issued, "issued")?,
    })
}

/// At least one, and only of the algorithms that mcp.lock has.
fn digests(subject: &Subject) -> Result<Digests, StatementError> {
    let digest = |(algorithm, hex): (&String, &String)| format!("{algorithm}:{hex}").parse::<Digest>().ok();
    let all: Option<Digests> = subject.digest.iter().map(digest).collect();
    all.filter(|digests| !digests.is_empty()).ok_or(StatementError::Value("subject"))
}

fn reviewer(who: Who) -> Result<Reviewer, StatementError> {
    Ok(Reviewer { name: text(who.name, 1, "reviewer")?, key: text(who.key, 1, "reviewer")? })
}

/// Whole seconds in UTC, as `2026-11-23T12:00:00Z`; the canonical check sees other spellings.
fn instant(text: &str, what: &'static str) -> Result<Timestamp, StatementError> {
    let instant = text.parse::<Timestamp>().map_err(|_| StatementError::Value(what))?;
    if instant.subsec_nanosecond() == 0 { Ok(instant) } else { Err(StatementError::Value(what)) }
}

fn text(text: String, least: usize, what: &'static str) -> Result<String, StatementError> {
    if visible(&text, least) { Ok(text) } else { Err(StatementError::Value(what)) }
}

/// What stands in a statement is shown to reviewers as it is: nothing in it may be hidden.
pub(super) fn visible(text: &str, least: usize) -> bool {
    (least..=MAX_TEXT).contains(&text.chars().count()) && !text.chars().any(is_hidden)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
