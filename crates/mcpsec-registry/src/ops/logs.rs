//! Where the log goes: standard error, one line per event, for people or as JSON.
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts it; once per process.
///
/// # Errors
/// The filter is not understood, with its words.
pub fn start(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("`log`: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    let started = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
    // Only a second start fails, and then there is a log already.
    let _there_is_one = started;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let words = panic.payload_as_str().unwrap_or("no words");
        tracing::error!(place, words, "panic");
    }));
    Ok(())
}
