//! Working in a stranger's project: its configuration gets nothing of the user's, and its texts do not drive a terminal.
use mcpsec_testkit::{TestEnv, npm_package};

use crate::worlds::npm_registry;

/// What a terminal would act upon. The last character is not stripped by anything on the way to a pipe, so a test sees it.
const ESCAPES: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{202e}";

#[test]
fn a_project_npmrc_gets_no_variable_and_no_token_of_the_user() {
    let (mine, theirs) = (npm_registry(), npm_registry());
    let mut env = TestEnv::new();
    env.npm_with_token(&mine, "token-of-the-user");
    env.set("CLOUD_KEY", "key-of-the-user");
    env.write(
        ".npmrc",
        format!("registry={0}\n//127.0.0.1:{1}/:_authToken=${{CLOUD_KEY}}\n", theirs.url(), theirs.port()),
    );
    let _added = env.mcpsec(["add", "npm:files"]).success();
    assert!(theirs.count("/files") > 0, "the project may name a registry");
    env.write(".npmrc", format!("registry={0}${{CLOUD_KEY}}/\n", theirs.url()));
    let _refused = env
        .mcpsec(["add", "--fresh", "npm:files"])
        .exits(2)
        .says("puts an environment variable into `registry`")
        .hides("key-of-the-user");
    for secret in ["key-of-the-user", "token-of-the-user"] {
        assert!(theirs.requests_with_secret(secret).is_empty(), "{secret}");
        assert!(env.files_with(secret).is_empty(), "{secret}");
    }
}

#[test]
fn strange_texts_are_shown_escaped() {
    let server = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&server);
    server.deprecate("files", "1.2.0", &format!("gone {ESCAPES}"));
    let mut outputs = vec![env.mcpsec(["add", "npm:files"]).success(), env.mcpsec(["verify"]).success()];
    outputs.push(env.mcpsec(["verify", "--format", "json"]).success());
    let broken = [
        npm_package("range", "1.0.0").dep("left", &format!("^9{ESCAPES}")).bin("range", "i.js"),
        npm_package("name", "1.0.0").dep(&format!("le{ESCAPES}ft"), "1").bin("name", "i.js"),
        npm_package("bin", "1.0.0").bin(&format!("b{ESCAPES}"), "i.js"),
        npm_package("entry", "1.0.0").bin("entry", "i.js").file(&format!("../a{ESCAPES}"), b"x"),
    ];
    for package in &broken {
        server.publish(package);
        outputs.push(env.mcpsec(["add", "-vvv", &format!("npm:{}", package.name())]).exits(1));
    }
    outputs.push(env.mcpsec(["add", &format!("npm:{ESCAPES}")]).exits(2));
    outputs.push(env.mcpsec(["--project", ESCAPES, "verify"]).exits(2));
    env.enter_project(&format!("folder{ESCAPES}"));
    outputs.push(env.mcpsec(["verify"]).exits(2));
    for output in outputs {
        for c in ['\u{1b}', '\u{7}', '\u{202e}'] {
            assert!(!output.stdout.contains(c) && !output.stderr.contains(c), "{c:?}\n{}", output.snapshot());
        }
    }
}

#[cfg(unix)]
#[test]
fn runtimes_are_asked_outside_of_the_project() {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    // `python3 -m pip` would import a `pip.py` of the folder that it is started in.
    let mut env = TestEnv::new();
    env.unset("UV_DEFAULT_INDEX");
    let log = env.root().join("asked");
    let python = env.root().join("bin/python3");
    let script = format!("#!/bin/sh\necho \"$PWD: $*\" >> '{}'\nexit 1\n", log.display());
    crate::worlds::replace_file(&python, script.as_bytes());
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("executable");
    env.write("pip.py", "raise SystemExit('a stranger runs code')");
    let _no_index = env.mcpsec(["add", "pypi:fetcher"]).exits(2);
    let asked = fs::read_to_string(&log).expect("python3 was asked");
    assert!(asked.lines().any(|line| line.contains("-m pip")), "{asked}");
    for line in asked.lines() {
        assert!(!line.contains("/project") && line.contains(": -I "), "{line}");
    }
}
