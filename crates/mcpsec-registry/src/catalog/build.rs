//! Makes catalogs. What never changes (a lock's text, a line of the log) is read once and kept in its short form.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use mcpsec_model::{
    approval::{Approved, Envelope, Line, RulesId, Signers, Statement, Summary},
    config::Isolation,
    digest::{Digest, Digests},
    lock::Lock,
    name::{Ecosystem, ServerName},
    package::PackageId,
    text::escape,
    time::Timestamp,
};
use mcpsec_verify::approval::{Heard, Locked, Refusal, Source, Standing};
use smol_str::SmolStr;

use super::{Brief, Catalog, FileRef, Release, Status, variants};
use crate::{
    db::{Db, artifacts, entries, entries::EntryRow, locks},
    error::ApiError,
};

/// What is kept between catalogs: locks in their short form, and judgements. What was said is read again when a server's judgement is
/// due: a hundred thousand statements are in the database, and not in memory.
#[derive(Debug)]
pub struct Builder {
    judge: Arc<Judge>,
    known: HashMap<Digest, Arc<Known>>,
    weighed: HashMap<Digest, Judged>,
    /// For each server that somebody said something about, the number after its last entry.
    heard: HashMap<String, i64>,
    /// The entry of the log from which on nothing was looked at.
    next: i64,
    edition: u64,
    /// Whether something that no generation counts makes the last catalog wrong.
    outdated: bool,
}

/// By what releases are judged.
#[derive(Debug)]
struct Judge {
    signers: Arc<Signers>,
    rules: RulesId,
    required: u32,
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
    bytes: usize,
}

/// A judgement: it stands until somebody says something new about the server, or until a moment.
#[derive(Debug)]
struct Judged {
    standing: Arc<Standing>,
    /// The entry of the log from which on nothing was read.
    next: i64,
    until: Option<Timestamp>,
}

impl Builder {
    /// For these signers and this number of people. `rules`: the policy that criteria with `same-policy` are held against.
    pub fn new(signers: Arc<Signers>, rules: RulesId, required: u32) -> Self {
        Self {
            judge: Arc::new(Judge { signers, rules, required }),
            known: HashMap::new(),
            weighed: HashMap::new(),
            heard: HashMap::new(),
            next: 0,
            edition: 0,
            outdated: false,
        }
    }

    /// Judges by other signers from now on.
    pub(super) fn judge_by(&mut self, signers: Arc<Signers>) {
        let Judge { rules, required, .. } = *self.judge;
        self.judge = Arc::new(Judge { signers, rules, required });
        self.weighed.clear();
        self.outdated = true;
    }

    /// Whether the last catalog is wrong whatever the database says.
    pub(super) fn is_outdated(&self) -> bool {
        self.outdated
    }

    pub(super) async fn build(&mut self, db: &Db, now: Timestamp) -> Result<Catalog, ApiError> {
        // Read first: what changes while the rest is read makes the next look find another generation.
        let generation = crate::db::state::generation(db).await?;
        let arrived = arrived(db).await?;
        let mut rows = Vec::new();
        for row in locks::all(db).await? {
            // One row that cannot be read must not keep a revocation of another from being seen.
            let (Ok(digest), Ok(pushed_at)) = (row.digest.parse::<Digest>(), Timestamp::from_second(row.pushed_at))
            else {
                tracing::error!(lock = %escape(&row.digest), "a row of `locks` cannot be read; it is left out");
                continue;
            };
            rows.push((digest, pushed_at, row));
        }
        self.read_all(db, rows.iter().map(|(digest, ..)| *digest)).await?;
        self.listen(db).await?;
        self.judge_all(db, rows.iter().map(|(digest, ..)| *digest), now).await?;
        let mut catalog = Catalog { generation, edition: self.edition + 1, ..Catalog::default() };
        let mut releases = Vec::new();
        for (digest, pushed_at, row) in rows {
            let (Some(known), Some(judged)) = (self.known.get(&digest), self.weighed.get(&digest)) else { continue };
            catalog.until = earliest(catalog.until, judged.until);
            let standing = Arc::clone(&judged.standing);
            releases.push(release(digest, known, standing, &arrived, pushed_at, row));
        }
        let (releases, variants) = variants::fold(releases);
        catalog.variants = variants;
        for release in releases {
            catalog.add(release);
        }
        (self.edition, self.outdated) = (catalog.edition, false);
        Ok(catalog)
    }

    /// How a lock stands that may not be stored: by what the log says now.
    pub(super) async fn standing_of(&self, db: &Db, lock: &Lock, now: Timestamp) -> Result<Standing, ApiError> {
        let Some(server) = lock.servers.values().next() else {
            return Err(ApiError::refused("the lock has no server"));
        };
        let (what, summary) = (Approved::of(lock, server), Summary::of(lock, server));
        let (judge, rows) = (Arc::clone(&self.judge), entries::about(db, what.server.as_str()).await?);
        away(move || {
            judge.weigh(said(rows), std::iter::once((&what, &summary)), |heard, locked| heard.weigh(locked, now)).pop()
        })
        .await?
        .ok_or_else(|| ApiError::bug(&"a lock was not judged"))
    }

