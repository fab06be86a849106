//! What the code of packages does: read from the store, remembered by digest, compared, judged.
//!
//! ```text
//! Package -> shelf (archive -> PackageFacts, cache by digest) -> audit::content::compare -> judge (check `content`, findings)
//!                                                        disk (folders and archives that no lock knows) -^
//! ```
mod disk;
mod judge;
mod memory;
mod shelf;

pub(super) use disk::open;
pub(super) use judge::{Said, entry_of, is_content, judged, of_change, of_lock, of_versions};
pub(super) use shelf::Shelf;
