//! How bytes come in: HTTP and its cache, downloads, the store, archives. Loopback only.
mod archives;
mod download;
mod faults;
mod http;
mod responder;
mod unpack;
mod unpack_readers;

use std::{path::Path, time::Duration};

use mcpsec_fetch::http::{HttpOptions, Network};

/// A client for tests. Installs the crypto provider, as main does.
fn network(retries: usize) -> Network {
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Network::new(HttpOptions {
        user_agent: "mcpsec-test".to_owned(),
        retries,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_millis(400),
        metadata_concurrency: 8,
    })
    .expect("client")
}

/// Puts bytes into a file, as damage or as a fixture.
#[expect(clippy::disallowed_methods, reason = "a test writes what no reader is meant to see half written or not")]
fn overwrite(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("write");
}
