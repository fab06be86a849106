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
    text::escape,
    time::Timestamp,
};
use mcpsec_verify::approval::{Locked, Refusal, Source, Standing, weigh};
use smol_str::SmolStr;

use super::{Brief, Catalog, FileRef, Release, Status, variants};
use crate::{
    db::{Db, artifacts, entries, locks},
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
    weighed: HashMap<Digest, Judged>,
    edition: u64,
    /// Whether something that no generation counts makes the last catalog wrong.
    outdated: bool,
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

/// The statements about one server.
#[derive(Debug, Default)]
struct Said {
    next: i64,
    lines: Vec<(Line, Statement)>,
}

impl Builder {
    /// For these signers and this number of people. `rules`: the policy that criteria with `same-policy` are held against.
    pub fn new(signers: Arc<Signers>, rules: RulesId, required: u32) -> Self {
        Self {
            signers,
            rules,
            required,
            known: HashMap::new(),
            said: HashMap::new(),
            weighed: HashMap::new(),
            edition: 0,
            outdated: false,
        }
    }

    /// Judges by other signers from now on.
    pub(super) fn judge_by(&mut self, signers: Arc<Signers>) {
        self.signers = signers;
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
        let mut catalog = Catalog { generation, edition: self.edition + 1, ..Catalog::default() };
        let mut releases = Vec::new();
        for row in locks::all(db).await? {
            // One row that cannot be read must not keep a revocation of another from being seen.
            let (Ok(digest), Ok(pushed_at)) = (row.digest.parse::<Digest>(), Timestamp::from_second(row.pushed_at))
            else {
                tracing::error!(lock = %escape(&row.digest), "a row of `locks` cannot be read; it is left out");
                continue;
            };
            let Some(known) = self.known(db, &digest).await? else { continue };
            let (standing, until) = self.judged(db, digest, &known, now).await?;
            catalog.until = earliest(catalog.until, until);
            releases.push(release(digest, &known, standing, &arrived, pushed_at, row));
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
    pub(super) async fn standing_of(&mut self, db: &Db, lock: &Lock, now: Timestamp) -> Result<Standing, ApiError> {
        let Some(server) = lock.servers.values().next() else {
            return Err(ApiError::refused("the lock has no server"));
        };
        let (what, summary) = (Approved::of(lock, server), Summary::of(lock, server));
        self.listen(db, &what.server).await?;
        Ok(self.weigh(&what, &summary, now))
    }

    async fn judged(
        &mut self,
        db: &Db,
        digest: Digest,
        known: &Known,
        now: Timestamp,
    ) -> Result<(Arc<Standing>, Option<Timestamp>), ApiError> {
        let next = self.listen(db, &known.what.server).await?;
        if let Some(judged) = self.weighed.get(&digest)
            && judged.next == next
            && judged.until.is_none_or(|until| now < until)
        {
            return Ok((Arc::clone(&judged.standing), judged.until));
        }
        let standing = Arc::new(self.weigh(&known.what, &known.summary, now));
        let until = turning(&standing, &self.signers, now);
        self.weighed.insert(digest, Judged { standing: Arc::clone(&standing), next, until });
        Ok((standing, until))
    }

    fn weigh(&self, what: &Approved, summary: &Summary, now: Timestamp) -> Standing {
        let said = self.said.get(&what.server).map(|said| said.lines.as_slice()).unwrap_or_default();
        let statements = said.iter().map(|(line, statement)| (line, statement.clone())).collect();
        let locked = Locked { what, summary, rules: self.rules, required: self.required };
        weigh(&[Source { import: None, statements }], &self.signers, locked, now)
    }

    async fn known(&mut self, db: &Db, digest: &Digest) -> Result<Option<Arc<Known>>, ApiError> {
        if let Some(known) = self.known.get(digest) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(text) = locks::text(db, &digest.to_string()).await? else { return Ok(None) };
        let known = match shorten(&text) {
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

    /// Reads what was said about a server since the last time.
    async fn listen(&mut self, db: &Db, server: &ServerName) -> Result<i64, ApiError> {
        let next = self.said.get(server).map_or(0, |said| said.next);
        let rows = entries::about(db, server.as_str(), next).await?;
        if rows.is_empty() {
            // Nothing is kept of servers that nobody said anything about: whoever may push can name any number of them.
            return Ok(next);
        }
        let said = self.said.entry(server.clone()).or_default();
        for row in rows {
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
        Ok(said.next)
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
