//! Credentials go to the host they are for, and nowhere else: not to other hosts, not to output, not into any file.
use mcpsec_testkit::{Auth, Fault, GitServer, NpmServer, Output, PypiServer, TestEnv};

use crate::worlds::{empty_store, git_repository, linked_repository, npm_registry, pypi_index, replace_file};

const SECRET: &str = "hunter2-s3cret-t0ken";

/// `base64("reader:hunter2-s3cret-t0ken")`: how the secret looks in a header.
const ENCODED: &str = "cmVhZGVyOmh1bnRlcjItczNjcmV0LXQwa2Vu";

/// Runs what a user runs, loudly, and looks for the secret in everything that is printed or left behind.
fn run_all(env: &TestEnv, spec: &str, name: &str) -> Vec<Output> {
    let runs: [&[&str]; 9] = [
        &["add", spec, "-vvv"],
        &["add", spec, "--fresh", "-vvv", "--format", "json"],
        &["verify", "-vvv"],
        &["verify", "--format", "json", "-vvv"],
        &["verify", "--offline", "-vvv"],
        &["show", name],
        &["tree", name, "--format", "json"],
        &["store", "ls", "-vvv"],
        &["store", "verify", "-vvv"],
    ];
    let outputs: Vec<Output> = runs.into_iter().map(|arguments| env.mcpsec(arguments).success()).collect();
    empty_store(env);
    let refilled = env.mcpsec(["verify", "-vvv"]).success();
    assert_hidden(env, outputs.into_iter().chain([refilled]).collect())
}

/// The outputs, when neither they nor any file show the secret.
fn assert_hidden(env: &TestEnv, outputs: Vec<Output>) -> Vec<Output> {
    let outputs = outputs.into_iter().map(|output| output.hides(SECRET).hides(ENCODED)).collect();
    for text in [SECRET, ENCODED] {
        let told = ["home/.netrc"];
        let found: Vec<String> =
            env.files_with(text).into_iter().filter(|path| !told.contains(&path.as_str())).collect();
        assert!(found.is_empty(), "the secret is in {found:?}");
    }
    outputs
}

#[test]
fn an_npm_token_stays_with_its_registry() {
    let (registry, tarballs) = (npm_registry(), npm_registry());
    registry.require_auth(Auth::bearer(SECRET));
    registry.set_tarball_origin(tarballs.base());
    let mut env = TestEnv::new();
    env.npm_with_token(&registry, SECRET);
    let _outputs = run_all(&env, "npm:files", "files");
    assert!(!registry.requests_with_secret(SECRET).is_empty(), "the registry got its token");
    assert!(!tarballs.requests().is_empty(), "the other host was asked");
    assert!(tarballs.requests_with_secret(SECRET).is_empty(), "and got no token");
}

#[test]
fn an_npm_token_does_not_follow_a_redirect() {
    let (registry, elsewhere) = (npm_registry(), npm_registry());
    registry.require_auth(Auth::bearer(SECRET));
    let mut env = TestEnv::new();
    env.npm_with_token(&registry, SECRET);
    for status in [301, 302, 307, 308] {
        registry.inject(Fault::RedirectTo { status, origin: elsewhere.base().to_owned() }.on("/left*").times(2));
    }
    let output = env.mcpsec(["add", "npm:files", "-vvv"]).success();
    let _outputs = assert_hidden(&env, vec![output]);
    assert!(!elsewhere.requests().is_empty(), "the redirect was followed");
    assert!(elsewhere.requests_with_secret(SECRET).is_empty(), "without the token");
}

#[test]
fn npm_basic_credentials_and_variables() {
    let registry = npm_registry();
    registry.require_auth(Auth::basic("reader", SECRET));
    let mut env = TestEnv::new();
    env.npmrc(&format!("registry={0}\n//127.0.0.1:{1}/:_auth=${{NPM_AUTH}}\n", registry.url(), registry.port()));
    env.set("NPM_AUTH", ENCODED);
    let _outputs = run_all(&env, "npm:files", "files");
}

#[test]
fn index_credentials_in_the_address() {
    let (index, files) = (pypi_index(), pypi_index());
    index.require_auth(Auth::basic("reader", SECRET));
    index.serving(|serving| serving.file_origin = Some(files.base().to_owned()));
    let mut env = TestEnv::new();
    env.set("UV_DEFAULT_INDEX", index.url_with_userinfo("reader", SECRET));
    let _outputs = run_all(&env, "pypi:fetcher", "fetcher");
    assert!(!index.requests_with_secret(SECRET).is_empty());
    assert!(!files.requests().is_empty() && files.requests_with_secret(SECRET).is_empty());
}

#[test]
fn index_credentials_of_pip_conf_and_uv_toml() {
    let index = pypi_index();
    index.require_auth(Auth::basic("reader", SECRET));
    let address = index.url_with_userinfo("reader", SECRET);
    let mut env = TestEnv::new();
    env.pip_conf(&format!("[global]\nindex-url = {address}\n"));
    let _outputs = run_all(&env, "pypi:fetcher", "fetcher");
    let mut env = TestEnv::new();
    env.uv_toml(&format!("[[index]]\nurl = \"{address}\"\ndefault = true\n"));
    let _outputs = run_all(&env, "pypi:fetcher", "fetcher");
}

