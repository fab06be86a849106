//! `mcpsec push`: what is locked here goes to the team's registry, so that everyone gets it from there, also when the upstream is gone.
//!
//! Each server goes by itself: a lock of it alone, then the files that the registry lacks (all platforms: colleagues have other
//! machines), then what proves where they came from. Files are hashed here before they leave and there when they arrive. One server's
//! failure never hides another's.
use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt as _, stream};
use mcpsec_fetch::{
    http::HttpError,
    mirror::{
        MirrorError, TeamMirror,
        push::{Accepted, Sent},
    },
    progress::{Event, Progress as _},
    store::{Store, StoreError},
};
use mcpsec_model::{
    artifact::CheckedArtifact,
    check::CheckStatus,
    digest::Digest,
    lock::{Lock, LockedServer},
    name::ServerName,
    package::{Artifact, Package},
    team::Status,
    text::escape,
};
use serde_json::{Value, json};

use super::{
    artifacts, mirror,
    sources::{Sources, store_error},
};
use crate::{
    cli::{Format, PushArgs},
    error::{CommandError, Kind},
    exit::{self, Code},
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

/// Uploads at once: each holds a part of 8 MiB in memory at most.
const UPLOADS: usize = 6;
/// Small questions at once.
const QUESTIONS: usize = 16;

pub(super) async fn run(settings: &Settings, args: PushArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = project.config_or_starter()?;
    let lock = project.required_lock()?;
    let Some(team) = &config.team else {
        return Err(CommandError::usage("mcp.toml names no team registry")
            .hint("write [team] and registry = \"https://…\" into mcp.toml; docs/team.md says how to start one"));
    };
    if settings.offline {
        return Err(CommandError::incomplete("--offline: nothing can be pushed"));
    }
    if settings.team_token(&team.registry).is_none() && !args.dry_run {
        let (why, hint) = settings.no_team_token(&team.registry);
        return Err(CommandError::usage(why)
            .hint(hint)
            .hint("whoever runs the registry gives you a token with the scope push"));
    }
    let names = chosen(&args.names, &lock)?;
    let store = artifacts::open_store(settings)?;
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, &config, Arc::clone(&ui)).without_team();
    let Some(network) = sources.network()?.cloned() else {
        return Err(CommandError::bug("no network and not offline"));
    };
    let mirror = TeamMirror::new(network, team.registry.clone(), mirror::credentials(settings, &team.registry));
    let with = Pushing { args: &args, lock: &lock, store: &store, sources: &sources, mirror: &mirror };
    let mut all = Vec::new();
    for name in &names {
        ui.start(&format!("push {name}"));
        let pushed = with.one(name).await;
        ui.done();
        let pushed = pushed?;
        if settings.format == Format::Human && settings.verbosity > -2 {
            ui::print_data(&pushed.human(args.dry_run))?;
        }
        all.push(pushed);
    }
    let code = code_of(&all);
    if settings.format != Format::Human {
        let servers: Vec<Value> = all.iter().map(|pushed| pushed.json(args.dry_run)).collect();
        let document = json!({
            "schema": "mcpsec.push/v1",
            "registry": team.registry.to_string(),
            "exit": code.0,
            "servers": servers,
        });
        ui::print_data(&format!("{}\n", serde_json::to_string_pretty(&document).map_err(CommandError::bug)?))?;
    }
    for pushed in &mut all {
        if let Some(error) = pushed.error.take() {
            ui::print_error(&error.context(&pushed.name));
        }
    }
    Ok(code.1)
}

/// The worst of all: a denial before a mistake before a gap, which may close by itself.
fn code_of(all: &[Pushed]) -> (u8, Code) {
    let kinds: BTreeSet<u8> = all
        .iter()
        .filter_map(|pushed| pushed.error.as_ref())
        .map(|error| match error.kind() {
            Kind::Denied => 1,
            Kind::Usage => 2,
            Kind::Incomplete | Kind::Bug | Kind::Interrupted => 3,
        })
        .collect();
    match kinds.first() {
        None => (0, exit::GOOD),
        Some(1) => (1, exit::DENIED),
        Some(2) => (2, exit::USAGE),
        Some(_) => (3, exit::INCOMPLETE),
    }
}

