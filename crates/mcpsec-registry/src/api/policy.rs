//! Exports for clients' own enforcement, and what the team decided, as files: `/policy/…`.
//!
//! Settings name servers that have a vetted version, by the command that starts exactly that (`mcpsec run NAME`). Signers and policy
//! are the configured files byte for byte: whoever wants to rely on them compares them with a copy that came another way.
use axum::{
    Router,
    extract::{RawQuery, State},
    response::Response,
    routing::get,
};
use http::HeaderMap;
use mcpsec_model::name::ServerName;
use mcpsec_report::{Client, Managed, managed_servers, managed_settings};

use crate::{
    app::App,
    catalog::{Catalog, Status},
    conditional,
    error::ApiError,
};

/// The longest path that a setting may have, in bytes.
const MAX_PATH: usize = 1024;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
        .route("/policy/managed-settings.json", get(settings))
        .route("/policy/managed-mcp.json", get(servers))
        .route("/policy/mcp-signers", get(signers))
        .route("/policy/policy.toml", get(policy))
}

async fn settings(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let asked = Asked::parse(query.as_deref().unwrap_or_default())?;
    let catalog = app.catalogs.get();
    let text = managed_settings(asked.client.unwrap_or(Client::ClaudeCode), &vetted(&catalog), &asked.managed());
    Ok(conditional::whole(&headers, "application/json", app.config.private, text))
}

async fn servers(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let asked = Asked::parse(query.as_deref().unwrap_or_default())?;
    if asked.client.is_some_and(|client| client != Client::ClaudeCode) {
        return Err(ApiError::bad_request("managed-mcp.json is a file of claude-code alone")
            .hint("/policy/managed-settings.json?client=… has the others' form"));
    }
    let catalog = app.catalogs.get();
    let text = managed_servers(&vetted(&catalog), &asked.managed());
    Ok(conditional::whole(&headers, "application/json", app.config.private, text))
}

async fn signers(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let text = app.trust.now().files.signers.clone().ok_or_else(|| {
        ApiError::not_found("no signers are configured, so nobody's approval counts")
            .hint("whoever runs the server puts mcp-signers into its folder")
    })?;
    Ok(conditional::whole(&headers, "text/plain; charset=utf-8", app.config.private, text))
}

async fn policy(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let text =
        app.trust.now().files.policy.clone().ok_or_else(|| {
            ApiError::not_found("no policy is configured").hint("whoever runs the server sets `policy`")
        })?;
    Ok(conditional::whole(&headers, "application/toml", app.config.private, text))
}

/// Servers with a vetted version, each once, by name.
fn vetted(catalog: &Catalog) -> Vec<&ServerName> {
    let vetted = catalog.releases().iter().filter(|release| release.status == Status::Vetted);
    let mut names: Vec<&ServerName> = vetted.map(|release| &release.server).collect();
    names.sort();
    names.dedup();
    names
}

/// What settings are asked for.
#[derive(Default)]
struct Asked {
    client: Option<Client>,
    program: Option<String>,
    project: Option<String>,
}

impl Asked {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let mut asked = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let again = match name.as_ref() {
                "client" => asked.client.replace(client(&value)?).is_some(),
                "program" => asked.program.replace(path("program", &value)?).is_some(),
                "project" => asked.project.replace(path("project", &value)?).is_some(),
                _ => false,
            };
            if again {
                return Err(ApiError::bad_request(format!("`{name}` is there twice")));
            }
        }
        Ok(asked)
    }

    fn managed(&self) -> Managed<'_> {
        Managed { program: self.program.as_deref().unwrap_or("mcpsec"), project: self.project.as_deref() }
    }
}

fn client(text: &str) -> Result<Client, ApiError> {
    match text {
        "claude-code" => Ok(Client::ClaudeCode),
        "copilot" => Ok(Client::Copilot),
        "vscode" => Ok(Client::VsCode),
        _ => Err(ApiError::bad_request("`client` is none of claude-code, copilot, vscode")),
    }
}

/// A path on the clients' machines: it ends up in a file that decides what may start, so nothing in it may be hidden or look like
/// something else.
fn path(name: &str, text: &str) -> Result<String, ApiError> {
    if text.is_empty() || text.len() > MAX_PATH || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(ApiError::bad_request(format!(
            "`{name}` is not a path of 1 to {MAX_PATH} printable ASCII characters"
        )));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_for_one_known_client_and_visible_paths() {
        let asked = Asked::parse("client=vscode&program=%2Fopt%2Fmcpsec&project=C%3A%5Cwork&x=1&x=2").expect("query");
        assert_eq!(asked.client, Some(Client::VsCode));
        assert_eq!((asked.managed().program, asked.managed().project), ("/opt/mcpsec", Some("C:\\work")));
        assert_eq!(Asked::parse("").expect("query").managed().program, "mcpsec");
        for text in [
            "client=",
            "client=other",
            "client=vscode&client=vscode",
            "program=",
            "program=a%00b",
            "program=a%0Ab",
            "project=%E2%80%AEexe.txt",
            "project=%ff",
        ] {
            assert_eq!(Asked::parse(text).err().expect(text).status, http::StatusCode::BAD_REQUEST, "{text}");
        }
        assert!(Asked::parse(&format!("program={}", "a".repeat(5000))).is_err());
    }
}
