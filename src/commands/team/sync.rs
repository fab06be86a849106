//! Asks the registry for its newest head and the entries that are new, judges them, and keeps what holds.
use std::sync::Arc;

use mcpsec_fetch::team::{Copies, Copy, LogClient, MAX_ENTRIES, TeamError, Writer};
use mcpsec_model::{
    approval::head::Head,
    lock::Lock,
    team::{Team, TeamKey},
    time::Timestamp,
};
use mcpsec_verify::approval::{
    history::{Before, Growth, LogRefusal, Witness, check_forward, check_once, check_past},
    log::{LogKey, Tree, check_consistency, check_head, leaf_hash, open_head, stored_count},
};

use super::{
    Ask, CHUNK, Earlier, State, TeamLog, Unasked, contradiction, expected_key, known, log_key, pinned, read, refused,
    verified,
};
use crate::{error::CommandError, settings::Settings};

/// How long what was seen counts as just seen, in seconds: within it nothing is written when nothing is new.
const RECENT: i64 = 600;

/// Why the log is not current now.
enum Trouble {
    /// It lies.
    Refused(LogRefusal),
    /// It could not be asked, or its answer was no answer.
    Unanswered(TeamError),
    /// This machine.
    Failed(CommandError),
}

impl From<LogRefusal> for Trouble {
    fn from(refusal: LogRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<TeamError> for Trouble {
    fn from(error: TeamError) -> Self {
        match error {
            TeamError::Io { .. } | TeamError::Changed { .. } => Self::Failed(CommandError::usage(error)),
            _ => Self::Unanswered(error),
        }
    }
}

/// The log as it is now, or as it was known when the registry cannot be asked.
pub(super) async fn look(
    settings: &Settings,
    team: &Team,
    lock: &Lock,
    copies: &Copies,
    client: &LogClient,
    ask: Ask,
) -> Result<TeamLog, CommandError> {
    let bare = |state, key| TeamLog { registry: team.registry.clone(), state, key, copy: None, head: None };
    if ask == Ask::Registry
        && let Some(state) = contradiction(team, lock)
    {
        return Ok(bare(state, team.key.clone()));
    }
    let key = match first_key(team, lock, copies, client).await {
        Ok(key) => key,
        Err(error) => return Ok(known(team, lock, copies, settings.now, Unasked::by(&error))),
    };
    let syncing = Syncing { copies, client, key: &key, log_key: log_key(&key)?, now: settings.now };
    match syncing.sync(pinned(lock, &key), ask).await {
        Ok(()) => {}
        Err(Trouble::Refused(refusal)) => return Ok(bare(refused(&refusal), Some(key))),
        Err(Trouble::Failed(error)) => return Err(error),
        Err(Trouble::Unanswered(error)) => return Ok(known(team, lock, copies, settings.now, Unasked::by(&error))),
    }
    copies.remember_key(&team.registry, &key).map_err(CommandError::usage)?;
    let (copy, head) = verified(copies, &key)
        .ok_or_else(|| CommandError::incomplete("the copy of the team's log was changed while it was read"))?;
    let registry = team.registry.clone();
    Ok(TeamLog { registry, state: State::Current, key: Some(key), copy: Some(copy), head: Some(head) })
}

/// The key that heads must be signed with. Only where nobody has ever seen one the registry is asked for it.
async fn first_key(team: &Team, lock: &Lock, copies: &Copies, client: &LogClient) -> Result<TeamKey, TeamError> {
    if let Some((key, _)) = expected_key(team, lock, copies) {
        return Ok(key);
    }
    let text = client.key().await?;
    text.parse().map_err(|error: mcpsec_model::team::TeamKeyError| TeamError::Garbage {
        url: client.registry().below("api/v1/log-key"),
        expected: "the key of a log",
        reason: error.to_string(),
    })
}

struct Syncing<'a> {
    copies: &'a Copies,
    client: &'a LogClient,
    key: &'a TeamKey,
    log_key: LogKey,
    now: Timestamp,
}

impl Syncing<'_> {
    async fn sync(&self, pin: Option<Before>, ask: Ask) -> Result<(), Trouble> {
        let note = self.client.head().await?;
        let head = check_head(&note, &self.log_key, self.now).map_err(LogRefusal::from)?;
        let before = self.before(pin);
        check_forward(&head, &before)?;
        if head.size > MAX_ENTRIES {
            let (url, limit) = (self.client.registry().below("api/v1/approvals"), format!("{MAX_ENTRIES} entries"));
            return Err(TeamError::TooMuch { url, limit }.into());
        }
        if ask == Ask::Registry && self.is_here(&head, &note, &before) {
            return Ok(());
        }
        let (copies, key) = (self.copies.clone(), self.key.clone());
        let writer = blocking(move || copies.writer(&key)).await??;
        self.extend(writer, &head, &note, pin, ask).await
    }

    /// What was seen before: by whoever wrote mcp.lock, and by this machine.
    fn before(&self, pin: Option<Before>) -> Vec<Before> {
        let kept = self.copies.remembered(self.key);
        let head = kept.and_then(|kept| open_head(&kept.head, &self.log_key).ok());
        let machine = head.map(|head| Before { by: Witness::Machine, size: head.size, root: head.root });
        pin.into_iter().chain(machine).collect()
    }

