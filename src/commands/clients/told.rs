//! What `init`, `wrap` and `unwrap` say: one line for each entry, and the same as JSON (`mcpsec.clients/v1`).
use mcpsec_model::{
    client::{Client, ClientServer},
    text::escape,
};
use serde_json::{Value, json};

use super::{find::File, matching::Skip};
use crate::{cli::Format, error::CommandError, settings::Settings, ui};

/// What became of one entry.
pub(in crate::commands) struct Entry {
    name: String,
    client: Client,
    line: u32,
    /// A word for programs: `wrapped`, `locked`, `left`, `restored`, `added`, `known`.
    action: &'static str,
    /// The rest, for people; safe to print.
    text: String,
    hint: Option<String>,
}

impl Entry {
    pub(in crate::commands) fn new(server: &ClientServer, action: &'static str, text: impl Into<String>) -> Self {
        let name = mcpsec_model::text::Untrusted::new(server.name()).excerpt(60);
        Self { name, client: server.location.client, line: server.line, action, text: text.into(), hint: None }
    }

    pub(in crate::commands) fn left(server: &ClientServer, skip: Skip) -> Self {
        Self { hint: skip.hint, ..Self::new(server, "left", skip.why) }
    }
}

/// What became of one file.
pub(in crate::commands) struct FileTold {
    file: String,
    pub(in crate::commands) changed: bool,
    pub(in crate::commands) backup: Option<String>,
    pub(in crate::commands) problem: Option<String>,
    pub(in crate::commands) entries: Vec<Entry>,
}

impl FileTold {
    pub(in crate::commands) fn new(file: &File) -> Self {
        Self { file: escape(&file.shown), changed: false, backup: None, problem: None, entries: Vec::new() }
    }

    /// How many entries ended like this.
    pub(in crate::commands) fn count(&self, action: &str) -> usize {
        self.entries.iter().filter(|entry| entry.action == action).count()
    }
}

/// What a whole command did.
pub(in crate::commands) struct Told {
    pub(in crate::commands) command: &'static str,
    pub(in crate::commands) dry_run: bool,
    pub(in crate::commands) files: Vec<FileTold>,
    /// The next commands, for people.
    pub(in crate::commands) next: Vec<String>,
}

impl Told {
    pub(in crate::commands) fn new(command: &'static str, dry_run: bool) -> Self {
        Self { command, dry_run, files: Vec::new(), next: Vec::new() }
    }

    pub(in crate::commands) fn count(&self, action: &str) -> usize {
        self.files.iter().map(|file| file.count(action)).sum()
    }

    /// Prints it in the form that was asked for.
    pub(in crate::commands) fn print(&self, settings: &Settings) -> Result<(), CommandError> {
        let text = match settings.format {
            Format::Human if settings.verbosity <= -2 => String::new(),
            Format::Human => self.human(),
            Format::Json | Format::Sarif | Format::Markdown => format!("{:#}\n", self.json()),
        };
        ui::print_data(&text)
    }

    fn human(&self) -> String {
        let mut out = String::new();
        let would = if self.dry_run { "would be " } else { "" };
        for file in &self.files {
            out += &format!("{}", file.file);
            if let Some(problem) = &file.problem {
                out += &format!(": {problem}");
            } else if let Some(backup) = &file.backup {
                out += &format!(
                    ": the original {would}kept in {backup}",
                    would = if self.dry_run { would } else { "is " }
                );
            }
            out.push('\n');
            let width = file.entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or(0);
            for entry in &file.entries {
                let text = if entry.text.is_empty() { String::new() } else { format!(": {}", entry.text) };
                let verb = match entry.action {
                    "known" => "is there already",
                    "locked" => "is locked already",
                    word => word,
                };
                let would = if matches!(entry.action, "wrapped" | "restored" | "added") { would } else { "" };
                out += &format!("  {:width$}  {would}{verb}{text}\n", entry.name);
                if let Some(hint) = &entry.hint {
                    out += &format!("  {:width$}  {hint}\n", "");
                }
            }
        }
        for (number, next) in self.next.iter().enumerate() {
            out += &format!("{} {next}\n", if number == 0 { "next:" } else { "     " });
        }
        out
    }

    fn json(&self) -> Value {
        let entry = |entry: &Entry| {
            json!({
                "name": entry.name, "client": entry.client.id(), "line": entry.line, "action": entry.action,
                "text": entry.text, "hint": entry.hint,
            })
        };
        let files: Vec<Value> = self
            .files
            .iter()
            .map(|file| {
                json!({
                    "file": file.file, "changed": file.changed, "backup": file.backup, "problem": file.problem,
                    "entries": file.entries.iter().map(entry).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({ "schema": "mcpsec.clients/v1", "command": self.command, "dryRun": self.dry_run, "files": files })
    }
}
