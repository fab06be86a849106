//! Which level of sandbox worked here when it was last tried: one small file in the cache folder.
//!
//! It is believed for as long as nothing changed that decides about it, and only to choose among remembered answers, or to try
//! the strongest level first. A sandbox that does not come about is an error wherever a program would start in it.
use std::{fs, path::PathBuf, time::UNIX_EPOCH};

use mcpsec_capture::sandbox::{Sandbox, SandboxError, circumstances};
use mcpsec_model::config::Isolation;
use serde::{Deserialize, Serialize};

use crate::{files, settings::Settings};

const LIMIT: u64 = 64 << 10;

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// Where and by which program it was tried.
    tried: String,
    level: String,
}

/// The strongest sandbox that works here, found by trying, and remembered.
///
/// # Errors
/// None that is at least `weakest` works.
pub(crate) fn try_all(settings: &Settings, weakest: Isolation) -> Result<Sandbox, SandboxError> {
    let sandbox = Sandbox::detect(settings.launcher(), weakest, None)?;
    remember(settings, sandbox.tier());
    Ok(sandbox)
}

/// The level that worked, if everything is as it was then. A damaged file is no answer.
pub(crate) fn recall(settings: &Settings) -> Option<Isolation> {
    let text = files::read_text(&file(settings), LIMIT).ok()??;
    let stored: Stored = serde_json::from_str(&text).ok()?;
    if stored.tried != tried(settings)? {
        return None;
    }
    let sandboxes = Isolation::WORDS.iter().filter(|(_, level)| *level != Isolation::None);
    sandboxes.into_iter().find(|(word, _)| *word == stored.level).map(|(_, level)| *level)
}

/// Remembers it. Forgetting costs only a trial, so a cache that cannot be written is no error.
fn remember(settings: &Settings, level: Isolation) {
    if level == Isolation::None {
        return;
    }
    let Some(tried) = tried(settings) else { return };
    let stored = Stored { tried, level: level.as_str().to_owned() };
    let Ok(text) = serde_json::to_string(&stored) else { return };
    if let Err(error) = files::replace(&file(settings), &text) {
        tracing::debug!("cannot remember the level of the sandbox: {error}");
    }
}

fn file(settings: &Settings) -> PathBuf {
    settings.cache.join("sandbox.json")
}

/// Everything that could change the answer; `None` where that cannot be told.
fn tried(settings: &Settings) -> Option<String> {
    let launcher = settings.launcher();
    let meta = fs::metadata(launcher).ok()?;
    let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    Some(format!("{}\n{} {} {modified}", circumstances()?, launcher.display(), meta.len()))
}
