//! The raw objects of a commit and its tags: equal to git's own, from disk and over HTTP, and bounded.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_testkit::{GitRepo, GitServer, SshSigner, git::Change};

use super::{fetch, fetch_local, local_spec, source, source_with, spec};
use crate::{
    git::{GitError, GitLimits, GitTree},
    progress::Silent,
};

/// Fetched from disk and over HTTP, which must agree.
fn both(repo: &GitRepo, rest: &str) -> GitTree {
    let server = GitServer::start();
    let url = server.serve("owner/name", repo);
    let cache = tempfile::tempdir().expect("cache");
    let remote = fetch(&source(cache.path(), true), &spec(&format!("git+{url}{rest}"))).expect(rest);
    let local = fetch_local(repo, rest).expect(rest);
    assert_eq!(remote.signed, local.signed, "{rest}");
    assert_eq!(remote.history, local.history, "{rest}");
    local
}

fn names(tree: &GitTree) -> Vec<&str> {
    tree.signed.tags.iter().map(|tag| tag.name.as_str()).collect()
}

#[test]
fn raw_objects_are_what_git_shows() {
    let repo = GitRepo::new();
    let first = repo.commit(&[("package.json", b"{}")]);
    let tag = repo.annotated_tag("v1.0", &first, "one");
    repo.tag("light", &first);
    let annotated = both(&repo, "@v1.0");
    assert_eq!(annotated.signed.commit, repo.object("commit", &first));
    assert_eq!(names(&annotated), ["v1.0"]);
    assert_eq!(
        (annotated.signed.tags[0].id.as_str(), &annotated.signed.tags[0].raw),
        (tag.as_str(), &repo.object("tag", &tag))
    );
    let documents = annotated.signed.documents();
    assert_eq!(documents.commit, Some(STANDARD.encode(repo.object("commit", &first))));
    assert_eq!(documents.tag, Some(STANDARD.encode(repo.object("tag", "v1.0"))));
    assert!(documents.offered);
    for rest in ["@light", "@main", "", &format!("@{first}"), &format!("@{}", &first[..8])] {
        let tree = both(&repo, rest);
        assert_eq!((&tree.signed.commit, names(&tree)), (&annotated.signed.commit, vec![]), "{rest}");
        assert_eq!(tree.signed.documents().tag, None, "{rest}");
        assert_eq!(tree.history.is_some(), rest == "@light", "{rest}");
    }
}

#[test]
fn signed_objects_come_whole() {
    if !SshSigner::available() {
        println!("skipped: no ssh-keygen");
        return;
    }
    let (repo, signer) = (GitRepo::new(), SshSigner::new());
    let commit = repo.signed_commit("main", "one", &[Change::File("a".into(), b"1".to_vec())], &signer);
    repo.signed_tag("v1.0", &commit, "one", &signer);
    let tree = both(&repo, "@v1.0");
    assert_eq!(tree.signed.commit, repo.object("commit", &commit));
    assert_eq!(tree.signed.tags[0].raw, repo.object("tag", "v1.0"));
    assert!(tree.signed.tags[0].raw.ends_with(b"-----END SSH SIGNATURE-----\n"));
}

#[test]
fn a_tag_of_tags_is_followed_through_three() {
    let repo = GitRepo::new();
    let commit = repo.commit(&[("a", b"1")]);
    let one = repo.annotated_tag("one", &commit, "one");
    let two = repo.nested_tag("two", &one, "two");
    let three = repo.nested_tag("three", &two, "three");
    repo.nested_tag("four", &three, "four");
    let tree = both(&repo, "@three");
    assert_eq!(tree.package.version(), commit);
    assert_eq!(names(&tree), ["three", &two, &one]);
    assert_eq!(tree.signed.tags[1].raw, repo.object("tag", "two"));
    assert_eq!(tree.signed.documents().tag, None, "the outer tag does not sign the commit");
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    let cache = tempfile::tempdir().expect("cache");
    for error in [
        fetch_local(&repo, "@four").expect_err("refused"),
        fetch(&source(cache.path(), true), &spec(&format!("git+{url}@four"))).expect_err("refused"),
    ] {
        assert!(matches!(error, GitError::OverLimit { limit: 3, unit: "tags", .. }), "{error}");
    }
}

