//! One entry of a configuration: where its command and arguments stand, and what it comes to.
use super::{
    launch::{self, Launch},
    table::{Client, Location, Shape},
    tree::{Kind, Lines, Map, Member, Node},
};
use crate::config::is_env_name;

/// A server as a client would start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientServer {
    /// Where it was found.
    pub location: &'static Location,
    /// The member names that lead to it, the last of which is its name. Raw: escape them before they are shown.
    pub path: Vec<String>,
    /// The line of its name, from 1.
    pub line: u32,
    /// What it starts.
    pub launch: Launch,
    /// The names of the variables that it sets; never their values.
    pub env: Vec<String>,
    /// What else decides which program runs, and where: `env.PATH`, `cwd`. Safe to print.
    pub steering: Vec<String>,
    /// The file that more variables come from, as written. Raw: escape it before it is shown.
    pub env_file: Option<String>,
    /// Whether the client leaves it alone.
    pub disabled: bool,
}

impl ClientServer {
    /// The name that the client shows. Raw: escape it before it is shown.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }
}

/// Where an entry says what it starts.
pub(super) struct Parts<'n> {
    /// The map that holds both members: the entry, or (old Zed) its `command`.
    pub(super) holder: &'n Map,
    /// What leads from the entry to the holder.
    pub(super) inner: Option<&'static str>,
    pub(super) command: &'n Member,
    /// Not there when the command is a list, which holds the arguments too.
    pub(super) args: Option<&'n Member>,
    pub(super) args_key: &'static str,
}

impl<'n> Parts<'n> {
    pub(super) fn of(entry: &'n Node, shape: &Shape) -> Option<Self> {
        let map = entry.map()?;
        let command = map.get(shape.command)?;
        match &command.value.kind {
            Kind::Map(holder) => Some(Self {
                holder,
                inner: Some(shape.command),
                command: holder.get("path")?,
                args: holder.get("args"),
                args_key: "args",
            }),
            Kind::List(_) => Some(Self { holder: map, inner: None, command, args: None, args_key: shape.args }),
            _ => Some(Self { holder: map, inner: None, command, args: map.get(shape.args), args_key: shape.args }),
        }
    }

    /// The command line in words; the first element says whether the command is one text that a shell may split.
    pub(super) fn words(&self) -> Result<(bool, Vec<String>), &'static str> {
        const NO_TEXTS: &str = "its arguments are not a list of texts";
        let texts = |items: &[Node]| -> Result<Vec<String>, &'static str> {
            items.iter().map(|item| item.text().map(str::to_owned).ok_or(NO_TEXTS)).collect()
        };
        match &self.command.value.kind {
            Kind::Text(command) => {
                let args = match self.args.map(|args| &args.value) {
                    None => Vec::new(),
                    Some(args) if args.is_nothing() => Vec::new(),
                    Some(args) => texts(&args.list().ok_or(NO_TEXTS)?.items)?,
                };
                let alone = args.is_empty();
                Ok((alone, [command.clone()].into_iter().chain(args).collect()))
            }
            Kind::List(_) if self.holder.get(self.args_key).is_some() => {
                Err("its command is a list, and it has arguments besides")
            }
            Kind::List(list) => Ok((false, texts(&list.items)?)),
            Kind::Opaque(_) => Err("its command is an alias, or has an anchor or a tag"),
            _ => Err("its command is no text"),
        }
    }
}

/// Reads one entry.
pub(super) fn read(location: &'static Location, lines: &Lines, path: &[String], member: &Member) -> ClientServer {
    let entry = &member.value;
    let mut env = Vec::new();
    let mut steering = Vec::new();
    let maps = [entry.get(location.shape.env), entry.get(location.shape.command).and_then(|inner| inner.get("env"))];
    for member in maps.into_iter().flatten().filter_map(Node::map).flat_map(|map| &map.members) {
        if is_env_name(&member.key) && !env.contains(&member.key) {
            env.push(member.key.clone());
        }
        if is_steering(&member.key) {
            steering.push(format!("env.{}", crate::text::Untrusted::new(member.key.as_str()).excerpt(40)));
        }
    }
    // Goose keeps the values of these elsewhere.
    for name in entry.get("env_keys").and_then(Node::list).into_iter().flat_map(|list| &list.items) {
        if let Some(name) = name.text().filter(|name| is_env_name(name))
            && !env.iter().any(|known| known == name)
        {
            env.push(name.to_owned());
        }
    }
    let expands = matches!(location.client, Client::VsCode | Client::Cursor);
    let elsewhere = |key: &&str| says_somewhere(entry, key, expands);
    steering.extend(["cwd", "envFile"].into_iter().filter(elsewhere).map(str::to_owned));
    let off = |(key, value): (&str, bool)| matches!(entry.get(key).map(|node| &node.kind), Some(Kind::Bool(said)) if *said == value);
    ClientServer {
        location,
        path: path.to_vec(),
        line: lines.line(member.key_span.start),
        launch: launch_of(location, entry),
        env,
        steering,
        env_file: entry.get("envFile").and_then(Node::text).map(str::to_owned),
        disabled: location.shape.off.is_some_and(off),
    }
}

