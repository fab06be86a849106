//! Arguments of `db`.
use std::path::PathBuf;

use clap::Subcommand;

/// See [`super::Command::Db`].
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring the database up to date
    Update {
        /// Read records from this zip file or folder instead of the network
        #[arg(long, value_name = "FILE|DIR")]
        from: Option<PathBuf>,
    },
    /// Show the advisories for one package version
    Query {
        /// The package and version
        purl: String,
    },
}
