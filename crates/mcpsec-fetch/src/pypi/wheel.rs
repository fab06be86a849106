//! METADATA out of a wheel without downloading the wheel: the end of the file holds the zip directory, and mostly METADATA.
//!
//! One request asks for the last 32 KiB; if the directory or METADATA begins earlier, a few more ask for exactly what the
//! zip reader missed. A server without range support answers with the whole file, which does as well; a file too odd for a
//! few ranges is fetched whole. What arrives is not covered by the wheel's digest (only part of it is seen); it decides which
//! versions are locked, and the wheel itself is compared with its digest when it is downloaded.
use std::io::{self, Read, Seek, SeekFrom};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mcpsec_model::{name::PackageName, text::Untrusted, url::SafeUrl};
use pep440_rs::Version;

use super::{catalog::FileError, metadata, specifiers};
use crate::http::{Credentials, HttpError, Network};

/// First request: long enough for the directory and METADATA of nearly every wheel.
const TAIL: u64 = 32 * 1024;
/// Shortest further request.
const STEP: u64 = 16 * 1024;
/// Most requests for one wheel.
const MAX_REQUESTS: usize = 14;
/// Most bytes held of one wheel when ranges work.
const MAX_PARTS: u64 = 32 * 1024 * 1024;
/// Longest file that is read whole when ranges do not work.
pub(super) const MAX_WHOLE: u64 = 128 * 1024 * 1024;

/// The header section of the METADATA of a wheel at an address.
pub(super) async fn metadata_of(
    network: &Network,
    url: &SafeUrl,
    credentials: Option<&Credentials>,
    name: &PackageName,
    version: &Version,
) -> Result<Vec<u8>, FileError> {
    let mut wheel = match fetch(network, url, credentials, &format!("bytes=-{TAIL}")).await {
        // Some servers refuse only ranges counted from the end. The first byte tells them apart from those without ranges,
        // and how long the file is; the zip reader then misses the end, which is fetched like any other part.
        Err(HttpError::Status { status: 416 | 501, .. }) => match fetch(network, url, credentials, "bytes=0-0").await {
            // Not even a first byte: an empty file, or a server without ranges that says so in its own way.
            Err(HttpError::Status { status: 416 | 501, .. }) => fetch(network, url, credentials, "").await,
            other => other,
        },
        other => other,
    }
    .map(Sparse::from)?;
    for _ in 0..MAX_REQUESTS {
        match read_metadata(&mut wheel, name, version) {
            Ok(text) => return Ok(text),
            Err(reason) => match wheel.missing.take() {
                None => return Err(FileError::Bad(reason)),
                Some((start, end)) => {
                    if wheel.held() + (end - start) > MAX_PARTS {
                        break;
                    }
                    let part = fetch(network, url, credentials, &format!("bytes={start}-{}", end - 1)).await?;
                    if part.total != wheel.len {
                        return Err(FileError::Bad("the file changed while it was read".to_owned()));
                    }
                    wheel.parts.push((part.start, part.bytes));
                }
            },
        }
    }
    // Not the file's fault: passing this version over would quietly lock an older one.
    let mut wheel = Sparse::from(fetch(network, url, credentials, "").await?);
    read_metadata(&mut wheel, name, version).map_err(FileError::Bad)
}

/// A whole file in memory, no longer than `limit`.
pub(super) async fn whole(
    network: &Network,
    url: &SafeUrl,
    credentials: Option<&Credentials>,
) -> Result<Bytes, HttpError> {
    Ok(fetch(network, url, credentials, "").await?.bytes)
}

struct Part {
    start: u64,
    bytes: Bytes,
    total: u64,
}

/// One GET with retries. An empty range asks for the whole file.
async fn fetch(
    network: &Network,
    url: &SafeUrl,
    credentials: Option<&Credentials>,
    range: &str,
) -> Result<Part, HttpError> {
    // Closing the semaphore is not something the network does; if it did, there would be no limit to wait for.
    let _slot = network.metadata_slots().acquire().await.ok();
    let mut schedule = network.schedule();
    loop {
        match fetch_once(network, url, credentials, range).await {
            Ok(part) => return Ok(part),
            Err(error) => match schedule.pause(&error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            },
        }
    }
}

