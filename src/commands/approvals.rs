//! `mcpsec approvals`: who approved what, what waits, and why approvals do not count.
use std::{collections::BTreeMap, path::Path};

use mcpsec_model::{
    approval::{Approvals, ImportSource, Line, Statement, pae},
    config::Config,
    digest::Digest,
    lock::{Lock, LockedServer},
    name::ServerName,
    text::{Untrusted, escape},
};
use mcpsec_verify::approval::{Need, Standing, Weighed};
use serde_json::{Value, json};

use super::{
    approval::{self, Approving, copy_of},
    approve::unread,
    review,
    revoke::is_id,
    team::{self, Ask, State, TeamLog},
    verify,
};
use crate::{
    cli::{ApprovalsArgs, Format},
    error::CommandError,
    exit::Code,
    files,
    project::Project,
    settings::Settings,
    ui,
};

/// The longest file of another team that is fetched, in bytes.
const MAX_IMPORT: usize = 64 << 20;

pub(super) async fn run(settings: &Settings, args: ApprovalsArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = project.config_or_starter()?;
    let mut lock = project.lock()?.unwrap_or_else(Lock::empty);
    if let Some([id, folder]) = args.export_signature.as_deref() {
        return export(settings, &project, &config, &lock, &id.to_string_lossy(), &settings.current_dir().join(folder));
    }
    if args.update_imports {
        update(settings, &project, &config, &lock).await?;
        lock = project.lock()?.unwrap_or_else(Lock::empty);
    }
    if let Some(file) = &args.import {
        let sent = team::import(settings, &config, &settings.current_dir().join(file)).await?;
        let (added, known) = (sent.added, sent.known);
        ui::print_data(&format!("{added} added, {known} known already; the team's log has {} entries\n", sent.size))?;
    }
    let ask = if args.update { Ask::Anew } else { Ask::Registry };
    let log = team::look(settings, &config, &lock, ask).await?;
    if args.update {
        let Some(log) = &log else {
            return Err(CommandError::usage("mcp.toml names no registry of a team")
                .hint("[team] with registry = \"https://…\" (docs/team.md)"));
        };
        pin(settings, &project, log)?;
        lock = project.lock()?.unwrap_or_else(Lock::empty);
    }
    if let Some(file) = &args.export {
        let Some(log) = &log else {
            return Err(CommandError::usage(
                "mcp.toml names no registry of a team, and mcp-approvals.jsonl is a file already",
            ));
        };
        let count = team::export(log, &settings.current_dir().join(file))?;
        return ui::print_data(&format!("wrote {count} entries to {}\n", file.display())).map(|()| crate::exit::GOOD);
    }
    if args.import.is_some() {
        return Ok(crate::exit::GOOD);
    }
    let names = verify::select(&args.names, &config, &lock)?;
    // What is listed is no answer to a log that lies.
    let believed = log.as_ref().map_or(Ok(()), TeamLog::check);
    let code = list(settings, &project, &config, &lock, &names, log)?;
    believed.map(|()| code)
}

/// Pins in mcp.lock how far the log was seen.
fn pin(settings: &Settings, project: &Project, log: &TeamLog) -> Result<(), CommandError> {
    log.check()?;
    let (State::Current, Some(pin)) = (&log.state, log.pin()) else {
        return Err(CommandError::incomplete(format!("the log of {} could not be looked at", log.registry))
            .hint("mcp.lock stays as it is"));
    };
    let text = format!("{}: {} entries, key {}\n", pin.registry, pin.size, pin.key);
    let changed = super::commit::pin_team(settings, project, pin, true)?;
    if settings.format == Format::Human {
        ui::print_data(&format!("{} {text}", if changed { "pinned" } else { "already pinned" }))?;
    }
    Ok(())
}

/// Prints how servers stand.
pub(super) fn list(
    settings: &Settings,
    project: &Project,
    config: &Config,
    lock: &Lock,
    names: &[ServerName],
    log: Option<TeamLog>,
) -> Result<Code, CommandError> {
    let approving = Approving::load(settings, project, config, lock, log)?;
    let mut servers = Vec::new();
    for name in names {
        let Some(server) = lock.servers.get(name) else { continue };
        servers.push((server, approving.standing(lock, server, settings.now).map_err(unread)?));
    }
    let text = match settings.format {
        Format::Human => {
            let mut text: String = servers.iter().map(|(server, standing)| human(server, standing)).collect();
            if let Some(log) = &approving.team {
                text.push_str(&of_log(log, settings));
            }
            for (import, absent) in approving.absent() {
                text.push_str(&format!("import {}: not looked at: {}\n", import.name, absent.why));
            }
            text
        }
        _ => {
            let absent = approving.absent().into_iter();
            let absent: Vec<Value> = absent
                .map(|(import, absent)| json!({"import": import.name.as_str(), "unchecked": absent.why}))
                .collect();
            let log = approving.team.as_ref().map(|log| log_json(log, settings));
            let servers: Vec<Value> = servers.iter().map(|(server, standing)| as_json(server, standing)).collect();
            let all = json!({"schema": "mcpsec.approvals/v1", "servers": servers, "imports": absent, "log": log});
            format!("{}\n", serde_json::to_string_pretty(&all).map_err(CommandError::bug)?)
        }
    };
    ui::print_data(&text)?;
    Ok(crate::exit::GOOD)
}

