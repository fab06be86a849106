//! What is locked for one server, on one screen.
use std::collections::BTreeMap;

use mcpsec_model::{
    candidate::EntryPoint,
    capture::Told,
    lock::{Lock, LockedServer},
    manifest::Kind,
    name::Ecosystem,
    package::Package,
    target::{Platform, PythonMinor, Target},
    text::{Untrusted, escape},
};

use crate::{
    fold,
    human::amount,
    style::{self, Style},
    wrap::indented,
};

/// Column where values start.
const COLUMN: usize = 12;

/// What is locked for a server, ending in a newline.
pub fn show(lock: &Lock, server: &LockedServer, style: Style) -> String {
    let packages: Vec<&Package> = lock.packages_of(&[server]);
    let mut out = format!("{}\n", style.bold(escape(server.name.as_str())));
    let mut line = |key: &str, value: &str| {
        let lines = indented(&escape(value), COLUMN, style.width());
        let key = format!("  {key}");
        let rest = lines.get(key.len()..).unwrap_or_default();
        out.push_str(&style.dim(&key));
        out.push_str(rest);
    };
    line("spec", &server.spec.to_string());
    line("version", &server.version);
    if let Some(command) = &server.command {
        line("command", command);
    }
    line("entry", &entry(&server.entry));
    if let Some(as_of) = &server.as_of {
        line("as of", &as_of.to_string());
    }
    let overrides: Vec<String> = server.overrides.iter().map(|(name, version)| format!("{name} = {version}")).collect();
    if !overrides.is_empty() {
        line("overrides", &overrides.join(", "));
    }
    if let Some(pin) = packages.iter().find(|p| p.id == *server.closure.root().package()).and_then(|p| p.git.as_ref()) {
        line("commit", server.closure.root().package().version());
        line("reference", pin.reference.as_deref().unwrap_or("none, a bare commit"));
        line("tree", &pin.tree);
    }
    let own = packages.iter().filter(|package| package.id == *server.closure.root().package());
    for artifact in own.flat_map(|package| &package.artifacts) {
        for digest in artifact.digests.iter() {
            line("pinned", &format!("{} {digest}", artifact.file));
        }
    }
    line("packages", &counts(&packages));
    line("artifacts", &artifacts(&packages));
    line("targets", &targets(&server.targets));
    line("closure", &server.closure_id.to_string());
    let mut states = BTreeMap::new();
    for package in packages.iter().filter(|package| !package.artifacts.is_empty()) {
        *states.entry(package.evidence.state()).or_default() += 1;
    }
    line("evidence", &crate::evidence::counts(&states));
    for pin in own_pins(&packages, server) {
        line("signed by", &pin);
    }
    for told in told(server) {
        line("tells", &told);
    }
    let scripts: Vec<String> =
        packages.iter().filter(|package| package.install_scripts).map(|package| package.id.to_string()).collect();
    match scripts.as_slice() {
        [] => line("scripts", "no package wants to run one when it is installed"),
        [one] => line("scripts", &format!("1 package wants to run one when it is installed: {one}")),
        many => {
            line("scripts", &format!("{} packages want to run one when installed: {}", many.len(), many.join(", ")))
        }
    }
    for group in fold::findings(&server.findings) {
        let rule = group.finding.rule;
        let severity = group.finding.severity();
        let severity = style.paint(style::of_severity(severity), severity);
        let subjects: Vec<String> = group.subjects.iter().map(|subject| escape(subject)).collect();
        out.push_str(&format!("  {severity} {}\n", rule.id()));
        let story = format!("{}: {}", subjects.join(", "), escape(&group.finding.message));
        out.push_str(&indented(&story, 4, style.width()));
    }
    crate::inert::inert(&out).into_owned()
}

