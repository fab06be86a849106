//! `mcpsec run NAME`: exactly what is locked, from the store, offline, in the strongest sandbox that its declared needs allow.
//!
//! Standard streams are the client's, untouched; so are signals and the exit code. Nothing of mcpsec's own is written to
//! standard output, where the protocol is spoken.
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    time::Duration,
};

use mcpsec_capture::{
    install::InstalledServer,
    sandbox::{Ended, Limits, Network, Plan, Running, Sandbox, SandboxError, Stdio},
};
use mcpsec_model::{
    config::{Config, Isolation, ServerConfig},
    lock::{Lock, LockedServer},
};

use super::{artifacts, compare::differences, rights::Rights, told, verify};
use crate::{cli::RunArgs, error::CommandError, exit::Code, project::Project, settings::Settings, ui::Ui};

pub(super) fn run(settings: &Settings, args: &RunArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let lock = project.required_lock()?;
    let config = project.config()?.ok_or_else(|| {
        CommandError::usage(format!("{} has no mcp.toml", project.folder().display()))
            .hint("mcp.lock says what runs; mcp.toml says with which arguments, variables and rights")
    })?;
    let (server, entry) = find(&lock, &config, args)?;
    let rights = Rights::of(settings, project.folder(), entry)?;
    let store = artifacts::open_store(settings)?;
    let packages = verify::packages_of(&lock, server);
    let tried = || strongest(settings, config.policy.isolation);
    let installed = told::install(settings, &config, &store, &packages, server, tried)?
        .map_err(|not| CommandError::incomplete(not.why).maybe_hint(not.remedy))?;
    let tell = |tier: Isolation| {
        if let Some(told) = rights.told(settings, project.folder(), tier) {
            let ui = Ui::new(false, settings.verbosity);
            let told = format!("{}: as mcp.toml says, it {told}", args.name);
            if tier == Isolation::None { ui.warn(&told) } else { ui.note(&told) }
        }
    };
    let plan = plan(settings, entry, rights.clone(), &installed, &args.args);
    let running = start(settings, config.policy.isolation, &plan, &tell)?;
    let ended = until_it_ends(running)?;
    if let Some(limit) = ended.limit {
        return Err(CommandError::denied(format!("{} was ended: it used too much {}", args.name, limit.what())));
    }
    Ok(Code::of_program(ended.status))
}

/// The strongest sandbox that works here, found by trying.
fn strongest(settings: &Settings, weakest: Isolation) -> Result<Sandbox, CommandError> {
    told::level::try_all(settings, weakest)
        .map_err(|error| CommandError::incomplete(error).hint("mcpsec doctor says what helps"))
}

/// Starts the server in the strongest sandbox that works here. Where the strongest level of all worked before, it is not tried
/// out with nothing in it first: setting it up for the server shows as well whether it works, and when it does not, nothing
/// has run.
///
/// `tell` says to the user what it may do, before it can do any of it.
fn start(
    settings: &Settings,
    weakest: Isolation,
    plan: &Plan,
    tell: &dyn Fn(Isolation),
) -> Result<Running, CommandError> {
    if told::level::recall(settings) == Some(Isolation::Namespace) && weakest <= Isolation::Namespace {
        tell(Isolation::Namespace);
        let failed = match Sandbox::strongest_untried(settings.launcher()).spawn(plan) {
            Ok(running) => return Ok(running),
            Err(error) => error,
        };
        // Another level only if this one does not work with anything.
        let sandbox = strongest(settings, weakest)?;
        if sandbox.tier() == Isolation::Namespace || !matches!(failed, SandboxError::Setup { .. }) {
            return Err(CommandError::incomplete(failed));
        }
        tell(sandbox.tier());
        return sandbox.spawn(plan).map_err(CommandError::incomplete);
    }
    let sandbox = strongest(settings, weakest)?;
    tell(sandbox.tier());
    sandbox.spawn(plan).map_err(CommandError::incomplete)
}

/// Waits for the server, however long its client lives.
fn until_it_ends(mut running: Running) -> Result<Ended, CommandError> {
    let lost = |error: std::io::Error| CommandError::incomplete(format!("lost the server: {error}"));
    let long = Duration::from_secs(3600);
    while running.wait_for(long).map_err(lost)?.is_none() {}
    running.finish(Duration::ZERO).map_err(lost)
}

fn find<'a>(
    lock: &'a Lock,
    config: &'a Config,
    args: &RunArgs,
) -> Result<(&'a LockedServer, &'a ServerConfig), CommandError> {
    let name = &args.name;
    let known = || lock.servers.keys().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let server = lock.servers.get(name).ok_or_else(|| {
        CommandError::usage(format!("mcp.lock has no server `{name}`")).hint(format!("it has: {}", known()))
    })?;
    let entry = config.servers.get(name).ok_or_else(|| {
        CommandError::denied(format!("mcp.lock holds `{name}` and mcp.toml does not name it"))
            .hint(format!("mcpsec remove {name}, or put it back into mcp.toml"))
    })?;
    let differences = differences(server, entry, &config.targets);
    if !differences.is_empty() {
        return Err(CommandError::denied(format!(
            "mcp.toml asks for something else than is locked: {}",
            differences.join("; ")
        ))
        .hint(format!("mcpsec add {name} locks what mcp.toml asks for")));
    }
    Ok((server, entry))
}

/// What the server may do: what mcp.toml declares, and nothing else.
fn plan(
    settings: &Settings,
    entry: &ServerConfig,
    rights: Rights,
    installed: &InstalledServer,
    more: &[String],
) -> Plan {
    let mut env: BTreeMap<OsString, OsString> = installed.env.clone();
    for (name, value) in [("LANG", "C.UTF-8"), ("TERM", "dumb")] {
        env.entry(name.into()).or_insert_with(|| settings.variable(name).unwrap_or(value).into());
    }
    for name in &rights.env {
        if let Some(value) = settings.variable(name) {
            env.insert(name.into(), value.into());
        }
    }
    let mut args = installed.args.clone();
    args.extend(entry.args.iter().chain(more).map(OsString::from));
    let Rights { read, write, hosts, .. } = rights;
    let hosts: BTreeSet<String> = hosts.into_iter().collect();
    // The client's folder, where the server may see it; else a folder of its own.
    let here = settings.current_dir();
    let visible = read.iter().chain(&write).any(|folder| here.starts_with(folder));
    Plan {
        program: installed.program.clone(),
        args,
        env,
        cwd: visible.then(|| here.to_path_buf()),
        read: installed.read.iter().cloned().chain(read).collect(),
        write,
        canaries: false,
        network: if hosts.is_empty() { Network::None } else { Network::Hosts(hosts) },
        limits: Limits::run(),
        observe: false,
        stdio: Stdio::Inherited,
    }
}
