//! `mcpsec audit`.
use crate::{cli::AuditArgs, error::CommandError, exit::Code, settings::Settings};

pub(super) async fn run(_settings: &Settings, _args: AuditArgs) -> Result<Code, CommandError> {
    Err(CommandError::usage("`audit` is being built"))
}
