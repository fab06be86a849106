//! The only client-side network authority: resolution, download, safe reading of archives, the store.
//!
//! Data flows one way: a [`mcpsec_model::spec`] goes into a source ([`npm`], [`pypi`], [`git`]), which asks registries
//! through [`http::Metadata`] and answers a [`Resolved`]: a candidate and the [`download::Download`]s it needs.
//! [`download`] streams each file through a hash into the [`store`]; what comes out is a `CheckedArtifact`, which
//! [`unpack`] can read. Nothing here prints, and nothing reads the environment, the home folder or the clock: addresses,
//! credentials, folders and `now` are values handed in.
#![forbid(unsafe_code)]

pub mod download;
pub mod evidence;
pub mod git;
pub mod host;
pub mod http;
pub mod mirror;
pub mod npm;
pub mod osv;
pub mod progress;
pub mod pypi;
pub mod resolve;
pub mod store;
pub mod team;
pub mod trust;
pub mod unpack;

pub use resolve::{Maturity, NewVersion, Newest, PassedOver, Published, ResolveOptions, Resolved};
