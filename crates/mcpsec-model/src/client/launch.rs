//! What an entry starts: a locked server, a package, a program, a container, a shell, or nothing on this machine.
use crate::{
    launch::{LaunchError, LaunchLine, base},
    name::ServerName,
    text::Untrusted,
};

/// What an entry starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
    /// `mcpsec run NAME`.
    Locked(LockedLaunch),
    /// A package of a registry or a repository, resolved anew at every start.
    Package(LaunchLine),
    /// A launcher of packages, with something that cannot be locked.
    Unlockable(LaunchError),
    /// A program or script of this machine; its name, safe to print.
    Program(String),
    /// A container; the program that starts it.
    Container(String),
    /// A server that runs elsewhere; its host, if the address has one, safe to print.
    Remote(Option<String>),
    /// A shell, or what only a shell understands; in words, safe to print.
    Shell(String),
    /// A part of the client, or an extension that the client installed by itself.
    OfClient,
    /// Something that this program does not understand; why.
    Unknown(&'static str),
}

/// `mcpsec [--project DIR] run NAME [-- ARGS]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedLaunch {
    /// The locked server.
    pub name: ServerName,
    /// The folder of the lock, where it is named.
    pub project: Option<String>,
    /// What the server is given beyond mcp.toml.
    pub args: Vec<String>,
    /// The program as written, where it is more than `mcpsec`: nobody knows yet whether that is this program.
    pub program: Option<String>,
}

const SHELLS: &[&str] =
    &["sh", "bash", "zsh", "fish", "dash", "ksh", "csh", "tcsh", "nu", "busybox", "pwsh", "powershell", "cmd", "wsl"];
const CONTAINERS: &[&str] = &["docker", "podman", "nerdctl", "finch", "container", "docker-compose", "podman-compose"];

/// Understands a command line that no shell sees.
pub(super) fn of_words(words: &[String]) -> Launch {
    let Some((program, rest)) = words.split_first() else { return Launch::Unknown("it starts nothing") };
    if base(program) == "mcpsec" {
        return locked(program, rest);
    }
    match LaunchLine::from_words(words) {
        Ok(line) => Launch::Package(line),
        Err(error) => refused(program, rest, error),
    }
}

/// Understands a command that is one text. Some clients hand it to a shell.
pub(super) fn of_line(line: &str) -> Launch {
    if !line.trim().contains(char::is_whitespace) {
        return of_words(&[line.trim().to_owned()]);
    }
    match LaunchLine::parse(line) {
        Ok(line) => Launch::Package(line),
        Err(error @ (LaunchError::Shell(_) | LaunchError::Variable | LaunchError::Quotes)) => {
            Launch::Shell(error.to_string())
        }
        Err(error) => match shell_words::split(line) {
            Ok(words) if words.first().is_some_and(|word| base(word) == "mcpsec") => {
                only_a_line(line, of_words(&words))
            }
            Ok(words) => refused(words.first().map_or("", String::as_str), words.get(1..).unwrap_or_default(), error),
            Err(_) => Launch::Shell("quotes that do not close".to_owned()),
        },
    }
}

fn refused(program: &str, rest: &[String], error: LaunchError) -> Launch {
    match error {
        LaunchError::Unsupported { program: name, .. } => {
            if CONTAINERS.contains(&name.as_str()) {
                Launch::Container(name)
            } else if SHELLS.contains(&name.as_str()) {
                Launch::Shell(format!("the shell `{name}`"))
            } else {
                Launch::Program(name)
            }
        }
        LaunchError::Remote => Launch::Remote(host(program)),
        error @ (LaunchError::Shell(_) | LaunchError::Variable | LaunchError::Quotes) => {
            Launch::Shell(error.to_string())
        }
        LaunchError::NoPackage if rest.is_empty() && base(program) == "env" => {
            Launch::Program(Untrusted::new(base(program)).excerpt(40))
        }
        error => Launch::Unlockable(error),
    }
}

fn locked(program: &str, words: &[String]) -> Launch {
    let mut project = None;
    let mut words = words.iter().map(String::as_str);
    let mut name = None;
    while let Some(word) = words.next() {
        match word {
            "run" if name.is_none() => {
                let Some(next) = words.next() else { return Launch::Unknown("`mcpsec run` names no server") };
                match next.parse::<ServerName>() {
                    Ok(server) => name = Some(server),
                    Err(_) => return Launch::Unknown("`mcpsec run` names no server"),
                }
            }
            "--project" => match words.next() {
                Some(folder) if project.is_none() => project = Some(folder.to_owned()),
                _ => return Launch::Unknown("`--project` of mcpsec needs one folder"),
            },
            "--offline" | "-q" | "--quiet" | "-v" | "--verbose" => {}
            "--" if name.is_some() => break,
            _ => match word.strip_prefix("--project=") {
                Some(folder) if project.is_none() => project = Some(folder.to_owned()),
                _ => return Launch::Unknown("it calls mcpsec with something else than `run NAME`"),
            },
        }
    }
    let Some(name) = name else { return Launch::Unknown("it calls mcpsec with something else than `run NAME`") };
    let program = (program != "mcpsec").then(|| program.to_owned());
    Launch::Locked(LockedLaunch { name, project, args: words.map(str::to_owned).collect(), program })
}

/// The host of an address and nothing else: paths and queries of remote servers are often their keys.
pub(super) fn host(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    Some(Untrusted::new(url.host_str()?).excerpt(80))
}

/// Understands a command with white space in it that has arguments besides: the path of a program, or several words.
pub(super) fn of_parts(words: &[String]) -> Launch {
    let Some((command, args)) = words.split_first() else { return Launch::Unknown("it starts nothing") };
    match shell_words::split(command) {
        Ok(mut split) => {
            split.extend(args.iter().cloned());
            only_a_line(command, of_words(&split))
        }
        Err(_) => Launch::Shell("quotes that do not close".to_owned()),
    }
}

/// A text that only a shell splits is the name of one program elsewhere. Without a slash no repository can hold a program of that
/// name where clients look; with one, `mcpsec --project ./ run files` is the file ` run files` of a folder with an odd name.
fn only_a_line(text: &str, launch: Launch) -> Launch {
    match launch {
        Launch::Locked(_) if text.contains(['/', '\\']) => {
            Launch::Shell("the path of a program that reads like a call of mcpsec".to_owned())
        }
        other => other,
    }
}
