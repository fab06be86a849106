//! Arguments of `init`.
use clap::{Args, ValueEnum};
use mcpsec_model::client::Client;

/// See [`super::Command::Init`].
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Look at the configurations of this client only; repeat for more [default: all]
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client: Vec<Client>,
    /// Look at the user's own configurations too, not only at the project's
    #[arg(long)]
    pub(crate) user: bool,
    /// The policy that a new mcp.toml starts with
    #[arg(long, value_enum, default_value_t = StartingPolicy::Starter)]
    pub(crate) policy: StartingPolicy,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Add missing servers to an mcp.toml that is there already
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// See [`InitArgs::policy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StartingPolicy {
    /// What an ordinary server passes
    Starter,
    /// Approvals and provenance are required
    Strict,
}
