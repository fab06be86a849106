//! Whatever real servers tell the model can stand in a lock, and is read back from it word for word.
use std::collections::BTreeMap;

use mcpsec_model::{
    candidate::EntryPoint,
    capture::{Captured, Context, Observed, Told},
    closure::{Closure, Node, NodeId},
    config::Isolation,
    digest::{Digest, Digests},
    lock::{Lock, LockedServer, ServerParts},
    manifest::Manifest,
    package::{Artifact, ArtifactKind, Package},
    text::is_hidden,
};

fn server(index: usize, manifest: Manifest) -> (LockedServer, Package) {
    let id: mcpsec_model::package::PackageId = "npm:server@1.0.0".parse().expect("id");
    let mut package = Package::bare(id.clone());
    package.artifacts.push(Artifact {
        file: "server-1.0.0.tgz".into(),
        kind: ArtifactKind::NpmTarball,
        size: None,
        digests: Digests::from_iter([Digest::sha512_of(b"x")]),
    });
    let root = NodeId::of(id.clone());
    let nodes = BTreeMap::from([(root.clone(), Node { edges: Vec::new(), targets: None })]);
    let context = Context {
        isolation: Isolation::Namespace,
        runtime: None,
        protocol: "2025-06-18".into(),
        placeholders: [].into(),
        real_env: [].into(),
        network: [].into(),
    };
    let captured = Captured { manifest, context, unstable: Vec::new(), observed: Observed::default() };
    let parts = ServerParts {
        name: format!("s{index}").parse().expect("name"),
        spec: "npm:server".parse().expect("spec"),
        version: "1.0.0".to_owned(),
        command: None,
        entry: EntryPoint::Unknown,
        as_of: None,
        overrides: BTreeMap::new(),
        targets: vec!["linux-x86_64-gnu".parse().expect("target")],
        closure: Closure::new(root, nodes).expect("closure"),
        findings: Vec::new(),
        told: Told::Manifest(Box::new(captured)),
        accepted: Vec::new(),
    };
    let packages = BTreeMap::from([(id, package.clone())]);
    (LockedServer::new(parts, &packages).expect("server"), package)
}

#[test]
fn every_recorded_manifest_stands_in_a_lock_and_comes_back() {
    let Some(folder) = mcpsec_testkit::shared::path("servers/manifests") else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    let mut lock = Lock::empty();
    let mut told = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let manifest = Manifest::parse(&std::fs::read(file).expect("file")).expect("manifest");
        let (server, package) = server(index, manifest.clone());
        lock.insert(server, vec![(package.id.clone(), package)]).expect("insert");
        told.push((format!("s{index}"), manifest));
    }
    assert!(told.len() >= 50, "{} recorded manifests", told.len());
    let text = lock.to_text();
    assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)));
    let read = Lock::parse(&text, "mcp.lock").expect("lock");
    for (name, manifest) in told {
        let server = &read.servers[&name.parse::<mcpsec_model::name::ServerName>().expect("name")];
        let again = &server.told.captured().expect("captured").manifest;
        assert_eq!(again, &manifest, "{name}");
        assert_eq!(again.to_json().to_string(), manifest.to_json().to_string(), "{name}");
        assert_eq!(again.id(), manifest.id(), "{name}");
    }
    assert_eq!(read, lock);
}
