//! Joins the parts and answers requests until told to stop.
use std::sync::atomic::AtomicBool;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use mcpsec_model::approval::rules_id;

use crate::{
    api,
    app::{App, Parts},
    auth::{Auth, gate},
    blobs::Blobs,
    catalog::{Builder, Catalogs},
    clock::Clock,
    config::Config,
    db::Db,
    log::Log,
    mcp, mirror,
    ops::{self, Guard, Metrics, Readiness},
    pull::Pulls,
    trust::Trust,
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
    pub(crate) fn new(what: impl Into<String>, why: &dyn std::fmt::Display) -> Self {
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
    let trust = Trust::read(&config)?;
    let log = Log::open(&config, &db)
        .await
        .map_err(|error| StartError::new("failed to open the log of approvals", &error))?;
    let auth = Auth::new(&config.oidc).map_err(|error| StartError::new("failed to make an HTTP client", &error))?;
    let builder = Builder::new(trust.signers(), rules_id([]), config.required);
    let pulls = Pulls::new(config.pull_through.as_ref())
        .map_err(|error| StartError::new("failed to prepare fetching from upstreams", &error))?;
    let guard = Guard::new(&config.limits);
    let app = App::new(Parts {
        pulls,
        config,
        clock,
        db,
        blobs,
        catalogs: Catalogs::new(builder),
        log,
        auth,
        trust,
        releases: api::Releases::default(),
        listings: mcp::Listings::default(),
        pages: mirror::Pages::default(),
        metrics: Metrics::default(),
        guard,
        readiness: Readiness::default(),
        stopping: AtomicBool::new(false),
        shelf: ui::Shelf::default(),
    });
    app.changed().await.map_err(|error| StartError::new("failed to read what is vetted", &error))?;
    Ok(app)
}

/// The largest body that is read where an address does not say otherwise.
const BODY: usize = 1 << 20;

/// All addresses, behind the guard.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(ops::router())
        .merge(api::router())
        .merge(mirror::router())
        .merge(mcp::router())
        .merge(ui::router())
        .fallback(ops::no_page)
        .method_not_allowed_fallback(ops::no_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(app.clone(), gate))
        .layer(middleware::from_fn_with_state(app.clone(), ops::guard))
        .with_state(app)
}
