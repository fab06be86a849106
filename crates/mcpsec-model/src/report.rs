//! What a command found out, before it is rendered: input of `mcpsec-report`.
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    check::CheckResult,
    drift::Drift,
    evidence::EvidenceState,
    finding::Finding,
    lock::LockedServer,
    name::ServerName,
    package::PackageId,
    verdict::{Decision, Verdict},
};

/// The outcome of a command over all servers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// `verify`, `add`, …
    pub command: &'static str,
    /// One entry per server, in the order of the lock.
    pub servers: Vec<ServerReport>,
    /// What is about no single locked server.
    pub project: ProjectReport,
}

/// The outcome for the project: its policy, its client configurations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProjectReport {
    /// Checks of client configurations.
    pub checks: Vec<CheckResult>,
    /// Findings of client configurations and of the policy itself, worst first.
    pub findings: Vec<Finding>,
    /// What the policy makes of them.
    pub decision: Decision,
}

/// The outcome for one server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerReport {
    /// Its name.
    pub name: ServerName,
    /// Its canonical spec.
    pub spec: String,
    /// The locked version; absent when nothing is locked.
    pub version: Option<String>,
    /// What policy makes of checks and findings.
    pub verdict: Verdict,
    /// Why: each check, finding and change that counts.
    pub decision: Decision,
    /// How many packages are in which state of evidence, as mcp.lock pins it.
    pub evidence: BTreeMap<EvidenceState, usize>,
    /// All checks, in the order of [`crate::check::Check::ALL`], then by subject.
    pub checks: Vec<CheckResult>,
    /// All findings, worst first.
    pub findings: Vec<Finding>,
    /// How what it tells the model differs from what was locked or compared with.
    pub drift: Drift,
    /// How its closure differs from what was locked or compared with.
    pub closure: ClosureChange,
}

/// How a closure differs from an earlier one. Every text is a package id.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClosureChange {
    /// Packages that are new, of new names.
    pub added: Vec<String>,
    /// Packages that are gone, with all their versions.
    pub removed: Vec<String>,
    /// Packages with other versions: what was there, and what is there instead.
    pub changed: Vec<(String, String)>,
}

impl ClosureChange {
    /// The difference between two closures of one server. A name whose versions differ is a change when both sides have one of
    /// it; names with several versions are told version by version.
    pub fn between(before: &LockedServer, after: &LockedServer) -> Self {
        let (old, new) = (before.closure.packages(), after.closure.packages());
        let mut names: BTreeMap<String, (Vec<&PackageId>, Vec<&PackageId>)> = BTreeMap::new();
        let key = |id: &PackageId| format!("{}:{}", id.ecosystem(), id.name());
        let only = |these: &BTreeSet<&PackageId>, those: &BTreeSet<&PackageId>| -> Vec<PackageId> {
            these.difference(those).map(|id| (*id).clone()).collect()
        };
        let (gone, come) = (only(&old, &new), only(&new, &old));
        for id in &gone {
            names.entry(key(id)).or_default().0.push(id);
        }
        for id in &come {
            names.entry(key(id)).or_default().1.push(id);
        }
        let mut change = Self::default();
        for (gone, come) in names.into_values() {
            match (gone.as_slice(), come.as_slice()) {
                ([before], [after]) => change.changed.push((before.to_string(), after.to_string())),
                (gone, come) => {
                    change.removed.extend(gone.iter().map(ToString::to_string));
                    change.added.extend(come.iter().map(ToString::to_string));
                }
            }
        }
        change
    }

    /// Whether both closures hold the same packages.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl Report {
    /// A report about servers only.
    pub fn new(command: &'static str, servers: Vec<ServerReport>) -> Self {
        Self { command, servers, project: ProjectReport::default() }
    }

    /// The worst verdict; a run over no servers passes.
    pub fn verdict(&self) -> Verdict {
        self.servers
            .iter()
            .map(|server| server.verdict)
            .max()
            .unwrap_or(Verdict::Pass)
            .max(self.project.decision.verdict())
    }
}
