//! The Merkle tree over a log (RFC 6962 §2.1): roots at any size, and proofs. `tlog_tiles` does the arithmetic.
//!
//! The hashes of whole subtrees are kept in one row, each once and never changed (Crosby and Wallach 2009, §3.3): those of a
//! shorter log are the beginning of those of a longer one. So a root of the past is a few hashes, and appending is one write at the
//! end, in memory ([`Tree`]) or in a file (any [`Hashes`]).
use tlog_tiles::{
    Error, Hash, HashReader, check_record, check_tree, prove_record, prove_tree, record_hash, stored_hash_count,
    stored_hashes_for_record_hash, tree_hash,
};

/// The most entries that are worked with, so that no arithmetic overflows.
const MAX_SIZE: u64 = 1 << 48;
/// The longest proof: two hashes per level.
const MAX_PROOF: usize = 100;

/// Why a root cannot be computed, or a proof proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// Numbers that do not fit each other.
    #[error("no tree has these sizes")]
    Sizes,
    /// A hash is not there.
    #[error("a hash of the tree is missing")]
    Missing,
    /// It does not lead from the one to the other.
    #[error("the proof does not hold")]
    Proof,
}

/// Hashes of a tree, as [`stored_of`] gave them, one behind the other from index 0; 32 bytes each.
pub trait Hashes {
    /// The hashes at these indexes, which are in ascending order. `None` if one is not there.
    fn read(&self, indexes: &[u64]) -> Option<Vec<[u8; 32]>>;
}

impl Hashes for [[u8; 32]] {
    fn read(&self, indexes: &[u64]) -> Option<Vec<[u8; 32]>> {
        indexes.iter().map(|index| self.get(usize::try_from(*index).ok()?).copied()).collect()
    }
}

/// What `tlog_tiles` asks of a reader: as many hashes as indexes, or an error.
struct Reader<'a, H: ?Sized>(&'a H);

impl<H: Hashes + ?Sized> HashReader for Reader<'_, H> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let hashes = self.0.read(indexes).filter(|hashes| hashes.len() == indexes.len());
        Ok(hashes.ok_or(Error::IndexesNotInTree)?.into_iter().map(Hash).collect())
    }
}

/// The hash of a leaf: a line of the file form, without its line feed.
pub fn leaf_hash(line: &[u8]) -> [u8; 32] {
    record_hash(line).0
}

/// How many hashes a log of this size keeps.
///
/// # Errors
/// No log is that long.
pub fn stored_count(size: u64) -> Result<u64, ProofError> {
    if size > MAX_SIZE { Err(ProofError::Sizes) } else { Ok(stored_hash_count(size)) }
}

/// The hashes to keep for entry `number` (from 0), behind those of all entries before it; its own is the first.
///
/// # Errors
/// The hashes of earlier entries are not there.
pub fn stored_of(number: u64, leaf: [u8; 32], earlier: &(impl Hashes + ?Sized)) -> Result<Vec<[u8; 32]>, ProofError> {
    if number >= MAX_SIZE {
        return Err(ProofError::Sizes);
    }
    let hashes = stored_hashes_for_record_hash(number, Hash(leaf), &Reader(earlier));
    Ok(hashes.map_err(|_| ProofError::Missing)?.into_iter().map(|hash| hash.0).collect())
}

/// The root over the first `size` entries.
///
/// # Errors
/// The hashes of these entries are not all there.
pub fn root_of(size: u64, hashes: &(impl Hashes + ?Sized)) -> Result<[u8; 32], ProofError> {
    if size > MAX_SIZE {
        return Err(ProofError::Sizes);
    }
    tree_hash(size, &Reader(hashes)).map(|hash| hash.0).map_err(|_| ProofError::Missing)
}

/// Whether the log with the root `new` at `to` entries begins with the one that had the root `old` at `from` entries
/// (RFC 6962 §2.1.2). Every log begins with the empty one.
///
/// # Errors
/// It does not, or this is no proof that it does.
pub fn check_consistency(
    from: u64,
    old: [u8; 32],
    to: u64,
    new: [u8; 32],
    proof: &[[u8; 32]],
) -> Result<(), ProofError> {
    if from > to || to > MAX_SIZE {
        return Err(ProofError::Sizes);
    }
    if proof.len() > MAX_PROOF {
        return Err(ProofError::Proof);
    }
    if from == 0 {
        let empty = old == Tree::default().root() && proof.is_empty();
        return if empty { Ok(()) } else { Err(ProofError::Proof) };
    }
    let proof = proof.iter().map(|hash| Hash(*hash)).collect();
    check_tree(&proof, to, Hash(new), from, Hash(old)).map_err(|_| ProofError::Proof)
}

