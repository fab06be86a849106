//! References, archives and projects of repositories on disk.
use std::fs;

use mcpsec_model::upstream::{UpstreamRecord, UpstreamState};
use mcpsec_testkit::{GitRepo, git::Change};

use super::{entries, fetch, fetch_local, local_spec, refused, source};
use crate::{
    git::{GitProject, PythonProject},
    progress::Silent,
};

fn sample() -> (GitRepo, String) {
    let repo = GitRepo::new();
    let commit = repo.commit_on(
        "main",
        "first",
        &[
            Change::File("package.json".into(), br#"{"name":"x","version":"1.0.0"}"#.to_vec()),
            Change::Executable("bin/run".into(), b"#!/bin/sh\n".to_vec()),
            Change::File("lib/a-b".into(), b"1".to_vec()),
            Change::File("lib/a/b".into(), b"2".to_vec()),
            Change::File(format!("{}/gr\u{f6}\u{df}e.txt", "deep".repeat(30)), b"3".to_vec()),
            Change::Symlink("lib/link".into(), "../bin/run".into()),
            Change::File(".gitattributes".into(), b"lib export-ignore\n* filter=lfs\n".to_vec()),
            Change::File("py/pyproject.toml".into(), b"[project]\nname = \"y\"\n".to_vec()),
        ],
    );
    (repo, commit)
}

#[test]
fn the_archive_of_a_commit_is_the_same_everywhere() {
    let (repo, commit) = sample();
    let tree = fetch_local(&repo, "").expect("tree");
    assert_eq!(tree.package.version(), commit);
    assert_eq!(tree.pin.reference.as_deref(), Some("refs/heads/main"));
    assert_eq!(Some(tree.pin.tree.to_string()), repo.resolve("main^{tree}"));
    let paths: Vec<(String, u32)> = entries(&tree).into_iter().map(|(path, mode, ..)| (path, mode)).collect();
    let mut sorted = paths.clone();
    sorted.sort();
    assert_eq!(paths, sorted);
    // `export-ignore` and filters of the repository have no effect.
    assert_eq!(
        paths.iter().map(|(path, mode)| format!("{mode:o} {path}")).collect::<Vec<_>>(),
        [
            "644 .gitattributes".to_owned(),
            "755 bin/run".to_owned(),
            format!("644 {}/größe.txt", "deep".repeat(30)),
            "644 lib/a-b".to_owned(),
            "644 lib/a/b".to_owned(),
            "755 lib/link".to_owned(),
            "644 package.json".to_owned(),
            "644 py/pyproject.toml".to_owned(),
        ]
    );
    insta::assert_snapshot!(hex::encode(tree.digests.sha256.expect("sha256")), @"bbf694e32ca36a657a190036b4313237dfa25087cfd02fc3c5b978252d39da0c");
    let package = tree.to_package();
    assert_eq!(package.artifacts[0].digests.sha512, None);
    assert!(package.artifacts[0].file.ends_with(&format!("-{commit}.tar")), "{}", package.artifacts[0].file);
}

#[test]
fn references_are_found_in_one_order() {
    let (repo, first) = sample();
    let second = repo.commit(&[("more", b"x")]);
    repo.annotated_tag("v1.0", &first, "one");
    repo.tag("both", &first);
    repo.branch("both", &second);
    let version = |rest: &str| {
        let tree = fetch_local(&repo, rest).expect(rest);
        (tree.package.version().to_owned(), tree.pin.reference.map(|name| name.to_string()))
    };
    assert_eq!(version("@v1.0"), (first.clone(), Some("refs/tags/v1.0".into())));
    assert_eq!(version("@both"), (first.clone(), Some("refs/tags/both".into())));
    assert_eq!(version("@refs/heads/both"), (second.clone(), Some("refs/heads/both".into())));
    assert_eq!(version("@main"), (second.clone(), Some("refs/heads/main".into())));
    assert_eq!(version(&format!("@{first}")), (first.clone(), None));
    assert_eq!(version(&format!("@{}", &first[..7])), (first.clone(), None));
    assert_eq!(refused(&repo, "@v2.0"), "REPO has no tag, branch or commit `v2.0`");
    assert_eq!(refused(&repo, "@fffffff"), "REPO has no tag, branch or commit `fffffff`");
    // A branch whose own name looks like a tag's full name is not that tag.
    repo.set_ref("refs/heads/refs/tags/v3.0", &first);
    assert_eq!(refused(&repo, "@v3.0"), "REPO has no tag, branch or commit `v3.0`");
    // Six digits are too few to be meant as a commit.
    assert!(refused(&repo, &format!("@{}", &first[..6])).contains("has no tag"));
}

#[test]
fn a_commit_that_no_branch_leads_to_has_no_abbreviation() {
    let (repo, first) = sample();
    let tree = repo.resolve(&format!("{first}^{{tree}}")).expect("tree");
    let loose = repo.commit_tree(&tree, "on no branch");
    assert!(refused(&repo, &format!("@{}", &loose[..12])).contains("has no tag"));
    assert_eq!(fetch_local(&repo, &format!("@{loose}")).expect("tree").package.version(), loose);
}

#[test]
fn projects_are_recognised_in_the_requested_folder() {
    let (repo, _) = sample();
    repo.commit(&[("both/package.json", b"{}"), ("both/setup.py", b""), ("none/README", b"")]);
    let project = |rest: &str| fetch_local(&repo, rest).expect(rest).project;
    assert!(matches!(project(""), GitProject::Npm { package_json } if package_json.starts_with(b"{\"name\"")));
    assert_eq!(
        project("#subdirectory=py"),
        GitProject::Python(PythonProject { pyproject: Some("[project]\nname = \"y\"\n".into()), has_setup_py: false })
    );
    assert!(matches!(project("#subdirectory=both"), GitProject::Both { python, .. } if python.has_setup_py));
    assert_eq!(project("#subdirectory=none"), GitProject::Unknown);
    assert!(refused(&repo, "#subdirectory=absent").contains("REPO has no folder `absent` at commit "));
    assert!(refused(&repo, "#subdirectory=package.json").contains("has no folder"));
}

#[test]
fn submodules_are_reported_and_not_fetched() {
    let (repo, first) = sample();
    repo.commit_on("main", "submodule", &[Change::Submodule("vendor/other".into(), first)]);
    let tree = fetch_local(&repo, "").expect("tree");
    assert!(entries(&tree).iter().all(|(path, ..)| !path.starts_with("vendor")));
    assert_eq!(tree.findings.len(), 1);
    assert_eq!(tree.findings[0].message, "the submodule `vendor/other` is not fetched");
    let error = refused(&repo, "#subdirectory=vendor/other/src");
    assert!(error.contains("lies in the submodule `vendor/other`"), "{error}");
}

#[test]
fn pointers_to_large_files_are_reported() {
    let repo = GitRepo::new();
    repo.commit(&[("model.bin", b"version https://git-lfs.invalid/spec/v1\noid sha256:00\nsize 1\n")]);
    let tree = fetch_local(&repo, "").expect("tree");
    assert_eq!(tree.findings[0].message, "`model.bin` is a pointer to LFS, its content is not fetched");
}

#[test]
fn upstream_sees_moved_and_deleted_tags() {
    let (repo, first) = sample();
    let tag = repo.annotated_tag("v1.0", &first, "one");
    let cache = tempfile::tempdir().expect("cache");
    let source = source(cache.path(), false);
    let spec = local_spec(&repo, "@v1.0");
    let locked = fetch(&source, &spec).expect("tree");
    let now = || source.upstream(&spec, &locked.pin, locked.package.version());
    let present = |commit: &str, tag: Option<&str>| {
        let (commit, tag) = (Some(commit.into()), tag.map(Into::into));
        UpstreamState::Present(UpstreamRecord { commit, tag, ..UpstreamRecord::default() })
    };
    assert_eq!(now(), present(&first, Some(&tag)));
    // The same commit under a tag object that was made again.
    let again = repo.annotated_tag("v1.0", &first, "one");
    assert_ne!(tag, again);
    assert_eq!(now(), present(&first, Some(&again)));
    repo.tag("v1.0", &first);
    assert_eq!(now(), present(&first, None));
    let second = repo.commit(&[("evil", b"x")]);
    let moved = repo.annotated_tag("v1.0", &second, "one");
    assert_eq!(now(), present(&second, Some(&moved)));
    repo.delete_ref("refs/tags/v1.0");
    assert_eq!(now(), UpstreamState::Gone);
    // A branch that takes the tag's name is another reference.
    repo.branch("v1.0", &first);
    assert_eq!(now(), UpstreamState::Gone);
    fs::remove_dir_all(repo.path()).expect("remove");
    assert!(matches!(now(), UpstreamState::Unreachable(_)));
}

#[test]
fn restore_brings_back_exactly_what_was_locked() {
    let (repo, _) = sample();
    let cache = tempfile::tempdir().expect("cache");
    let source = source(cache.path(), false);
    let locked = fetch(&source, &local_spec(&repo, "#subdirectory=py")).expect("tree");
    let mut package = locked.to_package();
    let again = source.restore(&package, &Silent).expect("restored");
    assert_eq!((again.digests, &again.pin, &again.package), (locked.digests, &locked.pin, &locked.package));

    package.artifacts[0].digests.sha256 = Some([7; 32]);
    let error = source.restore(&package, &Silent).expect_err("refused").to_string();
    assert!(error.contains("canonical archive is sha256:") && error.contains("mcp.lock says sha256:0707"), "{error}");

    let mut package = locked.to_package();
    package.git.as_mut().expect("pin").tree = "0".repeat(40).into();
    let error = source.restore(&package, &Silent).expect_err("refused").to_string();
    assert!(error.contains("tree is "), "{error}");
    package.artifacts.clear();
    assert!(source.restore(&package, &Silent).is_err());
}
