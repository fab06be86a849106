//! Provenance (PEP 740): which files have it, where it is asked for, who gets the credentials.
use std::collections::BTreeSet;

use mcpsec_fetch::{
    evidence::{GatherError, Sources, Wanted, gather},
    http::HttpError,
    pypi::IndexRecord,
};
use mcpsec_model::{
    digest::Digests,
    evidence::{Documents, Offer, Trust},
    package::PackageId,
    upstream::UpstreamState,
};
use mcpsec_testkit::{Auth, Fault, wheel};

use super::*;

const OBJECT: &str = r#"{"version":1,"attestation_bundles":[]}"#;
const FILE: &str = "app-1.0-py3-none-any.whl";

fn id() -> PackageId {
    "pypi:app@1.0".parse().expect("id")
}

fn attested() -> Offer {
    Offer { offers: true, attested: true, ..Offer::default() }
}

async fn record(client: &Client) -> IndexRecord {
    let found = client.source(true).resolve(&pypi("app==1.0"), None, &options(LINUX, None), &Silent).await;
    found.expect("resolved").records.remove(&id()).expect("a record")
}

async fn gathered(source: &PypiSource, offer: &Offer) -> Result<Documents, GatherError> {
    let (package, digests) = (id(), Digests::default());
    let wanted = vec![Wanted { package: &package, file: FILE, digests: &digests, offer }];
    let sources = Sources { npm: None, pypi: Some(source) };
    gather(sources, wanted, &BTreeSet::new(), 0).await.pop().expect("one answer").1
}

#[tokio::test]
async fn offers_are_told_per_file_in_both_forms() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution().provenance(OBJECT).uploaded("2025-02-01T00:00:00Z"));
    let mut other = wheel("app", "1.0").distribution();
    other.file_name = "app-1.0-py2-none-any.whl".to_owned();
    server.publish(other.uploaded("2025-01-01T00:00:00Z"));
    for json in [true, false] {
        server.serving(|serving| serving.json = json);
        let client = Client::of(&server);
        let record = record(&client).await;
        let told: Vec<(&str, bool, bool)> =
            record.offers.iter().map(|(file, offer)| (file.as_str(), offer.offers, offer.attested)).collect();
        assert_eq!(told, [("app-1.0-py2-none-any.whl", true, false), (FILE, true, true)]);
        assert_eq!(record.offers[FILE].published.is_some(), json, "HTML tells no times");
        let state = client.source(true).upstream(&id()).await;
        let UpstreamState::Present(today) = state else { panic!("{state:?}") };
        assert_eq!(today.offer_for(FILE), record.offers.get(FILE));
        assert_eq!(today.offer_for("app-1.0-py2-none-any.whl").map(|offer| offer.attested), Some(false));
        assert!(today.offer.is_some_and(|offer| offer.attested && offer.published.is_some() == json));
        let documents = gathered(&client.source(true), &record.offers[FILE]).await.expect("gathered");
        assert_eq!((documents.attestations.as_deref(), documents.withheld), (Some(OBJECT), false));
    }
}

#[tokio::test]
async fn an_index_that_knows_no_provenance_is_stripped_and_one_that_does_has_none() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution());
    for (version, offers) in [("1.0", false), ("1.2", false), ("1.3", true), ("1.10", true), ("1", false), ("x", false)]
    {
        for json in [true, false] {
            if json && version == "x" {
                continue; // refused as a page of an unknown format
            }
            server.serving(|serving| (serving.json, serving.api_version) = (json, version.to_owned()));
            let record = record(&Client::of(&server)).await;
            assert_eq!((record.offers[FILE].offers, record.offers[FILE].attested), (offers, false), "{version} {json}");
            assert!(record.history.is_empty());
        }
    }
    server.change(FILE, |file| file.provenance = Some(OBJECT.into()));
    server.serving(|serving| serving.api_version = "1.0".to_owned());
    assert!(record(&Client::of(&server)).await.offers[FILE].offers, "it hands out one, whatever it calls itself");
}

#[tokio::test]
async fn the_history_is_in_the_order_of_uploads_and_ends_with_the_date_asked_for() {
    let server = PypiServer::start();
    server.publish(wheel("app", "2.0").distribution().provenance(OBJECT).uploaded("2025-01-01T00:00:00Z"));
    server.publish(wheel("app", "1.0").distribution().uploaded("2025-03-01T00:00:00Z"));
    server.publish(wheel("app", "10.0").distribution().uploaded("2025-03-01T00:00:00Z"));
    let client = Client::of(&server);
    let history = record(&client).await.history;
    let told: Vec<(&str, Trust)> = history.iter().map(|release| (release.version.as_str(), release.trust)).collect();
    assert_eq!(told, [("2.0", Trust::Attested), ("1.0", Trust::None), ("10.0", Trust::None)]);
    let before = options(LINUX, Some("2025-02-01"));
    let found = client.source(true).resolve(&pypi("app"), None, &before, &Silent).await.expect("resolved");
    let record = found.records.values().next().expect("a record");
    assert_eq!(record.history.len(), 1);
}

