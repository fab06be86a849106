//! Evidence against recorded fixtures: what must hold holds, and what must not is refused for the right reason.
mod git;
mod mutations;
mod npm;
mod npm_attestations;
mod pypi;
