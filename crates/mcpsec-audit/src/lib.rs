//! Deterministic judgement: checks, findings and policy in, a verdict out. No file, socket or clock is touched.
//!
//! [`policy::judge`] is what `add` and `verify` ask. Rules that look at content and manifests will live beside it.
#![forbid(unsafe_code)]

pub mod drift;
pub mod evidence;
pub mod policy;
