//! Bringing the database up to date from archives on the network: `{base}/{ecosystem}/all.zip`, asked with conditions, so that an archive
//! that did not change costs one question.
use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mcpsec_model::{advisory::ecosystem_word, name::Ecosystem, time::Timestamp, url::SafeUrl};

use super::{
    About, Database, OsvError, Part,
    build::Builder,
    import::{Feed, add_zip, sane},
};
use crate::{
    http::{HttpError, Network, chain},
    progress::{Event, Progress},
};

/// Longest archive.
const MAX_ARCHIVE: u64 = 4 << 30;
/// The longest one attempt at an archive may take, however steadily its bytes trickle in.
const DEADLINE: Duration = Duration::from_secs(3600);

/// What came of bringing the database up to date.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Updated {
    /// The database as it is now.
    pub about: About,
    /// Whether no archive had changed.
    pub unchanged: bool,
    /// Names of the first files that could not be read, escaped.
    pub lost: Vec<String>,
}

/// Brings the database at `path` up to date from the archives below `base`. What of the old one is damaged or of another format is not
/// used.
///
/// # Errors
/// An archive cannot be had or is no archive of records; the database cannot be written. The old one stays as it was.
pub async fn update(
    network: &Network,
    base: &SafeUrl,
    path: &Path,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<Updated, OsvError> {
    let mut old = match Database::open(path) {
        Ok(old) => old,
        Err(error) if error.is_mended_by_update() => None,
        Err(error) => return Err(error),
    };
    let mut about = About { updated: now, newest: None, records: 0, unreadable: 0, lost: 0, parts: Default::default() };
    let mut builder = Builder::new(path)?;
    let mut unchanged = true;
    let mut lost_before = 0;
    for ecosystem in [Ecosystem::Npm, Ecosystem::Pypi] {
        let Some(word) = ecosystem_word(ecosystem) else { continue };
        let url = address(base, word)?;
        let source = hex::encode(digest(&SHA256, url.expose().as_str().as_bytes()));
        let known = old.as_ref().and_then(|old| old.about().parts.get(ecosystem.as_str()));
        let known = known.filter(|part| part.source == source).cloned();
        progress.event(Event::DownloadsPlanned { files: 1, bytes: 0 });
        match download(network, &url, known.as_ref(), progress).await? {
            Fetched::Same(part) => {
                if let Some(old) = &mut old {
                    builder.carry(old, ecosystem.as_str())?;
                    lost_before = old.about().lost;
                }
                about.parts.insert(ecosystem.as_str().to_owned(), part);
            }
            Fetched::New(file, mut part) => {
                unchanged = false;
                part.source = source;
                builder = add(builder, file, url.to_string()).await?;
                about.parts.insert(ecosystem.as_str().to_owned(), part);
            }
        }
        progress.event(Event::FileDone { file: word });
    }
    let lost = sane(&builder, &base.to_string())?;
    about.lost = if unchanged { lost_before } else { 0 };
    let about = blocking(move || builder.finish(about)).await?;
    Ok(Updated { about, unchanged, lost })
}

/// Reads an archive on a thread where that is allowed to take its time.
async fn add(mut builder: Builder, file: File, name: String) -> Result<Builder, OsvError> {
    blocking(move || {
        let mut feed = Feed::default();
        add_zip(&mut builder, &mut feed, file, &name)?;
        Ok(builder)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OsvError> + Send + 'static,
) -> Result<T, OsvError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(OsvError::source("the archive", error.to_string())),
    }
}

/// `{base}/npm/all.zip`.
fn address(base: &SafeUrl, word: &str) -> Result<SafeUrl, OsvError> {
    let mut url = base.expose().clone();
    match url.path_segments_mut() {
        Ok(mut segments) => drop(segments.pop_if_empty().extend([word, "all.zip"])),
        Err(()) => return Err(OsvError::source(base.to_string(), "it cannot be the base of an address")),
    }
    Ok(url.into())
}

enum Fetched {
    Same(Part),
    New(File, Part),
}

async fn download(
    network: &Network,
    url: &SafeUrl,
    known: Option<&Part>,
    progress: &dyn Progress,
) -> Result<Fetched, OsvError> {
    let mut schedule = network.schedule();
    loop {
        let attempt = tokio::time::timeout(DEADLINE, once(network, url, known, progress)).await;
        let error = match attempt {
            Ok(Err(OsvError::Http(error))) => error,
            Ok(done) => return done,
            Err(_) => {
                let reason = format!("not complete after {} seconds", DEADLINE.as_secs());
                return Err(HttpError::Network { url: url.clone(), reason }.into());
            }
        };
        match schedule.pause(&error) {
            Some(pause) => {
                progress.event(Event::Retry { what: "all.zip", reason: &error.to_string() });
                tokio::time::sleep(pause).await;
            }
            None => return Err(error.into()),
        }
    }
}

async fn once(
    network: &Network,
    url: &SafeUrl,
    known: Option<&Part>,
    progress: &dyn Progress,
) -> Result<Fetched, OsvError> {
    let mut headers = HeaderMap::new();
    let mut ask = |name: HeaderName, value: &Option<String>| {
        if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    };
    if let Some(part) = known {
        ask(header::IF_NONE_MATCH, &part.etag);
        ask(header::IF_MODIFIED_SINCE, &part.last_modified);
    }
    let opened = network.open(url, None, &headers).await?;
    let mut response = opened.response;
    if response.status() == StatusCode::NOT_MODIFIED {
        return match known {
            Some(part) => Ok(Fetched::Same(part.clone())),
            None => {
                let reason = "not modified (304), though nothing was said to be compared".to_owned();
                Err(HttpError::Body { url: url.clone(), reason }.into())
            }
        };
    }
    let too_large = || HttpError::TooLarge { url: url.clone(), limit: MAX_ARCHIVE };
    let text = |name: HeaderName| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.filter(|value| value.len() <= 512).map(str::to_owned)
    };
    let part = Part { source: String::new(), etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
    let declared = response.content_length();
    if declared.is_some_and(|length| length > MAX_ARCHIVE) {
        return Err(too_large().into());
    }
    // The file has no name, so nothing is left of it whatever happens.
    let failed =
        |error: std::io::Error| OsvError::source(url.to_string(), format!("failed to keep it: {}", chain(&error)));
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut received = 0_u64;
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpError::transport(url, error))? {
        network.count_bytes(chunk.len());
        received += chunk.len() as u64;
        if received > MAX_ARCHIVE {
            return Err(too_large().into());
        }
        file.write_all(&chunk).map_err(failed)?;
        progress.event(Event::BytesReceived(i64::try_from(chunk.len()).unwrap_or(0)));
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(Fetched::New(file, part))
}
