//! Questions to the log of a team's registry. Answers are bytes of the right shape and size; nothing in them is believed here.
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use mcpsec_model::{approval::head::MAX_HEAD, team::TeamUrl, text::Untrusted, url::SafeUrl};
use serde::Deserialize;

use super::{Entries, TeamError};
use crate::http::{Credentials, HttpError, Network, read_body};

/// The longest one small question may take, repetitions included.
const DEADLINE: Duration = Duration::from_secs(120);
/// The longest answer that is neither a head nor entries.
const MAX_ANSWER: usize = 64 << 10;
/// The most hashes of a proof: two for each level.
const MAX_PROOF: usize = 100;

/// The log of one registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogClient {
    network: Network,
    registry: TeamUrl,
    token: Option<Credentials>,
}

/// What became of lines that were sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Submitted {
    /// How many are new.
    pub added: u64,
    /// How many were there already.
    pub known: u64,
    /// How many entries the log has now.
    pub size: u64,
}

impl LogClient {
    /// `token` goes to the registry's own origin and nowhere else: no redirect is followed.
    pub fn new(network: Network, registry: TeamUrl, token: Option<&str>) -> Self {
        Self { network, registry, token: token.map(Credentials::bearer) }
    }

    /// Whose log it is.
    pub fn registry(&self) -> &TeamUrl {
        &self.registry
    }

