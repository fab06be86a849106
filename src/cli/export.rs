//! Arguments of `export`.
use clap::{Args, Subcommand, ValueEnum};

use super::ServerName;

/// See [`super::Command::Export`].
#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// A CycloneDX 1.6 SBOM of the closure of one server, or of all
    Cyclonedx(Servers),
    /// An SPDX 2.3 SBOM of the closure of one server, or of all
    Spdx(Servers),
    /// OpenVEX: the advisories that mcp.toml exempts, with reason and end
    Vex {
        /// Who makes the statements
        #[arg(long, value_name = "NAME", default_value = "the maintainers of mcp.toml")]
        author: String,
    },
    /// Settings by which a client starts nothing but locked servers
    ManagedSettings(ManagedArgs),
    /// The servers as the MCP Registry API lists them (server.json documents)
    Registry(RegistryArgs),
}

/// Under which names servers are listed.
#[derive(Debug, Args)]
pub(crate) struct RegistryArgs {
    #[command(flatten)]
    pub(crate) servers: Servers,
    /// Reverse-DNS namespace of the names [default: that of the team's registry, else localhost]
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
}

/// Which servers.
#[derive(Debug, Args)]
pub(crate) struct Servers {
    /// Name of a server [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<ServerName>,
}

/// What the settings say.
#[derive(Debug, Args)]
pub(crate) struct ManagedArgs {
    /// For which client
    #[arg(long, value_enum, default_value_t = Client::ClaudeCode)]
    pub(crate) client: Client,
    /// managed-mcp.json instead of managed-settings.json: exactly these servers for everybody
    #[arg(long)]
    pub(crate) fixed: bool,
    /// The program as clients start it; a full path is safer than a name that is looked for
    #[arg(long, value_name = "PROGRAM", default_value = "mcpsec")]
    pub(crate) program: String,
    /// The folder of mcp.lock on the machines that these settings are for [default: where the client works]
    #[arg(long, value_name = "DIR")]
    pub(crate) at: Option<String>,
}

/// A client with settings of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Claude Code: managed-settings.json or managed-mcp.json
    ClaudeCode,
    /// Copilot in VS Code and on the command line: managed-settings.json
    Copilot,
    /// VS Code: the policy ChatAllowedMcpServers, as a setting
    Vscode,
}
