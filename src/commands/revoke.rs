//! `mcpsec revoke`.
use crate::{cli::RevokeArgs, error::CommandError, exit::Code, settings::Settings};

pub(super) fn run(_settings: &Settings, _args: &RevokeArgs) -> Result<Code, CommandError> {
    Err(CommandError::usage("`revoke` is being built"))
}
