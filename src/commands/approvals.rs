//! `mcpsec approvals`.
use crate::{cli::ApprovalsArgs, error::CommandError, exit::Code, settings::Settings};

pub(super) async fn run(_settings: &Settings, _args: ApprovalsArgs) -> Result<Code, CommandError> {
    Err(CommandError::usage("`approvals` is being built"))
}
