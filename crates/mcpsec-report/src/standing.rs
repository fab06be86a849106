//! How everything that counts in a report stands: denied, not checked, allowed by somebody, warned about, tolerated.
//!
//! People's text, Markdown, SARIF and the JSON report all start from this one list, so they cannot disagree about what the
//! gate says. It joins a [`Decision`] with the checks, findings and changes that it is about; whatever the decision forgot
//! is still in the list, on the strict side.
use std::collections::BTreeMap;

use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    drift::Change,
    finding::{Finding, Rule, Severity},
    manifest::Subject,
    report::{ProjectReport, Report, ServerReport},
    text::{Untrusted, escape},
    verdict::{AllowedBy, Decision, Source, Verdict},
};

/// How one thing stands, in the order in which it needs somebody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Standing<'a> {
    /// The gate says no because of it.
    Denied,
    /// It could not be checked, and the policy requires it.
    Required,
    /// It would be denied, and somebody allowed it.
    Allowed(&'a AllowedBy),
    /// It is reported.
    Warned,
    /// It could not be checked, and the policy tolerates that.
    Tolerated,
    /// The policy says nothing about it.
    Noted,
}

/// The thing itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    Check(&'a CheckResult),
    Finding(&'a Finding),
    Change(&'a Change),
    /// Only the decision knows it.
    Nothing,
}

/// One thing that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) standing: Standing<'a>,
    pub(crate) source: Source,
    pub(crate) subject: &'a str,
    /// The key of the policy that decides.
    pub(crate) key: Option<&'a str>,
    pub(crate) what: What<'a>,
}

/// Whom items are about: the server's name, or `None` for the project.
pub(crate) type Group<'a> = (Option<&'a ServerReport>, Vec<Item<'a>>);

/// Everything that counts in a report, the project first, then the servers in the order of the report.
pub(crate) fn of_report(report: &Report) -> Vec<Group<'_>> {
    let project = of_project(&report.project);
    let project = (!project.is_empty()).then_some((None, project));
    project.into_iter().chain(report.servers.iter().map(|server| (Some(server), of_server(server)))).collect()
}

/// Everything that counts about one server, most urgent first.
pub(crate) fn of_server(server: &ServerReport) -> Vec<Item<'_>> {
    let mut items = join(&server.decision, &server.checks, &server.findings, &server.drift.changes);
    told_by_findings(&mut items);
    let said = items.iter().map(|item| item.standing.verdict()).max().unwrap_or(Verdict::Pass);
    if server.verdict > said {
        // A verdict that nothing explains: nothing was checked, or the decision was left out.
        let standing = if server.verdict == Verdict::Deny { Standing::Denied } else { Standing::Required };
        let source = Source::Check(Check::Lock);
        items.push(Item { standing, source, subject: server.name.as_str(), key: None, what: What::Nothing });
    }
    items.sort_by_key(|item| item.standing);
    items
}

/// A failed check of advisories or ages has its findings, with names and words, and says nothing more: one story, told once.
fn told_by_findings(items: &mut Vec<Item<'_>>) {
    let denied = |rules: &[Rule]| -> Vec<String> {
        let of_rules = |item: &&Item<'_>| rules.iter().any(|rule| item.source == Source::Rule(*rule));
        let denied = items.iter().filter(|item| item.standing == Standing::Denied).filter(of_rules);
        denied.map(|item| item.subject.to_owned()).collect()
    };
    let (known_bad, young) = (denied(&[Rule::Malware, Rule::Vulnerable]), denied(&[Rule::TooNew]));
    let is_told = |item: &Item<'_>| match item.source {
        Source::Check(Check::Advisories) => {
            known_bad.iter().any(|subject| subject.split_once('#').is_some_and(|(package, _)| package == item.subject))
        }
        Source::Check(Check::Cooldown) => !young.is_empty(),
        _ => false,
    };
    items.retain(|item| item.standing != Standing::Denied || !is_told(item));
}

/// Everything that counts about the project, most urgent first.
pub(crate) fn of_project(project: &ProjectReport) -> Vec<Item<'_>> {
    let mut items = join(&project.decision, &project.checks, &project.findings, &[]);
    items.sort_by_key(|item| item.standing);
    items
}

/// What a decision says about one source and subject; several findings may share both.
#[derive(Default)]
struct Said<'a> {
    standings: Vec<Standing<'a>>,
    key: Option<&'a str>,
    used: bool,
}

