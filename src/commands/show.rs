//! `mcpsec show NAME` and `mcpsec tree NAME`: what is locked, and why each package is there.
use mcpsec_model::{name::ServerName, text::escape};

use super::approval::Approving;

use crate::{cli::Format, error::CommandError, exit::Code, project::Project, settings::Settings, ui};

/// Prints what is locked for a server.
pub(super) fn show(settings: &Settings, name: &ServerName, evidence: bool) -> Result<Code, CommandError> {
    let human = if evidence { mcpsec_report::evidence } else { mcpsec_report::show };
    let code = print(settings, name, human, mcpsec_report::show_json)?;
    if settings.format == Format::Human && !evidence {
        approvals(settings, name)?;
    }
    Ok(code)
}

/// Who approved it, where the policy asks for that.
fn approvals(settings: &Settings, name: &ServerName) -> Result<(), CommandError> {
    let project = Project::new(&settings.project);
    let (Some(config), lock) = (project.config()?, project.required_lock()?) else { return Ok(()) };
    let Some(server) = lock.servers.get(name) else { return Ok(()) };
    let Some(approving) = Approving::for_policy_offline(settings, &project, &config, &lock)? else { return Ok(()) };
    let check = approving.check(&lock, server, settings.now);
    let said = check.status.reason().map_or_else(|| "as many people as the policy asks for".to_owned(), escape);
    ui::print_data(&format!("  approved   {}: {said}\n", check.status.as_str()))
}

/// Prints a server's closure as a tree.
pub(super) fn tree(settings: &Settings, name: &ServerName, evidence: bool) -> Result<Code, CommandError> {
    print(
        settings,
        name,
        |lock, server, style| mcpsec_report::tree(lock, server, evidence, style),
        mcpsec_report::tree_json,
    )
}

fn print(
    settings: &Settings,
    name: &ServerName,
    human: impl Fn(&mcpsec_model::lock::Lock, &mcpsec_model::lock::LockedServer, mcpsec_report::Style) -> String,
    json: impl Fn(&mcpsec_model::lock::Lock, &mcpsec_model::lock::LockedServer) -> String,
) -> Result<Code, CommandError> {
    let lock = Project::new(&settings.project).required_lock()?;
    let Some(server) = lock.servers.get(name) else {
        let known: Vec<&str> = lock.servers.keys().map(ServerName::as_str).collect();
        return Err(CommandError::usage(format!("mcp.lock has no server `{name}`"))
            .hint(format!("it has: {}", known.join(", "))));
    };
    let text = match settings.format {
        Format::Human => human(&lock, server, settings.style()),
        Format::Json | Format::Sarif | Format::Markdown => json(&lock, server),
    };
    ui::print_data(&text)?;
    Ok(crate::exit::GOOD)
}
