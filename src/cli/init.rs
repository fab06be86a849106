//! Arguments of `init`.
use clap::Args;

/// See [`super::Command::Init`].
#[derive(Debug, Args)]
pub(crate) struct InitArgs {}
