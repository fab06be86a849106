//! What the API lists: made from a catalog once, and kept until there is another one.
//!
//! A version is listed by the name of its server and the version of its package, since that is how clients ask. Where a team vetted
//! one version several times (its dependencies moved on), the latest push that is vetted stands for it; all are on the web page and
//! in `/api/v1/releases`. What is pending or incomplete is not listed at all.
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, RwLock},
};

use mcpsec_audit::drift;
use mcpsec_model::{digest::Digest, drift::DriftLevel, lock::Lock, name::ServerName, time::Timestamp};
use mcpsec_report::server_json::{Publication, lock_facts, namespace, server_json};
use mcpsec_verify::approval::Refusal;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{cursor::Cursor, order};
use crate::{
    app::App,
    catalog::{Catalog, Release, Status, ended},
    db::{Db, changes, locks},
    error::ApiError,
};

/// One listed version.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The judged push that stands for it.
    pub(super) release: Arc<Release>,
    /// Where it stands in the list.
    pub(super) place: Cursor,
    /// Why it is listed as deleted; `None`: it is vetted.
    pub(super) withdrawn: Option<String>,
    /// When something about it last changed, in this server's view.
    pub(super) updated: Timestamp,
    /// Whether it is the latest vetted version of its server.
    pub(super) latest: bool,
    /// How what it tells the model differs from the version that was pushed before it.
    pub(super) drift: Option<Drift>,
    /// What its lock says, read once.
    pub(super) read: Arc<Read>,
}

/// A step from one listed version to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Drift {
    /// How grave; `None`: one of the two was never captured.
    pub(super) level: Option<DriftLevel>,
    /// The version before.
    pub(super) version: String,
    /// Its lock.
    pub(super) lock: Digest,
}

/// What a lock gives for the API.
#[derive(Debug)]
pub(super) struct Read {
    /// Its `server.json`, without a mirror.
    pub(super) document: Value,
    /// The facts beside it.
    pub(super) facts: Map<String, Value>,
    /// Name, title and description in lower case.
    pub(super) searched: String,
}

/// One state of the list.
#[derive(Debug, Default)]
pub(super) struct Listing {
    catalog: Arc<Catalog>,
    /// Every listed version, in the order of [`Cursor`].
    pub(super) entries: Vec<Entry>,
}

/// Holds the current list, and what never changes between lists.
#[derive(Debug, Default)]
pub struct Listings {
    current: RwLock<Arc<Listing>>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    read: HashMap<Digest, Arc<Read>>,
    arrived: HashMap<Digest, Timestamp>,
    drifts: HashMap<(Digest, Digest), Option<DriftLevel>>,
    /// When each entry of the log was added, by its number.
    added: Vec<i64>,
    /// When the latest entry about a server was added.
    moved: HashMap<String, i64>,
}

impl Listings {
    /// The list for the catalog as it is.
    ///
    /// # Errors
    /// [`ApiError`]: the catalog is new, and the database does not answer.
    pub(super) async fn get(&self, app: &App) -> Result<Arc<Listing>, ApiError> {
        let catalog = app.catalogs.get();
        if let Some(listing) = self.made_from(&catalog) {
            return Ok(listing);
        }
        let mut kept = self.kept.lock().await;
        if let Some(listing) = self.made_from(&catalog) {
            return Ok(listing);
        }
        let listing = Arc::new(kept.list(app, catalog).await?);
        match self.current.write() {
            Ok(mut current) => *current = Arc::clone(&listing),
            Err(poisoned) => *poisoned.into_inner() = Arc::clone(&listing),
        }
        Ok(listing)
    }

    fn made_from(&self, catalog: &Arc<Catalog>) -> Option<Arc<Listing>> {
        let current = match self.current.read() {
            Ok(current) => Arc::clone(&current),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        };
        Arc::ptr_eq(&current.catalog, catalog).then_some(current)
    }
}

impl Kept {
    async fn list(&mut self, app: &App, catalog: Arc<Catalog>) -> Result<Listing, ApiError> {
        self.look_at_log(&app.db).await?;
        let now = app.clock.now();
        let mut entries = Vec::new();
        for release in standing_for_their_version(&catalog) {
            let read = self.read(app, &release.lock).await?;
            let updated = self.updated(&app.db, &release, now).await?;
            let name = read.document["name"].as_str().unwrap_or_default().to_owned();
            let version = read.document["version"].as_str().unwrap_or_default().to_owned();
            entries.push(Entry {
                place: Cursor { name, published: release.pushed_at.as_second(), version },
                withdrawn: (release.status == Status::Withdrawn).then(|| why_withdrawn(&release)),
                updated,
                latest: false,
                drift: None,
                read,
                release,
            });
        }
        entries.sort_by(|a, b| a.place.cmp(&b.place));
        mark_latest(&mut entries);
        // A server's versions stand together, the latest push first: what follows is the version before.
        for at in 1..entries.len() {
            let (after, before) = (&entries[at - 1], &entries[at]);
            if after.release.server == before.release.server {
                let level = self.drift(&app.db, before.release.lock, after.release.lock).await?;
                let (version, lock) = (before.place.version.clone(), before.release.lock);
                entries[at - 1].drift = Some(Drift { level, version, lock });
            }
        }
        Ok(Listing { catalog, entries })
    }

    async fn look_at_log(&mut self, db: &Db) -> Result<(), ApiError> {
        loop {
            let from = i64::try_from(self.added.len()).map_err(|error| ApiError::bug(&error))?;
            let new = changes::additions(db, from).await?;
            if new.is_empty() {
                return Ok(());
            }
            for one in new {
                self.added.push(one.added_at);
                let moved = self.moved.entry(one.server).or_insert(one.added_at);
                *moved = one.added_at.max(*moved);
            }
        }
    }

