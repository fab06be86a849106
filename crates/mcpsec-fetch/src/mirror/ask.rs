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
/// How long one attempt may take, however steadily its bytes trickle.
const DEADLINE: Duration = Duration::from_secs(900);

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    pub(super) url: &'a SafeUrl,
    /// `None`: no body.
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Bytes,
    /// The longest answer, in bytes.
    pub(super) limit: usize,
}

impl<'a> Question<'a> {
    pub(super) fn of(method: Method, url: &'a SafeUrl) -> Self {
        Self { method, url, content_type: None, body: Bytes::new(), limit: MAX_ANSWER }
    }

    pub(super) fn with(method: Method, url: &'a SafeUrl, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { content_type: Some(content_type), body: body.into(), ..Self::of(method, url) }
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
    let Question { method, url, content_type, body, limit } = question;
    let sending = Sending { method, url, credentials: token, content_type, body };
    let mut schedule = network.schedule();
    loop {
        let attempt = tokio::time::timeout(DEADLINE, once(network, &sending, limit));
        let outcome = attempt.await.unwrap_or_else(|_| {
            let reason = format!("not complete after {} seconds", DEADLINE.as_secs());
            Err(HttpError::Network { url: url.clone(), reason })
        });
        match outcome {
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