async fn fetch_once(
    network: &Network,
    url: &SafeUrl,
    credentials: Option<&Credentials>,
    range: &str,
) -> Result<Part, HttpError> {
    let mut headers = HeaderMap::new();
    // A compressed range would be a range of something else.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Ok(value) = HeaderValue::from_str(range)
        && !range.is_empty()
    {
        headers.insert(header::RANGE, value);
    }
    let opened = network.open(url, credentials, &headers).await?;
    let mut response = opened.response;
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let broken = |reason: &str| HttpError::Body { url: opened.url.clone(), reason: reason.to_owned() };
    let (start, expected, total) = if partial {
        let text = response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let (start, end, total) =
            text.and_then(content_range).ok_or_else(|| broken("a range without Content-Range"))?;
        (start, Some(end - start + 1), Some(total))
    } else {
        (0, response.content_length(), None)
    };
    let limit = if partial { MAX_PARTS } else { MAX_WHOLE };
    if expected.is_some_and(|length| length > limit) {
        return Err(HttpError::TooLarge { url: opened.url.clone(), limit });
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpError::transport(&opened.url, error))? {
        network.count_bytes(chunk.len());
        if (bytes.len() + chunk.len()) as u64 > expected.unwrap_or(limit).min(limit) {
            return Err(broken("more bytes than announced"));
        }
        bytes.extend_from_slice(&chunk);
    }
    if expected.is_some_and(|length| length != bytes.len() as u64) {
        return Err(broken("fewer bytes than announced"));
    }
    let total = total.unwrap_or(bytes.len() as u64);
    Ok(Part { start, bytes: bytes.freeze(), total })
}

/// `bytes 10-19/100` (RFC 9110 §14.4) as (10, 19, 100).
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end, total): (u64, u64, u64) = (start.parse().ok()?, end.parse().ok()?, total.parse().ok()?);
    (start <= end && end < total).then_some((start, end, total))
}

/// A file of which some parts are here. Reading elsewhere fails and notes what was missing.
struct Sparse {
    len: u64,
    parts: Vec<(u64, Bytes)>,
    at: u64,
    missing: Option<(u64, u64)>,
    /// Doubles with each part, so that even a very long directory needs few requests.
    step: u64,
}

impl From<Part> for Sparse {
    fn from(part: Part) -> Self {
        Self { len: part.total, parts: vec![(part.start, part.bytes)], at: 0, missing: None, step: STEP }
    }
}

impl Sparse {
    /// Where the end record (APPNOTE 4.3.16) says the directory begins. A hint only: it decides what to fetch at once.
    fn directory_start(&self) -> Option<u64> {
        let (_, tail) = self.parts.iter().find(|(start, bytes)| start + bytes.len() as u64 == self.len)?;
        let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
        let field: [u8; 4] = tail.get(at + 16..at + 20)?.try_into().ok()?;
        Some(u64::from(u32::from_le_bytes(field)))
    }

    fn held(&self) -> u64 {
        self.parts.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.len || buffer.is_empty() {
            return Ok(0);
        }
        for (start, bytes) in &self.parts {
            let inside = self.at.checked_sub(*start).and_then(|offset| usize::try_from(offset).ok());
            if let Some(rest) = inside.and_then(|offset| bytes.get(offset..)).filter(|rest| !rest.is_empty()) {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                self.at += count as u64;
                return Ok(count);
            }
        }
        // Up to the next part that is here, at least one step.
        let next =
            self.parts.iter().map(|(start, _)| *start).filter(|start| *start > self.at).min().unwrap_or(self.len);
        let whole_directory = self.directory_start() == Some(self.at);
        let wanted = if whole_directory { self.len } else { self.step.max(buffer.len() as u64) };
        let end = self.at.saturating_add(wanted).min(next).min(self.len);
        // What is missing near the end is the directory: take the usual tail at once.
        let tail = self.len.saturating_sub(TAIL);
        let here = self.parts.iter().any(|(start, bytes)| *start <= tail && tail < start + bytes.len() as u64);
        let start = if self.at >= tail && end == self.len && !here { tail } else { self.at };
        self.missing = Some((start, end));
        self.step = self.step.saturating_mul(2).min(MAX_PARTS / 4);
        Err(io::Error::other("not fetched yet"))
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a seek before the start"))?;
        Ok(self.at)
    }
}

