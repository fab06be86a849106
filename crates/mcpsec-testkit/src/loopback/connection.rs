//! Accepted connections that can be reset instead of closed: the client then sees `ECONNRESET`, not an orderly end.
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// A handle to the connection a request came over.
#[derive(Clone)]
pub(super) struct Connection {
    reset: Arc<AtomicBool>,
}

impl Connection {
    /// Nothing more is sent; the kernel answers with RST.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, LoopbackListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, LoopbackListener>) -> Self {
        Self { reset: Arc::clone(&stream.io().reset) }
    }
}

/// Accepts [`LoopbackStream`]s.
pub(super) struct LoopbackListener(TcpListener);

impl LoopbackListener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for LoopbackListener {
    type Io = LoopbackStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (LoopbackStream { stream, reset: Arc::default() }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A TCP stream that is reset on drop when its [`Connection`] says so.
pub(super) struct LoopbackStream {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl LoopbackStream {
    fn refuse_if_reset(&self) -> io::Result<()> {
        if self.reset.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for LoopbackStream {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            // Without it the close is orderly; the test that asserts a reset would tell.
            let _unsupported = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for LoopbackStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for LoopbackStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.refuse_if_reset()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.refuse_if_reset()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A shutdown would send FIN first, and the client would read an orderly end.
        self.refuse_if_reset()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
