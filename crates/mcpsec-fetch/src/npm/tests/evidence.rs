//! Signatures, attestations, keys and histories: what is brought, what is bounded, and what is never asked.
use std::collections::BTreeSet;

use mcpsec_model::{
    digest::Digests,
    evidence::{Documents, Offer, Trust},
    upstream::UpstreamState,
};
use mcpsec_testkit::{Auth, Fault, NpmRegistryKey, npm_package, shared};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::*;
use crate::{
    evidence::{GatherError, Sources, Wanted, gather},
    http::HttpError,
};

const RESPONSE: &str = r#"{"attestations":[{"predicateType":"p","bundle":{"verificationMaterial":{"publicKey":{"hint":"SHA256:hinted"}}}}]}"#;

fn record<'a>(resolved: &'a NpmResolved, package: &str) -> &'a crate::npm::RegistryRecord {
    &resolved.records[&id(package)]
}

/// Gathers for one package; `known` keys need not be asked for.
fn gathered(fixture: &Fixture, package: &str, offer: &Offer, known: &[&str]) -> Result<Documents, GatherError> {
    let (package, digests) = (id(package), Digests::default());
    let known: BTreeSet<SmolStr> = known.iter().map(SmolStr::new).collect();
    let wanted = vec![Wanted { package: &package, file: "a.tgz", digests: &digests, offer }];
    let sources = Sources { npm: Some(&fixture.source), pypi: None };
    block_on(gather(sources, wanted, &known, 0)).pop().expect("one answer").1
}

fn attested(key: &NpmRegistryKey) -> Offer {
    let signatures = vec![key.sign("@s/a", "1.0.0", "sha512-x")];
    Offer { offers: true, signatures, attested: true, published: None }
}

#[test]
fn what_a_record_offers_is_kept() {
    let (server, key) = (NpmServer::start(), NpmRegistryKey::generate());
    server.publish_all(&[
        npm_package("a", "1.0.0").dep("b", "1").dep("c", "1").signed_by(&key).signed_by(&NpmRegistryKey::generate()),
        npm_package("b", "1.0.0").attestations(RESPONSE),
        npm_package("c", "1.0.0"),
    ]);
    let fixture = Fixture::for_server(&server);
    for resolved in [fixture.resolve("a").expect("resolved"), fixture.resolve("a").expect("from the cache")] {
        let a = &record(&resolved, "npm:a@1.0.0").offer;
        assert_eq!((a.offers, a.attested, a.signatures.len()), (true, false, 2));
        assert_eq!(a.signatures[0].keyid, key.public().keyid);
        let b = &record(&resolved, "npm:b@1.0.0").offer;
        assert_eq!((b.offers, b.attested, b.signatures.len()), (true, true, 0));
        assert_eq!(record(&resolved, "npm:c@1.0.0").offer, Offer::default(), "stripped");
    }
    assert_eq!(server.count("/-/*"), 0, "resolution asks for no evidence");
    let UpstreamState::Present(today) = block_on(fixture.source.upstream(&id("npm:a@1.0.0"))) else { panic!("gone") };
    assert_eq!(today.offer_for("a-1.0.0.tgz").map(|offer| offer.signatures.len()), Some(2));
}

#[test]
fn a_package_that_stopped_being_attested_gets_its_history() {
    let server = NpmServer::start();
    let (old, new) = ("2024-01-01T00:00:00.000Z", "2025-06-01T00:00:00.000Z");
    server.publish_all(&[
        npm_package("a", "1.0.0").published("2023-01-01T00:00:00.000Z"),
        npm_package("a", "2.0.0").published(old).attestations(RESPONSE),
        npm_package("a", "1.9.9").published(new).tag("latest").dep("always", "1").dep("never", "1"),
        npm_package("always", "1.0.0").attestations(RESPONSE),
        npm_package("never", "1.0.0"),
    ]);
    let fixture = Fixture::for_server(&server);
    let resolved = fixture.resolve("a").expect("resolved");
    let history = &record(&resolved, "npm:a@1.9.9").history;
    let told: Vec<(&str, Trust)> = history.iter().map(|release| (release.version.as_str(), release.trust)).collect();
    assert_eq!(told, [("1.0.0", Trust::None), ("2.0.0", Trust::Attested), ("1.9.9", Trust::None)]);
    assert_eq!(history[1].published, old.parse().expect("time"));
    assert_eq!(
        (server.count("/a"), server.count("/always"), server.count("/never")),
        (1, 1, 1),
        "the server's own long record is asked for at once, the others' only where they matter"
    );
    let UpstreamState::Present(today) = block_on(fixture.source.upstream(&id("npm:a@1.9.9"))) else { panic!("gone") };
    assert_eq!(&today.history, history);
    let before = fixture.resolve_with("a", &[], Some("2024-06-01")).expect("resolved");
    let history = &record(&before, "npm:a@1.0.0").history;
    assert_eq!(history.len(), 2, "as of a date, later versions do not exist: {history:?}");
}

