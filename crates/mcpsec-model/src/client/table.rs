//! Which clients there are, where each keeps its servers, and under which names. Data, and nothing else.
//!
//! Sources: the clients' own documentation, as of the date in docs/clients.md.
use std::{fmt, str::FromStr};

/// Declares the clients once.
macro_rules! clients {
    ($($variant:ident, $id:literal, $name:literal;)+) => {
        /// A program that starts MCP servers. Ids are stable.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Client {
            $(#[doc = $name] $variant,)+
        }

        impl Client {
            /// Every client, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable id, for `--client`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// The name that people know.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

clients! {
    ClaudeDesktop, "claude-desktop", "Claude Desktop";
    ClaudeCode, "claude-code", "Claude Code";
    Cursor, "cursor", "Cursor";
    VsCode, "vscode", "VS Code";
    Windsurf, "windsurf", "Windsurf";
    Codex, "codex", "Codex";
    Gemini, "gemini", "Gemini CLI";
    Zed, "zed", "Zed";
    Opencode, "opencode", "opencode";
    Goose, "goose", "Goose";
    Amp, "amp", "Amp";
    CopilotCli, "copilot-cli", "Copilot CLI";
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// No client has this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no client has this id; known are {}", known())]
pub struct UnknownClient;

fn known() -> String {
    Client::ALL.iter().map(|client| client.id()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Client {
    type Err = UnknownClient;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().find(|client| client.id() == text).copied().ok_or(UnknownClient)
    }
}

/// Whose file it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Part of a project, shared by its team.
    Project,
    /// The user's own, for all projects.
    User,
}

/// How a file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// JSON; comments and trailing commas are read.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// Operating systems, as far as paths differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Os {
    /// Linux and other Unix systems.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

/// What a path is relative to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// The project's folder.
    Project,
    /// The user's home.
    Home,
    /// The folder for configurations: `$XDG_CONFIG_HOME` or `~/.config`, `~/Library/Application Support`, `%APPDATA%`.
    Config,
    /// `$XDG_CONFIG_HOME` or `~/.config`, on macOS and Windows too.
    DotConfig,
}

/// The members of an entry, by the names that a client gives them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    /// The program: a text, a list with its arguments, or (old Zed) a map with `path` and `args`.
    pub(super) command: &'static str,
    /// Its arguments.
    pub(super) args: &'static str,
    /// A map of variables.
    pub(super) env: &'static str,
    /// The member that turns an entry off, and what it says then. Only where the client is known to heed it: elsewhere a
    /// member of this name would hide a server that is started.
    pub(super) off: Option<(&'static str, bool)>,
}

const STANDARD: Shape = Shape { command: "command", args: "args", env: "env", off: None };
const WINDSURF: Shape = Shape { off: Some(("disabled", true)), ..STANDARD };
const ENABLED: Shape = Shape { off: Some(("enabled", false)), ..STANDARD };
const OPENCODE: Shape = Shape { env: "environment", ..ENABLED };
const GOOSE: Shape = Shape { command: "cmd", env: "envs", ..ENABLED };

/// One file that a client reads, and where in it servers stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location {
    /// The client.
    pub client: Client,
    /// Whose file it is.
    pub level: Level,
    /// On which systems.
    pub os: &'static [Os],
    /// What the path starts from.
    pub base: Base,
    /// The path, with `/`.
    pub path: &'static str,
    /// How it is written.
    pub format: Format,
    /// The path of member names to the map of servers; `*` stands for any name.
    pub keys: &'static [&'static str],
    pub(super) shape: Shape,
}

const ALL: &[Os] = &[Os::Linux, Os::Macos, Os::Windows];
const UNIX: &[Os] = &[Os::Linux, Os::Macos];
const WINDOWS: &[Os] = &[Os::Windows];
const SERVERS: &[&str] = &["mcpServers"];

const fn project(client: Client, path: &'static str, keys: &'static [&'static str]) -> Location {
    Location {
        client,
        level: Level::Project,
        os: ALL,
        base: Base::Project,
        path,
        format: Format::Json,
        keys,
        shape: STANDARD,
    }
}

const fn user(client: Client, base: Base, path: &'static str, keys: &'static [&'static str]) -> Location {
    Location { level: Level::User, base, ..project(client, path, keys) }
}

/// Every place that is looked at.
pub const LOCATIONS: &[Location] = &[
    user(Client::ClaudeDesktop, Base::Config, "Claude/claude_desktop_config.json", SERVERS),
    project(Client::ClaudeCode, ".mcp.json", SERVERS),
    user(Client::ClaudeCode, Base::Home, ".claude.json", SERVERS),
    user(Client::ClaudeCode, Base::Home, ".claude.json", &["projects", "*", "mcpServers"]),
    project(Client::Cursor, ".cursor/mcp.json", SERVERS),
    user(Client::Cursor, Base::Home, ".cursor/mcp.json", SERVERS),
    project(Client::VsCode, ".vscode/mcp.json", &["servers"]),
    // Before VS Code had a file of its own for them.
    project(Client::VsCode, ".vscode/settings.json", &["mcp", "servers"]),
    // VS Code reads `"a.b": …` and `"a": {"b": …}` as the same setting.
    project(Client::VsCode, ".vscode/settings.json", &["mcp.servers"]),
    user(Client::VsCode, Base::Config, "Code/User/mcp.json", &["servers"]),
    user(Client::VsCode, Base::Config, "Code/User/settings.json", &["mcp", "servers"]),
    user(Client::VsCode, Base::Config, "Code/User/settings.json", &["mcp.servers"]),
    Location { shape: WINDSURF, ..user(Client::Windsurf, Base::Home, ".codeium/windsurf/mcp_config.json", SERVERS) },
    Location { format: Format::Toml, shape: ENABLED, ..project(Client::Codex, ".codex/config.toml", &["mcp_servers"]) },
    Location {
        format: Format::Toml,
        shape: ENABLED,
        ..user(Client::Codex, Base::Home, ".codex/config.toml", &["mcp_servers"])
    },
    project(Client::Gemini, ".gemini/settings.json", SERVERS),
    user(Client::Gemini, Base::Home, ".gemini/settings.json", SERVERS),
    Location { shape: ENABLED, ..project(Client::Zed, ".zed/settings.json", &["context_servers"]) },
    Location {
        os: UNIX,
        shape: ENABLED,
        ..user(Client::Zed, Base::DotConfig, "zed/settings.json", &["context_servers"])
    },
    Location {
        os: WINDOWS,
        shape: ENABLED,
        ..user(Client::Zed, Base::Config, "Zed/settings.json", &["context_servers"])
    },
    Location { shape: OPENCODE, ..project(Client::Opencode, "opencode.json", &["mcp"]) },
    Location { shape: OPENCODE, ..project(Client::Opencode, "opencode.jsonc", &["mcp"]) },
    Location { shape: OPENCODE, ..project(Client::Opencode, ".opencode/opencode.json", &["mcp"]) },
    Location { shape: OPENCODE, ..project(Client::Opencode, ".opencode/opencode.jsonc", &["mcp"]) },
    Location { shape: OPENCODE, ..user(Client::Opencode, Base::DotConfig, "opencode/opencode.json", &["mcp"]) },
    Location { shape: OPENCODE, ..user(Client::Opencode, Base::DotConfig, "opencode/opencode.jsonc", &["mcp"]) },
    Location {
        os: UNIX,
        format: Format::Yaml,
        shape: GOOSE,
        ..user(Client::Goose, Base::DotConfig, "goose/config.yaml", &["extensions"])
    },
    Location {
        os: WINDOWS,
        format: Format::Yaml,
        shape: GOOSE,
        ..user(Client::Goose, Base::Config, "Block/goose/config/config.yaml", &["extensions"])
    },
    // One member name with a dot in it.
    project(Client::Amp, ".amp/settings.json", &["amp.mcpServers"]),
    project(Client::Amp, ".vscode/settings.json", &["amp.mcpServers"]),
    project(Client::Amp, ".vscode/settings.json", &["amp", "mcpServers"]),
    user(Client::Amp, Base::DotConfig, "amp/settings.json", &["amp.mcpServers"]),
    user(Client::Amp, Base::Config, "Code/User/settings.json", &["amp.mcpServers"]),
    user(Client::Amp, Base::Config, "Code/User/settings.json", &["amp", "mcpServers"]),
    user(Client::CopilotCli, Base::Home, ".copilot/mcp-config.json", SERVERS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_them_all() {
        let text = include_str!("../../../../docs/clients.md");
        for place in LOCATIONS {
            let row = format!("| {} (`{}`) |", place.client.name(), place.client);
            let row = text.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("no row `{row}`"));
            // `….jsonc` stands for its neighbour with another ending.
            let path = place.path.strip_suffix("/opencode.jsonc").map_or(place.path, |_| "….jsonc");
            assert!(row.contains(path), "{row}: {path}");
            let key = place.keys.join(".");
            assert!(row.contains(&key) || key == "mcp.servers", "{row}: {key}");
        }
    }

    #[test]
    fn every_client_has_a_place_on_every_system_and_each_place_stands_once() {
        for client in Client::ALL {
            assert_eq!(client.id().parse::<Client>(), Ok(*client));
            for os in ALL {
                assert!(
                    LOCATIONS.iter().any(|place| place.client == *client && place.os.contains(os)),
                    "{client} {os:?}"
                );
            }
        }
        for (at, place) in LOCATIONS.iter().enumerate() {
            assert!(!LOCATIONS[..at].contains(place), "{place:?}");
            assert!(!place.path.starts_with('/') && !place.path.contains("..") && !place.path.contains('\\'));
            assert_eq!(place.level == Level::Project, place.base == Base::Project, "{place:?}");
        }
    }
}
