//! `mcpsec export`.
use crate::{cli::ExportCommand, error::CommandError, exit::Code, settings::Settings};

pub(super) fn run(_settings: &Settings, _args: &ExportCommand) -> Result<Code, CommandError> {
    Err(CommandError::usage("`export` is being built"))
}
