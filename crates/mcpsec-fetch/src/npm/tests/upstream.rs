//! What the registry says later, and where tarballs are.
use mcpsec_model::{
    package::{Artifact, ArtifactKind, Package},
    upstream::UpstreamState,
};
use mcpsec_testkit::{Fault, npm_package};

use super::*;

#[test]
fn the_record_of_today() {
    let server = NpmServer::start();
    let package = npm_package("a", "1.0.0");
    server.publish_all(&[package.clone(), npm_package("a", "1.1.0"), npm_package("down", "1.0.0")]);
    server.deprecate("a", "1.0.0", "use b");
    server.inject(Fault::Status(500).on("/down"));
    let fixture = Fixture::for_server(&server);
    let (source, ids) = (&fixture.source, ["npm:a@1.0.0", "npm:a@9.0.0", "npm:gone@1.0.0", "npm:down@1.0.0"].map(id));
    let states = block_on(async {
        let asked = ids.iter().map(|id| source.upstream(id));
        futures::future::join_all(asked).await
    });
    let UpstreamState::Present(record) = &states[0] else { panic!("{:?}", states[0]) };
    assert_eq!(record.files[0].file, "a-1.0.0.tgz");
    assert_eq!(record.files[0].digests.strongest().map(|digest| digest.to_sri()), Some(package.integrity()));
    assert_eq!(record.deprecated.as_ref().map(ToString::to_string).as_deref(), Some("use b"));
    assert!(matches!(states[1], UpstreamState::Gone) && matches!(states[2], UpstreamState::Gone));
    assert!(matches!(states[3], UpstreamState::Unreachable(_)));
    assert_eq!(server.count("/a"), 1, "one question per name");
}

#[test]
fn a_locked_package_is_found_by_convention_or_by_record() {
    let server = NpmServer::start();
    let package = npm_package("@s/a", "1.0.0");
    server.publish(&package);
    let fixture = Fixture::for_server(&server);
    let mut locked = Package::bare(id("npm:@s/a@1.0.0"));
    assert!(fixture.source.locate(&locked).expect("located").is_empty(), "bundled: nothing to fetch");
    let digests = [mcpsec_model::digest::Digest::sha512_of(b"x")].into_iter().collect();
    locked.artifacts =
        vec![Artifact { kind: ArtifactKind::NpmTarball, file: "a-1.0.0.tgz".into(), size: Some(7), digests }];
    let by_convention = fixture.source.locate(&locked).expect("located").remove(0);
    assert_eq!(by_convention.url.expose().as_str(), format!("{}@s/a/-/a-1.0.0.tgz", server.url()));
    assert_eq!(server.count("*"), 0, "nobody was asked");
    let by_record = block_on(fixture.source.locate_by_record(&locked)).expect("located").remove(0);
    for download in [by_convention, by_record] {
        assert_eq!((download.expected, download.size), (digests, Some(7)), "the lock decides what the bytes must be");
    }
}

#[test]
fn without_a_network_the_cache_resolves_and_nothing_is_said_about_today() {
    let server = NpmServer::start();
    server.publish_all(&[npm_package("a", "1.0.0").dep("b", "1"), npm_package("b", "1.0.0")]);
    let online = Fixture::for_server(&server);
    let first = online.resolve("a").expect("resolved");
    let now = "2027-01-01T00:00:00Z".parse().expect("time");
    let metadata = Metadata::new(online.cache.path().to_owned(), None, now);
    let config = NpmConfig::load(NpmrcInput {
        files: vec![("f".to_owned(), format!("registry={}", server.url()))],
        ..NpmrcInput::default()
    });
    let source = NpmSource::new(metadata, config.expect("configuration"));
    let (spec, none, options) = ("a".parse().expect("spec"), BTreeMap::new(), options(None));
    let again = block_on(source.resolve(&spec, None, &none, &options, &Silent)).expect("from the cache");
    assert_eq!(again.resolved.candidate, first.resolved.candidate);
    let state = block_on(source.upstream(&id("npm:a@1.0.0")));
    assert!(matches!(state, UpstreamState::Unreachable(_)), "{state:?}");
    let spec = "c".parse().expect("spec");
    let error = block_on(source.resolve(&spec, None, &none, &options, &Silent)).expect_err("never asked");
    assert!(error.is_unreachable() && error.hint().is_some(), "{error}");
}
