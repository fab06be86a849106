//! Progress as events: the library says what happens, the root decides how it looks.

/// Receives events from any thread; must be cheap.
pub trait Progress: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// What can happen during a long operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Resolution learnt about one more package.
    MetadataFetched {
        /// Its name, safe to print.
        name: &'a str,
    },
    /// These downloads are about to start.
    DownloadsPlanned {
        /// How many files.
        files: usize,
        /// Their total size, as far as registries say.
        bytes: u64,
    },
    /// Bytes arrived (negative when a broken download starts over).
    BytesReceived(i64),
    /// One file is in the store.
    FileDone {
        /// Its name, safe to print.
        file: &'a str,
    },
    /// An attempt failed and will be repeated.
    Retry {
        /// What is being fetched, safe to print.
        what: &'a str,
        /// Why the attempt failed, safe to print.
        reason: &'a str,
    },
}

/// Ignores everything.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}
