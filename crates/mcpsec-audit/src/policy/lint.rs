//! The policy about itself: exemptions that are over, lift nothing or never end, keys that say the opposite of each other, and
//! keys that change nothing. Findings point to the line that says it.
use std::collections::BTreeSet;

use jiff::ToSpan as _;
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    config::{CapturePolicy, Config, Exemption, Isolation, Level, Pattern, Policy, Weakening},
    finding::{Finding, Place, Rule, Severity},
    name::ServerName,
    package::PackageId,
    text::escape,
    time::{Date, Timestamp},
};

use super::{day, is_over, level::package_of, matches};

/// What a run found out, which shows what of the policy was of use.
#[derive(Clone, Debug, Default)]
pub struct Judged<'a> {
    /// Whether all servers that are locked or configured were judged. If not, nothing is said to be of no use.
    pub all: bool,
    /// All findings, those about the project included.
    pub findings: Vec<&'a Finding>,
    /// All checks.
    pub checks: Vec<&'a CheckResult>,
    /// Every package that mcp.lock holds.
    pub packages: BTreeSet<&'a PackageId>,
    /// Every server that mcp.toml or mcp.lock names.
    pub servers: BTreeSet<&'a ServerName>,
}

/// What is wrong with a policy, worst first. `judged`: what a run made of it, where there was one.
pub fn lint(config: &Config, now: Timestamp, judged: Option<&Judged<'_>>) -> Vec<Finding> {
    let today = day(now);
    let mut findings: Vec<Finding> =
        config.sources.weakenings.iter().map(|weakening| held(config, weakening)).collect();
    findings.extend(contradictions(config));
    let judged = judged.filter(|judged| judged.all);
    for (index, exemption) in config.policy.exempt.iter().enumerate() {
        let earlier = &config.policy.exempt[..index];
        // What is for many projects need not be of use in each.
        let own = config.sources.is_own(exemption.place.as_ref());
        let found = judged.is_some_and(|judged| judged.findings.iter().any(|finding| matches(exemption, finding)));
        if own || found {
            findings.extend(of_exemption(exemption, earlier, today, judged));
        }
    }
    if let Some(judged) = judged {
        findings.extend(of_no_use(config, judged));
    }
    findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    findings
}

/// A key that is held against what a file says.
fn held(config: &Config, weakening: &Weakening) -> Finding {
    let key = format!("policy.{}", weakening.key);
    let by = weakening.held.by.as_ref().map(|place| format!("{}:{}", escape(&place.file), place.line));
    let value = value(config, &weakening.key);
    let message = match (&by, weakening.locked) {
        (Some(by), true) => {
            format!("{by} locks this key, and {} counts: a file that extends it cannot loosen it", value)
        }
        (Some(by), false) => format!("{by} asks for more, and {} counts on this machine", value),
        (None, _) => format!(
            "no file of this machine allows it (allow-isolation-none = true in policy.toml), and {} counts",
            value
        ),
    };
    let rule = if weakening.locked { Rule::PolicyContradiction } else { Rule::PolicyNoOp };
    let finding = Finding::new(rule, key, message);
    // Whoever may write mcp.toml may not decide what the organisation locked.
    let finding = if weakening.locked { finding.severe(Severity::High) } else { finding };
    at(finding, weakening.place.as_ref())
}

/// What counts, as a message shows it.
fn value(config: &Config, key: &str) -> String {
    let known = mcpsec_model::config::PolicyKeys::ALL.iter().find(|known| known.path == key);
    match known.filter(|known| !matches!(known.path, "rules" | "exempt" | "signers")) {
        Some(known) => known.value(&config.policy),
        None => "the stricter value".to_owned(),
    }
}

