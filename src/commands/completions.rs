//! `mcpsec completions SHELL`: a completion script on standard output.
use clap::CommandFactory as _;

use crate::{error::CommandError, exit::Code, ui};

pub(super) fn run(shell: clap_complete::Shell) -> Result<Code, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::Cli::command(), "mcpsec", &mut script);
    let script = String::from_utf8(script).map_err(|e| CommandError::bug(format!("completion script: {e}")))?;
    ui::print_data(&script)?;
    Ok(crate::exit::GOOD)
}
