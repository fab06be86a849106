//! `mcpsec unwrap`.
use crate::{cli::UnwrapArgs, error::CommandError, exit::Code, settings::Settings};

pub(super) fn run(_settings: &Settings, _args: &UnwrapArgs) -> Result<Code, CommandError> {
    Err(CommandError::usage("`unwrap` is being built"))
}
