//! Poison rules: what a manifest says to a model that it should not say.
//!
//! ```text
//! text -> plain text (folded, with a way back to the bytes) -> sentences and senses -> rules -> findings
//!      -> other readings of it (decoded, reversed, joined, …) ----^
//! ```
//! Rules look at what sentences do (order, hide, fetch secrets, pass on), not at phrases of known attacks. A word alone is
//! seldom a finding; what combines into an attack is. Everything is deterministic, offline and linear in the text's length.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    finding::{Confidence, Finding, Rule, Severity},
    manifest::{Manifest, Role, Subject, Text},
    name::ServerName,
};

mod collision;
mod context;
mod control;
mod credentials;
mod deceit;
mod encoded;
mod exfiltration;
mod fold;
mod hidden_markup;
mod hidden_text;
mod hints;
mod instruction;
mod language;
mod layers;
mod lookalike;
mod normal;
mod oversized;
mod payload;
mod precedence;
mod reading;
mod secrecy;
mod secrets;
mod sense;
mod shadowing;
mod smuggling;
mod spread;
mod terms;
mod weight;

use context::Context;
use normal::Normal;
use reading::Reading;

/// Texts are judged in pieces of this many bytes, so that positions stay small and nothing is left out.
const CHUNK: usize = 256 << 10;
/// Pieces overlap by this much, so that an attack across a cut is still in one of them.
const OVERLAP: usize = 4 << 10;
/// The most findings about one text; there is nothing to learn from more.
const MAX_PER_TEXT: usize = 64;

/// What a rule says about a reading, in positions of its plain text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Alarm {
    rule: Rule,
    severity: Severity,
    confidence: Confidence,
    start: usize,
    end: usize,
    message: &'static str,
}

impl Alarm {
    fn new(
        rule: Rule,
        severity: Severity,
        confidence: Confidence,
        span: (usize, usize),
        message: &'static str,
    ) -> Self {
        Self { rule, severity, confidence, start: span.0, end: span.1, message }
    }
}

/// Judges every text of a manifest. Sorted, without repetitions.
pub fn scan(manifest: &Manifest) -> Vec<Finding> {
    scan_texts(manifest, &manifest.texts())
}

/// Judges texts that belong to a manifest without being in it, such as what an unstable server said the other time.
pub fn scan_texts(manifest: &Manifest, texts: &[Text<'_>]) -> Vec<Finding> {
    let contexts = context::contexts(manifest);
    let nobody = Context::default();
    let mut findings: BTreeSet<Finding> =
        spread::spread(texts, |part| judge_all(part, &contexts, &nobody)).into_iter().collect();
    let added: Vec<Finding> = weight::together(&findings);
    findings.extend(added);
    for tool in manifest.tools() {
        findings.extend(hints::check(tool));
    }
    findings.extend(collision::within(manifest));
    findings.extend(lookalike::within(manifest));
    findings.into_iter().collect()
}

/// Everything about some texts, each with its subject.
fn judge_all(texts: &[Text<'_>], contexts: &BTreeMap<Subject, Context>, nobody: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known: BTreeMap<(&str, Role, usize, Option<String>), Vec<Finding>> = BTreeMap::new();
    for text in texts {
        let context = contexts.get(&text.subject.entry_of()).unwrap_or(nobody);
        // Schemas repeat the same descriptions hundreds of times.
        let parameter = parameter_of(text.subject.as_str());
        let key = (text.text, text.role, std::ptr::from_ref(context).addr(), parameter.clone());
        let about = known.entry(key).or_insert_with(|| match &parameter {
            Some(name) => judge(text, &context.of_parameter(name)),
            None => judge(text, context),
        });
        findings.extend(about.iter().cloned().map(|finding| Finding { subject: text.subject.to_string(), ..finding }));
    }
    findings
}

/// The parameter that a text below `properties` is about.
fn parameter_of(subject: &str) -> Option<String> {
    let (_, below) = subject.rsplit_once("/properties/")?;
    let name = below.split('/').next()?;
    (name.len() < below.len()).then(|| name.to_owned())
}

/// Compares the tools of servers that are used together: one name twice, and names that look like another server's.
pub fn across(servers: &[(ServerName, &Manifest)]) -> BTreeMap<ServerName, Vec<Finding>> {
    let mut all: BTreeMap<ServerName, BTreeSet<Finding>> = BTreeMap::new();
    for (server, finding) in collision::across(servers).into_iter().chain(lookalike::across(servers)) {
        all.entry(server).or_default().insert(finding);
    }
    all.into_iter().map(|(server, findings)| (server, findings.into_iter().collect())).collect()
}

/// All findings about one text, without a subject.
fn judge(text: &Text<'_>, context: &Context) -> Vec<Finding> {
    let mut findings = BTreeSet::new();
    findings.extend(oversized::check(text));
    for (offset, piece) in pieces(text.text) {
        let alarms = read(piece, text.role, context);
        let place = |alarm: &Alarm, evidence: Option<String>| {
            let span = (alarm.start + offset, alarm.end + offset);
            let words = evidence.unwrap_or_else(|| text.text.get(span.0..span.1).unwrap_or_default().to_owned());
            Finding::new(alarm.rule, String::new(), alarm.message)
                .severe(alarm.severity)
                .confidence(alarm.confidence)
                .evidence(words)
                .span(span.0, span.1)
        };
        for (alarm, evidence) in alarms {
            findings.insert(place(&alarm, evidence));
        }
    }
    let mut findings: Vec<Finding> = findings.into_iter().collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity()), finding.span));
    findings.truncate(MAX_PER_TEXT);
    findings
}

