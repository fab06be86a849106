//! `mcpsec db`.
use crate::{cli::DbCommand, error::CommandError, exit::Code, settings::Settings};

pub(super) async fn run(_settings: &Settings, _args: DbCommand) -> Result<Code, CommandError> {
    Err(CommandError::usage("`db` is being built"))
}
