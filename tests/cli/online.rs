//! The few tests that talk to the real registries. Run with `cargo test -- --ignored online`; CI does.
use std::collections::BTreeMap;

use mcpsec_testkit::{TestEnv, shared};

/// A world that may reach the real registries, as this machine's own npm and pip are set up.
fn real_world() -> TestEnv {
    let mut env = TestEnv::new();
    env.npmrc("");
    env.set("UV_DEFAULT_INDEX", default_index());
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        #[expect(clippy::disallowed_methods, reason = "certificates and proxies of the machine that the test runs on")]
        if let Some(value) = std::env::var_os(name) {
            env.set(name, value);
        }
    }
    env
}

/// What the machine's pip declares; no host name stands in this repository.
fn default_index() -> String {
    #[expect(clippy::disallowed_methods, reason = "the default index is asked of pip, as mcpsec itself does")]
    let help = std::process::Command::new("python3").args(["-m", "pip", "download", "--help"]).output().expect("pip");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let index = mcpsec_fetch::pypi::default_index_from_help(&help).expect("pip's help names its default index");
    index.expose().to_string()
}

#[test]
#[ignore = "online: talks to the real npm registry and Python index"]
fn online_real_servers_lock_and_verify() {
    let env = real_world();
    drop(env.mcpsec(["add", "npm:@modelcontextprotocol/server-filesystem"]).success());
    drop(env.mcpsec(["add", "pypi:mcp-server-fetch"]).success());
    drop(env.mcpsec(["verify"]).success());
    drop(env.mcpsec(["verify", "--offline"]).success());
    let before = env.read("mcp.lock");
    drop(env.mcpsec(["add", "npm:@modelcontextprotocol/server-filesystem"]).success());
    assert_eq!(env.read("mcp.lock"), before, "adding again changes nothing");
}

#[test]
#[ignore = "online: resolves real servers as of the day of the recorded locks"]
fn online_as_of_gives_the_recorded_closures() {
    for server in ["mcp-server-time", "mcp-server-fetch"] {
        let Some(recorded) = shared::path(&format!("fixtures/locks/{server}/pylock.toml")) else { return };
        let env = real_world();
        env.write("mcp.toml", "[targets]\nplatforms = [\"linux-x86_64-gnu\"]\npython = [\"3.11\"]\n");
        drop(env.mcpsec(["add", &format!("pypi:{server}"), "--as-of", "2026-11-22"]).success());
        let tree = env.mcpsec(["--format", "json", "tree", &server["mcp-server-".len()..]]).success().json();
        let ours: BTreeMap<String, Vec<String>> = tree["packages"]
            .as_array()
            .expect("packages")
            .iter()
            .map(|package| {
                let digests = package["digests"].as_array().expect("digests").iter();
                let purl = package["purl"].as_str().expect("purl").trim_start_matches("pkg:pypi/");
                (purl.to_owned(), digests.filter_map(|digest| digest.as_str().map(str::to_owned)).collect())
            })
            .collect();
        let recorded: toml::Table =
            std::fs::read_to_string(recorded).expect("fixture").parse().expect("the fixture is TOML");
        let packages = recorded["packages"].as_array().expect("packages");
        assert_eq!(packages.len(), ours.len(), "{server}: {:?}", ours.keys());
        for package in packages {
            let name = package["name"].as_str().expect("name").to_lowercase().replace(['_', '.'], "-");
            let key = format!("{name}@{}", package["version"].as_str().expect("version"));
            let digests = ours.get(&key).unwrap_or_else(|| panic!("{server}: {key} is missing"));
            let wheel = &package["wheels"].as_array().expect("wheels")[0];
            let sha256 = format!("sha256:{}", wheel["hashes"]["sha256"].as_str().expect("sha256"));
            assert!(digests.contains(&sha256), "{server}: {key} does not pin {sha256}");
        }
    }
}
