//! npm: signatures of the registry over `name@version:integrity`, and attestations of who published and who built.
mod attestation;
mod keys;
mod signature;

pub use attestation::{AttestationError, PUBLISH, attestations};
pub use keys::{Key, KeyError, KeySet, Missing, Usage};
pub use signature::{SignatureError, signatures};
