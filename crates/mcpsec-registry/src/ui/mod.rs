//! The web page: rendered here, without scripts.
use axum::Router;

use crate::app::App;

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
}
