//! The pages in a real browser: it shows them, obeys their policy, and complains about nothing. Where Chromium is not installed the
//! tests say so and count as skipped.
use std::path::{Path, PathBuf};

use mcpsec_testkit::program::{find, run};

use crate::{page_world::Version, pages::team};

/// Chromium, under any of the names that systems give it.
fn chromium() -> Option<PathBuf> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find);
    if found.is_none() {
        println!("skipped: no chromium (apt-get install chromium)");
    }
    found
}

/// What a browser made of an address, and all that it logged.
fn seen(chromium: &Path, address: &str) -> (String, String) {
    let profile = tempfile::Builder::new().prefix("mcpsec-chromium").tempdir().expect("a temporary folder");
    let home = profile.path().display().to_string();
    let folder = format!("--user-data-dir={home}");
    let mut arguments =
        vec!["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
    arguments.extend(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]);
    arguments.extend(["--enable-logging=stderr", "--v=0", "--dump-dom"]);
    arguments.extend(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", &folder, address]);
    let done =
        run(chromium, &arguments, &[("HOME", &home), ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LC_ALL", "C.UTF-8")]);
    let (dom, log) =
        (String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned());
    assert_eq!(done.code, Some(0), "{log}");
    (dom, log)
}

/// What the page's console says, and what the policy refused.
fn complaints(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("CONSOLE") || line.contains("Content Security Policy")).collect()
}

#[test]
fn a_browser_shows_every_page_without_a_complaint() {
    let Some(chromium) = chromium() else { return };
    let pages = team();
    let base = pages.listen();
    let lock = mcpsec_model::digest::Digest::sha256_of(Version::new("files", "1.2.0").lock().to_text().as_bytes());
    for (path, words) in [
        ("/", "files-mcp"),
        ("/pending", "mcpsec approve files"),
        ("/log", "its maintainer sold it"),
        ("/search?q=read", "tool"),
        (&format!("/servers/files/{lock}"), "read the closure and the tools"),
        (&format!("/servers/files/{lock}/manifest"), "Reads one file."),
        ("/servers/files/compare", "What changed"),
        ("/servers/nobody", "no server of that name"),
    ] {
        let (dom, log) = seen(&chromium, &format!("{base}{path}"));
        assert!(dom.contains(words), "{path}: {words}\n{dom}");
        // A page that is not there is one line in the console: the browser's own.
        let complaints: Vec<&str> = complaints(&log).into_iter().filter(|line| !line.contains("404")).collect();
        assert!(complaints.is_empty(), "{path}: {complaints:?}");
    }
}

/// The browser refuses what the policy forbids: without this, the test above would also pass with no policy at all.
#[test]
fn a_browser_obeys_the_policy_of_the_pages() {
    let Some(chromium) = chromium() else { return };
    let pages = team();
    let answer = pages.get("/");
    let policy = answer.headers["content-security-policy"].to_str().expect("text").to_owned();
    let inject =
        "<script>document.title='ran'</script><img src=\"http://127.0.0.1:9/x.png\"><p style=\"color:red\">x</p>";
    let body = answer.body.replace("</main>", &format!("{inject}</main>"));
    let router = axum::Router::new().route(
        "/",
        axum::routing::get(move || async move {
            ([("content-type", "text/html; charset=utf-8".to_owned()), ("content-security-policy", policy)], body)
        }),
    );
    let base = pages.listen_to(router);
    let (dom, log) = seen(&chromium, &base);
    assert!(dom.contains("document.title='ran'") && !dom.contains("<title>ran"), "the script is there and did not run");
    let refused = complaints(&log);
    for kind in ["script", "image", "style"] {
        assert!(refused.iter().any(|line| line.to_lowercase().contains(kind)), "{kind}: {refused:?}");
    }
}

/// A team to look at by hand: `cargo test --test registry serve_a_team -- --ignored --nocapture`, then open the address.
#[test]
#[ignore = "serves until somebody presses Ctrl-C, for people who want to look at the pages"]
fn serve_a_team() {
    let pages = team();
    println!("{}", pages.listen());
    loop {
        std::thread::park();
    }
}
