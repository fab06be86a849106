//! The binary `mcpsec`: parses the command line, runs one command, maps its outcome to an exit code.
#![forbid(unsafe_code)]

mod agent;
mod cli;
mod commands;
mod error;
mod exit;
mod files;
mod probe;
mod project;
mod settings;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The second half of the sandbox's launcher is this program again; it must become the server before any thread starts.
    if let Some(code) = mcpsec_capture::sandbox::stage_if_asked() {
        return code;
    }
    // One crypto provider for the whole process; a second installation would mean that something raced us to it.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return exit::BUG.into();
    }
    let args = match cli::parse() {
        Ok(args) => args,
        Err(code) => return code,
    };
    exit::finish(commands::run(args))
}