    /// Whether all entries of a head are here, and the head was seen a moment ago.
    fn is_here(&self, head: &Head, note: &str, before: &[Before]) -> bool {
        let Some((copy, _)) = verified(self.copies, self.key).filter(|(copy, _)| copy.size() == head.size) else {
            return false;
        };
        let kept = copy.kept();
        check_past(copy.size(), &Earlier(Some(&copy)), before).is_ok()
            && kept.head == note
            && self.now.as_second() - kept.seen.as_second() < RECENT
    }

    /// Fetches what is missing, under the lock of the copy.
    async fn extend(
        &self,
        mut writer: Writer,
        head: &Head,
        note: &str,
        pin: Option<Before>,
        ask: Ask,
    ) -> Result<(), Trouble> {
        // Another process may have been here meanwhile.
        let before = self.before(pin);
        let here = verified(self.copies, self.key).map(|(copy, _)| copy);
        let good = match &here {
            // A disk that forgot a hash looks like a fork: that is told apart first.
            Some(copy) if ask == Ask::Anew || check_past(copy.size(), &Earlier(Some(copy)), &before).is_err() => {
                is_whole(copy)?
            }
            Some(_) => true,
            None => false,
        };
        if !good {
            writer.restart()?;
        }
        if writer.size() > head.size {
            // It saw a newer head than we did, of the same log.
            return Ok(());
        }
        let mut leaves = Vec::new();
        let mut entries = self.client.entries(writer.size(), head.size);
        let mut next = entries.next().await?;
        while let Some(block) = next {
            let (first, shared) = (writer.size() + leaves.len() as u64, Arc::new(block));
            let block = Arc::clone(&shared);
            let (read, following) = tokio::join!(blocking(move || read::block(&shared, first)), entries.next());
            let read = read??;
            writer.stage(&block, &read.topics)?;
            leaves.extend(read.leaves);
            next = following?;
        }
        let hashes = {
            let earlier = Earlier(writer.copy());
            let mut growth = Growth::after(writer.size(), &earlier).map_err(CommandError::bug)?;
            for leaf in &leaves {
                growth.push(*leaf).map_err(CommandError::incomplete)?;
            }
            if let Err(refusal) = growth.check(head) {
                return Err(self.why_not(refusal, head, &before).await.into());
            }
            check_past(growth.size(), &growth, &before)?;
            growth.into_hashes()
        };
        if !leaves.is_empty() {
            check_once(&old_leaves(&writer)?, &leaves)?;
        }
        let (note, now) = (self.later(head, note, &writer), self.now);
        blocking(move || writer.commit(&hashes, &note, now)).await??;
        Ok(())
    }

    /// Replicas sign heads of their own: of two for the same entries the one that holds longer is kept.
    fn later(&self, head: &Head, note: &str, writer: &Writer) -> String {
        let kept = writer.remembered().map(|kept| kept.head.clone()).unwrap_or_default();
        match open_head(&kept, &self.log_key) {
            Ok(old) if old.size == head.size && old.expires > head.expires => kept,
            _ => note.to_owned(),
        }
    }

    /// The entries do not make the root: because they are wrong, or because what was seen before is no beginning of this log? A
    /// registry that has grown a log can prove it without its entries.
    async fn why_not(&self, refusal: LogRefusal, head: &Head, before: &[Before]) -> LogRefusal {
        for seen in before.iter().filter(|seen| seen.size > 0 && seen.size < head.size) {
            let Ok(proof) = self.client.consistency(seen.size, head.size).await else { continue };
            if check_consistency(seen.size, seen.root, head.size, head.root, &proof).is_err() {
                return LogRefusal::Fork { by: seen.by, size: seen.size };
            }
        }
        refusal
    }
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        Self::Failed(error)
    }
}

/// The leaves of the entries that are there already.
fn old_leaves(writer: &Writer) -> Result<Vec<[u8; 32]>, Trouble> {
    let Some(copy) = writer.copy() else { return Ok(Vec::new()) };
    let hashes = copy.all_hashes()?;
    let leaf = |entry| hashes.get(usize::try_from(stored_count(entry).ok()?).ok()?).copied();
    let leaves: Option<Vec<_>> = (0..writer.size()).map(leaf).collect();
    leaves.ok_or_else(|| CommandError::bug("the copy of the team's log lacks hashes").into())
}

/// Whether every entry and every hash is still what was verified: all of them are made again.
pub(super) fn is_whole(copy: &Copy) -> Result<bool, TeamError> {
    let mut tree = Tree::default();
    while tree.size() < copy.size() {
        let lines = copy.lines(tree.size(), CHUNK)?;
        let before = tree.size();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            tree.push(leaf_hash(line.strip_suffix(b"\n").unwrap_or(line)));
        }
        if tree.size() == before {
            return Ok(false);
        }
    }
    Ok(tree.hashes() == copy.all_hashes()?)
}

/// Work that would hold up everything else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
    tokio::task::spawn_blocking(work).await.map_err(CommandError::bug)
}
