//! Package managers that this machine has to fetch first. Only their installation talks to the outside: what they then install comes
//! from the mirror alone.
use mcpsec_testkit::{npm_package, wheel};

use crate::mirror_world::{Laptop, Mirror, Packed, packed, put};

/// A laptop that installed one tool, into `tools`, with the certificates and proxies of this machine.
fn with_tool(install: &str) -> Laptop {
    let laptop = Laptop::new();
    let mut line = String::new();
    for name in [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
        "PIP_CERT",
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        #[expect(clippy::disallowed_methods, reason = "certificates and proxies of the machine that the test runs on")]
        if let Ok(value) = std::env::var(name) {
            line.push_str(&format!("{name}='{value}' "));
        }
    }
    laptop.succeeds(&laptop.folder("tools"), &format!("{line}{install}"));
    laptop
}

#[test]
#[ignore = "online: installs uv"]
fn online_uv_and_uvx_take_everything_from_the_mirror() {
    let laptop = with_tool("python3 -m pip install --quiet --target . uv");
    let mirror = Mirror::new();
    let server = wheel("team-server", "1.0")
        .requires("tidy-part>=2")
        .entry_point("team-server", "team_server:main")
        .file("team_server/__init__.py", b"import tidy_part\ndef main():\n    print('went', tidy_part.WORD)\n");
    let part = wheel("tidy-part", "2.1").file("tidy_part/__init__.py", b"WORD = 'tidy'\n");
    let files = [packed("pypi:team-server@1.0", &server), packed("pypi:tidy-part@2.1", &part)];
    mirror.vet("go", &files);
    let folder = laptop.folder("uv");
    let uv = format!(
        "PYTHONPATH=../tools UV_DEFAULT_INDEX={} UV_PYTHON_DOWNLOADS=never UV_CACHE_DIR=$HOME/uv-cache",
        mirror.url("/pypi/simple/")
    );
    assert_eq!(laptop.succeeds(&folder, &format!("{uv} ../tools/bin/uvx team-server")), "went tidy\n");
    let hashes: String = files
        .iter()
        .map(|file| format!("{}=={} --hash=sha256:{}\n", file.id.name(), file.id.version(), file.sha256()))
        .collect();
    put(folder.join("requirements.txt"), hashes).expect("written");
    laptop.succeeds(
        &folder,
        &format!("{uv} ../tools/bin/uv pip install --require-hashes --target here -r requirements.txt"),
    );
    assert!(folder.join("here/tidy_part/__init__.py").is_file());
    assert_ne!(laptop.run(&folder, &format!("{uv} ../tools/bin/uvx requests")).code, Some(0));
}

#[test]
#[ignore = "online: installs pnpm"]
fn online_pnpm_takes_everything_from_the_mirror() {
    let laptop = with_tool("npm install --silent --prefix . pnpm@10");
    let mirror = Mirror::new();
    let server = npm_package("@team/server-go", "1.2.0")
        .dep("left", "^1.0.0")
        .bin("go", "go.js")
        .file("go.js", b"#!/usr/bin/env node\nconsole.log(require('left'));\n");
    let left = npm_package("left", "1.0.3").file("index.js", b"module.exports = 'left';\n");
    mirror.vet("go", &[Packed::from(&server), Packed::from(&left)]);
    let folder = laptop.folder("pnpm");
    put(folder.join("package.json"), r#"{"name":"x","version":"1.0.0"}"#).expect("written");
    put(folder.join(".npmrc"), format!("registry={}\n", mirror.url("/npm/"))).expect("written");
    laptop.succeeds(&folder, "../tools/node_modules/.bin/pnpm add @team/server-go");
    assert_eq!(laptop.succeeds(&folder, "./node_modules/.bin/go"), "left\n");
    laptop.succeeds(&folder, "rm -rf node_modules && ../tools/node_modules/.bin/pnpm install --frozen-lockfile");
    assert_eq!(laptop.succeeds(&folder, "./node_modules/.bin/go"), "left\n");
}
