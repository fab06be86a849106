//! One module per verb. Each takes settings and its arguments, and gives an exit code or an error.
mod add;
mod advisories;
mod approval;
mod approvals;
mod approve;
mod artifacts;
mod audit;
mod base;
mod bundled;
mod capture;
mod clients;
mod commit;
mod compare;
mod completions;
mod content;
mod cooldown;
mod db;
mod decide;
mod diff;
mod doctor;
mod evidence;
mod explain;
mod export;
mod failed;
mod init;
mod inspect;
mod locking;
mod mirror;
mod names;
mod push;
mod remove;
mod render;
mod review;
mod revoke;
mod rights;
mod run;
mod scan;
mod shape;
mod show;
mod sources;
mod store;
mod summary;
mod team;
mod told;
mod unwrap;
mod update;
mod upstream;
mod verify;
mod verify_artifact;
mod wish;
mod wrap;

use std::{future::Future, time::Duration};

use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    cli::{Cli, Command, Format},
    error::{CommandError, Kind},
    exit::Code,
    settings::Settings,
};

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<Code, CommandError> {
    if let Command::Completions { shell } = cli.command {
        return completions::run(shell);
    }
    let settings = Settings::new(&cli.global)?;
    start_logging(settings.verbosity);
    let reports = match &cli.command {
        Command::Verify(_) | Command::Audit(_) | Command::Diff(_) | Command::Update(_) => true,
        Command::Wrap(args) => args.check,
        _ => false,
    };
    if !reports && !settings.reports.is_empty() {
        return Err(CommandError::usage("--report is for verify, audit, diff, update and wrap --check"));
    }
    if !reports && matches!(settings.format, Format::Sarif | Format::Markdown) {
        return Err(CommandError::usage(
            "--format sarif and markdown are for verify, audit, diff, update and wrap --check",
        )
        .hint("use --format human or json"));
    }
    match cli.command {
        Command::Approve(args) => block_on(approve::run(&settings, args)),
        Command::Revoke(args) => block_on(revoke::run(&settings, &args)),
        Command::Approvals(args) => block_on(approvals::run(&settings, args)),
        Command::Audit(args) => block_on(audit::run(&settings, args)),
        Command::Db(args) => block_on(db::run(&settings, args)),
        Command::Init(args) => init::run(&settings, &args),
        Command::Wrap(args) => wrap::run(&settings, &args),
        Command::Unwrap(args) => unwrap::run(&settings, &args),
        Command::Export(args) => export::run(&settings, &args),
        Command::Add(args) => block_on(add::run(&settings, args)),
        Command::Push(args) => block_on(push::run(&settings, args)),
        Command::Remove(args) => remove::run(&settings, &args),
        Command::Verify(args) => block_on(verify::run(&settings, args)),
        Command::Update(args) => block_on(update::run(&settings, args)),
        Command::Diff(args) => block_on(diff::run(&settings, args)),
        Command::Run(args) => run::run(&settings, &args),
        Command::Capture(args) => capture::run(&settings, &args),
        Command::Scan(args) => scan::run(&settings, &args),
        Command::Explain(args) => explain::run(&settings, &args),
        Command::Doctor => block_on(doctor::run(&settings)),
        Command::Show(args) => show::show(&settings, &args.name, args.evidence),
        Command::Tree(args) => show::tree(&settings, &args.name, args.evidence),
        Command::VerifyArtifact(args) => verify_artifact::run(&settings, &args),
        Command::Store(command) => store::run(&settings, &command),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// How long a command may take to see that it was interrupted.
const PATIENCE: Duration = Duration::from_millis(300);

/// Runs an asynchronous command until it ends or Ctrl-C is pressed. Nothing needs cleaning up then: files and store entries
/// appear whole or not at all.
fn block_on(command: impl Future<Output = Result<Code, CommandError>>) -> Result<Code, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::bug(format!("failed to start the async runtime: {error}")))?;
    let interrupted = || CommandError::new(Kind::Interrupted, "interrupted");
    // Listening to a server keeps its thread for up to a minute, and nobody waits that long. Servers in the sandbox end with us.
    let watch = runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            tokio::time::sleep(PATIENCE).await;
            crate::exit::at_once(&interrupted());
        }
    });
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = command => outcome,
            _ = tokio::signal::ctrl_c() => Err(interrupted()),
        }
    });
    watch.abort();
    // A resolver thread may still be waiting for an answer that nobody needs any more.
    runtime.shutdown_background();
    outcome
}

fn start_logging(verbosity: i8) {
    let level = match verbosity {
        ..=0 => return,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    // Our own words only: what HTTP libraries trace of requests and frames is theirs to choose, and may hold credentials.
    let ours = Targets::new().with_target("mcpsec", level).with_default(tracing::Level::ERROR);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(true).without_time();
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}
