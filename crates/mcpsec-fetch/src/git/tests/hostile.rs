//! Trees, objects and configurations that must be refused or have no effect.
use std::{fs, time::Duration};

use mcpsec_testkit::GitRepo;

use super::{fetch, fetch_local, local_spec, put, refused, source_with};
use crate::git::{GitLimits, GitOptions, GitSource};

/// A repository whose `main` has exactly this tree; `@` in place of an id is a blob, `/` an ordinary subtree.
fn with_tree(entries: &[(&str, &str, &str)]) -> GitRepo {
    let repo = GitRepo::new();
    let blob = repo.raw_object("blob", b"x");
    let folder = repo.raw_tree(&[("100644", "inner", &blob)]);
    let entries: Vec<(&str, &str, &str)> = entries
        .iter()
        .map(|(mode, name, id)| {
            (
                *mode,
                *name,
                match *id {
                    "@" => blob.as_str(),
                    "/" => folder.as_str(),
                    id => id,
                },
            )
        })
        .collect();
    let commit = repo.commit_tree(&repo.raw_tree(&entries), "hostile");
    repo.branch("main", &commit);
    repo
}

#[test]
fn names_that_leave_or_hide_are_refused_by_name() {
    for (name, reason) in [
        ("..", "relative components"),
        (".", "relative components"),
        (".git", ".git"),
        (".GIT", ".git"),
        ("git~1", ".git"),
        (".git ", ".git"),
        (".git::$INDEX_ALLOCATION", ".git"),
        (".g\u{200c}it", ".git"),
        ("a/b", "path separators"),
        ("a\\b", "backslash"),
        ("a\u{1b}[2Jb", "control character"),
    ] {
        let error = refused(&with_tree(&[("100644", name, "@")]), "");
        assert!(error.contains("is refused") && error.contains(reason), "{name}: {error}");
        assert!(!error.contains('\u{1b}') && !error.contains('\u{200c}'), "{error}");
        // The same as a folder on the way to a file.
        let error = refused(&with_tree(&[("40000", name, "/")]), "");
        assert!(error.contains("is refused"), "{name}: {error}");
    }
    assert!(fetch_local(&with_tree(&[("100644", ".gitignore", "@"), ("100644", "a..b", "@")]), "").is_ok());
}

#[test]
fn paths_that_some_file_system_merges_are_refused() {
    for entries in [
        [("100644", "README", "@"), ("100644", "readme", "@")],
        [("100644", "a", "@"), ("40000", "A", "/")],
        [("100644", "stra\u{df}e", "@"), ("100644", "STRASSE", "@")],
        [("100644", "caf\u{e9}", "@"), ("100644", "cafe\u{301}", "@")],
        [("100644", "same", "@"), ("100644", "same", "@")],
        [("100644", "same", "@"), ("40000", "same", "/")],
    ] {
        let error = refused(&with_tree(&entries), "");
        assert!(error.contains("letter case") || error.contains("twice"), "{entries:?}: {error}");
    }
}

#[test]
fn links_that_leave_are_refused() {
    for (target, good) in [
        ("inner", true),
        ("./d/inner", true),
        ("/etc/passwd", false),
        ("..", false),
        ("../outside", false),
        ("d/../../outside", false),
        ("C:\\x", false),
        ("..\\x", false),
        ("", false),
    ] {
        let repo = GitRepo::new();
        let link = repo.raw_object("blob", target.as_bytes());
        let commit = repo.commit_tree(&repo.raw_tree(&[("120000", "link", &link)]), "link");
        repo.branch("main", &commit);
        assert_eq!(fetch_local(&repo, "").is_ok(), good, "{target}");
        if !good {
            assert!(refused(&repo, "").contains("entry `link` is refused: symbolic link"), "{target}");
        }
    }
    // One level down, one `..` is inside and two are not. `..` after a name is refused: the name may be a link to elsewhere.
    for (target, good) in [("../x", true), ("../../x", false), ("x/../y", false)] {
        let repo = GitRepo::new();
        let link = repo.raw_object("blob", target.as_bytes());
        let folder = repo.raw_tree(&[("120000", "l", &link)]);
        let commit = repo.commit_tree(&repo.raw_tree(&[("40000", "d", &folder)]), "link");
        assert_eq!(fetch_local(&repo, &format!("@{commit}")).is_ok(), good, "{target}");
    }
}

