//! The machine we fetch for: which of the locked artifacts it needs.
use mcpsec_model::target::{Platform, PythonMinor};

/// This machine, as the root found it (or as a test says).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Host {
    /// Operating system, processor and C library.
    pub platform: Platform,
    /// The Python to choose wheels for; `None` means the newest minor that the lock covers.
    pub python: Option<PythonMinor>,
}
