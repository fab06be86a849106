//! Who sent a request, and how they reach us: behind a reverse proxy only the proxy's word tells, and only a proxy that the
//! configuration names is believed.
use std::{
    convert::Infallible,
    fmt,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{Extensions, HeaderMap, request::Parts},
};
use smol_str::{SmolStr, format_smolstr};

use crate::{app::App, config::Config};

/// Tells one request from all others, in answers (`X-Request-Id`), logs and the audit table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestId(SmolStr);

impl RequestId {
    /// A new one: a part that is random per process, and a count.
    pub fn new() -> Self {
        static PROCESS: LazyLock<u32> = LazyLock::new(|| {
            // Keys of the hasher are random; that is all that is wanted: two replicas count differently.
            RandomState::new().build_hasher().finish() as u32
        });
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(format_smolstr!("{:08x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// One that a proxy made: up to 64 letters, digits, `-`, `_` and `.`, so that it can stand in a log.
    fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The sender of a request. The guard puts it into the extensions of every request; as an extractor it never fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// The id of the request.
    pub id: RequestId,
    /// Whose connection it is, or for whom a trusted proxy speaks.
    pub address: IpAddr,
    /// Whether a trusted proxy speaks.
    pub proxied: bool,
}

impl Client {
    pub(super) fn of(config: &Config, request: &Request) -> Self {
        let peer = match request.extensions().get::<ConnectInfo<SocketAddr>>() {
            Some(ConnectInfo(peer)) => peer.ip().to_canonical(),
            None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let trusted = |address: IpAddr| config.trusted_proxies.iter().any(|network| network.holds(address));
        if !trusted(peer) {
            return Self { id: RequestId::new(), address: peer, proxied: false };
        }
        let headers = request.headers();
        let id = single(headers, "x-request-id").and_then(RequestId::parse).unwrap_or_default();
        Self { id, address: forwarded(headers, trusted).unwrap_or(peer), proxied: true }
    }

    fn from_extensions(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self {
            id: RequestId::new(),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            proxied: false,
        })
    }
}

/// The last address of `X-Forwarded-For` that is not of a proxy we trust. What stands further left anybody may have written.
fn forwarded(headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut client = None;
    for value in headers.get_all("x-forwarded-for").into_iter().rev() {
        for word in value.to_str().ok()?.rsplit(',') {
            let word = word.trim();
            let address = word.parse().or_else(|_| word.parse::<SocketAddr>().map(|address| address.ip())).ok()?;
            client = Some(IpAddr::to_canonical(&address));
            if !trusted(address) {
                return client;
            }
        }
    }
    client
}

/// A header that is there exactly once.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::from_extensions(&parts.extensions))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Client::from_extensions(&parts.extensions).id)
    }
}

/// The address under which this client reaches the server, for links in answers: `https://mcp.example.test`, without a slash at
/// the end. As configured (`public-url`), else as the request says; one without a `Host` (HTTP/1.0) gets the address listened on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base(pub String);

impl Base {
    /// For a request with these parts.
    pub fn of(parts: &Parts, config: &Config) -> Self {
        if let Some(url) = &config.public_url {
            return Self(url.without_secrets().as_str().trim_end_matches('/').to_owned());
        }
        let headers = &parts.headers;
        let proxied = parts.extensions.get::<Client>().is_some_and(|client| client.proxied);
        let said = |name| if proxied { single(headers, name) } else { None };
        let https = match said("x-forwarded-proto") {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => config.tls.is_some(),
        };
        let host = said("x-forwarded-host")
            .or_else(|| single(headers, "host"))
            // HTTP/2 has the host in the address.
            .or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
            .filter(|host| is_host(host));
        let scheme = if https { "https" } else { "http" };
        match host {
            Some(host) => Self(format!("{scheme}://{host}")),
            None => Self(format!("{scheme}://{}", config.listen)),
        }
    }
}

/// Whether a request's `Host`, where it has one, is one host with or without a port: RFC 9112, section 3.2 asks for 400 otherwise.
pub(super) fn names_a_host(headers: &HeaderMap) -> bool {
    !headers.contains_key("host") || single(headers, "host").is_some_and(is_host)
}

/// `NAME[:PORT]`, `[ADDRESS][:PORT]`: nothing that could mean more inside a link, a page or JSON.
fn is_host(host: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let reads_as_one = || url::Url::parse(&format!("http://{host}/")).is_ok_and(|url| url.has_host());
    !host.is_empty() && host.len() <= 260 && host.bytes().all(word) && reads_as_one()
}

impl FromRequestParts<App> for Base {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts, &app.config))
    }
}

