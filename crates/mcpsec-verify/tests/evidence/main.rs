//! Evidence, verified as a user of the crate would: recorded signatures, made ones, and what must be refused.
mod git;
//! Evidence against recorded fixtures: what must hold holds, and what must not is refused for the right reason.
mod mutations;
mod git;
mod npm;
mod npm_attestations;
mod pypi;
