//! HTTP: one client, one metadata cache, one set of limits.
//!
//! [`Network`] is the only way to the outside: it retries what may succeed later, follows redirects itself (so that
//! credentials never reach another origin), and bounds time and size. [`Metadata`] asks it for registry documents through
//! a disk cache ([RFC 9111](https://www.rfc-editor.org/rfc/rfc9111)); without a `Network` it answers from the cache alone,
//! which is what `--offline` means.
pub(crate) mod body;
mod cache;
pub mod credentials;
mod error;
mod metadata;
mod network;
mod reach;

pub(crate) use body::read as read_body;
pub use credentials::Credentials;
pub use error::HttpError;
pub(crate) use error::chain;
pub use metadata::{Document, Freshness, Metadata, MetadataRequest, Reduction};
pub(crate) use network::Schedule;
pub use network::{HttpOptions, Network};
pub(crate) use network::{Sending, retry_after};
