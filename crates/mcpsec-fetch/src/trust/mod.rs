//! Trust roots: whose certificates, logs and keys evidence is verified with, renewed by The Update Framework (TUF).
//!
//! Two Sigstore instances are known: the public-good one and the git host's own. For each, the first TUF root is built in
//! (`roots/`): versions 16 and 9, as packaged with `sigstore-trust-root` 0.15.1 of 2026-10-23. From there a chain of signatures
//! leads to `trusted_root.json`. [`refresh`] walks it over the network at most once a day, or over the files kept from the
//! last time; **both by the same code from the same built-in root**, so what is kept is never believed for being there.
//!
//! What is kept is judged as of the moment when it was fetched: offline, metadata that has expired since is still used, and
//! its age is told. That moment is written beside it by us; whoever can write to the folder could shift it, but no later than
//! to the expiry that is signed in the chain, and no earlier than to the day of the built-in root, before which nothing kept
//! is used. Whoever can delete files there can undo what was learnt since, and no more.
//!
//! The trust root itself is built into the verifier too; [`RootText::json`] is `None` when that one is to be used.
mod chain;
mod error;
mod kept;
mod source;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, path::Path, time::Duration};

use mcpsec_model::{time::Timestamp, url::SafeUrl};

pub use self::error::{TrustError, Warning};
use self::{
    chain::{Chain, Files},
    kept::Place,
    source::{Kept, Remote},
};
use crate::http::Network;

/// TUF repository of Sigstore's public-good instance.
const PUBLIC_GOOD_URL: &str = "https://tuf-repo-cdn.sigstore.dev/";
/// TUF repository of the git host's own instance.
const GIT_HOST_URL: &str = "https://tuf-repo.github.com/";
const PUBLIC_GOOD_ROOT: &str = include_str!("roots/public-good.json");
const GIT_HOST_ROOT: &str = include_str!("roots/git-host.json");
/// The release of the built-in data, 2026-10-23T00:00:00Z. Change it together with the files and with the verifier's own roots.
const BUILT_IN: i64 = 1_792_713_600;

/// After a good answer, the repository is not asked again for this many hours.
const REFRESH_HOURS: i64 = 24;
/// After a failure, it is not asked again for this many hours.
const RETRY_HOURS: i64 = 1;
/// Older roots are warned of while online.
const OLD_DAYS: i64 = 30;

/// Where trust begins for one instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// TUF root metadata, trusted as it is.
    pub root: Cow<'static, str>,
    /// When it, and the trust root built into the verifier, were known to be current.
    pub as_of: Timestamp,
}

/// One Sigstore instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// Base address of its TUF repository; `None` never asks.
    pub url: Option<SafeUrl>,
    /// Where trust in it begins.
    pub anchor: Anchor,
}

/// What to refresh, from where, and how long to wait for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustOptions {
    /// Sigstore's public-good instance.
    pub public_good: Instance,
    /// The git host's own instance.
    pub git_host: Instance,
    /// The target of the public-good instance that holds the npm registry's keys, `<host>/keys.json`.
    pub npm_keys: Option<String>,
    /// How long the first answer of a repository may take to begin, connection included.
    pub first_answer: Duration,
    /// How long a refresh may take as a whole.
    pub deadline: Duration,
}

impl TrustOptions {
    /// Both instances as built in, from their public repositories: 3 seconds for the first answer, 10 for all.
    pub fn built_in() -> Self {
        let as_of = Timestamp::from_second(BUILT_IN).unwrap_or(Timestamp::UNIX_EPOCH);
        let instance =
            |url: &str, root| Instance { url: url.parse().ok(), anchor: Anchor { root: Cow::Borrowed(root), as_of } };
        let registry = url::Url::parse(deno_npmrc::NPM_DEFAULT_REGISTRY).ok();
        let host = registry.as_ref().and_then(url::Url::host_str);
        Self {
            public_good: instance(PUBLIC_GOOD_URL, PUBLIC_GOOD_ROOT),
            git_host: instance(GIT_HOST_URL, GIT_HOST_ROOT),
            npm_keys: host.map(|host| format!("{host}/keys.json")),
            first_answer: Duration::from_secs(3),
            deadline: Duration::from_secs(10),
        }
    }
}

