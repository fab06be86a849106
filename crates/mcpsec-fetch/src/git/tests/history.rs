//! Earlier tags: which are brought, in which order, at which cost, and that their absence never fails a fetch.
use std::time::{Duration, Instant};

use mcpsec_testkit::{Fault, GitRepo, GitServer, shared};

use super::{fetch, fetch_local, source, source_with, spec};
use crate::git::{GitLimits, GitTree, MAX_LOCAL, MAX_REMOTE, history::MAX_LISTED};

fn names(tree: &GitTree) -> Option<Vec<&str>> {
    tree.history.as_ref().map(|tags| tags.iter().map(|tag| tag.name.as_str()).collect())
}

/// Twelve versions and what else repositories have. Each has a file of 640 kB of its own: the trees of eight would be more
/// than a pack of tags may be.
fn sample() -> GitRepo {
    let repo = GitRepo::new();
    for minor in 0..12 {
        let noise: Vec<u8> = (0..20_000_u32)
            .flat_map(|i| {
                mcpsec_model::digest::Digest::sha256_of(format!("{minor} {i}").as_bytes()).as_bytes().to_vec()
            })
            .collect();
        let commit = repo.commit(&[("noise", &noise)]);
        match minor {
            5 => repo.tag("v1.5.0", &commit),
            7 => drop(repo.annotated_tag("v1.7.0", &commit, &"x".repeat(65 << 10))),
            minor => drop(repo.annotated_tag(&format!("v1.{minor}.0"), &commit, "x")),
        }
    }
    repo
}

#[test]
fn earlier_tags_come_without_their_trees() {
    let repo = sample();
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    let cache = tempfile::tempdir().expect("cache");
    let online = source(cache.path(), true);
    let address = spec(&format!("git+{url}@v1.11.0"));
    let tree = fetch(&online, &address).expect("tree");
    let expected = ["v1.2.0", "v1.3.0", "v1.4.0", "v1.6.0", "v1.8.0", "v1.9.0", "v1.10.0"];
    assert_eq!(names(&tree), Some(expected.to_vec()), "eight were asked for, and the large one was left out");
    for tag in tree.history.as_deref().unwrap_or_default() {
        assert_eq!(
            (tag.raw.clone(), tag.id.clone()),
            (repo.object("tag", &tag.name), repo.resolve(&tag.name).expect("id").into())
        );
    }
    // What is at hand is not asked for again, and is there offline.
    server.clear_log();
    let offline = fetch(&source(cache.path(), false), &address).expect("tree");
    assert_eq!((offline.history, server.requests().len()), (tree.history, 0));
    let local = fetch_local(&repo, "@v1.11.0").expect("tree");
    let all = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0", "v1.6.0", "v1.8.0", "v1.9.0", "v1.10.0"];
    assert_eq!(names(&local), Some(all.to_vec()));
    assert_eq!(
        names(&fetch_local(&repo, "@v1.5.0").expect("tree")),
        Some(all[..5].to_vec()),
        "a lightweight tag has a past"
    );
    assert_eq!(names(&fetch_local(&repo, "@v1.0.0").expect("tree")), Some(vec![]), "nothing came before");
}

#[test]
fn absence_is_said_and_fails_nothing() {
    let repo = sample();
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    let address = spec(&format!("git+{url}@v1.11.0"));
    // No filters: the objects would come with their trees, so nobody asks.
    server.set_filters(false);
    let cache = tempfile::tempdir().expect("cache");
    let tree = fetch(&source(cache.path(), true), &address).expect("tree");
    assert_eq!((tree.signed.tags.len(), tree.history), (1, None));
    assert_eq!(server.count("*/git-upload-pack"), 3, "reference, pack, tags");
    server.set_filters(true);
    // A server that stalls, breaks or refuses when it is asked for tags.
    for fault in [Fault::Silence, Fault::Status(500), Fault::Truncate { after: 10 }, Fault::Garbage] {
        let cache = tempfile::tempdir().expect("cache");
        server.inject(fault.clone().on("*/git-upload-pack").after(2));
        let limits = GitLimits { idle: Duration::from_secs(1), ..GitLimits::standard() };
        let start = Instant::now();
        let tree = fetch(&source_with(cache.path(), true, limits), &address).expect("tree");
        assert_eq!((tree.signed.tags.len(), tree.history), (1, None), "{fault:?}");
        assert!(start.elapsed() < Duration::from_secs(15), "{fault:?}");
        server.heal();
        // Whoever still hangs holds up nobody.
        let tree = fetch(&source(cache.path(), true), &address).expect("tree");
        assert_eq!(tree.history.map(|tags| tags.len()), Some(MAX_REMOTE - 1), "{fault:?}");
        assert!(start.elapsed() < Duration::from_secs(15), "{fault:?}");
    }
}

