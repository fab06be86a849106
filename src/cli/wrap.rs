//! Arguments of `wrap` and `unwrap`.
use clap::Args;

/// See [`super::Command::Wrap`].
#[derive(Debug, Args)]
pub(crate) struct WrapArgs {}

/// See [`super::Command::Unwrap`].
#[derive(Debug, Args)]
pub(crate) struct UnwrapArgs {}
