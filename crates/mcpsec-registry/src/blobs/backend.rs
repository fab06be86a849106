//! The two kinds of store: a folder of this machine, and an S3-compatible service.
//!
//! Folders are written here and not by `object_store`, since a file that passed its checks is renamed into place instead of copied.
use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig,
    aws::AmazonS3Builder, path::Path as Key,
};
use tempfile::NamedTempFile;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{BlobError, parts::PART};

/// How many bodies may be in memory on their way to S3, [`PART`] bytes each.
const SENDERS: usize = 2;
/// Bytes of one chunk read from a file, while there is room; and when there is none.
const CHUNK: usize = 256 << 10;
const SMALL: usize = 16 << 10;
/// How many large chunks there may be that were read and not sent yet: 24 MiB.
static ROOM: Semaphore = Semaphore::const_new(96);

/// Bytes as they come.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, BlobError>>;

#[derive(Clone, Debug)]
pub(super) enum Backend {
    Folder(Arc<PathBuf>),
    Bucket { store: Arc<dyn ObjectStore>, prefix: Key, senders: Arc<Semaphore> },
}

impl Backend {
    pub(super) fn open(address: Option<&str>, data: &Path) -> Result<Self, BlobError> {
        let folder = |path: PathBuf| {
            std::fs::create_dir_all(&path).map_err(BlobError::io("make the folder of blobs"))?;
            Ok(Self::Folder(Arc::new(path)))
        };
        let Some(address) = address else { return folder(data.join("blobs")) };
        // An address may hold a password by mistake: what is printed of it is its scheme.
        let unknown = || BlobError::Address(address.split("//").next().unwrap_or_default().chars().take(20).collect());
        let url: url::Url = address.parse().map_err(|_| unknown())?;
        match url.scheme() {
            // `file:blobs` would be read as `file:///blobs`.
            "file" if address.starts_with("file:///") => folder(url.to_file_path().map_err(|()| unknown())?),
            "s3" => {
                let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
                let bucket = url.host_str().filter(|_| plain && url.port().is_none()).ok_or_else(unknown)?;
                let prefix = Key::from_url_path(url.path()).map_err(|_| unknown())?;
                let retry = RetryConfig {
                    backoff: BackoffConfig {
                        init_backoff: Duration::from_millis(100),
                        max_backoff: Duration::from_secs(2),
                        base: 2.,
                    },
                    max_retries: 4,
                    retry_timeout: Duration::from_secs(20),
                };
                let client = ClientOptions::new()
                    .with_connect_timeout(Duration::from_secs(5))
                    .with_timeout(Duration::from_secs(60));
                // Path style unless `AWS_VIRTUAL_HOSTED_STYLE_REQUEST` says otherwise; `AWS_ALLOW_HTTP` for a store on loopback.
                let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
                let http = builder.get_config_value(&object_store::aws::AmazonS3ConfigKey::Client(
                    object_store::ClientConfigKey::AllowHttp,
                ));
                let client = client.with_allow_http(http.is_some_and(|text| text == "true" || text == "1"));
                let store = builder.with_client_options(client).build()?;
                Ok(Self::Bucket { store: Arc::new(store), prefix, senders: Arc::new(Semaphore::new(SENDERS)) })
            }
            _ => Err(unknown()),
        }
    }

