//! MCP Registry API v0.1, read-only: `/v0.1/…`.
use axum::Router;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
}
