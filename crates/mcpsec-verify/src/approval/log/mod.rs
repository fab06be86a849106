//! The log of a team server, judged without it: its key, its heads, its Merkle tree.
//!
//! ```text
//! LogKey + a note + now          -> check_head -> Head           (who says so, and is it still to be believed)
//! lines, one after the other     -> Tree -> root at any size     (a client that holds the log needs no proofs)
//! two heads + a proof            -> check_consistency            (one that does not)
//! LogSigner + Head               -> a note                       (the server)
//! ```
//!
//! Leaf `i` is the SHA-256 of `0x00` and the bytes of line `i` of the file form, without its line feed (RFC 6962 §2.1). Whether a
//! line counts for anything is [`super::weigh`]'s to say: the log shows only that everybody was told the same.
mod head;
mod key;
#[cfg(test)]
mod tests;
mod tree;

pub use head::{HeadRefusal, LONGEST, check_head, is_cosigned, open_head};
pub use key::{LogKey, LogKeyError, LogSigner};
pub use tree::{
    Hashes, ProofError, Tree, check_consistency, check_inclusion, leaf_hash, root_of, stored_count, stored_of,
};
