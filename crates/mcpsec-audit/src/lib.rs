//! Deterministic judgement: checks, findings and policy in, a verdict out. No file, socket or clock is touched.
//!
//! [`policy::judge`] is what `add` and `verify` ask. [`poison::scan`] reads every word that a server tells
//! the model, and [`explain`] says of each rule what it means and what to do.
#![forbid(unsafe_code)]

pub mod advisories;
pub mod content;
pub mod cooldown;
pub mod drift;
pub mod evidence;
pub mod explain;
pub mod names;
pub mod poison;
pub mod policy;
