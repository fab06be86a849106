//! The API of an OSV service: `POST {base}/v1/querybatch` names the records about packages, `GET {base}/v1/vulns/{id}` gives them.
//!
//! What a record says is kept by id and time of its last change, so an unchanged one is fetched once. The service is believed in nothing
//! but that a record exists: which versions it means is decided from the record itself. What could not be asked or fetched is told for
//! each package it concerns; an endless answer is cut off and is no answer.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};
use mcpsec_model::{
    advisory::{AdvisoryId, MAX_RECORD, Record, Reduced, ecosystem_word, reduce},
    package::PackageId,
    text::Untrusted,
    time::Timestamp,
    url::SafeUrl,
};
use serde::{Deserialize, Serialize};

use crate::http::{HttpError, Network, read_body};

/// Questions in one request; more the API does not take.
const CHUNK: usize = 1000;
/// Longest answer to a batch.
const MAX_ANSWER: usize = 64 << 20;
/// Pages asked for about one package.
const MAX_PAGES: usize = 20;
/// Records of one package.
const MAX_RECORDS: usize = 5_000;
/// Records of one run.
const MAX_ALL: usize = 50_000;
/// Records fetched at once.
const CONCURRENCY: usize = 16;
/// The longest one question may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// An OSV service.
#[derive(Clone, Debug)]
pub struct Api<'a> {
    /// How to reach it.
    pub network: &'a Network,
    /// Where it is; `/v1/…` comes after it.
    pub base: &'a SafeUrl,
    /// Where records are kept.
    pub cache: &'a Path,
}

/// The records that the service names for each package that was asked about, or why they are not known (escaped).
pub type Answers = BTreeMap<PackageId, Result<Vec<Record>, String>>;

#[derive(Serialize)]
struct Batch<'a> {
    queries: Vec<Query<'a>>,
}

#[derive(Serialize)]
struct Query<'a> {
    package: Package<'a>,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

#[derive(Serialize)]
struct Package<'a> {
    name: &'a str,
    ecosystem: &'a str,
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    results: Vec<Page>,
}

#[derive(Deserialize, Default)]
struct Page {
    #[serde(default)]
    vulns: Vec<Named>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    modified: Option<String>,
}

type Ids = BTreeMap<AdvisoryId, Option<Timestamp>>;

/// Asks about packages of npm and PyPI; others are passed over.
pub async fn ask(api: &Api<'_>, packages: &[&PackageId]) -> Answers {
    let known = packages.iter().copied().filter(|package| ecosystem_word(package.ecosystem()).is_some());
    let unique: BTreeSet<&PackageId> = known.collect();
    let unique: Vec<&PackageId> = unique.into_iter().collect();
    let mut named: BTreeMap<&PackageId, Result<Ids, String>> = BTreeMap::new();
    for chunk in unique.chunks(CHUNK) {
        names(api, chunk, &mut named).await;
    }
    let mut wanted = Ids::new();
    for ids in named.values().flatten() {
        for (id, modified) in ids {
            let newest = wanted.entry(id.clone()).or_default();
            *newest = (*newest).max(*modified);
        }
    }
    if wanted.len() > MAX_ALL {
        let why = format!("{} names {} records, more than {MAX_ALL}", api.base, wanted.len());
        return unique.into_iter().map(|package| (package.clone(), Err(why.clone()))).collect();
    }
    let fetched = stream::iter(wanted).map(|(id, modified)| async move {
        let record = record(api, &id, modified).await;
        (id, record)
    });
    let records: BTreeMap<AdvisoryId, Result<Option<Record>, String>> =
        fetched.buffer_unordered(CONCURRENCY).collect().await;
    named.into_iter().map(|(package, ids)| (package.clone(), ids.and_then(|ids| of(&ids, &records)))).collect()
}

/// All records of a package, or why one of them is missing.
fn of(ids: &Ids, records: &BTreeMap<AdvisoryId, Result<Option<Record>, String>>) -> Result<Vec<Record>, String> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids.keys() {
        match records.get(id) {
            Some(Ok(record)) => found.extend(record.clone()),
            Some(Err(why)) => return Err(why.clone()),
            None => return Err(format!("{id} was not fetched")),
        }
    }
    Ok(found)
}

/// Asks which records there are about some packages, page by page.
async fn names<'p>(api: &Api<'_>, packages: &[&'p PackageId], out: &mut BTreeMap<&'p PackageId, Result<Ids, String>>) {
    let mut open: Vec<(&PackageId, Option<String>)> = packages.iter().map(|package| (*package, None)).collect();
    let mut found: BTreeMap<&PackageId, Ids> = packages.iter().map(|package| (*package, Ids::new())).collect();
    for _page in 0..MAX_PAGES {
        let pages = match batch(api, &open).await {
            Ok(pages) => pages,
            Err(why) => {
                out.extend(open.iter().map(|(package, _)| (*package, Err(why.clone()))));
                break;
            }
        };
        let mut next = Vec::new();
        for ((package, _), page) in std::mem::take(&mut open).into_iter().zip(pages) {
            let ids = found.entry(package).or_default();
            match take(page, ids) {
                Ok(Some(token)) => next.push((package, Some(token))),
                Ok(None) => {}
                Err(why) => drop(out.insert(package, Err(format!("{}: {why}", api.base)))),
            }
        }
        open = next;
        if open.is_empty() {
            break;
        }
    }
    for (package, _) in open {
        out.entry(package)
            .or_insert_with(|| Err(format!("{} has more than {MAX_PAGES} pages about {package}", api.base)));
    }
    for (package, ids) in found {
        out.entry(package).or_insert(Ok(ids));
    }
}

