//! Rendering: a report goes in, human text or JSON v1 comes out. No judgement, no I/O.
#![forbid(unsafe_code)]
