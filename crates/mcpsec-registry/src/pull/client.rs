//! The HTTP client of pull-through: it asks whom it may, follows nothing, and stops in time.
use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::Stream;
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use url::Url;

use super::{
    PullError,
    hosts::{Hosts, is_public, shown},
};
use crate::config::PullThrough;

const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(20);

/// Asks upstreams.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    hosts: Arc<Hosts>,
}

/// Resolves names, and refuses those that lead to private addresses. The connection goes to exactly the addresses that were looked at,
/// so that a name which changes its mind in between (DNS rebinding) gains nothing.
struct Public(Arc<Hosts>);

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            allowed(&hosts, name.as_str(), &found)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One private address among several is enough to refuse: which one is taken would be chance.
fn allowed(hosts: &Hosts, name: &str, found: &[SocketAddr]) -> Result<(), std::io::Error> {
    if hosts.may_be_private(name) || found.iter().all(|address| is_public(address.ip())) {
        return Ok(());
    }
    Err(std::io::Error::other(format!(
        "{name} has a private address, which [pull-through] private-hosts does not allow"
    )))
}

impl Client {
    pub(super) fn new(config: &PullThrough) -> Result<Self, PullError> {
        let hosts = Arc::new(Hosts::new(config));
        let http = reqwest::Client::builder()
            .user_agent(concat!("mcpsec-registry/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            // A proxy would resolve names itself, past the check.
            .no_proxy()
            // Digests are about the bytes as they are.
            .no_gzip()
            .dns_resolver(Arc::new(Public(Arc::clone(&hosts))))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .pool_max_idle_per_host(2)
            .build()
            .map_err(PullError::Client)?;
        Ok(Self { http, hosts })
    }

    /// The body of a good answer, of at most `most` bytes by its own word; whoever reads it counts.
    pub(super) async fn get(
        &self,
        url: &Url,
        accept: &'static str,
        most: u64,
    ) -> Result<impl Stream<Item = Result<Bytes, reqwest::Error>> + use<>, PullError> {
        self.hosts.check(url)?;
        let refuse = |why: String| PullError::Answer(shown(url), why);
        let request = self.http.get(url.clone()).header(http::header::ACCEPT, accept);
        let answer = request.send().await.map_err(|error| refuse(reasons(&error)))?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(refuse(format!("it answers {status}, and redirects are not followed")));
        }
        if status == http::StatusCode::NOT_FOUND || status == http::StatusCode::GONE {
            return Err(PullError::Absent(format!("{}: {status}", shown(url))));
        }
        if status != http::StatusCode::OK {
            return Err(refuse(format!("it answers {status}")));
        }
        if let Some(length) = answer.content_length().filter(|length| *length > most) {
            return Err(refuse(format!("it has {length} bytes, and at most {most} are expected")));
        }
        Ok(answer.bytes_stream())
    }
}

/// An error with what caused it, without the address.
fn reasons(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut said = "it does not answer".to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        said = format!("{said}: {}", mcpsec_model::text::Untrusted::new(inner.to_string()).excerpt(160));
        cause = inner.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pull::allowing;

    #[test]
    fn one_private_address_is_enough_to_refuse_a_name() {
        let hosts = Hosts::new(&allowing("https://npm.example.test/", &[], &["inside.example.test"]));
        let at = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| SocketAddr::new(text.parse().expect(text), 0)).collect()
        };
        assert!(allowed(&hosts, "npm.example.test", &at(&["1.1.1.1", "2606:4700::1"])).is_ok());
        for addresses in [&["169.254.169.254"][..], &["1.1.1.1", "127.0.0.1"], &["::1"], &["::ffff:10.0.0.1"]] {
            assert!(allowed(&hosts, "npm.example.test", &at(addresses)).is_err(), "{addresses:?}");
            assert!(allowed(&hosts, "inside.example.test", &at(addresses)).is_ok());
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_asked() {
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = server.local_addr().expect("an address").port();
        let client = Client::new(&allowing(&format!("https://localhost:{port}/"), &[], &[])).expect("a client");
        let url = format!("https://localhost:{port}/x").parse().expect("a URL");
        let Err(error) = client.get(&url, "*/*", 10).await else { panic!("it was asked") };
        assert!(error.to_string().contains("private address"), "{error}");
    }
}
