//! The document and the router have the same addresses and methods.
use std::collections::{BTreeMap, BTreeSet};

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use mcpsec_model::time::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{clock::Clock, config::Config, serve};

/// Methods that an address may have. HEAD comes with GET, and OPTIONS is for CORS.
const METHODS: [Method; 5] = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH];

async fn router() -> (tempfile::TempDir, Router) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::of(|| Timestamp::from_second(1_800_000_000).expect("a time"));
    let app = serve::open(Config::in_folder(folder.path().to_owned()), clock).await.expect("it opens");
    (folder, serve::router(app))
}

/// The document's addresses with their methods.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document = super::whole().expect("a document");
    let paths = document["paths"].as_object().expect("paths");
    let methods = |item: &Value| item.as_object().expect("operations").keys().map(|m| m.to_uppercase()).collect();
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// What the router shows of itself, for whoever debugs it.
fn routes(router: &Router) -> BTreeSet<String> {
    let shown = format!("{router:?}");
    let quoted = shown.split('"').skip(1).step_by(2);
    // Its own catch-all is not an address of ours.
    quoted.filter(|path| path.starts_with('/') && !path.contains("__private__")).map(str::to_owned).collect()
}

/// An address of this shape: parameters get a value that means nothing.
fn sample(path: &str) -> String {
    path.split('/').map(|part| if part.contains('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

async fn ask(router: &Router, method: &Method, path: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path).header("host", "localhost").body(Body::empty());
    let response = router.clone().oneshot(request.expect("a request")).await.expect("an answer");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn every_route_is_documented_and_every_documented_route_exists() {
    let (_folder, router) = router().await;
    let (documented, routes) = (documented(), routes(&router));
    // Names of packages have slashes, in several spellings: the mirror reads its addresses itself.
    let mirror = |path: &str| ["/npm", "/pypi"].iter().any(|start| path.starts_with(start));
    let known = |route: &str| mirror(route) || documented.contains_key(route);
    let missing: Vec<_> = routes.iter().filter(|route| !known(route)).collect();
    let invented: Vec<_> = documented.keys().filter(|path| !mirror(path) && !routes.contains(*path)).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not documented: {missing:#?}\nnot there: {invented:#?}");
}

#[tokio::test]
async fn documented_methods_are_taken_and_no_others() {
    let (_folder, router) = router().await;
    for (path, methods) in documented() {
        for method in &METHODS {
            let (status, body) = ask(&router, method, &sample(&path)).await;
            let taken = status != StatusCode::METHOD_NOT_ALLOWED && !body.contains("there is nothing at this address");
            assert_eq!(taken, methods.contains(method.as_str()), "{method} {path}: {status} {body}");
        }
    }
}
