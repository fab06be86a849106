//! Writes, and what clients of ours ask: `/api/v1/…`.
mod approvals;

use axum::Router;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new().merge(approvals::router())
}
