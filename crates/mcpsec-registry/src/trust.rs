//! What the operator's files say: whose approvals count (mcp-signers), and the policy that is published.
//!
//! ```text
//! files ─▶ Published (texts) ─▶ Trust: what holds now ─▶ log::admit, catalog::Builder, /policy/…
//! ```
//!
//! They are read again once a second, so that a key which is taken out of mcp-signers counts no longer without a restart. A new text
//! holds when two looks in a row find the same (somebody may be writing it), or at once on `SIGHUP`. One that cannot be read leaves
//! in place what held before, and says so in the log and in `/metrics`.
use std::{
    io::Read as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use mcpsec_model::{approval::Signers, digest::Digest};

use crate::{app::App, auth::Caller, config::Config, db::audit::Event, error::ApiError, serve::StartError};

/// The longest file, in bytes; one of mcp-signers with ten thousand people is shorter.
const LARGEST: u64 = 4 << 20;

/// The operator's files, word for word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Published {
    /// mcp-signers; `None`: there is none, and nobody's approval counts.
    pub signers: Option<String>,
    /// The team's policy.
    pub policy: Option<String>,
}

impl Published {
    /// Reads both files. Only the default mcp-signers may be missing.
    ///
    /// # Errors
    /// [`StartError`]: a file cannot be read, or the policy is not one.
    pub fn read(config: &Config) -> Result<Self, StartError> {
        let path = config.signers_file();
        let signers = match text(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && config.signers.is_none() => None,
            Err(error) => return Err(StartError::new(format!("failed to read {}", path.display()), &error)),
        };
        let Some(path) = &config.policy else { return Ok(Self { signers, policy: None }) };
        let policy =
            text(path).map_err(|error| StartError::new(format!("failed to read {}", path.display()), &error))?;
        mcpsec_model::config::Config::parse(&policy, &path.display().to_string())
            .map_err(|error| StartError::new("the policy cannot be read", &error))?;
        Ok(Self { signers, policy: Some(policy) })
    }

    /// Whose approvals count: nobody's where there is no mcp-signers.
    ///
    /// # Errors
    /// [`StartError`]: it is not one.
    pub fn parsed(&self, config: &Config) -> Result<Signers, StartError> {
        let Some(text) = &self.signers else { return Ok(Signers::nobody()) };
        Signers::parse(text, &config.signers_file().display().to_string())
            .map_err(|error| StartError::new("the signers cannot be read", &error))
    }
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(std::io::Error::other(format!("it is longer than {LARGEST} bytes")));
    }
    Ok(text)
}

/// What holds now.
#[derive(Debug)]
pub struct Trust {
    now: RwLock<Arc<Believed>>,
    seen: Mutex<Seen>,
}

/// One state of the files.
#[derive(Debug)]
pub struct Believed {
    /// The texts.
    pub files: Published,
    /// Whose approvals count.
    pub signers: Arc<Signers>,
}

/// What the last look found, where that is not what holds.
#[derive(Debug, Default)]
struct Seen {
    other: Option<Published>,
    broken: Option<String>,
}

/// How much two looks must agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// A text that is new holds from the second time on that it is found.
    Twice,
    /// The operator says that it is whole (`SIGHUP`).
    Once,
}

impl Trust {
    /// Starts with what the files say.
    ///
    /// # Errors
    /// [`StartError`]: they cannot be read.
    pub fn read(config: &Config) -> Result<Self, StartError> {
        let files = Published::read(config)?;
        let signers = Arc::new(files.parsed(config)?);
        Ok(Self { now: RwLock::new(Arc::new(Believed { files, signers })), seen: Mutex::default() })
    }

    /// What holds.
    pub fn now(&self) -> Arc<Believed> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whose approvals count.
    pub fn signers(&self) -> Arc<Signers> {
        Arc::clone(&self.now().signers)
    }

