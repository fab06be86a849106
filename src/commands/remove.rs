//! `mcpsec remove NAME…`: takes servers out of mcp.toml and mcp.lock. The store keeps their artifacts.
use super::commit;
use crate::{
    cli::{Format, RemoveArgs},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

pub(super) fn run(settings: &Settings, args: &RemoveArgs) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    commit::remove(settings, &project, &args.names)?;
    let ui = Ui::new(false, settings.verbosity);
    match settings.format {
        Format::Human => {
            for name in &args.names {
                ui.note(&format!("removed {name}; its artifacts stay in the store"));
            }
        }
        Format::Json | Format::Sarif | Format::Markdown => {
            let report = mcpsec_model::report::Report::new("remove", Vec::new());
            ui::print_data(&mcpsec_report::json(&report))?;
        }
    }
    Ok(crate::exit::GOOD)
}
