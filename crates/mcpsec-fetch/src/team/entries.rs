//! Entries of a log as they arrive: whole lines in blocks, counted and bounded, taken up again where a transfer broke off.
use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use flate2::write::GzDecoder;
use http::{HeaderMap, HeaderValue, header};
use mcpsec_model::{
    approval::{MAX_FILE, MAX_LINE, MAX_LINES},
    url::SafeUrl,
};

use super::{LogClient, TeamError, client::check_type};
use crate::http::HttpError;

const EXPECTED: &str = "entries of a log";
/// What one block is filled up to, in bytes: much work at once, little memory.
const BLOCK: usize = 4 << 20;
/// What goes into the decompressor at once, in bytes: gzip makes at most some thousand times as much of it.
const SLICE: usize = 8 << 10;
/// The longest all of it may take, however steadily it comes.
const DEADLINE: Duration = Duration::from_secs(600);

/// Some whole lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Block {
    /// Of whole lines, each with its line feed; what stands behind the last one is given back.
    fn of(mut bytes: Vec<u8>) -> (Self, Vec<u8>) {
        let ends: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
        let rest = bytes.split_off(ends.last().copied().unwrap_or(0));
        (Self { bytes, ends }, rest)
    }

    /// All bytes, line feeds included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each line ends, its line feed included.
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// How many lines.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The lines, without their line feeds.
    pub fn lines(&self) -> Vec<&[u8]> {
        let mut start = 0;
        let line = |end: &usize| {
            let line = &self.bytes[start..*end - 1];
            start = *end;
            line
        };
        self.ends.iter().map(line).collect()
    }
}

/// A transfer in progress.
#[derive(Debug)]
struct Transfer {
    response: reqwest::Response,
    decoder: Option<GzDecoder<Vec<u8>>>,
    ended: bool,
}

/// The entries of a range, one [`Entries::next`] after the other.
#[derive(Debug)]
pub struct Entries {
    client: LogClient,
    url: SafeUrl,
    /// The next one that is wanted.
    next: u64,
    until: u64,
    /// Where the request that is open was to end.
    asked: u64,
    transfer: Option<Transfer>,
    /// What came and is not given out yet.
    pending: Vec<u8>,
    /// What came in answer to the request that is open.
    bytes: u64,
    start: Instant,
    schedule: Option<crate::http::Schedule>,
}

impl Entries {
    pub(super) fn new(client: LogClient, since: u64, until: u64) -> Self {
        let url = client.registry().below("api/v1/approvals");
        Self {
            client,
            url,
            next: since,
            until,
            asked: since,
            transfer: None,
            pending: Vec::new(),
            bytes: 0,
            start: Instant::now(),
            schedule: None,
        }
    }

    /// The next lines; `None` when all of the range were given.
    ///
    /// # Errors
    /// [`TeamError`]: whatever is not lines, too many or too few of them. A transfer that broke off was tried again before that.
    pub async fn next(&mut self) -> Result<Option<Block>, TeamError> {
        loop {
            if self.next == self.until {
                return Ok(None);
            }
            let left = DEADLINE.saturating_sub(self.start.elapsed());
            let slow = TeamError::Slow { url: self.url.clone(), seconds: DEADLINE.as_secs() };
            let error = match tokio::time::timeout(left, self.advance()).await {
                Err(_) => return Err(slow),
                Ok(Ok(Some(block))) => {
                    self.schedule = None;
                    return Ok(Some(block));
                }
                Ok(Ok(None)) => continue,
                Ok(Err(error)) => error,
            };
            // What was given out stays; the rest is asked for anew.
            self.transfer = None;
            self.pending = Vec::new();
            let passing = match &error {
                TeamError::Http(error) => error.clone(),
                TeamError::CutShort { .. } => HttpError::Network { url: self.url.clone(), reason: error.to_string() },
                _ => return Err(error),
            };
            let schedule = self.schedule.get_or_insert_with(|| self.client.network().schedule());
            let Some(pause) = schedule.pause(&passing) else { return Err(error) };
            tokio::time::sleep(pause.min(left)).await;
        }
    }