/// Whether a variable decides which `mcpsec` a client finds, what is loaded into it and into the programs that it asks about
/// themselves, or where it looks for the store, for what it remembers and for the policy of this machine.
pub fn is_steering(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "PATH",
        "PATHEXT",
        "HOME",
        "USERPROFILE",
        "APPDATA",
        "LOCALAPPDATA",
        "PROGRAMDATA",
        "NODE_OPTIONS",
        "NODE_PATH",
        "BASH_ENV",
        "GCONV_PATH",
        "OPENSSL_CONF",
        "OPENSSL_MODULES",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_EXEC_PATH",
        "GIT_ASKPASS",
        "SSH_ASKPASS",
        "GIT_PROXY_COMMAND",
    ];
    const STARTS: &[&str] = &["LD_", "DYLD_", "GLIBC_", "MCPSEC_", "XDG_", "PYTHON", "GIT_CONFIG"];
    // They say how Python writes, and nothing else.
    const HARMLESS: &[&str] =
        &["PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"];
    let name = name.to_ascii_uppercase();
    let name = name.as_str();
    NAMES.contains(&name) || (STARTS.iter().any(|start| name.starts_with(start)) && !HARMLESS.contains(&name))
}

/// Whether a member names a file or folder other than the project itself. `expands`: whether the client puts the project's folder
/// in the place of `${workspaceFolder}`; for others that is a folder of this very name.
fn says_somewhere(entry: &Node, key: &str, expands: bool) -> bool {
    let Some(node) = entry.get(key) else { return false };
    match node.text() {
        Some("" | "." | "./") => false,
        Some("${workspaceFolder}") => !expands,
        _ => !node.is_nothing(),
    }
}

fn launch_of(location: &Location, entry: &Node) -> Launch {
    if let Kind::Opaque(_) = entry.kind {
        return Launch::Unknown("it is an alias, or has an anchor or a tag");
    }
    if entry.map().is_none() {
        return Launch::Unknown("it is no object");
    }
    let address = ["url", "serverUrl", "httpUrl", "uri"].iter().find_map(|key| entry.get(key));
    let kind = entry.get("type").and_then(Node::text);
    if entry.get("headersHelper").is_some() {
        return Launch::Shell("`headersHelper`, which is started for every connection".to_owned());
    }
    let Some(parts) = Parts::of(entry, &location.shape) else {
        return match (location.client, kind, address) {
            (_, _, Some(address)) => Launch::Remote(address.text().and_then(launch::host)),
            (_, Some("http" | "sse" | "streamable_http" | "streamable-http" | "remote"), None) => Launch::Remote(None),
            (Client::Goose, Some("builtin" | "platform" | "frontend"), None) => Launch::OfClient,
            (Client::Goose, Some("inline_python"), None) => {
                Launch::Shell("Python code in the configuration".to_owned())
            }
            (Client::Zed, _, None) if entry.get(location.shape.command).is_none() => Launch::OfClient,
            _ => Launch::Unknown("it names neither a program nor an address"),
        };
    };
    if address.is_some() {
        return Launch::Unknown("it names both a program and an address");
    }
    match parts.words() {
        Err(why) => Launch::Unknown(why),
        Ok((true, words)) => launch::of_line(words.first().map_or("", String::as_str)),
        Ok((false, words)) => match launch::of_words(&words) {
            // `"command": "npx -y"`, which works where a client hands both to a shell.
            Launch::Program(_) if words.first().is_some_and(|word| word.trim().contains(char::is_whitespace)) => {
                launch::of_parts(&words)
            }
            launch => launch,
        },
    }
}
