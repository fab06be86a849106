//! Approvals of one project, read once: mcp-signers, mcp-approvals.jsonl, the files of other teams. What `verify`, `approve`,
//! `revoke` and `approvals` share.
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use mcpsec_model::{
    approval::{
        Approvals, Approved, Envelope, FileError, Import, ImportSource, Line, MAX_FILE, RulesId, Signers, Statement,
        Summary, rules_id,
    },
    check::{Check, CheckResult, CheckStatus},
    config::Config,
    digest::Digest,
    lock::{Lock, LockedServer},
};
use mcpsec_verify::approval::{Locked, Source, Standing, weigh};

use super::{
    revoke::is_id,
    team::{self, Ask, State, TeamLog},
};
use crate::{error::CommandError, files, project::Project, settings::Settings};

/// The file of approvals, beside mcp.toml.
pub(super) const FILE: &str = "mcp-approvals.jsonl";
/// What a file of signers looks like.
fn shape(name: &str) -> String {
    format!(
        "write one: [[signer]] with name = \"YOU\" and key = \"the line of ~/.ssh/id_ed25519.pub\" (docs/approvals.md); then \
         commit {name}"
    )
}

/// Which of the weighed sources is the team's log.
pub(super) const LOGGED: usize = 1;
/// The file of signers, where mcp.toml names none.
const SIGNERS: &str = "mcp-signers";
const SIGNERS_LIMIT: u64 = 1 << 20;

/// Who approved what, before it is held against a server.
pub(super) struct Approving {
    required: u32,
    pub(super) signers: Signers,
    own: Result<Approvals, FileError>,
    imports: Vec<(usize, Result<Approvals, Absent>)>,
    rules: RulesId,
    /// The log of the team's registry, where mcp.toml names one.
    pub(super) team: Option<TeamLog>,
}

/// Why approvals of another team are not at hand.
pub(super) struct Absent {
    pub(super) why: String,
    pub(super) hint: Option<String>,
}

/// Why a server's standing cannot be told.
pub(super) enum Unread {
    /// The project's own file is refused.
    Own(FileError),
    /// A line of another team's is refused.
    Import(String),
    /// The copy of the team's log is not what was verified.
    Team(String),
}

impl Approving {
    /// Reads what there is. Without approvals in the policy nothing is read or asked, and `check` says `n/a`.
    pub(super) async fn for_policy(
        settings: &Settings,
        project: &Project,
        config: &Config,
        lock: &Lock,
    ) -> Result<Option<Self>, CommandError> {
        if config.policy.approvals.required == 0 {
            return Ok(None);
        }
        let team = team::look(settings, config, lock, Ask::Registry).await?;
        Self::load(settings, project, config, lock, team).map(Some)
    }

    /// The same without asking anybody.
    pub(super) fn for_policy_offline(
        settings: &Settings,
        project: &Project,
        config: &Config,
        lock: &Lock,
    ) -> Result<Option<Self>, CommandError> {
        if config.policy.approvals.required == 0 {
            return Ok(None);
        }
        let team = team::look_offline(settings, config, lock);
        Self::load(settings, project, config, lock, team).map(Some)
    }

    /// Reads what there is, whatever the policy asks for.
    pub(super) fn load(
        settings: &Settings,
        project: &Project,
        config: &Config,
        lock: &Lock,
        team: Option<TeamLog>,
    ) -> Result<Self, CommandError> {
        let approvals = &config.policy.approvals;
        let name = approvals.signers.as_deref().unwrap_or(SIGNERS);
        let path = project.folder().join(name);
        let text = files::read_text(&path, SIGNERS_LIMIT).map_err(|error| crate::error::io("read", &path, &error))?;
        let signers = match text {
            Some(text) => Signers::parse(&text, name).map_err(|error| CommandError::usage(error).hint(shape(name)))?,
            None => {
                let folder = project.folder().display();
                return Err(CommandError::usage(format!("{name}, whose approvals count, does not exist in {folder}"))
                    .hint(shape(name)));
            }
        };
        let own = read(&path_of(project), FILE)?;
        let of_import = |(index, import): (usize, &Import)| Ok((index, import_of(settings, project, lock, import)?));
        let imports = signers.imports.iter().enumerate().map(of_import).collect::<Result<_, CommandError>>()?;
        let rules = rules_id(project.policy_texts()?.iter().map(String::as_str));
        Ok(Self { required: approvals.required, signers, own, imports, rules, team })
    }

    /// The policy that approvals are given under now.
    pub(super) fn rules(&self) -> RulesId {
        self.rules
    }