    /// Whether what holds is what the files say.
    pub fn is_current(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).broken.is_none()
    }

    /// What is to hold from now on, if that is something else than before.
    fn weigh(&self, config: &Config, found: Result<Published, StartError>, look: Look) -> Option<Believed> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let parsed = found.and_then(|files| files.parsed(config).map(|signers| (files, signers)));
        let (files, signers) = match parsed {
            Ok(found) => found,
            Err(error) => {
                let why = error.to_string();
                // Once for each mistake, not once a second.
                if seen.broken.as_deref() != Some(&why) {
                    tracing::error!(why, "what held before stays: keys that were taken out meanwhile STILL COUNT");
                }
                *seen = Seen { other: None, broken: Some(why) };
                return None;
            }
        };
        if seen.broken.take().is_some() {
            tracing::info!("mcp-signers and the policy can be read again");
        }
        if files == self.now().files {
            seen.other = None;
            return None;
        }
        if look == Look::Twice && seen.other.as_ref() != Some(&files) {
            seen.other = Some(files);
            return None;
        }
        seen.other = None;
        Some(Believed { files, signers: Arc::new(signers) })
    }

    fn set(&self, believed: Believed) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(believed);
    }
}

/// Looks at the files, and makes hold what they say: for what comes in, for what is served, and for `/policy/…`.
///
/// # Errors
/// [`ApiError`]: the database does not answer. Nothing changed then; the next look tries again.
pub async fn renew(app: &App, look: Look) -> Result<(), ApiError> {
    let read = {
        let app = app.clone();
        tokio::task::spawn_blocking(move || Published::read(&app.config))
    };
    let found = read.await.map_err(|error| ApiError::bug(&error))?;
    let Some(believed) = app.trust.weigh(&app.config, found, look) else { return Ok(()) };
    let count = believed.signers.signers.len();
    let digest = Digest::sha256_of(believed.files.signers.as_deref().unwrap_or_default().as_bytes());
    let about = format!("mcp-signers {digest}, {count} keys");
    if believed.files.signers != app.trust.now().files.signers {
        let event = Event::of(&Caller::operator(), &app.clock, "signers", about);
        let mut tx = app.db.begin().await?;
        event.done(&mut tx).await?;
        tx.commit().await?;
    }
    // What comes in is held against the new file first; then nothing that rests on the old one is served.
    app.trust.set(believed);
    app.catalogs.judge_by(&app.db, &app.clock, app.trust.signers()).await?;
    tracing::info!(signers = %digest, count, "mcp-signers and the policy were read again and hold");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFhmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZm";

    #[test]
    fn a_text_holds_when_it_was_found_twice_and_a_broken_one_never() {
        let config = Config::in_folder(std::path::PathBuf::new());
        let files = |signers: &str| Published { signers: Some(signers.to_owned()), policy: None };
        let ada = format!("[[signer]]\nname = \"ada\"\nkey = \"{ADA}\"\n");
        let half = &ada[..20];
        let believed =
            Believed { files: files(&ada), signers: Arc::new(files(&ada).parsed(&config).expect("signers")) };
        let trust = Trust { now: RwLock::new(Arc::new(believed)), seen: Mutex::default() };
        let look = |files: Published, look| {
            let new = trust.weigh(&config, Ok(files), look);
            let holds = new.is_some();
            new.into_iter().for_each(|new| trust.set(new));
            (holds, trust.signers().signers.len(), trust.is_current())
        };
        assert_eq!(look(files(&ada), Look::Twice), (false, 1, true));
        // Somebody is writing.
        assert_eq!(look(files(""), Look::Twice), (false, 1, true));
        assert_eq!(look(files(half), Look::Twice), (false, 1, false));
        assert_eq!(look(files(half), Look::Once), (false, 1, false), "broken, whoever says that it is whole");
        assert_eq!(look(files(""), Look::Twice), (false, 1, true), "the first time since");
        assert_eq!(look(files(""), Look::Twice), (true, 0, true));
        assert_eq!(look(files(&ada), Look::Once), (true, 1, true));
        assert_eq!(look(Published::default(), Look::Once), (true, 0, true), "no file: nobody");
    }
}
