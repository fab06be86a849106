//! Pushing a server: `PUT /api/v1/locks/{digest}` takes the lock of one server, and says which files are still missing.
//!
//! The log decides, not whoever pushes: without enough approvals of exactly this a lock is taken only as a request for review, and
//! nothing of it is handed out.
use std::{collections::BTreeSet, time::Duration};

use axum::{Json, Router, body::Body, extract::State, http::HeaderMap, response::Response, routing::get};
use http::{HeaderValue, StatusCode, header};
use mcpsec_model::{
    approval::Approved,
    digest::Digest,
    lock::{Lock, MAX_BYTES},
    text::{Untrusted, escape},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::address::{At, Parameters, announced};
use crate::{
    app::App,
    auth::{Caller, Scope},
    catalog::{Release, Status},
    db::{
        audit::Event,
        locks::{self, FileRow, LockRow, NewLock},
    },
    error::ApiError,
    ops::Room,
    pull,
};

/// The most files of one lock. The largest real closures have some two thousand.
const MAX_FILES: usize = 20_000;
/// The most requests that may wait for review.
const MAX_PENDING: usize = 1000;
/// The most of them that one caller may have brought: a stolen token must not take the desk from everybody else.
const MAX_OWN: usize = 250;
/// The most locks that are kept beside one that says the same of what was approved.
const MAX_VARIANTS: usize = 100;
/// How long a lock may be on its way while it holds memory that others wait for.
const ON_THE_WAY: Duration = Duration::from_secs(120);
/// How long all of them together may be, in bytes.
const MAX_WAITING: usize = 512 << 20;
/// The longest reason, in bytes.
const MAX_REASON: usize = 1000;
/// Memory for locks that are being received and read, in MiB: a lock takes up several times its length.
static ROOM: Semaphore = Semaphore::const_new(64);

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/v1/locks/{digest}", get(read).put(put))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// `1`: for review.
    #[serde(default)]
    request: String,
    #[serde(default)]
    reason: String,
    /// `1`: the server fetches what is missing.
    #[serde(default)]
    fetch: String,
}

impl Options {
    fn flag(name: &str, value: &str) -> Result<bool, ApiError> {
        match value {
            "" | "0" => Ok(false),
            "1" => Ok(true),
            other => {
                let shown = Untrusted::new(other).excerpt(20);
                Err(ApiError::bad_request(format!("`{name}={shown}`: give 1, or leave it out")))
            }
        }
    }
}

