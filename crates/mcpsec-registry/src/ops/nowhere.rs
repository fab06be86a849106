//! What no handler answers: 404 and 405, as JSON for programs and as a page for people.
use axum::{
    http::{HeaderMap, Method, Uri, header},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;

use crate::{error::ApiError, ui};

/// The addresses of programs; everything else is pages.
const FOR_PROGRAMS: [&str; 6] = ["/api/", "/npm/", "/pypi/", "/v0.1/", "/v0/", "/policy/"];

/// 404.
pub async fn no_page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    answer(StatusCode::NOT_FOUND, "there is nothing at this address", &method, &uri, &headers)
}

/// 405; the list of methods that would do is in `Allow`.
pub async fn no_method(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    answer(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method", &method, &uri, &headers)
}

fn answer(status: StatusCode, words: &str, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let error = ApiError::new(status, words);
    if is_for_people(method, uri, headers) { ui::error_page(error) } else { error.into_response() }
}

/// Whether somebody looks at a page with a browser.
pub fn is_for_people(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let accepts = |accept: &str| accept.contains("text/html");
    let browser = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(accepts);
    // Whoever asks the index for HTML is pip.
    reads && browser && !FOR_PROGRAMS.iter().any(|start| uri.path().starts_with(start))
}
