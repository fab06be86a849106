//! Deterministic judgement: checks and findings in, verdict out. No I/O.
#![forbid(unsafe_code)]
