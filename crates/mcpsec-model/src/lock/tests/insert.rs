//! What entering and removing servers does to the packages they share.
use super::samples::{self, closure, edge, insert, locked, package, parts, targets};
use crate::{
    digest::Digest,
    lock::{InsertError, Lock, LockedServer, ServerError, ServerParts},
    name::Ecosystem,
    package::Package,
};

fn server(name: &str, root: &str, dependencies: &[&str]) -> (ServerParts, Vec<Package>) {
    let mut nodes = vec![(root, dependencies.iter().map(|id| edge(id)).collect(), None)];
    nodes.extend(dependencies.iter().map(|id| (*id, vec![], None)));
    let closure = closure(root, nodes);
    let packages = std::iter::once(&root).chain(dependencies).map(|id| package(id)).collect();
    (parts(name, root.split_at(root.rfind('@').expect("version")).0, closure, targets(&["linux-x86_64-gnu"])), packages)
}

fn ids(lock: &Lock) -> Vec<String> {
    lock.packages.keys().map(ToString::to_string).collect()
}

#[test]
fn replacing_and_removing_drop_what_nobody_needs() {
    let mut lock = locked(vec![
        server("a", "npm:a@1.0.0", &["npm:x@1.0.0", "npm:y@1.0.0"]),
        server("b", "npm:b@1.0.0", &["npm:x@1.0.0"]),
    ]);
    assert_eq!(ids(&lock), ["npm:a@1.0.0", "npm:b@1.0.0", "npm:x@1.0.0", "npm:y@1.0.0"]);
    let (newer, packages) = server("a", "npm:a@2.0.0", &["npm:x@1.0.0"]);
    insert(&mut lock, newer, packages).expect("insert");
    assert_eq!(ids(&lock), ["npm:a@2.0.0", "npm:b@1.0.0", "npm:x@1.0.0"]);
    assert!(lock.remove(&"a".parse().expect("name")));
    assert!(!lock.remove(&"a".parse().expect("name")));
    assert_eq!(ids(&lock), ["npm:b@1.0.0", "npm:x@1.0.0"]);
    let all: Vec<&LockedServer> = lock.servers.values().collect();
    assert_eq!(lock.packages_of(&all).len(), 2);
    assert!(lock.remove(&"b".parse().expect("name")));
    assert_eq!(lock, Lock::empty());
}

#[test]
fn the_pin_of_the_teams_log_stays() {
    let mut lock = samples::team();
    let pin = lock.team.clone();
    let (parts, packages) = samples::pypi();
    insert(&mut lock, parts, packages).expect("insert");
    for name in lock.servers.keys().cloned().collect::<Vec<_>>() {
        assert!(lock.remove(&name));
    }
    assert_eq!(lock, Lock { team: pin, ..Lock::empty() });
    assert_eq!(Lock::parse(&lock.to_text(), "mcp.lock"), Ok(lock));
}

#[test]
fn entering_the_same_again_changes_nothing() {
    let mut lock = locked(vec![samples::npm(), samples::pypi(), samples::git()]);
    let before = lock.to_text();
    let (parts, packages) = samples::pypi();
    insert(&mut lock, parts, packages).expect("insert");
    assert_eq!(lock.to_text(), before);
}

#[test]
fn other_bytes_under_a_locked_version_are_refused() {
    for name in ["a", "c"] {
        let mut lock = locked(vec![server("a", "npm:a@1.0.0", &["npm:x@1.0.0"])]);
        let before = lock.clone();
        let (parts, mut packages) = server(name, "npm:a@1.0.0", &["npm:x@1.0.0"]);
        packages[1].artifacts[0].digests = [Digest::sha512_of(b"evil")].into_iter().collect();
        let error = insert(&mut lock, parts, packages).expect_err("changed");
        let (was, now) = (Digest::sha512_of(b"npm:x@1.0.0").to_string(), Digest::sha512_of(b"evil").to_string());
        let shown = error.to_string();
        assert!(matches!(error, InsertError::Changed { .. }), "{shown}");
        assert!(shown.contains("npm:x@1.0.0") && shown.contains(&was) && shown.contains(&now), "{shown}");
        assert_eq!(lock, before, "a refused insert leaves the lock alone");
    }
}

#[test]
fn a_digest_of_another_algorithm_proves_nothing() {
    let mut lock = locked(vec![server("a", "npm:a@1.0.0", &[])]);
    let (parts, mut packages) = server("b", "npm:a@1.0.0", &[]);
    packages[0].artifacts[0].digests = [Digest::sha256_of(b"npm:a@1.0.0")].into_iter().collect();
    assert!(matches!(insert(&mut lock, parts, packages), Err(InsertError::Changed { .. })));
}

