//! git's smart protocol: the real client clones from the server, in the versions it speaks.
use std::process::{Command, Output};

use mcpsec_testkit::{Auth, Fault, GitRepo, GitServer, program::find};

#[expect(clippy::disallowed_methods, reason = "the other side of the protocol is git itself")]
fn client(args: &[&str]) -> Output {
    let home = tempfile::tempdir().expect("folder");
    let git = find("git").expect("git is installed");
    let mut command = Command::new(&git);
    command.env_clear().env("HOME", home.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    command.env("PATH", git.parent().expect("folder")).current_dir(home.path()).args(args).output().expect("git runs")
}

#[test]
fn references_and_objects_are_served_in_all_versions() {
    let (server, repo) = (GitServer::start(), GitRepo::new());
    let commit = repo.commit(&[("package.json", b"{}"), ("README.md", b"hello")]);
    let tag = repo.annotated_tag("v1.0.0", &commit, "first");
    let url = server.serve("owner/name", &repo);
    for version in ["0", "1", "2"] {
        let config = format!("protocol.version={version}");
        let listed = client(&["-c", &config, "ls-remote", &url]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.contains(&format!("{tag}\trefs/tags/v1.0.0\n")), "version {version}: {listed}");
        assert!(listed.contains(&format!("{commit}\trefs/tags/v1.0.0^{{}}\n")), "version {version}: {listed}");
        let clone = client(&["-c", &config, "clone", "--quiet", "--depth", "1", "--branch", "v1.0.0", &url, "out"]);
        assert!(clone.status.success(), "version {version}: {}", String::from_utf8_lossy(&clone.stderr));
    }
    assert!(client(&["clone", "--quiet", &repo.file_url(), "out"]).status.success());
    assert!(server.count("/owner/name.git/git-upload-pack") >= 3);
}

#[test]
fn credentials_and_faults_work_as_for_any_server() {
    let (server, repo) = (GitServer::start(), GitRepo::new());
    repo.commit(&[("a", b"a")]);
    let url = server.serve("name", &repo);
    server.require_auth(Auth::basic("bob", "hunter2"));
    assert!(!client(&["ls-remote", &url]).status.success());
    assert!(client(&["ls-remote", &url.replace("http://", "http://bob:hunter2@")]).status.success());
    server.allow_anonymous();
    server.inject(Fault::Truncate { after: 60 }.on("*/info/refs"));
    assert!(!client(&["ls-remote", &url]).status.success());
    server.heal();
    server.remove("name");
    assert!(!client(&["ls-remote", &url]).status.success());
}
