//! Makes catalogs. What never changes (a lock's text, a line of the log) is read once and kept in its short form.
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use mcpsec_model::{
    approval::{Approved, Envelope, Line, RulesId, Signers, Statement, Summary},
    config::Isolation,
    digest::{Digest, Digests},
    lock::Lock,
    name::{Ecosystem, ServerName},
    package::PackageId,
    time::Timestamp,
};
use mcpsec_verify::approval::{Locked, Refusal, Source, Standing, Weighed, weigh};
use smol_str::SmolStr;

use super::{Brief, Catalog, FileRef, Release, Status};
use crate::{
    db::{Db, entries, locks},
    error::ApiError,
};

/// What is kept between catalogs.
#[derive(Debug)]
pub struct Builder {
    signers: Arc<Signers>,
    rules: RulesId,
    required: u32,
    known: HashMap<Digest, Arc<Known>>,
    said: HashMap<ServerName, Said>,
}

/// A lock in short.
#[derive(Debug)]
struct Known {
    what: Approved,
    summary: Summary,
    isolation: Option<Isolation>,
    tools: usize,
    brief: Arc<Brief>,
    files: Vec<(Arc<PackageId>, SmolStr, Digests, Option<u64>)>,
    packages: BTreeSet<Arc<PackageId>>,
    pushed_at: Timestamp,
    pushed_by: String,
    requested: bool,
    reason: String,
}

/// The statements about one server.
#[derive(Debug, Default)]
struct Said {
    next: i64,
    lines: Vec<(Line, Statement)>,
}

impl Builder {
    /// For these signers and this number of people. `rules`: the policy that criteria with `same-policy` are held against.
    pub fn new(signers: Arc<Signers>, rules: RulesId, required: u32) -> Self {
        Self { signers, rules, required, known: HashMap::new(), said: HashMap::new() }
    }

    /// The signers whose approvals count.
    pub fn signers(&self) -> &Arc<Signers> {
        &self.signers
    }

    pub(super) async fn build(&mut self, db: &Db, now: Timestamp) -> Result<Catalog, ApiError> {
        // Read first: what changes while the rest is read makes the next look find another generation.
        let generation = crate::db::state::generation(db).await?;
        let arrived = arrived(db).await?;
        let mut catalog = Catalog { generation, ..Catalog::default() };
        for digest in locks::digests(db).await? {
            let digest: Digest = digest.parse().map_err(|error| ApiError::bug(&error))?;
            let Some(known) = self.known(db, &digest).await? else { continue };
            let standing = self.standing(db, &known, now).await?;
            catalog.until = earliest(catalog.until, expiry(&standing));
            catalog.add(release(digest, &known, standing, &arrived));
        }
        Ok(catalog)
    }

    async fn known(&mut self, db: &Db, digest: &Digest) -> Result<Option<Arc<Known>>, ApiError> {
        if let Some(known) = self.known.get(digest) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(row) = locks::one(db, &digest.to_string()).await? else { return Ok(None) };
        let known = match shorten(&row) {
            Ok(known) => Arc::new(known),
            Err(why) => {
                // It was read when it arrived: somebody changed the database, or it is from a newer server.
                tracing::error!(lock = %digest, why, "a lock in the database cannot be read; it is left out");
                return Ok(None);
            }
        };
        self.known.insert(*digest, Arc::clone(&known));
        Ok(Some(known))
    }

    async fn standing(&mut self, db: &Db, known: &Known, now: Timestamp) -> Result<Standing, ApiError> {
        let said = self.said.entry(known.what.server.clone()).or_default();
        for row in entries::about(db, known.what.server.as_str(), said.next).await? {
            said.next = row.seq + 1;
            let parsed = Envelope::parse(&row.line).map_err(|error| error.to_string()).and_then(|envelope| {
                let statement = Statement::parse(envelope.payload()).map_err(|error| error.to_string())?;
                Ok((
                    Line { number: usize::try_from(row.seq).unwrap_or(usize::MAX).saturating_add(1), envelope },
                    statement,
                ))
            });
            match parsed {
                Ok(line) => said.lines.push(line),
                Err(why) => {
                    tracing::error!(seq = row.seq, why, "an entry of the log cannot be read; it counts for nothing")
                }
            }
        }
        let statements = said.lines.iter().map(|(line, statement)| (line, statement.clone())).collect();
        let locked = Locked { what: &known.what, summary: &known.summary, rules: self.rules, required: self.required };
        Ok(weigh(&[Source { import: None, statements }], &self.signers, locked, now))
    }
}

