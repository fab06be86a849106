//! Writes, and what clients of ours ask: `/api/v1/…`.
mod approvals;
pub mod openapi;
pub mod policy;

use axum::Router;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new().merge(approvals::router()).merge(openapi::router()).merge(policy::router())
}
