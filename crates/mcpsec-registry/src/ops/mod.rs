//! Running it: health, metrics, limits, logs, TLS, a graceful end.
//!
//! A request meets, in this order: the gate of connections ([`listen`]), the guard ([`guard`]: its id, who sent it, limits, log,
//! metrics, headers of safety), and its handler. What no handler answers is in [`nowhere`].
mod background;
mod body;
mod client;
mod guard;
mod health;
mod listen;
mod logs;
mod metrics;
mod nowhere;
mod rate;
mod room;

use axum::{Router, routing::get};

pub use background::start as start_background;
pub use client::{Base, Client, RequestId};
pub use guard::{Guard, guard};
pub use health::Readiness;
pub use listen::{ServeError, certificate, serve};
pub use logs::start as start_logs;
pub use metrics::Metrics;
pub use nowhere::{is_for_people, no_method, no_page};
pub use room::Room;

use crate::app::App;

/// `/healthz`, `/readyz`, `/metrics`.
pub fn router() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
}
