//! What goes on between requests: finding out what other replicas wrote, what the operator's files say and what became wrong by
//! time alone, and removing what interrupted uploads left.
use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;

use crate::{
    app::App,
    error::ApiError,
    trust::{self, Look},
};

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
            let look = AssertUnwindSafe(look(&app)).catch_unwind();
            // What fails was logged where it failed. A panic ends one look and not all that would follow: without them no revocation
            // of another replica would ever be seen here.
            let looked = look.await.unwrap_or_else(|_panic| Err(ApiError::bug(&"looking for changes panicked")));
            app.metrics.signers(app.trust.is_current());
            match looked {
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

async fn look(app: &App) -> Result<(), ApiError> {
    let files = trust::renew(app, Look::Twice).await;
    app.changed().await?;
    files
}
