//! Arguments of `export`.
use clap::Subcommand;

use super::ServerName;

/// See [`super::Command::Export`].
#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// A CycloneDX SBOM of a server's closure
    Cyclonedx {
        /// Name of a server
        name: ServerName,
    },
    /// An SPDX SBOM of a server's closure
    Spdx {
        /// Name of a server
        name: ServerName,
    },
}
