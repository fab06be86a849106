//! A file on its way into the store, from whoever sent it: what may come at all, and the checks before it is kept.
//!
//! ```text
//! digest ─▶ Expected (the locks that name it, approved or asked for) ─▶ bytes arrive ─▶ accept: hashes, contents, blob, row
//! ```
//! The row is written after the blob is durable: a crash in between leaves a blob without a row, which the next push finds and uses.
use mcpsec_model::{
    digest::{Digest, Digests},
    package::PackageId,
};

use crate::{
    app::App,
    blobs::Arrived,
    catalog::Release,
    db::{
        artifacts::{self, ArtifactRow},
        audit::Event,
        locks::{self, FileRow},
    },
    error::ApiError,
    mirror::arrival::{self, Metadata},
};

/// A file that may arrive.
#[derive(Clone, Debug)]
pub struct Expected {
    digest: Digest,
    /// Never empty: how the locks call and pin it.
    files: Vec<FileRow>,
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
        let is_open = |release: &Release| release.requested || release.standing.is_met();
        let open =
            |text: &str| lock(text).and_then(|lock| catalog.release(&lock)).is_some_and(|release| is_open(release));
        let files: Vec<FileRow> = rows.into_iter().filter(|row| open(&row.lock)).map(|row| row.file).collect();
        if files.is_empty() {
            return Err(ApiError::forbidden(format!("no approved server has the file {digest} any more"))
                .hint("`mcpsec approve NAME`, then `mcpsec push`; or `mcpsec push --request`"));
        }
        Ok(Self { digest: *digest, files })
    }

    /// Its length in bytes, where all locks that say one say the same.
    pub fn size(&self) -> Option<u64> {
        let mut sizes = self.files.iter().filter_map(|file| u64::try_from(file.size).ok());
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
    let mut named: Vec<&FileRow> = expected.files.iter().filter(|file| pins(file).agrees(&actual)).collect();
    named.sort_by_key(|file| (&file.package, &file.file));
    named.dedup_by_key(|file| (&file.package, &file.file));
    if named.is_empty() {
        let got = match expected.digest {
            Digest::Sha256(_) => arrived.sha256,
            Digest::Sha512(_) => arrived.sha512,
        };
        return Err(ApiError::refused(format!("the bytes are {got}, and {} was announced", expected.digest))
            .hint("nothing was kept; the file is damaged, or another one"));
    };
    let row = ArtifactRow {
        sha256: arrived.sha256.to_hex(),
        sha512: arrived.sha512.to_hex(),
        sha1: arrived.sha1.clone(),
        size: i64::try_from(arrived.size).map_err(|error| ApiError::bug(&error))?,
    };
    let (arrived, inside) = look_inside(&named, arrived).await?;
    app.blobs.keep(arrived).await?;
    let inside = inside.as_ref().map(|inside| (inside.kind.as_str(), inside.body.as_str()));
    let mut tx = app.db.begin().await?;
    let new = artifacts::insert(&mut tx, &row, inside, app.clock.now().as_second()).await?;
    if new {
        event.done(&mut tx).await?;
        tx.commit().await?;
        app.changed().await?;
    }
    Ok(row)
}

/// The most names of one file that are tried.
const MAX_NAMES: usize = 16;

/// Reads what the file says about itself. Archives of git trees say nothing that anybody asks for.
///
/// Several locks may name these bytes, each as another package, and who pushed first may have lied: it is enough that one of the names
/// fits. What is vetted under a name that does not fit is left out of the mirror (`mirror::described`).
async fn look_inside(named: &[&FileRow], arrived: Arrived) -> Result<(Arrived, Option<Metadata>), ApiError> {
    let packages = named.iter().filter_map(|file| Some((PackageId::from_purl(&file.package).ok()?, file.file.clone())));
    let packages: Vec<(PackageId, String)> = packages.take(MAX_NAMES).collect();
    let work = move || {
        let (mut nothing, mut wrong) = (packages.is_empty(), None);
        for (package, name) in &packages {
            match arrival::metadata(package, name, arrived.path()) {
                Ok(Some(inside)) => return Ok((arrived, Some(inside))),
                Ok(None) => nothing = true,
                Err(why) => wrong = wrong.or(Some(why)),
            }
        }
        match wrong {
            Some(why) if !nothing => Err(ApiError::from(why)),
            _ => Ok((arrived, None)),
        }
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::bug(&error))?
}