fn join<'a>(
    decision: &'a Decision,
    checks: &'a [CheckResult],
    findings: &'a [Finding],
    changes: &'a [Change],
) -> Vec<Item<'a>> {
    let mut said = said(decision);
    let mut items = Vec::new();
    let checks = checks.iter().filter_map(|result| match result.status {
        CheckStatus::Fail(_) => Some((result, Standing::Denied)),
        CheckStatus::Unchecked(_) if result.tolerated => Some((result, Standing::Tolerated)),
        CheckStatus::Unchecked(_) => Some((result, Standing::Required)),
        CheckStatus::Pass | CheckStatus::NotApplicable => None,
    });
    for (result, unsaid) in checks {
        let (source, subject) = (Source::Check(result.check), result.subject.as_str());
        items.push(item(&mut said, source, subject, unsaid, false, What::Check(result)));
    }
    // Worst first, so that of findings that share rule and subject the worst one is the one that is denied.
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.severity(), finding.confidence)));
    for finding in findings {
        let (source, accepted) = (Source::Rule(finding.rule), finding.accepted.is_some());
        items.push(item(&mut said, source, &finding.subject, Standing::Warned, accepted, What::Finding(finding)));
    }
    for change in changes {
        let (source, accepted) = (Source::Drift(change.level), change.accepted.is_some());
        items.push(item(&mut said, source, change.subject.as_str(), Standing::Noted, accepted, What::Change(change)));
    }
    for ((source, subject), said) in said.into_iter().filter(|(_, said)| !said.used) {
        let whole = said.standings.into_iter();
        items.extend(whole.map(|standing| Item { standing, source, subject, key: said.key, what: What::Nothing }));
    }
    items
}

fn said(decision: &Decision) -> BTreeMap<(Source, &str), Said<'_>> {
    let denied = decision.denied.iter().map(|reason| (reason, Standing::Denied));
    let allowed = decision.allowed_by.iter().map(|allowed| (&allowed.what, Standing::Allowed(&allowed.by)));
    let warned = decision.warned.iter().map(|reason| (reason, Standing::Warned));
    let unchecked = decision
        .unchecked
        .iter()
        .map(|unchecked| (&unchecked.what, if unchecked.tolerated { Standing::Tolerated } else { Standing::Required }));
    let mut all: BTreeMap<(Source, &str), Said<'_>> = BTreeMap::new();
    for (reason, standing) in denied.chain(allowed).chain(warned).chain(unchecked) {
        let said = all.entry((reason.source, reason.subject.as_str())).or_default();
        said.standings.push(standing);
        said.key = said.key.or(reason.key.as_deref());
    }
    all
}

fn item<'a>(
    said: &mut BTreeMap<(Source, &'a str), Said<'a>>,
    source: Source,
    subject: &'a str,
    unsaid: Standing<'a>,
    accepted: bool,
    what: What<'a>,
) -> Item<'a> {
    let Some(said) = said.get_mut(&(source, subject)) else {
        return Item { standing: unsaid, source, subject, key: None, what };
    };
    said.used = true;
    // Different standings of one rule and subject: what a person accepted is the one that is allowed, and each is used up but
    // the last.
    let allowed = |standing: &Standing<'_>| matches!(standing, Standing::Allowed(_));
    let at = said.standings.iter().position(|standing| allowed(standing) == accepted).unwrap_or(0);
    let standing = said.standings.get(at).copied().unwrap_or(unsaid);
    if said.standings.len() > 1 {
        said.standings.remove(at);
    }
    Item { standing, source, subject, key: said.key, what }
}

