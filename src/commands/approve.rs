//! `mcpsec approve`: verify, show what would be signed, ask, sign, append.
//!
//! Nothing is signed that `mcpsec verify` would not let pass: an approval is a person's word about something that holds.
use std::{
    collections::BTreeSet,
    io::{IsTerminal as _, Write as _},
};

use mcpsec_model::{
    approval::{Approval, Approved, Envelope, MAX_LINE, Reviewer, Signer, Statement, Summary, Word},
    check::Check,
    lock::{Lock, LockedServer},
    name::ServerName,
    report::ServerReport,
    text::{escape, is_hidden},
    time::{AsOf, Timestamp},
    verdict::{Source, Verdict},
};

use super::{
    approval::{Approving, Unread},
    review,
    team::{self, Ask},
    verify,
};
use crate::{
    agent::Hand,
    cli::{ApproveArgs, Format, VerifyArgs},
    error::{CommandError, Kind},
    exit::Code,
    project::Project,
    settings::Settings,
    ui,
};

pub(super) async fn run(settings: &Settings, args: ApproveArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let lock = project.required_lock()?;
    let config = project.config_or_starter()?;
    if settings.format != Format::Human && !args.yes {
        return Err(CommandError::usage("who is asked must see what is signed: --format json needs --yes"));
    }
    let mut names = args.names.clone();
    names.sort();
    names.dedup();
    if let Some(unknown) = names.iter().find(|name| !lock.servers.contains_key(*name)) {
        let known: Vec<&str> = lock.servers.keys().map(ServerName::as_str).collect();
        return Err(CommandError::usage(format!("mcp.lock has no server `{unknown}`"))
            .hint(format!("it has: {}", known.join(", "))));
    }
    let expires = expiry(&args.expires, settings.now)?;
    if args.reason.chars().any(is_hidden) || args.reason.chars().count() > 1000 {
        return Err(CommandError::usage("--reason must be at most 1000 visible characters"));
    }
    let to = team::check_destination(settings, &config, args.to)?;
    let log = team::look(settings, &config, &lock, Ask::Registry).await?;
    if let Some(log) = &log {
        log.check()?;
    }
    let approving = Approving::load(settings, &project, &config, &lock, log)?;
    approving.own().map_err(|error| CommandError::usage(error).hint(error.hint()))?;
    let mut hand = Hand::new(settings, &args.with, &approving.signers)?;
    let signer = signer_of(&hand, &approving, settings.now)?.clone();
    let criteria = criteria(&args.criteria, &approving, &signer)?;

    let verifying = VerifyArgs { names: names.clone(), recapture: false, capturing: args.capturing.clone() };
    let report = verify::report(settings, &project, &verifying, &config, &lock).await?;
    if let Some(error) = worst(&report.servers) {
        return Err(error);
    }

    let mut statements = Vec::new();
    let mut text = String::new();
    for name in &names {
        let Some(server) = lock.servers.get(name) else { continue };
        let standing = approving.standing(&lock, server, settings.now).map_err(unread)?;
        let mine = standing.approvals.iter().filter(|weighed| weighed.signer.as_deref() == Some(signer.name.as_str()));
        let given: BTreeSet<&Word> = mine.filter_map(|weighed| weighed.counts.as_ref().ok()).flatten().collect();
        if criteria.iter().all(|word| given.contains(word)) {
            text.push_str(&format!("{name} {}: already approved by {}\n", escape(&server.version), signer.name));
            continue;
        }
        let approval = statement(&lock, server, &approving, &hand, &signer, &criteria, &args, expires, settings.now);
        text.push_str(&review::of(&lock, server, &approval, hand.public(), &standing));
        statements.push(Statement::Approval(Box::new(approval)));
    }
    if settings.format == Format::Human {
        ui::print_data(&text)?;
    }
    if !statements.is_empty() {
        let question = format!("sign {}? [y/N] ", ui::count(statements.len(), "approval"));
        if !args.yes && !asked(&question)? {
            return Err(CommandError::denied("nothing was signed").hint("--yes signs without asking"));
        }
        let envelopes = signed(&mut hand, &statements)?;
        if settings.format == Format::Human {
            for statement in &statements {
                ui::print_data(&format!("approved {}\n", statement.server()))?;
            }
        }
        team::deliver(settings, &project, &config, &envelopes, to).await?;
    }
    let log = team::settle(settings, &project, &config).await?;
    if settings.format == Format::Human {
        return Ok(crate::exit::GOOD);
    }
    super::approvals::list(settings, &project, &config, &lock, &names, log)
}

