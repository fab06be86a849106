//! One question to the registry's API: repeated while that may help, never sent on to another address, read up to a limit.
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use mcpsec_model::{text::Untrusted, url::SafeUrl};
use serde::Deserialize;

use super::MirrorError;
use crate::http::{Credentials, HttpError, Network, Sending, read_body, retry_after};

/// The longest answer of the API, unless a question expects more.
const MAX_ANSWER: usize = 16 << 20;
/// The longest refusal that is read for its words.
const MAX_REFUSAL: usize = 64 << 10;
/// How long one attempt to send something may take, however steadily its bytes trickle.
const SENDING: Duration = Duration::from_secs(900);
/// How long a question may take that sends nothing, repetitions included: many are asked, and whoever trickles could hold up all.
const ASKING: Duration = Duration::from_secs(120);

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    pub(super) url: &'a SafeUrl,
    /// `None`: no body.
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Bytes,
    /// The longest answer, in bytes.
    pub(super) limit: usize,
    /// How long it may take.
    pub(super) patience: Patience,
}

/// How long something may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// Each attempt.
    Each(Duration),
    /// All attempts together.
    All(Duration),
}

impl<'a> Question<'a> {
    pub(super) fn of(method: Method, url: &'a SafeUrl) -> Self {
        let patience = Patience::All(ASKING);
        Self { method, url, content_type: None, body: Bytes::new(), limit: MAX_ANSWER, patience }
    }

    pub(super) fn with(method: Method, url: &'a SafeUrl, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let patience = Patience::Each(SENDING);
        Self { content_type: Some(content_type), body: body.into(), patience, ..Self::of(method, url) }
    }
}

/// A final answer: 2xx or 4xx.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    body: Bytes,
}

impl Answer {
    /// 404 or 410.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.status, 404 | 410)
    }

    /// The body of a success.
    pub(super) fn accepted(self, url: &SafeUrl) -> Result<Bytes, MirrorError> {
        #[derive(Deserialize)]
        struct Words {
            error: String,
            hint: Option<String>,
        }
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        // Whatever else stands there (a proxy's page) are not the registry's words.
        let words = serde_json::from_slice::<Words>(&self.body).ok();
        let (said, hint) = words.map(|words| (words.error, words.hint)).unwrap_or_default();
        Err(MirrorError::Refused {
            url: url.clone(),
            status: self.status,
            said: Untrusted::new(said).excerpt(400),
            hint: hint.map(|hint| Untrusted::new(hint).excerpt(400)),
        })
    }
}

/// Asks until there is an answer that another attempt would not change.
pub(super) async fn ask(
    network: &Network,
    token: Option<&Credentials>,
    question: Question<'_>,
) -> Result<Answer, HttpError> {
    let Question { method, url, content_type, body, limit, patience } = question;
    let sending = Sending { method, url, credentials: token, content_type, body };
    let late = |patience: Duration| {
        let reason = format!("not complete after {} seconds", patience.as_secs());
        Err(HttpError::Network { url: url.clone(), reason })
    };
    match patience {
        Patience::All(all) => {
            let asked = repeated(network, || once(network, &sending, limit));
            tokio::time::timeout(all, asked).await.unwrap_or_else(|_| late(all))
        }
        Patience::Each(each) => {
            let attempt = async || {
                tokio::time::timeout(each, once(network, &sending, limit)).await.unwrap_or_else(|_| late(each))
            };
            repeated(network, attempt).await
        }
    }
}

async fn repeated<F: Future<Output = Result<Answer, HttpError>>>(
    network: &Network,
    mut attempt: impl FnMut() -> F,
) -> Result<Answer, HttpError> {
    let mut schedule = network.schedule();
    loop {
        match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(error) => match schedule.pause(&error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            },
        }
    }
}

async fn once(network: &Network, sending: &Sending<'_>, limit: usize) -> Result<Answer, HttpError> {
    let url = sending.url;
    let response = network.send(sending).await?;
    let status = response.status().as_u16();
    match status {
        200..=299 => Ok(Answer { status, body: read_body(network, response, url, limit).await? }),
        300..=399 => {
            Err(HttpError::Redirect { url: url.clone(), reason: "the team's registry is asked, and no other" })
        }
        408 | 425 | 429 | 500.. => {
            Err(HttpError::Status { url: url.clone(), status, retry_after: retry_after(response.headers()) })
        }
        // A refusal whose words cannot be read is a refusal all the same.
        _ => Ok(Answer { status, body: read_body(network, response, url, MAX_REFUSAL).await.unwrap_or_default() }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mcpsec_testkit::{
        Fault, Loopback, Request,
        loopback::{Reply, Routes},
    };

    use super::*;
    use crate::http::HttpOptions;

    struct Words;

    impl Routes for Words {
        fn answer(&self, _request: &Request, _base: &str) -> Reply {
            Reply::new(200, "application/json", vec![b' '; 4096])
        }
    }

    /// A server that always sends one more byte is asked once, for as long as a question may take: not again, and not for ever.
    #[tokio::test]
    async fn a_trickle_does_not_hold_up_whoever_asks() {
        // Another test of this process may have been first.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let network = Network::new(HttpOptions {
            user_agent: "test".to_owned(),
            retries: 4,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(5),
            metadata_concurrency: 1,
        });
        let network = network.expect("a network");
        let site = Loopback::start(Arc::new(Words));
        let url: SafeUrl = site.base().parse().expect("url");
        let whole = ask(&network, None, Question::of(Method::GET, &url)).await.expect("an answer");
        assert_eq!(whole.accepted(&url).expect("bytes").len(), 4096);
        site.clear_log();
        site.inject(Fault::Drip { chunk: 1, every: Duration::from_millis(20) });
        let patience = Patience::All(Duration::from_millis(300));
        let late = ask(&network, None, Question { patience, ..Question::of(Method::GET, &url) }).await;
        assert!(late.expect_err("late").to_string().contains("not complete after"), "it is said");
        assert_eq!(site.requests().len(), 1);
        let Patience::All(all) = Question::of(Method::GET, &url).patience else { panic!("each attempt alone") };
        assert!(all <= Duration::from_secs(120));
    }
}
