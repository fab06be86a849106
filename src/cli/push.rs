//! Arguments of `push`.
use clap::Args;
use mcpsec_model::name::ServerName;

/// See [`super::Command::Push`].
#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Names of locked servers [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<ServerName>,
    /// Ask for a review: send servers that nobody approved yet. Needs --reason
    #[arg(long, requires = "reason")]
    pub(crate) request: bool,
    /// Why the team should have it; whoever reviews it reads this
    #[arg(long, value_name = "TEXT", requires = "request")]
    pub(crate) reason: Option<String>,
    /// Send only the files that this machine needs: the registry then serves no other platform
    #[arg(long)]
    pub(crate) host_only: bool,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