    /// The text of the newest head: a signed note of at most [`MAX_HEAD`] bytes.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn head(&self) -> Result<String, TeamError> {
        self.text("api/v1/approvals/head", MAX_HEAD, "the head of a log").await
    }

    /// The text of the key that signs heads.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn key(&self) -> Result<String, TeamError> {
        let text = self.text("api/v1/log-key", 1024, "the key of a log").await?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// The text of the key that is to follow the one that signs heads now, while the log changes it.
    ///
    /// # Errors
    /// [`TeamError`]; [`TeamError::Refused`] or not found when there is none.
    pub async fn next_key(&self) -> Result<String, TeamError> {
        let text = self.text("api/v1/log-key/next", 1024, "the next key of a log").await?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// The entries `since..until`, as they come.
    pub fn entries(&self, since: u64, until: u64) -> Entries {
        Entries::new(self.clone(), since, until)
    }

    /// The hashes that are to show that the log at `to` entries begins with the one at `from`.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn consistency(&self, from: u64, to: u64) -> Result<Vec<[u8; 32]>, TeamError> {
        const EXPECTED: &str = "a proof";
        #[derive(Deserialize)]
        struct Wire {
            hashes: Vec<String>,
        }
        let path = format!("api/v1/approvals/proof/consistency?from={from}&to={to}");
        let (url, body) = self.get(&path, MAX_ANSWER, "application/json", EXPECTED).await?;
        let wire: Wire =
            serde_json::from_slice(&body).map_err(|error| TeamError::garbage(&url, EXPECTED, error.to_string()))?;
        let read = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
        let hashes: Option<Vec<[u8; 32]>> = wire.hashes.iter().map(read).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MAX_PROOF);
        hashes.ok_or_else(|| TeamError::garbage(&url, EXPECTED, "its hashes are not 32 bytes in base64"))
    }

    /// Sends whole lines of the file form; the registry takes all or none. Sending them again changes nothing.
    ///
    /// # Errors
    /// [`TeamError`]; [`TeamError::Refused`] when the registry says no.
    pub async fn submit(&self, lines: &str) -> Result<Submitted, TeamError> {
        const EXPECTED: &str = "what became of the lines";
        let url = self.registry.below("api/v1/approvals");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let body = Bytes::copy_from_slice(lines.as_bytes());
        let body = self.repeated(&url, || async {
            let response = self.send(Method::POST, &url, headers.clone(), Some(body.clone())).await?;
            if !response.status().is_success() {
                return Err(self.refusal(&url, response).await);
            }
            check_type(&url, &response, "application/json", EXPECTED)?;
            Ok(read_body(&self.network, response, &url, MAX_ANSWER).await?)
        });
        serde_json::from_slice(&body.await?).map_err(|error| TeamError::garbage(&url, EXPECTED, error.to_string()))
    }

    async fn text(&self, path: &str, limit: usize, expected: &'static str) -> Result<String, TeamError> {
        let (url, body) = self.get(path, limit, "text/plain", expected).await?;
        String::from_utf8(body.to_vec()).map_err(|_| TeamError::garbage(&url, expected, "not UTF-8"))
    }

    async fn get(
        &self,
        path: &str,
        limit: usize,
        kind: &'static str,
        expected: &'static str,
    ) -> Result<(SafeUrl, Bytes), TeamError> {
        let url = self.registry.below(path);
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(kind));
        let body = self
            .repeated(&url, || async {
                let response = self.open(&url, headers.clone()).await?;
                check_type(&url, &response, kind, expected)?;
                Ok(read_body(&self.network, response, &url, limit).await?)
            })
            .await?;
        Ok((url, body))
    }

    /// One GET whose status is 200.
    pub(super) async fn open(&self, url: &SafeUrl, headers: HeaderMap) -> Result<reqwest::Response, TeamError> {
        let response = self.send(Method::GET, url, headers, None).await?;
        if response.status() == StatusCode::OK { Ok(response) } else { Err(self.refusal(url, response).await) }
    }

    async fn send(
        &self,
        method: Method,
        url: &SafeUrl,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<reqwest::Response, TeamError> {
        let response = self.network.exchange(method, url, self.token.as_ref(), headers, body).await?;
        if response.status().is_redirection() {
            // A log is where mcp.toml says that it is; whoever can redirect could as well answer, and would be read by name.
            let reason = "a team's registry answers itself; give its own address in [team] of mcp.toml";
            return Err(HttpError::Redirect { url: url.clone(), reason }.into());
        }
        Ok(response)
    }

    /// Tries again after failures that may pass, within [`DEADLINE`].
    async fn repeated<T, F>(&self, url: &SafeUrl, mut attempt: impl FnMut() -> F) -> Result<T, TeamError>
    where
        F: Future<Output = Result<T, TeamError>>,
    {
        let mut schedule = self.network.schedule();
        let all = async {
            loop {
                let error = match attempt().await {
                    Ok(value) => return Ok(value),
                    Err(error) => error,
                };
                let TeamError::Http(http) = &error else { return Err(error) };
                let Some(pause) = schedule.pause(http) else { return Err(error) };
                tokio::time::sleep(pause).await;
            }
        };
        let late = || TeamError::Slow { url: url.clone(), seconds: DEADLINE.as_secs() };
        tokio::time::timeout(DEADLINE, all).await.unwrap_or_else(|_| Err(late()))
    }

    /// What a status that is no success means.
    async fn refusal(&self, url: &SafeUrl, response: reqwest::Response) -> TeamError {
        #[derive(Deserialize)]
        struct Wire {
            error: String,
            #[serde(default)]
            hint: Option<String>,
        }
        let status = response.status();
        let is_json = check_type(url, &response, "application/json", "JSON").is_ok();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        if status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429) && is_json {
            let body = read_body(&self.network, response, url, MAX_ANSWER).await.unwrap_or_default();
            if let Ok(wire) = serde_json::from_slice::<Wire>(&body) {
                return TeamError::Refused {
                    registry: self.registry.to_string(),
                    status: status.as_u16(),
                    message: Untrusted::new(wire.error).excerpt(300),
                    hint: wire.hint.map(|hint| Untrusted::new(hint).excerpt(300)),
                };
            }
        }
        let (url, status) = (url.clone(), status.as_u16());
        match status {
            404 | 410 => HttpError::NotFound { url },
            401 | 403 | 407 => HttpError::Unauthorized { url, status },
            _ => HttpError::Status { url, status, retry_after },
        }
        .into()
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }
}

/// Refuses an answer of another media type: that is what a proxy's log-in page looks like.
pub(super) fn check_type(
    url: &SafeUrl,
    response: &reqwest::Response,
    wanted: &str,
    expected: &'static str,
) -> Result<(), TeamError> {
    let found = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    let kind = found.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(TeamError::ContentType { url: url.clone(), found: Untrusted::new(found).excerpt(60), expected })
}
