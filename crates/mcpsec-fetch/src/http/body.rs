//! Bodies read into memory: decompressed while they arrive, cut off at a limit.
use std::io::Write as _;

use bytes::Bytes;
use http::header;
use mcpsec_model::url::SafeUrl;

use super::{HttpError, Network, network::header_text};

/// Collects at most `limit` bytes and fails on the first byte more.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl std::io::Write for Bounded {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        if data.len() > self.limit - self.bytes.len() {
            self.exceeded = true;
            return Err(std::io::Error::other("limit exceeded"));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Reads a whole body, gzip or plain. The limit holds for what comes out, so a small bomb stays small.
pub(crate) async fn read(
    network: &Network,
    mut response: reqwest::Response,
    url: &SafeUrl,
    limit: usize,
) -> Result<Bytes, HttpError> {
    let too_large = || HttpError::TooLarge { url: url.clone(), limit: limit as u64 };
    let broken = |reason: String| HttpError::Body { url: url.clone(), reason };
    let encoding = header_text(response.headers(), &header::CONTENT_ENCODING);
    let zipped = match encoding.as_deref().map(str::trim) {
        None | Some("" | "identity") => false,
        Some(name) if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => true,
        Some(_) => return Err(broken("its content encoding is not gzip".to_owned())),
    };
    let declared = response.content_length();
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let capacity = usize::try_from(declared.unwrap_or(0)).unwrap_or(0).min(limit).min(4 << 20);
    let mut plain = Bounded { bytes: Vec::with_capacity(capacity), limit, exceeded: false };
    if !zipped {
        while let Some(chunk) = next(network, &mut response, url).await? {
            plain.write_all(&chunk).map_err(|_| too_large())?;
        }
        return Ok(plain.bytes.into());
    }
    let mut decoder = flate2::write::GzDecoder::new(plain);
    while let Some(chunk) = next(network, &mut response, url).await? {
        if let Err(error) = decoder.write_all(&chunk) {
            return Err(if decoder.get_ref().exceeded { too_large() } else { broken(format!("gzip: {error}")) });
        }
    }
    match decoder.try_finish() {
        Ok(()) => {}
        Err(_) if decoder.get_ref().exceeded => return Err(too_large()),
        // An end that comes too early is a broken transfer and may be repeated.
        Err(error) => return Err(HttpError::Network { url: url.clone(), reason: format!("gzip: {error}") }),
    }
    decoder.finish().map(|plain| plain.bytes.into()).map_err(|error| broken(format!("gzip: {error}")))
}

async fn next(network: &Network, response: &mut reqwest::Response, url: &SafeUrl) -> Result<Option<Bytes>, HttpError> {
    let chunk = response.chunk().await.map_err(|error| HttpError::transport(url, error))?;
    if let Some(chunk) = &chunk {
        network.count_bytes(chunk.len());
    }
    Ok(chunk)
}
