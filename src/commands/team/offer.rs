//! Signed lines on their way: into the project's file, or to the team's registry. What was signed is never lost.
use std::path::Path;

use mcpsec_fetch::{
    http::HttpError,
    team::{LogClient, Submitted, TeamError},
};
use mcpsec_model::{
    approval::{Approvals, Envelope, MAX_FILE},
    config::Config,
    team::Team,
};

use super::{ANEW, CHUNK, TOKEN, TeamLog, checked, client};
use crate::{
    cli::Destination,
    commands::approval,
    error::{CommandError, Kind},
    files,
    project::Project,
    settings::Settings,
    ui,
};

/// The most lines that a registry takes at once.
const MAX_LINES: usize = 1000;
/// The most bytes that are sent at once.
const MAX_BYTES: usize = 4 << 20;

/// Where lines go if nobody says: to the team where there is one. Refused before anybody signs: a line that cannot be sent.
pub(in crate::commands) fn check_destination(
    settings: &Settings,
    config: &Config,
    wanted: Option<Destination>,
) -> Result<Destination, CommandError> {
    let there = config.team.is_some();
    let chosen = wanted.unwrap_or(if there { Destination::Team } else { Destination::File });
    let file = "--to file writes mcp-approvals.jsonl, to be committed";
    match chosen {
        Destination::File => {}
        Destination::Team if !there => {
            return Err(CommandError::usage("--to team: mcp.toml names no registry of a team")
                .hint("[team] with registry = \"https://…\" (docs/team.md)"));
        }
        Destination::Team if settings.offline => {
            return Err(CommandError::usage("--offline: nothing can be sent to the team's registry").hint(file));
        }
        Destination::Team => {
            let registry = config.team.as_ref().map(|team| &team.registry);
            if let Some(registry) = registry.filter(|registry| settings.team_token(registry).is_none()) {
                let (why, hint) = settings.no_team_token(registry);
                let making = "`mcpsec-registry token create --name YOU --scope approve-submit` makes one";
                return Err(CommandError::usage(why).hint(hint).hint(format!("{making}; {file}")));
            }
        }
    }
    Ok(chosen)
}

/// Brings signed lines to where they go.
pub(in crate::commands) async fn deliver(
    settings: &Settings,
    project: &Project,
    config: &Config,
    envelopes: &[Envelope],
    to: Destination,
) -> Result<(), CommandError> {
    let (Destination::Team, Some(team)) = (to, &config.team) else {
        approval::append(settings, project, envelopes)?;
        return note(&format!("commit {}\n", approval::FILE), settings);
    };
    let lines: String = envelopes.iter().map(|envelope| format!("{}\n", envelope.to_line())).collect();
    match submit(settings, team, &lines).await {
        Ok(_) => note(&format!("sent to {}\n", team.registry), settings),
        Err(error) => {
            approval::append(settings, project, envelopes)?;
            let file = approval::FILE;
            Err(error.context(format!("what was signed is in {file}, and was not sent to {}", team.registry)).hint(
                format!("commit {file}, where it counts as well; mcpsec approvals --import {file} sends it again"),
            ))
        }
    }
}

fn note(text: &str, settings: &Settings) -> Result<(), CommandError> {
    if settings.format == crate::cli::Format::Human { ui::print_data(text) } else { Ok(()) }
}

/// Writes the whole log to a file, byte for byte as git would hold it.
pub(in crate::commands) fn export(log: &TeamLog, path: &Path) -> Result<u64, CommandError> {
    log.check()?;
    let copy = log.copy.as_ref();
    let copy = copy.ok_or_else(|| CommandError::incomplete(format!("the log of {} is not at hand", log.registry)))?;
    let mut text = String::new();
    let mut entry = 0;
    while entry < copy.size() {
        let lines = copy.lines(entry, CHUNK).map_err(CommandError::usage)?;
        // What leaves this machine as the team's log is what was verified, whatever happened to the disk since.
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let bytes = line.strip_suffix(b"\n").unwrap_or(line);
            checked(copy, entry, bytes).map_err(|error| CommandError::incomplete(error).hint(ANEW))?;
            entry += 1;
        }
        text.push_str(std::str::from_utf8(&lines).map_err(|_| CommandError::usage(copy.changed(entry)))?);
    }
    files::replace(path, &text).map_err(|error| crate::error::io("write", path, &error))?;
    Ok(copy.size())
}

/// Sends a file of approvals to the registry, which adds what it does not have, and refuses all of a batch that has a bad line.
pub(in crate::commands) async fn import(
    settings: &Settings,
    config: &Config,
    path: &Path,
) -> Result<Submitted, CommandError> {
    let Some(team) = &config.team else {
        return Err(CommandError::usage("mcp.toml names no registry of a team")
            .hint("[team] with registry = \"https://…\" (docs/team.md)"));
    };
    check_destination(settings, config, Some(Destination::Team))?;
    let name = path.display().to_string();
    let text = files::read_text(path, MAX_FILE as u64).map_err(|error| crate::error::io("read", path, &error))?;
    let text = text.ok_or_else(|| CommandError::usage(format!("{name} does not exist")))?;
    Approvals::parse(&text, &name).map_err(|error| CommandError::usage(&error).hint(error.hint()))?;
    let mut total = Submitted { added: 0, known: 0, size: 0 };
    for batch in batches(&text) {
        let sent = submit(settings, team, batch).await.map_err(|error| {
            error.context(format!("{} of {name} were sent before", ui::count(lines(total.added + total.known), "line")))
        })?;
        total = Submitted { added: total.added + sent.added, known: total.known + sent.known, size: sent.size };
    }
    Ok(total)
}

fn lines(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Whole lines, as many as may be sent at once.
fn batches(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut end, mut count) = (0, 0, 0);
    for line in text.split_inclusive('\n') {
        if count == MAX_LINES || (count > 0 && end - start + line.len() > MAX_BYTES) {
            out.push(&text[start..end]);
            (start, count) = (end, 0);
        }
        end += line.len();
        count += 1;
    }
    if end > start {
        out.push(&text[start..end]);
    }
    out
}

async fn submit(settings: &Settings, team: &Team, lines: &str) -> Result<Submitted, CommandError> {
    let client: LogClient = client(settings, team)?.ok_or_else(|| CommandError::incomplete("--offline"))?;
    client.submit(lines).await.map_err(|error| {
        let kind = match &error {
            TeamError::Refused { .. } | TeamError::Http(HttpError::Unauthorized { .. }) => Kind::Denied,
            _ => Kind::Incomplete,
        };
        let hint = match &error {
            TeamError::Refused { hint: Some(hint), .. } => Some(hint.clone()),
            TeamError::Refused { status: 401 | 403, .. } | TeamError::Http(HttpError::Unauthorized { .. }) => {
                Some(format!("{TOKEN} must be a token of this registry with the scope `approve-submit`"))
            }
            _ => None,
        };
        CommandError::new(kind, error).maybe_hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_whole_lines_and_all_of_them() {
        let text: String = (0..2500).map(|number| format!("line {number}\n")).collect();
        let sent = batches(&text);
        assert_eq!(sent.iter().map(|batch| batch.lines().count()).collect::<Vec<_>>(), [1000, 1000, 500]);
        assert_eq!(sent.concat(), text);
        let long = format!("{}\n", "x".repeat(MAX_BYTES - 10)).repeat(3);
        assert_eq!(batches(&long).len(), 3);
        assert!(batches("").is_empty());
    }
}