#[test]
fn index_credentials_of_netrc() {
    let (index, files) = (pypi_index(), PypiServer::start());
    index.require_auth(Auth::basic("reader", SECRET));
    let mut env = TestEnv::new();
    env.pypi(&index);
    let netrc =
        format!("machine 127.0.0.1\nlogin reader\npassword {SECRET}\nmachine other.invalid login x password y\n");
    replace_file(&env.home().join(".netrc"), netrc.as_bytes());
    let _outputs = run_all(&env, "pypi:fetcher", "fetcher");
    assert!(!index.requests_with_secret(SECRET).is_empty());
    assert!(files.requests().is_empty());
}

#[test]
fn refused_credentials_are_not_repeated() {
    let registry = npm_registry();
    registry.require_auth(Auth::bearer("another token"));
    let mut env = TestEnv::new();
    env.npm_with_token(&registry, SECRET);
    let output = env.mcpsec(["add", "npm:files", "-vvv"]);
    assert!(matches!(output.code, Some(1..=3)), "{}", output.snapshot());
    let _outputs = assert_hidden(&env, vec![output]);
    let quiet = env.mcpsec(["add", "npm:files"]);
    insta::assert_snapshot!(quiet.snapshot());

    let index = pypi_index();
    index.require_auth(Auth::basic("reader", "another"));
    env.set("UV_DEFAULT_INDEX", index.url_with_userinfo("reader", SECRET));
    let output = env.mcpsec(["add", "pypi:fetcher", "-vvv"]);
    assert!(matches!(output.code, Some(1..=3)), "{}", output.snapshot());
    let _outputs = assert_hidden(&env, vec![output]);
    let quiet = env.mcpsec(["add", "pypi:fetcher"]);
    insta::assert_snapshot!(quiet.snapshot());
}

#[test]
fn a_server_that_echoes_the_credentials() {
    // A hostile or careless server may send the secret back in a redirect address or in a message.
    let registry = npm_registry();
    let mut env = TestEnv::new();
    env.npm_with_token(&registry, SECRET);
    env.set("MCPSEC_HTTP_RETRIES", "0");
    registry
        .inject(Fault::RedirectTo { status: 302, origin: format!("http://reader:{SECRET}@127.0.0.1:9") }.on("/left*"));
    let output = env.mcpsec(["add", "npm:files", "-vvv"]);
    assert!(matches!(output.code, Some(1..=3)), "{}", output.snapshot());
    let _outputs = assert_hidden(&env, vec![output]);
}

#[test]
fn git_credentials_are_not_sent_in_clear_text() {
    let (npm, host) = (npm_registry(), GitServer::start());
    let address = host.serve("team/gitty", &git_repository());
    host.require_auth(Auth::basic("reader", SECRET));
    let mut env = TestEnv::new();
    env.npm(&npm);
    let with_secret = address.replacen("http://", &format!("http://reader:{SECRET}@"), 1);
    let output = env.mcpsec(["add", &format!("git+{with_secret}@v1.0.0"), "-vvv"]).exits(3);
    let _output = assert_hidden(&env, vec![output.says("Will not send credentials in clear text")]);
    assert!(host.requests_with_secret(SECRET).is_empty() && npm.requests_with_secret(SECRET).is_empty());
}

#[test]
fn git_credentials_in_the_address_are_not_kept() {
    let npm = npm_registry();
    let mut env = TestEnv::new();
    env.npm(&npm);
    let repository = git_repository();
    let spec = linked_repository(&env, &repository, "v1.0.0").replacen("git+file://", "git+file://reader:SECRET@", 1);
    // A local repository asks nobody for a password; one in its address must still not reach the project's files.
    let output = env.mcpsec(["add", &spec.replacen("SECRET", SECRET, 1), "-vvv"]);
    let _output = assert_hidden(&env, vec![output]);
}

#[test]
fn a_token_for_one_registry_is_not_for_another() {
    let (npm, other) = (npm_registry(), NpmServer::start());
    let env = TestEnv::new();
    // The token belongs to a registry that is not asked.
    env.npmrc(&format!("registry={}\n//127.0.0.1:{}/:_authToken={SECRET}\n", npm.url(), other.port()));
    let _outputs = run_all(&env, "npm:files", "files");
    assert!(npm.requests_with_secret(SECRET).is_empty());
}

#[test]
fn the_secret_of_the_tests_is_what_it_should_be() {
    // A typing mistake in ENCODED would make every test above weaker without failing it.
    assert_eq!(Auth::basic("reader", SECRET).header(), format!("Basic {ENCODED}"));
    let env = TestEnv::new();
    env.write("leak", SECRET);
    assert_eq!(env.files_with(SECRET), ["project/leak"]);
}
