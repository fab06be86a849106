//! The check `config` of client configurations: does anything start that the lock does not hold?
use std::path::Path;

use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    client::{ClientServer, Launch, Level, LockedLaunch, is_steering},
    config::Config,
    finding::{Finding, Rule, Severity},
    launch::LaunchLine,
    lock::Lock,
    text::escape,
};

use super::{
    find::{File, State, Which, find},
    matching::{Asked, asked, candidates, cannot, same_package},
};
use crate::{files, settings::Settings};

/// What the configurations of the project (and of the user, if asked for) come to: one check for each file, one finding for
/// each entry that starts something else than what is locked.
pub(in crate::commands) fn check(
    settings: &Settings,
    config: &Config,
    lock: &Lock,
    which: &Which<'_>,
) -> (Vec<CheckResult>, Vec<Finding>) {
    let mut checks = Vec::new();
    let mut findings = Vec::new();
    for file in find(settings, which) {
        let status = match &file.state {
            State::Unreadable(why) => CheckStatus::Fail(format!("what it starts is not known: {why}")),
            State::Read { .. } => CheckStatus::Pass,
        };
        checks.push(CheckResult::new(Check::Config, escape(&file.shown), status));
        // An entry that the client leaves alone starts nothing.
        let judged = file.servers().filter(|server| !server.disabled);
        findings.extend(judged.filter_map(|server| judge(settings, &file, server, config, lock)));
    }
    findings.sort_by(|a, b| b.severity().cmp(&a.severity()).then_with(|| a.cmp(b)));
    (checks, findings)
}

fn judge(settings: &Settings, file: &File, server: &ClientServer, config: &Config, lock: &Lock) -> Option<Finding> {
    let (rule, severity, message) = match &server.launch {
        Launch::Locked(launch) => locked(settings, file.level, server, launch, config, lock)?,
        Launch::Package(line) => package(line, config, lock),
        Launch::Unlockable(_) => (Rule::UnlockedLaunch, Severity::High, cannot(&server.launch)),
        Launch::Unknown(why) => (Rule::UnlockedLaunch, Severity::High, format!("what it starts is not known: {why}")),
        Launch::Program(_) | Launch::Shell(_) => (Rule::ShellLaunch, Severity::High, cannot(&server.launch)),
        Launch::Container(_) => (Rule::ContainerServer, Severity::Medium, cannot(&server.launch)),
        Launch::Remote(_) => (Rule::RemoteServer, Severity::Medium, cannot(&server.launch)),
        Launch::OfClient => return None,
    };
    let shown = escape(&file.shown);
    let subject = format!("{shown}:{}", escape(server.name()));
    Some(Finding::new(rule, subject, message).severe(severity).place(shown, server.line))
}

type Judged = (Rule, Severity, String);

/// A package that a launcher resolves anew.
fn package(line: &LaunchLine, config: &Config, lock: &Lock) -> Judged {
    let spec = &line.spec;
    let candidates = candidates(line, lock);
    let Some(server) = candidates.first() else {
        let known = config.servers.iter().find(|(_, entry)| same_package(&entry.source, spec));
        let message = match known {
            Some((name, _)) => format!("{spec} is in mcp.toml as `{name}` and is not locked"),
            None => format!("{spec} is not locked"),
        };
        return (Rule::UnlockedLaunch, Severity::High, message);
    };
    let states: Vec<Asked> = candidates.iter().map(|server| asked(spec, server)).collect();
    if states.contains(&Asked::Same) {
        // The right version of the package itself, and whatever its dependencies are today.
        let message =
            format!("it starts {spec} with dependencies resolved anew, and not those that are locked; mcpsec wrap");
        (Rule::UnlockedLaunch, Severity::Medium, message)
    } else if states.contains(&Asked::Newest) {
        let message = format!("it starts whatever {spec} is today, and {} is locked", server.version);
        (Rule::UnpinnedLaunch, Severity::High, message)
    } else {
        let message = format!("it starts {spec}, and {} is locked as `{}`", server.version, server.name);
        (Rule::OtherVersion, Severity::High, message)
    }
}

