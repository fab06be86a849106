//! Settings by which clients start nothing but locked servers: their own enforcement, from what mcp.lock holds.
//!
//! Servers are named by their command, which clients compare word for word. A server's name alone is a label that anybody can
//! give to anything, so no entry is a name: clients that find a command in the list ignore entries that are names anyway.
use std::collections::BTreeMap;

use mcpsec_model::name::ServerName;
use serde::Serialize;

use crate::json::pretty;

/// A client with a form of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Client {
    /// `managed-settings.json` of Claude Code: the list, and that no other list counts.
    ClaudeCode,
    /// `managed-settings.json` of Copilot (VS Code, Copilot CLI): the list.
    Copilot,
    /// Settings of VS Code, as its policy `ChatAllowedMcpServers` has them.
    VsCode,
}

/// How the client is to start a server.
#[derive(Clone, Copy, Debug)]
pub struct Managed<'a> {
    /// The program: `mcpsec`, or the path at which every machine has it.
    pub program: &'a str,
    /// The project folder on the client's machine, where it is not the one that the client works in.
    pub project: Option<&'a str>,
}

impl Managed<'_> {
    /// The words after the program.
    fn arguments(&self, name: &ServerName) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(project) = self.project {
            words.extend(["--project".to_owned(), project.to_owned()]);
        }
        words.extend(["run".to_owned(), name.to_string()]);
        words
    }

    fn command(&self, name: &ServerName) -> Vec<String> {
        std::iter::once(self.program.to_owned()).chain(self.arguments(name)).collect()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClaudeCode {
    allow_managed_mcp_servers_only: bool,
    allowed_mcp_servers: Vec<Allowed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Copilot {
    allowed_mcp_servers: Vec<Allowed>,
}

#[derive(Serialize)]
struct VsCode {
    #[serde(rename = "chat.mcp.allowedServers")]
    allowed: Vec<Allowed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Allowed {
    server_command: Vec<String>,
}

/// The list of what may be started, in the client's form, ending in a newline. No servers is an empty list: nothing may be
/// started.
pub fn managed_settings(client: Client, servers: &[&ServerName], managed: &Managed<'_>) -> String {
    let allowed: Vec<Allowed> = servers.iter().map(|name| Allowed { server_command: managed.command(name) }).collect();
    match client {
        Client::ClaudeCode => {
            pretty(&ClaudeCode { allow_managed_mcp_servers_only: true, allowed_mcp_servers: allowed })
        }
        Client::Copilot => pretty(&Copilot { allowed_mcp_servers: allowed }),
        Client::VsCode => pretty(&VsCode { allowed }),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Servers<'a> {
    mcp_servers: BTreeMap<&'a str, Stdio<'a>>,
}

#[derive(Serialize)]
struct Stdio<'a> {
    r#type: &'static str,
    command: &'a str,
    args: Vec<String>,
}

/// `managed-mcp.json` of Claude Code: exactly these servers for everybody, and no others; ends in a newline.
pub fn managed_servers(servers: &[&ServerName], managed: &Managed<'_>) -> String {
    let stdio = |name: &ServerName| Stdio { r#type: "stdio", command: managed.program, args: managed.arguments(name) };
    pretty(&Servers { mcp_servers: servers.iter().map(|name| (name.as_str(), stdio(name))).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_may_start_what_is_locked_and_nothing_else() {
        let (a, b): (ServerName, ServerName) = ("a".parse().expect("name"), "b.c".parse().expect("name"));
        let plain = Managed { program: "mcpsec", project: None };
        insta::assert_snapshot!("claude_code", managed_settings(Client::ClaudeCode, &[&a, &b], &plain));
        let fleet = Managed { program: "/opt/mcpsec/bin/mcpsec", project: Some("/srv/mcp") };
        insta::assert_snapshot!("copilot", managed_settings(Client::Copilot, &[&a], &fleet));
        insta::assert_snapshot!("vscode", managed_settings(Client::VsCode, &[&a], &plain));
        insta::assert_snapshot!("claude_code_servers", managed_servers(&[&a], &fleet));
        // Nothing locked is nothing allowed: an absent list would allow everything.
        for client in [Client::ClaudeCode, Client::Copilot, Client::VsCode] {
            assert!(managed_settings(client, &[], &plain).contains("llowed"), "{client:?}");
            assert!(managed_settings(client, &[], &plain).contains("[]"), "{client:?}");
        }
    }
}
