//! `mcpsec store ls|verify|path`: the vetted artifacts on this machine.
use mcpsec_fetch::store::StoreError;
use serde::Serialize;

use super::artifacts::open_store;
use crate::{
    cli::{Format, StoreCommand},
    error::CommandError,
    exit::{self, Code},
    settings::Settings,
    ui,
};

pub(super) fn run(settings: &Settings, command: &StoreCommand) -> Result<Code, CommandError> {
    match command {
        StoreCommand::Path => {
            ui::print_data(&format!("{}\n", settings.store.display()))?;
            Ok(exit::GOOD)
        }
        StoreCommand::Ls => list(settings),
        StoreCommand::Verify => verify(settings),
    }
}