/// How the team's log stands, in one line.
fn of_log(log: &TeamLog, settings: &Settings) -> String {
    let size = log.seen().map_or(0, |kept| kept.size);
    let what = match &log.state {
        State::Current => format!("{}, seen just now", ui::count(usize::try_from(size).unwrap_or(usize::MAX), "entry")),
        State::Old { .. } => log.as_of(settings.now).unwrap_or_default(),
        State::Absent { why, .. } => format!("not looked at: {why}"),
        State::Refused { why, .. } => format!("NOT BELIEVED: {why}"),
    };
    format!("log of {}: {what}\n", log.registry)
}

fn log_json(log: &TeamLog, settings: &Settings) -> Value {
    let (state, why) = match &log.state {
        State::Current => ("current", None),
        State::Old { why, expired, .. } => (if *expired { "expired" } else { "old" }, Some(why)),
        State::Absent { why, .. } => ("absent", Some(why)),
        State::Refused { why, .. } => ("refused", Some(why)),
    };
    let kept = log.seen();
    json!({
        "registry": log.registry.to_string(),
        "state": state,
        "why": why,
        "entries": kept.as_ref().map(|kept| kept.size),
        "seen": kept.map(|kept| kept.seen.to_string()),
        "as-of": log.as_of(settings.now),
    })
}

fn human(server: &LockedServer, standing: &Standing) -> String {
    let state = if standing.is_met() { "approved" } else { "not approved" };
    let mut text = format!("{} {}: {state}\n", server.name, escape(&server.version));
    for need in &standing.needs {
        text.push_str(&format!("  {}\n", need_line(need)));
    }
    for weighed in &standing.approvals {
        text.push_str(&format!("  {}\n", line(weighed)));
    }
    match &standing.since {
        Some(since) if !standing.is_met() => text.push_str(&review::changes(server, since)),
        _ => {}
    }
    if !standing.is_met() {
        text.push_str(&format!("  next: mcpsec approve {}\n", server.name));
    }
    text
}

fn need_line(need: &Need) -> String {
    let what = need.criterion.as_ref().map_or("the policy asks for", |word| word.as_str());
    let people: Vec<&str> = need.people.iter().map(|name| name.as_str()).collect();
    let people = if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
    format!("{what}: {} of {} ({people})", need.people.len(), need.required)
}

fn line(weighed: &Weighed) -> String {
    let approval = &weighed.approval;
    let who = weighed.signer.as_deref().unwrap_or("unknown");
    let from = match &weighed.import {
        Some(import) => format!(" of import {import}"),
        None if weighed.source == approval::LOGGED => " in the team's log".to_owned(),
        None => String::new(),
    };
    let version = Untrusted::new(approval.what.version.as_str()).excerpt(60);
    let state = match &weighed.counts {
        Ok(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
            format!("counts as {} until {}", words.join(", "), approval.expires)
        }
        Err(refusal) => format!("does not count: {refusal}"),
    };
    let reason = if approval.reason.is_empty() { String::new() } else { format!(" \"{}\"", escape(&approval.reason)) };
    format!("{} {who}{from}, {version}, {}{reason}: {state}", short(weighed), approval.issued)
}

fn short(weighed: &Weighed) -> String {
    let id = weighed.id.to_string();
    id.strip_prefix("sha256:").and_then(|hex| hex.get(..12)).unwrap_or(&id).to_owned()
}

fn as_json(server: &LockedServer, standing: &Standing) -> Value {
    let needs: Vec<Value> = standing
        .needs
        .iter()
        .map(|need| {
            json!({
                "criterion": need.criterion.as_ref().map(|word| word.as_str()),
                "required": need.required,
                "people": need.people,
            })
        })
        .collect();
    let approvals: Vec<Value> = standing
        .approvals
        .iter()
        .map(|weighed| {
            let approval = &weighed.approval;
            json!({
                "id": weighed.id.to_string(),
                "line": weighed.line,
                "from": if weighed.import.is_some() { "import" } else if weighed.source == approval::LOGGED { "team" } else { "file" },
                "import": weighed.import.as_ref().map(|import| import.as_str()),
                "signer": weighed.signer,
                "key": approval.reviewer.key,
                "version": approval.what.version,
                "reason": approval.reason,
                "issued": approval.issued.to_string(),
                "expires": approval.expires.to_string(),
                "counts": weighed.counts.as_ref().ok().map(|words| words.iter().map(|word| word.as_str()).collect::<Vec<_>>()),
                "refused": weighed.counts.as_ref().err().map(ToString::to_string),
            })
        })
        .collect();
    let since = standing.since.as_ref().map(|since| {
        let changes = &since.changes;
        let packages = changes.packages.as_ref();
        json!({
            "id": since.id.to_string(),
            "by": since.by,
            "version": since.version,
            "packages": packages.map(|change| json!({"added": change.added, "removed": change.removed, "changed": change.changed})),
            "repinned": changes.repinned,
            "told": changes.told_new.as_ref().map(|new| json!({"added": new, "changed": changes.told_changed, "removed": changes.told_gone})),
        })
    });
    json!({
        "server": server.name.as_str(),
        "version": server.version,
        "approved": standing.is_met(),
        "needs": needs,
        "approvals": approvals,
        "since": since,
    })
}

