//! Advisories in the OSV form: the offline database, how it is brought up to date, and the API that answers online.
//!
//! Bytes only: which record means which version is decided in `mcpsec-audit`, and the root joins the two. [`update()`] and [`import`]
//! write a [`Database`] anew and put it in place whole; [`Database::open`] and [`Database::records`] read of it what is asked for.
//! [`ask`] puts packages to an OSV service and fetches the records that it names. Where the service and the archives are is the
//! configuration's to say: no address is built in.
mod api;
mod build;
mod database;
mod error;
mod import;
#[cfg(test)]
mod tests;
mod update;

use std::collections::BTreeMap;

use mcpsec_model::{
    advisory::Record,
    name::{Ecosystem, PackageName},
};

pub use api::{Answers, Api, ask};
pub use database::{About, Database, Part};
pub use error::OsvError;
pub use import::{Imported, import};
pub use update::{Updated, update};

/// Records about packages, whatever their versions. A package that nothing is known about is absent.
pub type Records = BTreeMap<(Ecosystem, PackageName), Vec<Record>>;

/// The key of a package in the index.
fn key(ecosystem: Ecosystem, name: &PackageName) -> String {
    format!("{ecosystem}:{name}")
}