/// Keys that say the opposite of each other.
fn contradictions(config: &Config) -> Vec<Finding> {
    let policy = &config.policy;
    let mut findings = Vec::new();
    let mut say = |key: &str, message: String| {
        let finding = Finding::new(Rule::PolicyContradiction, format!("policy.{key}"), message);
        findings.push(at(finding, config.sources.origin(key)));
    };
    if policy.advisories.malware != Level::Deny {
        say(
            "advisories.malware",
            format!(
                "\"{}\" does not count: malware is denied unless an exemption names the advisory and the version",
                policy.advisories.malware.as_str()
            ),
        );
    }
    if let Some(level) = policy.rules.get(&Rule::Malware) {
        let stated = level.level.map(|level| ("rules.malware".to_owned(), level));
        let exceptions =
            level.exceptions.iter().map(|(pattern, level)| (format!("rules.malware.{}", pattern.as_str()), *level));
        for (key, _) in stated.into_iter().chain(exceptions).filter(|(_, level)| *level != Level::Deny) {
            say(
                &key,
                "does not count: malware is denied unless an exemption names the advisory and the version".to_owned(),
            );
        }
    }
    let drift = [("drift.breaking", policy.drift.breaking), ("drift.dangerous", policy.drift.dangerous)];
    let denied = drift.iter().find(|(_, level)| *level == Level::Deny);
    if let (CapturePolicy::Off, Some((key, _))) = (policy.capture, denied) {
        say("capture", format!("with \"off\" nothing is heard, so {key} = \"deny\" can never be seen to be broken"));
    }
    if policy.isolation == Isolation::None && policy.capture == CapturePolicy::Required {
        say(
            "isolation",
            "\"none\" lets a server that is captured do what it likes, and capture = \"required\" starts all of them"
                .to_owned(),
        );
    }
    if policy.approvals.required > 0 && policy.approvals.signers.is_none() {
        say(
            "approvals.required",
            format!(
                "{} needed, and approvals.signers names no file of people who may give them",
                policy.approvals.required
            ),
        );
    }
    vulnerable(policy, &mut say);
    if let (Some(level), true) = (
        policy.rules.get(&Rule::TrustDowngrade).and_then(|rule| rule.level),
        config.sources.origin("trust-downgrade").is_some(),
    ) && level != policy.trust_downgrade
    {
        say(
            "rules.trust-downgrade",
            format!("\"{}\" counts, and trust-downgrade says \"{}\"", level.as_str(), policy.trust_downgrade.as_str()),
        );
    }
    findings
}

/// `rules.vulnerable` raises what `advisories` says, and never lowers it.
fn vulnerable(policy: &Policy, say: &mut impl FnMut(&str, String)) {
    let Some(level) = policy.rules.get(&Rule::Vulnerable).and_then(|rule| rule.level) else { return };
    let advisories = &policy.advisories;
    let least = [advisories.critical, advisories.high, advisories.medium, advisories.low].into_iter().min();
    if least.is_some_and(|least| level < least) {
        say(
            "rules.vulnerable",
            format!("\"{}\" does not count: [policy.advisories] is stricter for every severity", level.as_str()),
        );
    }
}

fn of_exemption(
    exemption: &Exemption,
    earlier: &[Exemption],
    today: Date,
    judged: Option<&Judged<'_>>,
) -> Vec<Finding> {
    let subject = format!("{} {}", exemption.rule, exemption.subject);
    let shown = format!("`{}` for `{}`", escape(&exemption.rule), escape(&exemption.subject));
    let say = |rule, message: String| at(Finding::new(rule, subject.as_str(), message), exemption.place.as_ref());
    if is_over(exemption, today) {
        return vec![say(Rule::ExpiredExemption, format!("the exemption of {shown} ended on {}", exemption.until))];
    }
    let same = |other: &&Exemption| {
        other.rule == exemption.rule && other.subject == exemption.subject && other.until >= exemption.until
    };
    if let Some(other) = earlier.iter().find(same) {
        let place = other.place.as_ref().map(|place| format!(" at {}:{}", escape(&place.file), place.line));
        return vec![say(
            Rule::PolicyNoOp,
            format!("the exemption of {shown} is there already{}", place.unwrap_or_default()),
        )];
    }
    if Check::ALL.iter().any(|check| check.id() == exemption.rule) {
        return vec![say(Rule::PolicyNoOp, format!("`{}` is a check, and no exemption lifts a check", exemption.rule))];
    }
    let mut findings = Vec::new();
    if today.checked_add(1.year()).is_ok_and(|year| exemption.until > year) {
        findings.push(say(Rule::LongExemption, format!("the exemption of {shown} lasts until {}", exemption.until)));
    }
    findings.extend(
        judged
            .and_then(|judged| unmatched(exemption, judged))
            .map(|why| say(Rule::UnmatchedExemption, format!("the exemption of {shown} lifts nothing: {why}"))),
    );
    findings
}

