//! A file on its way into the store, from whoever sent it: what may come at all, and the checks before it is kept.
//!
//! ```text
//! digest ─▶ Expected (the locks that name it, approved or asked for) ─▶ bytes arrive ─▶ accept: hashes, contents, blob, row
//! ```
//! The row is written after the blob is durable: a crash in between leaves a blob without a row, which the next push finds and uses.
use std::collections::BTreeSet;

use mcpsec_model::{
    digest::{Digest, Digests},
    package::PackageId,
};

use crate::{
    app::App,
    blobs::Arrived,
    db::{
        artifacts::{self, ArtifactRow},
        audit::Event,
        locks::{self, FileRow, NamedRow},
    },
    error::ApiError,
    mirror::arrival::{self, ArrivalError, Metadata},
};

/// Under how many names one file is looked into: each look reads it whole.
const MOST_NAMES: usize = 16;

/// A file that may arrive.
#[derive(Clone, Debug)]
pub struct Expected {
    digest: Digest,
    /// Never empty: how the locks call and pin it.
    files: Vec<Named>,
}

/// How a lock calls and pins a file.
#[derive(Clone, Debug)]
struct Named {
    file: FileRow,
    /// Whether that lock is approved, and not only asked for.
    approved: bool,
}

impl Expected {
    /// The file that stored locks call by this digest.
    ///
    /// # Errors
    /// 404: no lock names it. 403: those that do are neither approved nor asked for any more.
    pub async fn of(app: &App, digest: &Digest) -> Result<Self, ApiError> {
        let rows = locks::naming(&app.db, digest).await?;
        if rows.is_empty() {
            return Err(ApiError::not_found(format!("no pushed lock names {digest}"))
                .hint("files follow their lock: `mcpsec push` sends both"));
        }
        let mut catalog = app.catalogs.get();
        let lock = |text: &str| text.parse::<Digest>().ok();
        if rows.iter().any(|row| lock(&row.lock).is_none_or(|lock| catalog.release(&lock).is_none())) {
            // Another replica took the lock a moment ago.
            catalog = app.catalogs.renew(&app.db, &app.clock).await?;
        }
        let named = |row: NamedRow| {
            let release = lock(&row.lock).and_then(|lock| catalog.release(&lock))?;
            let approved = release.standing.is_met();
            (release.requested || approved).then_some(Named { file: row.file, approved })
        };
        let files: Vec<Named> = rows.into_iter().filter_map(named).collect();
        if files.is_empty() {
            return Err(ApiError::forbidden(format!("no approved server has the file {digest} any more"))
                .hint("`mcpsec approve NAME`, then `mcpsec push`; or `mcpsec push --request`"));
        }
        Ok(Self { digest: *digest, files })
    }

    /// Its length in bytes, where all locks that say one say the same.
    pub fn size(&self) -> Option<u64> {
        let mut sizes = self.files.iter().filter_map(|named| u64::try_from(named.file.size).ok());
        let first = sizes.next()?;
        sizes.all(|size| size == first).then_some(first)
    }

    /// Refuses a body that is announced with another length.
    ///
    /// # Errors
    /// 422.
    pub fn fits(&self, length: Option<u64>) -> Result<(), ApiError> {
        match (self.size(), length) {
            (Some(size), Some(length)) if size != length => {
                Err(ApiError::refused(format!("the lock says {size} bytes, and the body has {length}")))
            }
            _ => Ok(()),
        }
    }
}

/// What a lock pins of a file.
fn pins(file: &FileRow) -> Digests {
    let sha256 = Digest::sha256_from_hex(&file.sha256).ok();
    sha256.into_iter().chain(Digest::sha512_from_hex(&file.sha512)).collect()
}

/// Checks what arrived and keeps it; what is there already stays. Nothing is kept of what is refused.
///
/// # Errors
/// 422: other bytes than the lock pins, or contents that are not the package. 503: the blob store or the database does not answer.
pub async fn accept(app: &App, expected: &Expected, arrived: Arrived, event: &Event) -> Result<ArtifactRow, ApiError> {
    let actual = arrived.digests();
    let files: Vec<Named> = expected.files.iter().filter(|named| pins(&named.file).agrees(&actual)).cloned().collect();
    if files.is_empty() {
        let got = match expected.digest {
            Digest::Sha256(_) => arrived.sha256,
            Digest::Sha512(_) => arrived.sha512,
        };
        return Err(ApiError::refused(format!("the bytes are {got}, and {} was announced", expected.digest))
            .hint("nothing was kept; the file is damaged, or another one"));
    }
    let row = ArtifactRow {
        sha256: arrived.sha256.to_hex(),
        sha512: arrived.sha512.to_hex(),
        sha1: arrived.sha1.clone(),
        size: i64::try_from(arrived.size).map_err(|error| ApiError::bug(&error))?,
    };
    let (arrived, inside) = look_inside(files, arrived).await?;
    app.blobs.keep(arrived).await?;
    let mut tx = app.db.begin().await?;
    let new = artifacts::insert(&mut tx, &row, &inside, app.clock.now().as_second()).await?;
    if new {
        event.done(&mut tx).await?;
        tx.commit().await?;
        app.changed().await?;
    }
    Ok(row)
}

/// Reads what the file says about itself, as each package that locks have it as: one description of each kind. What is approved must
/// be right about it. Of what is only asked for it is enough that one lock is: whoever may ask must not keep out what others have.
async fn look_inside(files: Vec<Named>, arrived: Arrived) -> Result<(Arrived, Vec<Metadata>), ApiError> {
    let work = move || {
        let (mut found, mut wrong, mut is_right) = (Vec::<Metadata>::new(), None, false);
        let mut looked = BTreeSet::new();
        let (approved, asked): (Vec<_>, Vec<_>) = files.into_iter().partition(|named| named.approved);
        for Named { file, approved } in approved.into_iter().chain(asked) {
            // Archives of git trees say nothing that anybody asks for.
            let Ok(package) = PackageId::from_purl(&file.package) else { continue };
            if looked.len() >= MOST_NAMES || !looked.insert((package.clone(), file.file.clone())) {
                continue;
            }
            match arrival::metadata(&package, &file.file, arrived.path()) {
                Ok(inside) => {
                    is_right = true;
                    found.extend(inside.filter(|inside| found.iter().all(|known| known.kind != inside.kind)));
                }
                Err(why) if approved || matches!(why, ArrivalError::Io(_)) => return Err(why.into()),
                Err(why) => wrong = wrong.or(Some(why)),
            }
        }
        match wrong {
            Some(why) if !is_right => Err(ApiError::from(why)),
            _ => Ok((arrived, found)),
        }
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::bug(&error))?
}
