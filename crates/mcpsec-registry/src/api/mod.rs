//! Writes, and what clients of ours ask: `/api/v1/…`.
mod address;
mod approvals;
mod artifacts;
mod evidence;
mod locks;
pub mod openapi;
pub mod policy;
mod releases;

use axum::Router;

pub use releases::Releases;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
        .merge(approvals::router())
        .merge(locks::router())
        .merge(artifacts::router())
        .merge(evidence::router())
        .merge(releases::router())
        .merge(openapi::router())
        .merge(policy::router())
}