#[tokio::test]
async fn credentials_stay_with_the_index_wherever_the_page_points() {
    let (index, elsewhere) = (PypiServer::start(), PypiServer::start());
    elsewhere.publish(wheel("app", "1.0").distribution().provenance(OBJECT));
    let foreign = format!("{}/integrity/app/1.0/{FILE}/provenance", elsewhere.base());
    index.publish(wheel("app", "1.0").distribution().provenance(OBJECT));
    index.require_auth(Auth::basic("user", "secret"));
    let env = [("UV_DEFAULT_INDEX", &*index.url_with_userinfo("user", "secret"))];
    let sent = |server: &PypiServer| {
        let requests = server.take_requests();
        requests.iter().filter(|request| request.header("authorization").is_some()).count()
    };

    let own = gathered(&Client::with(&env).source(true), &attested()).await.expect("gathered");
    assert_eq!(own.attestations.as_deref(), Some(OBJECT));
    assert_eq!(sent(&index), 2, "page and provenance");

    // The page names another origin.
    index.change(FILE, |file| file.provenance_url = Some(foreign.clone()));
    let other = gathered(&Client::with(&env).source(true), &attested()).await.expect("gathered");
    assert_eq!((other.attestations.as_deref(), elsewhere.count("*")), (Some(OBJECT), 1));
    assert_eq!(sent(&elsewhere), 0);

    // The index redirects to another origin.
    index.change(FILE, |file| file.provenance_url = None);
    index.inject(Fault::RedirectTo { status: 302, origin: elsewhere.base().to_owned() }.on("/integrity/*"));
    let redirected = gathered(&Client::with(&env).source(true), &attested()).await.expect("gathered");
    assert_eq!((redirected.attestations.as_deref(), elsewhere.count("*")), (Some(OBJECT), 1));
    assert_eq!(sent(&elsewhere), 0);
}

#[tokio::test]
async fn addresses_that_cannot_be_asked_are_withheld() {
    let server = PypiServer::start();
    for address in ["file:///etc/passwd", "javascript:1", "ftp://h.invalid/x", "http://"] {
        let mut file = wheel("app", "1.0").distribution().provenance(OBJECT);
        file.provenance_url = Some(address.to_owned());
        server.publish(file);
        let client = Client::of(&server);
        assert!(record(&client).await.offers[FILE].attested, "the index says so: {address}");
        let documents = gathered(&client.source(true), &attested()).await.expect("asked nobody");
        assert!(documents.withheld && documents.attestations.is_none(), "{address}");
    }
    assert_eq!(server.count("/integrity/*"), 0);
}

#[tokio::test]
async fn withheld_unreachable_and_oversized_are_three_things() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution().provenance(OBJECT));
    let ask = async || gathered(&Client::of(&server).source(true), &attested()).await;
    server.inject(Fault::Gone.on("/integrity/*").times(1));
    assert!(ask().await.expect("asked").withheld);
    server.inject(Fault::Status(500).on("/integrity/*").times(1));
    assert!(ask().await.expect_err("down").is_unreachable());
    server.inject(Fault::Enormous { bytes: 100 << 20, declared: false }.on("/integrity/*").times(1));
    let error = ask().await.expect_err("too large");
    assert!(
        matches!(error, GatherError::Pypi(PypiError::Http(HttpError::TooLarge { limit: 2_097_152, .. }))),
        "{error:?}"
    );
    server.change(FILE, |file| file.provenance = Some(vec![0xff, 0xfe].into()));
    let error = ask().await.expect_err("not text");
    assert!(matches!(error, GatherError::Pypi(PypiError::Evidence { .. })), "{error:?}");
}

#[tokio::test]
async fn offline_the_cache_answers() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution().provenance(OBJECT));
    let client = Client::of(&server);
    let online = gathered(&client.source(true), &attested()).await.expect("gathered");
    assert_eq!(gathered(&client.source(false), &attested()).await.expect("cached"), online);
    let other = Client::of(&server);
    assert!(gathered(&other.source(false), &attested()).await.expect_err("never asked").is_unreachable());
}
