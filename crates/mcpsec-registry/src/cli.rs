//! The command line.
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{clock::Clock, config::Config, serve};

/// The team server of mcpsec: allowlist, mirror, registry API and web page of vetted MCP servers
#[derive(Debug, Parser)]
#[command(name = "mcpsec-registry", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer requests
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Folder of the database, the files and the log's key
    #[arg(long, env = "MCPSEC_REGISTRY_DATA")]
    data: PathBuf,
    /// Where to listen
    #[arg(long, env = "MCPSEC_REGISTRY_LISTEN", default_value = "127.0.0.1:7420")]
    listen: SocketAddr,
}

/// Runs the program.
pub fn main() -> ExitCode {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return ExitCode::from(4);
    }
    let Command::Serve(args) = Cli::parse().command;
    let config = Config { listen: args.listen, ..Config::in_folder(args.data) };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::from(4);
    };
    match runtime.block_on(run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}

async fn run(config: Config) -> Result<(), serve::StartError> {
    let listen = config.listen;
    let app = serve::open(config, Clock::system()).await?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| serve::StartError { what: format!("failed to listen on {listen}"), why: error.to_string() })?;
    let address = listener
        .local_addr()
        .map_err(|error| serve::StartError { what: "failed to read the address".to_owned(), why: error.to_string() })?;
    announce(&format!("mcpsec-registry listens on http://{address}"));
    axum::serve(listener, serve::router(app))
        .await
        .map_err(|error| serve::StartError { what: "failed to serve".to_owned(), why: error.to_string() })
}

/// Why it stopped, on standard error.
fn complain(why: &str) {
    use std::io::Write as _;
    // Nobody is left to tell when standard error is closed.
    let _nobody_listens = writeln!(std::io::stderr().lock(), "error: {why}");
}

/// What a person, or a test, waits for on standard output.
fn announce(line: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::warn!("standard output is closed");
    }
}
