//! The report for people: what needs a decision first, each with its next step, and what passed in as few lines as it takes.
//!
//! Below each server stand, in this order and each below its heading: what is denied, what could not be checked and had to
//! be, what somebody allowed (with reason and end), what the policy warns about, what it tolerates, what it has no word for,
//! and what passed.
use mcpsec_model::{
    check::Check,
    drift::{Change, DriftLevel},
    finding::Severity,
    report::{Report, ServerReport},
    text::escape,
    verdict::{Source, Verdict},
};

use crate::{
    fold::{self, Folded, Story},
    inert::inert,
    standing::{self, Item, Standing, What},
    style::{self, Style},
    wrap::indented,
};

/// How many subjects of one folded line are named.
const NAMED: usize = 3;
/// How many different stories of one check or rule are told in full.
const TOLD: usize = 8;
/// Where the second line of a story starts.
const INDENT: usize = 4;

/// The report as text, ending in a newline; servers that need a decision first.
pub fn human(report: &Report, style: Style) -> String {
    let mut servers: Vec<&ServerReport> = report.servers.iter().collect();
    // Stable: equal verdicts stay in the order of the lock.
    servers.sort_by_key(|server| std::cmp::Reverse(server.verdict));
    let mut out = String::new();
    let project = standing::of_project(&report.project);
    if !project.is_empty() {
        let verdict = report.project.decision.verdict();
        out.push_str(&format!("{}  {}\n", style.bold("project"), style.paint(style::of_verdict(verdict), verdict)));
        sections(&mut out, report.command, None, &project, style);
        out.push('\n');
    }
    for server in servers {
        one(&mut out, report.command, server, style);
        out.push('\n');
    }
    out.push_str(&summary(report, style));
    inert(&out).into_owned()
}

fn one(out: &mut String, command: &str, server: &ServerReport, style: Style) {
    let verdict = style.paint(style::of_verdict(server.verdict), server.verdict);
    out.push_str(&format!("{}  {verdict}\n", style.bold(escape(server.name.as_str()))));
    let version = server.version.as_deref().map_or_else(|| "not locked".to_owned(), escape);
    out.push_str(&style_lines(style, &indented(&format!("{} -> {version}", escape(&server.spec)), 2, style.width())));

    if !server.evidence.is_empty() {
        let line = format!("evidence: {}", crate::evidence::counts(&server.evidence));
        out.push_str(&style_lines(style, &indented(&line, 2, style.width())));
    }
    sections(out, command, Some(server.name.as_str()), &standing::of_server(server), style);
    let checks = fold::checks(server.checks.iter().filter(|result| result.status.reason().is_none()));
    if !server.closure.is_empty() {
        out.push_str(&heading_of("changed", style));
        out.push_str(&crate::drift::closure(&server.closure, style));
    }
    if !server_is_fine(server) && !checks.is_empty() {
        out.push_str(&heading_of("passed", style));
    }
    passes(out, &checks, style);
}

/// Whether there is nothing but passes, which need no heading then.
fn server_is_fine(server: &ServerReport) -> bool {
    standing::of_server(server).is_empty() && server.closure.is_empty()
}

fn heading_of(words: &str, style: Style) -> String {
    format!(" {}\n", style.bold(words))
}

/// What needs somebody first: each group below its heading.
fn sections(out: &mut String, command: &str, server: Option<&str>, items: &[Item<'_>], style: Style) {
    for group in items.chunk_by(|a, b| a.standing.is_like(b.standing)) {
        let Some(first) = group.first() else { continue };
        out.push_str(&heading_of(first.standing.heading(), style));
        section(out, group, &Next { command, server }, style);
    }
}

/// What next steps are about.
struct Next<'a> {
    command: &'a str,
    server: Option<&'a str>,
}

