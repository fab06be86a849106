//! What goes on between requests: finding out what other replicas wrote and what became wrong by time alone, and removing what
//! interrupted uploads left.
use std::time::Duration;

use crate::app::App;

/// How often a replica looks. It is one row of the database.
const LOOK: Duration = Duration::from_secs(1);

/// How often leftovers are looked for. They are removed when they are a day old.
const SWEEP: Duration = Duration::from_secs(3600);

/// Starts it; it ends with the process.
pub fn start(app: &App) {
    renewal(app.clone());
    sweeping(app.clone());
}

fn sweeping(app: App) {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(SWEEP);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match app.blobs.sweep(app.clock.now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "leftovers of interrupted uploads were removed"),
                Err(error) => tracing::warn!(%error, "leftovers of interrupted uploads could not be removed"),
            }
        }
    });
}

fn renewal(app: App) {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut lost = false;
        loop {
            ticks.tick().await;
            // What fails was logged where it failed.
            match app.changed().await {
                Ok(()) => {
                    app.metrics.entries(i64::try_from(app.log.size()).unwrap_or(i64::MAX));
                    app.metrics.renewed(app.clock.now().as_millisecond() as f64 / 1000.0);
                    if std::mem::take(&mut lost) {
                        tracing::info!("the database answers again");
                    }
                }
                Err(_) => lost = true,
            }
        }
    });
}
