//! Read-only npm registry (`/npm/`) and Python index (`/pypi/`) of exactly the vetted closures.
//!
//! ```text
//! catalog (what is vetted now) ─▶ records of one name (db::metadata) ─▶ Page: rendered, packed, kept by bytes ─▶ npm, pip, uv
//! arriving file ─▶ arrival::metadata ─▶ table `metadata`
//! ```
//!
//! Whatever is not vetted is not there: 404, in lists and by address alike. Clients hold every file to the hash they have locked,
//! so this mirror can withhold and cannot replace.
pub mod arrival;
mod described;
mod evidence;
mod keys;
mod npm;
mod packument;
mod page;
mod path;
mod pypi;
mod simple;

use axum::{Router, routing::get};

use crate::{app::App, error::ApiError};

pub use page::Pages;

/// Its addresses. Below the two roots the path is read by [`path`], since npm writes `@scope/name` in three ways.
pub fn router() -> Router<App> {
    Router::new()
        .route("/npm", get(npm::answer))
        .route("/npm/", get(npm::answer))
        .route("/npm/{*path}", get(npm::answer))
        .route("/pypi", get(pypi::answer))
        .route("/pypi/", get(pypi::answer))
        .route("/pypi/{*path}", get(pypi::answer))
}

/// 404 for whatever is not vetted, whether it exists elsewhere or was pushed and waits.
fn not_vetted(what: &str) -> ApiError {
    ApiError::not_found(format!("{what} is not vetted here"))
        .hint("`mcpsec add` it, have it approved (`mcpsec approve`), then `mcpsec push`")
}
