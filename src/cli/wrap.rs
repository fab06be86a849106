//! Arguments of `wrap` and `unwrap`.
use clap::Args;
use mcpsec_model::client::Client;

/// See [`super::Command::Wrap`].
#[derive(Debug, Args)]
pub(crate) struct WrapArgs {
    /// Servers, by their names in the configurations or in mcp.toml; those that are named are wrapped even where the
    /// configuration asks for another version than is locked [default: all that are locked]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Only the configurations of this client; repeat for more [default: all]
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client: Vec<Client>,
    /// The user's own configurations too, not only the project's
    #[arg(long)]
    pub(crate) user: bool,
    /// Change nothing; fail if a configuration starts anything that is not locked
    #[arg(long, conflicts_with_all = ["dry_run", "names"])]
    pub(crate) check: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// See [`super::Command::Unwrap`].
#[derive(Debug, Args)]
pub(crate) struct UnwrapArgs {
    /// Servers, by their names in the configurations or in mcp.toml [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Only the configurations of this client; repeat for more [default: all]
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client: Vec<Client>,
    /// The user's own configurations too, not only the project's
    #[arg(long)]
    pub(crate) user: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
