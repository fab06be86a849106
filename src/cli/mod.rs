//! The command line: what can be typed, and nothing else.
use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use mcpsec_model::{name::ServerName, time::AsOf};

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

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Folder of mcp.toml and mcp.lock [default: the nearest one above, else the current folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Use only the store and the cache; never the network
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// What to print on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Print less; twice for nothing but errors
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
    /// Print more; repeat for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Form of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// For programs (report v1, tree v1)
    Json,
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
    /// Show what is locked for a server
    Show(ShowArgs),
    /// Show a server's closure as a tree
    Tree(TreeArgs),
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
    /// line in quotes such as "npx -y NAME@1"
    #[arg(required = true, value_name = "SPEC")]
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
    /// Arguments for the server, after `--`
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,
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
