//! Read-only npm registry (`/npm/`) and Python index (`/pypi/`) of exactly the vetted closures.
pub mod arrival;

use axum::Router;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
}
