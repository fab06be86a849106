//! What proves where a file came from: `/api/v1/evidence/{digest}?package=PURL&file=NAME`.
//!
//! Kept so that clients can verify when the upstream is gone. The server believes none of it and never shows it as verified.
use axum::{Json, Router, body::Body, extract::State, http::HeaderMap, response::Response, routing::get};
use http::{HeaderValue, StatusCode, header};
use mcpsec_model::{digest::Digest, evidence::Documents, package::PackageId, text::Untrusted};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::address::{At, Parameters, announced};
use crate::{
    app::App,
    auth::{Caller, Scope},
    catalog::Release,
    db::{
        audit::Event,
        evidence::{self, About},
        locks,
    },
    error::ApiError,
    ops::Room,
    worth::{self, Subject},
};

/// The longest documents of one file, in bytes: as clients keep them.
const LONGEST: usize = 16 << 20;
/// Memory for documents that are being received, in MiB.
static ROOM: Semaphore = Semaphore::const_new(32);

pub(super) fn router() -> Router<App> {
    Router::new().route("/api/v1/evidence/{digest}", get(read).put(put))
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    package: String,
    file: String,
}

/// The file that is meant, as a lock has it, and whether a vetted closure has it.
struct Meant {
    package: String,
    file: String,
    digest: String,
    vetted: bool,
    open: bool,
}

impl Meant {
    async fn of(app: &App, digest: &Digest, which: &Which) -> Result<Option<Self>, ApiError> {
        let rows = locks::naming(&app.db, digest).await?;
        let catalog = app.catalogs.get();
        let release = |lock: &str| lock.parse().ok().and_then(|lock| catalog.release(&lock));
        let is_open = |release: &std::sync::Arc<Release>| release.requested || release.standing.is_met();
        let mut meant: Option<Self> = None;
        for row in rows.into_iter().filter(|row| row.file.package == which.package && row.file.file == which.file) {
            let release = release(&row.lock);
            let open = release.is_some_and(is_open);
            let vetted = release.is_some_and(|release| release.standing.is_met());
            let file = row.file;
            match &mut meant {
                Some(meant) => {
                    meant.vetted |= vetted;
                    meant.open |= open;
                }
                None => {
                    meant = Some(Self { package: file.package, file: file.file, digest: file.digest, vetted, open })
                }
            }
        }
        Ok(meant)
    }

    fn about(&self) -> About<'_> {
        About { package: &self.package, file: &self.file, digest: &self.digest }
    }

    fn subject(&self) -> Result<Subject, ApiError> {
        Ok(Subject {
            package: PackageId::from_purl(&self.package).map_err(|error| ApiError::bug(&error))?,
            file: self.file.clone(),
            digest: self.digest.parse().map_err(|error| ApiError::bug(&error))?,
        })
    }
}

fn unknown(which: &Which) -> ApiError {
    let shown = Untrusted::new(format!("{} {}", which.package, which.file)).excerpt(200);
    ApiError::not_found(format!("there is no evidence for {shown}"))
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    At(digest): At,
    Parameters(which): Parameters<Which>,
) -> Result<Response, ApiError> {
    let meant = Meant::of(&app, &digest, &which).await?.ok_or_else(|| unknown(&which))?;
    if !meant.vetted && caller.require(Scope::Push).is_err() {
        return Err(unknown(&which));
    }
    let length = evidence::length(&app.db, &meant.about()).await?.ok_or_else(|| unknown(&which))?;
    let room = Room::take(u64::try_from(length).unwrap_or(u64::MAX))?;
    let found = evidence::one(&app.db, &meant.about()).await?.ok_or_else(|| unknown(&which))?;
    let mut response = Response::new(room.hold(found));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    At(digest): At,
    Parameters(which): Parameters<Which>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let subject = format!("{digest} {} {}", which.package, which.file);
    let event = Event::of(&caller, &app.clock, "push-evidence", subject);
    let work = async {
        caller.require(Scope::Push)?;
        let meant = Meant::of(&app, &digest, &which).await?.filter(|meant| meant.open).ok_or_else(|| {
            ApiError::not_found(format!("no pushed lock has such a file under {digest}"))
                .hint("evidence follows its lock: `mcpsec push` sends both")
        })?;
        let documents = receive(&headers, body).await?;
        keep(&app, &meant, documents, &event).await
    };
    match work.await {
        Ok(changed) => Ok(Json(json!({ "changed": changed }))),
        Err(error) => Err(event.refused(&app.db, error).await),
    }
}

async fn receive(headers: &HeaderMap, body: Body) -> Result<Documents, ApiError> {
    let too_long = || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("evidence has at most {LONGEST} bytes"));
    let expected = usize::try_from(announced(headers)?.unwrap_or(LONGEST as u64)).unwrap_or(usize::MAX);
    if expected > LONGEST {
        return Err(too_long());
    }
    let mebibytes = u32::try_from(expected.div_ceil(1 << 20)).unwrap_or(16).clamp(1, 16);
    let _room = ROOM.acquire_many(mebibytes).await.map_err(|error| ApiError::bug(&error))?;
    let limited = http_body_util::Limited::new(body, LONGEST);
    let bytes = match http_body_util::BodyExt::collect(limited).await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => return Err(too_long()),
        Err(_broke_off) => return Err(ApiError::bad_request("the body broke off")),
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::refused(format!("the body is not evidence: {}", Untrusted::new(error.to_string()).excerpt(160)))
    })
}

/// Completes what is there; nothing that proves something is erased by sending less, or worse. Returns whether anything changed.
async fn keep(app: &App, meant: &Meant, documents: Documents, event: &Event) -> Result<bool, ApiError> {
    let about = meant.about();
    let mut tx = app.db.begin().await?;
    let earlier = evidence::held(&mut tx, &about).await?;
    let known: Option<Documents> = earlier.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let subject = meant.subject()?;
    let merge = move || {
        let merged = worth::completed(&known.clone().unwrap_or_default(), &documents, &subject);
        (known.as_ref() != Some(&merged)).then_some(merged)
    };
    let merged = tokio::task::spawn_blocking(merge).await.map_err(|error| ApiError::bug(&error))?;
    let Some(merged) = merged else { return Ok(false) };
    let text = serde_json::to_string(&merged).map_err(|error| ApiError::bug(&error))?;
    if text.len() > LONGEST {
        return Err(ApiError::refused(format!("with what is there already it has more than {LONGEST} bytes")));
    }
    evidence::put(&mut tx, &about, &text, app.clock.now().as_second()).await?;
    event.done(&mut tx).await?;
    tx.commit().await?;
    Ok(true)
}
