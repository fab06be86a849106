//! Arguments of `approve`, `revoke` and `approvals`.
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mcpsec_model::{approval::Word, name::ServerName};

/// See [`super::Command::Approve`].
#[derive(Debug, Args)]
#[command(after_help = "Example: mcpsec approve files --reason \"read the closure and the tools\"")]
pub(crate) struct ApproveArgs {
    /// Names of locked servers
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<ServerName>,
    #[command(flatten)]
    pub(crate) with: With,
    /// What kind of review it was; repeat for more [default: what mcp-signers asks of this signer, else `reviewed`]
    #[arg(long, value_name = "WORD")]
    pub(crate) criteria: Vec<Word>,
    /// What you looked at; shown with the approval
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// When it stops to count: an age such as 90d, or the last day (UTC) as 2027-01-31
    #[arg(long, value_name = "AGE|DATE", default_value = "365d")]
    pub(crate) expires: String,
    /// Sign without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Where it goes [default: `team` where mcp.toml names a team's registry, else `file`]
    #[arg(long, value_name = "WHERE")]
    pub(crate) to: Option<Destination>,
    #[command(flatten)]
    pub(crate) capturing: super::Capturing,
}

/// Where signed lines go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Destination {
    /// mcp-approvals.jsonl, to be committed
    File,
    /// The registry that [team] of mcp.toml names
    Team,
}

/// What is signed with.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct With {
    /// File of a private key: OpenSSH's own form, or PKCS#8 in PEM (Ed25519, P-256, P-384) [default: a key of the SSH agent
    /// that mcp-signers names]
    #[arg(long, value_name = "FILE", conflicts_with = "agent_key")]
    pub(crate) key: Option<PathBuf>,
    /// A key of the SSH agent, by its fingerprint `SHA256:…`
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) agent_key: Option<String>,
}

/// See [`super::Command::Revoke`].
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// A server, to take back your own approvals of it, or the id of one approval as `mcpsec approvals` shows it
    #[arg(value_name = "NAME|ID")]
    pub(crate) what: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) with: With,
    /// Where it goes [default: `team` where mcp.toml names a team's registry, else `file`]
    #[arg(long, value_name = "WHERE")]
    pub(crate) to: Option<Destination>,
    /// Sign without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// See [`super::Command::Approvals`].
#[derive(Debug, Args)]
pub(crate) struct ApprovalsArgs {
    /// Names of servers [default: all]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<ServerName>,
    /// Fetch the approvals of other teams (`[[import]]` with a `url`) and pin what they are now in mcp.lock
    #[arg(long)]
    pub(crate) update_imports: bool,
    /// Look at the log of the team's registry, hash every entry of its copy again, and pin in mcp.lock how far it was seen
    #[arg(long)]
    pub(crate) update: bool,
    /// Write the log of the team's registry to a file, byte for byte as mcp-approvals.jsonl would hold it
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// Send a file of approvals, such as mcp-approvals.jsonl, to the team's registry; what it has already stays once
    #[arg(long, value_name = "FILE", conflicts_with = "export")]
    pub(crate) import: Option<PathBuf>,
    /// Write one approval as FOLDER/ID.payload and FOLDER/ID.payload.sig, for `ssh-keygen -Y verify`
    #[arg(long, num_args = 2, value_names = ["ID", "FOLDER"])]
    pub(crate) export_signature: Option<Vec<PathBuf>>,
}
