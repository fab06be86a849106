//! `mcpsec-registry serve`.
use super::{Failure, say};
use crate::{advice, clock::Clock, config::Config, ops, serve};

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    ops::start_logs(&config).map_err(Failure::new)?;
    let app = serve::open(config, Clock::system()).await.map_err(Failure::new)?;
    for advice in advice::of(&app).await.map_err(Failure::new)? {
        tracing::warn!("{advice}");
    }
    ops::start_background(&app);
    let router = serve::router(app.clone());
    let announce = |address: &str| {
        if let Err(why) = say(&format!("mcpsec-registry listens on {address}\n")) {
            tracing::warn!(%why, "standard output is closed");
        }
    };
    ops::serve(app, router, announce).await.map_err(Failure::new)?;
    tracing::info!("ended");
    Ok(())
}
