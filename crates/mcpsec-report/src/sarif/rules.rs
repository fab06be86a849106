//! The rules of a log: every rule, check and level of drift, always all of them and in one order.
use mcpsec_model::{
    check::Check,
    drift::DriftLevel,
    finding::{Rule, Severity},
    verdict::Source,
};

use super::{
    Surroundings, line,
    wire::{Configuration, Message, ReportingDescriptor, RuleProperties},
};

/// Every rule, then every check, then every level of drift.
pub(super) fn all(around: &Surroundings<'_>) -> Vec<ReportingDescriptor> {
    let rules = Rule::ALL.iter().copied().map(Source::Rule);
    let checks = Check::ALL.iter().copied().map(Source::Check);
    let drift = DriftLevel::ALL.into_iter().map(Source::Drift);
    rules.chain(checks).chain(drift).map(|source| descriptor(source, around)).collect()
}

/// The id in the log: that of the report, and `drift-LEVEL` for drift.
pub(super) fn id(source: Source) -> String {
    match source {
        Source::Drift(level) => format!("drift-{level}"),
        Source::Rule(_) | Source::Check(_) => source.id().to_owned(),
    }
}

fn descriptor(source: Source, around: &Surroundings<'_>) -> ReportingDescriptor {
    let help = (around.help)(source);
    let id = id(source);
    let short = match source {
        Source::Rule(rule) => rule.meaning(),
        Source::Check(check) => check.meaning(),
        Source::Drift(level) => of_drift(level),
    };
    let means = help.map_or(short, |help| help.means);
    let steps = help.map_or_else(
        || format!("mcpsec explain {id}"),
        |help| format!("{} {} {} See also: mcpsec explain {id}", help.means, help.why, help.resolve),
    );
    let markdown = help.map(|help| {
        format!("{}\n\n**Why it matters.** {}\n\n**What to do.** {}\n", help.means, help.why, help.resolve)
    });
    let severity = severity(source);
    ReportingDescriptor {
        name: name(&id),
        id,
        short_description: line(short),
        full_description: line(means),
        help: Message { text: steps, markdown },
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties { tags: ["security", "mcp"], security_severity: score(severity) },
    }
}

fn severity(source: Source) -> Severity {
    match source {
        Source::Rule(rule) => rule.severity(),
        Source::Check(_) | Source::Drift(DriftLevel::Dangerous) => Severity::High,
        Source::Drift(DriftLevel::Breaking) => Severity::Medium,
        Source::Drift(DriftLevel::Additive | DriftLevel::Wording) => Severity::Low,
        Source::Drift(DriftLevel::Cosmetic | DriftLevel::None) => Severity::Info,
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number that code scanning makes `high`, `medium` or `low` of.
fn score(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.0"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}

fn of_drift(level: DriftLevel) -> &'static str {
    match level {
        DriftLevel::None => "what the server tells the model did not change",
        DriftLevel::Cosmetic => "what the server tells the model is written differently, with the same meaning",
        DriftLevel::Wording => "a text that the model reads was reworded, without a sign of risk",
        DriftLevel::Additive => "the server offers something new",
        DriftLevel::Breaking => "something that the server offered was removed or narrowed",
        DriftLevel::Dangerous => "what the server tells the model changed with a sign of risk",
    }
}

/// `hidden-instruction` as `HiddenInstruction` (§3.49.7); none where that would only be the id again.
fn name(id: &str) -> Option<String> {
    let name: String = id
        .split('-')
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars)
        })
        .collect();
    (!name.eq_ignore_ascii_case(id)).then_some(name)
}
