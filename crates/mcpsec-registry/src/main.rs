//! `mcpsec-registry`: the team server of mcpsec.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    mcpsec_registry::cli::main()
}
