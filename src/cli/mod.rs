//! The command line: what can be typed, and nothing else.
mod approve;
mod audit;
mod db;
mod export;
mod init;
mod push;
mod wrap;

use std::{path::PathBuf, process::ExitCode};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use mcpsec_model::{name::ServerName, time::AsOf};

pub(crate) use approve::{ApprovalsArgs, ApproveArgs, Destination, RevokeArgs, With};
pub(crate) use audit::AuditArgs;
pub(crate) use db::DbCommand;
pub(crate) use export::{Client, ExportCommand, ManagedArgs, RegistryArgs, Servers};
pub(crate) use init::{InitArgs, StartingPolicy};
pub(crate) use push::PushArgs;
pub(crate) use wrap::{UnwrapArgs, WrapArgs};

/// Vetted, locked, reproducible MCP servers.
#[derive(Debug, Parser)]
#[command(name = "mcpsec", version, about, propagate_version = false, disable_help_subcommand = true)]
#[command(after_help = "Start with: mcpsec add npm:@modelcontextprotocol/server-filesystem")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Their heading, so that help does not mix them with a command's own.
const EVERYWHERE: &str = "Options of every command";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Folder of mcp.toml and mcp.lock [default: the nearest one above, else the current folder]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Use only the store and the cache; never the network
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) offline: bool,
    /// What to print on standard output
    #[arg(long, global = true, help_heading = EVERYWHERE, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// When to use colours
    #[arg(long, global = true, help_heading = EVERYWHERE, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Also write the report to a file, as FORMAT=FILE; repeat for more. For verify, audit, diff and update
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FORMAT=FILE", value_parser = report_file)]
    pub(crate) report: Vec<(Format, PathBuf)>,
    /// Print less; twice for nothing but errors
    #[arg(short, long, global = true, help_heading = EVERYWHERE, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
    /// Print more; repeat for even more
    #[arg(short, long, global = true, help_heading = EVERYWHERE, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Form of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// For programs (report v1, tree v1)
    Json,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
    /// For job summaries and comments on pull requests
    Markdown,
}

/// `sarif=FILE`.
fn report_file(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or("must be FORMAT=FILE, such as sarif=mcpsec.sarif")?;
    let format = Format::from_str(format, false).map_err(|_| "the format must be human, json, sarif or markdown")?;
    if file.is_empty() {
        return Err("names no file".to_owned());
    }
    Ok((format, file.into()))
}

/// Use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On terminals, unless NO_COLOR is set
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Resolve servers with their whole closure, fetch, check and lock them
    Add(AddArgs),
    /// Take a server out of mcp.toml and mcp.lock
    Remove(RemoveArgs),
    /// Check that everything still matches mcp.lock
    Verify(VerifyArgs),
    /// Look for newer versions, show what they change, and lock them
    Update(UpdateArgs),
    /// Show what differs between versions, locks or manifests
    Diff(DiffArgs),
    /// Run a server exactly as locked, from the store, in a sandbox
    Run(RunArgs),
    /// Capture what a program that is not locked tells the model, in a sandbox
    Capture(CaptureArgs),
    /// Look for poisoned texts in any manifest or result of tools/list
    Scan(ScanArgs),
    /// Show what is locked for a server
    Show(ShowArgs),
    /// Show a server's closure as a tree
    Tree(TreeArgs),
    /// Check who signed one file, with a Sigstore bundle or a registry's attestations
    VerifyArtifact(VerifyArtifactArgs),
    /// Explain a rule or a check: what it means, why it matters, what to do
    Explain(ExplainArgs),
    /// Show what this machine can do: sandbox, runtimes, store, registries, the team's registry
    Doctor,
    /// Sign that a locked server was reviewed
    Approve(ApproveArgs),
    /// Take an approval back, signed
    Revoke(RevokeArgs),
    /// Show who approved what, and what waits
    Approvals(ApprovalsArgs),
    /// Send locked servers with their files and evidence to the team's registry
    Push(PushArgs),
    /// Look for what is newly known: advisories, malware, yanks, newer versions
    Audit(AuditArgs),
    /// The advisory database for offline use
    #[command(subcommand)]
    Db(DbCommand),
    /// Find MCP servers in client configurations and write mcp.toml
    Init(InitArgs),
    /// Point client configurations at `mcpsec run`
    Wrap(WrapArgs),
    /// Undo `wrap`
    Unwrap(UnwrapArgs),
    /// Write SBOMs and files for native enforcement
    #[command(subcommand)]
    Export(ExportCommand),
    /// Look at the vetted artifacts on this machine
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What to add: npm:NAME[@RANGE], pypi:NAME[SPECIFIERS], git+https://…[@REF][#subdirectory=…], a purl, or a launch
    /// line in quotes such as "npx -y NAME@1" [default: every server of mcp.toml that is not locked as it says]
    #[arg(value_name = "SPEC")]
    pub(crate) specs: Vec<String>,
    /// Name of the server in mcp.toml [default: from the package's name]
    #[arg(long)]
    pub(crate) name: Option<ServerName>,
    /// Resolve as the registry stood at the end of this day (UTC), or at this instant
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<AsOf>,
    /// Resolve anew, even when what is locked still fits
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Download the artifacts of every platform, not only of this one
    #[arg(long)]
    pub(crate) all_platforms: bool,
    /// Answer yes where a person would be asked
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) capturing: Capturing,
    /// Arguments for the server, after `--`
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

