//! The simple index in both forms, files in ranges, metadata and provenance.
use mcpsec_testkit::{PypiServer, loopback::RangeSupport, pypi::CoreMetadata, sdist, wheel};
use serde_json::json;

use crate::client::get;

const JSON: (&str, &str) = ("accept", "application/vnd.pypi.simple.v1+json, text/html;q=0.01");

fn server() -> PypiServer {
    let server = PypiServer::start();
    server.publish(
        wheel("My.Server", "1.0").requires("x>=1").requires_python(">=3.10").uploaded("2025-02-03T04:05:06.000000Z"),
    );
    server.publish(sdist("My.Server", "1.0").requires_python(">=3.10"));
    server.publish(wheel("My.Server", "0.9").yanked("broken & bad"));
    server
}

#[test]
fn the_json_page_says_everything() {
    let server = server();
    let answer = get(&format!("{}my-server/", server.url()), &[JSON]);
    assert_eq!(answer.header("content-type"), Some("application/vnd.pypi.simple.v1+json"));
    let page = answer.json();
    assert_eq!((&page["name"], &page["versions"]), (&json!("my-server"), &json!(["0.9", "1.0"])));
    let file = |name: &str| {
        let files = page["files"].as_array().expect("files");
        files.iter().find(|file| file["filename"] == name).expect("listed").clone()
    };
    assert_eq!(file("my_server-0.9-py3-none-any.whl")["yanked"], "broken & bad");
    let own = file("my_server-1.0-py3-none-any.whl");
    assert_eq!(
        (&own["requires-python"], &own["upload-time"]),
        (&json!(">=3.10"), &json!("2025-02-03T04:05:06.000000Z"))
    );
    let bytes = wheel("My.Server", "1.0").requires("x>=1").requires_python(">=3.10").bytes();
    assert_eq!(own["size"], bytes.len());
    assert_eq!(get(own["url"].as_str().expect("url"), &[]).body, bytes);
    assert!(own.get("core-metadata").is_none() && own.get("provenance").is_none());
}

#[test]
fn the_html_page_is_for_those_who_ask_for_nothing_better() {
    let server = server();
    let url = format!("{}my-server/", server.url());
    let answer = get(&url, &[("accept", "text/html")]);
    assert!(answer.header("content-type").expect("type").starts_with("text/html"));
    let text = answer.text();
    assert!(
        text.contains("data-requires-python=\"&gt;=3.10\"") && text.contains("data-yanked=\"broken &amp; bad\""),
        "{text}"
    );
    assert!(text.contains("/files/my_server-1.0.tar.gz#sha256="), "{text}");
    server.serving(|serving| serving.json = false);
    assert!(get(&url, &[JSON]).text().starts_with("<!DOCTYPE html>"));
    server.serving(|serving| serving.relative_urls = true);
    assert!(get(&url, &[JSON]).text().contains("href=\"../../files/"));
    server.serving(|serving| (serving.json, serving.html) = (true, false));
    assert_eq!(get(&url, &[("accept", "text/html")]).status, 406);
}

#[test]
fn names_have_one_address() {
    let server = server();
    for path in ["simple/My.Server/", "simple/my-server", "simple"] {
        let answer = get(&format!("{}/{path}", server.base()), &[]);
        assert_eq!(answer.status, 301, "{path}");
    }
    assert_eq!(get(&format!("{}nobody/", server.url()), &[]).status, 404);
    assert!(get(&server.url(), &[JSON]).text().contains("my-server"));
}

#[test]
fn metadata_files_are_offered_on_request() {
    let server = server();
    let page = || get(&format!("{}my-server/", server.url()), &[JSON]).json();
    let metadata = format!("{}/files/my_server-1.0-py3-none-any.whl.metadata", server.base());
    assert_eq!(get(&metadata, &[]).status, 404);
    server.serving(|serving| serving.core_metadata = CoreMetadata::Offered);
    let announced =
        page()["files"].as_array().expect("files").iter().filter(|file| file.get("core-metadata").is_some()).count();
    assert_eq!(announced, 2, "wheels only");
    assert!(get(&metadata, &[]).text().contains("Requires-Dist: x>=1"));
    server.serving(|serving| serving.core_metadata = CoreMetadata::Broken);
    assert_eq!(get(&metadata, &[]).status, 404);
    assert!(page().to_string().contains("core-metadata"));
}

#[test]
fn files_come_in_ranges_as_far_as_the_server_goes() {
    let server = server();
    let url = format!("{}/files/my_server-1.0-py3-none-any.whl", server.base());
    let bytes = get(&url, &[]).body;
    let part = |range: &str| get(&url, &[("range", range)]);
    for (range, expected) in
        [("bytes=0-3", &bytes[..4]), ("bytes=10-", &bytes[10..]), ("bytes=-20", &bytes[bytes.len() - 20..])]
    {
        let answer = part(range);
        assert_eq!((answer.status, &answer.body[..]), (206, expected), "{range}");
    }
    assert_eq!(part("bytes=0-3").header("content-range"), Some(format!("bytes 0-3/{}", bytes.len()).as_str()));
    assert_eq!(part("bytes=999999-").status, 416);
    server.serving(|serving| serving.ranges = RangeSupport::NoSuffix);
    assert_eq!((part("bytes=-20").status, part("bytes=0-3").status), (501, 206));
    server.serving(|serving| serving.ranges = RangeSupport::Off);
    assert_eq!((part("bytes=0-3").status, part("bytes=0-3").body), (200, bytes));
}

#[test]
fn provenance_has_an_address_of_its_own() {
    let server = PypiServer::start();
    server.publish(wheel("a", "1.0").distribution().provenance(r#"{"version":1}"#).claimed_size(7));
    let page = get(&format!("{}a/", server.url()), &[JSON]).json();
    assert_eq!(page["files"][0]["size"], 7);
    let url = page["files"][0]["provenance"].as_str().expect("url").to_owned();
    assert_eq!(get(&url, &[]).text(), r#"{"version":1}"#);
}
