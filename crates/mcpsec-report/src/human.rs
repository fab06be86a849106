//! The report for people: what needs a decision first, each with its next step, and what passed in as few lines as it takes.
use mcpsec_model::{
    check::{Check, CheckStatus},
    finding::Severity,
    report::{Report, ServerReport},
    text::escape,
    verdict::Verdict,
};

use crate::{
    fold::{self, Folded, FoldedFinding},
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
    for server in servers {
        one(&mut out, server, style);
        out.push('\n');
    }
    out.push_str(&summary(report, style));
    out
}

fn one(out: &mut String, server: &ServerReport, style: Style) {
    let verdict = style.paint(style::of_verdict(server.verdict), server.verdict);
    out.push_str(&format!("{}  {verdict}\n", style.bold(escape(server.name.as_str()))));
    let version = server.version.as_deref().map_or_else(|| "not locked".to_owned(), escape);
    out.push_str(&style_lines(style, &indented(&format!("{} -> {version}", escape(&server.spec)), 2, style.width())));

    if !server.evidence.is_empty() {
        let line = format!("evidence: {}", crate::evidence::counts(&server.evidence));
        out.push_str(&style_lines(style, &indented(&line, 2, style.width())));
    }
    let checks = fold::checks(&server.checks);
    let (troubles, fine): (Vec<&Folded<'_>>, Vec<&Folded<'_>>) =
        checks.iter().partition(|group| matches!(group.status, CheckStatus::Fail(_) | CheckStatus::Unchecked(_)));
    let (mut seen, mut untold) = (Tally::default(), Tally::default());
    for group in &troubles {
        let kind = format!("{} {}", group.status.as_str(), group.check);
        if seen.add(&kind, 1) > TOLD {
            untold.add(&kind, group.subjects.len());
        } else {
            trouble(out, group, style);
        }
    }
    out.push_str(&untold.lines());
    findings(out, &fold::findings(&server.findings), style);
    out.push_str(&crate::drift::drift(&server.drift, style));
    out.push_str(&crate::drift::closure(&server.closure, style));
    passes(out, &fine, style);
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

fn trouble(out: &mut String, group: &Folded<'_>, style: Style) {
    let status = style.paint(style::of_status(group.status), group.status.as_str());
    heading(out, &format!("{status} {}", group.check), &group.subjects, noun(group.check), style);
    if let Some(reason) = group.status.reason() {
        out.push_str(&indented(&escape(reason), INDENT, style.width()));
    }
    if let Some(hint) = group.hint {
        out.push_str(&indented(&format!("help: {}", escape(hint)), INDENT, style.width()));
    }
}

fn findings(out: &mut String, groups: &[FoldedFinding<'_>], style: Style) {
    let (mut seen, mut untold) = (Tally::default(), Tally::default());
    for group in groups {
        let rule = group.finding.rule;
        let severity = group.finding.severity();
        let kind = format!("{severity} {}", rule.id());
        if seen.add(&kind, 1) > TOLD {
            untold.add(&kind, group.subjects.len());
            continue;
        }
        let shown = style.paint(style::of_severity(severity), severity);
        heading(out, &format!("{shown} {}", rule.id()), &group.subjects, "subjects", style);
        out.push_str(&indented(&escape(&group.finding.message), INDENT, style.width()));
        if let Some(evidence) = &group.finding.evidence {
            let evidence = format!("evidence: {}", evidence.excerpt(400));
            out.push_str(&indented(&evidence, INDENT, style.width()));
        }
        if let Some(reason) = &group.finding.accepted {
            out.push_str(&indented(&format!("accepted: {}", escape(reason)), INDENT, style.width()));
        } else if severity >= Severity::High
            && let Some(subject) = group.subjects.first()
        {
            let help = format!(
                "help: choose another version, or accept it with [[policy.exempt]] rule = \"{}\", subject = \"{}\", a reason \
                 and an end date in mcp.toml",
                rule.id(),
                escape(subject)
            );
            out.push_str(&indented(&help, INDENT, style.width()));
        }
    }
    out.push_str(&untold.lines());
}

fn passes(out: &mut String, groups: &[&Folded<'_>], style: Style) {
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
        | Check::Approval => SERVERS,
        Check::ArtifactHash => "artifacts",
        Check::Advisories
        | Check::Cooldown
        | Check::Content
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
    if report.servers.is_empty() {
        return "no servers\n".to_owned();
    }
    let counts: Vec<String> = [Verdict::Deny, Verdict::Incomplete, Verdict::Pass]
        .into_iter()
        .filter_map(|verdict| {
            let n = report.servers.iter().filter(|server| server.verdict == verdict).count();
            (n > 0).then(|| style.paint(style::of_verdict(verdict), format!("{n} {verdict}")))
        })
        .collect();
    format!("{}: {}\n", amount(report.servers.len(), "servers"), counts.join(", "))
}
