//! SARIF 2.1.0, as code scanning reads it: one run, one result for each thing that counts, at a line of a file that people
//! can change. The gate's own exit code is in the log; a log that is written does not mean that the gate passed.
//!
//! | how it stands | level |
//! |---|---|
//! | denied, or not checked although the policy requires it | `error` |
//! | warned | `warning` |
//! | allowed by an exemption or a person (suppressed, with the reason), tolerated, noted | `note` |
mod rules;
mod wire;

use std::collections::BTreeMap;

use mcpsec_model::{
    check::Check,
    config::ConfigPlaces,
    digest::Digest,
    lock::Places,
    report::{Report, ServerReport},
    text::{Untrusted, escape},
    verdict::{Source, Verdict},
};

use crate::{
    json::pretty,
    standing::{self, Item, Standing},
};
use wire::{
    ArtifactLocation, AutomationDetails, Driver, Fingerprints, Invocation, Location, Log, LogicalLocation, Message,
    Notification, PhysicalLocation, Region, ResultProperties, Run, SarifResult, Suppression, Tool, UriBase, UriBases,
};

/// More results are counted only: code scanning shows the first 5,000, worst first, and takes no more than 25,000.
const MAX_RESULTS: usize = 5_000;
/// Larger logs are cut, in bytes: code scanning takes 10 MB.
const MAX_BYTES: usize = 9 << 20;
/// The longest message, in characters.
const MAX_MESSAGE: usize = 1_500;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 400;
/// How many subjects of one folded result are named.
const NAMED: usize = 20;

/// What a rule, check or level of drift means, in plain sentences.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Help {
    /// What it says about a server.
    pub means: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub resolve: &'static str,
}

/// What a log needs beyond the report.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The version of mcpsec.
    pub version: &'a str,
    /// The folder of mcp.lock and mcp.toml, relative to the root of the repository: empty or `sub/folder`, with `/`.
    pub folder: &'a str,
    /// The lines of mcp.lock, where there is one.
    pub lock: Option<&'a Places>,
    /// The lines of mcp.toml, where there is one.
    pub config: Option<&'a ConfigPlaces>,
    /// What rules, checks and levels mean, where somebody knows.
    pub help: &'a dyn Fn(Source) -> Option<Help>,
}

/// The log as JSON, ending in a newline.
pub fn sarif(report: &Report, around: &Surroundings<'_>) -> String {
    let rules = rules::all(around);
    let index: BTreeMap<&str, usize> = rules.iter().enumerate().map(|(at, rule)| (rule.id.as_str(), at)).collect();
    let (results, left_out) = results(report, around, &index);
    let verdict = report.verdict();
    let notifications = left_out.into_iter().map(|text| {
        let message = Message { text, markdown: None };
        Notification { level: "warning", message }
    });
    let run = Run {
        automation_details: AutomationDetails { id: format!("mcpsec/{}/", report.command) },
        invocations: [Invocation {
            // What could not be checked and had to be makes the run itself incomplete; a denial is a result.
            execution_successful: verdict != Verdict::Incomplete,
            exit_code: verdict.exit_code(),
            exit_code_description: description(verdict),
            tool_execution_notifications: notifications.collect(),
        }],
        original_uri_base_ids: UriBases {
            root: UriBase { description: Message { text: "the root of the repository".to_owned(), markdown: None } },
        },
        column_kind: "unicodeCodePoints",
        results,
        tool: Tool { driver: Driver { name: "mcpsec", semantic_version: around.version, rules } },
    };
    pretty(&Log { schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [run] })
}

fn description(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "all good",
        Verdict::Deny => "the gate says no",
        Verdict::Incomplete => "something that the policy requires could not be checked",
    }
}

