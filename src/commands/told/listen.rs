//! Starting a locked server in the sandbox and listening to it, once for each question.
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
    sync::OnceLock,
};

use mcpsec_capture::{
    capture::{self, CaptureError, Environment, Target},
    install::{InstalledServer, Note},
    mcp::Bounds,
    sandbox::{Limits, Network, Plan, Sandbox, Stdio},
};
use mcpsec_fetch::store::Store;
use mcpsec_model::{
    capture::{Captured, Told},
    config::{CapturePolicy, Config, Isolation, ServerConfig},
    lock::LockedServer,
    manifest::{Text, texts_at},
    package::{Package, PackageId},
    text::escape,
};

use super::{
    installed::{self, NotHere},
    level,
    memory::Question,
};
use crate::{cli::Capturing, error::CommandError, files, settings::Settings, ui::Ui};

/// The longest file of variables.
const ENV_FILE_LIMIT: u64 = 1 << 20;

/// Everything that listening needs, found once for all servers of a command.
pub(crate) struct Ears<'a> {
    settings: &'a Settings,
    config: &'a Config,
    store: &'a Store,
    network: BTreeSet<String>,
    real_env: BTreeMap<String, String>,
    sandbox: OnceLock<Result<Sandbox, String>>,
    level: OnceLock<Option<Isolation>>,
}

/// What came of listening to one server, and what its installation has to tell.
pub(crate) struct Hearing {
    pub(crate) heard: Heard,
    pub(crate) notes: Vec<Note>,
}

impl From<Heard> for Hearing {
    fn from(heard: Heard) -> Self {
        Self { heard, notes: Vec::new() }
    }
}

/// What came of listening to one server.
pub(crate) enum Heard {
    /// What it says, from this run or an earlier one.
    Captured(Box<Captured>),
    /// The server cannot list here: it needs a network, credentials or a runtime.
    Cannot(Cannot),
    /// This machine has no sandbox of the level that the policy asks for.
    NoSandbox(String),
    /// Captures are switched off.
    Off(String),
}

/// Why a server could not be heard.
pub(crate) struct Cannot {
    /// For people, with the server's own last words.
    pub(crate) why: String,
    /// For the lock: no words that change from run to run.
    pub(crate) kept: String,
    /// What would help.
    pub(crate) hint: Option<String>,
    /// It was started with all that it had when it was locked and heard, and could not be heard.
    pub(crate) unexplained: bool,
}

impl Cannot {
    pub(crate) fn because(why: impl Into<String>, hint: Option<String>) -> Self {
        let why = why.into();
        Self { kept: why.clone(), why, hint, unexplained: false }
    }
}

impl Heard {
    /// What the lock says about it.
    pub(crate) fn told(&self) -> Told {
        match self {
            Self::Captured(captured) => Told::Manifest(captured.clone()),
            Self::Cannot(cannot) => Told::Unchecked(cannot.kept.clone()),
            Self::NoSandbox(why) => Told::Unchecked(why.clone()),
            Self::Off(_) => Told::Unknown,
        }
    }
}

