//! The second half of the sandbox's launcher as a program of its own, for tests of this crate.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    mcpsec_capture::sandbox::stage_if_asked().unwrap_or(ExitCode::from(2))
}
