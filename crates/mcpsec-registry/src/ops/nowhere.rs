//! What no handler answers: 404 and 405, as JSON for programs and as a page for people.
use axum::{
    http::{HeaderMap, Method, Uri, header},
    response::{Html, IntoResponse as _, Response},
};
use http::StatusCode;
use maud::{DOCTYPE, html};

use crate::error::ApiError;

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
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let person = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if !reads || !person || FOR_PROGRAMS.iter().any(|start| uri.path().starts_with(start)) {
        return ApiError::new(status, words).into_response();
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (status.as_u16()) " · mcpsec" }
            }
            body {
                main {
                    h1 { (status.as_u16()) }
                    p { (words) }
                    p { a href="/" { "All servers" } }
                }
            }
        }
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Html(page.into_string())).into_response()
}
