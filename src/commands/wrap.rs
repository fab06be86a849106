//! `mcpsec wrap`: client configurations start `mcpsec run NAME` in place of a launcher that resolves packages anew.
//!
//! Of each file only the bytes of commands and arguments change, whole or not at all, and what it said is kept beside it.
use mcpsec_model::{
    client::{self, Launch, Level, Wrapping},
    config::{Config, ServerConfig},
    lock::Lock,
    report::{ProjectReport, Report},
    text::escape,
    verdict::Decision,
};

use super::{
    clients::{self, Entry, File, FileTold, Skip, State, Told, Which},
    decide, verify,
};
use crate::{cli::WrapArgs, error::CommandError, exit::Code, files, project::Project, settings::Settings, ui::Ui};

pub(super) fn run(settings: &Settings, args: &WrapArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let which = Which { clients: &args.client, user: args.user };
    if args.check {
        let config = project.config_or_starter()?;
        let lock = project.lock()?.unwrap_or_else(Lock::empty);
        let (checks, findings) = clients::check(settings, &config, &lock, &which);
        let found = ProjectReport { checks, findings, decision: Decision::default() };
        let mut report = Report::new("wrap", Vec::new());
        report.project = decide::decided_project(&config.policy, settings.now, found);
        return verify::print(settings, &report);
    }
    let lock = project.required_lock()?;
    let config = project.config()?.ok_or_else(|| {
        CommandError::usage(format!("{} has no mcp.toml", project.folder().display())).hint("mcpsec init writes one")
    })?;
    let ui = Ui::new(false, settings.verbosity);
    let on_path = is_on_path(settings);
    let mut told = Told::new("wrap", args.dry_run);
    let mut unused: Vec<&String> = args.names.iter().collect();
    let found = clients::find(settings, &which);
    for file in &found {
        told.files.push(wrap_file(settings, file, &config, &lock, args, on_path, &ui, &mut unused)?);
    }
    if let Some(name) = unused.first() {
        return Err(CommandError::usage(format!(
            "no configuration that was looked at has a server `{}`",
            escape(name)
        ))
        .hint(if args.user {
            "mcpsec init --user --dry-run shows all that there are"
        } else {
            "mcpsec wrap --user looks at your own configurations too"
        }));
    }
    if found.is_empty() {
        ui.note(super::init::nothing_found(args.user));
    } else if told.count("wrapped") > 0 && !args.dry_run {
        if !on_path {
            ui.warn("`mcpsec` is not on the PATH of this shell: clients may not find it either");
        }
        told.next.push("restart the clients; mcpsec wrap --check holds them to the lock".to_owned());
    }
    for (name, server) in config.servers.iter().filter(|(name, _)| lock.servers.contains_key(*name)) {
        if let Some(path) = unreadable(server) {
            ui.note(&format!(
                "{name} gets `{}` as an argument, and may read no file of yours: [servers.{name}.sandbox] read = [\"{}\"] in \
                 mcp.toml lets it",
                escape(path),
                escape(path)
            ));
        }
    }
    told.print(settings)?;
    Ok(worst(&told))
}

/// The first argument that is a path, of a server that may read and write nothing.
fn unreadable(server: &ServerConfig) -> Option<&str> {
    if server.sandbox.as_ref().is_some_and(|needs| !needs.read.is_empty() || !needs.write.is_empty()) {
        return None;
    }
    let is_path = |text: &&str| {
        matches!(*text, "." | "..") || ["./", "../", "/", "~/"].iter().any(|start| text.starts_with(start))
    };
    server.args.iter().map(String::as_str).find(is_path)
}

/// 2 if a file could not be read or written, else 0.
pub(super) fn worst(told: &Told) -> Code {
    let broken = told.files.iter().any(|file| file.problem.is_some());
    if broken { crate::exit::USAGE } else { crate::exit::GOOD }
}

