//! A report in one of its forms, and where it goes: standard output, and the files of `--report`.
use std::path::Path;

use mcpsec_audit::explain;
use mcpsec_model::{config::ConfigPlaces, lock::Places, report::Report, verdict::Source};
use mcpsec_report::{Help, Style, Surroundings};

use crate::{cli::Format, error::CommandError, exit::Code, project::Project, settings::Settings, ui};

/// Prints a report, writes it to the files of `--report`, and gives its exit code.
pub(super) fn print(settings: &Settings, report: &Report) -> Result<Code, CommandError> {
    // Files first: whoever stops reading standard output must not lose them.
    to_files(settings, report)?;
    to_stdout(settings, report)?;
    Ok(crate::exit::of_verdict(report.verdict()))
}

/// Writes a report to the files of `--report`.
pub(super) fn to_files(settings: &Settings, report: &Report) -> Result<(), CommandError> {
    for (format, file) in &settings.reports {
        let text = render(settings, *format, Style::plain(), report);
        crate::files::replace(file, &text).map_err(|error| crate::error::io("write", file, &error))?;
    }
    Ok(())
}

/// Prints a report.
pub(super) fn to_stdout(settings: &Settings, report: &Report) -> Result<(), CommandError> {
    if settings.format != Format::Human || settings.verbosity > -2 {
        ui::print_data(&render(settings, settings.format, settings.style(), report))?;
    }
    Ok(())
}

fn render(settings: &Settings, format: Format, style: Style, report: &Report) -> String {
    match format {
        Format::Human => mcpsec_report::human(report, style),
        Format::Json => mcpsec_report::json(report),
        Format::Markdown => mcpsec_report::markdown(report),
        Format::Sarif => sarif(settings, report),
    }
}

/// With the lines of mcp.lock and mcp.toml as they stand now. A file that cannot be read was told by the command itself; the
/// log then points to the first line.
fn sarif(settings: &Settings, report: &Report) -> String {
    let project = Project::new(&settings.project);
    let lock = project.lock_text().ok().flatten().map(|text| Places::of(&text));
    let config = project.config_text().ok().flatten().map(|text| ConfigPlaces::of(&text));
    mcpsec_report::sarif(
        report,
        &Surroundings {
            version: env!("CARGO_PKG_VERSION"),
            folder: &in_repository(&settings.project),
            lock: lock.as_ref(),
            config: config.as_ref(),
            help: &help,
        },
    )
}

/// The project's folder as the repository around it calls it, with `/`: code scanning knows files by these names. Empty at
/// the root, and without a repository.
fn in_repository(project: &Path) -> String {
    let project = std::fs::canonicalize(project).unwrap_or_else(|_| project.to_path_buf());
    let Some(root) = project.ancestors().find(|folder| folder.join(".git").exists()) else { return String::new() };
    let below = project.strip_prefix(root).unwrap_or(Path::new(""));
    below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn help(source: Source) -> Option<Help> {
    let explanation = match source {
        Source::Rule(rule) => explain::rule(rule),
        Source::Check(check) => explain::check(check),
        Source::Drift(_) => return None,
    };
    Some(Help { means: explanation.means, why: explanation.why, resolve: explanation.resolve })
}
