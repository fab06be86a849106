//! Trust roots from repositories on loopback: good ones, broken ones, and folders that somebody wrote to.
mod refused;
mod repository;

use std::{borrow::Cow, path::PathBuf, time::Duration};

use mcpsec_model::time::Timestamp;
use tempfile::TempDir;

use self::repository::{Edition, KEYS, TufRepository};
use super::{Anchor, Instance, RootSource, RootText, Trust, TrustError, TrustOptions, Warning, refresh};
use crate::http::{HttpOptions, Network};

const BUILT_IN: &str = "2026-11-01T00:00:00Z";
const NOON: &str = "2026-11-02T12:00:00Z";
const EVENING: &str = "2026-11-02T20:00:00Z";
const NEXT_DAY: &str = "2026-11-03T13:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("time")
}

fn network() -> Network {
    // Another test may have installed it already.
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Network::new(HttpOptions {
        user_agent: "test".to_owned(),
        retries: 0,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(20),
        metadata_concurrency: 4,
    })
    .expect("client")
}

/// A repository and a user's folder. The git host's instance is left alone.
struct Fixture {
    repository: TufRepository,
    folder: TempDir,
    options: TrustOptions,
}

impl Fixture {
    fn new() -> Self {
        let repository = TufRepository::new();
        repository.publish(&Edition::default());
        let anchor = Anchor { root: Cow::Owned(repository.root()), as_of: at(BUILT_IN) };
        let url = format!("{}/tuf", repository.server.base()).parse().expect("url");
        let options = TrustOptions {
            public_good: Instance { url: Some(url), anchor: anchor.clone() },
            git_host: Instance { url: None, anchor },
            npm_keys: Some(KEYS.to_owned()),
            first_answer: Duration::from_secs(5),
            deadline: Duration::from_secs(10),
        };
        Self { repository, folder: tempfile::tempdir().expect("folder"), options }
    }

    /// Two workers, as in the binary; the future must be one that can be sent.
    fn run(&self, network: Option<&Network>, now: &str) -> Trust {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        fn sendable<F: Future + Send>(future: F) -> F {
            future
        }
        runtime.block_on(sendable(refresh(self.folder.path(), network, at(now), &self.options)))
    }

    fn online(&self, now: &str) -> RootText {
        self.run(Some(&network()), now).public_good
    }

    fn offline(&self, now: &str) -> RootText {
        self.run(None, now).public_good
    }

    fn requests(&self) -> usize {
        self.repository.server.take_requests().len()
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("public-good.json")
    }

    /// Changes what is kept.
    fn edit(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut value = serde_json::from_slice(&std::fs::read(self.kept()).expect("kept")).expect("JSON");
        change(&mut value);
        overwrite(&self.kept(), &serde_json::to_vec(&value).expect("JSON"));
    }
}

#[expect(clippy::disallowed_methods, reason = "a test writes what somebody else would have written")]
fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("write");
}

/// The one refusal among the warnings.
fn refusal(root: &RootText) -> &TrustError {
    let errors: Vec<&TrustError> = root
        .warnings
        .iter()
        .filter_map(|warning| match warning {
            Warning::KeptRefused(error) | Warning::RefreshRefused(error) | Warning::KeysRefused(error) => Some(error),
            Warning::NotKept(_) | Warning::Age { .. } => None,
        })
        .collect();
    assert_eq!(errors.len(), 1, "{:?}", root.warnings);
    errors[0]
}

fn assert_built_in(root: &RootText) {
    assert_eq!((&root.json, root.source), (&None, RootSource::Embedded), "{:?}", root.warnings);
}

