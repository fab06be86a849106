//! Where TUF files come from: a repository on the network, or the files that were kept.
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use http::HeaderMap;
use mcpsec_model::url::SafeUrl;
use sigstore_tuf::{Repository, transport::FetchFuture};

use super::{
    TrustError,
    chain::{Files, ROOTS, TARGETS, version_of},
    error::shown,
};
use crate::http::{HttpError, Network, read_body};

/// A repository on the network. Asked once for each file: whoever waits for a command does not wait for a second try.
pub(super) struct Remote {
    network: Network,
    base: SafeUrl,
    /// How long the very first answer may take to begin, connection included.
    first_answer: Duration,
    answered: AtomicBool,
}

impl Remote {
    /// Metadata is right under `base`, targets are in its folder `targets`.
    pub(super) fn new(network: Network, base: &SafeUrl, first_answer: Duration) -> Self {
        let mut base = base.expose().clone();
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Self { network, base: base.into(), first_answer, answered: AtomicBool::new(false) }
    }

    async fn get(&self, name: &str, limit: u64) -> Result<Vec<u8>, TrustError> {
        if !is_plain(name) {
            return Err(TrustError::malformed(&format!("{name:?} is not a file name")));
        }
        let url = self.base.join(name).map_err(|error| TrustError::malformed(&error.to_string()))?;
        let headers = HeaderMap::new();
        let opening = self.network.open(&url, None, &headers);
        let opened = if self.answered.load(Ordering::Relaxed) {
            opening.await?
        } else {
            tokio::time::timeout(self.first_answer, opening).await.unwrap_or_else(|_| {
                let reason = format!("no answer within {} ms", self.first_answer.as_millis());
                Err(HttpError::Network { url: url.clone(), reason })
            })?
        };
        self.answered.store(true, Ordering::Relaxed);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(read_body(&self.network, opened.response, &url, limit).await?.to_vec())
    }
}

/// Names come from signed metadata, and still they may only name what lies under the repository.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'%' | b'/');
    name.bytes().all(plain) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn is_root(name: &str) -> bool {
    version_of(name).is_some_and(|(_, rest)| rest == "root.json")
}

impl Repository for Remote {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move {
            match self.get(name, max_length).await {
                Ok(bytes) => Ok(Some(bytes)),
                // The end of the chain of roots. Object stores answer 403 for what they do not have.
                Err(TrustError::Http(HttpError::NotFound { .. } | HttpError::Unauthorized { status: 403, .. }))
                    if is_root(name) =>
                {
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { Ok(Some(self.get(&format!("{TARGETS}{path}"), max_length).await?)) })
    }
}

/// What was kept, asked as if it were a repository: so it is verified by the same code, from the same root.
pub(super) struct Kept(pub(super) Files);

impl Kept {
    fn get(&self, names: &[&str], limit: u64) -> Result<Vec<u8>, TrustError> {
        let missing = || TrustError::Missing { name: shown(names.first().unwrap_or(&"")) };
        let text = names.iter().find_map(|name| self.0.get(*name)).ok_or_else(missing)?;
        if text.len() as u64 > limit {
            return Err(TrustError::malformed(&format!("a kept file is longer than {limit} bytes")));
        }
        Ok(text.clone().into_bytes())
    }
}

impl Repository for Kept {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        let answer = if is_root(name) {
            match self.get(&[&format!("{ROOTS}{name}")], max_length) {
                Err(TrustError::Missing { .. }) => Ok(None),
                other => other.map(Some),
            }
        } else {
            // With consistent snapshots a file is asked for by version and kept without.
            let unversioned = version_of(name).map_or(name, |(_, rest)| rest);
            self.get(&[name, unversioned], max_length).map(Some)
        };
        Box::pin(async move { answer.map_err(Into::into) })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        // With consistent snapshots the digest stands before the file name.
        let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
        let plain = file.split_once('.').map_or(file, |(_, plain)| plain);
        let slash = if folder.is_empty() { "" } else { "/" };
        let names = [format!("{TARGETS}{path}"), format!("{TARGETS}{folder}{slash}{plain}")];
        let answer = self.get(&[&names[0], &names[1]], max_length).map(Some);
        Box::pin(async move { answer.map_err(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_under_the_repository() {
        for good in
            ["timestamp.json", "3.registry.invalid.json", "targets/registry.invalid/00ff.keys.json", "1.a%2Fb.json"]
        {
            assert!(is_plain(good), "{good}");
        }
        let long =
            ["https://elsewhere.invalid/x", "//elsewhere.invalid/x", "/x", "a/../../x", "..", "a//b", "a?b", "a#b"];
        for bad in long.into_iter().chain(["", "a\\b", "a b", "\u{e4}", "a\nb"]) {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
