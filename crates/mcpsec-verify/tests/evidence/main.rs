//! Evidence, verified as a user of the crate would: recorded signatures, made ones, and what must be refused.
mod git;
mod npm;
mod npm_attestations;
mod pypi;
