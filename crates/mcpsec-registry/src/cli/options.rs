//! The settings that every command takes, from flags, environment and file.
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::config::{Config, Settings, beside};

/// A file of settings is far smaller; anything larger is another file.
const LARGEST: u64 = 1 << 20;

/// Settings on the command line, and the file below them.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// File of settings (TOML); flags and environment win over it
    #[arg(long, env = "MCPSEC_REGISTRY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The upper layer.
    #[command(flatten)]
    settings: Settings,
}

impl Options {
    /// What all layers say together.
    ///
    /// # Errors
    /// [`Failure`]: the file cannot be read, or a setting cannot be.
    pub fn config(&self) -> Result<Config, Failure> {
        let file = self.file()?.unwrap_or_default();
        self.settings.clone().over(file).finish().map_err(Failure::new)
    }

    /// The layer of the file, if there is one.
    pub(super) fn file(&self) -> Result<Option<Settings>, Failure> {
        use std::io::Read as _;
        let Some(path) = &self.config else { return Ok(None) };
        let failed = |error: std::io::Error| Failure::new(format!("failed to read {}: {error}", path.display()));
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > LARGEST {
            return Err(Failure::new(format!("{} is larger than {LARGEST} bytes", path.display())));
        }
        let mut settings = Settings::parse(&text, &path.display().to_string()).map_err(Failure::new)?;
        beside(&mut settings, path);
        Ok(Some(settings))
    }
}
