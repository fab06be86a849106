//! Settings: the environment, the home folder, the clock and the configuration files of npm, pip and uv, read once.
//!
//! Libraries never look at any of these; they get values. Everything here is derived from an [`Environment`], so tests can
//! make one.
use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use mcpsec_fetch::{npm::NpmrcInput, pypi::PypiConfigInput};
use mcpsec_model::{client::Base, target::Platform, team::TeamUrl, time::Timestamp, url::SafeUrl};

use crate::{
    cli::{Color, Format, Global},
    error::CommandError,
    files,
    probe::Probe,
    project::Place,
    ui::Said,
};

/// Configuration files of other tools are small; anything larger is not one.
const CONFIG_LIMIT: u64 = 1 << 20;

/// The token that the team's registry is shown.
pub(crate) const TEAM_TOKEN: &str = "MCPSEC_TEAM_TOKEN";
/// The registry that it is for.
pub(crate) const TEAM_REGISTRY: &str = "MCPSEC_TEAM_REGISTRY";

/// What the process was started with.
pub(crate) struct Environment {
    vars: BTreeMap<String, String>,
    current_dir: PathBuf,
    home: Option<PathBuf>,
}

impl Environment {
    /// Reads the process's own environment; the only place that does.
    #[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
    fn of_process() -> Result<Self, CommandError> {
        // Variables that are not Unicode cannot be any of ours.
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let current_dir = std::env::current_dir()
            .map_err(|error| CommandError::usage(format!("failed to find the current folder: {error}")))?;
        Ok(Self { vars, current_dir, home: etcetera::home_dir().ok() })
    }

    /// A variable that is set and not empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|value| self.current_dir.join(value))
    }

    fn search_path(&self) -> Vec<PathBuf> {
        self.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default()
    }
}

/// Everything a command needs to know about where and how it runs.
pub(crate) struct Settings {
    /// Where mcp.toml and mcp.lock are, and what holds around them.
    pub(crate) project: Place,
    /// Folder of the store.
    pub(crate) store: PathBuf,
    /// Folder of the HTTP cache and other things that may be deleted.
    pub(crate) cache: PathBuf,
    /// File of the advisory database.
    pub(crate) database: PathBuf,
    /// `MCPSEC_ADVISORIES`: where the archives of advisories are.
    pub(crate) advisories: Option<SafeUrl>,
    /// `MCPSEC_OSV_API`: the API of an OSV service.
    pub(crate) osv_api: Option<SafeUrl>,
    /// `--offline`.
    pub(crate) offline: bool,
    /// Whether servers may be started to hear what they tell the model.
    pub(crate) captures: bool,
    /// Whether trust roots may be renewed over the network.
    pub(crate) trust_refresh: bool,
    /// How often a request is repeated after a failure that may pass.
    pub(crate) retries: usize,
    /// `--format`.
    pub(crate) format: Format,
    /// `--report`: what is written beside what is printed.
    pub(crate) reports: Vec<(Format, PathBuf)>,
    /// Colours on standard output and standard error.
    pub(crate) color: bool,
    /// How much to say on standard error: -2 (errors only) to 3.
    pub(crate) verbosity: i8,
    /// Whether a progress bar makes sense.
    pub(crate) progress: bool,
    /// The clock, read once.
    pub(crate) now: Timestamp,
    /// This machine.
    pub(crate) platform: Platform,
    /// What was told already.
    pub(crate) said: Said,
    launcher: PathBuf,
    environment: Environment,
}

