//! The log of the team's registry, as commands see it: what is known of it, how current that is, and whether it is believed.
//!
//! ```text
//! [team] of mcp.toml, [team] of mcp.lock, this machine -> which key, and what was seen before
//! fetch::team (bytes) -> sync -> verify::approval::{log, history} (judgement) -> the copy in the store
//! the copy -> statements about one server -> weighed by mcp-signers, beside those of the file
//! ```
//!
//! The registry is never the root of trust: approvals count by the keys of mcp-signers. What the log adds is that nothing can be held
//! back, taken out or shown to one person only without a command saying so, with exit code 1.
mod examine;
mod offer;
mod read;
mod sync;

use mcpsec_fetch::{
    http::Network,
    team::{Copies, Copy, Kept, LogClient, TeamError, Topic},
};
use mcpsec_model::{
    approval::{Envelope, Line, Statement, head::Head},
    config::Config,
    lock::Lock,
    name::ServerName,
    team::{Team, TeamKey, TeamPin, TeamUrl},
    time::Timestamp,
};
use mcpsec_verify::approval::{
    history::{Before, LogRefusal, Witness, check_past},
    log::{Hashes, LogKey, leaf_hash, open_head, root_of, stored_count},
};

pub(super) use examine::examine;
pub(super) use offer::{check_destination, deliver, export, import};

use crate::{error::CommandError, project::Project, settings::Settings, ui::Ui};

/// Where a token for the registry comes from.
const TOKEN: &str = "MCPSEC_TEAM_TOKEN";
const UPDATE: &str = "mcpsec approvals --update";
/// What to do about a copy that is not what it was.
pub(super) const ANEW: &str = "mcpsec approvals --update looks at every entry again, and fetches what is wrong";

/// What a command knows of the log.
pub(super) struct TeamLog {
    pub(super) registry: TeamUrl,
    pub(super) state: State,
    key: Option<TeamKey>,
    copy: Option<Copy>,
    /// Of the copy.
    head: Option<Head>,
}

/// How much what is known of a log can be relied on.
pub(super) enum State {
    /// The registry was asked just now.
    Current,
    /// It was not asked, or did not answer: this is what was known before.
    Old { why: String, expired: bool, hint: Option<String> },
    /// Nothing is known.
    Absent { why: String, hint: Option<String> },
    /// It lies.
    Refused { why: String, hint: String },
}

/// Whether to ask the registry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Unless `--offline`.
    Registry,
    /// The same, and another log than the one in mcp.lock is taken where mcp.toml names it; all entries are hashed again.
    Anew,
}

/// The hashes of a copy, or of nothing.
struct Earlier<'c>(Option<&'c Copy>);

impl Hashes for Earlier<'_> {
    fn read(&self, indexes: &[u64]) -> Option<Vec<[u8; 32]>> {
        self.0.map_or_else(|| indexes.is_empty().then(Vec::new), |copy| copy.hashes(indexes))
    }
}

/// Looks at the log of the team, and says on standard error what is worth to know. `None` without `[team]`.
pub(super) async fn look(
    settings: &Settings,
    config: &Config,
    lock: &Lock,
    ask: Ask,
) -> Result<Option<TeamLog>, CommandError> {
    let Some(team) = &config.team else { return Ok(forsaken(lock)) };
    let copies = Copies::new(&settings.store);
    let log = match client(settings, team)? {
        None => known(team, lock, &copies, settings.now, Unasked::offline()),
        Some(client) => sync::look(settings, team, lock, &copies, &client, ask).await?,
    };
    log.tell(settings, lock);
    Ok(Some(log))
}

/// Before the lock is written: how far the log is seen now, where the policy asks for approvals. Nothing is written while it lies.
pub(super) async fn before_writing(
    settings: &Settings,
    project: &Project,
    config: &Config,
) -> Result<Option<TeamPin>, CommandError> {
    if config.policy.approvals.required == 0 {
        return Ok(None);
    }
    let lock = project.lock()?.unwrap_or_else(Lock::empty);
    let Some(log) = look(settings, config, &lock, Ask::Registry).await? else { return Ok(None) };
    log.check()?;
    Ok(log.pin())
}

/// After something was sent: what was added is seen, and pinned for everybody.
pub(super) async fn settle(
    settings: &Settings,
    project: &Project,
    config: &Config,
) -> Result<Option<TeamLog>, CommandError> {
    let lock = project.lock()?.unwrap_or_else(Lock::empty);
    let log = look(settings, config, &lock, Ask::Registry).await?;
    if let Some(pin) = log.as_ref().and_then(TeamLog::pin) {
        super::commit::pin_team(settings, project, pin, false)?;
    }
    Ok(log)
}

/// What is known of the log without asking the registry.
pub(super) fn look_offline(settings: &Settings, config: &Config, lock: &Lock) -> Option<TeamLog> {
    let Some(team) = &config.team else { return forsaken(lock) };
    Some(known(team, lock, &Copies::new(&settings.store), settings.now, Unasked::offline()))
}