impl<'a> Ears<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        config: &'a Config,
        store: &'a Store,
        capturing: &Capturing,
    ) -> Result<Self, CommandError> {
        let real_env = match &capturing.env_file {
            Some(file) => real_env(file)?,
            None => BTreeMap::new(),
        };
        if settings.offline && !capturing.allow_network.is_empty() {
            return Err(CommandError::usage("--offline and --allow-network exclude each other"));
        }
        let network = capturing.allow_network.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Self { settings, config, store, network, real_env, sandbox: OnceLock::new(), level: OnceLock::new() })
    }

    /// The strongest sandbox of this machine, if it is strong enough for the policy.
    fn sandbox(&self) -> Result<&Sandbox, String> {
        let found = self.sandbox.get_or_init(|| {
            let found = level::try_all(self.settings, self.config.policy.isolation).map_err(|error| error.to_string());
            if found.as_ref().is_ok_and(|sandbox| sandbox.tier() == Isolation::None) {
                let why = "no sandbox works here and mcp.toml says isolation = \"none\": servers are started with all your rights";
                Ui::new(false, self.settings.verbosity).warn(why);
            }
            found
        });
        found.as_ref().map_err(Clone::clone)
    }

    /// The level that the strongest sandbox of this machine gives, if it is strong enough. Nothing is tried when it is known
    /// from an earlier run: this level only chooses among answers that were given in it. What starts programs is always
    /// tried first.
    fn level(&self) -> Result<Isolation, String> {
        let known = self.level.get_or_init(|| level::recall(self.settings));
        match known.filter(|level| *level >= self.config.policy.isolation) {
            Some(level) => Ok(level),
            None => self.sandbox().map(Sandbox::tier),
        }
    }

    /// Captures what a server says; what this machine captured before is not captured again unless `anew`.
    pub(crate) fn listen(
        &self,
        packages: &BTreeMap<PackageId, Package>,
        server: &LockedServer,
        config: &ServerConfig,
        anew: bool,
    ) -> Result<Hearing, CommandError> {
        if self.config.policy.capture == CapturePolicy::Off {
            return Ok(Heard::Off("the policy says capture = \"off\"".to_owned()).into());
        }
        if !self.settings.captures {
            return Ok(Heard::Off("captures are switched off by MCPSEC_CAPTURE".to_owned()).into());
        }
        let level = match self.level() {
            Ok(level) => level,
            Err(why) => return Ok(Heard::NoSandbox(why).into()),
        };
        let cannot_install = |not: NotHere| {
            // What is wrong names places of this machine.
            let kept = "it could not be installed on the machine that locked it".to_owned();
            Heard::Cannot(Cannot { why: not.why, kept, hint: not.remedy, unexplained: false })
        };
        let plan = match installed::plan(self.settings, self.config, packages, server) {
            Ok(plan) => plan,
            Err(not) => return Ok(cannot_install(not).into()),
        };
        // Only what the person at this machine allows. A lock that a stranger wrote opens no network to a stranger's server.
        let network = self.network.clone();
        let declared: BTreeSet<String> = config.env.iter().cloned().collect();
        let real: BTreeMap<String, String> = self
            .real_env
            .iter()
            .filter(|(name, _)| declared.contains(*name))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        let placeholders: BTreeSet<String> =
            declared.iter().filter(|name| !real.contains_key(*name)).cloned().collect();
        let runtime = plan.runtime().to_model();
        let scripts = self.config.policy.install_scripts.iter().map(ToString::to_string).collect();
        let question = |level: Isolation| Question {
            closure: server.closure_id.to_string(),
            entry: format!("{:?}", server.entry),
            args: &config.args,
            placeholders: &placeholders,
            network: &network,
            isolation: level.as_str(),
            install_scripts: &scripts,
            platform: self.settings.platform.to_string(),
            runtime: Some(format!("{} {}", runtime.name, runtime.version)),
        };
        // Answers that real values or a network helped to get depend on more than can be named.
        let repeatable = real.is_empty() && network.is_empty();
        // An answer to the same question needs neither the server's files nor a sandbox.
        if repeatable
            && !anew
            && let Some(captured) = question(level).recall(self.settings)
        {
            return Ok(Hearing { heard: Heard::Captured(Box::new(captured)), notes: Vec::new() });
        }
        let sandbox = match self.sandbox() {
            Ok(sandbox) => sandbox,
            Err(why) => return Ok(Heard::NoSandbox(why).into()),
        };
        let installed = match installed::lay_out(self.settings, self.store, packages, server, &plan, Some(sandbox))? {
            Ok(installed) => installed,
            Err(not) => return Ok(cannot_install(not).into()),
        };
        let target = target(&installed, config, real, network.clone());
        match capture::capture(&target, sandbox, &Bounds::default()) {
            Ok(captured) => {
                if let Some(variable) = told_value(&captured, &self.real_env) {
                    let why = format!(
                        "{} tells the model the value of {variable}, which mcp.lock must not hold",
                        server.name
                    );
                    return Err(CommandError::denied(why).hint(format!("capture it without {variable}")));
                }
                if repeatable {
                    question(sandbox.tier()).remember(self.settings, &captured);
                }
                Ok(Hearing { heard: Heard::Captured(Box::new(captured)), notes: installed.notes })
            }
            Err(error) => {
                let before = server.told.captured().map(|captured| &captured.context);
                let lacks = before.is_some_and(|then| {
                    !then.network.is_subset(&network)
                        || then.real_env.iter().any(|name| !self.real_env.contains_key(name))
                });
                Ok(Hearing { heard: self.cannot(&error, before.is_some() && !lacks), notes: installed.notes })
            }
        }
    }

    fn cannot(&self, error: &CaptureError, unexplained: bool) -> Heard {
        let hint = error.needs().map(|need| need.hint());
        let why = without_values(error.to_string(), &self.real_env);
        let kept = without_values(error.failure.to_string(), &self.real_env);
        Heard::Cannot(Cannot { why, kept, hint, unexplained })
    }
}

