//! `mcpsec init`: the servers of client configurations, as mcp.toml. Nothing else is changed, and nothing is locked yet.
use std::collections::BTreeMap;

use mcpsec_model::{
    client::{ClientServer, Launch, unportable},
    config::{Config, ConfigEditor, NamedPolicy, ServerConfig},
    launch::LaunchLine,
    name::ServerName,
    spec::Spec,
};

use super::{
    clients::{self, Entry, FileTold, Skip, State, Told, Which},
    commit,
};
use crate::{
    cli::{InitArgs, StartingPolicy},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::Ui,
};

pub(super) fn run(settings: &Settings, args: &InitArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let known = project.config()?;
    let which = Which { clients: &args.client, user: args.user };
    let found = clients::find(settings, &which);
    let mut told = Told::new("init", args.dry_run);
    let mut servers = Servers::new(known.as_ref());
    for file in &found {
        let mut file_told = FileTold::new(file);
        if let State::Unreadable(why) = &file.state {
            file_told.problem = Some(format!("not read: {why}"));
        }
        for server in file.servers() {
            file_told.entries.push(servers.take(server));
        }
        told.files.push(file_told);
    }
    let ui = Ui::new(false, settings.verbosity);
    if found.is_empty() {
        ui.note(nothing_found(args.user));
    }
    let new = servers.new;
    if known.is_some() && new.is_empty() {
        ui.note("mcp.toml names every server that can be locked; it was not changed");
    }
    if known.is_some() && !new.is_empty() && !args.yes && !args.dry_run {
        told.dry_run = true;
        told.print(settings)?;
        return Err(CommandError::usage("mcp.toml is there already, and lacks these servers")
            .hint("mcpsec init --yes adds them and changes nothing else"));
    }
    let write = !args.dry_run && (known.is_none() || !new.is_empty());
    if write {
        commit::configure(settings, &project, &new, starting(args.policy))?;
        if !new.is_empty() {
            told.next.push("mcpsec add, which locks every server of mcp.toml".to_owned());
            let user = if args.user { " --user" } else { "" };
            told.next.push(format!("mcpsec wrap{user}, which points the clients at what is locked"));
        }
        ui.note(&format!("wrote {}", project.config_path().display()));
    }
    told.print(settings)?;
    Ok(super::wrap::worst(&told))
}

/// What is said when there is no configuration to look at.
pub(super) fn nothing_found(user: bool) -> &'static str {
    if user {
        "no client configuration with servers was found"
    } else {
        "no client configuration with servers was found in this project; --user looks at your own too"
    }
}

/// The file that a new mcp.toml starts from.
fn starting(policy: StartingPolicy) -> ConfigEditor {
    ConfigEditor::with_policy(match policy {
        StartingPolicy::Starter => NamedPolicy::Starter,
        StartingPolicy::Strict => NamedPolicy::Strict,
    })
}

/// The servers of mcp.toml: those that are there, and those that configurations bring.
struct Servers {
    known: BTreeMap<ServerName, ServerConfig>,
    new: BTreeMap<ServerName, ServerConfig>,
}

impl Servers {
    fn new(known: Option<&Config>) -> Self {
        Self { known: known.map(|config| config.servers.clone()).unwrap_or_default(), new: BTreeMap::new() }
    }

    /// Takes an entry in, if it can be locked, and says what became of it.
    fn take(&mut self, server: &ClientServer) -> Entry {
        let line = match &server.launch {
            Launch::Package(line) => line,
            Launch::Locked(launch) => return Entry::new(server, "known", format!("mcpsec run {}", launch.name)),
            other => return Entry::left(server, Skip { why: clients::cannot(other), hint: None }),
        };
        let (config, note) = entry_of(server, line);
        let same = |(_, other): &(&ServerName, &ServerConfig)| is_same(other, &config);
        if let Some((name, _)) = self.known.iter().find(|(_, other)| covers(other, &config)) {
            return Entry::new(server, "known", format!("[servers.{name}] is {}", config.source));
        }
        if let Some(name) = self.new.iter().find(same).map(|(name, _)| name.clone()) {
            // The same server for two clients: it gets the variables of both.
            if let Some(other) = self.new.get_mut(&name) {
                let more: Vec<String> = config.env.iter().filter(|env| !other.env.contains(env)).cloned().collect();
                other.env.extend(more);
            }
            return Entry::new(server, "known", format!("the same server as [servers.{name}]"));
        }
        let name = self.free_name(server, line);
        let note = note.map(|note| format!("; its arguments stay in the configuration: {note}")).unwrap_or_default();
        let text = format!("[servers.{name}] {}{note}", config.source);
        self.new.insert(name, config);
        Entry::new(server, "added", text)
    }

