//! The command line: what there is, and who does it.
mod approvals;
mod audit;
mod check;
mod config;
mod key;
mod options;
mod serve;
mod token;

use std::process::ExitCode;

use clap::{ArgMatches, Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use options::Options;

use crate::{
    config::{Config, Settings},
    db::{Db, FILE},
};

const START: &str = "A registry from nothing, in a folder with the team's mcp-signers:
  mcpsec-registry serve --data DIR
  mcpsec-registry token create --data DIR --name NAME --scope push --scope approve-submit
  mcpsec-registry key --data DIR";

/// The team server of mcpsec: allowlist, mirror, registry API and web page of vetted MCP servers
#[derive(Debug, Parser)]
#[command(name = "mcpsec-registry", version, after_help = START)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests
    Serve(Options),
    /// Print the configuration that `serve` would use, where each value is from, and no secrets
    Config(Options),
    /// Look whether everything works that `serve` needs, without answering requests; the schema is brought up to date
    Check(Options),
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(token::Verb),
    /// Print the key of the log, for `[team] key` in mcp.toml, or change it
    Key(key::Key),
    /// Bring approvals of a file into the log, and the other way
    #[command(subcommand)]
    Approvals(approvals::Verb),
    /// Print who wrote what, and trim that record
    #[command(subcommand)]
    Audit(audit::Verb),
}

/// What went wrong, for standard error and the exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    /// Says why.
    pub fn new(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// The definition of the command line, for the reference in the documents.
pub fn definition() -> clap::Command {
    ["token", "approvals", "audit", "key"]
        .into_iter()
        .fold(Cli::command(), |cli, name| cli.mut_subcommand(name, without_rest))
}

/// What commands beside the server look at; the other settings may stand there as well, and would only fill their help.
const BESIDE: [&str; 5] = ["data", "database", "signers", "log_key", "origin"];

fn without_rest(command: clap::Command) -> clap::Command {
    let settings = Settings::augment_args(clap::Command::new(""));
    let hidden =
        |id: &clap::Id| settings.get_arguments().any(|arg| arg.get_id() == id) && !BESIDE.contains(&id.as_str());
    let command = command.mut_args(|arg| if hidden(arg.get_id()) { arg.hide(true) } else { arg });
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    verbs.into_iter().fold(command, |command, verb| command.mut_subcommand(verb, without_rest))
}

/// Threads that read files, unpack and judge. More would not read faster, and each holds on to memory of its own.
const BLOCKING: usize = 32;

/// Runs the program: 0 done, 2 settings or surroundings that it cannot work with, 4 a bug.
pub fn main() -> ExitCode {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return ExitCode::from(4);
    }
    let matches = definition().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(BLOCKING).enable_all().build()
    else {
        complain("the system gives no threads");
        return ExitCode::from(4);
    };
    match runtime.block_on(run(cli.command, matches.subcommand().map(|(_, matches)| matches))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command, matches: Option<&ArgMatches>) -> Result<(), Failure> {
    match command {
        Command::Serve(options) => serve::run(options.config()?).await,
        Command::Check(options) => check::run(options.config()?).await,
        Command::Config(options) => config::run(&options, matches),
        Command::Token(verb) => token::run(verb).await,
        Command::Approvals(verb) => approvals::run(verb).await,
        Command::Audit(verb) => audit::run(verb).await,
        Command::Key(key) => key::run(key).await,
    }
}

/// The database of a configuration, for commands beside the server; it may be running.
async fn database(config: &Config) -> Result<Db, Failure> {
    let folder = &config.data;
    // A mistyped folder would otherwise become a second registry, whose tokens open nothing.
    if config.database.is_none() && !folder.join(FILE).exists() {
        let folder = folder.display();
        return Err(Failure::new(format!(
            "there is no registry in {folder}; give the folder of the one that is meant, or make one: mcpsec-registry serve --data {folder}"
        )));
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("failed to make {}: {error}", folder.display())))?;
    Db::open(config.database.as_ref(), folder)
        .await
        .map_err(|error| Failure::new(format!("failed to open the database: {error}")))
}

/// Why it stopped, on standard error.
fn complain(why: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when standard error is closed.
    let _nobody_listens = writeln!(std::io::stderr().lock(), "error: {why}");
}

/// Text for whoever reads standard output.
///
/// # Errors
/// [`Failure`]: it is closed.
pub fn say(text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure(format!("failed to write: {error}")))
}
