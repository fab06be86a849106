//! PyPI: from a spec to a closure pinned by sha256, for every target, from the indexes the user's own settings name.
//!
//! Flow: [`PypiConfig`] says which indexes to ask; `catalog` asks them (pages by `page`, `json`, `html`; core metadata by
//! `metadata`, `wheel`, `sdist`); `solve` runs the solver (`provider`, `select`) once for each target while `warm`
//! prefetches; `assemble` joins the targets into one closure. [`host_artifact`] chooses a machine's file from a lock.
//!
//! Name confusion: indexes are asked in order and the first that has a name is the only one asked about it. All wheels of a
//! version are assumed to declare the same dependencies. No address of a public index is written here.
mod assemble;
mod catalog;
mod config;
mod environment;
mod error;
mod evidence;
mod host;
mod html;
mod ini;
mod json;
mod metadata;
mod netrc;
mod page;
mod project;
mod provider;
mod requirement;
mod sdist;
mod select;
mod solve;
mod source;
mod specifiers;
mod warm;
mod wheel;

pub use config::{Index, PypiConfig, PypiConfigError, PypiConfigInput, default_index_from_help};
pub use error::PypiError;
pub use evidence::{IndexRecord, PypiResolved};
pub use host::host_artifact;
pub use page::PageError;
pub use source::PypiSource;
