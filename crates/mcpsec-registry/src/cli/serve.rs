//! `mcpsec-registry serve`.
use super::{Failure, say};
use crate::{clock::Clock, config::Config, serve};

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    let listen = config.listen;
    let app = serve::open(config, Clock::system()).await.map_err(Failure::new)?;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .map_err(|error| Failure::new(format!("failed to listen on {listen}: {error}")))?;
    let address = listener.local_addr().map_err(Failure::new)?;
    say(&format!("mcpsec-registry listens on http://{address}\n"))?;
    axum::serve(listener, serve::router(app)).await.map_err(Failure::new)
}
