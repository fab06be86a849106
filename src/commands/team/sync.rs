//! Asks the registry for its newest head and the entries that are new, judges them, and keeps what holds.
use std::{sync::Arc, time::Duration};

use mcpsec_fetch::team::{Copies, Copy, LogClient, MAX_ENTRIES, TeamError, Writer};
use mcpsec_model::{
    approval::head::Head,
    lock::Lock,
    team::{Team, TeamKey},
    time::Timestamp,
};
use mcpsec_verify::approval::{
    history::{Before, Growth, LogRefusal, Witness, check_forward, check_once, check_past},
    log::{LogKey, Tree, check_consistency, check_head, is_cosigned, leaf_hash, open_head, stored_count},
};

use super::{
    Ask, CHUNK, Earlier, State, TeamLog, UPDATE, Unasked, contradiction, expected_key, known, log_key, pinned, read,
    refused, verified,
};
use crate::{error::CommandError, settings::Settings, ui::Ui};

/// How long another process that fetches the log is waited for by whoever only wants to know.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same when the log itself is what was asked for.
const LONG_PATIENCE: Duration = Duration::from_secs(120);
/// A fetch of some new entries is over before anybody notices.
const AT_ONCE: Duration = Duration::from_millis(500);

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
    let syncing = Syncing { settings, copies, client, key: &key, log_key: log_key(&key)?, now: settings.now };
    // A log that changes its key goes on where it was: what was seen under the old key is held against it all the same.
    let former = copies.first_key(&team.registry).filter(|former| *former != key);
    let moved = former.is_some() || lock.team.as_ref().is_some_and(|pin| pin.key != key);
    let remembered = former.as_ref().and_then(|former| remembered(copies, former));
    let mut seen: Vec<Before> = pinned(lock).into_iter().collect();
    // What only this machine saw is given up when somebody here asks for that.
    seen.extend(remembered.filter(|_| ask == Ask::Registry));
    match syncing.sync(&seen, ask).await {
        Ok(()) => {}
        Err(Trouble::Refused(refusal)) => {
            let state = match refused(&refusal) {
                State::Refused { why, .. } if moved && refusal.is_of_the_past() => State::Refused {
                    why: format!("{why}; its key is another one than it was"),
                    hint: BEGUN_ANEW.to_owned(),
                },
                state => state,
            };
            return Ok(bare(state, Some(key)));
        }
        Err(Trouble::Failed(error)) => return Err(error),
        Err(Trouble::Unanswered(error)) => return Ok(known(team, lock, copies, settings.now, Unasked::by(&error))),
    }
    let (copy, head) = verified(copies, &key)
        .ok_or_else(|| CommandError::incomplete("the copy of the team's log was changed while it was read"))?;
    if let Some(seen) = remembered
        && check_past(copy.size(), &Earlier(Some(&copy)), &[seen]).is_err()
    {
        syncing.ui().warn(&format!(
            "the log of {} has another key and other entries than when this machine saw it last; that is believed from now on",
            team.registry
        ));
    }
    copies.remember_key(&team.registry, &key).map_err(CommandError::usage)?;
    syncing.tell_change(&copy.kept().head).await;
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

/// What to do about a log that has another key and does not go on where it was.
const BEGUN_ANEW: &str = "do not go on: ask whoever changed the key, and compare with a colleague's mcp.lock. If the team began a new log on \
                          purpose, take [team] out of mcp.lock, have that reviewed, then `mcpsec approvals --update`";

/// What this machine believed of a log under a key.
fn remembered(copies: &Copies, key: &TeamKey) -> Option<Before> {
    let head = open_head(&copies.remembered(key)?.head, &LogKey::parse(key.as_str()).ok()?).ok()?;
    Some(Before { by: Witness::Machine, size: head.size, root: head.root })
}

struct Syncing<'a> {
    settings: &'a Settings,
    copies: &'a Copies,
    client: &'a LogClient,
    key: &'a TeamKey,
    log_key: LogKey,
    now: Timestamp,
}

impl Syncing<'_> {
    fn ui(&self) -> Ui {
        Ui::new(false, self.settings.verbosity)
    }

    async fn sync(&self, seen: &[Before], ask: Ask) -> Result<(), Trouble> {
        let note = self.client.head().await?;
        let head = check_head(&note, &self.log_key, self.now).map_err(LogRefusal::from)?;
        let before = self.before(seen);
        check_forward(&head, &before)?;
        if head.size > MAX_ENTRIES {
            let (url, limit) = (self.client.registry().below("api/v1/approvals"), format!("{MAX_ENTRIES} entries"));
            return Err(TeamError::TooMuch { url, limit }.into());
        }
        if ask == Ask::Registry && self.is_here(&head, &note, &before) {
            return Ok(());
        }
        let writer = self.writer(if ask == Ask::Anew { LONG_PATIENCE } else { PATIENCE }).await?;
        self.extend(writer, &head, &note, seen, ask).await
    }

    /// The right to write to the copy. Another process that has it may be fetching a whole log: that is waited for a little, since it
    /// is likely what we want to know.
    async fn writer(&self, patience: Duration) -> Result<Writer, Trouble> {
        let take = |patience: Duration| {
            let (copies, key) = (self.copies.clone(), self.key.clone());
            blocking(move || copies.writer(&key, patience))
        };
        match take(AT_ONCE).await? {
            Err(TeamError::Busy { .. }) => {}
            writer => return Ok(writer?),
        }
        self.ui().note("another mcpsec is fetching the team's log; waiting for it");
        Ok(take(patience).await??)
    }

    /// What was seen before: by whoever wrote mcp.lock, and by this machine.
    fn before(&self, seen: &[Before]) -> Vec<Before> {
        seen.iter().copied().chain(remembered(self.copies, self.key)).collect()
    }

    /// Says that the log is about to change its key, once both keys really signed one head: so there is time to write the new one
    /// into mcp.toml. It is never taken from here: whoever stole the old key could name one of their own.
    async fn tell_change(&self, note: &str) {
        if !is_cosigned(note, &self.log_key) {
            return;
        }
        let Ok(next) = self.client.next_key().await else { return };
        let signed = LogKey::parse(&next).is_ok_and(|next| next != self.log_key && open_head(note, &next).is_ok());
        let text = format!(
            "the log of {} is about to change its key: {next} signs its heads as well. Once somebody you trust confirms it, put it into \
             [team] of mcp.toml as `key`, then {UPDATE}, and commit both",
            self.client.registry()
        );
        if signed && self.settings.said.first(&text) {
            self.ui().warn(&text);
        }
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
        seen: &[Before],
        ask: Ask,
    ) -> Result<(), Trouble> {
        // Another process may have been here meanwhile.
        let before = self.before(seen);
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
