//! `mcpsec wrap`.
use crate::{cli::WrapArgs, error::CommandError, exit::Code, settings::Settings};

pub(super) fn run(_settings: &Settings, _args: &WrapArgs) -> Result<Code, CommandError> {
    Err(CommandError::usage("`wrap` is being built"))
}