#[cfg(test)]
mod tests {
    //! Who is believed.
    use std::{net::SocketAddr, path::PathBuf};

    use axum::extract::{ConnectInfo, Request};

    use super::{Base, Client, RequestId};
    use crate::config::Config;

    fn config() -> Config {
        let mut config = Config::in_folder(PathBuf::new());
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
        config
    }

    fn request(peer: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = format!("{peer}:1").parse().expect("an address");
        request.extension(ConnectInfo(peer)).body(axum::body::Body::empty()).expect("a request")
    }

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let headers: Vec<_> = forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
        Client::of(&config(), &request(peer, &headers)).address.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        assert_eq!(address("198.51.100.9", &["203.0.113.1"]), "198.51.100.9");
        assert_eq!(address("10.0.0.1", &["203.0.113.1"]), "203.0.113.1");
        // What the client wrote itself stands left of what proxies wrote.
        assert_eq!(address("10.0.0.1", &["192.0.2.66, 203.0.113.1"]), "203.0.113.1");
        assert_eq!(address("10.0.0.1", &["192.0.2.66, 203.0.113.1, 10.9.9.9"]), "203.0.113.1");
        assert_eq!(address("10.0.0.1", &["192.0.2.66", "203.0.113.1", "10.9.9.9"]), "203.0.113.1");
        assert_eq!(address("10.0.0.1", &["10.0.0.7, 10.9.9.9"]), "10.0.0.7");
        assert_eq!(address("10.0.0.1", &["203.0.113.1:443"]), "203.0.113.1");
        assert_eq!(address("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(address("10.0.0.1", &["::ffff:203.0.113.1"]), "203.0.113.1");
        for nonsense in ["", "unknown", "203.0.113.1;drop", "203.0.113.1,,"] {
            assert_eq!(address("10.0.0.1", &[nonsense]), "10.0.0.1", "{nonsense}");
        }
    }

    #[test]
    fn an_id_comes_from_a_trusted_proxy_and_is_plain() {
        let id = |peer, value| Client::of(&config(), &request(peer, &[("x-request-id", value)])).id;
        assert_eq!(id("10.0.0.1", "abc-1.2_3").as_str(), "abc-1.2_3");
        for (peer, value) in [
            ("198.51.100.9", "abc"),
            ("10.0.0.1", "a b"),
            ("10.0.0.1", "a\"b"),
            ("10.0.0.1", ""),
            ("10.0.0.1", &*"a".repeat(65)),
        ] {
            assert_ne!(id(peer, value).as_str(), value);
        }
        let twice = request("10.0.0.1", &[("x-request-id", "one"), ("x-request-id", "two")]);
        assert!(!["one", "two"].contains(&Client::of(&config(), &twice).id.as_str()));
        assert_ne!(RequestId::new(), RequestId::new());
    }

    #[test]
    fn links_say_what_is_configured_or_a_host_that_is_one() {
        let base = |config: &Config, request: Request| {
            let client = Client::of(config, &request);
            let (mut parts, _) = request.into_parts();
            parts.extensions.insert(client);
            Base::of(&parts, config).0
        };
        let mut config = config();
        assert_eq!(base(&config, request("198.51.100.9", &[("host", "mcp.test:8080")])), "http://mcp.test:8080");
        assert_eq!(
            base(
                &config,
                request(
                    "198.51.100.9",
                    &[("host", "a"), ("x-forwarded-host", "evil.test"), ("x-forwarded-proto", "https")]
                )
            ),
            "http://a"
        );
        assert_eq!(
            base(
                &config,
                request("10.0.0.1", &[("host", "a"), ("x-forwarded-host", "mcp.test"), ("x-forwarded-proto", "https")])
            ),
            "https://mcp.test"
        );
        for host in ["", "a/b", "a\"b", "a<b>", "user@a", "a?b", "a b", "a,b"] {
            assert_eq!(base(&config, request("198.51.100.9", &[("host", host)])), "http://127.0.0.1:7420", "{host}");
        }
        config.public_url = Some("https://mcp.test/team/".parse().expect("a URL"));
        assert_eq!(base(&config, request("198.51.100.9", &[("host", "evil.test")])), "https://mcp.test/team");
    }
}