/// The alarms about one piece, in bytes of the piece, with words that were decoded where it does not say them itself.
fn read(piece: &str, role: Role, context: &Context) -> Vec<(Alarm, Option<String>)> {
    let mut found: Vec<(Alarm, Option<String>)> = Vec::new();
    found.extend(hidden_text::check(piece).into_iter().map(|alarm| (alarm, None)));
    let reading = Reading::new(Normal::new(piece), false);
    let mut direct = sentences(&reading, role, context);
    direct.extend(hidden_markup::check(&reading, piece));
    for alarm in &direct {
        let (start, end) = reading.normal.span(alarm.start, alarm.end);
        found.push((Alarm { start, end, ..alarm.clone() }, None));
    }
    found.extend(encoded::check(piece, &reading, role, context, &direct));
    found
}

/// The rules that read sentences.
fn sentences(reading: &Reading, role: Role, context: &Context) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if matches!(role, Role::Icon | Role::Uri) && reading.text().split(' ').count() < 6 {
        alarms.extend(smuggling::template(reading, role));
        return alarms;
    }
    if matches!(role, Role::Name | Role::Parameter) {
        alarms.extend(smuggling::name(reading, role, context));
        alarms.extend(credentials::check(reading, role, context));
        return alarms;
    }
    instruction::check(reading, role, context, &mut alarms);
    secrecy::check(reading, &mut alarms);
    secrets::check(reading, role, context, &mut alarms);
    exfiltration::check(reading, role, context, &mut alarms);
    shadowing::check(reading, context, &mut alarms);
    precedence::check(reading, context, &mut alarms);
    smuggling::check(reading, role, context, &mut alarms);
    payload::check(reading, &mut alarms);
    weight::check(reading, role, context, &mut alarms);
    for alarm in &mut alarms {
        if alarm.severity == Severity::High
            && reading
                .sentences
                .iter()
                .any(|s| s.start == alarm.start && (reading.quotes(s) || context.tells(reading, s)))
        {
            alarm.severity = Severity::Medium;
        }
    }
    alarms
}

/// A text in pieces that overlap, with the byte each begins at.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut from = 0;
    loop {
        let to = text.floor_char_boundary((from + CHUNK).min(text.len()));
        out.push((from, &text[from..to]));
        if to >= text.len() {
            return out;
        }
        from = text.floor_char_boundary(to - OVERLAP);
    }
}

#[cfg(test)]
mod tests;