/// `mcpsec run NAME`, if it is this mcpsec and this lock.
fn locked(
    settings: &Settings,
    level: Level,
    server: &ClientServer,
    launch: &LockedLaunch,
    config: &Config,
    lock: &Lock,
) -> Option<Judged> {
    let high = |rule, message: String| Some((rule, Severity::High, message));
    if launch.program.as_deref().is_some_and(|program| Path::new(program) != settings.launcher()) {
        return high(Rule::ShellLaunch, "it starts a program named mcpsec in a place of its own choice".to_owned());
    }
    if let Some(what) = server.steering.iter().find(|what| what.starts_with("env.")) {
        return high(Rule::ShellLaunch, format!("its `{what}` decides which program `mcpsec` is, or what is in it"));
    }
    if let Some(why) = server.env_file.as_deref().and_then(|file| steers(settings, level, file)) {
        return high(Rule::ShellLaunch, why);
    }
    let moved = server.steering.iter().any(|what| what == "cwd");
    let elsewhere = match &launch.project {
        // Relative to a folder that the entry chooses: nobody knows where that leads.
        Some(folder) => !is_project(settings, folder) || (moved && Path::new(folder).is_relative()),
        None => level == Level::Project && moved,
    };
    if elsewhere && level == Level::User {
        let message = "it is held to the mcp.lock of another folder; mcpsec wrap --check there".to_owned();
        return Some((Rule::UnlockedLaunch, Severity::Low, message));
    }
    if elsewhere {
        return high(Rule::UnlockedLaunch, "it is held to the mcp.lock of another folder than this".to_owned());
    }
    let name = &launch.name;
    match (config.servers.contains_key(name), lock.servers.contains_key(name)) {
        (true, true) => None,
        (true, false) => high(Rule::UnlockedLaunch, format!("mcp.toml names `{name}`, and mcp.lock does not hold it")),
        (false, true) => high(Rule::UnlockedLaunch, format!("mcp.lock holds `{name}`, and mcp.toml does not name it")),
        (false, false) => high(Rule::UnlockedLaunch, format!("neither mcp.toml nor mcp.lock has `{name}`")),
    }
}

/// Why a file of variables decides which program `mcpsec` is, if it does. One that is not here holds nothing that came with the
/// repository, and one outside of the project is its owner's business.
fn steers(settings: &Settings, level: Level, file: &str) -> Option<String> {
    const LIMIT: u64 = 1 << 20;
    if level == Level::User {
        return None;
    }
    let file = file.strip_prefix("${workspaceFolder}").map_or(file, |rest| rest.trim_start_matches(['/', '\\']));
    let path = settings.project.join(file.replace('\\', "/"));
    let shown = escape(file);
    let (path, project) = (path.canonicalize().ok()?, settings.project.canonicalize().ok()?);
    if !path.starts_with(project) || !path.is_file() {
        return None;
    }
    let text = match files::read_text(&path, LIMIT) {
        Ok(Some(text)) => text,
        Ok(None) => return None,
        Err(error) => return Some(format!("its `envFile` {shown} cannot be read: {error}")),
    };
    let name = |line: &str| {
        let line = line.trim_start_matches('\u{feff}').trim_start();
        let line = line.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace)).unwrap_or(line);
        // Readers differ in what ends a name.
        line.split_once(['=', ':']).map(|(name, _)| name.trim().trim_matches(['"', '\'']).to_owned())
    };
    let found = text.split(['\n', '\r']).filter_map(name).find(|name| is_steering(name))?;
    Some(format!("`{}` in its `envFile` {shown} decides which program `mcpsec` is, or what is in it", escape(&found)))
}

fn is_project(settings: &Settings, folder: &str) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let named = real(&settings.project.join(folder));
    named.is_some() && named == real(&settings.project)
}
