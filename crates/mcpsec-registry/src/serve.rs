//! Joins the parts and answers requests until told to stop.
use std::sync::Arc;

use axum::Router;
use mcpsec_model::approval::{Signers, rules_id};

use crate::{
    api,
    app::{App, Parts},
    auth::Auth,
    blobs::Blobs,
    catalog::{Builder, Catalogs},
    clock::Clock,
    config::Config,
    db::Db,
    log::Log,
    mcp, mirror,
    ops::{self, Metrics},
    pull::Pulls,
    ui,
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct StartError {
    /// What was being done.
    pub what: String,
    /// Why it failed.
    pub why: String,
}

impl StartError {
    fn new(what: impl Into<String>, why: &dyn std::fmt::Display) -> Self {
        Self { what: what.into(), why: why.to_string() }
    }
}

/// Opens everything.
///
/// # Errors
/// [`StartError`].
pub async fn open(config: Config, clock: Clock) -> Result<App, StartError> {
    std::fs::create_dir_all(&config.data)
        .map_err(|error| StartError::new(format!("failed to make {}", config.data.display()), &error))?;
    let db = Db::open(config.database.as_ref(), &config.data)
        .await
        .map_err(|error| StartError::new("failed to open the database", &error))?;
    let blobs = Blobs::open(config.blobs.as_deref(), &config.data)
        .map_err(|error| StartError::new("failed to open the blob store", &error))?;
    let path = config.signers.clone().unwrap_or_else(|| config.data.join("mcp-signers"));
    let signers = match std::fs::read_to_string(&path) {
        Ok(text) => Signers::parse(&text, &path.display().to_string())
            .map_err(|error| StartError::new("the signers cannot be read", &error))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && config.signers.is_none() => Signers::nobody(),
        Err(error) => return Err(StartError::new(format!("failed to read {}", path.display()), &error)),
    };
    let builder = Builder::new(Arc::new(signers), rules_id([]), config.required);
    let pulls = Pulls::new(config.pull_through.as_ref())
        .map_err(|error| StartError::new("failed to prepare fetching from upstreams", &error))?;
    let app = App::new(Parts {
        pulls,
        config,
        clock,
        db,
        blobs,
        catalogs: Catalogs::new(builder),
        log: Log::default(),
        auth: Auth::default(),
        metrics: Metrics::default(),
    });
    app.changed().await.map_err(|error| StartError::new("failed to read what is vetted", &error))?;
    Ok(app)
}

/// All addresses.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(ops::router())
        .merge(api::router())
        .merge(mirror::router())
        .merge(mcp::router())
        .merge(ui::router())
        .with_state(app)
}