impl Settings {
    /// Reads everything that is cheap; configuration files of npm and pip are read when they are needed.
    pub(crate) fn new(global: &Global) -> Result<Self, CommandError> {
        let environment = Environment::of_process()?;
        let project = match &global.project {
            Some(folder) => {
                let folder = environment.current_dir.join(folder);
                if !folder.is_dir() {
                    return Err(CommandError::usage(format!("--project {}: not a folder", folder.display())));
                }
                folder
            }
            None => nearest_project(&environment.current_dir),
        };
        let no_home = || {
            CommandError::usage("cannot tell where your home folder is")
                .hint("set HOME, or MCPSEC_STORE and MCPSEC_CACHE")
        };
        let base = etcetera::choose_base_strategy().ok();
        let store = match environment.path("MCPSEC_STORE") {
            Some(folder) => folder,
            None => base.as_ref().ok_or_else(no_home)?.data_dir().join("mcpsec").join("store"),
        };
        let cache = match environment.path("MCPSEC_CACHE") {
            Some(folder) => folder,
            None => base.as_ref().ok_or_else(no_home)?.cache_dir().join("mcpsec"),
        };
        let database = match environment.path("MCPSEC_DB") {
            Some(file) => file,
            None => base.as_ref().ok_or_else(no_home)?.data_dir().join("mcpsec").join("advisories.db"),
        };
        let stderr_is_terminal = std::io::stderr().is_terminal();
        let verbosity =
            i8::try_from(global.verbose.min(3)).unwrap_or(3) - i8::try_from(global.quiet.min(2)).unwrap_or(2);
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => std::io::stdout().is_terminal() && environment.get("NO_COLOR").is_none(),
        };
        let mut machine = Vec::new();
        match environment.path("ProgramData").filter(|_| cfg!(windows)) {
            Some(folder) => machine.push(folder.join("mcpsec").join("policy.toml")),
            None => machine.push(PathBuf::from("/etc/mcpsec/policy.toml")),
        }
        machine.extend(base.as_ref().map(|base| base.config_dir().join("mcpsec").join("policy.toml")));
        let project = Place { folder: project, machine, home: environment.home.clone() };
        Ok(Self {
            project,
            store,
            cache,
            database,
            advisories: address(&environment, "MCPSEC_ADVISORIES")?,
            osv_api: address(&environment, "MCPSEC_OSV_API")?,
            offline: global.offline,
            retries: retries(&environment)?,
            captures: on_or_off(&environment, "MCPSEC_CAPTURE")?,
            trust_refresh: on_or_off(&environment, "MCPSEC_TRUST_REFRESH")?,
            launcher: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("mcpsec")),
            format: global.format,
            reports: global.report.iter().map(|(format, file)| (*format, environment.current_dir.join(file))).collect(),
            color,
            verbosity,
            progress: stderr_is_terminal && verbosity >= 0 && environment.get("TERM") != Some("dumb"),
            now: now(),
            said: Said::default(),
            platform: host_platform().ok_or_else(|| {
                CommandError::usage(format!(
                    "{} on {} is not a platform that mcpsec can lock for",
                    std::env::consts::OS,
                    std::env::consts::ARCH
                ))
            })?,
            environment,
        })
    }

    /// Colours for renderers that put them in themselves.
    pub(crate) fn style(&self) -> mcpsec_report::Style {
        if self.color { mcpsec_report::Style::colored() } else { mcpsec_report::Style::plain() }
    }

    /// This program, which starts itself again as the second half of the sandbox.
    pub(crate) fn launcher(&self) -> &Path {
        &self.launcher
    }

    /// The folders of `PATH`.
    pub(crate) fn search_path(&self) -> Vec<PathBuf> {
        self.environment.search_path()
    }

    /// The folder that this process was started in.
    pub(crate) fn current_dir(&self) -> &Path {
        &self.environment.current_dir
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.environment.home.as_deref()
    }

    /// Where the user's SSH agent listens (`SSH_AUTH_SOCK`).
    pub(crate) fn ssh_agent(&self) -> Option<&Path> {
        self.environment.get("SSH_AUTH_SOCK").map(Path::new)
    }

    /// The folder that configurations of MCP clients are looked for in.
    pub(crate) fn client_folder(&self, base: Base) -> Option<PathBuf> {
        let env = &self.environment;
        let dot_config = || env.path("XDG_CONFIG_HOME").or_else(|| Some(env.home.as_ref()?.join(".config")));
        match base {
            Base::Project => Some(self.project.folder.clone()),
            Base::Home => env.home.clone(),
            Base::DotConfig => dot_config(),
            Base::Config if cfg!(windows) => env.path("APPDATA"),
            Base::Config if cfg!(target_os = "macos") => {
                Some(env.home.as_ref()?.join("Library").join("Application Support"))
            }
            Base::Config => dot_config(),
        }
    }

    /// What the team's registry is shown (`MCPSEC_TEAM_TOKEN`); never part of a file that is committed.
    ///
    /// mcp.toml comes with a repository, and so does the address in it: whoever cloned it must have said by `MCPSEC_TEAM_REGISTRY`
    /// that the token is for that one. An address on this machine is nobody else's, and needs no such word.
    pub(crate) fn team_token(&self, registry: &TeamUrl) -> Option<&str> {
        let token = self.environment.get(TEAM_TOKEN)?;
        self.is_for(registry).then_some(token)
    }

    fn is_for(&self, registry: &TeamUrl) -> bool {
        match self.environment.get(TEAM_REGISTRY) {
            // Word for word: another team may live below another path of the same host. What is no address is nobody's.
            Some(named) => named.parse::<TeamUrl>().is_ok_and(|named| named == *registry),
            None => registry.is_loopback(),
        }
    }

    /// Whether there is a token at all, for whichever registry.
    pub(crate) fn has_team_token(&self) -> bool {
        self.environment.get(TEAM_TOKEN).is_some()
    }

    /// Why there is no token for a registry, and what to do about it.
    pub(crate) fn no_team_token(&self, registry: &TeamUrl) -> (String, String) {
        if self.environment.get(TEAM_TOKEN).is_some() && !self.is_for(registry) {
            if self.environment.get(TEAM_REGISTRY).is_some_and(|named| named.parse::<TeamUrl>().is_err()) {
                let why = format!("{TEAM_TOKEN} is set, and {TEAM_REGISTRY} beside it is no address of a registry");
                return (why, format!("{TEAM_REGISTRY}={registry}, if the token is for that one"));
            }
            let why = format!("{TEAM_TOKEN} is set, and nothing says that it is for {registry}, which mcp.toml names");
            return (why, format!("if you trust that registry with it, set {TEAM_REGISTRY}={registry}"));
        }
        (
            format!("{TEAM_TOKEN} is not set, and {registry} wants to know who speaks"),
            format!("set {TEAM_TOKEN}, and {TEAM_REGISTRY}={registry} beside it"),
        )
    }

    /// The value of a variable that mcp.toml lets a server have.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.vars.get(name).map(String::as_str)
    }

    /// Asks runtimes about themselves.
    pub(crate) fn probe(&self) -> Probe {
        Probe::new(self.environment.search_path(), &self.cache)
    }

    /// npm's configuration files and variables, highest precedence first (npmrc(5)).
    pub(crate) fn npmrc(&self) -> Result<NpmrcInput, CommandError> {
        let env = &self.environment;
        let project = self.project.join(".npmrc");
        let user = first_var(env, &["NPM_CONFIG_USERCONFIG", "npm_config_userconfig"])
            .or_else(|| env.home.as_ref().map(|home| home.join(".npmrc")));
        // Whoever works in the home folder, or names the file as the user's, has no separate one of the project.
        let is_users = user.as_ref() == Some(&project);
        let mut paths: Vec<PathBuf> = user.into_iter().collect();
        let prefix = first_var(env, &["NPM_CONFIG_PREFIX", "npm_config_prefix", "PREFIX"]);
        let global = first_var(env, &["NPM_CONFIG_GLOBALCONFIG", "npm_config_globalconfig"])
            .or_else(|| prefix.map(|prefix| prefix.join("etc").join("npmrc")))
            .or_else(|| {
                // npm's own default prefix is the folder above the one that holds `node`.
                let node = self.probe().find("node")?;
                Some(node.parent()?.parent()?.join("etc").join("npmrc"))
            });
        paths.extend(global);
        let project = if is_users { None } else { read_all(&[project])?.pop() };
        Ok(NpmrcInput { project, files: read_all(&paths)?, env: env.vars.clone(), configured: None })
    }

    /// pip's and uv's configuration files and variables, highest precedence first.
    pub(crate) fn pypi(&self) -> Result<PypiConfigInput, CommandError> {
        let env = &self.environment;
        let config_home = env.path("XDG_CONFIG_HOME").or_else(|| env.home.as_ref().map(|home| home.join(".config")));
        let mut uv = vec![];
        match env.path("UV_CONFIG_FILE") {
            Some(file) => uv.push(file),
            None => {
                uv.push(self.project.join("uv.toml"));
                uv.extend(config_home.as_ref().map(|folder| folder.join("uv").join("uv.toml")));
                uv.push(PathBuf::from("/etc/uv/uv.toml"));
            }
        }
        let pip_file = if cfg!(windows) { "pip.ini" } else { "pip.conf" };
        let mut pip = vec![];
        pip.extend(env.path("PIP_CONFIG_FILE").filter(|file| file != Path::new("/dev/null")));
        if env.get("PIP_CONFIG_FILE") != Some("/dev/null") {
            pip.extend(env.path("VIRTUAL_ENV").map(|folder| folder.join(pip_file)));
            if cfg!(target_os = "macos") {
                pip.extend(env.home.as_ref().map(|home| home.join("Library/Application Support/pip/pip.conf")));
            }
            if cfg!(windows) {
                pip.extend(env.path("APPDATA").map(|folder| folder.join("pip").join(pip_file)));
            }
            pip.extend(config_home.map(|folder| folder.join("pip").join(pip_file)));
            pip.extend(
                env.home.as_ref().map(|home| home.join(if cfg!(windows) { "pip" } else { ".pip" }).join(pip_file)),
            );
            if cfg!(unix) {
                pip.extend(["/etc/xdg/pip/pip.conf", "/etc/pip.conf"].map(PathBuf::from));
            }
        }
        let netrc = env
            .path("NETRC")
            .or_else(|| env.home.as_ref().map(|home| home.join(if cfg!(windows) { "_netrc" } else { ".netrc" })));
        let netrc =
            netrc.map(|file| read_all(&[file])).transpose()?.and_then(|mut files| files.pop()).map(|(_, text)| text);
        Ok(PypiConfigInput {
            configured: None,
            env: env.vars.clone(),
            uv_toml: read_all(&uv)?,
            pip_conf: read_all(&pip)?,
            netrc,
            default_index: None,
        })
    }
}