    /// The project's own file, or why it is refused.
    pub(super) fn own(&self) -> Result<&Approvals, &FileError> {
        self.own.as_ref()
    }

    /// The statements of the team's log about a server, or with an id that starts like this.
    pub(super) fn logged(&self, what: &str) -> Result<Vec<(Line, Statement)>, CommandError> {
        let Some(team) = &self.team else { return Ok(Vec::new()) };
        let broken = |error| CommandError::incomplete(error).hint(team::ANEW);
        match what.parse() {
            Ok(server) => {
                let found = team.about(&server).map_err(broken)?;
                if found.is_empty() {
                    team.with_id(|envelope| is_id(what, envelope.id())).map_err(broken)
                } else {
                    Ok(found)
                }
            }
            Err(_) => team.with_id(|envelope| is_id(what, envelope.id())).map_err(broken),
        }
    }

    /// Imports that are not at hand, with their names.
    pub(super) fn absent(&self) -> Vec<(&Import, &Absent)> {
        let open = self.imports.iter();
        open.filter_map(|(index, file)| Some((self.signers.imports.get(*index)?, file.as_ref().err()?))).collect()
    }

    /// How one server stands.
    pub(super) fn standing(
        &self,
        lock: &Lock,
        server: &LockedServer,
        now: mcpsec_model::time::Timestamp,
    ) -> Result<Standing, Unread> {
        let own = self.own.as_ref().map_err(|error| Unread::Own(error.clone()))?;
        let statements = own.about(&server.name, FILE).map_err(Unread::Own)?;
        let logged = match &self.team {
            Some(team) => team.about(&server.name).map_err(|error| Unread::Team(error.to_string()))?,
            None => Vec::new(),
        };
        // The same line in both is one approval.
        let known: HashSet<&Envelope> = statements.iter().map(|(line, _)| &line.envelope).collect();
        let logged: Vec<(Line, Statement)> =
            logged.into_iter().filter(|(line, _)| !known.contains(&line.envelope)).collect();
        let logged = logged.iter().map(|(line, statement)| (line, statement.clone())).collect();
        let mut sources = vec![Source { import: None, statements }, Source { import: None, statements: logged }];
        for (index, file) in &self.imports {
            let (Some(import), Ok(file)) = (self.signers.imports.get(*index), file) else { continue };
            let name = format!("import {}", import.name);
            let statements = file.about(&server.name, &name).map_err(|error| Unread::Import(error.to_string()))?;
            sources.push(Source { import: Some(import), statements });
        }
        let (what, summary) = (Approved::of(lock, server), Summary::of(lock, server));
        let locked = Locked { what: &what, summary: &summary, rules: self.rules, required: self.required };
        Ok(weigh(&sources, &self.signers, locked, now))
    }

    /// The check `approval` of one server.
    pub(super) fn check(&self, lock: &Lock, server: &LockedServer, now: mcpsec_model::time::Timestamp) -> CheckResult {
        let name = server.name.as_str();
        let result = |status| CheckResult::new(Check::Approval, name, status);
        let standing = match self.standing(lock, server, now) {
            Ok(standing) => standing,
            Err(Unread::Own(error)) => return result(CheckStatus::Fail(error.to_string())).hint(error.hint()),
            Err(Unread::Import(why)) => return result(CheckStatus::Fail(why)),
            Err(Unread::Team(why)) => return result(CheckStatus::Unchecked(why)).hint(team::ANEW),
        };
        let check = match &self.team {
            // A log that lies is a no, whatever else could not be looked at.
            Some(team) if team.check().is_err() => return of_team(team, standing.check(name), now),
            Some(team) => of_team(team, standing.check(name), now),
            None => standing.check(name),
        };
        // What is missing may be in a file that is not here: that is not known, and not a no.
        match (check.status.reason(), self.absent().first()) {
            (Some(reason), Some((import, absent))) => {
                let why = format!("{reason}; approvals of `{}` could not be looked at: {}", import.name, absent.why);
                let mut open = result(CheckStatus::Unchecked(why));
                open.hint = absent.hint.clone().or(check.hint);
                open
            }
            _ => check,
        }
    }
}

