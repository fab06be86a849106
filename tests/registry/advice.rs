//! What a new administrator does wrong: every message says what, where, and what next.
use std::path::Path;

use mcpsec_testkit::program::{Finished, run};

use crate::world::{REGISTRY, put};

const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");

fn registry(arguments: &[&str], more: &[(&str, &str)]) -> Finished {
    let environment: Vec<(&str, &str)> = more.iter().copied().chain([PATH]).collect();
    run(Path::new(REGISTRY), arguments, &environment)
}

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("mcpsec-registry").tempdir().expect("a temporary folder")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `check` in a folder, which goes through.
fn checked(data: &Path, more: &[&str]) -> String {
    let arguments = [&["check", "--data", data.to_str().expect("UTF-8")], more].concat();
    let done = registry(&arguments, &[]);
    assert_eq!(done.code, Some(0), "{}", text(&done.stderr));
    text(&done.stdout)
}

/// A command that does not go through, and what it says.
fn refused(arguments: &[&str], environment: &[(&str, &str)], words: &[&str]) {
    let done = registry(arguments, environment);
    let said = text(&done.stderr);
    assert_eq!(done.code, Some(2), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: {word}: {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn check_says_what_keeps_a_server_from_being_of_use() {
    let data = folder();
    let said = checked(data.path(), &[]);
    assert!(said.contains("mcp-signers does not exist, so nobody's approval counts"), "{said}");
    assert!(said.contains("there is no token that is good") && said.contains("mcpsec-registry token create"), "{said}");
    assert!(!said.contains("plain HTTP"), "{said}");
    let said = checked(data.path(), &["--listen", "0.0.0.0:7420"]);
    assert!(said.contains("plain HTTP on 0.0.0.0:7420") && said.contains("--tls-cert"), "{said}");
    assert!(
        !checked(data.path(), &["--listen", "0.0.0.0:7420", "--trusted-proxies", "10.0.0.1"]).contains("plain HTTP")
    );

    let signer = mcpsec_testkit::SshSigner::available().then(mcpsec_testkit::SshSigner::new);
    let Some(signer) = signer else { return println!("skipped: no ssh-keygen") };
    put(&data.path().join("mcp-signers"), &format!("[[signer]]\nname = \"ada\"\nkey = \"{}\"\n", signer.public_key()));
    let made = ["token", "create", "--name", "ada", "--scope", "push", "--data", data.path().to_str().expect("UTF-8")];
    assert_eq!(registry(&made, &[]).code, Some(0));
    let said = checked(data.path(), &[]);
    assert!(!said.contains("warning") && said.starts_with("settings, database, blob store"), "{said}");
    let said = checked(data.path(), &["--required", "2"]);
    assert!(said.contains("names 1 people, and `required` is 2"), "{said}");
}

#[test]
fn what_cannot_be_opened_is_named_without_secrets() {
    let data = folder();
    let here = data.path().to_str().expect("UTF-8");
    let nowhere = data.path().join("no/such/folder/registry.db").display().to_string();
    let sqlite = format!("sqlite://{nowhere}");
    refused(&["check", "--data", here, "--database", &sqlite], &[], &[&nowhere, "must exist, and be writable"]);
    let postgres = ("MCPSEC_REGISTRY_DATABASE", "postgres://registry:hunter2@127.0.0.1:1/team");
    refused(&["check", "--data", here], &[postgres], &["postgres://127.0.0.1:1/team", "refused", "is it running"]);
    refused(
        &["check", "--data", here, "--blobs", "s3://bucket/x"],
        &[
            ("AWS_ENDPOINT", "http://127.0.0.1:1"),
            ("AWS_REGION", "here-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ],
        &["the blob store does not answer", "`AWS_ALLOW_HTTP=true`"],
    );
    refused(&["serve", "--data", here, "--listen", "localhost:1"], &[], &["such as `127.0.0.1:7420`"]);
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("an address").to_string();
    refused(&["serve", "--data", here, "--listen", &taken], &[], &[&taken, "end what listens there", "--listen"]);
}

#[test]
fn a_mistyped_folder_is_no_new_registry() {
    let data = folder();
    let typo = data.path().join("typo");
    let typo = typo.to_str().expect("UTF-8");
    for words in [&["token", "create", "--name", "ada", "--scope", "push"][..], &["token", "list"], &["key"]] {
        let arguments = [words, &["--data", typo]].concat();
        refused(&arguments, &[], &["there is no registry in", "mcpsec-registry serve --data"]);
        assert!(!Path::new(typo).exists(), "nothing was made");
    }
}