#[test]
fn a_history_that_cannot_be_had_is_no_empty_history() {
    let server = NpmServer::start();
    server.publish_all(&[npm_package("a", "1.0.0").attestations(RESPONSE), npm_package("a", "1.1.0")]);
    let fixture = Fixture::for_server(&server);
    server.publish(&npm_package("root", "1.0.0").dep("a", "1"));
    server.inject(Fault::Status(500).on("/a").after(1));
    let error = fixture.resolve("root").expect_err("the long record is needed");
    assert!(error.is_unreachable(), "{error}");
}

#[test]
fn attestations_come_from_the_configured_registry_whatever_the_record_says() {
    let (server, elsewhere) = (NpmServer::start(), NpmServer::start());
    let url = format!("{}-/npm/v1/attestations/@s%2fa@1.0.0", elsewhere.url());
    server.publish(
        &npm_package("@s/a", "1.0.0").attestations(RESPONSE).dist_field("attestations", json!({ "url": url })),
    );
    server.require_auth(Auth::bearer("secret"));
    let host = server.url().replace("http:", "");
    let fixture = Fixture::new(&format!("registry={}\n{host}:_authToken=secret", server.url()));
    let text = block_on(fixture.source.attestations(&id("npm:@s/a@1.0.0"))).expect("asked");
    assert_eq!(text.as_deref(), Some(RESPONSE));
    assert_eq!(elsewhere.count("*"), 0);
    assert_eq!(server.count("/-/npm/v1/attestations/@s%2fa@1.0.0"), 1, "spelt as npm spells it");
    assert_eq!(block_on(fixture.source.attestations(&id("npm:@s/a@1.0.1"))).expect("asked"), None);
    server.inject(Fault::Status(405).on("/-/*"));
    assert_eq!(block_on(fixture.source.attestations(&id("npm:@s/a@1.0.2"))).expect("asked"), None);
}

#[test]
fn documents_have_what_was_offered_and_only_the_keys_that_are_needed() {
    let (server, key) = (NpmServer::start(), NpmRegistryKey::generate().expires("2030-01-01T00:00:00Z"));
    let hinted = NpmRegistryKey::generate().named("SHA256:hinted");
    server.set_registry_keys([&key, &hinted, &NpmRegistryKey::generate()]);
    server.set_attestations("@s/a", "1.0.0", RESPONSE);
    let (fixture, offer) = (Fixture::for_server(&server), attested(&key));
    let own = key.public().keyid.as_str();
    let documents = gathered(&fixture, "npm:@s/a@1.0.0", &offer, &[own, "SHA256:hinted"]).expect("gathered");
    assert_eq!((documents.attestations.as_deref(), documents.keys.len()), (Some(RESPONSE), 0));
    assert!(documents.offered && !documents.withheld && documents.signatures == offer.signatures);
    assert_eq!(server.count("/-/npm/v1/keys"), 0, "built-in keys are not asked for");
    for package in ["npm:@s/a@1.0.0", "npm:@s/b@1.0.0"] {
        let keys = gathered(&fixture, package, &offer, &[]).expect("gathered").keys;
        assert!(keys.contains(key.public()) && keys.len() <= 2, "{keys:?}");
    }
    assert_eq!(server.count("/-/npm/v1/keys"), 1, "once per registry");
}

