//! An HTTP/1.1 server on `127.0.0.1` with its own thread, a request log, optional authentication and faults on demand.
//!
//! A protocol (npm, PyPI, git) is a [`Routes`]: a plain function from [`Request`] to [`Reply`]. Everything that is the same
//! for all of them happens here, in this order: log the request, look for a fault that replaces the answer, check
//! credentials, ask the routes, answer `304` when the client already has it, then damage the answer if a fault says so.
mod connection;
mod fault;
mod fault_text;
mod reply;
mod request;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{ConnectInfo, State},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{net::TcpListener, sync::oneshot};

use self::{
    connection::{Connection, LoopbackListener},
    fault::Active,
};
pub use self::{
    fault::{Fault, Injection},
    fault_text::{FAULT_KINDS, FaultTextError},
    reply::{RangeSupport, Reply},
    request::Request,
};

/// Longest request body read, in bytes; git pushes nothing here and negotiation is small.
const MAX_REQUEST_BODY: usize = 64 << 20;

/// What a server answers when nothing is wrong. Called on a blocking thread, so it may wait for a program.
pub trait Routes: Send + Sync + 'static {
    /// The answer to one request. `base` is the server's own address without a trailing slash, `http://127.0.0.1:1234`.
    fn answer(&self, request: &Request, base: &str) -> Reply;
}

/// Credentials a server asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Auth {
    /// `Authorization: Bearer <token>`.
    Bearer(String),
    /// `Authorization: Basic base64(user:password)`.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
}

impl Auth {
    /// A bearer token.
    pub fn bearer(token: &str) -> Self {
        Self::Bearer(token.to_owned())
    }

    /// User and password.
    pub fn basic(user: &str, password: &str) -> Self {
        Self::Basic { user: user.to_owned(), password: password.to_owned() }
    }

    /// The value of the `Authorization` header that is let in.
    pub fn header(&self) -> String {
        match self {
            Self::Bearer(token) => format!("Bearer {token}"),
            Self::Basic { user, password } => format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
        }
    }

    fn challenge(&self) -> &'static str {
        match self {
            Self::Bearer(_) => "Bearer realm=\"testkit\"",
            Self::Basic { .. } => "Basic realm=\"testkit\", charset=\"UTF-8\"",
        }
    }
}

/// A running server. Dropping it closes the port and every connection before `drop` returns.
pub struct Loopback {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    base: String,
    routes: Arc<dyn Routes>,
    log: Mutex<Vec<Request>>,
    injections: Mutex<Vec<Active>>,
    auth: Mutex<Option<Auth>>,
    gzip: AtomicBool,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
}

/// A poisoned lock means another test thread failed; its failure is the one worth reading, so go on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loopback {
    /// Starts a server on a free port.
    pub fn start(routes: Arc<dyn Routes>) -> Self {
        Self::start_on(0, routes).expect("a loopback port is free")
    }

    /// Starts a server on `port`; 0 means any free one.
    pub fn start_on(port: u16, routes: Arc<dyn Routes>) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            base: format!("http://{address}"),
            routes,
            log: Mutex::default(),
            injections: Mutex::default(),
            auth: Mutex::default(),
            gzip: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("loopback".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the listener is non-blocking");
                let app = Router::new().fallback(respond).with_state(state);
                let service = app.into_make_service_with_connect_info::<Connection>();
                let serving = axum::serve(LoopbackListener::new(listener), service);
                tokio::select! {
                    _stop_or_owner_gone = stopped => {}
                    ended = std::future::IntoFuture::into_future(serving) => ended.expect("axum::serve does not end"),
                }
            });
            // Connections are tasks of this runtime: they end here. A blocking answer that still runs is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.shared.base
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `base()` with `user:password@` in it, as an index URL may carry it.
    pub fn base_with_userinfo(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.address)
    }

    /// From now on answers 401 to every request without these credentials.
    pub fn require_auth(&self, auth: Auth) {
        *lock(&self.shared.auth) = Some(auth);
    }

    /// Everybody may read again.
    pub fn allow_anonymous(&self) {
        *lock(&self.shared.auth) = None;
    }

    /// Compresses metadata for clients that accept gzip (off unless asked for).
    pub fn set_gzip(&self, on: bool) {
        self.shared.gzip.store(on, Ordering::Relaxed);
    }

    /// Adds a fault. The oldest one that matches a request and is not used up wins.
    pub fn inject(&self, injection: impl Into<Injection>) {
        lock(&self.shared.injections).push(Active::new(injection.into()));
    }

    /// Removes all faults.
    pub fn heal(&self) {
        lock(&self.shared.injections).clear();
    }

    /// All requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// The requests so far, which are forgotten.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut lock(&self.shared.log))
    }

    /// How many requests had a path (without query) that matches `pattern`; `*` stands for any characters.
    #[must_use]
    pub fn count(&self, pattern: &str) -> usize {
        lock(&self.shared.log).iter().filter(|request| request.matches(pattern)).count()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        lock(&self.shared.log).clear();
        self.shared.peak.store(0, Ordering::SeqCst);
    }

    /// The requests in which `secret` appears anywhere: path, query, or a header, also inside base64 basic credentials.
    #[must_use]
    pub fn requests_with_secret(&self, secret: &str) -> Vec<Request> {
        lock(&self.shared.log).iter().filter(|request| request.carries(secret)).cloned().collect()
    }

    /// The largest number of requests that were being answered at the same time.
    #[must_use]
    pub fn peak_concurrency(&self) -> usize {
        self.shared.peak.load(Ordering::SeqCst)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself; then there is nobody to tell.
            let _already_stopped = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic in the server thread was printed there; a second one in `drop` would abort the test run.
            let _panicked = thread.join();
        }
    }
}

/// Counts a request as being answered for as long as it lives.
struct InFlight(Arc<Shared>);

impl InFlight {
    fn new(shared: &Arc<Shared>) -> Self {
        let now = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        shared.peak.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn respond(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: axum::extract::Request,
) -> Response {
    let in_flight = InFlight::new(&shared);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BODY).await else {
        return Reply::text(413, "request body too large").into_response();
    };
    let request = Request::new(&parts, body);
    lock(&shared.log).push(request.clone());

    let fault = {
        let mut injections = lock(&shared.injections);
        injections.iter_mut().find_map(|active| active.take(&request))
    };
    if let Some(fault) = &fault
        && let Some(reply) = fault.instead(&request, &connection).await
    {
        return reply;
    }

    let refused = lock(&shared.auth).as_ref().and_then(|auth| {
        let allowed = request.header("authorization") == Some(auth.header().as_str());
        (!allowed).then(|| Reply::text(401, "credentials wanted").header("www-authenticate", auth.challenge()))
    });
    let reply = match refused {
        Some(refused) => refused,
        None => {
            let (routes, asked, base) = (Arc::clone(&shared.routes), request.clone(), shared.base.clone());
            tokio::task::spawn_blocking(move || routes.answer(&asked, &base))
                .await
                .unwrap_or_else(|_| Reply::text(500, "the test server's own routes panicked"))
        }
    };
    let reply = reply.for_request(&request, shared.gzip.load(Ordering::Relaxed));
    let response = match fault {
        Some(fault) => fault.damage(reply, &request, connection),
        None => reply.into_response(),
    };
    drop(in_flight);
    response
}
