//! Read-only npm registry (`/npm/`) and Python index (`/pypi/`) of exactly the vetted closures.
use axum::Router;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
}
