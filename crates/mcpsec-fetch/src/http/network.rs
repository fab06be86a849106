//! The client: one request with redirects, credentials, limits, and the schedule for trying again.
use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backon::BackoffBuilder as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use mcpsec_model::url::SafeUrl;
use tokio::sync::Semaphore;
use url::Host;

use super::{Credentials, HttpError, error::chain, reach::Reach};

/// Redirects followed for one request.
const MAX_REDIRECTS: usize = 5;
/// The first pause before trying again; it doubles each time and gets jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause, also for a server's `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How the client behaves. There is no default: the root decides.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How often a request is repeated after a transient failure; 0 means one attempt only.
    pub retries: usize,
    /// Time to connect, name resolution and TLS included.
    pub connect_timeout: Duration,
    /// Time without any byte arriving after which a transfer counts as broken.
    pub read_timeout: Duration,
    /// Metadata requests in flight at once; at least 1.
    pub metadata_concurrency: usize,
}

/// How long a server may stay silent while a body is sent to it: the silence includes the sending.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Longer bodies are sent with [`UPLOAD_TIMEOUT`].
const QUICK_BODY: usize = 64 << 10;

/// Access to the network. Cheap to clone; clones share connections, limits and counters.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    /// Follows no redirect by itself and decodes nothing: [`Network::open`] and the callers do.
    client: reqwest::Client,
    ranges: OnceLock<reqwest::Client>,
    /// For bodies that take their time to be sent; past any proxy, and not.
    uploads: [OnceLock<reqwest::Client>; 2],
    /// Past any proxy.
    direct: OnceLock<reqwest::Client>,
    options: HttpOptions,
    metadata: Semaphore,
    reach: Arc<Reach>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// A response whose status is 2xx or 304, after redirects, with its body still to come.
pub(crate) struct Opened {
    pub(crate) response: reqwest::Response,
    /// The address that answered.
    pub(crate) url: SafeUrl,
}