/// Who in mcp-signers has this key, if it may sign today.
pub(super) fn signer_of<'a>(hand: &Hand, approving: &'a Approving, now: Timestamp) -> Result<&'a Signer, CommandError> {
    let key = hand.public();
    let found = approving.signers.signers.iter().filter(|signer| signer.key == *key);
    let mut why = None;
    for signer in found {
        // How the key is written in mcp-signers decides what its signatures look like.
        if signer.key.form() != key.form() {
            why = Some(
                "mcp-signers has it in the other form: SSH keys sign as SSH keys, PEM keys as PEM keys".to_owned(),
            );
            continue;
        }
        match signer.refuses(now, now) {
            None => return Ok(signer),
            Some(refusal) => why = Some(refusal),
        }
    }
    let shown = format!("{} ({})", key.fingerprint(), key.algorithm());
    match why {
        Some(why) => Err(CommandError::denied(format!("the key {shown} cannot approve: {why}"))),
        None => Err(CommandError::usage(format!("the key {shown} is not in mcp-signers"))
            .hint("add [[signer]] with name and key there, and have that reviewed")),
    }
}

/// Signs, and checks each signature as `verify` will.
pub(super) fn signed(hand: &mut Hand, statements: &[Statement]) -> Result<Vec<Envelope>, CommandError> {
    let mut envelopes = Vec::new();
    for statement in statements {
        let envelope = hand.sign(statement)?;
        let key = hand.public();
        mcpsec_verify::approval::check(key, &envelope, &key.fingerprint())
            .map_err(|error| CommandError::bug(format!("a new approval would not be accepted: {error}")))?;
        if envelope.to_line().len() > MAX_LINE {
            return Err(CommandError::usage(format!(
                "an approval of {} would be longer than {MAX_LINE} bytes",
                statement.server()
            )));
        }
        envelopes.push(envelope);
    }
    Ok(envelopes)
}

