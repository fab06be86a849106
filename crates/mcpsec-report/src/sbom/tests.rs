//! Bills of a small lock, of several servers, and of a large one.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    candidate::EntryPoint,
    capture::Told,
    closure::{Closure, Edge, Node, NodeId},
    digest::Digest,
    lock::{Lock, ServerParts},
    package::{Artifact, ArtifactKind, Package, PackageId},
};
use serde_json::Value;

use super::*;

const MIXED: &str = include_str!("../../../../testdata/locks/v1/mixed.lock");
const ORIGIN: Origin<'static> = Origin { version: "0.1.0", created: None };

fn mixed() -> Lock {
    Lock::parse(MIXED, "mcp.lock").expect("the golden lock")
}

fn all(lock: &Lock) -> Vec<&LockedServer> {
    lock.servers.values().collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn bills_look_as_they_should() {
    let lock = mixed();
    let files = &lock.servers[&"files".parse().expect("name")];
    insta::assert_snapshot!("cyclonedx", cyclonedx(&lock, &[files], &ORIGIN));
    let created = "2025-08-01T23:59:59.999999999Z".parse().ok();
    let fetch = &lock.servers[&"fetch".parse().expect("name")];
    insta::assert_snapshot!("spdx", spdx(&lock, &[fetch], &Origin { created, ..ORIGIN }));
}

/// Every reference leads somewhere, every package is there once, and the graph is that of the lock.
#[test]
fn bills_hold_the_whole_closure() {
    let lock = mixed();
    let mut choices: Vec<Vec<&LockedServer>> = lock.servers.values().map(|server| vec![server]).collect();
    choices.push(all(&lock));
    for servers in choices {
        let wanted: BTreeSet<String> =
            servers.iter().flat_map(|server| server.closure.packages()).map(PackageId::purl).collect();
        let bill = json(&cyclonedx(&lock, &servers, &ORIGIN));
        let mut parts = bill["components"].as_array().expect("components").clone();
        parts.push(bill["metadata"]["component"].clone());
        let refs: Vec<String> = parts.iter().map(|part| part["bom-ref"].as_str().expect("ref").to_owned()).collect();
        let known: BTreeSet<String> = refs.iter().cloned().collect();
        assert_eq!(known.len(), refs.len(), "refs are unique");
        let purls: BTreeSet<String> =
            parts.iter().filter_map(|part| part["purl"].as_str().map(str::to_owned)).collect();
        assert_eq!(purls, wanted);
        let mut edges = BTreeSet::new();
        for dependency in bill["dependencies"].as_array().expect("dependencies") {
            let from = dependency["ref"].as_str().expect("ref").to_owned();
            for to in dependency["dependsOn"].as_array().expect("dependsOn") {
                edges.insert((from.clone(), to.as_str().expect("ref").to_owned()));
            }
            assert!(known.contains(&from));
        }
        let of_lock: BTreeSet<(String, String)> = servers
            .iter()
            .flat_map(|server| server.closure.nodes())
            .flat_map(|(id, node)| node.edges.iter().map(|edge| (id.package().purl(), edge.to.package().purl())))
            .collect();
        let extra: Vec<_> = edges.difference(&of_lock).collect();
        assert!(edges.is_superset(&of_lock) && extra.iter().all(|(from, _)| from == "mcpsec:servers"), "{extra:?}");

        let bill = json(&spdx(&lock, &servers, &ORIGIN));
        let packages = bill["packages"].as_array().expect("packages");
        let ids: BTreeSet<&str> = packages.iter().map(|package| package["SPDXID"].as_str().expect("id")).collect();
        assert_eq!(ids.len(), packages.len(), "ids are unique");
        let purl = |package: &Value| package["externalRefs"][0]["referenceLocator"].as_str().map(str::to_owned);
        assert_eq!(packages.iter().filter_map(purl).collect::<BTreeSet<String>>(), wanted);
        for relationship in bill["relationships"].as_array().expect("relationships") {
            for end in ["spdxElementId", "relatedSpdxElement"] {
                let id = relationship[end].as_str().expect("id");
                assert!(ids.contains(id) || id == "SPDXRef-DOCUMENT", "{relationship}");
            }
        }
        for described in bill["documentDescribes"].as_array().expect("described") {
            assert!(ids.contains(described.as_str().expect("id")));
        }
        // Every pinned digest is in both.
        let (cyclonedx, spdx) = (cyclonedx(&lock, &servers, &ORIGIN), bill.to_string());
        for package in lock.packages_of(&servers) {
            for digest in package.artifacts.iter().flat_map(|artifact| artifact.digests.iter()) {
                assert!(cyclonedx.contains(&digest.to_hex()) && spdx.contains(&digest.to_hex()), "{}", package.id);
            }
        }
    }
}

#[test]
fn equal_locks_have_equal_bills_and_others_another_number() {
    let lock = mixed();
    let number =
        |lock: &Lock, origin: &Origin<'_>| json(&cyclonedx(lock, &all(lock), origin))["serialNumber"].to_string();
    assert_eq!(cyclonedx(&lock, &all(&lock), &ORIGIN), cyclonedx(&mixed(), &all(&mixed()), &ORIGIN));
    assert_eq!(spdx(&lock, &all(&lock), &ORIGIN), spdx(&mixed(), &all(&mixed()), &ORIGIN));
    let mut other = mixed();
    assert!(other.remove(&"notes".parse().expect("name")));
    assert_ne!(number(&lock, &ORIGIN), number(&other, &ORIGIN));
    let uuid = number(&lock, &ORIGIN);
    let groups: Vec<usize> = uuid.trim_matches('"').trim_start_matches("urn:uuid:").split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12]);
}