#[test]
fn the_first_refresh_brings_everything_and_the_second_use_asks_nobody() {
    let fixture = Fixture::new();
    let trust = fixture.run(Some(&network()), NOON);
    assert_eq!(trust.public_good.source, RootSource::Refreshed);
    assert_eq!(trust.public_good.warnings, []);
    assert_eq!(trust.public_good.json.as_deref(), Some(r#"{"edition":1}"#));
    assert_eq!(trust.npm_keys.as_deref(), Some(r#"{"keys":[],"edition":1}"#));
    assert_built_in(&trust.git_host);
    // Root 2 (missing), timestamp, snapshot, targets, trusted root, delegated targets, keys.
    assert_eq!(fixture.requests(), 7);

    let again = fixture.run(Some(&network()), EVENING);
    assert_eq!(again.public_good.source, RootSource::Cached { fetched: at(NOON) });
    assert_eq!(again.public_good.warnings, []);
    assert_eq!((again.public_good.json, again.npm_keys), (trust.public_good.json, trust.npm_keys));
    assert_eq!(fixture.requests(), 0);
}

#[test]
fn a_day_later_only_what_changed_is_fetched() {
    let fixture = Fixture::new();
    fixture.online(NOON);
    fixture.requests();
    assert_eq!(fixture.online(NEXT_DAY).source, RootSource::Refreshed);
    // Root 2, timestamp, delegated targets.
    assert_eq!(fixture.requests(), 3);

    fixture.repository.publish(&Edition { version: 2, root: r#"{"edition":2}"#, ..Edition::default() });
    let root = fixture.online("2026-11-04T14:00:00Z");
    assert_eq!(root.json.as_deref(), Some(r#"{"edition":2}"#));
    let kept = String::from_utf8(std::fs::read(fixture.kept()).expect("kept")).expect("UTF-8");
    assert!(!kept.contains(r#"{\"edition\":1}"#), "nothing old is kept: {kept}");
    assert_eq!(fixture.offline("2026-11-04T15:00:00Z").json.as_deref(), Some(r#"{"edition":2}"#));
}

#[test]
fn roots_are_followed_and_kept() {
    let mut fixture = Fixture::new();
    fixture.online(NOON);
    for _ in 0..3 {
        fixture.repository.rotate();
    }
    fixture.repository.publish(&Edition { version: 2, root: r#"{"edition":2}"#, ..Edition::default() });
    let root = fixture.online(NEXT_DAY);
    assert_eq!((root.source, root.json.as_deref()), (RootSource::Refreshed, Some(r#"{"edition":2}"#)));
    let kept = fixture.offline("2026-11-03T14:00:00Z");
    assert_eq!(
        (kept.source, kept.json.as_deref()),
        (RootSource::Cached { fetched: at(NEXT_DAY) }, Some(r#"{"edition":2}"#))
    );
    assert_eq!(kept.warnings, []);
}

#[test]
fn offline_an_expired_chain_is_used_with_its_age() {
    let fixture = Fixture::new();
    fixture.online(NOON);
    let root = fixture.offline("2027-02-03T13:00:00Z");
    assert_eq!(root.source, RootSource::Cached { fetched: at(NOON) });
    assert_eq!(root.warnings, [Warning::Age { days: 93, built_in: false }]);
    assert_eq!(root.warnings[0].to_string(), "trust root was last refreshed 93 days ago; run online once");
    let text = Fixture::new().offline("2026-11-02T13:00:00Z").warnings[0].to_string();
    assert_eq!(text, "trust root is built in and was current 1 day ago; run online once");
}

#[test]
fn an_unreachable_repository_is_left_alone_for_an_hour() {
    let mut fixture = Fixture::new();
    fixture.online(NOON);
    fixture.repository.server.inject(mcpsec_testkit::Fault::Status(503));
    fixture.requests();
    let root = fixture.online(NEXT_DAY);
    assert_eq!((root.source, root.warnings), (RootSource::Cached { fetched: at(NOON) }, vec![]));
    assert_eq!(fixture.requests(), 1);
    assert_eq!(fixture.online("2026-11-03T13:59:00Z").warnings, []);
    assert_eq!(fixture.requests(), 0);
    let root = fixture.online("2026-12-05T12:00:00Z");
    assert_eq!(fixture.requests(), 1);
    assert_eq!(root.warnings, [Warning::Age { days: 33, built_in: false }]);
    fixture.repository.server.heal();
    fixture.repository.publish(&Edition { version: 2, expires: "2027-01-01T00:00:00Z", ..Edition::default() });
    assert_eq!(fixture.online("2026-12-05T13:01:00Z").source, RootSource::Refreshed);

    fixture.options.first_answer = Duration::from_millis(50);
    fixture.repository.server.inject(mcpsec_testkit::Fault::Silence);
    let root = fixture.online("2026-12-07T12:00:00Z");
    assert_eq!((root.source, root.warnings), (RootSource::Cached { fetched: at("2026-12-05T13:01:00Z") }, vec![]));
}

#[test]
fn one_process_at_a_time_refreshes() {
    let fixture = Fixture::new();
    let place = super::Place::new(fixture.folder.path(), "public-good");
    let held = place.lock().expect("folder").expect("free");
    let root = fixture.online(NOON);
    assert_built_in(&root);
    assert_eq!((root.warnings.len(), fixture.requests()), (0, 0));
    drop(held);
    assert_eq!(fixture.online(NOON).source, RootSource::Refreshed);
}

#[test]
fn a_wrong_clock_heals() {
    let fixture = Fixture::new();
    fixture.online("2026-11-07T00:00:00Z");
    let root = fixture.offline(NOON);
    assert_eq!((root.source, root.warnings), (RootSource::Cached { fetched: at(NOON) }, vec![]));
    let root = fixture.online(NOON);
    assert_eq!(root.source, RootSource::Refreshed, "what was fetched in the future is asked for again");
}

#[test]
fn what_is_built_in_is_well_formed() {
    let options = TrustOptions::built_in();
    assert_eq!(options.public_good.anchor.as_of, at("2026-10-23T00:00:00Z"));
    for (instance, version) in [(&options.public_good, 16), (&options.git_host, 9)] {
        assert!(instance.url.is_some());
        let set = sigstore_tuf::TrustedMetadataSet::from_root(instance.anchor.root.as_bytes()).expect("a root");
        assert_eq!(set.root().version, version);
    }
    assert!(options.npm_keys.is_some_and(|path| path.ends_with("/keys.json") && path.matches('/').count() == 1));
}
