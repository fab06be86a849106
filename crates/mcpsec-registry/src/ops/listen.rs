//! Connections: how many, over TLS or not, how long they may say or take nothing, and how they end.
use std::{
    collections::HashMap,
    future::{Ready, ready},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use axum_server::{
    Handle,
    accept::Accept,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::rt::TokioTimer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};

use super::{metrics::Held, rate::party};
use crate::{
    app::App,
    config::Tls,
    trust::{self, Look},
};

/// Why it does not serve.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct ServeError {
    what: String,
    why: io::Error,
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> ServeError {
    move |why| ServeError { what: what.into(), why }
}

/// Answers until `SIGTERM` or `SIGINT`; then lets requests that run end, for `limits.shutdown` at most. A second signal ends them at
/// once. `ready` is told the address when connections are taken.
///
/// # Errors
/// [`ServeError`]: the address is taken, or the certificate cannot be used.
pub async fn serve(app: App, router: Router, ready: impl FnOnce(&str)) -> Result<(), ServeError> {
    let listen = app.config.listen;
    let listener = std::net::TcpListener::bind(listen)
        .map_err(|why| ServeError { what: format!("failed to listen on {listen}{}", next_of(why.kind())), why })?;
    let address = listener.local_addr().map_err(failed("failed to read the address"))?;
    listener.set_nonblocking(true).map_err(failed("failed to listen"))?;
    let tls = match &app.config.tls {
        Some(tls) => Some(certificate(tls).await?),
        None => None,
    };
    let handle = Handle::new();
    tokio::spawn(signals(app.clone(), handle.clone(), tls.clone()));
    ready(&format!("{}://{address}", if tls.is_some() { "https" } else { "http" }));
    let gate = Gate::new(&app);
    let limits = &app.config.limits;
    let mut server = axum_server::from_tcp(listener)
        .map_err(failed("failed to listen"))?
        .handle(handle)
        .first_request_timeout(limits.header_timeout)
        .accept_error_handler(|_, error| tracing::debug!(target: "connection", %error, "a connection failed"));
    let http = server.http_builder();
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout).max_buf_size(64 << 10);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(32 << 10)
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.header_timeout);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = match tls {
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls).handshake_timeout(limits.header_timeout).acceptor(gate);
            server.acceptor(acceptor).serve(service).await
        }
        None => server.acceptor(gate).serve(service).await,
    };
    served.map_err(failed("failed to serve"))
}

/// What to do about an address that cannot be listened on.
fn next_of(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => " (end what listens there, or choose another port with `--listen`)",
        io::ErrorKind::PermissionDenied => " (ports below 1024 are not for everybody: choose another with `--listen`)",
        io::ErrorKind::AddrNotAvailable => " (this machine has no such address: choose another with `--listen`)",
        _ => "",
    }
}

/// Reads the certificate and its key, as `serve` will.
///
/// # Errors
/// [`ServeError`]: one cannot be read, or they do not belong together.
pub async fn certificate(tls: &Tls) -> Result<RustlsConfig, ServeError> {
    RustlsConfig::from_pem_file(&tls.cert, &tls.key).await.map_err(failed(format!(
        "failed to use the certificate {} with the key {}",
        tls.cert.display(),
        tls.key.display()
    )))
}

#[cfg(unix)]
async fn signals(app: App, handle: Handle<SocketAddr>, tls: Option<RustlsConfig>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, interrupt, hangup) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = (terminate, interrupt, hangup) else {
        tracing::error!("signals cannot be watched; the server ends without grace");
        return;
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {
                renew(&app, tls.as_ref()).await;
                continue;
            }
        }
        if app.stop() {
            tracing::warn!("asked again: connections are closed now");
            handle.shutdown();
            return;
        }
        tracing::info!(
            connections = handle.connection_count(),
            "asked to end: no new connections, requests that run may end"
        );
        handle.graceful_shutdown(Some(app.config.limits.shutdown));
    }
}

#[cfg(not(unix))]
async fn signals(app: App, handle: Handle<SocketAddr>, _tls: Option<RustlsConfig>) {
    if tokio::signal::ctrl_c().await.is_ok() {
        app.stop();
        handle.graceful_shutdown(Some(app.config.limits.shutdown));
    }
}

/// What cannot be used leaves the old one in place.
#[cfg(unix)]
async fn renew(app: &App, config: Option<&RustlsConfig>) {
    // What fails was logged where it failed.
    let _tried = trust::renew(app, Look::Once).await;
    let (Some(config), Some(tls)) = (config, &app.config.tls) else { return };
    match config.reload_from_pem_file(&tls.cert, &tls.key).await {
        Ok(()) => tracing::info!("the certificate was read again"),
        Err(error) => tracing::error!(%error, "the certificate cannot be used; the old one stays"),
    }
}

/// Lets in as many connections as may be open at once, and of one client no more than three quarters of them: whoever opens
/// connections and says nothing does not keep everybody else out. Proxies that the configuration names speak for many.
#[derive(Clone, Debug)]
struct Gate {
    app: App,
    places: Arc<Semaphore>,
    share: u32,
    open: Open,
}

impl Gate {
    fn new(app: &App) -> Self {
        let connections = app.config.limits.connections;
        let places = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            app: app.clone(),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            share: connections - connections / 4,
            open: Arc::default(),
        }
    }

    /// A place for this client; `None` when it has its share.
    fn share(&self, peer: IpAddr) -> Option<Share> {
        let peer = peer.to_canonical();
        if self.app.config.trusted_proxies.iter().any(|network| network.holds(peer)) {
            return Some(Share(None));
        }
        let client = party(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(client).or_default();
        if *count >= self.share {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Share(Some((client, Arc::clone(&self.open)))))
    }
}

/// What a client has open, counted as long as it lives.
struct Share(Option<(u64, Open)>);

/// How many connections each client has open.
type Open = Arc<Mutex<HashMap<u64, u32>>>;

impl Drop for Share {
    fn drop(&mut self) {
        let Some((client, open)) = &self.0 else { return };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(client) {
            *count -= 1;
            if *count == 0 {
                open.remove(client);
            }
        }
    }
}

impl<S> Accept<TcpStream, S> for Gate {
    type Stream = Watched;
    type Service = S;
    type Future = Ready<io::Result<(Watched, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let places = (
            Arc::clone(&self.places).try_acquire_owned(),
            stream.peer_addr().ok().and_then(|peer| self.share(peer.ip())),
        );
        let (Ok(place), Some(share)) = places else {
            self.app.metrics.refused("connections");
            return ready(Err(io::Error::other("too many connections")));
        };
        // Answers are written whole; waiting for more to send would only delay them.
        let no_delay = stream.set_nodelay(true);
        let watched = Watched {
            stream,
            idle: self.app.config.limits.idle,
            stalled: None,
            _place: place,
            _share: share,
            _counted: self.app.metrics.connected(),
        };
        ready(no_delay.map(|()| (watched, service)))
    }
}

/// A connection that fails when the other side takes nothing for too long; otherwise whoever asks for files and does not read them
/// would hold memory and a place for ever.
struct Watched {
    stream: TcpStream,
    idle: Duration,
    /// Set while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
    _share: Share,
    _counted: Held,
}

impl Watched {
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let idle = self.idle;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + idle)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side takes nothing")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
