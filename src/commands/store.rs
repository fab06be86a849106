//! `mcpsec store ls|verify|path`: the vetted artifacts on this machine.
use mcpsec_model::text::Untrusted;
use serde::Serialize;

use super::artifacts::open_store;
use crate::{
    cli::{Format, StoreCommand},
    error::CommandError,
    exit::{self, Code},
    settings::Settings,
    ui::{self, Ui},
};

pub(super) fn run(settings: &Settings, command: &StoreCommand) -> Result<Code, CommandError> {
    match command {
        StoreCommand::Path => {
            ui::print_data(&format!("{}\n", settings.store.display()))?;
            Ok(exit::GOOD)
        }
        StoreCommand::Ls => list(settings),
        StoreCommand::Verify => verify(settings),
    }
}

#[derive(Serialize)]
struct Listed {
    package: String,
    file: String,
    size: u64,
    digests: Vec<String>,
}

fn list(settings: &Settings) -> Result<Code, CommandError> {
    let store = open_store(settings)?;
    let records = store.ls();
    let ui = Ui::new(false, settings.verbosity);
    for (path, why) in &records.unreadable {
        ui.warn(&format!("{} is not a record of the store: {}", path.display(), Untrusted::new(why.as_str())));
    }
    let listed: Vec<Listed> = records
        .records
        .iter()
        .map(|record| Listed {
            package: record.package.to_string(),
            file: Untrusted::new(record.file.as_str()).to_string(),
            size: record.size,
            digests: record.digests.iter().map(|digest| digest.to_string()).collect(),
        })
        .collect();
    let text = match settings.format {
        Format::Json | Format::Sarif | Format::Markdown => {
            json(&serde_json::json!({ "schema": "mcpsec.store/v1", "artifacts": listed }))?
        }
        Format::Human => {
            let mut text = String::new();
            for item in &listed {
                text.push_str(&format!("{:>10}  {}  {}\n", ui::bytes(item.size), item.package, item.file));
            }
            let total = listed.iter().map(|item| item.size).sum();
            text.push_str(&format!("{} in {}\n", ui::bytes(total), ui::count(listed.len(), "artifact")));
            text
        }
    };
    ui::print_data(&text)?;
    Ok(exit::GOOD)
}

fn verify(settings: &Settings) -> Result<Code, CommandError> {
    let store = open_store(settings)?;
    let report = store.verify_all(&|_| {}).map_err(CommandError::incomplete)?;
    // What was unpacked from artifacts is made again when it is needed, so a changed folder is told and no failure.
    let unpacked = store.verify_unpacked().map_err(CommandError::incomplete)?;
    let ui = Ui::new(false, settings.verbosity);
    for (path, why) in &unpacked.dropped {
        ui.warn(&format!("{} was changed and is removed: {}", path.display(), Untrusted::new(why.as_str())));
    }
    let text = match settings.format {
        Format::Json | Format::Sarif | Format::Markdown => {
            let bad: Vec<serde_json::Value> = report
                .bad
                .iter()
                .map(|bad| {
                    serde_json::json!({
                        "digest": bad.address.map(|digest| digest.to_string()),
                        "reason": Untrusted::new(bad.reason.as_str()).to_string(),
                        "quarantined": bad.quarantined.as_ref().map(|path| path.display().to_string()),
                    })
                })
                .collect();
            json(
                &serde_json::json!({ "schema": "mcpsec.store/v1", "good": report.good, "bytes": report.bytes, "bad": bad }),
            )?
        }
        Format::Human => {
            let mut text = format!("{} whole, {}\n", ui::count(report.good, "artifact"), ui::bytes(report.bytes));
            for bad in &report.bad {
                let name = bad.address.map_or_else(|| bad.path.display().to_string(), |digest| digest.to_string());
                text.push_str(&format!("bad  {name}\n     {}\n", Untrusted::new(bad.reason.as_str())));
                if let Some(path) = &bad.quarantined {
                    text.push_str(&format!("     moved to {}\n", path.display()));
                }
            }
            if !report.bad.is_empty() {
                text.push_str("mcpsec verify, in a project that locks it, fetches a good copy\n");
            }
            text
        }
    };
    ui::print_data(&text)?;
    Ok(if report.bad.is_empty() { exit::GOOD } else { exit::DENIED })
}

fn json(value: &serde_json::Value) -> Result<String, CommandError> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(CommandError::bug)
}