/// Finds and reads `<name>-<version>.dist-info/METADATA`. Any failure while `missing` is set means "fetch and try again".
fn read_metadata<R: Read + Seek>(wheel: R, name: &PackageName, version: &Version) -> Result<Vec<u8>, String> {
    let bad = |error: zip::result::ZipError| {
        format!("it is not a readable zip file ({})", Untrusted::new(error.to_string()).excerpt(80))
    };
    let mut archive = zip::ZipArchive::new(wheel).map_err(bad)?;
    let mut found = None;
    for (index, entry) in archive.file_names_raw().enumerate() {
        let Some(folder) = entry.strip_suffix(b".dist-info/METADATA") else { continue };
        let Ok(folder) = std::str::from_utf8(folder) else { continue };
        let ours = folder.split_once('-').is_some_and(|(said_name, said_version)| {
            PackageName::pypi(said_name).is_ok_and(|said| said == *name)
                && specifiers::version(&said_version.replace('_', "-")).is_some_and(|said| said == *version)
        });
        if ours && found.replace(index).is_some() {
            return Err("it has two metadata folders".to_owned());
        }
    }
    let index = found.ok_or("it has no METADATA")?;
    let entry = archive.by_index(index).map_err(bad)?;
    let mut text = Vec::new();
    entry
        .take(metadata::MAX_HEADERS as u64 + 4)
        .read_to_end(&mut text)
        .map_err(|error| format!("its METADATA cannot be read ({})", Untrusted::new(error.to_string()).excerpt(80)))?;
    Ok(metadata::header_section(&text).to_vec())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn wheel(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("entry");
            writer.write_all(bytes).expect("bytes");
        }
        writer.finish().expect("zip").into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>, String> {
        read_metadata(io::Cursor::new(bytes), &PackageName::pypi("some-name").expect("name"), &Version::new([1, 0]))
    }

    #[test]
    fn metadata_is_found_and_cut_to_its_fields() {
        let bytes =
            wheel(&[("some_name/x.py", b"x"), ("some_name-1.0.dist-info/METADATA", b"Name: some-name\n\nlong")]);
        assert_eq!(read(&bytes).expect("metadata"), b"Name: some-name\n");
    }

    #[test]
    fn wheels_of_another_shape_are_refused() {
        for (entries, want) in [
            (vec![("a.py", &b"x"[..])], "no METADATA"),
            (vec![("x/some_name-1.0.dist-info/METADATA", &b"Name: x\n"[..])], "no METADATA"),
            (vec![("other-1.0.dist-info/METADATA", &b"Name: x\n"[..])], "no METADATA"),
            (
                vec![
                    ("some_name-1.0.dist-info/METADATA", &b"Name: x\n"[..]),
                    ("Some.Name-1.0.dist-info/METADATA", &b"Name: y\n"[..]),
                ],
                "two metadata",
            ),
        ] {
            let error = read(&wheel(&entries)).expect_err("refused");
            assert!(error.contains(want), "{error}");
        }
        assert!(read(b"not a zip").expect_err("refused").contains("not a readable zip"));
    }

    #[test]
    fn a_bomb_is_read_up_to_the_limit_only() {
        let bomb = vec![b'A'; 64 * 1024 * 1024];
        let text = read(&wheel(&[("some_name-1.0.dist-info/METADATA", &bomb)])).expect("cut");
        assert!(text.len() <= metadata::MAX_HEADERS + 4);
    }

    #[test]
    fn a_sparse_file_says_what_it_misses() {
        let noise: Vec<u8> = (0..200_000u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut entries = vec![("some_name-1.0.dist-info/METADATA".to_owned(), b"Name: some-name\n".to_vec())];
        entries.push(("some_name/noise".to_owned(), noise));
        let entries: Vec<(&str, &[u8])> =
            entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let bytes = Bytes::from(wheel(&entries));
        let len = bytes.len() as u64;
        let tail = bytes.slice(bytes.len() - 1024..);
        let mut sparse = Sparse { len, parts: vec![(len - 1024, tail)], at: 0, missing: None, step: STEP };
        let (name, version) = (PackageName::pypi("some-name").expect("name"), Version::new([1, 0]));
        let mut rounds = 0;
        let text = loop {
            match read_metadata(&mut sparse, &name, &version) {
                Ok(text) => break text,
                Err(_) => {
                    let (start, end) = sparse.missing.take().expect("says what is missing");
                    let range = usize::try_from(start).expect("usize")..usize::try_from(end).expect("usize");
                    sparse.parts.push((start, bytes.slice(range)));
                    rounds += 1;
                    assert!(rounds < 4);
                }
            }
        };
        assert_eq!(text, b"Name: some-name\n");
    }

    #[test]
    fn content_ranges_that_make_no_sense_are_refused() {
        assert_eq!(content_range("bytes 10-19/100"), Some((10, 19, 100)));
        for text in ["bytes 19-10/100", "bytes 0-100/100", "bytes */100", "bytes 0-1/*", "", "items 0-1/2"] {
            assert_eq!(content_range(text), None, "{text}");
        }
    }
}