fn section(out: &mut String, group: &[Item<'_>], next: &Next<'_>, style: Style) {
    let (infos, loud): (Vec<&Item<'_>>, Vec<&Item<'_>>) = group.iter().partition(|item| item.is_info());
    let (mut seen, mut untold) = (Tally::default(), Tally::default());
    for story in fold::items(&loud, next.command, next.server) {
        let kind = kind(story.first);
        if seen.add(&kind, 1) > TOLD {
            untold.add(&kind, story.subjects.len());
        } else if !matches!(story.first.what, What::Change(_)) {
            tell(out, &story, style);
        }
    }
    out.push_str(&untold.lines());
    let changes =
        || group.iter().filter_map(|item| if let What::Change(change) = item.what { Some(change) } else { None });
    let (small, large): (Vec<&Change>, Vec<&Change>) =
        changes().partition(|change| change.level <= DriftLevel::Cosmetic);
    out.push_str(&crate::drift::changes(&large, &small, style));
    let changed = group.iter().find(|item| matches!(item.what, What::Change(_)));
    if let Some(help) = changed.and_then(|item| item.next(next.command, next.server)) {
        out.push_str(&indented(&format!("help: {help}"), INDENT, style.width()));
    }
    for (rule, subjects) in fold::infos(&infos) {
        heading(
            out,
            &format!("{} {rule}", style.paint(style::of_severity(Severity::Info), "info")),
            &subjects,
            "subjects",
            style,
        );
    }
}

/// `fail artifact-hash`, `high malware`.
fn kind(item: &Item<'_>) -> String {
    format!("{} {}", word(item), item.source.id())
}

fn word(item: &Item<'_>) -> &'static str {
    match (item.what, item.source) {
        (What::Check(result), _) => result.status.as_str(),
        (What::Finding(finding), _) => finding.severity().as_str(),
        (What::Change(_) | What::Nothing, Source::Drift(_)) => "drift",
        (What::Nothing, Source::Rule(rule)) => rule.severity().as_str(),
        (What::Change(_) | What::Nothing, _) if item.standing.verdict() == Verdict::Incomplete => "unchecked",
        (What::Change(_) | What::Nothing, _) => "fail",
    }
}

fn tell(out: &mut String, story: &Story<'_>, style: Style) {
    let item = story.first;
    let paint = match item.what {
        What::Check(result) => style::of_status(&result.status),
        What::Finding(finding) => style::of_severity(finding.severity()),
        What::Change(_) | What::Nothing => style::of_verdict(item.standing.verdict()),
    };
    let plural = if let Source::Check(check) = item.source { noun(check) } else { "subjects" };
    heading(out, &format!("{} {}", style.paint(paint, word(item)), item.source.id()), &story.subjects, plural, style);
    let mut line = |text: String| out.push_str(&indented(&text, INDENT, style.width()));
    line(escape(item.message()));
    if let Some(place) = item.project_place().or(item.package_place()) {
        line(format!("at {}:{}", escape(&place.file), place.line));
    }
    if let Some(evidence) = item.evidence() {
        line(format!("evidence: {}", evidence.excerpt(400)));
    }
    if let Standing::Allowed(by) = item.standing {
        line(escape(&standing::allowed(by)));
    }
    if let (Some(key), Standing::Denied | Standing::Required) = (item.key, item.standing) {
        line(format!("policy: {}", escape(key)));
    }
    if let Some(help) = &story.help {
        line(format!("help: {help}"));
    }
}

/// Counts by kind, in the order of first mention.
#[derive(Default)]
struct Tally(Vec<(String, usize)>);

impl Tally {
    /// Adds and answers the new count.
    fn add(&mut self, kind: &str, by: usize) -> usize {
        if let Some((_, n)) = self.0.iter_mut().find(|(known, _)| known == kind) {
            *n += by;
            return *n;
        }
        self.0.push((kind.to_owned(), by));
        by
    }

    /// One line for each kind that was cut short.
    fn lines(&self) -> String {
        self.0.iter().map(|(kind, n)| format!("  {kind}  and {n} more; --format json has them all\n")).collect()
    }
}

fn passes(out: &mut String, groups: &[Folded<'_>], style: Style) {
    for group in groups {
        let status = style.paint(style::of_status(group.status), group.status.as_str());
        let what = match group.subjects.as_slice() {
            [_] if noun(group.check) == SERVERS => String::new(),
            many => format!("  {}", amount(many.len(), noun(group.check))),
        };
        out.push_str(&format!("  {status} {}{}\n", group.check, style.dim(what)));
    }
}

/// What the subjects of a check are.
fn noun(check: Check) -> &'static str {
    match check {
        Check::Config
        | Check::Lock
        | Check::Capture
        | Check::Manifest
        | Check::Poison
        | Check::InstallScripts
        | Check::Cooldown
        | Check::Content
        | Check::Approval => SERVERS,
        Check::ArtifactHash => "artifacts",
        Check::Advisories
        | Check::Upstream
        | Check::RegistrySignature
        | Check::Provenance
        | Check::Signer
        | Check::GitSignature => "packages",
    }
}

/// What a check with one result a server is about.
const SERVERS: &str = "servers";

/// `1 artifact`, `107 artifacts`.
pub(crate) fn amount(n: usize, plural: &str) -> String {
    let singular = plural.strip_suffix('s').unwrap_or(plural);
    format!("{n} {}", if n == 1 { singular } else { plural })
}

/// What a story is and whom it is about: one subject on the same line, many as a number and the first few names below.
fn heading(out: &mut String, kind: &str, all: &[&str], plural: &str, style: Style) {
    if let [subject] = all {
        out.push_str(&format!("  {kind}  {}\n", escape(subject)));
        return;
    }
    out.push_str(&format!("  {kind}  {}\n", amount(all.len(), plural)));
    let named: Vec<String> = all.iter().take(NAMED).map(|subject| escape(subject)).collect();
    let more = all.len().checked_sub(NAMED).filter(|more| *more > 0);
    let rest = more.map(|more| format!(", and {more} more")).unwrap_or_default();
    out.push_str(&indented(&format!("{}{rest}", named.join(", ")), INDENT, style.width()));
}

fn style_lines(style: Style, lines: &str) -> String {
    lines.lines().map(|line| format!("{}\n", style.dim(line))).collect()
}

fn summary(report: &Report, style: Style) -> String {
    let project = report.project.decision.verdict();
    let project = if project == Verdict::Pass { String::new() } else { format!("; project: {project}") };
    if report.servers.is_empty() {
        return format!("no servers{project}\n");
    }
    let counts: Vec<String> = [Verdict::Deny, Verdict::Incomplete, Verdict::Pass]
        .into_iter()
        .filter_map(|verdict| {
            let n = report.servers.iter().filter(|server| server.verdict == verdict).count();
            (n > 0).then(|| style.paint(style::of_verdict(verdict), format!("{n} {verdict}")))
        })
        .collect();
    format!("{}: {}{project}\n", amount(report.servers.len(), "servers"), counts.join(", "))
}
