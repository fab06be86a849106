//! `mcpsec update [NAME…]`: newer versions, shown as what they change before mcp.lock moves.
use std::{io::Write as _, sync::Arc};

use mcpsec_audit::policy::{self, Weight};
use mcpsec_model::{
    config::Level,
    drift::DriftLevel,
    lock::Lock,
    name::ServerName,
    report::{Report, ServerReport},
    text::escape,
    verdict::Verdict,
};

use super::{
    artifacts,
    commit::{self, Change},
    decide,
    failed::Failed,
    locking::{self, Locking, Outcome},
    render,
    sources::Sources,
    team,
    told::{self, Ears},
    wish::Wish,
};
use crate::{
    cli::{Format, UpdateArgs},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

/// How many subjects are spelled out as `--accept`.
const SUGGESTED: usize = 5;

pub(super) async fn run(settings: &Settings, args: UpdateArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = project.config()?.ok_or_else(|| {
        CommandError::usage(format!("{} has no mcp.toml", project.folder().display()))
            .hint("mcpsec add npm:NAME locks a first server")
    })?;
    let lock = project.lock()?.unwrap_or_else(Lock::empty);
    let names = select(&args.names, config.servers.keys())?;
    told::check_consent(&args.consent, names.len())?;
    if settings.offline {
        return Err(CommandError::incomplete("--offline: newer versions cannot be looked for")
            .hint("mcpsec verify --offline checks what is locked"));
    }
    let store = artifacts::open_store(settings)?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, &config, Arc::clone(&ui)).always_asking();
    let ears = Ears::new(settings, &config, &store, &args.capturing)?;
    let with = Locking {
        settings,
        config: &config,
        sources: &sources,
        store: &store,
        ears: &ears,
        consent: &args.consent,
        lock: &lock,
        all_platforms: args.all_platforms,
    };
    let (mut servers, mut changes, mut failed) = (Vec::new(), Vec::new(), Failed::default());
    let many = names.len() > 1;
    for name in names {
        let Some(entry) = config.servers.get(&name) else { continue };
        let mut entry = entry.clone();
        entry.as_of = args.as_of.or(entry.as_of);
        let wish = Wish { name: name.clone(), config: entry };
        ui.start(name.as_str());
        let outcome = locking::lock_one(&with, &wish).await;
        ui.done();
        match outcome {
            Ok(Outcome { server, packages, report, .. }) => {
                servers.push(report);
                changes.push(Change { wish, server, packages });
            }
            Err(error) => failed.push(&wish, error)?,
        }
    }
    let report = decide::about_policy(&config, settings.now, None, Report::new("update", servers));
    let moves: Vec<(&ServerReport, String)> = report
        .servers
        .iter()
        .filter_map(|server| {
            let before = lock.servers.get(&server.name);
            let changed = changes.iter().find(|change| change.server.name == server.name)?;
            if before == Some(&changed.server) {
                return None;
            }
            let from = before.map_or_else(|| "not locked".to_owned(), |before| before.version.clone());
            Some((server, format!("{} -> {}", escape(&from), escape(&changed.server.version))))
        })
        .collect();
    // For programs: all of them, those that failed among them, whatever is printed for people.
    let mut whole = report.clone();
    whole.servers.extend(failed.reports().unwrap_or_default());
    whole.servers.sort_by(|a, b| a.name.cmp(&b.name));
    render::to_files(settings, &whole)?;
    match settings.format {
        Format::Json | Format::Sarif | Format::Markdown => render::to_stdout(settings, &whole)?,
        Format::Human if settings.verbosity > -2 => {
            let unchanged = report.servers.len() - moves.len();
            let shown: Vec<ServerReport> = moves.iter().map(|(server, _)| (*server).clone()).collect();
            if !shown.is_empty() {
                render::to_stdout(settings, &Report { servers: shown, ..report.clone() })?;
            }
            let mut text: String =
                moves.iter().map(|(server, versions)| format!("{}: {versions}\n", server.name)).collect();
            if unchanged > 0 {
                text.push_str(&format!("{} up to date\n", ui::count(unchanged, "server")));
            }
            ui::print_data(&text)?;
        }
        Format::Human => {}
    }
    if !failed.is_empty() {
        if many {
            ui.warn("nothing was written to mcp.lock");
        }
        return failed.tell(many, report.verdict() == Verdict::Deny);
    }
    if report.verdict() != Verdict::Pass {
        ui.warn("nothing was written to mcp.lock");
        let denied = denied(settings, &config, &report);
        if let Some(more) = denied.len().checked_sub(SUGGESTED).filter(|more| *more > 0) {
            ui.warn(&format!(
                "{} that the policy denies, the first {SUGGESTED} of them:",
                ui::count(more + SUGGESTED, "subject")
            ));
        }
        for subject in denied.into_iter().take(SUGGESTED) {
            ui.warn(&format!(
                "if you have read it and mean it: --accept {} --reason '…'",
                shell_words::quote(&subject)
            ));
        }
        return Ok(crate::exit::of_verdict(report.verdict()));
    }
    if args.dry_run || moves.is_empty() {
        return Ok(crate::exit::GOOD);
    }
    if !args.yes && needs_consent(&config, &report) && !asked()? {
        ui.warn("nothing was written to mcp.lock; --yes takes what the policy warns about");
        return Ok(crate::exit::DENIED);
    }
    let pin = team::before_writing(settings, &project, &config).await?;
    commit::insert(settings, &project, changes)?;
    if let Some(pin) = pin {
        commit::pin_team(settings, &project, pin, false)?;
    }
    Ok(crate::exit::GOOD)
}

/// What needs `--accept`, as it must be typed.
fn denied(settings: &Settings, config: &mcpsec_model::config::Config, report: &Report) -> Vec<String> {
    let mut subjects = Vec::new();
    for server in &report.servers {
        let findings = server
            .findings
            .iter()
            .filter(|finding| {
                policy::weigh(&config.policy, settings.now, Some(&server.name), finding) == Weight::Denies
            })
            .map(|finding| finding.subject.clone());
        let changes = server
            .drift
            .changes
            .iter()
            .filter(|change| policy::weigh_change(&config.policy, change) == Weight::Denies)
            .map(|change| change.subject.to_string());
        subjects.extend(findings.chain(changes));
    }
    subjects.sort();
    subjects.dedup();
    subjects
}

/// Whether the policy warns about any of the changes.
fn needs_consent(config: &mcpsec_model::config::Config, report: &Report) -> bool {
    let warns = |level: DriftLevel| policy::level(&config.policy, level) == Level::Warn;
    report.servers.iter().any(|server| server.drift.changes.iter().any(|change| warns(change.level)))
}

/// Asks the person at the terminal; nobody there is a no.
fn asked() -> Result<bool, CommandError> {
    use std::io::IsTerminal as _;
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let failed = |error: std::io::Error| CommandError::usage(format!("failed to ask: {error}"));
    let mut stderr = anstream::stderr();
    stderr.write_all(b"lock these changes? [y/N] ").and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn select<'a>(
    names: &[ServerName],
    known: impl Iterator<Item = &'a ServerName>,
) -> Result<Vec<ServerName>, CommandError> {
    let known: Vec<&ServerName> = known.collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
        return Err(CommandError::usage(format!("there is no server `{unknown}` in mcp.toml"))
            .hint(format!("known servers: {}", known.join(", "))));
    }
    let wanted = |name: &&ServerName| names.is_empty() || names.contains(name);
    Ok(known.into_iter().filter(wanted).cloned().collect())
}
