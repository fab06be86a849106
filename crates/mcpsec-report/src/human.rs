//! The report for people: what needs a decision first, passes in one line each.
use std::collections::BTreeMap;

use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    finding::{Finding, Severity},
    report::{Report, ServerReport},
    text::escape,
    verdict::Verdict,
};

use crate::Style;

/// How many equal results are listed one by one before they are counted.
const LISTED: usize = 5;

/// The report as text with a final newline.
pub fn human(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for server in &report.servers {
        section(&mut text, server, style);
    }
    let (count, verdict) = (report.servers.len(), report.verdict());
    let servers = if count == 1 { "1 server".to_owned() } else { format!("{count} servers") };
    let (mark, word) = match verdict {
        Verdict::Pass => (style.good, "all good"),
        Verdict::Incomplete => (style.warn, "incomplete: something required could not be checked"),
        Verdict::Deny => (style.bad, "denied"),
    };
    text.push_str(&format!("{mark}{word}{mark:#} ({servers})\n"));
    text
}

fn section(text: &mut String, server: &ServerReport, style: Style) {
    let (bold, dim) = (style.bold, style.dim);
    let mark = match server.verdict {
        Verdict::Pass => style.good,
        Verdict::Incomplete => style.warn,
        Verdict::Deny => style.bad,
    };
    let version = server.version.as_deref().unwrap_or("not locked");
    text.push_str(&format!(
        "{bold}{}{bold:#} {} {mark}{}{mark:#}  {dim}{}{dim:#}\n",
        server.name,
        escape(version),
        server.verdict,
        escape(&server.spec)
    ));
    for check in Check::ALL {
        let results: Vec<&CheckResult> = server.checks.iter().filter(|result| result.check == *check).collect();
        line(text, *check, &results, style);
    }
    for (finding, count) in folded(&server.findings) {
        let mark = if finding.rule.severity() >= Severity::Medium { style.warn } else { dim };
        let subject = if count == 1 {
            escape(&finding.subject)
        } else {
            format!("{} and {} more", escape(&finding.subject), count - 1)
        };
        text.push_str(&format!("  {mark}{}{mark:#}: {} ({subject})\n", finding.rule.id(), escape(&finding.message)));
        if let Some(evidence) = &finding.evidence {
            text.push_str(&format!("      {dim}{}{dim:#}\n", evidence.excerpt(300)));
        }
    }
}

/// One line for a check that holds everywhere; failures and gaps are listed with reason and hint.
fn line(text: &mut String, check: Check, results: &[&CheckResult], style: Style) {
    if results.is_empty() {
        return;
    }
    let count = |wanted: &str| results.iter().filter(|result| result.status.as_str() == wanted).count();
    let (failed, open, passed, none) = (count("fail"), count("unchecked"), count("pass"), count("n/a"));
    let (mark, word) = match (failed, open, passed) {
        (1.., _, _) => (style.bad, "fail"),
        (_, 1.., _) => (style.warn, "unchecked"),
        (_, _, 1..) => (style.good, "pass"),
        _ => (style.dim, "n/a"),
    };
    let mut detail = Vec::new();
    if results.len() > 1 {
        for (number, what) in [
            (failed, "failed"),
            (open, "unchecked"),
            (passed, "passed"),
            (none, "not for this machine or without a record"),
        ] {
            if number > 0 {
                detail.push(format!("{number} {what}"));
            }
        }
    }
    let dim = style.dim;
    text.push_str(format!("  {:<14} {mark}{word:<9}{mark:#} {dim}{}{dim:#}", check.id(), detail.join(", ")).trim_end());
    text.push('\n');
    let mut by_reason: BTreeMap<(u8, &str), Vec<&CheckResult>> = BTreeMap::new();
    for result in results {
        let rank = match result.status {
            CheckStatus::Fail(_) => 0,
            CheckStatus::Unchecked(_) => 1,
            CheckStatus::Pass | CheckStatus::NotApplicable => continue,
        };
        by_reason.entry((rank, result.status.reason().unwrap_or_default())).or_default().push(result);
    }
    let total: usize = by_reason.len();
    for (listed, ((rank, reason), results)) in by_reason.iter().enumerate() {
        if listed == LISTED {
            text.push_str(&format!("      {dim}and {} more; --format json lists all{dim:#}\n", total - listed));
            break;
        }
        let mark = if *rank == 0 { style.bad } else { style.warn };
        let subject = escape(&results[0].subject);
        let more = if results.len() > 1 { format!(" and {} more", results.len() - 1) } else { String::new() };
        text.push_str(&format!("      {mark}{subject}{mark:#}{more}: {}\n", escape(reason)));
        if let Some(hint) = results.iter().find_map(|result| result.hint.as_deref()) {
            let mark = style.hint;
            text.push_str(&format!("        {mark}hint{mark:#}: {hint}\n"));
        }
    }
}

/// Findings with the same rule and words are told once.
fn folded(findings: &[Finding]) -> Vec<(&Finding, usize)> {
    let mut out: Vec<(&Finding, usize)> = Vec::new();
    for finding in findings {
        let twin = out.iter_mut().find(|(first, _)| {
            first.rule == finding.rule && first.message == finding.message && first.evidence == finding.evidence
        });
        match twin {
            Some((_, count)) => *count += 1,
            None => out.push((finding, 1)),
        }
    }
    out
}
