//! `[team]`: the registry that a team shares.
use toml_edit::Item;

use super::reader::Reader;
use crate::team::{Mirror, Team, TeamKey, TeamUrl, TeamUrlError};

pub(super) const KEYS: &[&str] = &["registry", "key", "mirror"];

pub(super) fn read(reader: &mut Reader<'_>, item: &Item) -> Option<Team> {
    let table = reader.table(item, "team")?;
    reader.only(table, "team", KEYS);
    let registry = match table.get("registry") {
        Some(item) => read_registry(reader, item),
        None => {
            let hint = Some("registry = \"https://mcp.example.test\"".to_owned());
            reader.problem(item.span(), "team", "needs `registry`: the address of the team's registry", hint);
            None
        }
    };
    let key = table.get("key").and_then(|item| reader.parsed(item, "team.key", str::parse::<TeamKey>));
    let mirror = table.get("mirror").map(|item| reader.word(item, "team.mirror", Mirror::WORDS));
    Some(Team { registry: registry?, key, mirror: mirror.flatten().unwrap_or_default() })
}

/// What was written is not repeated: it may hold a password.
fn read_registry(reader: &mut Reader<'_>, item: &Item) -> Option<TeamUrl> {
    let text = reader.string(item, "team.registry")?;
    match text.parse() {
        Ok(url) => Some(url),
        Err(error) => {
            let hint = match error {
                TeamUrlError::Secrets => {
                    Some("a token belongs into MCPSEC_TEAM_TOKEN, which is not committed".to_owned())
                }
                TeamUrlError::Form | TeamUrlError::Plain => None,
            };
            reader.problem(item.span(), "team.registry", error.to_string(), hint);
            None
        }
    }
}
