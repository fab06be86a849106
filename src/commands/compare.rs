//! Does what is locked fit what mcp.toml asks for?
use std::collections::BTreeSet;

use mcpsec_fetch::npm;
use mcpsec_model::{
    candidate::EntryPoint,
    config::ServerConfig,
    lock::LockedServer,
    spec::Spec,
    target::{Platform, PythonMinor, Targets},
};

/// What differs, each as one fragment; empty when it fits.
pub(super) fn differences(locked: &LockedServer, wanted: &ServerConfig, targets: &Targets) -> Vec<String> {
    let mut out = Vec::new();
    let (asked, held) = (wanted.source.to_string(), locked.spec.to_string());
    if asked != held {
        out.push(format!("mcp.toml asks for {asked}, mcp.lock holds {held}"));
    }
    out.extend(inconsistencies(locked));
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

/// What in a locked server contradicts its own spec. Seals are no signatures: whoever can compute them can write `npm:files`
/// above the closure of another package, so what the closure starts from and how it is started must follow from the spec.
fn inconsistencies(locked: &LockedServer) -> Vec<String> {
    let mut out = Vec::new();
    let root = locked.closure.root().package();
    let (fits, shows) = match &locked.spec {
        Spec::Npm(spec) => {
            let in_range = spec.requirement.as_deref().and_then(|range| npm::satisfies(range, root.version()));
            (root.name() == &spec.name && in_range != Some(false), locked.version == root.version())
        }
        Spec::Pypi(spec) => {
            (root.name() == &spec.name && spec.admits(root.version()), locked.version == root.version())
        }
        Spec::Git(spec) => {
            let of_reference =
                spec.reference.as_deref().is_some_and(|reference| reference.ends_with(locked.version.as_str()));
            (*root.name() == spec.package_name(), of_reference || locked.version == root.version())
        }
    };
    if !fits || root.ecosystem() != locked.spec.ecosystem() {
        out.push(format!("mcp.lock holds {root} for {}, which does not ask for it", locked.spec));
    } else if !shows {
        out.push(format!("mcp.lock calls {root} version {}", locked.version));
    }
    if let (Some(command), EntryPoint::NpmBin(entry) | EntryPoint::PythonScript(entry)) =
        (&locked.command, &locked.entry)
        && command != entry
    {
        out.push(format!("mcp.lock starts {entry} where {command} is asked for"));
    }
    out
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
