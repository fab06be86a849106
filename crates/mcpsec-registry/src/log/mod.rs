//! The allowlist: an append-only log of signed approvals and revocations, with a signed head over its Merkle tree.

/// The log's key and tree.
#[derive(Debug, Default)]
pub struct Log {}
