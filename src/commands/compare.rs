//! Does what is locked fit what mcp.toml asks for?
use std::collections::BTreeSet;

use mcpsec_model::{
    config::ServerConfig,
    lock::LockedServer,
    target::{Platform, PythonMinor, Targets},
};

/// What differs, each as one fragment; empty when it fits.
pub(super) fn differences(locked: &LockedServer, wanted: &ServerConfig, targets: &Targets) -> Vec<String> {
    let mut out = Vec::new();
    let (asked, held) = (wanted.source.to_string(), locked.spec.to_string());
    if asked != held {
        out.push(format!("mcp.toml asks for {asked}, mcp.lock holds {held}"));
    }
    if wanted.command != locked.command {
        let shown = |command: &Option<_>| {
            command.as_ref().map_or("the default command".to_owned(), |name| format!("command {name}"))
        };
        out.push(format!("mcp.toml asks for {}, mcp.lock holds {}", shown(&wanted.command), shown(&locked.command)));
    }
    let date = |as_of: Option<mcpsec_model::time::AsOf>| as_of.map_or("no date".to_owned(), |as_of| as_of.to_string());
    if date(wanted.as_of) != date(locked.as_of) {
        out.push(format!("mcp.toml resolves as of {}, mcp.lock as of {}", date(wanted.as_of), date(locked.as_of)));
    }
    if wanted.overrides != locked.overrides {
        out.push("the overrides in mcp.toml are not those in mcp.lock".to_owned());
    }
    let platforms: BTreeSet<Platform> = locked.targets.iter().map(|target| target.platform).collect();
    if platforms != targets.platforms {
        out.push(format!(
            "mcp.toml asks for the platforms {}, mcp.lock covers {}",
            list(&targets.platforms),
            list(&platforms)
        ));
    }
    let pythons: BTreeSet<PythonMinor> = locked.targets.iter().filter_map(|target| target.python).collect();
    if let Some(asked) = targets.pythons.as_ref().filter(|asked| !pythons.is_empty() && pythons != **asked) {
        // A minor that the server itself does not support is a finding of the lock, not a difference.
        let told: Vec<&PythonMinor> = asked.iter().filter(|minor| !pythons.contains(minor)).collect();
        let known =
            |minor: &&PythonMinor| locked.findings.iter().any(|finding| finding.subject.contains(&format!("/{minor}")));
        if !told.iter().all(known) || !pythons.is_subset(asked) {
            out.push(format!("mcp.toml asks for Python {}, mcp.lock covers {}", list(asked), list(&pythons)));
        }
    }
    out
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