#[test]
fn unknown_modes_are_refused() {
    for mode in ["60644", "20644", "140000"] {
        let error = refused(&with_tree(&[(mode, "device", "@")]), "");
        assert!(error.contains("its mode is") || error.contains("corrupt"), "{mode}: {error}");
    }
}

#[test]
fn damaged_objects_are_found() {
    let repo = GitRepo::new();
    let blob = repo.raw_object("blob", b"good");
    let other = repo.raw_object("blob", b"evil");
    let commit = repo.commit_tree(&repo.raw_tree(&[("100644", "file", &blob)]), "damaged");
    repo.branch("main", &commit);
    assert!(fetch_local(&repo, "").is_ok());
    let path = |id: &str| repo.path().join("objects").join(&id[..2]).join(&id[2..]);
    // A well-formed object under another object's name: only recomputing the hash can tell.
    fs::remove_file(path(&blob)).expect("remove");
    fs::copy(path(&other), path(&blob)).expect("copy");
    let error = refused(&repo, "");
    assert!(error.contains(&format!("object {blob} is missing or corrupt")), "{error}");
    fs::remove_file(path(&blob)).expect("remove");
    let error = refused(&repo, "");
    assert!(error.contains(&format!("object {blob} is missing or corrupt")), "{error}");
}

#[test]
fn a_tag_of_something_else_is_not_a_commit() {
    let repo = with_tree(&[("100644", "a", "@")]);
    let blob = repo.raw_object("blob", b"x");
    repo.set_ref("refs/tags/blob", &blob);
    assert_eq!(refused(&repo, "@blob"), "`refs/tags/blob` of REPO is a blob, not a commit");
}

#[test]
fn borrowed_objects_are_not_followed() {
    let lender = with_tree(&[("100644", "a", "@")]);
    let repo = GitRepo::new();
    let commit = lender.resolve("main").expect("commit");
    fs::create_dir_all(repo.path().join("objects/info")).expect("folder");
    let line = format!("{}\n", lender.path().join("objects").display());
    put(&repo.path().join("objects/info/alternates"), line.as_bytes());
    repo.branch("main", &commit);
    assert!(refused(&repo, "").contains("borrows objects from other folders"));
}

#[test]
fn replacement_objects_have_no_effect() {
    let repo = with_tree(&[("100644", "good", "@")]);
    let before = fetch_local(&repo, "").expect("tree");
    let commit = repo.resolve("main").expect("commit");
    let evil = repo.commit_tree(&repo.raw_tree(&[("100644", "evil", &repo.raw_object("blob", b"e"))]), "evil");
    repo.set_ref(&format!("refs/replace/{commit}"), &evil);
    let after = fetch_local(&repo, "").expect("tree");
    assert_eq!(before.digests, after.digests);
}

#[test]
fn programs_named_by_the_repository_never_run() {
    let repo = GitRepo::new();
    repo.commit(&[
        (".gitattributes", b"* filter=canary diff=canary\n"),
        (".lfsconfig", b"[lfs]\n\turl = http://127.0.0.1:1/\n"),
        ("file", b"content"),
    ]);
    let canary = repo.path().join("canary");
    let touch = format!("touch {}", canary.display());
    let config = format!(
        "[core]\n\tbare = true\n\trepositoryformatversion = 0\n\tfsmonitor = {touch}\n\tsshCommand = {touch}\n\thooksPath = {0}/hooks\n\
         \taskPass = {0}/hooks/post-checkout\n\tpager = {touch}\n[filter \"canary\"]\n\tsmudge = {touch}\n\tclean = {touch}\n\
         \tprocess = {touch}\n\trequired = true\n[uploadpack]\n\tpackObjectsHook = {touch}\n[credential]\n\thelper = !{touch}\n\
         [include]\n\tpath = {0}/more\n[alias]\n\tfetch = !{touch}\n[extensions]\n\tpartialClone = origin\n",
        repo.path().display()
    );
    put(&repo.path().join("config"), config.as_bytes());
    let hooks = repo.path().join("hooks");
    fs::create_dir_all(&hooks).expect("hooks");
    for hook in ["post-checkout", "post-merge", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman"] {
        let path = hooks.join(hook);
        put(&path, format!("#!/bin/sh\n{touch}\n").as_bytes());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
        }
    }
    let tree = fetch_local(&repo, "").expect("tree");
    assert_eq!(super::entries(&tree).len(), 3);
    assert!(!canary.exists(), "a program of the repository ran");
}