/// What a person agrees to.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Consent {
    /// Accept exactly this change or finding, as it was printed; repeat for more. Needs --reason
    #[arg(long, value_name = "SUBJECT", requires = "reason")]
    pub(crate) accept: Vec<String>,
    /// Why; written to mcp.lock and shown in every report
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub(crate) reason: Option<String>,
}

/// What a server gets while it is captured, beyond nothing.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Capturing {
    /// Let it reach this host while it is captured; repeat for more. Written to mcp.lock
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_network: Vec<String>,
    /// Real values for declared variables while it is captured, as NAME=value lines; the names are written to mcp.lock
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Names of servers [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<ServerName>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take what the policy allows or warns about without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Resolve as the registry stood at the end of this day (UTC), or at this instant
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<AsOf>,
    /// Download the artifacts of every platform, not only of this one
    #[arg(long)]
    pub(crate) all_platforms: bool,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) capturing: Capturing,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["name", "manifests", "content", "base"])))]
pub(crate) struct DiffArgs {
    /// Name of a server
    pub(crate) name: Option<ServerName>,
    /// A version, or a mcp.lock file, to compare from [default: what is locked]
    #[arg(requires = "name")]
    pub(crate) from: Option<String>,
    /// A version, or a mcp.lock file, to compare with [default: the newest version that mcp.toml allows]
    #[arg(requires = "from")]
    pub(crate) to: Option<String>,
    /// Compare two captured manifests instead
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], conflicts_with_all = ["name", "content", "base"])]
    pub(crate) manifests: Option<Vec<PathBuf>>,
    /// Show everything that is new in the code; or compare two folders or archives of packages instead
    #[arg(long, num_args = 0..=2, value_names = ["BEFORE", "AFTER"])]
    pub(crate) content: Option<Vec<PathBuf>>,
    /// Compare every server of this lock file with what mcp.lock holds now: what a pull request changes
    #[arg(long, value_name = "LOCK", conflicts_with_all = ["name", "content"])]
    pub(crate) base: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Name of a locked server
    pub(crate) name: ServerName,
    /// More arguments for the server, after those of mcp.toml
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CaptureArgs {
    #[command(flatten)]
    pub(crate) capturing: Capturing,
    /// Names of environment variables that get placeholder values
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Vec<String>,
    /// Files and folders that the program may read
    #[arg(long, value_name = "PATH")]
    pub(crate) read: Vec<PathBuf>,
    /// The program and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// What `mcpsec capture` printed, or a result of tools/list; `-` for standard input
    #[arg(value_name = "MANIFEST.json")]
    pub(crate) manifest: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Id of a rule or of a check, as reports show it [default: list them all]
    #[arg(value_name = "RULE|CHECK")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Names of servers
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<ServerName>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Names of servers [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<ServerName>,
    /// Capture anew what servers tell the model, even when this machine captured the same bytes before
    #[arg(long)]
    pub(crate) recapture: bool,
    #[command(flatten)]
    pub(crate) capturing: Capturing,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Name of a server
    pub(crate) name: ServerName,
    /// List who vouches for each package
    #[arg(long)]
    pub(crate) evidence: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Name of a server
    pub(crate) name: ServerName,
    /// Mark each package with who vouches for it
    #[arg(long)]
    pub(crate) evidence: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("proof").required(true).args(["bundle", "attestations"])))]
#[command(group(ArgGroup::new("signer").args(["identity", "identity_regexp", "key"])))]
pub(crate) struct VerifyArtifactArgs {
    /// The file, or its digest as sha256:HEX or sha512:HEX where no such file exists
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The Sigstore bundle that must hold for the file
    #[arg(long, value_name = "BUNDLE", requires = "signer")]
    pub(crate) bundle: Option<PathBuf>,
    /// A registry's answer: npm attestations or PEP 740 provenance; all of it must hold
    #[arg(long, value_name = "RESPONSE", requires = "purl")]
    pub(crate) attestations: Option<PathBuf>,
    /// The package and version that the attestations must be about
    #[arg(long, value_name = "PURL", requires = "attestations")]
    pub(crate) purl: Option<String>,
    /// Who must have signed: exactly this subject of the certificate
    #[arg(long, value_name = "SUBJECT", requires = "issuer")]
    pub(crate) identity: Option<String>,
    /// Who must have signed: a regular expression for the whole subject of the certificate
    #[arg(long, value_name = "REGEXP", requires = "issuer", conflicts_with = "identity")]
    pub(crate) identity_regexp: Option<String>,
    /// Which identity provider must have vouched for them
    #[arg(long, value_name = "URL", requires = "signer", conflicts_with = "key")]
    pub(crate) issuer: Option<String>,
    /// The public key that must have signed, PEM
    #[arg(long, value_name = "FILE", conflicts_with = "attestations")]
    pub(crate) key: Option<PathBuf>,
    /// Trust this root instead of the public-good instance
    #[arg(long, value_name = "FILE", conflicts_with_all = ["staging", "git_host_root"])]
    pub(crate) trusted_root: Option<PathBuf>,
    /// Trust the public staging instance, which anybody may use for anything
    #[arg(long, conflicts_with = "git_host_root")]
    pub(crate) staging: bool,
    /// Trust the git host's own instance, for attestations of private repositories
    #[arg(long)]
    pub(crate) git_host_root: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// List the stored artifacts
    Ls,
    /// Hash every stored artifact again
    Verify,
    /// Print the folder of the store
    Path,
}

/// Parses the arguments of this process; on `--help`, `--version` or a mistake, prints and gives the exit code.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        // Printing fails only when the stream is gone; the code still tells.
        let _printed = error.print();
        if error.use_stderr() { crate::exit::USAGE.into() } else { crate::exit::GOOD.into() }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
