//! Which locked server an entry of a configuration means, and the command line that starts it.
use mcpsec_fetch::npm;
use mcpsec_model::{
    candidate::EntryPoint,
    client::{ClientServer, Launch, Level, Wrapping},
    config::{Config, ServerConfig},
    launch::LaunchLine,
    lock::{Lock, LockedServer},
    spec::Spec,
};

/// What a version of a launch line comes to, beside the locked one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Asked {
    /// Exactly the locked version.
    Same,
    /// Another version, or a range that the locked one is not in.
    Other,
    /// Whatever is newest.
    Newest,
}

/// Why an entry is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Skip {
    /// Fits after "left: "; safe to print.
    pub(in crate::commands) why: String,
    /// The next command.
    pub(in crate::commands) hint: Option<String>,
}

impl Skip {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Whether two specs are about the same package, whatever versions they ask for.
pub(in crate::commands) fn same_package(one: &Spec, two: &Spec) -> bool {
    match (one, two) {
        (Spec::Npm(one), Spec::Npm(two)) => one.name == two.name,
        (Spec::Pypi(one), Spec::Pypi(two)) => one.name == two.name && one.extras == two.extras,
        (Spec::Git(one), Spec::Git(two)) => one.package_name() == two.package_name(),
        _ => false,
    }
}

/// The locked servers that a launch line may mean: of its package, started by its command.
pub(super) fn candidates<'l>(line: &LaunchLine, lock: &'l Lock) -> Vec<&'l LockedServer> {
    let starts_it = |server: &LockedServer| match (&line.command, &server.entry) {
        (asked, _) if *asked == server.command => true,
        (Some(asked), EntryPoint::NpmBin(name) | EntryPoint::PythonScript(name)) => asked == name,
        _ => false,
    };
    lock.servers.values().filter(|server| same_package(&server.spec, &line.spec) && starts_it(server)).collect()
}

/// What a launch line asks for, beside what is locked.
pub(super) fn asked(spec: &Spec, server: &LockedServer) -> Asked {
    let version = server.closure.root().package().version();
    match spec {
        Spec::Npm(npm) => match npm.requirement.as_deref() {
            None | Some("latest" | "*" | "") => Asked::Newest,
            Some(range) if is_exact(range) => {
                if range.trim_start_matches(['=', 'v']) == version {
                    Asked::Same
                } else {
                    Asked::Other
                }
            }
            Some(range) => match npm::satisfies(range, version) {
                Some(false) => Asked::Other,
                _ => Asked::Newest,
            },
        },
        Spec::Pypi(pypi) => {
            let exact = pypi.specifiers.len() == 1
                && pypi.specifiers.iter().all(|one| {
                    let text = one.to_string();
                    text.starts_with("==") && !text.ends_with(".*")
                });
            match (pypi.admits(version), exact) {
                (true, true) => Asked::Same,
                (true, false) => Asked::Newest,
                (false, _) => Asked::Other,
            }
        }
        Spec::Git(git) => match git.reference.as_deref() {
            Some(commit) if commit.len() >= 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()) => {
                if commit == version { Asked::Same } else { Asked::Other }
            }
            // Tags and branches move.
            _ => Asked::Newest,
        },
    }
}

/// Whether npm reads it as one version: three numbers, and what may follow them (semver 2.0.0).
fn is_exact(range: &str) -> bool {
    let range = range.trim_start_matches(['=', 'v']);
    let core = range.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number) && !range.contains([' ', '|', ','])
}