/// What it tells the model, in one line, or why that is not known; then the names of what it offers.
fn told(server: &LockedServer) -> Vec<String> {
    let captured = match &server.told {
        Told::Manifest(captured) => captured,
        Told::Unchecked(why) => return vec![format!("not known: {}", Untrusted::new(why).excerpt(400))],
        Told::Unknown => return vec!["not known: nobody captured it".to_owned()],
    };
    let (manifest, context) = (&captured.manifest, &captured.context);
    let runtime = context.runtime.as_ref().map(|runtime| format!(" by {} {}", runtime.name, runtime.version));
    let mut lines = vec![
        manifest.id().to_string(),
        format!(
            "captured in sandbox `{}`{}, protocol {}",
            context.isolation.as_str(),
            runtime.unwrap_or_default(),
            context.protocol
        ),
    ];
    for kind in Kind::ALL {
        let names: Vec<String> =
            manifest.entries(kind).iter().map(|entry| Untrusted::new(entry.name()).excerpt(80)).collect();
        if !names.is_empty() {
            lines.push(format!("{}: {}", amount(names.len(), plural(kind)), names.join(", ")));
        }
    }
    if !captured.unstable.is_empty() {
        lines.push(format!("{} not the same twice", amount(captured.unstable.len(), "places")));
    }
    lines.extend(server.accepted.iter().map(|accepted| {
        let reason = Untrusted::new(&accepted.reason).excerpt(200);
        format!("accepted {}: {reason}", escape(&accepted.subject))
    }));
    lines
}

fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "tools",
        Kind::Prompt => "prompts",
        Kind::Resource => "resources",
        Kind::Template => "templates",
    }
}

/// Who vouches for the server's own package.
fn own_pins(packages: &[&Package], server: &LockedServer) -> Vec<String> {
    let own = packages.iter().filter(|package| package.id == *server.closure.root().package());
    own.flat_map(|package| package.evidence.pins()).map(|pin| format!("{}: {}", pin.kind, pin.signer)).collect()
}

/// `linux-x86_64-gnu, macos-aarch64 with Python 3.12, 3.13` where every platform has the same; else the plain list.
fn targets(targets: &[Target]) -> String {
    let mut by_platform: BTreeMap<Platform, Vec<PythonMinor>> = BTreeMap::new();
    for target in targets {
        by_platform.entry(target.platform).or_default().extend(target.python);
    }
    let join = |texts: Vec<String>| texts.join(", ");
    let first = by_platform.values().next().cloned().unwrap_or_default();
    if by_platform.values().any(|pythons| *pythons != first) {
        return join(targets.iter().map(ToString::to_string).collect());
    }
    let platforms = join(by_platform.keys().map(ToString::to_string).collect());
    if first.is_empty() {
        return platforms;
    }
    format!("{platforms} with Python {}", join(first.iter().map(ToString::to_string).collect()))
}

fn entry(entry: &EntryPoint) -> String {
    match entry {
        EntryPoint::NpmBin(name) => format!("npm bin {name}"),
        EntryPoint::PythonScript(name) => format!("Python script {name}"),
        EntryPoint::Unknown => "found when the server is installed".to_owned(),
    }
}

/// `108 npm`, or `30 pypi, 1 git`.
fn counts(packages: &[&Package]) -> String {
    let mut by: BTreeMap<Ecosystem, usize> = BTreeMap::new();
    for package in packages {
        *by.entry(package.id.ecosystem()).or_default() += 1;
    }
    let parts: Vec<String> = by.iter().map(|(ecosystem, n)| format!("{n} {ecosystem}")).collect();
    parts.join(", ")
}

fn artifacts(packages: &[&Package]) -> String {
    let all = || packages.iter().flat_map(|package| &package.artifacts);
    let known: u64 = all().filter_map(|artifact| artifact.size).fold(0, u64::saturating_add);
    let unknown = all().filter(|artifact| artifact.size.is_none()).count();
    let mut text = amount(all().count(), "files");
    if known > 0 {
        text.push_str(&format!(", {}", bytes(known)));
    }
    if unknown > 0 {
        text.push_str(&format!(" ({} of unknown size)", unknown));
    }
    text
}

/// Binary units with one decimal: `13.4 MiB`.
fn bytes(n: u64) -> String {
    let mut unit = 0;
    let mut tenths = u128::from(n) * 10;
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        for (n, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (u64::MAX, "16777215.9 TiB")]
        {
            assert_eq!(bytes(n), text);
        }
    }
}
