//! `mcpsec capture -- COMMAND`: the manifest of a program that is not locked, from the sandbox, as JSON on standard output.
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use mcpsec_capture::{
    capture::{self, Environment, Target},
    install::runtime::{self, RuntimeKind, Search},
    mcp::Bounds,
    sandbox::{Limits, Network, Plan, Stdio},
};
use mcpsec_model::text::escape;

use super::{rights::holds_home, told};
use crate::{
    cli::CaptureArgs,
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

pub(super) fn run(settings: &Settings, args: &CaptureArgs) -> Result<Code, CommandError> {
    let config = Project::new(&settings.project).config_or_starter()?;
    let ui = Ui::new(settings.progress, settings.verbosity);
    let sandbox = told::level::try_all(settings, config.policy.isolation)
        .map_err(|error| CommandError::incomplete(error).hint("mcpsec doctor says what helps"))?;
    if settings.offline && !args.capturing.allow_network.is_empty() {
        return Err(CommandError::usage("--offline and --allow-network exclude each other"));
    }
    let real_env = match &args.capturing.env_file {
        Some(file) => told::real_env(file)?,
        None => BTreeMap::new(),
    };
    let target = target(settings, args, real_env.clone(), &ui)?;
    ui.start(&args.command.join(" "));
    let captured = capture::capture(&target, &sandbox, &Bounds::default());
    ui.done();
    let captured = captured.map_err(|error| {
        let why = told::without_values(error.to_string(), &real_env);
        CommandError::incomplete(why).maybe_hint(error.needs().map(|need| need.hint()))
    })?;
    if let Some(variable) = told::told_value(&captured, &real_env) {
        ui.warn(&format!("it tells the model the value of {variable}, which stands in what is printed"));
    }
    for unstable in &captured.unstable {
        ui.warn(&format!("unstable: {} differs between {}", unstable.subject, unstable.between.as_str()));
    }
    for finding in capture::findings(&captured) {
        ui.warn(&format!("{}: {} ({})", finding.rule.id(), escape(&finding.message), escape(&finding.subject)));
    }
    ui::print_data(&mcpsec_report::manifest_json(&captured.manifest))?;
    Ok(crate::exit::GOOD)
}

fn target(
    settings: &Settings,
    args: &CaptureArgs,
    real_env: BTreeMap<String, String>,
    ui: &Ui,
) -> Result<Target, CommandError> {
    let [program, rest @ ..] = args.command.as_slice() else {
        return Err(CommandError::usage("name the program after `--`"));
    };
    let (program, runtime_reads, runtime) = program_of(settings, program)?;
    // What the command names is what it may read: the program, its folder, and every argument that is a file or folder.
    let mut read = BTreeSet::new();
    for path in &args.read {
        let whole = settings.current_dir().join(path).canonicalize();
        read.insert(whole.map_err(|error| crate::error::io("open", path, &error))?);
    }
    // It starts in a folder of its own, so a file or folder is named by its whole path.
    let mut words: Vec<OsString> = Vec::new();
    for word in rest {
        let path = Some(word).filter(|word| !word.is_empty());
        let path = path.and_then(|word| settings.current_dir().join(word).canonicalize().ok());
        // A word may be a folder by chance, and a whole home is more than a word can open.
        match path {
            Some(path) if holds_home(settings, &path) => {
                ui.warn(&format!(
                    "{} is not opened to it, since it holds your home; --read FOLDER opens more",
                    escape(word)
                ));
                words.push(word.into());
            }
            Some(path) => {
                words.push(path.clone().into_os_string());
                read.insert(path);
            }
            None => words.push(word.into()),
        }
    }
    read.extend(runtime_reads);
    read.insert(program.clone());
    let read = read.into_iter().filter_map(|path| path.canonicalize().ok()).collect();
    let network: BTreeSet<String> = args.capturing.allow_network.iter().map(|host| host.to_ascii_lowercase()).collect();
    let plan = Plan {
        program,
        args: words,
        env: BTreeMap::new(),
        cwd: None,
        read,
        write: Vec::new(),
        canaries: true,
        network: if network.is_empty() { Network::None } else { Network::Hosts(network) },
        limits: Limits::capture(),
        observe: true,
        stdio: Stdio::Piped,
    };
    let environment = Environment::new(args.env.iter().map(String::as_str), real_env, Path::new("/tmp"));
    Ok(Target { plan, environment, runtime })
}

/// A program with what it must be able to read. `node` and `python3` are what the user's path means by them.
fn program_of(
    settings: &Settings,
    word: &str,
) -> Result<(PathBuf, Vec<PathBuf>, Option<mcpsec_model::capture::Runtime>), CommandError> {
    let kind = match word {
        "node" => Some(RuntimeKind::Node),
        "python" | "python3" => Some(RuntimeKind::Python),
        _ => None,
    };
    if let Some(kind) = kind {
        let path = settings.search_path();
        let memory = settings.cache.join("runtimes.json");
        let search = Search { path: &path, memory: Some(&memory) };
        let found = runtime::find(kind, search, &BTreeSet::new(), "", &|_| Ok(()))
            .map_err(|error| CommandError::incomplete(&error).hint(error.remedy()))?;
        return Ok((found.program.clone(), found.read.clone(), Some(found.to_model())));
    }
    let found = if word.contains('/') { Some(settings.current_dir().join(word)) } else { settings.probe().find(word) };
    let program = found.and_then(|program| program.canonicalize().ok()).ok_or_else(|| {
        CommandError::usage(format!("there is no program `{}`", escape(word)))
            .hint("a launcher such as npx downloads first, which the sandbox forbids: `mcpsec add` instead")
    })?;
    Ok((program, runtime::system_reads(), None))
}