/// How an entry is pointed at the lock, or why it is not.
///
/// `project` is the folder to name, for configurations of users: nobody knows in which folder their clients start servers.
/// `named`: a person asked for exactly this one.
pub(in crate::commands) fn wrapping(
    server: &ClientServer,
    program: &str,
    project: Option<&str>,
    config: &Config,
    lock: &Lock,
    named: bool,
) -> Result<Option<Wrapping>, Skip> {
    let line = match &server.launch {
        Launch::Package(line) => line,
        Launch::Locked(_) => return Ok(None),
        other => return Err(Skip::new(cannot(other))),
    };
    let locked = choose(server, line, config, lock)?;
    let entry = config.servers.get(&locked.name).ok_or_else(|| {
        Skip::new(format!("mcp.lock holds `{}` and mcp.toml does not name it", locked.name))
            .hint(format!("mcpsec remove {}, or put it back into mcp.toml", locked.name))
    })?;
    if asked(&line.spec, locked) == Asked::Other && !named {
        return Err(Skip::new(format!("it asks for {}, and {} is locked", line.spec, locked.version))
            .hint(format!("mcpsec wrap {} takes what is locked", locked.name)));
    }
    if !line.env.is_empty() {
        return Err(Skip::new(format!("it sets {} before the launcher", line.env.join(", ")))
            .hint("move the variables into the entry's own member for them"));
    }
    if let Some(what) = server.steering.iter().find(|what| *what != "envFile") {
        return Err(Skip::new(format!("its `{what}` decides which mcpsec and which mcp.lock are found")));
    }
    let more = line.args.strip_prefix(entry.args.as_slice()).ok_or_else(|| {
        Skip::new("mcp.toml gives it other arguments".to_owned())
            .hint(format!("make them the same, or take `args` of [servers.{}] out of mcp.toml", locked.name))
    })?;
    let mut words = vec![program.to_owned()];
    words.extend(project.into_iter().flat_map(|folder| ["--project".to_owned(), folder.to_owned()]));
    words.extend(["run".to_owned(), locked.name.to_string()]);
    if !more.is_empty() {
        words.push("--".to_owned());
        words.extend(more.iter().cloned());
    }
    Ok(Some(Wrapping { path: server.path.clone(), words }))
}

fn choose<'l>(
    server: &ClientServer,
    line: &LaunchLine,
    config: &Config,
    lock: &'l Lock,
) -> Result<&'l LockedServer, Skip> {
    let candidates = candidates(line, lock);
    if let Some(same) = candidates.iter().find(|locked| locked.name.as_str() == server.name()) {
        return Ok(same);
    }
    let args = |locked: &LockedServer| config.servers.get(&locked.name).map(|entry: &ServerConfig| entry.args.clone());
    match candidates.as_slice() {
        [] => {
            let known = config.servers.iter().find(|(_, entry)| same_package(&entry.source, &line.spec));
            let hint = match known {
                Some((name, _)) => format!("mcpsec add {name}"),
                None => format!("mcpsec add {}", shell_words::quote(&line.spec.to_string())),
            };
            Err(Skip::new(format!("{} is not locked", line.spec)).hint(hint))
        }
        [only] => Ok(only),
        several => {
            let exact = several.iter().find(|locked| args(locked).is_some_and(|args| args == line.args));
            exact.copied().ok_or_else(|| {
                let names: Vec<&str> = several.iter().map(|locked| locked.name.as_str()).collect();
                Skip::new(format!("{} of mcp.lock are this package", names.join(" and ")))
                    .hint("give the entry the name of the one that is meant")
            })
        }
    }
}

/// Why something that is no package cannot be locked.
pub(in crate::commands) fn cannot(launch: &Launch) -> String {
    match launch {
        Launch::Locked(_) | Launch::Package(_) => "it can be locked".to_owned(),
        Launch::Unlockable(error) => error.to_string(),
        Launch::Program(name) => format!("`{name}` is a program of this machine, and no package"),
        Launch::Container(name) => format!("`{name}` starts a container, which cannot be locked yet"),
        Launch::Remote(Some(host)) => format!("it runs on {host}: there is no artifact to lock"),
        Launch::Remote(None) => "it runs elsewhere: there is no artifact to lock".to_owned(),
        Launch::Shell(what) => format!("it goes through a shell ({what})"),
        Launch::OfClient => "it is a part of the client".to_owned(),
        Launch::Unknown(why) => (*why).to_owned(),
    }
}

/// The folder that an entry of this level has to name.
pub(in crate::commands) fn needs_project(level: Level) -> bool {
    level == Level::User
}