/// Whether entry `number` of the log with this root at `size` entries is `leaf` (RFC 6962 §2.1.1).
///
/// # Errors
/// It is not, or this is no proof that it is.
pub fn check_inclusion(
    number: u64,
    leaf: [u8; 32],
    size: u64,
    root: [u8; 32],
    proof: &[[u8; 32]],
) -> Result<(), ProofError> {
    if number >= size || size > MAX_SIZE {
        return Err(ProofError::Sizes);
    }
    if proof.len() > MAX_PROOF {
        return Err(ProofError::Proof);
    }
    let proof = proof.iter().map(|hash| Hash(*hash)).collect();
    check_record(&proof, size, Hash(root), number, Hash(leaf)).map_err(|_| ProofError::Proof)
}

/// A tree in memory: 64 bytes for each entry.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tree {
    size: u64,
    hashes: Vec<[u8; 32]>,
}

impl Tree {
    /// How many entries it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What it keeps: [`stored_count`] hashes.
    pub fn hashes(&self) -> &[[u8; 32]] {
        &self.hashes
    }

    /// Appends an entry by the hash of its leaf.
    pub fn push(&mut self, leaf: [u8; 32]) {
        // All earlier hashes are in memory, so that nothing can be missing.
        if let Ok(stored) = stored_of(self.size, leaf, self.hashes.as_slice()) {
            self.hashes.extend(stored);
            self.size += 1;
        }
    }

    /// The root over all entries.
    pub fn root(&self) -> [u8; 32] {
        self.root_at(self.size).unwrap_or_default()
    }

    /// The root over the first `size` entries; `None` if there are fewer.
    pub fn root_at(&self, size: u64) -> Option<[u8; 32]> {
        if size > self.size { None } else { root_of(size, self.hashes.as_slice()).ok() }
    }

    /// The root that it would have with more entries.
    pub fn root_with(&self, leaves: &[[u8; 32]]) -> [u8; 32] {
        let mut longer = Longer { tree: self, more: Vec::new() };
        let mut size = self.size;
        for leaf in leaves {
            let Ok(stored) = stored_of(size, *leaf, &longer) else { return [0; 32] };
            longer.more.extend(stored);
            size += 1;
        }
        root_of(size, &longer).unwrap_or_default()
    }

    /// The proof that the log at `to` entries begins with the one at `from`; `None` if there are fewer, or `from` is greater.
    pub fn consistency(&self, from: u64, to: u64) -> Option<Vec<[u8; 32]>> {
        if from > to || to > self.size {
            return None;
        }
        if from == 0 {
            return Some(Vec::new());
        }
        let proof = prove_tree(to, from, &Reader(self.hashes.as_slice())).ok()?;
        Some(proof.into_iter().map(|hash| hash.0).collect())
    }

    /// The proof that entry `number` is in the log at `size` entries; `None` if there are fewer.
    pub fn inclusion(&self, number: u64, size: u64) -> Option<Vec<[u8; 32]>> {
        if number >= size || size > self.size {
            return None;
        }
        let proof = prove_record(size, number, &Reader(self.hashes.as_slice())).ok()?;
        Some(proof.into_iter().map(|hash| hash.0).collect())
    }
}

/// A tree and what may follow it.
struct Longer<'a> {
    tree: &'a Tree,
    more: Vec<[u8; 32]>,
}

impl Hashes for Longer<'_> {
    fn read(&self, indexes: &[u64]) -> Option<Vec<[u8; 32]>> {
        let one = |index: &u64| {
            let index = usize::try_from(*index).ok()?;
            let known = &self.tree.hashes;
            known.get(index).or_else(|| self.more.get(index.checked_sub(known.len())?)).copied()
        };
        indexes.iter().map(one).collect()
    }
}
