//! `mcpsec approve`.
use crate::{cli::ApproveArgs, error::CommandError, exit::Code, settings::Settings};

pub(super) async fn run(_settings: &Settings, _args: ApproveArgs) -> Result<Code, CommandError> {
    Err(CommandError::usage("`approve` is being built"))
}