impl Catalog {
    fn add(&mut self, release: Release) {
        if release.status == Status::Vetted {
            for file in &release.files {
                let id = PackageId::clone(&file.package);
                match id.ecosystem() {
                    Ecosystem::Npm => self.npm.entry(id.name().as_str().to_owned()).or_default().insert(id.clone()),
                    Ecosystem::Pypi => self.pypi.entry(id.name().as_str().to_owned()).or_default().insert(id.clone()),
                    Ecosystem::Git => false,
                };
                for digest in file.pinned.iter().chain(file.blob).chain(file.sha512) {
                    self.by_digest.entry(digest).or_insert_with(|| file.clone());
                }
                let files = self.packages.entry(id).or_default();
                if files.iter().all(|other| other.file != file.file) {
                    files.push(file.clone());
                }
            }
        }
        self.by_lock.insert(release.lock, self.releases.len());
        self.releases.push(Arc::new(release));
    }
}

type Arrived = HashMap<Digest, (Digest, Digest, u64)>;

/// What arrived, by both of its digests.
async fn arrived(db: &Db) -> Result<Arrived, ApiError> {
    let mut all = HashMap::new();
    for row in locks::arrived(db).await? {
        let sha256 = Digest::sha256_from_hex(&row.sha256).map_err(|error| ApiError::bug(&error))?;
        let sha512 = Digest::sha512_from_hex(&row.sha512).map_err(|error| ApiError::bug(&error))?;
        let value = (sha256, sha512, u64::try_from(row.size).unwrap_or_default());
        all.insert(sha256, value);
        all.insert(sha512, value);
    }
    Ok(all)
}

fn shorten(row: &locks::LockRow) -> Result<Known, String> {
    let lock = Lock::parse(&row.text, "pushed lock").map_err(|error| error.to_string())?;
    let server = lock.servers.values().next().ok_or("it locks no server")?;
    let mut packages = BTreeSet::new();
    let mut files = Vec::new();
    for package in lock.packages.values() {
        let id = Arc::new(package.id.clone());
        files
            .extend(package.artifacts.iter().map(|file| (Arc::clone(&id), file.file.clone(), file.digests, file.size)));
        packages.insert(id);
    }
    let captured = server.told.captured();
    Ok(Known {
        what: Approved::of(&lock, server),
        summary: Summary::of(&lock, server),
        isolation: captured.map(|captured| captured.context.isolation),
        tools: captured.map_or(0, |captured| captured.manifest.tools().len()),
        brief: Arc::new(Brief::of(&lock, server)),
        files,
        packages,
        pushed_at: Timestamp::from_second(row.pushed_at).map_err(|error| error.to_string())?,
        pushed_by: row.pushed_by.clone(),
        requested: row.requested != 0,
        reason: row.reason.clone(),
    })
}

fn release(lock: Digest, known: &Known, standing: Standing, arrived: &Arrived) -> Release {
    let files: Vec<FileRef> = known
        .files
        .iter()
        .map(|(package, file, pinned, size)| {
            let found = pinned.strongest().and_then(|digest| arrived.get(&digest));
            FileRef {
                package: Arc::clone(package),
                file: file.clone(),
                pinned: *pinned,
                blob: found.map(|(sha256, ..)| *sha256),
                sha512: found.map(|(_, sha512, _)| *sha512),
                size: found.map(|(.., size)| *size).or(*size),
            }
        })
        .collect();
    let whole = files.iter().all(|file| file.blob.is_some());
    let status = match (standing.is_met(), whole) {
        (true, true) => Status::Vetted,
        (true, false) => Status::Incomplete,
        (false, _) if standing.approvals.iter().any(|one| was_good(one, &known.what)) => Status::Withdrawn,
        (false, _) => Status::Pending,
    };
    Release {
        lock,
        server: known.what.server.clone(),
        what: known.what.clone(),
        status,
        standing,
        isolation: known.isolation,
        tools: known.tools,
        brief: Arc::clone(&known.brief),
        files,
        packages: known.packages.clone(),
        pushed_at: known.pushed_at,
        pushed_by: known.pushed_by.clone(),
        requested: known.requested,
        reason: known.reason.clone(),
    }
}

/// Whether somebody approved exactly this, and it counts no longer: taken back, over, or by a key that is not believed any more.
fn was_good(weighed: &Weighed, what: &Approved) -> bool {
    let over = matches!(weighed.counts, Err(Refusal::Revoked { .. } | Refusal::Expired(_) | Refusal::Key(_)));
    over && weighed.signer.is_some() && weighed.approval.what.differences(what).is_empty()
}

/// When the first approval that counts expires.
fn expiry(standing: &Standing) -> Option<Timestamp> {
    standing.approvals.iter().filter(|one| one.counts.is_ok()).map(|one| one.approval.expires).min()
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
