//! Writes, and what clients of ours ask: `/api/v1/…`.
use axum::Router;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
}
