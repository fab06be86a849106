//! Arguments of `audit`.
use clap::Args;

use super::ServerName;

/// See [`super::Command::Audit`].
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Names of servers [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<ServerName>,
}