/// mcp.lock pins a log, and mcp.toml names none any more: whatever was revoked in it would count again without a word. `None` where
/// there never was one.
fn forsaken(lock: &Lock) -> Option<TeamLog> {
    let registry = lock.team.as_ref()?.registry.clone();
    let why =
        "mcp.lock pins this log, and mcp.toml names no registry of a team: what was revoked there would count again"
            .to_owned();
    let hint = format!(
        "put [team] with registry = \"{registry}\" back into mcp.toml; a team that gave its log up takes [team] out of mcp.lock as \
         well, under the same review"
    );
    Some(TeamLog { registry, state: State::Refused { why, hint }, key: None, copy: None, head: None })
}

/// Who asks the registry; `None` with `--offline`.
fn client(settings: &Settings, team: &Team) -> Result<Option<LogClient>, CommandError> {
    if settings.offline {
        return Ok(None);
    }
    let network = Network::new(super::sources::http_options(settings.retries)).map_err(CommandError::incomplete)?;
    Ok(Some(LogClient::new(network, team.registry.clone(), settings.team_token(&team.registry))))
}

/// Why the registry was not asked, or did not answer.
struct Unasked {
    why: String,
    hint: Option<String>,
}

impl Unasked {
    fn offline() -> Self {
        Self { why: "it was not asked".to_owned(), hint: Some("run once without --offline".to_owned()) }
    }

    fn by(error: &TeamError) -> Self {
        use mcpsec_fetch::http::HttpError;
        let hint = match error {
            TeamError::Http(HttpError::Unauthorized { .. }) => {
                Some(format!("set {TOKEN} to a token of the registry with the scope `read`"))
            }
            TeamError::Refused { hint, .. } => hint.clone(),
            TeamError::Busy { .. } => Some("once more, when the other one is done".to_owned()),
            _ => None,
        };
        Self { why: error.to_string(), hint }
    }
}

/// Which key the log must have, as far as that is known without asking: mcp.toml, then mcp.lock, then this machine.
fn expected_key(team: &Team, lock: &Lock, copies: &Copies) -> Option<(TeamKey, Witness)> {
    let pinned = lock.team.as_ref().map(|pin| pin.key.clone());
    let reviewed = team.key.clone().or(pinned).map(|key| (key, Witness::Lock));
    reviewed.or_else(|| Some((copies.first_key(&team.registry)?, Witness::Machine)))
}

/// mcp.toml and mcp.lock name different logs.
fn contradiction(team: &Team, lock: &Lock) -> Option<State> {
    let (wanted, pin) = (team.key.as_ref()?, lock.team.as_ref()?);
    (*wanted != pin.key).then(|| State::Refused {
        why: format!("mcp.toml names the log {wanted}, and mcp.lock pins the log {}", pin.key),
        hint: format!("if the team moved to another log, {UPDATE} pins the new one"),
    })
}

/// What mcp.lock says was seen of the log.
fn pinned(lock: &Lock) -> Option<Before> {
    let pin = lock.team.as_ref()?;
    Some(Before { by: Witness::Lock, size: pin.size, root: pin.root })
}

fn log_key(key: &TeamKey) -> Result<LogKey, CommandError> {
    LogKey::parse(key.as_str()).map_err(|error| CommandError::bug(format!("the key of a log: {error}")))
}

/// What this machine has of the log.
fn known(team: &Team, lock: &Lock, copies: &Copies, now: Timestamp, unasked: Unasked) -> TeamLog {
    let Unasked { why, hint } = unasked;
    let key = expected_key(team, lock, copies).map(|(key, _)| key);
    let bare = |state| TeamLog { registry: team.registry.clone(), state, key: key.clone(), copy: None, head: None };
    if let Some(state) = contradiction(team, lock) {
        return bare(state);
    }
    let absent = |why: String| bare(State::Absent { why, hint: hint.clone() });
    let Some(found) = key.as_ref() else { return absent(format!("{why}, and this machine has never seen it")) };
    let Some((copy, head)) = verified(copies, found) else {
        return absent(format!("{why}, and this machine has no copy of it"));
    };
    if let Some(before) = pinned(lock) {
        if copy.size() < before.size {
            let (have, pinned) = (copy.size(), before.size);
            return absent(format!("{why}, and mcp.lock pins {pinned} entries of which this machine has {have}"));
        }
        if let Err(refusal) = check_past(copy.size(), &Earlier(Some(&copy)), &[before]) {
            // A disk that forgot a hash looks like a fork.
            return match sync::is_whole(&copy) {
                Ok(true) => bare(refused(&refusal)),
                _ => absent(format!("{why}, and the copy on this machine is broken")),
            };
        }
    }
    let expired = now >= head.expires;
    let state = State::Old { why, expired, hint: hint.clone() };
    TeamLog { registry: team.registry.clone(), state, key, copy: Some(copy), head: Some(head) }
}

/// A copy whose hashes make the root of its own head, which its key signed.
fn verified(copies: &Copies, key: &TeamKey) -> Option<(Copy, Head)> {
    let copy = copies.open(key)?;
    let head = open_head(&copy.kept().head, &LogKey::parse(key.as_str()).ok()?).ok()?;
    let whole = head.size == copy.size() && root_of(head.size, &Earlier(Some(&copy))) == Ok(head.root);
    if !whole {
        tracing::warn!("the copy of the team's log does not make the root of its head; it is fetched again");
    }
    whole.then_some((copy, head))
}