impl Standing<'_> {
    /// The verdict that one thing of this standing alone makes.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Denied => Verdict::Deny,
            Self::Required => Verdict::Incomplete,
            Self::Allowed(_) | Self::Warned | Self::Tolerated | Self::Noted => Verdict::Pass,
        }
    }

    /// What a heading over such things says.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Required => "not checked, and the policy requires it",
            Self::Allowed(_) => "allowed",
            Self::Warned => "warned",
            Self::Tolerated => "not checked, and the policy tolerates that",
            Self::Noted => "noted",
        }
    }

    /// Whether both belong below one heading.
    pub(crate) fn is_like(self, other: Standing<'_>) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// Who allowed it, in one line; not escaped.
pub(crate) fn allowed(by: &AllowedBy) -> String {
    match by {
        AllowedBy::Exemption { reason, until } => format!("exempt until {until}: {reason}"),
        AllowedBy::Consent { reason } => format!("accepted: {reason}"),
    }
}

impl<'a> Item<'a> {
    /// What happened, in one sentence; not escaped.
    pub(crate) fn message(&self) -> &'a str {
        match (self.what, self.source) {
            (What::Check(result), _) => result.status.reason().unwrap_or_default(),
            (What::Finding(finding), _) => &finding.message,
            (What::Change(change), _) => &change.message,
            (What::Nothing, Source::Rule(rule)) => rule.meaning(),
            (What::Nothing, Source::Check(_)) if self.standing.verdict() == Verdict::Incomplete => {
                "nothing was checked"
            }
            (What::Nothing, Source::Check(check)) => check.meaning(),
            (What::Nothing, Source::Drift(_)) => "what it tells the model changed",
        }
    }

    /// What shows it; not escaped.
    pub(crate) fn evidence(&self) -> Option<&'a Untrusted> {
        match self.what {
            What::Finding(finding) => finding.evidence.as_ref(),
            What::Check(_) | What::Change(_) | What::Nothing => None,
        }
    }

    /// Where it stands, where that is a line of a file that is no part of a package.
    pub(crate) fn project_place(&self) -> Option<&'a mcpsec_model::finding::Place> {
        self.place().filter(|_| !is_about_package(self.subject))
    }

    /// The line of a file in the package that it is about.
    pub(crate) fn package_place(&self) -> Option<&'a mcpsec_model::finding::Place> {
        self.place().filter(|_| is_about_package(self.subject))
    }

    fn place(&self) -> Option<&'a mcpsec_model::finding::Place> {
        match self.what {
            What::Finding(finding) => finding.place.as_ref(),
            What::Check(_) | What::Change(_) | What::Nothing => None,
        }
    }

    /// Whether it is only worth knowing.
    pub(crate) fn is_info(&self) -> bool {
        let info = matches!(self.what, What::Finding(finding) if finding.severity() == Severity::Info);
        info && matches!(self.standing, Standing::Warned | Standing::Noted)
    }

    /// The next command or edit, escaped; nothing where nobody has to decide.
    pub(crate) fn next(&self, command: &str, server: Option<&str>) -> Option<String> {
        if let What::Check(result) = self.what
            && let Some(hint) = &result.hint
        {
            return Some(escape(hint));
        }
        let subject = escape(self.subject);
        match (self.standing, self.source) {
            (Standing::Denied, Source::Drift(_)) => accept(command, server, &subject),
            (Standing::Denied, Source::Rule(rule)) => match config_step(rule) {
                Some(step) => Some(step.to_owned()),
                None if Subject::parse(self.subject).is_some() && accepts(command) => accept(command, server, &subject),
                None => Some(format!(
                    "choose another version, or accept it with [[policy.exempt]] rule = \"{}\", subject = {}, a reason and \
                     an end date in mcp.toml",
                    rule.id(),
                    toml_text(self.subject)
                )),
            },
            (Standing::Denied | Standing::Required, Source::Check(check)) => Some(format!("mcpsec explain {check}")),
            _ => None,
        }
    }
}

/// Commands that take `--accept`.
fn accepts(command: &str) -> bool {
    matches!(command, "add" | "update")
}

fn accept(command: &str, server: Option<&str>, subject: &str) -> Option<String> {
    // `verify` holds a server to what was accepted already: there is nothing to accept, only something to look into.
    let command = if accepts(command) { command } else { "update" };
    Some(format!(
        "if you have read it and mean it: mcpsec {command} {} --accept {} --reason '…'",
        server.unwrap_or("NAME"),
        quoted(subject)
    ))
}

/// What to do about a client configuration: no version helps there.
fn config_step(rule: Rule) -> Option<&'static str> {
    match rule {
        Rule::UnlockedLaunch => {
            Some("mcpsec init --yes takes it up, mcpsec add locks it, mcpsec wrap points the client at it")
        }
        Rule::UnpinnedLaunch => Some("mcpsec wrap points the client at what is locked"),
        Rule::OtherVersion => {
            Some("mcpsec wrap NAME takes what is locked; an edit of mcp.toml and mcpsec add NAME lock the other")
        }
        Rule::ShellLaunch => Some("name the package itself, so that it can be locked; mcpsec explain shell-launch"),
        _ => None,
    }
}

/// A text as a TOML basic string, hidden characters escaped as TOML has it, so that it can be pasted.
fn toml_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if mcpsec_model::text::is_hidden(c) => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text as one word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Whether a subject is a package, or something in one: places of such findings are in the package, not in the project.
pub(crate) fn is_about_package(subject: &str) -> bool {
    ["npm:", "pypi:", "git+"].iter().any(|start| subject.starts_with(start))
}
