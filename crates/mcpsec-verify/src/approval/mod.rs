//! Signed approvals: who may sign, whether they did, and whether it is about exactly what is locked.
//!
//! ```text
//! Envelope + PublicKey of mcp-signers -> signature::check      (SSHSIG for SSH keys, plain signatures for PEM keys)
//! lines + Signers + Approved + now    -> judge::weigh -> Standing -> the check `approval`
//! a private key + payload             -> sign::Key -> Envelope
//! ```
//!
//! **Which key and which algorithm** is decided by mcp-signers alone. What an envelope says about its key is compared and never
//! followed; a signature is tried in one way only, that of the key.
//!
//! **Time.** A statement's own time is its signer's word. It is what validity windows of keys are compared with; whoever holds a
//! key can back-date. So a key that is `revoked` counts for nothing from then on, whatever its statements say.
mod error;
pub mod history;
mod judge;
pub mod log;
mod sign;
mod signature;
mod sshsig;
#[cfg(test)]
mod tests;

pub use error::{Refusal, SignError, SignatureError};
pub use judge::{AHEAD, Heard, Locked, Need, Since, Source, Standing, Weighed, signed_by, weigh};
pub use sign::{Key, Request};
pub use signature::check;
pub use sshsig::NAMESPACE;
