//! Who looks at a page, and what every page needs for them.
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use mcpsec_model::{digest::Digest, name::ServerName};

use super::{asked::Asked, page::Failure};
use crate::{
    address::Address,
    app::App,
    auth::{Caller, Scope},
    catalog::{Catalog, Release, Status},
};

/// A request for a page by somebody who may read it.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) app: App,
    /// What is vetted, one state for the whole page.
    pub(super) catalog: Arc<Catalog>,
    pub(super) asked: Asked,
    /// What commands on the page start their addresses with.
    pub(super) address: Address,
}

impl Reader {
    /// How many releases wait for approval.
    pub(super) fn pending(&self) -> usize {
        self.catalog.releases().iter().filter(|release| release.status == Status::Pending).count()
    }

    /// The versions of a server, the latest push first; never empty.
    ///
    /// # Errors
    /// 404: nobody pushed one of that name.
    pub(super) fn releases_of(&self, name: &str) -> Result<Vec<Arc<Release>>, Failure> {
        let unknown = || Failure::not_found("no server of that name").hint("the search finds packages and tools, too");
        let name: ServerName = name.parse().map_err(|_| unknown())?;
        let releases: Vec<Arc<Release>> = self.catalog.of_server(&name).map(Arc::clone).collect();
        if releases.is_empty() { Err(unknown()) } else { Ok(releases) }
    }

    /// One version of a server.
    ///
    /// # Errors
    /// 404: it has no such lock.
    pub(super) fn release(&self, name: &str, lock: &str) -> Result<Arc<Release>, Failure> {
        let unknown =
            || Failure::not_found("this server has no such lock").hint("its page lists all that somebody pushed");
        let lock: Digest = lock.parse().map_err(|_| unknown())?;
        let release = self.catalog.release(&lock).filter(|release| release.server.as_str() == name);
        release.map(Arc::clone).ok_or_else(unknown)
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if app.config.private {
            caller.require(Scope::Read)?;
        }
        let Ok(address) = Address::from_request_parts(parts, app).await;
        let asked = Asked::parse(parts.uri.query().unwrap_or_default());
        Ok(Self { app: app.clone(), catalog: app.catalogs.get(), asked, address })
    }
}