/// Where a trust root comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RootSource {
    /// The one built into the verifier.
    Embedded,
    /// Kept from an earlier refresh, and verified again just now.
    Cached {
        /// When the repository last answered with it.
        fetched: Timestamp,
    },
    /// Just refreshed.
    Refreshed,
}

/// The trust root of one instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootText {
    /// `trusted_root.json` as signed; `None` means: use the one built into the verifier.
    pub json: Option<String>,
    /// Where it comes from.
    pub source: RootSource,
    /// When it was last known to be current.
    pub as_of: Timestamp,
    /// What people should know.
    pub warnings: Vec<Warning>,
}

/// The trust roots to verify with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    /// Of Sigstore's public-good instance.
    pub public_good: RootText,
    /// Of the git host's own instance.
    pub git_host: RootText,
    /// The npm registry's keys as the public-good instance publishes them (the text of `keys.json`: `keys[]` with `keyId`,
    /// `keyUsage`, `publicKey`), if the chain has them. `None` means: use the built-in ones.
    pub npm_keys: Option<String>,
}

/// The trust roots as good as they can be had now. Never fails: at worst they are the built-in ones, with warnings.
///
/// `network` is `None` when offline. `cache_dir` need not exist; nothing else may be kept in it.
pub async fn refresh(cache_dir: &Path, network: Option<&Network>, now: Timestamp, options: &TrustOptions) -> Trust {
    let public_good = Refresher {
        place: Place::new(cache_dir, "public-good"),
        instance: &options.public_good,
        keys: options.npm_keys.as_deref(),
        network,
        now,
        options,
    };
    let git_host = Refresher {
        place: Place::new(cache_dir, "git-host"),
        instance: &options.git_host,
        keys: None,
        network,
        now,
        options,
    };
    let ((public_good, npm_keys), (git_host, _)) = futures::join!(public_good.run(), git_host.run());
    Trust { public_good, git_host, npm_keys }
}

/// The work on one instance.
struct Refresher<'a> {
    place: Place,
    instance: &'a Instance,
    keys: Option<&'a str>,
    network: Option<&'a Network>,
    now: Timestamp,
    options: &'a TrustOptions,
}

/// What is kept, after it was looked at.
#[derive(Default)]
struct Known {
    /// The files, believed or not: versions in them that are signed are a floor.
    files: Files,
    /// The chain and its time, if it holds.
    good: Option<Good>,
    refused: Option<TrustError>,
}

/// A kept chain that holds.
struct Good {
    chain: Chain,
    /// As of when it holds: the time written beside it, or now if that lies in the future.
    fetched: Timestamp,
    /// Whether a clock must have been wrong: it was fetched in the future.
    astray: bool,
}