/// A server of as many packages as the largest real one.
fn large() -> Lock {
    let node = |i: usize| NodeId::parse(&format!("npm:p{i}@1.0.0")).expect("node");
    let count = 442;
    let edge = |i: usize| Edge { name: format!("p{i}").into(), to: node(i), optional: false, marker: None };
    let nodes = (0..count).map(|i| {
        let edges = (1..=4).map(|n| i * 4 + n).filter(|to| *to < count).map(edge).collect();
        (node(i), Node { edges, targets: None })
    });
    let packages: BTreeMap<PackageId, Package> = (0..count)
        .map(|i| {
            let mut package = Package::bare(node(i).package().clone());
            let digests =
                [Digest::sha512_of(&i.to_le_bytes()), Digest::sha256_of(&i.to_le_bytes())].into_iter().collect();
            let file = format!("p{i}-1.0.0.tgz").into();
            package.artifacts = vec![Artifact { kind: ArtifactKind::NpmTarball, file, size: Some(1), digests }];
            (package.id.clone(), package)
        })
        .collect();
    let parts = ServerParts {
        name: "large".parse().expect("name"),
        spec: "npm:p0".parse().expect("spec"),
        version: "1.0.0".to_owned(),
        command: None,
        entry: EntryPoint::Unknown,
        as_of: None,
        overrides: BTreeMap::new(),
        targets: vec!["linux-x86_64-gnu".parse().expect("target")],
        closure: Closure::new(node(0), nodes.collect()).expect("closure"),
        findings: vec![],
        told: Told::Unknown,
        accepted: Vec::new(),
    };
    let server = LockedServer::new(parts, &packages).expect("server");
    let mut lock = Lock::empty();
    lock.insert(server, packages.into_iter().collect()).expect("insert");
    lock
}

#[test]
fn a_large_closure_is_whole() {
    let lock = large();
    let bill = json(&cyclonedx(&lock, &all(&lock), &ORIGIN));
    assert_eq!(bill["components"].as_array().map(Vec::len), Some(441));
    assert_eq!(json(&spdx(&lock, &all(&lock), &ORIGIN))["packages"].as_array().map(Vec::len), Some(442));
}

/// `cargo test --release -p mcpsec-report bills_are_quick -- --ignored --nocapture`: what it prints is the number.
#[test]
#[ignore = "measures"]
fn bills_are_quick() {
    let lock = large();
    for (name, bill) in [("cyclonedx", cyclonedx as fn(&Lock, &[&LockedServer], &Origin<'_>) -> String), ("spdx", spdx)]
    {
        let start = std::time::Instant::now();
        let bytes = bill(&lock, &all(&lock), &ORIGIN).len();
        println!("{name}: {bytes} bytes in {:?}", start.elapsed());
    }
}