async fn read(State(app): State<App>, caller: Caller, At(digest): At) -> Result<Response, ApiError> {
    // What was asked for and not approved is a stranger's text: reviewers need it, and it is shown as such.
    let absent = || ApiError::not_found(format!("there is no lock {digest}"));
    let length = locks::length(&app.db, &digest.to_string()).await?.ok_or_else(absent)?;
    let room = Room::take(u64::try_from(length).unwrap_or(u64::MAX))?;
    let text = locks::text(&app.db, &digest.to_string()).await?.ok_or_else(absent)?;
    let keep = if app.config.private || !caller.scopes.is_empty() { "private" } else { "public" };
    let mut response = Response::new(room.hold(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/toml; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let values = [
        (header::CACHE_CONTROL, format!("{keep}, max-age=31536000, immutable")),
        (header::ETAG, format!("\"{digest}\"")),
    ];
    for (name, value) in values {
        headers.insert(name, HeaderValue::from_str(&value).map_err(|error| ApiError::bug(&error))?);
    }
    Ok(response)
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    At(digest): At,
    Parameters(options): Parameters<Options>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let event = Event::of(&caller, &app.clock, "push-lock", digest.to_string());
    match push(&app, &caller, &event, digest, &options, &headers, body).await {
        Ok(answer) => Ok(Json(answer)),
        Err(error) => Err(event.refused(&app.db, error).await),
    }
}

async fn push(
    app: &App,
    caller: &Caller,
    event: &Event,
    digest: Digest,
    options: &Options,
    headers: &HeaderMap,
    body: Body,
) -> Result<Value, ApiError> {
    caller.require(Scope::Push)?;
    let (request, fetch) = (Options::flag("request", &options.request)?, Options::flag("fetch", &options.fetch)?);
    if options.reason.len() > MAX_REASON {
        return Err(ApiError::bad_request(format!("the reason has more than {MAX_REASON} bytes")));
    }
    if fetch && app.config.pull_through.is_none() {
        return Err(ApiError::refused("this server fetches nothing from upstreams")
            .hint("`mcpsec push` sends the files; whoever runs the server may configure [pull-through]"));
    }
    let (lock, text) = receive(digest, headers, body).await?;
    let server = lock.servers.values().next().ok_or_else(|| ApiError::bug(&"a checked lock has no server"))?;
    let standing = app.catalogs.standing(&app.db, &app.clock, &lock).await?;
    if !standing.is_met() && !request {
        let name = escape(server.name.as_str());
        return Err(ApiError::forbidden(format!("{name} is not approved: {}", why(&standing, &name))).hint(format!(
            "`mcpsec approve {name}`, then `mcpsec push`; or `mcpsec push {name} --request` asks for a review"
        )));
    }
    let asked = !standing.is_met();
    let is_waiting = |release: &&std::sync::Arc<Release>| release.requested && !release.standing.is_met();
    let catalog = app.catalogs.get();
    if asked && catalog.release(&digest).is_none_or(|release| !is_waiting(&release)) {
        let waiting = || catalog.releases().iter().filter(is_waiting);
        let own = waiting().filter(|release| release.pushed_by == caller.actor).count();
        let bytes = waiting().map(|release| release.bytes).sum::<usize>().saturating_add(text.len());
        let full = if own >= MAX_OWN {
            Some(format!("{own} of your requests"))
        } else if waiting().count() >= MAX_PENDING {
            Some(format!("{MAX_PENDING} requests"))
        } else {
            (bytes > MAX_WAITING).then(|| format!("requests of {} MiB", MAX_WAITING >> 20))
        };
        if let Some(whose) = full {
            return Err(ApiError {
                retry_after: Some(3600),
                ..ApiError::new(StatusCode::TOO_MANY_REQUESTS, format!("{whose} wait for review already"))
            });
        }
    }
    if !asked
        && app.catalogs.get().variants(&Approved::of(&lock, server)) >= MAX_VARIANTS
        && locks::one(&app.db, &digest.to_string()).await?.is_none()
    {
        return Err(ApiError::conflict(format!("{MAX_VARIANTS} locks of exactly this are here already"))
            .hint("it is vetted: there is nothing that this lock adds"));
    }
    let new = NewLock {
        row: LockRow {
            digest: digest.to_string(),
            pushed_at: app.clock.now().as_second(),
            pushed_by: caller.actor.clone(),
            requested: i64::from(asked),
            reason: options.reason.clone(),
        },
        text,
        server: server.name.to_string(),
        version: server.version.clone(),
        purl: server.closure.root().package().purl(),
        files: files(&lock),
    };
    let mut tx = app.db.begin().await?;
    let added = locks::insert(&mut tx, &new).await?;
    let changed = added || asked && locks::request(&mut tx, &new.row.digest, &options.reason).await?;
    if changed {
        event.done(&mut tx).await?;
        tx.commit().await?;
        app.changed().await?;
    }
    let missing = locks::missing(&app.db, &new.row.digest).await?;
    if fetch && !missing.is_empty() {
        pull::start(app, caller, digest, &missing);
    }
    answer(app, digest, server.name.as_str(), &standing, &missing).await
}

/// Why a server is not approved, in one line.
fn why(standing: &mcpsec_verify::approval::Standing, name: &str) -> String {
    match standing.check(name).status {
        mcpsec_model::check::CheckStatus::Fail(reason) => reason.clone(),
        _ => String::new(),
    }
}

async fn answer(
    app: &App,
    digest: Digest,
    server: &str,
    standing: &mcpsec_verify::approval::Standing,
    missing: &[FileRow],
) -> Result<Value, ApiError> {
    let status = match (standing.is_met(), missing.is_empty()) {
        (true, true) => Status::Vetted,
        (true, false) => Status::Incomplete,
        (false, _) => app.catalogs.get().release(&digest).map_or(Status::Pending, |release| release.status),
    };
    let evidence = locks::without_evidence(&app.db, &digest.to_string()).await?;
    let digests: BTreeSet<&str> = missing.iter().map(|file| file.digest.as_str()).collect();
    let evidence: Vec<String> = evidence.iter().map(|file| format!("{} {}", file.package, file.file)).collect();
    Ok(json!({
        "lock": digest,
        "server": server,
        "status": status.as_str(),
        "missing": digests,
        "evidence": evidence,
    }))
}

/// The lock in a body, after every check that needs no database.
async fn receive(digest: Digest, headers: &HeaderMap, body: Body) -> Result<(Lock, String), ApiError> {
    let too_long = || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a lock has at most {MAX_BYTES} bytes"));
    if !matches!(digest, Digest::Sha256(_)) {
        return Err(ApiError::refused("locks are called by their SHA-256"));
    }
    let length = announced(headers)?;
    let expected = usize::try_from(length.unwrap_or(MAX_BYTES as u64)).unwrap_or(usize::MAX);
    if expected > MAX_BYTES {
        return Err(too_long());
    }
    let mebibytes = u32::try_from(expected.div_ceil(1 << 20)).unwrap_or(u32::MAX).clamp(1, 64);
    let _room = ROOM.acquire_many(mebibytes).await.map_err(|error| ApiError::bug(&error))?;
    let received = tokio::time::timeout(ON_THE_WAY, axum::body::to_bytes(body, MAX_BYTES)).await;
    let received = received.map_err(|_| {
        ApiError::new(StatusCode::REQUEST_TIMEOUT, format!("the lock took more than {} s", ON_THE_WAY.as_secs()))
    })?;
    let bytes = match received {
        Ok(bytes) => bytes,
        Err(error) if is_too_long(&error) => return Err(too_long()),
        Err(_broke_off) => return Err(ApiError::bad_request("the body broke off")),
    };
    let read = tokio::task::spawn_blocking(move || check(digest, bytes.into()));
    read.await.map_err(|error| ApiError::bug(&error))?
}

fn is_too_long(error: &axum::Error) -> bool {
    use std::error::Error as _;
    error.source().is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

fn check(digest: Digest, bytes: Vec<u8>) -> Result<(Lock, String), ApiError> {
    let actual = Digest::sha256_of(&bytes);
    if actual != digest {
        return Err(ApiError::refused(format!("the body is {actual}, and the address says {digest}")));
    }
    let lock = Lock::parse_bytes(&bytes, "the body").map_err(|error| ApiError::refused(escape(&error.to_string())))?;
    let text = String::from_utf8(bytes).map_err(|_| ApiError::refused("the body is not UTF-8"))?;
    if lock.servers.len() != 1 {
        return Err(ApiError::refused(format!("the lock has {} servers, and must have one", lock.servers.len())));
    }
    if !lock.imports.is_empty() || lock.team.is_some() {
        return Err(ApiError::refused(
            "the lock has pins of other teams, which belong to a project and not to a server",
        ));
    }
    if lock.to_text() != text {
        return Err(ApiError::refused("the lock is not exactly as mcpsec writes it (line ends, for one)"));
    }
    let count: usize = lock.packages.values().map(|package| package.artifacts.len()).sum();
    if count > MAX_FILES {
        return Err(ApiError::refused(format!("the lock has {count} files; at most {MAX_FILES} are kept")));
    }
    let unpinned =
        |package: &&mcpsec_model::package::Package| package.artifacts.iter().any(|file| file.digests.is_empty());
    if let Some(package) = lock.packages.values().find(unpinned) {
        return Err(ApiError::refused(format!("a file of {} has no digest", package.id)));
    }
    Ok((lock, text))
}

fn files(lock: &Lock) -> Vec<FileRow> {
    let hex = |bytes: Option<&[u8]>| bytes.map(hex::encode).unwrap_or_default();
    let mut rows = Vec::new();
    for package in lock.packages.values() {
        for artifact in &package.artifacts {
            let pinned = &artifact.digests;
            rows.push(FileRow {
                package: package.id.purl(),
                file: artifact.file.to_string(),
                digest: pinned.strongest().map(|digest| digest.to_string()).unwrap_or_default(),
                sha256: hex(pinned.sha256.as_ref().map(<[u8; 32]>::as_slice)),
                sha512: hex(pinned.sha512.as_ref().map(<[u8; 64]>::as_slice)),
                size: artifact.size.and_then(|size| i64::try_from(size).ok()).unwrap_or(-1),
            });
        }
    }
    rows
}