/// Takes the ids of a page, and gives the token of the next one.
fn take(page: Page, ids: &mut Ids) -> Result<Option<String>, String> {
    for named in page.vulns {
        let id: AdvisoryId =
            named.id.parse().map_err(|error: mcpsec_model::advisory::AdvisoryIdError| error.to_string())?;
        ids.insert(id, named.modified.and_then(|text| text.parse().ok()));
        if ids.len() > MAX_RECORDS {
            return Err(format!("more than {MAX_RECORDS} records about one package"));
        }
    }
    Ok(page.next_page_token.filter(|token| !token.is_empty()))
}

/// One request about at most [`CHUNK`] packages.
async fn batch(api: &Api<'_>, open: &[(&PackageId, Option<String>)]) -> Result<Vec<Page>, String> {
    let url = address(api.base, &["v1", "querybatch"])?;
    let queries = open.iter().filter_map(|(package, token)| {
        let ecosystem = ecosystem_word(package.ecosystem())?;
        let package_name = Package { name: package.name().as_str(), ecosystem };
        Some(Query { package: package_name, version: package.version(), page_token: token.clone() })
    });
    let body = serde_json::to_vec(&Batch { queries: queries.collect() }).map_err(|error| error.to_string())?;
    let body = Bytes::from(body);
    let answer = patiently(api, &url, || async {
        let opened = api.network.post_json(&url, body.clone()).await?;
        read_body(api.network, opened.response, &url, MAX_ANSWER).await
    })
    .await?;
    let results: Results = serde_json::from_slice(&answer).map_err(|error| {
        format!("{url} sent an answer that cannot be read: {}", Untrusted::new(error.to_string()).excerpt(120))
    })?;
    if results.results.len() != open.len() {
        return Err(format!("{url} was asked {} questions and answered {}", open.len(), results.results.len()));
    }
    Ok(results.results)
}

/// A record: as it was kept, if it did not change since, else from the service. `None`: it is about no package of npm or PyPI.
async fn record(api: &Api<'_>, id: &AdvisoryId, modified: Option<Timestamp>) -> Result<Option<Record>, String> {
    let kept = kept_at(api.cache, api.base, id);
    if let Some(record) = read_kept(&kept, id, modified) {
        return Ok(Some(record));
    }
    let url = address(api.base, &["v1", "vulns", id.as_str()])?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let bytes = patiently(api, &url, || async {
        let opened = api.network.open(&url, None, &headers).await?;
        read_body(api.network, opened.response, &url, MAX_RECORD).await
    })
    .await?;
    let reduced = match reduce(&bytes) {
        Ok(Some(reduced)) => reduced,
        Ok(None) => return Ok(None),
        Err(error) => return Err(format!("{url}: {error}")),
    };
    if reduced.id != id.as_str() {
        return Err(format!("{url} sent another record, {}", Untrusted::new(reduced.id).excerpt(60)));
    }
    if reduced.unreadable.is_none()
        && let Err(error) = keep(&kept, &reduced.bytes)
    {
        tracing::debug!(%error, "an advisory was not kept");
    }
    Reduced::read(&reduced.bytes).map(Some).map_err(|error| format!("{url}: {error}"))
}

/// Asks again after failures that may pass, and not for ever.
async fn patiently<F: Future<Output = Result<Bytes, HttpError>>>(
    api: &Api<'_>,
    url: &SafeUrl,
    attempt: impl Fn() -> F,
) -> Result<Bytes, String> {
    let mut schedule = api.network.schedule();
    loop {
        let late = || {
            let reason = format!("not complete after {} seconds", DEADLINE.as_secs());
            HttpError::Network { url: url.clone(), reason }
        };
        // The slot is given back while pausing.
        let asked = {
            let _slot = api.network.metadata_slots().acquire().await;
            tokio::time::timeout(DEADLINE, attempt()).await.unwrap_or_else(|_| Err(late()))
        };
        let error = match asked {
            Ok(bytes) => return Ok(bytes),
            Err(error) => error,
        };
        match schedule.pause(&error) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error.to_string()),
        }
    }
}

fn address(base: &SafeUrl, parts: &[&str]) -> Result<SafeUrl, String> {
    let mut url = base.expose().clone();
    match url.path_segments_mut() {
        Ok(mut segments) => drop(segments.pop_if_empty().extend(parts)),
        Err(()) => return Err(format!("{base} cannot be the base of an API")),
    }
    Ok(url.into())
}

/// Ids may hold what some file systems do not take, so the file has a hash for a name. The service is in it: a repository can name one
/// in its mcp.toml, and what that says of a record must not be taken for the word of another.
fn kept_at(cache: &Path, base: &SafeUrl, id: &AdvisoryId) -> PathBuf {
    // Neither holds a line feed.
    let whose = format!("{}\n{}", base.expose(), id.as_str());
    let name = hex::encode(&digest(&SHA256, whose.as_bytes()).as_ref()[..16]);
    cache.join(&name[..2]).join(name)
}

/// A kept record that is the one asked for and has not changed since.
fn read_kept(path: &Path, id: &AdvisoryId, modified: Option<Timestamp>) -> Option<Record> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(MAX_RECORD as u64 + 1).read_to_end(&mut bytes).ok()?;
    let advisory = Reduced::read(&bytes).ok()?.ok()?;
    let same = advisory.id == *id && modified.is_some_and(|modified| advisory.modified >= modified);
    same.then_some(Ok(advisory))
}

fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
