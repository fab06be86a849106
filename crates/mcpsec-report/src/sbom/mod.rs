//! Software bills of materials of locked servers: every package with what pins it, what needs it, and who vouches for it.
//!
//! `gather` makes one [`Bill`] of one server or of several; [`cyclonedx`](cyclonedx::cyclonedx) and [`spdx`](spdx::spdx)
//! write it. Everything comes from mcp.lock, so equal locks have equal bills on every machine: the serial number is a hash of
//! the bill, and its time is handed in.
mod cyclonedx;
mod cyclonedx_wire;
mod spdx;
mod spdx_wire;

use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    candidate::EntryPoint,
    digest::Digest,
    evidence::Pin,
    lock::{Lock, LockedServer},
    package::{Package, PackageId},
    time::Timestamp,
};

pub use cyclonedx::cyclonedx;
pub use spdx::spdx;

/// What a bill needs beyond the lock.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The version of mcpsec.
    pub version: &'a str,
    /// When the bill counts as made; `None` leaves the time out where the format lets it.
    pub created: Option<Timestamp>,
}

/// The packages of one server or of several.
struct Bill<'a> {
    servers: Vec<&'a LockedServer>,
    entries: BTreeMap<&'a PackageId, Entry<'a>>,
}

/// One package, each once whatever needs it.
struct Entry<'a> {
    package: &'a Package,
    /// The servers whose own package it is.
    root_of: Vec<&'a LockedServer>,
    /// Whether every way to it is an optional one, in every server that has it.
    optional: bool,
    /// What it depends on, and whether only optionally.
    needs: BTreeMap<&'a PackageId, bool>,
    /// The targets it is on, where these are not all of its server's.
    targets: BTreeSet<String>,
}

fn gather<'a>(lock: &'a Lock, servers: &[&'a LockedServer]) -> Bill<'a> {
    let mut entries: BTreeMap<&PackageId, Entry<'_>> = BTreeMap::new();
    for server in servers {
        let optional = server.closure.optional_packages();
        for (id, node) in server.closure.nodes() {
            let Some(package) = lock.packages.get(id.package()) else { continue };
            let entry = entries.entry(id.package()).or_insert_with(|| Entry {
                package,
                root_of: Vec::new(),
                optional: true,
                needs: BTreeMap::new(),
                targets: BTreeSet::new(),
            });
            entry.optional &= optional.contains(id.package());
            for edge in &node.edges {
                let only_optional = entry.needs.entry(edge.to.package()).or_insert(true);
                *only_optional &= edge.optional;
            }
            entry.targets.extend(node.targets.iter().flatten().map(ToString::to_string));
        }
        if let Some(entry) = entries.get_mut(server.closure.root().package()) {
            entry.root_of.push(server);
        }
    }
    Bill { servers: servers.to_vec(), entries }
}

impl Bill<'_> {
    /// What is known about each server as a whole, in `name` and `value`.
    fn of_server(server: &LockedServer) -> Vec<(&'static str, String)> {
        let mut out = vec![
            ("mcpsec:server", server.name.to_string()),
            ("mcpsec:spec", server.spec.to_string()),
            ("mcpsec:closure-id", server.closure_id.to_string()),
            ("mcpsec:entry", entry(&server.entry)),
        ];
        match server.told.captured() {
            Some(captured) => {
                out.push(("mcpsec:manifest-id", captured.manifest.id().to_string()));
                out.push(("mcpsec:isolation", captured.context.isolation.as_str().to_owned()));
            }
            None => out.push(("mcpsec:manifest-id", "not captured".to_owned())),
        }
        out.extend(server.as_of.map(|as_of| ("mcpsec:as-of", as_of.to_string())));
        out
    }

    /// Whether a closure is known to have holes.
    fn has_holes(&self) -> bool {
        self.servers.iter().any(|server| !server.findings.is_empty())
    }

    /// The name of the whole: the server's, or that of the project's servers together.
    fn name(&self) -> String {
        match self.servers.as_slice() {
            [one] => one.name.to_string(),
            _ => "mcp-servers".to_owned(),
        }
    }
}

/// A UUID that is a hash of a text (RFC 9562, version 8).
pub(crate) fn uuid(of: &str) -> String {
    let digest = Digest::sha256_of(of.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

impl Entry<'_> {
    /// What is known about the package that the formats have no word for, in `name` and `value`.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let package = self.package;
        let mut out = vec![("mcpsec:evidence", package.evidence.state().as_str().to_owned())];
        out.extend(package.evidence.pins().iter().map(|pin| ("mcpsec:signer", signer(pin))));
        out.extend(package.install_scripts.then(|| ("mcpsec:install-scripts", "true".to_owned())));
        out.extend(package.bundled_in.iter().map(|parent| ("mcpsec:bundled-in", parent.purl())));
        out.extend(package.requires_python.iter().map(|range| ("mcpsec:requires-python", range.to_string())));
        for (name, list) in [("mcpsec:os", &package.os), ("mcpsec:cpu", &package.cpu), ("mcpsec:libc", &package.libc)] {
            out.extend((!list.is_empty()).then(|| (name, list.join(","))));
        }
        if let Some(git) = &package.git {
            out.push(("mcpsec:git-tree", git.tree.to_string()));
            out.extend(git.reference.iter().map(|reference| ("mcpsec:git-reference", reference.to_string())));
        }
        out.extend(self.targets.iter().map(|target| ("mcpsec:only-on", target.clone())));
        out
    }
}

/// `provenance by https://… release.yml@refs/tags/*; commit …; log proof; only file`.
fn signer(pin: &Pin) -> String {
    let mut text = format!("{} by {}", pin.kind, pin.signer);
    text.extend(pin.commit.iter().map(|commit| format!("; commit {commit}")));
    text.extend(pin.log.iter().map(|log| format!("; log {log}")));
    text.extend(pin.file.iter().map(|file| format!("; only {file}")));
    text
}

fn entry(entry: &EntryPoint) -> String {
    match entry {
        EntryPoint::NpmBin(name) => format!("npm-bin:{name}"),
        EntryPoint::PythonScript(name) => format!("python-script:{name}"),
        EntryPoint::Unknown => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests;