#[test]
fn withheld_is_not_unreachable_and_neither_is_nothing() {
    let (server, key) = (NpmServer::start(), NpmRegistryKey::generate());
    let (fixture, offer) = (Fixture::for_server(&server), attested(&key));
    let known = [key.public().keyid.as_str()];
    let documents = gathered(&fixture, "npm:@s/a@1.0.0", &offer, &known).expect("asked");
    assert!(documents.withheld && documents.attestations.is_none());
    let nothing = Offer { offers: true, ..Offer::default() };
    let documents = gathered(&fixture, "npm:@s/a@1.0.0", &nothing, &known).expect("nobody asked");
    assert_eq!(documents, Documents { offered: true, ..Documents::default() });
    server.inject(Fault::Status(500).on("/-/*"));
    let error = gathered(&fixture, "npm:@s/a@2.0.0", &offer, &known).expect_err("down");
    assert!(error.is_unreachable() && matches!(error, GatherError::Npm(NpmError::Http { .. })), "{error:?}");
}

#[test]
fn one_failure_does_not_hinder_the_others_and_answers_keep_their_order() {
    let (server, key) = (NpmServer::start(), NpmRegistryKey::generate());
    let (ids, offer) = ((0..40).map(|n| id(&format!("npm:p{n}@1.0.0"))).collect::<Vec<_>>(), attested(&key));
    for package in &ids {
        server.set_attestations(package.name().as_str(), "1.0.0", format!("{{\"of\":\"{}\"}}", package.name()));
    }
    server.inject(Fault::Status(500).on("/-/npm/v1/attestations/p7@*"));
    let fixture = Fixture::for_server(&server);
    let (digests, known) = (Digests::default(), BTreeSet::from([key.public().keyid.clone()]));
    let wanted = ids.iter().map(|package| Wanted { package, file: "x.tgz", digests: &digests, offer: &offer });
    let sources = Sources { npm: Some(&fixture.source), pypi: None };
    let answers = block_on(gather(sources, wanted.collect(), &known, 16));
    for (at, (wanted, documents)) in answers.iter().enumerate() {
        assert_eq!(wanted.package, &ids[at]);
        match documents {
            Ok(documents) => assert_eq!(documents.attestations, Some(format!("{{\"of\":\"p{at}\"}}"))),
            Err(error) => assert!(at == 7 && error.is_unreachable(), "{at}: {error}"),
        }
    }
    assert!(answers[7].1.is_err());
}

#[test]
fn offline_the_cache_answers_and_what_was_never_asked_is_unreachable() {
    let (server, key) = (NpmServer::start(), NpmRegistryKey::generate());
    server.set_attestations("@s/a", "1.0.0", RESPONSE);
    let (mut fixture, offer) = (Fixture::for_server(&server), attested(&key));
    let known = [key.public().keyid.as_str(), "SHA256:hinted"];
    let online = gathered(&fixture, "npm:@s/a@1.0.0", &offer, &known).expect("gathered");
    let now = "2027-01-01T00:00:00Z".parse().expect("time");
    let metadata = Metadata::new(fixture.cache.path().to_owned(), None, now);
    fixture.source = NpmSource::new(metadata, fixture.source.config.clone());
    assert_eq!(gathered(&fixture, "npm:@s/a@1.0.0", &offer, &known).expect("cached"), online);
    assert!(gathered(&fixture, "npm:@s/b@1.0.0", &offer, &known).expect_err("never asked").is_unreachable());
}

#[test]
fn answers_without_bounds_are_refused() {
    let server = NpmServer::start();
    let fixture = Fixture::for_server(&server);
    let ask = |version: &str| block_on(fixture.source.attestations(&id(&format!("npm:a@{version}"))));
    for (version, declared) in [("1.0.0", true), ("1.0.1", false)] {
        server.inject(Fault::Enormous { bytes: 100 << 20, declared }.on(&format!("/-/*@{version}")));
        let Err(NpmError::Http { source, .. }) = ask(version) else { panic!("{version}") };
        assert!(matches!(*source, HttpError::TooLarge { limit: 8_388_608, .. }), "{source}");
    }
    server.inject(Fault::GzipBomb { bytes: 1 << 30 }.on("/-/*@1.0.2"));
    let Err(NpmError::Http { source, .. }) = ask("1.0.2") else { panic!("bomb") };
    assert!(matches!(*source, HttpError::TooLarge { .. }), "{source}");
    server.set_attestations("a", "1.0.3", vec![0xff, 0xfe]);
    assert!(matches!(ask("1.0.3"), Err(NpmError::Evidence { .. })));
}