/// Asks the person at the terminal; nobody there is an error, since what they would have seen was not seen.
pub(super) fn asked(question: &str) -> Result<bool, CommandError> {
    if !std::io::stdin().is_terminal() {
        return Err(CommandError::usage("standard input is no terminal, so nobody can be asked; nothing was signed")
            .hint("--yes signs without asking"));
    }
    let failed = |error: std::io::Error| CommandError::usage(format!("failed to ask: {error}"));
    let mut stderr = anstream::stderr();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

pub(super) fn unread(error: Unread) -> CommandError {
    match error {
        Unread::Own(error) => CommandError::usage(&error).hint(error.hint()),
        Unread::Import(why) => CommandError::usage(why),
        Unread::Team(why) => CommandError::incomplete(why).hint(team::ANEW),
    }
}

/// What is asked of this signer, unless they say otherwise.
fn criteria(wanted: &[Word], approving: &Approving, signer: &Signer) -> Result<BTreeSet<Word>, CommandError> {
    let known = &approving.signers.criteria;
    if let Some(unknown) = wanted.iter().find(|word| !known.is_empty() && !known.contains_key(*word)) {
        let names: Vec<&str> = known.keys().map(Word::as_str).collect();
        return Err(CommandError::usage(format!("mcp-signers has no [criteria.{unknown}]"))
            .hint(format!("it has: {}", names.join(", "))));
    }
    let may = |word: &&Word| {
        known
            .get(*word)
            .is_none_or(|criterion| criterion.roles.is_empty() || !signer.roles.is_disjoint(&criterion.roles))
    };
    if let Some(word) = wanted.iter().find(|word| !may(word)) {
        return Err(CommandError::denied(format!(
            "{} has none of the roles that [criteria.{word}] asks for",
            signer.name
        )));
    }
    let chosen: BTreeSet<Word> = match (wanted.is_empty(), known.is_empty()) {
        (false, _) => wanted.iter().cloned().collect(),
        (true, true) => BTreeSet::from([Word::reviewed()]),
        (true, false) => known.keys().filter(may).cloned().collect(),
    };
    if chosen.is_empty() {
        return Err(CommandError::denied(format!(
            "mcp-signers asks nothing of {}: no criterion names a role of theirs",
            signer.name
        )));
    }
    Ok(chosen)
}

/// What stands against a server, apart from the approvals that are to be given.
fn worst(reports: &[ServerReport]) -> Option<CommandError> {
    let approval = Source::Check(Check::Approval);
    let mut found: Option<(Verdict, CommandError)> = None;
    for report in reports {
        let denied = report.decision.denied.iter().find(|reason| reason.source != approval);
        let open = report.decision.unchecked.iter().find(|open| open.what.source != approval && !open.tolerated);
        let (verdict, what, word) = match (denied, open) {
            (Some(reason), _) => (Verdict::Deny, reason, "does not hold"),
            (None, Some(open)) => (Verdict::Incomplete, &open.what, "could not be checked"),
            (None, None) => continue,
        };
        if found.as_ref().is_some_and(|(worst, _)| *worst >= verdict) {
            continue;
        }
        let kind = if verdict == Verdict::Deny { Kind::Denied } else { Kind::Incomplete };
        let name = &report.name;
        let message = format!("{name}: `{}` {word} ({}); nothing was signed", what.source.id(), what.subject);
        found = Some((verdict, CommandError::new(kind, message).hint(format!("mcpsec verify {name} says more"))));
    }
    found.map(|(_, error)| error)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one statement")]
fn statement(
    lock: &Lock,
    server: &LockedServer,
    approving: &Approving,
    hand: &Hand,
    signer: &Signer,
    criteria: &BTreeSet<Word>,
    args: &ApproveArgs,
    expires: Timestamp,
    now: Timestamp,
) -> Approval {
    let approval = Approval {
        what: Approved::of(lock, server),
        criteria: criteria.clone(),
        reviewer: Reviewer { name: signer.name.to_string(), key: hand.public().fingerprint() },
        reason: args.reason.trim().to_owned(),
        issued: whole_seconds(now),
        expires,
        rules: approving.rules(),
        summary: Summary::of(lock, server),
    };
    approval.fitted()
}

pub(super) fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// `90d`, `12w`, or the last day.
fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, CommandError> {
    let refuse = || {
        CommandError::usage(format!(
            "--expires `{text}` is neither an age such as 90d nor a day to come such as 2027-01-31, at most ten years away"
        ))
    };
    let seconds = |number: &str, unit: i64| number.parse::<u32>().ok().map(|number| i64::from(number) * unit);
    let at = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(number), _) => seconds(number, 24 * 3600).map(|age| now.as_second() + age),
        (_, Some(number)) => seconds(number, 7 * 24 * 3600).map(|age| now.as_second() + age),
        _ => text.parse::<AsOf>().ok().filter(|_| text.len() == 10).map(|day| day.instant().as_second() + 1),
    };
    let fits = |at: &i64| *at > now.as_second() && *at - now.as_second() <= 3660 * 24 * 3600;
    at.filter(fits).and_then(|at| Timestamp::from_second(at).ok()).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_an_age_or_a_day() {
        let now: Timestamp = "2026-11-23T12:00:00.5Z".parse().expect("instant");
        let at = |text: &str| expiry(text, now).map(|at| at.to_string()).ok();
        assert_eq!(at("1d").as_deref(), Some("2026-11-24T12:00:00Z"));
        assert_eq!(at("2w").as_deref(), Some("2026-12-07T12:00:00Z"));
        assert_eq!(at("2026-11-23").as_deref(), Some("2026-11-24T00:00:00Z"), "the day counts to its end");
        for text in ["", "0d", "2026-11-22", "d", "-1d", "9999d", "99999999999w", "soon", "2026-11-23T13:00:00Z"] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