/// Why an exemption lifts nothing; `None` where it does, or where that cannot be told.
fn unmatched(exemption: &Exemption, judged: &Judged<'_>) -> Option<&'static str> {
    if judged.findings.iter().any(|finding| matches(exemption, finding)) {
        return None;
    }
    let Some(rule) = Rule::ALL.iter().find(|rule| rule.id() == exemption.rule) else {
        return Some("this version of mcpsec has no such rule");
    };
    if let Some(package) = package_of(&exemption.subject)
        && !judged.packages.contains(&package)
    {
        return Some("mcp.lock holds no such package");
    }
    let made_by = made_by(*rule)?;
    let mut made = false;
    for result in judged.checks.iter().filter(|result| result.check == made_by) {
        match result.status {
            // It may be there, unseen.
            CheckStatus::Unchecked(_) => return None,
            CheckStatus::Pass | CheckStatus::Fail(_) => made = true,
            CheckStatus::NotApplicable => {}
        }
    }
    made.then_some("nothing of this rule and subject was found")
}

/// The check that finds what a rule is about, each time it is made. Other rules are found when something is locked, and not
/// again.
fn made_by(rule: Rule) -> Option<Check> {
    Some(match rule {
        Rule::Yanked | Rule::Unpublished | Rule::Deprecated => Check::Upstream,
        Rule::NoProvenance | Rule::EvidenceWithdrawn => Check::Provenance,
        Rule::Malware | Rule::Vulnerable => Check::Advisories,
        Rule::InstallScript => Check::InstallScripts,
        Rule::TooNew => Check::Cooldown,
        Rule::HiddenInstruction
        | Rule::Secrecy
        | Rule::SecretAccess
        | Rule::Exfiltration
        | Rule::ToolShadowing
        | Rule::PrecedenceClaim
        | Rule::NameCollision
        | Rule::LookalikeName
        | Rule::HiddenText
        | Rule::HiddenMarkup
        | Rule::EncodedText
        | Rule::ParameterSmuggling
        | Rule::CredentialRequest
        | Rule::ContradictoryHints
        | Rule::OversizedText
        | Rule::PayloadLink
        | Rule::UnstableManifest
        | Rule::SandboxAlarm
        | Rule::NetworkAttempt => Check::Poison,
        _ => return None,
    })
}

/// Keys that are about packages and servers that are not there.
fn of_no_use(config: &Config, judged: &Judged<'_>) -> Vec<Finding> {
    let policy = &config.policy;
    let mut findings = Vec::new();
    let mut say = |key: String, message: String| {
        let place = config.sources.origin(&key);
        // What is for many projects need not be of use in each.
        if config.sources.is_own(place) {
            findings.push(at(Finding::new(Rule::PolicyNoOp, format!("policy.{key}"), message), place));
        }
    };
    let mut patterns: Vec<(String, &Pattern)> = Vec::new();
    patterns.extend(policy.release_ages.iter().map(|(pattern, _)| (child("min-release-age", pattern), pattern)));
    patterns.extend(policy.provenance.rules.iter().map(|(pattern, _)| (child("provenance", pattern), pattern)));
    patterns.extend(policy.signers.iter().map(|signer| (child("signers", &signer.subject), &signer.subject)));
    for (rule, level) in &policy.rules {
        let path = format!("rules.{}", rule.id());
        patterns.extend(level.exceptions.iter().map(|(pattern, _)| (child(&path, pattern), pattern)));
    }
    for (key, pattern) in patterns {
        let used = if pattern.is_server() {
            judged.servers.iter().any(|server| pattern.fits(None, Some(server)).is_some())
        } else {
            judged.packages.iter().any(|package| pattern.fits(Some(package), None).is_some())
        };
        // A whole ecosystem is a rule for what may come.
        let whole = matches!(pattern.as_str(), "npm:*" | "pypi:*" | "git+*" | "server:*");
        if !used && !whole {
            let what =
                if pattern.is_server() { "mcp.toml names no such server" } else { "mcp.lock holds no such package" };
            say(key, what.to_owned());
        }
    }
    for id in &policy.install_scripts {
        let locked = id.parse::<PackageId>().is_ok_and(|id| judged.packages.contains(&id));
        if !locked {
            say("install-scripts".to_owned(), format!("mcp.lock does not hold {}", escape(id)));
        }
    }
    findings
}

fn child(path: &str, pattern: &Pattern) -> String {
    format!("{path}.{}", pattern.as_str())
}

fn at(finding: Finding, place: Option<&Place>) -> Finding {
    match place {
        Some(place) => finding.place(place.file.clone(), place.line),
        None => finding,
    }
}
