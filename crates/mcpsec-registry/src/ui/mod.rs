//! The web page: rendered here, without scripts.
//!
//! ```text
//! Catalog (what is vetted)  ─┐
//! Shelf (locks, parsed once) ┼─> a page ─> HTML by type (`maud`), one stylesheet, headers that forbid everything else
//! the log                   ─┘
//! ```
//! Reading only: nothing can be changed from a browser, so keys and tokens never have to enter one. Whatever strangers wrote goes
//! through [`words`], which escapes it twice: for HTML, and so that hidden characters are seen.
mod approvals;
mod asked;
mod assets;
mod bits;
mod closure;
mod compare;
mod difference;
mod evidence;
mod findings;
mod front;
mod json;
mod log;
mod manifest;
mod page;
mod pending;
mod reader;
mod release;
mod risk;
mod search;
mod server;
mod shelf;
mod usage;
mod whole;
mod words;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
pub use shelf::Shelf;

use crate::{app::App, error::ApiError};

/// An error as a page: for people, where programs get JSON.
pub fn error_page(error: ApiError) -> Response {
    page::Failure::from(error).into_response()
}

/// Whether this is the stylesheet or the icon: parts of the program, which a private server shows to everybody, so that the page
/// that says it is private looks like one.
pub fn is_asset(path: &str) -> bool {
    assets::is_one(path)
}

/// Its addresses.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(front::page))
        .route("/servers/{name}", get(server::page))
        .route("/servers/{name}/compare", get(compare::page))
        .route("/servers/{name}/{lock}", get(release::page))
        .route("/servers/{name}/{lock}/manifest", get(manifest::page))
        .route("/pending", get(pending::page))
        .route("/log", get(log::page))
        .route("/search", get(search::page))
        .merge(assets::router())
}
