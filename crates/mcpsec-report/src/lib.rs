//! What mcpsec found, as text for people and as JSON for programs.
//!
//! Pure: model types in, strings out. [`human`] and [`json`] render a [`Report`](mcpsec_model::report::Report); [`show`], [`tree`]
//! and [`tree_json`] render one locked server; [`artifact`] and [`artifact_json`] an [`ArtifactReport`];
//! [`drift`] how two manifests differ. Every text that came from outside is escaped here again, whatever the caller
//! did; escaping twice changes nothing. Output depends on the input only: no width, locale or clock of the machine is asked.
#![forbid(unsafe_code)]

mod artifact;
mod audit;
mod drift;
mod evidence;
mod fold;
mod human;
mod json;
mod show;
mod style;
mod tree;
mod tree_json;
mod wrap;

#[cfg(test)]
mod samples;

pub use artifact::{ArtifactReport, Attested, Refusal, artifact, artifact_json};
pub use audit::audit;
pub use drift::{closure, drift};
pub use evidence::{counts as evidence_counts, evidence};
pub use human::human;
pub use json::json;
pub use json::manifest_json;
pub use show::show;
pub use style::Style;
pub use tree::tree;
pub use tree_json::{show_json, tree_json};
