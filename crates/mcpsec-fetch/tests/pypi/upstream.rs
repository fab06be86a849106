//! What the index says later about a locked package, and where its files are now.
use mcpsec_fetch::pypi::PypiError;
use mcpsec_model::upstream::UpstreamState;
use mcpsec_testkit::pypi::{PypiServer, wheel};

use super::{Client, LINUX};

#[tokio::test]
async fn yanked_gone_and_unreachable_are_told_apart() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution());
    let client = Client::of(&server);
    let id = "pypi:app@1.0".parse().expect("id");
    let UpstreamState::Present(record) = client.source(true).upstream(&id).await else { panic!("present") };
    assert_eq!(record.files.len(), 1);
    assert!(record.yanked.is_none() && record.files[0].digests.sha256.is_some());
    server.change("app-1.0-py3-none-any.whl", |file| file.yanked = Some("bad".to_owned()));
    let UpstreamState::Present(record) = client.source(true).upstream(&id).await else { panic!("present") };
    assert_eq!(record.yanked.expect("yanked").raw(), "bad");
    server.remove("app-1.0-py3-none-any.whl");
    assert_eq!(client.source(true).upstream(&id).await, UpstreamState::Gone);
    assert!(matches!(client.source(false).upstream(&id).await, UpstreamState::Unreachable(_)));
}

#[tokio::test]
async fn locked_files_are_found_again_with_the_digests_of_the_lock() {
    let server = PypiServer::start();
    server.publish(wheel("app", "1.0").distribution());
    let client = Client::of(&server);
    let resolved = client.resolve("app", LINUX).await.expect("resolved");
    let package = resolved.candidate.packages.values().next().expect("package");
    // The index now claims another digest: what counts is the lock.
    server.change("app-1.0-py3-none-any.whl", |file| file.sha256 = Some("ab".repeat(32)));
    let found = Client::of(&server).source(true).locate(package).await.expect("found");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].expected, package.artifacts[0].digests);
    server.remove("app-1.0-py3-none-any.whl");
    let error = Client::of(&server).source(true).locate(package).await.expect_err("gone");
    assert!(matches!(error, PypiError::FileGone { .. } | PypiError::NotFound { .. }), "{error}");
}