    /// Looks about which servers something was said since the last time.
    async fn listen(&mut self, db: &Db) -> Result<(), ApiError> {
        for last in entries::latest(db, self.next).await? {
            self.next = self.next.max(last.seq + 1);
            self.heard.insert(last.server, last.seq + 1);
        }
        Ok(())
    }

    /// Judges the locks whose judgement is due, on every core: those of one server together, so that each signature is checked once.
    async fn judge_all(
        &mut self,
        db: &Db,
        locks: impl Iterator<Item = Digest>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let mut due: BTreeMap<ServerName, Vec<(Digest, Arc<Known>)>> = BTreeMap::new();
        for digest in locks {
            let Some(known) = self.known.get(&digest) else { continue };
            let next = self.next_of(&known.what.server);
            let stands = |judged: &Judged| judged.next == next && judged.until.is_none_or(|until| now < until);
            if !self.weighed.get(&digest).is_some_and(stands) {
                due.entry(known.what.server.clone()).or_default().push((digest, Arc::clone(known)));
            }
        }
        let mut judging = Vec::new();
        for (server, locks) in due {
            let (judge, db, next) = (Arc::clone(&self.judge), db.clone(), self.next_of(&server));
            judging.push(async move {
                let rows = entries::about(&db, server.as_str()).await?;
                away(move || judge.judge(said(rows), &locks, next, now)).await
            });
        }
        let judged: Vec<Vec<(Digest, Judged)>> = stream::iter(judging).buffered(cores()).try_collect().await?;
        self.weighed.extend(judged.into_iter().flatten());
        Ok(())
    }

    fn next_of(&self, server: &ServerName) -> i64 {
        self.heard.get(server.as_str()).copied().unwrap_or_default()
    }

    /// Reads the locks that are new, on every core.
    async fn read_all(&mut self, db: &Db, locks: impl Iterator<Item = Digest>) -> Result<(), ApiError> {
        let mut reading = Vec::new();
        for digest in locks.filter(|digest| !self.known.contains_key(digest)) {
            let db = db.clone();
            reading.push(async move {
                let Some(text) = locks::text(&db, &digest.to_string()).await? else { return Ok(None) };
                match away(move || shorten(&text)).await? {
                    Ok(known) => Ok(Some((digest, Arc::new(known)))),
                    Err(why) => {
                        // It was read when it arrived: somebody changed the database, or it is from a newer server.
                        tracing::error!(lock = %digest, why, "a lock in the database cannot be read; it is left out");
                        Ok::<_, ApiError>(None)
                    }
                }
            });
        }
        let read: Vec<Option<(Digest, Arc<Known>)>> = stream::iter(reading).buffered(cores()).try_collect().await?;
        self.known.extend(read.into_iter().flatten());
        Ok(())
    }
}

impl Judge {
    fn judge(
        &self,
        said: Vec<(Line, Statement)>,
        locks: &[(Digest, Arc<Known>)],
        next: i64,
        now: Timestamp,
    ) -> Vec<(Digest, Judged)> {
        let subjects = locks.iter().map(|(_, known)| (&known.what, &known.summary));
        // Approvals of other versions can never count; they are in the log, and the latest of all is in `since`.
        let standings = self.weigh(said, subjects, |heard, locked| heard.weigh_version(locked, now));
        let judged = locks.iter().zip(standings).map(|((digest, _), standing)| {
            let until = turning(&standing, &self.signers, now);
            (*digest, Judged { standing: Arc::new(standing), next, until })
        });
        judged.collect()
    }

    fn weigh<'l>(
        &self,
        said: Vec<(Line, Statement)>,
        locks: impl Iterator<Item = (&'l Approved, &'l Summary)>,
        weigh: impl Fn(&Heard<'_>, Locked<'_>) -> Standing,
    ) -> Vec<Standing> {
        let (lines, statements): (Vec<Line>, Vec<Statement>) = said.into_iter().unzip();
        let sources = [Source { import: None, statements: lines.iter().zip(statements).collect() }];
        let heard = Heard::new(&sources, &self.signers);
        let locked = |(what, summary)| Locked { what, summary, rules: self.rules, required: self.required };
        locks.map(|lock| weigh(&heard, locked(lock))).collect()
    }
}

/// What entries say. One that cannot be read counts for nothing: it was read before it was appended.
fn said(rows: Vec<EntryRow>) -> Vec<(Line, Statement)> {
    let read = |row: EntryRow| {
        let parsed = Envelope::parse(&row.line).map_err(|error| error.to_string()).and_then(|envelope| {
            let statement = Statement::parse(envelope.payload()).map_err(|error| error.to_string())?;
            Ok((Line { number: usize::try_from(row.seq).unwrap_or(usize::MAX).saturating_add(1), envelope }, statement))
        });
        parsed
            .inspect_err(|why| {
                tracing::error!(seq = row.seq, why, "an entry of the log cannot be read; it counts for nothing")
            })
            .ok()
    };
    rows.into_iter().filter_map(read).collect()
}

