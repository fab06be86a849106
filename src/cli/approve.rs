//! Arguments of `approve`, `revoke` and `approvals`.
use std::path::PathBuf;

use clap::Args;
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
    #[command(flatten)]
    pub(crate) capturing: super::Capturing,
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
    /// Write one approval as FOLDER/ID.payload and FOLDER/ID.payload.sig, for `ssh-keygen -Y verify`
    #[arg(long, num_args = 2, value_names = ["ID", "FOLDER"])]
    pub(crate) export_signature: Option<Vec<PathBuf>>,
}