/// A value shorter than this stands everywhere by chance.
const SHORTEST_SECRET: usize = 6;

/// A text of a server that was given real values, without them: it goes to reports, logs and the lock.
pub(crate) fn without_values(text: String, values: &BTreeMap<String, String>) -> String {
    let secrets = values.iter().filter(|(_, value)| value.len() >= SHORTEST_SECRET);
    // Printed texts are escaped.
    secrets.fold(text, |text, (name, value)| {
        text.replace(value.as_str(), &format!("(the value of {name})"))
            .replace(escape(value).as_str(), &format!("(the value of {name})"))
    })
}

/// The variable whose value a server tells the model, if it does.
pub(crate) fn told_value<'v>(captured: &Captured, values: &'v BTreeMap<String, String>) -> Option<&'v str> {
    let others = captured.unstable.iter().flat_map(|unstable| texts_at(&unstable.other, &unstable.subject));
    let texts: Vec<Text<'_>> = captured.manifest.texts().into_iter().chain(others).collect();
    let observed = &captured.observed;
    let tried: Vec<&str> = [&observed.hosts, &observed.files, &observed.canaries, &observed.programs]
        .into_iter()
        .flatten()
        .map(|text| text.raw())
        .collect();
    let tells =
        |value: &str| texts.iter().map(|text| text.text).chain(tried.iter().copied()).any(|text| text.contains(value));
    let secrets = values.iter().filter(|(_, value)| value.len() >= SHORTEST_SECRET);
    secrets.into_iter().find(|(_, value)| tells(value)).map(|(name, _)| name.as_str())
}

fn target(
    installed: &InstalledServer,
    config: &ServerConfig,
    real_env: BTreeMap<String, String>,
    network: BTreeSet<String>,
) -> Target {
    let mut args = installed.args.clone();
    args.extend(config.args.iter().map(OsString::from));
    let plan = Plan {
        program: installed.program.clone(),
        args,
        env: installed.env.clone(),
        cwd: None,
        read: installed.read.clone(),
        write: Vec::new(),
        canaries: true,
        network: if network.is_empty() { Network::None } else { Network::Hosts(network) },
        limits: Limits::capture(),
        observe: true,
        stdio: Stdio::Piped,
    };
    let environment = Environment::new(config.env.iter().map(String::as_str), real_env, Path::new("/tmp"));
    Target { plan, environment, runtime: installed.runtime.clone() }
}

/// Reads a file of variables: `NAME=value` lines, `#` comments, quotes as a shell reads them. Values are never shown.
pub(crate) fn real_env(file: &Path) -> Result<BTreeMap<String, String>, CommandError> {
    let text = files::read_text(file, ENV_FILE_LIMIT).map_err(|error| crate::error::io("read", file, &error))?;
    let text = text.ok_or_else(|| CommandError::usage(format!("there is no file {}", file.display())))?;
    let mut variables = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let bad = || {
            CommandError::usage(format!("{} line {}: expected NAME=value", file.display(), number + 1))
                .hint("the value is not shown here; quote it if it has spaces")
        };
        let (name, value) = line.split_once('=').ok_or_else(bad)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(bad());
        }
        let words = shell_words::split(value).map_err(|_| bad())?;
        let value = match words.as_slice() {
            [] => String::new(),
            [value] => value.clone(),
            _ => return Err(bad()),
        };
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}
