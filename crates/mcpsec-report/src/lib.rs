//! What mcpsec found, as text for people and as JSON for programs.
//!
//! Pure: model types in, strings out. [`human`], [`json()`], [`sarif()`] and [`markdown()`] render a
//! [`Report`](mcpsec_model::report::Report), all from one list of how each thing stands; [`show`], [`tree`] and [`tree_json`]
//! render one locked server; [`artifact`] and [`artifact_json`] an [`ArtifactReport`]; [`drift`] how two manifests differ. Every text that came from outside is escaped here again, whatever the caller
//! did; escaping twice changes nothing. Output depends on the input only: no width, locale or clock of the machine is asked.
#![forbid(unsafe_code)]

mod artifact;
mod drift;
mod evidence;
mod fold;
mod human;
mod inert;
mod json;
mod markdown;
mod sarif;
mod show;
mod standing;
mod style;
mod tree;
mod tree_json;
mod wrap;

#[cfg(test)]
mod formats;
#[cfg(test)]
mod rich;
#[cfg(test)]
mod samples;

pub use artifact::{ArtifactReport, Attested, Refusal, artifact, artifact_json};
pub use drift::{closure, drift};
pub use evidence::{counts as evidence_counts, evidence};
pub use human::human;
pub use inert::inert;
pub use json::json;
pub use json::manifest_json;
pub use markdown::markdown;
pub use sarif::{Help, Surroundings, sarif};
pub use show::show;
pub use style::Style;
pub use tree::tree;
pub use tree_json::{show_json, tree_json};