#[test]
fn every_bound_holds() {
    let repo = GitRepo::new();
    repo.commit(&[("a/b/c/d", &[b'x'; 5000]), ("package.json", &[b' '; 3000]), ("f", b"1")]);
    let standard = GitLimits::standard();
    for (limits, words) in [
        (GitLimits { max_entries: 5, ..standard.clone() }, "number of entries is over the limit of 5"),
        (GitLimits { max_depth: 3, ..standard.clone() }, "depth of its folders is over the limit of 3"),
        (GitLimits { max_path: 6, ..standard.clone() }, "length of a path is over the limit of 6"),
        (GitLimits { max_object: 4999, ..standard.clone() }, "size of `a/b/c/d` is over the limit of 4999"),
        (GitLimits { max_metadata: 20, ..standard.clone() }, "size of a tree is over the limit of 20"),
        (GitLimits { max_signed: 20, ..standard.clone() }, "size of a commit or tag is over the limit of 20"),
        (GitLimits { max_project_file: 2999, ..standard.clone() }, "size of package.json is over the limit of 2999"),
        (GitLimits { max_archive: 9000, ..standard.clone() }, "size of its archive is over the limit of 9000"),
    ] {
        let cache = tempfile::tempdir().expect("cache");
        let source = source_with(cache.path(), false, limits);
        let error = fetch(&source, &local_spec(&repo, "")).expect_err("refused").to_string();
        assert!(error.contains(words), "{words}: {error}");
        let left = fs::read_dir(cache.path()).expect("cache").count();
        assert_eq!(left, 0, "an unfinished archive was left behind");
    }
}

#[test]
fn a_tree_of_trees_without_end_is_bounded() {
    // Each level names the level below twice, 40 levels: 2^40 folders from 40 small objects.
    let repo = GitRepo::new();
    let mut id = repo.raw_tree(&[]);
    for _ in 0..40 {
        id = repo.raw_tree(&[("40000", "a", &id), ("40000", "b", &id)]);
    }
    let commit = repo.commit_tree(&id, "bomb");
    repo.branch("main", &commit);
    let cache = tempfile::tempdir().expect("cache");
    let source = source_with(cache.path(), false, GitLimits { max_entries: 2000, ..GitLimits::standard() });
    let error = fetch(&source, &local_spec(&repo, "")).expect_err("refused").to_string();
    assert!(error.contains("number of entries"), "{error}");
}

#[test]
fn addresses_that_a_program_could_misread_are_refused() {
    let cache = tempfile::tempdir().expect("cache");
    let options = GitOptions {
        cache_dir: cache.path().to_owned(),
        network: true,
        user_config: false,
        limits: GitLimits { idle: Duration::from_secs(5), ..GitLimits::standard() },
    };
    let source = GitSource::new(options);
    for (address, words) in [
        ("ssh://-oProxyCommand=x@host.invalid/r", "may not start with"),
        ("ssh://host.invalid/-upload", "may not start with"),
        ("ssh://git:secret@host.invalid/r", "no passwords"),
        ("https://host.invalid/r?token=secret", "query"),
        ("ftp://host.invalid/r", "only https"),
    ] {
        // Built by hand: the parser refuses most of these before.
        let spec =
            mcpsec_model::spec::GitSpec { url: address.parse().expect("url"), reference: None, subdirectory: None };
        let error = fetch(&source, &spec).expect_err("refused").to_string();
        assert!(error.contains(words) && !error.contains("secret"), "{address}: {error}");
    }
}
