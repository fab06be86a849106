//! The log of approvals of a team's registry: asked over the network, kept on this machine.
//!
//! ```text
//! LogClient -> the text of a head, entries as Blocks, proofs        (bytes only; nothing of it is believed here)
//! Writer    <- Blocks, hashes, the head                             (under a lock; whole or not at all)
//! Copy      -> hashes at indexes, the entries about one server      (offline too)
//! ```
//!
//! Whether a head is signed, and whether hashes make its root, is `mcpsec_verify::approval::log`'s to say; whoever joins the two
//! commits only what was found good. So a [`Copy`] is what this machine has verified of a log, and its head the last one that it
//! believed: what later heads are compared with, and what holds when the registry cannot be asked.
mod client;
mod copy;
mod entries;
mod error;
mod files;
#[cfg(test)]
mod tests;
mod writer;

pub use client::{LogClient, Submitted};
pub use copy::{Copies, Copy, Kept, Topic};
pub use entries::{Block, Entries};
pub use error::TeamError;
pub use writer::Writer;

/// The most entries of a log that are worked with.
pub const MAX_ENTRIES: u64 = 1_000_000;
/// The most bytes of a log that are kept.
pub const MAX_LOG: u64 = 4 << 30;