fn refused(refusal: &LogRefusal) -> State {
    State::Refused { why: refusal.to_string(), hint: refusal.hint().to_owned() }
}

impl TeamLog {
    /// How far it was seen: what mcp.lock should hold. `None` when nothing of it is believed.
    pub(super) fn pin(&self) -> Option<TeamPin> {
        let (key, head) = (self.key.clone()?, self.head.as_ref()?);
        Some(TeamPin { registry: self.registry.clone(), key, size: head.size, root: head.root })
    }

    /// An error where the log lies, for commands that write.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        match &self.state {
            State::Refused { why, hint } => {
                Err(CommandError::denied(format!("the log of {}: {why}", self.registry)).hint(hint))
            }
            State::Current | State::Old { .. } | State::Absent { .. } => Ok(()),
        }
    }

    /// How old what is known is; `None` when it is current, or nothing.
    pub(super) fn as_of(&self, now: Timestamp) -> Option<String> {
        let State::Old { why, expired, .. } = &self.state else { return None };
        let kept = self.copy.as_ref()?.kept();
        let over = if *expired { ", and its head expired" } else { "" };
        Some(format!("as of entry {} of the team's log, seen {} ago{over} ({why})", kept.size, age(&kept, now)))
    }

    /// When the registry was last asked and answered.
    pub(super) fn seen(&self) -> Option<Kept> {
        Some(self.copy.as_ref()?.kept())
    }

    /// The statements about one server, each with its line; lines count from 1.
    ///
    /// # Errors
    /// The copy is not what was verified.
    pub(super) fn about(&self, server: &ServerName) -> Result<Vec<(Line, Statement)>, TeamError> {
        let Some(copy) = &self.copy else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (entry, line) in copy.about(Topic::of(server))? {
            let (envelope, statement) = checked(copy, entry, &line)?;
            if statement.server() == server {
                found.push((
                    Line { number: usize::try_from(entry).unwrap_or(usize::MAX).saturating_add(1), envelope },
                    statement,
                ));
            }
        }
        Ok(found)
    }

    /// Every entry whose id starts like this. Reads all of the log.
    ///
    /// # Errors
    /// The copy is not what was verified.
    pub(super) fn with_id(&self, is_id: impl Fn(&Envelope) -> bool) -> Result<Vec<(Line, Statement)>, TeamError> {
        let Some(copy) = &self.copy else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mut entry = 0;
        while entry < copy.size() {
            for line in copy.lines(entry, CHUNK)?.split_inclusive(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let (envelope, statement) = checked(copy, entry, line)?;
                entry += 1;
                if is_id(&envelope) {
                    let number = usize::try_from(entry).unwrap_or(usize::MAX);
                    found.push((Line { number, envelope }, statement));
                }
            }
        }
        Ok(found)
    }

    /// Says once in the life of a command what is worth to know.
    fn tell(&self, settings: &Settings, lock: &Lock) {
        let ui = Ui::new(false, settings.verbosity);
        let (warning, text) = match (&self.state, &lock.team, &self.key) {
            (State::Current, None, Some(key)) => {
                let key = format!("the log of {} has the key {key}", self.registry);
                (false, format!("first seen: {key}; the next command that writes mcp.lock pins it, or {UPDATE}"))
            }
            (State::Current | State::Refused { .. }, ..) => return,
            (State::Old { .. }, ..) => (true, format!("approvals {}", self.as_of(settings.now).unwrap_or_default())),
            (State::Absent { why, .. }, ..) => (true, format!("the log of {} was not looked at: {why}", self.registry)),
        };
        // A command looks more than once: before, while it verifies, and after.
        if settings.said.first(&text) {
            if warning { ui.warn(&text) } else { ui.note(&text) }
        }
    }
}

/// How many entries are read at once when all are.
const CHUNK: u64 = 1000;

/// An entry of a copy, whose bytes must still be those that were verified.
fn checked(copy: &Copy, entry: u64, line: &[u8]) -> Result<(Envelope, Statement), TeamError> {
    let changed = || copy.changed(entry);
    let index = stored_count(entry).map_err(|_| changed())?;
    if copy.hashes(&[index]) != Some(vec![leaf_hash(line)]) {
        return Err(changed());
    }
    let text = std::str::from_utf8(line).map_err(|_| changed())?;
    let envelope = Envelope::parse(text).map_err(|_| changed())?;
    let statement = Statement::parse(envelope.payload()).map_err(|_| changed())?;
    Ok((envelope, statement))
}

/// `3 days`, `2 hours`, `5 minutes`.
fn age(kept: &Kept, now: Timestamp) -> String {
    let seconds = (now.as_second() - kept.seen.as_second()).max(0);
    let shown = |count: i64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match seconds {
        ..3600 => shown(seconds / 60, "minute"),
        3600..172_800 => shown(seconds / 3600, "hour"),
        _ => shown(seconds / 86_400, "day"),
    }
}
