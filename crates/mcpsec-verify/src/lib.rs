//! Cryptographic judgement, offline and synchronous: bytes and documents in, proofs of `mcpsec_model::evidence` out.
//!
//! Nothing here reads a file, a socket or the environment. The Sigstore protocol is `sigstore-verify`'s; what it leaves to its
//! callers (which subject, which predicate, which signer, which key at which time) is decided here, one module per ecosystem.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod approval;
mod claims;
pub mod git;
pub mod npm;
pub mod pypi;
pub mod sigstore;
#[cfg(test)]
mod statements;

pub use claims::Contradiction;
