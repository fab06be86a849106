//! What mcpsec found, as text for people and as JSON for programs.
//!
//! Pure: model types in, strings out. [`human`], [`json()`], [`sarif()`] and [`markdown()`] render a
//! [`Report`](mcpsec_model::report::Report), all from one list of how each thing stands; [`show`], [`tree`] and [`tree_json`]
//! render one locked server; [`artifact`] and [`artifact_json`] an [`ArtifactReport`]; [`drift`] how two manifests differ.
//! [`cyclonedx`] and [`spdx`] are bills of materials of locked servers, [`openvex`] tells what a policy exempts, and
//! [`managed_settings`] has clients start nothing but locked servers. [`mod@server_json`] is the MCP Registry API's document. Every text that came from outside is escaped here again, whatever the caller
//! did; escaping twice changes nothing. Output depends on the input only: no width, locale or clock of the machine is asked.
#![forbid(unsafe_code)]

mod artifact;
mod audit;
mod drift;
mod evidence;
mod fold;
mod human;
mod inert;
mod json;
mod managed;
mod markdown;
mod sarif;
mod sbom;
pub mod server_json;
mod show;
mod standing;
mod style;
mod tree;
mod tree_json;
mod vex;
mod wrap;

#[cfg(test)]
mod formats;
#[cfg(test)]
mod rich;
#[cfg(test)]
mod samples;

pub use artifact::{ArtifactReport, Attested, Refusal, artifact, artifact_json};
pub use audit::audit;
pub use drift::{closure, drift};
pub use evidence::{counts as evidence_counts, evidence};
pub use human::human;
pub use inert::inert;
pub use json::json;
pub use json::manifest_json;
pub use managed::{Client, Managed, managed_servers, managed_settings};
pub use markdown::markdown;
pub use sarif::{Help, Surroundings, sarif};
pub use sbom::{Origin, cyclonedx, spdx};
pub use show::show;
pub use style::Style;
pub use tree::tree;
pub use tree_json::{show_json, tree_json};
pub use vex::{NotTold, openvex};
