//! Looking inside what was fetched: is the archive safe to read, does it say what the registry's record says, how is the
//! server started?
use std::collections::BTreeMap;

use mcpsec_fetch::{RegistryRecord, npm, pypi, unpack};
use mcpsec_model::{
    artifact::CheckedArtifact,
    candidate::{Candidate, EntryPoint},
    digest::Digest,
    finding::{Finding, Rule},
    name::Ecosystem,
    package::{ArtifactKind, Package, PackageId},
};
use smol_str::SmolStr;

use super::wish::Wish;
use crate::error::CommandError;

/// One artifact that was read from end to end.
pub(super) struct Inspected {
    pub(super) artifact: CheckedArtifact,
    pub(super) findings: Vec<Finding>,
    /// npm `bin` names or Python console scripts, sorted.
    commands: Vec<SmolStr>,
    /// SHA-256 of the whole file, computed here when the pin is another algorithm.
    sha256: Digest,
}

/// Reads every artifact once, on all cores. A hostile archive is an error that names it.
pub(super) async fn all(
    artifacts: Vec<CheckedArtifact>,
    records: &BTreeMap<PackageId, RegistryRecord>,
    candidate: &Candidate,
) -> Result<Vec<Inspected>, CommandError> {
    let _ = (artifacts, records, candidate);
    Err(CommandError::bug("not wired yet"))
}

/// The finding of a package that wants to run something when it is installed.
pub(super) fn install_script(package: &PackageId) -> Finding {
    Finding::new(
        Rule::InstallScript,
        package.to_string(),
        "wants to run a script when it is installed; mcpsec does not run it",
    )
}
