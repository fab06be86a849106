//! Launch lines: `npx -y pkg@1`, `uvx --from pkg cmd`, as client configs hold them, read into a spec, a command and arguments.
//!
//! Only lines that name one package of a registry (or a git URL) are read. Everything else that a config may start is refused
//! with a word on why it cannot be locked: shell constructs, extra packages (`--with`), other registries, containers.
use smol_str::SmolStr;

use crate::{
    config::command_name,
    spec::{Spec, SpecError},
    text::Untrusted,
};

/// A launch line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchLine {
    /// The package.
    pub spec: Spec,
    /// The command of the package, where it is not the package's default one.
    pub command: Option<SmolStr>,
    /// What the server is given.
    pub args: Vec<String>,
}

/// What `add` accepts: a spec, or a launch line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The package.
    pub spec: Spec,
    /// See [`LaunchLine::command`].
    pub command: Option<SmolStr>,
    /// See [`LaunchLine::args`].
    pub args: Vec<String>,
}

/// Why a launch line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// Quotes that do not close.
    #[error("`{0}` has quotes that do not close")]
    Quotes(String),
    /// `;`, `|`, `$(…)` and their kin.
    #[error("`{0}` is a shell construct; only one plain command can be locked")]
    Shell(String),
    /// A program that starts no package.
    #[error("`{program}` cannot be locked: {why}")]
    Unsupported {
        /// The program as written.
        program: String,
        /// Why not.
        why: &'static str,
    },
    /// An option with a meaning that a lock cannot keep.
    #[error("`{option}` of {program} cannot be locked: {why}")]
    Option {
        /// The launcher.
        program: &'static str,
        /// The option as written.
        option: String,
        /// Why not.
        why: &'static str,
    },
    /// The line ends before it names a package.
    #[error("the launch line names no package")]
    NoPackage,
    /// The package is malformed.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

impl LaunchError {
    /// What to try instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Spec(error) => error.hint(),
            Self::Unsupported { .. } => {
                Some("name the package itself: npm:NAME, pypi:NAME or git+https://…".to_owned())
            }
            _ => None,
        }
    }
}

impl Request {
    /// Reads a spec or, when the text has white space or starts with a launcher, a launch line.
    pub fn parse(text: &str) -> Result<Self, LaunchError> {
        let text = text.trim();
        let explicit = ["npm:", "pypi:", "pkg:", "git+"].iter().any(|prefix| text.starts_with(prefix));
        if !explicit && text.contains(char::is_whitespace) {
            let LaunchLine { spec, command, args } = LaunchLine::parse(text)?;
            return Ok(Self { spec, command, args });
        }
        Ok(Self { spec: text.parse()?, command: None, args: Vec::new() })
    }
}