    /// Whether the bytes are on another machine.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Self::Bucket { .. })
    }

    /// Where bodies are written first.
    pub(super) fn spool(&self, data: &Path) -> PathBuf {
        match self {
            Self::Folder(root) => root.join("incoming"),
            Self::Bucket { .. } => data.join("incoming"),
        }
    }

    pub(super) async fn check(&self) -> Result<(), BlobError> {
        match self {
            Self::Folder(root) => {
                let root = Arc::clone(root);
                // Reading only: a full disk stops uploads, and is no reason to stop handing out what is there.
                blocking(move || {
                    std::fs::read_dir(root.as_path()).map(drop).map_err(BlobError::io("read the folder of blobs"))
                })
                .await
            }
            Self::Bucket { store, prefix, .. } => match store.head(&prefix.clone().join("health")).await {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// The length of a file that is there.
    pub(super) async fn size(&self, name: &str) -> Result<Option<u64>, BlobError> {
        match self {
            Self::Folder(root) => {
                let path = root.join(name);
                blocking(move || match path.metadata() {
                    Ok(found) => Ok(found.is_file().then_some(found.len())),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Err(source) => Err(BlobError::Io { what: "look for a blob", source }),
                })
                .await
            }
            Self::Bucket { store, prefix, .. } => match store.head(&key(prefix, name)).await {
                Ok(found) => Ok(Some(found.size)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Puts a temporary file in its place, durably.
    pub(super) async fn keep(&self, name: String, file: NamedTempFile) -> Result<(), BlobError> {
        match self {
            Self::Folder(root) => {
                let root = Arc::clone(root);
                blocking(move || rename_into(&root, &name, file)).await
            }
            Self::Bucket { store, prefix, senders } => {
                let key = key(prefix, &name);
                let _permit = senders.acquire().await.map_err(|_| closed())?;
                let reader = file.reopen().map_err(BlobError::io("read an upload"))?;
                let (first, reader) = next_part(reader).await?;
                if (first.len() as u64) < PART {
                    store.put(&key, first.into()).await?;
                    return Ok(());
                }
                let mut upload = store.put_multipart(&key).await?;
                let sent = send_parts(upload.as_mut(), first, reader).await;
                if sent.is_err()
                    && let Err(error) = upload.abort().await
                {
                    tracing::warn!(%error, "an upload to the blob store could not be taken back");
                }
                sent
            }
        }
    }

    /// Bytes of a file; `None` when it is not there.
    pub(super) async fn read(&self, name: &str, range: Option<Range<u64>>) -> Result<Option<Chunks>, BlobError> {
        match self {
            Self::Folder(root) => {
                let path = root.join(name);
                let found = blocking(move || Ok(looked_at(&path, range.as_ref())?.map(|left| (path, left)))).await?;
                Ok(found.map(|(path, left)| file_chunks(path, left)))
            }
            Self::Bucket { store, prefix, .. } => {
                let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
                match store.get_opts(&key(prefix, name), options).await {
                    Ok(got) => Ok(Some(got.into_stream().map_err(BlobError::from).boxed())),
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// The names directly in a folder.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<String>, BlobError> {
        let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        match self {
            Self::Folder(root) => {
                let path = root.join(folder);
                blocking(move || {
                    let entries = match std::fs::read_dir(path) {
                        Ok(entries) => entries,
                        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                        Err(source) => return Err(BlobError::Io { what: "list parts", source }),
                    };
                    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
                })
                .await
            }
            Self::Bucket { store, prefix, .. } => {
                let found = store.list(Some(&key(prefix, folder)));
                Ok(found.map_ok(|found| last(found.location.as_ref())).try_collect().await?)
            }
        }
    }

    /// Removes all files directly in a folder, and the folder.
    pub(super) async fn remove(&self, folder: &str) -> Result<(), BlobError> {
        match self {
            Self::Folder(root) => {
                let path = root.join(folder);
                blocking(move || match std::fs::remove_dir_all(path) {
                    Err(source) if source.kind() != ErrorKind::NotFound => {
                        Err(BlobError::Io { what: "remove parts", source })
                    }
                    _ => Ok(()),
                })
                .await
            }
            Self::Bucket { store, prefix, .. } => {
                let found = store.list(Some(&key(prefix, folder))).map_ok(|found| found.location).boxed();
                Ok(store.delete_stream(found).try_for_each(|_| async { Ok(()) }).await?)
            }
        }
    }

    /// Removes files in the folders of `folder` that were last written before a moment. Returns how many there were.
    pub(super) async fn sweep(&self, folder: &str, before: i64) -> Result<usize, BlobError> {
        match self {
            Self::Folder(root) => {
                let path = root.join(folder);
                blocking(move || {
                    let mut removed = 0;
                    for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
                        removed += sweep_folder(&entry.path(), before)?;
                        // Fails where parts are left, which is the point.
                        let _not_empty = std::fs::remove_dir(entry.path());
                    }
                    Ok(removed)
                })
                .await
            }
            Self::Bucket { store, prefix, .. } => {
                let all = store.list(Some(&key(prefix, folder)));
                let old: Vec<Key> = all
                    .try_filter_map(|found| async move {
                        Ok((found.last_modified.timestamp() < before).then_some(found.location))
                    })
                    .try_collect()
                    .await?;
                let removed = old.len();
                let keys = futures::stream::iter(old.into_iter().map(Ok)).boxed();
                store.delete_stream(keys).try_for_each(|_| async { Ok(()) }).await?;
                Ok(removed)
            }
        }
    }
}

/// Runs what may block on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_panicked_or_shut_down) => Err(closed()),
    }
}

/// Removes files of a folder that were last written before a moment.
pub(super) fn sweep_folder(folder: &Path, before: i64) -> Result<usize, BlobError> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().ok().filter(std::fs::Metadata::is_file).and_then(|found| found.modified().ok());
        let age = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let old = age.is_some_and(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX) < before);
        if old {
            std::fs::remove_file(entry.path()).map_err(BlobError::io("remove an old upload"))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn closed() -> BlobError {
    BlobError::Io { what: "use the blob store", source: ErrorKind::Interrupted.into() }
}

fn key(prefix: &Key, name: &str) -> Key {
    name.split('/').fold(prefix.clone(), |key, part| key.join(part))
}

/// fsync, rename, fsync of every folder that may be new: the order in which a crash leaves either nothing or everything.
fn rename_into(root: &Path, name: &str, file: NamedTempFile) -> Result<(), BlobError> {
    let path = root.join(name);
    let parent = path.parent().unwrap_or(root);
    std::fs::create_dir_all(parent).map_err(BlobError::io("make a folder of blobs"))?;
    file.as_file().sync_all().map_err(BlobError::io("sync an upload"))?;
    file.persist(&path).map_err(|error| BlobError::Io { what: "put an upload in its place", source: error.error })?;
    for folder in parent.ancestors().take_while(|folder| folder.starts_with(root)) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(BlobError::io("sync a folder of blobs"))?;
    }
    Ok(())
}

/// The next [`PART`] bytes, or what is left.
async fn next_part(mut reader: File) -> Result<(Bytes, File), BlobError> {
    blocking(move || {
        let mut part = Vec::new();
        let read = reader.by_ref().take(PART).read_to_end(&mut part);
        read.map_err(BlobError::io("read an upload"))?;
        Ok((part.into(), reader))
    })
    .await
}

async fn send_parts(
    upload: &mut dyn object_store::MultipartUpload,
    first: Bytes,
    mut reader: File,
) -> Result<(), BlobError> {
    let mut part = first;
    while !part.is_empty() {
        upload.put_part(part.into()).await?;
        (part, reader) = next_part(reader).await?;
    }
    upload.complete().await?;
    Ok(())
}

/// Whether there is such a file, and how many bytes are to be read of it.
fn looked_at(path: &Path, range: Option<&Range<u64>>) -> Result<Option<Range<u64>>, BlobError> {
    match path.metadata() {
        Ok(found) => Ok(Some(range.cloned().unwrap_or(0..found.len()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(BlobError::Io { what: "read a blob", source }),
    }
}

/// Reads on when more is asked for. In between no file is open: whoever asks for a thousand files over one connection and takes
/// nothing holds no descriptor, and while many read at once each holds little memory.
fn file_chunks(path: PathBuf, left: Range<u64>) -> Chunks {
    futures::stream::try_unfold((path, left), |(path, left)| async move {
        if left.is_empty() {
            return Ok(None);
        }
        let place = ROOM.try_acquire().ok();
        let most = if place.is_some() { CHUNK } else { SMALL };
        let chunk = blocking(move || {
            let want = usize::try_from(left.end - left.start).unwrap_or(most).min(most);
            let chunk = chunk_at(&path, left.start, want).map_err(BlobError::io("read a blob"))?;
            let left = left.start + chunk.len() as u64..left.end;
            Ok((!chunk.is_empty()).then_some((chunk, (path, left))))
        });
        Ok(chunk.await?.map(|(chunk, next)| (Bytes::from_owner(Held { chunk, _place: place }), next)))
    })
    .boxed()
}

/// A chunk that was read and not sent yet.
struct Held {
    chunk: Vec<u8>,
    _place: Option<SemaphorePermit<'static>>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.chunk
    }
}

fn chunk_at(path: &Path, at: u64, want: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Seek as _;
    let mut file = File::open(path)?;
    if at > 0 {
        file.seek(std::io::SeekFrom::Start(at))?;
    }
    let mut chunk = Vec::with_capacity(want);
    file.take(want as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}
