//! Fetching what a pushed lock names, where the operator allows it: `[pull-through]` of the configuration. Off by default.
//!
//! What is fetched is what the lock pins, or nothing: it goes the same way as what people send ([`crate::arrive`]), and is handed out
//! only when its server is vetted. The danger is elsewhere: a lock is a stranger's text, and it must not choose whom this machine
//! talks to. So addresses are made of the configured upstreams; where an index names another host, the operator must have named it
//! too; private addresses only where that very host was allowed them; no redirects, no credentials, no proxies.
mod client;
mod find;
mod hosts;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use mcpsec_model::{digest::Digest, text::escape};

use self::{client::Client, find::Finder};
use crate::{
    app::App,
    arrive::{self, Expected},
    auth::Caller,
    blobs::MAX_FILE,
    config::PullThrough,
    db::{audit::Event, locks::FileRow},
    error::ApiError,
};

/// How many locks are fetched for at once.
const JOBS: usize = 4;
/// How long one file may take.
const FILE_TIME: Duration = Duration::from_secs(600);

/// Fetches for locks.
#[derive(Debug)]
pub struct Pulls {
    from: Option<(Client, PullThrough)>,
    /// The locks that are being fetched for.
    running: Mutex<BTreeSet<Digest>>,
}

/// Why nothing can be fetched, or why a file was not. Words of strangers in it are escaped.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(reqwest::Error),
    /// The address may not be asked.
    #[error("{0} is not asked: {1}")]
    Address(String, &'static str),
    /// Nobody answered, or not with the file.
    #[error("{0}: {1}")]
    Answer(String, String),
    /// There is no such file, as far as the upstream says.
    #[error("{0}")]
    Absent(String),
}

impl From<PullError> for ApiError {
    fn from(error: PullError) -> Self {
        Self::new(http::StatusCode::BAD_GATEWAY, error.to_string())
    }
}

impl Pulls {
    /// As configured.
    ///
    /// # Errors
    /// [`PullError`]: the HTTP client cannot be made.
    pub fn new(config: Option<&PullThrough>) -> Result<Self, PullError> {
        let from = match config {
            None => None,
            Some(config) => Some((Client::new(config)?, config.clone())),
        };
        Ok(Self { from, running: Mutex::default() })
    }

    fn begin(&self, lock: Digest) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.len() < JOBS && running.insert(lock)
    }

    fn end(&self, lock: &Digest) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(lock);
    }
}

/// Starts to fetch what a lock lacks, beside all other work; whoever asked looks again later. Returns whether it goes on now: it does
/// not when nothing is configured, and when too much is being fetched already.
pub fn start(app: &App, caller: &Caller, lock: Digest, missing: &[FileRow]) -> bool {
    if app.pulls.from.is_none() || !app.pulls.begin(lock) {
        return false;
    }
    let (app, caller, missing) = (app.clone(), caller.clone(), missing.to_vec());
    tokio::spawn(async move {
        let ended = Ended { app: app.clone(), lock };
        fetch_all(&app, &caller, &missing).await;
        drop(ended);
    });
    true
}

/// Makes room for the next lock, whatever ended the work.
struct Ended {
    app: App,
    lock: Digest,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.app.pulls.end(&self.lock);
    }
}

async fn fetch_all(app: &App, caller: &Caller, missing: &[FileRow]) {
    let Some((client, config)) = &app.pulls.from else { return };
    let mut finder = Finder::new(client, config);
    for file in missing {
        let event = Event::of(caller, &app.clock, "pull-file", file.digest.clone());
        let one = tokio::time::timeout(FILE_TIME, fetch(app, client, &mut finder, file, &event));
        let done = one.await.unwrap_or_else(|_| {
            let name = escape(&file.file);
            Err(PullError::Answer(name, format!("it took more than {} s", FILE_TIME.as_secs())).into())
        });
        if let Err(error) = done {
            // Kept in the audit table and the log; whoever asked sees that the file is still missing.
            drop(event.refused(&app.db, error).await);
        }
    }
}

async fn fetch(
    app: &App,
    client: &Client,
    finder: &mut Finder<'_>,
    file: &FileRow,
    event: &Event,
) -> Result<(), ApiError> {
    let digest: Digest = file.digest.parse().map_err(|error| ApiError::bug(&error))?;
    let expected = Expected::of(app, &digest).await?;
    let most = expected.size().unwrap_or(app.config.limits.artifact).min(app.config.limits.artifact).min(MAX_FILE);
    let url = finder.find(&file.package, &file.file).await?;
    let body = client.get(&url, "*/*", most).await?;
    let arrived = app.blobs.receive(body, most).await?;
    let arrived = arrived.ok_or_else(|| PullError::Answer(url.to_string(), "the answer broke off".to_owned()))?;
    arrive::accept(app, &expected, arrived, event).await.map(drop)
}

/// Shared by tests of this module's parts.
#[cfg(test)]
fn allowing(npm: &str, hosts: &[&str], private: &[&str]) -> PullThrough {
    let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect();
    PullThrough { npm: npm.parse().ok(), pypi: None, hosts: words(hosts), private_hosts: words(private) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_locks_are_fetched_for_at_once_and_none_twice() {
        let pulls = Pulls::new(None).expect("nothing");
        let lock = |n: u8| Digest::sha256_of(&[n]);
        assert!(pulls.begin(lock(0)));
        assert!(!pulls.begin(lock(0)), "it is being fetched for");
        assert!((1..4).all(|n| pulls.begin(lock(n))));
        assert!(!pulls.begin(lock(4)), "enough");
        pulls.end(&lock(2));
        assert!(pulls.begin(lock(4)));
    }
}
