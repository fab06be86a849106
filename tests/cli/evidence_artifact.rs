//! `verify-artifact`: single files with bundles and registries' attestations, and the conformance suite's protocol on top.
use std::{
    fs,
    path::{Path, PathBuf},
};

use mcpsec_testkit::{Output, TestEnv, shared};

/// The suite's defaults, from its README.
const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn conformance() -> Option<PathBuf> {
    shared::path("fixtures/sigstore-conformance/bundle-verify")
}

fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("UTF-8")
}

/// A conformance case with the default artifact and further arguments.
fn case(folder: &Path, name: &str, more: &[&str]) -> Output {
    let (file, bundle) = (text(folder.join("a.txt")), text(folder.join(name).join("bundle.sigstore.json")));
    let first = ["verify-artifact", &file, "--bundle", &bundle];
    TestEnv::new().mcpsec(first.iter().chain(more))
}

/// A recorded npm response with its tarball, as arguments.
fn npm(tarball: &str, response: &str, purl: &str) -> Option<[String; 6]> {
    let folder = shared::path("fixtures/npm-attestations")?;
    let paths = [text(folder.join(tarball)), text(folder.join(response))];
    let [tarball, response] = paths;
    Some(["verify-artifact".into(), tarball, "--attestations".into(), response, "--purl".into(), purl.into()])
}

#[test]
fn a_bundle_holds_for_its_signer_only() {
    let Some(folder) = conformance() else { return };
    let good = case(&folder, "happy-path-v0.3", &["--identity", IDENTITY, "--issuer", ISSUER]).success();
    assert!(
        good.stdout.contains("  pass\n") && good.stdout.contains("extremely-dangerous-oidc-beacon.yml"),
        "{}",
        good.stdout
    );
    assert!(good.stdout.contains("(proof)"), "{}", good.stdout);
    let by_pattern =
        ["--identity-regexp", r"https://github\.com/sigstore-conformance/.*@refs/heads/main", "--issuer", ISSUER];
    let _good = case(&folder, "happy-path-v0.3", &by_pattern).success();

    for (more, why) in [
        (["--identity", "somebody@else.invalid", "--issuer", ISSUER], "signed by https://github.com/"),
        (["--identity", IDENTITY, "--issuer", "https://issuer.invalid"], "issuer is https://token.actions"),
        // A pattern must match the whole subject.
        (
            ["--identity-regexp", r"https://github\.com/sigstore-conformance", "--issuer", ISSUER],
            "expected is https://github",
        ),
    ] {
        let refused = case(&folder, "happy-path-v0.3", &more).exits(1);
        assert!(refused.stdout.contains("refused") && refused.stdout.contains(why), "{}", refused.stdout);
    }
}

#[test]
fn a_refusal_as_json_names_its_code() {
    let Some(folder) = conformance() else { return };
    let more = ["--identity", IDENTITY, "--issuer", ISSUER, "--format", "json"];
    let good = case(&folder, "happy-path-v0.3", &more).success().json();
    assert_eq!((good["schema"].as_str(), good["verdict"].as_str()), (Some("mcpsec.artifact/v1"), Some("pass")));
    let signer = &good["attestations"][0]["signer"];
    assert_eq!((signer["type"].as_str(), signer["subject"].as_str()), (Some("certificate"), Some(IDENTITY)));
    assert_eq!(good["attestations"][0]["log"], "proof");
    for (name, code) in [("signature-mismatch_fail", "signature"), ("set-invalid-signature_fail", "log.promise")] {
        let refused = case(&folder, name, &more).exits(1).json();
        assert_eq!((refused["verdict"].as_str(), refused["exit"].as_u64()), (Some("deny"), Some(1)));
        assert_eq!(refused["error"]["code"], code, "{refused}");
        assert_eq!(refused["attestations"].as_array().map(Vec::len), Some(0));
    }
}

#[test]
fn wrong_usage_and_unreadable_files_exit_2() {
    let Some(folder) = conformance() else { return };
    let _output = case(&folder, "happy-path-v0.3", &[]).exits(2);
    let _output = case(&folder, "happy-path-v0.3", &["--identity", IDENTITY]).exits(2);
    let _output = case(&folder, "happy-path-v0.3", &["--purl", "pkg:npm/a@1"]).exits(2);
    let both = ["--identity", IDENTITY, "--issuer", ISSUER, "--staging", "--git-host-root"];
    let _output = case(&folder, "happy-path-v0.3", &both).exits(2);
    let pattern = ["--identity-regexp", "a)|(b", "--issuer", ISSUER];
    let _output = case(&folder, "happy-path-v0.3", &pattern).exits(2).says("not a usable regular expression");
    let missing = ["verify-artifact", "nowhere", "--bundle", "b", "--identity", "i", "--issuer", "u"];
    let _output = TestEnv::new().mcpsec(missing).exits(2).says("nowhere");
    let env = TestEnv::new();
    env.write("root.json", "{}");
    env.write("a", "");
    let root =
        ["verify-artifact", "a", "--bundle", "b", "--identity", "i", "--issuer", "u", "--trusted-root", "root.json"];
    let _output = env.mcpsec(root).exits(2).says("malformed trust root");
}

