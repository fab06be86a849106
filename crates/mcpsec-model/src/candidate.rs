//! A candidate: what resolution found for a spec, before anything is downloaded, judged or locked.
use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::{
    closure::Closure,
    finding::Finding,
    package::{Package, PackageId},
    target::Target,
};

/// The outcome of resolution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The graph.
    pub closure: Closure,
    /// Every package of the graph, by id.
    pub packages: BTreeMap<PackageId, Package>,
    /// How the server is started.
    pub entry: EntryPoint,
    /// All targets that the closure was resolved for; nodes name a subset of these.
    pub targets: Vec<Target>,
    /// What a person should know (unsupported or incomplete parts, targets without a solution).
    pub findings: Vec<Finding>,
}

/// How a server is started once its closure is installed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EntryPoint {
    /// An npm `bin` entry by this name.
    NpmBin(SmolStr),
    /// A Python console script by this name.
    PythonScript(SmolStr),
    /// Not known before the artifact is read (wheel entry points, git projects).
    Unknown,
}