    async fn read(&mut self, app: &App, digest: &Digest) -> Result<Arc<Read>, ApiError> {
        if let Some(read) = self.read.get(digest) {
            return Ok(Arc::clone(read));
        }
        let lock = lock(&app.db, digest).await?;
        let server = lock.servers.values().next().ok_or_else(|| ApiError::bug(&"a pushed lock locks no server"))?;
        let namespace = namespace(&app.config.origin);
        let document = server_json(&lock, server, &Publication { namespace: &namespace, mirror: None });
        let words = ["name", "title", "description"].map(|member| document[member].as_str().unwrap_or_default());
        let searched = words.join("\n").to_lowercase();
        let read = Arc::new(Read { facts: lock_facts(&lock, server), searched, document });
        self.read.insert(*digest, Arc::clone(&read));
        Ok(read)
    }

    /// The latest of: its push, the arrival of its last file, the statement that made it what it is.
    async fn updated(&mut self, db: &Db, release: &Release, now: Timestamp) -> Result<Timestamp, ApiError> {
        let mut latest = release.pushed_at.max(self.arrived(db, release).await?);
        let approvals = &release.standing.approvals;
        if release.status == Status::Vetted {
            let counting = approvals.iter().filter(|one| one.counts.is_ok());
            for added in counting.filter_map(|one| self.added.get(one.line.checked_sub(1)?)) {
                latest = latest.max(time(*added)?);
            }
        } else {
            if let Some(moved) = self.moved.get(release.server.as_str()) {
                latest = latest.max(time(*moved)?);
            }
            let over = ended(&release.standing, &release.what).filter_map(|refusal| match refusal {
                Refusal::Expired(at) if *at <= now => Some(*at),
                _ => None,
            });
            latest = over.fold(latest, Timestamp::max);
        }
        Ok(latest)
    }

    async fn arrived(&mut self, db: &Db, release: &Release) -> Result<Timestamp, ApiError> {
        if let Some(arrived) = self.arrived.get(&release.lock) {
            return Ok(*arrived);
        }
        let arrived = time(changes::last_arrival(db, &release.lock.to_string()).await?)?;
        // Complete once, complete for ever; what was withdrawn may still be missing files.
        if release.status == Status::Vetted {
            self.arrived.insert(release.lock, arrived);
        }
        Ok(arrived)
    }

    async fn drift(&mut self, db: &Db, before: Digest, after: Digest) -> Result<Option<DriftLevel>, ApiError> {
        if let Some(level) = self.drifts.get(&(before, after)) {
            return Ok(*level);
        }
        let (old, new) = (lock(db, &before).await?, lock(db, &after).await?);
        let compare = move || {
            let told = |lock: &'_ Lock| {
                lock.servers.values().next().and_then(|server| Some(server.told.captured()?.manifest.clone()))
            };
            Some(drift::compare(&told(&old)?, &told(&new)?).level())
        };
        let level = tokio::task::spawn_blocking(compare).await.map_err(|error| ApiError::bug(&error))?;
        self.drifts.insert((before, after), level);
        Ok(level)
    }
}

/// For each server and version the push that is listed, if one is: the latest vetted one, else the latest that was withdrawn.
fn standing_for_their_version(catalog: &Catalog) -> Vec<Arc<Release>> {
    let mut chosen: BTreeMap<(&ServerName, &str), &Arc<Release>> = BTreeMap::new();
    let listed = |release: &&Arc<Release>| matches!(release.status, Status::Vetted | Status::Withdrawn);
    for release in catalog.releases().iter().filter(listed) {
        let rank = |release: &Release| (release.status == Status::Vetted, release.pushed_at, release.lock);
        let place = chosen.entry((&release.server, &release.what.version)).or_insert(release);
        if rank(release) > rank(place) {
            *place = release;
        }
    }
    chosen.into_values().map(Arc::clone).collect()
}

/// One vetted version of each server is the latest.
fn mark_latest(entries: &mut [Entry]) {
    for of_server in entries.chunk_by_mut(|a, b| a.release.server == b.release.server) {
        let vetted = of_server.iter().enumerate().filter(|(_, entry)| entry.withdrawn.is_none());
        let versions: Vec<_> = vetted.map(|(at, entry)| (at, &entry.place)).collect();
        if let Some(at) = order::latest(&versions) {
            of_server[at].latest = true;
        }
    }
}

/// In the words of the approval that ended last.
fn why_withdrawn(release: &Release) -> String {
    let why = ended(&release.standing, &release.what).last();
    let why = why.map_or_else(|| "its approval no longer counts".to_owned(), ToString::to_string);
    // The API's document allows 500 characters.
    why.chars().take(500).collect()
}

async fn lock(db: &Db, digest: &Digest) -> Result<Lock, ApiError> {
    let text = locks::text(db, &digest.to_string()).await?;
    let text = text.ok_or_else(|| ApiError::bug(&"a lock of the catalog is not in the database"))?;
    let parse = move || Lock::parse(&text, "pushed lock");
    tokio::task::spawn_blocking(parse)
        .await
        .map_err(|error| ApiError::bug(&error))?
        .map_err(|error| ApiError::bug(&error))
}

fn time(seconds: i64) -> Result<Timestamp, ApiError> {
    Timestamp::from_second(seconds).map_err(|error| ApiError::bug(&error))
}