#[test]
fn a_registrys_attestations_must_all_hold() {
    let tarball = "server-filesystem/modelcontextprotocol-server-filesystem-2026.7.10.tgz";
    let purl = "pkg:npm/%40modelcontextprotocol/server-filesystem@2026.7.10";
    let Some(good) = npm(tarball, "server-filesystem/attestations.json", purl) else { return };
    let output = TestEnv::new().mcpsec(&good).success();
    for words in [
        "publish",
        "provenance",
        "https://github.com/modelcontextprotocol/servers .github/workflows/release.yml@",
        "commit",
        "key SHA256:",
    ] {
        assert!(output.stdout.contains(words), "{words}: {}", output.stdout);
    }
    // Another version of the same package, another package's attestations, another signer than demanded.
    let other =
        npm(tarball, "server-filesystem/attestations.json", "pkg:npm/%40modelcontextprotocol/server-filesystem@1.0.0");
    let _output = TestEnv::new().mcpsec(other.expect("fixtures")).exits(1);
    let other = npm(tarball, "supreme-googles-cli-v02-tag.tgz.json", purl);
    let _output = TestEnv::new().mcpsec(other.expect("fixtures")).exits(1);
    let expected = ["--identity-regexp", "https://github.com/somebody/.*", "--issuer", ISSUER].map(str::to_owned);
    let refused = TestEnv::new().mcpsec(good.iter().chain(&expected)).exits(1);
    assert!(refused.stdout.contains("expected is https://github.com/somebody/"), "{}", refused.stdout);
}

#[test]
fn one_false_attestation_refuses_the_response() {
    let name = "provenance-npm-test-cli-v1-prega";
    if shared::path("fixtures/npm-attestations").is_none() {
        return;
    }
    let purl = "pkg:npm/sigstore@2.3.1";
    for (which, code) in [
        (name.to_owned(), None),
        (format!("{name}-invalidsigprov"), Some(1)),
        (format!("{name}-invalidsigpub"), Some(1)),
    ] {
        let arguments = npm(&format!("{which}.tgz"), &format!("{which}.tgz.json"), purl).expect("fixtures");
        let _output = TestEnv::new().mcpsec(arguments).exits(code.unwrap_or(0));
    }
}

#[test]
fn provenance_of_a_python_file() {
    let Some(folder) = shared::path("fixtures/pypi-attestations") else { return };
    let name = "pypi_attestations-0.0.19.tar.gz";
    let (file, response) = (text(folder.join(name)), text(folder.join(format!("{name}.provenance"))));
    let arguments = |purl| ["verify-artifact", &file, "--attestations", &response, "--purl", purl].map(str::to_owned);
    let output = TestEnv::new().mcpsec(arguments("pkg:pypi/pypi-attestations@0.0.19")).success();
    assert!(output.stdout.contains("/attestations/publish/v1"), "{}", output.stdout);
    let _output = TestEnv::new().mcpsec(arguments("pkg:pypi/pypi-attestations@0.0.20")).exits(1);
    let _output = TestEnv::new().mcpsec(arguments("pkg:npm/pypi-attestations@0.0.19")).exits(1);
}

#[test]
fn the_suites_protocol_is_spoken_by_the_adapter() {
    let Some(folder) = conformance() else { return };
    let adapter = Path::new(env!("CARGO_BIN_EXE_mcpsec"))
        .with_file_name(format!("sigstore-conformance{}", std::env::consts::EXE_SUFFIX));
    if !adapter.is_file() {
        eprintln!("skipped: the adapter is not built; `cargo test --workspace` builds it");
        return;
    }
    let mut env = TestEnv::new();
    env.set_binary(&adapter);
    env.set("MCPSEC_BIN", env!("CARGO_BIN_EXE_mcpsec"));
    let run = |name: &str, file: &str, staging: bool| {
        let case = folder.join(name);
        let mut arguments = vec!["verify-bundle".to_owned()];
        if staging {
            arguments.push("--staging".to_owned());
        }
        arguments.extend(["--bundle".to_owned(), text(case.join("bundle.sigstore.json"))]);
        match case.join("key.pub") {
            key if key.is_file() => arguments.extend(["--key".to_owned(), text(key)]),
            _ => arguments
                .extend(["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER].map(str::to_owned)),
        }
        let root = case.join("trusted_root.json");
        if root.is_file() {
            arguments.extend(["--trusted-root".to_owned(), text(root)]);
        }
        arguments.push(file.to_owned());
        env.mcpsec(arguments)
    };
    let file = text(folder.join("a.txt"));
    let digest = mcpsec_model::digest::Digest::sha256_of(&fs::read(&file).expect("artifact")).to_string();
    for good in [
        "happy-path-v0.1",
        "happy-path-v0.3",
        "managed-key-happy-path",
        "managed-key-and-trusted-root",
        "rekor2-happy-path",
    ] {
        let _output = run(good, &file, false).success();
        let _output = run(good, &digest, false).success();
    }
    for bad in [
        "signature-mismatch_fail",
        "managed-key-no-key_fail",
        "rekor2-no-timestamp_fail",
        "bundle-from-wrong-instance_fail",
    ] {
        let _output = run(bad, &file, false).exits(1);
    }
    // What is refused by the public-good root holds for the instance that made it.
    let _output = run("bundle-from-wrong-instance_fail", &file, true).success();
    let _output = run("happy-path-v0.3", &file, true).exits(1);
    let _output = run("happy-path-v0.3", "sha256:00", false).exits(2);
}