impl Refresher<'_> {
    async fn run(self) -> (RootText, Option<String>) {
        let mut known = self.known().await;
        let mut warnings = Vec::new();
        let remote = self.network.zip(self.instance.url.as_ref());
        let mut refreshed = None;
        if let Some((network, url)) = remote
            && self.is_due(&known)
        {
            match self.place.lock() {
                Ok(Some(_held)) => {
                    // Another process may have done it while we came here.
                    known = self.known().await;
                    if self.is_due(&known) {
                        refreshed = self.ask(network, url, &known.files, &mut warnings).await;
                    }
                }
                // Another process is at it; what is kept will do.
                Ok(None) => {}
                // Where no failure can be remembered, every command would wait for it again.
                Err(error) => warnings.push(Warning::RefreshRefused(error)),
            }
        }
        warnings.extend(known.refused.map(Warning::KeptRefused));
        let (source, as_of, chain) = match (refreshed, known.good) {
            (Some(chain), _) => (RootSource::Refreshed, self.now, Some(chain)),
            (None, Some(Good { fetched, chain, .. })) => (RootSource::Cached { fetched }, fetched, Some(chain)),
            (None, None) => (RootSource::Embedded, self.instance.anchor.as_of, None),
        };
        let days = self.now.duration_since(as_of).as_hours() / 24;
        if days > OLD_DAYS || remote.is_none() && days >= 1 {
            warnings.push(Warning::Age { days, built_in: chain.is_none() });
        }
        let (json, keys) = match chain {
            Some(Chain { root, keys, .. }) => (Some(root), keys),
            None => (None, Ok(None)),
        };
        let keys = keys.unwrap_or_else(|error| {
            if !error.is_unreachable() {
                warnings.push(Warning::KeysRefused(error));
            }
            None
        });
        (RootText { json, source, as_of, warnings }, keys)
    }

    /// Reads what is kept and walks its chain.
    async fn known(&self) -> Known {
        let place = self.place.clone();
        let loaded = tokio::task::spawn_blocking(move || place.load()).await;
        let loaded = loaded.unwrap_or_else(|error| Err(TrustError::malformed(&error.to_string())));
        let kept = match loaded {
            Ok(Some(kept)) => kept,
            Ok(None) => return Known::default(),
            Err(error) => return Known { refused: Some(error), ..Known::default() },
        };
        // A time in the future says that a clock was wrong; then nothing may count as fresher than now.
        let fetched = kept.fetched.min(self.now);
        if fetched < self.instance.anchor.as_of {
            return Known { files: kept.files, ..Known::default() };
        }
        let files = kept.files.clone();
        match chain::walk(Kept(kept.files), files.clone(), &self.instance.anchor, self.keys, fetched).await {
            Ok(chain) => {
                let astray = kept.fetched > self.now;
                Known { files, good: Some(Good { chain, fetched, astray }), refused: None }
            }
            Err(error) => Known { files, good: None, refused: Some(error) },
        }
    }

    /// Whether the repository should be asked now.
    fn is_due(&self, known: &Known) -> bool {
        let within = |time: Timestamp, hours: i64| {
            let age = self.now.duration_since(time);
            !age.is_negative() && age.as_secs() < hours * 3600
        };
        !known.good.as_ref().is_some_and(|good| !good.astray && within(good.fetched, REFRESH_HOURS))
            && !self.place.last_failure().is_some_and(|failed| within(failed, RETRY_HOURS))
    }

    /// Asks the repository, and keeps what it says.
    async fn ask(&self, network: &Network, url: &SafeUrl, files: &Files, warnings: &mut Vec<Warning>) -> Option<Chain> {
        let remote = Remote::new(network.clone(), url, self.options.first_answer);
        let walk = chain::walk(remote, files.clone(), &self.instance.anchor, self.keys, self.now);
        let walked = tokio::time::timeout(self.options.deadline, walk).await;
        let walked = walked.unwrap_or(Err(TrustError::Slow { seconds: self.options.deadline.as_secs() }));
        match walked {
            Ok(chain) => {
                let (place, now, files) = (self.place.clone(), self.now, chain.files.clone());
                let saved = tokio::task::spawn_blocking(move || place.save(now, files)).await;
                if let Err(error) = saved.unwrap_or_else(|error| Err(TrustError::malformed(&error.to_string()))) {
                    warnings.push(Warning::NotKept(error));
                }
                Some(chain)
            }
            Err(error) => {
                tracing::debug!(%url, %error, "trust root not refreshed");
                if let Err(error) = self.place.note_failure(self.now) {
                    tracing::debug!(%error, "the failure is not remembered");
                }
                if !error.is_unreachable() {
                    warnings.push(Warning::RefreshRefused(error));
                }
                None
            }
        }
    }
}
