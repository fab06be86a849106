//! Asking a server from a test: whole answers for most, raw bytes where the request itself is the point.
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::LazyLock,
    time::Duration,
};

use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // Another test may have been first.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Runtime::new().expect("a runtime")
});

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Runs something asynchronous from a test.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// A client that follows nothing and asks no proxy.
pub(crate) fn client() -> reqwest::Client {
    let _guard = RUNTIME.enter();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client")
}

/// Asks, and reads the answer; an error is a server that does not answer.
pub(crate) fn try_ask(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    wait(async {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, body: answer.bytes().await?.to_vec() })
    })
}

/// [`try_ask`] of a server that must answer.
pub(crate) fn ask(request: reqwest::RequestBuilder) -> Answer {
    try_ask(request).expect("an answer")
}

/// `GET` with these headers.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    ask(headers.iter().fold(client().get(url), |request, (name, value)| request.header(*name, *value)))
}

/// Sends bytes as they are and reads until the server closes, or for this long.
pub(crate) fn raw(address: &str, bytes: &[u8], patience: Duration) -> Vec<u8> {
    let mut stream = connect(address);
    stream.set_read_timeout(Some(patience)).expect("a time-out");
    // A server that had enough closes before it took everything.
    let _sent = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        answer.extend_from_slice(&chunk[..read]);
    }
    answer
}

/// A connection to `http://HOST:PORT`.
pub(crate) fn connect(address: &str) -> TcpStream {
    TcpStream::connect(address.trim_start_matches("http://")).expect("a connection")
}

/// Waits until something holds; fails the test after a minute.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within a minute: {what}");
}
