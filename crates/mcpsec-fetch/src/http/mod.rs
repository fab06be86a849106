//! HTTP: one client, one metadata cache, one set of limits.
pub mod credentials;

pub use credentials::Credentials;