/// What a check says when the state of the team's log is thought of: what is not current may lack a revocation or an approval.
fn of_team(team: &TeamLog, check: CheckResult, now: mcpsec_model::time::Timestamp) -> CheckResult {
    let (status, hint) = match (&team.state, check.status.reason()) {
        (State::Current, _) => return check,
        (State::Refused { why, hint }, _) => (CheckStatus::Fail(why.clone()), Some(hint.clone())),
        (State::Old { expired: false, .. }, None) => return check,
        (State::Absent { why, hint }, reason) => {
            let known = reason.map(|reason| format!("{reason}; ")).unwrap_or_default();
            let registry = &team.registry;
            (CheckStatus::Unchecked(format!("{known}the log of {registry} was not looked at: {why}")), hint.clone())
        }
        (State::Old { hint, .. }, reason) => {
            let known = reason.unwrap_or("as many people as the policy asks for, if nobody took it back since");
            let as_of = team.as_of(now).unwrap_or_default();
            (CheckStatus::Unchecked(format!("{known}; {as_of}")), hint.clone())
        }
    };
    let mut said = CheckResult::new(check.check, check.subject, status);
    said.hint = hint.or(check.hint);
    said
}

/// `n/a`: the policy asks for no approvals.
pub(super) fn not_asked(server: &str) -> CheckResult {
    CheckResult::new(Check::Approval, server, CheckStatus::NotApplicable)
}

fn path_of(project: &Project) -> PathBuf {
    project.folder().join(FILE)
}

/// Reads a file of approvals; one that is not there holds none.
fn read(path: &Path, name: &str) -> Result<Result<Approvals, FileError>, CommandError> {
    let text = files::read_text(path, MAX_FILE as u64).map_err(|error| crate::error::io("read", path, &error))?;
    Ok(Approvals::parse(text.as_deref().unwrap_or_default(), name))
}

/// Appends lines to the project's file of approvals: under the project's lock, whole or not at all. Two runs at once lose nothing.
pub(super) fn append(settings: &Settings, project: &Project, envelopes: &[Envelope]) -> Result<(), CommandError> {
    super::commit::exclusively(settings, project.folder(), || {
        let path = path_of(project);
        let text = files::read_text(&path, MAX_FILE as u64).map_err(|error| crate::error::io("read", &path, &error))?;
        let mut text = text.unwrap_or_default();
        for envelope in envelopes {
            text.push_str(&envelope.to_line());
            text.push('\n');
        }
        // What will be written must read back; a file that was broken before is not made longer.
        Approvals::parse(&text, FILE).map_err(|error| CommandError::usage(&error).hint(error.hint()))?;
        files::replace(&path, &text).map_err(|error| crate::error::io("write", &path, &error))?;
        Ok(())
    })
}

/// Another team's file: the path in the project, or the pinned copy in the store.
fn import_of(
    settings: &Settings,
    project: &Project,
    lock: &Lock,
    import: &Import,
) -> Result<Result<Approvals, Absent>, CommandError> {
    let absent = |why: String, hint: Option<String>| Ok(Err(Absent { why, hint }));
    let update = || Some("mcpsec approvals --update-imports".to_owned());
    let (path, pinned) = match &import.source {
        ImportSource::Path(path) => (project.folder().join(path.as_str()), import.sha256),
        ImportSource::Url(_) => {
            let Some(pin) = lock.imports.get(&import.name).copied() else {
                return absent("mcp.lock does not pin it yet".to_owned(), update());
            };
            if let Some(wanted) = import.sha256.filter(|wanted| *wanted != pin) {
                return absent(format!("mcp-signers asks for {wanted}, and mcp.lock pins {pin}"), update());
            }
            (copy_of(settings, &pin), Some(pin))
        }
    };
    let bytes = files::read_bytes(&path, MAX_FILE as u64).map_err(|error| crate::error::io("read", &path, &error))?;
    let Some(bytes) = bytes else {
        return match &import.source {
            ImportSource::Path(path) => absent(format!("{path} does not exist"), None),
            ImportSource::Url(_) => absent("its pinned copy is not in the store".to_owned(), update()),
        };
    };
    if let Some(pin) = pinned
        && Digest::sha256_of(&bytes) != pin
    {
        let found = Digest::sha256_of(&bytes);
        return absent(format!("it is {found}, and {pin} is pinned"), None);
    }
    let Ok(text) = String::from_utf8(bytes) else { return absent("it is not UTF-8".to_owned(), None) };
    Ok(Approvals::parse(&text, &format!("import {}", import.name))
        .map_err(|error| Absent { why: error.to_string(), hint: None }))
}

/// Where the store keeps a pinned copy.
pub(super) fn copy_of(settings: &Settings, pin: &Digest) -> PathBuf {
    settings.store.join("imports").join(pin.to_hex())
}