/// How much of the work is done at once.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Work that would hold up requests.
async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::bug(&error))
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
                    self.call(digest, file);
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

    fn call(&mut self, digest: Digest, file: &FileRef) {
        let first = self.by_digest.entry(digest).or_insert_with(|| file.clone());
        let same = |other: &FileRef| other.file == file.file && other.package == file.package;
        if same(first) {
            return;
        }
        let others = self.also.entry(digest).or_default();
        if !others.iter().any(same) {
            others.push(file.clone());
        }
    }
}

type Arrived = HashMap<Digest, (Digest, Digest, u64)>;

/// What arrived, by both of its digests.
async fn arrived(db: &Db) -> Result<Arrived, ApiError> {
    let mut all = HashMap::new();
    for row in artifacts::all(db).await? {
        let digests = (Digest::sha256_from_hex(&row.sha256), Digest::sha512_from_hex(&row.sha512));
        let (Ok(sha256), Ok(sha512)) = digests else {
            tracing::error!(file = %escape(&row.sha256), "a row of `artifacts` cannot be read; it is left out");
            continue;
        };
        let value = (sha256, sha512, u64::try_from(row.size).unwrap_or_default());
        all.insert(sha256, value);
        all.insert(sha512, value);
    }
    Ok(all)
}

fn shorten(text: &str) -> Result<Known, String> {
    let lock = Lock::parse(text, "pushed lock").map_err(|error| error.to_string())?;
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
        bytes: text.len(),
    })
}

fn release(
    lock: Digest,
    known: &Known,
    standing: Arc<Standing>,
    arrived: &Arrived,
    pushed_at: Timestamp,
    row: locks::LockRow,
) -> Release {
    let files: Vec<FileRef> = known
        .files
        .iter()
        .map(|(package, file, pinned, size)| {
            // A lock that pins one digest of these bytes and another of others names a file that does not exist.
            let agrees =
                |(sha256, sha512, _): &&(Digest, Digest, u64)| pinned.agrees(&[*sha256, *sha512].into_iter().collect());
            let found = pinned.strongest().and_then(|digest| arrived.get(&digest)).filter(agrees);
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
        (false, _) if ended(&standing, &known.what).next().is_some() => Status::Withdrawn,
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
        pushed_at,
        pushed_by: row.pushed_by,
        requested: row.requested != 0,
        reason: row.reason,
        bytes: known.bytes,
    }
}

/// When time alone may change a judgement: an approval expires, one from the future becomes valid, or a key stops being believed.
fn turning(standing: &Standing, signers: &Signers, now: Timestamp) -> Option<Timestamp> {
    /// How far a signer's clock may be ahead (`mcpsec_verify::approval`), in seconds.
    const AHEAD: i64 = 3600;
    let later = |seconds: i64| Timestamp::from_second(seconds).ok().filter(|moment| *moment > now);
    let approvals = standing.approvals.iter().flat_map(|one| {
        [later(one.approval.expires.as_second()), later(one.approval.issued.as_second().saturating_sub(AHEAD))]
    });
    let keys = signers.signers.iter().filter_map(|signer| signer.revoked.as_ref()).map(|withdrawn| {
        let start = withdrawn.date.in_tz("UTC").ok()?;
        later(start.timestamp().as_second())
    });
    approvals.chain(keys).flatten().min()
}

/// Why approvals of exactly this, which held once, hold no longer; in the order of the log.
pub fn ended<'a>(standing: &'a Standing, what: &'a Approved) -> impl Iterator<Item = &'a Refusal> {
    standing.approvals.iter().filter(|one| one.approval.what.differences(what).is_empty()).filter_map(|one| {
        let refusal = one.counts.as_ref().err()?;
        // A key that nobody has now was somebody's when its statement was let in: it was taken out of mcp-signers since.
        matches!(refusal, Refusal::Expired(_) | Refusal::Revoked { .. } | Refusal::Key(_) | Refusal::Unknown(_))
            .then_some(refusal)
    })
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A judgement that is kept must not outlive the key it rests on.
    #[test]
    fn a_judgement_ends_on_the_day_a_key_stops_being_believed() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFhmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZm";
        let text = format!(
            "[[signer]]\nname = \"ada\"\nkey = \"{key}\"\nrevoked = {{ date = 2026-10-01, reason = \"laptop lost\" }}\n"
        );
        let signers = Signers::parse(&text, "mcp-signers").expect("signers");
        let standing = Standing { approvals: Vec::new(), needs: Vec::new(), since: None };
        let turns = |now: &str| turning(&standing, &signers, now.parse().expect(now)).map(|at| at.to_string());
        assert_eq!(turns("2026-09-30T23:59:59Z").as_deref(), Some("2026-10-01T00:00:00Z"));
        assert_eq!(turns("2026-10-01T00:00:00Z"), None, "that day has come");
        assert_eq!(turning(&standing, &Signers::nobody(), Timestamp::UNIX_EPOCH), None);
    }
}