/// Launchers with the family they belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Npm(&'static str),
    Uvx(&'static str),
    Pipx(&'static str),
}

impl LaunchLine {
    /// Reads one string, split as a shell would.
    pub fn parse(line: &str) -> Result<Self, LaunchError> {
        let words = shell_words::split(line).map_err(|_| LaunchError::Quotes(Untrusted::new(line).excerpt(60)))?;
        Self::from_words(&words)
    }

    /// Reads a command and its arguments.
    pub fn from_words(words: &[String]) -> Result<Self, LaunchError> {
        if let Some(word) = words.iter().find(|word| is_shell(word)) {
            return Err(LaunchError::Shell(Untrusted::new(word.as_str()).excerpt(40)));
        }
        let mut words = words.iter().map(String::as_str).peekable();
        let mut program = words.next().ok_or(LaunchError::NoPackage)?;
        // On Windows, configs wrap launchers as `cmd /c npx …`.
        if base(program) == "cmd" {
            match words.next() {
                Some("/c" | "/C") => program = words.next().ok_or(LaunchError::NoPackage)?,
                _ => return Err(unsupported(program, "it is a shell")),
            }
        }
        let mut sub = |wanted: &[&str]| words.next_if(|word| wanted.contains(word)).is_some();
        let family = match base(program) {
            "npx" => Family::Npm("npx"),
            "npm" if sub(&["exec", "x"]) => Family::Npm("npm exec"),
            "bunx" => Family::Npm("bunx"),
            "bun" if sub(&["x"]) => Family::Npm("bunx"),
            "pnpx" => Family::Npm("pnpm dlx"),
            "pnpm" if sub(&["dlx"]) => Family::Npm("pnpm dlx"),
            "yarn" if sub(&["dlx"]) => Family::Npm("yarn dlx"),
            "uvx" => Family::Uvx("uvx"),
            "uv" if sub(&["tool"]) && sub(&["run"]) => Family::Uvx("uv tool run"),
            "pipx" if sub(&["run"]) => Family::Pipx("pipx run"),
            "docker" | "podman" => return Err(unsupported(program, "containers are not supported yet")),
            "node" | "deno" | "python" | "python3" | "uv" | "bun" => {
                return Err(unsupported(program, "it runs a file of this machine, not a package"));
            }
            "sh" | "bash" | "zsh" | "fish" | "pwsh" | "powershell" => {
                return Err(unsupported(program, "it is a shell"));
            }
            "npm" | "pnpm" | "yarn" | "pipx" => {
                return Err(unsupported(program, "only its command that runs a package can be"));
            }
            _ => return Err(unsupported(program, "it is no known launcher of packages")),
        };
        let rest: Vec<&str> = words.collect();
        match family {
            Family::Npm(name) => npm_line(name, &rest),
            Family::Uvx(name) => python_line(name, "--from", &rest),
            Family::Pipx(name) => python_line(name, "--spec", &rest),
        }
    }
}

fn unsupported(program: &str, why: &'static str) -> LaunchError {
    LaunchError::Unsupported { program: Untrusted::new(program).excerpt(40), why }
}

/// The program without folder and Windows extension.
fn base(program: &str) -> &str {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    [".cmd", ".exe", ".bat", ".ps1"].iter().find_map(|extension| name.strip_suffix(extension)).unwrap_or(name)
}

fn is_shell(word: &str) -> bool {
    matches!(word, ";" | "|" | "||" | "&" | "&&" | ">" | ">>" | "<" | "2>&1")
        || word.contains("$(")
        || word.contains('`')
        || word.ends_with(';')
        || word.starts_with(['>', '<', '|', '&'])
}

/// Takes `--name value` or `--name=value`.
fn value_of<'w>(
    word: &'w str,
    names: &[&str],
    rest: &mut impl Iterator<Item = &'w str>,
) -> Result<Option<&'w str>, LaunchError> {
    for name in names {
        if word == *name {
            return rest.next().map(Some).ok_or(LaunchError::NoPackage);
        }
        if name.starts_with("--")
            && let Some(value) = word.strip_prefix(name).and_then(|tail| tail.strip_prefix('='))
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn npm_line(program: &'static str, words: &[&str]) -> Result<LaunchLine, LaunchError> {
    let refuse = |option: &str, why| LaunchError::Option { program, option: Untrusted::new(option).excerpt(40), why };
    let mut words = words.iter().copied();
    let mut package: Option<&str> = None;
    let mut command: Option<&str> = None;
    while let Some(word) = words.next() {
        if let Some(value) = value_of(word, &["--package", "-p"], &mut words)? {
            if package.replace(value).is_some() {
                return Err(refuse(word, "only one package can be locked as one server"));
            }
            continue;
        }
        match word {
            "-y" | "--yes" | "-n" | "--no" | "-q" | "--quiet" | "--silent" | "-s" | "--no-install"
            | "--prefer-offline" | "--prefer-online" | "--bun" | "--ignore-scripts" | "--ignore-existing" => {}
            "--" => {}
            "-c" | "--call" => return Err(refuse(word, "it runs a shell command")),
            _ if word.starts_with("--registry") => {
                return Err(refuse("--registry", "write the registry into .npmrc or [registries] of mcp.toml"));
            }
            _ if word.starts_with('-') => return Err(refuse(word, "its meaning is not known")),
            _ => {
                command = Some(word);
                break;
            }
        }
    }
    let args: Vec<String> = words.map(str::to_owned).collect();
    let (name, command) = match (package, command) {
        (Some(package), command) => (package, command),
        (None, Some(package)) => (package, None),
        (None, None) => return Err(LaunchError::NoPackage),
    };
    if let Some(prefix) = ["github:", "gitlab:", "bitbucket:", "gist:"].iter().find(|prefix| name.starts_with(**prefix))
    {
        return Err(refuse(prefix, "write the repository's git+https:// address"));
    }
    let spec = if name.starts_with("git+") { name.parse()? } else { format!("npm:{name}").parse()? };
    Ok(LaunchLine { spec, command: plain_command(program, command)?, args })
}

fn python_line(program: &'static str, from: &str, words: &[&str]) -> Result<LaunchLine, LaunchError> {
    let refuse = |option: &str, why| LaunchError::Option { program, option: Untrusted::new(option).excerpt(40), why };
    let mut words = words.iter().copied();
    let mut package: Option<&str> = None;
    let mut command: Option<&str> = None;
    while let Some(word) = words.next() {
        if let Some(value) = value_of(word, &[from], &mut words)? {
            package = Some(value);
            continue;
        }
        // The Python version is this machine's business; the lock covers several.
        if value_of(word, &["--python", "-p"], &mut words)?.is_some() {
            continue;
        }
        match word {
            "-q" | "--quiet" | "-v" | "--verbose" | "--isolated" | "--no-cache" | "--refresh" | "-n"
            | "--no-progress" => {}
            "--" => {}
            _ if word.starts_with("--with") || word == "-w" => {
                return Err(refuse(word, "packages beside the server are not part of its closure"));
            }
            _ if word.contains("index") || word == "-i" || word == "--pip-args" => {
                return Err(refuse(word, "write the index into uv.toml, pip.conf or [registries] of mcp.toml"));
            }
            _ if word.starts_with('-') => return Err(refuse(word, "its meaning is not known")),
            _ => {
                command = Some(word);
                break;
            }
        }
    }
    let args: Vec<String> = words.map(str::to_owned).collect();
    let command = command.or(package).ok_or(LaunchError::NoPackage)?;
    let spec_of = |text: &str| -> Result<Spec, SpecError> {
        if text.starts_with("git+") { text.parse() } else { format!("pypi:{text}").parse() }
    };
    match package {
        Some(package) => {
            let spec = spec_of(package)?;
            // `--from pkg pkg` names the default command.
            let default =
                matches!(&spec, Spec::Pypi(spec) if spec.name.as_str() == command || spec.name.as_written() == command);
            let command = if default || command == package { None } else { plain_command(program, Some(command))? };
            Ok(LaunchLine { spec, command, args })
        }
        None => Ok(LaunchLine { spec: spec_of(command)?, command: None, args }),
    }
}

fn plain_command(program: &'static str, command: Option<&str>) -> Result<Option<SmolStr>, LaunchError> {
    let Some(command) = command else { return Ok(None) };
    command_name(command).map(Some).map_err(|_| LaunchError::Option {
        program,
        option: Untrusted::new(command).excerpt(40),
        why: "the command must be a plain name",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        match LaunchLine::parse(line) {
            Ok(line) => format!("{} | {} | {}", line.spec, line.command.unwrap_or_default(), line.args.join(" ")),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn launchers_and_their_flags() {
        for (line, want) in [
            ("npx -y pkg@1", "npm:pkg@1 |  | "),
            ("npx -y @scope/pkg@latest /tmp --flag", "npm:@scope/pkg@latest |  | /tmp --flag"),
            ("npx --yes --package=@a/b@1.0.0 -- cmd x", "npm:@a/b@1.0.0 | cmd | x"),
            ("npx -p pkg cmd", "npm:pkg | cmd | "),
            ("/usr/local/bin/npx.cmd pkg", "npm:pkg |  | "),
            ("cmd /c npx -y pkg", "npm:pkg |  | "),
            ("npm exec -y -- pkg", "npm:pkg |  | "),
            ("bunx --bun pkg", "npm:pkg |  | "),
            ("bun x pkg", "npm:pkg |  | "),
            ("pnpm dlx pkg@^2 a", "npm:pkg@^2 |  | a"),
            ("pnpm --package=x dlx y", "error: `pnpm` cannot be locked: only its command that runs a package can be"),
            ("yarn dlx pkg", "npm:pkg |  | "),
            ("uvx mcp-server-fetch", "pypi:mcp-server-fetch |  | "),
            ("uvx mcp-server-fetch@1.2 --x", "pypi:mcp-server-fetch==1.2 |  | --x"),
            ("uvx --from mcp-server-fetch[a]>=1 run-it y", "pypi:mcp-server-fetch[a]>=1 | run-it | y"),
            ("uvx --from 'pkg' pkg", "pypi:pkg |  | "),
            ("uvx --python 3.12 pkg", "pypi:pkg |  | "),
            ("uv tool run pkg", "pypi:pkg |  | "),
            ("uvx --from git+https://h.invalid/o/r@v1 cmd", "git+https://h.invalid/o/r@v1 | cmd | "),
            ("pipx run --spec pkg==1 cmd", "pypi:pkg==1 | cmd | "),
            ("pipx run pkg", "pypi:pkg |  | "),
        ] {
            assert_eq!(read(line), want, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_locked_is_refused() {
        for line in [
            "npx -y pkg; rm -rf /",
            "npx pkg && evil",
            "npx pkg | sh",
            "npx pkg $(id)",
            "npx pkg `id`",
            "npx -c 'pkg'",
            "npx --registry https://evil.invalid pkg",
            "npx github:o/r",
            "npx -p a -p b cmd",
            "npx -p pkg ../cmd",
            "npx ./local",
            "npx --unknown pkg",
            "npx",
            "uvx --with other pkg",
            "uvx --index-url https://evil.invalid pkg",
            "docker run image",
            "node server.js",
            "bash -c 'npx pkg'",
            "cmd /k npx pkg",
            "npx 'pkg",
            "",
        ] {
            assert!(read(line).starts_with("error: "), "{line}: {}", read(line));
        }
    }

    #[test]
    fn requests_are_specs_or_lines() {
        assert_eq!(Request::parse("npm:zod@>=1 <3").expect("spec").spec.to_string(), "npm:zod@>=1 <3");
        assert_eq!(Request::parse("npx -y zod").expect("line").spec.to_string(), "npm:zod");
        assert!(Request::parse("zod").is_err());
    }
}