#[expect(clippy::too_many_arguments, reason = "one step of one loop, named")]
fn wrap_file(
    settings: &Settings,
    file: &File,
    config: &Config,
    lock: &Lock,
    args: &WrapArgs,
    on_path: bool,
    ui: &Ui,
    unused: &mut Vec<&String>,
) -> Result<FileTold, CommandError> {
    let mut told = FileTold::new(file);
    let (before, places) = match &file.state {
        State::Read { text, places } => (text, places),
        State::Unreadable(why) => {
            told.problem = Some(format!("left as it is: {why}"));
            return Ok(told);
        }
    };
    let absolute = settings.launcher().display().to_string();
    // A file that a team shares holds no path of one machine; one of a user names the folder of the lock.
    let program = if on_path || file.level == Level::Project { "mcpsec" } else { &absolute };
    let folder = project_folder(settings, file.level)?;
    let mut text = before.clone();
    for (location, servers) in places {
        let mut wrappings = Vec::new();
        let mut planned = Vec::new();
        for server in servers {
            let plan = |named| clients::wrapping(server, program, folder.as_deref(), config, lock, named);
            let named = args.names.iter().any(|name| name == server.name() || is_of(&plan(true), name));
            unused
                .retain(|name| *name != server.name() && !is_of(&plan(true), name) && !is_locked(&server.launch, name));
            if !named && !args.names.is_empty() {
                continue;
            }
            match plan(named) {
                Ok(Some(wrapping)) => {
                    wrappings.push(wrapping.clone());
                    planned.push((server, Ok(wrapping)));
                }
                Ok(None) => planned.push((server, Err(None))),
                Err(skip) => planned.push((server, Err(Some(skip)))),
            }
        }
        let mut left = Vec::new();
        match client::wrap(location, &text, &wrappings) {
            Ok(wrapped) => {
                text = wrapped.text;
                left = wrapped.left;
            }
            Err(error) => {
                left.extend(
                    wrappings.iter().map(|wrapping| client::Left { path: wrapping.path.clone(), why: error.clone() }),
                );
            }
        }
        for (server, outcome) in planned {
            let entry = match outcome {
                Ok(wrapping) => match left.iter().find(|left| left.path == wrapping.path) {
                    Some(left) => Entry::left(server, Skip { why: left.why.to_string(), hint: None }),
                    None => {
                        let unseen: Vec<&str> = unseen(server, &wrapping, config);
                        if !unseen.is_empty() {
                            let name = name_of(&wrapping).unwrap_or_default();
                            ui.warn(&format!(
                                "{}: [servers.{name}] of mcp.toml does not list {} under `env`, so the server will not see it",
                                escape(server.name()),
                                unseen.join(", ")
                            ));
                        }
                        Entry::new(server, "wrapped", words(&wrapping))
                    }
                },
                Err(None) => Entry::new(server, "locked", ""),
                Err(Some(skip)) => Entry::left(server, skip),
            };
            told.entries.push(entry);
        }
    }
    if text == *before {
        return Ok(told);
    }
    told.changed = !args.dry_run;
    if args.dry_run {
        return Ok(told);
    }
    let (backup, fresh) = clients::keep(&file.path, before)?;
    if let Err(error) = files::replace_unchanged(&file.path, before, &text) {
        if fresh {
            let _litter = std::fs::remove_file(&backup);
        }
        told.changed = false;
        told.problem = Some(format!("left as it is: {error}"));
        return Ok(told);
    }
    // Named as the file is, with what the copy has behind the name.
    let suffix =
        backup.display().to_string().strip_prefix(&file.path.display().to_string()).unwrap_or_default().to_owned();
    told.backup = Some(escape(&format!("{}{suffix}", file.shown)));
    Ok(told)
}

/// The folder that user-level configurations name.
fn project_folder(settings: &Settings, level: Level) -> Result<Option<String>, CommandError> {
    if !clients::needs_project(level) {
        return Ok(None);
    }
    let folder = std::fs::canonicalize(&settings.project)
        .map_err(|error| crate::error::io("find", &settings.project, &error))?;
    match folder.to_str() {
        Some(folder) => Ok(Some(folder.to_owned())),
        None => Err(CommandError::usage(format!("{} is no Unicode text", folder.display()))),
    }
}

fn name_of(wrapping: &Wrapping) -> Option<&str> {
    let at = wrapping.words.iter().position(|word| word == "run")?;
    wrapping.words.get(at + 1).map(String::as_str)
}

fn is_of(plan: &Result<Option<Wrapping>, Skip>, name: &str) -> bool {
    matches!(plan, Ok(Some(wrapping)) if name_of(wrapping) == Some(name))
}

fn is_locked(launch: &Launch, name: &str) -> bool {
    matches!(launch, Launch::Locked(locked) if locked.name.as_str() == name)
}

/// What the entry starts now, without arguments: they may be secrets.
fn words(wrapping: &Wrapping) -> String {
    let more = wrapping.words.iter().position(|word| word == "--").map(|at| wrapping.words.len() - at - 1);
    let start: Vec<&str> = wrapping.words.iter().take_while(|word| *word != "--").map(String::as_str).collect();
    match more {
        Some(count) => format!("{} -- ({} more)", escape(&start.join(" ")), count),
        None => escape(&start.join(" ")),
    }
}

/// Variables of the entry that `mcpsec run` does not pass on.
fn unseen<'s>(server: &'s client::ClientServer, wrapping: &Wrapping, config: &Config) -> Vec<&'s str> {
    let entry = name_of(wrapping).and_then(|name| config.servers.iter().find(|(other, _)| other.as_str() == name));
    let Some((_, entry)) = entry else { return Vec::new() };
    let passed = |name: &&String| {
        !entry.env.contains(name) && !entry.sandbox.as_ref().is_some_and(|needs| needs.env.contains(name))
    };
    server.env.iter().filter(passed).map(String::as_str).collect()
}

fn is_on_path(settings: &Settings) -> bool {
    let name = if cfg!(windows) { "mcpsec.exe" } else { "mcpsec" };
    settings.search_path().iter().any(|folder| folder.join(name).is_file())
}