    /// Reads until there is a block, or the end of one request.
    async fn advance(&mut self) -> Result<Option<Block>, TeamError> {
        let mut transfer = match self.transfer.take() {
            Some(transfer) => transfer,
            None => self.open().await?,
        };
        while self.pending.len() < BLOCK && !transfer.ended {
            let chunk = transfer.response.chunk().await.map_err(|error| HttpError::transport(&self.url, error))?;
            match chunk {
                Some(chunk) => {
                    self.client.network().count_bytes(chunk.len());
                    self.take(&mut transfer, &chunk)?;
                }
                None => {
                    transfer.ended = true;
                    if let Some(decoder) = &mut transfer.decoder {
                        let end = decoder.try_finish();
                        end.map_err(|error| self.broken(&error))?;
                        self.pending.append(decoder.get_mut());
                    }
                }
            }
        }
        let (block, rest) = Block::of(std::mem::take(&mut self.pending));
        self.check(&block, &rest)?;
        self.next += block.len() as u64;
        self.pending = rest;
        if transfer.ended {
            let short = self.next < self.asked || !self.pending.is_empty();
            if short && !block.is_empty() {
                // Whole lines came before it broke off: they are given out, and the next request goes on behind them.
                self.pending = Vec::new();
            } else if short {
                let (expected, found) = (self.until, self.next);
                return Err(TeamError::CutShort { url: self.url.clone(), expected, found });
            }
        } else {
            self.transfer = Some(transfer);
        }
        Ok((!block.is_empty()).then_some(block))
    }

    async fn open(&mut self) -> Result<Transfer, TeamError> {
        self.asked = self.until.min(self.next + MAX_LINES as u64);
        self.bytes = 0;
        self.url = self.client.registry().below(&format!("api/v1/approvals?since={}&until={}", self.next, self.asked));
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/jsonl"));
        // On this machine bytes are cheaper than their compression.
        let coding = if self.client.registry().is_loopback() { "identity" } else { "gzip" };
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(coding));
        let response = self.client.open(&self.url, headers).await?;
        check_type(&self.url, &response, "application/jsonl", EXPECTED)?;
        let coding = response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim());
        let decoder = match coding {
            None | Some("" | "identity") => None,
            Some(name) if name.eq_ignore_ascii_case("gzip") => Some(GzDecoder::new(Vec::new())),
            Some(other) => return Err(TeamError::garbage(&self.url, EXPECTED, format!("encoded as {other}"))),
        };
        Ok(Transfer { response, decoder, ended: false })
    }

    fn take(&mut self, transfer: &mut Transfer, chunk: &[u8]) -> Result<(), TeamError> {
        let Some(decoder) = &mut transfer.decoder else {
            self.pending.extend_from_slice(chunk);
            return self.count(chunk.len());
        };
        for slice in chunk.chunks(SLICE) {
            decoder.write_all(slice).map_err(|error| self.broken(&error))?;
            let plain = decoder.get_mut();
            let length = plain.len();
            self.pending.append(plain);
            self.count(length)?;
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), TeamError> {
        self.bytes += bytes as u64;
        if self.bytes > MAX_FILE as u64 {
            return Err(self.too_much(format!("{} MiB of entries", MAX_FILE >> 20)));
        }
        Ok(())
    }

    fn check(&self, block: &Block, rest: &[u8]) -> Result<(), TeamError> {
        let garbage = |number: usize, why: &str| {
            Err(TeamError::garbage(&self.url, EXPECTED, format!("entry {} {why}", self.next + number as u64)))
        };
        let count = block.len() as u64 + u64::from(!rest.is_empty());
        if count > self.asked - self.next {
            return Err(self.too_much(format!("the {} entries that were asked for", self.asked - self.next)));
        }
        for (number, line) in block.lines().into_iter().enumerate() {
            if line.is_empty() {
                return garbage(number, "is empty");
            }
            if line.len() > MAX_LINE {
                return garbage(number, "is longer than an entry can be");
            }
        }
        if rest.len() > MAX_LINE { garbage(block.len(), "is longer than an entry can be") } else { Ok(()) }
    }

    fn too_much(&self, limit: String) -> TeamError {
        TeamError::TooMuch { url: self.url.clone(), limit }
    }

    fn broken(&self, error: &std::io::Error) -> TeamError {
        TeamError::garbage(&self.url, EXPECTED, format!("gzip: {error}"))
    }
}

/// The whole lines of a text, for tests of those who take blocks.
#[cfg(test)]
pub(super) fn block_of(bytes: &[u8]) -> Block {
    Block::of(bytes.to_vec()).0
}
