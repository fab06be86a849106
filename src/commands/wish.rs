//! What `add` is asked for: each argument becomes a wish with a name, checked against what mcp.toml already has.
use std::collections::BTreeMap;

use mcpsec_model::{
    config::{Config, ServerConfig},
    launch::Request,
    lock::Lock,
    name::ServerName,
    spec::Spec,
    time::AsOf,
};
use smol_str::SmolStr;

use super::compare::differences;
use crate::{cli::AddArgs, error::CommandError};

/// One server to lock.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Its name in mcp.toml.
    pub(crate) name: ServerName,
    /// Its entry in mcp.toml, as it will be.
    pub(crate) config: ServerConfig,
}

impl Wish {
    pub(crate) fn spec(&self) -> &Spec {
        &self.config.source
    }

    pub(crate) fn command(&self) -> Option<&SmolStr> {
        self.config.command.as_ref()
    }

    pub(crate) fn as_of(&self) -> Option<AsOf> {
        self.config.as_of
    }

    pub(crate) fn overrides(&self) -> &BTreeMap<String, String> {
        &self.config.overrides
    }
}

/// Every server of mcp.toml that mcp.lock lacks, or holds otherwise than mcp.toml asks for.
fn missing(args: &AddArgs, config: &Config, lock: &Lock) -> Result<Vec<Wish>, CommandError> {
    if args.name.is_some() || !args.args.is_empty() || args.as_of.is_some() {
        return Err(CommandError::usage("--name, --as-of and arguments for the server go with a SPEC only"));
    }
    if config.servers.is_empty() {
        return Err(CommandError::usage("there is nothing to add: no SPEC, and no servers in mcp.toml")
            .hint("mcpsec add npm:NAME (or pypi:NAME, or git+https://…) locks a first server")
            .hint("mcpsec init finds the servers of client configurations"));
    }
    let open = |(name, server): &(&ServerName, &ServerConfig)| {
        args.fresh || lock.servers.get(name).is_none_or(|held| !differences(held, server, &config.targets).is_empty())
    };
    let open = config.servers.iter().filter(open);
    Ok(open.map(|(name, server)| Wish { name: name.clone(), config: server.clone() }).collect())
}

/// Turns the arguments of `add` into wishes. Without any, they are what mcp.toml asks for and mcp.lock does not hold.
pub(crate) fn plan(args: &AddArgs, config: &Config, lock: &Lock) -> Result<Vec<Wish>, CommandError> {
    if args.specs.is_empty() {
        return missing(args, config, lock);
    }
    if args.name.is_some() && args.specs.len() > 1 {
        return Err(CommandError::usage("--name goes with one SPEC only"));
    }
    let mut wishes: Vec<Wish> = Vec::new();
    for text in &args.specs {
        let wish = plan_one(text, args, config)?;
        if let Some(twin) = wishes.iter().find(|other| other.name == wish.name) {
            return Err(CommandError::usage(format!(
                "`{}` and `{}` would both be named `{}`",
                twin.spec(),
                wish.spec(),
                wish.name
            ))
            .hint("add them one at a time, with --name"));
        }
        wishes.push(wish);
    }
    Ok(wishes)
}

fn plan_one(text: &str, args: &AddArgs, config: &Config) -> Result<Wish, CommandError> {
    // A name from mcp.toml locks that entry as it is written there.
    if args.name.is_none()
        && let Ok(name) = text.parse::<ServerName>()
        && let Some(server) = config.servers.get(&name)
    {
        let mut server = server.clone();
        if args.as_of.is_some() {
            server.as_of = args.as_of;
        }
        return Ok(Wish { name, config: server });
    }
    let request = Request::parse(text).map_err(|error| CommandError::usage(&error).maybe_hint(error.hint()))?;
    let same_package = |server: &ServerConfig| package_of(&server.source) == package_of(&request.spec);
    let name = match &args.name {
        Some(name) => name.clone(),
        None => {
            let known = config.servers.iter().find(|(_, server)| server.source == request.spec);
            match known {
                Some((name, _)) => name.clone(),
                None => ServerName::suggest(&request.spec.base_name()),
            }
        }
    };
    let mut server = match config.servers.get(&name) {
        Some(server) if same_package(server) => server.clone(),
        Some(server) => {
            return Err(CommandError::usage(format!("mcp.toml already has a server `{name}`: {}", server.source))
                .hint(format!("mcpsec add {} --name OTHER", shell_words::quote(text)))
                .hint(format!("mcpsec remove {name}, if it is to be replaced")));
        }
        None => ServerConfig::new(request.spec.clone()),
    };
    server.source = request.spec;
    server.as_of = args.as_of;
    if request.command.is_some() {
        server.command = request.command;
    }
    let given: Vec<String> = request.args.into_iter().chain(args.args.iter().cloned()).collect();
    if !given.is_empty() {
        server.args = given;
    }
    for name in request.env {
        if !server.env.contains(&name) {
            server.env.push(name);
        }
    }
    Ok(Wish { name, config: server })
}

/// What a spec is about, without the version asked for.
fn package_of(spec: &Spec) -> String {
    match spec {
        Spec::Npm(spec) => format!("npm:{}", spec.name),
        Spec::Pypi(spec) => format!("pypi:{}", spec.name),
        Spec::Git(spec) => spec.package_name().to_string(),
    }
}