    /// The name that the client shows, as far as mcp.toml allows it; another client's server of that name is another one.
    fn free_name(&self, server: &ClientServer, line: &LaunchLine) -> ServerName {
        let plain: String = server
            .name()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
            .collect();
        let wanted = plain.trim_matches('-').parse().unwrap_or_else(|_| ServerName::suggest(&line.spec.base_name()));
        let taken = |name: &ServerName| self.known.contains_key(name) || self.new.contains_key(name);
        let client = server.location.client.id();
        let short = |suffix: &str| wanted.as_str().chars().take(64 - suffix.len()).collect::<String>();
        let with = |suffix: String| format!("{}{suffix}", short(&suffix)).parse::<ServerName>().ok();
        let numbered = (2..).map(|number| with(format!("-{client}-{number}")));
        [Some(wanted.clone()), with(format!("-{client}"))]
            .into_iter()
            .chain(numbered)
            .flatten()
            .find(|name| !taken(name))
            .unwrap_or_else(|| wanted.clone())
    }
}

/// What mcp.toml says about an entry, and why its arguments are not there, if they are not.
fn entry_of(server: &ClientServer, line: &LaunchLine) -> (ServerConfig, Option<&'static str>) {
    let mut source = line.spec.clone();
    // `@latest` means: whatever is newest, which a lock is the opposite of. Without it any version may be locked.
    if let Spec::Npm(spec) = &mut source
        && spec.requirement.as_deref() == Some("latest")
    {
        spec.requirement = None;
    }
    let mut config = ServerConfig::new(source);
    config.command.clone_from(&line.command);
    let why = unportable(&line.args);
    if why.is_none() {
        config.args.clone_from(&line.args);
    }
    config.env = server.env.clone();
    config.env.extend(line.env.iter().filter(|name| !server.env.contains(name)).cloned());
    (config, why.map(|why| why.why()))
}

fn is_same(one: &ServerConfig, two: &ServerConfig) -> bool {
    one.source == two.source && one.command == two.command && one.args == two.args
}

/// Whether mcp.toml has it already: the package and the command; the version is mcp.toml's own business.
fn covers(known: &ServerConfig, wanted: &ServerConfig) -> bool {
    clients::same_package(&known.source, &wanted.source)
        && (wanted.command.is_none() || known.command == wanted.command)
        && (wanted.args.is_empty() || known.args.is_empty() || wanted.args.starts_with(&known.args))
}

#[cfg(test)]
mod tests {
    use mcpsec_model::client::{self, LOCATIONS};

    use super::*;

    fn taken(text: &str) -> (Servers, Vec<ClientServer>) {
        let location = LOCATIONS.iter().find(|location| location.path == ".mcp.json").expect("a place");
        let found = client::read(location, text).expect("readable");
        let mut servers = Servers::new(None);
        for server in &found {
            let _told = servers.take(server);
        }
        (servers, found)
    }

    #[test]
    fn names_are_made_fit_and_kept_apart() {
        let (servers, _) = taken(
            r#"{"mcpServers": {
                "größe 1": {"command": "npx", "args": ["a"]},
                "日本": {"command": "npx", "args": ["@x/server-files"]},
                "files": {"command": "npx", "args": ["b"]},
                "twin": {"command": "npx", "args": ["-y", "b@latest"], "env": {"K": "v"}},
                "x y": {"command": "npx", "args": ["c"]},
                "x-y": {"command": "npx", "args": ["d"]},
                "x.y": {"command": "npx", "args": ["d", "e"]}
            }}"#,
        );
        let names: Vec<(&str, String)> =
            servers.new.iter().map(|(name, config)| (name.as_str(), config.source.to_string())).collect();
        assert_eq!(
            names,
            [
                ("files", "npm:@x/server-files".to_owned()),
                ("files-claude-code", "npm:b".to_owned()),
                ("gr--e-1", "npm:a".to_owned()),
                ("x-y", "npm:c".to_owned()),
                ("x-y-claude-code", "npm:d".to_owned()),
                ("x.y", "npm:d".to_owned()),
            ]
        );
        assert_eq!(servers.new.iter().find(|(name, _)| name.as_str() == "files-claude-code").expect("it").1.env, ["K"]);
    }

    #[test]
    fn secrets_stay_where_they_are() {
        let (servers, _) = taken(
            r#"{"mcpServers": {"a": {"command": "npx", "args": ["a", "--token", "hunter2"], "env": {"K": "hunter2"}}}}"#,
        );
        let entry = servers.new.values().next().expect("one");
        assert!(entry.args.is_empty());
        assert_eq!(entry.env, ["K"]);
        assert!(!format!("{:?}", servers.new).contains("hunter2"));
    }
}
