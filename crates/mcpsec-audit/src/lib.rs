//! Deterministic judgement: checks and findings in, verdict out. No I/O, no clock: `now` is a value.
#![forbid(unsafe_code)]

pub mod policy;