#[test]
fn a_commit_that_is_cached_still_gets_its_tag() {
    let repo = GitRepo::new();
    let commit = repo.commit(&[("a", b"1")]);
    let tag = repo.annotated_tag("v1.0", &commit, "one");
    let server = GitServer::start();
    let url = format!("git+{}", server.serve("r", &repo));
    let cache = tempfile::tempdir().expect("cache");
    let online = source(cache.path(), true);
    assert!(names(&fetch(&online, &spec(&format!("{url}@{commit}"))).expect("tree")).is_empty());
    let tree = fetch(&online, &spec(&format!("{url}@v1.0"))).expect("tree");
    assert_eq!(tree.signed.tags[0].id, tag);
    server.clear_log();
    let offline = fetch(&source(cache.path(), false), &spec(&format!("{url}@v1.0"))).expect("tree");
    assert_eq!(offline.signed, tree.signed);
    assert_eq!(server.requests().len(), 0);
    // A tag object that was spoiled in the cache is fetched again, and missing offline.
    let folder = std::fs::read_dir(cache.path()).expect("cache").map(|entry| entry.expect("entry").path());
    let file = folder.map(|path| path.join("tags").join(&tag)).find(|path| path.exists()).expect("the tag");
    // What stands in its place is a good tag of the same commit, and still not this one.
    let forged = String::from_utf8(repo.object("tag", &tag)).expect("text").replace("one", "two");
    super::put(&file, forged.as_bytes());
    let error = fetch(&source(cache.path(), false), &spec(&format!("{url}@v1.0"))).expect_err("refused");
    assert!(matches!(error, GitError::Offline { .. }), "{error}");
    assert_eq!(fetch(&online, &spec(&format!("{url}@v1.0"))).expect("tree").signed, tree.signed);
}

#[test]
fn restore_brings_the_tag_if_it_still_leads_there() {
    let repo = GitRepo::new();
    let commit = repo.commit(&[("a", b"1")]);
    repo.annotated_tag("v1.0", &commit, "one");
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    for address in [format!("git+{url}@v1.0"), format!("git+{}@v1.0", repo.file_url())] {
        let cache = tempfile::tempdir().expect("cache");
        let first = fetch(&source(cache.path(), true), &spec(&address)).expect("tree");
        let fresh = tempfile::tempdir().expect("cache");
        let restored = source(fresh.path(), true).restore(&first.to_package(), &Silent).expect("restored");
        assert_eq!(restored.signed, first.signed, "{address}");
        assert_eq!(restored.history, None);
    }
    let other = repo.commit(&[("a", b"2")]);
    for address in [format!("git+{url}@v1.0"), format!("git+{}@v1.0", repo.file_url())] {
        repo.annotated_tag("v1.0", &commit, "one");
        let cache = tempfile::tempdir().expect("cache");
        let locked = fetch(&source(cache.path(), true), &spec(&address)).expect("tree").to_package();
        repo.annotated_tag("v1.0", &other, "moved");
        let fresh = tempfile::tempdir().expect("cache");
        let restored = source(fresh.path(), true).restore(&locked, &Silent).expect("restored");
        assert_eq!((restored.package.version(), names(&restored)), (commit.as_str(), vec![]), "{address}");
    }
}

#[test]
fn a_remote_that_says_otherwise_than_its_tag_is_refused() {
    let repo = GitRepo::new();
    let good = repo.commit(&[("a", b"1")]);
    let evil = repo.commit(&[("a", b"2")]);
    let tag = repo.annotated_tag("v1.0", &good, "one");
    repo.delete_ref("refs/tags/v1.0");
    // git itself believes this file, and so advertises the tag with another commit.
    let packed = format!("# pack-refs with: peeled fully-peeled sorted \n{tag} refs/tags/v1.0\n^{evil}\n");
    super::put(&repo.path().join("packed-refs"), packed.as_bytes());
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    let cache = tempfile::tempdir().expect("cache");
    let error = fetch(&source(cache.path(), true), &spec(&format!("git+{url}@v1.0"))).expect_err("refused");
    assert!(matches!(&error, GitError::Peeled { told, actual, .. } if *told == evil && *actual == good), "{error}");
    assert_eq!(fetch_local(&repo, "@v1.0").expect("tree").package.version(), good);
}

#[test]
fn objects_that_are_too_large_are_refused() {
    // A hundred megabytes compress to a tenth of one: what counts is what they become.
    let repo = GitRepo::new();
    let commit = repo.commit(&[("a", b"1")]);
    repo.annotated_tag("v1.0", &commit, &" ".repeat(100 << 20));
    let server = GitServer::start();
    let url = server.serve("r", &repo);
    let cache = tempfile::tempdir().expect("cache");
    let spec = spec(&format!("git+{url}@v1.0"));
    for error in [
        fetch_local(&repo, "@v1.0").expect_err("refused"),
        fetch(&source(cache.path(), true), &spec).expect_err("refused"),
    ] {
        assert!(matches!(&error, GitError::OverLimit { limit: 1_048_576, .. }), "{error}");
    }
    let limits = GitLimits { max_signed: 100, ..GitLimits::standard() };
    let error = fetch(&source_with(cache.path(), false, limits), &local_spec(&repo, "@main")).expect_err("refused");
    assert!(matches!(&error, GitError::OverLimit { limit: 100, .. }), "{error}");
}
