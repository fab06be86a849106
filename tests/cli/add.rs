//! `mcpsec add`, and what can be done with what it locked.
use mcpsec_testkit::{NpmServer, PypiServer, TestEnv, npm_package, wheel};

use crate::worlds::{git_repository, git_spec, npm_registry, project_state, pypi_index};

#[test]
fn npm_pypi_and_git_are_locked_and_verified() {
    let (npm, pypi, repository) = (npm_registry(), pypi_index(), git_repository());
    let mut env = TestEnv::new();
    env.npm(&npm);
    env.pypi(&pypi);
    for spec in ["npm:files".to_owned(), "pypi:fetcher".to_owned(), git_spec(&repository, "v1.0.0")] {
        let output = env.mcpsec(["add", &spec]).success();
        println!("{}", output.snapshot());
    }
    println!("{}\n{}", env.read("mcp.toml"), env.read("mcp.lock"));
    let output = env.mcpsec(["verify"]).success();
    println!("{}", output.snapshot());
    let output = env.mcpsec(["verify", "--offline"]).success();
    println!("{}", output.snapshot());
}
