//! Running it: health, metrics, limits, logs, TLS, a graceful end.
use axum::Router;

use crate::app::App;

/// What is counted.
#[derive(Debug, Default)]
pub struct Metrics {}

/// `/healthz`, `/readyz`, `/metrics`.
pub fn router() -> Router<App> {
    Router::new()
}