#[test]
fn an_enormous_earlier_tag_costs_the_history_only() {
    let repo = GitRepo::new();
    let commit = repo.commit(&[("a", b"1")]);
    repo.annotated_tag("v0.8.0", &commit, "x");
    repo.annotated_tag("v0.9.0", &commit, &" ".repeat(100 << 20));
    repo.annotated_tag("v1.0.0", &commit, "x");
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    let cache = tempfile::tempdir().expect("cache");
    let tree = fetch(&source(cache.path(), true), &spec(&format!("git+{url}@v1.0.0"))).expect("tree");
    assert_eq!((tree.signed.tags.len(), tree.history), (1, None));
    assert_eq!(names(&fetch_local(&repo, "@v1.0.0").expect("tree")), Some(vec!["v0.8.0"]));
}

/// A repository with this many tags, all the same object, in one file.
fn crowded(count: usize) -> GitRepo {
    let repo = GitRepo::new();
    let commit = repo.commit(&[("a", b"1")]);
    let tag = repo.annotated_tag("v0.0.1", &commit, "x");
    let mut lines: Vec<String> = (1..count).map(|i| format!("{tag} refs/tags/v1.{i}.0\n^{commit}\n")).collect();
    lines.sort();
    let packed = format!("# pack-refs with: peeled fully-peeled sorted \n{}", lines.concat());
    super::put(&repo.path().join("packed-refs"), packed.as_bytes());
    repo
}

#[test]
fn many_tags_are_bounded() {
    let server = GitServer::start();
    let both = |count: usize| {
        let repo = crowded(count);
        let url = server.serve("r", &repo);
        let cache = tempfile::tempdir().expect("cache");
        let last = format!("@v1.{}.0", count - 1);
        let remote = fetch(&source(cache.path(), true), &spec(&format!("git+{url}{last}"))).expect("tree");
        (fetch_local(&repo, &last).expect("tree"), remote)
    };
    let (local, remote) = both(MAX_LISTED);
    assert_eq!(local.history.map(|tags| tags.len()), Some(MAX_LOCAL));
    let names = names(&remote).expect("history");
    assert_eq!((names.len(), names[0], names[7]), (MAX_REMOTE, "v1.99991.0", "v1.99998.0"));
    let (local, remote) = both(MAX_LISTED + 1);
    assert_eq!((local.history, remote.history), (None, None), "a list that is not read to its end says nothing");
}

#[test]
fn older_servers_tell_the_same() {
    let repo = sample();
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    let bring = || {
        let cache = tempfile::tempdir().expect("cache");
        let tree = fetch(&source(cache.path(), true), &spec(&format!("git+{url}@v1.11.0"))).expect("tree");
        (tree.signed, tree.history.expect("history"))
    };
    let new = bring();
    server.set_version_2(false);
    assert_eq!(bring(), new);
}

#[test]
fn the_real_series_of_a_repository_is_in_order() {
    let Some(folder) = shared::path("fixtures/git-signed") else {
        println!("skipped: no shared fixtures");
        return;
    };
    let repo = GitRepo::new();
    // The tags name commits that are not recorded, so each is pointed at one that is here; order needs no signatures.
    let commit = repo.commit(&[("a", b"1")]);
    for (kind, name) in [
        ("ssh", "0.4.0"),
        ("ssh", "python-servers-0.6.2"),
        ("ssh", "typescript-servers-0.6.0"),
        ("ssh", "typescript-servers-0.6.2"),
        ("none", "2025.1.14"),
        ("none", "2025.7.1"),
    ] {
        let file = folder.join(kind).join(format!("modelcontextprotocol_servers-{name}.tag"));
        let text = String::from_utf8(std::fs::read(file).expect("fixture")).expect("text");
        let (_, rest) = text.split_once('\n').expect("header");
        let id = repo.raw_object("tag", format!("object {commit}\n{rest}").as_bytes());
        repo.set_ref(&format!("refs/tags/{name}"), &id);
    }
    let before = |name: &str| {
        let tree = fetch_local(&repo, &format!("@{name}")).expect(name);
        let times: Vec<_> = tree.history.as_deref().unwrap_or_default().iter().map(|tag| tag.tagged()).collect();
        assert!(times.is_sorted() && times.iter().all(Option::is_some), "{times:?}");
        names(&tree).expect("history").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = before("2025.1.14");
    assert_eq!(first.len(), 4, "{first:?}");
    assert_eq!(first[0], "0.4.0");
    assert_eq!(before("2025.7.1").len(), 5);
    assert_eq!(before("typescript-servers-0.6.2"), ["0.4.0", "typescript-servers-0.6.0", "python-servers-0.6.2"]);
}
