//! The report of `audit` for people: what is known to be bad, what is a risk, what is worth knowing, what could not be looked up.
//!
//! In which of these something stands is the policy's decision alone: [`Decision`](mcpsec_model::verdict::Decision) says what is denied.
use std::collections::BTreeSet;

use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    finding::{Finding, Rule, Severity},
    report::{Report, ServerReport},
    text::escape,
    verdict::{AllowedBy, Reason, Source},
};

use crate::{
    fold,
    style::{self, Style},
    wrap::indented,
};

/// Where the second line of a story starts.
const INDENT: usize = 6;

/// The report as text, ending in a newline; servers that need a decision first.
pub fn audit(report: &Report, style: Style) -> String {
    let mut servers: Vec<&ServerReport> = report.servers.iter().collect();
    servers.sort_by_key(|server| std::cmp::Reverse(server.verdict));
    let mut out = String::new();
    let (mut bad, mut risky, mut told) = (0, 0, 0);
    for server in servers {
        let verdict = style.paint(style::of_verdict(server.verdict), server.verdict);
        out.push_str(&format!("{}  {verdict}\n", style.bold(escape(server.name.as_str()))));
        let denied = keys(server.decision.denied.iter());
        let allowed = keys(server.decision.allowed_by.iter().map(|allowed| &allowed.what));
        let is =
            |set: &BTreeSet<(Rule, &str)>, finding: &Finding| set.contains(&(finding.rule, finding.subject.as_str()));
        let (known_bad, rest): (Vec<&Finding>, Vec<&Finding>) =
            server.findings.iter().partition(|finding| is(&denied, finding));
        let (lifted, rest): (Vec<&Finding>, Vec<&Finding>) =
            rest.into_iter().partition(|finding| is(&allowed, finding));
        let (information, risks): (Vec<&Finding>, Vec<&Finding>) =
            rest.into_iter().partition(|finding| finding.severity() == Severity::Info);
        (bad, risky, told) = (bad + known_bad.len(), risky + risks.len(), told + information.len());
        section(&mut out, "known bad", &known_bad, true, style);
        failures(&mut out, server, style);
        section(&mut out, "risky", &risks, false, style);
        section(&mut out, "for information", &information, false, style);
        section(&mut out, "allowed", &lifted, false, style);
        reasons(&mut out, server, style);
        checks(&mut out, server, style);
        out.push('\n');
    }
    let amount = crate::human::amount(report.servers.len(), "servers");
    out.push_str(&format!("{amount}: {bad} known bad, {risky} risky, {told} for information\n"));
    out
}

fn keys<'a>(reasons: impl Iterator<Item = &'a Reason>) -> BTreeSet<(Rule, &'a str)> {
    let key = |reason: &'a Reason| match reason.source {
        Source::Rule(rule) => Some((rule, reason.subject.as_str())),
        Source::Check(_) | Source::Drift(_) => None,
    };
    reasons.filter_map(key).collect()
}

fn section(out: &mut String, title: &str, findings: &[&Finding], denied: bool, style: Style) {
    if findings.is_empty() {
        return;
    }
    out.push_str(&format!("  {}\n", style.bold(title)));
    for finding in findings {
        let severity = style.paint(style::of_severity(finding.severity()), finding.severity());
        out.push_str(&format!("    {severity} {}  {}\n", finding.rule.id(), escape(&finding.subject)));
        out.push_str(&indented(&escape(&finding.message), INDENT, style.width()));
        if let Some(evidence) = &finding.evidence {
            out.push_str(&indented(&format!("evidence: {}", evidence.excerpt(300)), INDENT, style.width()));
        }
        if denied {
            let help = format!(
                "help: mcpsec explain {}; to live with it, [[policy.exempt]] rule = \"{}\", subject = \"{}\", a reason and an end date",
                finding.rule.id(),
                finding.rule.id(),
                escape(&finding.subject)
            );
            out.push_str(&indented(&help, INDENT, style.width()));
        }
    }
}

/// Checks that failed for another reason than a finding that is told already.
fn failures(out: &mut String, server: &ServerReport, style: Style) {
    for group in fold::checks(server.checks.iter()) {
        if let CheckStatus::Fail(reason) = group.status
            && group.check != Check::Advisories
        {
            let status = style.paint(style::of_status(group.status), "fail");
            out.push_str(&format!("    {status} {}  {}\n", group.check, escape(&group.subjects.join(", "))));
            out.push_str(&indented(&escape(reason), INDENT, style.width()));
        }
    }
}

fn reasons(out: &mut String, server: &ServerReport, style: Style) {
    for allowed in &server.decision.allowed_by {
        let words = match &allowed.by {
            AllowedBy::Exemption { reason, until } => format!("exempt until {until}: {reason}"),
            AllowedBy::Consent { reason } => format!("accepted: {reason}"),
        };
        let line = format!("{} {}: {words}", allowed.what.source.id(), allowed.what.subject);
        out.push_str(&indented(&escape(&line), INDENT, style.width()));
    }
}

/// What was looked up, and what was not.
fn checks(out: &mut String, server: &ServerReport, style: Style) {
    for group in fold::checks(server.checks.iter()) {
        let many = crate::human::amount(group.subjects.len(), "packages");
        match group.status {
            CheckStatus::Fail(_) | CheckStatus::NotApplicable => {}
            CheckStatus::Pass => {
                let status = style.paint(style::of_status(group.status), "pass");
                out.push_str(&format!("  {status} {}  {}\n", group.check, style.dim(many)));
            }
            CheckStatus::Unchecked(why) => {
                let status = style.paint(style::of_status(group.status), "unchecked");
                let shown = match group.subjects.as_slice() {
                    [one] => escape(one),
                    _ => many,
                };
                out.push_str(&format!("  {status} {}  {shown}\n", group.check));
                out.push_str(&indented(&escape(why), INDENT, style.width()));
                let of_group = |result: &&CheckResult| result.check == group.check && result.status == *group.status;
                if let Some(hint) = server.checks.iter().find(of_group).and_then(|result| result.hint.as_deref()) {
                    out.push_str(&indented(&format!("help: {}", escape(hint)), INDENT, style.width()));
                }
            }
        }
    }
}