/// `MCPSEC_TRUST_REFRESH`, `off` where the repositories of trust roots cannot be reached; `MCPSEC_CAPTURE`, `off` where no
/// server may be started at all. What is off is reported as unchecked.
fn on_or_off(env: &Environment, name: &str) -> Result<bool, CommandError> {
    match env.get(name) {
        None | Some("on") => Ok(true),
        Some("off") => Ok(false),
        Some(_) => Err(CommandError::usage(format!("{name} must be on or off"))),
    }
}

/// An http or https address. The text is not repeated: it may hold a password.
fn address(env: &Environment, name: &str) -> Result<Option<SafeUrl>, CommandError> {
    let Some(text) = env.get(name) else { return Ok(None) };
    let url = text.parse::<SafeUrl>().ok().filter(|url| matches!(url.expose().scheme(), "http" | "https"));
    url.map(Some).ok_or_else(|| CommandError::usage(format!("{name} must be an http or https address")))
}

/// `MCPSEC_HTTP_RETRIES`; without it four, which rides out some seconds of trouble.
fn retries(env: &Environment) -> Result<usize, CommandError> {
    let Some(text) = env.get("MCPSEC_HTTP_RETRIES") else { return Ok(4) };
    match text.parse() {
        Ok(count @ 0..=20) => Ok(count),
        _ => Err(CommandError::usage("MCPSEC_HTTP_RETRIES must be a number from 0 to 20")),
    }
}

