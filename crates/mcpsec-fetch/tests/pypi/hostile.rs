//! Indexes and files that lie: each must be refused, or must not matter.
use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use mcpsec_fetch::{progress::Silent, pypi::PypiError};
use mcpsec_testkit::{
    Auth, Fault,
    pypi::{CoreMetadata, PypiServer, wheel},
};

use super::{Client, LINUX, options, pins, pypi};

async fn refused(server: &PypiServer, spec: &str) -> String {
    Client::of(server).resolve(spec, LINUX).await.expect_err("refused").to_string()
}

#[tokio::test]
async fn files_without_a_digest_cannot_be_pinned() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution().without_hash());
    let error = refused(&server, "app").await;
    assert!(error.contains("app-1.0-py3-none-any.whl") && error.contains("sha256"), "{error}");
    server.publish(wheel("app", "1.0").distribution().claimed_sha256("zz"));
    assert!(refused(&server, "app").await.contains("malformed"));
}

#[tokio::test]
async fn metadata_about_another_package_or_version_makes_the_version_unusable() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution());
    server
        .publish(wheel("app", "2.0").file("app-2.0.dist-info/METADATA", b"Name: other\nVersion: 2.0\n").distribution());
    server.serving(|serving| serving.core_metadata = CoreMetadata::Off);
    let resolved = Client::of(&server).resolve("app", LINUX).await.expect("resolved");
    assert_eq!(pins(&resolved), ["app==1.0"]);
    let error = refused(&server, "app==2.0").await;
    assert!(error.contains("says it is `other`"), "{error}");
}

#[tokio::test]
async fn metadata_that_does_not_have_its_announced_digest_is_refused() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution());
    server.serving(|serving| serving.core_metadata = CoreMetadata::Offered);
    // The metadata file says something else than what the page was made from.
    let honest = refused_or_pins(&server).await;
    assert_eq!(honest.expect("honest"), ["app==1.0"]);
    server.inject(Fault::FlipByte { at: 3 }.on("*.metadata"));
    let error = refused_or_pins(&server).await.expect_err("refused");
    assert!(error.contains("does not have the digest"), "{error}");
}

async fn refused_or_pins(server: &PypiServer) -> Result<Vec<String>, String> {
    Client::of(server).resolve("app", LINUX).await.map(|resolved| pins(&resolved)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn url_requirements_are_named_with_the_way_to_them() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").requires("mid").distribution());
    server.publish(wheel("mid", "1.0").requires("evil @ git+https://bob:hunter2@h.invalid/${HOME}").distribution());
    let error = Client::of(&server).resolve("app", LINUX).await.expect_err("refused");
    assert!(matches!(error, PypiError::UnsupportedDependency { .. }), "{error}");
    let shown = error.to_string();
    assert!(shown.contains("app > mid") && shown.contains("evil @"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("/root") && !shown.contains("/home/"), "{shown}");
}

#[tokio::test]
async fn an_index_that_fails_is_not_passed_over_for_the_next_one() {
    let (private, public) = (PypiServer::start(), PypiServer::start());
    private.publish(wheel("app", "1.0").distribution());
    public.publish(wheel("app", "9.0").distribution());
    public.publish(wheel("only-public", "1.0").distribution());
    let client = Client::with(&[("UV_INDEX", &private.url()), ("UV_DEFAULT_INDEX", &public.url())]);
    assert_eq!(pins(&client.resolve("app", LINUX).await.expect("resolved")), ["app==1.0"]);
    assert_eq!(pins(&client.resolve("only-public", LINUX).await.expect("resolved")), ["only-public==1.0"]);
    private.inject(Fault::Status(500).on("/simple/app/"));
    let client = Client::with(&[("UV_INDEX", &private.url()), ("UV_DEFAULT_INDEX", &public.url())]);
    let error = client.resolve("app", LINUX).await.expect_err("refused");
    assert!(error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn credentials_go_to_the_index_and_nowhere_else() {
    let (index, files) = (PypiServer::start(), PypiServer::start());
    for server in [&index, &files] {
        server.publish(wheel("app", "1.0").distribution());
    }
    index.require_auth(Auth::basic("bob", "hunter2"));
    let origin = files.url().trim_end_matches("/simple/").to_owned();
    index.serving(|serving| {
        serving.file_origin = Some(origin);
        serving.core_metadata = CoreMetadata::Off;
    });
    let url = index.url_with_userinfo("bob", "hunter2");
    let client = Client::with(&[("UV_DEFAULT_INDEX", &url)]);
    let resolved = client.resolve("app", LINUX).await.expect("resolved");
    assert!(resolved.downloads.iter().all(|download| download.credentials.is_none()));
    assert!(files.requests_with_secret("hunter2").is_empty());
    assert!(files.requests().iter().all(|request| request.header("authorization").is_none()));
    assert!(!files.requests().is_empty());
    let shown = format!("{resolved:?} {client:?}", client = client.source(true));
    assert!(!shown.contains("hunter2"), "{shown}");
    let error =
        Client::with(&[("UV_DEFAULT_INDEX", &index.url())]).resolve("app", LINUX).await.expect_err("no password");
    assert!(matches!(error, PypiError::Http(_)), "{error}");
}

#[tokio::test]
async fn unknown_names_and_offline_are_told_apart() {
    let server = PypiServer::start();
    let client = Client::of(&server);
    let error = client.resolve("nothing", LINUX).await.expect_err("unknown");
    assert!(error.is_not_found() && !error.is_unreachable(), "{error}");
    let source = client.source(false);
    let error = source.resolve(&pypi("app"), None, &options(LINUX, None), &Silent).await.expect_err("offline");
    assert!(error.is_unreachable() && !error.is_not_found(), "{error}");
}

#[test]
fn dropping_the_question_stops_the_solver() {
    // Two blocking threads: the solver has one, and only if it gave it back can two tasks meet.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(2).build().expect("runtime");
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").requires("lib").distribution());
    server.inject(Fault::Silence.on("/simple/lib/"));
    let mut client = Client::of(&server);
    client.wait_long();
    runtime.block_on(async {
        let question = client.resolve("app", LINUX);
        let given_up = tokio::time::timeout(Duration::from_millis(300), question).await;
        assert!(given_up.is_err());
        let barrier = Arc::new(Barrier::new(2));
        let meet = || {
            let barrier = Arc::clone(&barrier);
            tokio::task::spawn_blocking(move || barrier.wait())
        };
        let both = futures::future::join(meet(), meet());
        // Generous: it only ends the test when the solver is stuck.
        if tokio::time::timeout(Duration::from_secs(20), both).await.is_err() {
            // The stuck thread would also hang the end of the runtime.
            std::process::abort();
        }
    });
}