#[test]
fn what_cannot_be_checked_is_not_locked() {
    let (parts, mut packages) = server("a", "npm:a@1.0.0", &["npm:x@1.0.0"]);
    packages[1].artifacts[0].digests = Default::default();
    assert!(matches!(insert(&mut Lock::empty(), parts.clone(), packages.clone()), Err(InsertError::Unpinned { .. })));
    packages[1].artifacts.clear();
    assert!(matches!(insert(&mut Lock::empty(), parts.clone(), packages.clone()), Err(InsertError::Unpinned { .. })));
    let named = |file: &str| {
        let mut packages = packages.clone();
        packages[1].artifacts = vec![samples::artifact(Ecosystem::Npm, file, "x")];
        insert(&mut Lock::empty(), parts.clone(), packages)
    };
    assert_eq!(named("x-1.0.0.tgz"), Ok(()));
    for file in ["", "..", "../x.tgz", "a/b", "a\\b", "c:x", "x\u{202e}gzt"] {
        assert!(matches!(named(file), Err(InsertError::Unwritable { .. })), "{file:?}");
    }
    packages[1].bundled_in = Some(samples::id("npm:nowhere@1.0.0"));
    assert!(matches!(insert(&mut Lock::empty(), parts, packages), Err(InsertError::Missing { .. })));
}

#[test]
fn a_file_published_later_joins_the_shared_pins_and_shows_in_every_id() {
    let mut lock = locked(vec![server("a", "pypi:a@1.0", &["pypi:x@1.0"]), server("z", "pypi:z@1.0", &[])]);
    let before = lock.clone();
    let (parts, mut packages) = server("b", "pypi:b@1.0", &["pypi:x@1.0"]);
    packages[1].artifacts = vec![samples::artifact(Ecosystem::Pypi, "x-1.0-cp314-cp314-win_amd64.whl", "late")];
    insert(&mut lock, parts, packages).expect("insert");
    let files: Vec<&str> =
        lock.packages[&samples::id("pypi:x@1.0")].artifacts.iter().map(|a| a.file.as_str()).collect();
    assert_eq!(files, ["x-1.0-cp314-cp314-win_amd64.whl", "x-1.0-py3-none-any.whl"]);
    let id = |lock: &Lock, name: &str| lock.servers[&name.parse().expect("name")].closure_id;
    assert_ne!(id(&lock, "a"), id(&before, "a"));
    assert_eq!(id(&lock, "z"), id(&before, "z"));
    assert_eq!(Lock::parse(&lock.to_text(), "mcp.lock").as_ref(), Ok(&lock));
}

#[test]
fn servers_that_cannot_be_written_are_refused() {
    let packages = |(parts, packages): (ServerParts, Vec<Package>)| {
        (parts, packages.into_iter().map(|p| (p.id.clone(), p)).collect::<std::collections::BTreeMap<_, _>>())
    };
    let (parts, map) = packages(server("a", "npm:a@1.0.0", &["npm:x@1.0.0"]));
    let without_targets = ServerParts { targets: vec![], ..parts.clone() };
    assert!(matches!(LockedServer::new(without_targets, &map), Err(ServerError::Targets { .. })));
    let mixed = ServerParts { targets: targets(&["linux-x86_64-gnu", "windows-x86_64/3.12"]), ..parts.clone() };
    assert!(matches!(LockedServer::new(mixed, &map), Err(ServerError::Targets { .. })));
    let elsewhere = closure("npm:a@1.0.0", vec![("npm:a@1.0.0", vec![], Some(targets(&["macos-aarch64"])))]);
    let foreign = ServerParts { closure: elsewhere, ..parts.clone() };
    assert!(matches!(LockedServer::new(foreign, &map), Err(ServerError::ForeignTarget { .. })));
    assert!(matches!(LockedServer::new(parts, &Default::default()), Err(ServerError::MissingPackage { .. })));
}

#[test]
fn credentials_do_not_enter_a_lock() {
    let (mut parts, packages) = samples::git();
    parts.spec = "git+https://user:hunter2@code.invalid/team/tools@v1.0".parse().expect("spec");
    let lock = locked(vec![(parts, packages)]);
    let text = lock.to_text();
    assert!(!text.contains("hunter2") && !format!("{lock:?}").contains("hunter2"));
    assert_eq!(Lock::parse(&text, "mcp.lock"), Ok(lock));
}
