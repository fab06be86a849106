//! What a vetted file says of itself: read when it arrived, or now.
//!
//! A file arrives for whichever lock brings it first, and somebody may push a lock that calls an npm tarball the archive of a git tree:
//! nothing is read out of it then. Were that final, whoever may push could keep a version out of every packument; so what is vetted
//! and was not described yet is described when somebody asks.
use tokio::sync::Semaphore;

use super::arrival::{self, Kind};
use crate::{
    app::App,
    catalog::FileRef,
    db::metadata::{self, FileRow},
    error::ApiError,
};

/// How many files are read at once.
static READERS: Semaphore = Semaphore::const_new(2);

/// Its row; `None` where it did not arrive, or is not what the lock says. A body that is empty: it says nothing.
pub(super) async fn of_file(app: &App, file: &FileRef, kind: Kind) -> Result<Option<FileRow>, ApiError> {
    let Some(blob) = &file.blob else { return Ok(None) };
    let Some(known) = metadata::of_file(&app.db, &blob.to_hex(), kind.as_str()).await? else { return Ok(None) };
    if let Some(body) = known.body {
        return Ok(Some(FileRow { sha1: known.sha1, body }));
    }
    let Some(body) = read(app, file, kind).await? else { return Ok(None) };
    metadata::keep(&app.db, &blob.to_hex(), kind.as_str(), &body).await?;
    Ok(Some(FileRow { sha1: known.sha1, body }))
}

async fn read(app: &App, file: &FileRef, kind: Kind) -> Result<Option<String>, ApiError> {
    let (Some(blob), Some(size)) = (&file.blob, file.size) else { return Ok(None) };
    let _turn = READERS.acquire().await.map_err(|error| ApiError::bug(&error))?;
    let body = app.blobs.read(blob, 0..size, size).await?;
    let copy = app.blobs.receive(body.into_data_stream(), size).await?.filter(|copy| copy.sha256 == *blob);
    let Some(copy) = copy else { return Err(crate::blobs::BlobError::Damaged(*blob).into()) };
    let (package, name) = (file.package.clone(), file.file.clone());
    let work = move || arrival::metadata(&package, &name, copy.path());
    match tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::bug(&error))? {
        Ok(Some(found)) if found.kind == kind => Ok(Some(found.body)),
        Ok(_) => Ok(Some(String::new())),
        Err(why) => {
            tracing::error!(package = %file.package, %why, "a vetted file is not what its lock says; it is left out");
            Ok(None)
        }
    }
}