/// The results, most urgent first, and what to say about those that did not fit.
fn results(
    report: &Report,
    around: &Surroundings<'_>,
    index: &BTreeMap<&str, usize>,
) -> (Vec<SarifResult>, Option<String>) {
    let groups = standing::of_report(report);
    let mut all: Vec<(Option<&ServerReport>, Vec<&Item<'_>>)> = Vec::new();
    for (server, items) in &groups {
        all.extend(folded(items).into_iter().map(|items| (*server, items)));
    }
    // Stable: within one standing, in the order of the report.
    all.sort_by_key(|(_, items)| items.first().map(|item| rank(item.standing)));
    let total = all.len();
    let (mut results, mut bytes) = (Vec::new(), 0);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (server, items) in all.into_iter().take(MAX_RESULTS) {
        let Some(mut result) = result(report.command, server, &items, around, index) else { continue };
        // Two results of one fingerprint would be tracked as one.
        let times = seen.entry(result.partial_fingerprints.own.clone()).or_default();
        *times += 1;
        result.partial_fingerprints.own.push_str(&format!(":{times}"));
        result.partial_fingerprints.tracked = result.partial_fingerprints.own.clone();
        // Indentation takes about as much as the text.
        bytes += 2 * serde_json::to_string(&result).map_or(0, |text| text.len());
        if bytes > MAX_BYTES {
            break;
        }
        results.push(result);
    }
    let missing = total - results.len();
    let said = format!(
        "{missing} results are left out, none of them more urgent than those here; mcpsec {} --format json has them all",
        report.command
    );
    (results, (missing > 0).then_some(said))
}

fn rank(standing: Standing<'_>) -> u8 {
    match standing {
        Standing::Denied => 0,
        Standing::Required => 1,
        Standing::Warned => 2,
        Standing::Allowed(_) => 3,
        Standing::Tolerated => 4,
        Standing::Noted => 5,
    }
}

/// What is tolerated or noted comes in hundreds with the same words, and is one result then. All else stands alone.
fn folded<'a>(items: &'a [Item<'a>]) -> Vec<Vec<&'a Item<'a>>> {
    let mut out: Vec<Vec<&Item<'_>>> = Vec::new();
    let mut known: BTreeMap<(u8, Source, &str), usize> = BTreeMap::new();
    for item in items {
        if !matches!(item.standing, Standing::Tolerated | Standing::Noted) {
            out.push(vec![item]);
            continue;
        }
        match known.get(&(rank(item.standing), item.source, item.message())) {
            Some(at) => out[*at].push(item),
            None => {
                known.insert((rank(item.standing), item.source, item.message()), out.len());
                out.push(vec![item]);
            }
        }
    }
    out
}

fn result(
    command: &str,
    server: Option<&ServerReport>,
    items: &[&Item<'_>],
    around: &Surroundings<'_>,
    index: &BTreeMap<&str, usize>,
) -> Option<SarifResult> {
    let item = *items.first()?;
    let name = server.map(|server| server.name.as_str());
    let rule_id = rules::id(item.source);
    let rule_index = *index.get(rule_id.as_str())?;
    let suppressions = match item.standing {
        Standing::Allowed(by) => vec![Suppression {
            kind: "external",
            status: "accepted",
            justification: Untrusted::new(standing::allowed(by)).excerpt(MAX_SUBJECT),
        }],
        _ => Vec::new(),
    };
    let (standing, level) = words(item.standing);
    let subject = Untrusted::new(item.subject).excerpt(MAX_SUBJECT);
    let own = fingerprint(name, item);
    Some(SarifResult {
        rule_id,
        rule_index,
        level,
        message: Message { text: message(command, name, items), markdown: None },
        locations: [Location {
            physical_location: physical(name, item, around),
            logical_locations: [LogicalLocation {
                fully_qualified_name: format!("{}/{subject}", name.unwrap_or("project")),
                name: subject,
                kind: "resource",
            }],
        }],
        partial_fingerprints: Fingerprints { tracked: own.clone(), own },
        suppressions,
        properties: ResultProperties {
            server: name.map(str::to_owned),
            kind: item.source.kind(),
            id: item.source.id(),
            subjects: items.iter().take(1_000).map(|item| Untrusted::new(item.subject).excerpt(MAX_SUBJECT)).collect(),
            standing,
        },
    })
}

fn words(standing: Standing<'_>) -> (&'static str, &'static str) {
    match standing {
        Standing::Denied => ("denied", "error"),
        Standing::Required => ("unchecked", "error"),
        Standing::Allowed(_) => ("allowed", "note"),
        Standing::Warned => ("warned", "warning"),
        Standing::Tolerated => ("tolerated", "note"),
        Standing::Noted => ("noted", "note"),
    }
}

/// `files: npm:zod@3.25.76: not checked: …. Next: …`.
fn message(command: &str, server: Option<&str>, items: &[&Item<'_>]) -> String {
    let Some(item) = items.first() else { return String::new() };
    let mut text = format!("{}: ", server.unwrap_or("project"));
    let named: Vec<String> = items.iter().take(NAMED).map(|item| Untrusted::new(item.subject).excerpt(120)).collect();
    text.push_str(&named.join(", "));
    if let Some(more) = items.len().checked_sub(NAMED).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text.push_str(": ");
    if matches!(item.standing, Standing::Required | Standing::Tolerated) {
        text.push_str("not checked: ");
    }
    text.push_str(&Untrusted::new(item.message()).excerpt(MAX_MESSAGE / 2));
    if let Some(place) = item.package_place() {
        text.push_str(&format!(" ({}:{} of the package)", Untrusted::new(&place.file).excerpt(200), place.line));
    } else if let Some(place) = item.project_place().filter(|place| relative(&place.file).is_none()) {
        text.push_str(&format!(" ({}:{})", Untrusted::new(&place.file).excerpt(200), place.line));
    }
    if let Some(evidence) = item.evidence() {
        text.push_str(&format!(". Evidence: {}", evidence.excerpt(300)));
    }
    if let Standing::Allowed(by) = item.standing {
        text.push_str(&format!(". {}", Untrusted::new(standing::allowed(by)).excerpt(300)));
    }
    if let Some(next) = item.next(command, server) {
        text.push_str(&format!(". Next: {next}"));
    }
    inactive(&Untrusted::new(text).excerpt(MAX_MESSAGE))
}

/// A message may hold links as `[text](target)` (§3.11.6); a stranger's words must not make one.
fn inactive(text: &str) -> String {
    text.replace("](", "] (")
}

/// The same for the same thing, wherever it stands: neither lines nor words of messages are in it.
fn fingerprint(server: Option<&str>, item: &Item<'_>) -> String {
    let parts = [server.unwrap_or_default(), item.source.kind(), item.source.id(), item.subject];
    // Lengths make the parts unambiguous.
    let text: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    let mut hex = Digest::sha256_of(text.as_bytes()).to_hex();
    hex.truncate(32);
    hex
}

/// A line of a file of the repository.
fn physical(server: Option<&str>, item: &Item<'_>, around: &Surroundings<'_>) -> PhysicalLocation {
    let own = item.project_place().and_then(|place| Some((relative(&place.file)?, place.line)));
    let (file, line) = own.unwrap_or_else(|| elsewhere(server, item, around));
    let folder = around.folder.trim_matches('/');
    let path = if folder.is_empty() { file } else { format!("{folder}/{file}") };
    PhysicalLocation {
        artifact_location: ArtifactLocation { uri: uri(&path), uri_base_id: "%SRCROOT%" },
        region: Region { start_line: line.max(1) },
    }
}

/// mcp.toml for what people write there, mcp.lock for what is locked, the one that exists if only one does.
fn elsewhere(server: Option<&str>, item: &Item<'_>, around: &Surroundings<'_>) -> (String, u32) {
    let in_config = || {
        let config = around.config?;
        let line = server.and_then(|name| config.server(name)).or_else(|| server.is_none().then(|| config.policy())?);
        Some(("mcp.toml".to_owned(), line?))
    };
    let in_lock = || Some(("mcp.lock".to_owned(), around.lock?.find(server, item.subject)?));
    let found = match item.source {
        Source::Check(Check::Config) => in_config().or_else(in_lock),
        _ => in_lock().or_else(in_config),
    };
    found.unwrap_or_else(|| (if around.lock.is_some() { "mcp.lock" } else { "mcp.toml" }.to_owned(), 1))
}

/// A path below the project, with `/`; `None` for one that leads elsewhere, as configurations of the user do.
fn relative(file: &str) -> Option<String> {
    let file = file.replace('\\', "/");
    let file = file.trim_start_matches("./");
    let inside = !file.is_empty()
        && !file.starts_with(['/', '~'])
        && !file.contains(':')
        && file.split('/').all(|part| part != ".." && !part.is_empty());
    inside.then(|| file.to_owned())
}

/// A path as a relative URI reference (RFC 3986).
pub(crate) fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@+".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// One line of help, never empty.
fn line(text: &str) -> Message {
    Message { text: escape(text), markdown: None }
}
