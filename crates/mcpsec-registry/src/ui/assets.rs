//! The stylesheet and the icon: part of the program, named by their hash, so that a browser keeps them for good.
use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use mcpsec_model::digest::Digest;

use crate::{app::App, error::ApiError};

const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

/// The address of the stylesheet.
pub(super) static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| address("style", STYLE, "css"));
/// The address of the icon.
pub(super) static ICON_ADDRESS: LazyLock<String> = LazyLock::new(|| address("icon", ICON, "svg"));

pub(super) fn router() -> Router<App> {
    Router::new().route("/assets/{file}", get(file))
}

fn address(name: &str, text: &str, ending: &str) -> String {
    let hash = Digest::sha256_of(text.as_bytes()).to_hex();
    format!("/assets/{name}-{}.{ending}", hash.get(..16).unwrap_or_default())
}

/// Whether one of them is at this address.
pub(super) fn is_one(path: &str) -> bool {
    path == STYLE_ADDRESS.as_str() || path == ICON_ADDRESS.as_str()
}

async fn file(Path(file): Path<String>) -> Response {
    let is = |address: &str| address.rsplit('/').next() == Some(file.as_str());
    let (text, kind) = if is(&STYLE_ADDRESS) {
        (STYLE, "text/css; charset=utf-8")
    } else if is(&ICON_ADDRESS) {
        (ICON, "image/svg+xml")
    } else {
        return ApiError::new(StatusCode::NOT_FOUND, "no such file").into_response();
    };
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // An icon is an image and a document: opened by itself it may do nothing.
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
        ),
    ];
    (headers, text).into_response()
}
