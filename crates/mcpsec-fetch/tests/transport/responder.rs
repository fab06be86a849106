//! A loopback HTTP/1.1 server that answers what a closure says and remembers what it was asked.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use mcpsec_model::url::SafeUrl;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A request as it came: target and headers with lower-case names.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What to answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Send only so many bytes of the body, then close.
    pub(crate) cut_after: Option<usize>,
    /// Leave out Content-Length, so that the end of the connection ends the body.
    pub(crate) no_length: bool,
    /// Send this part of the body and then nothing, keeping the connection open.
    pub(crate) stall_after: Option<usize>,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self::status(302).with("location", to)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// The server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) origin: String,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let origin = format!("http://{}", listener.local_addr().expect("address"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&log));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                tokio::spawn(async move {
                    let _end_of_connection = serve(stream, &*answer, &seen).await;
                });
            }
        });
        Self { origin, log }
    }

    pub(crate) fn url(&self, path: &str) -> SafeUrl {
        format!("{}{path}", self.origin).parse().expect("url")
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().expect("log").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked().len()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Asked) -> Reply + Send + Sync),
    log: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            let mut chunk = [0; 4096];
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            buffer.extend_from_slice(&chunk[..read]);
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("/").to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let asked = Asked { target, headers };
        log.lock().expect("log").push(asked.clone());
        let reply = answer(&asked);
        let mut head = format!("HTTP/1.1 {} x\r\n", reply.status);
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let bodiless = reply.status == 304;
        if !reply.no_length && !bodiless {
            head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        let sent = reply.cut_after.or(reply.stall_after).unwrap_or(reply.body.len());
        if !bodiless {
            stream.write_all(&reply.body[..sent]).await?;
        }
        stream.flush().await?;
        if reply.stall_after.is_some() {
            std::future::pending::<()>().await;
        }
        if reply.cut_after.is_some() || reply.no_length {
            return Ok(());
        }
    }
}
