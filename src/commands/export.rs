//! `mcpsec export`: bills of materials, OpenVEX and settings for native enforcement. From mcp.lock and mcp.toml alone: nothing
//! is asked, fetched or run.
use mcpsec_model::{
    lock::{Lock, LockedServer},
    name::ServerName,
    text::escape,
    time::Timestamp,
};
use mcpsec_report::{
    Client as Form, Managed, NotTold, Origin,
    server_json::{self, Publication},
};

use crate::{
    cli::{Client, ExportCommand, ManagedArgs, RegistryArgs, Servers},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

pub(super) fn run(settings: &Settings, command: &ExportCommand) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let text = match command {
        ExportCommand::Cyclonedx(servers) => bill(settings, &project, servers, mcpsec_report::cyclonedx)?,
        ExportCommand::Spdx(servers) => bill(settings, &project, servers, mcpsec_report::spdx)?,
        ExportCommand::Vex { author } => vex(settings, &project, author)?,
        ExportCommand::ManagedSettings(args) => managed(settings, &project, args)?,
        ExportCommand::Registry(args) => registry(&project, args)?,
    };
    ui::print_data(&text)?;
    Ok(crate::exit::GOOD)
}

type Bill = fn(&Lock, &[&LockedServer], &Origin<'_>) -> String;

/// The time of a bill is that of `SOURCE_DATE_EPOCH`, else the day that a single server was resolved as of, else none.
fn bill(settings: &Settings, project: &Project, args: &Servers, bill: Bill) -> Result<String, CommandError> {
    let lock = project.required_lock()?;
    let servers = chosen(&lock, args)?;
    let as_of = match servers.as_slice() {
        [one] => one.as_of.map(|as_of| as_of.instant()),
        _ => None,
    };
    let created = source_date(settings)?.or(as_of).map(whole_seconds);
    Ok(bill(&lock, &servers, &Origin { version: env!("CARGO_PKG_VERSION"), created }))
}

/// The named server, or all.
fn chosen<'a>(lock: &'a Lock, args: &Servers) -> Result<Vec<&'a LockedServer>, CommandError> {
    let servers: Vec<&LockedServer> = match &args.name {
        None => lock.servers.values().collect(),
        Some(name) => {
            let known = || lock.servers.keys().map(ServerName::as_str).collect::<Vec<_>>().join(", ");
            let missing = || CommandError::usage(format!("mcp.lock has no server `{name}`"));
            vec![lock.servers.get(name).ok_or_else(|| missing().hint(format!("it has: {}", known())))?]
        }
    };
    if servers.is_empty() {
        return Err(CommandError::usage("mcp.lock has no servers").hint("mcpsec add npm:NAME locks a first server"));
    }
    Ok(servers)
}

/// What the MCP Registry API would answer about these servers: with addresses of the team's mirror, where there is one.
fn registry(project: &Project, args: &RegistryArgs) -> Result<String, CommandError> {
    let lock = project.required_lock()?;
    let servers = chosen(&lock, &args.servers)?;
    let config = project.config_or_starter()?;
    let team = config.team.as_ref().map(|team| team.registry.below(""));
    let host = team.as_ref().and_then(|url| url.expose().host_str()).unwrap_or_default();
    let namespace = match &args.namespace {
        Some(given) if is_namespace(given) => given.clone(),
        Some(_) => {
            return Err(CommandError::usage(
                "--namespace must be letters, digits, `-` and `.`, such as test.example.mcp",
            ));
        }
        None => server_json::namespace(host),
    };
    let publication = Publication { namespace: &namespace, mirror: team.as_ref() };
    Ok(server_json::server_list(&lock, &servers, &publication))
}

fn is_namespace(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
}

fn vex(settings: &Settings, project: &Project, author: &str) -> Result<String, CommandError> {
    let config = project.config()?.ok_or_else(|| {
        CommandError::usage(format!("{} has no mcp.toml", project.folder().display()))
            .hint("mcpsec add npm:NAME locks a first server and writes it")
    })?;
    let made = whole_seconds(source_date(settings)?.unwrap_or(settings.now));
    let origin = Origin { version: env!("CARGO_PKG_VERSION"), created: Some(made) };
    let (text, not_told) = mcpsec_report::openvex(&config.policy.exempt, author, settings.now, &origin);
    let ui = Ui::new(false, settings.verbosity);
    for exemption in not_told {
        let (exemption, why) = match exemption {
            NotTold::Over(exemption) => (exemption, format!("ended on {}", exemption.until)),
            NotTold::Unnamed(exemption) => {
                (exemption, "does not name one advisory of one package, as npm:NAME@VERSION#ADVISORY".to_owned())
            }
        };
        ui.warn(&format!("left out: the exemption of {} for {} {why}", exemption.rule, escape(&exemption.subject)));
    }
    Ok(text)
}

fn managed(settings: &Settings, project: &Project, args: &ManagedArgs) -> Result<String, CommandError> {
    if args.fixed && args.client != Client::ClaudeCode {
        return Err(CommandError::usage("--fixed is for --client claude-code, which alone has a managed-mcp.json"));
    }
    let lock = project.required_lock()?;
    let config = project.config_or_starter()?;
    // What one file has and the other does not fails `verify`: nothing of the kind is allowed here either.
    let (both, one): (Vec<&ServerName>, Vec<&ServerName>) = lock
        .servers
        .keys()
        .chain(config.servers.keys().filter(|name| !lock.servers.contains_key(*name)))
        .partition(|name| lock.servers.contains_key(*name) && config.servers.contains_key(*name));
    let ui = Ui::new(false, settings.verbosity);
    for name in one {
        ui.warn(&format!("left out: {name} is not in both mcp.toml and mcp.lock; see mcpsec verify {name}"));
    }
    let with = Managed { program: &args.program, project: args.at.as_deref() };
    if args.fixed {
        return Ok(mcpsec_report::managed_servers(&both, &with));
    }
    let form = match args.client {
        Client::ClaudeCode => Form::ClaudeCode,
        Client::Copilot => Form::Copilot,
        Client::Vscode => Form::VsCode,
    };
    Ok(mcpsec_report::managed_settings(form, &both, &with))
}

/// `SOURCE_DATE_EPOCH`, the time that reproducible builds agree on: seconds since 1970.
fn source_date(settings: &Settings) -> Result<Option<Timestamp>, CommandError> {
    let name = "SOURCE_DATE_EPOCH";
    let Some(text) = settings.variable(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let time = text.parse::<i64>().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(Some).ok_or_else(|| CommandError::usage(format!("{name} must be a number of seconds since 1970")))
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
