//! `mcpsec-registry check`: does everything that `serve` needs work?
use super::{Failure, say};
use crate::{advice, clock::Clock, config::Config, ops, serve};

/// Opens what `serve` opens, looks whether it answers, and listens nowhere: it may run beside a server.
pub(super) async fn run(config: Config) -> Result<(), Failure> {
    if let Some(tls) = &config.tls {
        ops::certificate(tls).await.map_err(Failure::new)?;
    }
    let app = serve::open(config, Clock::system()).await.map_err(Failure::new)?;
    app.blobs
        .check()
        .await
        .map_err(|error| Failure::new(format!("the blob store does not answer: {error}; {}", advice::BLOBS)))?;
    let advice = advice::of(&app).await.map_err(Failure::new)?;
    let (key, _) = app.log.keys(&app.db).await.map_err(Failure::new)?;
    let mut text = String::new();
    for advice in &advice {
        text.push_str(&format!("warning: {advice}\n"));
    }
    let entries = app.log.size();
    text.push_str(&format!(
        "settings, database, blob store, signers and log key are good; the log has {entries} entries and the key {key}\n"
    ));
    say(&text)
}