impl Network {
    /// Builds the client. Fails when no TLS provider is installed in this process or the trusted roots cannot be read.
    ///
    /// Trusted roots are the system's, or those of `SSL_CERT_FILE`; proxies are those of the system.
    pub fn new(options: HttpOptions) -> Result<Self, HttpError> {
        let client = builder(&options).redirect(reqwest::redirect::Policy::none()).build().map_err(setup)?;
        let metadata = Semaphore::new(options.metadata_concurrency.max(1));
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                ranges: OnceLock::new(),
                uploads: [OnceLock::new(), OnceLock::new()],
                direct: OnceLock::new(),
                options,
                metadata,
                reach: Arc::default(),
                requests: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
            }),
        })
    }

    /// A plain client for libraries that make their own range requests. It follows redirects under the same rules as
    /// everything here, and is stricter in one: see [`keeps_credentials`].
    pub fn client(&self) -> &reqwest::Client {
        self.inner.ranges.get_or_init(|| {
            let policy = reqwest::redirect::Policy::custom(|attempt| {
                let (from, first) = (attempt.previous().last(), attempt.previous().first());
                let downgrade = from.is_some_and(|from| from.scheme() == "https") && attempt.url().scheme() != "https";
                if attempt.previous().len() > MAX_REDIRECTS {
                    attempt.error("too many redirects")
                } else if downgrade {
                    attempt.error("https may not redirect to http")
                } else if !first.zip(from).is_none_or(|(first, from)| keeps_credentials(first, from, attempt.url())) {
                    attempt.error("a second redirect within another origin")
                } else {
                    attempt.follow()
                }
            });
            // The same settings built a client before, so a failure here is not expected; if it comes, a client that
            // follows no redirect is the safe answer.
            builder(&self.inner.options).redirect(policy).build().unwrap_or_else(|_| self.inner.client.clone())
        })
    }

    /// Requests sent so far, redirects and repetitions included.
    pub fn requests_sent(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Body bytes received so far, as transferred.
    pub fn bytes_received(&self) -> u64 {
        self.inner.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.inner.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn metadata_slots(&self) -> &Semaphore {
        &self.inner.metadata
    }

    /// A fresh schedule of pauses for one piece of work.
    pub(crate) fn schedule(&self) -> Schedule {
        let seed = RandomState::new().build_hasher().finish();
        let backoff = backon::ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(self.inner.options.retries)
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Schedule { backoff, reach: Arc::clone(&self.inner.reach) }
    }

    /// Sends one GET and follows redirects. Credentials (the given ones, or those in the URL) go only to the origin of
    /// `url`, and once it is left never again. `headers` go to every hop.
    ///
    /// Answers 2xx and 304; every other status is an error.
    pub(crate) async fn open(
        &self,
        url: &SafeUrl,
        credentials: Option<&Credentials>,
        headers: &HeaderMap,
    ) -> Result<Opened, HttpError> {
        let (mut at, in_url) = split_credentials(url);
        let mut authorization = match credentials.or(in_url.as_ref()) {
            Some(credentials) => {
                let mut value = HeaderValue::from_str(credentials.expose())
                    .map_err(|_| HttpError::Credentials { url: url.clone() })?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        for _hop in 0..=MAX_REDIRECTS {
            if !matches!(at.expose().scheme(), "http" | "https") {
                return Err(HttpError::Scheme { url: at });
            }
            if let Some(reason) = self.inner.reach.given_up(&at) {
                return Err(HttpError::no_connection(&at, &reason));
            }
            self.inner.requests.fetch_add(1, Ordering::Relaxed);
            let client = if authorization.is_some() { self.client_for(&at) } else { &self.inner.client };
            let mut request = client.get(at.expose().clone()).headers(headers.clone());
            if let Some(value) = &authorization {
                request = request.header(header::AUTHORIZATION, value.clone());
            }
            let response = request.send().await.map_err(|error| {
                if !error.is_connect() {
                    return HttpError::transport(&at, error);
                }
                self.inner.reach.failed(&at);
                HttpError::no_connection(&at, &chain(&error.without_url()))
            })?;
            self.inner.reach.answered(&at);
            let status = response.status();
            if status.is_success() || status == StatusCode::NOT_MODIFIED {
                return Ok(Opened { response, url: at });
            }
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Err(refusal(&at, &response));
            }
            let next = redirect_target(&at, &response)?;
            if !at.same_origin(&next) {
                authorization = None;
            }
            tracing::debug!(from = %at, to = %next, "redirect");
            at = next;
        }
        Err(HttpError::Redirect { url: at, reason: "more than 5 redirects" })
    }

    /// Sends one request exactly where it is addressed, and answers whatever comes back: redirects and refusals are the caller's to
    /// read. The credentials go there and nowhere else.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        url: &SafeUrl,
        credentials: Option<&Credentials>,
        headers: HeaderMap,
        body: Option<bytes::Bytes>,
    ) -> Result<reqwest::Response, HttpError> {
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let mut request = self.client_for(url).request(method, url.expose().clone()).headers(headers);
        if let Some(credentials) = credentials {
            let mut value =
                HeaderValue::from_str(credentials.expose()).map_err(|_| HttpError::Credentials { url: url.clone() })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.map_err(|error| HttpError::transport(url, error))
    }

    /// Sends one request of any method to a server that the configuration names, and answers whatever its status is. No redirect is
    /// followed: `credentials` are for exactly this server.
    pub(crate) async fn send(&self, sending: &Sending<'_>) -> Result<reqwest::Response, HttpError> {
        let Sending { method, url, credentials, content_type, body } = sending;
        if !matches!(url.expose().scheme(), "http" | "https") {
            return Err(HttpError::Scheme { url: (*url).clone() });
        }
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let client = if body.len() > QUICK_BODY { self.uploads(url) } else { self.client_for(url) };
        let mut request = client
            .request(method.clone(), url.expose().clone())
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "gzip");
        if let Some(kind) = content_type {
            request = request.header(header::CONTENT_TYPE, *kind).body(body.clone());
        }
        if let Some(credentials) = credentials {
            let mut value = HeaderValue::from_str(credentials.expose())
                .map_err(|_| HttpError::Credentials { url: (*url).clone() })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        request.send().await.map_err(|error| HttpError::transport(url, error))
    }

    /// The client for something that not everybody may hear. What is on this machine is asked past any proxy: plain http is allowed
    /// there because it does not leave the machine, and a proxy is elsewhere.
    fn client_for(&self, url: &SafeUrl) -> &reqwest::Client {
        if !is_here(url) {
            return &self.inner.client;
        }
        self.inner.direct.get_or_init(|| self.another(|builder| builder.no_proxy(), self.inner.options.read_timeout))
    }

    fn uploads(&self, url: &SafeUrl) -> &reqwest::Client {
        let [direct, proxied] = &self.inner.uploads;
        if is_here(url) {
            direct.get_or_init(|| self.another(|builder| builder.no_proxy(), UPLOAD_TIMEOUT))
        } else {
            proxied.get_or_init(|| self.another(|builder| builder, UPLOAD_TIMEOUT))
        }
    }

    /// A client like the first one but for something.
    fn another(
        &self,
        change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
        read_timeout: Duration,
    ) -> reqwest::Client {
        let options = HttpOptions { read_timeout, ..self.inner.options.clone() };
        // As with `client`: a failure is not expected, and the other client is right in most.
        let built = change(builder(&options)).redirect(reqwest::redirect::Policy::none()).build();
        built.unwrap_or_else(|_| self.inner.client.clone())
    }

    /// Sends one POST of JSON, with the credentials of the URL if it has any. Answers 2xx; no redirect is followed, since where a question
    /// goes is for the configuration to say.
    pub(crate) async fn post_json(&self, url: &SafeUrl, body: bytes::Bytes) -> Result<Opened, HttpError> {
        let (at, credentials) = split_credentials(url);
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let mut request = self
            .inner
            .client
            .post(at.expose().clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(body);
        if let Some(credentials) = credentials {
            let mut value =
                HeaderValue::from_str(credentials.expose()).map_err(|_| HttpError::Credentials { url: url.clone() })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let response = request.send().await.map_err(|error| HttpError::transport(&at, error))?;
        match response.status().as_u16() {
            200..=299 => Ok(Opened { response, url: at }),
            300..=399 => Err(HttpError::Redirect { url: at, reason: "a question is not sent on to another address" }),
            _ => Err(refusal(&at, &response)),
        }
    }
}

/// One request for [`Network::send`].
#[derive(Debug)]
pub(crate) struct Sending<'a> {
    pub(crate) method: http::Method,
    pub(crate) url: &'a SafeUrl,
    pub(crate) credentials: Option<&'a Credentials>,
    /// `None`: no body is sent.
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: bytes::Bytes,
}

/// Pauses between attempts.
#[derive(Debug)]
pub(crate) struct Schedule {
    backoff: backon::ExponentialBackoff,
    reach: Arc<Reach>,
}

impl Schedule {
    /// How long to wait before trying again after this error; `None` means give up.
    pub(crate) fn pause(&mut self, error: &HttpError) -> Option<Duration> {
        if !error.is_transient() {
            return None;
        }
        if let HttpError::Network { url, reason } = error {
            if self.reach.given_up(url).is_some() {
                return None;
            }
            let Some(pause) = self.backoff.next() else {
                self.reach.exhausted(url, reason);
                return None;
            };
            return Some(pause.min(LONGEST_PAUSE));
        }
        let pause = self.backoff.next()?;
        Some(error.retry_after().map_or(pause, |asked| asked.max(pause)).min(LONGEST_PAUSE))
    }
}

fn builder(options: &HttpOptions) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.read_timeout)
        .referer(false)
        .no_gzip()
}

/// Whether an address is on this machine.
fn is_here(url: &SafeUrl) -> bool {
    match url.expose().host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn setup(error: reqwest::Error) -> HttpError {
    HttpError::Setup { reason: chain(&error) }
}

/// Whether the HTTP library is sure to send no credentials to another origin on this hop. It restores the original headers
/// on each hop and strips them only when *this* hop changes the origin, so `a → b → b` would hand a's credentials to b.
fn keeps_credentials(first: &url::Url, from: &url::Url, next: &url::Url) -> bool {
    from.origin() == first.origin() || from.origin() != next.origin()
}

/// Takes user and password out of the URL, so that they are handled like all credentials.
fn split_credentials(url: &SafeUrl) -> (SafeUrl, Option<Credentials>) {
    let inner = url.expose();
    if inner.username().is_empty() && inner.password().is_none() {
        return (url.clone(), None);
    }
    let credentials =
        Credentials::basic(&percent_decoded(inner.username()), &percent_decoded(inner.password().unwrap_or_default()));
    let mut bare = inner.clone();
    // Fails only for URLs without a host, which are refused as not http.
    let _no_user = bare.set_username("");
    let _no_password = bare.set_password(None);
    (bare.into(), Some(credentials))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match pair.and_then(|pair| hex::decode(pair).ok()) {
            Some(decoded) => {
                out.extend(decoded);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn redirect_target(at: &SafeUrl, response: &reqwest::Response) -> Result<SafeUrl, HttpError> {
    let refuse = |reason| HttpError::Redirect { url: at.clone(), reason };
    let location = response.headers().get(header::LOCATION).ok_or_else(|| refuse("no Location header"))?;
    let location = location.to_str().map_err(|_| refuse("the Location header is not text"))?;
    let next = at.join(location).map_err(|_| refuse("the Location header is not a URL"))?;
    let scheme = next.expose().scheme();
    if !matches!(scheme, "http" | "https") {
        return Err(refuse("it is not an http or https address"));
    }
    if at.expose().scheme() == "https" && scheme == "http" {
        return Err(refuse("https may not redirect to http"));
    }
    // Credentials that a server puts into a redirect are not ours to send.
    Ok(split_credentials(&next).0)
}

fn refusal(url: &SafeUrl, response: &reqwest::Response) -> HttpError {
    let url = url.clone();
    match response.status().as_u16() {
        404 | 410 => HttpError::NotFound { url },
        status @ (401 | 403 | 407) => HttpError::Unauthorized { url, status },
        status => HttpError::Status { url, status, retry_after: retry_after(response.headers()) },
    }
}

/// The seconds form only: the date form would need a clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The text of one header, if it is text.
pub(crate) fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
