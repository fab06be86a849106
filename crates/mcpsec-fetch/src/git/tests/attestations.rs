//! A git host's attestations: pages, absence, and what is not followed.
use std::{sync::Arc, time::Duration};

use mcpsec_model::url::SafeUrl;
use mcpsec_testkit::{
    Auth, Fault,
    loopback::{Loopback, Reply, Request, Routes},
};

use crate::{
    git::{AttestationsError, host_attestations},
    http::{Credentials, HttpError, HttpOptions, Network},
};

const COMMIT: &str = "sha1:0123456789012345678901234567890123456789";

/// A host of which each test says what it answers.
struct Host<F>(F);

impl<F: Fn(&Request, &str) -> Reply + Send + Sync + 'static> Routes for Host<F> {
    fn answer(&self, request: &Request, base: &str) -> Reply {
        (self.0)(request, base)
    }
}

fn host(answer: impl Fn(&Request, &str) -> Reply + Send + Sync + 'static) -> Loopback {
    Loopback::start(Arc::new(Host(answer)))
}

fn json(body: &str) -> Reply {
    Reply::new(200, "application/json", body.to_owned())
}

fn ask_as(
    server: &Loopback,
    credentials: Option<&Credentials>,
    repository: &str,
    digest: &str,
) -> Result<Vec<String>, AttestationsError> {
    super::provider();
    let network = Network::new(HttpOptions {
        user_agent: "test".to_owned(),
        retries: 0,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        metadata_concurrency: 4,
    })
    .expect("client");
    let api: SafeUrl = format!("{}/api/v3/", server.base()).parse().expect("url");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(host_attestations(&network, &api, credentials, repository, digest))
}

fn ask(server: &Loopback) -> Result<Vec<String>, AttestationsError> {
    ask_as(server, None, "owner/na.me", COMMIT)
}

#[test]
fn bundles_come_as_sent_page_by_page() {
    let server = host(|request, base| {
        let second = request.query.as_deref().is_some_and(|query| query.contains("after=2"));
        if second {
            return json(r#"{"attestations":[{"bundle":{"n":2}}],"more":1}"#);
        }
        let next = format!("<{base}{}?per_page=30&after=2>; rel=\"next\", <{base}/>; rel=\"prev\"", request.path);
        json(r#"{"attestations":[{"bundle":{ "b" : 1.0, "a":"\u00e9"},"repository_id":1},{"bundle":null,"bundle_url":"x"},{}]}"#)
            .header("link", &next)
    });
    assert_eq!(ask(&server).expect("bundles"), [r#"{ "b" : 1.0, "a":"\u00e9"}"#, r#"{"n":2}"#]);
    let requests = server.requests();
    assert_eq!(requests[0].path, format!("/api/v3/repos/owner/na.me/attestations/{COMMIT}"));
    assert_eq!(requests[0].query.as_deref(), Some("per_page=30"));
    assert_eq!(requests.len(), 2);
}

#[test]
fn nothing_is_nothing_and_a_refusal_is_an_error() {
    let server = host(|_, _| Reply::not_found());
    assert_eq!(ask(&server), Ok(Vec::new()));
    let server = host(|_, _| json(r#"{"attestations":[]}"#));
    assert_eq!(ask(&server), Ok(Vec::new()));
    server.require_auth(Auth::bearer("secret"));
    let error = ask(&server).expect_err("refused");
    assert!(matches!(error, AttestationsError::Http(HttpError::Unauthorized { .. })), "{error}");
    assert_eq!(ask_as(&server, Some(&Credentials::bearer("secret")), "o/r", COMMIT), Ok(Vec::new()));
    server.inject(Fault::Reset);
    let error = ask(&server).expect_err("refused");
    assert!(matches!(error, AttestationsError::Http(HttpError::Network { .. })), "{error}");
}

#[test]
fn pages_without_end_stop_and_other_servers_are_not_asked() {
    let endless = host(|request, base| {
        json(r#"{"attestations":[{"bundle":{}}]}"#).header("link", &format!("<{base}{}?x>; rel=next", request.path))
    });
    assert_eq!((ask(&endless).expect("bundles").len(), endless.requests().len()), (4, 4));
    let other = host(|_, _| json(r#"{"attestations":[{"bundle":{"evil":1}}]}"#));
    let target = other.base().to_owned();
    let server = host(move |_, _| json("{}").header("link", &format!("<{target}/>; rel=\"next\"")));
    server.require_auth(Auth::bearer("secret"));
    let error = ask_as(&server, Some(&Credentials::bearer("secret")), "o/r", COMMIT).expect_err("refused");
    assert!(matches!(error, AttestationsError::NextPage { .. }), "{error}");
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn answers_are_bounded_and_read_strictly() {
    let server = host(|_, _| json(r#"{"attestations":"\u001b[2J"}"#));
    let error = ask(&server).expect_err("refused");
    assert!(matches!(error, AttestationsError::Answer { .. }) && !error.to_string().contains('\u{1b}'), "{error}");
    for fault in [Fault::GzipBomb { bytes: 1 << 30 }, Fault::Enormous { bytes: 1 << 30, declared: false }] {
        server.inject(fault);
        let error = ask(&server).expect_err("refused");
        assert!(matches!(error, AttestationsError::Http(HttpError::TooLarge { limit: 8_388_608, .. })), "{error}");
        server.heal();
    }
    // The bound is for all pages together.
    let page = format!(r#"{{"attestations":[{{"bundle":"{}"}}]}}"#, "x".repeat(3 << 20));
    let server =
        host(move |request, base| json(&page).header("link", &format!("<{base}{}?x>; rel=\"next\"", request.path)));
    let error = ask(&server).expect_err("refused");
    assert!(matches!(error, AttestationsError::Http(HttpError::TooLarge { limit: 8_388_608, .. })), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn questions_that_mean_another_address_are_not_asked() {
    let server = host(|_, _| json("{}"));
    for repository in ["", "o", "o/", "/r", "o/r/x", "../r", "o/..", "o/r?x", "o/r#x", "o/r%2f", "o\\/r", "o/r\u{202e}"]
    {
        let error = ask_as(&server, None, repository, COMMIT).expect_err("refused");
        assert!(matches!(error, AttestationsError::Repository { .. }), "{repository}: {error}");
    }
    for digest in ["sha1:", "sha1:0123", "sha1:0123456789012345678901234567890123456780/", &COMMIT[5..], "md5:0123"] {
        let error = ask_as(&server, None, "o/r", digest).expect_err("refused");
        assert!(matches!(error, AttestationsError::Digest { .. }), "{digest}: {error}");
    }
    assert_eq!(server.requests().len(), 0);
}
