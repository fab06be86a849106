//! `mcpsec init`.
use crate::{cli::InitArgs, error::CommandError, exit::Code, settings::Settings};

pub(super) fn run(_settings: &Settings, _args: &InitArgs) -> Result<Code, CommandError> {
    Err(CommandError::usage("`init` is being built"))
}
