//! How long evidence takes in process: one npm provenance bundle, one response with both attestations, one PyPI provenance object,
//! the registry signatures of many packages. `cargo bench -p mcpsec-verify`; benches/compare/evidence.py has the peers.
use criterion::{Criterion, criterion_group, criterion_main};
use mcpsec_model::{
    digest::{Digest, Integrity},
    evidence::RegistrySignature,
    package::PackageId,
};
use mcpsec_testkit::shared::path;
use mcpsec_verify::{
    npm::{self, KeySet},
    pypi,
    sigstore::{self, By, TrustRoot},
};

fn read(relative: &str) -> Vec<u8> {
    let path = path(relative).unwrap_or_else(|| panic!("{relative} of the shared fixtures is needed"));
    std::fs::read(path).expect("a fixture")
}

fn evidence(c: &mut Criterion) {
    let root = TrustRoot::public_good().expect("the built-in trust root");
    let keys = KeySet::built_in();
    c.bench_function("trust root prepared", |b| b.iter(TrustRoot::public_good));

    let folder = "fixtures/npm-attestations/server-filesystem";
    let response = String::from_utf8(read(&format!("{folder}/attestations.json"))).expect("UTF-8");
    let tarball = read(&format!("{folder}/modelcontextprotocol-server-filesystem-2026.7.10.tgz"));
    let sha512 = Digest::sha512_of(&tarball);
    let id: PackageId = "npm:@modelcontextprotocol/server-filesystem@2026.7.10".parse().expect("id");
    let json: serde_json::Value = serde_json::from_str(&response).expect("JSON");
    let provenance = json["attestations"][1]["bundle"].to_string();
    sigstore::attestation(&root, &provenance, &sha512, By::Certificate).expect("it holds");
    c.bench_function("one npm provenance bundle", |b| {
        b.iter(|| sigstore::attestation(&root, &provenance, &sha512, By::Certificate).expect("it holds"));
    });
    c.bench_function("npm response: publish and provenance", |b| {
        b.iter(|| npm::attestations(&id, &sha512, &response, &keys, &root).expect("it holds"));
    });

    let file = "pypi_attestations-0.0.19.tar.gz";
    let sha256 = Digest::sha256_of(&read(&format!("fixtures/pypi-attestations/{file}")));
    let object = String::from_utf8(read(&format!("fixtures/pypi-attestations/{file}.provenance"))).expect("UTF-8");
    let package: PackageId = "pypi:pypi-attestations@0.0.19".parse().expect("id");
    c.bench_function("one PyPI provenance object", |b| {
        b.iter(|| pypi::provenance(&package, file, &sha256, &object, &root).expect("it holds"));
    });

    let packument: serde_json::Value =
        serde_json::from_slice(&read("fixtures/npm-signatures/undici-types.json")).expect("JSON");
    let signed: Vec<(PackageId, Digest, Vec<RegistrySignature>)> = packument["versions"]
        .as_object()
        .expect("versions")
        .iter()
        .map(|(version, record)| {
            let id = format!("npm:undici-types@{version}").parse().expect("id");
            let integrity = Integrity::parse(record["dist"]["integrity"].as_str().expect("integrity")).expect("SRI");
            let digest = Digest::Sha512(integrity.digests.sha512.expect("sha512"));
            let list =
                record["dist"]["signatures"].as_array().expect("signatures").iter().map(|one| RegistrySignature {
                    keyid: one["keyid"].as_str().expect("keyid").into(),
                    sig: one["sig"].as_str().expect("sig").to_owned(),
                });
            (id, digest, list.collect())
        })
        .collect();
    c.bench_function("1,000 registry signatures", |b| {
        b.iter(|| {
            for (id, digest, list) in signed.iter().cycle().take(1000) {
                npm::signatures(id, digest, None, list, &keys).expect("it holds");
            }
        });
    });
}

criterion_group!(benches, evidence);
criterion_main!(benches);