fn chosen(names: &[ServerName], lock: &Lock) -> Result<Vec<ServerName>, CommandError> {
    let known = || lock.servers.keys().map(ServerName::as_str).collect::<Vec<_>>().join(", ");
    if let Some(name) = names.iter().find(|name| !lock.servers.contains_key(*name)) {
        return Err(
            CommandError::usage(format!("mcp.lock has no server `{name}`")).hint(format!("it has: {}", known()))
        );
    }
    if lock.servers.is_empty() {
        return Err(CommandError::usage("mcp.lock has no servers").hint("mcpsec add npm:NAME locks a first server"));
    }
    Ok(lock.servers.keys().filter(|name| names.is_empty() || names.contains(name)).cloned().collect())
}

/// What every server of one run is pushed with.
struct Pushing<'a> {
    args: &'a PushArgs,
    lock: &'a Lock,
    store: &'a Store,
    sources: &'a Sources<'a>,
    mirror: &'a TeamMirror,
}

type File<'a> = (&'a Package, &'a Artifact);

impl Pushing<'_> {
    /// Pushes one server. Only what ends the whole run is an error; the rest is told in what comes back.
    async fn one(&self, name: &ServerName) -> Result<Pushed, CommandError> {
        let gone = || CommandError::bug(format!("{name} is locked and cannot be found"));
        let server = self.lock.servers.get(name).ok_or_else(gone)?;
        let alone = self.lock.alone(name).ok_or_else(gone)?;
        let text = alone.to_text();
        let mut pushed = Pushed::new(server, Digest::sha256_of(text.as_bytes()));
        let outcome = if self.args.dry_run {
            self.look(&alone, &text, &mut pushed).await
        } else {
            self.send(server, &alone, &text, &mut pushed).await
        };
        match outcome {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), Kind::Bug | Kind::Interrupted) => return Err(error),
            Err(error) => pushed.error = Some(error),
        }
        Ok(pushed)
    }

    /// What a push would send.
    async fn look(&self, alone: &Lock, text: &str, pushed: &mut Pushed) -> Result<(), CommandError> {
        let known = self.mirror.has_lock(text).await.map_err(|error| self.refused(&pushed.name, &error))?;
        let files = by_digest(alone);
        pushed.files = files.len();
        let asked = files.iter().map(|(digest, file)| async move { (file, self.mirror.has(digest).await) });
        let answers: Vec<_> = stream::iter(asked).buffered(QUESTIONS).collect().await;
        for ((_, artifact), there) in answers {
            if !there.map_err(|error| self.refused(&pushed.name, &error))? {
                pushed.sent += 1;
                pushed.bytes += artifact.size.unwrap_or(0);
            }
        }
        pushed.new = Some(!known);
        Ok(())
    }

    async fn send(
        &self,
        server: &LockedServer,
        alone: &Lock,
        text: &str,
        pushed: &mut Pushed,
    ) -> Result<(), CommandError> {
        let name = server.name.as_str();
        let request = self.args.reason.as_deref().filter(|_| self.args.request);
        let put = || self.mirror.put_lock(text, request);
        let accepted = put().await.map_err(|error| self.refused(name, &error))?;
        pushed.status = Some(accepted.status);
        let files = by_digest(alone);
        pushed.files = files.len();
        self.tell_unknown(&accepted, &files);
        let wanted: Vec<(Digest, File<'_>)> =
            files.into_iter().filter(|(digest, _)| accepted.missing.contains(digest)).collect();
        let (wanted, left_out): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|(_, (package, artifact))| !self.args.host_only || self.needs(package, artifact, server));
        pushed.left_out = left_out.len();

        let (ready, mut problem) = self.ready(wanted).await?;
        let ui: &Ui = self.sources.ui();
        ui.event(Event::DownloadsPlanned {
            files: ready.len(),
            bytes: ready.iter().map(|(_, file)| file.size()).sum(),
        });
        let sending = ready.iter().map(|(digest, file)| self.mirror.put_artifact(file, digest, ui));
        let mut sent = stream::iter(sending).buffer_unordered(UPLOADS);
        while let Some(outcome) = sent.next().await {
            match outcome {
                Ok(Sent { bytes, resumed }) => {
                    pushed.sent += 1;
                    pushed.bytes += bytes;
                    pushed.resumed += resumed;
                }
                Err(error) => problem = worse(problem, self.refused(name, &error)),
            }
        }
        drop(sent);
        if let Err(error) = self.send_evidence(alone, &accepted, pushed).await {
            problem = worse(problem, error);
        }
        if pushed.sent > 0 || pushed.documents > 0 {
            match put().await {
                Ok(now) => pushed.status = Some(now.status),
                Err(error) => problem = worse(problem, self.refused(name, &error)),
            }
        }
        problem.map_or(Ok(()), Err)
    }

    fn needs(&self, package: &Package, artifact: &Artifact, server: &LockedServer) -> bool {
        self.sources.needed(package, &server.targets).iter().any(|needed| needed.file == artifact.file)
    }

    /// A registry that asks for what the lock does not name does not get it.
    fn tell_unknown(&self, accepted: &Accepted, files: &[(Digest, File<'_>)]) {
        let ours: BTreeSet<&Digest> = files.iter().map(|(digest, _)| digest).collect();
        let foreign = accepted.missing.iter().filter(|digest| !ours.contains(digest)).count();
        if foreign > 0 {
            let files = ui::count(foreign, "file");
            self.sources
                .ui()
                .warn(&format!("the registry asks for {files} that mcp.lock does not name; nothing of it is sent"));
        }
    }

    /// Files of the store, hashed. Those that it lacks (of other platforms, mostly) are fetched first. The error is the worst of what
    /// keeps some of them from being sent.
    async fn ready(
        &self,
        wanted: Vec<(Digest, File<'_>)>,
    ) -> Result<(Vec<(Digest, CheckedArtifact)>, Option<CommandError>), CommandError> {
        let files: Vec<File<'_>> = wanted.iter().map(|(_, file)| *file).collect();
        let absent = |file: &File<'_>| self.store.lookup(&file.0.id, file.1).is_none();
        let missing: Vec<File<'_>> = files.iter().filter(|file| absent(file)).copied().collect();
        let mut problem = None;
        let mut lost = 0;
        for brought in artifacts::fetch(self.sources, self.store, missing).await? {
            let (package, file) = (&brought.package.id, &brought.artifact.file);
            let error = match brought.status {
                CheckStatus::Pass | CheckStatus::NotApplicable => continue,
                CheckStatus::Fail(why) => CommandError::denied(format!("{package}: {}: {why}", escape(file))),
                CheckStatus::Unchecked(why) => CommandError::incomplete(format!("{package}: {}: {why}", escape(file))),
            };
            lost += 1;
            problem = worse(problem, error);
        }
        if lost > 1 {
            problem = problem.map(|error| error.context(format!("{lost} files could not be fetched; one of them")));
        }
        let asked: Vec<_> = files.iter().map(|(package, artifact)| (&package.id, *artifact)).collect();
        let mut ready = Vec::new();
        for ((digest, _), checked) in wanted.iter().zip(self.store.check_many(&asked)) {
            match checked {
                Ok(artifact) => ready.push((*digest, artifact)),
                // Told above.
                Err(StoreError::Missing { .. }) if problem.is_some() => {}
                Err(error) => problem = worse(problem, store_error(&error)),
            }
        }
        let hint = "mcpsec push, once more, goes on where this stopped; --host-only leaves other platforms out";
        Ok((ready, problem.map(|error| error.hint(hint))))
    }

    async fn send_evidence(&self, alone: &Lock, accepted: &Accepted, pushed: &mut Pushed) -> Result<(), CommandError> {
        let files =
            alone.packages.values().flat_map(|package| package.artifacts.iter().map(move |file| (package, file)));
        let mut found = Vec::new();
        for (package, artifact) in files.filter(|(package, file)| accepted.wants_evidence(&package.id, &file.file)) {
            match self.store.evidence(&package.id, &artifact.file, &artifact.digests) {
                Ok(Some(documents)) if !documents.is_empty() => found.push((package, artifact, documents)),
                Ok(_) => {}
                Err(error) => self.sources.ui().warn(&format!("not sent: {error}")),
            }
        }
        let sending =
            found.iter().map(|(package, file, documents)| self.mirror.put_evidence(&package.id, file, documents));
        let outcomes: Vec<_> = stream::iter(sending).buffered(QUESTIONS).collect().await;
        let mut problem = None;
        for outcome in outcomes {
            match outcome {
                Ok(()) => pushed.documents += 1,
                Err(error) => problem = worse(problem, self.refused(&pushed.name, &error)),
            }
        }
        problem.map_or(Ok(()), Err)
    }

    /// What a registry's refusal means for whoever pushes.
    fn refused(&self, name: &str, error: &MirrorError) -> CommandError {
        let shown = match error {
            MirrorError::Refused { status: 401, .. } => CommandError::usage(error),
            MirrorError::Http(HttpError::Credentials { .. }) => CommandError::usage(error),
            MirrorError::Refused { .. } => CommandError::denied(error),
            MirrorError::Http(_) | MirrorError::Answer { .. } | MirrorError::File { .. } => {
                CommandError::incomplete(error)
            }
        };
        if let Some(hint) = error.hint() {
            return shown.hint(hint);
        }
        match error.status() {
            Some(401) => shown.hint("set MCPSEC_TEAM_TOKEN to a token with the scope push that has not expired"),
            Some(403) if !self.args.request => shown.hint(format!(
                "mcpsec approve {name} signs it, if nobody did; or mcpsec push {name} --request --reason TEXT asks for a review"
            )),
            None => shown.hint("nothing is lost: mcpsec push, once more, goes on where this stopped"),
            Some(_) => shown,
        }
    }
}

/// Every distinct file of a lock by the digest that a registry calls it by.
fn by_digest(alone: &Lock) -> Vec<(Digest, File<'_>)> {
    let files = alone.packages.values().flat_map(|package| package.artifacts.iter().map(move |file| (package, file)));
    let mut seen = BTreeSet::new();
    files
        .filter_map(|(package, file)| Some((file.digests.strongest()?, (package, file))))
        .filter(|(digest, _)| seen.insert(*digest))
        .collect()
}

/// A denial hides a gap; of two alike, the first is told.
fn worse(one: Option<CommandError>, other: CommandError) -> Option<CommandError> {
    match one {
        Some(one) if one.kind() == Kind::Denied || other.kind() != Kind::Denied => Some(one),
        _ => Some(other),
    }
}

/// What came of one server.
struct Pushed {
    name: String,
    version: String,
    lock: Digest,
    /// The registry's word; `None` when it gave none.
    status: Option<Status>,
    /// Whether a dry run found the lock to be new.
    new: Option<bool>,
    /// Distinct files of the lock.
    files: usize,
    /// Files that were sent, or would be.
    sent: usize,
    bytes: u64,
    /// Bytes that an interrupted push had left there.
    resumed: u64,
    documents: usize,
    /// Files of other platforms that --host-only kept back.
    left_out: usize,
    error: Option<CommandError>,
}

impl Pushed {
    fn new(server: &LockedServer, lock: Digest) -> Self {
        Self {
            name: server.name.to_string(),
            version: escape(&server.version),
            lock,
            status: None,
            new: None,
            files: 0,
            sent: 0,
            bytes: 0,
            resumed: 0,
            documents: 0,
            left_out: 0,
            error: None,
        }
    }

    fn human(&self, dry_run: bool) -> String {
        let Self { name, version, lock, .. } = self;
        if let (true, Some(new)) = (dry_run, self.new) {
            let state = if new { "new to the registry" } else { "known to the registry" };
            let (sent, files) = (self.sent, ui::count(self.files, "file"));
            let bytes = ui::bytes(self.bytes);
            return format!("{name} {version}: {state}\n  {lock}\n  would send {sent} of {files} ({bytes})\n");
        }
        let Some(status) = self.status else { return format!("{name} {version}: not pushed\n") };
        let state = if self.error.is_some() { "not whole" } else { status.as_str() };
        let mut text = format!("{name} {version}: {state}\n  {lock}\n");
        let files = ui::count(self.files, "file");
        if self.sent == 0 && self.documents == 0 {
            text.push_str(&format!("  {files}, all there already\n"));
        } else {
            text.push_str(&format!("  sent {} of {files} ({})", self.sent, ui::bytes(self.bytes)));
            if self.documents > 0 {
                text.push_str(&format!(" and the evidence of {}", self.documents));
            }
            text.push('\n');
        }
        if self.resumed > 0 {
            text.push_str(&format!("  {} were there from an interrupted push\n", ui::bytes(self.resumed)));
        }
        if self.left_out > 0 {
            let files = ui::count(self.left_out, "file");
            text.push_str(&format!(
                "  left out: {files} of other platforms; mcpsec push {name}, without --host-only, sends them\n"
            ));
        }
        match status {
            Status::Pending => {
                text.push_str(&format!("  waits for a review: mcpsec approve {name}\n"));
            }
            Status::Withdrawn => text.push_str("  its approval was revoked or expired: mcpsec approvals says which\n"),
            Status::Vetted | Status::Incomplete => {}
        }
        text
    }

    fn json(&self, dry_run: bool) -> Value {
        json!({
            "name": self.name,
            "version": self.version,
            "lock": self.lock.to_string(),
            "status": self.status.map(Status::as_str),
            "dryRun": dry_run,
            "new": self.new,
            "files": self.files,
            "sent": self.sent,
            "bytes": self.bytes,
            "resumed": self.resumed,
            "evidence": self.documents,
            "leftOut": self.left_out,
            "error": self.error.as_ref().map(ToString::to_string),
            "hints": self.error.as_ref().map(CommandError::hints).unwrap_or_default(),
        })
    }
}
