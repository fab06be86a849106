//! What must be refused, each for its own reason.
use std::time::Duration;

use mcpsec_testkit::{Fault, loopback::Injection};
use serde_json::json;

use sigstore_tuf::Repository as _;

use super::{
    super::source::Remote, Edition, Fixture, NEXT_DAY, NOON, RootSource, TrustError, Warning, assert_built_in, at,
    network, overwrite, refusal,
};
use crate::http::HttpError;

/// A fixture that has refreshed once and whose repository is then changed.
fn after(change: impl FnOnce(&mut Fixture)) -> super::RootText {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.online(NOON).source, RootSource::Refreshed);
    change(&mut fixture);
    let root = fixture.online(NEXT_DAY);
    assert_eq!(root.source, RootSource::Cached { fetched: at(NOON) }, "what was good stays in use");
    assert_eq!(root.json.as_deref(), Some(r#"{"edition":1}"#));
    assert!(matches!(root.warnings[..], [Warning::RefreshRefused(_)]), "{:?}", root.warnings);
    // Nothing of it was kept.
    assert_eq!(fixture.offline(NEXT_DAY).warnings, [Warning::Age { days: 1, built_in: false }]);
    root
}

fn newer() -> Edition<'static> {
    Edition { version: 2, root: r#"{"edition":2}"#, ..Edition::default() }
}

#[test]
fn versions_never_go_back() {
    let mut fixture = Fixture::new();
    fixture.repository.publish(&newer());
    fixture.online(NOON);
    fixture.repository.publish(&Edition::default());
    let root = fixture.online(NEXT_DAY);
    let expected = TrustError::Rollback { role: "timestamp".to_owned(), trusted: 2, offered: 1 };
    assert_eq!((refusal(&root), root.json.as_deref()), (&expected, Some(r#"{"edition":2}"#)));
    // Nor when all that was kept has expired meanwhile.
    fixture.repository.publish(&Edition { expires: "2029-01-01T00:00:00Z", ..Edition::default() });
    assert_eq!(refusal(&fixture.online("2027-01-01T00:00:00Z")), &expected);
    // Nor when what is built in is newer than what is kept.
    fixture.options.public_good.anchor.as_of = at("2026-12-01T00:00:00Z");
    let root = fixture.online("2027-01-02T00:00:00Z");
    assert_eq!(refusal(&root), &expected);
    assert_built_in(&root);
}

#[test]
fn signatures_of_unknown_keys_count_for_nothing() {
    let root = after(|fixture| {
        fixture.repository.forget_online_key();
        fixture.repository.publish(&newer());
    });
    assert_eq!(refusal(&root), &TrustError::Signature { role: "timestamp".to_owned(), found: 0, threshold: 1 });
    let root = after(|fixture| {
        fixture.repository.publish(&newer());
        fixture.repository.tamper("timestamp.json", "2026-11-08", "2036-11-08");
    });
    assert_eq!(refusal(&root), &TrustError::Signature { role: "timestamp".to_owned(), found: 0, threshold: 1 });
}

#[test]
fn a_root_needs_its_predecessors_signatures() {
    let root = after(|fixture| {
        fixture.repository.usurp();
        fixture.repository.publish(&newer());
    });
    assert_eq!(refusal(&root), &TrustError::Signature { role: "root".to_owned(), found: 0, threshold: 2 });
    let root = after(|fixture| {
        fixture.repository.rotate();
        fixture.repository.rotate();
        let third = fixture.repository.get("3.root.json");
        fixture.repository.put("2.root.json", third);
    });
    assert_eq!(refusal(&root), &TrustError::RootVersion { trusted: 1, offered: 3 });
    let root = after(|fixture| (0..33).for_each(|_| fixture.repository.rotate()));
    assert_eq!(refusal(&root), &TrustError::TooManyRoots { limit: 32 });
}

#[test]
fn expired_metadata_is_not_fresh() {
    let root = after(|fixture| {
        fixture.repository.publish(&Edition { expires: "2026-11-03T00:00:00Z", ..newer() });
    });
    let expected = TrustError::Expired { role: "timestamp".to_owned(), expires: at("2026-11-03T00:00:00Z") };
    assert_eq!(refusal(&root), &expected);
    // A repository frozen at what we have.
    let fixture = Fixture::new();
    fixture.online(NOON);
    let root = fixture.online("2026-11-09T00:00:00Z");
    assert!(matches!(refusal(&root), TrustError::Expired { .. }), "{:?}", root.warnings);
}

#[test]
fn files_must_be_the_ones_that_were_signed_for() {
    let target = |text: &str| {
        format!("targets/{}.trusted_root.json", mcpsec_model::digest::Digest::sha256_of(text.as_bytes()).to_hex())
    };
    let root = after(|fixture| {
        fixture.repository.publish(&newer());
        fixture.repository.tamper(&target(r#"{"edition":2}"#), "2", "3");
    });
    assert!(matches!(refusal(&root), TrustError::Mismatch { .. }), "{:?}", root.warnings);
    let root = after(|fixture| {
        fixture.repository.publish(&newer());
        fixture.repository.tamper("2.targets.json", "trusted_root.json", "trusted_r00t.json");
    });
    assert!(matches!(refusal(&root), TrustError::Mismatch { .. }), "{:?}", root.warnings);
    let root = after(|fixture| {
        fixture.repository.publish(&Edition { root: "no JSON", ..newer() });
    });
    assert!(matches!(refusal(&root), TrustError::Malformed { .. }), "{:?}", root.warnings);
    let root = after(|fixture| fixture.repository.server.inject(Fault::Gone.on("*/timestamp.json")));
    assert!(matches!(refusal(&root), TrustError::Http(HttpError::NotFound { .. })), "{:?}", root.warnings);
}

#[test]
fn keys_that_do_not_fit_cost_only_the_keys() {
    let fixture = Fixture::new();
    fixture.repository.tamper("1.registry.invalid.json", "keys.json", "keyz.json");
    let trust = fixture.run(Some(&network()), NOON);
    assert_eq!((trust.public_good.source, &trust.npm_keys), (RootSource::Refreshed, &None));
    assert!(matches!(refusal(&trust.public_good), TrustError::Mismatch { .. }));
    let mut fixture = Fixture::new();
    fixture.options.npm_keys = Some("elsewhere.invalid/keys.json".to_owned());
    let trust = fixture.run(Some(&network()), NOON);
    assert_eq!((trust.public_good.warnings, trust.npm_keys), (vec![], None));
}

#[test]
fn nothing_is_read_without_end() {
    let endless = |path: &str| -> Injection { Fault::Enormous { bytes: 1 << 30, declared: false }.on(path) };
    for (path, limit) in [("*/2.root.json", 512 << 10), ("*/timestamp.json", 16 << 10), ("*/2.snapshot.json", 2 << 20)]
    {
        let root = after(|fixture| {
            fixture.repository.publish(&newer());
            fixture.repository.server.inject(endless(path));
        });
        let TrustError::Http(HttpError::TooLarge { limit: told, .. }) = refusal(&root) else {
            panic!("{path}: {:?}", root.warnings)
        };
        assert_eq!(*told, limit, "{path}");
    }
    // A steady trickle is cut off by the deadline.
    let mut fixture = Fixture::new();
    fixture.options.deadline = Duration::from_millis(300);
    fixture.repository.server.inject(Fault::Drip { chunk: 1, every: Duration::from_millis(20) });
    let started = std::time::Instant::now();
    let root = fixture.online(NOON);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_built_in(&root);
    assert_eq!(root.warnings, []);
}

#[test]
fn nothing_outside_the_repository_is_asked_for() {
    let fixture = Fixture::new();
    let url = fixture.options.public_good.url.clone().expect("url");
    let remote = Remote::new(network(), &url, Duration::from_secs(5));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    for name in ["../../x", "//elsewhere.invalid/x", "a/../../../x"] {
        let error = runtime.block_on(remote.fetch_target(name, 10)).expect_err(name);
        assert!(matches!(TrustError::from(error), TrustError::Malformed { .. }), "{name}");
    }
    assert_eq!(fixture.requests(), 0);
}

type Damage = fn(&mut serde_json::Value);

#[test]
fn a_folder_that_somebody_wrote_to_is_not_believed() {
    let damage: [(&str, Damage); 8] = [
        ("trusted root", |kept| kept["files"]["targets/trusted_root.json"] = json!(r#"{"edition":9}"#)),
        ("timestamp", |kept| {
            let text = kept["files"]["timestamp.json"].as_str().expect("text").replace("2026-11-08", "2036-11-08");
            kept["files"]["timestamp.json"] = json!(text);
        }),
        ("targets", |kept| {
            let text = kept["files"]["targets.json"].as_str().expect("text").replace("trusted_root", "trusted_r00t");
            kept["files"]["targets.json"] = json!(text);
        }),
        ("length", |kept| {
            let text = kept["files"]["timestamp.json"].as_str().expect("text").to_owned() + &" ".repeat(16 << 10);
            kept["files"]["timestamp.json"] = json!(text);
        }),
        ("root", |kept| kept["files"]["root_history/2.root.json"] = json!("{}")),
        ("time", |kept| kept["fetched"] = json!("2026-11-20T00:00:00Z")),
        ("form", |kept| kept["format"] = json!(2)),
        ("fields", |kept| kept["more"] = json!(true)),
    ];
    for (name, damage) in damage {
        let fixture = Fixture::new();
        fixture.online(NOON);
        fixture.edit(damage);
        let root = fixture.offline("2026-11-30T00:00:00Z");
        assert_built_in(&root);
        let expected = match name {
            "trusted root" | "targets" => matches!(refusal(&root), TrustError::Mismatch { .. }),
            "timestamp" => matches!(refusal(&root), TrustError::Signature { .. }),
            "root" | "length" => matches!(refusal(&root), TrustError::Malformed { .. }),
            "time" => matches!(refusal(&root), TrustError::Expired { .. }),
            _ => matches!(refusal(&root), TrustError::Folder { .. }),
        };
        assert!(expected, "{name}: {:?}", root.warnings);
        assert_eq!(root.warnings[1], Warning::Age { days: 29, built_in: true }, "{name}");
        // Online it is repaired at once, and said.
        let root = fixture.online(NOON);
        if name != "time" {
            assert!(matches!(root.warnings[..], [Warning::KeptRefused(_)]), "{name}: {:?}", root.warnings);
        }
        assert_eq!(root.source, RootSource::Refreshed, "{name}");
        assert_eq!(fixture.offline(NEXT_DAY).source, RootSource::Cached { fetched: at(NOON) }, "{name}");
    }
}

#[test]
fn other_things_in_place_of_the_kept_file() {
    let fixture = Fixture::new();
    fixture.online(NOON);
    let mut long = std::fs::read(fixture.kept()).expect("kept");
    long.resize((16 << 20) + 1, b' ');
    for bytes in [&b""[..], b"{", b"\xff\xfe", &long] {
        overwrite(&fixture.kept(), bytes);
        let root = fixture.offline(NOON);
        assert_built_in(&root);
        assert!(matches!(refusal(&root), TrustError::Folder { .. }), "{:?}", root.warnings);
    }
    std::fs::remove_file(fixture.kept()).expect("removed");
    std::fs::create_dir(fixture.kept()).expect("folder");
    assert!(matches!(refusal(&fixture.offline(NOON)), TrustError::Folder { .. }));
    // The refreshed root is good all the same.
    let root = fixture.online(NOON);
    assert_eq!(root.source, RootSource::Refreshed);
    assert!(root.warnings.iter().any(|warning| matches!(warning, Warning::NotKept(_))), "{:?}", root.warnings);
}

#[test]
fn an_older_chain_than_what_is_built_in_is_not_used() {
    let mut fixture = Fixture::new();
    fixture.online(NOON);
    fixture.options.public_good.anchor.as_of = at("2026-11-02T13:00:00Z");
    let root = fixture.offline("2026-11-02T14:00:00Z");
    assert_built_in(&root);
    assert_eq!(root.warnings, []);
    // Nor one that claims to be.
    fixture.options.public_good.anchor.as_of = at("2026-11-10T00:00:00Z");
    fixture.edit(|kept| kept["fetched"] = json!("2026-11-11T00:00:00Z"));
    let root = fixture.offline("2026-11-12T00:00:00Z");
    assert_built_in(&root);
    assert!(matches!(refusal(&root), TrustError::Expired { .. }), "{:?}", root.warnings);
}