#[test]
fn keys_documents_that_are_none_are_refused() {
    let key = json!({ "keyid": "k", "key": "a", "scheme": "s", "expires": null, "keytype": "t" });
    let with = |field: &str, value: Value| {
        let mut key = key.clone();
        key[field] = value;
        json!({ "keys": [key] }).to_string()
    };
    let many: Vec<&Value> = std::iter::repeat_n(&key, 65).collect();
    let documents = [
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"keys":{}}"#.to_owned(),
        r#"{"keys":[1]}"#.to_owned(),
        json!({ "keys": many }).to_string(),
        with("keyid", json!(7)),
        with("keyid", json!("x".repeat(1000))),
        with("key", json!("x".repeat(10_000))),
        with("key", json!(null)),
        with("expires", json!("tomorrow")),
    ];
    for document in documents {
        let server = NpmServer::start();
        server.set_keys(document.clone());
        let fixture = Fixture::for_server(&server);
        let asked = block_on(fixture.source.keys(id("npm:a@1.0.0").name()));
        assert!(matches!(asked, Err(NpmError::Evidence { .. })), "{document}: {asked:?}");
    }
    let server = NpmServer::start();
    let fixture = Fixture::for_server(&server);
    assert_eq!(block_on(fixture.source.keys(id("npm:a@1.0.0").name())).expect("asked"), None, "no such document");
}

#[test]
fn a_flood_of_signatures_is_refused_and_nonsense_is_as_good_as_none() {
    let with = |signatures: Value| {
        let server = NpmServer::start();
        server.publish(&npm_package("a", "1.0.0").dist_field("signatures", signatures));
        Fixture::for_server(&server).resolve("a").map(|resolved| record(&resolved, "npm:a@1.0.0").offer.clone())
    };
    let one = json!({ "keyid": "k", "sig": "s" });
    let flood: Vec<&Value> = std::iter::repeat_n(&one, 10_000).collect();
    assert!(matches!(with(json!(flood)), Err(NpmError::Packument { .. })));
    for nonsense in [
        json!([{ "keyid": 1, "sig": "s" }]),
        json!([{ "keyid": "k" }]),
        json!([null, [], "x"]),
        json!([{ "keyid": "k", "sig": "s".repeat(5000) }]),
        json!([{ "keyid": "k\n", "sig": "s" }]),
    ] {
        let offer = with(nonsense.clone()).expect("resolved");
        assert!(offer.offers && offer.signatures.is_empty(), "{nonsense}: {offer:?}");
    }
    for none in [json!([]), json!({}), json!("x"), json!(null)] {
        assert!(!with(none).expect("resolved").offers);
    }
    assert_eq!(with(json!([one, 7])).expect("resolved").signatures.len(), 1, "the readable one is kept");
}

/// A real record of 78 versions: the signatures of one are told apart from those of the others.
#[test]
fn a_real_series_with_and_without_attestations() {
    let Some(path) = shared::path("fixtures/npm-signatures/undici-types.json") else { return };
    let document = std::fs::read(path).expect("recorded");
    let packument: Map<String, Value> = serde_json::from_slice(&document).expect("json");
    let slim = crate::npm::packument::distil(&document).expect("distilled");
    let read = crate::npm::packument::Packument::parse(slim.into()).expect("packument");
    let versions = packument["versions"].as_object().expect("versions");
    for (version, record) in versions {
        let offer = read.offer(version);
        let recorded = &record["dist"]["signatures"][0];
        assert_eq!(offer.signatures.len(), 1, "{version}");
        assert_eq!(
            (offer.signatures[0].keyid.as_str(), &offer.signatures[0].sig[..]),
            (recorded["keyid"].as_str().expect("keyid"), recorded["sig"].as_str().expect("sig"))
        );
        assert_eq!(offer.attested, record["dist"].get("attestations").is_some(), "{version}");
    }
    let history = read.history();
    let attested = history.iter().filter(|release| release.trust == Trust::Attested).count();
    assert_eq!((versions.len(), history.len(), attested), (78, 78, 27));
    assert!(history.is_sorted_by_key(|release| release.published));
}