fn first_var(env: &Environment, names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| env.path(name))
}

/// Reads those of the files that exist. One that exists and cannot be read is an error: it may hold the registry to use.
fn read_all(paths: &[PathBuf]) -> Result<Vec<(String, String)>, CommandError> {
    let mut files = Vec::new();
    for path in paths {
        match files::read_text(path, CONFIG_LIMIT) {
            Ok(Some(text)) => files.push((path.display().to_string(), text)),
            Ok(None) => {}
            // A folder by that name, or a parent that is a file, is as good as no file.
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::IsADirectory | std::io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(crate::error::io("read", path, &error)),
        }
    }
    Ok(files)
}

fn nearest_project(from: &Path) -> PathBuf {
    let holds = |folder: &&Path| folder.join("mcp.toml").is_file() || folder.join("mcp.lock").is_file();
    from.ancestors().find(holds).unwrap_or(from).to_path_buf()
}

#[expect(clippy::disallowed_methods, reason = "the one home of the clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn host_platform() -> Option<Platform> {
    let musl = cfg!(target_env = "musl") && !Path::new("/lib64/ld-linux-x86-64.so.2").exists();
    Some(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") if musl => Platform::LinuxX8664Musl,
        ("linux", "x86_64") => Platform::LinuxX8664Gnu,
        ("linux", "aarch64") if musl => Platform::LinuxAarch64Musl,
        ("linux", "aarch64") => Platform::LinuxAarch64Gnu,
        ("macos", "x86_64") => Platform::MacosX8664,
        ("macos", "aarch64") => Platform::MacosAarch64,
        ("windows", "x86_64") => Platform::WindowsX8664,
        ("windows", "aarch64") => Platform::WindowsAarch64,
        _ => return None,
    })
}
