//! Arguments of `approve`, `revoke` and `approvals`.
use clap::Args;

/// See [`super::Command::Approve`].
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {}

/// See [`super::Command::Revoke`].
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {}

/// See [`super::Command::Approvals`].
#[derive(Debug, Args)]
pub(crate) struct ApprovalsArgs {}
