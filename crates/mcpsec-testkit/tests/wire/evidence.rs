//! Evidence as servers hand it out: signatures, keys, attestations, provenance, and what a registry without any says.
use mcpsec_testkit::{
    NpmRegistryKey, NpmServer, PypiServer,
    folder::{NpmOptions, load_npm, registry_keys, stub_dependencies},
    npm_package, shared, wheel,
};
use serde_json::{Value, json};

use crate::client::get;

fn record(server: &NpmServer, name: &str, version: &str) -> Value {
    get(&format!("{}{}", server.url(), name.replace('/', "%2f")), &[]).json()["versions"][version].clone()
}

#[test]
fn a_registry_signs_announces_and_serves_its_keys() {
    let (server, key) = (NpmServer::start(), NpmRegistryKey::generate().expires("2030-01-01T00:00:00Z"));
    let package = npm_package("@s/a", "1.0.0").signed_by(&key).attestations(r#"{"attestations":[]}"#);
    server.publish(&package);
    server.publish(&npm_package("b", "1.0.0"));
    server.set_registry_keys([&key]);
    let dist = record(&server, "@s/a", "1.0.0")["dist"].clone();
    assert_eq!(dist["signatures"][0]["keyid"], key.public().keyid.as_str());
    assert!(record(&server, "b", "1.0.0")["dist"].get("signatures").is_none());
    let url = dist["attestations"]["url"].as_str().expect("announced").to_owned();
    assert_eq!(url, format!("{}-/npm/v1/attestations/@s%2fa@1.0.0", server.url()));
    assert_eq!(get(&url, &[]).json(), json!({ "attestations": [] }));
    let keys = get(&format!("{}-/npm/v1/keys", server.url()), &[]).json();
    assert_eq!(
        (&keys["keys"][0]["key"], &keys["keys"][0]["expires"]),
        (&key.public().key.clone().into(), &"2030-01-01T00:00:00Z".into())
    );

    server.withhold_attestations("@s/a", "1.0.0");
    assert_eq!(get(&url, &[]).status, 404);
    assert!(record(&server, "@s/a", "1.0.0")["dist"].get("attestations").is_some(), "still announced");
    server.sign_all(&NpmRegistryKey::generate());
    assert_eq!(record(&server, "@s/a", "1.0.0")["dist"]["signatures"], dist["signatures"], "was signed");
    assert!(record(&server, "b", "1.0.0")["dist"]["signatures"][0]["sig"].is_string());
    server.strip_evidence();
    for (name, field) in [("@s/a", "signatures"), ("@s/a", "attestations"), ("b", "signatures")] {
        assert!(record(&server, name, "1.0.0")["dist"].get(field).is_none(), "{name} {field}");
    }
    assert_eq!(get(&format!("{}-/npm/v1/keys", server.url()), &[]).status, 404);
}

#[test]
fn dependencies_that_nobody_serves_can_be_stubbed() {
    let server = NpmServer::start();
    server.publish_all(&[
        npm_package("a", "1.0.0")
            .dep("b", "^1.2")
            .dep("c", ">=2.0.0-rc.1 <3")
            .dep("d", "*")
            .dep("e", "~4 || ^5")
            .dep("f", "1"),
        npm_package("f", "1.0.0"),
    ]);
    assert_eq!(stub_dependencies(&server), ["b@1.2.0", "c@2.0.0-rc.1", "d@1.0.0", "e@4.0.0"]);
    assert!(stub_dependencies(&server).is_empty());
}

#[test]
fn keys_of_both_forms_are_served_as_a_registry_serves_them() {
    let own = json!({ "keys": [{ "keyid": "k", "key": "x" }] }).to_string().into_bytes();
    assert_eq!(registry_keys(own.clone()), own);
    assert_eq!(registry_keys(b"nonsense".to_vec()), b"nonsense");
    let Some(path) = shared::path("fixtures/npm-signatures/npm-keys.json") else { return };
    let served: Value = serde_json::from_slice(&registry_keys(std::fs::read(path).expect("recorded"))).expect("json");
    let keys = served["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 2, "each once, whatever else it may be used for");
    assert!(keys.iter().all(|key| key["keyid"].is_string() && key["key"].is_string()));
    assert!(keys[0]["expires"].is_string() && keys[1]["expires"].is_null());
}

#[test]
fn a_real_server_with_its_real_evidence() {
    let Some(folder) = shared::path("fixtures/npm-attestations/server-filesystem") else { return };
    let (server, name) = (NpmServer::start(), "@modelcontextprotocol/server-filesystem");
    let options = NpmOptions { fill_records: true, strip_evidence: false };
    load_npm(&[folder], options, &server).expect("loaded");
    let stubs = stub_dependencies(&server);
    assert!(stubs.iter().any(|stub| stub.starts_with("@modelcontextprotocol/sdk@")), "{stubs:?}");
    server.sign_all(&NpmRegistryKey::generate());
    let record = record(&server, name, "2026.7.10");
    assert_eq!(record["dist"]["attestations"]["provenance"]["predicateType"], "https://slsa.dev/provenance/v1");
    assert!(record["dist"]["signatures"][0]["sig"].is_string() && record["dependencies"].is_object());
}

#[test]
fn an_index_says_its_format_and_where_provenance_is() {
    let server = PypiServer::start();
    let mut file = wheel("a", "1.0").distribution().provenance(r#"{"version":1}"#);
    server.publish(file.clone());
    file.file_name = "a-1.0-py2-none-any.whl".to_owned();
    file.provenance_url = Some("https://elsewhere.invalid/p?a&b".to_owned());
    server.publish(file);
    server.serving(|serving| serving.api_version = "1.1".to_owned());
    let page = get(&format!("{}a/", server.url()), &[("accept", "application/vnd.pypi.simple.v1+json")]).json();
    assert_eq!(page["meta"]["api-version"], "1.1");
    assert_eq!(page["files"][0]["provenance"], "https://elsewhere.invalid/p?a&b");
    assert!(page["files"][1]["provenance"].as_str().is_some_and(|url| url.starts_with(server.base())));
    let html = get(&format!("{}a/", server.url()), &[("accept", "text/html")]).text();
    assert!(
        html.contains("content=\"1.1\"") && html.contains("data-provenance=\"https://elsewhere.invalid/p?a&amp;b\"")
    );
}