/// Fetches what other teams approved, keeps it in the store, and pins it.
async fn update(settings: &Settings, project: &Project, config: &Config, lock: &Lock) -> Result<(), CommandError> {
    let approving = Approving::load(settings, project, config, lock, None)?;
    let ui = std::sync::Arc::new(ui::Ui::new(settings.progress, settings.verbosity));
    let sources = super::sources::Sources::new(settings, config, ui);
    let mut pins = BTreeMap::new();
    for import in &approving.signers.imports {
        let ImportSource::Url(url) = &import.source else { continue };
        if settings.offline {
            return Err(CommandError::incomplete("--offline: approvals of other teams were not fetched"));
        }
        let bytes = sources
            .document(url, MAX_IMPORT)
            .await
            .map_err(|error| error.context(format!("import {}", import.name)))?;
        let digest = Digest::sha256_of(&bytes);
        if let Some(wanted) = import.sha256.filter(|wanted| *wanted != digest) {
            return Err(CommandError::denied(format!(
                "import {}: mcp-signers asks for {wanted}, and it is {digest}",
                import.name
            )));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| CommandError::denied(format!("import {}: not UTF-8", import.name)))?;
        Approvals::parse(&text, &format!("import {}", import.name)).map_err(CommandError::denied)?;
        let copy = copy_of(settings, &digest);
        files::replace(&copy, &text).map_err(|error| crate::error::io("write", &copy, &error))?;
        pins.insert(import.name.clone(), digest);
    }
    super::commit::pin_imports(settings, project, pins)?;
    Ok(())
}

/// Writes what was signed and its signature, for `ssh-keygen -Y verify`.
fn export(
    settings: &Settings,
    project: &Project,
    config: &Config,
    lock: &Lock,
    id: &str,
    folder: &Path,
) -> Result<Code, CommandError> {
    let approving = Approving::load(settings, project, config, lock, team::look_offline(settings, config, lock))?;
    let own = approving.own().map_err(|error| CommandError::usage(error).hint(error.hint()))?;
    let mut found: Vec<Line> = own.lines().iter().filter(|line| is_id(id, line.envelope.id())).cloned().collect();
    if found.is_empty() {
        found.extend(approving.logged(id)?.into_iter().map(|(line, _)| line));
    }
    let [line] = found.as_slice() else {
        return Err(CommandError::usage(format!(
            "{} has {} with an id that starts with `{}`",
            approval::FILE,
            ui::count(found.len(), "approval"),
            escape(id)
        ))
        .hint("mcpsec approvals lists approvals with their ids"));
    };
    let statement = Statement::parse(line.envelope.payload()).map_err(CommandError::usage)?;
    let name = short_of(line.envelope.id().to_string().as_str());
    let payload = folder.join(format!("{name}.payload"));
    let signature = folder.join(format!("{name}.payload.sig"));
    // The pre-authentication encoding is ASCII before the payload, and the payload is JSON.
    let signed = String::from_utf8(pae(line.envelope.payload())).map_err(CommandError::bug)?;
    for (path, text) in [(&payload, signed), (&signature, armored(line.envelope.signature()))] {
        files::replace(path, &text).map_err(|error| crate::error::io("write", path, &error))?;
    }
    ui::print_data(&format!(
        "wrote {} and {0}.sig\nssh-keygen -Y verify -f ALLOWED_SIGNERS -I {} -n {} -s {0}.sig < {0}\n",
        payload.display(),
        escape(&statement.reviewer().name),
        mcpsec_verify::approval::NAMESPACE,
    ))?;
    Ok(crate::exit::GOOD)
}

fn short_of(id: &str) -> String {
    id.strip_prefix("sha256:").and_then(|hex| hex.get(..12)).unwrap_or(id).to_owned()
}

/// PROTOCOL.sshsig: base64 in lines of 70 between two lines.
fn armored(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut text = String::from("-----BEGIN SSH SIGNATURE-----\n");
    let base64 = STANDARD.encode(bytes);
    let mut rest = base64.as_str();
    while let Some((line, more)) = rest.split_at_checked(70) {
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str("-----END SSH SIGNATURE-----\n");
    text
}
