//! A client that sees what is on the wire: one request per connection, and how the answer ended.
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// How long silence must last to be called a stall, when a test expects one: a stalled server never speaks, so a slow
/// machine cannot fail the test.
const SILENCE: Duration = Duration::from_millis(300);

/// How long an answer may take otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the answer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// All that was announced has come.
    Complete,
    /// The connection was closed in order, too early.
    Closed,
    /// The connection was reset.
    Reset,
    /// Nothing more came.
    Silent,
}

/// An answer, or what there was of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// `GET url` with headers. Chunked bodies are left as they are on the wire.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    send("GET", url, headers)
}

/// Any method without a body.
pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    exchange(method, url, headers, PATIENCE)
}

/// `GET url` from a server that is expected to fall silent.
pub(crate) fn get_until_silent(url: &str) -> Answer {
    exchange("GET", url, &[], SILENCE)
}

fn exchange(method: &str, url: &str, headers: &[(&str, &str)], patience: Duration) -> Answer {
    let rest = url.strip_prefix("http://").expect("http");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let mut stream = TcpStream::connect(host).expect("the server listens");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).expect("request sent");
    stream.set_read_timeout(Some(patience)).expect("timeout");

    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut stop = None;
    while stop.is_none() {
        stop = match stream.read(&mut buffer) {
            Ok(0) => Some(End::Closed),
            Ok(length) => {
                bytes.extend_from_slice(&buffer[..length]);
                complete(&bytes, method).then_some(End::Complete)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Some(End::Silent),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(End::Reset),
            Err(error) => panic!("{error}"),
        };
    }
    let end = stop.expect("the loop ended");
    let (head, body) = split(&bytes).unwrap_or((&bytes, &[]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Answer { status, headers: headers.collect(), body: body.to_vec(), end }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((&bytes[..at], &bytes[at + 4..]))
}

fn complete(bytes: &[u8], method: &str) -> bool {
    let Some((head, body)) = split(bytes) else { return false };
    let head = String::from_utf8_lossy(head).to_lowercase();
    if method == "HEAD" || head.starts_with("http/1.1 304") {
        return true;
    }
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with(b"0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}
